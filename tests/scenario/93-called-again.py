#!/usr/bin/env python3
"""A line that is called again while it is hung up: two calls, each for itself."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from modem import Modem

RECORD = """#!/bin/sh
env | grep ^TIDEPOST_ >"{folder}/tmp.$$"
mv "{folder}/tmp.$$" "{folder}/$(date +%s%N).$$"
"""


def told(folder):
    """What link-up and link-down were told, in order."""
    found = []
    for name in sorted(os.listdir(folder)):
        if not name.startswith("tmp"):
            with open(f"{folder}/{name}", encoding="utf-8") as stream:
                found.append(dict(row.rstrip("\n").removeprefix("TIDEPOST_")
                                  .split("=", 1) for row in stream))
    return found


def recorder(world):
    folder, hooks = f"{world.dir}/told", f"{world.dir}/hooks"
    os.mkdir(folder, 0o755)
    for event in ("link-up", "link-down"):
        os.makedirs(f"{hooks}/{event}.d", 0o755)
        path = f"{hooks}/{event}.d/50-record"
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(RECORD.format(folder=folder))
        os.chmod(path, 0o755)
    return folder, hooks


def wait_state(site, state):
    def now():
        return site.rows("link", "list")[0]["state"]
    check(wait_until(lambda: now() == state, 30), f"the link is {state}",
          now())


def two_calls():
    """dial.down waits for a word; meanwhile a person calls once more."""
    world = World()
    world.make_shore().start()
    world.add_customer()
    folder, hooks = recorder(world)
    go = f"{world.dir}/go"
    line = Modem(world, up=f"sleep 600 & echo $! >>{world.dir}/left",
                 down=f"until [ -e {go} ]; do sleep 0.1; done")
    site = world.make_site(hooks=hooks, links=[line.link(
        cost={"per_call": 1.5, "currency": "EUR"},
        budget={"day": {"cost": 20.0}})])
    site.start()
    body = make("out")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        equal(client.mail("ann@aurora.example.org", "ben@shore.example",
                          body).code, 250, "taken")
    site.must("link", "call", "iridium")
    equal(len(copies(world.shore.wait_mail("ben"), body)), 1, "it arrived")
    wait_state(site, "hanging-up")
    site.must("link", "call", "iridium")
    with open(go, "w", encoding="utf-8"):
        pass
    line.wait("up", "down", "up", "down")
    wait_state(site, "down")
    check(wait_until(lambda: len(told(folder)) >= 4, 30), "hooks are told",
          told(folder))
    events = told(folder)
    equal([e["EVENT"] for e in events],
          ["link-up", "link-down", "link-up", "link-down"], "by turns")
    first, second = events[1], events[3]
    equal((first["COST"], second["COST"]), ("1.50", "1.50"),
          "each call is paid by itself")
    equal((first["MESSAGES_SENT"], second["MESSAGES_SENT"]), ("1", "0"),
          "each has its messages")
    check(int(first["BYTES_SENT"]) > int(second["BYTES_SENT"]) > 0,
          "and its octets", (first, second))
    equal(first["STATE"], "down", "the first one is over")
    left = site.rows("link", "list")[0]["budget_left"]["day"]
    equal(round(left["cost"], 2), 17.0, "both are charged to the day")
    with open(f"{world.dir}/left", encoding="utf-8") as stream:
        left = [int(pid) for pid in stream.read().split()]
    equal(len(left), 2, "each call left a program running")
    check(wait_until(lambda: not any(is_alive(p) for p in left), 30),
          "which ended with its call", left)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


run(two_calls)
