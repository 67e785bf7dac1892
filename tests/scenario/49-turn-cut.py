#!/usr/bin/env python3
"""The turned session is cut at every reply and at each 1 KB, from both sides:
nothing lost, doubled only where the final reply was cut, and then told."""
# limit: 400

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import collections
import re
import time

from peer import KEYWORDS, Connection, Gone, Script, Stall
from turned import odmr

MINE = "aurora.example.org"
MAILS = 2
STEP = 1024
STALL_S = 1
SILENCE = Stall(STALL_S + 0.3)
STEPS = ("greeting", "EHLO", "HELO", "MAIL", "RCPT", "DATA", "BDAT", "end",
         "RSET", "QUIT")
QUICK = {"stall_timeout": f"{STALL_S}s", "final_timeout": f"{STALL_S}s",
         "command_timeout": f"{STALL_S}s", "data_timeout": f"{STALL_S}s"}


def subject(octets):
    return re.search(rb"^Subject: (.*?)\r$", octets, re.M)[1].decode()


def hand_over(shore, prefix, lines=20):
    """(recipient, octets, id at the provider) of each."""
    mails = []
    with Smtp(shore.port("smtp")) as client:
        client.ehlo()
        for i in range(MAILS):
            to = f"u{i}@{MINE}"
            octets = make(f"{prefix} {i}", f"line of {prefix}\r\n" * lines)
            reply = client.mail("eve@shore.example", to, octets)
            if reply.code != 250:
                raise AssertionError(reply)
            mails.append((to, octets, reply.message_id))
    return mails


# --- the provider is ours, the customer cuts ---

class Customer(Connection):
    """It has a message once it came whole, whatever became of the reply."""

    def end(self, line):
        self.peer.whole.append(self.mail.octets)
        self.peer.last = subject(self.mail.octets)
        super().end(line)


class Cut:
    """Cuts instead of reply number COUNT."""

    def __init__(self, count, how):
        self.count, self.how = count, how
        self.seen = 0
        self.step = None  # where it was cut

    def rules(self):
        return {step: lambda conn, line, step=step: self.reply(step)
                for step in STEPS}

    def reply(self, step):
        self.seen += 1
        if self.seen != self.count:
            return None
        self.step = step
        return self.how


def call(world, cut, keywords):
    """One session; what came whole."""
    script = Script(cut.rules(), keywords, auth=False)
    script.whole, script.last = [], None
    with odmr(world) as client:
        reply = client.cmd("ATRN")
        while reply.code == 451:  # the last one is not over yet
            time.sleep(0.1)
            reply = client.cmd("ATRN")
        if reply.code != 250:
            return script
        connection = Customer(script, client.socket)
        connection.pending = client.pending
        try:
            connection.run()
        except (Gone, TimeoutError):
            pass
    return script


def settled(world):
    return wait_until(lambda: not world.shore.status()["sessions"]
                      and all(r["state"] != "active"
                              for r in world.shore.queue()), 10)


def cut_replies(name, how, keywords):
    world = World()
    world.make_shore(limits=QUICK).start()
    world.add_customer()
    count, cuts = 0, 0
    got, ids, lost = collections.Counter(), {}, []
    elsewhere = []
    while True:
        count += 1
        mails = hand_over(world.shore, f"reply {count}")
        ids.update({subject(o): i for _, o, i in mails})
        cut = Cut(count, how)
        first = call(world, cut, keywords)
        settled(world)
        second = call(world, Cut(0, None), keywords)
        settled(world)
        both = collections.Counter(
            subject(o) for o in first.whole + second.whole)
        got += both
        lost += [subject(o) for _, o, _ in mails if subject(o) not in both]
        # Where one waits for the other, only the message at whose end it was
        # cut may come again.
        if not keywords:
            at_end = first.last if cut.step == "end" else None
            elsewhere += [(cut.step, n) for n, c in both.items()
                          if c > 1 and n != at_end]
        if cut.step is None:
            break
        cuts += 1
    doubled = {n: c - 1 for n, c in got.items() if c > 1}
    doubts = collections.Counter(world.shore.doubts())
    check(cuts > MAILS * 3, f"{name}: {cuts} replies cut")
    equal(lost, [], f"{name}: nothing lost")
    equal([n for n in doubled if doubled[n] > doubts[ids[n]]], [],
          f"{name}: {len(doubled)} came twice, all told")
    equal(elsewhere, [], f"{name}: and only where the final reply was cut")
    check(world.shore.wait_queue_empty(), f"{name}: nothing is left")


def replies_of_the_customer():
    rows = ((CLOSE, "FIN", ()), (RESET, "RST", ()), (SILENCE, "silence", ()),
            (CLOSE, "FIN", KEYWORDS), (RESET, "RST", KEYWORDS))
    for how, word, keywords in rows:
        way = "in flight" if keywords else "one by one"
        run_part(cut_replies, f"reply cut by {word}, {way}", how, keywords)


# --- the customer is ours, the provider cuts ---

class Provider:
    """As client behind the turn; cuts behind command number COUNT."""

    def __init__(self, count, how, read_reply):
        self.count, self.how, self.read_reply = count, how, read_reply
        self.mails = []
        self.begun, self.done = set(), set()
        self.was_cut = False
        self.seen = 0

    def cmd(self, conn, octets):
        self.seen += 1
        conn.send(octets)
        if self.seen == self.count and not self.read_reply:
            self.was_cut = True
            raise Gone
        reply = conn.line()
        while reply[3:4] == "-":
            reply = conn.line()
        if self.seen == self.count:
            self.was_cut = True
            raise Gone
        return reply

    def atrn(self, conn, line):
        if not self.mails:
            return "453 4.2.0 no mail"
        conn.send(b"250 2.0.0 turning\r\n")
        try:
            conn.line()
            self.cmd(conn, b"EHLO mail.shore.example\r\n")
            for to, octets in list(self.mails):
                self.one(conn, to, octets)
            self.cmd(conn, b"QUIT\r\n")
        except Gone:
            pass
        return self.how if self.was_cut else CLOSE

    def one(self, conn, to, octets):
        for line in ("MAIL FROM:<eve@shore.example>", f"RCPT TO:<{to}>",
                     "DATA"):
            self.cmd(conn, line.encode() + b"\r\n")
        self.begun.add(octets)
        half = len(octets) // 2
        self.seen += 1
        conn.send(octets[:half])
        if self.seen == self.count:
            self.was_cut = True
            self.begun.discard(octets)
            raise Gone
        if self.cmd(conn, octets[half:] + b".\r\n").startswith("250"):
            self.done.add(octets)


def cut_commands(name, how, read_reply):
    world = World()
    peer = Peer(keywords=("ATRN",), context=server_context(
        *world.ca.issue("other", "mail.shore.example")))
    site = world.make_site(world.peer(submission=peer.port),
                           limits=QUICK).start()
    count, lost, doubled, cuts, codes = 0, [], [], 0, set()
    while True:
        count += 1
        mails = [(f"u{i}@{MINE}", make(f"command {count} {i}",
                                       "a line of it\r\n" * 40))
                 for i in range(MAILS)]
        provider = Provider(count, how, read_reply)
        provider.mails = mails
        peer.rules["ATRN"] = provider.atrn
        site.link_down("iridium")
        code = site.link_up("iridium", "20s")
        wait_until(lambda: not site.queue(), 5)
        for to, octets in mails:
            found = len(copies(site.mailbox(to.split("@")[0]), octets))
            if octets in provider.done and found != 1 or found > 1:
                lost.append((count, subject(octets), found))
            if found and octets not in provider.begun:
                doubled.append((count, subject(octets)))
        if not provider.was_cut:
            break
        cuts += 1
        codes.add(code)
    check(cuts > MAILS * 4, f"{name}: {cuts} commands cut")
    equal(lost, [], f"{name}: what was answered with 250 is here, once")
    equal(doubled, [], f"{name}: what did not come whole is not")
    check(codes <= {12, 13, 0}, f"{name}: link up tells", codes)
    check(site.is_running(), f"{name}: the daemon lives")


def commands_of_the_provider():
    rows = ((CLOSE, "FIN", False), (CLOSE, "FIN", True),
            (RESET, "RST", False), (RESET, "RST", True),
            (SILENCE, "silence", False))
    for how, word, read_reply in rows:
        behind = "its reply" if read_reply else "a command"
        run_part(cut_commands, f"provider ends by {word} behind {behind}",
                 how, read_reply)


# --- both are ours, the line falls silent ---

def silent_line():
    world = World()
    world.make_shore(limits=QUICK).start()
    world.add_customer()
    line = Line(world.shore.port("odmr"))
    site = world.make_site(world.peer(odmr=line.port, order="collect-first"),
                           limits=QUICK).start()
    place, all_mails, stuck = 1, [], []
    while True:
        mails = hand_over(world.shore, f"silence at {place}", 60)
        all_mails += mails
        site.link_down("iridium")
        line.reset(cut_at=place, how="silence")
        site.link_up("iridium", "30s")
        was_cut = line.was_cut
        line.reset()
        settled(world)
        site.link_down("iridium")
        if site.link_up("iridium", "30s") != 0 or world.shore.queue():
            stuck.append((place, world.shore.queue()))
        if not was_cut:
            break
        place += STEP
    check(place > 5 * STEP, f"silence at each {STEP} octets up to {place}")
    equal(stuck, [], "the next call gets all")
    wait_until(lambda: not site.queue())
    counts = {i: len(copies(site.mailbox(to.split("@")[0]), o))
              for to, o, i in all_mails}
    doubts = collections.Counter(world.shore.doubts())
    equal([i for i, n in counts.items() if n == 0], [], "nothing lost")
    equal([i for i, n in counts.items() if n - 1 > doubts[i]], [],
          f"{sum(n - 1 for n in counts.values())} came twice, all told")


run(replies_of_the_customer, commands_of_the_provider, silent_line)
