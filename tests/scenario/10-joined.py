#!/usr/bin/env python3
"""Equal failures of one session are one notice, where that goes over a link;
and each is told once, however the session ends."""
# limit: 200

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from life import Life

import re
import time

from peer import CLOSE, KEYWORDS, Raw

NO_PIPELINING = tuple(k for k in KEYWORDS if k != "PIPELINING")
ONE_BY_ONE = tuple(k for k in NO_PIPELINING if k != "CHUNKING")
WAYS = (("in flight", KEYWORDS), ("by turns", NO_PIPELINING),
        ("by DATA", ONE_BY_ONE))
FAR, NEAR = "dora@inland.example", "ann@aurora.example.org"
NOBODY = "550 5.1.1 <{}@shore.example>: nobody of that name"


def refusing(keywords=KEYWORDS, pause=0.0):
    def on_recipient(_conn, line):
        name = line.split("<")[1].split("@")[0]
        return NOBODY.format(name) if name.startswith("no") else None

    def on_end(_conn, _line):
        time.sleep(pause)

    return Peer(auth=False, keywords=keywords,
                rules={"RCPT": on_recipient, "end": on_end})


def site_of(peer):
    return World().relaying_site(peer).start()


def hand_in(site, *names, sender=FAR, mail="", lines=3):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for name in names:
            reply = client.mail(sender, f"{name}@shore.example",
                                make(name, "a line of it\r\n" * lines), mail)
            equal(reply.code, 250, f"{name} is accepted")


def mixed(count):
    """Some that are refused, each between others."""
    return [f"{kind}{i}" for i in range(count) for kind in ("yes", "no")]


def notices(peer):
    return [m.octets.decode() for m in peer.mails
            if m.sender == "" and m.recipients == [FAR]]


def told(texts):
    """Of whom the notices tell, in all."""
    return sorted(name for text in texts for name in re.findall(
        r"Final-Recipient: rfc822; *(no\d+)@", text))


def verify(what, peer, site, names):
    check(site.wait_queue_empty(30), f"{what}: nothing waits", site.queue())
    equal(told(notices(peer)), sorted(names), f"{what}: each is told once")


def over_a_session():
    for what, keywords in WAYS:
        peer = refusing(keywords)
        site = site_of(peer)
        hand_in(site, *mixed(5))
        site.link_up("iridium", "20s")
        verify(what, peer, site, [f"no{i}" for i in range(5)])
        equal(len(notices(peer)), 1, f"{what}: in one notice")
        check(all(NOBODY.format(f"no{i}") in " ".join(notices(peer)[0].split())
                  for i in range(5)), f"{what}: with the words of each",
              notices(peer)[0])
        equal(peer.connections, 1, f"{what}: over the same connection")
        equal(sum(line.startswith("RCPT TO:<no") for line in peer.verbs), 5,
              f"{what}: each is asked for once")


def many():
    """A notice has room for fifty."""
    peer = refusing()
    site = site_of(peer)
    names = [f"no{i}" for i in range(60)]
    hand_in(site, *names)
    site.link_up("iridium", "20s")
    verify("sixty", peer, site, names)
    equal(len(notices(peer)), 2, "sixty: in two notices")


def at_once(what, heard, **mail):
    """A notice that does not wait for the session's end."""
    peer = refusing(ONE_BY_ONE, pause=0.2)
    site = site_of(peer)
    hand_in(site, "no0", **mail)
    hand_in(site, *(f"yes{i}" for i in range(30)), lines=1000)
    site.must("link", "up", "iridium")
    check(wait_until(lambda: heard(peer, site), 10), f"{what}: told")
    took = sum(m.recipients[0].startswith("yes") for m in peer.mails)
    check(took < 30, f"{what}: while others still wait", took)
    check(site.wait_queue_empty(30), f"{what}: all goes", site.queue())
    equal(len(site.mailbox("ann")) + len(notices(peer)), 1,
          f"{what}: told once")


def near_at_once():
    at_once("a sender of ours", lambda peer, site: site.mailbox("ann"),
            sender=NEAR)


def urgent_at_once():
    at_once("an urgent one", lambda peer, site: notices(peer),
            mail=" MT-PRIORITY=6")


def session_ends(what, end, keywords=ONE_BY_ONE):
    """END comes behind some refusals, and others are to come."""
    peer = refusing(keywords, pause=0.1)
    site = site_of(peer)
    hand_in(site, *mixed(12))
    site.must("link", "up", "iridium")
    check(wait_until(lambda: sum(line.startswith("RCPT TO:<no")
                                 for line in peer.verbs) >= 4, 10),
          f"{what}: some are refused", peer.verbs)
    end(peer, site)
    verify(what, peer, site, [f"no{i}" for i in range(12)])
    return peer


def cut():
    def end(peer, _site):
        peer.rules["MAIL"] = CLOSE
        wait_until(lambda: not peer.open, 10)
        del peer.rules["MAIL"]

    for name, keywords in WAYS:
        peer = session_ends(f"cut, {name}", end, keywords)
        asked = [line for line in peer.verbs if line.startswith("RCPT TO:<no")]
        if keywords == ONE_BY_ONE:
            equal(len(asked), 12, f"cut, {name}: none is asked for again")


def closes_behind_it():
    """The peer refuses the only message, and is gone."""
    peer = Peer(auth=False, keywords=ONE_BY_ONE, rules={
        "RCPT": Raw(NOBODY.format("no0").encode() + b"\r\n", close=True)})
    site = site_of(peer)
    hand_in(site, "no0")
    site.link_up("iridium", "20s")
    check(wait_until(lambda: not any(r["state"] == "active"
                                     for r in site.queue()), 10),
          "gone: nobody has it any more", site.queue())
    site.link_down("iridium")
    peer.rules.clear()
    site.link_up("iridium", "20s")
    verify("gone", peer, site, ["no0"])
    equal([m.recipients for m in peer.mails], [[FAR]],
          "gone: it was not asked for again")


def link_down():
    def end(_peer, site):
        site.must("link", "down", "iridium")
        check(wait_until(lambda: not any(
            r["state"] == "active" for r in site.queue())),
            "the session is over", site.queue())
        left = [r for r in site.queue() if r["sender"] == FAR and
                r["recipient"].startswith("no")]
        check(len(left) <= 8, "what was refused is at its end", left)
        site.must("link", "up", "iridium")

    session_ends("link down", end)


def told_meanwhile():
    """The operator reads why, while the notice waits."""
    peer = refusing(ONE_BY_ONE, pause=0.2)
    site = site_of(peer)
    hand_in(site, "no0")
    hand_in(site, *(f"yes{i}" for i in range(20)), lines=1000)
    number = site.queue()[0]["message"]
    site.must("link", "up", "iridium")

    def history():
        return site.must("queue", "show", number)

    check(wait_until(lambda: "refused shore: " + NOBODY.format("no0")
                     in history(), 5), "its history says so", history())
    check("active" in history(), "before it is told", history())
    check(site.wait_queue_empty(30), "and all goes", site.queue())
    told_of = site.must("log", "--message", number)
    equal((told_of.count(" refused "), told_of.count(" failed ")), (1, 1),
          "both stand there once")


def killed():
    def end(_peer, site):
        site.kill()
        site.start()
        site.must("link", "up", "iridium")

    session_ends("killed", end)


def killed_at_each_step():
    for label in ("deliver-claimed", "deliver-replied-before-commit",
                  "deliver-committed"):
        for what, keywords in WAYS:
            what = f"killed at {label}, {what}"
            peer = refusing(keywords)
            site = site_of(peer)
            hand_in(site, *mixed(4))
            site.restart({"TIDEPOST_CRASH_AT": label})
            site.link_up("iridium", "20s")
            check(wait_until(site.crashed, 20), f"{what}: it died there")
            site.start()
            site.link_up("iridium", "20s")
            verify(what, peer, site, [f"no{i}" for i in range(4)])


def disk_full():
    """No room for the notice: each is kept, and told when there is."""
    peer = refusing(ONE_BY_ONE)
    life = Life(peer, start=False)
    if not life.start_on_small_disk():
        return
    names = [f"no{i}" for i in range(4)]
    hand_in(life.site, *names)
    quick = peer.rules["RCPT"]

    def on_recipient(conn, line):
        if "<no3" in line:
            life.fill_disk()
        return quick(conn, line)

    peer.rules["RCPT"] = on_recipient
    life.site.link_up("iridium", "20s")
    check(wait_until(lambda: {(r["state"], r["reason_code"])
                              for r in life.site.queue()} ==
                     {("held", "disk")}, 20), "disk full: all are held",
          life.site.queue())
    equal(notices(peer), [], "disk full: none is told")
    peer.rules["RCPT"] = quick
    life.free_disk()
    life.site.restart()
    check(wait_until(lambda: any(r["sender"] == "" for r in life.site.queue())
                     or not life.site.queue(), 30), "disk full: it is told")
    life.site.link_up("iridium", "20s")
    verify("disk full", peer, life.site, names)
    equal(sum(line.startswith("RCPT TO:<no") for line in peer.verbs), 4,
          "disk full: none is asked for again")


run(over_a_session, many, near_at_once, urgent_at_once, cut, link_down,
    closes_behind_it, told_meanwhile, killed, killed_at_each_step, disk_full)
