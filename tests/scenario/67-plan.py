#!/usr/bin/env python3
"""What a call would move, said before it is made."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

LARGE = ("z" * 70 + "\r\n") * 200
LINK = {"name": "iridium", "peers": ["shore"], "bit_rate": 2400,
        "rtt": "1800ms", "max_size": "8K",
        "cost": {"per_minute": 1.2, "billing_step": "20s"}}


def make_site(conf=None, **link):
    peer = Peer(auth=False)
    world = World()
    site = world.make_site(
        peer=world.peer(submission=peer.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        relay={"max_priority": 9}, links=[dict(LINK, **link)], **(conf or {})).start()
    return peer, site


def send(site, subject, text="hello\r\n", params="",
         to="ben@shore.example"):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", to,
                            make(subject, text), params)
    if reply.code != 250:
        raise AssertionError(reply)


def plan(site):
    done = site.cli("link", "plan", "iridium", "--json")
    rows = [json.loads(line) for line in done.stdout.split("\n") if line]
    return done.returncode, rows


def says_it_all():
    peer, site = make_site()
    code, rows = plan(site)
    equal((code, len(rows)), (69, 1), "nothing to do")
    send(site, "large", LARGE)
    equal(plan(site)[0], 10, "only mail left on purpose")
    send(site, "small", "hello\r\n" * 100)
    send(site, "urgent", "hello\r\n" * 200, " MT-PRIORITY=4")
    code, rows = plan(site)
    equal(code, 0, "worth calling")
    equal([(r["decision"], r["reason_code"], r["priority"])
           for r in rows[:-1]],
          [("go", None, 4), ("go", None, 0), ("stay", "size", 0)],
          "in this order, and why not")
    total = rows[-1]["total"]
    equal(total["messages"], 2, "two would move")
    check(2000 < total["bytes"] < 5000, "bytes", total)
    check(10 < total["seconds"] < 60 and total["cost"] >= 0.4,
          "seconds and money", total)
    equal(set(total), {"messages", "bytes", "seconds", "cost", "turnarounds"},
          "the fields of the interface")
    equal(rows[-1]["inbound"], dict.fromkeys(
        ("messages", "bytes", "seconds", "cost"), None) | {"sessions": 0},
        "nobody knows what waits at the far side")
    equal(peer.connections, 0, "nothing was sent")
    site.stop()
    stopped = plan(site)
    equal((stopped[0], stopped[1][-1]["total"]["messages"]), (0, 2),
          "the same with the daemon down")
    site.start()
    equal(site.link_up("iridium"), 10, "then called")
    equal(len(peer.mails), 2, "as planned")


def other_links():
    """What a rule keeps for another link is not in the plan."""
    _, site = make_site()
    site.conf["links"].append({"name": "harbour", "peers": ["shore"]})
    site.conf["rules"] = [{"to": "late@shore.example", "links": ["harbour"]}]
    site.restart()
    send(site, "late", to="late@shore.example")
    send(site, "now", to="now@shore.example")
    _, rows = plan(site)
    equal([r["recipient"] for r in rows[:-1]], ["now@shore.example"],
          "only what may go over this link")
    equal(rows[-1]["total"]["messages"], 1, "in the total, too")
    equal(rows[-1]["not_looked_at"], {"deliveries": 0, "bytes": 0},
          "and nothing is left out")


def thousands():
    """More than is looked at: it says how much."""
    _, site = make_site()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for i in range(6):
            reply = client.mail("ann@aurora.example.org",
                                [f"u{i}.{k}@shore.example"
                                 for k in range(900)], make("all"))
            equal(reply.code, 250, "taken")
    size = site.rows("queue", "show", "1")[0]["size"]
    _, rows = plan(site)
    more = rows[-1]["not_looked_at"]
    equal((len(rows) - 1, more["deliveries"]), (5000, 400),
          "what is not looked at is counted")
    equal(more["bytes"], 400 * size, "with its octets")
    check("400 more" in site.cli("link", "plan", "iridium").stdout,
          "and people are told")


def no_budget():
    _, site = make_site(budget={"day": {"bytes": "1K"}})
    send(site, "small")
    code, rows = plan(site)
    equal((code, rows[0]["reason_code"]), (11, "budget"), "no budget")
    equal(site.cli("link", "plan", "nowhere").returncode, 65, "no such link")
    check("inbound" in site.cli("link", "plan", "iridium").stdout,
          "inbound is a line of its own", site.cli("link", "plan",
                                                   "iridium").stdout)


run(says_it_all, other_links, thousands, no_budget)
