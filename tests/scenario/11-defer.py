#!/usr/bin/env python3
"""A temporary refusal defers, with growing delays; a person can retry."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import datetime
import time


def deferring(rules, retry):
    world = World()
    peer = Peer(rules=rules, auth=False)
    site = world.make_site(
        queue={"retry": retry},
        peer=world.peer(submission=peer.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None)).start()
    return world, peer, site


def send(site, name, to="ben@shore.example"):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        return client.mail("ann@aurora.example.org", to,
                           make(name)).message_id


def seconds_from_now(text):
    then = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return then.timestamp() - time.time()


def attempts(site):
    rows = site.queue()
    return rows[0]["attempts"] if rows else None


def waits_and_says_so():
    rules = {"RCPT": "451 4.3.0 greylisted, come back"}
    world, peer, site = deferring(rules, ["1h", "2h"])
    name = send(site, "patient")
    equal(site.link_up("iridium", "20s") in (10, 13, 0), True,
          "link up ends by itself")
    row = site.queue()[0]
    equal((row["state"], row["attempts"], row["reason_code"]),
          ("deferred", 1, "peer-4xx"), "deferred after one attempt")
    check("greylisted" in row["reason"], "the reason has the peer's words",
          row["reason"])
    check(row["next_attempt"] and
          3000 < seconds_from_now(row["next_attempt"]) < 4500,
          "the next attempt is in about an hour", row["next_attempt"])
    time.sleep(0.5)
    equal(attempts(site), 1, "it is not tried again at once")
    before = site.queue()
    site.restart()
    equal(site.queue(), before, "a restart changes nothing")

    peer.rules.clear()
    done = site.cli("queue", "retry", name)
    equal(done.returncode, 0, "queue retry")
    check("1" in done.stdout, "it says how many deliveries", done.stdout)
    check(wait_until(lambda: len(peer.mails) == 1), "and it goes now")
    check(site.wait_queue_empty(), "nothing waits")


def backs_off():
    rules = {"MAIL": "450 4.2.0 busy"}
    world, peer, site = deferring(rules, ["1s", "2s", "1h"])
    send(site, "stubborn")
    start = time.monotonic()
    site.must("link", "up", "iridium")
    seen = {}
    while time.monotonic() - start < 15 and 3 not in seen:
        count = attempts(site)
        if count and count not in seen:
            seen[count] = time.monotonic() - start
        time.sleep(0.05)
    check(sorted(seen)[:1] == [1] and 3 in seen, "three attempts follow",
          seen)
    if 2 in seen and 3 in seen:
        check(seen[2] - seen[1] >= 0.8, "the second after a second", seen)
        check(seen[3] - seen[2] >= 1.6, "the third after two more", seen)
    row = site.queue()[0]
    check(seconds_from_now(row["next_attempt"]) > 2000,
          "the fourth after an hour", row)
    history = site.rows("queue", "show", str(row["message"]))[0]
    events = history["deliveries"][0]["history"]
    check(len(events) >= 3, "queue show has a history", events)


def one_of_two_deferred():
    def rcpt(conn, line):
        return "452 4.2.2 box is full" if "ben@" in line else None

    world, peer, site = deferring({"RCPT": rcpt}, ["1h"])
    send(site, "split", ["ben@shore.example", "eve@shore.example"])
    site.link_up("iridium", "20s")
    equal([m.recipients for m in peer.mails], [["eve@shore.example"]],
          "the one that may gets it")
    equal([(r["recipient"], r["state"]) for r in site.queue()],
          [("ben@shore.example", "deferred")], "the other waits")
    peer.rules.clear()
    site.must("queue", "retry", "--all", "--yes")
    check(wait_until(lambda: len(peer.mails) == 2), "later it goes")
    equal(peer.mails[-1].recipients, ["ben@shore.example"],
          "to the other alone")


run(waits_and_says_so, backs_off, one_of_two_deferred)
