#!/usr/bin/env python3
"""Only what a link is for uses it, out and in; the rest waits and says why."""

import email
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

LARGE = ("z" * 70 + "\r\n") * 100
NARROW = {"name": "iridium", "peers": ["shore"], "max_size": "4K",
          "min_priority": "low"}
WIDE = {"name": "harbour", "peers": ["shore"]}


def send(site, subject, text="hello\r\n", priority=None):
    params = f" MT-PRIORITY={priority}" if priority is not None else ""
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", "ben@shore.example",
                            make(subject, text), params)
    if reply.code != 250:
        raise AssertionError(reply)
    return reply.message_id


def out_site(*links, rules=None):
    peer = Peer(auth=False, rules=rules)
    world = World()
    site = world.make_site(
        peer=world.peer(submission=peer.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        relay={"max_priority": 9},
        links=list(links)).start()
    site.restart()  # with ports that a reload finds again
    return peer, site


def codes(site):
    return sorted((r["state"], r["reason_code"]) for r in site.queue())


def outbound():
    peer, site = out_site(NARROW, WIDE)
    send(site, "small")
    send(site, "large", LARGE)
    send(site, "bulk", priority=-5)
    equal(site.link_up("iridium"), 10, "some mail left on purpose")
    equal(len(peer.mails), 1, "the small one went")
    equal(peer.connections, 1, "over one connection, and no second for nothing")
    wait_until(lambda: codes(site) == [("ready", "priority"),
                                       ("ready", "size")])
    equal(codes(site), [("ready", "priority"), ("ready", "size")],
          "what stayed says why")
    equal([r["attempts"] for r in site.queue()], [0, 0], "no attempt counts")
    check("too large for iridium" in site.queue("--larger", "4000")[0]["reason"],
          "in words", site.queue("--larger", "4000")[0]["reason"])
    send(site, "another")
    check(wait_until(lambda: len(peer.mails) == 2), "small mail goes on")
    equal(site.link_up("harbour"), 0, "another link takes it")
    equal(len(peer.mails), 4, "all of it")
    check(site.wait_queue_empty(), "nothing is left")


def nothing_to_connect_for():
    peer, site = out_site(NARROW)
    send(site, "large", LARGE)
    equal(site.link_up("iridium"), 10, "some mail left on purpose")
    equal(peer.connections, 0, "nobody was called for it")
    check(wait_until(lambda: codes(site) == [("ready", "size")]), "why",
          codes(site))
    site.conf["links"] = [dict(NARROW, max_size="1M")]
    site.reload()
    check(wait_until(lambda: len(peer.mails) == 1),
          "with other limits it goes")


def in_world(**link):
    world = World()
    world.make_shore().start()
    world.add_customer()
    world.make_site(links=[dict(NARROW, **link)]).start()
    world.site.restart()
    return world


def to_site(world, subject, text="hello\r\n", params=""):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        reply = client.mail("eve@shore.example", "cap@aurora.example.org",
                            make(subject, text), params)
    if reply.code != 250:
        raise AssertionError(reply)


def subjects_of(site):
    return [email.message_from_bytes(m)["Subject"]
            for m in site.mailbox("cap")]


def calls_for(site, subject):
    site.link_down("iridium")
    site.link_up("iridium")
    return subject in subjects_of(site)


def inbound():
    world = in_world()
    to_site(world, "large", LARGE)
    to_site(world, "small")
    equal(world.site.link_up("iridium"), 10, "the far side holds some")
    world.site.wait_mail("cap")
    subjects = subjects_of(world.site)
    check("small" in subjects and "large" not in subjects,
          "the small one came", subjects)
    row = wait_until(lambda: [r for r in world.shore.queue()
                              if r["state"] != "active"])[0]
    check("452" in row["reason"] or "4.3.1" in row["reason"],
          "the provider keeps it, and knows why", row)
    world.site.conf["links"] = [dict(NARROW, max_size="1M")]
    world.site.reload()
    check(wait_until(lambda: calls_for(world.site, "large"), 20, 1),
          "with other limits it comes")
    equal(subjects_of(world.site).count("large"), 1, "once")


run(outbound, nothing_to_connect_for, inbound)
