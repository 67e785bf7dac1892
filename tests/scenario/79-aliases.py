#!/usr/bin/env python3
"""Names that stand for other addresses: taken as one, delivered each once."""

import os
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

NEVER, SUCCESS, FAILURE = 1, 2, 4  # wire/params.h
DOMAIN = "aurora.example.org"
NAMES = f"""# names of this ship
postmaster: ann
crew: ann, bob,
\tBob, "carl jones", eve@far.example,
   :include:@DIR@/more
officers: crew, ann@{DOMAIN}, dan
ann: \\ann, ann@shore.example
only: zoe@far.example
"""


def site(names=NAMES, more="dan\n\n# at home\nfay@far.example\n", **local):
    world = World()
    node = world.make_site(peer=world.peer(submission=9, odmr=9))
    write(node, "more", more)
    write(node, "aliases", names)
    node.conf["local"] = dict(
        node.conf["local"], aliases=f"{node.dir}/aliases", **local)
    return node


def write(node, name, text):
    with open(f"{node.dir}/{name}", "w", encoding="utf-8") as stream:
        stream.write(text.replace("@DIR@", node.dir))


def send(node, octets, *recipients):
    """The replies to RCPT; the message goes to those with 250."""
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<eve@far.example>")
        replies = [client.cmd(f"RCPT TO:{to}") for to in recipients]
        if any(r.code == 250 for r in replies):
            client.cmd("DATA")
            client.send(stuff(octets))
            equal(client.reply().code, 250, "the message is taken")
        return replies


def codes(replies):
    return [r.code for r in replies]


def waiting(node):
    """Who waits for a link."""
    return sorted(row["recipient"] for row in node.queue()
                  if not row["recipient"].endswith(f"@{DOMAIN}"))


def everybody():
    node = site().start()
    equal(codes(send(node, make("all"), f"<officers@{DOMAIN}>",
                     f"<DAN@{DOMAIN}>", f"<crew@{DOMAIN}>")),
          [250, 250, 250], "an alias is a recipient")
    for name in ("ann", "bob", "carl jones", "dan"):
        check(node.wait_mail(name), f"{name} has it", node.queue())
    check(wait_until(lambda: len(node.queue()) == 3), "others wait",
          node.queue())
    equal(waiting(node), ["ann@shore.example", "eve@far.example",
                          "fay@far.example"], "each other address once")
    for name in ("ann", "bob", "carl jones", "dan"):
        equal(len(node.mailbox(name)), 1, f"{name} has it once")
    equal(sorted(os.listdir(f"{node.dir}/mail/{DOMAIN}")),
          ["ann", "bob", "carl jones", "dan"], "and nobody else")
    check(b"for <" not in node.mailbox("dan")[0].split(b"\r\n\r\n")[0]
          .split(b"\n\n")[0], "the trace does not name one of many")
    equal(codes(send(node, make("pm"), "<Postmaster>")), [250],
          "postmaster without a domain")
    check(len(node.wait_mail("ann", 2)) == 2, "is ann, too", node.queue())


def known():
    """Where others are refused; and relaying stays refused."""
    node = site(users="spool").start()
    node.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")
    equal(codes(send(node, make("who"), f"<only@{DOMAIN}>",
                     f"<nobody@{DOMAIN}>", f"<only+x@{DOMAIN}>",
                     "<only@other.example>")), [250, 550, 250, 250],
          "an alias is known, others are not")
    check(wait_until(lambda: waiting(node) == ["only@other.example",
                                               "zoe@far.example"]),
          "and only at the domains here", node.queue())


def notices():
    """RFC 3461 5.2.7.2 and 5.2.7.3 (b)."""
    node = site().start()
    send(node, make("one"), f"<only@{DOMAIN}> NOTIFY=SUCCESS,FAILURE "
         f"ORCPT=rfc822;only@{DOMAIN}")
    send(node, make("many"), f"<crew@{DOMAIN}> NOTIFY=NEVER")
    node.wait_mail("bob")
    with sqlite3.connect(f"file:{node.dir}/spool/spool.db?mode=ro", uri=True) as db:
        rows = db.execute(
            "SELECT recipient, param_notify, param_orcpt <> '' FROM delivery "
            "WHERE recipient LIKE '%far.example' ORDER BY 1").fetchall()
    equal(rows, [("eve@far.example", NEVER, 0), ("fay@far.example", NEVER, 0),
                 ("zoe@far.example", SUCCESS | FAILURE, 1)],
          "what the sender wants to hear of them")


def bad_file():
    node = site().start()
    node.restart()  # with the ports it has, for reload
    write(node, "aliases", "# oh\nann: bob\nbob: carl,\n  ann\nx: |/bin/sh\n")
    done = node.cli("check")
    check(done.returncode != 0, "check refuses it", done.stdout)
    told = done.stdout + done.stderr
    check(f"{node.dir}/aliases:5: error" in told and "no program is run" in told,
          "a program, with file and line", told)
    node.reload()
    check(wait_until(lambda: "no program is run" in node.log_text()),
          "it is refused at reload, and the log says why")
    equal(codes(send(node, make("old"), f"<only@{DOMAIN}>")), [250], "taken")
    write(node, "aliases", "# oh\nann: bob\nbob: carl,\n  ann\n")
    told = node.cli("check")
    told = told.stdout + told.stderr
    check(f"{node.dir}/aliases:2: error" in told and "comes back to itself" in told,
          "a circle, with file and line", told)
    write(node, "aliases", "only: gil@far.example\n")
    node.reload()
    equal(codes(send(node, make("new"), f"<only@{DOMAIN}>")), [250], "taken")
    check(wait_until(lambda: waiting(node) == [
        "gil@far.example", "zoe@far.example"]),
          "what was read before held until a good one was there",
          node.queue())


def no_route():
    """Nothing is lost where an alias leads nowhere: the client keeps it."""
    node = site()
    node.conf["routes"] = [r for r in node.conf["routes"]
                           if r["match"] != "*"]
    node.start()
    replies = send(node, make("where"), f"<crew@{DOMAIN}>",
                   f"<dan@{DOMAIN}>")
    equal(codes(replies), [451, 250], "none of an alias, or all")
    check("no route" in str(replies[0]), "and why", replies[0])
    check(node.wait_mail("dan"), "others have it")
    check(not node.mailbox("bob"), "bob has not", node.queue())


def batch():
    """Read twice, a batch with ids is there once, and its alias whole."""
    node = site().start()
    path, rsmtp = f"{node.dir}/batch", f"{node.dir}/bin/rsmtp"
    os.mkdir(os.path.dirname(rsmtp))
    os.symlink(CLI, rsmtp)
    with open(path, "w", encoding="ascii") as stream:
        stream.write(
            f"MAIL FROM:<eve@far.example>\n"
            f"NOOP ID=x.1\nRCPT TO:<officers@{DOMAIN}>\n"
            f"NOOP ID=x.2\nRCPT TO:<gil@{DOMAIN}>\n"
            "DATA\nSubject: batch\n\nHello.\n.\nQUIT\n")
    for _ in range(2):
        done = subprocess.run(
            [rsmtp, path], capture_output=True, check=False, timeout=60,
            env=dict(os.environ, TIDEPOST_CONF=node.file))
        equal(done.returncode, 0, "the batch is read")
        for name in ("ann", "bob", "carl jones", "dan", "gil"):
            check(node.wait_mail(name), f"{name} has it", node.queue())
    check(wait_until(lambda: len(node.queue()) == 3), "three wait",
          node.queue())
    equal([len(node.mailbox(n)) for n in (
        "ann", "bob", "carl jones", "dan", "gil")], [1] * 5, "each once")


def dies(label, expected):
    node = site().start()
    node.restart({"TIDEPOST_CRASH_AT": f"{label}:1"})
    try:
        send(node, make("crash"), f"<officers@{DOMAIN}>")
    except Closed:
        pass
    check(wait_until(node.crashed, 20), f"it died at {label}")
    node.restart()
    if expected:
        for name in ("ann", "bob", "carl jones", "dan"):
            check(node.wait_mail(name), f"{label}: {name} has it",
                  node.queue())
    check(wait_until(lambda: len(node.queue()) == expected),
          f"{label}: {expected} wait", node.queue())
    equal([len(node.mailbox(n)) for n in ("ann", "bob", "carl jones", "dan")],
          [1 if expected else 0] * 4, f"{label}: all have it, or nobody")


def killed():
    """The whole alias is one transaction."""
    dies("receive-before-store", 0)
    dies("receive-stored-before-reply", 3)


if __name__ == "__main__":
    run(everybody, known, notices, bad_file, no_route, batch, killed)
