#!/usr/bin/env python3
"""Mail that a customer never collects ends with its lifetime, and only by a
clock that can be believed."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

DAY = 86400
TO_1970 = -int(time.time()) + 3600


def world_with_shore(**queue):
    world = World()
    world.shim = Shim(world.dir)
    world.make_shore(queue={"retry": ["1s"], **queue}).start()
    world.add_customer()
    return world


def to_customer(world, name, params=""):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<eve@shore.example>")
        client.cmd(f"RCPT TO:<cap@aurora.example.org>{params}")
        client.cmd("DATA")
        client.send(stuff(make(name)))
        return client.reply().message_id


def later(world, seconds):
    world.shore.stop()
    world.shore.start(world.shim.env(clock=seconds))


def waits(world):
    return sorted(r["message"] for r in world.shore.queue())


def gone(world, message):
    return wait_until(lambda: message not in waits(world), 10)


def settled(world):
    """The first look of this start is over."""
    time.sleep(2)


def after_its_days():
    world = world_with_shore()
    first = to_customer(world, "first", " NOTIFY=NEVER")
    held = to_customer(world, "held")
    world.shore.must("queue", "hold", held, "--yes")
    later(world, 20 * DAY)
    second = to_customer(world, "second")
    settled(world)
    equal(waits(world), sorted([first, held, second]),
          "after 20 of 30 days all wait")
    later(world, 31 * DAY)
    check(gone(world, first), "after 31 days the first is given up",
          waits(world))
    equal(waits(world), sorted([held, second]),
          "what is younger stays, and what a person holds")
    equal(world.shore.queue("--state", "deleted"), [],
          "its sender wanted no notice: it is gone")
    events = world.shore.rows("log", "--message", first)
    check("never collected" in events[-1]["text"]
          and "30 days" in events[-1]["text"], "the log says why", events[-1])

    world.shore.must("queue", "release", held, "--yes")
    world.shore.reload()
    settled(world)
    equal(waits(world), sorted([held, second]),
          "what is released begins a new life")
    later(world, 51 * DAY)
    check(gone(world, second), "the second ends in its turn", waits(world))
    check(wait_until(lambda: waits(world) == [held]),
          "with its notice delivered, the released one lives on",
          waits(world))


def of_its_own():
    """A lifetime of its own; the deferred ends, too."""
    world = world_with_shore(customer_lifetime="10d")
    message = to_customer(world, "short", " NOTIFY=NEVER")
    collect(world, {"RCPT": "450 4.2.0 not today"})
    check(wait_until(lambda: world.shore.queue()[0]["state"] == "deferred"),
          "the customer put it off")
    later(world, 11 * DAY)
    check(gone(world, message), "queue.customer_lifetime ends it",
          waits(world))


def told_or_kept():
    """The end of a lifetime is told like a refusal."""
    world = World()
    world.shim = Shim(world.dir)
    world.make_shore(relay={"networks": ["192.0.2.0/24"]}).start()
    world.add_customer()
    world.shore.must("user", "add", "dora", "--password-stdin",
                     text=PASSWORD + "\n")
    forged = to_customer(world, "forged perhaps")
    with Smtp(world.shore.port("submission")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        client.auth_plain("dora", PASSWORD)
        client.mail("dora@shore.example", "cap@aurora.example.org",
                    make("by dora", sender="dora@shore.example"))
    later(world, 31 * DAY)
    mails = world.shore.wait_mail("dora")
    check(len(mails) == 1 and b"Status: 5.4.7" in mails[0]
          and b"held for 30 days and never collected"
          in mails[0], "a user of ours is told why", mails)
    equal(world.shore.mailbox("eve"), [], "an unknown sender is not")
    rows = world.shore.queue("--state", "deleted")
    equal([r["message"] for r in rows], [forged], "that mail is kept")
    world.shore.must("queue", "undelete", forged, "--yes")
    world.shore.reload()
    settled(world)
    equal(waits(world), [forged], "undelete gives it a new life")


def wrong_clock():
    world = world_with_shore()
    message = to_customer(world, "patient", " NOTIFY=NEVER")
    later(world, TO_1970)
    settled(world)
    equal(waits(world), [message], "nothing ends while no clock is trusted")

    offset = f"{world.dir}/offset"

    def jump(seconds):
        with open(offset, "w", encoding="ascii") as stream:
            stream.write(str(seconds))

    jump(0)
    later(world, offset)
    settled(world)
    jump(60 * DAY)
    world.shore.reload()
    settled(world)
    equal(waits(world), [message], "nor when the clock jumped 60 days")
    world.shore.reload()
    settled(world)
    equal(waits(world), [message], "nor soon after")
    events = world.shore.events("clock-jumped", now=True)
    equal(len(events), 1, "the log says so once")
    world.shore.stop()
    world.shore.start(world.shim.env(clock=60 * DAY))
    check(gone(world, message), "a start with the same clock believes it",
          waits(world))


run(after_its_days, of_its_own, told_or_kept, wrong_clock)
