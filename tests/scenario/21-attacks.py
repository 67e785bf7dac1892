#!/usr/bin/env python3
"""Attacks that must fail, each by its name."""
# limit: 300

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import base64
import shutil
import socket
import ssl
import subprocess
import time
import warnings

from crowd import memory, sanitized

DOMAIN = "aurora.example.org"
ANN = f"ann@{DOMAIN}"
FROM = f"MAIL FROM:<{ANN}>"
BEN = f"RCPT TO:<ben@{DOMAIN}>"
MB = 1024 * 1024
# What one client may make the daemon keep, whatever it sends.
GROWTH_MAX = 8 * MB * (100 if sanitized() else 1)


def fresh(**conf):
    world = World()
    conf.setdefault("limits", {"errors": 10_000, "commands": 1_000_000,
                               "connections_per_client": 1000})
    site = world.make_site(peer=world.peer(submission=9, odmr=9),
                           **conf).start()
    site.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")
    return world, site


def secured(world, site, port="submission"):
    client = Smtp(site.port(port))
    client.ehlo()
    client.starttls(world.client_tls)
    client.ehlo()
    return client


def still_good(site, name):
    """The daemon lives and takes mail."""
    try:
        with Smtp(site.port("lan"), timeout=10) as client:
            client.ehlo()
            reply = client.mail(ANN, f"ben@{DOMAIN}", make("still-good"))
        check(reply.code == 250 and site.is_running(),
              f"{name}: others are served", reply)
    except (Closed, OSError) as e:
        check(False, f"{name}: others are served", repr(e))


def pour(client, octets, times):
    """Sends much, reading whatever comes; how much the other side took."""
    client.socket.setblocking(False)
    sent, end = 0, time.monotonic() + 60
    view = memoryview(octets)
    for _ in range(times):
        at = 0
        while at < len(view):
            if time.monotonic() > end:
                return sent
            try:
                at += client.socket.send(view[at:])
            except (BlockingIOError, ssl.SSLWantWriteError):
                time.sleep(0.0005)
            except OSError:
                return sent + at
            try:
                if client.socket.recv(65536) == b"":
                    return sent + at
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            except OSError:
                return sent + at
        sent += at
    return sent


def drain(client, seconds=2):
    """What still comes, with nothing more to send."""
    client.socket.setblocking(True)
    client.socket.settimeout(seconds)
    octets = client.pending
    try:
        while True:
            more = client.socket.recv(65536)
            if not more:
                return octets, True
            octets += more
    except TimeoutError:
        return octets, False
    except OSError:
        return octets, True


# --- STARTTLS ---

def starttls_injection():
    world, site = fresh()
    evil = b"MAIL FROM:<evil@evil.example>\r\n"
    for port in ("lan", "submission"):
        for name, first, second in (
                ("in one segment", b"STARTTLS\r\n" + evil, b""),
                ("with a whole transaction", b"STARTTLS\r\n" + evil
                 + f"RCPT TO:<evil@{DOMAIN}>\r\nDATA\r\nx\r\n.\r\n".encode(),
                 b""),
                ("half a command", b"STARTTLS\r\nRS", b""),
                ("a blank line", b"STARTTLS\r\n\r\n", b""),
                ("a moment later", b"STARTTLS\r\n", evil)):
            client = Smtp(site.port(port), timeout=5)
            client.ehlo()
            name = f"STARTTLS injection, {port}, {name}"
            try:
                client.send(first)
                time.sleep(0.05)
                client.send(second)
                reply = client.reply()
                if reply.code != 220:
                    check(True, f"{name}: refused")
                    continue
                if client.pending:
                    check(False, f"{name}: an answer in clear",
                          client.pending)
                    continue
                client.socket = world.client_tls.wrap_socket(client.socket)
                client.ehlo("after.example")
                reply = client.cmd("NOOP")
                rest, _ = drain(client, 0.5)
                check(reply.code == 250 and not rest,
                      f"{name}: nothing of it is answered under TLS",
                      (reply, rest))
            except (Closed, OSError, ssl.SSLError):
                check(True, f"{name}: the session ends")
            finally:
                client.close()
    equal(site.mailbox("evil"), [], "STARTTLS injection: no mail came of it")
    still_good(site, "STARTTLS injection")


def starttls_stripped_answers():
    """What our client hears in clear behind 220 counts for nothing."""
    world = World()
    evil = "220 go\r\n250-evil.example\r\n250 AUTH PLAIN"
    peer = Peer(rules={"STARTTLS": Raw((evil + "\r\n").encode())},
                context=server_context(*world.ca.issue(
                    "bad", "mail.shore.example")))
    site = world.make_site(peer=world.peer(
        submission=peer.port, odmr=peer.port)).start()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail(ANN, "ben@far.example", make("waits"))
    site.link_up("iridium", "10s")
    auths = [v for v in peer.verbs if v.upper().startswith("AUTH")]
    equal(auths, [], "replies injected behind STARTTLS: no password is sent")
    equal(len(peer.mails), 0, "replies injected behind STARTTLS: nor mail")


def old_tls():
    world, site = fresh()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context = client_context()
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = version
            context.set_ciphers("ALL:@SECLEVEL=0")
            tls_refused(site, context, f"TLS downgrade, {version.name}")
    for ciphers in ("aNULL", "eNULL", "3DES:DES:RC4:RC2:IDEA", "PSK",
                    "kRSA", "MD5"):
        context = client_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
        except ssl.SSLError:
            check(True, f"TLS downgrade, {ciphers}: not even known here")
            continue
        tls_refused(site, context, f"TLS downgrade, ciphers {ciphers}")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client_context()
        context.minimum_version = context.maximum_version = version
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            client.starttls(context)
            equal(client.ehlo().code, 250, f"{version.name} is spoken")
    still_good(site, "TLS downgrade")


def tls_refused(site, context, name):
    with Smtp(site.port("lan"), timeout=5) as client:
        client.ehlo()
        try:
            client.starttls(context)
            client.ehlo()
            check(False, f"{name}: refused", client.socket.cipher())
        except (OSError, ssl.SSLError, Closed):
            check(True, f"{name}: refused")


def renegotiation():
    world, site = fresh()
    if not shutil.which("openssl"):
        skip_part("TLS renegotiation: no openssl program")
        return
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{site.port('lan')}",
         "-starttls", "smtp", "-tls1_2", "-legacy_renegotiation"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    try:
        for line in (b"NOOP\n", b"R\n", b"NOOP\n", b"NOOP\n"):
            time.sleep(0.5)
            process.stdin.write(line)
            process.stdin.flush()
        time.sleep(1)
    except BrokenPipeError:
        pass
    process.kill()
    text = process.communicate()[0].decode("utf-8", "replace")
    behind = text.partition("RENEGOTIATING")[2]
    if "RENEGOTIATING" not in text:
        skip_part("TLS renegotiation: this openssl does not ask for it")
    else:
        check("no renegotiation" in behind or "alert" in behind
              or "closed" in behind or "250" not in behind,
              "TLS renegotiation is refused", behind[-800:])
        check("verify return" not in behind and "depth=" not in behind,
              "TLS renegotiation: no second handshake", behind[-800:])
    still_good(site, "TLS renegotiation")


# --- AUTH ---

def auth_before_tls():
    world, site = fresh()
    good = base64.b64encode(f"\0ann\0{PASSWORD}".encode()).decode()
    for port in ("lan", "submission"):
        with Smtp(site.port(port)) as client:
            client.ehlo()
            for lines in (["AUTH PLAIN " + good], ["AUTH PLAIN", good],
                          ["AUTH LOGIN", "YW5u",
                           base64.b64encode(PASSWORD.encode()).decode()]):
                replies = [client.cmd(line) for line in lines]
                check(all(r.code >= 500 for r in replies),
                      f"AUTH before TLS, {port}: {lines[0][:11]} refused",
                      replies)
            if port == "submission":
                equal(client.cmd(FROM).code, 530,
                      "AUTH before TLS: and nothing is open behind it")
    check(PASSWORD not in site.log_text() and good not in site.log_text(),
          "AUTH before TLS: the password is not in the log")


# --- CRLF and headers ---

def crlf_in_parameters():
    world, site = fresh()
    lines = []
    for end in (b"\r", b"\n", b"\n\r", b"\0", b"\r\0\n"):
        for line in (b"MAIL FROM:<a@b.example" + end + b"RCPT TO:<c@d>",
                     b"MAIL FROM:<\"a" + end + b"b\"@b.example>",
                     b"MAIL FROM:<a@b.example> ENVID=x" + end + b"y",
                     b"MAIL FROM:<a@b.example> SIZE=1" + end + b"0",
                     b"EHLO x" + end + b"X-Evil: y",
                     b"HELO x" + end + b"X-Evil: y",
                     b"AUTH PLAIN AG" + end + b"Ag==",
                     b"NOOP" + end + b"RSET", b"VRFY a" + end + b"QUIT"):
            lines.append(line)
    wrong = []
    for line in lines:
        with Smtp(site.port("lan"), timeout=5) as client:
            client.ehlo()
            client.send(line + b"\r\n")
            reply = client.reply()
            again = client.cmd("NOOP")
            if not 500 <= reply.code < 600 or again.code != 250:
                wrong.append((line, reply, again))
    check(not wrong, f"CRLF in parameters: {len(lines)} forms are refused, "
          "one reply each", wrong[:5])


def header_injection():
    """What we add to a message is ours, whatever the client says."""
    world, site = fresh()
    names = ("x;y", "x)", "(x", "x (", "a\\b", '"x"', "x<y>", "x\ty",
             "x,y", "[x y]", "[127.0.0.1) (x]", "x=y", "a" * 255,
             "[IPv6:::1] by evil", "evil.example by mx.evil with SMTP id 1;",
             "[tag:)(]", "[tag:;]", "[tag:\x7f]", "[tag:\\]]",
             "[tag:evil by mx]")
    for i, name in enumerate(names):
        for verb in ("EHLO", "HELO"):
            user = f"h{i}{verb[0].lower()}"
            with Smtp(site.port("lan"), timeout=5) as client:
                reply = client.cmd(f"{verb} {name}")
                if reply.code != 250:
                    check(500 <= reply.code < 600,
                          f"header injection: {verb} {name[:40]!r} is "
                          "refused")
                    continue
                client.mail(ANN, f"{user}@{DOMAIN}", make("trace"))
            mail = site.wait_mail(user)
            found = Delivered(mail[0], make("trace")) if mail else None
            check(found and found.unchanged and len(found.received) == 1
                  and found.received[0].count(";") == 1
                  and found.received[0].count(" by ") == 1
                  and found.received[0].count("(")
                  == found.received[0].count(")"),
                  f"header injection: {verb} {name[:40]!r} leaves Received "
                  "whole", mail)
    for sender in ('"a b"@x.example', '"a\\"; by evil"@x.example',
                   '"<evil@x>"@x.example', '"a)("@x.example',
                   '"a\\\\"@x.example'):
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            reply = client.mail(sender, f"quoted@{DOMAIN}", make("quoted"))
            equal(reply.code, 250, f"header injection: {sender} is taken")
    mails = site.wait_mail("quoted", 5)
    wrong = [m for m in mails if not Delivered(m, make("quoted")).unchanged
             or not m.startswith(b"Return-Path: <\"")
             or b"\n\r" in m.split(b"\r\n\r\n")[0]]
    check(len(mails) == 5 and not wrong,
          "header injection: quoted senders stay in Return-Path", wrong)
    for to in ('"x; for evil"@' + DOMAIN, '"a)("@' + DOMAIN,
               '"../../x"@' + DOMAIN, '"new/x"@' + DOMAIN):
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            reply = client.mail(ANN, to, make("to"))
            check(reply.code in (250, 550, 553),
                  f"header injection: {to} is taken or refused", reply)
    wait_until(lambda: not site.queue(), 5)
    for folder, _, files in os.walk(f"{site.dir}/mail"):
        for name in files if "/ann/" not in folder else ():  # notices
            with open(f"{folder}/{name}", "rb") as stream:
                head = stream.read().replace(b"\r\n", b"\n") \
                    .partition(b"\n\n")[0]
            bad = [line for line in head.split(b"\n") if not re.match(
                rb"[ \t]|(Return-Path|Received|From|To|Subject|Date|"
                rb"Message-ID): ", line) or len(line) > 998]
            if bad:
                check(False, "header injection: an alien line", bad)
    real = os.path.realpath(f"{site.dir}/mail/{DOMAIN}")
    check(all(os.path.realpath(folder).startswith(real)
              for folder, _, files in os.walk(f"{site.dir}/mail") if files),
          "header injection: no mailbox outside the folder")


def log_injection():
    """One line per fact, and no line of a stranger's making."""
    world, site = fresh()
    fake = 'event=delivered session=1 msg=777 to=evil@x'
    esc = "\x1b[2J\x1b[31m"
    with Smtp(site.port("lan")) as client:
        for text in (f"EHLO x\nevent=evil{fake}", f"XX {fake}",
                     f'XX" {fake}', f"XX\\\" {fake}", f"XX {esc}",
                     "XX \u202e\u2028\u0085\u009b31m", f"NOOP {esc} {fake}",
                     f"VRFY {fake}", "\x00\x01\x02\x7f\xff",
                     f'EHLO x" {fake}', f"EHLO [tag:{esc}]",
                     f"EHLO [tag:\"{fake.replace(' ', '!')}]"):
            client.cmd(text)
        client.ehlo()
        for sender in (f'"{fake}"@x.example', '"a\\" event=evil"@x.example',
                       '"a=b\\\\"@x.example'):
            reply = client.mail(sender, f'"{sender[1:5]} event=evil"@{DOMAIN}',
                                make("log", headers=f"X-Evil: {fake}\r\n"))
            client.mail(sender, f"ben@{DOMAIN}", make("log"))
            client.cmd("RSET")
    with secured(world, site) as client:
        for user in (f"ann\n{fake}", f'ann" {fake}', f"ann {fake}",
                     f"ann{esc}", "ann\r\nevent=evil", "\u202eann",
                     "ann\0evil"):
            for password in ("wrong", fake + "\n" + fake):
                client.cmd("AUTH PLAIN " + base64.b64encode(
                    f"\0{user}\0{password}".encode()).decode())
    peer_says_evil(fake, esc)
    site.wait_queue_empty()
    log_is_clean(site, "log injection")


def log_is_clean(site, name):
    text = site.log_text()
    bad = [line for line in text.split("\n") if line and not re.match(
        r"(?:(?:debug|info|warning|error): )?event=[a-z0-9-]+(?: |$)", line)]
    check(not bad, f"{name}: each line of the log begins as ours", bad[:5])
    check(not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-"
                        r"\u202e]", text),
          f"{name}: no control characters in the log",
          [ln for ln in text.split("\n") if re.search(
              r"[\x00-\x1f\x7f-\x9f\u2028\u202e]", ln)][:3])
    for event in site.events():
        # A quoted value may hold anything, but not end early.
        if event.get("msg") == "777" or event["event"] == "evil":
            check(False, f"{name}: a fact of a stranger's making", event)
    rows = site.rows("log")
    shown = site.must("log")
    lines = [line for line in shown.split("\n") if line]
    equal(len(lines), len(rows), f"{name}: tidepost log: one line per fact")
    check(not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown),
          f"{name}: tidepost log shows no control characters",
          [ln for ln in lines if re.search(r"[\x00-\x1f\x7f-\x9f]",
                                           ln)][:3])
    check(not any(r["message"] in (777, "777") or r["event"] == "evil"
                  for r in rows), f"{name}: nor facts of a stranger's making")


def peer_says_evil(fake, esc):
    """Replies of a peer go into the log, too."""
    world = World()
    peer = Peer(rules={"end": f"451 4.3.0 no\" {fake} {esc}\u009b"})
    site = world.make_site(peer=world.peer(
        submission=peer.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None)).start()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail(ANN, "ben@far.example", make("evil-reply"))
    site.link_up("iridium", "10s")
    log_is_clean(site, "a peer's reply")
    for verb in (["queue", "list"], ["status"], ["queue", "show", "1"],
                 ["link", "list"]):
        shown = site.cli(*verb).stdout
        check(not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown),
              f"a peer's reply: tidepost {' '.join(verb)} shows no control "
              "characters", repr(shown))
    site.kill()


# --- too slow, too many, too large ---

def slowloris():
    world, site = fresh(limits={
        "command_timeout": "2s", "data_timeout": "2s", "stall_timeout": "4s",
        "connections_per_client": 1000, "connections": 1000})
    start = time.monotonic()
    socks = {}

    def add(kind, prepare):
        for _ in range(15):
            client = Smtp(site.port("lan"), timeout=5)
            prepare(client)
            client.socket.setblocking(False)
            socks[client] = [kind, None]

    add("a command", lambda c: c.send(b"NOOP "))
    add("the first command", lambda c: None)
    add("a TLS handshake", lambda c: (c.ehlo(), c.cmd("STARTTLS")))
    add("a command line of blanks", lambda c: (c.ehlo(), c.send(b"MAIL")))
    took = []
    while time.monotonic() < start + 20 and any(
            end is None for _, end in socks.values()):
        for client, row in socks.items():
            if row[1] is not None:
                continue
            octet = b"\x16" if "TLS" in row[0] else b" "
            try:
                client.socket.send(octet)
            except BlockingIOError:
                pass
            except OSError:
                row[1] = time.monotonic() - start
            try:
                if client.socket.recv(4096) == b"":
                    row[1] = time.monotonic() - start
            except BlockingIOError:
                pass
            except OSError:
                row[1] = time.monotonic() - start
        began = time.monotonic()
        with Smtp(site.port("lan"), timeout=10) as client:
            client.ehlo()
            if client.mail(ANN, f"ben@{DOMAIN}", make("slow")).code == 250:
                took.append(time.monotonic() - began)
        time.sleep(0.5)
    for kind in sorted({kind for kind, _ in socks.values()}):
        ends = [end for k, end in socks.values() if k == kind]
        check(None not in ends and max(ends) < 12,
              f"slowloris in {kind}: ended by limits.command_timeout",
              f"open: {ends.count(None)} of 15")
    check(took and max(took) < 2, "slowloris: others are served soon",
          max(took, default=None))
    for client in socks:
        client.close()


def reader_of_nothing():
    """Sends commands, reads no reply: bounded, and ended."""
    world, site = fresh(limits={
        "command_timeout": "3s", "data_timeout": "3s", "stall_timeout": "3s",
        "errors": 1_000_000 // 100, "commands": 1_000_000,
        "connections_per_client": 1000})
    before = memory(site.process.pid)
    clients = []
    for _ in range(10):
        client = Smtp(site.port("lan"))
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.ehlo()
        client.socket.setblocking(False)
        try:
            for _ in range(2000):
                client.socket.send(b"HELP\r\n" * 1000)
        except OSError:
            pass
        clients.append(client)
    grown = memory(site.process.pid) - before
    check(grown < 10 * GROWTH_MAX, "replies that nobody reads: memory is "
          "bounded", f"{grown / MB:.1f} MB for 10")
    still_good(site, "replies that nobody reads")
    ended = wait_until(lambda: len(site.status()["sessions"]) == 0, 15, 0.5)
    check(ended, "replies that nobody reads: the sessions are ended",
          site.status()["sessions"])
    for client in clients:
        client.close()


def thousands_of_rcpts():
    world, site = fresh()
    before = memory(site.process.pid)
    with Smtp(site.port("lan"), timeout=30) as client:
        client.ehlo()
        client.cmd(FROM)
        octets = b"".join(b"RCPT TO:<%05d@far.example>\r\n" % i
                          for i in range(1000))
        sent = pour(client, octets, 30)
        grown = memory(site.process.pid) - before
        check(grown < GROWTH_MAX, "thousands of RCPTs: memory is bounded",
              f"{grown / MB:.1f} MB after {sent} octets")
        still_good(site, "thousands of RCPTs")


def oversized():
    world, site = fresh()
    big = b"x" * MB
    for name, prepare, octets, times in (
            ("a command line of 64 MB", lambda c: c.send(b"NOOP "), big, 64),
            ("a MAIL of 64 MB", lambda c: c.send(b"MAIL FROM:<"), big, 64),
            ("a line of 64 MB before EHLO", None, big, 64),
            ("a header line of 64 MB", "data", big, 64),
            ("a header of 64 MB", "data", (b"X-A: " + b"y" * 70 + b"\r\n")
             * 13_000, 64),
            ("one folded field of 64 MB", "data", b"X-A: b\r\n" + (
                b" " + b"y" * 70 + b"\r\n") * 13_000, 64),
            ("a million Received", "data", b"Received: x\r\n" * 10_000,
             100),
            ("a body of 64 MB", "data", b"\r\n" + (b"z" * 98 + b"\r\n")
             * 10_000, 64),
            ("a body of 64 MB of dots", "data", b"\r\n" + b"..\r\n"
             * 250_000, 80),
            ("64 MB of empty lines", None, b"\r\n" * 500_000, 64),
            ("64 MB of bare LF", None, b"\n" * MB, 64),
            ("64 MB of zeros", None, bytes(MB), 64)):
        before = memory(site.process.pid)
        client = Smtp(site.port("lan"), timeout=20)
        if prepare == "data":
            client.ehlo()
            client.envelope(ANN, [f"big@{DOMAIN}"])
            client.cmd("DATA")
        elif prepare:
            client.ehlo()
            prepare(client)
        sent = pour(client, octets, times)
        grown = memory(site.process.pid) - before
        check(grown < GROWTH_MAX, f"oversized, {name}: memory is bounded",
              f"{grown / MB:.1f} MB after {sent / MB:.0f} MB")
        if prepare == "data":
            client.socket.setblocking(True)
            client.socket.settimeout(20)
            try:
                client.send(b"\r\n.\r\n")
                reply = client.reply()
                check(500 <= reply.code < 600 or reply.code == 421,
                      f"oversized, {name}: refused", reply)
            except (Closed, OSError) as e:
                check(not isinstance(e, TimeoutError),
                      f"oversized, {name}: refused or closed", repr(e))
        client.close()
        check(site.is_running(), f"oversized, {name}: the daemon lives")
    for name, first in (("an AUTH line of 64 MB", b"AUTH PLAIN "),
                        ("an AUTH response of 64 MB", b"AUTH PLAIN\r\n")):
        before = memory(site.process.pid)
        client = secured(world, site)
        client.send(first)
        if first.endswith(b"\n"):
            client.reply()
        sent = pour(client, b"A" * MB, 64)
        grown = memory(site.process.pid) - before
        check(grown < GROWTH_MAX, f"oversized, {name}: memory is bounded",
              f"{grown / MB:.1f} MB after {sent / MB:.0f} MB")
        client.close()
    still_good(site, "oversized")
    equal(site.mailbox("big"), [], "oversized: nothing of it was taken")


def bdat_sizes():
    world, site = fresh()
    body = b"Subject: evil\r\n\r\nx\r\n"
    for size in ("-5", "-0", "-1", "+5", "0x5", "5.0", "4294967295",
                 "4294967296", "4294967301", "9223372036854775807",
                 "9223372036854775808", "18446744073709551615",
                 "18446744073709551616", "18446744073709551621",
                 "1" + "0" * 30, "1" + "0" * 2000, "5e3", "\u0665"):
        for last in (" LAST", ""):
            with Smtp(site.port("lan"), timeout=10) as client:
                client.ehlo()
                client.envelope(ANN, [f"evil@{DOMAIN}"])
                name = f"BDAT {size[:24]}{last}"
                client.send(f"BDAT {size}{last}\r\n".encode())
                client.send(body + b"NOOP\r\n")
                octets, closed = drain(client, 0.4)
                # Refused at once, closed, or still swallowing: no 250 for
                # the chunk, so the first answer is none.
                check(not octets.startswith(b"2"), f"{name}: not taken",
                      octets)
    equal(site.mailbox("evil"), [], "BDAT sizes: no message came of it")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.envelope(ANN, [f"zero@{DOMAIN}"])
        client.send(b"BDAT 0\r\nBDAT 0\r\n" + b"BDAT %d\r\n" % len(body)
                    + body + b"BDAT 0 LAST\r\n")
        codes = [client.reply().code for _ in range(4)]
        equal(codes, [250] * 4, "BDAT 0 is a chunk")
    equal(len(site.wait_mail("zero")), 1, "BDAT 0 LAST ends the message")
    before = memory(site.process.pid)
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.envelope(ANN, [f"evil@{DOMAIN}"])
        client.send(b"BDAT 1099511627776 LAST\r\n")
        sent = pour(client, b"x" * MB, 64)
        grown = memory(site.process.pid) - before
        check(grown < GROWTH_MAX, "BDAT of 1 TB: memory is bounded",
              f"{grown / MB:.1f} MB after {sent / MB:.0f} MB")
    still_good(site, "BDAT sizes")


def size_abc():
    world, site = fresh()
    for value in ("abc", "", "-1", "99999999999999999999",
                  "18446744073709551616", "1" * 2000, "\u0661", "0x7f"):
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            reply = client.cmd(f"{FROM} SIZE={value}")
            check(reply.code in (501, 552, 555, 500),
                  f"SIZE={value[:24]}: refused", reply)
            equal(client.cmd(BEN).code, 503,
                  f"SIZE={value[:24]}: and nothing is open")


run(starttls_injection, starttls_stripped_answers, old_tls, renegotiation,
    auth_before_tls, crlf_in_parameters, header_injection, log_injection,
    slowloris, reader_of_nothing, thousands_of_rcpts, oversized, bdat_sizes,
    size_abc)
