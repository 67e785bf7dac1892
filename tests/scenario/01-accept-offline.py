#!/usr/bin/env python3
"""Mail is accepted at any moment; it waits in the spool and survives."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time


def send_some(site, count):
    sent = {}
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for i in range(count):
            octets = make(f"offline {i}")
            start = time.monotonic()
            reply = client.mail("ann@aurora.example.org",
                                f"ben{i}@shore.example", octets)
            took = time.monotonic() - start
            check(reply.code == 250 and reply.message_id,
                  f"message {i} is accepted while the link is down", reply)
            check(reply.text.startswith("2.0.0 Ok: queued as "),
                  f"the reply to message {i} names it", reply)
            check(took < 5, f"message {i} did not wait for the link", took)
            sent[reply.message_id] = octets
        client.quit()
    return sent


def listed(site):
    return sorted((r["id"], r["recipient"], r["state"]) for r in site.queue())


def accepted_and_kept():
    world = World()
    # No provider anywhere: nobody listens on these ports.
    site = world.make_site(peer=world.peer(submission=9, odmr=9)).start()
    sent = send_some(site, 3)
    rows = site.queue()
    equal(len(rows), 3, "queue list has a row for each delivery")
    for row in rows:
        equal(row["state"], "ready", f"{row['id']} is ready")
        equal(row["reason_code"], "link-down", f"{row['id']} tells why")
        check("iridium" in (row["reason"] or ""),
              f"{row['id']} names the link in its sentence", row["reason"])
        equal(row["route"], "*", f"{row['id']} has the route's match")
        equal(row["attempts"], 0, f"{row['id']} was never tried")
        check(str(row["message"]) in sent, "the row names the message", row)
        check(row["size"] > 100 and row["queued_at"].endswith("Z"),
              "size and time are told", row)
    before = listed(site)

    site.kill()
    equal(listed(site), before, "the list is the same with the daemon dead")
    status = site.status()
    equal(status["running"], False, "status says that it does not run")
    equal(status["queue"]["ready"], 3, "status counts from the spool alone")
    site.start()
    equal(listed(site), before, "after kill -9 and a restart nothing is lost")
    for row in site.queue():
        equal(row["reason_code"], "link-down", "the reason is still told")
    for name, octets in sent.items():
        shown = site.must("queue", "show", name, "--body")
        check(octets.decode().split("\r\n\r\n")[1].strip() in shown,
              f"message {name} still has its body", shown)


def local_mail_needs_no_link():
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9)).start()
    octets = make("to the cook", to="cook@aurora.example.org")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org",
                            "cook@aurora.example.org", octets)
    equal(reply.code, 250, "mail between two on board is accepted")
    mails = site.wait_mail("cook")
    equal(len(copies(mails, octets)), 1, "and arrives with the link down")


run(accepted_and_kept, local_mail_needs_no_link)
