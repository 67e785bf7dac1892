#!/usr/bin/env python3
"""The lmtp service: programs of this host hand in mail over a Unix socket."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import pwd
import socket
import stat


class Lmtp:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()

    def reply(self):
        lines = []
        while True:
            line = self.file.readline().decode()
            lines.append(line)
            if line[3:4] != "-":
                return lines

    def cmd(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()


def handed_in():
    world = World()
    path = f"{world.dir}/lmtp"
    site = world.make_site(peer=world.peer(submission=9, odmr=9))
    site.conf["listeners"] = list(site.conf["listeners"]) + [
        {"name": "lmtp", "service": "lmtp", "address": f"unix:{path}"}]
    site.start()
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o660,
          "the socket is for its owner and group")
    client = Lmtp(path)
    check(client.greeting[0].startswith("220 "), "a greeting",
          client.greeting)
    check(client.cmd("EHLO here")[0].startswith("500 "), "EHLO is not LMTP")
    offered = " ".join(client.cmd("LHLO here"))
    check("PIPELINING" in offered and "STARTTLS" not in offered,
          "LHLO tells what is offered", offered)
    client.cmd("MAIL FROM:<ann@far.example>")
    codes = [client.cmd(f"RCPT TO:<{to}>")[0][:3] for to in (
        "bob@aurora.example.org", "a/b@aurora.example.org",
        "dan@elsewhere.example", "eve@aurora.example.org")]
    equal(codes, ["250", "550", "250", "250"],
          "local and other recipients are taken, an impossible one is not")
    client.cmd("DATA")
    body = make("by lmtp")
    client.socket.sendall(body + b".\r\n")
    replies = [client.reply()[0] for _ in range(3)]
    check(all(r.startswith("250 ") for r in replies) and
          len(set(replies)) == 1,
          "a reply for each recipient that was taken", replies)
    client.cmd("MAIL FROM:<ann@far.example>")
    client.cmd("RCPT TO:<bob@aurora.example.org>")
    client.cmd("DATA")
    client.socket.sendall(b"Subject: x\r\n\r\nbare \n line\r\n.\r\n")
    check(client.reply()[0].startswith("554 5.6.0"), "bare LF is refused")
    check(client.cmd("QUIT")[0].startswith("221 "), "QUIT")
    mail = site.wait_mail("bob")[0]
    check(b"with LMTP id " in mail, "Received says LMTP (RFC 3848)", mail)
    equal(len(site.wait_mail("eve")), 1, "the other mailbox has it")
    rows = site.queue("--to", "dan@elsewhere.example")
    equal([row["reason_code"] for row in rows], ["link-down"],
          "what goes elsewhere waits for the link")


def another_user():
    """Started as root: its group may write to the socket, as it may when the
    service manager made the user."""
    if os.geteuid() != 0:
        return skip_part("started as root only")
    world = World()
    os.chmod(world.dir, 0o777)
    above = os.path.dirname(world.dir)
    if stat.S_IMODE(os.stat(above).st_mode) == 0o700:
        os.chmod(above, 0o711)
    path = f"{world.dir}/lmtp"
    site = world.make_site(peer=world.peer(submission=9, odmr=9))
    os.chmod(site.dir, 0o777)
    site.conf["user"] = "daemon"
    for name in ("tls", "peers", "routes", "links"):
        del site.conf[name]
    site.conf["listeners"] = [
        {"name": "lmtp", "service": "lmtp", "address": f"unix:{path}"}]
    site.start()
    owner, found = pwd.getpwnam("daemon"), os.stat(path)
    equal((found.st_uid, found.st_gid), (owner.pw_uid, owner.pw_gid),
          "the socket is the daemon's user's and its group's")
    check(Lmtp(path).greeting[0].startswith("220 "), "it is served")


def wrong_address():
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9))
    site.conf["listeners"] = list(site.conf["listeners"]) + [
        {"name": "lmtp", "service": "lmtp", "address": "127.0.0.1"}]
    site.write_conf()
    done = site.cli("check", site.file)
    equal(done.returncode, 78, "lmtp on an IP address is an error")
    check("unix:/path" in done.stdout + done.stderr, "that says what to do")


run(handed_in, another_user, wrong_address)
