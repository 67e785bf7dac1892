#!/usr/bin/env python3
"""A customer's own host says which recipients there are, by its answers to
RCPT, and the provider remembers (--recipients verify)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

DOMAIN = "aurora.example.org"


def world_with_shore(verify=True, **conf):
    world = World()
    world.make_shore(queue={"retry": ["1s"]},
                     customers={"tell_kept": False}, **conf).start()
    more = ["--recipients", "verify"] if verify else []
    world.add_customer("aurora", DOMAIN, *more)
    return world


def rcpt(world, user):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<eve@shore.example>")
        return client.cmd(f"RCPT TO:<{user}@{DOMAIN}>")


def to_customer(world, *users):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        reply = client.mail("eve@shore.example",
                            [f"{user}@{DOMAIN}" for user in users],
                            make("to some"))
    if reply.code != 250:
        raise AssertionError(reply)


def by(answers):
    """A rule for RCPT: what to say to each user, else 250."""
    def rule(conn, line):
        user = line.split("<")[1].split("@")[0]
        return answers.get(user)
    return rule


def is_known_as(world, expected, name):
    for user, code in expected.items():
        check(wait_until(lambda: rcpt(world, user).code == code, 5),
              f"{name}: {user}: {code}", rcpt(world, user))


ANSWERS = {
    "gone": "550 5.1.1 no such sailor",
    "null": "550 5.1.10 takes no mail",
    "left": "550 5.1.6 went ashore",
    "plain": "550 who",
    "moved": "551 elsewhere",
    "name": "553 no name",
    "policy": "550 5.7.1 not from you",
    "full": "552 5.2.2 full",
    "later": "450 4.2.0 later",
    "closed": "554 5.1.1 no",
}
UNKNOWN = ("gone", "null", "left", "plain", "moved", "name")


def learns():
    world = world_with_shore()
    to_customer(world, "cap", *ANSWERS)
    call = collect(world, {"RCPT": by(ANSWERS)})
    equal([m.recipients for m in call.mails], [[f"cap@{DOMAIN}"]],
          "one is there, and has it")
    is_known_as(world, {user: 550 if user in UNKNOWN else 250
                        for user in ("cap", *ANSWERS)}, "taught")
    check("5.1.1" in rcpt(world, "GONE").text, "in any case: 550 5.1.1",
          rcpt(world, "GONE"))


def unlearns():
    """What was there may go, and come back."""
    world = world_with_shore()
    to_customer(world, "cap")
    collect(world)
    is_known_as(world, {"cap": 250}, "at first")
    to_customer(world, "cap")
    collect(world, {"RCPT": "550 5.1.1 left"})
    is_known_as(world, {"cap": 550}, "then")


def though_the_line_breaks():
    world = world_with_shore()
    to_customer(world, "cap", "gone")
    collect(world, {"RCPT": by(ANSWERS), "end": CLOSE})
    is_known_as(world, {"gone": 550, "cap": 250}, "the answer was heard")


def strangers_teach_little():
    """A host that refuses the sender at RCPT, without enhanced codes."""
    world = world_with_shore(relay={"networks": ["192.0.2.0/24"]})
    to_customer(world, "cap", "gone")
    collect(world, {"RCPT": by({"cap": "550 Sender verify failed",
                                "gone": "550 5.1.1 no such sailor"})})
    is_known_as(world, {"gone": 550, "cap": 250}, "by a forged sender")


def not_asked_for():
    world = world_with_shore(verify=False)
    to_customer(world, "gone")
    collect(world, {"RCPT": by(ANSWERS)})
    wait_until(lambda: not world.shore.queue())
    equal(rcpt(world, "gone").code, 250, "without verify nothing is learnt")


run(learns, unlearns, though_the_line_breaks, strangers_teach_little,
    not_asked_for)
