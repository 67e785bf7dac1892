#!/usr/bin/env python3
"""The link comes up: mail goes out to the smart host, once and unchanged."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import subprocess
import time


def send(site, octets, to, sender="ann@aurora.example.org"):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail(sender, to, octets)
        client.quit()
    if reply.code != 250:
        raise AssertionError(f"not accepted: {reply}")
    return reply.message_id


def arrives_once_and_unchanged():
    world = World()
    site, shore = world.pair()
    plain = make("plain", ".\r\n..\r\n.dots\r\n\r\nend\r\n")
    eight = make("eight", "Grüße von der Brücke\r\n")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example", plain)
        client.mail("ann@aurora.example.org",
                    ["ben@shore.example", "eve@shore.example"], eight,
                    " BODY=8BITMIME")
    equal(site.link_up("iridium"), 0, "link up --wait ends with 0")
    check(site.wait_queue_empty(), "nothing is left in the site's queue")
    mails = shore.wait_mail("ben", 2)
    for octets, name in ((plain, "plain"), (eight, "8-bit")):
        found = copies(mails, octets)
        equal(len(found), 1, f"the {name} message arrived once, unchanged")
        if not found:
            continue
        mail = found[0]
        equal(mail.return_path, "ann@aurora.example.org",
              "Return-Path is the sender")
        equal(len(mail.received), 2, "one Received field for each node")
        check("by mail.shore.example" in mail.received[0]
              and "from aurora.example.org" in mail.received[0],
              "the last hop stands first", mail.received)
        check(" with ESMTPSA " in mail.received[0],
              "it tells of TLS and AUTH (RFC 3848)", mail.received[0])
        check("by aurora.example.org" in mail.received[1]
              and " with ESMTP " in mail.received[1],
              "the first hop stands behind it", mail.received)
    equal(len(copies(shore.wait_mail("eve"), eight)), 1,
          "the second recipient has it, too")
    time.sleep(0.5)
    equal(len(shore.mailbox("ben")), 2, "no copy comes later")
    equal(site.link_up("iridium"), 0, "up while it is up is a success")
    site.link_down("iridium")
    site.link_down("iridium")
    check(True, "down twice is a success")


def mail_accepted_meanwhile_goes():
    world = World()
    site, shore = world.pair()
    equal(site.link_up("iridium"), 0, "the link comes up with nothing to do")
    octets = make("later")
    send(site, octets, "ben@shore.example")
    equal(len(copies(shore.wait_mail("ben"), octets)), 1,
          "mail accepted while it is up goes at once")
    site.link_down("iridium")
    send(site, make("too late"), "ben@shore.example")
    time.sleep(0.5)
    equal(len(shore.mailbox("ben")), 1, "after link down nothing goes")
    equal(site.queue()[0]["reason_code"], "link-down", "and it says why")
    site.restart()
    time.sleep(0.5)
    equal(len(shore.mailbox("ben")), 1, "nor after a restart")


def wrong_password():
    world = World()
    world.make_shore().start()
    world.add_customer()
    peer = world.peer()
    peer["password_file"] = secret_file(world.dir, "wrong", "not-this")
    site = world.make_site(peer=peer).start()
    send(site, make("auth"), "ben@shore.example")
    equal(site.link_up("iridium"), 14, "a wrong password: 14")
    row = site.queue()[0]
    equal(row["attempts"], 0, "no attempt is counted")
    equal(row["state"], "ready", "the mail is still ready")


def wrong_name():
    world = World()
    site, shore = world.pair()
    site.conf["peers"][0]["tls_name"] = "other.example"
    site.restart()
    send(site, make("name"), "ben@shore.example")
    equal(site.link_up("iridium"), 14, "a certificate for another name: 14")
    equal(site.queue()[0]["attempts"], 0, "no attempt is counted")
    equal(len(shore.queue()), 0, "nothing was sent")


def unreachable():
    world = World()
    site, shore = world.pair()
    send(site, make("nobody"), "ben@shore.example")
    shore.stop()
    equal(site.link_up("iridium"), 13, "a provider that is off: 13")
    equal(site.queue()[0]["attempts"], 0, "no attempt is counted")
    shore.start()
    equal(site.link_up("iridium"), 0, "when it is on again: 0")
    equal(len(shore.wait_mail("ben")), 1, "and the mail arrives")


def deadline_and_loss():
    world = World()
    peer = Peer(rules={"MAIL": STALL}, auth=False)
    site = world.make_site(peer=world.peer(
        submission=peer.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None)).start()
    send(site, make("slow"), "ben@shore.example")
    start = time.monotonic()
    equal(site.link_up("iridium", "2s"), 15, "the deadline passed: 15")
    check(1.5 < time.monotonic() - start < 10, "after the deadline, not much")
    waiting = subprocess.Popen(
        [CLI, "-c", site.file, "link", "up", "iridium", "--wait"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(1)
    site.link_down("iridium")
    equal(waiting.wait(20), 12, "taken down while waiting: 12")
    equal(len(site.queue()), 1, "the mail stays")


run(arrives_once_and_unchanged, mail_accepted_meanwhile_goes, wrong_password,
    wrong_name, unreachable, deadline_and_loss)
