#!/usr/bin/env python3
"""Certificates that end soon, ours and a peer's: told from 30 days before."""

import datetime
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *


def span(days):
    end = datetime.datetime.now(datetime.timezone.utc) \
        + datetime.timedelta(days=days)
    return ["-startdate", "20000101000000Z", "-enddate",
            end.strftime("%Y%m%d%H%M%SZ")]


def warnings(node):
    return node.status()["warnings"]


def told(node, part):
    return wait_until(lambda: [w for w in warnings(node) if part in w])


def ours():
    world = World()
    world.make_shore()
    site = world.make_site(peer=world.peer(submission=2525, odmr=2525))
    certificate, key = world.ca.issue("short", "aurora.example.org",
                                      span=span(29))
    site.conf["tls"]["certificate"] = certificate
    site.conf["tls"]["key"] = key
    site.start()
    check(told(site, certificate), "29 days before: status tells", site.status())
    check("ends on" in warnings(site)[0], "and when", warnings(site))
    check(wait_until(lambda: site.events("certificate-ends")),
          "the log tells, too")
    check("warning    our certificate" in site.must("status"),
          "and status for people")
    long, key = world.ca.issue("long", "aurora.example.org", span=span(31))
    site.conf["tls"]["certificate"] = long
    site.conf["tls"]["key"] = key
    for row in site.conf["listeners"]:
        row["port"] = 0  # as it began
    site.reload()
    check(wait_until(lambda: not warnings(site)), "31 days before: nothing",
          warnings(site))


def of_a_peer():
    world = World()
    short = server_context(*world.ca.issue("short", "mail.shore.example",
                                           span=span(20)))
    long = server_context(*world.ca.issue("long", "mail.shore.example"))
    peer = Peer(context=short, auth=False)
    site = world.make_site(peer=world.peer(
        submission=peer.port, user=None, password_file=None, collect="none",
        collect_port=None)).start()
    equal(warnings(site), [], "nothing is known yet")
    for name in ("one", "two"):
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            client.mail("ann@aurora.example.org", ["ben@shore.example"],
                        make(name))
        site.link_down("iridium")
        equal(site.link_up("iridium"), 0, f"{name} is sent")
        if name == "one":
            check(told(site, "of peer shore ends on"),
                  "a certificate of 20 days is told", warnings(site))
            peer.context = long
    check(wait_until(lambda: not warnings(site)),
          "and no more once it is renewed", warnings(site))
    equal(len(site.events("certificate-ends")), 1, "the log tells it once")


run(ours, of_a_peer)
