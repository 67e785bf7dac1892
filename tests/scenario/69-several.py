#!/usr/bin/env python3
"""Links at once, each with rules of its own; told twice; and taken down in the
last octet of a message."""

import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

LARGE = ("z" * 70 + "\r\n") * 100


def peer_conf(world, peer, **conf):
    return world.peer(submission=peer.port, tls="none", user=None,
                      password_file=None, collect="none", collect_port=None,
                      **conf)


def send(site, subject, text="hello\r\n", to="ben@shore.example",
         priority=None):
    params = f" MT-PRIORITY={priority}" if priority is not None else ""
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", to,
                            make(subject, text), params)
    equal(reply.code, 250, f"{subject} taken")
    return reply.message_id


def site_with(peer, *links):
    world = World()
    return world.make_site(peer=peer_conf(world, peer),
                           relay={"max_priority": 9},
                           links=list(links)).start()


def subjects(peer):
    return sorted(line[9:].strip().decode() for m in peer.mails
                  for line in m.octets.split(b"\r\n")
                  if line.startswith(b"Subject: "))


def down_in_the_last_octet():
    """The peer has all of a message and its reply is on the way."""
    has_all, go_on = threading.Event(), threading.Event()

    def wait(conn, _line):
        if not has_all.is_set():
            has_all.set()
            go_on.wait(30)

    peer = Peer(auth=False, rules={"end": wait})
    site = site_with(peer, {"name": "iridium", "peers": ["shore"]})
    name = send(site, "doubtful")
    site.must("link", "up", "iridium")
    check(has_all.wait(20), "the last octet came")
    site.must("link", "down", "iridium")
    check(wait_until(lambda: site.queue()
                     and site.queue()[0]["state"] != "active"),
          "it is given up", site.queue())
    go_on.set()
    check(wait_until(lambda: len(peer.mails) == 1), "the peer took it")
    equal(site.doubts(), [name], "it is said to be in doubt")
    equal(len(site.queue()), 1, "and is kept")
    site.must("queue", "retry", name)
    equal(site.link_up("iridium"), 0, "sent again")
    check(site.wait_queue_empty(), "nothing is left")
    equal(subjects(peer), ["doubtful", "doubtful"], "nothing is lost")
    equal(len({m.octets.partition(b"Subject")[2] for m in peer.mails}), 1,
          "and nothing else came of it")


def told_twice():
    peer = Peer(auth=False)
    site = site_with(peer, {"name": "iridium", "peers": ["shore"]})
    send(site, "one")
    for action, event in (("up", "link"), ("down", "link")):
        first = site.cli("link", action, "iridium")
        equal(first.returncode, 0, f"{action}")
        if action == "up":
            check(site.wait_queue_empty(), "it is used")
            check(wait_until(lambda: site.rows("link", "list")[0]["state"]
                             == "idle"), "and rests")
        before = site.rows("link", "list")[0]
        told = len(site.events(event))
        again = site.cli("link", action, "iridium")
        equal((again.returncode, again.stderr), (0, ""), f"{action} again")
        after = site.rows("link", "list")[0]
        equal((after["state"], after["since"]),
              (before["state"], before["since"]), "nothing changes")
        equal(len(site.events(event)), told, "and nothing is logged")
    equal(peer.connections, 1, "no connection for it")


def rules_of_each():
    shore, other = Peer(auth=False), Peer(auth=False)
    world = World()
    site = world.make_site(peer=peer_conf(world, shore),
                           relay={"max_priority": 9},
                           links=[{"name": "hf", "peers": ["shore"],
                                   "max_size": "4K", "min_priority": "urgent"},
                                  {"name": "iridium", "peers": ["shore"],
                                   "max_size": "4K"},
                                  {"name": "harbour", "peers": ["other"]}])
    site.conf["peers"].append(peer_conf(world, other, name="other"))
    site.conf["routes"].insert(0, {"match": "other.example",
                                   "peers": ["other"]})
    site.start()
    send(site, "urgent", priority=6)
    send(site, "small")
    send(site, "large", LARGE)
    send(site, "elsewhere", LARGE, to="eve@other.example")
    equal(site.link_up("hf"), 10, "mail is left on purpose")
    equal(subjects(shore), ["urgent"], "the narrow one: what is urgent")
    equal(site.link_up("iridium"), 10, "mail is left on purpose")
    equal(subjects(shore), ["small", "urgent"], "the next: what is small")
    equal(subjects(other), [], "nobody carries to the other")
    equal(site.link_up("harbour"), 0, "all it may carry")
    equal(subjects(other), ["elsewhere"], "a peer of its own")
    equal(subjects(shore), ["small", "urgent"], "and no other's mail")
    send(site, "more", priority=6)
    send(site, "more elsewhere", to="eve@other.example")
    check(wait_until(lambda: "more" in subjects(shore)
                     and "more elsewhere" in subjects(other)),
          "all up: each is used", (subjects(shore), subjects(other)))
    check(wait_until(lambda: len(site.queue()) == 1), "the large one waits")
    row = site.queue()[0]
    equal((row["state"], row["attempts"]), ("ready", 0), "for no fault")
    check(row["reason_code"] in ("size", "priority"),
          "and says what one of the links has against it", row)
    over = {e["link"] for e in site.events("connected") if e.get("link")}
    equal(over, {"hf", "iridium", "harbour"}, "over each of them")


run(down_in_the_last_octet, told_twice, rules_of_each)
