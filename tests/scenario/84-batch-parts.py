#!/usr/bin/env python3
"""Batches that are mail themselves (RFC 2442), out and in; rmail b-smtp."""

import base64
import gzip
import os
import quopri
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from gateways import BATCH, FAR, HERE, Pair, subjects

HUB = f"batch@{FAR}"
SENDER = f"postmaster@{HERE}"
SECRET = "sixteen characters and more"


class Mailed(Pair):
    """The site mails its batches to shore, which takes them apart."""

    def __init__(self, start=True, secret=SECRET, **route):
        super().__init__(start=False, mailto=HUB, **route)
        self.secret = secret_file(self.world.dir, "seal", SECRET)
        self.site.conf["links"] = None
        self.site.conf["routes"].insert(
            0, {"match": HUB, "peers": ["shore"]})
        self.route = self.site.conf["routes"][1]
        self.batches = {"address": HUB, "senders": [SENDER]}
        self.shore.conf["batches"] = self.batches
        if secret:
            self.route["seal_file"] = self.secret
            self.batches["seal_file"] = self.secret
        if start:
            self.start()

    def start(self):
        self.shore.start()
        self.site.conf["peers"][0]["port"] = self.shore.port("smtp")
        self.site.start()

    def deliver(self, octets, sender=SENDER, to=HUB):
        """A message at shore's door."""
        with Smtp(self.shore.port("smtp")) as client:
            client.ehlo()
            return client.mail(sender, to, octets)

    def held(self):
        check(wait_until(lambda: [r for r in self.shore.queue()
                                  if r["state"] == "held"]), "it is held")
        return self.shore.queue()[0]


def carrier(batch, how="7bit", kind="application/batch-SMTP", more=""):
    """BATCH, octets, as a message of somebody else's."""
    if how == "base64":
        batch = base64.encodebytes(batch).replace(b"\n", b"\r\n")
    if how == "quoted-printable":
        batch = quopri.encodestring(batch.replace(b"\r\n", b"\n")).replace(
            b"\n", b"\r\n")
    return (f"From: <{SENDER}>\r\nTo: <{HUB}>\r\nContent-Type: {kind}{more}"
            f"\r\nContent-Transfer-Encoding: {how}\r\n\r\n").encode() + batch


def crlf_batch(*names):
    return crlf(("".join(BATCH.format(n) for n in names) +
                 "QUIT\n").encode())


def there_and_apart():
    """Each kind of batch; the messages arrive as if nothing had been."""
    for compress in ("none", "gzip", "zstd"):
        p = Mailed(compress=compress)
        texts = {"plain": make("plain"),
                 "eight": make("eight", body="grüße\r\n..dots\r\n.\r\n"),
                 "urgent": make("urgent", headers="MT-Priority: 4\r\n")}
        for text in texts.values():
            with Smtp(p.site.port("lan")) as client:
                client.ehlo()
                equal(client.mail(f"ann@{HERE}", [f"ben@{FAR}"], text).code,
                      250, f"{compress}: accepted")
        mails = p.shore.wait_mail("ben", 3)
        for name, text in texts.items():
            check(any(copies([mail], text) for mail in mails),
                  f"{compress}: {name} arrives unchanged", mails)
        check(p.site.wait_queue_empty(), f"{compress}: the site has no more")
        check(p.shore.wait_queue_empty(), f"{compress}: nor has shore")
        equal(len(p.shore.mailbox("ben")), 3, f"{compress}: each once")
        check(f"Return-Path: <ann@{HERE}>".encode() in mails[0],
              f"{compress}: from who wrote it")
        taken = p.shore.events("batch-taken")
        equal(sum(int(e["taken"]) for e in taken), 3,
              f"{compress}: the log tells of them")
        sent = p.site.events("batch-sent")
        equal(len(sent), len(taken), f"{compress}: on both sides")


def what_a_carrier_looks_like():
    p = Mailed(start=False)
    p.shore.conf["batches"] = None  # an ordinary mailbox
    p.start()
    with Smtp(p.site.port("lan")) as client:
        client.ehlo()
        client.mail(f"ann@{HERE}", [f"ben@{FAR}"],
                    make("see", body="å\r\n"), " MT-PRIORITY=3")
    mail = p.shore.wait_mail("batch")[0].replace(b"\r\n", b"\n").decode()
    check("\nContent-Type: application/batch-SMTP;\n"
          "\trequired-extensions=\"8bitMIME,SIZE,NOTARY,MT-PRIORITY\"\n"
          in mail, "the type, and the extensions it uses", mail)
    check("\nContent-Transfer-Encoding: 8bit\n" in mail,
          "nothing is encoded where that is not needed", mail)
    check(re.search(r"\nTidepost-Seal: [0-9a-f]{64}\n", mail), "the seal",
          mail)
    check("\nAuto-Submitted: auto-generated\n" in mail, "RFC 3834", mail)
    check(f"Return-Path: <{SENDER}>\n" in mail, "its sender", mail)
    check(mail.endswith("\n\nå\n.\nQUIT\n"), "and the batch", mail)


def sizes():
    """batch_size closes a batch; what is larger goes alone."""
    p = Mailed(start=False, batch_size="4K")
    p.route["folder"] = f"{p.world.dir}/none"
    del p.route["mailto"], p.route["seal_file"]
    p.start()
    for i in range(4):
        with Smtp(p.site.port("lan")) as client:
            client.ehlo()
            client.mail(f"ann@{HERE}", [f"ben@{FAR}"], make(
                f"m{i}", body=("x" * 70 + "\r\n") * (200 if i == 2 else 20)))
    equal(len(p.site.queue()), 4, "four wait")
    p.site.stop()
    del p.route["folder"]
    p.route.update(mailto=HUB, seal_file=p.secret)
    p.site.start()
    equal(len(p.shore.wait_mail("ben", 4)), 4, "all arrive")
    counts = sorted(int(e["messages"]) for e in p.site.events("batch-sent"))
    equal(counts, [1, 1, 2], "two in one, one that was left, the large alone")


def who_may():
    p = Mailed()
    sealed = carrier(crlf_batch("forged"))
    reply = p.deliver(sealed, sender="eve@else.example")
    equal((reply.code, reply.text[:5]), (550, "5.7.1"),
          "from nobody else, at RCPT already")
    equal(p.deliver(sealed).code, 250, "from its sender, as anybody may say")
    row = p.held()
    check("it has no seal" in row["reason"], "without a seal it is held",
          row["reason"])
    equal(row["route"], "batch:in", "on a route of its own")
    p.shore.must("queue", "delete", "--all", "--yes")
    equal(p.deliver(b"Tidepost-Seal: " + b"0" * 64 + b"\r\n" + sealed).code,
          250, "with another's seal")
    check("its seal is not" in p.held()["reason"], "likewise",
          p.shore.queue())
    equal(len(p.shore.events("batch-held")), 2, "and the log says so")
    equal(p.shore.mailbox("ben"), [], "nothing of them was taken")
    # a person may take it all the same
    id = str(p.shore.queue()[0]["message"])
    path = f"{p.world.dir}/saved"
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(p.shore.must("queue", "show", id, "--headers") +
                     p.shore.must("queue", "show", id, "--body"))
    done = p.rsmtp(path)
    equal(done.returncode, 0, "but for a person, who reads it with rsmtp",)
    equal(subjects(p.shore.wait_mail("ben")), ["forged"], "and gets it")


def vouched_for():
    """Without a secret: who logged in is who it says."""
    p = Mailed(start=False, secret=None)
    p.shore.conf["listeners"].append(
        listener("submission", "submission", "required"))
    p.start()
    p.shore.must("user", "add", "aurora", "--sender", SENDER,
                 "--password-stdin", text=PASSWORD + "\n")
    equal(p.deliver(carrier(crlf_batch("nobody"))).code, 250,
          "a sender that could be anybody")
    check("nobody vouches" in p.held()["reason"], "is not believed",
          p.shore.queue())
    p.shore.must("queue", "delete", "--all", "--yes")
    p.site.conf["peers"][0].update(
        port=p.shore.port("submission"), tls="required", user="aurora",
        tls_name="mail.shore.example",
        password_file=secret_file(p.world.dir, "login", PASSWORD))
    p.site.restart()
    p.send("vouched")
    equal(subjects(p.shore.wait_mail("ben")), ["vouched"],
          "who has logged in is")


def no_relay():
    """What is in a batch may go no further than its bringer may send."""
    p = Mailed(start=False)
    p.shore.conf["routes"].append({"match": "far.example",
                                   "peers": ["back"]})
    p.site.conf["routes"][1]["match"] = "*"
    p.start()
    p.send("home", f"ben@{FAR}", "zoe@far.example")
    equal(subjects(p.shore.wait_mail("ben")), ["home"], "what stays is taken")
    check(wait_until(lambda: [r for r in p.shore.queue()
                              if r["recipient"] == f"ann@{HERE}"]),
          "its sender is told of the other recipient")
    check(not [r for r in p.shore.queue() if "zoe" in r["recipient"]],
          "who gets nothing", p.shore.queue())
    p.batches["relay"] = True
    p.shore.restart()
    p.send("on", "zoe@far.example")
    check(wait_until(lambda: [r for r in p.shore.queue()
                              if "zoe" in r["recipient"]]),
          "with batches.relay it goes on")


def refused_at_the_hub():
    """A batch that nobody takes is no loss: it is held where it was made."""
    p = Mailed(start=False)
    p.batches["senders"] = ["somebody@else.example"]
    p.start()
    p.send("held")
    check(wait_until(lambda: [r["state"] for r in p.site.queue()] ==
                     ["held"]), "held", p.site.queue())
    check("5.7.1" in p.site.queue()[0]["reason"], "with the hub's words",
          p.site.queue())
    p.batches["senders"] = [SENDER]
    p.shore.restart()
    p.site.must("queue", "release", "--all", "--yes")
    equal(subjects(p.shore.wait_mail("ben")), ["held"],
          "and goes when it is taken")


def twice():
    """The same batch by another message: nothing comes twice."""
    p = Mailed(start=False, secret=None)
    p.shore.conf["relay"] = {"networks": ["127.0.0.0/8"]}
    p.shore.conf["batches"]["senders"] = [f"postmaster@{FAR}"]
    p.start()
    ids = crlf(b"MAIL FROM:<ann@far.example>\nNOOP ID=n.1\n"
               b"RCPT TO:<ben@shore.example>\nDATA\nSubject: a\n\na\n.\nQUIT\n")
    for batch, other, count in ((crlf_batch("x", "y"), b"", 2),
                                (ids, b"NOOP %d\r\n", 1)):
        before = len(p.shore.mailbox("ben"))
        for i in range(3):
            front = other % i if other else b""  # by ids: whatever it is in
            equal(p.deliver(carrier(front + batch),
                            f"postmaster@{FAR}").code, 250,
                  "taken at the door")
        p.shore.wait_mail("ben", before + count)
        check(p.shore.wait_queue_empty(), "all three are done")
        equal(len(p.shore.mailbox("ben")) - before, count,
              "but what is in it came once")
    known = [int(e["known"]) for e in p.shore.events("batch-taken")]
    equal(known, [0, 2, 2, 0, 1, 1], "the log says already here")


def not_a_batch():
    p = Mailed(start=False, secret=None)
    p.shore.conf["batches"]["senders"] = [f"postmaster@{FAR}"]
    p.shore.conf["limits"]["batch_size"] = "1M"
    p.start()
    zeros = gzip.compress(crlf_batch("bomb").replace(
        b"\r\n.\r\n", b"\r\n" + b"0123456789\r\n" * 200000 + b".\r\n"))
    for what, octets, words in (
            ("text", make("text"), "no batch in this message"),
            ("an unknown extension", carrier(
                crlf_batch("a"), more="; required-extensions=\"X-NEW\""),
             "X-NEW"),
            ("a cut batch", carrier(crlf_batch("a")[:-14]), "cut"),
            ("a command that does not belong", carrier(
                b"AUTH PLAIN x\r\n"), "AUTH"),
            ("a bomb", carrier(
                zeros, "base64", "application/gzip; name=x.bsmtp.gz"),
             "batch_size"),
            ("rubbish in gzip", carrier(
                zeros[:40] + b"x" * 40, "base64",
                "application/gzip; name=x.bsmtp.gz"), "compressed data"),
            ("a batch with a bad address", carrier(
                crlf_batch("a").replace(b"ben@", b"ben@@")), "line 2")):
        equal(p.deliver(octets, f"postmaster@{FAR}").code, 250,
              f"{what}: taken at the door")
        row = p.held()
        check(words in row["reason"], f"{what}: it says why", row["reason"])
        p.shore.must("queue", "delete", "--all", "--yes")
        check(p.shore.wait_queue_empty(), f"{what}: away")
    equal(p.shore.mailbox("ben"), [], "nothing of it is mail")
    equal(p.shore.crashed(), 0, "the daemon lives")


def killed_at_each_step():
    """Nothing lost, nothing doubled, whichever end is killed."""
    for which, label in (("site", "gateway-claimed"),
                         ("site", "gateway-before-commit"),
                         ("shore", "unpack-before-commit"),
                         ("shore", "receive-stored-before-reply:2"),
                         ("shore", "receive-before-store:2")):
        p = Mailed(start=False)
        env = {"TIDEPOST_CRASH_AT": label}
        p.shore.start(env=env if which == "shore" else None)
        p.site.conf["peers"][0]["port"] = p.shore.port("smtp")
        p.site.start(env=env if which == "site" else None)
        node = getattr(p, which)
        try:
            p.send("kill")
        except Closed:
            pass  # it was stored, and killed before it could say so
        check(node.wait_exit() == -9, f"{label}: killed")
        node._ended = True
        node.start()
        p.shore.wait_mail("ben")
        check(p.site.wait_queue_empty(), f"{label}: the site is done")
        check(p.shore.wait_queue_empty(), f"{label}: shore is done")
        equal(subjects(p.shore.mailbox("ben")), ["kill"],
              f"{label}: it arrives once")


def read_by_a_person():
    """rsmtp reads a message that was saved, in each of its forms."""
    p = Pair(command="true")
    part = carrier(crlf_batch("part"), "quoted-printable")
    mixed = (b"Subject: with text\r\nContent-Type: multipart/mixed; "
             b"boundary=\"=-x\"\r\n\r\n--=-x\r\n\r\nhere it is\r\n--=-x\r\n"
             + part + b"\r\n--=-x--\r\n")
    returned = (b"From: MAILER-DAEMON\r\nContent-Type: multipart/report; "
                b"boundary=r\r\n\r\n--r\r\n\r\nsorry\r\n--r\r\n"
                b"Content-Type: message/rfc822\r\n\r\n"
                + carrier(crlf_batch("returned"), "base64") + b"--r--\r\n")
    forms = {"plain": carrier(crlf_batch("plain")), "part": mixed,
             "returned": returned,
             "lf": carrier(crlf_batch("lf")).replace(b"\r\n", b"\n"),
             "mbox": b"From x Mon Mar  2 06:00:00 2026\n" + carrier(
                 crlf_batch("mbox"), "base64").replace(b"\r\n", b"\n"),
             "gzipped": gzip.compress(carrier(gzip.compress(
                 crlf_batch("gzipped")), "base64",
                 "application/gzip; name=\"a.bsmtp.gz\""))}
    for name, octets in forms.items():
        path = f"{p.world.dir}/{name}"
        with open(path, "wb") as stream:
            stream.write(octets)
        for taken in (1, 0):
            done = p.rsmtp(path)
            equal(done.returncode, 0, f"{name}: exit 0")
            check(f"{taken} message".encode() in done.stdout,
                  f"{name}: {taken} is new", done.stdout + done.stderr)
    equal(p.rsmtp(data=forms["part"].replace(
        b": part", b": stdin")).returncode,
          0, "on standard input, too")
    equal(subjects(p.shore.wait_mail("ben", 7)), sorted([*forms, "stdin"]),
          "all arrive once")
    for what, octets, words in (
            ("no batch", make("x"), b"no batch in this message"),
            ("an extension", carrier(b"", more="; required-extensions=A"),
             b"the extension A")):
        path = f"{p.world.dir}/bad"
        with open(path, "wb") as stream:
            stream.write(octets)
        done = p.rsmtp(path)
        equal(done.returncode, 65, f"{what}: 65")
        check(words in done.stderr, f"{what}: says so", done.stderr)


def cut_at_every_octet():
    """What is whole is taken once; what is not leaves nothing behind."""
    p = Pair(command="true")
    batch = crlf(b"EHLO a\nMAIL FROM:<ann@far.example>\nNOOP ID=c.1\n"
                 b"RCPT TO:<ben@shore.example>\nDATA\nSubject: one\n\n"
                 b"..\n..x\n.\nMAIL FROM:<>\nNOOP ID=c.2\n"
                 b"RCPT TO:<ben@shore.example>\nDATA\nSubject: two\n\n2\n.\n"
                 b"QUIT\n")
    # the CR of ".\r\n" is enough: a line of a message has none inside
    ends = [batch.index(b"\r\n.\r\n" + b) + 4 for b in (b"MAIL", b"QUIT")]
    path = f"{p.world.dir}/cut"
    for n in range(len(batch)):
        with open(path, "wb") as stream:
            stream.write(batch[:n])
        done = p.rsmtp(path)
        whole = sum(n >= end for end in ends)
        there = len(p.shore.wait_mail("ben", whole))
        if there != whole or done.returncode not in (0, 65):
            check(False, f"cut at octet {n}", done.stdout + done.stderr)
    p.shore.wait_queue_empty()
    mails = [mail.replace(b"\r", b"") for mail in p.shore.mailbox("ben")]
    check(mails and mails[0].endswith(b"\n\n.\n.x\n"), "whole", mails)
    equal(subjects(p.shore.mailbox("ben")), ["one", "two"],
          f"cut at each of {len(batch)} octets: each message once")


def rmail_to_b_smtp():
    """The example of RFC 976 2.3."""
    p = Pair(command="true")
    data = ("From foo!bar Sun Jan 12 23:59:00 1986 remote from seismo\n"
            "Date: Tue, 18 Feb 86 13:07:36 EST\nTo: b-smtp\n\n" + "".join(
                f"#{line}\n" for line in (
                    "HELO seismo.example\n" + BATCH.format("hash") + "QUIT"
                ).split("\n"))).encode()
    equal(p.run(p.shore, "rmail", "b-smtp", data=data).returncode, 0,
          "it is taken")
    mail = p.shore.wait_mail("ben")
    equal(subjects(mail), ["hash"], "the message in it arrives")
    check(b"Return-Path: <ann@far.example>" in mail[0], "by its envelope")
    done = p.run(p.shore, "rmail", "b-smtp", data=b"From x\nSubject: x\n\nx\n")
    equal(done.returncode, 65, "no line with #: 65")
    check(b"#" in done.stderr, "and says so", done.stderr)
    equal(len(p.shore.mailbox("ben")), 1, "and nothing comes of it")


def no_way_to_the_hub():
    p = Mailed(start=False)
    hub = p.batches["address"] = p.route["mailto"] = "batch@hub.example"
    p.site.conf["routes"].pop(0)
    p.start()
    p.send("stays")
    check(wait_until(lambda: "no route" in (p.site.queue()[0]["reason"] or "")),
          "the mail waits, and says why", p.site.queue())
    equal(len(p.site.queue()), 1, "nothing else is in the queue")
    p.site.conf["routes"].insert(0, {"match": hub, "peers": ["shore"]})
    p.site.restart()
    equal(subjects(p.shore.wait_mail("ben")), ["stays"], "and goes then")
    os.unlink(p.secret)
    p.send("secret")
    check(wait_until(lambda: [r for r in p.site.queue()
                              if "seal" in (r["reason"] or "")]),
          "without its secret nothing goes", p.site.queue())
    secret_file(p.world.dir, "seal", "short")
    p.site.must("queue", "retry", "--all", "--yes")
    check(wait_until(lambda: [r for r in p.site.queue()
                              if "16 to 255" in (r["reason"] or "")]),
          "nor with one that is too short", p.site.queue())
    secret_file(p.world.dir, "seal", SECRET)
    p.site.must("queue", "retry", "--all", "--yes")
    equal(len(p.shore.wait_mail("ben", 2)), 2, "with it all goes")


run(there_and_apart, what_a_carrier_looks_like, sizes, who_may, vouched_for,
    no_relay, refused_at_the_hub, twice, not_a_batch, killed_at_each_step,
    read_by_a_person, cut_at_every_octet, rmail_to_b_smtp, no_way_to_the_hub)
