#!/usr/bin/env python3
"""A customer's entry changes while it has mail: what is not its own any more
never reaches it, and who has it now gets it."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import threading
import time

MANY = 12
WANDER_S = 4
SLACK_S = 0.02  # of our own threads


def world_with_shore():
    world = World()
    world.make_shore().start()
    return world


def to(world, recipients, subject):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        equal(client.mail("eve@else.example", recipients,
                          make(subject)).code, 250, f"{subject}: taken")


def customer(world, *args):
    return world.shore.must("customer", *args)


def row_of(world, recipient):
    rows = [r for r in world.shore.queue() if r["recipient"] == recipient]
    return rows[0] if rows else {}


def all_recipients(call):
    return [to for mail in call.mails for to in mail.recipients]


def same_name():
    """The name is that of another customer by the time mail comes back."""
    world = world_with_shore()
    world.add_customer("ship", "first.example")
    to(world, ["cap@first.example"], "to the first")
    customer(world, "delete", "ship", "--yes")
    world.add_customer("ship", "second.example")
    world.shore.must("queue", "undelete", "--all", "--yes")
    call = collect(world, user="ship")
    equal(all_recipients(call), [], "the second one does not get it")
    row = row_of(world, "cap@first.example")
    equal((row.get("state"), row.get("reason_code")), ("held", "rule-hold"),
          "it is held")
    check("no route" in row["reason"], "with the reason", row)
    call = collect(world, user="ship")
    equal((call.reply.code, call.mails), (453, []),
          "and the second is not even told of it")
    world.add_customer("heir", "first.example")
    check(wait_until(lambda: row_of(world, "cap@first.example").get("route")
                     == "customer:heir"), "who has the domain now")
    call = collect(world, user="heir")
    equal(all_recipients(call), ["cap@first.example"], "gets it")


def released_later():
    """The domain goes while an operator holds mail for it."""
    world = world_with_shore()
    world.add_customer("ship", "old.example", "--domain", "new.example")
    to(world, ["cap@old.example", "cap@new.example"], "to both")
    row = row_of(world, "cap@old.example")
    world.shore.must("queue", "hold", row["id"])
    customer(world, "set", "ship", "--domain", "new.example")
    wait_until(lambda: world.shore.queue())
    world.shore.must("queue", "release", row["id"])
    call = collect(world, user="ship")
    equal(all_recipients(call), ["cap@new.example"],
          "what is left of its domains, and no more")
    equal(row_of(world, "cap@old.example")["state"], "held", "the other waits")


def moving(world, what):
    """WHAT() is done when the customer's host has the first message."""
    done = []

    def data(conn, line):
        if not done:
            done.append(what())
        return None

    call = collect(world, rules={"DATA": data}, keywords=["8BITMIME"],
                   user="ship")
    equal(call.reply.code, 250, "ATRN: 250")
    check(done, "the entry was changed in mid-session")
    return call


def moved_in_session():
    world = world_with_shore()
    world.add_customer("ship", "keep.example", "--domain", "move.example")
    world.add_customer("other", "other.example")
    for i in range(MANY):
        to(world, ["cap@keep.example", "cap@move.example"], f"to both {i}")

    def move():
        customer(world, "set", "ship", "--domain", "keep.example")
        customer(world, "set", "other", "--domain", "other.example",
                 "--domain", "move.example")

    call = moving(world, move)
    got = all_recipients(call)
    check(got.count("cap@move.example") <= 1,
          "after the move at most what was on its way", got)
    call = collect(world, user="ship")
    equal(set(all_recipients(call)) - {"cap@keep.example"}, set(),
          "the next call brings its own alone")
    got += all_recipients(call)
    equal(got.count("cap@keep.example"), MANY, "all of its own, once each")
    moved = all_recipients(collect(world, user="other"))
    equal(got.count("cap@move.example") + moved.count("cap@move.example"),
          MANY, "and each of the others came once, to who has the domain")
    check(world.shore.wait_queue_empty(), "nothing is left behind")


def moved_in_transaction():
    """Between RCPT and the end of the message."""
    world = world_with_shore()
    world.add_customer("ship", "keep.example", "--domain", "move.example",
                       "--domain", "gone.example")
    world.add_customer("other", "other.example")
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<eve@else.example>")
        for name in ("keep", "move", "gone"):
            equal(client.cmd(f"RCPT TO:<cap@{name}.example>").code, 250,
                  f"RCPT {name}: 250")
        equal(client.cmd("DATA").code, 354, "DATA: 354")
        customer(world, "set", "ship", "--domain", "keep.example")
        customer(world, "set", "other", "--domain", "other.example",
                 "--domain", "move.example")
        client.send(stuff(make("to three")))
        equal(client.reply().code, 250, "it is stored")
    check(wait_until(lambda: row_of(world, "cap@move.example").get("route")
                     == "customer:other"), "it waits for who has the domain")
    check(wait_until(lambda: row_of(world, "cap@gone.example").get("state")
                     == "held"), "what is nobody's is held")
    equal(all_recipients(collect(world, user="other")), ["cap@move.example"],
          "who has the domain gets it at once")
    equal(all_recipients(collect(world, user="ship")), ["cap@keep.example"],
          "and the other one what is its own")


def old_login():
    """Who logged in stays who it was, whatever the name stands for now."""
    world = world_with_shore()
    world.add_customer("ship", "first.example")
    customer(world, "set", "ship", "--sender", "*@fleet.example")
    with odmr(world, "ship") as old, \
            Smtp(world.shore.port("submission")) as sub:
        sub.ehlo()
        sub.starttls(world.client_tls)
        sub.ehlo()
        sub.auth_plain("ship", PASSWORD)
        for sender, code in (("a@first.example", 250), ("a@fleet.example", 250),
                             ("a@fleet.example.net", 550), ("ship", 550)):
            equal(sub.cmd(f"MAIL FROM:<{sender}>").code, code,
                  f"its senders are its domains and --sender: {sender}")
            sub.cmd("RSET")
        customer(world, "delete", "ship")
        world.shore.must("customer", "add", "ship", "--domain",
                         "second.example", "--password-stdin",
                         text="other-password\n")
        to(world, ["cap@second.example"], "to the second")
        for words in ("ATRN", "ATRN second.example"):
            reply = old.cmd(words)
            equal(str(reply)[:9], "450 4.7.1",
                  f"the first one's session does not get it: {words}")
            check("log in anew" in reply.text, "and is told why", reply)
        equal(sub.cmd("MAIL FROM:<a@second.example>").code, 550,
              "nor may it write as the second")
    with odmr(world, None) as new:
        equal(new.auth_plain("ship", "other-password").code, 235,
              "the second logs in")
        equal(new.cmd("ATRN").code, 250, "and has its mail")

    world = world_with_shore()
    world.add_customer("ship", "ship.example")
    to(world, ["cap@ship.example"], "secret")
    with odmr(world, "ship") as thief:
        world.shore.must("customer", "passwd", "ship", "--password-stdin",
                         text="next-password\n")
        equal(thief.cmd("ATRN nowhere.example").code, 450, "(still itself)")
        world.shore.must("customer", "passwd", "ship", "--now",
                         "--password-stdin", text="new-password\n")
        equal(thief.cmd("ATRN").code, 450,
              "passwd --now ends the logins by the old password")


def another_host():
    """ETRN: the entry names another host while the old one is served."""
    world = world_with_shore()
    done = []
    new = Peer()

    def data(conn, line):
        if not done:
            done.append(customer(world, "set", "ship", "--etrn",
                                 f"127.0.0.1:{new.port}"))
        return None

    old = Peer(rules={"DATA": data}, keywords=["8BITMIME"])
    world.add_customer("ship", "ship.example", "--network", "127.0.0.0/8",
                       "--etrn", f"127.0.0.1:{old.port}")
    for i in range(MANY):
        to(world, ["cap@ship.example"], f"letter {i}")
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        equal(client.cmd("ETRN ship.example").code, 253, "ETRN: 253")
    check(wait_until(lambda: not world.shore.queue()), "all of it goes",
          world.shore.queue("--limit", "2"))
    equal((len(old.mails), len(new.mails)), (1, MANY - 1),
          "after the change to the new host, without being asked again")
    old.rules.clear()
    done.clear()
    customer(world, "set", "ship", "--etrn", f"127.0.0.1:{old.port}")
    old.rules["DATA"] = lambda conn, line: done or done.append(
        customer(world, "suspend", "ship"))
    for i in range(3):
        to(world, ["cap@ship.example"], f"more {i}")
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        equal(client.cmd("ETRN ship.example").code, 253, "ETRN: 253")
    check(wait_until(lambda: len(world.shore.queue()) == 2 and all(
        r["state"] == "ready" for r in world.shore.queue())),
        "suspended: the rest waits", world.shore.queue())


def suspended_in_session():
    world = world_with_shore()
    world.add_customer("ship", "ship.example")
    for i in range(MANY):
        to(world, ["cap@ship.example"], f"letter {i}")
    call = moving(world, lambda: customer(world, "suspend", "ship"))
    check(len(call.mails) <= 1, "nothing begins after it", call.subjects())
    equal(call.verbs[-1], "QUIT", "and the session ends well")
    check(wait_until(lambda: len(world.shore.queue()) ==
                     MANY - len(call.mails)), "the rest waits")
    customer(world, "resume", "ship")
    equal(len(call.mails) + len(collect(world, user="ship").mails), MANY,
          "for the customer, and each comes once")


def deleted_in_session():
    world = world_with_shore()
    world.add_customer("ship", "ship.example")
    for i in range(MANY):
        to(world, ["cap@ship.example"], f"letter {i}")
    said = []

    def delete():
        done = world.shore.cli("customer", "delete", "ship", "--yes")
        said.append((done.returncode, done.stderr))

    call = moving(world, delete)
    code, text = said[0]
    if code != 0:
        check("wait for customer ship" in text, "it says why not", text)
        equal(len(call.mails), MANY, "then the session goes on")
    else:
        check(len(call.mails) <= 1, "else it ends", call.subjects())


class Wandering:
    """Domains go to and fro between two customers that collect all the time."""

    def __init__(self, world, domains):
        self.world, self.domains = world, domains
        self.owner = {d: "a" for d in domains}  # None: on its way
        self.moved = {d: 0 for d in domains}
        self.written, self.got, self.wrong = [], [], []
        self.over = False

    def write_entry(self, name):
        own = [d for d in self.domains if self.owner[d] == name]
        args = [o for d in own for o in ("--domain", d)]
        customer(self.world, "set", name, "--domain", f"{name}.example",
                 *args)

    def move(self, domain):
        source = self.owner[domain]
        self.owner[domain] = None
        self.write_entry(source)
        self.moved[domain] = time.time()
        self.owner[domain] = "b" if source == "a" else "a"
        self.write_entry(self.owner[domain])

    def write(self):
        """On its way a domain is nobody's: its recipient is refused then."""
        number = 0
        while not self.over:
            number += 1
            with Smtp(self.world.shore.port("smtp")) as client:
                client.ehlo()
                client.cmd("MAIL FROM:<eve@else.example>")
                taken = [a for a in (f"u{number}@{d}" for d in self.domains)
                         if client.cmd(f"RCPT TO:<{a}>").code == 250]
                if client.cmd("DATA").code != 354:
                    continue
                client.send(stuff(make(f"letter {number}")))
                if client.reply().code == 250:
                    self.written += taken

    def collect(self, name):
        begun = {}

        def mail(conn, line):
            begun["at"] = time.time()

        def rcpt(conn, line):
            address = line[len("RCPT TO:<"):].split(">")[0]
            domain = address.split("@")[1]
            owner = self.owner[domain]
            self.got.append(address)
            if owner not in (None, name) and \
                    begun["at"] > self.moved[domain] + SLACK_S:
                self.wrong.append((name, address))

        while not self.over:
            collect(self.world, {"MAIL": mail, "RCPT": rcpt}, ["8BITMIME"],
                    name)
            time.sleep(0.02)


def wandering():
    world = world_with_shore()
    for name in "ab":
        world.add_customer(name, f"{name}.example")
    game = Wandering(world, [f"m{i}.example" for i in range(3)])
    game.write_entry("a")
    threads = [threading.Thread(target=game.write)] + [
        threading.Thread(target=game.collect, args=(n,)) for n in "ab"]
    for thread in threads:
        thread.start()
    end, moves = time.monotonic() + WANDER_S, 0
    while time.monotonic() < end:
        game.move(game.domains[moves % len(game.domains)])
        moves += 1
    game.over = True
    for thread in threads:
        thread.join()
    equal(game.wrong, [], f"{moves} moves, {len(game.got)} recipients: nothing "
          "begins for who has the domain no longer")
    rest = [to for n in "ab" for to in all_recipients(
        collect(world, user=n))]
    got = game.got + rest
    equal(sorted(got), sorted(game.written), "and each came once")
    check(world.shore.wait_queue_empty(), "nothing is left")


run(same_name, released_later, moved_in_session, moved_in_transaction,
    old_login, another_host, suspended_in_session, deleted_in_session,
    wandering)
