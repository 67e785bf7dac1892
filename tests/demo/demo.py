#!/usr/bin/env python3
"""Shows tidepost at work: two nodes, a link that comes and goes.

    python3 tests/demo/demo.py [BUILD]

A ship, aurora, and its provider on shore run on loopback with certificates
made on the spot. Twenty messages wait on both sides; the link comes up; each
arrives once and unchanged. DEMO_KEEP=1 leaves the nodes running.
"""

import base64
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
if len(sys.argv) > 1:
    os.environ["TIDEPOST_BUILD"] = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from tidepost import *

KEEP = bool(os.environ.get("DEMO_KEEP"))
LINK = "satellite"
BOLD, DIM, GREEN, RED, PLAIN = ("\033[1m", "\033[2m", "\033[32m", "\033[31m",
                                "\033[0m") if sys.stdout.isatty() else ("",) * 5


def headline(text):
    print(f"\n{BOLD}{text}{PLAIN}")


def say(text):
    print(f"  {text}", flush=True)


def photo():
    """A small grey picture, always the same, as base64 lines."""
    side = 96
    grey = bytes((x * y // 24 + (x ^ y)) % 256
                 for y in range(side) for x in range(side))
    picture = b"P5\n%d %d\n255\n" % (side, side) + grey
    return base64.encodebytes(picture).rstrip(b"\n")


class Letter:
    def __init__(self, path):
        with open(path, "rb") as stream:
            octets = stream.read().replace(b"@PHOTO@", photo())
        self.octets = crlf(octets)
        self.outward = os.path.basename(path).startswith("out")
        head = self.octets.split(b"\r\n\r\n")[0].decode()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")
                      if ": " in line and line[0] not in " \t")
        self.sender = self._address(fields["From"])
        self.to = [self._address(fields["To"])]
        if "Cc" in fields:
            self.to.append(self._address(fields["Cc"]))
        if fields["To"].startswith("subscribers"):
            # A list: the envelope says who gets it, not the header.
            self.to = ["crew@aurora.example.org", "mate@aurora.example.org"]
        self.name = os.path.basename(path)[:-4]
        self.hash = hashlib.sha256(self.octets).hexdigest()[:12]

    @staticmethod
    def _address(text):
        return text.split("<")[-1].rstrip(">").strip()

    @property
    def params(self):
        return " BODY=8BITMIME" if any(o > 127 for o in self.octets) else ""


def folder():
    path = tempfile.mkdtemp(prefix="tidepost-demo-")
    if not KEEP:
        at_end(lambda: shutil.rmtree(path, ignore_errors=True))
    return path


class Demo(World):
    def __init__(self):
        super().__init__(folder())

    def start(self):
        self.make_shore(queue=None).start()
        self.add_customer()
        self.make_site(queue=None,
                       links=[{"name": LINK, "peers": ["shore"]}]).start()


def hand_in(node, port, letters):
    with Smtp(node.port(port)) as client:
        client.ehlo()
        for letter in letters:
            reply = client.mail(letter.sender, letter.to, letter.octets,
                                letter.params)
            if reply.code != 250:
                sys.exit(f"{node.name} did not take {letter.name}: {reply}")
        client.quit()


def show(node, *command):
    print(f"  {DIM}{node.name}$ tidepost {' '.join(command)}{PLAIN}")
    for line in node.must(*command).rstrip().split("\n"):
        print(f"  {line}")


def waiting(node):
    rows = node.queue()
    return len(rows), sum(row["size"] for row in rows)


def watch(site, shore):
    """Shows what still waits while link up --wait works; its exit code."""
    process = subprocess.Popen(
        [CLI, "-c", site.file, "link", "up", LINK, "--wait", "--deadline",
         "60s"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(f"  {DIM}aurora$ tidepost link up {LINK} --wait{PLAIN}")
    last = None
    while True:
        over = process.poll() is not None
        now = waiting(site) + waiting(shore)
        if now != last:
            say(f"to send {now[0]:3} ({now[1]:6} octets)    to collect "
                f"{now[2]:3} ({now[3]:6} octets)")
            last = now
        if over:
            return process.returncode
        time.sleep(0.05)


def prove(letters, site, shore):
    """Compares hashes; the number of deliveries that are not right."""
    bad = 0
    for letter in letters:
        node = shore if letter.outward else site
        for to in letter.to:
            user, domain = to.split("@")
            wait_until(lambda: copies(node.mailbox(user, domain),
                                      letter.octets), 10)
            found = copies(node.mailbox(user, domain), letter.octets)
            good = len(found) == 1
            bad += not good
            mark = f"{GREEN}same{PLAIN}" if good else \
                f"{RED}{len(found)} copies{PLAIN}"
            say(f"{letter.hash}  {len(letter.octets):6}  {letter.name:24} "
                f"-> {to:32} {mark}")
    return bad


def farewell(demo, site, shore):
    if not KEEP:
        return
    headline("The nodes keep running")
    tidepost = os.path.relpath(CLI)
    for node, own in ((site, (f"link up {LINK} --wait", f"link down {LINK}")),
                      (shore, ("customer list",))):
        say(f"export TIDEPOST_CONF={node.file}    # {node.name}")
        for words in ("status", "queue list", *own, "log"):
            say(f"    {tidepost} {words}")
    say(f"mail for aurora: swaks --server 127.0.0.1:{shore.port('smtp')} "
        "--to captain@aurora.example.org")
    say(f"end and clean up: kill {site.process.pid} {shore.process.pid}; "
        f"rm -r {demo.dir}")


def main():
    began = time.monotonic()
    letters = [Letter(p) for p in sorted(glob.glob(f"{HERE}/messages/*.eml"))]
    demo = Demo()
    headline("A ship, aurora, and its provider on shore")
    demo.start()
    site, shore = demo.site, demo.shore
    for node in (site, shore):
        ports = ", ".join(f"{row['name']} {row['port']}"
                          for row in node.status()["listeners"])
        say(f"{node.name:7} {node.conf['hostname']:20} {ports}")

    headline("The link is down; mail is accepted all the same")
    outward = [letter for letter in letters if letter.outward]
    inward = [letter for letter in letters if not letter.outward]
    hand_in(site, "lan", outward)
    hand_in(shore, "smtp", inward)
    say(f"{len(outward)} messages handed in on board, {len(inward)} on shore")
    show(site, "queue", "list")
    show(shore, "queue", "list")

    headline("The link comes up")
    code = watch(site, shore)
    say(f"exit {code}: " + ("everything has moved; hang up" if code == 0
                            else "not everything has moved"))
    show(site, "link", "down", LINK)

    headline("Each message arrived once and unchanged")
    say("sha-256       octets  message")
    bad = prove(letters, site, shore)
    took = time.monotonic() - began
    good = code == 0 and not bad
    headline(f"{len(letters)} messages, "
             + (f"all well, in {took:.1f} s" if good
                else f"{RED}{bad} deliveries went wrong{PLAIN}"))
    farewell(demo, site, shore)
    if KEEP:
        forget_all()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
