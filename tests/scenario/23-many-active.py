#!/usr/bin/env python3
"""Many sessions at work at once: nothing is lost, nothing doubled.

TIDEPOST_ACTIVE=1000 TIDEPOST_SECONDS=60 make it larger.
"""
# limit: 300
# alone

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import collections
import json
import multiprocessing
import random
import threading
import time

ACTIVE = int(os.environ.get("TIDEPOST_ACTIVE", "200"))
SECONDS = float(os.environ.get("TIDEPOST_SECONDS", "8"))
PROCESSES = 2
DOMAIN = "aurora.example.org"
ANN = f"ann@{DOMAIN}"


class Worker:
    """Threads that send; what was promised stands in .taken."""

    def __init__(self, number, ports, seconds):
        self.number, self.ports, self.seconds = number, ports, seconds
        self.taken = {}  # recipient -> id of its message
        self.broken = []  # recipients of mail cut before its end
        self.faults = []
        self.lock = threading.Lock()

    def run(self, count):
        self.end = time.monotonic() + self.seconds
        threads = [threading.Thread(target=self.thread, args=(i,))
                   for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.taken, self.broken, self.faults

    def thread(self, index):
        luck = random.Random(self.number * 10_000 + index)
        serial = 0
        while time.monotonic() < self.end:
            try:
                serial = self.session(index, serial, luck)
            except Exception as e:
                with self.lock:
                    self.faults.append(f"{type(e).__name__} {e}")
                return

    def session(self, index, serial, luck):
        context = client_context()
        secured = luck.random() < 0.3
        port = self.ports["submission" if secured else "lan"]
        with Smtp(port, timeout=120) as client:
            client.ehlo()
            if secured:
                client.starttls(context)
                client.ehlo()
                reply = client.auth_plain("ann", PASSWORD)
                if reply.code != 235:
                    raise AssertionError(f"AUTH: {reply}")
            for _ in range(luck.randint(1, 8)):
                if time.monotonic() > self.end:
                    break
                serial += 1
                name = f"m{self.number}-{index}-{serial}"
                if not self.one(client, name, luck):
                    return serial
            if luck.random() < 0.8:
                client.quit()
        return serial

    def one(self, client, name, luck):
        """One message; False where the session is over."""
        recipients = [f"{name}-{i}@far.example"
                      for i in range(luck.choice((1, 1, 1, 2, 5)))]
        size = luck.choice((10, 500, 2500, 2500, 20_000, 150_000))
        octets = make(name, "".join(
            luck.choice((".", "", "x" * 70)) + "\r\n"
            for _ in range(size // 50)))
        how = luck.randrange(6)
        if how == 0:  # goes away in the middle
            client.envelope(ANN, recipients)
            client.cmd("DATA")
            client.send(stuff(octets)[:-5])
            with self.lock:
                self.broken += recipients
            client.close()
            return False
        if how == 1:  # changes its mind
            client.envelope(ANN, recipients)
            client.cmd("RSET")
            with self.lock:
                self.broken += recipients
            return True
        if how == 2:
            reply = client.bdat(ANN, recipients, octets, chunk=7000)
        elif how == 3:  # all in one flight
            client.send(b"".join(
                [f"MAIL FROM:<{ANN}> SIZE={len(octets)}\r\n".encode()]
                + [f"RCPT TO:<{r}>\r\n".encode() for r in recipients]
                + [f"BDAT {len(octets)} LAST\r\n".encode(), octets]))
            for _ in range(len(recipients) + 1):
                client.reply()
            reply = client.reply()
        else:
            reply = client.mail(ANN, recipients, octets)
        if reply.code != 250:
            raise AssertionError(f"{name}: {reply}")
        with self.lock:
            self.taken.update({r: reply.message_id for r in recipients})
        return True


def work(number, ports, seconds, count, queue):
    queue.put(Worker(number, ports, seconds).run(count))


def many():
    world = World()
    site = world.make_site(
        peer=world.peer(submission=9, odmr=9),
        limits={"connections": 2 * ACTIVE + 100,
                "connections_per_client": 2 * ACTIVE + 100}).start()
    site.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")
    ports = {name: site.port(name) for name in ("lan", "submission")}
    queue = multiprocessing.Queue()
    workers = [multiprocessing.Process(
        target=work, args=(n, ports, SECONDS, ACTIVE // PROCESSES, queue))
        for n in range(PROCESSES)]
    for worker in workers:
        worker.start()
    taken, broken, faults = {}, [], []
    for _ in workers:
        one = queue.get(timeout=SECONDS + 200)
        taken.update(one[0])
        broken += one[1]
        faults += one[2]
    for worker in workers:
        worker.join()
    messages = len(set(taken.values()))
    print(f"# {messages} messages, {len(taken)} recipients, {len(broken)} "
          f"broken off, in {SECONDS:.0f} s by {ACTIVE} sessions")
    equal(faults[:5], [], "no session saw anything wrong")
    check(messages > ACTIVE, f"{ACTIVE} sessions got their mail taken",
          messages)
    rows = [json.loads(line) for line in site.must(
        "queue", "list", "--json", "--limit", "1000000").split("\n") if line]
    count = collections.Counter(r["recipient"] for r in rows)
    doubled = [r for r, n in count.items() if n > 1]
    equal(doubled[:5], [], "none is queued twice")
    lost = set(taken) - set(count)
    equal(sorted(lost)[:5], [], "none is lost")
    more = set(count) - set(taken)
    equal(sorted(more)[:5], [], "none is there that was not promised")
    wrong = [r["recipient"] for r in rows
             if str(r["message"]) != taken.get(r["recipient"])]
    equal(wrong[:5], [], "each is in the message it was promised in")
    site.restart()
    rows = [json.loads(line) for line in site.must(
        "queue", "list", "--json", "--limit", "1000000").split("\n") if line]
    equal(collections.Counter(r["recipient"] for r in rows), count,
          "and all are there after the daemon was killed")
    done = site.cli("spool", "check")
    equal(done.returncode, 0, "the spool is sound")


run(many)
