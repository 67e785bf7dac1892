#!/usr/bin/env python3
"""Which way mail goes: the first route that matches the recipient."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

ROUTES = [
    ("boss@far.example", "boss"),
    ("Dr.Li@clinic.far.example", "doctor"),
    (".far.example", "below"),
    ("far.example", "far"),
    ("bücher.example", "books"),
    ("[192.0.2.7]", "literal"),
    ("near.example", "near"),
    ("\"odd one\"@odd.example", "odd"),
]
WAYS = [
    ("boss@far.example", "boss"),
    ("BOSS@Far.Example", "boss"),
    ("\"boss\"@far.example", "boss"),
    ("boss+x@far.example", "far"),
    ("chief@far.example", "far"),
    ("boss@deep.down.far.example", "below"),
    ("dr.li@CLINIC.far.example", "doctor"),
    ("nurse@clinic.far.example", "below"),
    ("x@nearfar.example", None),
    ("x@far.example.org", None),
    ("x@near.example", "near"),
    ("x@sub.near.example", None),
    ("x@[192.0.2.7]", "literal"),
    ("x@[192.0.2.8]", None),
    ("\"odd one\"@odd.example", "odd"),
    ("\"odd\\ one\"@odd.example", "odd"),
    ("odd@odd.example", None),
    ("ann@aurora.example.org", "local"),
]


def site_with(routes, **conf):
    world = World()
    return world.make_site(
        peer=world.peer(submission=9, odmr=9),
        routes=[{"match": match, "name": name, "peers": ["shore"]}
                for match, name in routes], **conf)


def ways(site):
    return {r["recipient"]: r["route"] for r in site.queue()}


def hand_in(site, to, params=""):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        return client.mail("eve@else.example", to, make("a way"), params)


def first_that_matches():
    site = site_with(ROUTES)
    site.conf["local"]["deliver"] = "lmtp:unix:/nonexistent/lmtp"  # it waits
    site.start()
    for to, name in WAYS:
        reply = hand_in(site, to)
        if name is None:
            equal((reply.code, str(reply)[4:9]), (550, "5.1.2"),
                  f"{to}: no route")
            continue
        equal(reply.code, 250, f"{to} is accepted")
        equal(ways(site).get(to), name, f"the way of {to}")
    reply = hand_in(site, "leser@bücher.example", " SMTPUTF8")
    equal((reply.code, ways(site).get("leser@bücher.example")),
          (250, "books"), "a domain in UTF-8")


def all_others():
    """* takes what is left, and nothing that stands before it."""
    site = site_with([("boss@far.example", "boss"), ("*", "rest")]).start()
    for to, name in (("boss@far.example", "boss"), ("x@far.example", "rest"),
                     ("x@[IPv6:2001:db8::1]", "rest")):
        hand_in(site, to)
        equal(ways(site).get(to), name, f"the way of {to}")


def another_order():
    """What waits goes by the routes as they are."""
    site = site_with([("far.example", "far"), ("*", "rest")]).start()
    for to in ("boss@far.example", "x@else.example"):
        hand_in(site, to)
    site.conf["routes"].insert(0, {
        "match": "boss@far.example", "name": "boss", "peers": ["shore"]})
    site.write_conf()
    site.reload()
    check(wait_until(lambda: ways(site) == {"boss@far.example": "boss",
                                            "x@else.example": "rest"}),
          "one has another way now", ways(site))
    site.stop()
    site.conf["routes"].pop(0)
    site.write_conf()
    site.start()
    check(wait_until(lambda: ways(site)["boss@far.example"] == "far"),
          "after a start, too", ways(site))


run(first_that_matches, all_others, another_order)
