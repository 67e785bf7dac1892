#!/usr/bin/env python3
"""A peer that refuses, puts off, says 421 and closes as dice fall, while mail
of near and far senders comes in: each message is delivered once or its failure
is told once, and what came twice was in doubt."""
# limit: 300

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import random
import re
import time

from peer import CLOSE, KEYWORDS, Raw

NO_PIPELINING = tuple(k for k in KEYWORDS if k != "PIPELINING")
WAYS = (("in flight", KEYWORDS), ("by turns", NO_PIPELINING),
        ("by DATA", tuple(k for k in NO_PIPELINING if k != "CHUNKING")))
FAR, NEAR = "dora@inland.example", "ann@aurora.example.org"
BYE = Raw(b"421 4.3.2 bye\r\n", close=True)
COUNT, LINK_UP_AT, SEED = 120, 40, 11


class Storm:
    def __init__(self, keywords):
        self.dice = random.Random(SEED)
        self.over = False
        self.peer = Peer(auth=False, keywords=keywords, rules={
            "MAIL": self.on_mail, "RCPT": self.on_rcpt, "end": self.on_end})

    def one_of(self, *chances):
        """The first of (chance, verdict) that falls; None: good."""
        fallen = 1.0 if self.over else self.dice.random()
        for chance, verdict in chances:
            if fallen < chance:
                return verdict
            fallen -= chance
        return None

    def on_mail(self, _conn, _line):
        return self.one_of((.01, CLOSE), (.01, "450 4.2.0 busy"))

    def on_rcpt(self, _conn, line):
        if "<no" in line:
            return "550 5.1.1 nobody"
        return self.one_of((.15, "451 4.3.0 later"), (.02, CLOSE), (.02, BYE))

    def on_end(self, _conn, _line):
        time.sleep(0 if self.over else 0.02)
        return self.one_of((.1, "452 4.3.1 no room"), (.02, BYE))


def hand_in(site, dice):
    """Name to message: those that begin with "no" are refused for good."""
    names = {}
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for i in range(COUNT):
            if i == LINK_UP_AT:
                site.must("link", "up", "iridium")
            name = dice.choice(("no", "yes", "yes")) + str(i)
            reply = client.mail(
                dice.choice((FAR, NEAR)), f"{name}@shore.example",
                make(name, "a line\r\n" * dice.choice((3, 300))),
                dice.choice(("", "", " MT-PRIORITY=6")))
            equal(reply.code, 250, f"{name} is accepted")
            names[name] = reply.message_id
    return names


def weather(what, keywords):
    storm = Storm(keywords)
    site = World().relaying_site(storm.peer, ("1s", "1s", "2s")).start()
    names = hand_in(site, storm.dice)
    time.sleep(4)
    storm.over = True
    check(site.wait_queue_empty(60), f"{what}: nothing waits", site.queue())
    doubts = site.doubts()
    came = [m.recipients[0].split("@")[0] for m in storm.peer.mails
            if m.sender]
    wanted = {n for n in names if n.startswith("yes")}
    equal(set(came), wanted, f"{what}: all arrive")
    equal([n for n in wanted if came.count(n) - 1 > doubts.count(names[n])],
          [], f"{what}: none twice untold")

    texts = [m.octets for m in storm.peer.mails if not m.sender] \
        + site.mailbox("ann")
    notices = {}  # by their number; what came twice stands once
    for text in map(bytes.decode, texts):
        number = re.search(r"Message-ID: <notice\.(\d+)@", text).group(1)
        notices.setdefault(number, []).append(text)
    equal([n for n, same in notices.items()
           if len(same) - 1 > doubts.count(n)], [],
          f"{what}: no notice twice untold")
    told = [name for same in notices.values() for name in re.findall(
        r"Final-Recipient: rfc822; *(\w+)@", same[0])]
    equal(sorted(told), sorted(set(names) - wanted),
          f"{what}: each failure is told once")


def storms():
    for what, keywords in WAYS:
        weather(what, keywords)


run(storms)
