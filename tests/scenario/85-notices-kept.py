#!/usr/bin/env python3
# limit: 300
"""Each failure is told once, whatever happens while it is told: kill -9 at
each step, a disk that fails, a disk that is full."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from life import *

REFUSES = {"end": "554 5.6.0 not this"}
CALLS = 4


def told_of(life):
    """The deliveries that notices are about, one for each time."""
    return sorted(line.split(" ")[1] for notice in life.notices()
                  for line in notice.as_string().split("\n")
                  if line.startswith("Final-Log-ID: "))


def all_told_once(life, numbers, what):
    wanted = sorted(f"{n}.1" for n in numbers)
    wait_until(lambda: told_of(life) == wanted and not life.site.queue(), 30)
    equal(told_of(life), wanted, f"{what}: each is told once")
    equal(life.site.queue(), [], f"{what}: and nothing is left")


def calls(life):
    """Some that fail alike, and one whose sender asked for a report."""
    return [life.hand_in() for _ in range(CALLS - 1)] \
        + [life.hand_in(rcpt=" NOTIFY=FAILURE")]


def dies(life, label, what, act):
    """The node dies at LABEL while ACT has it tell; then it runs again."""
    life.site.restart({"TIDEPOST_CRASH_AT": label})
    act()
    check(wait_until(life.site.crashed, 20), f"{what}: it died there")
    life.site.start()


def refused_and_killed():
    for label in ("deliver-replied-before-commit", "deliver-committed",
                  "local-tmp-written", "local-renamed", "local-before-commit"):
        what = f"refused, {label}"
        life = Life(Peer(auth=False, rules=REFUSES))
        numbers = calls(life)
        dies(life, label, what,
             lambda life=life: life.site.link_up("iridium", "20s"))
        life.site.link_up("iridium", "20s")
        all_told_once(life, numbers, what)
        clean_up()


def returned_and_killed():
    for label in ("pages-claimed", "pages-committed"):
        what = f"returned by a person, {label}"
        life = Life(Peer(auth=False))
        numbers = calls(life)
        dies(life, label, what, lambda life=life: life.site.cli(
            "queue", "return", "--all", "--yes"))
        equal(len(life.site.queue()) > 1, label == "pages-claimed",
              f"{what}: all of it is done, or nothing")
        life.site.must("queue", "return", "--all", "--yes")
        all_told_once(life, numbers, what)
        clean_up()


def late_and_killed():
    for label in ("delay-before-commit", "delay-committed"):
        what = f"waits for long, {label}"
        life = Life(Peer(auth=False), queue={"warn_after": "1s"})
        number = life.hand_in()
        dies(life, label, what, lambda: None)
        check(wait_until(lambda life=life: life.notices(), 30),
              f"{what}: its sender is told")
        last = life.hand_in(sender="bob@aurora.example.org")
        life.logged(last, "notice")  # so all had their turn
        equal(told_of(life), [f"{number}.1"], f"{what}: once")
        clean_up()


def while_the_disk_fails():
    """The spool cannot be written when the refusal is there: it is told when
    the disk is well again, without a new start of the daemon."""
    for rule in ("pwrite:spool.db-wal$", "fdatasync:spool.db-wal$"):
        armed = []

        def rcpt(_conn, _line):
            while armed:
                with open(armed.pop(), "w", encoding="ascii") as stream:
                    stream.write(rule)
            return "550 5.1.1 no ben here"
        life = Life(Peer(auth=False, rules={"RCPT": rcpt}), start=False,
                    queue={"retry": ["1s"]})
        broken = f"{life.world.dir}/broken"
        shim = Shim(life.world.dir)
        life.site.start(shim.env(broken=broken))
        numbers = [life.hand_in(), life.hand_in()]
        armed.append(broken)
        life.site.link_up("iridium", "20s")
        check(wait_until(lambda life=life: "claims-not-released"
                         in life.site.log_text()),
              f"{rule}: nothing can be stored", life.site.log_text())
        life.silent()
        equal(len(life.site.queue()), 2, f"{rule}: nothing is lost")
        os.unlink(broken)
        check(wait_until(lambda: not any(r["state"] == "active"
                                         for r in life.site.queue()), 30),
              f"{rule}: no session has it any more", life.site.queue())
        life.site.link_up("iridium", "20s")
        all_told_once(life, numbers, rule)
        clean_up()


def while_the_disk_is_full():
    """What a person or a time returns stays as it was until there is room."""
    life = Life(Peer(auth=False), start=False)
    if not life.start_on_small_disk():
        return
    numbers = calls(life) + [life.hand_in(mail=" BY=4;R")]
    life.fill_disk()
    done = life.site.cli("queue", "return", "--all", "--yes")
    equal(done.returncode, 73, "it cannot be returned")
    check("no space" in done.stderr, "and says why", done.stderr)
    check(wait_until(lambda: "event=not-returned" in life.site.log_text(),
                     30), "nor when its time is over")
    equal({r["state"] for r in life.site.queue()}, {"ready"},
          "all waits as before")
    life.silent()
    life.free_disk()
    life.site.must("queue", "return", "--all", "--yes")
    all_told_once(life, numbers, "with room again")


run(refused_and_killed, returned_and_killed, late_and_killed,
    while_the_disk_fails, while_the_disk_is_full)
