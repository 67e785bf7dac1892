#!/usr/bin/env python3
"""docs/shore.md, followed: a provider with Postfix and rspamd around it.

	machine ROOT BUILD ashore.py

Runs in a machine of its own only (tests/interop/machine), since all is on its
true port and path.
"""

import email.utils
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

import dkim  # noqa: E402

import report  # noqa: E402
from mails import samples  # noqa: E402
from message import make  # noqa: E402
from mta import write  # noqa: E402
from names import Names  # noqa: E402
from node import CLI, DAEMON, ROOT, World  # noqa: E402
from peer import Peer  # noqa: E402
from smtp import Smtp  # noqa: E402

PAGE = f"{ROOT}/docs/shore.md"
PASSWORD = "a long password"  # as in the document
OURS, WORLD = "192.0.2.1", "192.0.2.2"  # the provider, another host
START_S = 240  # rspamd compiles its rules first
GTUBE = "JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
BEYOND_DOUBT, MAY_BE = "X" + GTUBE + "\r\n", "Y" + GTUBE + "\r\n"
CAP, EVE = "cap@aurora.example.org", "eve@world.example"
ANN = "ann@aurora.example.org"
KEYS = {}  # name of a DKIM record: its text
ZONE = {
    ("world.example", "MX"): ["10 mx.world.example"],
    ("mx.world.example", "A"): [WORLD],
    ("2.2.0.192.in-addr.arpa", "PTR"): ["mx.world.example"],
    ("world.example", "TXT"): [f"v=spf1 ip4:{WORLD} -all"],
    ("bank.example", "TXT"): ["v=spf1 -all"],
}
LINKS = [{"name": "iridium", "peers": ["shore"], "min_priority": "low"},
         {"name": "harbour", "peers": ["shore"]}]


# --- the page -------------------------------------------------------------

INSTALLS, STARTS = "apt-get install ", "systemctl restart "


def commands():
    """What "Setting it up" tells people to type, before and after the start;
    the packages are there already."""
    section = read(PAGE).split("\n## Setting it up\n")[1]
    lines = [line[4:] for line in section.split("\n## ")[0].split("\n")
             if line.startswith("    ")]
    lines = [line for line in lines if not line.startswith(INSTALLS)]
    at = [line.startswith(STARTS) for line in lines].index(True)
    return "\n".join(lines[:at]), "\n".join(lines[at + 1:])


def shell(text):
    done = subprocess.run(["sh", "-euc", text], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=120)
    need(done.returncode == 0, text, done.stdout + read("/var/log/mail.log"))
    return done.stdout


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


class Ashore:
    """The provider's host as the page makes it, the world, and a ship."""

    def __init__(self):
        self.names = Names(ZONE, 53)
        self.sink = Peer(auth=False, address=WORLD, port=25)
        self.world = World()
        certificate, key = self.world.ca.issue(
            "shore", "mail.shore.example", "mx.shore.example")
        for path, name in ((certificate, "shore.pem"), (key, "shore.key")):
            subprocess.run(["install", "-g", "tidepost", "-m", "640", path,
                            f"/etc/tidepost/{name}"], check=True)
        self.processes = {}
        report.at_end(self.stop)
        before, after = commands()
        self.said = shell(before)
        with open("/etc/tidepost/tidepost.conf", "a",
                  encoding="utf-8") as stream:
            stream.write('queue = { retry = [ "1s" ]; };\n')  # no patience
        self.start()
        self.said += shell(after)
        for name, record in re.findall(
                r"(\S+)\._domainkey IN TXT \(([^)]*)\)", self.said):
            self.key(name, record)
        self.ship = None

    def key(self, selector, record):
        """dkim_keygen prints the records in the order of the page."""
        domain = ("shore.example", "aurora.example.org")[len(KEYS)]
        name = f"{selector}._domainkey.{domain}"
        KEYS[name] = "".join(re.findall(r'"([^"]*)"', record))
        ZONE[(name, "TXT")] = [KEYS[name]]

    def start(self):
        self.start_rspamd()
        self.start_tidepost()
        # No syslog here; the world's host has a port 25 too.
        shell("postconf -e maillog_file=/var/log/mail.log"
              f" inet_interfaces=127.0.0.1,{OURS}\n"
              "/usr/lib/postfix/configure-instance.sh -\npostfix start")
        wait_port(25)

    def start_rspamd(self):
        write("/etc/rspamd/override.d/options.inc",
              "enable_test_patterns = true;\n")  # MAY_BE
        self.run("rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd")
        wait_port(11332)

    def start_tidepost(self):
        self.run(DAEMON)
        wait_port(587)

    def run(self, *command):
        name = os.path.basename(command[0])
        with open(f"/run/{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end(self, name):
        process = self.processes.pop(name)
        process.terminate()
        process.wait(30)

    def stop(self):
        subprocess.run(["postfix", "stop"], capture_output=True)
        for name in list(self.processes):
            self.end(name)

    def empty(self):
        """As at first, for the next part."""
        self.cli("queue", "delete", "--all", "--yes")
        self.sink.mails.clear()
        if self.ship:
            self.ship.stop()
            shutil.rmtree(self.ship.dir)
            self.ship = None

    # --- who takes part ---

    def deliver(self, octets, to=CAP, sender=EVE):
        """From a host of the world; the last reply."""
        with Smtp(25, OURS, source=(WORLD, 0)) as client:
            client.ehlo("mx.world.example")
            return client.mail(sender, [to], octets, " BODY=8BITMIME")

    def make_ship(self):
        peer = self.world.peer(587, 366, tls_name="mail.shore.example")
        write(peer["password_file"], PASSWORD + "\n", 0o600)
        self.ship = self.world.make_site(peer=peer, links=LINKS).start()
        return self.ship

    def cli(self, *args):
        return subprocess.run([CLI, *args], check=True, capture_output=True,
                              text=True).stdout

    def queue(self):
        return [json.loads(line) for line in
                self.cli("queue", "list", "--json").splitlines()]

    def logs(self):
        return self.said + "".join(
            f"--- {path}\n" + "\n".join(read(path).split("\n")[-60:])
            for path in ("/var/log/mail.log", "/run/tidepostd.log",
                         "/var/log/rspamd/rspamd.log", "/run/rspamd.log"))


def need(good, text, detail=""):
    if not good:
        raise AssertionError(f"{text}: {detail}")


def wait_port(port):
    def answers():
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return True
        except OSError:
            return False
    need(report.wait_until(answers, START_S, 0.1), f"port {port} is silent")


def letter(subject, body="Fair winds to all of you.\r\n", headers=""):
    """As a mail program of the world makes it."""
    return make(subject, body, EVE, CAP, headers).replace(
        b"Sun, 01 Mar 2026 06:00:00 +0000",
        email.utils.formatdate().encode())


def verified(octets):
    return dkim.verify(octets, dnsfunc=lambda name, timeout=0: (
        ZONE.get((name.decode().rstrip("."), "TXT"), [""])[0].encode()))


def fields(octets, name):
    head = octets.replace(b"\r\n", b"\n").split(b"\n\n")[0].decode(
        "utf-8", "replace")
    head = re.sub(r"\n[ \t]+", " ", head)
    return re.findall(rf"(?im)^{name}:[ \t]*(.*)$", head)


# --- parts ----------------------------------------------------------------

def marked(shore):
    """Spam is refused or goes last, forged verdicts are taken out."""
    reply = shore.deliver(letter("clear", BEYOND_DOUBT))
    need(reply.code == 554, "spam beyond doubt is refused", reply)
    forged = ("Authentication-Results: mx.shore.example;"
              " dkim=pass header.d=bank.example\r\n")
    for octets in (letter("doubtful", MAY_BE), letter("good"),
                   letter("forged", headers=forged)):
        reply = shore.deliver(octets)
        need(reply.code == 250, "the rest is taken", reply)
    rows = report.wait_until(lambda: len(shore.queue()) == 3
                             and shore.queue(), 30)
    need(rows, "three wait for the customer", shore.queue())
    need(sorted(r["priority"] for r in rows) == [-9, 0, 0],
         "the marked one has the priority of the rule", rows)
    ship = shore.make_ship()
    need(ship.link_up("iridium") == 10, "the dear link leaves some",
         ship.last.stdout)

    def subjects():
        return sorted(fields(m, "Subject")[0] for m in ship.mailbox("cap"))

    need(report.wait_until(lambda: subjects() == ["forged", "good"]),
         "the others come over the dear link", subjects())
    for mail in ship.mailbox("cap"):
        need(not fields(mail, "X-Spam"), "good mail has no mark", mail)
        results = fields(mail, "Authentication-Results")
        need(len(results) == 1 and "spf=pass" in results[0]
             and "bank" not in results[0], "one word of ours", results)
    ship.link_down("iridium")

    def all_there():
        ship.link_down("harbour")
        ship.link_up("harbour")
        return len(ship.mailbox("cap")) == 4

    report.wait_until(all_there, 60, 1)
    mails = ship.mailbox("cap")
    need(subjects() == ["1 message kept ashore", "doubtful", "forged",
                        "good"], "the marked one too", subjects())
    need([fields(m, "Subject") for m in mails if fields(m, "X-Spam")]
         == [["doubtful"]], "it alone has the mark", mails)


def held(shore):
    """The other rule of the page: a person looks at it."""
    rule = re.search(r"(?m)^\trules = .*$", read(PAGE)).group()
    text = read("/etc/tidepost/tidepost.conf")
    changed = re.sub(r"(?m)^rules = .*$", rule.strip(), text)
    need(changed != text, "the rule can be changed")
    write("/etc/tidepost/tidepost.conf", changed)
    shore.processes["tidepostd"].send_signal(signal.SIGHUP)

    def state():
        """A reload may take a moment: one more message until it shows."""
        need(shore.deliver(letter("doubtful", MAY_BE)).code == 250, "taken")
        return report.wait_until(lambda: [
            r for r in shore.queue() if r["reason_code"] == "rule-hold"], 3)
    need(report.wait_until(state, 30), "it is held by the rule",
         shore.queue())


def doors(shore):
    """Who is refused at RCPT, and what a part that is down means."""
    def code(to):
        with Smtp(25, OURS, source=(WORLD, 0), timeout=60) as client:
            client.ehlo("mx.world.example")
            client.cmd(f"MAIL FROM:<{EVE}>")
            return client.cmd(f"RCPT TO:<{to}>").code

    need(code("x@elsewhere.example") == 554, "nothing is relayed")
    need(code("nobody@shore.example") == 550, "unknown here")
    need(code("ann@shore.example") == 250, "known here")
    shore.end("rspamd")
    reply = shore.deliver(letter("later"))
    need(reply.code == 451, "rspamd is down: later", reply)
    shore.start_rspamd()
    need(report.wait_until(
        lambda: shore.deliver(letter("now")).code == 250, 30),
        "and when it is up again it comes")
    need(report.wait_until(lambda: len(shore.queue()) == 1, 30), "in tidepost")
    shore.cli("customer", "set", "aurora", "--quota", "100")
    need(code("mate@aurora.example.org") == 450, "a full customer: later")
    shore.cli("customer", "set", "aurora", "--quota", "1M")
    need(code("cook@aurora.example.org") == 250, "it is not full")
    shore.end("tidepostd")
    need(code("ben@shore.example") == 450, "tidepost is down: later")
    shore.start_tidepost()
    need(code("boy@aurora.example.org") == 250, "it is up again")


def signed(shore):
    """What the ship sends goes out signed, and else as it was."""
    ship = shore.make_ship()
    sent = samples("out")
    with Smtp(ship.port("lan")) as client:
        client.ehlo()
        for octets in sent.values():
            reply = client.mail(ANN, [EVE], octets,
                                " BODY=8BITMIME")
            need(reply.code == 250, "the ship takes it", reply)
        for subject, sender in (("nobody", ""), ("another", ANN)):
            reply = client.mail(sender, [EVE], make(
                subject, sender="ben@shore.example"))
            need(reply.code == 250, "the ship takes it", reply)
    need(ship.link_up("harbour") == 0, "it goes", ship.last.stdout)
    need(report.wait_until(
        lambda: len(shore.sink.mails) == len(sent) + 2, 60),
        "all of it came to the world", shore.logs())
    others = [m for m in shore.sink.mails if b"ben@shore.example>\r\nTo:"
              in m.octets]
    need(len(others) == 2 and not any(
        fields(m.octets, "DKIM-Signature") for m in others),
        "what names the domain of another is not signed", others)
    for mail in shore.sink.mails:
        if mail in others:
            continue
        tags = fields(mail.octets, "DKIM-Signature")
        need(len(tags) == 1 and "d=aurora.example.org" in tags[0],
             "signed once, by the customer's domain", tags)
        need(verified(mail.octets), "the signature is good", mail.octets)
        need(not fields(mail.octets, "Authentication-Results|X-Spam"),
             "without a word on itself", mail.octets)
    mails = list(shore.sink.mails)
    bodies = {m.octets.split(b"\r\n\r\n", 1)[1] for m in mails}
    need(all(o.split(b"\r\n\r\n", 1)[1] in bodies for o in sent.values()),
         "every body is as it was")
    spoiled = mails[0].octets.replace(b"\r\n\r\n", b"\r\n\r\nx", 1)
    need(not verified(spoiled), "a changed one would be seen")


def unchanged(shore):
    """What the world signed, in the strictest way, is good on board."""
    private, public = world_key()
    ZONE[("s._domainkey.world.example", "TXT")] = [f"v=DKIM1; p={public}"]
    sent = samples("in")
    for octets in sent.values():
        tag = dkim.sign(octets, b"s", b"world.example", private,
                        canonicalize=(b"simple", b"simple"))
        reply = shore.deliver(tag + octets)
        need(reply.code == 250, "it is taken", reply)
    need(report.wait_until(lambda: len(shore.queue()) == len(sent), 30),
         "all of it waits", shore.queue())
    ship = shore.make_ship()
    need(ship.link_up("harbour") == 0, "it comes", ship.last.stdout)
    mails = ship.wait_mail("cap", len(sent))
    need(len(mails) == len(sent), "all of it, once", len(mails))
    for mail in mails:
        mail = re.sub(rb"(?<!\r)\n", b"\r\n", mail)  # as Maildirs keep it
        need(verified(mail), "the signature is good", mail[:2000])
        need("dkim=pass" in fields(mail, "Authentication-Results")[0],
             "rspamd found it so too", mail[:2000])


def world_key():
    """(private key, public key as in a record)"""
    def openssl(*args, text=None):
        return subprocess.run(["openssl", *args], input=text, check=True,
                              capture_output=True).stdout
    private = openssl("genrsa", "-traditional", "2048")
    public = openssl("rsa", "-pubout", text=private).decode()
    return private, "".join(public.split("\n")[1:-2])


PARTS = (marked, unchanged, signed, doors, held)


def main():
    """A line for each part: ok or FAIL, its name, what is wrong."""
    if os.environ.get("MACHINE") != "inside":
        sys.exit("ashore.py: run by tests/interop/machine only")
    shore = Ashore()
    for part in PARTS:
        try:
            shore.empty()
            part(shore)
            print(f"ok {part.__name__}", flush=True)
        except Exception as error:
            print(f"FAIL {part.__name__} {error}".replace("\n", "\n  "))
            print(re.sub("(?m)^", "  ", shore.logs()), flush=True)
    report.clean_up()


main()
