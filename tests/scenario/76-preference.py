#!/usr/bin/env python3
# alone: it is about which of two peers is quicker
"""Several peers of a route, in the order in which they are named; and mail
that waits takes another route when the configuration has one."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time


def entry(name, port, **conf):
    return dict({"name": name, "host": "127.0.0.1", "port": port,
                 "tls": "none"}, **conf)


def site_with(first, second, links=None, **conf):
    world = World()
    site = world.make_site(
        peer=entry("first", first.port if first else dead_port()),
        peers=[entry("first", first.port if first else dead_port()),
               entry("second", second.port)],
        routes=[{"match": "*", "peers": ["first", "second"]}],
        links=links or [{"name": "harbour"}],
        queue={"retry": ["2s"]}, **conf)
    return site.start()


def dead_port():
    peer = Peer(auth=False)
    peer.close()
    return peer.port


def send(site, name, sender="ann@aurora.example.org"):
    octets = make(name)
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        equal(client.mail(sender, "ben@shore.example", octets).code, 250,
              f"{name} is accepted")
    return octets


def the_first_has_it():
    first, second = Peer(auth=False), Peer(auth=False)
    site = site_with(first, second)
    for i in range(20):
        send(site, f"before {i}")
    equal(site.link_up("harbour", "30s"), 0, "link up")
    equal((len(first.mails), len(second.mails)), (20, 0),
          "all of it goes to the first")
    send(site, "after")
    check(wait_until(lambda: len(first.mails) == 21), "and what comes later")
    time.sleep(0.5)
    equal(len(second.mails), 0, "nothing to the second")


def the_second_where_the_first_is_away():
    second = Peer(auth=False)
    port = dead_port()
    world = World()
    site = world.make_site(
        peer=entry("first", port),
        peers=[entry("first", port), entry("second", second.port)],
        routes=[{"match": "*", "peers": ["first", "second"]}],
        links=[{"name": "harbour"}], queue={"retry": ["2s"]}).start()
    send(site, "away")
    site.must("link", "up", "harbour")
    check(wait_until(lambda: len(second.mails) == 1),
          "the second has it", site.queue())
    check(site.wait_queue_empty(), "and nothing waits")
    first = Peer(auth=False, port=port)
    time.sleep(2.5)
    for i in range(12):  # back when it can: at its next try
        send(site, f"back {i}")
        if wait_until(lambda: first.mails, 1):
            break
    check(first.mails, "the first has mail again when it is back")
    seen = len(second.mails)
    for i in range(5):
        send(site, f"again {i}")
    check(site.wait_queue_empty(), "all goes")
    equal(len(second.mails), seen, "and the second no more")


def by_another_link():
    """The first is reached by one link only, the second by another."""
    first, second = Peer(auth=False), Peer(auth=False)
    site = site_with(first, second, links=[
        {"name": "vsat", "peers": ["first"]},
        {"name": "iridium", "peers": ["second"]}])
    send(site, "one")
    equal(site.link_up("iridium", "20s"), 0, "the second's link comes up")
    equal((len(first.mails), len(second.mails)), (0, 1), "it has the mail")
    equal(site.link_up("vsat", "20s"), 0, "then the first's")
    send(site, "two")
    check(wait_until(lambda: len(first.mails) == 1), "the first has it now")
    check(site.wait_queue_empty(), "and that is written down")
    site.link_down("vsat")
    send(site, "three")
    check(wait_until(lambda: len(second.mails) == 2),
          "the second again when that link is down", site.queue())


def killed_on_the_way():
    """kill -9 while the second takes what the first could not."""
    second = Peer(auth=False, rate=3000)
    site = site_with(None, second)
    sent = [send(site, f"mail {i}") for i in range(15)]
    site.must("link", "up", "harbour")
    check(wait_until(lambda: len(second.mails) >= 3), "it goes on its way")
    site.kill()
    second.rate = 0
    site.start()
    site.must("link", "up", "harbour")
    check(site.wait_queue_empty(30), "after a kill all of it goes",
          site.queue())
    doubts = len(site.doubts())
    counts = [len(copies([m.octets for m in second.mails], s))
              for s in sent]
    check(min(counts) >= 1, "nothing is lost", counts)
    check(sum(counts) - len(counts) <= doubts,
          "and doubled only what the log says", (counts, doubts))


def routed_anew():
    first, second = Peer(auth=False), Peer(auth=False)
    site = site_with(first, second)
    for i in range(8):
        send(site, f"waits {i}")
    site.conf["routes"] = [{"match": "shore.example", "peers": ["second"]},
                           {"match": "*", "peers": ["first"]}]
    site.write_conf()
    site.kill()
    site.start()
    check(wait_until(lambda: {r["route"] for r in site.queue()}
                     == {"shore.example"}),
          "a change of the configuration routes what waits", site.queue())
    site.must("link", "up", "harbour")
    check(site.wait_queue_empty(), "and it goes")
    equal((len(first.mails), len(second.mails)), (0, 8), "to the new peer")
    site.conf["routes"] = [{"match": "*", "peers": ["first"]}]
    site.link_down("harbour")
    send(site, "one more")
    site.reload()
    check(wait_until(lambda: site.queue()[0]["route"] == "*"),
          "also while the daemon runs")
    site.must("link", "up", "harbour")
    check(wait_until(lambda: len(first.mails) == 1), "and back")


run(the_first_has_it, the_second_where_the_first_is_away, by_another_link,
    killed_on_the_way, routed_anew)
