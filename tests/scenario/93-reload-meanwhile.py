#!/usr/bin/env python3
"""The configuration is read again while something goes by the old one."""

import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from modem import Modem


def asking_by_etrn():
    """Fewer domains of ours, while the last of the old ones is asked for."""
    asked, go = [], threading.Event()

    def etrn(_, line):
        asked.append(line.split()[1])
        if len(asked) == 3:
            go.wait(60)
        return "251 2.0.0 nothing waits"

    peer = Peer(auth=False, rules={"ETRN": etrn},
                keywords=("PIPELINING", "8BITMIME", "ETRN"))
    domains = ["aurora.example.org", "two.example.org", "three.example.org"]
    site = World().make_site(
        peer={"name": "shore", "host": "127.0.0.1", "port": peer.port,
              "tls": "none", "collect": "etrn"})
    site.conf["local"]["domains"] = domains
    site.start()
    site.must("link", "up", "iridium")
    check(wait_until(lambda: len(asked) == 3), "the last one is asked for",
          asked)
    site.conf["local"]["domains"] = domains[:1]
    site.reload()
    check(site.events("reloaded"), "it is reloaded")
    go.set()
    check(wait_until(lambda: len(site.events("exchange-end")) == 2),
          "it ends, and then another one by the new settings", site.events())
    told = [e["domain"] for e in site.events("etrn")]
    equal(told, domains + domains[:1], "each is about what was asked for")
    equal(asked, domains + domains[:1], "each was asked for once")
    equal(site.stop(), 0, "and the daemon ends well")


def sending(after):
    """A message is on its way over a dialled line, by the old settings; AFTER
    changes them. True: it went, and the line was hung up behind it."""
    held, go = threading.Event(), threading.Event()

    def end(*_):
        held.set()
        go.wait(60)
        return "250 2.0.0 taken"

    peer = Peer(auth=False, rules={"end": end})
    world = World()
    line = Modem(world)
    site = world.make_site(
        peer={"name": "shore", "host": "127.0.0.1", "port": peer.port,
              "tls": "none", "collect": "none"}, links=[line.link()])
    site.start()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        equal(client.mail("ann@aurora.example.org", "ben@shore.example",
                          make("out")).code, 250, "taken")
    site.must("link", "call", "iridium")
    check(held.wait(30), "its end has reached the peer")
    after(site)
    site.reload()
    check(site.events("reloaded"), "it is reloaded")
    check(not wait_until(lambda: line.calls() != ["up"], 2),
          "the line is not hung up", line.calls())
    go.set()
    line.wait("up", "down")
    equal((len(peer.mails), site.queue()), (1, []), "it went once")
    check(not site.events("may-be-delivered-twice"), "without doubt")


def a_line_that_is_used():
    """It stays open until what began by the old settings has ended."""
    def after(site):
        site.conf["queue"] = {"warn_after": "3h"}
    sending(after)


def a_peer_that_is_gone():
    """So does that of a peer which the new settings do not have."""
    def after(site):
        site.conf["peers"][0]["name"] = "other"
        site.conf["routes"] = [{"match": "*", "peers": ["other"]}]
        site.conf["links"][0]["peers"] = ["other"]
    sending(after)


def one_port_for_two():
    """A listener on the port that another one was given: refused, and no
    listener serves twice."""
    site = World().make_site(peer={}, peers=[], links=[], routes=[])
    site.start()
    lan = site.conf["listeners"][0]
    given = dict(lan, name="given", port=lan["port"])
    lan["port"] = 0
    site.restart()
    given["port"] = site.port("lan")
    site.conf["listeners"].append(given)
    lan["port"] = 0
    site.reload()
    check(site.events("reload-refused"), "the port is in use")
    site.conf["listeners"].remove(given)
    site.reload()
    check(site.events("reloaded"), "without it all is well")
    equal(site.stop(), 0, "and it ends well")


run(one_port_for_two, asking_by_etrn, a_line_that_is_used,
    a_peer_that_is_gone)
