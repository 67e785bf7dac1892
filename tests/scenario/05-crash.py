#!/usr/bin/env python3
"""kill -9 of either node at each labelled step: nothing lost, doubles told."""
# limit: 600

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import random
import time

from peer import KEYWORDS

# Where the daemon can be told to die (src/daemon/crash.h), and the nodes on
# which the step is part of an exchange.
LABELS = {
    "receive-before-store": ("site", "shore"),
    "receive-stored-before-reply": ("site", "shore"),
    "deliver-claimed": ("site", "shore"),
    "deliver-in-doubt": ("site", "shore"),
    "deliver-sent-before-reply": ("site", "shore"),
    "deliver-replied-before-commit": ("site", "shore"),
    "deliver-committed": ("site", "shore"),
    "local-tmp-written": ("site", "shore"),
    "local-renamed": ("site", "shore"),
    "local-before-commit": ("site", "shore"),
    "turn-accepted": ("site",),
    "turn-swapped": ("shore",),
    "turn-first-message": ("shore",),
}
SENT = "deliver-sent-before-reply"
MAILS = 3
RETRIES = 12


class Letter:
    """One message on its way, and how often its sender handed it over."""

    def __init__(self, name, source, target, user, domain):
        self.octets = make(name)
        self.name = name
        self.source, self.target = source, target
        self.user, self.domain = user, domain
        self.id = None  # at the source
        self.unanswered = 0  # the sender never read a reply to its last dot

    def submit(self, port):
        """As a careful sender: until there was a 250."""
        for _ in range(RETRIES):
            if not self.source.is_running():
                self.source.start()
            try:
                with Smtp(self.source.port(port)) as client:
                    client.ehlo()
                    client.envelope("ann@" + self.source.conf["local"]
                                    ["domains"][0],
                                    [f"{self.user}@{self.domain}"])
                    client.cmd("DATA")
                    self.unanswered += 1
                    client.send(stuff(self.octets))
                    reply = client.reply()
                    self.unanswered -= 1
                    if reply.code == 250:
                        self.id = reply.message_id
                        return
            except (Closed, OSError):
                self.source.wait_exit(5)
        raise AssertionError(f"{self.name} was never accepted")

    def story(self):
        """What the logs of both nodes say of it, for a failure."""
        lines = [f"{len(self.octets)} octets, at {self.source.name} "
                 f"message {self.id}"]
        for node in (self.source, self.target):
            for row in node.must("log", "--json").split("\n"):
                if f"{self.user}@" in row or node is self.source and \
                        f'"message":"{self.id}"' in row:
                    lines.append(f"{node.name}: {row}")
        for mail in self.target.mailbox(self.user, self.domain):
            lines.append(mail.split(b"Subject:")[0].decode())
        return "\n".join(lines)

    def count(self):
        return len(copies(self.target.mailbox(self.user, self.domain),
                          self.octets))


def letters(site, shore, count=MAILS):
    found = []
    for i in range(count):
        found.append((Letter(f"out {i}", site, shore, f"ben{i}",
                             "shore.example"), "lan"))
        found.append((Letter(f"in {i}", shore, site, f"cap{i}",
                             "aurora.example.org"), "smtp"))
    return found


def drain(site, *others):
    """All run again; the link is used until nothing is left."""
    for _ in range(RETRIES):
        for node in (*others, site):
            if not node.is_running():
                node.start()
        status = site.link_up("iridium", "30s")
        if status == 0 and not any(n.queue() for n in (site, *others)):
            return True
        time.sleep(0.3)
    return not any(n.queue() for n in (site, *others))


def verify(mails, site, shore, what):
    """All arrived, and each second copy is explained."""
    told = {site: site.doubts(), shore: shore.doubts()}
    lost, silent, doubled = [], [], 0
    for letter, _ in mails:
        extra = letter.count() - 1
        if extra < 0:
            lost.append(letter.name)
        # Its sender may have handed it over twice: two messages, then.
        if extra > letter.unanswered + told[letter.source].count(letter.id):
            silent.append((letter.name, letter.count(), letter.story()))
        doubled += max(0, extra)
    check(not lost, f"{what}: every message arrived", lost)
    check(not silent, f"{what}: {doubled} second copies, all told",
          "\n".join(str(part) for row in silent for part in row))


def hurt(victim_name, label, count):
    """One exchange in which the victim dies at LABEL for the COUNT-th time."""
    what = f"{victim_name} at {label}:{count}"
    world = World()
    site, shore = world.pair()
    victim = {"site": site, "shore": shore}[victim_name]
    crash = {"TIDEPOST_CRASH_AT": f"{label}:{count}"}
    mails = letters(site, shore)
    at_the_door = label.startswith("receive-") and victim_name == "site"
    if at_the_door:
        victim.restart(crash)
    for letter, port in mails:
        letter.submit(port)
    if not at_the_door:
        victim.restart(crash)
    site.link_up("iridium", "20s")
    # What comes after the exchange (local delivery) may take a moment.
    wait_until(lambda: victim.crashed()
               or not site.queue() and not shore.queue(), 3, 0.1)
    check(victim.crashed(), f"{what}: it died there")
    check(drain(site, shore), f"{what}: all is drained after a restart",
          (site.queue(), shore.queue(), site.last.stdout, site.last.stderr))
    verify(mails, site, shore, what)


def each_label():
    for label, victims in LABELS.items():
        for victim in victims:
            # A turn is accepted and made once in a session, and how often
            # all is out before a reply comes is chance: all may fly at once.
            once = label.startswith("turn-") or label == SENT
            for count in (1,) if once else (1, 2):
                run_part(hurt, victim, label, count)


def collecting(label, count):
    """The site dies in the turned session, as the server of its provider."""
    what = f"collecting site at {label}:{count}"
    world = World()
    site, shore = world.pair()
    mails = [(l, p) for l, p in letters(site, shore) if l.source is shore]
    for letter, port in mails:
        letter.submit(port)
    site.restart({"TIDEPOST_CRASH_AT": f"{label}:{count}"})
    site.link_up("iridium", "20s")
    check(wait_until(site.crashed, 3), f"{what}: it died there")
    check(drain(site, shore), f"{what}: all is drained after a restart",
          (site.queue(), shore.queue()))
    verify(mails, site, shore, what)


def each_label_collecting():
    for label in ("receive-before-store", "receive-stored-before-reply"):
        for count in range(1, MAILS + 1):
            run_part(collecting, label, count)


FLIGHT = 10
# With how many of them in flight the daemon dies: the N-th time at LABEL.
IN_FLIGHT = {
    "deliver-claimed": (1, 5, 10),
    "deliver-in-doubt": (1, 5, 10),
    "deliver-sent-before-reply": (1,),
    "deliver-replied-before-commit": (1, 5, 10),
    "deliver-committed": (1, 5, 10),
}


def flight(name, keywords, label, count):
    """All are in flight to one peer when the daemon dies."""
    what = f"{FLIGHT} in flight by {name}, at {label}:{count}"
    world = World()
    peer = Peer(auth=False, keywords=keywords)
    site = world.make_site(peer=world.peer(
        submission=peer.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None)).start()
    ids = {}
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for i in range(FLIGHT):
            to = f"ben{i}@shore.example"
            ids[to] = client.mail("ann@aurora.example.org", to,
                                  make(f"letter {i}")).message_id
    site.restart({"TIDEPOST_CRASH_AT": f"{label}:{count}"})
    site.link_up("iridium", "20s")
    check(wait_until(site.crashed, 3), f"{what}: it died there")
    site.start()
    check(drain(site), f"{what}: all is drained after a restart",
          site.queue())
    times = {to: sum(to in mail.recipients for mail in peer.mails)
             for to in ids}
    doubts = site.doubts()
    equal([to for to in ids if not times[to]], [], f"{what}: nothing is lost")
    equal([to for to in ids if times[to] - 1 > doubts.count(ids[to])], [],
          f"{what}: {sum(times.values()) - FLIGHT} second copies, all told")


def flights():
    data = tuple(k for k in KEYWORDS if k != "CHUNKING")
    for label, counts in IN_FLIGHT.items():
        for count in counts:
            run_part(flight, "BDAT", KEYWORDS, label, count)
            run_part(flight, "DATA", data, label, count)


def any_moment():
    """kill -9 of both at no step in particular, again and again."""
    seed = int(os.environ.get("TIDEPOST_SEED", "1"))
    luck = random.Random(seed)
    world = World()
    site, shore = world.pair()
    mails = letters(site, shore, 10)
    for letter, port in mails:
        letter.submit(port)
    for round_ in range(10):
        for node in (shore, site):
            if not node.is_running():
                node.start()
        site.link_down("iridium")
        site.must("link", "up", "iridium")
        time.sleep(luck.uniform(0.0, 0.15))
        for node in luck.choice(((site,), (shore,), (site, shore))):
            node.kill()
    check(drain(site, shore), "killed ten times at random: all is drained",
          (site.queue(), shore.queue()))
    verify(mails, site, shore, "killed ten times at random")


def has_crash_points():
    with open(DAEMON, "rb") as stream:
        return b"TIDEPOST_CRASH_AT" in stream.read()


if has_crash_points():
    run(each_label, each_label_collecting, flights, any_moment)
else:
    skip_part("this build has no crash points; only random kills")
    run(any_moment)
