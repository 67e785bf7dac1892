#!/usr/bin/env python3
# limit: 400
"""Deliveries that were put off, are held, or were deleted (docs/life.md): why,
how they leave, and what their sender, the operator and the log are told."""

import os
import sqlite3
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from life import *
from names import Names
from turned import collect

DAY = 86400
CAP = "cap@aurora.example.org"
RETRY = {"retry": ["1h"]}
SOON = {"retry": ["1s"]}


def again(life, seconds, site=None):
    """The node is off, and on again by a clock of so many seconds later."""
    if not hasattr(life, "shim"):
        life.shim = Shim(life.world.dir)
    site = site or life.site
    site.stop()
    site.start(life.shim.env(clock=seconds))


# --- put off ---

def refused_for_now():
    """By the peer: tried again, and returned after days with attempts."""
    peer = Peer(auth=False, rules={"RCPT": "451 4.7.1 greylisted"})
    life = Life(peer, queue=dict(RETRY, expire_after="2d", warn_after="1s"))
    number = life.hand_in()
    life.site.link_up("iridium", "20s")
    row = life.told(number, "deferred", "peer-4xx",
                    "the peer said: 451 4.7.1 greylisted; next try 2", True)
    equal(row["attempts"], 1, "an attempt")
    life.logged(number, "deferred", "451 4.7.1 greylisted")
    life.heard("delayed", "4.4.1", "the peer said: 451 4.7.1 greylisted")
    for day in (1, 2):
        again(life, day * DAY + 60)
        life.site.link_up("iridium", "20s")
    life.gone(number)
    life.heard("failed", "5.4.7", "127.0.0.1 said: 451 4.7.1 greylisted",
               "tried for as long as this system tries", count=2)
    life.logged(number, "failed", "451 4.7.1 greylisted")


def cut_behind_mail():
    """A peer that closes in the middle: an attempt, in the words of both."""
    peer = Peer(auth=False, rules={"RCPT": CLOSE})
    life = Life(peer, queue=RETRY)
    number = life.hand_in()
    life.site.link_up("iridium", "20s")
    life.told(number, "deferred", "retry-wait",
              "connection", True)
    life.logged(number, "deferred", "connection")
    life.silent()
    peer.rules = {}
    life.site.must("queue", "retry", number)
    life.gone(number)
    life.logged(number, "retry")
    life.logged(number, "delivered")


def customer_puts_off():
    """Its mail waits for the next call; only its lifetime ends it."""
    life = Life(start=False)
    shore = life.world.make_shore(queue=dict(SOON)).start()
    life.world.add_customer()
    number = life.hand_in(CAP, "eve@shore.example", site=shore, port="smtp")
    collect(life.world, {"RCPT": "452 4.2.2 mailbox full"})
    life.told(number, "deferred", "peer-4xx",
              "the peer said: 452 4.2.2 mailbox full", True, shore)
    life.logged(number, "deferred", "452 4.2.2", site=shore)
    life.silent(user="eve", site=shore)
    check(wait_until(lambda: "a call" in collect(life.world).subjects()),
          "the next call has it")
    life.gone(number, shore)
    life.logged(number, "delivered", site=shore)


def home_fault():
    """A fault of this node's own: never returned, tried again."""
    life = Life(start=False, queue=dict(SOON, expire_after="1d"))
    life.site.conf["local"]["deliver"] = f"pipe:{life.site.dir}/missing"
    life.site.start()
    number = life.hand_in(CAP, ANN)
    row = life.told(number, "deferred", "retry-wait", "missing", True)
    life.logged(number, "deferred", "missing")
    for days in (1, 2, 3):
        again(life, days * DAY + 60)
        check(wait_until(lambda: len([
            e for e in life.site.rows("log", "--message", number)
            if e["event"] == "deferred"]) > days, 30), "tried again")
    row = life.row(number)
    equal((row["state"], row["attempts"]), ("deferred", 0),
          "on the fourth day it is still here: no attempt counts")
    life.silent()
    script = f"{life.site.dir}/missing"
    with open(script, "w", encoding="ascii") as stream:
        stream.write("#!/bin/sh\ncat >/dev/null\n")
    os.chmod(script, 0o755)
    life.site.must("queue", "retry", "--all", "--yes")
    life.gone(number)
    life.logged(number, "delivered")


def program_says_later():
    """EX_TEMPFAIL is the program's word: days with attempts end it."""
    life = Life(start=False, queue=dict(SOON, expire_after="2d"))
    script = f"{life.site.dir}/program"
    with open(script, "w", encoding="ascii") as stream:
        stream.write("#!/bin/sh\necho not today; exit 75\n")
    os.chmod(script, 0o755)
    life.site.conf["local"]["deliver"] = f"pipe:{script}"
    life.site.start()
    number = life.hand_in(CAP, "eve@shore.example")
    row = life.told(number, "deferred", "retry-wait", "not today", True)
    check(row["attempts"] >= 1, "an attempt", row)
    life.logged(number, "deferred", "not today")
    ends_by_days(life, number, "not today")


def ends_by_days(life, number, words):
    """No more than two days with attempts; then it failed, with WORDS."""
    for day in (1, 2):
        check(life.row(number), "it is not given up before", number)
        again(life, day * DAY + 60)
    life.gone(number)
    life.logged(number, "failed", words)


def mailbox_full():
    """Over its quota: a word of the mailbox, that days with attempts end."""
    life = Life(start=False, queue=dict(SOON, expire_after="2d"))
    life.site.conf["local"]["quota"] = "12K"
    life.site.start()
    octets = make("large", ("x" * 70 + "\r\n") * 110)
    life.gone(life.hand_in(CAP, "eve@shore.example", octets))
    box = f"{life.site.dir}/mail/aurora.example.org/cap/new"

    def refused():
        number = life.hand_in(CAP, ANN, octets)
        row = life.told(number, "deferred", "retry-wait",
                        "the mailbox is full: ", True)
        check(row["attempts"] >= 1, "an attempt", row)
        life.logged(number, "deferred", "the mailbox is full")
        return number

    second = refused()
    for name in os.listdir(box):
        os.unlink(f"{box}/{name}")
    life.gone(second)
    life.logged(second, "delivered")
    third = refused()
    life.silent()
    ends_by_days(life, third, "the mailbox is full")
    life.heard("failed", "5.4.7", "the mailbox is full")


def mailbox_disk_full():
    disk = f"{temp_dir()}/disk"
    if not small_disk(disk, "64k"):
        return
    life = Life(start=False, queue=dict(SOON))
    life.site.conf["local"]["deliver"] = f"maildir:{disk}/{{user}}"
    life.site.start()
    number = life.hand_in(CAP, "eve@shore.example",
                          make("large", ("x" * 70 + "\r\n") * 2000))
    row = life.told(number, "deferred", "disk", "no disk space: ", True)
    equal(row["attempts"], 0, "no attempt counts")
    life.logged(number, "deferred", "No space left")
    subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
    life.gone(number)
    life.logged(number, "delivered")


def left_by_mx():
    """The hosts of a domain lack what it needs; another peer is not met."""
    host = Peer(auth=False, address="127.0.0.41",
                keywords=("PIPELINING", "SIZE 50000000"))
    names = Names({("far.example", "MX"): ["10 mx.far.example"],
                   ("mx.far.example", "A"): ["127.0.0.41"]})
    life = Life(start=False, queue=RETRY, mx={"server": names.server,
                                              "port": host.port})
    life.site.conf["routes"] = [{"match": "*", "peers": ["mx", "shore"]}]
    life.site.start()
    number = life.hand_in("jörg@far.example", mail=" SMTPUTF8")
    row = life.told(number, "deferred", "no-smtputf8",
                    "UTF-8 addresses, which are not taken by far.example",
                    True)
    equal(row["attempts"], 0, "no attempt counts")
    life.logged(number, "deferred", "far.example")
    life.silent()
    host.keywords += ("SMTPUTF8", "8BITMIME")
    life.site.must("queue", "retry", number)
    life.gone(number)
    life.logged(number, "delivered")


def no_host_can_be_trusted():
    host = Peer(auth=False, address="127.0.0.42")
    names = Names({("far.example", "MX"): ["10 mx.far.example"],
                   ("mx.far.example", "A"): ["127.0.0.42"]})
    life = Life(start=False, queue=RETRY, mx={
        "server": names.server, "port": host.port, "tls": "required"})
    life.site.conf["routes"] = [{"match": "*", "peers": ["mx"]}]
    life.site.start()
    number = life.hand_in("ben@far.example")
    row = life.told(number, "deferred", "tls",
                    "no secure connection: no mail host of far.example can "
                    "be trusted", True)
    equal(row["attempts"], 1, "an attempt: else it would never end")
    life.logged(number, "deferred", "can be trusted")
    life.silent()
    equal(host.mails, [], "nothing was sent")


def name_service_away():
    host = Peer(auth=False, address="127.0.0.43")
    names = Names({("far.example", "MX"): "servfail",
                   ("mx.far.example", "A"): ["127.0.0.43"]})
    life = Life(start=False, queue=SOON,
                mx={"server": names.server, "port": host.port})
    life.site.conf["routes"] = [{"match": "*", "peers": ["mx"]}]
    life.site.start()
    number = life.hand_in("ben@far.example")
    row = life.told(number, "deferred", "retry-wait",
                    "where mail for far.example goes is not known now", True)
    equal(row["attempts"], 0, "no attempt counts")
    life.logged(number, "deferred", "is not known now")
    life.silent()
    names.zone[("far.example", "MX")] = ["10 mx.far.example"]
    life.gone(number)
    life.logged(number, "delivered")


# --- held ---

def by_the_operator():
    life = Life(Peer(auth=False), queue={"warn_after": "1s"})
    number = life.hand_in()
    other = life.hand_in()
    life.site.must("queue", "hold", number, other)
    life.told(number, "held", "operator-hold", "held by ", False)
    life.logged(number, "held", "by ")
    life.site.link_up("iridium", "20s")
    equal(life.peer.mails, [], "no link takes it")
    life.silent()
    life.site.must("queue", "release", number)
    life.gone(number)
    life.logged(number, "released", "by ")
    life.logged(number, "delivered")
    life.silent()
    life.site.must("queue", "return", other, "--yes")
    life.gone(other)
    life.heard("failed", "5.7.0", "sent it back")
    life.logged(other, "failed", "sent it back")


def by_a_rule():
    life = Life(Peer(auth=False), queue=SOON, rules=[
        {"header": "X-Spam-Flag: YES", "hold": True}])
    number = life.hand_in(octets=make("win", headers="X-Spam-Flag: YES\r\n"))
    life.told(number, "held", "rule-hold", "held: by the rule at line ", False)
    life.logged(number, "received")
    life.site.link_up("iridium", "20s")
    life.silent()
    life.site.must("queue", "release", number)
    life.gone(number)
    life.logged(number, "released")


def without_a_route():
    """A change of the configuration left it none."""
    peer = Peer(auth=False)
    life = Life(peer, queue=SOON)
    number = life.hand_in()
    routes = life.site.conf["routes"]
    life.site.conf["routes"] = [dict(routes[0], match="other.example")]
    life.site.restart()
    life.told(number, "held", "rule-hold", "no route to this recipient",
              False)
    life.logged(number, "held", "no route")
    life.silent()
    life.site.conf["routes"] = routes
    life.site.restart()
    life.told(number, "ready", "link-down", "waits for link")
    life.logged(number, "released", "it has a route again")
    life.site.link_up("iridium", "20s")
    life.gone(number)


def nobody_to_tell():
    """Refused, and its sender is null: a person must decide."""
    peer = Peer(auth=False, rules={"RCPT": "550 5.1.1 no ben here"})
    life = Life(peer, queue=SOON)
    number = life.hand_in(sender="")
    life.site.link_up("iridium", "20s")
    life.told(number, "held", "rule-hold",
              "cannot be delivered nor returned: 550 5.1.1 no ben here",
              False)
    life.logged(number, "held", "550 5.1.1")
    equal(os.path.exists(f"{life.site.dir}/mail"), False, "nobody hears")
    life.site.must("queue", "delete", number, "--yes")
    life.gone(number)
    life.logged(number, "deleted")


def damaged():
    """A body that cannot be read, on its way out and to a mailbox."""
    life = Life(Peer(auth=False), queue=SOON)
    out = life.hand_in(octets=make("out"))
    sound = life.hand_in(octets=make("sound"))
    life.site.stop()
    db = sqlite3.connect(f"{life.site.dir}/spool/spool.db")
    db.execute("DELETE FROM chunk WHERE id / 1048576 = ?", (int(out),))
    db.commit()
    db.close()
    life.site.start()
    life.site.link_up("iridium", "20s")
    life.told(out, "held", "rule-hold",
              "held: its body cannot be read from the spool", False)
    life.logged(out, "held", "cannot be read")
    life.gone(sound)
    life.logged(sound, "delivered")
    life.silent()
    life.site.must("queue", "return", out, "--yes")
    life.gone(out)
    life.heard("failed", "5.7.0", "sent it back")


def damaged_at_home():
    life = Life(start=False, queue=SOON)
    life.site.conf["local"]["deliver"] = \
        f"pipe:{life.world.dir}/not-there"  # waits
    life.site.start()
    home = life.hand_in(CAP)
    life.told(home, "deferred", "retry-wait", "No such file", True)
    life.site.stop()
    db = sqlite3.connect(f"{life.site.dir}/spool/spool.db")
    db.execute("DELETE FROM chunk WHERE id / 1048576 = ?", (int(home),))
    db.commit()
    db.close()
    life.site.conf["local"]["deliver"] = \
        f"maildir:{life.site.dir}/mail/{{domain}}/{{user}}"
    life.site.start()
    life.told(home, "held", "rule-hold",
              "held: its body cannot be read from the spool", False)
    life.logged(home, "held", "cannot be read")
    equal(life.site.mailbox("cap"), [], "half a message is not delivered")


def until_its_time():
    life = Life(Peer(auth=False), queue={"warn_after": "1s"})
    life.site.must("user", "add", "ann", "--password-stdin",
                   text=PASSWORD + "\n")
    numbers = []
    for seconds in (5, 80000):
        with Smtp(life.site.port("submission")) as client:
            client.ehlo()
            client.starttls(life.world.client_tls)
            client.ehlo()
            client.auth_plain("ann", PASSWORD)
            numbers.append(client.mail(
                ANN, BEN, make("later"), f" HOLDFOR={seconds}").message_id)
    first, second = numbers
    life.told(second, "held", "release-time", "held by its sender until 2",
              True)
    life.site.must("link", "up", "iridium")
    life.silent()
    life.gone(first)
    life.logged(first, "released", "the time that its sender gave has come")
    life.logged(first, "delivered")
    life.noted("released-in-time")
    life.site.must("queue", "release", second)
    life.gone(second)
    life.logged(second, "released", "by ")


def no_room_for_the_notice():
    """It failed, and the disk is full: held, and told when there is room."""
    peer = Peer(auth=False, rules={"RCPT": "550 5.1.1 no ben here"})
    life = Life(peer, start=False, queue=SOON, notices={"full_size": "16M"})
    if not life.start_on_small_disk():
        return
    number = life.hand_in(
        octets=make("large", ("x" * 70 + "\r\n") * 120000),
        mail=" RET=FULL")
    life.fill_disk()
    life.site.link_up("iridium", "20s")
    life.told(number, "held", "disk", "no disk space: the sender cannot be "
              "told of 5.1.1: 550 5.1.1 no ben here", False)
    life.logged(number, "held", "cannot be told of 5.1.1")
    life.silent()
    connections = peer.connections
    life.free_disk()
    life.site.restart()
    life.gone(number)
    notice = life.heard("failed", "5.1.1", "550 5.1.1 no ben here",
                        "There is no such address there")
    equal(list(notice.iter_parts())[2].get_content_type(), "message/rfc822",
          "as was asked")
    life.logged(number, "failed", "550 5.1.1 no ben here")
    life.noted("told-at-last")
    equal(peer.connections, connections, "it is not tried again for that")


def from_a_copy():
    """What a restore brought back: a person must release it."""
    life = Life(Peer(auth=False), queue=SOON)
    number = life.hand_in()
    life.site.must("spool", "backup", f"{life.site.dir}/copy")
    life.site.stop()
    life.site.must("spool", "restore", f"{life.site.dir}/copy", "--yes")
    life.site.start()
    life.told(number, "held", "operator-hold", "held by ", False)
    life.logged(number, "held")
    life.site.link_up("iridium", "20s")
    equal(life.peer.mails, [], "no link takes it")
    life.site.must("queue", "release", number)
    life.gone(number)
    life.logged(number, "released")
    life.silent()


# --- deleted ---

def deleted():
    peer = Peer(auth=False, rules={"RCPT": "451 4.3.0 not now"})
    life = Life(peer, queue=dict(RETRY, keep_deleted="2d"))
    ready, held = life.hand_in(), life.hand_in()
    life.site.must("queue", "hold", held)
    life.site.link_up("iridium", "20s")
    life.site.must("queue", "delete", ready, held, "--yes")
    life.told(ready, "deleted", "peer-4xx", "451 4.3.0 not now")
    life.told(held, "deleted", "operator-hold", "held by ")
    for number in (ready, held):
        life.logged(number, "deleted", "by ")
    equal(life.site.queue(), [], "it is in no list unless asked for")
    life.silent()
    life.site.must("queue", "undelete", ready, held)
    life.told(ready, "deferred", "peer-4xx", "451 4.3.0 not now", True)
    life.told(held, "held", "operator-hold", "held by ", False)
    life.logged(held, "undeleted")
    life.site.must("queue", "delete", ready, "--yes")
    again(life, 3 * DAY)
    check(wait_until(lambda: not life.row(ready, state="deleted"), 30),
          "at the end of queue.keep_deleted it is gone")
    life.logged(ready, "removed", "nobody undeleted it")
    equal(life.site.cli("queue", "undelete", ready).returncode, 65,
          "and cannot be undeleted")
    life.silent()


def quarantined():
    life = Life(start=False)
    shore = life.world.make_shore(
        queue=dict(SOON), relay={"networks": ["192.0.2.0/24"]}).start()
    life.world.add_customer()
    number = life.hand_in(CAP, "eve@elsewhere.example", site=shore,
                          port="smtp")
    collect(life.world, {"RCPT": "550 5.1.1 nobody of that name aboard"})
    life.told(number, "deleted", "rule-hold", "cannot be delivered nor returned: 550 5.1.1", site=shore)
    life.logged(number, "quarantined", "550 5.1.1", site=shore)
    shore.must("queue", "undelete", number)
    life.told(number, "ready", "customer-call", "waits until customer",
              False, shore)
    life.logged(number, "undeleted", site=shore)
    equal(len(collect(life.world).mails), 1, "and the next call has it")
    life.gone(number, shore)


if __name__ == "__main__":
    run(refused_for_now, cut_behind_mail, customer_puts_off, home_fault,
        program_says_later, mailbox_full, mailbox_disk_full, left_by_mx,
        no_host_can_be_trusted, name_service_away, by_the_operator,
        by_a_rule, without_a_route, nobody_to_tell, damaged, damaged_at_home,
        until_its_time, no_room_for_the_notice, from_a_copy, deleted,
        quarantined)
