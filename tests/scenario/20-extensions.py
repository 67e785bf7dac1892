#!/usr/bin/env python3
"""What EHLO promises, on the smtp and on the submission port."""
# limit: 300

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

from door import ANN, BEN, DOMAIN, FROM, make_doors
from strict import hear, talk

TEXT = b"Subject: a message\r\n\r\nFair winds.\r\n"
END = b".\r\n"
DATA = ("DATA", "354", TEXT + END, "250 2.x.x")
LAST = f"BDAT {len(TEXT)} LAST\r\n".encode() + TEXT
BOTH = {"PIPELINING", "SIZE", "8BITMIME", "CHUNKING", "BINARYMIME",
        "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8", "MT-PRIORITY", "LIMITS",
        "DELIVERBY", "REQUIRETLS"}


def everywhere(*needs):
    """Runs a test on each door of one node that offers what it NEEDS."""
    def decorator(test):
        def part():
            for door in make_doors():
                with door.ready() as session:
                    lacking = [k for k in needs if k not in session.keywords]
                if not lacking:
                    test(door)
                    continue
                check(False, f"{door.name}: {test.__name__}: "
                      f"{' '.join(lacking)} not offered")
        part.__name__ = test.__name__
        return part
    return decorator


@everywhere()
def offered(door):
    with door.connect() as session:
        session.ehlo()
        check("STARTTLS" in session.keywords,
              f"{door.name}: STARTTLS is offered")
        check("AUTH" not in session.keywords,
              f"{door.name}: AUTH is not, in clear", session.keywords)
        session.starttls(door.world.client_tls)
        session.ehlo()
        check("STARTTLS" not in session.keywords,
              f"{door.name}: under TLS no STARTTLS")
        words = session.keywords.get("AUTH", "").split()
        check({"PLAIN", "LOGIN", "SCRAM-SHA-256"} <= set(words),
              f"{door.name}: under TLS AUTH is offered", words)
        check("CRAM-MD5" not in words,
              f"{door.name}: no CRAM-MD5 without such an account", words)
        lacking = BOTH - set(session.keywords)
        check(not lacking, f"{door.name}: all is offered", lacking)
        strange = {"UTF8SMTP", "VERB", "ONEX", "TURN", "SEND", "SOML",
                   "SAML", "EXPN", "X-EXPS", "XVERB"} & set(session.keywords)
        check(not strange, f"{door.name}: nothing old or private", strange)
        equal(session.keywords.get("SIZE"), "200000",
              f"{door.name}: 1870 4 SIZE is limits.message_size")
        for word in ("PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME",
                     "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8", "STARTTLS"):
            equal(session.keywords.get(word, ""), "",
                  f"{door.name}: {word} has no parameter")
        if "BINARYMIME" in session.keywords:
            check("CHUNKING" in session.keywords,
                  f"{door.name}: 3030 3 BINARYMIME comes with CHUNKING")
        if "SMTPUTF8" in session.keywords:
            check("8BITMIME" in session.keywords,
                  f"{door.name}: 6531 3.1 SMTPUTF8 comes with 8BITMIME")


@everywhere()
def hello_has_none(door):
    """After HELO no extension is there: 5321 4.1.1.1, 2034 4."""
    for line in (FROM + " SIZE=10", FROM + " BODY=8BITMIME"):
        door.row(f"after HELO {line}", line, "250|555|501", BEN,
                 "250|503", session=door.ready("HELO client.example"))
    with door.ready() as session:
        for keyword, params in (
                ("DSN", ("RET=HDRS", "ENVID=x")), ("SMTPUTF8",
                                                   ("SMTPUTF8",)),
                ("BINARYMIME", ("BODY=BINARYMIME",)),
                ("MT-PRIORITY", ("MT-PRIORITY=0",)),
                ("DELIVERBY", ("BY=100;R",)),
                ("FUTURERELEASE", ("HOLDFOR=10",)),
                ("REQUIRETLS", ("REQUIRETLS",))):
            for param in params:
                if keyword not in session.keywords:
                    door.row(f"{param} is refused without {keyword}",
                             f"{FROM} {param}", "555|501|504 5.5.4", FROM,
                             "250")
        if "DSN" not in session.keywords:
            door.row("NOTIFY= is refused without DSN", FROM, "250",
                     BEN + " NOTIFY=NEVER", "555 5.5.4")


# --- RFC 1870 ---

@everywhere("SIZE")
def size(door):
    big = TEXT + b"y" * 70 + b"\r\n"
    door.rows((
        *((f"1870 5 {p}", f"{FROM} {p}", "250 2.1.0") for p in
          ("SIZE=0", "SIZE=1", "size=1000", "SIZE=200000",
           "SIZE=00000000000000001000", "Size=00000000000000000000")),
        *((f"1870 6.1 {p} is too large", f"{FROM} {p}", "552 5.3.4", BEN,
           "503", FROM, "250") for p in
          ("SIZE=200001", "SIZE=4294967296", "SIZE=4294967396",
           "SIZE=18446744073709551615", "SIZE=18446744073709551616",
           "SIZE=18446744073709551716", "SIZE=99999999999999999999")),
        *((f"1870 5 {p} is malformed", f"{FROM} {p}", "501 5.5.x", BEN,
           "503", FROM, "250") for p in
          ("SIZE=abc", "SIZE=", "SIZE", "SIZE=-1", "SIZE=+1", "SIZE=1.5",
           "SIZE=0x10", "SIZE=1e3", "SIZE=1K", "SIZE==1",
           "SIZE=000000000000000000001", "SIZE=1 SIZE=1", "SIZE=1 size=2")),
        ("1870 6.3 less declared than sent", FROM + " SIZE=10", "250", BEN,
         "250", *DATA),
        ("1870 6.3 more declared than sent", FROM + " SIZE=150000", "250",
         BEN, "250", *DATA),
        ("1870 6.3 by BDAT, too", FROM + " SIZE=10", "250", BEN, "250",
         LAST, "250"),
        ("1870 6.3 declared small, beyond the limit", FROM + " SIZE=10",
         "250", BEN, "250", "DATA", "354", big + (b"z" * 98 + b"\r\n") * 2000
         + END, "552 5.3.4", FROM, "250", BEN, "250", *DATA),
        ("1870 a refused SIZE opens nothing", FROM + " SIZE=300000", "552",
         "DATA", "503", b"BDAT 6 LAST\r\nQUIT\r\n", "503|554"),
    ))


# --- RFC 2920 ---

def split(door, name, octets, expected, cuts):
    """OCTETS in two parts, cut at each of CUTS."""
    wrong = []
    for cut in cuts:
        with door.ready() as session:
            session.send(octets[:cut])
            time.sleep(0.001)
            session.send(octets[cut:])
            fault = talk(session, b"", expected, "NOOP", "250")
            if fault:
                wrong.append((cut, fault))
    check(not wrong, f"{door.name}: 2920 {name}, cut at {len(cuts)} places",
          wrong[:3])


@everywhere("PIPELINING")
def pipelining(door):
    line = "\r\n"
    group = (FROM + line + BEN + line + f"RCPT TO:<c@{DOMAIN}>" + line
             + "DATA" + line).encode()
    whole = group + TEXT + END
    good = ("250", "250", "250", "354", "250")
    split(door, "a transaction", whole, good, range(1, len(whole), 3))
    chunks = (FROM + line + BEN + line).encode() + b"BDAT 10\r\n" \
        + TEXT[:10] + f"BDAT {len(TEXT) - 10} LAST\r\n".encode() + TEXT[10:] \
        + b"RSET\r\nMAIL FROM:<x@y.example>\r\n"
    if door.offers("CHUNKING"):
        split(door, "chunks and what follows", chunks,
              ("250",) * 6, range(1, len(chunks), 3))
    rows = (
        ("one octet at a time", None, good),
        ("a bad MAIL", "MAIL FROM:<a b>\r\n" + BEN + line + "DATA\r\n",
         ("501|553", "503", "503|554")),
        ("a bad RCPT among good ones", FROM + line + "RCPT TO:<>\r\n" + BEN
         + line + "RCPT TO:<x@[300.1.1.1]>\r\nRSET\r\n",
         ("250", "5xx", "250", "5xx", "250")),
        ("only bad RCPTs", FROM + line + "RCPT TO:<>\r\nRCPT TO:<x>y\r\n"
         "DATA\r\nRSET\r\n", ("250", "5xx", "5xx", "503|554", "250")),
        ("no MAIL", BEN + line + "DATA\r\nNOOP\r\n",
         ("503", "503", "250")),
        ("unknown ones between", f"XX\r\n{FROM}\r\nYY\r\n{BEN}\r\nZZ\r\n",
         ("500", "250", "500", "250", "500")),
        ("empty lines between", f"\r\n{FROM}\r\n\r\n{BEN}\r\n",
         ("500", "250", "500", "250")),
        ("500 NOOP", "NOOP\r\n" * 500, ("250",) * 500),
        ("EHLO as the last", f"RSET\r\n{FROM}\r\nEHLO x.example\r\n",
         ("250", "250", None)),
        ("RSET between two", f"{FROM}\r\nRSET\r\n{FROM}\r\nRSET\r\n",
         ("250",) * 4),
        ("behind the end of data", None, None),
    )
    for name, text, expected in rows:
        if expected is None:
            text = whole + (FROM + line + BEN + line).encode()
            expected = good + ("250", "250")
            door.row(f"2920 {name}", text, expected)
        elif text is None:
            with door.ready() as session:
                for octet in whole:
                    session.send(bytes([octet]))
                fault = talk(session, b"", expected, "NOOP", "250")
                check(not fault, f"{door.name}: 2920 {name}", fault)
        elif expected[-1] is None:
            with door.ready() as session:
                fault = talk(session, text.encode(), expected[:-1]) \
                    or hear(session, "250", plain=True) \
                    or talk(session, BEN, "503")
                check(not fault, f"{door.name}: 2920 {name}", fault)
        else:
            door.row(f"2920 {name}", text.encode(), expected)
    door.row("2920 QUIT ends a group", f"{FROM}\r\n{BEN}\r\nQUIT\r\n"
             .encode(), ("250", "250", "221"), b"", "closed")
    # 3.2: an empty content where DATA was taken and nobody should have it.
    door.row("2920 3.1 a lone dot behind 354", f"{FROM}\r\n{BEN}\r\nDATA\r\n"
             .encode(), ("250", "250", "354"), b".\r\n", "250|554")
    # Replies of a group come together, not one by one (3.2(6)).
    with door.ready() as session:
        session.send(b"NOOP\r\n" * 20)
        time.sleep(0.3)
        octets = session.socket.recv(65536)
        check(octets.count(b"\r\n") > 1,
              f"{door.name}: 2920 3.2 replies go together", octets)


# --- RFC 3030 ---

@everywhere("CHUNKING")
def chunking(door):
    half = len(TEXT) // 2
    first = f"BDAT {half}\r\n".encode() + TEXT[:half]
    second = f"BDAT {len(TEXT) - half} LAST\r\n".encode() + TEXT[half:]
    quit_ = b"QUIT\r\n"
    opened = (FROM, "250", BEN, "250")
    swallowed = "503|554 5.x.x"
    door.rows((
        ("3030 2 one chunk", *opened, LAST, "250 2.x.x"),
        ("3030 2 two chunks", *opened, first, "250 2.x.x", second, "250"),
        ("3030 2 LAST of 0", *opened, first, "250", second.replace(
            b" LAST", b""), "250", "BDAT 0 LAST", "250 2.x.x"),
        ("3030 2 0 without LAST", *opened, "BDAT 0", "250", "BDAT 0",
         "250", LAST, "250"),
        ("3030 2 an empty message", *opened, "BDAT 0 LAST", "250|554"),
        ("3030 2 verb and LAST in any case", *opened,
         LAST.replace(b"BDAT", b"bdat").replace(b"LAST", b"last"), "250"),
        ("3030 2 zeros in front", *opened, LAST.replace(
            b"BDAT ", b"BDAT 000000"), "250"),
        ("3030 2 blanks at the end", *opened, LAST.replace(
            b"LAST\r\n", b"LAST \r\n", 1), "250"),
        ("3030 4(4) BDAT after LAST", *opened, LAST, "250",
         b"BDAT 6 LAST\r\n" + quit_, "503 5.5.1"),
        ("3030 2 DATA after BDAT", *opened, first, "250", "DATA",
         "503 5.5.1", second, "250|503|554"),
        ("3030 2 BDAT without RCPT", FROM, "250", b"BDAT 6 LAST\r\n"
         + quit_, swallowed),
        ("3030 2 BDAT with no recipient taken", FROM, "250", "RCPT TO:<>",
         "5xx", b"BDAT 6\r\n" + quit_, swallowed, b"BDAT 6 LAST\r\n"
         + quit_, swallowed),
        ("3030 2 a refused MAIL and chunks in flight",
         b"MAIL FROM:<a b>\r\n" + BEN.encode() + b"\r\nBDAT 6\r\n" + quit_
         + b"BDAT 6\r\n" + quit_ + b"BDAT 6 LAST\r\n" + quit_,
         ("501|553", "503", swallowed, swallowed, swallowed)),
        ("3030 2 RSET drops the chunks", *opened, first, "250", "RSET",
         "250", second, swallowed, *opened, LAST, "250"),
        ("3030 2 EHLO drops the chunks", *opened, first, "250",
         "EHLO again.example", "250", second, swallowed),
        ("3030 2 MAIL between chunks", *opened, first, "250", FROM,
         "503 5.5.1", second, "250|503|554"),
        ("3030 2 RCPT between chunks", *opened, first, "250", BEN,
         "503 5.5.1", second, "250|503|554"),
        ("3030 2 NOOP between chunks", *opened, first, "250", "NOOP",
         "250", second, "250"),
        ("3030 2 a chunk above the limit", *opened,
         b"BDAT 200001 LAST\r\n" + b"x" * 200_001, "552 5.3.4", FROM,
         "250|503"),
        ("3030 2 a sum above the limit", *opened, b"BDAT 150000\r\n"
         + (b"x" * 98 + b"\r\n") * 1500, "250", b"BDAT 60000\r\n" + (
             b"x" * 98 + b"\r\n") * 600, "552 5.3.4",
         b"BDAT 6 LAST\r\n" + quit_, "503|552|554", "RSET", "250",
         *opened, LAST, "250"),
        ("3030 2 a chunk of a million where 200000 go", *opened,
         b"BDAT 1000000 LAST\r\n" + quit_ * 166_666 + b"1234",
         "552 5.3.4"),
        *((f"3030 2 {w!r} is malformed", *opened, w, "501 5.5.x", LAST,
           "250|503|554") for w in
          ("BDAT", "BDAT ", "BDAT abc", "BDAT LAST", "BDAT 0 FIRST",
           "BDAT 0 LAST LAST", "BDAT 0x0", "BDAT 0,0", "BDAT 0LAST",
           "BDAT 0 LASTx", "BDAT -0", "BDAT +0")),
        ("3030 2 a group of everything", (FROM + "\r\n" + BEN + "\r\n")
         .encode() + first + second + (FROM + "\r\n" + BEN + "\r\n")
         .encode() + LAST, ("250",) * 7),
    ))
    bodies = {
        "dots": b".\r\n..\r\n.x\r\n", "end": b"\r\n.\r\nQUIT\r\n",
        "no line end": b"abc", "commands": b"RSET\r\nBDAT 5 LAST\r\nhello\r\n",
        "8bit": "gr\u00fc\u00dfe\r\n".encode(),
    }
    for i, (name, body) in enumerate(bodies.items()):
        octets = make("chunk", "") + body
        for size in (0, 1, 7):
            user = f"k{i}-{size}-{door.name}"
            with door.ready() as session:
                reply = session.bdat(ANN, f"{user}@{DOMAIN}", octets,
                                     chunk=size)
                equal(reply.code, 250, f"{door.name}: 3030 {name} in chunks"
                      f" of {size or 'all'}")
            if reply.code == 250:
                # What has no line end may get one in the mailbox.
                mails = door.node.wait_mail(user)
                check(copies(mails, octets)
                      or copies(mails, octets + b"\r\n"),
                      f"{door.name}: 3030 {name} in chunks of "
                      f"{size or 'all'} arrives unchanged", mails)


@everywhere("BINARYMIME", "CHUNKING")
def binarymime(door):
    binary = " BODY=BINARYMIME"
    door.rows((
        ("3030 3 BODY=BINARYMIME", FROM + binary, "250 2.1.0"),
        ("3030 3 in any case", FROM + " body=binarymime", "250"),
        ("3030 3 DATA is refused then", FROM + binary, "250", BEN, "250",
         "DATA", "503 5.5.1", LAST, "250|503|554"),
        ("3030 3 and for the next message allowed", FROM + binary, "250",
         BEN, "250", LAST, "250", FROM, "250", BEN, "250", *DATA),
    ))
    bodies = {
        "every octet": bytes(range(256)) * 3, "NUL": bytes(500),
        "bare LF": b"a\nb\n\n.\nc", "bare CR": b"a\rb\r\r.\rc",
        "a line of 5000": b"x" * 5000, "an end": b"\r\n.\r\nQUIT\r\n",
        "zeros and ends": b"\0\r\n.\0\r\n\r\0\n",
    }
    for i, (name, body) in enumerate(bodies.items()):
        octets = make("binary", "", headers="MIME-Version: 1.0\r\n"
                      "Content-Type: application/octet-stream\r\n"
                      "Content-Transfer-Encoding: binary\r\n") + body
        user = f"b{i}{door.name}"
        with door.ready() as session:
            reply = session.bdat(ANN, f"{user}@{DOMAIN}", octets, binary,
                                 chunk=101)
            equal(reply.code, 250, f"{door.name}: 3030 3 binary {name}")
        if reply.code == 250:
            check(copies(door.node.wait_mail(user), octets),
                  f"{door.name}: 3030 3 binary {name} arrives unchanged",
                  door.node.mailbox(user))


# --- RFC 6152 ---

@everywhere("8BITMIME")
def eightbit(door):
    door.rows((
        *((f"6152 2 {p}", f"{FROM} {p}", "250 2.1.0") for p in
          ("BODY=7BIT", "BODY=8BITMIME", "body=8bitmime", "Body=7bit")),
        *((f"6152 2 {p}", f"{FROM} {p}", "501|555|504 5.5.x", FROM, "250")
          for p in ("BODY=", "BODY", "BODY=9BIT", "BODY=8BIT",
                    "BODY=7BIT BODY=7BIT", "BODY=7BIT BODY=8BITMIME",
                    'BODY="7BIT"')),
        ("6152 2 on RCPT", FROM, "250", BEN + " BODY=8BITMIME",
         "555|501 5.5.4"),
        ("6152 two parameters", FROM + " BODY=8BITMIME SIZE=100", "250",
         BEN, "250", *DATA),
        ("6152 the other order", FROM + " SIZE=100 BODY=8BITMIME", "250",
         BEN, "250", *DATA),
        ("5321 4.1.2 two blanks between", FROM + "  SIZE=100  BODY=7BIT",
         "250|501", "RSET", "250"),
    ))


# --- RFC 3461 ---

@everywhere("DSN")
def dsn(door):
    mail_good = ("RET=FULL", "RET=HDRS", "ret=hdrs", "ENVID=abc",
                 "ENVID=a+2Bb+3Dc", "ENVID=" + "x" * 100,
                 "ENVID=!#$%&'()*,-./:;<>?@[]^_`{|}~", "envid=ABC",
                 "RET=HDRS ENVID=x", "ENVID=x RET=FULL SIZE=10")
    mail_bad = ("RET=", "RET", "RET=BOTH", "RET=FULL,HDRS",
                "RET=FULL RET=FULL", "RET=FULL RET=HDRS", "ENVID", "ENVID=",
                "ENVID=a+b", "ENVID=a+2", "ENVID=a+ZZ", "ENVID=a+",
                "ENVID=a=b", "ENVID=" + "x" * 101, "ENVID=a ENVID=a",
                "ENVID=a ENVID=b")
    rcpt_good = ("NOTIFY=NEVER", "NOTIFY=SUCCESS", "NOTIFY=FAILURE",
                 "NOTIFY=DELAY", "NOTIFY=SUCCESS,FAILURE,DELAY",
                 "NOTIFY=DELAY,SUCCESS", "notify=never",
                 "Notify=Success,delay", "ORCPT=rfc822;ben@x.example",
                 "ORCPT=RFC822;Ben+2Bx@X.example", "ORCPT=x400;a+3Db",
                 "orcpt=rfc822;ben", "ORCPT=rfc822;" + "x" * 480,
                 "NOTIFY=DELAY ORCPT=rfc822;b@x.example",
                 "ORCPT=rfc822;b@x.example NOTIFY=NEVER")
    rcpt_bad = ("NOTIFY", "NOTIFY=", "NOTIFY=ALWAYS", "NOTIFY=NEVER,SUCCESS",
                "NOTIFY=SUCCESS,NEVER", "NOTIFY=NEVER,NEVER",
                "NOTIFY=SUCCESS,", "NOTIFY=,SUCCESS", "NOTIFY=SUCCESS;DELAY",
                "NOTIFY=DELAY NOTIFY=DELAY", "NOTIFY=NEVER NOTIFY=SUCCESS",
                "ORCPT", "ORCPT=", "ORCPT=rfc822", "ORCPT=;ben",
                "ORCPT=rfc822;a=b", "ORCPT=rfc822;a+b", "ORCPT=rfc822;a+2",
                "ORCPT=rfc822;a+ZZ", "ORCPT=rf c822;a",
                "ORCPT=rfc822;" + "x" * 500,
                "ORCPT=rfc822;a ORCPT=rfc822;a")
    door.rows((
        *((f"3461 4 {p[:40]}", f"{FROM} {p}", "250 2.1.0", BEN, "250",
           *DATA) for p in mail_good),
        *((f"3461 4 {p[:40]} is malformed", f"{FROM} {p}", "501 5.5.4",
           FROM, "250") for p in mail_bad),
        *((f"3461 4 {p[:40]}", FROM, "250", f"{BEN} {p}", "250 2.1.5",
           *DATA) for p in rcpt_good),
        *((f"3461 4 {p[:40]} is malformed", FROM, "250", f"{BEN} {p}",
           "501 5.5.4", "DATA", "503|554") for p in rcpt_bad),
        *((f"3461 4 {p} on the wrong command", f"{FROM} {p}",
           "555|501 5.5.4") for p in ("NOTIFY=NEVER", "ORCPT=rfc822;a")),
        *((f"3461 4 {p} on the wrong command", FROM, "250", f"{BEN} {p}",
           "555|501 5.5.4") for p in ("RET=FULL", "ENVID=a")),
        ("3461 4.1 MAIL of 512 and 600 octets more", FROM + " RET=HDRS "
         "ENVID=" + "x" * 100, "250",
         f"RCPT TO:<{'l' * 64}@{DOMAIN}> NOTIFY=SUCCESS,FAILURE,DELAY "
         "ORCPT=rfc822;" + "x" * 450, "250"),
    ))


# --- RFC 6531 ---

@everywhere("SMTPUTF8")
def smtputf8(door):
    u8 = " SMTPUTF8"
    uni = "MAIL FROM:<\u00fcser@b\u00fccher.example>"
    local_ = f"RCPT TO:<\u00fcml\u00e4ut@{DOMAIN}>"
    door.rows((
        ("6531 3.1 SMTPUTF8", FROM + u8, "250 2.1.0", BEN, "250", *DATA),
        ("6531 3.1 in any case", FROM + " smtputf8", "250"),
        ("6531 3.1 with BODY", FROM + u8 + " BODY=8BITMIME", "250"),
        ("6531 3.1 it takes no value", FROM + " SMTPUTF8=1",
         "501|555 5.5.4", FROM + " SMTPUTF8=", "501|555 5.5.4"),
        ("6531 3.1 once", FROM + u8 + u8, "501 5.5.4"),
        ("6531 3.1 not on RCPT", FROM + u8, "250", BEN + u8,
         "555|501 5.5.4"),
        ("6531 3.5 a UTF-8 sender without it", uni, "550|553|501 5.x.x",
         FROM, "250"),
        ("6531 3.5 a UTF-8 recipient without it", FROM, "250", local_,
         "553|550|501 5.x.x", BEN, "250", *DATA),
        ("6531 3.5 the code is X.6.7", uni, "550|553 5.6.7"),
        ("6531 3.5 the code is X.6.7 for RCPT", FROM, "250", local_,
         "553|550 5.6.7"),
        *((f"6531 3.3 {p}", f"MAIL FROM:<{p}>{u8}", "250 2.1.0") for p in (
            "\u00fc@b.example", "a@b\u00fccher.example",
            "\u4f60\u597d@\u4f8b\u3048.\u30c6\u30b9\u30c8",
            '"\u00fc b"@b.example', "\U0001f41f@b.example",
            "a.\u00fc.c@b.example", "\u00fc" * 32 + "@b.example")),
        *((f"6531 3.3 {p!r} is refused", b"MAIL FROM:<" + p + b">"
           + u8.encode() + b"\r\n", "501|553|550|500 5.x.x", FROM, "250")
          for p in (b"\xfc@b.example", b"\xc3@b.example", b"\xc0\xafx@b.ex",
                    b"\xed\xa0\x80@b.example", b"\xf5\x80\x80\x80@b.example",
                    b"a@b\xfc.example", b"a@\xc3\xbc..example",
                    b"\xe2\x82@b.example", b"\xc3\xbc b@b.example",
                    b"\xc3\xbc" * 32 + b"x@b.example", b"\xc2@b.example")),
        ("6531 3.7.4 VRFY with it", "VRFY ben SMTPUTF8", "252|550 x.x.x"),
    ))
    octets = make("utf8", "gr\u00fc\u00dfe\r\n",
                  headers="X-Name: \u00fcml\u00e4ut\r\n")
    user = "\u00fcml\u00e4ut" + door.name
    word = {"lan": "UTF8SMTP", "submission": "UTF8SMTPSA"}[door.name]
    with door.ready() as session:
        session.utf8 = True
        reply = session.mail(ANN, f"{user}@{DOMAIN}", octets,
                             u8 + " BODY=8BITMIME")
        equal(reply.code, 250, f"{door.name}: 6531 a UTF-8 mailbox")
    if reply.code == 250:
        mails = door.node.wait_mail(user)
        found = copies(mails, octets)
        check(found, f"{door.name}: 6532 it arrives unchanged", mails)
        check(found and f" with {word} " in found[0].received[0],
              f"{door.name}: 6531 4.3 with {word}",
              found and found[0].received)
    # Without the parameter a UTF-8 header may not go by SMTP; what a server
    # does with it RFC 6531 leaves open, but it may not be changed.
    with door.ready() as session:
        reply = session.mail(ANN, f"plain{door.name}@{DOMAIN}", octets,
                             " BODY=8BITMIME")
        check(reply.code in (250, 550, 554),
              f"{door.name}: 6532 a UTF-8 header without SMTPUTF8", reply)


# --- RFC 6710, 9422 ---

@everywhere("MT-PRIORITY")
def mt_priority(door):
    good = [str(n) for n in range(-9, 10)]
    bad = ("", "x", "+1", "-0", "00", "01", "10", "-10", "1.0", "--1",
           "0x1", "1,2")
    door.rows((
        # Trust decides what becomes of a positive one: taken as it is,
        # changed (X.3.6) or refused (X.7.15), never a syntax error.
        *((f"6710 4.1 MT-PRIORITY={p}", f"{FROM} MT-PRIORITY={p}",
           "250 2.1.0|250 2.3.6|550 5.7.15|450 4.7.15") for p in good),
        *((f"6710 4.1 MT-PRIORITY={p} is malformed",
           f"{FROM} MT-PRIORITY={p}", "501 5.5.x", FROM, "250")
          for p in bad),
        ("6710 4.1 no value", FROM + " MT-PRIORITY", "501 5.5.x"),
        ("6710 4.1 twice", FROM + " MT-PRIORITY=1 MT-PRIORITY=1",
         "501 5.5.x"),
        ("6710 4.1 in any case", FROM + " mt-priority=-3", "250"),
        ("6710 not on RCPT", FROM, "250", BEN + " MT-PRIORITY=0",
         "555|501 5.5.4"),
    ))
    for n in (-4, 0):
        user = f"p{abs(n)}{door.name}"
        with door.ready() as session:
            reply = session.mail(ANN, f"{user}@{DOMAIN}", make("urgent"),
                                 f" MT-PRIORITY={n}")
            equal(reply.code, 250, f"{door.name}: 6710 a mail with {n}")
        fields = Delivered(door.node.wait_mail(user)[0],
                           make("urgent")).received
        check(fields and f" PRIORITY {n}" in fields[0].replace("(", "")
              .replace(")", ""),
              f"{door.name}: 6710 7 Received has PRIORITY {n}", fields)
    with door.ready() as session:
        # No max_priority: nobody here may raise.
        reply = session.cmd(FROM + " MT-PRIORITY=5")
        text = reply.text.split(" ", 1)
        check(reply.code in (550, 450) or text[0] == "2.3.6"
              and text[1].startswith("0 "),
              f"{door.name}: 6710 4.1(5) a priority above what is allowed "
              "is told as changed to 0", reply)


@everywhere("LIMITS")
def limits(door):
    with door.ready() as session:
        pairs = [p.partition("=") for p in
                 session.keywords["LIMITS"].split()]
        check(pairs and all(
            re.fullmatch(r"[A-Za-z0-9_-]+", name)
            and re.fullmatch(r"[1-9][0-9]{0,5}", value)
            for name, _, value in pairs),
              f"{door.name}: 9422 LIMITS has its form", pairs)
        values = {name.upper(): int(value) for name, _, value in pairs}
        equal(len(values), len(pairs), f"{door.name}: 9422 each limit once")
        if "RCPTMAX" in values:
            equal(values["RCPTMAX"], 1000,
                  f"{door.name}: 9422 RCPTMAX is limits.recipients")
        check("RCPTDOMAINMAX" not in values,
              f"{door.name}: 9422 no limit of domains", values)


# --- what the next hop gets ---

def passed_on():
    """DSN parameters go on unchanged (3461 5.2.1), MT-PRIORITY always."""
    peer = Peer(keywords=("PIPELINING", "SIZE 50000000", "8BITMIME",
                          "CHUNKING", "ENHANCEDSTATUSCODES", "DSN",
                          "SMTPUTF8", "MT-PRIORITY", "BINARYMIME"))
    world = World()
    site = world.make_site(peer=world.peer(
        submission=peer.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None)).start()
    mail = ["RET=HDRS", "ENVID=a+2Bb+3Dc", "MT-PRIORITY=-3"]
    rcpt = ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;Ben+2Bx@y.example"]
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        sender = "ann@aurora.example.org"
        equal(client.cmd(" ".join([f"MAIL FROM:<{sender}>", *mail])).code,
              250, "MAIL with all parameters")
        equal(client.cmd(" ".join(["RCPT TO:<Ben@far.example>", *rcpt])).code,
              250, "RCPT with all parameters")
        client.cmd("DATA")
        client.send(stuff(make("onward")))
        equal(client.reply().code, 250, "the message")
    equal(site.link_up("iridium", "30s"), 0, "it goes")
    if not check(len(peer.mails) == 1, "and arrives", peer.verbs):
        return
    gone = [v for v in peer.verbs if v.upper().startswith(("MAIL", "RCPT"))]
    for param in mail:
        check(f" {param}" in gone[0] + " ", f"{param} is passed on",
              gone[0])
    for param in rcpt:
        check(f" {param}" in gone[1] + " ", f"{param} is passed on",
              gone[1])
    check("RCPT TO:<Ben@far.example>" in gone[1],
          "the case of the local part is kept", gone[1])


run(offered, hello_has_none, size, pipelining, chunking, binarymime,
    eightbit, dsn, smtputf8, mt_priority, limits, passed_on)
