#!/usr/bin/env python3
"""How fast a link is: measured and kept where not set; and a rate not to pass."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import socket
import struct
import threading
import time

from line import Line

TEXT = ("x" * 70 + "\r\n") * 28  # 2 KB


class Slow(Line):
    """RATE octets a second, and little that it holds itself."""

    PIECE, RATE = 512, 16000

    def _pump(self, pair, source, target, direction):
        for s in pair:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            while octets := source.recv(self.PIECE):
                time.sleep(len(octets) / self.RATE)
                self._allowed(direction, len(octets))
                target.sendall(octets)
            target.shutdown(1)
        except OSError:
            self._end(pair, "fin")


class Sampled(Line):
    """What the near side acknowledged, ten times a second."""

    ACKED = 120  # struct tcp_info

    def watch(self):
        self.samples = []
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while True:
            total = 0
            for near, _ in self._pairs:
                try:
                    info = near.getsockopt(socket.IPPROTO_TCP,
                                           socket.TCP_INFO, 192)
                    total += struct.unpack_from("Q", info, self.ACKED)[0]
                except OSError:
                    pass
            self.samples.append((time.monotonic(), total))
            time.sleep(0.1)

    def most_in(self, seconds):
        """The most that came within so long."""
        most = 0
        for at, total in self.samples:
            before = [n for t, n in self.samples if t <= at - seconds]
            most = max(most, total - (before[-1] if before else 0))
        return most


def fill(node, count, to, text=TEXT, listener="lan"):
    with Smtp(node.port(listener)) as client:
        client.ehlo()
        for i in range(count):
            reply = client.mail("ann@aurora.example.org", to % i,
                                make(f"message {i}", text))
            if reply.code != 250:
                raise AssertionError(reply)


def site_of(line, **link):
    world = World()
    return world.make_site(
        peer=world.peer(submission=line.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        links=[dict({"name": "hf", "peers": ["shore"]}, **link)]).start()


def plan(site):
    return site.rows("link", "plan", "hf")[-1]["total"]


def measured():
    """Nobody said how fast it is; after a session it is known, and kept."""
    peer = Peer(auth=False)
    line = Slow(peer.port)
    site = site_of(line)
    fill(site, 30, "ben%d@shore.example")
    guess = plan(site)
    check(guess["seconds"] > 8 * guess["bytes"] / 2500,
          "nothing is known: the slow side is taken", guess)
    equal(site.link_up("hf"), 0, "all goes")
    equal(len(peer.mails), 30, "each once")
    site.must("link", "down", "hf")
    fill(site, 10, "ben%d@shore.example")
    known = plan(site)
    rate = known["bytes"] / (known["seconds"] - known["turnarounds"] * 0.3)
    check(Slow.RATE / 3 < rate < Slow.RATE * 3, "it was measured",
          (rate, known))
    site.kill()
    site.start()
    equal(plan(site), known, "and is kept over a crash")
    equal(site.link_up("hf"), 0, "it goes on with what is known")
    equal(len(peer.mails), 40, "each once")


def in_flight():
    """A cut meets little of what is in flight once the speed is known."""
    peer = Peer(auth=False)
    line = Slow(peer.port)
    site = site_of(line)
    fill(site, 30, "ben%d@shore.example")
    equal(site.link_up("hf"), 0, "all goes")
    site.must("link", "down", "hf")
    fill(site, 1, "far%d@shore.example", TEXT * 40)
    before = line.octets["out"]
    site.must("link", "up", "hf")
    check(wait_until(lambda: line.octets["out"] > before + 10000),
          "a large one is on its way")
    # what tidepost handed over, beside what came through the line
    row = site.rows("status")[0]["sessions"][0]
    ahead = row["bytes_done"] - (line.octets["out"] - before)
    check(ahead < 40000, "little of it is ahead of the line", ahead)
    check(site.wait_queue_empty(), "it arrives")


RATE = 16000  # bit/s


def turns_of(site):
    return [r["turnarounds"] for r in site.rows("link", "history")]


def push_paced():
    turns = []
    for link in ({}, {"max_rate": RATE}):
        peer = Peer(auth=False)
        line = Line(peer.port)
        site = site_of(line, bit_rate=1000000, rtt="100ms", **link)
        fill(site, 4, "ben%d@shore.example")
        if link:
            seconds = plan(site)["seconds"]
            check(seconds > 8 * 8000 / RATE, "a plan knows", seconds)
        began = time.monotonic()
        equal(site.link_up("hf"), 0, "all goes")
        took = time.monotonic() - began
        equal(len(peer.mails), 4, "each once")
        check((took > 8 * 8000 / RATE - 1) == bool(link),
              "slowly where that is asked for", (link, took))
        turns.append(turns_of(site))
    equal(turns[0], turns[1], "a pace adds no turn-around")


def collect_paced():
    world = World()
    world.make_shore().start()
    world.add_customer()
    line = Sampled(world.shore.port("odmr"))
    site = world.make_site(
        peer=world.peer(odmr=line.port),
        links=[{"name": "hf", "peers": ["shore"], "rtt": "100ms",
                "max_rate": RATE}]).start()
    fill(world.shore, 5, "cap%d@aurora.example.org", listener="smtp")
    line.watch()
    began = time.monotonic()
    equal(site.link_up("hf"), 0, "all comes")
    took = time.monotonic() - began
    check(took > 8 * 10000 / RATE - 2, "slowly", took)
    most = line.most_in(2)
    check(most < 2 * RATE / 8 + 2 * 4096, "the far side is held back", most)
    check(wait_until(lambda: not world.shore.queue()), "each is handed over")


run(measured, in_flight, push_paced, collect_paced)
