#!/usr/bin/env python3
"""One end of data, CRLF.CRLF, and nothing behind any other is a command."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

# What lax servers take for the end of a message.
ENDS = (
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n",
    b"\n.\r", b"\r.\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\r\n.\r\r\n",
    b"\r\n.\r\r\n", b"\n\r.\r\n", b"\n\n.\n\n", b"\r\n.\x0b\r\n",
)
SMUGGLED = (b"MAIL FROM:<evil@aurora.example.org>\r\n"
            b"RCPT TO:<victim@aurora.example.org>\r\n"
            b"DATA\r\nSubject: smuggled\r\n\r\nboo\r\n")


def fresh():
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9)).start()
    return world, site


def by_data():
    world, site = fresh()
    for end in ENDS:
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            client.envelope("ann@aurora.example.org",
                            ["ben@aurora.example.org"])
            client.cmd("DATA")
            client.send(b"Subject: carrier\r\n\r\ntext" + end + SMUGGLED
                        + b"\r\n.\r\n")
            reply = client.reply()
            clean = content_fault(b"x" + end) is None
            check(reply.code == (250 if clean else 554),
                  f"DATA with {end!r}: {250 if clean else 554}", reply)
            if not clean:
                check(reply.text.startswith("5.6.0"),
                      f"DATA with {end!r}: 5.6.0", reply)
            # One reply and no more: the next is that of NOOP.
            reply = client.cmd("NOOP")
            check(reply.code == 250, f"DATA with {end!r}: then in step",
                  reply)
            equal(client.quit().code, 221, f"DATA with {end!r}: and QUIT")
    time.sleep(0.5)
    equal(site.mailbox("victim"), [], "nothing was smuggled")


def by_bdat():
    world, site = fresh()
    for end in ENDS:
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            octets = b"Subject: carrier\r\n\r\ntext" + end + SMUGGLED
            reply = client.bdat("ann@aurora.example.org",
                                "ben@aurora.example.org", octets)
            clean = content_fault(octets) is None
            check(reply.code == (250 if clean else 554),
                  f"BDAT with {end!r}: {250 if clean else 554}", reply)
            equal(client.cmd("NOOP").code, 250,
                  f"BDAT with {end!r}: then in step")
    time.sleep(0.5)
    equal(site.mailbox("victim"), [], "nothing was smuggled")


def true_end_at_every_cut():
    """The true end, its octets arriving one by one."""
    world, site = fresh()
    octets = make("cut", ".\r\n..\r\n.x\r\n")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for cut in range(6):
            client.envelope("ann@aurora.example.org",
                            [f"u{cut}@aurora.example.org"])
            client.cmd("DATA")
            text = stuff(octets)
            client.send(text[:len(text) - cut])
            time.sleep(0.05)
            if cut:
                client.send(text[-cut:])
            equal(client.reply().code, 250, f"end cut {cut} octets before")
    for cut in range(6):
        equal(len(copies(site.wait_mail(f"u{cut}"), octets)), 1,
              f"unchanged, cut {cut}")


def command_lines():
    """Bare line ends do not end a command either."""
    world, site = fresh()
    for line in (b"NOOP\nNOOP\r\n", b"NOOP\rNOOP\r\n", b"NO\0OP\r\n",
                 b"MAIL FROM:<a@aurora.example.org>\nRCPT TO:<b@x>\r\n"):
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            client.send(line)
            reply = client.reply()
            check(500 <= reply.code < 600, f"{line!r} is refused", reply)
            equal(client.cmd("NOOP").code, 250, f"{line!r}: one reply only")


def behind_starttls():
    """Octets sent in clear behind STARTTLS must never count as secured."""
    world, site = fresh()
    for port in ("lan", "submission"):
        with Smtp(site.port(port), timeout=5) as client:
            client.ehlo()
            client.send(b"STARTTLS\r\nNOOP\r\nEHLO evil\r\n")
            try:
                reply = client.reply()
                if reply.code == 220:
                    check(client.is_closed(),
                          f"{port}: octets behind STARTTLS end the session")
                else:
                    check(True, f"{port}: STARTTLS with more is refused")
            except Closed:
                check(True, f"{port}: octets behind STARTTLS: closed")


def not_mail():
    world, site = fresh()
    for octets in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                   b"POST / HTTP/1.1\r\n\r\nMAIL FROM:<a@b>\r\n",
                   b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
                   b"x" * 200000, b"\r\n" * 5000, bytes(4000)):
        client = Smtp(site.port("lan"), timeout=10)
        try:
            client.send(octets)
            client.socket.shutdown(1)
            client.is_closed()
        except (Closed, OSError):
            pass
        client.close()
        check(site.is_running(), f"{octets[:12]!r}...: the daemon lives")
    equal(site.queue(), [], "and nothing was taken for mail")


run(by_data, by_bdat, true_end_at_every_cut, command_lines, behind_starttls,
    not_mail)
