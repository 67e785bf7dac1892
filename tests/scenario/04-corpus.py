#!/usr/bin/env python3
"""Every message of the corpus travels unchanged or is refused at the door."""
# limit: 900

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import collections
import time

import corpus

REFUSED = "554"


class Run:
    """The corpus through one door, by DATA or by BDAT."""

    def __init__(self, node, port, domain, way):
        self.node, self.port, self.domain, self.way = node, port, domain, way
        self.accepted = {}  # user -> octets
        self.refused = []  # (file, fault)
        self.wrong = []

    def octets(self, sample):
        # DATA cannot carry a last line without CRLF.
        if self.way == "data" and sample.octets and \
                not sample.octets.endswith(b"\r\n"):
            return sample.octets + b"\r\n"
        return sample.octets

    def send(self, samples, sender):
        client = Smtp(self.port, timeout=60)
        client.ehlo()
        for i, sample in enumerate(samples):
            user = f"{self.way}{i}"
            params = " BODY=8BITMIME" if sample.is_8bit else ""
            to = f"{user}@{self.domain}"
            if self.way == "data":
                reply = client.mail(sender, to, sample.octets, params)
            else:
                reply = client.bdat(sender, to, sample.octets, params,
                                    chunk=10000)
            self.judge(sample, user, reply)
            if reply.code >= 400 and self.way == "bdat":
                # Chunks behind the refused one are not sent; start afresh.
                client.cmd("RSET")
        # Had one message ended early, its rest would have been commands.
        reply = client.cmd("NOOP")
        check(reply.code == 250, f"{self.way}: the session is still in step",
              reply)
        client.quit()

    def judge(self, sample, user, reply):
        if sample.fault is None and reply.code == 250:
            self.accepted[user] = self.octets(sample)
        elif sample.fault and reply.code == 554 and \
                reply.text.startswith("5.6.0"):
            self.refused.append((sample.file, sample.fault, reply.text))
        else:
            self.wrong.append((sample.file, sample.fault, str(reply)))

    def report(self):
        print(f"# {self.way} to {self.domain}: {len(self.accepted)} accepted,"
              f" {len(self.refused)} refused at the door")
        counts = collections.Counter(fault for _, fault, _ in self.refused)
        for fault, count in counts.most_common():
            print(f"#   {count} for {fault}")
        for file, fault, text in self.refused:
            print(f"#   refused {file}: {fault} ({text})")
        check(not self.wrong, f"{self.way}: each is accepted or refused as it"
              " must be", self.wrong[:10])

    def compare(self, node):
        bad = []
        for user, octets in self.accepted.items():
            mails = node.mailbox(user, self.domain)
            if len(mails) != 1 or len(copies(mails, octets)) != 1:
                bad.append((user, len(mails)))
        check(not bad and self.accepted,
              f"{self.way}: all {len(self.accepted)} arrived at {node.name}"
              " once and unchanged", bad[:20])


def through(samples, source, port, target, domain, sender, move):
    runs = [Run(source, source.port(port), domain, way)
            for way in ("data", "bdat")]
    for one in runs:
        start = time.monotonic()
        one.send(samples, sender)
        print(f"# sent by {one.way} in {time.monotonic() - start:.1f} s")
        one.report()
    start = time.monotonic()
    equal(move(), 0, "link up --wait: 0")
    check(source.wait_queue_empty(60), f"the queue of {source.name} is empty",
          source.queue("--limit", "5"))
    check(target.wait_queue_empty(120), f"the queue of {target.name} is empty",
          target.queue("--limit", "5"))
    print(f"# moved in {time.monotonic() - start:.1f} s")
    for one in runs:
        one.compare(target)


def every_message():
    samples = corpus.load(int(os.environ.get("TIDEPOST_CORPUS_MAX", "0"))
                          or None)
    world = World()
    site, shore = world.pair()
    print(f"# {len(samples)} messages")

    def move():
        return site.link_up("iridium", "400s")

    through(samples, site, "lan", shore, "shore.example",
            "corpus@aurora.example.org", move)
    site.link_down("iridium")
    through(samples, shore, "smtp", site, "aurora.example.org",
            "corpus@shore.example", move)


run(every_message)
