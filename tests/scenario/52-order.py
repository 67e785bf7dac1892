#!/usr/bin/env python3
"""Which message goes next, and what the rules make of mail on arrival."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

from peer import KEYWORDS

STEP_S = 14400  # of ageing: mail from before and after is of different rank
AHEAD = 2 * 4096  # octets claimed ahead on a slow link, at most
SLOW = {"name": "iridium", "peers": ["shore"], "bit_rate": 2400,
        "rtt": "1800ms"}
HARBOUR = {"name": "harbour", "peers": ["shore"]}


def node(peer, links, **conf):
    world = World()
    return world.make_site(
        peer=world.peer(submission=peer.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        links=links, relay={"networks": ["127.0.0.0/8"], "max_priority": 9},
        **conf).start()


def submit(site, mails):
    """(sender, subject, body, parameters) each; the ids."""
    ids = []
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for sender, subject, body, params in mails:
            reply = client.mail(sender, "ben@shore.example",
                                make(subject, body), params)
            if reply.code != 250:
                raise AssertionError(reply)
            ids.append(reply.message_id)
    return ids


def one_step(seconds=60):
    """Waits where the next minute would cross a step of ageing."""
    left = STEP_S - time.time() % STEP_S
    if left < seconds:
        time.sleep(left + 1)


def place_of(mails, words):
    return [i for i, mail in enumerate(mails)
            if words.encode() in mail.octets]


def senders_in_turn():
    one_step()
    peer = Peer(auth=False)
    site = node(peer, [SLOW])
    submit(site, [("ann@aurora.example.org", f"ann {i}", "x\r\n", "")
                  for i in range(200)])
    submit(site, [("bob@aurora.example.org", f"bob {i}", "x\r\n" * 50, "")
                  for i in range(3)])
    submit(site, [("cat@aurora.example.org", "cat large", "x\r\n" * 9000, "")])
    equal(site.link_up("iridium"), 0, "everything moves")
    equal(len(peer.mails), 204, "all of it, once")
    bobs = place_of(peer.mails, "Subject: bob")
    check(len(bobs) == 3 and bobs[-1] <= 8,
          "three messages of one are not behind two hundred of another", bobs)
    equal(place_of(peer.mails, "Subject: cat"), [203],
          "the large one is behind the small ones")


def urgent_comes_meanwhile():
    one_step()
    size = 2000
    told = []

    def end(conn, line):
        if len(peer.mails) == 10:
            told.append(submit(site, [
                ("ann@aurora.example.org", "urgent", "x\r\n" * (size // 3),
                 " MT-PRIORITY=5")]))
        return None

    # One by one: over loopback any number would be on its way else.
    peer = Peer(rules={"end": end}, auth=False, keywords=("8BITMIME",))
    site = node(peer, [SLOW])
    submit(site, [("ann@aurora.example.org", f"ann {i}",
                   "x\r\n" * (size // 3), "") for i in range(60)])
    equal(site.link_up("iridium"), 0, "everything moves")
    equal(len(told), 1, "an urgent message came meanwhile")
    places = place_of(peer.mails, "Subject: urgent")
    most = 10 + AHEAD // size + 2
    check(len(places) == 1 and places[0] <= most,
          f"it goes behind what was claimed, at place {most} at most", places)


def operator_says_so():
    one_step()
    peer = Peer(auth=False)
    site = node(peer, [SLOW])
    ids = submit(site, [("ann@aurora.example.org", f"ann {i}", "x\r\n", "")
                        for i in range(5)])
    site.must("queue", "priority", "urgent", str(ids[4]))
    site.stop()
    site.must("queue", "priority", "bulk", str(ids[0]))
    site.start()
    equal(site.link_up("iridium"), 0, "everything moves")
    order = [place_of(peer.mails, f"Subject: ann {i}")[0] for i in range(5)]
    equal(order, [4, 1, 2, 3, 0],
          "queue priority counts, with the daemon and without")


RULES = [
    {"from": "captain@aurora.example.org", "priority": "urgent"},
    {"to": "*@slow.shore.example", "priority": "low"},
    {"header": "X-Spam-Flag: YES", "hold": True},
    {"header": "List-Id", "links": ["harbour"], "priority": "bulk"},
    {"from": "<>", "header": "X-Any", "priority": -7},
    {"larger": "20K", "links": ["harbour"]},
]

# what, sender, recipients, field, octets, parameters, priorities
ARRIVE = (
    ("plain", "ann@aurora.example.org", ["b@shore.example"], "", 9, "", [0]),
    ("asked", "ann@aurora.example.org", ["b@shore.example"], "", 9,
     " MT-PRIORITY=3", [3]),
    ("captain", "captain@AURORA.example.org", ["b@shore.example"], "", 9,
     " MT-PRIORITY=-3", [4]),
    ("two", "ann@aurora.example.org",
     ["b@shore.example", "c@slow.shore.example"], "", 9, "", [0, -2]),
    ("old list", "ann@aurora.example.org", ["b@shore.example"],
     "Precedence: list", 9, "", [-5]),
    ("asked list", "ann@aurora.example.org", ["b@shore.example"],
     "Precedence: list", 9, " MT-PRIORITY=1", [1]),
    ("notice", "", ["b@shore.example"], "", 9, "", [-2]),
    ("other notice", "", ["b@shore.example"], "X-Any: 1", 9, "", [-7]),
    ("list", "ann@aurora.example.org", ["b@shore.example"],
     "List-Id: <a\r\n .b>", 9, "", [-5]),
    ("large", "ann@aurora.example.org", ["b@shore.example"], "", 30000, "",
     [0]),
    ("spam", "ann@aurora.example.org", ["b@shore.example"],
     "x-spam-FLAG:  yes ", 9, "", [0]),
)


def arrive(site):
    ids = {}
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for name, sender, to, field, octets, params, _ in ARRIVE:
            mail = make(name, "x\r\n" * (octets // 3))
            if field:
                mail = field.encode() + b"\r\n" + mail
            reply = client.mail(sender, to, mail, params)
            if reply.code != 250:
                raise AssertionError(reply)
            ids[name] = str(reply.message_id)
    return ids


def rows_of(site, message):
    return [row for row in site.queue()
            if row["id"].split(".")[0] == message]


def rules_on_arrival():
    peer = Peer(auth=False, keywords=KEYWORDS + ("MT-PRIORITY",))
    site = node(peer, [HARBOUR, SLOW], rules=RULES)
    ids = arrive(site)
    for name, *_, priorities in ARRIVE:
        equal([row["priority"] for row in rows_of(site, ids[name])],
              priorities, f"priority of: {name}")
    held = rows_of(site, ids["spam"])[0]
    equal((held["state"], held["reason_code"]), ("held", "rule-hold"),
          "a rule holds")
    check("rule at line" in held["reason"], "it says which", held["reason"])
    for name in ("list", "large"):
        row = rows_of(site, ids[name])[0]
        equal((row["reason_code"], row["reason"]),
              ("link-down", "waits for link harbour"),
              f"{name}: waits for its link")
    site.link_up("iridium")
    wait_until(lambda: len(site.queue()) == 3, 20)
    left = {row["id"].split(".")[0] for row in site.queue()}
    equal(left, {ids["list"], ids["large"], ids["spam"]},
          "what may not go by this link stays")
    equal(rows_of(site, ids["list"])[0]["reason"], "waits for link harbour",
          "and still says why")
    check(any("MT-PRIORITY=-5" in line for line in peer.verbs),
          "so is that of list mail")
    check(any("MT-PRIORITY=4" in line for line in peer.verbs),
          "the priority of a rule is told to the peer")
    connections = peer.connections
    site.must("queue", "retry", "--all", "--yes")
    site.link_down("iridium")
    site.link_up("iridium", deadline="3s")
    equal(peer.connections, connections,
          "nobody calls for what may not go by this link")
    site.must("queue", "release", ids["spam"])
    check(wait_until(lambda: place_of(peer.mails, "Subject: spam"), 20),
          "what was released goes")
    site.link_down("iridium")
    equal(site.link_up("harbour"), 0, "the right link comes")
    check(site.wait_queue_empty(), "and carries the rest")
    equal(len(place_of(peer.mails, "Subject: list")), 1, "once")


def our_own_is_not_written():
    """Only a priority that somebody gave goes into the header (RFC 6758)."""
    peer = Peer(auth=False)
    site = node(peer, [HARBOUR, SLOW], rules=RULES)
    ids = arrive(site)
    for name in ("spam", "list", "large"):
        site.must("queue", "delete", "--yes", ids[name])
    equal(site.link_up("iridium"), 0, "everything moves")
    fields = {}
    for mail in peer.mails:
        head = mail.octets.split(b"\r\n\r\n")[0].decode().split("\r\n")
        name = next(line[9:] for line in head if line.startswith("Subject: "))
        fields[name] = [line[13:] for line in head
                        if line.startswith("MT-Priority: ")]
    for name, told in (("plain", []), ("old list", []), ("notice", []),
                       ("captain", ["4"]), ("asked", ["3"]),
                       ("other notice", ["-7"]), ("asked list", ["1"])):
        equal(fields.get(name), told, f"MT-Priority of: {name}")


run(our_own_is_not_written, senders_in_turn, urgent_comes_meanwhile, operator_says_so,
    rules_on_arrival)
