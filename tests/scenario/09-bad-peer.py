#!/usr/bin/env python3
"""A smart host that closes, stalls, babbles or lies: the mail stays."""
# limit: 300

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

STALL_S = 2

# (what the peer does, its rules, exit codes of link up --wait, attempts)
# An attempt counts once the peer answered MAIL, RCPT or data, or closed or
# stalled after MAIL (interface: "When is a link up, and what counts").
CLEAR = (
    ("closes at once", {"connect": CLOSE}, (13,), 0),
    ("resets at once", {"connect": RESET}, (13,), 0),
    ("closes after the greeting", {"EHLO": CLOSE}, (13,), 0),
    ("is silent", {"greeting": STALL}, (13,), 0),
    ("is silent after EHLO", {"EHLO": STALL}, (13,), 0),
    ("says 421", {"greeting": "421 4.3.2 closing"}, (13,), 0),
    ("says 554", {"greeting": "554 5.7.1 not you"}, (13,), 0),
    ("refuses EHLO and HELO", {"EHLO": "502 no", "HELO": "502 no"}, (13,), 0),
    ("speaks something else", {"greeting": Raw(b"SSH-2.0-OpenSSH_9\r\n")},
     (13,), 0),
    ("sends octets", {"greeting": Raw(bytes(range(256)) * 40)}, (13,), 0),
    ("greets without end", {"greeting": Raw(b"220-more\r\n", 200000)},
     (13,), 0),
    ("sends a reply line of 64 MB",
     {"greeting": Raw(b"220 " + b"x" * 65536, 1024)}, (13,), 0),
    ("mixes codes", {"EHLO": "250-one\r\n220 two"}, (13,), 0),
    # Who closes in the middle may be the peer or the link: 13 or 12.
    ("closes at MAIL", {"MAIL": CLOSE}, (13, 12), 1),
    ("resets at RCPT", {"RCPT": RESET}, (13, 12), 1),
    ("closes at DATA", {"DATA": CLOSE, "BDAT": CLOSE, "end": CLOSE},
     (13, 12), 1),
    ("is silent at MAIL", {"MAIL": STALL}, (13, 12), 1),
    ("is silent after the message", {"end": STALL}, (13, 12), 1),
    ("babbles at MAIL", {"MAIL": Raw(b"\x00\xff\r\n")}, (13,), None),
    ("says 421 at MAIL", {"MAIL": "421 4.3.2 closing"}, None, 1),
    ("answers MAIL with 354", {"MAIL": "354 what"}, None, None),
)


def clear_peer(world, peer, **conf):
    return world.peer(submission=peer.port, tls="none", user=None,
                      password_file=None, collect="none", collect_port=None,
                      **conf)


def site_with(world, entry):
    return world.make_site(peer=entry, limits={
        "stall_timeout": f"{STALL_S}s",
        "final_timeout": f"{STALL_S}s"}).start()


def send(site):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", "ben@shore.example",
                            make("steadfast"))
    if reply.code != 250:
        raise AssertionError(reply)


def memory_kb(site):
    with open(f"/proc/{site.process.pid}/status", encoding="ascii") as stream:
        for line in stream:
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    return 0


def judge(site, name, codes, attempts):
    start = time.monotonic()
    code = site.link_up("iridium", "30s")
    took = time.monotonic() - start
    if codes is None:
        check(code not in (0, 15), f"{name}: link up tells of it", code)
    else:
        check(code in codes, f"{name}: link up ends with {codes[0]}", code)
    check(took < 25, f"{name}: in good time", took)
    check(site.is_running(), f"{name}: the daemon lives")
    rows = site.queue()
    equal(len(rows), 1, f"{name}: the mail stays")
    if rows and attempts is not None:
        equal(rows[0]["attempts"], attempts, f"{name}: attempts")
    if rows:
        check(rows[0]["state"] in ("ready", "deferred"),
              f"{name}: and waits", rows[0])
    ends = [e for e in site.events() if e["event"] in
            ("exchange-end", "session-end", "peer-failed", "unreachable")]
    check(any(len(" ".join(e.values())) > 20 for e in ends),
          f"{name}: the log has a reason")


def one_in_clear(name, rules, codes, attempts):
    world = World()
    peer = Peer(rules=rules, auth=False)
    site = site_with(world, clear_peer(world, peer))
    send(site)
    judge(site, name, codes, attempts)
    if "64 MB" in name or "without end" in name:
        check(memory_kb(site) < 100000,
              f"{name}: memory stays bounded", memory_kb(site))
    # The same peer in a better mood.
    peer.rules.clear()
    site.link_down("iridium")
    time.sleep(1.1)
    equal(site.link_up("iridium", "30s"), 0, f"{name}: later it goes")
    check(len(peer.mails) >= 1, f"{name}: and arrives")


def in_clear():
    for row in CLEAR:
        run_part(one_in_clear, *row)


def tls_peers():
    world = World()
    other = server_context(*world.ca.issue("other", "other.example"))
    right = server_context(*world.ca.issue("right", "mail.shore.example"))
    late = server_context(*world.ca.issue(
        "late", "mail.shore.example",
        span=["-startdate", "20000101000000Z", "-enddate", "20200101000000Z"]))
    stranger = Authority(f"{world.dir}/stranger")
    unknown = server_context(*stranger.issue("x", "mail.shore.example"))
    cases = (
        ("no STARTTLS where it is required", None, {}, 14),
        ("STARTTLS refused", right, {"STARTTLS": "454 4.7.0 not now"}, 14),
        ("a certificate for another name", other, {}, 14),
        ("a certificate that has run out", late, {}, 14),
        ("a certificate of an unknown CA", unknown, {}, 14),
        ("octets behind STARTTLS", right,
         {"STARTTLS": "220 go\r\n250 injected"}, 14),
        ("garbage in the handshake", right,
         {"tls": Raw(b"\x15\x03\x01 no such thing", close=True)}, 14),
        ("AUTH refused", right, {"AUTH": "535 5.7.8 no"}, 14),
        ("AUTH not now", right, {"AUTH": "454 4.7.0 later"}, 14),
    )
    for name, context, rules, code in cases:
        peer = Peer(rules=rules, context=context)
        site = world.make_site(
            name="s" + str(peer.port), limits={"stall_timeout":
                                               f"{STALL_S}s"},
            peer=world.peer(submission=peer.port, collect="none",
                            collect_port=None)).start()
        send(site)
        judge(site, name, (code,) if code else (13, 14), 0)
        equal(peer.mails, [], f"{name}: nothing was sent")
        if "AUTH" not in name:
            check(not any(v.startswith("AUTH") for v in peer.verbs),
                  f"{name}: and no password", peer.verbs)
        site.stop()


def no_auth_offered():
    world = World()
    right = server_context(*world.ca.issue("right", "mail.shore.example"))
    peer = Peer(context=right, auth=False)
    site = world.make_site(peer=world.peer(
        submission=peer.port, collect="none", collect_port=None)).start()
    send(site)
    judge(site, "no AUTH offered", (14,), 0)


def silent_handshake():
    """Only time ends it: here a person's patience."""
    world = World()
    right = server_context(*world.ca.issue("right", "mail.shore.example"))
    peer = Peer(rules={"tls": STALL}, context=right)
    site = world.make_site(peer=world.peer(
        submission=peer.port, collect="none", collect_port=None)).start()
    send(site)
    equal(site.link_up("iridium", "3s"), 15, "silence in the handshake: 15")
    site.link_down("iridium")
    row = site.queue()[0]
    equal((row["state"], row["attempts"]), ("ready", 0),
          "silence in the handshake: the mail stays")


def too_large_for_the_peer():
    world = World()
    peer = Peer(auth=False, keywords=("SIZE 1000", "8BITMIME"))
    site = site_with(world, clear_peer(world, peer))
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example",
                    make("large", "line of text\r\n" * 200))
    site.link_up("iridium", "20s")
    time.sleep(0.5)
    check(not any(v.startswith(("DATA", "BDAT")) for v in peer.verbs),
          "a message above the peer's SIZE never starts", peer.verbs)


run(in_clear, tls_peers, no_auth_offered, silent_handshake, too_large_for_the_peer)
