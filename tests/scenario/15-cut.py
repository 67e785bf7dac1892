#!/usr/bin/env python3
"""The line is cut at every place: nothing lost, doubles only told."""
# limit: 600

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

from peer import KEYWORDS

STEP = 512
MAILS = 3
SIZE = 40  # lines of a message
FLIGHT = 6  # messages


def letters(prefix, user, domain, count=MAILS):
    return [(f"{user}{i}@{domain}",
             make(f"{prefix} {i}", f"line of {prefix}\r\n" * SIZE))
            for i in range(count)]


def hand_over(node, port, sender, mails):
    with Smtp(node.port(port)) as client:
        client.ehlo()
        for to, octets in mails:
            reply = client.mail(sender, to, octets)
            if reply.code != 250:
                raise AssertionError(reply)


def told(*nodes):
    return sum(len(n.doubts()) for n in nodes)


def count(node, mails):
    """(deliveries missing, deliveries doubled)"""
    missing = doubled = 0
    for to, octets in mails:
        user, domain = to.split("@")
        found = len(copies(node.mailbox(user, domain), octets))
        missing += found == 0
        doubled += max(0, found - 1)
    return missing, doubled


def world_with_line():
    world = World()
    world.make_shore().start()
    world.add_customer()
    push = Line(world.shore.port("submission"))
    odmr = Line(world.shore.port("odmr"))
    site = world.make_site(
        peer=world.peer(submission=push.port, odmr=odmr.port),
        limits={"stall_timeout": "5s", "final_timeout": "5s"}).start()
    return world, site, world.shore, push, odmr


def drain(site, shore):
    for _ in range(8):
        if site.link_up("iridium", "30s") == 0 and not site.queue() \
                and not shore.queue("--route", "customer:aurora"):
            return shore.wait_queue_empty(5)
        time.sleep(0.2)
    return False


def whole_length(direction):
    """How many octets an exchange without a cut takes, and its turns."""
    world, site, shore, push, odmr = world_with_line()
    line = push if direction == "push" else odmr
    mails = load(direction, 0, site, shore)
    line.reset()
    site.link_up("iridium")
    total, turns = line.total, line.turns
    target = shore if direction == "push" else site
    wait_until(lambda: count(target, mails) == (0, 0))
    equal(count(target, mails), (0, 0), f"{direction}: without a cut")
    print(f"# {direction}: {total} octets, {turns} turn-arounds")
    clean_up()
    return total


def load(direction, round_, site, shore):
    if direction == "push":
        mails = letters(f"out{round_}", f"u{round_}x", "shore.example")
        hand_over(site, "lan", "ann@aurora.example.org", mails)
    else:
        mails = letters(f"in{round_}", f"u{round_}x", "aurora.example.org")
        hand_over(shore, "smtp", "eve@shore.example", mails)
    return mails


def cuts(direction, how, step):
    total = whole_length(direction)
    world, site, shore, push, odmr = world_with_line()
    line, target = (push, shore) if direction == "push" else (odmr, site)
    all_mails, stuck, was_cut = [], [], 0
    for round_, place in enumerate(range(1, total + step, step)):
        all_mails += load(direction, round_, site, shore)
        site.link_down("iridium")
        line.reset(cut_at=place, how=how)
        site.link_up("iridium", "30s")
        was_cut += line.was_cut
        line.reset()
        site.link_down("iridium")
        if not drain(site, shore):
            stuck.append(place)
    name = f"{direction}, cut by {how} at each {step} octets"
    # Where TLS is resumed an exchange is shorter than the first one was.
    check(was_cut >= total // step // 2, f"{name}: {was_cut} cuts")
    check(not stuck, f"{name}: all drained afterwards",
          (stuck, site.queue("--limit", "3"), shore.queue("--limit", "3")))
    wait_until(lambda: count(target, all_mails)[0] == 0)
    missing, doubled = count(target, all_mails)
    equal(missing, 0, f"{name}: nothing of {len(all_mails)} lost")
    doubts = told(site, shore)
    check(doubled <= doubts, f"{name}: {doubled} doubled, {doubts} told")


def push_reset():
    cuts("push", "rst", STEP)


def push_closed():
    cuts("push", "fin", STEP * 3)


def turned_reset():
    cuts("turn", "rst", STEP)


def turned_closed():
    cuts("turn", "fin", STEP * 2)


def flight_world(keywords):
    world = World()
    peer = Peer(auth=False, keywords=keywords)
    line = Line(peer.port)
    site = world.make_site(peer=world.peer(
        submission=line.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None), limits={
            "stall_timeout": "5s", "final_timeout": "5s"}).start()
    return peer, line, site


def fly(site, line, round_, cut_at):
    """So many in flight, cut; {recipient: id}."""
    ids = {}
    site.link_down("iridium")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for to, octets in letters(f"flight{round_}", f"f{round_}x",
                                  "shore.example", FLIGHT):
            ids[to] = client.mail("ann@aurora.example.org", to,
                                  octets).message_id
    line.reset(cut_at=cut_at)
    site.link_up("iridium", "30s")
    return ids


def flight_drained(site):
    for _ in range(8):
        if site.link_up("iridium", "30s") == 0 and not site.queue():
            return True
        site.link_down("iridium")
        time.sleep(0.2)
    return False


def cut_flight(name, keywords):
    """A flight of many messages is cut at each STEP octets."""
    peer, line, site = flight_world(keywords)
    ids = fly(site, line, 0, None)
    check(not site.queue(), f"{name}: without a cut all goes")
    total, was_cut, stuck, again = line.total, 0, [], []
    whole = line.octets["out"]
    for round_, place in enumerate(range(1, total, STEP), 1):
        ids.update(fly(site, line, round_, place))
        was_cut += line.was_cut
        line.reset()
        site.link_down("iridium")
        if not flight_drained(site):
            stuck.append(place)
        again.append(line.octets["out"])
    equal(was_cut, len(again), f"{name}: each cut is made")
    equal(stuck, [], f"{name}: all drained afterwards")
    # Longer numbers in names and addresses, and QUIT of a second connection.
    check(max(again) <= whole + 300, f"{name}: never more than the flight "
          "goes again", (whole, again))
    times = {to: sum(to in mail.recipients for mail in peer.mails)
             for to in ids}
    doubts = site.doubts()
    equal([to for to in ids if not times[to]], [],
          f"{name}: nothing of {len(ids)} is lost")
    equal([to for to in ids if times[to] - 1 > doubts.count(ids[to])], [],
          f"{name}: {sum(times.values()) - len(ids)} doubled, all told")


def flights():
    cut_flight("many by BDAT", KEYWORDS)
    cut_flight("many by DATA",
               tuple(k for k in KEYWORDS if k != "CHUNKING"))


def silence():
    """No reset, nothing: only the stall timeout ends the session."""
    world, site, shore, push, odmr = world_with_line()
    mails = load("push", 0, site, shore)
    push.reset(cut_at=5000, how="silence")
    start = time.monotonic()
    code = site.link_up("iridium", "60s")
    took = time.monotonic() - start
    check(code not in (0, 15), "a silent line: link up tells of it", code)
    check(took < 40, "by the stall timeout", took)
    push.reset()
    site.link_down("iridium")
    check(drain(site, shore), "later all is drained", site.queue())
    missing, doubled = count(shore, mails)
    equal(missing, 0, "nothing lost")
    check(doubled <= told(site, shore), "doubles are told", doubled)


def ended_by_us(name, end):
    """The peer has the whole message and has not answered; then we stop."""
    world = World()
    peer = Peer(rules={"end": STALL}, auth=False)
    site = world.make_site(peer=world.peer(
        submission=peer.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None)).start()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        message = client.mail("ann@aurora.example.org", "ben@shore.example",
                              make("who has it")).message_id
    site.must("link", "up", "iridium")
    check(wait_until(lambda: any(
        c.seen.get("end") for c in list(peer.open))), f"{name}: it is there")
    end(site)
    peer.rules.clear()
    if not site.is_running():
        site.start()
    equal(wait_until(site.doubts), [message],
          f"{name}: the log says may-be-delivered-twice")
    equal(site.link_up("iridium", "20s"), 0, f"{name}: later it goes")
    equal(len(peer.mails), 1, f"{name}: and is taken")


def in_doubt():
    for name, end in (("link down", lambda site: site.link_down("iridium")),
                      ("stopped", lambda site: site.stop()),
                      ("killed", lambda site: site.kill())):
        run_part(ended_by_us, name, end)


run(push_reset, push_closed, turned_reset, turned_closed, flights, silence,
    in_doubt)
