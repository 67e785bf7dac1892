#!/usr/bin/env python3
"""The ready scripts in conf/hooks, each called as its host calls it."""

import fcntl
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

HOOKS = f"{ROOT}/conf/hooks"
# (script, what the host passes when it is up, and when it is down)
HOSTS = {
    "ppp": (("ppp/ip-up", {"PPP_IFACE": "tide0", "PPP_LOCAL": "10.0.0.2"},
             ["tide0", "/dev/ttyS0", "9600", "10.0.0.2", "10.0.0.1", ""]),
            ("ppp/ip-down", {"PPP_IFACE": "tide0"},
             ["tide0", "/dev/ttyS0", "9600", "10.0.0.2", "10.0.0.1", ""])),
    "ppp without variables": (
        ("ppp/ip-up", {}, ["tide0", "/dev/ttyS0", "9600", "", "", ""]),
        ("ppp/ip-down", {}, ["tide0", "/dev/ttyS0", "9600", "", "", ""])),
    "NetworkManager": (
        ("NetworkManager/50-tidepost",
         {"DEVICE_IFACE": "tide0", "CONNECTION_ID": "x"}, ["tide0", "up"]),
        ("NetworkManager/50-tidepost", {}, ["tide0", "down"])),
    "networkd-dispatcher": (
        ("networkd-dispatcher/50-tidepost",
         {"IFACE": "tide0", "STATE": "routable", "AdministrativeState":
          "configured", "OperationalState": "routable"}, []),
        ("networkd-dispatcher/50-tidepost",
         {"IFACE": "tide0", "OperationalState": "no-carrier"}, [])),
    "ifupdown": (
        ("ifupdown/tidepost", {"IFACE": "tide0", "LOGICAL": "tide0",
                               "MODE": "start", "PHASE": "post-up"}, []),
        ("ifupdown/tidepost", {"IFACE": "tide0", "MODE": "stop",
                               "PHASE": "pre-down"}, [])),
    "OpenWrt": (
        ("openwrt/50-tidepost", {"ACTION": "ifup", "INTERFACE": "wan",
                                 "DEVICE": "tide0"}, []),
        ("openwrt/50-tidepost", {"ACTION": "ifdown", "INTERFACE": "wan",
                                 "DEVICE": "tide0"}, [])),
}
# What a host also calls them with: not for us.
OTHERS = (("NetworkManager/50-tidepost", {}, ["tide0", "hostname"]),
          ("NetworkManager/50-tidepost", {}, ["", "connectivity-change"]),
          ("NetworkManager/50-tidepost", {}, ["other0", "up"]),
          ("networkd-dispatcher/50-tidepost",
           {"IFACE": "tide0", "OperationalState": "carrier"}, []),
          ("ifupdown/tidepost", {"IFACE": "lo", "MODE": "start"}, []),
          ("ifupdown/tidepost", {"IFACE": "--all", "MODE": "start"}, []),
          ("openwrt/50-tidepost", {"ACTION": "ifupdate",
                                   "DEVICE": "tide0"}, []),
          ("ppp/ip-up", {}, []),
          ("ppp/ip-up", {"PPP_IFACE": "ppp9; touch /tmp/x"}, []))


class Host:
    """tidepost in the path, and a logger that keeps what it is told."""

    def __init__(self, site):
        self.dir = temp_dir()
        self.log = f"{self.dir}/log"
        self.env = {"PATH": f"{self.dir}:/usr/bin:/bin",
                    "TIDEPOST_CONF": site.file}
        os.symlink(CLI, f"{self.dir}/tidepost")
        with open(f"{self.dir}/logger", "w", encoding="ascii") as stream:
            stream.write(f'#!/bin/sh\necho "$@" >>"{self.log}"\n')
        os.chmod(f"{self.dir}/logger", 0o755)

    def call(self, script, env, args):
        done = subprocess.run(
            ["/bin/sh", f"{HOOKS}/{script}", *args], env={**self.env, **env},
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60, cwd="/")
        equal((done.returncode, done.stdout + done.stderr), (0, ""),
              f"{script} {args} {env}: ends well, and says nothing")

    def logged(self):
        try:
            with open(self.log, encoding="utf-8") as stream:
                return stream.read()
        except FileNotFoundError:
            return ""


def site_with_link():
    world = World()
    site = world.make_site(
        peer=world.peer(submission=1, collect="none", collect_port=None),
        links=[{"name": "away", "peers": ["shore"]},
               {"name": "hf", "peers": ["shore"], "interface": "tide0",
                "probe": {"command": "sleep 3600", "every": "1h"}}])
    return site


def states(site):
    return {row["name"]: row["state"] for row in site.rows("link", "list")}


def is_up(site):
    return states(site)["hf"] not in ("down", "failed")


def each_host():
    site = site_with_link().start()
    host = Host(site)
    for name, (up, down) in HOSTS.items():
        host.call(*up)
        check(is_up(site), f"{name}: the link is up", states(site))
        equal(states(site)["away"], "down", f"{name}: the other one is not")
        host.call(*down)
        equal(states(site)["hf"], "down", f"{name}: it is down")
    for other in OTHERS:
        host.call(*other)
    check(not is_up(site), "other calls change nothing", states(site))
    check("hf: up" in host.logged() and "hf: down" in host.logged(),
          "what was done is in the system's log", host.logged())
    check("other0" not in host.logged(), "interfaces of others are not")


def without_daemon():
    """Recorded for the next start; a broken configuration is in the log."""
    site = site_with_link()
    site.start()
    site.stop()
    host = Host(site)
    host.call(*HOSTS["ppp"][0])
    check("recorded" in host.logged(), "said so", host.logged())
    with open(site.file, "a", encoding="utf-8") as stream:
        stream.write("nonsense = 1;\n")
    host.call(*HOSTS["ppp"][1])
    check("nonsense" in host.logged(), "an error is in the log",
          host.logged())


def by_hand():
    site = site_with_link().start()
    done = site.cli("link", "up")
    equal(done.returncode, 64, "neither name nor interface: 64")
    done = site.cli("link", "up", "--interface", "eth7")
    equal(done.returncode, 65, "no link has it: 65")
    check("eth7" in done.stderr, "and says which", done.stderr)
    done = site.cli("link", "up", "--interface", "tide0", "--wait")
    equal(done.returncode, 64, "--wait wants a name: 64")


def while_it_starts():
    """The daemon has the spool and does not listen: a hook comes only once."""
    site = site_with_link().start()
    site.stop()
    with open(f"{site.dir}/spool/spool.db.lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = subprocess.Popen(
            [CLI, "-c", site.file, "link", "up", "--interface", "tide0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        time.sleep(1)
        equal(told.poll(), None, "it waits")
    said = told.communicate(timeout=60)[0]
    equal(told.returncode, 0, f"then it is done: {said}")
    site.start()
    check(wait_until(lambda: is_up(site)), "the link is up", states(site))


run(each_host, without_daemon, by_hand, while_it_starts)
