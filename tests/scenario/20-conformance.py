#!/usr/bin/env python3
"""RFC 5321 over a socket, on the smtp and on the submission port."""
# limit: 240

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

from door import ANN, BEN, DOMAIN, FROM, make_doors
from strict import talk

TEXT = b"Subject: a message\r\n\r\nFair winds.\r\n"
END = b".\r\n"
DATA = ("DATA", "354", TEXT + END, "250 2.x.x")


def everywhere(test):
    """Runs TEST on each door of one node."""
    def part():
        for door in make_doors():
            test(door)
    part.__name__ = test.__name__
    return part


# --- 3.1, 3.2, 4.1.1.1: greeting and hello ---

@everywhere
def hello(door):
    with door.connect() as session:
        check(session.greeting.code == 220
              and session.greeting.text.split(" ")[0] == DOMAIN,
              f"{door.name}: 4.2 the greeting is 220 and our name",
              session.greeting)
        reply = session.ehlo()
        check(reply.code == 250 and reply.lines[0][4:].split(" ")[0]
              == DOMAIN, f"{door.name}: 4.1.1.1 EHLO says our name", reply)
        check(all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*( [\x21-\x7e]+)*",
                               line[4:]) for line in reply.lines[1:]),
              f"{door.name}: 4.1.1.1 each keyword has its form", reply)
        words = [line[4:].split(" ")[0] for line in reply.lines[1:]]
        equal(len(words), len(set(words)),
              f"{door.name}: 4.1.1.1 each keyword once")
        check(not session.faults, f"{door.name}: 2034 4 EHLO and greeting "
              "have no enhanced codes", session.faults)
    good = ("client.example", "localhost", "[127.0.0.1]", "[192.0.2.255]",
            "[IPv6:::1]", "[IPv6:2001:db8::7]", "[IPv6:::ffff:192.0.2.1]",
            "[IPv6:1:2:3:4:5:6:7:8]", "xn--mnchen-3ya.example", "a",
            "1.example", "client-1.example", "A.EXAMPLE",
            ".".join(["a" * 61] * 4))
    # Not names, but some send them, and nothing depends on it.
    odd = ("client..example", ".client.example", "-client.example",
           "client_1.example")
    bad = ("", " ", "<client.example>", "a b", "[127.0.0.256]", "[127.0.0]",
           "[127.0.0.1", "127.0.0.1]", "[IPv6:::1::2]", "[IPv6:12345::]",
           "[::1]", "[]", "a" * 300, "client@example",
           'client"example', "client.example\tx", "client(example)",
           "client.example;x")
    for word in ("EHLO", "HELO", "ehlo", "HeLo"):
        # HELO has no literals in its grammar, 4.1.4 allows them.
        for name in good if word == "EHLO" else good[:2]:
            door.row(f"4.1.1.1 {word} {name[:40]}", f"{word} {name}", "250",
                     session=door.connect() if not door.secured
                     or word.upper() == "EHLO" else None)
    for name in odd:
        door.row(f"4.1.1.1 EHLO {name}", f"EHLO {name}", "250|501", FROM,
                 "250")
    for word in ("EHLO", "HELO"):
        for name in bad:
            door.row(f"4.1.1.1 {word} {name[:40]!r} is refused",
                     f"{word} {name}", "501|55x", FROM, "250")
    door.row("4.1.4 a bad EHLO leaves the state alone", FROM, "250", BEN,
             "250", "EHLO", "501", *DATA)


# --- 4.1.4: order of commands ---

@everywhere
def order(door):
    before = "530" if door.secured else None
    for name, steps in (
            ("MAIL", (FROM, before or "503 5.5.1")),
            ("RCPT", (BEN, before or "503 5.5.1")),
            ("DATA", ("DATA", before or "503 5.5.1")),
            ("BDAT", (b"BDAT 6 LAST\r\nQUIT\r\n", before or "503 5.5.1")),
            ("AUTH", ("AUTH PLAIN AGEAYg==", "530|503|538|504")),
            ("ATRN", ("ATRN", "502|503|530|500")),
            ("ETRN", ("ETRN x.example", "502|503|530|500|458")),
            ("NOOP", ("NOOP", "250 2.x.x")),
            ("RSET", ("RSET", before or "250 2.x.x")),
            ("HELP", ("HELP", before or "214 2.x.x")),
            ("VRFY", ("VRFY ben", before or "252 2.x.x")),
            ("EXPN", ("EXPN all", "530|502 5.x.x")),
            ("nonsense", ("XYZZY", "500|530"))):
        door.row(f"4.1.4 {name} before EHLO", *steps, session=door.connect())
    door.row("4.1.4 QUIT before EHLO", "QUIT", "221 2.x.x", b"", "closed",
             session=door.connect())
    idle = (("RSET", "250"), ("NOOP", "250"), ("HELP", "214"),
            ("VRFY ben", "252"), ("EXPN all", "502"), ("XYZZY", "500"))
    out_of_step = "503 5.5.1"
    door.rows((
        ("4.1.4 RCPT without MAIL", BEN, out_of_step),
        ("4.1.4 DATA without MAIL", "DATA", out_of_step),
        ("3030 2 BDAT without MAIL", b"BDAT 6 LAST\r\nQUIT\r\n",
         "503|554 5.x.x"),
        ("4.1.4 MAIL twice", FROM, "250 2.1.0", FROM, out_of_step,
         BEN, "250 2.1.5", *DATA),
        ("4.1.4 MAIL after RCPT", FROM, "250", BEN, "250", FROM, out_of_step,
         *DATA),
        ("3.3 DATA without RCPT", FROM, "250", "DATA", "503|554 5.5.x",
         BEN, "250", *DATA),
        ("3.3 DATA with no recipient taken", FROM, "250", "RCPT TO:<>",
         "5xx", "DATA", "503|554 5.5.x", BEN, "250", *DATA),
        ("3.3 many RCPT", FROM, "250", *(BEN, "250") * 20, *DATA),
        ("4.1.1.5 RSET forgets MAIL", FROM, "250", "RSET", "250 2.x.x", BEN,
         out_of_step),
        ("4.1.1.5 RSET forgets RCPT", FROM, "250", BEN, "250", "RSET", "250",
         "DATA", out_of_step, FROM, "250", "DATA", "503|554"),
        ("4.1.1.5 RSET again and again", *("RSET", "250") * 10),
        ("4.1.4 EHLO forgets MAIL", FROM, "250", "EHLO again.example", "250",
         BEN, out_of_step),
        ("4.1.4 EHLO forgets RCPT", FROM, "250", BEN, "250",
         "EHLO again.example", "250", "DATA", out_of_step),
        ("4.1.4 HELO forgets RCPT", FROM, "250", BEN, "250",
         "HELO again.example", "250", "DATA", out_of_step),
        ("4.1.4 EHLO again and again", *("EHLO again.example", "250") * 10,
         FROM, "250", BEN, "250", *DATA),
        ("4.1.4 after a message nothing is left", FROM, "250", BEN, "250",
         *DATA, "DATA", out_of_step, BEN, out_of_step),
        ("4.1.4 several messages", *(FROM, "250", BEN, "250", *DATA) * 5),
        ("4.1.1.10 QUIT", "QUIT", "221 2.x.x", b"", "closed"),
        ("4.1.1.10 QUIT in a transaction", FROM, "250", BEN, "250", "QUIT",
         "221", b"", "closed"),
        ("4954 4 AUTH in a transaction", FROM, "250",
         "AUTH PLAIN AGEAYg==", "503 5.5.1|502|500", BEN, "250", *DATA),
        ("3207 4 STARTTLS in a transaction", FROM, "250", BEN, "250",
         "STARTTLS", "503 5.5.1", *DATA),
    ))
    for word, code in idle:
        door.row(f"4.1.4 {word} changes nothing", word, code, FROM, "250",
                 *((BEN, "250") if word == "RSET" else
                   (word, code, BEN, "250", word, code)), *DATA)


# --- 4.1.1, 4.2.4: verbs and their arguments ---

@everywhere
def verbs(door):
    door.rows((
        *((f"4.2.4 {w} is refused with 502", f"{w}", "502 5.5.1")
          for w in ("TURN", "SEND FROM:<a@b.example>",
                    "SOML FROM:<a@b.example>", "SAML FROM:<a@b.example>",
                    "EXPN all")),
        *((f"4.2.4 {w!r} is not known: 500", w, "500 5.5.x")
          for w in ("XYZZY", "MAI", "MAILS FROM:<>", "EHLOX y", "X" * 400,
                    "GET / HTTP/1.1", "\u00fc\u00fc\u00fc", "-", "DAT A",
                    "250 ok", "RCPTTO:<ben@aurora.example.org>")),
        ("4.1.1 an empty line", "", "500 5.5.x"),
        ("4.1.1 a line of blanks", "    ", "500 5.5.x"),
        ("4.1.1 a blank ahead of the verb", " NOOP", "500 5.5.x"),
        ("4.1.1 a tab behind the verb", "NOOP\tx", "500|501|250"),
        ("2.4 verbs in any case", "noop", "250", "NoOp", "250", "rSeT",
         "250"),
        ("2.4 keywords in any case", FROM.lower(), "250",
         "rcpt to:<ben@aurora.example.org>", "250", "data", "354",
         TEXT + END, "250"),
        *((f"4.1.1 {w!r}: blanks at the end are let pass", *steps)
          for w, *steps in (
              ("NOOP", "NOOP  ", "250"), ("RSET", "RSET ", "250"),
              ("MAIL", FROM + " ", "250"),
              ("RCPT", FROM, "250", BEN + "  ", "250"),
              ("DATA", FROM, "250", BEN, "250", "DATA ", "354", END, "250"),
              ("EHLO", "EHLO client.example  ", "250"),
              ("QUIT", "QUIT ", "221", b"", "closed"))),
        ("4.1.1.9 NOOP with an argument", "NOOP hello there", "250 2.x.x",
         'NOOP "quoted"', "250"),
        ("4.1.1.5 RSET with an argument", "RSET now", "501 5.5.4"),
        ("4.1.1.10 QUIT with an argument", "QUIT now", "501 5.5.4"),
        ("4.1.1.4 DATA with an argument", FROM, "250", BEN, "250",
         "DATA now", "501 5.5.4", *DATA),
        ("4.1.1.6 VRFY", "VRFY ben", "252 2.x.x"),
        ("4.1.1.6 VRFY with an address", f"VRFY <ben@{DOMAIN}>", "252"),
        ("4.1.1.6 VRFY with text", "VRFY Ben Gunn", "252"),
        ("4.1.1.6 VRFY without", "VRFY", "501 5.5.4"),
        ("4.1.1.8 HELP", "HELP", "214|211 2.x.x"),
        ("4.1.1.8 HELP MAIL", "HELP MAIL", "214|211|504"),
    ))


# --- 4.1.1.2, 4.1.1.3, 4.1.2: paths ---

PATHS_GOOD = (
    "<a@b.example>", "<a.b.c@b.example>", "<a@b>", "<a@1.example>",
    "<a@xn--mnchen-3ya.example>", "<a+b@b.example>",
    "<!#$%&'*+-/=?^_`{|}~@b.example>", '<"a b"@b.example>',
    '<"a\\"b"@b.example>', '<"a\\\\b"@b.example>', '<"a@b"@b.example>',
    '<"a>b"@b.example>', '<"<a"@b.example>', '<"a..b"@b.example>',
    '<"a,b:c;d"@b.example>', '<"\\a"@b.example>', '<" "@b.example>',
    "<@x.example:a@b.example>", "<@x.example,@y.example:a@b.example>",
    "<a@[192.0.2.1]>", "<a@[0.0.0.0]>", "<a@[255.255.255.255]>",
    "<a@[IPv6:2001:db8::1]>", "<a@[IPv6:::1]>", "<a@[IPv6:::]>",
    "<a@[ipv6:2001:DB8::1]>", "<a@[IPv6:::ffff:192.0.2.1]>",
    "<a@[IPv6:1:2:3:4:5:6:7:8]>", "<a@[IPv6:1:2:3:4:5:6:192.0.2.1]>",
    f"<{'l' * 64}@b.example>", f"<a@{'.'.join(['d' * 61] * 4)}>",
    f"<{'l' * 64}@{'.'.join(['d' * 62] * 3)}>",
    f'<"{"q" * 62}"@b.example>',
)
PATHS_BAD = (
    "", " ", "a@b.example", "<a@b.example", "a@b.example>", "<<a@b.example>>",
    "<a@>", "<@b.example>", "<a..b@b.example>", "<.a@b.example>",
    "<a.@b.example>", "<a b@b.example>", "<a@b example>", "<a@b..example>",
    "<a@.b.example>", "<a@b.example.>", "<a@-b.example>", "<a@b-.example>",
    '<"a@b.example>', '<a"@b.example>', '<"a"b@b.example>',
    '<a."b@b.example>', "<a(c)@b.example>", "<a,b@b.example>",
    "<a;b@b.example>", "<a:b@b.example>", "<a\\b@b.example>",
    "<a[b]@b.example>", "<a@b@c.example>", "<a@b.example>x",
    "<a@b.example><c@d.example>", "<a@b.example,c@d.example>",
    "<a@[192.0.2.256]>", "<a@[192.0.2]>", "<a@[192.0.2.1>",
    "<a@192.0.2.1]>", "<a@[192.0.2.1]x>", "<a@[1.2.3.4.5]>", "<a@[]>",
    "<a@[::1]>", "<a@[IPv6:1::2::3]>", "<a@[IPv6:12345::]>",
    "<a@[IPv6:1:2:3:4:5:6:7]>", "<a@[IPv6:1:2:3:4:5:6:7:8:9]>",
    "<a@[IPv6:]>", "<a@[IPv6:g::1]>", "<a@[IPv6:::192.0.2.300]>",
    "<@x.example a@b.example>", "<@x.example,a@b.example>",
    "<@:a@b.example>", "<@x.example:>", "<x.example:a@b.example>",
    "<@x.example,:a@b.example>", "<a\tb@b.example>", "<a\x01b@b.example>",
    '<"a\x01b"@b.example>', '<"a\\\x01b"@b.example>', "<a\x7fb@b.example>",
    "<a@b_c\x01.example>", f"<{'l' * 65}@b.example>",
    f"<a@{'.'.join(['d' * 63] * 4)}.eu>", f"<{'l' * 2000}@b.example>",
    f'<"{"q" * 63}"@b.example>',
)


@everywhere
def sender_paths(door):
    for path in PATHS_GOOD:
        door.row(f"4.1.2 MAIL FROM:{path[:50]}", "MAIL FROM:" + path,
                 "250 2.1.0")
    for path in PATHS_BAD:
        door.row(f"4.1.2 MAIL FROM:{path[:50]!r} is refused",
                 "MAIL FROM:" + path, "501|553|550|555|500 5.x.x", FROM,
                 "250")
    door.rows((
        ("4.1.1.2 MAIL FROM:<>", "MAIL FROM:<>", "250 2.1.0", BEN, "250",
         *DATA) if not door.secured else
        ("4.1.1.2 MAIL FROM:<> by a user", "MAIL FROM:<>", "250|550 5.7.1|"
         "250 2.1.0"),
        *((f"4.1.1.2 {line!r} is refused", line, "501 5.x.x", FROM, "250")
          for line in ("MAIL", "MAIL ", "MAIL FROM", "MAIL FROM:",
                       "MAIL <a@b.example>", "MAIL TO:<a@b.example>",
                       "MAIL FROM <a@b.example>", "MAIL FROM=<a@b.example>",
                       "MAIL FROM :<a@b.example>",
                       "MAIL  X FROM:<a@b.example>")),
        # 3.3 forbids blanks beside the colon; what many send is let pass by
        # most servers. Either is right, but not another answer.
        ("3.3 a blank behind the colon", "MAIL FROM: <a@b.example>",
         "501|250"),
        ("4.1.1.11 an unknown parameter", FROM + " FOO=bar", "555 5.5.4",
         FROM + " FOO", "555 5.5.4", FROM, "250"),
        ("4.1.2 a malformed parameter", FROM + " =x", "501|555 5.5.4",
         FROM + " FOO=", "501|555 5.5.4", FROM + " F_O=1", "501|555 5.5.4",
         FROM + " FOO=a=b", "501|555 5.5.4", FROM, "250"),
        ("4.1.2 a general literal", "MAIL FROM:<a@[x400:abc]>",
         "250|501|550|553"),
    ))


@everywhere
def recipient_paths(door):
    for path in PATHS_GOOD:
        # Whether such a user or domain is known is another question.
        door.row(f"4.1.2 RCPT TO:{path[:50]}", FROM, "250",
                 "RCPT TO:" + path, "250|550 x.1.2|550 5.1.x|550 5.7.1")
    for path in PATHS_BAD:
        door.row(f"4.1.2 RCPT TO:{path[:50]!r} is refused", FROM, "250",
                 "RCPT TO:" + path, "501|553|550|555|500 5.x.x", "DATA",
                 "503|554", BEN, "250", *DATA)
    taken = tuple(f"RCPT TO:<{local}@{DOMAIN}>" for local in (
        "Ben", "ben.gunn", "ben+x", '"ben"', '"ben gunn"', "postmaster",
        "POSTMASTER", "l" * 64))
    door.rows((
        *((f"4.1.1.3 {line}", FROM, "250", line, "250 2.1.5") for line in
          taken),
        ("4.1.1.3 <postmaster> alone", FROM, "250", "RCPT TO:<postmaster>",
         "250 2.1.5", "RCPT TO:<PostMaster>", "250", *DATA),
        ("2.4 a domain in any case", FROM, "250",
         f"RCPT TO:<ben@{DOMAIN.upper()}>", "250 2.1.5"),
        ("C a source route is read and ignored", FROM, "250",
         f"RCPT TO:<@x.example,@y.example:ben@{DOMAIN}>", "250 2.1.5",
         *DATA),
        ("4.1.1.3 RCPT TO:<>", FROM, "250", "RCPT TO:<>",
         "501|550|553 5.x.x"),
        *((f"4.1.1.3 {line!r} is refused", FROM, "250", line, "501 5.x.x",
           BEN, "250") for line in
          ("RCPT", "RCPT TO", "RCPT TO:", "RCPT FROM:<a@b.example>",
           "RCPT <a@b.example>", "RCPT TO <a@b.example>",
           "RCPT TO :<a@b.example>")),
        ("4.1.1.11 an unknown parameter", FROM, "250", BEN + " FOO=bar",
         "555 5.5.4", BEN, "250", *DATA),
        ("4.1.1.11 a parameter of MAIL", FROM, "250", BEN + " SIZE=10",
         "555 5.5.4", BEN + " BODY=8BITMIME", "555 5.5.4", BEN, "250"),
        ("4.1.2 the local host by address", FROM, "250",
         "RCPT TO:<postmaster@[127.0.0.1]>", "250|550|553"),
    ))


@everywhere
def paths_kept(door):
    """Case and quotes of the local part reach the queue as they came."""
    sent = ('Foo.BAR@Other.Example', '"Foo Bar"@other.example',
            '"a\\"b"@other.example', "x+Y@[192.0.2.1]")
    for address in sent:
        with door.ready() as session:
            reply = session.mail(ANN, address, make("case kept"))
            if not check(reply.code == 250,
                         f"{door.name}: {address} is taken", reply):
                continue
        rows = [r for r in door.node.queue()
                if r["message"] == int(reply.message_id)
                or str(r["message"]) == reply.message_id]
        local = rows[0]["recipient"].rpartition("@")[0] if rows else None
        equal(local, address.rpartition("@")[0],
              f"{door.name}: 2.4 the local part of {address} is kept")
    with door.ready() as session:
        fault = talk(session, "MAIL FROM:<@x.example:Ann.X@b.example>",
                     "250", f"RCPT TO:<@y.example:routed@{DOMAIN}>", "250",
                     *DATA)
        check(not fault, f"{door.name}: source routes are taken", fault)
    mails = [m for m in door.node.wait_mail("routed")
             if b"Ann.X@b.example" in m]
    check(mails and mails[0].startswith(
        b"Return-Path: <Ann.X@b.example>"),
          f"{door.name}: C the route is gone, the case kept", mails)


# --- 4.5.3.1: sizes ---

@everywhere
def sizes(door):
    fill = "x" * (512 - len("NOOP ") - 2)
    over = "x" * (200_000 - 20)
    head = b"Subject: x\r\n\r\n"
    deep = b"." * 998 + b"\r\n"
    door.rows((
        ("4.5.3.1.4 a command of 512 octets", f"NOOP {fill}", "250"),
        ("4.5.3.1.4 MAIL as long as all extensions make it",
         FROM + " " * (512 + 500 - len(FROM) - 2), "250"),
        ("4.5.3.1.9 a command of 5,000 octets", f"NOOP {'x' * 4993}",
         "500|501 5.5.x"),
        ("4.5.3.1.9 a command of 200,000 octets", f"NOOP {over}",
         "500 5.5.x"),
        ("4.5.3.1.9 and the transaction goes on", FROM, "250",
         f"RCPT TO:<{over}@b.example>", "500|501 5.x.x", BEN, "250", *DATA),
        ("4.5.3.1.6 a text line of 1000 octets", FROM, "250", BEN, "250",
         "DATA", "354", head + b"x" * 998 + b"\r\n" + END, "250"),
        ("4.5.3.1.6 and a dot doubled on top", FROM, "250", BEN, "250",
         "DATA", "354", head + b"." + deep + END, "250"),
        ("4.5.3.1.9 a text line of 1001 octets", FROM, "250", BEN, "250",
         "DATA", "354", head + b"x" * 999 + b"\r\n" + END,
         "250|500|554|550 5.6.0|552"),
        ("4.5.3.1.9 a text line of 100,000 octets", FROM, "250", BEN, "250",
         "DATA", "354", head + b"x" * 100_000 + b"\r\n" + END,
         "500|554|550|552 5.x.x", FROM, "250"),
        ("4.5.3.1.7 a content of 64K", FROM, "250", BEN, "250", "DATA",
         "354", head + b"x" * 62 + b"\r\n" + (b"y" * 62 + b"\r\n") * 1023
         + END, "250"),
        ("4.5.3.1.8 100 recipients", FROM, "250",
         *sum(((f"RCPT TO:<{i}@far.example>", "250") for i in range(100)),
              ()), "RSET", "250"),
        ("1870 6.3 a content above the limit", FROM, "250", BEN, "250",
         "DATA", "354", head + (b"y" * 98 + b"\r\n") * 2001 + END,
         "552 5.3.4", FROM, "250", BEN, "250", *DATA),
    ))
    # The count of SIZE: CRLF counts two, a doubled dot one, the end nothing.
    lines = 200_000 // 100
    exact = (b"." + b"y" * 97 + b"\r\n") * lines
    for more, code in ((b"", "250"), (b"z", "552 5.3.4")):
        text = exact[:-2] + more + b"\r\n"
        door.row(f"1870 4 {len(text)} octets of at most 200000: {code}",
                 FROM, "250", BEN, "250", "DATA", "354",
                 text.replace(b"\r\n.", b"\r\n..").replace(
                     b".", b"..", 1) + END, code)


@everywhere
def recipients_1001(door):
    with door.ready() as session:
        session.cmd(FROM)
        codes = {}
        for start in range(0, 1050, 50):
            session.send(b"".join(
                f"RCPT TO:<u{i}@far.example>\r\n".encode()
                for i in range(start, start + 50)))
            for i in range(start, start + 50):
                reply = session.reply()
                codes.setdefault(f"{reply.code} {reply.text[:5]}",
                                 []).append(i)
        equal(codes, {"250 2.1.5": list(range(1000)),
                      "452 4.5.3": list(range(1000, 1050))},
              f"{door.name}: 4.5.3.1.10 above 1000 recipients 452 4.5.3")
        fault = talk(session, "DATA", "354", TEXT + END, "250")
        check(not fault, f"{door.name}: 4.5.3.1.10 the 1000 are taken",
              fault)
    equal(door.node.status()["queue"]["ready"], 1000,
          f"{door.name}: 4.5.3.1.10 and all are queued")
    door.node.must("queue", "delete", "--all", "--yes")


# --- 4.1.1.4, 4.5.2: content ---

def content(subject, body):
    return b"Subject: " + subject.encode() + b"\r\n\r\n" + body


@everywhere
def contents(door):
    bodies = {
        "dot": b".\r\n", "dots": b"..\r\n...\r\n.\r\n", "dotted": b".x\r\n",
        "plain": b"x\r\n", "empty lines": b"\r\n" * 50, "no body": b"",
        "8bit": "gr\u00fc\u00dfe\r\n".encode(),
        "latin1": b"gr\xfc\xdfe\r\n", "controls": bytes(
            o for o in range(1, 32) if o not in (10, 13)) + b"\x7f\r\n",
        "looks like commands": b"QUIT\r\nRSET\r\nMAIL FROM:<>\r\n",
        "long": b"0123456789" * 99 + b"\r\n",
        "many": b"".join(b"%d\r\n" % i for i in range(3000)),
        "from line": b"From here\r\n>From there\r\n",
        "white space": b"  \t \r\n end \r\n",
    }
    for i, (name, body) in enumerate(bodies.items()):
        user = f"c{i}{door.name}"
        octets = make(name.replace(" ", "-"), "").rstrip(b"\r\n") \
            + b"\r\n\r\n" + body
        with door.ready() as session:
            body_8bit = " BODY=8BITMIME" if any(o > 127 for o in body) \
                and "8BITMIME" in session.keywords else ""
            reply = session.mail(ANN, f"{user}@{DOMAIN}", octets, body_8bit)
            equal(reply.code, 250, f"{door.name}: content {name}: 250")
        if reply.code == 250:
            equal(len(copies(door.node.wait_mail(user), octets)), 1,
                  f"{door.name}: 4.5.2 content {name} arrives unchanged")
    door.rows((
        ("4.1.1.4 a NUL in the content", FROM, "250", BEN, "250", "DATA",
         "354", b"Subject: x\r\n\r\na\0b\r\n.\r\n", "554|550 5.6.x"),
        ("4.1.1.4 an empty message", FROM, "250", BEN, "250", "DATA", "354",
         END, "250|554"),
        ("4.1.1.4 no blank line", FROM, "250", BEN, "250", "DATA", "354",
         b"Subject: x\r\n" + END, "250"),
        ("4.1.1.4 no header at all", FROM, "250", BEN, "250", "DATA", "354",
         b"\r\nhello\r\n" + END, "250|554"),
        ("4.1.1.4 a dot line with a blank is text", FROM, "250", BEN, "250",
         "DATA", "354", TEXT + b". \r\n" + END, "250"),
    ))


@everywhere
def loops(door):
    field = b"Received: from a by b; Sun, 01 Mar 2026 06:00:00 +0000\r\n"
    folded = b"Received: from a\r\n\tby b;\r\n Sun, 01 Mar 2026 06:00:00" \
        b" +0000\r\n"
    for count, one, code in ((99, field, "250"), (101, field, "554 5.4.6"),
                             (200, folded, "554 5.4.6"),
                             (99, field.lower(), "250"),
                             (101, field.upper(), "554 5.4.6")):
        text = one * count + TEXT
        door.row(f"6.3 {count} Received fields: {code}", FROM, "250", BEN,
                 "250", "DATA", "354", text + END, code)
        door.row(f"6.3 {count} Received fields by BDAT: {code}", FROM, "250",
                 BEN, "250", f"BDAT {len(text)} LAST\r\n".encode() + text,
                 code)
    door.row("6.3 Received in the body counts nothing", FROM, "250", BEN,
             "250", "DATA", "354", TEXT + field * 150 + END, "250")


# --- 4.4 and RFC 3848: trace fields ---

TRACE = re.compile(
    r"Received: from (\S+) \((?:\S+ )?\[([^\]]+)\]\)(?: \(.*\))?"
    r" by (\S+)(?: \(.*?\))? with (\S+) id (\S+)(?: for (<\S+>))?; "
    r"(\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4})$")


@everywhere
def trace(door):
    kinds = [("EHLO client.example", None, "ESMTP"),
             ("HELO client.example", None, "SMTP"),
             ("EHLO [192.0.2.9]", None, "ESMTP")]
    if not door.secured:
        kinds += [("EHLO client.example", True, "ESMTPS")]
    for i, (greet, tls, word) in enumerate(kinds):
        user = f"t{i}{door.name}"
        word += "SA" if door.secured and word == "ESMTP" else ""
        with door.ready(greet, tls=tls) as session:
            reply = session.mail(ANN, f"{user}@{DOMAIN}", make("trace"))
            equal(reply.code, 250, f"{door.name}: {greet}: taken")
        mails = door.node.wait_mail(user)
        found = Delivered(mails[0], make("trace"))
        name = f"{door.name}: 4.4 {greet}{' TLS' if tls else ''}"
        check(found.unchanged and len(found.received) == 1,
              f"{name}: one Received in front", mails[0])
        equal(found.return_path, ANN, f"{name}: one Return-Path")
        field = found.received[0].strip() if found.received else ""
        match = TRACE.match(field)
        if not check(match, f"{name}: Received has its form", field):
            continue
        equal(match[1], greet[5:], f"{name}: from is what it said")
        equal(match[2], "127.0.0.1", f"{name}: and its address")
        equal(match[3], DOMAIN, f"{name}: by is us")
        if greet.startswith("HELO"):  # under TLS RFC 3848 has no word for it
            check(match[4] in ("SMTP", "SMTPS", "ESMTPSA", "ESMTPS")
                  if door.secured else match[4] == "SMTP",
                  f"{name}: RFC 3848 with", match[4])
        else:
            equal(match[4], word, f"{name}: RFC 3848 with")
        equal(match[5], reply.message_id or match[5], f"{name}: id")
        check(match[6] in (None, f"<{user}@{DOMAIN}>"), f"{name}: for",
              match[6])
        day = time.strptime(match[7][:-6], "%a, %d %b %Y %H:%M:%S")
        check(abs(time.mktime(day) - time.mktime(time.gmtime())) < 86400,
              f"{name}: the date is now", match[7])
    users = [f"two{n}{door.name}" for n in range(2)]
    with door.ready() as session:
        session.mail(ANN, [f"{u}@{DOMAIN}" for u in users], make("two"))
    for user in users:
        mail = door.node.wait_mail(user)[0]
        check(f"for <{users[0]}".encode() not in mail
              and f"for <{users[1]}".encode() not in mail,
              f"{door.name}: 4.4 of two recipients none is named", mail)
    if not door.secured:
        with door.ready() as session:
            session.mail("", f"null@{DOMAIN}", make("null"))
        check(door.node.wait_mail("null")[0].startswith(
            b"Return-Path: <>"), f"{door.name}: 4.4 Return-Path: <>")


# --- 4.5.3.2, 7.8: limits of a session ---

def limits():
    doors = make_doors(limits={
        "errors": 5, "commands": 8, "connections_per_client": 3,
        "command_timeout": "1s", "data_timeout": "1s"})
    lan = doors[0]
    lan.row("3.8 silence is ended with 421", b"", "421 4.4.2", b"", "closed")
    lan.row("3.8 silence inside a message, too", FROM, "250", BEN, "250",
            "DATA", "354", TEXT, "421|451 4.4.2", b"", "closed")
    with lan.ready() as session:
        reply = None
        for _ in range(10):
            reply = session.cmd("XYZZY")
            if reply.code == 421:
                break
        check(reply.code == 421 and session.is_closed(),
              "lan: too many errors: 421 and the end", reply)
    with lan.ready() as session:
        reply = None
        for _ in range(20):
            reply = session.cmd("NOOP")
            if reply.code == 421:
                break
        check(reply.code == 421 and session.is_closed(),
              "lan: too many idle commands: 421 and the end", reply)
    held = [lan.connect() for _ in range(3)]
    with lan.connect() as session:
        equal(session.greeting.code, 421,
              "lan: a fourth connection of one client hears 421")
    for session in held:
        session.close()


run(hello, order, verbs, sender_paths, recipient_paths, paths_kept, sizes,
    recipients_1001, contents, loops, trace, limits)
