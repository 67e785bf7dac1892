#!/usr/bin/env python3
"""What was put off is asked for once in a session, and again when its peer
takes mail after all: over peers of an entry and by MX."""
# limit: 200

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

from names import Names
from peer import KEYWORDS

PLAIN = tuple(k for k in KEYWORDS if k not in ("PIPELINING", "CHUNKING"))
LATER = "451 4.3.0 greylisted, come back"
ANN = "ann@aurora.example.org"


class Counted(Peer):
    """Knows which connection asked for whom."""

    def __init__(self, **how):
        super().__init__(auth=False, **how)
        self.asked = []  # (connection, recipient), in their order
        self.later = {"ben@"}
        self.pause = 0.0  # for each message that it takes
        self.rules["RCPT"] = self.on_recipient
        self.rules["end"] = self.on_end
        self.seen = []

    def on_recipient(self, conn, line):
        if conn not in self.seen:
            self.seen.append(conn)
        self.asked.append((self.seen.index(conn), line[9:].split(">")[0]))
        return LATER if any(name in line for name in self.later) else None

    def on_end(self, _conn, _line):
        time.sleep(self.pause)

    def connections_of(self, name):
        return [conn for conn, to in self.asked if to.startswith(name)]

    def took(self, name):
        return sum(m.recipients[0].startswith(name) for m in self.mails)


def site_of(peer, retry):
    return World().relaying_site(peer, retry).start()


def gate_of(peer, retry, links=()):
    """By MX; without LINKS always."""
    world = World()
    zone = {("shore.example", "A"): ["127.0.0.1"]}
    return world.make_site(
        peer={}, peers=[], links=list(links),
        routes=[{"match": "*", "peers": ["mx"]}], queue={"retry": retry},
        mx={"server": Names(zone).server, "port": peer.port}).start()


def hand_in(site, *names, mail="", lines=0):
    """A message for each."""
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for name in names:
            reply = client.mail(ANN, f"{name}@shore.example",
                                make(name, "a line of it\r\n" * lines), mail)
            equal(reply.code, 250, f"{name} is accepted")


def row_of(site, name):
    return next((r for r in site.queue() if r["recipient"].startswith(name)),
                None)


def once_in_a_session():
    peer = Counted(keywords=PLAIN)
    peer.pause = 0.25
    site = site_of(peer, ["1s"])
    hand_in(site, "ben", *(f"eve{i}" for i in range(16)))
    site.must("link", "up", "iridium")
    check(wait_until(lambda: peer.took("eve") == 16, 30), "the others go",
          peer.asked)
    check(len(peer.connections_of("eve")) and
          len(set(peer.connections_of("eve"))) == 1,
          "over one connection, longer than the first wait", peer.asked)
    peer.later.clear()
    check(wait_until(lambda: peer.took("ben") == 1), "and the one later",
          peer.asked)
    times = peer.connections_of("ben")
    equal(len(times), len(set(times)), "once in each session")
    check(times[0] == 0 and times[-1] > 0, "the first one ended before",
          peer.asked)
    check(site.wait_queue_empty(), "nothing waits", site.queue())


def urgent_is_not_kept():
    """It is asked for again while much else still waits."""
    peer = Counted(keywords=PLAIN)
    peer.pause = 0.25
    site = site_of(peer, ["1s"])
    hand_in(site, "ben", mail=" MT-PRIORITY=6")
    hand_in(site, *(f"eve{i}" for i in range(24)))
    site.must("link", "up", "iridium")
    check(wait_until(lambda: len(peer.connections_of("ben")) > 1, 10),
          "asked for again", peer.asked)
    check(peer.took("eve") < 20, "before the rest has gone",
          peer.took("eve"))
    peer.later.clear()
    check(wait_until(lambda: peer.took("ben") == 1, 10), "it goes")
    check(wait_until(lambda: peer.took("eve") == 24, 20), "and the rest")
    times = peer.connections_of("ben")
    equal(len(times), len(set(times)), "once in each session")
    check(site.wait_queue_empty(), "nothing waits", site.queue())
    equal(site.doubts(), [], "nothing is in doubt")


def refused_before_the_session():
    """What another session put off goes in this one, when it is due."""
    peer = Counted(keywords=PLAIN)
    site = site_of(peer, ["3s"])
    hand_in(site, "ben")
    site.must("link", "up", "iridium")
    check(wait_until(lambda: row_of(site, "ben")["attempts"] == 1),
          "put off")
    site.must("link", "down", "iridium")
    peer.later.clear()
    peer.pause = 0.3
    hand_in(site, *(f"eve{i}" for i in range(30)), lines=2000)
    site.must("link", "up", "iridium")
    check(wait_until(lambda: peer.took("ben") == 1, 20), "it goes",
          peer.asked)
    check(peer.took("eve") < 30, "while others still wait",
          peer.took("eve"))
    equal(len(set(conn for conn, _ in peer.asked)), 2, "two sessions")


def slowly(peer, name, reply):
    """Whoever has NAME is answered late, by REPLY (None: taken)."""
    quick = peer.rules["RCPT"]

    def on_recipient(conn, line):
        verdict = quick(conn, line)
        if name in line and verdict is None:
            time.sleep(1.6)
            return reply
        return verdict

    peer.rules["RCPT"] = on_recipient


def in_vain():
    """A session that moves nothing, and at its end all of it is due again."""
    peer = Counted(keywords=PLAIN)
    slowly(peer, "eve", "550 5.1.1 nobody")
    site = site_of(peer, ["1s", "1h"])
    hand_in(site, "ben")
    hand_in(site, "eve", lines=100)  # behind it
    site.must("link", "up", "iridium")
    check(wait_until(lambda: attempts(site) == 2, 10), "it is tried again",
          site.queue())
    equal([to.split("@")[0] for _, to in peer.asked], ["ben", "eve", "ben"],
          "in another session")


def refused_before_a_success():
    """In one session: the success does not wake what it was refused."""
    peer = Counted(keywords=PLAIN)
    peer.later = {"@"}
    site = site_of(peer, ["1s", "4s", "1h"])
    hand_in(site, "ben")
    hand_in(site, "eve", lines=100)
    site.must("link", "up", "iridium")
    check(wait_until(lambda: len(peer.asked) == 2), "both are put off")
    slowly(peer, "eve", None)
    peer.later = {"ben@"}
    check(wait_until(lambda: peer.took("eve") == 1, 10), "one goes")
    check(wait_until(lambda: attempts(site) == 3, 10), "one is refused")
    times = peer.connections_of("ben")
    equal(len(times), len(set(times)), "once in each session")


def attempts(site, name="ben"):
    row = row_of(site, name)
    return row["attempts"] if row else None


def well_again(make_node):
    """A peer that took nothing takes one: what waits for it goes with it."""
    peer = Counted(keywords=PLAIN)
    site = make_node(peer, ["1s", "1s", "1h"])
    hand_in(site, "ben", "bob")
    peer.later = {"@"}
    if site.conf["links"]:
        site.must("link", "up", "iridium")
    check(wait_until(lambda: (attempts(site), attempts(site, "bob")) ==
                     (3, 3)), "put off for an hour", site.queue())
    peer.later = set()
    time.sleep(1.5)
    equal(peer.mails, [], "it waits")
    hand_in(site, "eve")
    check(wait_until(lambda: len(peer.mails) == 3, 15),
          "all go when one is taken", peer.asked)
    last = [conn for conn, _ in peer.asked][-3:]
    equal(len(set(last)), 1, "over its connection")
    check(site.wait_queue_empty(), "nothing waits", site.queue())


def well_peer():
    well_again(site_of)


def well_by_mx():
    def gate(peer, retry):
        peer.later = {"@"}
        return gate_of(peer, retry)

    well_again(gate)


def new_call_by_mx():
    """With a link that comes up all is due once, but what was refused just
    now, and no domain waits since it was away."""
    peer = Counted(keywords=PLAIN)
    peer.later = {"@"}
    site = gate_of(peer, ["2s", "1h"], [{"name": "vsat", "peers": ["mx"]}])
    hand_in(site, "ben")
    site.must("link", "up", "vsat")
    check(wait_until(lambda: attempts(site) == 2, 10), "put off for an hour")
    peer.later = set()
    site.must("link", "down", "vsat")
    site.must("link", "up", "vsat")
    time.sleep(1)
    equal(attempts(site), 2, "refused just now: it waits")
    site.must("link", "down", "vsat")
    time.sleep(2)
    site.must("link", "up", "vsat")
    check(wait_until(lambda: peer.took("ben") == 1, 10),
          "later it goes with the call", site.queue())


def one_that_is_refused():
    """A peer that takes all but one is well: that one has its growing
    delays."""
    peer = Counted(keywords=PLAIN)
    site = site_of(peer, ["1s", "1h"])
    hand_in(site, "ben", "eve0")
    site.must("link", "up", "iridium")
    check(wait_until(lambda: attempts(site) == 2), "put off for an hour")
    time.sleep(1.2)
    # its second try was all of a session: once more, with the next success
    hand_in(site, "eve1")
    check(wait_until(lambda: attempts(site) == 3), "with the first success")
    for i in range(2, 5):
        time.sleep(1.2)
        hand_in(site, f"eve{i}")
        check(wait_until(lambda: peer.took("eve") == i + 1), "others go")
    equal(attempts(site), 3, "but not with each one")
    times = peer.connections_of("ben")
    equal(len(times), len(set(times)), "once in each session")


run(once_in_a_session, urgent_is_not_kept, refused_before_the_session,
    in_vain, refused_before_a_success, well_peer, well_by_mx, new_call_by_mx,
    one_that_is_refused)
