#!/usr/bin/env python3
"""run_dir/tidepost.prom and status.json: for whoever watches many nodes."""

import json
import os
import re
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

from schema import Schema

SPEED = 15  # of the timers: a round a second
NAME = 'odd "name\\'
LINE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})?'
                  r' (-?\d+)$')


def figures(site):
    """{(name, labels): value}; every line must be one that is read."""
    with open(f"{site.dir}/run/tidepost.prom", encoding="utf-8") as stream:
        lines = stream.read().split("\n")
    equal(lines.pop(), "", "it ends with a line end") if lines[-1] else None
    found = {}
    for line in lines:
        if not line or line.startswith("# HELP tidepost_") or \
                line.startswith("# TYPE tidepost_"):
            continue
        match = LINE.match(line)
        if not match:
            check(False, "a line can be read", line)
            continue
        found[match[1], match[2] or ""] = int(match[3])
    return found


def site_with():
    world = World()
    site = world.make_site(
        peer=world.peer(submission=1, collect="none", collect_port=None),
        limits={"connections_per_client": 200, "command_timeout": "1h"},
        routes=[{"match": "*", "name": NAME, "peers": ["shore"]}])
    return site, Shim(world.dir).env(speed=SPEED)


def tells():
    site, env = site_with()
    path = f"{site.dir}/run/tidepost.prom"
    site.start(env)
    check(wait_until(lambda: os.path.exists(path)), "it is there")
    equal(stat.S_IMODE(os.stat(path).st_mode) & 0o007, 0,
          "strangers cannot read it")
    found = figures(site)
    equal(found["tidepost_clock_trusted", ""], 1, "the clock")
    equal(found["tidepost_link_usable", 'link="iridium"'], 0, "the link")
    equal(found["tidepost_link_state", 'link="iridium",state="down"'], 1,
          "and its state")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example", make("x"))
    labels = 'state="ready",route="odd \\"name\\\\"'
    check(wait_until(lambda: figures(site).get(
        ("tidepost_queue_deliveries", labels)) == 1),
          "what waits, by a route with an odd name", figures(site))
    check(figures(site)["tidepost_queue_bytes", labels] > 200, "its size")
    site.must("link", "up", "iridium")
    check(wait_until(lambda: figures(site)[
        "tidepost_link_usable", 'link="iridium"'] == 1), "it comes up")
    site.stop()
    check(not os.path.exists(path), "it goes with the daemon")


def status_file(site):
    with open(f"{site.dir}/run/status.json", encoding="utf-8") as stream:
        return json.loads(stream.read())


def says_status():
    """What "tidepost status --json" says."""
    site, env = site_with()
    path = f"{site.dir}/run/status.json"
    site.start(env)
    check(wait_until(lambda: os.path.exists(path)), "it is there")
    equal(stat.S_IMODE(os.stat(path).st_mode) & 0o007, 0,
          "strangers cannot read it")
    with open(f"{ROOT}/docs/json.schema.json", encoding="utf-8") as stream:
        schema = Schema(json.load(stream))
    equal(schema.faults(status_file(site), {"$ref": "#/$defs/tidepost status"}),
          [], "it is as the schema says")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example", make("x"))
    check(wait_until(lambda: status_file(site)["queue"]["ready"] == 1),
          "what waits", status_file(site))
    asked = json.loads(site.must("status", "--json"))
    told = status_file(site)
    for row in asked, told:
        del row["uptime"]
    equal(told, asked, "both say the same")
    site.must("queue", "hold", "1")
    check(wait_until(lambda: status_file(site)["queue"]["held"] == 1),
          "what is held")
    equal(status_file(site)["links"][0]["waiting_messages"], 0,
          "does not wait for a link")
    many_sessions(site)
    site.stop()
    check(not os.path.exists(path), "it goes with the daemon")


def many_sessions(site):
    """Of many sessions the first hundred."""
    clients = [Smtp(site.port("lan")) for _ in range(130)]
    check(wait_until(lambda: len(status_file(site)["sessions"]) == 100),
          "sessions", len(status_file(site)["sessions"]))
    for client in clients:
        client.close()


def cannot_be_written():
    """Said once; mail goes on."""
    site, env = site_with()
    site.start(env)
    path = f"{site.dir}/run/tidepost.prom"
    check(wait_until(lambda: os.path.exists(path)), "it is there")
    os.unlink(path)
    os.mkdir(path)
    check(wait_until(lambda: site.events("metrics-not-written")), "it is said")
    wait_until(lambda: False, 3)
    equal(len(site.events("metrics-not-written")), 1, "once")
    os.rmdir(path)
    check(wait_until(lambda: os.path.isfile(path)), "it is back")


run(tells, says_status, cannot_be_written)
