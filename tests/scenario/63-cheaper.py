#!/usr/bin/env python3
"""A paid link rests while a cheaper one carries its mail."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from modem import Modem

MESSAGES = 8


def slowly(_conn, _line):
    time.sleep(0.4)  # and then as ever


def send(site):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", "ben@shore.example",
                            make("out"))
        client.quit()
    equal(reply.code, 250, "taken")


def world_with(rules, **dial):
    peer = Peer(rules=rules, keywords=("8BITMIME",))
    world = World()
    modem = Modem(world)
    site = world.make_site(
        world.peer(submission=peer.port, tls="none", collect="none",
                   user=None, password_file=None, tls_name=None),
        links=[modem.link(cost={"per_minute": 1.2}, dial=dial),
               {"name": "harbour", "peers": ["shore"]}])
    return site.start(), modem


def moves_over():
    site, modem = world_with({"DATA": slowly}, call_when_waiting="2s")
    for _ in range(MESSAGES):
        send(site)
    check(wait_until(lambda: site.events("delivered"), 20), "it is called")
    site.must("link", "up", "harbour")
    modem.wait("up", "down")
    left = len(site.queue())
    check(left > 1, "it is hung up before all is sent", left)
    check(site.wait_queue_empty(), "the rest goes by the cheap one")
    equal(len(site.events("delivered")), MESSAGES, "each once")
    used = [e["link"] for e in site.events("connected") if e.get("link")]
    equal(used, ["iridium", "harbour"], "one after the other")
    check(site.wait_queue_empty(), "nothing is left")


def no_call_while_a_cheaper_one_is_up():
    site, modem = world_with({}, call_at_once_priority=0)
    site.must("link", "up", "harbour")
    send(site)
    check(site.wait_queue_empty(), "it goes by the cheap one")
    time.sleep(1)
    equal(modem.calls(), [], "no call")
    site.must("link", "down", "harbour")
    send(site)
    modem.wait("up", "down")
    check(site.wait_queue_empty(), "without it, it is called")


run(moves_over, no_call_while_a_cheaper_one_is_up)
