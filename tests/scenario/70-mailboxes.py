#!/usr/bin/env python3
"""Maildirs: folders by extension, quota, who has one, names with tricks."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import glob

DOMAIN = "aurora.example.org"


def site(**more):
    world = World()
    node = world.make_site(peer=world.peer(submission=9, odmr=9))
    node.conf["local"] = dict(node.conf["local"], **more)
    return node


def send(node, octets, *recipients):
    """The codes that RCPT gets; the message goes to those with 250."""
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<eve@far.example> SMTPUTF8")
        replies = [client.cmd(f"RCPT TO:<{to}>") for to in recipients]
        if any(r.code == 250 for r in replies):
            client.cmd("DATA")
            client.send(stuff(octets))
            equal(client.reply().code, 250, "the message is taken")
        return [r.code for r in replies]


def files(node, *parts):
    return glob.glob(os.path.join(node.dir, "mail", DOMAIN, *parts))


def folders():
    node = site().start()
    for name in ("plain", "nowhere"):
        send(node, make(name), f"ann+{name}@{DOMAIN}")
    node.wait_mail("ann", 2)
    equal(len(node.mailbox("ann")), 2,
          "without such a folder it lies with the other mail")
    for name in ("lists", "Mixed", "a.b"):
        os.makedirs(f"{node.dir}/mail/{DOMAIN}/ann/.{name}")
    for name in ("Lists", "Mixed", "a.b"):
        send(node, make(name), f"Ann+{name}@{DOMAIN}")
    node.wait_queue_empty()
    for name in ("lists", "Mixed", "a.b"):
        equal(len(files(node, "ann", f".{name}", "new", "*")), 1,
              f"a message in the folder {name}")
    equal(len(node.mailbox("ann")), 2, "and no copy beside the folders")
    # "." would be the folder above, and what climbs stays out of it
    send(node, make("dots"), f'"ann+."@{DOMAIN}', f'"ann+./../x"@{DOMAIN}')
    node.wait_queue_empty()
    equal(len(node.mailbox("ann")), 4, "an extension cannot climb")
    equal(sorted(os.listdir(f"{node.dir}/mail/{DOMAIN}")), ["ann"],
          "nothing was made beside the mailbox")
    node.conf["local"]["separator"] = "none"
    node.restart()
    send(node, make("whole"), f"ann+lists@{DOMAIN}")
    check(node.wait_mail("ann+lists"), "without separator it is a name")


def folders_in_the_path():
    """{extension} in local.deliver: chosen by whoever sends, so it is a name
    there, or nothing."""
    node = site()
    node.conf["local"]["deliver"] = f"maildir:{node.dir}/mail/{{user}}/{{extension}}"
    for way in (True, False):  # within the walls, and without
        node.conf["sandbox"] = way
        node.start()
        for trick in ("../../evil", "x/../../bob", "..", "./x", ".x", "/x"):
            send(node, make(trick), f'"ann+{trick}"@{DOMAIN}')
        send(node, make("lists"), f"ann+Lists@{DOMAIN}")
        check(node.wait_queue_empty(), "all are delivered", node.queue())
        node.stop()
        made = sorted(path[len(node.dir):] for path in glob.glob(
            f"{node.dir}/**/new", recursive=True, include_hidden=True))
        equal(made, ["/mail/ann/Lists/new", "/mail/ann/new"],
              "none beside, above or hidden")
    equal(len(glob.glob(f"{node.dir}/mail/ann/new/*")), 12,
          "tricks lie with the other mail")


def leads_nowhere():
    """The mailbox is on a medium that is not there: mail waits, and says so."""
    node = site()
    os.makedirs(f"{node.dir}/mail/{DOMAIN}")
    os.symlink(f"{node.dir}/mail/stick/ann", f"{node.dir}/mail/{DOMAIN}/ann")
    node.start()
    send(node, make("stick"), f"ann@{DOMAIN}")
    check(wait_until(lambda: [r["state"] for r in node.queue()] ==
                     ["deferred"]), "it waits", node.queue())
    check(f"/mail/{DOMAIN}/ann/" in node.queue()[0]["reason"] and
          "No such file" in node.queue()[0]["reason"], "and why", node.queue())
    os.makedirs(f"{node.dir}/mail/stick/ann")
    node.must("queue", "retry", "--all", "--yes")
    check(node.wait_queue_empty(), "with the medium it goes", node.queue())
    node.stop()


def names():
    node = site().start()
    bad = ['"../x"', '".."', '".hidden"', "a/b", '"a/../../b"', '"a%b"',
           '"x@y"']
    equal(send(node, make("bad"), *[f"{name}@{DOMAIN}" for name in bad]),
          [550] * len(bad), "names that are paths, hide, or forward")
    long = "l" * (254 - len(DOMAIN) - 1)
    equal(send(node, make("long"), f"{long}@{DOMAIN}"), [501],
          "254 octets are an address, but no local part")
    good = ['"ann smith"', "ännchen", "x" * 64, '"quoted"', "ALLCAPS"]
    equal(send(node, make("good"), *[f"{name}@{DOMAIN}" for name in good]),
          [250] * len(good), "names that are odd, and fine")
    check(node.wait_queue_empty(), "all of them are delivered", node.queue())
    equal(sorted(os.listdir(f"{node.dir}/mail/{DOMAIN}")),
          sorted(["ann smith", "ännchen", "x" * 64, "quoted", "allcaps"]),
          "each in a mailbox of its own")


def users_in_spool():
    node = site(users="spool").start()
    for name in ("ann", "Bob", f"carl@{DOMAIN}", "dan@other.example"):
        node.must("user", "add", name, "--password-stdin",
                  text=PASSWORD + "\n")
    node.must("customer", "add", "barge", "--domain", "barge.example",
              "--password-stdin", text=PASSWORD + "\n")
    equal(send(node, make("who"), *[f"{name}@{DOMAIN}" for name in (
        "ann", "bob", "ann+x", "carl", "dan", "barge", "eve", "Postmaster")]),
          [250, 250, 250, 250, 550, 550, 550, 250],
          "users have a mailbox, others and customers have none")
    node.must("user", "delete", "ann", "--yes")
    equal(send(node, make("gone"), f"ann@{DOMAIN}"), [550],
          "a deleted user has none any more")


def gone_before_delivery():
    """The mailbox went away between RCPT and delivery."""
    node = site(users="spool").start()
    node.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")
    blocker = f"{node.dir}/mail"
    with open(blocker, "w", encoding="utf-8"):
        pass  # a file where the folder should be: a local fault
    send(node, make("late"), f"ann@{DOMAIN}")
    check(wait_until(lambda: [r["state"] for r in node.queue()]
                     == ["deferred"], 20), "a local fault defers", node.queue())
    check("cannot make" in node.queue()[0]["reason"], "and says what it is",
          node.queue())
    node.must("user", "delete", "ann", "--yes")
    os.unlink(blocker)
    node.must("queue", "retry", "--all", "--yes")
    wait_until(lambda: node.events("failed"), 20)
    check(any("no such user" in e["reply"] for e in node.events("failed")),
          "who lost the mailbox gets no mail any more", node.events())


def used(node, user):
    """What maildirsize says: its first line, and the sums of the others."""
    path = f"{node.dir}/mail/{DOMAIN}/{user}/maildirsize"
    with open(path, encoding="ascii") as stream:
        first, *rows = stream.read().split("\n")
    pairs = [tuple(map(int, row.split())) for row in rows if row]
    return first, sum(p[0] for p in pairs), sum(p[1] for p in pairs)


def quota():
    node = site(quota="3K").start()
    small = make("small", "x" * 70 + "\r\n")
    large = make("large", ("y" * 70 + "\r\n") * 30)
    send(node, small, f"ann@{DOMAIN}")
    send(node, large, f"ann@{DOMAIN}")
    node.wait_mail("ann", 2)
    node.wait_queue_empty()
    sizes = [os.path.getsize(f) for f in files(node, "ann", "new", "*")]
    wait_until(lambda: used(node, "ann")[2] == 2, 10)
    equal(used(node, "ann"), ("3072S", sum(sizes), 2),
          "maildirsize knows the mail")
    check(all(f.endswith(f",S={os.path.getsize(f)}")
              for f in files(node, "ann", "new", "*")),
          "the names tell the sizes")
    send(node, large, f"ann@{DOMAIN}", f"bob@{DOMAIN}")
    check(node.wait_mail("bob"), "another mailbox has room")
    check(wait_until(lambda: [r["state"] for r in node.queue()]
                     == ["deferred"], 20), "the full one has not",
          node.queue())
    check("the mailbox is full" in node.queue()[0]["reason"],
          "the reason says it", node.queue())
    # a reader throws one away, and nobody told maildirsize
    for path in files(node, "ann", "new", "*"):
        if os.path.getsize(path) > 2000:
            os.unlink(path)
    node.must("queue", "retry", "--all", "--yes")
    check(node.wait_queue_empty(), "once there is room it goes",
          node.queue())
    equal(len(node.mailbox("ann")), 2, "to the mailbox")
    # mail in Trash does not count, in other folders it does
    for part, count in ((".Trash", 1), (".Sent", 2)):
        os.makedirs(f"{node.dir}/mail/{DOMAIN}/carl/{part}/cur")
        for i in range(count):
            with open(f"{node.dir}/mail/{DOMAIN}/carl/{part}/cur/{i}:2,S",
                      "wb") as stream:
                stream.write(b"z" * 1000)
    send(node, small, f"carl@{DOMAIN}")
    node.wait_queue_empty()
    wait_until(lambda: used(node, "carl")[2] == 3, 10)
    equal(used(node, "carl")[1:],
          (2000 + len(node.mailbox("carl")[0]), 3), "what counts, counts")


def quota_at_once():
    """Several deliveries to one mailbox do not have the same room."""
    node = site(quota="20K")
    node.conf["rules"] = [{"from": "eve@far.example", "hold": True}]
    node.start()
    users = [f"user{i}" for i in range(10)]
    for user in users:
        for i in range(6):
            send(node, make(f"number {i}", ("z" * 70 + "\r\n") * 80),
                 f"{user}@{DOMAIN}")
    node.must("queue", "release", "--all", "--yes")
    check(wait_until(lambda: {r["state"] for r in node.queue()} ==
                     {"deferred"}, 20), "some wait", node.queue())
    sizes = {u: [os.path.getsize(f) for f in files(node, u, "new", "*")]
             for u in users}
    check(all(sum(of) <= 20 * 1024 for of in sizes.values()),
          "no mailbox has more than it may hold", sizes)
    equal({len(of) for of in sizes.values()}, {3}, "and none has less")
    equal(sum(len(of) for of in sizes.values()) + len(node.queue()),
          6 * len(users), "none is lost")


def quota_of_others():
    """A file that another program made, or spoilt."""
    node = site().start()
    folder = f"{node.dir}/mail/{DOMAIN}/ann"
    for part in ("tmp", "new", "cur"):
        os.makedirs(f"{folder}/{part}")
    with open(f"{folder}/maildirsize", "w", encoding="ascii") as stream:
        stream.write("100000S,2C\n0 0\n")
    for i in range(3):
        send(node, make(f"mail {i}"), f"ann@{DOMAIN}")
        node.wait_mail("ann", min(i + 1, 2))
    check(wait_until(lambda: [r["state"] for r in node.queue()]
                     == ["deferred"] and len(node.mailbox("ann")) == 2, 20),
          "its count of messages holds", node.queue())
    with open(f"{folder}/maildirsize", "wb") as stream:
        stream.write(b"90000S\nnonsense\0\n" + b"1 1\n" * 3000)
    node.must("queue", "retry", "--all", "--yes")
    check(node.wait_queue_empty(), "what is not understood is made anew",
          node.queue())
    equal(used(node, "ann")[0], "90000S", "with the quota it had")


if __name__ == "__main__":
    run(folders, folders_in_the_path, leads_nowhere, names, users_in_spool, gone_before_delivery, quota,
        quota_at_once, quota_of_others)
