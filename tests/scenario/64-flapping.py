#!/usr/bin/env python3
# limit: 300
"""A link that comes and goes for a month, in the daemon.

It toggles every 1 to 60 s in bad hours, with quiet ones between them; the clock
is moved on by as much, so that all is a month. The pure rooms do the same with
every second of it (link/link_sim_test.c).
"""

import os
import random
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

TOGGLES = 3000
HOURS = 60  # bad ones
MONTH_S = 30 * 86400
MAILS = 80
RECORD = """#!/bin/sh
echo $TIDEPOST_EVENT >>"{file}"
"""


class Flapping:
    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.world = World()
        self.clock = f"{self.world.dir}/clock"
        self.told = f"{self.world.dir}/told"
        self.hooks = f"{self.world.dir}/hooks"
        self.jump = 0
        self.move(0)
        for event in ("link-up", "link-down"):
            os.makedirs(f"{self.hooks}/{event}.d")
            path = f"{self.hooks}/{event}.d/record"
            with open(path, "w", encoding="ascii") as stream:
                stream.write(RECORD.format(file=self.told))
            os.chmod(path, 0o755)
        self.peer = Peer(auth=False, rate=200_000)
        self.site = self.world.make_site(
            peer=self.world.peer(
                submission=self.peer.port, host="127.0.0.1", tls="none",
                user=None, password_file=None, collect="none",
                collect_port=None),
            hooks=self.hooks, links=[{"name": "iridium", "peers": ["shore"]}])
        self.site.start(Shim(self.world.dir).env(clock=self.clock))
        self.ids = []

    def move(self, seconds):
        """Never so far at once that the clock would look broken."""
        self.jump += seconds
        with open(self.clock + ".new", "w", encoding="ascii") as stream:
            stream.write(str(self.jump))
        os.rename(self.clock + ".new", self.clock)

    def hand_in(self):
        lines = self.dice.choice((5, 50, 3000))
        with Smtp(self.site.port("lan")) as client:
            client.ehlo()
            reply = client.mail("ann@aurora.example.org",
                                f"n{len(self.ids)}@shore.example",
                                make("flap", "a line of text\r\n" * lines))
            equal(reply.code, 250, "taken at any moment") \
                if reply.code != 250 else None
        self.ids.append(int(reply.message_id))

    def tell(self, action):
        """What link up and down say to the daemon, without a program."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(f"{self.site.dir}/run/control")
            s.sendall(f"verb=link action={action} name=iridium\n".encode())
            answer = b""
            while chunk := s.recv(4096):
                answer += chunk
        if b"end=0" not in answer:
            check(False, f"link {action}", answer)

    def toggle(self, i):
        self.tell("down" if i % 2 else "up")
        self.move(self.dice.randint(1, 60))
        if i % (TOGGLES // HOURS) == 0:
            self.move(MONTH_S // HOURS)
        if i % 2 and self.dice.random() < 0.02:
            tried = [r for r in self.site.queue() if r["attempts"]]
            equal(tried, [], "nothing counts as an attempt") if tried else None
        if not i % 2 and self.dice.random() < 0.1:
            wait_until(lambda: False, self.dice.random() * 0.06, 0.02)

    def events(self):
        with open(self.told, encoding="ascii") as stream:
            return stream.read().split()


def a_month():
    f = Flapping(1)
    due = sorted(f.dice.sample(range(TOGGLES), MAILS))
    for i in range(TOGGLES):
        while due and due[0] <= i:
            due.pop(0)
            f.hand_in()
        f.toggle(i)
    check(f.jump > MONTH_S, "a month passed", f.jump / 86400)
    f.site.link_up("iridium")
    check(f.site.wait_queue_empty(60), "all has gone", f.site.queue()[:3])
    f.site.link_down("iridium")
    got = [r for m in f.peer.mails for r in m.recipients]
    equal(sorted(set(got), key=lambda r: int(r[1:].split("@")[0])),
          [f"n{i}@shore.example" for i in range(MAILS)], "all arrived")
    doubts = f.site.doubts()
    twice = len(got) - len(set(got))
    check(twice <= len(doubts), "once, but for what the log says",
          f"{twice} twice, {len(doubts)} in doubt")
    check(wait_until(lambda: len(f.events()) % 2 == 0, 20),
          "as many link-down as link-up", len(f.events()))
    events = f.events()
    check(all(e == ("link-up", "link-down")[i % 2]
              for i, e in enumerate(events)), "by turns", events[:20])
    check(len(events) > 20, "many of them", len(events))
    attempts = [e for e in f.site.events("deferred")]
    equal(attempts, [], "no attempt was counted")


run(a_month)
