#!/usr/bin/env python3
"""What a peer says it takes is kept to: LIMITS (RFC 9422), SIZE, and DSN."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

from peer import KEYWORDS


def world_with(keywords):
    world = World()
    peer = Peer(keywords=KEYWORDS + keywords, auth=False)
    site = world.make_site(peer=world.peer(
        submission=peer.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None)).start()
    return peer, site


def hand_in(site, name, recipients, rcpt=""):
    """By plain commands, so that parameters can be added."""
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<ann@aurora.example.org>")
        for address in recipients:
            equal(client.cmd(f"RCPT TO:<{address}>{rcpt}").code, 250,
                  f"{name}: {address} is taken")
        client.cmd("DATA")
        client.send(make(name) + b".\r\n")
        equal(client.reply().code, 250, f"{name} is accepted")


def mailmax():
    peer, site = world_with(("LIMITS MAILMAX=2",))
    for i in range(5):
        hand_in(site, f"mail {i}", ["ben@shore.example"])
    equal(site.link_up("iridium"), 0, "MAILMAX=2: all moves")
    equal(len(peer.mails), 5, "five messages arrive, once each")
    equal(peer.connections, 3, "over three connections")
    check(site.wait_queue_empty(), "nothing is left")


def rcptmax():
    peer, site = world_with(("LIMITS RCPTMAX=3",))
    hand_in(site, "many", [f"u{i}@shore.example" for i in range(7)])
    equal(site.link_up("iridium"), 0, "RCPTMAX=3: all moves")
    sizes = sorted(len(mail.recipients) for mail in peer.mails)
    equal(sizes, [1, 3, 3], "seven recipients in three messages")
    everybody = [r for mail in peer.mails for r in mail.recipients]
    equal(len(set(everybody)), 7, "each of them once")


def too_large():
    peer, site = world_with(("SIZE 2000",))
    peer.keywords = tuple(k for k in peer.keywords
                          if k != "SIZE 50000000")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<ann@aurora.example.org>")
        client.cmd("RCPT TO:<ben@shore.example>")
        client.cmd("DATA")
        client.send(b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n"
                    + (b"y" * 70 + b"\r\n") * 60 + b".\r\n")
        equal(client.reply().code, 250, "a large message is accepted")
    hand_in(site, "small", ["ben@shore.example"])
    site.link_up("iridium")
    equal(len(peer.mails), 1, "only the small one is sent")
    notice = site.wait_mail("ann")[0]
    check(b"Status: 5.3.4" in notice, "the large one returns: 5.3.4", notice)
    check(b"larger than shore takes (2000 octets)" in notice,
          "and the notice says why", notice)
    check(site.wait_queue_empty(), "nothing is left")


def success():
    """NOTIFY=SUCCESS: told by the last system that knows DSN (RFC 3461 5.2)."""
    peer, site = world_with(())
    hand_in(site, "relayed", ["ben@shore.example"], " NOTIFY=SUCCESS")
    equal(site.link_up("iridium"), 0, "to a peer without DSN")
    notice = site.wait_mail("ann")[0]
    check(b"Action: relayed" in notice, "the sender hears: relayed", notice)
    peer, site = world_with(("DSN",))
    hand_in(site, "with dsn", ["ben@shore.example"], " NOTIFY=SUCCESS")
    equal(site.link_up("iridium"), 0, "to a peer with DSN")
    check(any("NOTIFY=SUCCESS" in verb for verb in peer.verbs),
          "NOTIFY is passed on", peer.verbs)
    hand_in(site, "local", ["bob@aurora.example.org"], " NOTIFY=SUCCESS")
    notice = site.wait_mail("ann")[0]
    check(b"Action: delivered" in notice, "into a mailbox: delivered", notice)


run(mailmax, rcptmax, too_large, success)
