#!/usr/bin/env python3
"""Calls that are wrong: what the customer is told, and what the provider tells
of it. (03, 43 and 49 have what goes wrong behind the turn.)"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

MINE, ALSO = "aurora.example.org", "second.example"
MANY = 1000


def world_with_mail(*more, **conf):
    world = World()
    world.make_shore(
        listeners=[listener("smtp", "smtp", "offered"),
                   listener("submission", "submission", "required",
                            atrn=True),
                   listener("odmr", "odmr", "required")], **conf).start()
    world.add_customer("aurora", MINE, "--domain", ALSO, *more)
    world.add_customer("borealis", "borealis.example")
    put(world, f"cap@{MINE}")
    return world


def put(world, to, name="waits"):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        reply = client.mail("eve@shore.example", to, make(name))
    if reply.code != 250:
        raise AssertionError(reply)


def shown(world):
    return world.shore.rows("customer", "show", "aurora")[0]["last_result"]


def shows(world, words, text):
    check(wait_until(lambda: words in (shown(world) or ""), 5),
          f"{text}: customer show says so", shown(world))


def logged(world, event, words, text):
    check(wait_until(lambda: any(words in " ".join(e.values())
                                 for e in world.shore.events(event)), 5),
          f"{text}: the log says so", world.shore.events(event))


def keeps(world, text, count=1):
    """Nothing was given away, counted or left in hand."""
    check(wait_until(lambda: [r["state"] for r in world.shore.queue()]
                     == ["ready"] * count, 5), f"{text}: the mail waits",
          world.shore.queue())
    equal(sum(r["attempts"] for r in world.shore.queue()), 0,
          f"{text}: no attempt is counted")


def answers(client, line, code, words, text=None):
    reply = client.cmd(line)
    text = text or (line if len(line) < 60 else line[:57] + "...")
    equal(reply.code, code, f"{text}: {code}")
    check(reply.text.startswith(words), f"{text}: {words}", reply)


SYNTAX = "5.5.4 ATRN: domains with a dot, comma separated, no blanks"


def malformed():
    world = world_with_mail()
    with odmr(world) as client:
        for line in (f"ATRN {MINE}, {ALSO}", f"ATRN {MINE} ,{ALSO}",
                     f"ATRN {MINE} {ALSO}", "ATRN localhost",
                     f"ATRN {MINE},localhost", f"ATRN ,{MINE}",
                     f"ATRN {MINE},,{ALSO}", f"ATRN {MINE}.",
                     "ATRN under_score.example", "ATRN -a.example",
                     "ATRN a-.example", "ATRN [192.0.2.1]", "ATRN @a.example",
                     "ATRN *.example", f"ATRN <{MINE}>",
                     "ATRN b\u00fccher.example", f"ATRN {'a' * 64}.example"):
            answers(client, line, 501, SYNTAX)
        answers(client, f"ATRN {MINE},", 501,
                "5.5.4 ATRN: a comma at the end")
        answers(client, "NOOP", 250, "2.0.0", "and the session goes on")
    keeps(world, "malformed")
    with odmr(world) as client:
        answers(client, f"atrn {MINE.upper()},{ALSO}", 250, "2.0.0",
                "in any case of letters")


def very_many():
    """More domains than a line or ATRN has room for."""
    world = world_with_mail()
    many = ",".join(f"d{i}.example" for i in range(MANY))
    with odmr(world) as client:
        answers(client, f"ATRN {many}", 500, "5.5.2", "a list of 1,000")
        short = ",".join(["a.b"] * 101)
        answers(client, f"ATRN {short}", 501,
                "5.5.4 ATRN: too many domains in one ATRN", "a list of 101")
        answers(client, "NOOP", 250, "2.0.0", "and the session goes on")
    call = collect(world, domains=",".join([ALSO] * 30))
    equal(call.mails, [], "one domain 30 times: nothing of another")
    keeps(world, "very many")
    call = collect(world, domains=",".join([MINE, ALSO] * 15))
    equal(len(call.mails), 1, "two domains 15 times: the mail comes once")


def a_thousand_domains():
    """The customer who has them asks without an argument."""
    world = World()
    world.make_shore().start()
    world.add_customer("aurora", MINE, *(
        word for i in range(1, MANY)
        for word in ("--domain", f"d{i}.example")))
    wanted = [f"cap@{d}" for d in (MINE, "d1.example", f"d{MANY - 1}.example")]
    for to in wanted:
        put(world, to)
    call = collect(world)
    equal(sorted(r for m in call.mails for r in m.recipients), sorted(wanted),
          "1,000 domains: mail of the first and of the last")
    check(wait_until(lambda: not world.shore.queue()), "nothing is left")


def out_of_turn():
    world = world_with_mail()
    for port in ("odmr", "submission"):
        with Smtp(world.shore.port(port)) as client:
            answers(client, "ATRN", 530, "5.7.0", f"{port}: before EHLO")
            client.ehlo()
            answers(client, "ATRN", 530, "5.7.0", f"{port}: in clear text")
            client.starttls(world.client_tls)
            client.ehlo()
            answers(client, "ATRN", 530, "5.7.0", f"{port}: before AUTH")
            answers(client, f"ATRN {MINE}", 530, "5.7.0",
                    f"{port}: before AUTH, with a domain")
            answers(client, "ATRN a, b", 530, "5.7.0",
                    f"{port}: before AUTH, malformed")
    with Smtp(world.shore.port("submission")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        client.auth_plain("aurora", PASSWORD)
        client.cmd(f"MAIL FROM:<ann@{MINE}>")
        answers(client, "ATRN", 503, "5.5.1", "behind MAIL")
        client.cmd("RCPT TO:<ben@shore.example>")
        answers(client, "ATRN", 503, "5.5.1", "behind RCPT")
        answers(client, "BDAT 6\r\nhalf", 250, "2.0.0", "half a message")
        answers(client, "ATRN", 503, "5.5.1", "behind a part of a message")
        client.cmd("RSET")
        answers(client, "ATRN borealis.example", 450, "4.7.1",
                "behind RSET: as ever")
    keeps(world, "out of turn")
    equal(len(world.shore.mailbox("ben")), 0, "half a message is none")


def octets_behind():
    """RFC 2920 3.1: ATRN ends its group. An attack or a bug: closed."""
    world = world_with_mail()
    for behind in (b"220 aurora.example.org\r\n", b"NOOP\r\n", b"x",
                   b"220 aurora.example.org\r\n250 aurora.example.org\r\n"
                   b"250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"):
        text = f"{behind[:16]!r} behind ATRN"
        with odmr(world) as client:
            client.send(b"ATRN\r\n" + behind)
            lines = []
            try:
                while True:
                    lines.append(client.line())
            except Closed:
                pass
            check(not any(line.startswith(("EHLO", "MAIL", "250"))
                          for line in lines), f"{text}: not served", lines)
        logged(world, "session-end", "octets arrived behind ATRN", text)
        shows(world, "octets arrived behind ATRN", text)
        keeps(world, text)
    check(collect(world).reply.code == 250, "the next call is served")


def vanishes():
    """Gone when the answer to ATRN comes, or before the turn."""
    world = world_with_mail()
    for _ in range(5):
        client = odmr(world)
        client.send(b"ATRN\r\n")
        client.close()
    check(wait_until(lambda: not world.shore.status()["sessions"], 10),
          "the sessions end", world.shore.status()["sessions"])
    keeps(world, "gone behind ATRN")
    shows(world, "broken off", "gone behind ATRN")


def wrong_passwords():
    world = world_with_mail(limits={"auth_failures_per_client": 0,
                                    "auth_failures_per_account": 0,
                                    "errors": 10})
    with odmr(world, None) as client:
        for i in range(3):
            reply = client.auth_plain("aurora", f"wrong{i}")
            equal(reply.code, 535, f"wrong password {i}: 535")
            check(reply.text.startswith("5.7.8 "), "5.7.8", reply)
        answers(client, "ATRN", 530, "5.7.0", "and ATRN")
        reply = client.auth_plain("nobody", "wrong")
        equal((reply.code, reply.text[:5]), (535, "5.7.8"),
              "a customer that is not there: the same answer")
        code = 535
        for i in range(20):
            try:
                code = client.auth_plain("aurora", "wrong").code
            except (Closed, OSError):
                break
            if code == 421:
                break
        equal(code, 421, "at last the session is ended: 421")
        check(client.is_closed(), "and closed")
    logged(world, "auth-failed", "aurora", "wrong passwords")
    shows(world, "password", "wrong passwords")
    keeps(world, "wrong passwords")
    with odmr(world) as client:
        answers(client, "ATRN", 250, "2.0.0", "the right one is served")


def suspended():
    world = world_with_mail()
    world.shore.must("customer", "suspend", "aurora")
    with odmr(world, None) as client:
        reply = client.auth_plain("aurora", PASSWORD)
        if reply.code == 235:
            answers(client, "ATRN", 450, "4.7.1 ", "a suspended customer")
        else:
            equal(reply.code, 535, "a suspended customer may not log in")
    shows(world, "suspended", "a suspended customer")
    world.shore.must("customer", "resume", "aurora")
    equal(collect(world).reply.code, 250, "resumed: served at once")


run(malformed, very_many, a_thousand_domains, out_of_turn, octets_behind,
    vanishes, wrong_passwords, suspended)
