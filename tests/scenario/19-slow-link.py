#!/usr/bin/env python3
"""A link so slow that octets stand in the kernel's buffers for long."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

from peer import KEYWORDS

RATE = 16000  # octets a second


def waits_from_the_last_octet(keywords):
    """The wait for the final reply begins when the peer has the message."""
    peer = Peer(rate=RATE, auth=False, keywords=keywords)
    world = World()
    site = world.make_site(
        peer=world.peer(
            submission=peer.port, tls="none", user=None, password_file=None,
            collect="none", collect_port=None),
        limits={"final_timeout": "2s", "stall_timeout": "2s"}).start()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", ["ben@shore.example"],
                    b"Subject: long\r\n\r\n" + (b"x" * 70 + b"\r\n") * 900)
    equal(site.link_up("iridium"), 0, "a message of 4 s goes")
    equal(len(peer.mails), 1, "once")
    equal(peer.connections, 1, "over one connection")
    check(site.wait_queue_empty(), "and nothing is left")


def by_bdat():
    waits_from_the_last_octet(KEYWORDS)


def by_data():
    waits_from_the_last_octet(tuple(k for k in KEYWORDS if k != "CHUNKING"))


run(by_bdat, by_data)
