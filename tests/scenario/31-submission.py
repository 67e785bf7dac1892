#!/usr/bin/env python3
"""Headers of users' mail, held back, judged and completed (RFC 6409 6.3, 8):
however they arrive, however odd, and exact to the octet."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import sqlite3
import time

DOMAIN = "aurora.example.org"
ANN = f"ann@{DOMAIN}"
HOST = DOMAIN.encode()
DATE = rb"Date: [A-Z][a-z]{2}, [^\r\n]+ [+-]\d{4}\r\n"
FROM = b"From: <" + re.escape(ANN.encode()) + rb">\r\n"
IDENT = rb"Message-ID: <\d+\.\d+@" + re.escape(HOST) + rb">\r\n"
ALL = DATE + FROM + IDENT
TRACE = rb"Received: from client\.example (?:[^\r\n]|\r\n[ \t])*\r\n"
HEADER_MAX = 256 * 1024
LIMITS = {"line": 1_000_000}
TO_1970 = -int(time.time()) + 3600
PATTERNS = (ANN, f"*@crew.{DOMAIN}", f"j\u00f6rg@{DOMAIN}")


def make_world(env=None):
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9),
                           limits=LIMITS)
    site.start(env(world) if env else None)
    senders = [word for p in PATTERNS for word in ("--sender", p)]
    site.must("user", "add", "ann", *senders, "--password-stdin",
              text=PASSWORD + "\n")
    return world, site


def login(world, node, user="ann", port="submission"):
    client = Smtp(node.port(port))
    client.ehlo()
    client.starttls(world.client_tls)
    client.ehlo()
    reply = client.auth_plain(user, PASSWORD)
    if reply.code != 235:
        raise AssertionError(reply)
    return client


def arrived(node, user, text, added, name):
    """One mail: our trace, what ADDED matches, and TEXT as it was sent."""
    mails = node.wait_mail(user)
    octets = mails[0].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") \
        if mails else b""
    octets = re.sub(rb"\AReturn-Path: [^\r\n]*\r\n", b"", octets)
    whole = TRACE + added + re.escape(text)
    return check(len(mails) == 1 and re.fullmatch(whole, octets), name,
                 mails)


COMPLETED = (
    ("nothing lacks", b"From: " + ANN.encode() + b"\r\nDate: now\r\n"
     b"Message-ID: <1@x>\r\n\r\nhello\r\n", b""),
    ("odd case and blanks", b"FROM \t: " + ANN.encode() + b"\r\ndate  :\r\n"
     b"MESSAGE-id\t:\r\n\r\nhello\r\n", b""),
    ("three lack", b"Subject: x\r\n\r\nhello\r\n", ALL),
    ("similar names", b"X-From: y\r\nFromage: Brie\r\nDated: x\r\n"
     b"Resent-From: y@z.example\r\n\r\nhello\r\n", ALL),
    ("no empty line", b"Subject: x\r\n", ALL),
    ("an empty header", b"\r\nFrom: y@z.example\r\n", ALL),
    ("no header", b"Hello\r\nFrom: y@z.example\r\n\r\nDate: x\r\n",
     ALL + b"\r\n"),
    ("a folded beginning", b" Subject: x\r\nFrom: y@z.example\r\n",
     ALL + b"\r\n"),
    ("a mailbox's first line", b"From ann Sun Mar  1 06:00:00 2026\r\n"
     b"From: y@z.example\r\n\r\n", ALL + b"\r\n"),
    ("nothing at all", b"", ALL + b"\r\n"),
    ("latin-1 in a name", b"From: J\xf6rg <" + ANN.encode() + b">\r\n\r\n",
     DATE + IDENT),
)


def completed():
    world, site = make_world()
    ways = {
        "DATA": lambda c, to, text: c.mail(ANN, to, text),
        "BDAT": lambda c, to, text: c.bdat(ANN, to, text),
        "BDAT by octet": lambda c, to, text: c.bdat(ANN, to, text, chunk=1),
    }
    for j, (way, send) in enumerate(ways.items()):
        with login(world, site) as client:
            for i, (name, text, added) in enumerate(COMPLETED):
                user = f"c{i}w{j}"
                reply = send(client, f"{user}@{DOMAIN}", text)
                equal(reply.code, 250, f"{way}, {name}: taken")
                arrived(site, user, text, added, f"{way}, {name}: completed")
    check(site.wait_queue_empty(), "nothing is left", site.queue())


def dripped():
    """DATA in every possible two pieces."""
    world, site = make_world()
    text = f"From:\r\n {ANN}\r\nDate : x\r\n\r\n.\r\nx\r\n".encode()
    with login(world, site) as client:
        for cut in range(1, len(stuff(text))):
            client.envelope(ANN, [f"d{cut}@{DOMAIN}"])
            client.cmd("DATA")
            client.send(stuff(text)[:cut])
            time.sleep(0.002)
            client.send(stuff(text)[cut:])
            if client.reply().code != 250:
                check(False, f"cut at {cut}: taken")
        site.wait_queue_empty()
        good = all(re.search(IDENT + re.escape(text) + rb"\Z",
                             site.wait_mail(f"d{cut}")[0])
                   for cut in range(1, len(stuff(text))))
        check(good, "every cut gives the same message")


MAY = (
    f"From: {ANN}", f"from:\r\n\tAnn\r\n Bonny <{ANN}>",
    f"From: =?utf-8?q?evil=40z.example?= <{ANN}>",
    f'From: "evil@z.example, (x" <{ANN}> (evil@z.example (deep))',
    f"From: Ann J. Bonny <{ANN}>, any@crew.{DOMAIN},,",
    f"From: crew: {ANN}, Any <any@crew.{DOMAIN}>;",
    f"From: <@a.example,@b.example:{ANN}>",
    f"From: ann @ (c) aurora . example . org",
    f'From: "ann"@{DOMAIN}', f'From: "a b"@crew.{DOMAIN}',
    f"From: J\u00f6rg <j\u00f6rg@{DOMAIN}>",
    f"From: {ANN}\r\nSender: any@crew.{DOMAIN}",
)
MAY_NOT = (
    ("From: evil@z.example", "550 5.7.1", "<evil@z.example>"),
    (f"From:\r\n {ANN},\r\n Evil <evil@z.example>", "550 5.7.1",
     "<evil@z.example>"),
    (f"From: {ANN}: evil@z.example;", "550 5.6.0", "From"),
    (f'From: "{ANN}": evil@z.example;', "550 5.7.1", "<evil@z.example>"),
    (f"From: <@{DOMAIN}:evil@z.example>", "550 5.7.1", "<evil@z.example>"),
    (f'From: "evil"@z.example ({ANN})', "550 5.7.1", "<evil@z.example>"),
    (f'From: "evil@{DOMAIN}"@z.example', "550 5.7.1", "z.example>"),
    (f"From: evil@[192.0.2.1]", "550 5.7.1", "<evil@[192.0.2.1]>"),
    (f"From: \u00eb@{DOMAIN}", "550 5.7.1", "may not send"),
    (f"From: {ANN}\r\nSender: evil@z.example", "550 5.7.1", "(Sender)"),
    ("Sender: evil@z.example", "550 5.7.1", "(Sender)"),
    (f"From: {ANN} <evil@z.example>", "550 5.6.0", "From cannot be read"),
    (f"From: <{ANN}", "550 5.6.0", "From cannot be read"),
    ("From: ann", "550 5.6.0", "From cannot be read"),
    ("From:", "550 5.6.0", "From cannot be read"),
    ("From: nobody:;", "550 5.6.0", "From cannot be read"),
    ("From: " + ", ".join([ANN] * 101), "550 5.6.0", "too many"),
    ("From: " + "(" * 100_000, "550 5.6.0", "From cannot be read"),
    (f"From: {ANN}\r\nfrom : {ANN}", "550 5.6.0", "More than one From"),
    ("Date: a\r\nDATE:b", "550 5.6.0", "More than one Date"),
    ("Message-ID: <1@x>\r\nMessage-Id: <1@x>", "550 5.6.0",
     "More than one Message-ID"),
    (f"Sender: {ANN}\r\nSender: {ANN}", "550 5.6.0", "More than one Sender"),
    (f"From: {ANN}\r\nHello\r\nFrom: evil@z.example", "550 5.6.0",
     "line 2 of the header"),
    (f"X-Much: {'x' * HEADER_MAX}", "552 5.3.4", "Header too large"),
    ("X-Many: x\r\n" * (HEADER_MAX // 11 + 1), "552 5.3.4",
     "Header too large"),
)


def judged():
    world, site = make_world()
    with login(world, site) as client:
        for i, field in enumerate(MAY):
            text = f"{field}\r\nSubject: x\r\n\r\nhello\r\n".encode()
            reply = client.mail(ANN, f"m{i}@{DOMAIN}", text)
            equal(reply.code, 250, f"{field!r} may go")
            arrived(site, f"m{i}", text, DATE + IDENT, f"{field!r} as it was")
        for field, code, said in MAY_NOT:
            name = repr(field[:60])
            text = f"{field}\r\nSubject: x\r\n\r\nhello\r\n".encode()
            for send in (client.mail, client.bdat):
                reply = send(ANN, f"nobody@{DOMAIN}", text)
                check(f"{reply.code} {reply.text}".startswith(code)
                      and said in reply.text, f"{name} is refused", reply)
                check(reply.text.isascii(), f"{name}: by plain text", reply)
        equal(client.mail(ANN, f"last@{DOMAIN}", make("last")).code, 250,
              "the session goes on")
    check(site.wait_mail("last"), "and its mail arrives")
    equal(site.mailbox("nobody"), [], "nothing refused was stored")
    check(site.wait_queue_empty(), "nor is it in the queue", site.queue())
    refused = [e for e in site.events("refused") if e.get("account") == "ann"]
    equal(len(refused), 2 * len(MAY_NOT), "each refusal is in the log")


def large():
    """Bodies that go to the spool in steps; sizes are exact."""
    world, site = make_world()
    body = b"0123456789abcdef" * 62 + b"\r\n"
    body = body * (3_000_000 // len(body))
    good = b"Subject: large\r\n\r\n" + body
    bad = b"From: evil@z.example\r\n" + good
    full = b"X: " + b"x" * (HEADER_MAX - 7) + b"\r\n\r\n" + body
    with login(world, site) as client:
        for send in (client.mail, client.bdat):
            equal(send(ANN, "far@z.example", bad).code, 550,
                  "a large one is refused")
        check(site.wait_queue_empty(), "and nothing of it is in the queue")
        for i, text in enumerate((good, full)):
            reply = client.mail(ANN, [f"big{i}@{DOMAIN}", "far@z.example"],
                                text)
            equal(reply.code, 250, "a large one is taken")
            arrived(site, f"big{i}", text, ALL, "and arrives whole")
            row = site.rows("queue", "show", reply.message_id)[0]
            mail = site.mailbox(f"big{i}")[0]
            held = len(mail) - mail.index(b"Received:")
            if b"\r\n" not in mail:
                held += mail.count(b"\n") - mail[:mail.index(
                    b"Received:")].count(b"\n")
            equal(row["size"], held, "its size is known to the octet")
    with login(world, site) as client:
        client.envelope(ANN, [f"cut@{DOMAIN}"])
        client.cmd("DATA")
        client.send(b"From: " + ANN.encode() + b"\r\nSubject: cut off")
        client.close()
    equal(site.mailbox("cut"), [], "a header cut off is forgotten")


def null_sender():
    world, site = make_world()
    with login(world, site) as client:
        text = b"Subject: receipt\r\n\r\nread\r\n"
        equal(client.mail("", f"n0@{DOMAIN}", text).code, 250,
              "a null sender may go")
        arrived(site, "n0", text, DATE + IDENT, "and gets no From")
        reply = client.mail("", f"n1@{DOMAIN}",
                            b"From: evil@z.example\r\n\r\nread\r\n")
        equal(reply.code, 550, "but From is held to what the user may use")
        equal(client.mail("", f"n2@{DOMAIN}", b"no header\r\n").code, 250,
              "a null sender and no header")
        arrived(site, "n2", b"no header\r\n", DATE + IDENT + b"\r\n",
                "get an empty line")


def utf8_sender():
    world, site = make_world()
    text = b"Subject: plain\r\n\r\nhello\r\n"
    sender = f"j\u00f6rg@{DOMAIN}"
    with login(world, site) as client:
        client.ehlo()
        if "SMTPUTF8" not in client.keywords:
            skip_part("SMTPUTF8 is not offered")
            return
        reply = client.mail(sender, [f"j@{DOMAIN}", "far@z.example"], text,
                            " SMTPUTF8")
        equal(reply.code, 250, "a sender in UTF-8: taken")
    arrived(site, "j", text, DATE + re.escape(f"From: <{sender}>\r\n".encode())
            + IDENT, "and is in From as it is")
    with sqlite3.connect(f"{site.dir}/spool/spool.db") as spool:
        row = spool.execute("SELECT has_8bit FROM message WHERE id = ?",
                            (int(reply.message_id),)).fetchone()
    equal(row, (1,), "so that a peer is told of 8 bit")


def no_clock():
    world, site = make_world(lambda w: Shim(w.dir).env(clock=TO_1970))
    with login(world, site) as client:
        text = b"Subject: x\r\n\r\nhello\r\n"
        equal(client.mail(ANN, f"t@{DOMAIN}", text).code, 250,
              "a clock that is not trusted: taken")
        arrived(site, "t", text, FROM + IDENT, "without a Date")


def untouched():
    """A customer's mail, and all that comes by smtp, logged in or not."""
    world, site = make_world()
    shore = world.make_shore(limits=LIMITS).start()
    world.add_customer("kestrel", "kestrel.example")
    texts = [text for _, text, _ in COMPLETED] + [
        f"{field}\r\n\r\nhello\r\n".encode() for field, *_ in MAY_NOT]
    doors = (
        ("customer", login(world, shore, "kestrel"), shore, "shore.example",
         "x@kestrel.example"),
        ("smtp", Smtp(site.port("lan")), site, DOMAIN, ANN),
        ("smtp, logged in", login(world, site, port="lan"), site, DOMAIN,
         ANN))
    for j, (name, client, node, domain, sender) in enumerate(doors):
        client.ehlo()
        for i, text in enumerate(texts):
            reply = client.mail(sender, f"u{i}d{j}@{domain}", text)
            if reply.code != 250:
                check(False, f"{name}: message {i} is taken", reply)
            elif not copies(node.wait_mail(f"u{i}d{j}"), text):
                check(False, f"{name}: message {i} is unaltered",
                      text[:300])
        client.quit()
        check(True, f"{name}: {len(texts)} messages")


run(completed, dripped, judged, large, null_sender, utf8_sender,
    no_clock, untouched)
