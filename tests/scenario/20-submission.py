#!/usr/bin/env python3
"""What a submission server mends, and for whom (RFC 6409 8)."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import email.utils
import time

DOMAIN = "aurora.example.org"
ANN = f"ann@{DOMAIN}"
FULL = (f"From: Ann <{ANN}>\r\nTo: <ben@{DOMAIN}>\r\nSubject: full\r\n"
        "Date: Sun, 01 Mar 2026 06:00:00 +0000\r\n"
        "Message-ID: <full@test.example>\r\n")
BODY = "\r\nFair winds.\r\n"


def without(*names):
    return "".join(line + "\r\n" for line in FULL.split("\r\n")
                   if line and line.split(":")[0] not in names)


def site_with_users():
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9)).start()
    site.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")
    site.must("user", "add", "cat", "--sender", f"cat@{DOMAIN}", "--sender",
              f"crew@{DOMAIN}", "--password-stdin", text=PASSWORD + "\n")
    return world, site


def submit(world, node, octets, user="ann", sender=ANN, to=None, bdat=False,
           port="submission"):
    with Smtp(node.port(port)) as client:
        client.ehlo()
        if port == "submission":
            client.starttls(world.client_tls)
            client.ehlo()
            client.auth_plain(user, PASSWORD)
        send = client.bdat if bdat else client.mail
        return send(sender, to or f"ben@{DOMAIN}", octets)


def fields(mail, name):
    head = re.sub(rb"\r?\n[ \t]+", b" ", mail.replace(b"\r\n", b"\n")
                  .partition(b"\n\n")[0])
    return [line.partition(b":")[2].strip().decode()
            for line in head.split(b"\n")
            if line.partition(b":")[0].lower() == name.lower().encode()]


def added():
    world, site = site_with_users()
    cases = (
        ("nothing lacks", FULL + BODY),
        ("no Date", without("Date") + BODY),
        ("no Message-ID", without("Message-ID") + BODY),
        ("no From", without("From") + BODY),
        ("none of them", without("Date", "Message-ID", "From") + BODY),
        ("only a body", BODY),
        ("only a header", without("Date")),
        ("date in small letters", FULL.replace("Date:", "date:") + BODY),
        ("the fields only in the body", without("Date", "Message-ID", "From")
         + "\r\n" + FULL + BODY),
        ("a folded Message-ID", FULL.replace("Message-ID: ",
                                             "Message-ID:\r\n ") + BODY),
    )
    for how in (False, True):
        for i, (name, text) in enumerate(cases):
            name = f"{name}{' by BDAT' if how else ''}"
            user = f"a{i}{'b' if how else 'd'}"
            reply = submit(world, site, text.encode(), bdat=how,
                           to=f"{user}@{DOMAIN}")
            if not check(reply.code == 250, f"{name}: taken", reply):
                continue
            mail = site.wait_mail(user)[0]
            date = fields(mail, "Date")
            got = email.utils.parsedate_to_datetime(date[0]) if date else None
            check(len(date) == 1 and got is not None,
                  f"{name}: 6409 8.2 one Date", mail)
            ident = fields(mail, "Message-ID")
            check(len(ident) == 1 and re.fullmatch(
                r"<[^<>@\s]+@[^<>@\s]+>", ident[0]),
                  f"{name}: 6409 8.3 one Message-ID", mail)
            sender = fields(mail, "From")
            check(len(sender) == 1 and ANN in sender[0],
                  f"{name}: one From", mail)
            if "Date: Sun" not in text.partition("\r\n\r\n")[0] and got \
                    and "date:" not in text:
                check(abs(got.timestamp() - time.time()) < 120,
                      f"{name}: the added Date is now", date)
            if i == 0:
                check(copies([mail], text.encode()),
                      f"{name}: unchanged behind the trace", mail)
            check(mail.replace(b"\r\n", b"\n").endswith(
                text.partition("\r\n\r\n")[2].replace("\r\n", "\n")
                .encode()), f"{name}: the body as it was", mail)
    idents = [fields(site.mailbox(f"a{i}d")[0], "Message-ID")[0]
              for i in (2, 4, 5) if site.mailbox(f"a{i}d")
              and fields(site.mailbox(f"a{i}d")[0], "Message-ID")]
    equal(len(set(idents)), len(idents), "added Message-IDs differ")


def from_held():
    """Whom From may name: what the user may send as."""
    world, site = site_with_users()
    may = (("ann", ANN, f"From: <{ANN}>"), ("ann", ANN, f"from: {ANN.upper()}"),
           ("ann", ANN, f"From: Ann Bonny\r\n <{ANN}>"),
           ("ann", ANN, f'From: "x@evil.example" <{ANN}>'),
           ("ann", ANN, f"From: (evil@evil.example) {ANN}"),
           ("cat", f"cat@{DOMAIN}", f"From: crew@{DOMAIN}"),
           ("cat", f"crew@{DOMAIN}",
            f"From: cat@{DOMAIN}, Crew <crew@{DOMAIN}>\r\n"
            f"Sender: cat@{DOMAIN}"))
    may_not = (
        ("ann", ANN, "From: <captain@aurora.example.org>"),
        ("ann", ANN, "From: <evil@evil.example>"),
        ("ann", ANN, f"From: <{ANN}>, <evil@evil.example>"),
        ("ann", ANN, f'From: "{ANN}" <evil@evil.example>'),
        ("ann", ANN, f"From: {ANN} <evil@evil.example>"),
        ("ann", ANN, f"From: <{ANN}>\r\nFrom: <evil@evil.example>"),
        ("ann", ANN, f"From: <evil@evil.example>\r\nfrom: <{ANN}>"),
        ("ann", ANN, "From:\r\n\tEvil\r\n <evil@evil.example>"),
        ("ann", ANN, f"From: ({ANN}) evil@evil.example"),
        ("cat", f"cat@{DOMAIN}", f"From: <{ANN}>"))
    for good, cases in ((True, may), (False, may_not)):
        for user, sender, field in cases:
            octets = (field + "\r\n" + without("From") + BODY).encode()
            for how in (False, True):
                reply = submit(world, site, octets, user, sender, bdat=how)
                name = f"{user}: {field!r}{' by BDAT' if how else ''}"
                if good:
                    equal(reply.code, 250, f"{name} may go")
                else:
                    # 554 where From itself is malformed (6409 6.3).
                    check(reply.code in (550, 554),
                          f"{name}: 6409 6.3 is refused", reply)
                    if "Evil" in field or field.count("<") == 1 \
                            and field.startswith("From: <"):
                        check(reply.text.startswith("5.7."),
                              f"{name}: by 5.7.x", reply)
    for user, sender, good in (("ann", ANN, True), ("ann", "", None),
                               ("ann", f"cat@{DOMAIN}", False),
                               ("cat", f"crew@{DOMAIN}", True),
                               ("cat", ANN, False),
                               ("ann", "ann@evil.example", False)):
        text = FULL.replace(ANN, sender or ANN)
        reply = submit(world, site, (text + BODY).encode(), user, sender)
        if good is not None:
            check(reply.code == (250 if good else 550),
                  f"{user} {'may' if good else 'may not'} send as <{sender}>",
                  reply)


def untouched():
    """By the smtp port nothing is added, nor for customers."""
    world, site = site_with_users()
    shore = world.make_shore().start()
    world.add_customer("kestrel", "kestrel.example")
    for i, text in enumerate((BODY, without("Date", "Message-ID", "From")
                              + BODY, FULL + BODY,
                              FULL.replace(ANN, "x@evil.example") + BODY)):
        for how in (False, True):
            end = "b" if how else "d"
            reply = submit(world, site, text.encode(), port="lan", bdat=how,
                           to=f"u{i}{end}@{DOMAIN}")
            equal(reply.code, 250, f"smtp port, message {i}{end}: taken")
            check(copies(site.wait_mail(f"u{i}{end}"), text.encode()),
                  f"smtp port, message {i}{end}: unaltered",
                  site.mailbox(f"u{i}{end}"))
            reply = submit(world, shore, text.encode(), "kestrel",
                           "x@kestrel.example", f"c{i}{end}@shore.example",
                           bdat=how)
            equal(reply.code, 250, f"customer, message {i}{end}: taken")
            check(copies(shore.wait_mail(f"c{i}{end}"), text.encode()),
                  f"customer, message {i}{end}: unaltered",
                  shore.mailbox(f"c{i}{end}"))


def completed():
    """Addresses without a domain are completed for users."""
    world, site = site_with_users()
    with Smtp(site.port("submission")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        client.auth_plain("ann", PASSWORD)
        reply = client.cmd("MAIL FROM:<ann>")
        check(reply.code == 250, "MAIL FROM:<ann> is completed", reply)
        if reply.code != 250:
            client.cmd(f"MAIL FROM:<{ANN}>")
        reply = client.cmd("RCPT TO:<dan>")
        if check(reply.code == 250, "RCPT TO:<dan> is completed", reply):
            client.cmd("DATA")
            client.send(stuff((FULL + BODY).encode()))
            equal(client.reply().code, 250, "and the message taken")
            mail = site.wait_mail("dan")
            check(mail and mail[0].startswith(
                f"Return-Path: <{ANN}>".encode()), "both at our domain",
                  mail)
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        check(client.cmd("MAIL FROM:<ann>").code >= 500,
              "but not on the smtp port")


run(added, from_held, untouched, completed)
