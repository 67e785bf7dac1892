#!/usr/bin/env python3
"""Clocks that are wrong, and a daemon that was off for a month."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

YEAR = 365 * 86400
TO_1970 = -int(time.time()) + 3600  # one o'clock on the first day of 1970


def send(node, port, sender, to, octets):
    with Smtp(node.port(port)) as client:
        client.ehlo()
        reply = client.mail(sender, to, octets)
    if reply.code != 250:
        raise AssertionError(reply)


def world_with_mail():
    world = World()
    site, shore = world.pair(queue={"retry": ["1s"], "expire_after": "5d"})
    return world, site, shore


def clock_in_1970():
    world, site, shore = world_with_mail()
    shim = Shim(world.dir)
    first, second, back = make("before"), make("in 1970"), make("back")
    send(site, "lan", "ann@aurora.example.org", "ben@shore.example", first)
    send(shore, "smtp", "eve@shore.example", "cap@aurora.example.org", back)
    site.stop()
    site.start(shim.env(clock=TO_1970))
    status = site.status()
    check("not" in str(status["clock"]).lower()
          or "untrusted" in str(status["clock"]).lower()
          or (isinstance(status["clock"], dict)
              and status["clock"].get("trusted") is False),
          "status says that the clock is not trusted", status["clock"])
    send(site, "lan", "ann@aurora.example.org", "ben@shore.example", second)
    equal(len(site.queue()), 2, "mail is accepted, nothing expires")
    equal(site.link_up("iridium"), 0,
          "link up: 0, certificates are still checked")
    mails = shore.wait_mail("ben", 2)
    for octets in (first, second):
        equal(len(copies(mails, octets)), 1, "sent with the clock in 1970")
    equal(len(copies(site.wait_mail("cap"), back)), 1, "and collected")
    check(site.wait_queue_empty(), "nothing is left", site.queue())


def wrong_name_in_1970():
    world, site, shore = world_with_mail()
    shim = Shim(world.dir)
    site.stop()
    site.conf["peers"][0]["tls_name"] = "other.example"
    site.start(shim.env(clock=TO_1970))
    send(site, "lan", "ann@aurora.example.org", "ben@shore.example",
         make("x"))
    equal(site.link_up("iridium"), 14,
          "a certificate for another name is refused in 1970, too")


def clock_jumps():
    """From 1970 to today while the daemon runs, and nothing expires."""
    world, site, shore = world_with_mail()
    shim = Shim(world.dir)
    site.stop()
    offset = f"{world.dir}/offset"
    with open(offset, "w", encoding="ascii") as stream:
        stream.write(str(TO_1970))
    site.start(shim.env(clock=offset))
    octets = make("jump")
    send(site, "lan", "ann@aurora.example.org", "ben@shore.example", octets)
    for seconds in (0, YEAR, -40 * YEAR, 0):
        with open(offset, "w", encoding="ascii") as stream:
            stream.write(str(seconds))
        time.sleep(0.4)
        equal(len(site.queue()), 1,
              f"after a jump to now{seconds:+d} s the mail is there")
    check(site.is_running(), "the daemon lives")
    equal(site.link_up("iridium"), 0, "link up: 0")
    equal(len(copies(shore.wait_mail("ben"), octets)), 1, "and it arrives")


def off_for_a_month():
    world, site, shore = world_with_mail()
    shim = Shim(world.dir)
    octets, back = make("old"), make("old back")
    send(site, "lan", "ann@aurora.example.org", "ben@shore.example", octets)
    send(shore, "smtp", "eve@shore.example", "cap@aurora.example.org", back)
    site.stop()
    shore.stop()
    month = 29 * 86400  # the provider holds it for 30 days
    shore.start(shim.env(clock=month))
    site.start(shim.env(clock=month))
    time.sleep(0.5)
    equal((len(site.queue()), len(shore.queue())), (1, 1),
          "after a month off the mail is there")
    equal(site.link_up("iridium"), 0, "link up: 0")
    equal(len(copies(shore.wait_mail("ben"), octets)), 1, "it goes out")
    equal(len(copies(site.wait_mail("cap"), back)), 1, "and comes in")
    boxes = [n for node in (site, shore)
             for _, _, names in os.walk(f"{node.dir}/mail") for n in names]
    equal(len(boxes), 2, "no notice or warning was sent")


def off_for_a_month_deferred():
    """Refused once, a month ago: tried again, not expired."""
    world = World()
    peer = Peer(rules={"MAIL": "451 4.3.0 not now"}, auth=False)
    shim = Shim(world.dir)
    site = world.make_site(
        queue={"retry": ["1h"], "expire_after": "5d"},
        peer=world.peer(submission=peer.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None)).start()
    send(site, "lan", "ann@aurora.example.org", "ben@shore.example",
         make("deferred"))
    site.link_up("iridium", "20s")
    equal(site.queue()[0]["state"], "deferred", "deferred")
    site.stop()
    peer.rules.clear()
    site.start(shim.env(clock=31 * 86400))
    code = site.link_up("iridium", "20s")
    equal(code, 0, "a month later: link up 0")
    check(wait_until(lambda: len(peer.mails) == 1), "it is delivered")


def set_clock(world, seconds):
    """The clock of a daemon that was started with world.offset jumps."""
    with open(world.offset, "w", encoding="ascii") as stream:
        stream.write(str(seconds))


def returned(site):
    return [octets for octets in site.mailbox("ann")
            if b"multipart/report" in octets]


def longest():
    """queue.longest: the end by the wall clock, tried or not; and of nothing
    that only a clock that was set makes old."""
    world = World()
    world.offset = f"{world.dir}/offset"
    shim = Shim(world.dir)
    set_clock(world, 0)
    site = world.make_site(queue={"longest": "60d"}, peer=world.peer(
        submission=9, tls="none", user=None, password_file=None,
        collect="none", collect_port=None))
    site.start()
    site.stop()
    site.start(shim.env(clock=world.offset))
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example",
                    make("first"))
        held = client.mail("ann@aurora.example.org", "eve@shore.example",
                           make("held")).message_id
    site.must("queue", "hold", held, "--yes")
    for seconds in (61 * 86400, -400 * 86400, 400 * 86400, 0):
        set_clock(world, seconds)
        site.reload()
        time.sleep(0.3)
        equal(len(site.queue()), 2,
              f"the clock was set by {seconds:+d} s: nothing is old")
    site.stop()
    site.start(shim.env(clock=59 * 86400))
    time.sleep(1)
    equal(len(site.queue()), 2, "after 59 days both wait")
    site.stop()
    site.start(shim.env(clock=TO_1970))
    time.sleep(1)
    equal(len(site.queue()), 2, "without a clock, too")
    site.stop()
    site.start(shim.env(clock=61 * 86400))
    check(wait_until(lambda: returned(site)), "after 61 days it returns",
          site.queue())
    mail = returned(site)[0]
    check(b"Status: 5.4.7" in mail and b"60 days" in mail,
          "with the reason", mail)
    equal([r["message"] for r in site.queue()], [held],
          "what a person holds stays")
    check(site.events("too-old", now=True), "the log says so")
    events = site.rows("log")
    check(any(e["event"] == "failed" and "60 days" in (e["text"] or "")
              for e in events), "and the event log")


def set_back_and_forth():
    """Attempts on days that only the clock's being set makes are one day."""
    world = World()
    world.offset = f"{world.dir}/offset"
    shim = Shim(world.dir)
    set_clock(world, 0)
    peer = Peer(rules={"MAIL": "451 4.3.0 not now"}, auth=False)
    site = world.make_site(
        queue={"retry": ["1s"], "expire_after": "1d"},
        peer=world.peer(submission=peer.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None))
    site.start(shim.env(clock=world.offset))
    send(site, "lan", "ann@aurora.example.org", "ben@shore.example",
         make("stubborn"))
    site.link_up("iridium", "20s")
    for i in range(6):
        set_clock(world, (i % 2) * 20 * 86400)
        before = site.queue()[0]["attempts"]
        site.must("queue", "retry", "--all", "--yes")
        check(wait_until(lambda: not site.queue()
                         or site.queue()[0]["attempts"] > before),
              "it is tried again", site.queue())
    equal(len(site.queue()), 1, "it did not expire")
    equal(returned(site), [], "no notice was sent")


run(longest, set_back_and_forth, clock_in_1970, wrong_name_in_1970, clock_jumps, off_for_a_month,
    off_for_a_month_deferred)
