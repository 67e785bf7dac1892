#!/usr/bin/env python3
"""A cap is a cap: bytes, time and money of a link; and it goes on later."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

from line import Line

import fcntl
import socket
import struct
import termios

SIZE = 2000
COUNT = 20
TEXT = ("x" * 70 + "\r\n") * (SIZE // 72)
SHIM_DAY = 86400


class Narrow(Line):
    """Holds nothing itself: an octet that is counted was acknowledged."""

    PIECE, RATE = 512, 16000

    def _pump(self, pair, source, target, direction):
        try:
            while octets := source.recv(self.PIECE):
                time.sleep(self.PIECE / self.RATE)
                self._allowed(direction, len(octets))
                target.sendall(octets)
                while struct.unpack("i", fcntl.ioctl(
                        target, termios.TIOCOUTQ, b"0000"))[0]:
                    time.sleep(0.001)
            target.shutdown(1)
        except (OSError, ValueError):
            self._end(pair, "fin")


class Metered(Line):
    """As fast as the machine is; tells what its near side had on the wire."""

    ACKED, RECEIVED, SEGMENTS = 120, 128, 136  # struct tcp_info
    SITE = 0  # which side of a pair is the site's

    @property
    def wire(self):
        total = 0
        for pair in self._pairs:
            info = pair[self.SITE].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
            total += sum(struct.unpack_from("QQ", info, self.ACKED))
            total += 40 * sum(struct.unpack_from("II", info, self.SEGMENTS))
        return total

    def _end(self, pair, how):
        """Stays open, so that it can be asked."""
        for s in pair:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def link(**budget):
    return {"name": "iridium", "peers": ["shore"], "budget": budget}


def make_out(conf, rules=None, rate=0):
    peer = Peer(auth=False, rules=rules, rate=rate)
    line = Line(peer.port)
    world = World()
    site = world.make_site(
        peer=world.peer(submission=line.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        relay={"max_priority": 9}, links=[conf]).start()
    return peer, line, site


def fill(site, count=COUNT, text=TEXT, params=""):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for i in range(count):
            reply = client.mail("ann@aurora.example.org",
                                f"ben{i}@shore.example",
                                make(f"message {i}", text), params)
            if reply.code != 250:
                raise AssertionError(reply)


def left_of(site, period):
    return site.rows("link", "list")[0]["budget_left"][period]


def once_each(peer, count, what):
    to = [m.recipients[0] for m in peer.mails]
    equal((len(to), len(set(to))), (count, count), what)


def day_bytes():
    cap = 24000
    peer, line, site = make_out(link(day={"bytes": cap}))
    fill(site)
    equal(site.link_up("iridium"), 11, "stopped at a budget")
    check(0 < len(peer.mails) < COUNT, "some went", len(peer.mails))
    check(line.total <= cap, "the cap holds", line.total)
    check(line.total > cap / 2, "and is used", line.total)
    check(wait_until(lambda: all(r["reason_code"] == "budget"
                                 for r in site.queue())),
          "what stays says why", site.queue()[0])
    moved = line.total
    equal(site.link_up("iridium"), 11, "asked again: no")
    equal(line.total, moved, "no octet more")
    left = left_of(site, "day")
    check(left["bytes"] is not None and left["bytes"] < cap / 2
          and left["seconds"] is None, "what is left is shown", left)
    site.must("link", "allow", "iridium", "--bytes", "100K")
    check(wait_until(lambda: len(peer.mails) == COUNT),
          "more is allowed: the rest goes", len(peer.mails))
    once_each(peer, COUNT, "each once")
    check(site.wait_queue_empty(), "nothing is left")


def over_restarts():
    cap = 24000
    peer, line, site = make_out(link(day={"bytes": cap}))
    fill(site)
    site.link_up("iridium")
    first = line.total
    site.kill()
    site.start()
    equal(site.link_up("iridium"), 11, "a crash gives nothing back")
    check(line.total <= cap, "the cap holds", line.total)
    check(line.total - first < SIZE, "hardly an octet more",
          line.total - first)


def next_day():
    cap = 24000
    peer, line, site = make_out(link(day={"bytes": cap}))
    fill(site)
    equal(site.link_up("iridium"), 11, "the day's budget is used up")
    site.stop()
    clock = Shim(site.dir)
    days = 0
    while len(peer.mails) < COUNT and days < 6:
        days += 1
        before = line.total
        site.start(clock.env(clock=days * SHIM_DAY))
        code = site.link_up("iridium")
        site.stop()
        check(line.total - before <= cap, f"day {days}: the cap holds",
              line.total - before)
        check(code in (0, 11), f"day {days}: its result", code)
    once_each(peer, COUNT, "on later days the rest goes, each once")


def session_time():
    """A slow peer: time ends the session, whatever is under way."""
    cap = 4
    peer, line, site = make_out(
        dict(link(session={"time": f"{cap}s"}), bit_rate=8000,
             rtt="100ms"), rate=1000)
    fill(site, 8)
    began = time.monotonic()
    code = site.link_up("iridium")
    took = time.monotonic() - began
    equal(code, 11, "stopped at a budget")
    check(took < cap + 1, "within its time", took)
    check(len(peer.mails) < 8, "not all went", len(peer.mails))


def money():
    cost = {"per_megabyte": 1000.0, "per_call": 1.0, "currency": "EUR"}
    peer, line, site = make_out(dict(link(month={"cost": 25.0}), cost=cost))
    fill(site)
    equal(site.link_up("iridium"), 11, "stopped at a budget")
    check(1 + line.total / 1000 <= 25.0, "the cap holds", line.total)
    check(0 < len(peer.mails) < COUNT, "some went", len(peer.mails))
    left = left_of(site, "month")
    check(left["cost"] is not None and 0 <= left["cost"] < 15,
          "what is left is shown", left)


def reserve():
    cap = {"day": {"time": "100s"},
           "reserve": {"time": "90s", "min_priority": 4}}
    peer, line, site = make_out(dict(link(**cap), bit_rate=2400, rtt="1s"))
    fill(site, 1, TEXT * 2)
    fill(site, 1, TEXT * 2, " MT-PRIORITY=5")
    equal(site.link_up("iridium"), 11, "no budget for ordinary mail")
    equal(len(peer.mails), 1, "urgent mail may use what is kept back")


def smaller_than_any():
    peer, line, site = make_out(link(day={"bytes": "1K"}))
    fill(site, 1)
    equal(site.link_up("iridium"), 11, "a budget smaller than any message")
    equal(peer.connections, 0, "nobody was called")


def inbound():
    world = World()
    world.make_shore().start()
    world.add_customer()
    cap = 40000
    line = Narrow(world.shore.port("odmr"))
    site = world.make_site(peer=world.peer(odmr=line.port),
                           links=[dict(link(day={"bytes": cap}),
                                       bit_rate=8 * Narrow.RATE,
                                       rtt="100ms")]).start()
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        for i in range(COUNT):
            client.mail("eve@shore.example", f"cap{i}@aurora.example.org",
                        make(f"message {i}", TEXT))
    equal(site.link_up("iridium"), 11, "stopped at a budget")
    check(line.total <= cap, "the cap holds",
          (line.octets, left_of(site, "day")))
    wait_until(lambda: all(r["state"] != "active"
                           for r in world.shore.queue()))
    kept = [r for r in world.shore.queue() if r["state"] != "active"]
    check(0 < len(kept) < COUNT, "some came, some stay", len(kept))
    site.must("link", "allow", "iridium", "--bytes", "1M")
    check(wait_until(lambda: site.link_up("iridium") == 0
                     and not world.shore.queue(), 20, 1),
          "more is allowed: the rest comes", world.shore.queue())


def all_came(world, site, what):
    """Each of them, and none twice but where the log said that it may be."""
    def copies():
        return [len(site.mailbox(f"cap{i}")) for i in range(COUNT)]

    check(wait_until(lambda: min(copies()) > 0), f"{what}: each is there",
          copies())
    check(sum(copies()) - COUNT <= len(set(world.shore.doubts())),
          f"{what}: none twice unsaid", (copies(), world.shore.doubts()))


def inbound_fast():
    """The provider sends ahead; on a fast line it is stopped in time, too."""
    for cap in (12000, 20000, 50000, 150000):
        world = World()
        world.make_shore().start()
        world.add_customer()
        line = Metered(world.shore.port("odmr"))
        site = world.make_site(
            peer=world.peer(odmr=line.port),
            links=[link(day={"bytes": cap})]).start()
        with Smtp(world.shore.port("smtp")) as client:
            client.ehlo()
            for i in range(COUNT):
                client.mail("eve@shore.example",
                            f"cap{i}@aurora.example.org",
                            make(f"message {i}", TEXT * (1 + i)))
        equal(site.link_up("iridium"), 11, f"cap {cap}: stopped")
        check(line.wire <= cap, f"cap {cap}: it holds",
              (line.wire, left_of(site, "day")))
        used = line.wire
        check(used > cap / 2 or cap < 20000, f"cap {cap}: it is used", used)
        left = left_of(site, "day")["bytes"]
        check(cap - left >= used - 400, f"cap {cap}: all is charged",
              (cap - left, used))
        for _ in range(3):
            site.link_up("iridium")
        check(line.wire <= cap, f"cap {cap}: it holds for the whole day",
              line.wire)
        site.must("link", "allow", "iridium", "--bytes", "9M")
        check(wait_until(lambda: site.link_up("iridium") == 0
                         and not world.shore.queue(), 30, 1),
              f"cap {cap}: more is allowed: the rest comes",
              world.shore.queue())
        all_came(world, site, f"cap {cap}")
        site.stop()
        world.shore.stop()


class MeteredBack(Metered):
    """The site is called."""

    SITE = 1


def etrn_world(**link):
    """Mail that was asked for comes over a connection of its own."""
    world = World()
    world.make_shore().start()
    out = Metered(world.shore.port("submission"))
    conf = dict({"name": "iridium", "peers": ["shore"]}, **link)
    peer = world.peer(submission=out.port, collect="etrn", collect_port=None,
                      etrn_wait="2s")
    site = world.make_site(peer=peer, links=[conf]).start()
    back = MeteredBack(site.port("lan"))
    world.add_customer("aurora", "aurora.example.org", "--network",
                       "127.0.0.0/8", "--etrn", f"127.0.0.1:{back.port}")
    return world, site, out, back


def up(site):
    done = site.cli("link", "up", "iridium", "--address", "127.0.0.1",
                    "--wait", "--deadline", "60s", timeout=120)
    return done.returncode


def to_aurora(world, count, text=TEXT):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        for i in range(count):
            client.mail("eve@shore.example", f"cap{i}@aurora.example.org",
                        make(f"message {i}", text * (1 + i)))


def inbound_etrn():
    for cap in (30000, 100000):
        world, site, out, back = etrn_world(budget={"day": {"bytes": cap}})
        to_aurora(world, COUNT)
        equal(up(site), 11, f"ETRN, cap {cap}: stopped at a budget")
        wire = out.wire + back.wire
        check(back.connections > 0 and wire <= cap,
              f"ETRN, cap {cap}: it holds", (wire, left_of(site, "day")))
        check(wire > cap / 3, f"ETRN, cap {cap}: it is used", wire)
        for _ in range(2):
            up(site)
        wire = out.wire + back.wire
        check(wire <= cap, f"ETRN, cap {cap}: for the whole day", wire)
        rows = site.rows("link", "history")
        check(sum(r["messages_sent"] + r["messages_received"] == 0
                  and r["bytes_received"] > 5000 or r["messages_received"] > 0
                  for r in rows), "the history has what came", rows)
        site.must("link", "allow", "iridium", "--bytes", "9M")
        check(wait_until(lambda: up(site) == 0 and not world.shore.queue(),
                         60, 2),
              f"ETRN, cap {cap}: more is allowed: the rest comes",
              world.shore.queue())
        all_came(world, site, f"ETRN, cap {cap}")
        site.stop()
        world.shore.stop()


def limits_etrn():
    """The link's largest size and lowest priority hold for it, too."""
    world, site, out, back = etrn_world(max_size="10K")
    to_aurora(world, 1)
    to_aurora(world, 1, TEXT * 10)
    equal(up(site), 10, "some is left ashore on purpose")
    check(wait_until(lambda: len(world.shore.queue()) == 1), "the small one came")
    check(wait_until(lambda: "452" in str(world.shore.queue()[0]["reason"])),
          "the large one was refused for now", world.shore.queue())


run(day_bytes, over_restarts, next_day, session_time, money, reserve,
    smaller_than_any, inbound, inbound_fast,
    inbound_etrn, limits_etrn)
