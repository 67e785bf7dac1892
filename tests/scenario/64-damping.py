#!/usr/bin/env python3
"""A link that comes and goes has to stay up before it is used."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

UPS = 6
EARLY_S = 0.5  # of the clocks that two processes read
SPEED = 40


def flapping_site(ups=UPS, speed=None):
    peer = Peer(auth=False)
    world = World()
    site = world.make_site(
        peer=world.peer(submission=peer.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        links=[{"name": "iridium", "peers": ["shore"]}])
    site.start(Shim(world.dir).env(speed=speed) if speed else None)
    for _ in range(ups):
        site.must("link", "up", "iridium")
        site.must("link", "down", "iridium")
    return peer, site


def why(site):
    return site.rows("link", "list")[0]["reason"] or ""


def send(site):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        equal(client.mail("ann@aurora.example.org", "ben@shore.example",
                          make("out")).code, 250, "taken")


def used_after(site):
    """Seconds from now until mail goes."""
    began = time.monotonic()
    site.must("link", "up", "iridium")
    send(site)
    check(site.wait_queue_empty(60), "it is used in the end", site.queue())
    return time.monotonic() - began


def stays_up_first():
    peer, site = flapping_site()
    equal(peer.connections, 0, "nothing waited, nothing was called")
    for least in (4, 8):
        took = used_after(site)
        check(took >= least - EARLY_S, f"not before {least} s", took)
        site.must("link", "down", "iridium")
    equal(len(peer.mails), 2, "each once")


def goes_before_it_is_used():
    peer, site = flapping_site()
    send(site)
    site.must("link", "up", "iridium")
    time.sleep(1)
    reason = why(site)
    site.must("link", "down", "iridium")
    time.sleep(4)
    equal(peer.connections, 0, "up for 1 s is not up")
    check("comes and goes" in reason or "steady" in reason,
          "it is said why", reason)
    equal(site.queue()[0]["attempts"], 0, "no attempt counts")


def not_for_who_waits():
    peer, site = flapping_site()
    send(site)
    began = time.monotonic()
    equal(site.link_up("iridium", "30s"), 0, "who waits is served")
    took = time.monotonic() - began
    check(took < 4, "at once", took)
    equal(len(peer.mails), 1, "the mail went")


def after_ten_minutes():
    """The daemon's monotonic clock runs fast: it has calmed down."""
    _, site = flapping_site(UPS + 3, SPEED)
    site.must("link", "up", "iridium")
    check(why(site), "it would have to stay up for 32 s")
    site.must("link", "down", "iridium")
    time.sleep(640 / SPEED)
    site.must("link", "up", "iridium")
    equal(why(site), "", "nothing keeps it")
    send(site)
    check(site.wait_queue_empty(), "and it is used")


run(stays_up_first, goes_before_it_is_used, not_for_who_waits,
    after_ten_minutes)
