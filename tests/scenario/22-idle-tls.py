#!/usr/bin/env python3
"""Many TLS sessions that do nothing: little memory, and others are served.

tests/bench/idle.py does the same with 10,000.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import resource
import time

from crowd import Crowd, memory, sanitized

COUNT = 300
# The aim is 250 MB for 10,000; few sessions pay for what all share, too.
# Sanitizers need several times as much.
KB_MAX = 32 * (10 if os.environ.get("TIDEPOST_TEST_STRETCH") else 1)


def idle():
    world = World()
    site = world.make_site(
        peer=world.peer(submission=9, odmr=9),
        limits={"connections": 2 * COUNT,
                "connections_per_client": 2 * COUNT}).start()
    with Smtp(site.port("lan")) as client:  # loads what is loaded once
        client.ehlo()
        client.starttls(world.client_tls)
    before = memory(site.process.pid)
    crowd = Crowd(site.port("lan"), COUNT)
    at_end(crowd.kill)
    equal(crowd.wait(), ["ready"] * 2, f"{COUNT} sessions under TLS stand")
    used = (memory(site.process.pid) - before) / COUNT / 1024
    if sanitized():
        skip_part("memory a session: the build has AddressSanitizer")
    else:
        check(used <= KB_MAX, f"a session takes {used:.1f} KB, at most {KB_MAX}")
    start = time.monotonic()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        equal(client.mail("ann@aurora.example.org", "ben@aurora.example.org",
                          make("between")).code, 250,
              "mail is taken meanwhile")
    check(time.monotonic() - start < 5, "and soon")
    equal(crowd.end(), COUNT, "each session still answers")
    wait_until(lambda: not site.status()["sessions"], 10)
    equal(site.status()["sessions"], [], "and none is left behind")
    crowd = Crowd(site.port("lan"), COUNT)
    at_end(crowd.kill)
    equal(crowd.wait(), ["ready"] * 2, f"{COUNT} more")
    again = (memory(site.process.pid) - before) / COUNT / 1024
    if not sanitized():
        # the caches of the store, warm since the mail between, count too
        check(again < used * 1.5, f"they use the same memory ({again:.1f} KB)")


def above_the_limit():
    """More connections than the limit: 421, and those inside live on."""
    world = World()
    site = world.make_site(
        peer=world.peer(submission=9, odmr=9),
        limits={"connections": 20, "connections_per_client": 100}).start()
    inside = [Smtp(site.port("lan")) for _ in range(20)]
    refused = 0
    for _ in range(30):
        with Smtp(site.port("lan"), greet=False) as client:
            refused += client.reply().code == 421
            check(client.is_closed(), "421 ends the connection") \
                if refused == 1 else None
    equal(refused, 30, "30 more hear 421")
    equal([c.ehlo().code for c in inside], [250] * 20, "20 are served")
    for client in inside:
        client.close()
    wait_until(lambda: not site.status()["sessions"], 10)
    with Smtp(site.port("lan")) as client:
        equal(client.ehlo().code, 250, "and then the next one is")


def start_above_the_file_limit():
    """connections above the file limit: refused at start, not at work."""
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9),
                           limits={"connections": 100000})
    # Only the soft limit binds; the daemon may raise it to the hard one.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard > 100000:
        skip_part("this machine allows more files than connections go")
        return
    site.launch()
    status = site.wait_exit(10)
    equal(status, 78, "connections above the file limit: the daemon says so "
          "and ends")
    check("file" in site.log_text().lower(), "and tells why",
          site.log_text()[-500:])


run(idle, above_the_limit, start_above_the_file_limit)
