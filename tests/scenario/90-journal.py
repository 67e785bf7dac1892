#!/usr/bin/env python3
"""log.to = "journal": facts as records of journald's own protocol."""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *


def fields_of(record):
    """{name: value} of one datagram, as journald takes it apart."""
    found = {}
    while record:
        line, rest = record.split(b"\n", 1)
        if b"=" in line:
            name, value = line.split(b"=", 1)
        else:
            size, = struct.unpack("<Q", rest[:8])
            name, value = line, rest[8:8 + size]
            equal(rest[8 + size:9 + size], b"\n", "its end")
            rest = rest[9 + size:]
        found[name.decode()] = value.decode()
        record = rest
    return found


class Journal:
    def __init__(self, folder):
        self.path = f"{folder}/journal"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.sock.settimeout(0.2)
        self.records = []
        at_end(self.sock.close)

    def env(self):
        return {"TIDEPOST_JOURNAL_SOCKET": self.path}

    def read(self):
        while True:
            try:
                self.records.append(fields_of(self.sock.recv(1 << 20)))
            except TimeoutError:
                return self.records

    def events(self, name):
        return [r for r in self.read() if r["TIDEPOST_EVENT"] == name]


def a_site(world, port=1):
    return world.make_site(peer=world.peer(
        submission=port, user=None, password_file=None, tls="none",
        collect="none", collect_port=None))


def start(site, journal, args=()):
    """Its "ready" comes where the log goes."""
    site.conf["log"] = {"to": "journal"}
    site.launch(journal.env(), args)
    check(wait_until(lambda: journal.events("ready"), 20), "it starts",
          site.log_text())
    site._keep_ports()


def tells():
    world = World()
    peer = Peer(auth=False, rules={"RCPT": "450 4.2.0 not now"})
    site = a_site(world, peer.port)
    journal = Journal(world.dir)
    start(site, journal)
    first = journal.events("ready")[0]
    equal(first["SYSLOG_IDENTIFIER"], "tidepostd", "who says it")
    equal(first["SYSLOG_FACILITY"], "2", "mail")
    equal(first["PRIORITY"], "6", "info")
    check(first["MESSAGE"].startswith("event=ready hostname="), "the line",
          first)
    check(first["CODE_FILE"].endswith("daemon/daemon.c")
          and int(first["CODE_LINE"]) > 0 and first["CODE_FUNC"] == "run",
          "where in the source", first)
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example", make("x"))
    site.link_up("iridium")
    check(wait_until(lambda: journal.events("deferred")), "it is deferred",
          journal.records)
    told = journal.events("deferred")[0]
    equal(told["PRIORITY"], "4", "a warning")
    equal(told["TIDEPOST_DELIVERY"], told["TIDEPOST_MESSAGE"] + ".1",
          "of which delivery")
    equal(told["TIDEPOST_PEER"], "shore", "at which peer")
    check(int(told["TIDEPOST_SESSION"]) > 0, "in which session")
    check(any(r.get("TIDEPOST_LINK") == "iridium" for r in journal.records),
          "which link")
    equal(site.log_text(), "", "and nothing on standard error")


def nobody_listens():
    """At the start, and when it goes away: standard error has it."""
    world = World()
    site = a_site(world)
    site.conf["log"] = {"to": "journal"}
    site.start({"TIDEPOST_JOURNAL_SOCKET": f"{world.dir}/none"})
    check(site.events("no-journal"), "it is said", site.log_text())
    site.stop()
    journal = Journal(world.dir)
    start(site, journal)
    os.unlink(journal.path)
    site.stop()
    check(site.events("stopping"), "the end is on standard error",
          site.log_text())


def full():
    """It does not keep up: nobody waits, and what is lost is counted."""
    world = World()
    site = a_site(world)
    journal = Journal(world.dir)
    start(site, journal, ["-v"])
    with open("/proc/sys/net/unix/max_dgram_qlen", encoding="ascii") as f:
        room = int(f.read())
    for _ in range(room + 20):
        with Smtp(site.port("lan")) as client:
            reply = client.cmd("EHLO client.example")
    equal(reply.code, 250, "it goes on answering")
    journal.read()
    site.must("link", "up", "iridium")
    check(wait_until(lambda: journal.events("journal-lost")), "it says so",
          len(journal.records))
    lost = journal.events("journal-lost")[-1]
    check("facts=" in lost["MESSAGE"], "how many", lost)


run(tells, nobody_listens, full)
