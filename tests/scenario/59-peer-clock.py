#!/usr/bin/env python3
"""A node without a clock goes by the time that its provider tells."""

import email.utils
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from modem import Modem

TO_1970 = -int(time.time()) + 3600  # one o'clock on the first day of 1970
YEAR_S = 365 * 86400


def off_by(site):
    return site.status()["clock_off"]


def near(value, wanted, what):
    check(value is not None and abs(value - wanted) < 120, what, value)


def hand_in(site):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        equal(client.mail("ann@aurora.example.org", "ben@shore.example",
                          make("out")).code, 250, "taken")


def in_1970():
    world = World()
    world.make_shore().start()
    world.add_customer()
    modem = Modem(world)
    site = world.make_site(links=[modem.link(
        dial={"windows": ["06:00-06:20"], "call_when_waiting": "1s"})])
    env = Shim(world.dir).env(clock=TO_1970)
    site.start(env)
    equal((site.status()["clock"], off_by(site)), ("not trusted", None),
          "nobody told the time yet")
    hand_in(site)
    modem.wait("up", "down")  # no windows
    check(site.wait_queue_empty(), "it went", site.queue())
    equal(site.status()["clock"], "not trusted", "the system's clock is not")
    near(off_by(site), TO_1970, "but the provider told the time")
    heard, = site.events("peer-time")
    equal((heard["peer"], heard["clock"]), ("shore", "not trusted"),
          "the log has it once, though there were two connections")
    check("what a peer told" in site.must("status"), "and status says so",
          site.must("status"))
    row = site.rows("link", "list")[0]
    near_six = row["next_window"]
    check(near_six.endswith("T06:00:00Z")
          and near_six[:4] == time.strftime("%Y", time.gmtime()),
          "the next window is one of these days", near_six)
    history = site.rows("link", "history")[-1]
    check(history["ended"][:4] == time.strftime("%Y", time.gmtime()),
          "sessions are written down under today", history)
    site.restart(env)
    near(off_by(site), TO_1970, "it is still known after a restart")
    site.stop()
    near(off_by(site), 0, "and to status, which has a clock")
    base = sqlite3.connect(f"{site.dir}/spool/spool.db")
    with base:
        base.execute("UPDATE meta SET value = CAST('another-boot 5' AS BLOB)"
                     " WHERE key = 'told-time'")
    base.close()
    site.start(env)
    equal(off_by(site), None, "after another boot it is not")


def windows_hold():
    """Once the time is known, as it is for a node with a clock."""
    world = World()
    world.make_shore().start()
    world.add_customer()
    modem = Modem(world)
    later = time.gmtime(time.time() + 7200)
    after = time.gmtime(time.time() + 10800)
    site = world.make_site(links=[modem.link(dial={
        "windows": [f"{time.strftime('%H:%M', later)}"
                    f"-{time.strftime('%H:%M', after)}"],
        "call_when_waiting": "1s"})])
    site.start(Shim(world.dir).env(clock=TO_1970))
    hand_in(site)
    modem.wait("up", "down")
    check(wait_until(lambda: site.events("window")), "the window is shut")
    equal(site.events("window")[0]["state"], "shut", "by the time of shore")
    hand_in(site)
    check(wait_until(lambda: site.queue()
                     and site.queue()[0]["reason_code"] == "window"),
          "mail waits for the window", site.queue())
    equal(modem.calls(), ["up", "down"], "and there is no call")


def told(line, context=True, clock=TO_1970, **conf):
    """A peer that says LINE first; what the site makes of it."""
    world = World()
    pair = world.ca.issue("peer", "mail.shore.example")

    def ehlo(conn, _):
        if context and not conn.is_tls:
            return None
        words = conn.hello().split("\r\n")
        return "\r\n".join(["250-" + line] + words[1:])

    peer = Peer(context=server_context(*pair) if context else None,
                auth=False, rules={"EHLO": ehlo})
    site = world.make_site(peer=world.peer(
        submission=peer.port, user=None, password_file=None, collect="none",
        collect_port=None, **conf))
    site.start(Shim(world.dir).env(clock=clock))
    hand_in(site)
    equal(site.link_up("iridium"), 0, f"mail goes: {line}")
    return site


def not_to_be_trusted():
    now = int(time.time())
    for line, conf in (
            (f"peer.example tidepost {now}", {"context": False, "tls": "none",
                                              "tls_name": None}),
            (f"peer.example tidepost {now}", {"verify": "none"})):
        site = told(line, **conf)
        equal((off_by(site), site.events("peer-time")), (None, []),
              f"not without verified TLS: {conf}")


def bad_times():
    now = int(time.time())
    for line in ("peer.example", f"peer.example tidepost {now}x",
                 "peer.example tidepost", "peer.example tidepost -1",
                 "peer.example tidepost 99999999999999999999",
                 f"peer.example Tidepost is good {now}"):
        equal(off_by(told(line)), None, f"no time: {line}")
    for wrong in (1, now - 30 * YEAR_S, now + 30 * YEAR_S):
        site = told(f"peer.example tidepost {wrong}")
        equal(off_by(site), None, "an absurd time is not taken")
        refused, = site.events("peer-time-refused")
        equal(refused["peer"], "shore", "and the log says whose")


def with_a_good_clock():
    """It is kept, and said, but not gone by."""
    now = int(time.time())
    site = told(f"peer.example tidepost {now + 300}", clock=0)
    status = site.status()
    equal(status["clock"], "trusted", "the system's clock counts")
    near(status["clock_off"], -300, "and is behind")
    check("behind what a peer told" in site.must("status"), "for people too")


def goes_back():
    """The last word counts, and the log says that it is another."""
    said = [int(time.time()) + 7200]

    def ehlo(conn, _):
        if not conn.is_tls:
            return None
        words = conn.hello().split("\r\n")
        return "\r\n".join([f"250-peer.example tidepost {said[0]}"]
                           + words[1:])

    world = World()
    pair = world.ca.issue("peer", "mail.shore.example")
    peer = Peer(context=server_context(*pair), auth=False,
                rules={"EHLO": ehlo})
    site = world.make_site(peer=world.peer(
        submission=peer.port, user=None, password_file=None, collect="none",
        collect_port=None))
    site.start(Shim(world.dir).env(clock=TO_1970))
    hand_in(site)
    equal(site.link_up("iridium"), 0, "the first")
    near(off_by(site), TO_1970 - 7200, "two hours ahead of us")
    site.link_down("iridium")
    said[0] -= 7200
    hand_in(site)
    equal(site.link_up("iridium"), 0, "the second")
    near(off_by(site), TO_1970, "it was put right")
    jumped, = site.events("peer-time-jumped")
    check(abs(int(jumped["seconds"]) + 7200) < 120, "and the log has it",
          jumped)
    equal(len(peer.mails), 2, "all mail went, each once")


def who_is_told():
    """Nodes that call, under TLS; nobody else pays the octets."""
    world = World()
    shore = world.make_shore().start()
    for name, tls, wanted in (("submission", False, False),
                              ("submission", True, True),
                              ("odmr", True, True), ("smtp", True, False)):
        with Smtp(shore.port(name)) as client:
            client.ehlo()
            if tls:
                client.starttls(world.client_tls)
            words = client.ehlo().lines[0].split(" ")
        equal(len(words), 3 if wanted else 1,
              f"{name}{' under TLS' if tls else ''}: {words}")
        if wanted:
            near(int(words[2]), time.time(), "the time")
    shore.stop()
    shore.start(Shim(world.dir).env(clock=TO_1970))
    with Smtp(shore.port("odmr")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        equal(len(client.ehlo().lines[0].split(" ")), 1,
              "who has no clock tells no time")


def dates():
    """A Date is made by the time that was told, and by no other."""
    world = World()
    world.make_shore().start()
    world.add_customer()
    site = world.make_site()
    site.start(Shim(world.dir).env(clock=TO_1970))
    site.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")

    def submit(subject):
        with Smtp(site.port("submission")) as client:
            client.ehlo()
            client.starttls(world.client_tls)
            client.ehlo()
            client.auth_plain("ann", PASSWORD)
            reply = client.mail(
                "ann@aurora.example.org", "cap@aurora.example.org",
                f"From: ann@aurora.example.org\r\nSubject: {subject}\r\n"
                "\r\nhello\r\n".encode())
            equal(reply.code, 250, subject)

    def date_of(count):
        mail = [m for m in site.wait_mail("cap", count)]
        found = {}
        for octets in mail:
            parsed = email.message_from_bytes(octets)
            found[parsed["Subject"]] = parsed["Date"]
        return found

    submit("before")
    equal(date_of(1), {"before": None}, "no Date is invented")
    equal(site.link_up("iridium"), 0, "the provider is asked")
    submit("after")
    date = date_of(2)["after"]
    near(email.utils.parsedate_to_datetime(date).timestamp(), time.time(),
         "the Date is today's")


run(in_1970, windows_hold, not_to_be_trusted, bad_times, with_a_good_clock,
    goes_back, who_is_told, dates)
