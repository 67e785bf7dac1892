#!/usr/bin/env python3
"""mbox: locks, From_ lines, kill -9 at each step, a disk that is full."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import fcntl
import mailbox
import re
import subprocess

DOMAIN = "aurora.example.org"


def site(folder=None, **local_conf):
    world = World()
    node = world.make_site(peer=world.peer(submission=9, odmr=9))
    node.box = folder or f"{world.dir}/box"
    os.makedirs(node.box, exist_ok=True)
    node.conf["local"] = {"domains": [DOMAIN],
                          "deliver": f"mbox:{node.box}/{{user}}",
                          **local_conf}
    node.conf["queue"] = {"retry": ["1s"]}
    return node


def send(node, octets, *recipients, sender="eve@far.example"):
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        return client.mail(sender, list(recipients), octets)


def read(node, user="ann"):
    with open(f"{node.box}/{user}", "rb") as stream:
        return stream.read()


def bodies(node, user="ann"):
    """As a program that knows mbox sees it; ">From " undone by us."""
    box = mailbox.mbox(f"{node.box}/{user}", create=False)
    try:
        return [(m["Subject"], re.sub(r"(?m)^>(>*From )", r"\1",
                                      m.get_payload()), m)
                for m in box]
    finally:
        box.close()


def wait_bodies(node, count, user="ann"):
    wait_until(lambda: os.path.exists(f"{node.box}/{user}")
               and len(bodies(node, user)) >= count, 20)
    return bodies(node, user)


def content():
    node = site().start()
    tricky = "From the start\r\n>From deeper\r\nFromage\r\n\r\nFrom x\r\nend"
    send(node, make("one", tricky + "\r\n"), f"Ann+x@{DOMAIN}")
    wait_bodies(node, 1)
    send(node, make("two"), f"ann@{DOMAIN}", sender="")
    found = wait_bodies(node, 2)
    equal([row[0] for row in found], ["one", "two"], "both can be read")
    equal(found[0][1].rstrip("\n"), tricky.replace("\r\n", "\n"),
          "what looks like a From_ line is kept apart, and comes back")
    raw = read(node)
    check(b"\r" not in raw, "lines end with LF")
    check(re.match(rb"From eve@far.example [A-Z][a-z]{2} [A-Z][a-z]{2} "
                   rb"[ 0-9]\d \d\d:\d\d:\d\d \d{4}\n"
                   rb"Return-Path: <eve@far.example>\n", raw),
          "the From_ line", raw[:200])
    check(b"\n\nFrom MAILER-DAEMON " in raw, "of a notice, too", raw)
    check(raw.endswith(b"\n\n"), "an empty line ends it")
    check(wait_until(lambda: not os.path.exists(f"{node.box}/ann.lock")),
          "no lock is left")
    # a file that somebody left without the end of its last line
    with open(f"{node.box}/bob", "wb") as stream:
        stream.write(b"From x Thu Jan  1 00:00:00 1970\nSubject: old\n\nlast")
    send(node, make("new"), f"bob@{DOMAIN}")
    equal([row[0] for row in wait_bodies(node, 2, "bob")], ["old", "new"],
          "it is ended first")


def locks():
    node = site().start()
    path = f"{node.box}/ann"
    send(node, make("first"), f"ann@{DOMAIN}")
    wait_bodies(node, 1)
    node.wait_queue_empty()
    with open(path, "rb+") as stream:
        # reading it in this process would give up the lock
        before = os.path.getsize(path)
        fcntl.lockf(stream, fcntl.LOCK_EX)
        send(node, make("second"), f"ann@{DOMAIN}")
        wait_until(lambda: node.queue() and
                   node.queue()[0]["state"] == "active", 10)
        send(node, make("other"), f"carl@{DOMAIN}")
        check(wait_bodies(node, 1, "carl"), "other mailboxes go on")
        equal(os.path.getsize(path), before, "who holds the file is not written over")
    check(len(wait_bodies(node, 2)) == 2, "then it goes")
    node.wait_queue_empty()
    with open(f"{path}.lock", "w", encoding="ascii") as stream:
        stream.write(f"{os.getpid()}\n")
    send(node, make("third"), f"ann@{DOMAIN}")
    wait_until(lambda: any(r["state"] == "active" for r in node.queue()),
               10)
    equal(len(bodies(node)), 2, "the lock file of a living program holds")
    done = subprocess.Popen(["true"])
    done.wait()
    with open(f"{path}.lock", "w", encoding="ascii") as stream:
        stream.write(f"{done.pid}\n")
    check(len(wait_bodies(node, 3)) == 3, "that of a dead one does not")
    check(node.wait_queue_empty(), "all is delivered", node.queue())


def many_at_once():
    node = site().start()
    for i in range(12):
        send(node, make(f"mail {i}", f"number {i}\r\n"), f"ann@{DOMAIN}",
             f"bob@{DOMAIN}")
    check(node.wait_queue_empty(60), "all is delivered", node.queue())
    for user in ("ann", "bob"):
        equal(sorted(row[0] for row in bodies(node, user)),
              sorted(f"mail {i}" for i in range(12)), f"{user} has each once")


def crash(label):
    node = site().start()
    send(node, make("before"), f"ann@{DOMAIN}")
    wait_bodies(node, 1)
    node.wait_queue_empty()
    node.restart({"TIDEPOST_CRASH_AT": label})
    large = make("large", ("x" * 70 + "\r\n") * 3000)
    send(node, large, f"ann@{DOMAIN}")
    check(wait_until(node.crashed, 20), f"{label}: it died there")
    node.start()
    check(node.wait_queue_empty(), f"{label}: it is delivered", node.queue())
    found = bodies(node)
    equal([row[0] for row in found], ["before", "large"],
          f"{label}: once, behind what was there")
    equal(len(found[1][1]), 3000 * 71, f"{label}: and whole")
    equal(node.doubts(), [], f"{label}: nothing is in doubt")


def crashes():
    for label in ("mbox-begun", "mbox-written", "mbox-done",
                  "local-before-commit"):
        crash(label)


def forged_mark():
    """A message that says it is another one, delivered already."""
    node = site().start()
    send(node, make("real"), f"bob@{DOMAIN}")
    wait_bodies(node, 1, "bob")
    node.wait_queue_empty()
    mark = re.search(rb"X-Tidepost-Delivery: (\d+)\.1\.(\d+)@(\S+) done",
                     read(node, "bob"))
    check(mark, "the mark says done", read(node, "bob")[:300])
    number, when, host = (int(mark.group(1)), int(mark.group(2)),
                          mark.group(3).decode())
    lies = "".join(f"X-Tidepost-Delivery: {number + 2}.1.{when + i}@{host} "
                   "done\r\n" for i in range(40))
    send(node, make("lie", headers=lies, body=lies), f"ann@{DOMAIN}")
    wait_bodies(node, 1)
    node.wait_queue_empty()
    node.restart({"TIDEPOST_CRASH_AT": "mbox-begun"})
    send(node, make("victim"), f"ann@{DOMAIN}")
    wait_until(node.crashed, 20)
    node.start()
    check(node.wait_queue_empty(), "it is delivered", node.queue())
    equal([row[0] for row in bodies(node)], ["lie", "victim"],
          "nobody is told that it was there already")


def others_behind():
    """A part that others wrote behind stays, for a person to see."""
    node = site().start()
    node.restart({"TIDEPOST_CRASH_AT": "mbox-begun"})
    send(node, make("torn"), f"ann@{DOMAIN}")
    wait_until(node.crashed, 20)
    with open(f"{node.box}/ann", "ab") as stream:
        stream.write(b"\nFrom x Thu Jan  1 00:00:00 1970\n"
                     b"Subject: other\n\ntext\n\n")
    node.start()
    check(node.wait_queue_empty(), "it is delivered", node.queue())
    equal([row[0] for row in bodies(node)][-2:], ["other", "torn"],
          "behind the other one, which is untouched")


def faults():
    node = site()
    node.conf["queue"] = {"retry": ["1h"]}
    node.start()

    def deferred(text, what):
        send(node, make("fault"), f"ann@{DOMAIN}")
        wait_until(lambda: [r["state"] for r in node.queue()] == ["deferred"],
                   40)
        rows = node.queue()
        check(len(rows) == 1 and text in rows[0]["reason"], what, rows)
        node.must("queue", "delete", "--all", "--yes")

    os.symlink("/tmp/elsewhere", f"{node.box}/ann")
    deferred("cannot open", "a link is not followed")
    check(not os.path.exists("/tmp/elsewhere"), "nothing was made there")
    os.unlink(f"{node.box}/ann")
    with open(f"{node.box}/x", "wb"):
        os.link(f"{node.box}/x", f"{node.box}/ann")
    deferred("has other names", "nor a second name of a file")
    os.unlink(f"{node.box}/ann")
    os.mkdir(f"{node.box}/ann")
    deferred("ann", "a folder in its place")
    os.rmdir(f"{node.box}/ann")
    os.unlink(f"{node.box}/x")
    os.rmdir(node.box)
    deferred("No such file", "a missing folder")


def full_disk():
    world_dir = temp_dir()
    disk = f"{world_dir}/disk"
    os.makedirs(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs",
                       disk], capture_output=True, check=False).returncode:
        skip("mounting is not allowed here")
        return
    at_end(lambda: subprocess.run(["umount", "-l", disk], check=False))
    node = site(disk).start()
    send(node, make("small"), f"ann@{DOMAIN}")
    wait_bodies(node, 1)
    before = read(node)
    send(node, make("large", ("x" * 70 + "\r\n") * 8000), f"ann@{DOMAIN}")
    wait_until(lambda: [r["state"] for r in node.queue()] == ["deferred"], 20)
    check("No space left" in node.queue()[0]["reason"], "the reason says it",
          node.queue())
    equal(read(node), before, "the file is what it was")
    send(node, make("next"), f"ann@{DOMAIN}")
    check(len(wait_bodies(node, 2)) == 2, "what has room goes")
    node.must("queue", "delete", "--all", "--yes")


def quota():
    node = site(quota="4K").start()
    send(node, make("one"), f"ann@{DOMAIN}")
    wait_bodies(node, 1)
    send(node, make("two", ("x" * 70 + "\r\n") * 60), f"ann@{DOMAIN}")
    wait_until(lambda: [r["state"] for r in node.queue()] == ["deferred"], 20)
    check("the mailbox is full" in node.queue()[0]["reason"],
          "a full mailbox", node.queue())


if __name__ == "__main__":
    run(content, locks, many_at_once, crashes, forged_mark, others_behind,
        faults, full_disk, quota)
