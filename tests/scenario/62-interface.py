#!/usr/bin/env python3
"""A link that follows its interface, in a network of its own."""

import ctypes
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

CLONE_NEWNET = 0x40000000


def ip(*args):
    return subprocess.run(["ip", *args], stderr=subprocess.PIPE,
                          check=False).returncode == 0


def veth():
    return ip("link", "add", "sat0", "type", "veth", "peer", "name", "far0")


def own_network():
    """All programs started from here see no interface but new ones."""
    try:
        return (ctypes.CDLL(None).unshare(CLONE_NEWNET) == 0
                and ip("link", "set", "lo", "up") and veth()
                and ip("link", "del", "sat0"))
    except (OSError, AttributeError):
        return False


def connected():
    veth()
    for end in ("far0", "sat0"):
        ip("link", "set", end, "up")
    ip("address", "add", "192.0.2.1/24", "dev", "sat0")


def follows():
    if not own_network():
        skip_part("no network of our own can be made here")
        return
    world = World()
    peer = Peer(auth=False)
    site = world.make_site(
        peer=world.peer(submission=peer.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        links=[{"name": "sat", "interface": "sat0", "peers": ["shore"]}])
    site.start()
    expected = ["down"]

    def states():
        return [e["state"] for e in site.events("seen")]

    def now(state, what):
        """Sooner than it is looked at without being told (30 s)."""
        expected.append(state)
        check(wait_until(lambda: states() == expected, 15),
              f"{what}: {state}", (expected, states()))

    check(wait_until(lambda: states() == expected), "none there: down")
    connected()
    now("up", "it appears")
    check(wait_until(lambda: site.rows("link", "list")[0]["state"] != "down"),
          "the link is up")
    ip("address", "del", "192.0.2.1/24", "dev", "sat0")
    now("down", "its address goes")
    ip("address", "add", "192.0.2.1/24", "dev", "sat0")
    now("up", "and is back")
    ip("link", "set", "sat0", "down")
    ip("link", "set", "sat0", "name", "sat1")
    ip("link", "set", "sat1", "up")
    now("down", "it has another name")
    ip("link", "set", "sat1", "down")
    ip("link", "set", "sat1", "name", "sat0")
    ip("link", "set", "sat0", "up")
    now("up", "and its own again")
    ip("link", "set", "far0", "down")
    now("down", "the cable is out")
    ip("link", "set", "far0", "up")
    now("up", "and in")
    ip("link", "del", "sat0")
    now("down", "it vanishes")
    for i in range(60):
        ip("link", "add", f"v{i}", "type", "veth", "peer", "name", f"w{i}")
        ip("link", "del", f"v{i}")
    connected()
    now("up", "after much else came and went")
    equal([e for e in site.events("interfaces-untold")], [],
          "the kernel told all of it")


run(follows)
