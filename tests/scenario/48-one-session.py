#!/usr/bin/env python3
"""One session of a customer at a time: the second is told to wait, unless the
first is dead; and who cannot look never says that there is no mail."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import sqlite3
import time

SPEED = 20  # of the monotonic clock
GIVES_WAY_S = 60


def world_with_mail(speed=None):
    world = World()
    world.shim = Shim(world.dir)
    world.make_shore().start(world.shim.env(speed=speed))
    world.add_customer()
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        equal(client.mail("eve@else.example", "cap@aurora.example.org",
                          make("waits")).code, 250, "one message waits")
    return world


def begin(world):
    """A session that has the MAIL of its message and does not answer."""
    client = odmr(world)
    equal(client.cmd("ATRN").code, 250, "ATRN: 250")
    client.send(b"220 aurora.example.org\r\n")
    check(client.line().startswith("EHLO"), "EHLO")
    client.send(b"250 aurora.example.org\r\n")
    check(client.line().startswith("MAIL"), "MAIL")
    return client


def end(client):
    for text, word in ((b"250 ok\r\n", "RCPT"), (b"250 ok\r\n", "DATA")):
        client.send(text)
        check(client.line().startswith(word), word)
    client.send(b"354 go\r\n")
    while client.line() != ".":
        pass
    client.send(b"250 taken\r\n")
    equal(client.line(), "QUIT", "QUIT")
    client.send(b"221 bye\r\n")


def second_waits():
    world = world_with_mail()
    first = begin(world)
    with odmr(world) as second:
        for words in ("ATRN", "ATRN aurora.example.org"):
            reply = second.cmd(words)
            equal(str(reply)[:9], "451 4.3.2", f"while one runs {words}: 451")
            check("collecting" in reply.text, "with the reason", reply)
        check(wait_until(lambda: "another session" in (world.shore.rows(
            "customer", "show", "aurora")[0]["last_result"] or "")),
            "customer show says so")
        end(first)
        first.close()
        check(wait_until(lambda: second.cmd("ATRN").code == 453),
              "when it is over the second hears that nothing is left")


def dead_gives_way():
    world = world_with_mail(SPEED)
    first = begin(world)
    time.sleep(GIVES_WAY_S / SPEED / 2)
    with odmr(world) as second:
        equal(second.cmd("ATRN").code, 451, "half a minute: 451")
    time.sleep(GIVES_WAY_S / SPEED)
    call = collect(world)
    equal(call.reply.code, 250, "after a minute without progress: 250")
    equal(call.subjects(), ["waits"], "and what the first had comes")
    check(first.is_closed(), "the first is closed")
    check(wait_until(lambda: not world.shore.queue()), "nothing is left",
          world.shore.queue())
    equal(collect(world).reply.code, 453, "it came once")


def cannot_look():
    world = world_with_mail()
    with odmr(world) as client:
        wait_until(lambda: world.shore.rows(
            "customer", "show", "aurora")[0]["last_login"])
        other = sqlite3.connect(f"{world.shore.dir}/spool/spool.db",
                                isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        reply = client.cmd("ATRN")
        equal(str(reply)[:9], "451 4.3.0", "the spool is busy: 451, not 453")
        other.execute("ROLLBACK")
        other.close()
        equal(client.cmd("ATRN").code, 250, "later it is there")


run(second_waits, dead_gives_way, cannot_look)
