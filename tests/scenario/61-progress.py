#!/usr/bin/env python3
"""What link up --wait shows while mail moves: a line that lives on a terminal,
a line for each message elsewhere."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import screen

TEXT = "a line of a letter\r\n" * 300
PRICE = {"per_call": 0.5, "per_minute": 1.2}


def site_with(**link):
    def slowly(_conn, _line):
        time.sleep(2.5)

    peer = Peer(auth=False, rules={"greeting": slowly, "end": slowly},
                keywords=("8BITMIME",))
    world = World()
    site = world.make_site(
        peer=world.peer(submission=peer.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        links=[{"name": "iridium", "peers": ["shore"], **link}]).start()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for i in range(2):
            reply = client.mail("ann@aurora.example.org",
                                f"ben{i}@shore.example",
                                make(f"letter {i}", TEXT))
            equal(reply.code, 250, "taken")
    return site


def shown_by(site):
    """The living lines and the others."""
    status, shown = screen.talk(["-c", site.file, "link", "up", "iridium",
                                 "--wait", "--deadline", "60s"])
    equal(status, 0, "all has moved")
    live = re.findall(r"(shore [^\r\n\x1b]*)\r\x1b\[K", shown)
    lines = [line.split("\x1b[K")[-1] for line in shown.split("\n")]
    return live, [line for line in lines if " delivered " in line]


def on_a_terminal():
    live, lines = shown_by(site_with(bit_rate=9600, cost=PRICE))
    check(len(live) >= 2, "it is told each second", live)
    check(all(len(line) < screen.COLUMNS for line in live), "it fits", live)
    whole = re.compile(r"shore [0-9.]+K? of [0-9.]+K, ([01]) messages?, "
                       r"(\d+)s left, cost (\d+\.\d\d)$")
    found = [m for m in map(whole.match, live) if m]
    check(not any(" of 0" in line for line in live),
          "before a message begins nothing is said of it", live)
    check(found, "bytes, messages, seconds left and cost", live)
    # 12 K at 9600 bit/s are some 11 s, of which the first half has moved.
    left = [int(m[2]) for m in found]
    check(all(0 < n <= 15 for n in left), "as the plan reckons", live)
    check(left[-1] < left[0], "and less when something has moved", live)
    equal(sorted({m[1] for m in found}), ["0", "1"], "messages are counted")
    check(all(0.5 <= float(m[3]) < 2 for m in found), "the price holds", live)
    equal(len(lines), 2, "and a line for each message")


def not_known():
    live, _ = shown_by(site_with())
    check(live, "a line lives", live)
    # a machine that is slow enough measures the link by the first message
    check(not any("left" in line for line in live if "0 messages" in line)
          and not any("cost" in line for line in live),
          "what is not known is not shown", live)


def limit_without_price():
    live, _ = shown_by(site_with(bit_rate=9600,
                                 budget={"day": {"bytes": "1M"}}))
    check(any("left" in line for line in live), "seconds left", live)
    check(not any("cost" in line for line in live), "no price, no cost", live)


def no_terminal():
    site = site_with(bit_rate=9600, cost=PRICE)
    equal(site.link_up("iridium"), 0, "all has moved")
    lines = site.last.stdout.rstrip("\n").split("\n")
    equal([line.split(" ", 2)[2] for line in lines[:-1]],
          ["delivered 1 shore 6.2K of 6.2K", "delivered 2 shore 6.2K of 6.2K"],
          "a line for each message, and how it went")


run(on_a_terminal, not_known, limit_without_price, no_terminal)
