#!/usr/bin/env python3
"""Whatever is sent to whom: a customer gets its own mail, all of it, once.

Random messages for recipients of several customers, local and remote ones;
customers collect alone, at once, by domains and badly; the provider is stopped
and killed in between. TIDEPOST_SEED=N plays another game.
"""
# limit: 300

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import collections
import random
import re
import sqlite3
import threading
import time

CUSTOMERS = 12
MESSAGES = 120
ROUNDS = 12
DRAIN_S = 60
LOCAL, REMOTE = "shore.example", "far.example"
TELLING = re.compile(r"^\d+ messages? kept ashore$")
DOMAIN = re.compile(rb"c\d+-d\d+\.example")


class Sent:
    def __init__(self, octets, recipients, message_id):
        self.octets, self.recipients = octets, recipients
        self.id = message_id


def closes(conn):
    conn.send(b"421 4.3.2 closing\r\n")
    return CLOSE


class Game:
    def __init__(self, luck):
        self.luck = luck
        self.world = World()
        self.sink = Peer(auth=False)  # the rest of the world
        self.shore = self.world.make_shore(
            peers=[{"name": "far", "host": "127.0.0.1",
                    "port": self.sink.port, "tls": "none"}],
            routes=[{"match": "*", "peers": ["far"]}]).start()
        self.domains = {
            f"c{i}": [f"c{i}-d{j}.example"
                      for j in range(luck.randint(1, 4))]
            for i in range(CUSTOMERS)}
        for name, domains in self.domains.items():
            self.world.add_customer(name, domains[0], *(
                word for d in domains[1:] for word in ("--domain", d)))
        self.sent = {}
        self.calls = []  # (customer, domains asked for, Call)
        self.faults = []

    # --- messages ---

    def recipient(self):
        kind = self.luck.random()
        user = self.luck.choice(("ann", "ben", "cap"))
        if kind < 0.1:
            return f"{user}@{LOCAL}"
        if kind < 0.2:
            return f"{user}@{REMOTE}"
        customer = self.luck.choice(list(self.domains))
        return f"{user}@{self.luck.choice(self.domains[customer])}"

    def recipients(self):
        count = self.luck.choice((1, 1, 2, 3, 5, 9))
        return list(dict.fromkeys(self.recipient() for _ in range(count)))

    def send(self, count):
        with Smtp(self.shore.port("smtp")) as client:
            client.ehlo()
            for _ in range(count):
                name = f"message {len(self.sent)}"
                lines = self.luck.choice((1, 10, 100, 2000))
                octets = make(name, f"line of {name}\r\n" * lines)
                to = self.recipients()
                reply = client.mail("eve@shore.example", to, octets)
                if reply.code != 250:
                    raise AssertionError(reply)
                self.sent[name] = Sent(octets, to, reply.message_id)

    # --- calls ---

    def mood(self):
        """How good a server the customer is behind the turn."""
        seed = self.luck.random()
        luck = random.Random(seed)
        slow = {"MAIL": lambda conn, line: time.sleep(0.01)}
        if seed < 0.6:
            return slow
        if seed < 0.7:
            return {**slow, "RCPT": lambda conn, line:
                    "452 4.2.2 not now" if luck.random() < 0.3 else None}
        if seed < 0.8:
            return {**slow, "RCPT": lambda conn, line:
                    CLOSE if luck.random() < 0.2 else None}
        if seed < 0.9:
            return {**slow, "DATA": RESET,
                    "EHLO": "250 no.extensions.example"}
        return {**slow, "MAIL": lambda conn, line:
                closes(conn) if luck.random() < 0.2 else None}

    def asked(self, customer):
        """All its domains, or some of them by name."""
        if self.luck.random() < 0.7:
            return []
        mine = self.domains[customer]
        return self.luck.sample(mine, self.luck.randint(1, len(mine)))

    def call(self, customer, rules, asked):
        try:
            call = collect(self.world, rules, user=customer,
                           domains=",".join(asked))
        except (Closed, OSError):
            return  # the provider went away before the turn
        self.calls.append((customer, asked, call))
        if call.reply.code not in (250, 453, 451):
            self.faults.append((customer, call.reply))

    def start(self, customers):
        threads = [threading.Thread(target=self.call, args=(
            c, self.mood(), self.asked(c))) for c in customers]
        for thread in threads:
            thread.start()
        return threads

    def round(self, how):
        self.send(MESSAGES // ROUNDS)
        count = self.luck.choice((1, 3, CUSTOMERS))
        threads = self.start(self.luck.sample(list(self.domains), count))
        if how:
            time.sleep(self.luck.uniform(0.1, 0.4))
            how()
            self.shore.start()
        for thread in threads:
            thread.join()

    def customers_waiting(self):
        return {r["route"].split(":")[1] for r in self.shore.queue()
                if r["route"].startswith("customer:")}

    def drain(self):
        end = time.monotonic() + DRAIN_S
        while self.customers_waiting() and time.monotonic() < end:
            for customer in sorted(self.customers_waiting()):
                self.call(customer, {}, [])
            time.sleep(0.2)
        return wait_until(lambda: not self.shore.queue(), 20)

    # --- what came of it ---

    def name_of(self, octets):
        return re.search(rb"^Subject: (.*?)\r$", octets, re.M)[1].decode()

    def strangers(self):
        """Recipients and addresses that are not of the customer who called."""
        found = []
        for customer, asked, call in self.calls:
            mine = asked or self.domains[customer]
            for line in call.verbs:
                if line.upper().startswith("RCPT") and \
                        line.split("@")[1].split(">")[0] not in mine:
                    found.append((customer, line))
            for mail in call.mails:
                sent = self.sent.get(self.name_of(mail.octets))
                added = mail.octets[:-len(sent.octets)] if sent \
                    else mail.octets
                found += [(customer, d) for d in DOMAIN.findall(added)
                          if d.decode() not in self.domains[customer]]
        return found

    def tally(self):
        """(message, recipient) -> how often it was taken by a customer."""
        count = collections.Counter()
        for _, _, call in self.calls:
            for mail in call.mails:
                name = self.name_of(mail.octets)
                if TELLING.search(name):
                    continue
                for recipient in mail.recipients:
                    count[name, recipient] += 1
        return count

    def bodies(self):
        """Bodies changed, or sent twice in one session."""
        changed, twice = [], []
        for customer, _, call in self.calls:
            names = [self.name_of(m.octets) for m in call.mails]
            twice += [(customer, n) for n in set(names)
                      if n in self.sent and names.count(n) > 1]
            changed += [n for n, m in zip(names, call.mails)
                        if n in self.sent and
                        not copies([m.octets], self.sent[n].octets)]
        return changed, twice

    def elsewhere(self):
        """Copies of local and remote recipients that are not exactly one."""
        wrong = []
        for name, sent in self.sent.items():
            for to in sent.recipients:
                user, domain = to.split("@")
                if domain == LOCAL:
                    mails = self.shore.mailbox(user)
                elif domain == REMOTE:
                    mails = [m.octets for m in self.sink.mails
                             if to in m.recipients]
                else:
                    continue
                if len(copies(mails, sent.octets)) != 1:
                    wrong.append((name, to, len(copies(mails, sent.octets))))
        return wrong


def judge(game):
    equal(game.strangers(), [], "no session has what is not of its customer")
    tally = game.tally()
    doubts = collections.Counter(game.shore.doubts())
    lost, silent, doubled = [], [], 0
    for name, sent in game.sent.items():
        extra = 0
        for to in sent.recipients:
            if to.split("@")[1] in (LOCAL, REMOTE):
                continue
            count = tally.pop((name, to), 0)
            if count == 0:
                lost.append((name, to))
            extra += max(0, count - 1)
        doubled += extra
        if extra > doubts[sent.id]:
            silent.append((name, extra, doubts[sent.id]))
    equal(lost, [], "every message came for every recipient")
    equal(silent, [], f"none came twice but for {doubled} that are told")
    equal(dict(tally), {}, "and nothing that was never sent")
    changed, twice = game.bodies()
    equal(changed, [], "all bodies are as they were sent")
    equal(twice, [], "a body goes once for all recipients of a session")
    equal(game.elsewhere(), [], "local and remote recipients have theirs, once")


def own_mail_only():
    seed = int(os.environ.get("TIDEPOST_SEED", "2645"))
    print(f"# seed {seed}")
    game = Game(random.Random(seed))
    ends = {4: game.shore.stop, 8: game.shore.kill}
    for i in range(ROUNDS):
        game.round(ends.get(i))
    check(game.drain(), "in the end all is collected", game.shore.queue())
    equal(game.faults, [], "no call was refused")
    taken = sum(len(call.mails) for _, _, call in game.calls)
    print(f"# {len(game.sent)} messages, {len(game.calls)} calls, "
          f"{taken} bodies")
    judge(game)


def one_body_for_all():
    """One body in the spool, one MAIL, for n recipients of a customer."""
    world = World()
    world.make_shore().start()
    world.add_customer("aurora", "aurora.example.org", "--domain",
                       "second.example")
    world.add_customer("borealis", "borealis.example")
    users = [f"u{i}@{d}" for i in range(50)
             for d in ("aurora.example.org", "second.example")]
    octets = make("once for all", "line of the one body\r\n" * 5000)
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        equal(client.mail("eve@shore.example", [*users, "cap@borealis.example"],
                          octets).code, 250, "one message for 101 recipients")
    spool = sqlite3.connect(f"file:{world.shore.dir}/spool/spool.db?mode=ro",
                            uri=True)
    used = spool.execute("SELECT sum(length(octets)) FROM chunk").fetchone()[0]
    spool.close()
    check(len(octets) <= used < len(octets) + 2000,
          "its body is stored once", used)
    call = collect(world)
    mails = [v for v in call.verbs if v.startswith("MAIL")]
    rcpts = [v for v in call.verbs if v.startswith("RCPT")]
    equal((len(mails), len(rcpts), len(call.mails)), (1, 100, 1),
          "one MAIL, 100 RCPT and one body")
    call = collect(world, user="borealis")
    equal([m.recipients for m in call.mails], [["cap@borealis.example"]],
          "the other customer has its copy")
    check(world.shore.wait_queue_empty(), "nothing is left")


run(own_mail_only, one_body_for_all)
