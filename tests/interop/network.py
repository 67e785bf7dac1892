#!/usr/bin/env python3
"""conf/hooks, called by the programs they are for when an interface goes up
and down.

	machine ROOT BUILD network.py PROGRAM

Runs in a machine of its own only (tests/interop/machine). Exit status 0: the
scripts were called and did what they should.
"""

import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

import report  # noqa: E402
from mta import write  # noqa: E402
from node import CLI, DAEMON, ROOT  # noqa: E402

CONF = """hostname = "aurora.example.org";
listeners = ( { name = "lan"; address = "127.0.0.1"; port = 2525;
    service = "smtp"; tls = "none"; } );
peers = ( { name = "shore"; host = "10.9.0.1"; } );
routes = ( { match = "*"; peers = [ "shore" ]; } );
links = ( { name = "vsat"; interface = "tide0"; peers = [ "shore" ];
    probe = { command = "sleep 3600"; every = "1h"; }; } );
"""
SAID = "/run/said"  # by logger
WAIT_S = 60


def shell(text):
    done = subprocess.run(["sh", "-euc", text], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=WAIT_S)
    if done.returncode != 0:
        raise AssertionError(f"{text}\n{done.stdout}")


def start(*command):
    with open(f"/run/{os.path.basename(command[0])}.log", "ab") as log:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                         stderr=log)


def said():
    try:
        with open(SAID, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def becomes(act, state):
    """ACT has the script say that the link is STATE, and it is."""
    before = len(said())
    act()
    if not report.wait_until(lambda: f"vsat: {state}" in said()[before:],
                             WAIT_S, 0.1):
        raise AssertionError(f"no word of {state}: {said()!r}")

    def is_down():
        rows = subprocess.run([CLI, "link", "list", "--json"], check=True,
                              capture_output=True, text=True).stdout
        return json.loads(rows)["state"] == "down"
    if not report.wait_until(lambda: is_down() == (state == "down"), WAIT_S):
        raise AssertionError(f"it is not {state}: {said()!r}")


def hook(name, *places):
    for place in places:
        shell(f"install -D -m 755 {ROOT}/conf/hooks/{name} {place}")


def bus():
    shell("mkdir -p /run/dbus; dbus-daemon --system --fork")


def cable():
    """tide0 and its far end, which has a carrier."""
    shell("ip link add tide0 type veth peer name far0; ip link set far0 up")


# --- one function for each program: up() and down() are what people do -------

def network_manager():
    bus()
    shell("mkdir -p /var/lib/NetworkManager")
    hook("NetworkManager/50-tidepost",
         "/etc/NetworkManager/dispatcher.d/50-tidepost")
    write("/etc/NetworkManager/conf.d/tide.conf",
          "[main]\nno-auto-default=*\n")
    write("/etc/NetworkManager/system-connections/tide.nmconnection",
          "[connection]\nid=tide\ntype=ethernet\ninterface-name=tide0\n"
          "autoconnect=false\n[ipv4]\nmethod=manual\n"
          "address1=10.9.0.2/24,10.9.0.1\n[ipv6]\nmethod=disabled\n", 0o600)
    cable()
    start("/usr/sbin/NetworkManager", "-n")
    start("/usr/lib/NetworkManager/nm-dispatcher", "--persist")

    def up():
        for _ in range(WAIT_S):  # it may be starting still
            try:
                return shell("nmcli device set tide0 managed yes;"
                             "nmcli connection up tide")
            except AssertionError as error:
                last = error
                time.sleep(1)
        raise last
    return up, lambda: shell("nmcli connection down tide")


def networkd():
    bus()
    for state in ("routable", "off", "no-carrier"):
        hook("networkd-dispatcher/50-tidepost",
             f"/etc/networkd-dispatcher/{state}.d/50-tidepost")
    shell("mkdir -p /run/systemd/netif/links /run/systemd/netif/leases"
          " /etc/systemd/network;"
          "chown -R systemd-network: /run/systemd/netif")
    write("/etc/systemd/network/10-tide.network",
          "[Match]\nName=tide0\n[Network]\nAddress=10.9.0.2/24\n"
          "Gateway=10.9.0.1\nLinkLocalAddressing=no\n")
    start("/lib/systemd/systemd-networkd")
    shell("until networkctl list; do sleep 0.2; done")
    start("/usr/bin/networkd-dispatcher", "-v")
    if not report.wait_until(lambda: "Startup complete" in read_log(
            "networkd-dispatcher"), WAIT_S):
        raise AssertionError("networkd-dispatcher does not start")
    return cable, lambda: shell("ip link set far0 down")


def ifupdown():
    hook("ifupdown/tidepost", "/etc/network/if-up.d/tidepost",
         "/etc/network/if-down.d/tidepost")
    write("/etc/network/interfaces",
          "iface tide0 inet static\n\taddress 10.9.0.2/24\n"
          "\tgateway 10.9.0.1\n")
    shell("mkdir -p /run/network")
    cable()
    return lambda: shell("ifup tide0"), lambda: shell("ifdown tide0")


PROGRAMS = {"NetworkManager": network_manager, "networkd-dispatcher": networkd,
            "ifupdown": ifupdown}


def read_log(name):
    with open(f"/run/{name}.log", encoding="utf-8",
              errors="replace") as stream:
        return stream.read()


def main():
    if os.environ.get("MACHINE") != "inside":
        sys.exit("network.py: run by tests/interop/machine only")
    write("/run/logger", f'#!/bin/sh\necho "$@" >>{SAID}\n', 0o755)
    shell("mount --bind /run/logger /usr/bin/logger")
    write("/etc/tidepost/tidepost.conf", CONF)
    start(DAEMON)
    up, down = PROGRAMS[sys.argv[1]]()
    becomes(up, "up")
    becomes(down, "down")


main()
