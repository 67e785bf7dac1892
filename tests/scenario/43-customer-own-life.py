#!/usr/bin/env python3
"""Mail held for a customer lives by the customer's calls, not by the retry
clock (RFC 2645 4)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

DAY = 86400


def world_with_shore(**conf):
    world = World()
    world.make_shore(customers={"tell_kept": False}, **conf).start()
    world.add_customer()
    return world


def to_customer(world, name, octets=None, to="cap@aurora.example.org"):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        reply = client.mail("eve@shore.example", to, octets or make(name))
    if reply.code != 250:
        raise AssertionError(reply)
    return reply.message_id


def last_result(world):
    return world.shore.rows("customer", "show", "aurora")[0]["last_result"]


def told(world, words):
    """The last result has WORDS in it, soon."""
    check(wait_until(lambda: words in (last_result(world) or ""), 10),
          f"customer show: {words}", last_result(world))


def hang(conn, line):
    """Says nothing until the provider has enough of it."""
    try:
        while conn.socket.recv(4096):
            pass
    except OSError:
        pass
    return CLOSE


def not_now():
    """452 to one message: kept for another call, the others go."""
    world = world_with_shore(queue={"retry": ["1s"]})
    small, large = make("small"), make("large", "x" * 70 + "\r\n" * 400)
    to_customer(world, "large", large)
    to_customer(world, "small", small)

    def mail(conn, line):
        size = int(line.split("SIZE=")[1].split(" ")[0])
        if size < 800:
            time.sleep(1.2)  # what is put off becomes due meanwhile
        return "452 4.3.1 too large for this link" if size > 800 else None

    order = [make(f"small {i}") for i in range(2)]
    for octets in order:
        to_customer(world, "", octets)
    call = collect(world, {"MAIL": mail})
    equal(call.reply.code, 250, "ATRN: 250")
    equal(len(call.mails), 3, "452 to one: the others go in this session")
    tries = [v for v in call.verbs if v.startswith("MAIL")]
    equal(len(tries), 4, "the one is not tried again in this session")
    row = world.shore.queue()[0]
    equal((row["state"], row["reason_code"], row["attempts"]),
          ("deferred", "peer-4xx", 1), "it is deferred")
    check("too large for this link" in row["reason"],
          "with the customer's words as its reason", row)
    time.sleep(1.2)
    call = collect(world)
    equal(len(call.mails), 1, "the next call gets it")
    check(world.shore.wait_queue_empty(), "nothing is left")


def never_by_days():
    """Refused for now on more days than queue.expire_after has."""
    world = world_with_shore(queue={"retry": ["1s"], "expire_after": "1d"})
    shim = Shim(world.dir)
    to_customer(world, "patient")
    for day in range(4):
        world.shore.stop()
        world.shore.start(shim.env(clock=day * DAY))
        call = collect(world, {"RCPT": "450 4.2.0 not today"})
        equal(call.reply.code, 250, f"day {day}: ATRN: 250")
        check(wait_until(lambda: world.shore.queue()
                         and world.shore.queue()[0]["attempts"] == day + 1),
              f"day {day}: refused for now", world.shore.queue())
    row = world.shore.queue()[0]
    equal(row["state"], "deferred", "it is still there")
    equal(world.shore.mailbox("eve"), [], "and the sender was not bothered")


def odd_customers():
    """Whatever a customer does after the turn, nothing is lost or counted."""
    world = world_with_shore(limits={"stall_timeout": "2s"})
    octets = make("survivor")
    to_customer(world, "", octets)
    rows = (
        ("no greeting", {"greeting": hang},
         "broken off after 0 messages: no greeting in time"),
        ("554 as greeting", {"greeting": "554 5.3.2 go away"},
         "554 5.3.2 go away"),
        ("421 as greeting", {"greeting": "421 4.3.2 rebooting"},
         "421 4.3.2 rebooting"),
        ("354 as greeting", {"greeting": "354 what"}, "this is no greeting"),
        ("no SMTP at all", {"greeting": Raw(b"\xff\xfe\r\n")}, "broken off"),
        ("hangs after EHLO", {"EHLO": hang}, "no reply in time"),
        ("hangs after MAIL", {"MAIL": hang}, "no reply in time"),
        ("EHLO refused", {"EHLO": "550 5.7.1 not you"}, "EHLO was refused"),
        ("354 to MAIL", {"MAIL": "354 go"}, "this is no reply to MAIL"),
        ("closes at the turn", {"connect": CLOSE}, "broken off"),
        ("closes at MAIL", {"MAIL": CLOSE}, "broken off"),
        ("closes at RCPT", {"RCPT": CLOSE}, "broken off"),
        ("resets at the end", {"end": RESET}, "broken off"),
    )
    for name, rules, words in rows:
        call = collect(world, rules)
        equal(call.reply.code, 250, f"{name}: ATRN: 250")
        told(world, words)
        check(wait_until(lambda: world.shore.queue()[0]["state"] == "ready"),
              f"{name}: it waits for the next call", world.shore.queue())
        equal(world.shore.queue()[0]["attempts"], 0,
              f"{name}: not counted as an attempt")

    def hello(conn, line):
        return "500 5.5.1 no EHLO here" if line.startswith("EHLO") else None

    call = collect(world, {"EHLO": hello, "HELO": "250 old.example"},
                   keywords=())
    equal(len(copies([m.octets for m in call.mails], octets)), 1,
          "only HELO: taken all the same")
    told(world, "1 message collected")
    check(world.shore.wait_queue_empty(), "nothing is left")


def busy_line():
    """451 and 421 in the middle: what was not taken stays."""
    world = world_with_shore(queue={"retry": ["1s"]})
    for i in range(3):
        to_customer(world, f"busy {i}")
    count = []

    def mail(conn, line):
        count.append(line)
        return Raw(b"421 4.3.2 going down\r\n", close=True) \
            if len(count) == 2 else None

    call = collect(world, {"MAIL": mail})
    equal(len(call.mails), 1, "421 at the second: one was taken")
    told(world, "broken off after 1 message: ")
    check(wait_until(lambda: len(world.shore.queue()) == 2
                     and all(r["state"] != "active"
                             for r in world.shore.queue())),
          "two are kept", world.shore.queue())
    equal([r["attempts"] for r in world.shore.queue()], [0, 0],
          "neither is counted as tried")
    call = collect(world)
    equal(len(call.mails), 2, "the next call gets both")


run(not_now, never_by_days, odd_customers, busy_line)
