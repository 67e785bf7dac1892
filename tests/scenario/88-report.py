#!/usr/bin/env python3
"""report.to: once a day a station says how it is."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

SPEED = 40  # of the timers: the node looks each second
TO = "ops@shore.example"
DAY = 86400


def site_with(peer, link=None, **report):
    world = World()
    site = world.make_site(
        peer=world.peer(submission=peer.port, user=None, password_file=None,
                        tls="none", collect="none", collect_port=None))
    site.conf["report"] = dict({"to": TO}, **report)
    if link:
        site.conf["links"][0].update(link)
    return site, Shim(world.dir)


def waiting(site):
    """What waits for TO: its rows."""
    return site.queue("--to", TO)


def made(site):
    return site.events("report")


def is_made(site, count=1):
    return wait_until(lambda: len(made(site)) >= count, 30)


def tells():
    peer = Peer(auth=False)
    site, shim = site_with(peer, link={
        "budget": {"day": {"time": "60m", "cost": 40.0}},
        "cost": {"per_minute": 1.2, "currency": "USD"}})
    with_mail = site.start(shim.env(speed=SPEED))
    with Smtp(with_mail.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example", make("x"))
    check(is_made(site), "at the first start at once", site.log_text())
    row = waiting(site)[0]
    equal((row["sender"], row["priority"], row["state"]), ("", -9, "ready"),
          "with a null sender and the lowest priority")
    site.link_up("iridium")
    check(wait_until(lambda: any(TO in str(m.recipients)
                                 for m in peer.mails)), "it goes")
    equal([TO in str(m.recipients) for m in peer.mails], [False, True],
          "behind the mail")
    text = peer.mails[-1].octets.decode()
    head, body = text.split("\r\n\r\n", 1)
    subject = re.search(r"^Subject: ([^\r]*(?:\r\n [^\r]*)*)", head, re.M)[1]
    equal(subject.replace("\r\n ", " "), body.rstrip("\r\n."),
          "the same line is subject and text")
    words = dict(w.split("=") for w in body.split()[1:] if "=" in w)
    equal(body.split()[0], "aurora.example.org", "who")
    equal(words["clock"], "ok", "its clock")
    equal(words["left.iridium.day"], "3600s/40.00USD", "its budget")
    check(int(words["disk"]) > 1000000, "its disk")
    check(re.fullmatch(r"\d+/\d+", words["out"]), "what waits", words)
    check(int(words["faults"]) >= 0, "its faults")
    check("Auto-Submitted: auto-generated" in head, "no answers", head)
    check(len(text) < 900, "it is small", len(text))
    equal(len(made(site)), 1, "one")


def one_a_day():
    """Restarts, steps of the clock and a kill make no second one; the next
    day's takes the place of one that still waits."""
    peer = Peer(auth=False)
    site, shim = site_with(peer)
    clock = f"{site.dir}/clock"

    def set_clock(seconds):
        with open(clock + ".new", "w", encoding="ascii") as stream:
            stream.write(str(seconds))
        os.rename(clock + ".new", clock)

    def rest():
        """Long enough for some looks."""
        time.sleep(2.5)

    set_clock(0)
    env = shim.env(clock=clock, speed=SPEED)
    site.launch(dict(env, TIDEPOST_CRASH_AT="report-stored"))
    equal(site.wait_exit(), -9, "killed when it is stored")
    site.start(env)
    rest()
    first = waiting(site)
    equal(len(first), 1, "one waits")
    for step in (2 * DAY, -2 * DAY, 0):
        set_clock(step)
        rest()
    equal([row["id"] for row in waiting(site)], [first[0]["id"]],
          "a clock that is set makes none")
    site.stop()
    site.start(env)
    rest()
    equal([row["id"] for row in waiting(site)], [first[0]["id"]],
          "nor does a start")
    site.kill()
    set_clock(DAY)
    site.start(env)
    check(is_made(site), "the next day's")
    second = waiting(site)
    equal(len(second), 1, "one waits")
    check(second[0]["id"] != first[0]["id"], "the newer")
    site.stop()
    set_clock(4 * DAY)
    site.start(env)
    check(is_made(site, 2), "after three days off")
    equal(len(waiting(site)), 1, "one, too")
    site.link_up("iridium")
    check(wait_until(lambda: peer.mails), "it goes")
    equal(len(peer.mails), 1, "only it")
    equal(waiting(site), [], "nothing is left")


def asks_for_no_call():
    peer = Peer(auth=False)
    site, shim = site_with(peer, link={"dial": {
        "up": "/bin/true", "down": "/bin/true", "call_when_waiting": "1s",
        "call_at_once_priority": -9}})
    site.start(shim.env(speed=SPEED))
    check(is_made(site), "it is made")
    time.sleep(4)  # more than two minutes of the node's timers
    equal(site.events("call"), [], "nobody is called for it")
    equal(peer.mails, [], "so it waits")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example", make("x"))
    check(wait_until(lambda: len(peer.mails) == 2, 30), "with others it goes",
          site.log_text())


def without_a_clock():
    peer = Peer(auth=False)
    site, shim = site_with(peer)
    clock = f"{site.dir}/clock"
    with open(clock, "w", encoding="ascii") as stream:
        stream.write(str(-20 * 365 * DAY))
    site.start(shim.env(clock=clock, speed=SPEED))
    time.sleep(2.5)
    equal(made(site), [], "none while nobody knows the time")
    with open(clock, "w", encoding="ascii") as stream:
        stream.write("0")
    check(is_made(site), "then one", site.log_text())


def refused():
    """Nobody hears of it, and the next takes its place."""
    peer = Peer(auth=False, rules={"RCPT": "550 5.1.1 nobody"})
    site, shim = site_with(peer)
    site.start(shim.env(speed=SPEED))
    check(is_made(site), "it is made")
    site.link_up("iridium")
    check(wait_until(lambda: [r for r in waiting(site)
                              if r["state"] == "held"]), "it is held",
          site.queue())
    equal(len(site.queue()), 1, "and no notice made")
    site.stop()
    site.start(shim.env(clock=DAY, speed=SPEED))
    check(is_made(site, 2), "the next day")
    check(wait_until(lambda: len(site.queue()) == 1), "one is there",
          site.queue())


def to_an_alias():
    """What an alias stands for gets it, and it is replaced as a whole."""
    peer = Peer(auth=False)
    site, shim = site_with(peer, to="crew@aurora.example.org")
    with open(f"{site.dir}/aliases", "w", encoding="ascii") as stream:
        stream.write("crew: ann, ops@shore.example, eve@shore.example\n")
    site.conf["local"]["aliases"] = f"{site.dir}/aliases"
    site.start(shim.env(speed=SPEED))
    check(is_made(site), "it is made")
    check(wait_until(lambda: len(site.mailbox("ann")) == 1),
          "who has a mailbox here has it", site.queue())
    equal(sorted((row["recipient"], row["alias"]) for row in site.queue()),
          [("eve@shore.example", "crew@aurora.example.org"),
           (TO, "crew@aurora.example.org")], "for the others it waits")
    site.stop()
    site.start(shim.env(clock=DAY, speed=SPEED))
    check(is_made(site, 2), "the next day")
    check(wait_until(lambda: len(site.mailbox("ann")) == 2), "one more here")
    equal(len({row["message"] for row in site.queue()}), 1, "one waits")
    equal(len(site.queue()), 2, "for two")


def no_route():
    peer = Peer(auth=False)
    site, shim = site_with(peer)
    site.conf["routes"] = [{"match": "other.example", "peers": ["shore"]}]
    site.start(shim.env(speed=SPEED))
    check(wait_until(lambda: site.events("report-not-made")), "it is said")
    time.sleep(3)
    equal(len(site.events("report-not-made")), 1, "once")


run(tells, one_a_day, asks_for_no_call, without_a_clock, refused, to_an_alias, no_route)
