#!/usr/bin/env python3
"""Providers and customers as others make them, Exim 4.99 foremost.

Debian's Exim has no ATRN, so these are transcripts of our own making of what
it does: mail of others from the second message on, one message per TLS
session, QUIT in clear text behind TLS, a drop at DATA.
"""
# limit: 300

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

MINE, ALSO = "aurora.example.org", "second.example"
STALL_S = 2
SPEED = 60  # minutes become seconds
EXIM = ("SIZE 52428800", "8BITMIME", "PIPELINING", "CHUNKING", "PRDR", "HELP")


class Turned:
    """What a provider does as client, behind its 250 to ATRN."""

    def __init__(self, conn, ok="250 OK, turning"):
        self.conn = conn
        conn.send(ok.encode() + b"\r\n")
        self.said = [conn.line()]  # the customer's 220

    def cmd(self, text):
        self.conn.send(text if isinstance(text, bytes)
                       else text.encode() + b"\r\n")
        reply = self.conn.line()
        while reply[3:4] == "-":
            reply = self.conn.line()
        self.said.append(reply)
        return reply

    def mail(self, octets, *recipients):
        """As Exim: DATA only where a recipient was taken."""
        self.cmd("MAIL FROM:<eve@shore.example>")
        codes = [self.cmd(f"RCPT TO:<{r}>")[:3] for r in recipients]
        if "250" in codes:
            self.cmd("DATA")
            return self.cmd(stuff(octets))
        return self.cmd("RSET")


def shore(rules, keywords=("ATRN",) + EXIM, **conf):
    """A site, and a peer that is the provider of its mail."""
    world = World()
    peer = Peer(rules=rules, keywords=keywords, context=server_context(
        *world.ca.issue("other-make", "mail.shore.example")))
    site = world.make_site(world.peer(submission=peer.port), **conf).start()
    return site, peer


def calls(site, code, text, deadline="30s"):
    """One call; what the log says of how it ended."""
    site.link_down("iridium")
    equal(site.link_up("iridium", deadline), code, f"{text}: {code}")
    check(site.is_running(), f"{text}: the daemon lives")
    return last_words(site)


def last_words(site):
    return site.events("link-idle")[-1]["text"]


def once(site, user, octets, text):
    equal(len(copies(site.wait_mail(user), octets)), 1, f"{text}: came once")


def foreign_mail():
    """From the second message on it gives what is not ours."""
    mine, mixed, last = make("mine"), make("mixed"), make("last")
    said = []

    def atrn(conn, line):
        turn = Turned(conn)
        turn.cmd("EHLO mail.shore.example")
        said.append(turn.mail(mine, f"cap@{MINE}"))
        said.append(turn.mail(make("theirs"), "cap@borealis.example",
                              "ben@shore.example"))
        said.extend(turn.said[-3:-1])
        said.append(turn.mail(mixed, "cap@borealis.example", f"cook@{MINE}"))
        said.append(turn.said[-4])
        said.append(turn.mail(last, f"mate@{MINE}"))
        turn.cmd("QUIT")
        return CLOSE

    site, _ = shore({"ATRN": atrn})
    calls(site, 0, "mail of others")
    for line in (said[2], said[3], said[5]):
        check(line.startswith("550 5.7.1 "), "a recipient elsewhere: 550 5.7.1",
              said)
    for line in (said[0], said[4], said[6]):
        check(line.startswith("250 2.0.0 "), "our own is taken", said)
    for user, octets in (("cap", mine), ("cook", mixed), ("mate", last)):
        once(site, user, octets, f"ours for {user}")
    check(site.wait_queue_empty(), "nothing of others is kept")
    equal(sorted(os.listdir(f"{site.dir}/mail")), [MINE], "nor delivered")


def one_for_each_session():
    left = [make(f"single {i}") for i in range(3)]
    sent = list(left)

    def atrn(conn, line):
        if not left:
            return "453 You have no mail"
        turn = Turned(conn)
        turn.cmd("EHLO mail.shore.example")
        turn.mail(left.pop(0), f"cap@{MINE}")
        turn.cmd("QUIT")
        return CLOSE

    site, peer = shore({"ATRN": atrn})
    for i in range(4):
        calls(site, 0, f"one message a session, call {i}")
    for octets in sent:
        equal(len(copies(site.wait_mail("cap", 3), octets)), 1,
              "each came once")


def clear_text_behind_tls():
    octets = make("before the slip")

    def atrn(conn, line):
        turn = Turned(conn)
        turn.cmd("EHLO mail.shore.example")
        turn.mail(octets, f"cap@{MINE}")
        os.write(conn.socket.fileno(), b"QUIT\r\n")
        time.sleep(0.5)
        return CLOSE

    site, _ = shore({"ATRN": atrn})
    words = calls(site, 13, "QUIT in clear behind TLS")
    check("TLS" in words or "wrong version" in words
          or "not encrypted" in words, "and why", words)
    once(site, "cap", octets, "what was sent before")


def turned_for_nothing():
    """RFC 2645 5.2.1: 250, EHLO and QUIT mean no mail, like 453."""
    said = []

    def atrn(conn, line):
        turn = Turned(conn, "250-OK, turning\r\n250 and all is well")
        turn.cmd("EHLO mail.shore.example")
        turn.cmd("QUIT")
        said.extend(turn.said)
        return CLOSE

    site, _ = shore({"ATRN": atrn})
    equal(calls(site, 0, "250, EHLO, QUIT: no mail"), "", "and no fault")
    equal([line[:3] for line in said], ["220", "250", "221"],
          "we greet behind the last line of the reply, and serve")


def refusals():
    """What the reply to ATRN means for who called."""
    rows = (
        ("453 You have no mail", 0, ""),
        ("450 4.7.1 not yours", 13, "450 4.7.1 not yours"),
        ("451 4.4.3 directory is down", 13, "451 4.4.3 directory is down"),
        ("502 5.5.1 no ATRN", 13, "502 5.5.1 no ATRN"),
        ("500 what", 13, "500 what"),
        ("530 5.7.0 log in first", 14, "530 5.7.0 log in first"),
        ("251 almost", 13, "251 almost"),
        ("421 4.3.2 closing", 13, "421 4.3.2 closing"),
    )
    site, peer = shore({})
    for reply, code, words in rows:
        peer.rules["ATRN"] = reply
        said = calls(site, code, f"ATRN answered {reply}")
        equal(said, words, "in its words")
    peer.keywords = EXIM
    said = calls(site, 13, "ATRN is not offered")
    check("the peer does not offer ATRN" in said, "and it is said so", said)


def pushed_all_the_same():
    """A provider that refuses the turn takes our mail before it."""
    for what, rule in (
            ("refused turn", "450 4.7.1 not now"),
            ("421 to ATRN", Raw(b"421 4.3.2 closing\r\n", close=True)),
            ("closed at ATRN", CLOSE)):
        site, peer = shore({"ATRN": rule})
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            client.mail(f"ann@{MINE}", "ben@shore.example", make("out"))
        equal(site.link_up("iridium"), 13, f"{what}: 13")
        equal(len(peer.mails), 1, f"{what}: out it went")
        check(site.wait_queue_empty(), f"{what}: and is gone from here")


def silent_behind_the_turn():
    """250 and then nothing, or nothing behind EHLO, or in a message."""
    octets = make("first")

    def nothing(conn, line):
        Turned(conn)
        return Stall(STALL_S * 4)

    def ehlo(conn, line):
        Turned(conn).cmd("EHLO mail.shore.example")
        return Stall(STALL_S * 4)

    def data(conn, line):
        turn = Turned(conn)
        turn.cmd("EHLO mail.shore.example")
        turn.mail(octets, f"cap@{MINE}")
        turn.cmd("MAIL FROM:<eve@shore.example>")
        turn.cmd(f"RCPT TO:<cap@{MINE}>")
        turn.cmd("DATA")
        conn.send(b"Subject: half\r\n\r\nand no")
        return Stall(STALL_S * 4)

    site, peer = shore({}, limits={"command_timeout": f"{STALL_S}s",
                                   "data_timeout": f"{STALL_S}s"})
    for name, atrn in (("silent behind 250", nothing),
                       ("silent behind EHLO", ehlo),
                       ("silent in a message", data)):
        peer.rules["ATRN"] = atrn
        start = time.monotonic()
        words = calls(site, 13, name)
        check(time.monotonic() - start < STALL_S * 4, f"{name}: in good time")
        equal(words, f"421 4.4.2 {MINE}: waited too long for input; closing",
              f"{name}: and it is told")
    once(site, "cap", octets, "what was whole")
    equal(len(site.mailbox("cap")), 1, "what was half is not there")


def slow_to_answer():
    """RFC 2645 5.2.1: the reply to ATRN may take ten minutes."""
    waits = []
    octets = make("after nine minutes")

    def atrn(conn, line):
        time.sleep(waits[0] / SPEED)
        turn = Turned(conn)
        turn.cmd("EHLO mail.shore.example")
        turn.mail(octets, f"cap@{MINE}")
        turn.cmd("QUIT")
        return CLOSE

    site, peer = shore({"ATRN": atrn})
    site.stop()
    site.start(Shim(site.dir).env(speed=SPEED))
    waits[:] = [9 * 60]
    start = time.monotonic()
    calls(site, 0, "250 after 9 minutes", "30m")
    took = (time.monotonic() - start) * SPEED
    check(took > 9 * 60, f"it waited {took:.0f} s")
    once(site, "cap", octets, "and what came then")
    waits[:] = [15 * 60]
    start = time.monotonic()
    words = calls(site, 13, "no reply in 15 minutes", "30m")
    took = (time.monotonic() - start) * SPEED
    check(10 * 60 < took < 14 * 60, f"given up after {took:.0f} s")
    check("in time" in words, "and it is told", words)


def speaks_first():
    """Octets behind the 250: the customer is who greets (RFC 2645 5.3)."""
    site, peer = shore({"ATRN": Raw(
        b"250 OK\r\nEHLO mail.shore.example\r\nMAIL FROM:<>\r\n")})
    words = calls(site, 14, "the provider speaks first")
    check("octets" in words, "and it is told", words)
    check(not any(v.startswith("220") for v in peer.verbs),
          "it was not served")


def drops_at_data():
    """Exim as customer: a drop at DATA, two domains, one recipient each."""
    world = World()
    world.make_shore().start()
    world.add_customer("aurora", MINE, "--domain", ALSO)
    both, second = make("for both"), make("second")
    for octets, to in ((both, [f"cap@{MINE}", f"cap@{ALSO}"]),
                       (second, [f"cook@{MINE}"])):
        with Smtp(world.shore.port("smtp")) as client:
            client.ehlo()
            equal(client.mail("eve@shore.example", to, octets).code, 250,
                  "the provider takes it")

    def waiting():
        return sorted(r["recipient"] for r in world.shore.queue()
                      if r["state"] in ("ready", "deferred"))

    three = sorted([f"cap@{MINE}", f"cap@{ALSO}", f"cook@{MINE}"])
    for keywords, what, step in ((EXIM, "BDAT", "end"),
                                 (("SIZE 1000000",), "DATA", "DATA")):
        for how in (CLOSE, RESET):
            call = collect(world, {step: how}, keywords=keywords)
            equal(call.mails, [], f"drops at {what}")
            check(wait_until(lambda: waiting() == three, 10),
                  "all three wait for the next call", waiting())
    call = collect(world, keywords=EXIM, domains=MINE)
    equal(sorted(tuple(m.recipients) for m in call.mails),
          [(f"cap@{MINE}",), (f"cook@{MINE}",)], "ATRN for one domain")
    check(wait_until(lambda: waiting() == [f"cap@{ALSO}"]),
          "the recipient of the other domain is kept", waiting())
    call = collect(world, keywords=EXIM)
    equal([m.recipients for m in call.mails], [[f"cap@{ALSO}"]],
          "and goes with the next call")
    equal(len(copies([m.octets for m in call.mails], both)), 1, "whole")
    check(world.shore.wait_queue_empty(), "nothing is left")


run(foreign_mail, one_for_each_session, clear_text_behind_tls,
    turned_for_nothing, refusals, pushed_all_the_same,
    silent_behind_the_turn, slow_to_answer, speaks_first, drops_at_data)
