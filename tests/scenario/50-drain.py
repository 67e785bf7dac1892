#!/usr/bin/env python3
"""The whole queue in a few turns, and no octet twice."""

import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

from link import Link
from peer import KEYWORDS

COUNT = 100
OVERHEAD = 110  # octets of protocol for a message with one recipient
SLOW = {"name": "iridium", "peers": ["shore"], "bit_rate": 2400,
        "rtt": "1800ms"}


def fill(site, count=COUNT, sender="ann@aurora.example.org"):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for i in range(count):
            reply = client.mail(sender, f"ben{i}@shore.example",
                                make(f"message {i}", "a line of it\r\n" * 40))
            if reply.code != 250:
                raise AssertionError(reply)


def history(site, count):
    """The turn-arounds of COUNT sessions, as the node itself counted them."""
    def rows():
        base = sqlite3.connect(f"file:{site.dir}/spool/spool.db?mode=ro",
                               uri=True)
        try:
            return [row[0] for row in base.execute(
                "SELECT turnarounds FROM session ORDER BY id")]
        finally:
            base.close()
    wait_until(lambda: len(rows()) >= count, 10)
    return rows()


def clear_site(peer, link):
    world = World()
    return world.make_site(
        peer=world.peer(submission=link.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        links=[SLOW]).start()


def drain(keywords, count):
    peer = Peer(auth=False, keywords=keywords)
    link = Link(peer.port)
    site = clear_site(peer, link)
    fill(site, count)
    equal(site.link_up("iridium"), 0, "everything moves")
    equal(len(peer.mails), count, "every message arrives, once")
    check(site.wait_queue_empty(), "nothing is left")
    equal(link.connections, 1, "over one connection")
    equal(history(site, 1), [link.turns], "the node counts the same turns")
    return peer, link


def both():
    """PIPELINING and CHUNKING: TCP, greeting, EHLO, and all of it."""
    peer, link = drain(KEYWORDS, COUNT)
    equal(link.turns, 4, f"{COUNT} messages take four turns")
    bodies = sum(len(mail.octets) for mail in peer.mails)
    commands = sum(len(line) + 2 for line in peer.verbs)
    equal(link.sent, bodies + commands, "no octet goes twice")
    per_mail = [line for line in peer.verbs
                if line.split()[0] not in ("EHLO", "QUIT")]
    check(sum(len(line) + 2 for line in per_mail) <= OVERHEAD * COUNT,
          f"at most {OVERHEAD} octets of protocol a message",
          sum(len(line) + 2 for line in per_mail) / COUNT)
    equal(sum(line == "RSET" for line in peer.verbs), COUNT - 1,
          "each message but the first begins with RSET")


def pipelining():
    """Without CHUNKING the next envelope rides behind the final dot."""
    count = 20
    _, link = drain(tuple(k for k in KEYWORDS if k != "CHUNKING"), count)
    equal(link.turns, 3 + count + 1, "a turn a message")


def neither():
    count = 5
    _, link = drain(("8BITMIME",), count)
    equal(link.turns, 3 + 4 * count, "MAIL, RCPT, DATA and the end")


def tls(kind, turns_warm):
    world = World()
    shore = world.make_shore()
    shore.conf["listeners"].append(
        listener("submissions", "submission", "implicit"))
    shore.start()
    world.add_customer()
    port = {"implicit": "submissions", "required": "submission"}[kind]
    link = Link(shore.port(port))
    site = world.make_site(
        peer=world.peer(submission=link.port, tls=kind, collect="none",
                        collect_port=None),
        links=[SLOW]).start()
    seen = []
    for round_, turns in (("cold", None), ("warm", turns_warm)):
        link.reset()
        fill(site, 30, "ann@aurora.example.org")
        equal(site.link_up("iridium"), 0, f"{kind}, {round_}: all moves")
        check(site.wait_queue_empty(), f"{kind}, {round_}: nothing is left")
        site.must("link", "down", "iridium")
        seen.append(link.turns)
        equal(history(site, len(seen)), seen,
              f"{kind}, {round_}: the node counts the same turns")
        if turns:
            equal(link.turns, turns, f"{kind}, {round_}: turns")


def implicit_tls():
    """TCP, TLS, greeting, EHLO, AUTH, and all of it."""
    tls("implicit", 6)


def starttls():
    """TCP, greeting, EHLO, STARTTLS, TLS, EHLO, AUTH, and all of it."""
    tls("required", 8)


run(both, pipelining, neither, implicit_tls, starttls)
