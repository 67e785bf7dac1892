#!/usr/bin/env python3
"""What goes first, sending or collecting, over one connection and over two."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

KEYWORDS = ("PIPELINING", "8BITMIME", "ETRN", "ATRN")
ANSWERS = {"ATRN": "453 4.2.0 You have no mail", "ETRN": "251 2.0.0 no mail"}


def call(order, collect, two, **rules):
    """The verbs of each connection, in the order of the connections."""
    world = World()
    peer = Peer(rules={**ANSWERS, **rules}, keywords=KEYWORDS)
    other = Peer(rules={**ANSWERS, **rules}, keywords=KEYWORDS)
    site = world.make_site({
        "name": "shore", "host": "127.0.0.1", "port": peer.port,
        "tls": "none", "collect": collect, "order": order,
        **({"collect_port": other.port} if two else {})}).start()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", ["ben@shore.example"],
                    make("one"))
    status = site.link_up("iridium")
    equal(len(peer.mails), 1, f"{order} {collect}: the mail is sent")
    log = [e for e in site.events("session-end") if e["peer"] == "shore"]
    return status, peer, other, [e["role"] for e in log]


def verbs(peer):
    return [v.split()[0] for v in peer.verbs
            if v.split()[0] in ("MAIL", "ETRN", "ATRN")]


def etrn():
    for order, expected in (("both", ["MAIL", "ETRN"]),
                            ("push-first", ["MAIL", "ETRN"]),
                            ("collect-first", ["ETRN", "MAIL"])):
        status, peer, _, _ = call(order, "etrn", False)
        equal(status, 0, f"{order}: all moves")
        equal(verbs(peer), expected, f"etrn, {order}: on one connection")
        equal(peer.connections, 1, "and no other")


def etrn_refused():
    status, peer, _, _ = call("collect-first", "etrn", False,
                              ETRN="458 4.7.0 not now")
    equal(status, 13, "a refusal to collect is told")
    equal(verbs(peer)[:2], ["ETRN", "MAIL"], "what waits is sent behind it")


def atrn():
    for order, roles in (("push-first", ["push", "collect"]),
                         ("collect-first", ["collect", "push"])):
        status, peer, other, had = call(order, "atrn", True)
        equal(status, 0, f"{order}: all moves")
        equal(had, roles, f"atrn, {order}: on two connections")
        equal((verbs(peer), verbs(other)), (["MAIL"], ["ATRN"]),
              "each has its own")
    status, peer, _, _ = call("push-first", "atrn", False)
    equal(verbs(peer), ["MAIL", "ATRN"], "push-first on one connection")
    equal(peer.connections, 1, "and no other")
    status, peer, _, _ = call("collect-first", "atrn", False)
    equal(status, 0, "collect-first on one port")
    equal(verbs(peer), ["ATRN", "MAIL"], "ATRN comes first")
    equal(peer.connections, 2, "and another connection sends")


run(etrn, etrn_refused, atrn)
