#!/usr/bin/env python3
"""Batches of SMTP to commands and folders and back, and rmail."""

import contextlib
import email
import glob
import gzip
import json
import os
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from gateways import BATCH, FAR, HERE, Pair, remote, subjects


def to_a_command():
    """What uux or nncp-exec do, without a line between."""
    for compress in ("none", "gzip", "zstd"):
        p = Pair(start=False, compress=compress, command="true")
        p.site.conf["routes"][0]["command"] = remote(p.shore.dir)
        p.site.start()
        p.shore.start()
        p.send(f"one {compress}")
        equal(subjects(p.shore.wait_mail("ben")), [f"one {compress}"],
              f"{compress}: it arrives")
        mail = p.shore.mailbox("ben")[0]
        check(copies([mail], make(f"one {compress}")),
              f"{compress}: unchanged behind its trace", mail)
        check(p.site.wait_queue_empty(), f"{compress}: and is done")
        sent = p.site.events("batch-sent")
        equal(len(sent), 1, f"{compress}: the log tells of the batch")


def one_batch_for_all():
    p = Pair(start=False, folder="/no/such")
    p.site.conf["routes"][0]["folder"] = p.out
    p.site.start()
    for i in range(5):
        p.send(f"m{i}", f"ben@{FAR}", f"cat@{FAR}")
    wait_until(lambda: any(r["reason_code"] == "link-down"
                           for r in p.site.queue()))
    row = p.site.queue()[0]
    equal((row["state"], row["reason_code"]), ("ready", "link-down"),
          "without the stick the mail waits, and says for what")
    check(p.out in row["reason"], "by its name", row["reason"])
    equal(row["attempts"], 0, "that is no attempt")
    equal(len(p.site.events("batch-waits")), 1, "the log says it once")
    equal(p.site.events("released"), [], "and nothing is claimed meanwhile")
    os.mkdir(p.out)
    p.site.must("queue", "retry", "--all", "--yes")
    files = p.wait_files()
    check(p.site.wait_queue_empty(60), "with the stick all goes")
    equal(len(files), 1, "into one file")
    with open(files[0], encoding="ascii", newline="") as stream:
        text = stream.read()
    equal(text.count("MAIL FROM:"), 5, "with all messages")
    equal(text.count("RCPT TO:"), 10, "and recipients")
    check(text.startswith(f"EHLO {HERE}\r\n") and text.endswith("QUIT\r\n"),
          "from EHLO to QUIT")
    p.shore.start()
    done = p.rsmtp(files[0])
    equal(done.returncode, 0, "rsmtp FILE takes it")
    check(b"5 messages taken, 0 already here, 0 refused" in done.stdout,
          "and says so", done.stdout)
    equal(len(p.shore.wait_mail("ben", 5)), 5, "they arrive")
    done = p.rsmtp(files[0])
    equal(done.returncode, 0, "a second time does no harm")
    check(b"0 messages taken, 5 already here" in done.stdout,
          "it says already here", done.stdout)
    check(p.shore.wait_queue_empty(), "nothing is on its way again")
    equal(len(p.shore.mailbox("ben")) + len(p.shore.mailbox("cat")), 10,
          "and nothing arrives twice")
    p.shore.stop()
    done = p.rsmtp(files[0])
    equal(done.returncode, 0, "with the daemon down it is left for it")
    equal(p.rsmtp(files[0]).returncode, 0, "twice is one")
    p.shore.start()
    check(wait_until(lambda: not glob.glob(
        f"{p.shore.dir}/spool-drop/batch.*")), "it is read at the start")
    p.shore.wait_queue_empty()
    equal(len(p.shore.mailbox("ben")), 5, "and known by its ids")


def command_fails():
    p = Pair(start=False, command="echo no room left >&2; exit 75")
    p.site.conf["queue"] = {"retry": ["1s", "3600s"]}
    p.site.start()
    p.send("fails")
    check(wait_until(lambda: len(p.site.events("batch-waits")) >= 2),
          "a command that fails is tried again")
    row = p.site.queue()[0]
    equal((row["state"], row["attempts"]), ("ready", 0),
          "no attempt is counted against the mail")
    check("no room left" in row["reason"], "the reason has its words",
          row["reason"])
    equal(p.site.doubts(), [], "a command that says no leaves no doubt")
    equal(p.site.events("released"), [], "no line for each of its messages")
    check(wait_until(lambda: [r for r in json_log(p.site)
                              if r["event"] == "batch-waits"]),
          "the log has a row for the attempt")
    equal([r for r in json_log(p.site) if r["event"] == "released"], [],
          "and none for each message")
    p.site.conf["routes"][0]["command"] = "cat >/dev/null"
    p.site.restart()
    check(p.site.wait_queue_empty(), "once it works the mail goes")


def json_log(node):
    return [json.loads(line)
            for line in node.must("log", "--json").splitlines()]


def command_hangs():
    p = Pair(start=False, command="sleep 600", timeout="1s")
    p.site.start()
    p.send("hangs")
    check(wait_until(lambda: p.site.events("batch-waits")),
          "a command that hangs is ended")
    check(wait_until(lambda: p.site.doubts()),
          "whether it took the mail is in doubt")
    equal(p.site.queue()[0]["attempts"], 0, "the mail waits")


def killed_at_any_step():
    """Nothing lost; nothing doubled, since the far end knows the ids."""
    for label in ("gateway-claimed", "gateway-running",
                  "gateway-before-commit"):
        for kind in ("command", "folder"):
            if (label, kind) == ("gateway-running", "folder"):
                continue
            p = Pair(start=False, **{kind: "/x"})
            os.mkdir(p.out)
            p.site.conf["routes"][0][kind] = \
                p.out if kind == "folder" else remote(p.shore.dir)
            p.shore.start()
            p.site.start(env={"TIDEPOST_CRASH_AT": label})
            with Smtp(p.site.port("lan")) as client:
                client.ehlo()
                with contextlib.suppress(Closed):  # before its 250, perhaps
                    client.mail(f"ann@{HERE}", [f"ben@{FAR}"], make("kill"))
            check(p.site.wait_exit() == -9, f"{label} {kind}: killed")
            p.site._ended = True
            p.site.start()
            check(p.site.wait_queue_empty(), f"{label} {kind}: all goes")
            for name in p.files():
                equal(p.rsmtp(name).returncode, 0, f"{label}: {name} is read")
            p.shore.wait_mail("ben")
            wait_until(lambda: not glob.glob(
                f"{p.shore.dir}/spool-drop/batch.*"))
            p.shore.wait_queue_empty()
            equal(subjects(p.shore.mailbox("ben")), ["kill"],
                  f"{label} {kind}: it arrives once")


def full_stick():
    p = Pair(start=False, folder="/x")
    small = f"{p.world.dir}/small"
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs",
                       small], capture_output=True).returncode:
        print("skip a full stick: cannot mount")
        return
    try:
        os.mkdir(f"{small}/out")
        p.site.conf["routes"][0]["folder"] = f"{small}/out"
        p.site.start()
        with Smtp(p.site.port("lan")) as client:
            client.ehlo()
            client.mail(f"ann@{HERE}", [f"ben@{FAR}"],
                        make("big", body="x" * 70 + "\r\n" + (
                            "y" * 70 + "\r\n") * 3000))
        check(wait_until(lambda: p.site.events("batch-waits")),
              "a full stick is no loss")
        check("No space" in p.site.queue()[0]["reason"], "and says so",
              p.site.queue()[0]["reason"])
        equal(os.listdir(f"{small}/out"), [], "no half file is left")
        p.site.stop()
    finally:
        subprocess.run(["umount", small], check=False)


def others_batches():
    """LF line ends, no ids, no QUIT: as other software writes them."""
    p = Pair(command="true")
    path = f"{p.world.dir}/other"
    with open(path, "w", encoding="ascii") as stream:
        stream.write("HELO far\n" + BATCH.format("a") + "RSET\nVRFY x\n"
                     + BATCH.format("b"))
    for what, taken in (("first", 2), ("second", 0)):
        done = p.rsmtp(path)
        equal(done.returncode, 0, f"the {what} time it is read")
        check(f"{taken} messages taken, {2 - taken} already".encode()
              in done.stdout, f"{what}: {taken} are new", done.stdout)
    done = p.rsmtp(data=gzip.compress(
        (BATCH.format("c") + "QUIT\n").encode()))
    equal(done.returncode, 0, "on standard input, compressed")
    equal(subjects(p.shore.wait_mail("ben", 3)), ["a", "b", "c"],
          "all arrive, as often as they were sent")


def bad_batches():
    p = Pair(command="true")
    good = BATCH.format("good")
    zeros = gzip.compress(b"MAIL FROM:<a@b.example>\nRCPT TO:<ben@shore.example"
                          b">\nDATA\n" + b"0123456789\n" * 2000000)
    n = 0
    for what, data, words in (
            ("cut in a message", good + BATCH.format("cut")[:-4], "cut"),
            ("cut in an envelope", good + "MAIL FROM:<a@b.example>\n", "cut"),
            ("AUTH", good + "AUTH PLAIN AGFubgB4\n", "AUTH"),
            ("STARTTLS", good + "STARTTLS\n", "STARTTLS"),
            ("BDAT", good + "BDAT 10 LAST\n0123456789", "BDAT"),
            ("DATA without RCPT", good + "MAIL FROM:<a@b.example>\nDATA\n",
             "DATA"),
            ("RCPT without MAIL", good + "RCPT TO:<a@b.example>\n", "RCPT"),
            ("MAIL twice", good + "MAIL FROM:<>\nMAIL FROM:<>\n", "MAIL"),
            ("QUIT inside", good + "MAIL FROM:<>\nQUIT\n", "QUIT"),
            ("a huge line", good + "X" * 100000 + "\n", "octets"),
            ("a NUL", good + "MAIL\0FROM\n", "NUL"),
            ("no batch", good + "<html>\n<body>\n", "html"),
            ("a bad address", good + BATCH.format("x").replace(
                "ben@", "ben@@"), "RCPT|recipient|5.1.3"),
            ("a bad parameter", good + BATCH.format("x").replace(
                "example>\nRCPT", "example> EVIL=1\nRCPT"), "555")):
        n += 1
        path = f"{p.world.dir}/bad{n}"
        with open(path, "wb") as stream:
            stream.write(data.replace("good", f"good{n}").encode())
        done = p.rsmtp(path)
        equal(done.returncode, 65, f"{what}: exit 65")
        text = done.stderr.decode()
        check("line " in text and any(w in text for w in words.split("|")),
              f"{what}: it says which line and why", text)
        check(b"1 message taken" in done.stdout,
              f"{what}: what stands before it is taken", done.stdout)
    for what, data in (("gzip cut", gzip.compress(good.encode())[:-9]),
                       ("gzip damaged", gzip.compress(
                           good.encode() * 50)[:60] + b"xxxxxxxx" * 10),
                       ("zstd rubbish", b"\x28\xb5\x2f\xfd" + b"x" * 50)):
        path = f"{p.world.dir}/squeezed"
        with open(path, "wb") as stream:
            stream.write(data)
        equal(p.rsmtp(path).returncode, 65, f"{what}: exit 65")
    p.shore.conf["limits"]["batch_size"] = "1M"
    p.shore.restart()
    path = f"{p.world.dir}/bomb"
    with open(path, "wb") as stream:
        stream.write(zeros)
    done = p.rsmtp(path)
    equal(done.returncode, 65, "a batch that grows too large: exit 65")
    check(b"batch_size" in done.stderr, "the limit is named", done.stderr)
    equal(p.rsmtp(f"{p.world.dir}/none").returncode, 66, "no such file: 66")
    equal(p.rsmtp(data=b"").returncode, 65, "empty: 65")
    equal(p.shore.crashed(), 0, "the daemon lives")


def one_bad_body():
    """A message whose body is damaged does not hold up the others."""
    p = Pair(start=False, folder="/no/such")
    p.site.conf["routes"][0]["folder"] = p.out
    p.site.start()
    for name in ("whole", "damaged", "also"):
        p.send(name)
    p.site.stop()
    db = sqlite3.connect(f"{p.site.dir}/spool/spool.db")
    db.execute("DELETE FROM chunk WHERE id / 1048576 = 2")
    db.commit()
    db.close()
    os.mkdir(p.out)
    p.site.start()
    check(p.wait_files(), "the others go")
    check(wait_until(lambda: [r["state"] for r in p.site.queue()] == ["held"]),
          "the damaged one is held", p.site.queue())
    with open(p.files()[0], encoding="ascii") as stream:
        text = stream.read()
    equal([f"Subject: {n}\n" in text for n in ("whole", "damaged", "also")],
          [True, False, True], "without it")


def an_id_twice():
    p = Pair(command="true")
    path = f"{p.world.dir}/twice"
    with open(path, "w", encoding="ascii") as stream:
        stream.write("MAIL FROM:<a@b.example>\nNOOP ID=x.1\nRCPT TO:<ben@"
                     f"{FAR}>\nNOOP ID=x.1\nRCPT TO:<cat@{FAR}>\nDATA\n"
                     "Subject: t\n\nt\n.\nQUIT\n")
    for _ in range(2):
        equal(p.rsmtp(path).returncode, 0,
              "an id twice in a message is no end")
        check(p.shore.wait_queue_empty(), "all goes")
        for user in ("ben", "cat"):
            equal(len(p.shore.wait_mail(user)), 1, f"once, to {user}")
    long = "y" * 101
    with open(path, "w", encoding="ascii") as stream:
        stream.write(f"MAIL FROM:<a@b.example>\nNOOP ID={long}\nRCPT TO:<ben@"
                     f"{FAR}>\nDATA\nSubject: t\n\nt\n.\nQUIT\n")
    done = p.rsmtp(path)
    check(done.returncode and b"an id of more than 100 octets" in done.stderr,
          "a long one is refused, not cut", done.stderr)
    equal(len(p.shore.mailbox("ben")), 1, "and brings nothing")


def one_that_waits():
    """A message that the node cannot take now, and one behind it."""
    p = Pair(start=False, command="true",
             shore_local=dict(local("/x", FAR),
                              users="dovecot:/nonexistent/userdb"))
    p.shore.start()
    path = f"{p.world.dir}/w"
    with open(path, "w", encoding="ascii") as stream:
        for to in (f"ben@{FAR}", f"ann@{HERE}"):
            stream.write(f"MAIL FROM:<a@b.example>\nRCPT TO:<{to}>\nDATA\n"
                         "Subject: w\n\nw\n.\n")
        stream.write("QUIT\n")
    for _ in range(2):
        equal(p.rsmtp(path).returncode, 75, "to be read again later")
        equal([r["recipient"] for r in p.shore.queue()], [f"ann@{HERE}"],
              "what stands behind is taken, once")
    p.shore.conf["local"] = local(p.shore.dir, FAR)
    p.shore.restart()
    equal(p.rsmtp(path).returncode, 0, "later, all of it")
    equal(len(p.shore.wait_mail("ben")), 1, "the other one, too")
    equal(len(p.shore.queue()), 1, "and none is there twice")


def refused_recipients_are_returned():
    p = Pair(start=False, command="true",
             shore_local=dict(local("/x", FAR), users="any"))
    users = f"{p.world.dir}/users"
    with open(users, "w", encoding="ascii") as stream:
        stream.write("ben\n")
    p.shore.conf["local"] = dict(local(p.shore.dir, FAR),
                                 users=f"file:{users}")
    p.shore.start()
    data = BATCH.format("r").replace("RCPT", "RCPT TO:<nobody@shore.example>"
                                     "\nRCPT", 1).replace(
        "ann@far.example", f"ann@{HERE}") + "QUIT\n"
    path = f"{p.world.dir}/r"
    with open(path, "w", encoding="ascii") as stream:
        stream.write(data)
    equal(p.rsmtp(path).returncode, 0, "one recipient is unknown")
    equal(subjects(p.shore.wait_mail("ben")), ["r"], "the other has it")
    rows = [r for r in p.shore.queue() if r["recipient"] == f"ann@{HERE}"]
    equal(len(rows), 1, "and a notice is on its way to the sender")
    equal(rows[0]["sender"], "", "from nobody")
    p.rsmtp(path)
    equal(len([r for r in p.shore.queue()
               if r["recipient"] == f"ann@{HERE}"]), 1,
          "read again, there is no second notice")


def by_rmail():
    p = Pair(start=False, command="true", format="rmail")
    p.site.conf["routes"][0]["command"] = (
        f"TIDEPOST_CONF={p.shore.dir}/tidepost.conf "
        f"{p.shore.dir}/bin/rmail {{}}")
    p.site.start()
    p.shore.start()
    p.send("uucp", f"ben@{FAR}", f"o'neil@{FAR}")
    p.send("uucp2")
    equal(subjects(p.shore.wait_mail("ben", 2)), ["uucp", "uucp2"],
          "two messages by rmail")
    equal(subjects(p.shore.wait_mail("o'neil")), ["uucp"],
          "a quote in a name does no harm")
    check(f"Return-Path: <ann@{HERE}>".encode() in p.shore.mailbox("ben")[0],
          "the sender comes through the line From")
    check(p.site.wait_queue_empty(), "and all is done")


def by_uux():
    """uux wants each recipient in parentheses."""
    p = Pair(start=False, command="true {}", format="rmail")
    said = f"{p.world.dir}/said"
    p.site.conf["routes"][0]["command"] = f"echo ({{}}) >{said}; cat >>{said}"
    p.site.start()
    p.send("uux", f"ben@{FAR}", f"o'neil@{FAR}")
    check(p.site.wait_queue_empty(), "it is done")
    with open(said, encoding="ascii") as stream:
        lines = stream.read().split("\n")
    equal(lines[0], f"({FAR}!ben) ({FAR}!o'neil)", "each in its own")
    check(lines[1].startswith(f"From {HERE}!ann ") and
          lines[1].endswith(f" remote from {HERE}"), "the line From",
          lines[1])


def bang_paths():
    p = Pair(command="true")
    for what, path, to, sender, status in (
            ("a relayed path", "From c!d.example!eve Sun Jan 12 23:59:00 1986 "
             "remote from b\n", "ben", "eve@d.example", 0),
            ("stacked lines", "From uucp Sun Jan 12 23:59:00 1986 remote from "
             "b\n>From d.example!eve Sun Jan 12 23:59:00 1986 remote from c\n",
             "ben", "eve@d.example", 0),
            ("an address", "From eve@d.example Sun Jan 12 23:59:00 1986\n",
             "shore.example!ben", "eve@d.example", 0),
            ("host!user", "From eve Sun Jan 12 23:59:00 1986 remote from b\n",
             "a!shore.example!ben", "eve@b.uucp", 0),
            ("a notice", "From MAILER-DAEMON Sun Jan 12 23:59:00 1986 remote "
             "from b\n", "ben", "", 0),
            ("a mixed recipient", "From eve@d.example x\n",
             "a!ben@shore.example", None, 65),
            ("an empty part", "From eve@d.example x\n", "a!!ben", None, 65),
            ("an empty host", "From eve@d.example x\n", "!ben", None, 65),
            ("an empty user", "From eve@d.example x\n", "shore.example!", None,
             65),
            ("an empty part of the way only", "From eve@d.example x\n",
             "a!!shore.example!ben", "eve@d.example", 0),
            ("an empty sender's host", "From a!!eve x\n", "ben", None, 65),
            ("no recipient", "From eve@d.example x\n", None, None, 64)):
        before = len(p.shore.mailbox("ben"))
        done = p.run(p.shore, "rmail", *([to] if to else []),
                     data=f"{path}Subject: {what}\n\nx\n".encode())
        equal(done.returncode, status, f"{what}: exit {status}")
        if status:
            equal(len(done.stderr.splitlines()), 1, f"{what}: one line of why")
        else:
            mails = p.shore.wait_mail("ben", before + 1)
            check(f"Return-Path: <{sender}>".encode() in mails[-1],
                  f"{what}: from <{sender}>", mails[-1][:200])
            check(b"remote from" not in mails[-1],
                  f"{what}: the line From is gone")


def two_importers():
    """The same batch by several at the same time: each message once."""
    p = Pair(command="true")
    names = [f"t{i}" for i in range(30)]
    path = f"{p.world.dir}/both"
    with open(path, "w", encoding="ascii") as stream:
        stream.write("".join(BATCH.format(n) for n in names) + "QUIT\n")
    importers = [subprocess.Popen(
        [f"{p.shore.dir}/bin/rsmtp", path], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(os.environ, TIDEPOST_CONF=p.shore.file)) for _ in range(4)]
    for one in importers:
        said = one.communicate(timeout=60)[0]
        check(one.returncode in (0, 75), "taken, already here, or: later",
              said)
    equal(p.rsmtp(path).returncode, 0, "read once more")
    p.shore.wait_mail("ben", len(names))
    p.shore.wait_queue_empty()
    equal(subjects(p.shore.mailbox("ben")), sorted(names), "each came once")


def binary_mail():
    """BINARYMIME is no lines: it becomes some, or returns."""
    p = Pair(start=False, folder="/x")
    p.site.conf["routes"][0]["folder"] = p.out
    os.mkdir(p.out)
    p.site.start()
    head = make("bin", headers="MIME-Version: 1.0\r\nContent-Type: "
                "application/octet-stream\r\n"
                "Content-Transfer-Encoding: binary\r\n", body="")
    blob = bytes(range(256)) * 5
    signed = (make("signed", headers="MIME-Version: 1.0\r\nContent-Type: "
                   "multipart/signed; boundary=b\r\n", body="")
              + b"--b\r\nContent-Transfer-Encoding: binary\r\n\r\n" + blob
              + b"\r\n--b--\r\n")
    with Smtp(p.site.port("lan")) as client:
        client.ehlo()
        for octets in (head + blob, signed):
            equal(client.bdat(f"ann@{HERE}", [f"ben@{FAR}"], octets,
                              " BODY=BINARYMIME").code, 250, "accepted")
    files = p.wait_files()
    p.shore.start()
    wait_until(lambda: not [r for r in p.site.queue()
                            if r["recipient"] == f"ben@{FAR}"])
    for name in p.files():
        equal(p.rsmtp(name).returncode, 0, "it is read")
    mail = email.message_from_bytes(p.shore.wait_mail("ben")[0])
    equal(mail.get_payload(decode=True), blob, "every octet is there")
    check(wait_until(lambda: p.site.mailbox("ann")),
          "what is signed cannot be altered, and returns")
    check(b"5.6.3" in p.site.mailbox("ann")[0], "with the reason",
          p.site.mailbox("ann"))
    check(files, "a batch was written")


def options_as_recipients():
    """No recipient is an option to the command."""
    said = os.path.join(temp_dir(), "said")
    p = Pair(start=False, command=f"echo {{}} >{said}", format="rmail")
    p.site.conf["routes"][0]["match"] = "*"
    p.site.start()
    p.send("opt", "-oQ@[192.0.2.1]", "-f@far.example")
    check(p.site.wait_queue_empty(), "it is done")
    with open(said, encoding="ascii") as stream:
        words = stream.read().split()
    equal(sorted(words), ['"-oQ"@[192.0.2.1]', "far.example!-f"],
          "each is an address")


def a_stick_that_fails():
    """Pulled at each step: nothing lost, no half file, no doubles."""
    for rule, doubt in (("write:.tmp", False), ("fsync:.tmp", False),
                        ("fsync:/stick$", True)):
        p = Pair(start=False, folder="/x")
        p.site.conf["routes"][0]["folder"] = p.out
        os.mkdir(p.out)
        broken = f"{p.world.dir}/broken"
        with open(broken, "w", encoding="ascii") as stream:
            stream.write(rule)
        shim = Shim(p.world.dir)
        p.site.start(shim.env(broken=broken))
        p.send("pulled")
        check(wait_until(lambda: p.site.events("batch-waits")),
              f"{rule}: it waits")
        check("Input/output" in p.site.events("batch-waits")[0]["why"],
              f"{rule}: and says why")
        row = p.site.queue()[0]
        equal((row["state"], row["attempts"]), ("ready", 0),
              f"{rule}: nothing is lost")
        equal(len(p.files()), int(doubt), f"{rule}: what is on the stick")
        equal([n for n in os.listdir(p.out) if n.endswith(".tmp")], [],
              f"{rule}: no half file")
        equal(bool(p.site.doubts()), doubt, f"{rule}: is there a doubt?")
        shim.forget()
        os.unlink(broken)
        p.site.must("queue", "retry", "--all", "--yes")
        check(p.site.wait_queue_empty(), f"{rule}: put back, it goes")
        synced = [step.path for step in shim.steps()
                  if step.operation == "fsync-done" and p.out in step.path]
        check(len(synced) >= 2 and synced[0].endswith(".tmp") and
              synced[1] == p.out, f"{rule}: the file is synced, then its name",
              synced)
        p.shore.start()
        for name in p.files():
            equal(p.rsmtp(name).returncode, 0, f"{rule}: it is read")
        p.shore.wait_queue_empty()
        equal(subjects(p.shore.wait_mail("ben")), ["pulled"],
              f"{rule}: it arrives once")


def half_a_file():
    """What a node left half when it died goes; a link is not followed."""
    p = Pair(start=False, folder="/x")
    p.site.conf["routes"][0]["folder"] = p.out
    os.mkdir(p.out)
    old, new, other = (f"{p.out}/.{name}.tmp" for name in (
        f"{HERE}-1-1.bsmtp", f"{HERE}-2-2.bsmtp", "else.example-1-1.bsmtp"))
    for name in (old, new, other):
        with open(name, "w", encoding="ascii") as stream:
            stream.write("EHLO")
    for name in (old, other):
        os.utime(name, (1, 1))
    p.site.start()
    p.send("whole")
    p.wait_files()
    check(p.site.wait_queue_empty(), "the batch is there")
    equal([os.path.exists(name) for name in (old, new, other)],
          [False, True, True], "only our own, of long ago")


def reload_with_mail():
    """A route that goes takes its mail to the next one."""
    p = Pair(start=False, folder="/no/such/folder")
    p.site.start()
    p.send("moves")
    wait_until(lambda: p.site.queue()[0]["reason_code"] == "link-down")
    os.mkdir(p.out)
    p.site.conf["routes"] = [{"match": "*", "folder": p.out}]
    p.site.restart()
    check(p.site.wait_queue_empty(), "the mail goes by the other route")
    equal(len(p.files()), 1, "into its folder")


def wrong_settings():
    p = Pair(start=False, command="true")
    for what, route in (
            ("two ways", {"command": "true", "folder": "/x"}),
            ("a command and peers", {"command": "true", "peers": ["x"]}),
            ("nothing", {}),
            ("a relative folder", {"folder": "x"}),
            ("rmail into a folder", {"folder": "/x", "format": "rmail"}),
            ("rmail without {}", {"command": "x", "format": "rmail"}),
            ("rmail compressed", {"command": "x {}", "format": "rmail",
                                  "compress": "zstd"}),
            ("compress without a gateway", {"peers": ["x"],
                                            "compress": "zstd"}),
            ("an unknown format", {"command": "x", "format": "bang"}),
            ("an unknown compression", {"command": "x", "compress": "xz"})):
        p.site.conf["routes"] = [dict({"match": FAR}, **route)]
        p.site.write_conf()
        done = p.site.cli("check")
        equal(done.returncode, 78, f"{what}: an error")
        check("routes" in done.stdout + done.stderr, f"{what}: with its place")


run(to_a_command, one_batch_for_all, command_fails, command_hangs,
    killed_at_any_step, full_stick, others_batches, bad_batches,
    one_bad_body, an_id_twice, one_that_waits,
    refused_recipients_are_returned, by_rmail, by_uux, bang_paths, reload_with_mail,
    two_importers, a_stick_that_fails, binary_mail, options_as_recipients, half_a_file,
    wrong_settings)
