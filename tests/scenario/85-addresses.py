#!/usr/bin/env python3
# limit: 400
"""Addresses with quotes, blanks, UTF-8 and all their octets, by every way: what
goes in comes out, and nothing that is written in one is ever obeyed."""

import email
import email.policy
import glob
import json
import os
import quopri
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from life import *
from peer import KEYWORDS

HERE = "aurora.example.org"
# 254 octets, the most that a path of 256 has (RFC 5321 4.5.3.1.3).
LONG = ".".join(["d" * 62, "d" * 62, "d" * 63])
MOST = "m" * (254 - 1 - len(LONG))
# As RCPT gives it, and the name of the mailbox.
ODD = {
    '"ben kay"': "ben kay",
    '"a\\"b"': 'a"b',
    '"a\\\\b"': "a\\b",
    "o'neil": "o'neil",
    "-froot": "-froot",
    '"-oQ x"': "-oq x",
    '"a>b"': "a>b",
    '"a;b|c$(d)`e`"': "a;b|c$(d)`e`",
    "jörg": "jörg",
}
# To be led on from here by what stands in it; only others do that.
PATHS = ('"a@b"', "x!y%z")
CLIMB = '"../../climbed"'


def subject(i):
    return f"odd {i}"


def hand_in(life, i, to, sender=ANN, rcpt="", mail="", site=None):
    utf8 = "" if (to + sender).isascii() else " SMTPUTF8"
    return life.hand_in(to, sender, make(subject(i)), mail + utf8, rcpt,
                        site=site)


def hand_in_all(life, domain=HERE):
    return [hand_in(life, i, f"{local}@{domain}")
            for i, local in enumerate(ODD)]


def at_home(deliver, domain=HERE, **conf):
    life = Life(start=False, queue={"retry": ["1h"]}, **conf)
    life.site.conf["local"] = {
        "domains": [HERE, LONG],
        "deliver": deliver.replace("@", life.world.dir)}
    life.site.start()
    return life


def of_subject(mails, i):
    return [m for m in mails if f"Subject: {subject(i)}\r\n".encode() in
            crlf(m)]


def to_the_next_host():
    peer = Peer(auth=False, keywords=KEYWORDS + ("SMTPUTF8", "DSN"))
    life = Life(peer)
    hand_in_all(life, "shore.example")
    for local in PATHS:
        hand_in(life, 98, f"{local}@shore.example")
    long = hand_in(life, 99, f"{MOST}@{LONG}", f"{MOST}@{LONG}")
    life.site.link_up("iridium", "30s")
    check(life.site.wait_queue_empty(), "all go", life.site.queue())
    said = [v.split(" NOTIFY")[0] for v in peer.verbs if v.startswith("RCPT")]
    equal(sorted(said), sorted(
        [f"RCPT TO:<{local}@shore.example>" for local in (*ODD, *PATHS)]
        + [f"RCPT TO:<{MOST}@{LONG}>"]), "each as it was given")
    check(any(f"FROM:<{MOST}@{LONG}>" in v for v in peer.verbs),
          "a sender of 254 octets, too")
    with Smtp(life.site.port("lan")) as client:
        client.ehlo()
        client.cmd(f"MAIL FROM:<{ANN}>")
        for bad in ('"ben', 'ben kay@shore.example', '"a\x01b"@shore.example',
                    f"m{MOST}@{LONG}", "a@b@c.example", '"a"b@shore.example',
                    "jörg@shore.example", "@shore.example", "ben@-.example",
                    *(f"{local}@{HERE}" for local in PATHS)):
            reply = client.cmd(f"RCPT TO:<{bad}>")
            check(500 <= reply.code < 560 and reply.text.startswith("5."),
                  f"{bad[:20]!r} is refused with a status", reply)
    life.logged(long, "delivered")


def to_maildirs():
    life = at_home("maildir:@/box/{domain}/{user}")
    hand_in_all(life)
    hand_in(life, 99, f"{MOST}@{LONG}")
    check(life.site.wait_queue_empty(), "all are delivered",
          life.site.queue())
    for i, name in enumerate(ODD.values()):
        equal(len(of_subject(maildir(f"{life.world.dir}/box/{HERE}/{name}"),
                             i)), 1, f"{name}: in its mailbox")
    equal(len(maildir(f"{life.world.dir}/box/{LONG}/{MOST}")), 1,
          "254 octets: in its mailbox")
    climb(life)


def climb(life):
    """Names of folders in a name lead nowhere else: there is no such box."""
    with Smtp(life.site.port("lan")) as client:
        client.ehlo()
        client.cmd(f"MAIL FROM:<{ANN}>")
        for local in (CLIMB, '".."', '"a/b"', '"."'):
            reply = client.cmd(f"RCPT TO:<{local}@{HERE}>")
            equal((reply.code, reply.text[:5]), (550, "5.1.1"),
                  f"{local} is refused at once")


def to_mboxes():
    life = at_home("mbox:@/box/{user}")
    os.mkdir(f"{life.world.dir}/box")
    hand_in_all(life)
    check(life.site.wait_queue_empty(), "all are delivered",
          life.site.queue())
    for i, name in enumerate(ODD.values()):
        with open(f"{life.world.dir}/box/{name}", "rb") as stream:
            text = stream.read()
        check(f"Subject: {subject(i)}\n".encode() in text
              and text.startswith(b"From ann@aurora.example.org "),
              f"{name}: in its file", text[:200])
    climb(life)


PROGRAM = """#!/bin/sh
(printf '%s\\0' "$RECIPIENT" "$USER" "$@"; cat) >"{dir}/got.$$.part"
mv "{dir}/got.$$.part" "{dir}/got.$$"
"""


def to_programs():
    life = Life(start=False, queue={"retry": ["1h"]})
    path = f"{life.world.dir}/program"
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(PROGRAM.format(dir=life.world.dir))
    os.chmod(path, 0o755)
    life.site.conf["local"] = {
        "domains": [HERE, LONG],
        "deliver": f"pipe:{path} -d {{user}} {{recipient}}"}
    life.site.start()
    hand_in_all(life)
    hand_in(life, 99, f"{MOST}@{LONG}")
    check(life.site.wait_queue_empty(60), "all are delivered",
          life.site.queue())
    got = {}
    for name in glob.glob(f"{life.world.dir}/got.*"):
        with open(name, "rb") as stream:
            words = stream.read().split(b"\0")
        got[words[0].decode()] = ([w.decode() for w in words[1:5]],
                                  words[5])
    options = [local for local, name in ODD.items() if name[0] == "-"]
    equal(sorted(got), sorted(
        [f"{local}@{HERE}" for local in ODD if local not in options]
        + [f"{MOST}@{LONG}", ANN]), "each has its own")
    for local, name in ODD.items():
        if local not in options:
            words = got.get(f"{local}@{HERE}", ([], b""))[0]
            equal(words, [name, "-d", name, f"{local}@{HERE}"],
                  f"{name}: one word, as it is")
    text = got[ANN][1]
    check(b"Reason: an address" in text and b"Status: 5.1.1" in text,
          "what would be an option is returned", text)


def to_lmtp():
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    server = __import__("74-lmtp-out").Server
    life = Life(start=False, queue={"retry": ["1h"]})
    path = f"{life.world.dir}/lmtp"
    lmtp = server(path)
    life.site.conf["local"] = {"domains": [HERE, LONG],
                               "deliver": f"lmtp:unix:{path}"}
    life.site.start()
    hand_in_all(life)
    hand_in(life, 99, f"{MOST}@{LONG}")
    check(life.site.wait_queue_empty(), "all are delivered",
          life.site.queue())
    equal(sorted(line.split(">")[0] if '"a>b"' not in line else "RCPT TO:<"
                 f'"a>b"@{HERE}' for line in lmtp.lines
                 if line.startswith("RCPT")),
          sorted([f"RCPT TO:<{local}@{HERE}" for local in ODD]
                 + [f"RCPT TO:<{MOST}@{LONG}"]), "each as it was given")


def by_batch():
    """Out into a file, and in again on the other side."""
    life = Life(start=False)
    stick = f"{life.world.dir}/stick"
    os.mkdir(stick)
    life.site.conf["routes"] = [{"match": "*", "folder": stick}]
    life.site.start()
    shore = life.world.make_shore(local={
        "domains": ["shore.example", LONG],
        "deliver": f"maildir:{life.world.dir}/box/{{domain}}/{{user}}"})
    shore.start()
    hand_in_all(life, "shore.example")
    hand_in(life, 99, f"{MOST}@{LONG}")
    check(life.site.wait_queue_empty(60), "all go", life.site.queue())
    os.symlink(CLI, f"{life.world.dir}/rsmtp")
    for name in glob.glob(f"{stick}/*"):
        done = subprocess.run(
            [f"{life.world.dir}/rsmtp", name], capture_output=True, timeout=60,
            check=False, env=dict(os.environ, TIDEPOST_CONF=shore.file))
        equal(done.returncode, 0, "a batch is read")
    check(shore.wait_queue_empty(), "all are delivered", shore.queue())
    for i, name in enumerate(ODD.values()):
        equal(len(of_subject(maildir(
            f"{life.world.dir}/box/shore.example/{name}"), i)), 1,
            f"{name}: in its mailbox")
    equal(len(maildir(f"{life.world.dir}/box/{LONG}/{MOST}")), 1,
          "254 octets: in its mailbox")


def by_alias():
    """Names on the left, and addresses on the right."""
    peer = Peer(auth=False, keywords=KEYWORDS + ("SMTPUTF8",))
    life = Life(peer, start=False)
    names = f"{life.site.dir}/aliases"
    with open(names, "w", encoding="utf-8") as stream:
        stream.write('"ben kay": "far away"@shore.example\n'
                     "jörg: ben\n"
                     'o\'neil: "a\\"b"@shore.example, '
                     f"{MOST}@{LONG}\n")
    life.site.conf["local"]["aliases"] = names
    life.site.start()
    for i, local in enumerate(('"ben kay"', "jörg", "o'neil")):
        hand_in(life, i, f"{local}@{HERE}")
    life.site.link_up("iridium", "20s")
    check(life.site.wait_queue_empty(), "all go", life.site.queue())
    equal(len(life.site.mailbox("ben")), 1, "a UTF-8 name leads on")
    equal(sorted(v for v in peer.verbs if v.startswith("RCPT")), sorted(
        f"RCPT TO:<{a}>" for a in ('"far away"@shore.example',
                                   '"a\\"b"@shore.example',
                                   f"{MOST}@{LONG}")), "as they stand there")


def read_notice(octets, name):
    """The parsed notice, and its part for programs as it is."""
    notice = email.message_from_bytes(octets, policy=email.policy.default)
    equal([d for p in notice.walk() for d in p.defects], [],
          f"{name}: it can be read")
    part = crlf(octets).split(b"delivery-status\r\n", 1)[1] \
        .split(b"\r\n--=_")[0]
    if part.startswith(b"Content-Transfer-Encoding: quoted-printable"):
        part = quopri.decodestring(part)
    return notice, part.decode().replace("\r", "")


def in_notices():
    """To an odd sender, about an odd recipient, with all that it asked."""
    peer = Peer(auth=False, keywords=KEYWORDS + ("SMTPUTF8",),
                rules={"RCPT": "550 5.1.1 nobody"})
    life = at_home("maildir:@/box/{domain}/{user}")
    life.site.stop()
    life.site.conf["peers"][0]["port"] = peer.port
    life.site.start()
    for i, (local, name) in enumerate(ODD.items()):
        to = f"{local}@shore.example"
        utf8 = not to.isascii()
        orcpt = "utf-8;j\\x{F6}rg@shore.example" if utf8 else "rfc822;" + \
            re.sub(r'[+= \\"]', lambda m: f"+{ord(m[0]):02X}", to)
        hand_in(life, i, to, f"{local}@{HERE}", f" ORCPT={orcpt}",
                " ENVID=" + "e" * 90 + "+2B")
    long = f"{MOST}@" + LONG.replace("d", "e")
    hand_in(life, 99, long, f"m@{LONG}", " ORCPT=rfc822;" + "o" * 240
            + "@shore.example", "")
    life.site.must("link", "up", "iridium")
    check(life.site.wait_queue_empty(60), "all are told", life.site.queue())
    for local, name in ODD.items():
        found = maildir(f"{life.world.dir}/box/{HERE}/{name}")
        equal(len(found), 1, f"{name}: a notice")
        if not found:
            continue
        notice, status = read_notice(found[0], name)
        kind = "rfc822" if local.isascii() else "utf-8"
        check(f"Final-Recipient: {kind}; {local}@shore.example\n" in status,
              f"{name}: whom it is about", status)
        check(f"Original-Recipient: {kind}; {local}@shore.example\n" in
              status, f"{name}: as its sender named it", status)
        check(f"Original-Envelope-Id: {'e' * 90}+\n" in status,
              f"{name}: its name for the envelope", status)
        text = list(notice.iter_parts())[0].get_content()
        check(f"  {local}@shore.example\n" in text.replace("\r", ""),
              f"{name}: and in words", text)
        check(f"To: <{local}@{HERE}>\n".encode() in
              found[0].replace(b"\r", b""), f"{name}: to it", found[0][:300])
    found = maildir(f"{life.world.dir}/box/{LONG}/m")
    equal(len(found), 1, "254 octets: a notice")
    _, status = read_notice(found[0], "254 octets")
    check(f"Final-Recipient: rfc822; {long}\n" in status
          and f"rfc822; {'o' * 240}@shore.example\n" in status,
          "254 octets: whole", status)


def to_faces():
    """The command line shows and finds them, and JSON is whole."""
    life = Life()
    numbers = hand_in_all(life, "shore.example")
    rows = {r["message"]: r["recipient"] for r in life.site.queue()}
    for number, local in zip(numbers, ODD):
        to = f"{local}@shore.example"
        equal(rows[number], to, f"{local}: in the JSON")
        found = life.site.queue("--to", re.sub(r"[\\*?\[]", "?", to))
        check(number in [r["message"] for r in found] and len(found) < 3,
              f"{local}: found by --to", found)
        events = life.site.must("log", "--message", number, "--json")
        check([json.loads(line) for line in events.split("\n") if line],
              f"{local}: in the log")


if __name__ == "__main__":
    run(to_the_next_host, to_maildirs, to_mboxes, to_programs, to_lmtp,
        by_batch, by_alias, in_notices, to_faces)
