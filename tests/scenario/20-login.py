#!/usr/bin/env python3
"""STARTTLS and AUTH, on the smtp and on the submission port."""
# limit: 240

import base64
import hashlib
import hmac
import os
import re
import shutil
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

from bound import Openssl
from door import ANN, BEN, DOMAIN, FROM, LIMITS, make_doors
from scram import Scram, b64
from strict import Strict, talk

TEXT = b"Subject: a message\r\n\r\nFair winds.\r\n"
GOOD = b64(f"\0ann\0{PASSWORD}")
MECHANISM = "AUTH SCRAM-SHA-256 "


def everywhere(test):
    def part():
        for door in make_doors():
            # A customer may have CRAM-MD5; then it is offered.
            door.node.must("customer", "add", "kestrel", "--domain",
                           "kestrel.example", "--cram-md5",
                           "--password-stdin", text=PASSWORD + "\n") \
                if not door.secured else None
            test(door)
    part.__name__ = test.__name__
    return part


def secured(door, hello=True):
    session = door.connect()
    session.ehlo()
    session.starttls(door.world.client_tls)
    if hello:
        session.ehlo()
    return session


# --- RFC 3207 ---

@everywhere
def starttls(door):
    for line, code in (("STARTTLS", "220 "), ("starttls", "220"),
                       ("STARTTLS ", "220")):
        with door.connect() as session:
            session.ehlo()
            reply = session.cmd(line)
            check(reply.code == 220, f"{door.name}: 3207 4 {line!r}: 220",
                  reply)
            session.socket = door.world.client_tls.wrap_socket(
                session.socket, server_hostname="localhost")
            fault = talk(session, "EHLO client.example", "250")
            check(not fault, f"{door.name}: 3207 4.2 EHLO after {line!r}",
                  fault)
            check(not session.faults, f"{door.name}: {line!r} form",
                  session.faults)
    door.row("3207 4 an argument", "STARTTLS now", "501 5.5.4",
             session=door.connect())
    forgotten = "530|503 5.x.x"
    door.row("3207 4.2 EHLO is forgotten", FROM, forgotten,
             session=secured(door, hello=False))
    door.row("3207 4.2 AUTH wants an EHLO, too", "AUTH PLAIN " + GOOD,
             "503|235 x.x.x", session=secured(door, hello=False))
    door.row("3207 4.2 STARTTLS under TLS", "STARTTLS", "503|502 5.5.1",
             "STARTTLS", "503|502", session=secured(door))
    with secured(door) as session:
        session.ehlo()
        check("STARTTLS" not in session.keywords,
              f"{door.name}: 3207 4.2 STARTTLS is not offered under TLS")
    if not door.secured:
        with door.connect() as session:
            session.ehlo("secret.example")
            talk(session, FROM, "250", "RSET", "250")
            session.starttls(door.world.client_tls)
            session.ehlo("open.example")
            session.mail(ANN, f"forgot@{DOMAIN}", make("forgot"))
        mail = door.node.wait_mail("forgot")[0]
        check(b"from open.example" in mail and b"secret.example" not in mail,
              "lan: 3207 4.2 what was said before is forgotten", mail)
    for octets in (b"EHLO x.example\r\n", bytes(300), b"\x16\x03\x01\xff\xff"
                   + b"\xff" * 500, b"\x80\x2e\x01\x03\x01" + bytes(50)):
        with door.connect(timeout=5) as session:
            session.ehlo()
            session.cmd("STARTTLS")
            time.sleep(0.05)
            try:
                session.send(octets)
                session.socket.shutdown(1)
            except (Closed, OSError):
                pass
            check(session.is_closed(), f"{door.name}: {octets[:8]!r}... in "
                  "place of a handshake: closed")
    check(door.node.is_running(), f"{door.name}: and the daemon lives")


def before_tls():
    """RFC 3207 4: NOOP, EHLO, STARTTLS and QUIT, and 530 to all others."""
    door = make_doors()[1]
    for hello in (False, True):
        for line in (FROM, BEN, "DATA", "RSET", "VRFY ben", "HELP",
                     "HELO client.example", "AUTH PLAIN " + GOOD,
                     "AUTH LOGIN", "AUTH SCRAM-SHA-256"):
            session = door.connect()
            if hello:
                session.ehlo()
            door.row(f"3207 4 {line[:20]} {'after' if hello else 'before'} "
                     "EHLO, before TLS", line, "530|538|503", session=session)
    session = door.connect()
    session.ehlo()
    door.row("3030 BDAT before TLS is swallowed",
             b"BDAT 6 LAST\r\nQUIT\r\n", "530|503", session=session)
    for line, code in ((FROM, "530 5.7.0"), ("MAIL FROM:<>", "530 5.7.0"),
                       (BEN, "530|503 5.x.x"), ("DATA", "530|503"),
                       (b"BDAT 6 LAST\r\nQUIT\r\n", "530|503")):
        door.row(f"4954 6 {line[:20]} before AUTH: 530", line, code,
                 session=secured(door))


def implicit():
    world = World()
    site = world.make_site(
        peer=world.peer(submission=9, odmr=9),
        listeners=[listener("submissions", "submission", "implicit")]).start()
    site.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")
    with Strict(site.port("submissions"), tls=world.client_tls) as session:
        equal(session.greeting.code, 220, "implicit TLS: the greeting")
        session.ehlo()
        check("STARTTLS" not in session.keywords and "AUTH" in
              session.keywords, "implicit TLS: AUTH, no STARTTLS",
              session.keywords)
        equal(session.cmd("STARTTLS").code // 100, 5,
              "implicit TLS: STARTTLS is refused")
        equal(session.auth_plain("ann", PASSWORD).code, 235,
              "implicit TLS: AUTH")
        equal(session.mail(ANN, f"ben@{DOMAIN}", make("implicit")).code, 250,
              "implicit TLS: a message")
        check(not session.faults, "implicit TLS: form", session.faults)
    mail = site.wait_mail("ben")[0]
    check(b"with ESMTPSA" in mail, "implicit TLS: with ESMTPSA", mail)
    with Strict(site.port("submissions"), greet=False,
                timeout=5) as session:
        session.send(b"EHLO client.example\r\n")
        check(session.is_closed(), "implicit TLS: clear text is refused")


# --- RFC 4954 ---

@everywhere
def commands(door):
    rows = (
        ("no mechanism", "AUTH", "501 5.5.4"),
        ("too many words", f"AUTH PLAIN {GOOD} x", "501 5.5.x"),
        *((f"{m} is not offered", f"AUTH {m}", "504 5.5.4") for m in
          ("NTLM", "GSSAPI", "ANONYMOUS", "DIGEST-MD5", "XOAUTH2",
           "SCRAM-SHA-1", "PLAINX", "P", "X" * 100, "EXTERNAL")),
        ("a bad name of a mechanism", "AUTH pl@in", "501|504 5.5.x"),
        ("in any case", "auth plain " + GOOD, "235 2.7.0"),
        ("twice: 503", "AUTH PLAIN " + GOOD, "235", "AUTH PLAIN " + GOOD,
         "503 5.5.1", "AUTH LOGIN", "503 5.5.1"),
        ("a wrong one may be tried again", "AUTH PLAIN AGEAYg==",
         "535 5.7.8", "AUTH PLAIN " + GOOD, "235"),
        ("EHLO and RSET keep it", "AUTH PLAIN " + GOOD, "235", "RSET",
         "250", "EHLO again.example", "250", FROM, "250", "RSET", "250",
         "AUTH PLAIN " + GOOD, "503"),
        ("not inside a transaction", "AUTH PLAIN " + GOOD, "235", FROM,
         "250", "AUTH PLAIN " + GOOD, "503 5.5.1", BEN, "250"),
        *((f"4 {m} is cancelled with *", f"AUTH {m}", "334", "*",
           "501 5.x.x", "AUTH PLAIN " + GOOD, "235") for m in
          ("PLAIN", "LOGIN", "SCRAM-SHA-256", "CRAM-MD5")),
        *((f"4 {t!r} is not base64", f"AUTH PLAIN {t}", "501 5.5.2",
           "AUTH PLAIN", "334", t, "501 5.5.2", "AUTH PLAIN " + GOOD, "235")
          for t in ("!!!!", "=AAA", "AAA=BBB", "AGEAYg", "A", "AGEAYg=",
                    "AGEAYg===", "AGEA-g==", "AG\tAYg==", "QUIT\x01",
                    "\u00fc\u00fc")),
        ("4 a blank in a response", "AUTH PLAIN", "334", "AGEA Yg==",
         "501 5.5.2"),
        ("4 a verb as response is no command", "AUTH PLAIN", "334", "QUIT",
         "501|535 5.x.x", "AUTH PLAIN " + GOOD, "235"),
        ("4 a line above the limit", "AUTH PLAIN", "334", "A" * 16384,
         "500 5.5.6", "AUTH PLAIN " + GOOD, "235"),
        ("4 a line of 12286", "AUTH PLAIN", "334", "A" * 12284,
         "501|535 5.x.x", "AUTH PLAIN " + GOOD, "235"),
        ("4 a command above the limit", "AUTH PLAIN " + "A" * 16384,
         "500 5.5.x", "AUTH PLAIN " + GOOD, "235"),
        ("4 CRAM-MD5 takes no initial response", "AUTH CRAM-MD5 " + GOOD,
         "501 5.7.0", "AUTH PLAIN " + GOOD, "235"),
        ("5 AUTH= on RCPT", "AUTH PLAIN " + GOOD, "235", FROM, "250",
         BEN + " AUTH=<>", "555|501 5.5.4"),
    )
    for name, *steps in rows:
        door.row(f"4954 {name}", *steps, session=secured(door))
    for param, code in (
            ("AUTH=<>", "250"), ("AUTH=ann@x.example", "250"),
            ("AUTH=e+3Dmc2@x.example", "250"), ("auth=<>", "250"),
            ("AUTH=", "501 5.5.4"), ("AUTH", "501 5.5.4"),
            ("AUTH=a+ZZ", "501 5.5.4"), ("AUTH=a+2", "501 5.5.4"),
            ("AUTH=a=b", "501 5.5.4"), ("AUTH=<> AUTH=<>", "501 5.5.4")):
        door.row(f"4954 5 {param}", "AUTH PLAIN " + GOOD, "235",
                 f"{FROM} {param}", code, "RSET", "250",
                 session=secured(door))
    with secured(door) as session:
        session.send(b"AUTH PLAIN\r\n")
        session.reply()
        equal(session.socket.version() is not None, True,
              f"{door.name}: under TLS")
        talk(session, "*", "501")
        session.send(b"AUTH PLAIN\r\n")
        raw = session.socket.recv(100)
        equal(raw, b"334 \r\n", f"{door.name}: 4954 4 an empty challenge has "
              "its space")


@everywhere
def plain_and_login(door):
    p = "AUTH PLAIN "
    n = b64
    rows = (
        ("4616 with the same authzid", p + n(f"ann\0ann\0{PASSWORD}"),
         "235"),
        ("4616 for another", p + n(f"ben\0ann\0{PASSWORD}"), "535 5.7.8"),
        ("4616 behind a 334", "AUTH PLAIN", "334", GOOD, "235 2.7.0"),
        ("4616 a wrong password", p + n("\0ann\0wrong"), "535 5.7.8"),
        ("4616 an empty password", p + n("\0ann\0"), "535|501"),
        ("4616 an empty name", p + n(f"\0\0{PASSWORD}"), "535|501"),
        ("4616 the longer password", p + n(f"\0ann\0{PASSWORD}x"), "535"),
        ("4616 the shorter password", p + n(f"\0ann\0{PASSWORD[:-1]}"),
         "535"),
        ("4616 no NUL", p + n("ann"), "535|501"),
        ("4616 one NUL", p + n(f"ann\0{PASSWORD}"), "535|501"),
        ("4616 three NULs", p + n(f"\0ann\0{PASSWORD}\0"), "535|501"),
        ("4616 only NULs", p + n("\0" * 50), "535|501"),
        ("4616 a name of 1000", p + n("\0" + "a" * 1000 + "\0x"),
         "535|501|500"),
        ("4616 a password of 1000", p + n("\0ann\0" + "a" * 1000),
         "535|501|500"),
        ("4616 no UTF-8", p + b64(b"\0ann\0\xff\xfe"), "535|501"),
        ("4616 nothing", p + "=", "535|501"),
        ("4616 an empty response", "AUTH PLAIN", "334", "", "535|501"),
        ("4616 a line end in the name", p + n("\0ann\r\nX\0" + PASSWORD),
         "535|501"),
        ("LOGIN", "AUTH LOGIN", "334", n("ann"), "334", n(PASSWORD), "235"),
        ("LOGIN with the name at once", "AUTH LOGIN " + n("ann"), "334",
         n(PASSWORD), "235"),
        ("LOGIN with a wrong password", "AUTH LOGIN", "334", n("ann"),
         "334", n("wrong"), "535 5.7.8"),
        ("LOGIN of nobody asks on", "AUTH LOGIN", "334", n("nobody"), "334",
         n("wrong"), "535 5.7.8"),
        ("LOGIN cancelled at the password", "AUTH LOGIN", "334", n("ann"),
         "334", "*", "501"),
        ("LOGIN bad base64 at the name", "AUTH LOGIN", "334", "!!",
         "501 5.5.2"),
        ("LOGIN bad base64 at the password", "AUTH LOGIN", "334", n("ann"),
         "334", "!!", "501 5.5.2"),
        ("LOGIN empty", "AUTH LOGIN", "334", "", "535|501|334", "*",
         "501|500|535"),
    )
    for name, *steps in rows:
        door.row(name, *steps, session=secured(door))
    with secured(door) as session:
        first = session.auth_plain("nobody-at-all", PASSWORD)
        second = session.auth_plain("ann", "wrong")
        equal(str(first), str(second), f"{door.name}: 4954 an unknown name "
              "and a wrong password hear the same")


@everywhere
def cram_md5(door):
    def digest(challenge, password=PASSWORD, user="kestrel"):
        text = base64.b64decode(challenge, validate=True)
        return b64(user + " " + hmac.new(password.encode(), text,
                                         hashlib.md5).hexdigest())

    def attempt(spoil):
        with secured(door) as session:
            if "CRAM-MD5" not in session.keywords.get("AUTH", ""):
                return None, "not offered"
            reply = session.cmd("AUTH CRAM-MD5")
            return session.cmd(spoil(reply.text)), reply.text

    reply, challenge = attempt(digest)
    if not check(reply, f"{door.name}: CRAM-MD5 is offered where an account "
                 "has it"):
        return
    equal(reply.code, 235, f"{door.name}: 2195 the right digest")
    check(re.fullmatch(rb"<[^<>@\s]+@[^<>@\s]+>",
                       base64.b64decode(challenge)),
          f"{door.name}: 2195 2 the challenge is a msg-id", challenge)
    check(attempt(digest)[1] != challenge,
          f"{door.name}: 2195 each challenge once")
    for name, spoil in (
            ("of a wrong password", lambda c: digest(c, "wrong")),
            ("of a user without", lambda c: digest(c, user="ann")),
            ("of nobody", lambda c: digest(c, user="nobody")),
            ("of an earlier challenge", lambda c: digest(challenge)),
            ("without a name", lambda c: b64(base64.b64decode(
                digest(c)).split(b" ")[1])),
            ("with an empty digest", lambda c: b64("kestrel ")),
            ("with a short digest", lambda c: b64("kestrel abcdef")),
            ("with more behind", lambda c: b64(base64.b64decode(digest(c))
                                               + b"0")),
            ("empty", lambda c: "")):
        reply = attempt(spoil)[0]
        check(reply.code in (535, 501), f"{door.name}: 2195 a digest {name} "
              "is refused", reply)


@everywhere
def scram(door):
    def attempt(name, code, exchange=None, initial=None, **spoil):
        """One exchange; CODE of the reply to the last message."""
        x = exchange or Scram("ann", PASSWORD)
        with secured(door) as session:
            reply = session.cmd(MECHANISM + (initial or x.initial))
            if reply.code == 334:
                x.challenge(reply.text)
                # In place of a challenge an error may come (5802 7).
                reply = session.cmd(x.response(**spoil)
                                    if "s" in x.fields else "")
            check(reply.code in code, f"{door.name}: 5802 {name}", reply)
            if reply.code == 334:
                equal(base64.b64decode(reply.text).decode(), x.verifier,
                      f"{door.name}: 5802 5 {name}: the server proves "
                      "itself")
                reply = session.cmd("")
                equal(reply.code, 235, f"{door.name}: 5802 {name}: 235")
            elif reply.code == 235 and len(reply.text.split()) > 1:
                check(True, f"{door.name}: 5802 {name}: 235 at once")
            check(not session.faults, f"{door.name}: 5802 {name}: form",
                  session.faults)
        return x

    no, yes = (535, 501), (334, 235)
    x = attempt("the right password", yes)
    check(x.fields["r"].startswith(x.nonce) and len(x.fields["r"])
          >= len(x.nonce) + 12, f"{door.name}: 5802 5.1 the nonce grows",
          x.fields)
    check(int(x.fields["i"]) >= 4096,
          f"{door.name}: 7677 4 at least 4096 rounds", x.fields)
    y = attempt("again", yes)
    check(y.fields["r"][len(y.nonce):] != x.fields["r"][len(x.nonce):],
          f"{door.name}: 5802 another nonce each time")
    equal(y.fields["s"], x.fields["s"], f"{door.name}: 5802 the same salt")
    with secured(door) as session:
        plus = "SCRAM-SHA-256-PLUS" in session.keywords["AUTH"]
    attempt("y,, (the client could bind)", no if plus else yes,
            Scram("ann", PASSWORD, gs2="y,,"))
    attempt("p= without -PLUS", no, Scram("ann", PASSWORD,
                                          gs2="p=tls-unique,,"))
    attempt("its own authzid", yes, Scram("ann", PASSWORD, gs2="n,a=ann,"))
    attempt("another's authzid", no, Scram("ann", PASSWORD,
                                           gs2="n,a=ben,"))
    attempt("a wrong password", no, Scram("ann", "wrong"))
    attempt("a made-up proof", no, proof=bytes(32))
    attempt("a short proof", no, proof=b"x")
    attempt("an empty proof", no, proof=b"")
    attempt("another nonce", no, nonce="abcdefghijklmnopqrstuvwxyz")
    attempt("the client's nonce alone", no, Scram("ann", PASSWORD,
            first="n=ann,r=fixed"), nonce="fixed")
    attempt("another binding", no, cbind=b64("y,,"))
    attempt("an empty binding", no, cbind="")
    attempt("a mandatory extension", no, Scram("ann", PASSWORD,
                                               extra="m=x,"))
    for name, first in (("garbage", "garbage"), ("no name", "r=abc"),
                        ("no nonce", "n=ann"), ("an empty nonce",
                        "n=ann,r="), ("an empty name", "n=,r=abcdef"),
                        ("a bad escape", "n=a=ZZ,r=abcdef"),
                        ("a long name", "n=" + "a" * 3000 + ",r=abcdef"),
                        ("a long nonce", "n=ann,r=" + "a" * 3000),
                        ("a NUL", "n=ann\0,r=abcdef")):
        attempt("first message with " + name, no + (500,),
                Scram("ann", PASSWORD, first=first))
    for gs2 in ("", "x,,", "n,", "n,b=c,", "p,,", "p=,,"):
        attempt(f"gs2 header {gs2!r}", no, Scram("ann", PASSWORD, gs2=gs2))
    # Nobody learns who exists: same shape, same salt each time.
    salts = []
    for _ in range(2):
        x = attempt("a user that is not there", no, Scram("nobody", "x"))
        salts.append(x.fields.get("s"))
    check(salts[0] and salts[0] == salts[1],
          f"{door.name}: 5802 9 an unknown user has a salt, always the same",
          salts)
    if plus:
        with secured(door) as session:
            reply = session.cmd("AUTH SCRAM-SHA-256-PLUS "
                                + Scram("ann", PASSWORD).initial)
            check(reply.code in no, f"{door.name}: 5802 6 -PLUS without "
                  "binding is refused", reply)
            x = Scram("ann", PASSWORD, gs2="p=tls-exporter,,")
            reply = session.cmd("AUTH SCRAM-SHA-256-PLUS " + x.initial)
            if reply.code == 334:
                x.challenge(reply.text)
                reply = session.cmd(x.response(
                    cbind=b64(b"p=tls-exporter,," + bytes(32))))
            check(reply.code in no, f"{door.name}: 9266 a wrong binding is "
                  "refused", reply)
    else:
        check(False, f"{door.name}: SCRAM-SHA-256-PLUS is offered")


def in_clear():
    door = make_doors()[0]
    for line in ("AUTH PLAIN " + GOOD, "AUTH LOGIN", "AUTH CRAM-MD5",
                 "AUTH SCRAM-SHA-256", "AUTH PLAIN", "AUTH"):
        session = door.ready()
        door.row(f"4954 4 {line[:24]} in clear", line,
                 "530|538|504|503|502|501 5.x.x", session=session)
    door.row("4954 5 AUTH= where AUTH is not offered", FROM + " AUTH=<>",
             "555|501 5.5.4")


def slowed():
    """Who guesses waits longer each time; who knows does not."""
    door = make_doors(limits=dict(LIMITS, auth_delay="300ms"))[1]
    with secured(door) as session:
        start = time.monotonic()
        codes = [session.auth_plain("ann", f"wrong{i}").code
                 for i in range(3)]
        taken = time.monotonic() - start
        equal(codes, [535] * 3, "three wrong passwords: 535")
        check(0.8 < taken < 10, "and slow", f"{taken:.2f} s")
    start = time.monotonic()
    with secured(door) as session:
        equal(session.auth_plain("ann", PASSWORD).code, 235,
              "the right one holds")
    check(time.monotonic() - start < 2, "and soon")


def bound():
    """SCRAM-SHA-256-PLUS with the true binding (RFC 9266), by openssl,
    since Python does not know it."""
    door = make_doors()[1]
    with secured(door) as session:
        words = session.keywords["AUTH"].split()
    if "SCRAM-SHA-256-PLUS" not in words or not shutil.which("openssl"):
        skip_part("SCRAM-SHA-256-PLUS with its binding: not offered, or no "
                  "openssl")
        return
    for name, spoil, code in (("the true binding", None, 235),
                              ("a binding of another session", bytes(32),
                               535)):
        with Openssl(door.port) as client:
            if not check(client.key, "openssl tells the key",
                         client.shown):
                return
            client.cmd("EHLO client.example")
            reply = client.auth_plus("ann", PASSWORD, spoil)
            equal(reply[:3], str(code), f"9266 {name}")


def unbound():
    """Left alone the setting is for nodes that call, not for people's
    programs, which may choose -PLUS and not be able to do it."""
    world = World()
    shore = world.make_shore().start()
    shore.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")
    for name, plus in (("submission", False), ("odmr", True)):
        with Strict(shore.port(name)) as session:
            session.ehlo()
            session.starttls(world.client_tls)
            session.ehlo()
            equal("SCRAM-SHA-256-PLUS" in session.keywords["AUTH"].split(),
                  plus, f"{name}: -PLUS is offered: {plus}")
            if plus:
                continue
            fault = talk(session, "AUTH SCRAM-SHA-256-PLUS "
                         + Scram("ann", PASSWORD,
                                 gs2="p=tls-exporter,,").initial, "504 5.5.4")
            check(not fault, f"{name}: and not taken", fault)
            x = Scram("ann", PASSWORD, gs2="y,,")
            x.challenge(session.cmd(MECHANISM + x.initial).text)
            reply = session.cmd(x.response())
            equal(base64.b64decode(reply.text).decode(), x.verifier,
                  f'{name}: 5802 6 a client that says "y" is right')
            equal(session.cmd("").code, 235, f'{name}: and logs in')


def external():
    """A client's certificate says who it is (RFC 4422 A)."""
    door = make_doors(certificates=True)[1]
    world = door.world
    foreign = Authority(f"{world.dir}/foreign")

    def session(files=None):
        context = client_context()
        if files:
            context.load_cert_chain(*files)
        client = door.connect()
        client.ehlo()
        client.starttls(context)
        client.ehlo()
        return client

    ann = world.ca.issue("ann", "ann")
    with session(ann) as client:
        offered = "EXTERNAL" in client.keywords["AUTH"].split()
    if not check(offered, "EXTERNAL is offered where a certificate was "
                 "shown"):
        return
    with session() as client:
        check("EXTERNAL" not in client.keywords["AUTH"].split(),
              "and not where none was", client.keywords)
    old = ["-startdate", "20000101000000Z", "-enddate", "20010101000000Z"]
    for name, files, line, good in (
            ("its own certificate", ann, "AUTH EXTERNAL =", True),
            ("and its own name", ann, "AUTH EXTERNAL " + b64("ann"), True),
            ("another's name", ann, "AUTH EXTERNAL " + b64("ben"), False),
            ("a name and a NUL", ann, "AUTH EXTERNAL " + b64("ann\0ben"),
             False),
            ("no certificate", None, "AUTH EXTERNAL =", False),
            ("no certificate, by name", None, "AUTH EXTERNAL "
             + b64("ann"), False),
            ("a certificate of nobody", world.ca.issue("nobody", "nobody"),
             "AUTH EXTERNAL =", False),
            ("a certificate of nobody, by name",
             world.ca.issue("nobody", "nobody"), "AUTH EXTERNAL "
             + b64("ann"), False),
            ("an expired certificate", world.ca.issue("old", "ann",
                                                      span=old),
             "AUTH EXTERNAL =", False),
            ("a certificate for servers", world.ca.issue(
                "serve", "ann", usage="serverAuth"), "AUTH EXTERNAL =",
             False),
            ("a certificate of another authority",
             foreign.issue("ann", "ann"), "AUTH EXTERNAL =", False)):
        try:
            with session(files) as client:
                reply = client.cmd(line)
                check(reply.code == 235 if good else reply.code in
                      (501, 504, 535), f"4422 A EXTERNAL with {name}: "
                      f"{'235' if good else 'refused'}", reply)
                equal(client.cmd(FROM).code, 250 if good else 530,
                      f"4422 A EXTERNAL with {name}: MAIL")
        except (Closed, OSError, ssl.SSLError) as e:
            check(not good, f"4422 A EXTERNAL with {name}: no session",
                  repr(e))
    with session(ann) as client:
        equal(client.auth_plain("ann", PASSWORD).code, 235,
              "with a certificate a password will do, too")


run(starttls, before_tls, implicit, commands, plain_and_login, cram_md5,
    scram, bound, unbound, external, in_clear, slowed)
