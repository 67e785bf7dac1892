#!/usr/bin/env python3
"""One end of data, CRLF.CRLF, and nothing behind any other is a command."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import re
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


def mixtures():
    """What one of DATA and BDAT left behind means nothing to the other."""
    world, site = fresh()
    sender, to = "ann@aurora.example.org", "mix@aurora.example.org"
    head = b"Subject: carrier\r\n\r\n"
    # Chunks that end inside what DATA would take for the end.
    end = b"\r\n.\r\n"
    whole = head + b"text" + end + SMUGGLED.replace(b"victim", b"mix")
    for cut in range(6):
        at = len(head) + 4 + cut
        parts = (whole[:at], whole[at:])
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            client.envelope(sender, [to])
            for i, part in enumerate(parts):
                client.send(b"BDAT %d%s\r\n" % (
                    len(part), b" LAST" if i else b"") + part)
                equal(client.reply().code, 250,
                      f"a chunk cut at {cut} of an end: part {i + 1}")
            equal(client.cmd("NOOP").code, 250,
                  f"a chunk cut at {cut} of an end: then in step")
    mails = site.wait_mail("mix", 6)
    check(len(mails) == 6 and len(copies(mails, whole)) == 6,
          "six messages, the end inside is text", mails)
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        # The dot of a dropped chunk and the line end of the next DATA.
        client.envelope(sender, [to])
        client.send(b"BDAT 7\r\ntext\r\n.")
        equal(client.reply().code, 250, "a chunk that ends in CRLF.")
        client.cmd("RSET")
        client.envelope(sender, ["after@aurora.example.org"])
        client.cmd("DATA")
        client.send(b"\r\nfirst\r\n" + SMUGGLED + b".\r\n")
        equal(client.reply().code, 250, "is forgotten by the next DATA")
        equal(client.cmd("NOOP").code, 250, "which is in step")
        # The line end of a chunk and a dot at the start of DATA.
        client.envelope(sender, [to])
        client.send(b"BDAT 6\r\ntext\r\n")
        client.reply()
        client.cmd("RSET")
        client.envelope(sender, ["dotted@aurora.example.org"])
        client.cmd("DATA")
        client.send(b".\r\n")
        check(client.reply().code in (250, 554),
              "DATA begins at the start of a line")
        # DATA behind chunks is refused: what follows are commands, and
        # none of them makes a message.
        client.envelope(sender, ["ben@aurora.example.org"])
        client.send(b"BDAT 6\r\ntext\r\nDATA\r\n")
        equal([client.reply().code for _ in range(2)], [250, 503],
              "DATA behind BDAT: 503")
        # BDAT sent while DATA runs is text.
        client.cmd("RSET")
        client.envelope(sender, ["text@aurora.example.org"])
        client.cmd("DATA")
        body = b"Subject: x\r\n\r\nBDAT 6 LAST\r\n" + SMUGGLED
        client.send(body + b".\r\n")
        equal(client.reply().code, 250, "BDAT inside DATA is text")
    check(copies(site.wait_mail("text"), body), "and arrives as such")
    time.sleep(0.5)
    equal(site.mailbox("victim"), [], "nothing was smuggled")


def record_borders():
    """Under TLS each octet of an end in a record of its own."""
    world, site = fresh()
    head = b"Subject: carrier\r\n\r\ntext"
    wrong = []
    for end in (b"\r\n.\r\n",) + ENDS:
        for mask in range(2 ** (len(end) - 1)):
            pieces, piece = [], b""
            for i, octet in enumerate(end):
                piece += bytes([octet])
                if i == len(end) - 1 or mask >> i & 1:
                    pieces.append(piece)
                    piece = b""
            if end != b"\r\n.\r\n" and 0 < mask < 2 ** (len(end) - 1) - 1:
                continue  # false ends: all together and all apart
            with Smtp(site.port("lan")) as client:
                client.ehlo()
                client.starttls(world.client_tls)
                client.ehlo()
                client.envelope("ann@aurora.example.org",
                                ["record@aurora.example.org"])
                client.cmd("DATA")
                client.send(head)
                for piece in pieces:
                    client.send(piece)
                true = end == b"\r\n.\r\n"
                if not true:
                    client.send(SMUGGLED + b"\r\n.\r\n")
                clean = content_fault(b"x" + end) is None
                reply = client.reply()
                again = client.cmd("NOOP")
                if (reply.code != (250 if true or clean else 554)
                        or again.code != 250):
                    wrong.append((pieces, reply, again))
    check(not wrong, "ends over TLS record borders", wrong[:3])
    time.sleep(0.5)
    equal(site.mailbox("victim"), [], "nothing was smuggled")


def passed_on():
    """What looks like an end in a stored message is text to the next hop."""
    words = ("PIPELINING", "SIZE 50000000", "8BITMIME",
             "ENHANCEDSTATUSCODES")
    for more in ((), ("CHUNKING",), ("CHUNKING", "BINARYMIME")):
        world = World()
        peer = Peer(keywords=words + more)
        site = world.make_site(peer=world.peer(
            submission=peer.port, tls="none", user=None, password_file=None,
            collect="none", collect_port=None)).start()
        name = "to a peer with " + ("+".join(more) or "DATA alone")
        bodies = [b".\r\n", b"..\r\n.\r\n", b"a\r\n.\r\n" + SMUGGLED,
                  b"\r\n.\r\n.\r\n..\r\n.\r\nQUIT\r\n", b"." * 300
                  + b"\r\n.", b".\r\n" * 5000]
        sent = []
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            for i, body in enumerate(bodies):
                octets = make(f"stored-{i}", "").rstrip(b"\r\n") \
                    + b"\r\n\r\n" + body
                equal(client.bdat("ann@aurora.example.org",
                                  f"u{i}@far.example", octets).code, 250,
                      f"{name}: body {i} is stored")
                sent.append(octets)
            binary = []
            for i, end in enumerate(ENDS):
                octets = make(f"binary-{i}", "", headers=(
                    "MIME-Version: 1.0\r\n"
                    "Content-Transfer-Encoding: binary\r\n")) \
                    + b"text" + end + SMUGGLED
                equal(client.bdat("ann@aurora.example.org",
                                  f"b{i}@far.example", octets,
                                  " BODY=BINARYMIME").code, 250,
                      f"{name}: binary body {i} is stored")
                binary.append(octets)
        site.link_up("iridium", "30s")
        got = [m.octets for m in peer.mails]
        missing = [o for o in sent if not copies(got, o)
                   and not copies(got, o + b"\r\n")]
        check(not missing, f"{name}: each arrives unharmed", missing[:2])
        check(not any(b"evil" in v.encode() or "victim" in v
                      for v in peer.verbs),
              f"{name}: nothing of it became a command", peer.verbs[-20:])
        if "BINARYMIME" in more:
            missing = [o for o in binary if not copies(got, o)]
            check(not missing, f"{name}: so does what is binary",
                  missing[:2])
        else:
            loose = [o for o in got if re.search(
                rb"(?<!\r)\n|\r(?!\n)|\0", o)]
            check(not loose, f"{name}: binary never goes as it is",
                  loose[:2])
        check(len(got) == len({bytes(o) for o in got}) and len(got)
              <= len(sent) + len(binary), f"{name}: nothing twice",
              len(got))


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
    check(site.wait_queue_empty(), "and nothing was taken for mail")


run(by_data, by_bdat, true_end_at_every_cut, command_lines, behind_starttls,
    mixtures, record_borders, passed_on, not_mail)
