#!/usr/bin/env python3
"""Links that are followed: by a probe, by their interface."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from modem import Modem


def world_with(**link):
    world = World()
    world.make_shore().start()
    world.add_customer()
    site = world.make_site(links=[{"name": "iridium", "peers": ["shore"],
                                   **link}])
    return world, site


def send(site):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", "ben@shore.example",
                            make("out"))
        client.quit()
    equal(reply.code, 250, "taken")


def link(site):
    return site.rows("link", "list")[0]


def wait_state(site, *states):
    wait_until(lambda: link(site)["state"] in states, 15)
    check(link(site)["state"] in states, f"the link is {states}", link(site))


def by_probe():
    world = World()
    there = f"{world.dir}/there"
    world.make_shore().start()
    world.add_customer()
    site = world.make_site(links=[{
        "name": "iridium", "peers": ["shore"],
        "probe": {"command": f"echo asked; test -e {there}", "every": "1s"}}])
    site.start()
    send(site)
    wait_until(lambda: site.events("seen"), 10)
    equal(link(site)["state"], "down", "it is not there")
    open(there, "w", encoding="ascii").close()
    check(site.wait_queue_empty(), "it comes, and the mail goes")
    wait_state(site, "idle")
    os.unlink(there)
    wait_state(site, "down")
    equal([e["state"] for e in site.events("seen")], ["down", "up", "down"],
          "each change is logged, once")
    # a person's word holds until the next change
    site.must("link", "up", "iridium")
    wait_until(lambda: False, 2.5)
    check(link(site)["state"] != "down", "the probe says nothing new")


def a_probe_that_hangs():
    _, site = world_with(probe={"command": "sleep 100", "every": "1s"})
    site.start()
    check(wait_until(lambda: site.events("seen"), 15), "it is ended")
    equal(site.events("seen")[0]["state"], "down", "that means down")
    check("longer" in site.events("seen")[0]["text"], "and is said")


def by_interface():
    _, site = world_with(interface="lo")
    site.start()
    send(site)
    check(site.wait_queue_empty(), "the interface is there: the mail goes")
    equal(link(site)["interface"], "lo", "the list names the interface")
    site.must("link", "disable", "iridium")
    site.conf["links"][0]["interface"] = "tpnone0"
    site.restart()
    site.must("link", "enable", "iridium")
    wait_state(site, "down")


def an_interface_that_comes_and_goes():
    name = f"tp{os.getpid() % 100000}"
    if os.geteuid() != 0 or ip("link", "add", name, "type", "dummy"):
        skip_part("no interface can be made here")
        return
    at_end(lambda: ip("link", "del", name))
    world = World()
    modem = Modem(world)
    world.make_shore().start()
    world.add_customer()
    site = world.make_site(links=[modem.link(interface=name)])
    site.start()
    wait_until(lambda: site.events("seen"), 10)
    site.must("link", "call", "iridium")
    wait_state(site, "dialing")
    ip("addr", "add", "192.0.2.1/32", "dev", name)
    ip("link", "set", name, "up")
    wait_until(lambda: any(e["state"] == "up" for e in site.events("link")),
               15)
    check(any(e["state"] == "up" for e in site.events("link")),
          "its address completes the call")
    ip("link", "set", name, "down")
    wait_until(lambda: modem.calls() == ["up", "down"], 60)
    equal(modem.calls(), ["up", "down"], "when it vanishes it is hung up")


def ip(*args):
    try:
        return subprocess.run(["ip", *args], capture_output=True).returncode
    except FileNotFoundError:
        return 127


run(by_probe, a_probe_that_hangs, by_interface,
    an_interface_that_comes_and_goes)
