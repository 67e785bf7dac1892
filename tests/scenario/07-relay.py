#!/usr/bin/env python3
"""Never an open relay: on no port, by no spelling of an address."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

STRANGER = "spam@stranger.example"

# RCPT argument -> what a stranger on the smtp port may hear. "no": any 5xx;
# "ours": accepted and delivered here, or refused, but never sent elsewhere.
FORMS = (
    ("<victim@other.example>", "no"),
    ("<victim@OTHER.example>", "no"),
    ("<victim@other.example.>", "no"),
    ("<victim%other.example@aurora.example.org>", "ours"),
    ("<victim%other.example@AURORA.Example.ORG>", "ours"),
    ("<victim%other.example%third.example@aurora.example.org>", "ours"),
    ("<other.example!victim@aurora.example.org>", "ours"),
    ("<other.example!victim>", "no"),
    ("<@aurora.example.org:victim@other.example>", "no"),
    ("<@aurora.example.org,@other.example:victim@third.example>", "no"),
    ("<@other.example:ann@aurora.example.org>", "ours"),
    ('<"victim@other.example"@aurora.example.org>', "ours"),
    ('<"victim@other.example">', "no"),
    ('<"victim%other.example"@aurora.example.org>', "ours"),
    ("<victim@other.example@aurora.example.org>", "ours"),
    ("<victim@aurora.example.org@other.example>", "no"),
    ("<victim@aurora.example.org.other.example>", "no"),
    ("<victim@sub.aurora.example.org>", "no"),
    ("<victim@xaurora.example.org>", "no"),
    ("<victim@[192.0.2.7]>", "no"),
    ("<victim@[127.0.0.1]>", "no"),
    ("<victim@[IPv6:::1]>", "no"),
    ("<victim@[IPv6:2001:db8::7]>", "no"),
    ("<victim@2130706433>", "no"),
    ("<victim@localhost>", "no"),
    ("<victim@>", "no"),
    ("<@other.example>", "no"),
    ("<victim>", "no"),
    ("<>", "no"),
    ("victim@other.example", "no"),
    ("<victim@other.example", "no"),
    ("<victim@other.example> <ann@aurora.example.org>", "no"),
    ("<victim@other.example\\0@aurora.example.org>", "ours"),
    ("<../../../../tmp/x@aurora.example.org>", "ours"),
    ("<ann@aurora.example.org>", "yes"),
    ("<Ann@Aurora.Example.Org>", "yes"),
    ("<ANN@AURORA.EXAMPLE.ORG>", "yes"),
    ("<postmaster>", "yes"),
    ("<PostMaster@aurora.example.org>", "yes"),
    ("<@a.example,@b.example:ann@aurora.example.org>", "ours"),
)
SENDERS = ("<>", f"<{STRANGER}>", "<ann@aurora.example.org>",
           "<victim@other.example>", "<root@localhost>")


def site_for_strangers():
    world = World()
    site = world.make_site(
        peer=world.peer(submission=9, odmr=9),
        relay={"networks": ["192.0.2.0/24", "2001:db8::/32"]}).start()
    return world, site


def judge(reply, expected):
    if expected == "no":
        return 500 <= reply.code < 600
    if expected == "yes":
        return reply.code == 250
    return reply.code == 250 or 500 <= reply.code < 600


def smtp_port():
    world, site = site_for_strangers()
    wrong = []
    for sender in SENDERS:
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            for form, expected in FORMS:
                client.cmd("RSET")
                reply = client.cmd("MAIL FROM:" + sender)
                if reply.code != 250:
                    # A sender may be refused; then nothing is relayed.
                    continue
                octets = form.replace("\\0", "\0")
                reply = client.cmd("RCPT TO:" + octets)
                if not judge(reply, expected):
                    wrong.append((sender, form, str(reply)))
                if reply.code != 250:
                    continue
                if client.cmd("DATA").code == 354:
                    client.send(stuff(make("probe")))
                    client.reply()
            client.quit()
    check(not wrong, f"smtp: {len(SENDERS)} senders, {len(FORMS)} spellings",
          wrong)
    strange = [r for r in site.queue() if r["route"] != "local"]
    equal(strange, [], "smtp: nothing is queued for another host")
    site.wait_queue_empty()
    inside = os.path.realpath(f"{site.dir}/mail/aurora.example.org")
    found = [os.path.join(folder, name)
             for folder, _, names in os.walk(world.dir) for name in names
             if os.path.basename(folder) in ("new", "cur", "tmp")]
    outside = [f for f in found
               if not os.path.realpath(f).startswith(inside + "/")]
    check(found and not outside, "smtp: every delivery is inside the folder"
          " of the domain", outside)
    check(not os.path.exists("/tmp/x/new"), "no address climbs out of it")


def relaying_refused_code():
    world, site = site_for_strangers()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.cmd(f"MAIL FROM:<{STRANGER}>")
        reply = client.cmd("RCPT TO:<victim@other.example>")
        check(reply.code == 550 and reply.text.startswith("5.7.1"),
              "a stranger hears 550 5.7.1", reply)
        equal(client.cmd("RCPT TO:<ann@aurora.example.org>").code, 250,
              "and may still write to us")


def submission_port():
    world, site = site_for_strangers()
    site.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")
    port = site.port("submission")
    taken = []
    for form, _ in FORMS:
        with Smtp(port) as client:
            client.ehlo()
            for line in (f"MAIL FROM:<{STRANGER}>",
                         "RCPT TO:" + form.replace("\\0", "\0"), "DATA"):
                if client.cmd(line).code < 500:
                    taken.append(line)
    check(not taken, "submission, clear text: nothing is taken", taken)
    with Smtp(port) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        for sender in SENDERS:
            reply = client.cmd("MAIL FROM:" + sender)
            equal(reply.code, 530, f"submission without AUTH, {sender}: 530")
        # Even to our own users: submission is for those who log in.
        equal(client.auth_plain("ann", PASSWORD).code, 235, "ann logs in")
        for sender, good in (("ann@aurora.example.org", True),
                             ("ANN@Aurora.example.org", True),
                             ("bob@aurora.example.org", False),
                             ("ann@other.example", False),
                             (STRANGER, False)):
            reply = client.cmd(f"MAIL FROM:<{sender}>")
            check((reply.code == 250) == good,
                  f"ann {'may' if good else 'may not'} send as {sender}",
                  reply)
            client.cmd("RSET")
        reply = client.mail("ann@aurora.example.org", "ben@other.example",
                            make("relayed"))
        equal(reply.code, 250, "ann may write to the world")


def own_network_and_customers():
    world = World()
    shore = world.make_shore(relay={"networks": []}).start()
    world.add_customer()
    with Smtp(shore.port("smtp")) as client:
        client.ehlo()
        client.cmd(f"MAIL FROM:<{STRANGER}>")
        for to, code in (("cap@aurora.example.org", 250),
                         ("ben@shore.example", 250),
                         ("cap%other.example@aurora.example.org", None),
                         ("x@other.example", 550),
                         ("cap@sub.aurora.example.org", 550)):
            reply = client.cmd(f"RCPT TO:<{to}>")
            if code:
                equal(reply.code, code, f"provider, from a stranger: {to}")
    with Smtp(shore.port("submission")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        equal(client.auth_plain("aurora", PASSWORD).code, 235,
              "a customer may log in for submission")
        for sender, good in (("", True), ("cap@aurora.example.org", True),
                             ("ben@shore.example", False),
                             ("cap@other.example", False)):
            reply = client.cmd(f"MAIL FROM:<{sender}>")
            check((reply.code == 250) == good,
                  f"the customer {'may' if good else 'may not'} send as"
                  f" <{sender}>", reply)
            client.cmd("RSET")


def turned_session():
    """A provider gone bad hands us mail for others after the turn."""
    world = World()
    heard = []

    def turn(conn, line):
        conn.send(b"250 2.0.0 turning\r\n")
        heard.append(conn.line())  # 220
        for text in ("EHLO mail.shore.example", "MAIL FROM:<x@other.example>",
                     "RCPT TO:<victim@other.example>",
                     "RCPT TO:<cap@aurora.example.org>", "QUIT"):
            conn.send(text.encode() + b"\r\n")
            reply = conn.line()
            while reply[3:4] == "-":
                reply = conn.line()
            heard.append(reply)
        return CLOSE

    peer = Peer(rules={"ATRN": turn},
                context=server_context(*world.ca.issue(
                    "bad", "mail.shore.example")),
                keywords=("ATRN", "8BITMIME"))
    site = world.make_site(peer=world.peer(
        submission=peer.port, odmr=peer.port)).start()
    equal(site.link_up("iridium", "20s") in (0, 13), True,
          "the session ends")
    check(wait_until(lambda: len(heard) == 6), "the site turned", heard)
    codes = [h[:3] for h in heard]
    equal(codes[:3], ["220", "250", "250"], "it greets and takes MAIL")
    check(codes[3][:1] == "5", "another's mail is refused", heard)
    equal(codes[4:], ["250", "221"], "its own is taken")


run(smtp_port, relaying_refused_code, submission_port,
    own_network_and_customers, turned_session)
