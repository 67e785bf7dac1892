#!/usr/bin/env python3
"""Programs of the host: sendmail, its options, its exit codes, and the drop
directory while the daemon is down."""

import email
import email.policy
import fcntl
import glob
import os
import pwd
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

ME = pwd.getpwuid(os.getuid()).pw_name
HOME = "aurora.example.org"


class Host:
    """A site and the links of its programs."""

    def __init__(self, start=True, **conf):
        self.world = World()
        self.site = self.world.make_site(
            peer={"name": "shore", "host": "127.0.0.1", "port": 1,
                  "tls": "none"}, **conf)
        self.drop = f"{self.site.dir}/spool-drop"
        self.bin = f"{self.site.dir}/bin"
        os.makedirs(self.bin)
        # A copy: other users need not reach the folder of the build.
        shutil.copy(CLI, f"{self.bin}/tidepost")
        for name in ("sendmail", "mailq", "rmail", "rsmtp"):
            os.symlink("tidepost", f"{self.bin}/{name}")
        if start:
            self.site.start()

    def run(self, name, *args, data=b"", env=None, user=None):
        if isinstance(data, str):
            data = data.encode()
        extra = {"user": user, "extra_groups": []} if user else {}
        return subprocess.run(
            [f"{self.bin}/{name}", *args], input=data, timeout=60,
            capture_output=True, cwd=self.site.dir, **extra,
            env=dict(os.environ, TIDEPOST_CONF=self.site.file, **(env or {})))

    def sendmail(self, *args, data=b"", **more):
        return self.run("sendmail", *args, data=data, **more)

    def open_to_all(self):
        """Other users reach it, and what it stands in."""
        subprocess.run(["chmod", "-R", "a+rX", self.world.dir], check=True)
        os.chmod(self.site.dir, 0o755)
        folder = self.world.dir
        while len(folder) > 1 and os.stat(folder).st_uid == 0:
            if os.stat(folder).st_mode & 0o001 == 0:
                os.chmod(folder, os.stat(folder).st_mode | 0o011)
            folder = os.path.dirname(folder)

    def dropped(self):
        return sorted(os.path.basename(p) for p in glob.glob(f"{self.drop}/*"))


def parse(octets):
    return email.message_from_bytes(octets, policy=email.policy.default)


def sent(host, what, *args, data, user="ann", status=0):
    """The message that arrives for USER, taken apart."""
    before = len(host.site.mailbox(user))
    done = host.sendmail(*args, data=data)
    equal(done.returncode, status, f"{what}: exit status")
    if done.returncode:
        print(done.stderr.decode())
    mails = host.site.wait_mail(user, before + 1)
    equal(len(mails), before + 1, f"{what}: it arrives once")
    return mails[-1]


def as_callers_do():
    """The command lines of cron, PHP, mutt, git and mdadm."""
    host = Host()
    mail = sent(host, "cron", "-FCronDaemon", "-i", "-B8BITMIME", "-oem",
                "ann", data="From: root (Cron Daemon)\nTo: ann\n"
                "Subject: Cron <root@x> job\n\n10%\r20%\rdone\n.\nend\n")
    m = parse(mail)
    equal(m["From"].addresses[0].addr_spec, f"root@{HOME}",
          "cron: a bare From is completed")
    equal(m["To"].addresses[0].addr_spec, f"ann@{HOME}",
          "cron: a bare To is completed")
    check(b"\n10%\r\n20%\r\ndone\r\n.\r\nend\r\n" in mail.replace(
        b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"\r\n10", b"\n10"),
        "cron: lines that end with CR are lines, and a dot is no end with -i")
    check(f"from user {ME}" in m["Received"], "cron: Received names the user",
          m["Received"])
    check(m["Message-ID"] and m["Date"], "cron: Date and Message-ID are added")

    m = parse(sent(host, "cronie", "-FCronDaemon", "-i", "-odi", "-oem",
                   "-oi", "-t", "-f", "root",
                   data="To: ann\nSubject: job\n\nhello\n"))
    equal(m["Return-Path"], f"<root@{HOME}>", "cronie: -f root is completed")
    equal(m["From"].addresses[0].display_name, "CronDaemon",
          "cronie: -F names the sender")

    m = parse(sent(host, "PHP", "-t", "-i",
                   data=f"To: Ann Lee <ann@{HOME}>\r\nBcc: ben@{HOME}\r\n"
                   "Subject: form\r\n\r\nhello\r\n"))
    equal(m["Bcc"], None, "PHP: Bcc is taken out")
    equal(len(host.site.wait_mail("ben")), 1, "PHP: Bcc got it too")

    m = parse(sent(host, "mutt", "-oem", "-oi", "-f", f"{ME}@{HOME}", "--",
                   f"ann@{HOME}", data=f"From: {ME}@{HOME}\nTo: ann@{HOME}\n"
                   "Subject: mutt\nMessage-ID: <own@x.example>\n\nhi\n"))
    equal(m["Message-ID"], "<own@x.example>", "mutt: its Message-ID stays")

    m = parse(sent(host, "git send-email", "-i", f"ann@{HOME}",
                   data=f"From: Dev <dev@x.example>\nTo: ann@{HOME}\n"
                   "Subject: [PATCH] x\n\n---\n"))
    equal(m["From"].addresses[0].addr_spec, "dev@x.example",
          "git: its From stays")
    m = parse(sent(host, "mdadm", "-t", data="From: mdadm monitoring <root>\n"
                   "To: ann\nSubject: DegradedArray\n\nlook\n"))
    equal(m["From"].addresses[0].addr_spec, f"root@{HOME}",
          "mdadm: <root> is completed")


def values_apart():
    """A value may stand in a word of its own, and is no recipient then."""
    host = Host()
    sent(host, "-o i -e m -b m", "-o", "i", "-e", "m", "-b", "m", "-R", "HDRS",
         "ann", data="Subject: x\n\n.\nend\n")
    check(b"end" in host.site.mailbox("ann")[0], "-o i is -oi")
    equal(os.listdir(f"{host.site.dir}/mail/{HOME}"), ["ann"],
          "nobody else has it")
    done = host.sendmail("-o")
    equal((done.returncode, done.stderr), (64, b"tidepost: -o needs a value\n"),
          "without a value it is refused")


def dots_lines_and_headers():
    host = Host()
    mail = sent(host, "without -i", "ann", data="Subject: x\n\none\n.\ntwo\n")
    check(b"one" in mail and b"two" not in mail,
          "without -i a lone dot ends the message")
    mail = sent(host, "dots", "-oi", "ann", data="Subject: x\n\n.\n..\n.a\n")
    check(mail.replace(b"\r\n", b"\n").endswith(b"\n\n.\n..\n.a\n"),
          "with -oi dots stay as they are", mail[-40:])
    mail = sent(host, "no header", "ann", data="just text\nmore\n")
    check(b"\n\njust text\nmore\n" in mail.replace(b"\r\n", b"\n"),
          "text without a header is body")
    mail = sent(host, "header without its end", "ann",
                data="Subject: x\nthis is text\n")
    check(b"Subject: x\n\nthis is text\n" in mail.replace(b"\r\n", b"\n"),
          "a header that ends at text gets its empty line", mail[-80:])
    mail = sent(host, "empty", "ann", data="")
    check(b"Message-ID:" in mail, "an empty message is one")
    mail = sent(host, "From_", "ann",
                data="From ann Mon Mar  2 06:00:00 2026\nSubject: y\n\nz\n")
    check(b"\nFrom ann" not in mail and b"Subject: y" in mail,
          "a line From of a mailbox file is dropped")
    mail = sent(host, "long", "-i", "ann", data=b"Subject: x\n\n"
                + "grüße ".encode() * 1000 + b"\0tail\n")
    lines = mail.replace(b"\r\n", b"\n").split(b"\n")
    check(max(map(len, lines)) <= 998, "long lines are broken")
    check("grüße ".encode() * 1000 + b"tail" == b"".join(
        lines[lines.index(b"") + 1:]).replace(b" gr", b"gr").replace(
            b"\xc3\xbc\xc3\x9fegr", b"\xc3\xbc\xc3\x9fe gr")
        or b"tail" in mail, "and nothing but NUL is lost")
    for line in lines:
        line.decode()  # no character was broken
    m = parse(sent(host, "resent", "-t", "-i",
                   data=f"Resent-From: x@{HOME}\nResent-To: ann\n"
                   "Resent-Bcc: cat\nFrom: a@b.example\nTo: nobody@else.example\n"
                   "Subject: again\n\nhi\n"))
    equal(m["Resent-Bcc"], None, "Resent-Bcc is taken out")
    equal(len(host.site.wait_mail("cat")), 1, "and had its copy")
    equal([r for r in host.site.queue() if "else" in r["recipient"]], [],
          "with Resent-To the field To is not looked at")


def exit_codes():
    host = Host(local=dict(local(temp_dir(), HOME), users="file:" + users()),
                routes=[{"match": "far.example", "peers": ["shore"]}])
    for what, args, data, status in (
            ("no recipient", [], "x", 64),
            ("-t without one", ["-t"], "Subject: x\n\n", 65),
            ("unknown option", ["-Z", "ann"], "x", 64),
            ("-bd", ["-bd"], "", 64),
            ("a bad -N", ["-N", "always", "ann"], "x", 64),
            ("a bad address", ["ann@@x"], "x", 65),
            ("a bad header field", ["-t"], "To: <ann@\n\nx", 65),
            ("unknown user", ["nobody"], "x", 67),
            ("no route", ["a@else.example"], "x", 68),
            ("one of two unknown", ["ann", "nobody"], "x", 67),
            ("too large a header", ["ann"], "X: " + "y" * 300000 + "\n\n", 65),
            ("header as long as it may be", ["-i", "ann"],
             "X: " + " y" * 90000 + "\n\n", 0)):
        done = host.sendmail(*args, data=data)
        equal(done.returncode, status, f"{what}: exit {status}")
        equal(len(done.stderr.splitlines()), 0 if status == 0 else 1,
              f"{what}: one line says why")
    equal([r["recipient"] for r in host.site.queue()
           if not r["recipient"].startswith("ann@")], [],
          "nothing of what was refused was taken")


def users():
    path = os.path.join(temp_dir(), "users")
    with open(path, "w", encoding="ascii") as stream:
        stream.write("ann\n")
    return path


def smtp_on_standard_input():
    host = Host()
    done = host.sendmail("-bs", data="HELO x\r\nMAIL FROM:<>\r\n"
                         f"RCPT TO:<ann@{HOME}>\r\nDATA\r\nSubject: bs\r\n"
                         "\r\nhi\r\n.\r\nQUIT\r\n")
    equal(done.returncode, 0, "-bs ends with 0")
    check(b"queued as" in done.stdout, "-bs takes a message", done.stdout)
    equal(len(host.site.wait_mail("ann")), 1, "it arrives")
    host.site.stop()
    done = host.sendmail("-bs", data="QUIT\r\n")
    equal((done.returncode, done.stdout[:3]), (75, b"421"),
          "-bs without the daemon says 421")


def queue_and_flush():
    host = Host()
    host.sendmail("x@far.example", data="Subject: q\n\nq\n")
    for args in (("mailq",), ("sendmail", "-bp")):
        done = host.run(*args)
        check(done.returncode == 0 and b"x@far.example" in done.stdout,
              f"{args} shows what waits", done.stdout)
    equal(host.sendmail("-q").returncode, 0, "-q tries what waits")
    for args in (("-bi",), ("-I",), ("-b", "i")):
        equal(host.sendmail(*args).returncode, 0, f"{args}: nothing to do")


def submitted_with(host, *args, data):
    done = host.sendmail(*args, data=data)
    equal(done.returncode, 0, f"{args} is taken")
    return host.site.queue()[-1]["message"]


def notify_and_envid():
    host = Host()
    id = submitted_with(host, "-N", "success,delay", "-R", "hdrs", "-V", "a=b",
                        "x@far.example", data="Subject: d\n\nd\n")
    db = f"{host.site.dir}/spool/spool.db"
    out = subprocess.run(
        ["python3", "-c",
         "import sqlite3,sys; c=sqlite3.connect('file:'+sys.argv[1]+"
         "'?mode=ro',uri=True); print(c.execute('select param_envid,"
         "param_ret from message where id=?',(sys.argv[2],)).fetchone(),"
         "c.execute('select param_notify from delivery where message=?',"
         "(sys.argv[2],)).fetchone())", db, str(id)],
        capture_output=True, encoding="ascii", check=True).stdout
    equal(out.strip(), "('a+3Db', 2) (10,)",
          "-N, -R and -V reach the envelope")


def who_may_say_what():
    if os.getuid() != 0:
        print("skip other users: needs root")
        return
    host = Host()
    host.open_to_all()
    done = host.sendmail("ann", data="Subject: x\n\nx\n", user="nobody")
    equal(done.returncode, 0, "anybody may send")
    mail = parse(host.site.wait_mail("ann")[-1])
    equal(mail["Return-Path"], f"<nobody@{HOME}>", "as whom it is")
    done = host.sendmail("-f", f"eve@{HOME}", "ann", data="x", user="nobody")
    equal(done.returncode, 77, "not as somebody else")
    check(b"programs.trusted" in done.stderr, "and the key is named",
          done.stderr)
    done = host.sendmail("-f", "<>", "ann", data="x", user="nobody")
    equal(done.returncode, 0, "the null sender is anybody's")
    host.site.conf["programs"] = {"trusted": ["nobody"]}
    host.site.restart()
    done = host.sendmail("-f", f"eve@{HOME}", "ann", data="x", user="nobody")
    equal(done.returncode, 0, "a user in programs.trusted may")


def left_while_down():
    host = Host()
    host.site.stop()
    data = "Subject: down\n\nwaits\n.\nstill\n"
    equal(host.sendmail("-i", "ann", data=data).returncode, 0,
          "the daemon is down: taken all the same")
    names = host.dropped()
    equal([n.split(".")[0] for n in names], ["mail"], "as one file")
    mode = os.stat(f"{host.drop}/{names[0]}").st_mode & 0o777
    equal(mode, 0o640, "which only its owner and the daemon read")
    equal(os.stat(host.drop).st_mode & 0o7777, 0o3733,
          "in a directory nobody can list")
    host.site.start()
    mail = host.site.wait_mail("ann")
    equal(len(mail), 1, "it is imported at the start")
    check(b"\nwaits" in mail[0].replace(b"\r", b"") and b"still" in mail[0],
          "whole")
    check(f"from user {ME}" in parse(mail[0])["Received"],
          "the file's owner is who sent it")
    check(wait_until(lambda: not host.dropped()), "and the file is gone")
    # one that comes while it runs
    shutil.copy(write(host, "x", message("late")), f"{host.drop}/tmp.late")
    os.rename(f"{host.drop}/tmp.late", f"{host.drop}/mail.late")
    equal(len(host.site.wait_mail("ann", 2)), 2,
          "a file that comes later is seen at once")


def durable_at_once():
    """Exit status 0: the file and its name are on the disk. Else: neither."""
    host = Host()
    host.site.stop()
    shim = Shim(host.world.dir)
    for name, args, data in (("sendmail", ["ann"], "Subject: s\n\ns\n"),
                             ("rmail", ["ann"], "From a\nSubject: r\n\nr\n"),
                             ("rsmtp", [], message("batch"))):
        broken = f"{host.site.dir}/broken"
        for rule in ("write:/tmp.", "fsync:/tmp.", "fsync:/spool-drop$"):
            write(host, "broken", rule)
            done = host.run(name, *args, data=data,
                            env=shim.env(broken=broken))
            equal((done.returncode, len(done.stderr.splitlines())), (75, 1),
                  f"{name}, {rule} fails: try later, and one line says why")
            check(b"Input/output error" in done.stderr, f"{name}: the fault",
                  done.stderr)
            equal(host.dropped(), [], f"{name}, {rule}: nothing is left")
        os.unlink(broken)
        shim.forget()
        equal(host.run(name, *args, data=data, env=shim.env()).returncode, 0,
              f"{name} leaves it")
        synced = [s.path for s in shim.steps() if s.operation == "fsync-done"]
        check(len(synced) == 2 and "/spool-drop/tmp." in synced[0]
              and synced[1] == host.drop, f"{name}: the file, then its name",
              synced)
        for left in host.dropped():
            os.unlink(f"{host.drop}/{left}")


def message(subject, to=f"ann@{HOME}", end="QUIT\r\n"):
    return (f"MAIL FROM:<{ME}>\r\nRCPT TO:<{to}>\r\nDATA\r\n"
            f"Subject: {subject}\r\n\r\nbody of {subject}\r\n.\r\n{end}")


def write(host, name, data):
    path = f"{host.site.dir}/{name}"
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(data)
    return path


def refused_when_imported():
    """Nobody waits for the answer: the sender is told with a notice."""
    host = Host(local=None)
    host = Host(local=dict(local(host.site.dir, HOME),
                           users="file:" + users_with(ME)))
    host.site.stop()
    equal(host.sendmail("nobody", "ann", data="Subject: r\n\nr\n").returncode,
          0, "left for the daemon")
    host.site.start()
    box = f"{host.site.conf['local']['deliver'].split(':')[1]}"
    base = box.split("/mail/")[0]
    check(wait_until(lambda: maildir(f"{base}/mail/{HOME}/ann")),
          "who exists gets it")
    check(wait_until(lambda: maildir(f"{base}/mail/{HOME}/{ME}")),
          "and the sender a notice about the other")
    notice = maildir(f"{base}/mail/{HOME}/{ME}")[0]
    check(b"5.1.1" in notice and f"nobody@{HOME}".encode() in notice,
          "which says who and why")
    equal(host.site.wait_queue_empty(), True, "nothing is left over")
    equal(host.dropped(), [], "and no file")


def users_with(*more):
    path = os.path.join(temp_dir(), "users")
    with open(path, "w", encoding="ascii") as stream:
        stream.write("".join(f"{name}\n" for name in ("ann", *more)))
    return path


def hostile_files():
    host = Host()
    host.site.stop()
    d = host.drop
    secret = write(host, "secret", message("secret"))
    os.symlink(secret, f"{d}/mail.link")
    os.mkfifo(f"{d}/mail.fifo")
    os.mkdir(f"{d}/mail.dir")
    os.link(secret, f"{d}/mail.hard")
    os.symlink("/dev/zero", f"{d}/mail.zero")
    for name, data in (
            ("mail.half", message("half", end="").replace(".\r\n", "")),
            ("mail.noend", message("noend", end="")),
            ("mail.verbs", "AUTH PLAIN\r\n" + message("verbs")),
            ("mail.data", "MAIL FROM:<>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"),
            ("mail.empty", ""),
            ("mail.other", message("other").replace("ann@", '"a b"@@')),
            ("mail.many", message("many").replace("DATA", "RCPT TO:<ann>\r\n"
                                                  * 20000 + "DATA")),
            ("mail.zeros", "\0" * 100000),
            ("mail.line", "MAIL FROM:<" + "x" * 100000),
            ("mail.good", message("good"))):
        shutil.copy(write(host, "tmp", data), f"{d}/{name}")
    for name in ("other.name", "mail.with space", "mail." + "x" * 100):
        open(f"{d}/{name}", "w", encoding="ascii").close()
    host.site.start()
    mails = host.site.wait_mail("ann")
    wait_until(lambda: len(host.site.events("drop-refused")) >= 12)
    check(wait_until(lambda: not [n for n in host.dropped() if is_waiting(n)]),
          "no file holds up the others", host.dropped())
    bodies = b"".join(host.site.mailbox("ann"))
    check(b"body of good" in bodies, "the good one is taken")
    check(b"secret" not in bodies, "what is not the user's own is not read")
    check(b"half" not in bodies, "half a file is no mail")
    equal(len(host.site.mailbox("ann")) - bodies.count(b"body of noend"), 1,
          "and nothing else comes of them")
    for e in host.site.events("drop-refused"):
        check(e.get("why") not in (None, ""), f"{e['file']}: {e.get('why')}")
    equal(host.site.crashed(), 0, "the daemon lives")
    check(any(n.startswith("refused.") for n in host.dropped()),
          "refused ones are kept for the operator")
    del mails


def is_waiting(name):
    return name.startswith("mail.") and len(name) < 46 and " " not in name


def killed_while_importing():
    """At each step: nothing lost, nothing doubled, since both are ours."""
    for label in ("receive-before-store", "receive-stored-before-reply",
                  "drop-imported"):
        for nth in (1, 2):
            host = Host()
            host.site.stop()
            for i in range(3):
                host.sendmail("ann", data=f"Subject: k{i}\n\nkill {i}.\n")
            host.site.launch(env={"TIDEPOST_CRASH_AT": f"{label}:{nth}"})
            check(host.site.wait_exit() == -9, f"{label}:{nth}: it was killed")
            host.site._ended = True
            host.site.start()
            host.site.wait_mail("ann", 3)
            check(wait_until(lambda: not host.dropped()),
                  f"{label}:{nth}: all files are imported")
            host.site.wait_queue_empty()
            bodies = b"".join(host.site.mailbox("ann"))
            equal([bodies.count(f"kill {i}.".encode()) for i in range(3)],
                  [1, 1, 1], f"{label}:{nth}: each arrives once")


def very_many_recipients():
    host = Host()
    everybody = [f"n{i}@far.example" for i in range(10000)]
    done = host.sendmail("-i", *everybody, data="Subject: all\n\nx\n")
    equal(done.returncode, 0, "10,000 recipients of one message")
    equal(host.site.status()["queue"]["ready"], 10000, "all of them wait")
    for up in (True, False):
        if not up:
            host.site.stop()
        done = host.sendmail("-t", *everybody,
                             data="To: one@far.example\nSubject: x\n\nx\n")
        equal(done.returncode, 65, "one more: 65")
        check(b"programs.recipients" in done.stderr, "the limit is named",
              done.stderr)
        equal(host.dropped(), [], "and nobody is left out silently")


def too_large_while_down():
    host = Host(limits={"message_size": "1M"})
    large = b"Subject: x\n\n" + b"0123456789abcdef\n" * 100000
    equal(host.sendmail("ann", data=large).returncode, 65,
          "too large for the daemon: 65")
    host.site.stop()
    for name, data in (("sendmail", large), ("rmail", large)):
        done = host.run(name, "ann", data=data)
        equal(done.returncode, 65, f"{name}: likewise while it is down")
        check(b"message_size" in done.stderr, "the limit is named",
              done.stderr)
        equal(host.dropped(), [], "nothing of it is left")


def shell(host, command, data=b"", env=None):
    return subprocess.run(
        ["/bin/sh", "-c", command], input=data, capture_output=True,
        cwd=host.bin, timeout=60, env=env if env is not None else dict(
            os.environ, TIDEPOST_CONF=host.site.file))


def odd_callers():
    host = Host()
    for up in (True, False):
        done = shell(host, "exec ./sendmail -i ann <&-")
        equal(done.returncode, 74, "standard input is closed: 74")
        equal(len(done.stderr.splitlines()), 1, "one line says so")
        equal(shell(host, "exec ./sendmail -t <&-").returncode, 74,
              "not: no recipient in the header")
        equal(shell(host, "exec ./rmail ann <&-").returncode, 74, "rmail, too")
        check(shell(host, "exec ./rsmtp <&-").returncode != 0, "rsmtp, too")
        if up:
            host.site.stop()
    equal(host.dropped(), [], "nothing of that is mail")
    host.site.start()
    shell(host, "exec ./sendmail -i ann >&- 2>&-", b"Subject: quiet\n\nx\n")
    equal(len(host.site.wait_mail("ann")), 1, "nobody listens: it is sent")
    path = write(host, "batch", message("file"))
    equal(shell(host, f"exec ./rsmtp {path} >&-").returncode, 0,
          "what it says goes nowhere, and into no file")
    equal(len(host.site.wait_mail("ann", 2)), 2, "rsmtp without an output")
    shell(host, "exec ./sendmail -i ann", b"Subject: bare\n\nx\n",
          {"TIDEPOST_CONF": host.site.file})
    equal(len(host.site.wait_mail("ann", 3)), 3, "no HOME, no USER, no PATH")
    for word in ("a\r\nRCPT TO:<eve@far.example>", "<a>\r\nDATA", "a\x01b",
                 "ann@far.example\nDATA", " ", "a@[1.2.3.4"):
        for args in ((word,), ("-f", word, "ann"), ("-t", word)):
            done = host.sendmail("-i", *args, data="Subject: x\n\nx\n")
            check(done.returncode in (64, 65, 68, 67), f"{args!r}: refused",
                  done.returncode)
    for word in ("x\r\nQUIT", "x\rQUIT\r", "x\x7f", "\x0b"):
        equal(host.run("rmail", word, data="Subject: x\n\nx\n").returncode,
              65, f"rmail {word!r}: refused")
    hostile = "x>\r\nRCPT TO:<eve@far.example>\r\nNOOP <"
    equal(host.run("rmail", "ann", data="Subject: user\n\nx\n",
                   env={"USER": hostile}).returncode, 0, "a hostile USER")
    mail = host.site.wait_mail("ann", 4)[-1]
    check(b"Return-Path: <uucp@" in mail, "is no sender", mail)
    equal([r["recipient"] for r in host.site.queue()], [],
          "and nobody else gets anything")


def callers_with_other_rights():
    """Another effective user or group than the real one."""
    if os.getuid() != 0:
        print("skip other users: needs root")
        return
    host = Host()
    host.open_to_all()
    nobody = pwd.getpwnam("nobody")
    daemon = pwd.getpwnam("daemon")
    for up in (True, False):
        if not up:
            host.site.stop()
        for what, ids in (
                ("setgid", lambda: (os.setgroups([]), os.setresgid(
                    nobody.pw_gid, daemon.pw_gid, daemon.pw_gid),
                    os.setresuid(*[nobody.pw_uid] * 3))),
                ("setuid", lambda: (os.setgroups([]), os.setresgid(
                    *[nobody.pw_gid] * 3), os.setresuid(
                    daemon.pw_uid, nobody.pw_uid, nobody.pw_uid)))):
            if subprocess.run([f"{host.bin}/tidepost", "version"],
                              preexec_fn=ids, cwd="/",
                              capture_output=True).returncode:
                print("skip other rights: a sanitizer cannot work with them")
                return
            os.umask(0o077)
            done = subprocess.run(
                [f"{host.bin}/sendmail", "-i", "ann"], input=b"S: x\n\nx\n",
                capture_output=True, preexec_fn=ids, cwd="/",
                env=dict(os.environ, TIDEPOST_CONF=host.site.file))
            os.umask(0o022)
            equal(done.returncode, 0, f"{what}, daemon up: {up}")
    host.site.start()
    for mail in host.site.wait_mail("ann", 4):
        equal(parse(mail)["Return-Path"], f"<nobody@{HOME}>",
              "from whom the daemon saw")
    equal(len(host.site.mailbox("ann")), 4, "each of them once")


def a_directory_of_others():
    if os.getuid() != 0:
        print("skip foreign directories: needs root")
        return
    host = Host()
    host.site.stop()
    host.sendmail("ann", data="Subject: waits\n\nx\n")
    nobody = pwd.getpwnam("nobody")
    for owner, mode in ((nobody.pw_uid, 0o3733), (0, 0o2733)):
        os.chown(host.drop, owner, -1)
        os.chmod(host.drop, mode)
        host.site.start()
        check(wait_until(lambda: host.site.events("drop-directory")),
              f"owner {owner}, mode {mode:o}: it is said")
        host.site.stop()
        equal(len(host.dropped()), 1, "and nothing is taken from it")
    os.chmod(host.drop, 0o3733)
    host.site.start()
    equal(len(host.site.wait_mail("ann")), 1, "put right, it is taken")


def a_directory_made_anew():
    """An operator moves it away and makes it again, while the daemon runs."""
    for sandbox in (False, True):
        drop = f"{temp_dir()}/drop"
        host = Host(sandbox=sandbox, programs={"drop": drop})
        host.drop = drop
        os.rename(host.drop, host.drop + ".old")
        check(wait_until(lambda: [e["why"] for e in host.site.events(
            "drop-directory")] == ["No such file or directory"]),
            "that it is gone is told once", host.site.events("drop-directory"))
        os.mkdir(host.drop)
        os.chmod(host.drop, 0o3733)
        with open(f"{host.drop}/tmp.new", "w", encoding="ascii") as stream:
            stream.write(message("new"))
        os.rename(f"{host.drop}/tmp.new", f"{host.drop}/mail.new")
        if sandbox and host.site.status()["sandbox"].startswith("landlock"):
            check(wait_until(lambda: any(
                "start tidepostd anew" in e["why"]
                for e in host.site.events("drop-directory"))),
                "behind walls: what to do", host.site.events("drop-directory"))
            host.site.restart()
        equal(len(host.site.wait_mail("ann")), 1, f"sandbox {sandbox}: taken")
        host.sendmail("ann", data="Subject: still\n\nwatched\n")
        shutil.copy(write(host, "x", message("next")), f"{host.drop}/tmp.x")
        os.rename(f"{host.drop}/tmp.x", f"{host.drop}/mail.x")
        equal(len(host.site.wait_mail("ann", 3)), 3, "and watched")


def put_off_before_others():
    """More that have to wait than are looked at in one go; others behind."""
    host = Host(local=dict(local(temp_dir(), HOME),
                           users="dovecot:/nonexistent/userdb"))
    host.site.stop()
    for i in range(1001):
        with open(f"{host.drop}/mail.{i}", "w", encoding="ascii") as stream:
            stream.write(message("waits"))
        os.utime(stream.name, (i, i))
    with open(f"{host.drop}/mail.goes", "w", encoding="ascii") as stream:
        stream.write(message("goes", to="ben@far.example"))
    host.site.start()
    check(wait_until(lambda: [r["recipient"] for r in host.site.queue()] ==
                     ["ben@far.example"], 60),
          "those in front hold up nobody", host.site.queue())
    equal(len(host.dropped()), 1001, "and they stay")


def written_while_the_clock_leaps():
    host = Host()
    host.site.stop()
    days = time.time() - 40 * 86400
    for name in ("tmp.held", "tmp.left"):
        with open(f"{host.drop}/{name}", "w", encoding="ascii") as stream:
            stream.write("x")
        os.utime(stream.name, (days, days))
    with open(f"{host.drop}/tmp.held", encoding="ascii") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        host.site.start()
        check(wait_until(lambda: host.dropped() == ["tmp.held"]),
              "only what nobody writes is swept", host.dropped())
    host.site.restart()
    check(wait_until(lambda: not host.dropped()), "later, all", host.dropped())


def no_place_to_leave_it():
    host = Host()
    host.site.stop()
    shutil.rmtree(host.drop)
    done = host.sendmail("ann", data="x")
    equal(done.returncode, 75, "no daemon, no directory: try later")
    equal(len(done.stderr.splitlines()), 1, "one line says so")


def broken_configuration():
    """Of a node that was named: its mail is for no other, and waits."""
    host = Host()
    with open(host.site.file, "a", encoding="utf-8") as stream:
        stream.write("nonsense {\n")
    for name, data in (("sendmail", b"x"), ("rmail", b"From a\n\nx\n"),
                       ("rsmtp", b"QUIT\n")):
        words = ["ann"] if name != "rsmtp" else []
        done = host.run(name, *words, data=data)
        equal(done.returncode, 75, f"{name}: try later")
        lines = done.stderr.decode().splitlines()
        check(len(lines) == 1 and f"tidepost check {host.site.file}" in lines[0],
              f"{name}: one line says why, and what to do", lines)
    done = host.sendmail("-bs", data=b"QUIT\r\n")
    equal((done.returncode, done.stdout[:9]), (75, b"421 4.3.5"),
          "sendmail -bs: likewise")


run(as_callers_do, values_apart, dots_lines_and_headers, exit_codes,
    smtp_on_standard_input, queue_and_flush, notify_and_envid,
    who_may_say_what, left_while_down, durable_at_once,
    refused_when_imported, hostile_files,
    killed_while_importing, very_many_recipients, too_large_while_down,
    odd_callers, callers_with_other_rights, a_directory_of_others,
    a_directory_made_anew, put_off_before_others,
    written_while_the_clock_leaps,
    no_place_to_leave_it, broken_configuration)
