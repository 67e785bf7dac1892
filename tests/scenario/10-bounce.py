#!/usr/bin/env python3
"""A permanent refusal returns a plain notice to the sender (RFC 3464)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import email
import email.policy
import time


def refusing(rules):
    world = World()
    peer = Peer(rules=rules, auth=False)
    site = world.make_site(peer=world.peer(
        submission=peer.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None)).start()
    return world, peer, site


def send(site, sender, to, octets, params=""):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail(sender, to, octets, params)
    if reply.code != 250:
        raise AssertionError(reply)
    return reply.message_id


def notices(site, user="ann"):
    return [email.message_from_bytes(m, policy=email.policy.default)
            for m in site.mailbox(user)]


def one_refused_of_two():
    def rcpt(conn, line):
        return "550 5.1.1 no ben here" if "ben@" in line else None

    world, peer, site = refusing({"RCPT": rcpt})
    octets = make("to ben and eve")
    send(site, "ann@aurora.example.org",
         ["ben@shore.example", "eve@shore.example"], octets)
    site.link_up("iridium", "20s")
    equal([m.recipients for m in peer.mails], [["eve@shore.example"]],
          "the one that is known gets it")
    site.wait_mail("ann")
    check(wait_until(lambda: not site.queue()), "nothing waits any more",
          site.queue())
    found = notices(site)
    equal(len(found), 1, "the sender has one notice")
    if not found:
        return
    notice = found[0]
    raw = site.mailbox("ann")[0]
    equal(notice["Return-Path"], "<>", "its own sender is null")
    equal(notice.get_content_type(), "multipart/report",
          "it is a multipart/report")
    equal(notice.get_param("report-type"), "delivery-status",
          "of a delivery status")
    parts = [p.get_content_type() for p in notice.iter_parts()]
    equal(parts[:2], ["text/plain", "message/delivery-status"],
          "words for people, then for programs")
    check(len(parts) == 3 and parts[2] in ("message/rfc822",
                                           "text/rfc822-headers"),
          "then the message or its headers", parts)
    text = raw.decode("utf-8", "replace")
    for words in ("Reporting-MTA: dns; aurora.example.org",
                  "Final-Recipient: rfc822; ben@shore.example",
                  "Action: failed", "Status: 5.1.1",
                  "Diagnostic-Code: smtp; 550", "Subject: to ben and eve"):
        check(words.lower().replace("; ", ";") in text.lower()
              .replace("; ", ";"), f"it says \"{words}\"", text)
    check("eve@shore.example" not in text.split("Subject: to ben")[0],
          "it does not blame the other recipient")
    words = list(notice.iter_parts())[0].get_content()
    check("ben@shore.example" in words and "no ben here" in words,
          "the words tell who and why", words)
    for name in ("Date", "Message-ID", "From", "To", "Subject",
                 "MIME-Version"):
        check(notice[name], f"it has a {name}")
    check(notice["Auto-Submitted"] == "auto-replied"
          or notice["Auto-Submitted"] == "auto-generated",
          "it is marked Auto-Submitted (RFC 3834)",
          notice["Auto-Submitted"])


def each_stage():
    for step, rules in (("MAIL", {"MAIL": "553 5.1.8 bad sender"}),
                        ("RCPT", {"RCPT": "550 5.1.1 unknown"}),
                        ("DATA", {"DATA": "554 5.7.1 no", "BDAT":
                                  "554 5.7.1 no", "end": "554 5.7.1 no"}),
                        ("the end", {"end": "554 5.6.0 bad content"})):
        world, peer, site = refusing(rules)
        send(site, "ann@aurora.example.org", "ben@shore.example",
             make("refused"))
        site.link_up("iridium", "20s")
        equal(len(site.wait_mail("ann")), 1, f"refused at {step}: a notice")
        check(wait_until(lambda: not site.queue()),
              f"refused at {step}: nothing waits", site.queue())


def null_sender():
    world, peer, site = refusing({"RCPT": "550 5.1.1 unknown"})
    send(site, "", "ben@shore.example", make("a notice of another"))
    site.link_up("iridium", "20s")
    rows = wait_until(lambda: [r for r in site.queue()
                               if r["state"] == "held"])
    check(rows and len(rows) == 1, "mail with a null sender is held",
          site.queue())
    check(rows and rows[0]["reason"], "with a reason", rows)
    time.sleep(0.5)
    boxes = f"{site.dir}/mail"
    found = [n for _, _, names in os.walk(boxes) for n in names]
    equal(found, [], "no notice is made of a notice")


def notify_never():
    world, peer, site = refusing({"RCPT": "550 5.1.1 unknown"})
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        if "DSN" not in client.keywords:
            skip_part("DSN is not offered yet")
            return
        client.cmd("MAIL FROM:<ann@aurora.example.org>")
        client.cmd("RCPT TO:<ben@shore.example> NOTIFY=NEVER")
        client.cmd("DATA")
        client.send(stuff(make("never")))
        client.reply()
    site.link_up("iridium", "20s")
    check(wait_until(lambda: not site.queue()), "it is gone")
    equal(site.mailbox("ann"), [], "NOTIFY=NEVER: no notice")


def far_senders_notice_travels():
    """The provider's own refusal goes back to a sender far away."""
    world = World()
    site, shore = world.pair()
    shore.conf["local"]["users"] = f"file:{world.dir}/users"
    with open(f"{world.dir}/users", "w", encoding="utf-8") as stream:
        stream.write("eve\n")
    shore.restart()
    send(site, "ann@aurora.example.org", "ben@shore.example",
         make("no such user"))
    site.link_up("iridium", "20s")
    equal(len(site.wait_mail("ann")), 1,
          "the refusal at the smart host makes a notice on board")
    equal(shore.mailbox("ben"), [], "ben is not there")


run(one_refused_of_two, each_stage, null_sender, notify_never,
    far_senders_notice_travels)
