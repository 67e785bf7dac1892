#!/usr/bin/env python3
"""Days, months and windows of a link in its own time zone."""

import calendar
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from modem import Modem

CET = "CET-1CEST,M3.5.0,M10.5.0/3"
USAGE_CONF = 78


def at(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def clock(world, text):
    """The environment of a daemon that begins at this time."""
    return Shim(world.dir).env(clock=at(text) - int(time.time()))


def make_site(zone, links, **peer):
    world = World()
    to = Peer(auth=False)
    site = world.make_site(
        peer=world.peer(submission=to.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None, **peer),
        links=[dict(conf, timezone=zone, peers=["shore"])
               for conf in links])
    return world, to, site


def windows(*lists):
    return [{"name": f"link{i}",
             "dial": {"up": "/bin/true", "windows": list(w)}}
            for i, w in enumerate(lists)]


def send(site, text="a line\r\n"):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", "ben@shore.example",
                            make("out", text))
    equal(reply.code, 250, "taken")


def next_windows(zone, now, *lists):
    world, _, site = make_site(zone, windows(*lists))
    site.start(clock(world, now))
    shown = [row["next_window"] for row in site.rows("link", "list")]
    site.stop()
    return shown


def change_to_summer():
    """2027-03-28 in Central Europe: from two o'clock to three."""
    equal(next_windows(CET, "2027-03-28T00:30:00Z",
                       ["02:10-02:20"], ["02:50-03:10"], ["01:40-02:10"],
                       ["06:00-06:20"], ["Sun 06:00-06:20"]),
          ["2027-03-29T00:10:00Z",  # not there today
           "2027-03-28T01:00:00Z",  # begins with what is there of it
           "2027-03-28T00:40:00Z",
           "2027-03-28T04:00:00Z",  # six o'clock is an hour earlier
           "2027-03-28T04:00:00Z"],
          "windows on the day of 23 hours")


def change_from_summer():
    """2027-10-31: three o'clock is two again."""
    equal(next_windows(CET, "2027-10-31T00:30:00Z",
                       ["02:10-02:20"], ["03:00-03:10"], ["02:40-02:50"],
                       ["02:20-02:40"]),
          ["2027-10-31T01:10:00Z",  # it was, and comes again
           "2027-10-31T02:00:00Z",
           "2027-10-31T00:40:00Z",  # the first of two
           "2027-10-31T01:20:00Z"],  # open now; the next
          "windows on the day of 25 hours")


def zones_by_name():
    if not os.path.exists("/usr/share/zoneinfo/Asia/Kathmandu"):
        skip("no time zone database here")
    equal(next_windows("Asia/Kathmandu", "2027-03-28T00:30:00Z",
                       ["06:00-06:10"], ["Mon 00:00-01:00"]),
          ["2027-03-29T00:15:00Z", "2027-03-28T18:15:00Z"],
          "a quarter of an hour off")


def calls_when_the_window_opens():
    """At the moment of the change, by itself."""
    world, to, site = make_site(CET, [])
    modem = Modem(world)
    site.conf["links"] = [modem.link(timezone=CET,
                                     dial={"windows": ["02:50-03:10"]})]
    site.start(clock(world, "2027-03-28T00:59:54Z"))
    send(site)
    row = site.queue()[0]
    equal((row["reason_code"], modem.calls()), ("window", []),
          "before: it waits for the window")
    modem.wait("up", "down")
    check(wait_until(lambda: len(to.mails) == 1), "the mail went", to.mails)
    check(site.wait_queue_empty(), "and nothing is left", site.queue())
    shown, = {e["link"] for e in site.events("window")
              if e["state"] == "open"}
    equal(shown, "iridium", "and the log has the window")


def a_day_of_the_budget():
    """It ends at midnight there, which is ten in the evening in UTC."""
    world, to, site = make_site(CET, [
        {"name": "iridium", "budget": {"day": {"bytes": 9000}}}])
    site.start(clock(world, "2027-07-01T21:59:40Z"))
    for _ in range(4):
        send(site, ("x" * 70 + "\r\n") * 30)
    equal(site.link_up("iridium"), 11, "the day's octets are used")
    sent = len(to.mails)
    check(0 < sent < 4, "some went", sent)
    equal(site.cli("link", "plan", "iridium").returncode, 11,
          "the plan has no budget either")
    left = site.rows("link", "list")[0]["budget_left"]["day"]["bytes"]
    check(left < 4000, "little is left", left)
    check(wait_until(lambda: len(to.mails) > sent, 40),
          "after midnight the next goes", len(to.mails))
    site.stop()


def months_of_the_history():
    """A session belongs to the month it began in, where the link is."""
    world, _, site = make_site(CET, [{"name": "iridium"}])
    site.conf["links"].append({"name": "vsat", "peers": ["shore"]})
    site.start()
    site.stop()
    rows = [("iridium", "2026-06-30T21:59:59Z"),
            ("iridium", "2026-06-30T22:00:00Z"),  # first of July there
            ("vsat", "2026-06-30T22:00:00Z"),
            ("vsat", "2026-07-31T23:59:59Z"),
            ("iridium", "2026-07-31T22:00:00Z"),
            ("iridium", "2026-07-31T21:59:59Z")]
    base = sqlite3.connect(f"{site.dir}/spool/spool.db")
    with base:
        base.executemany(
            "INSERT INTO session (link, started, peer, ended, bytes_sent,"
            " bytes_received, messages_sent, messages_received, turnarounds,"
            " cost, estimate_s, result)"
            " VALUES (?, ?, 'shore', ?, 1, 2, 3, 4, 5, 1.5, 0, 'done')",
            [(link, at(began), at(began) + 9) for link, began in rows])
    base.close()
    shown = [(r["link"], r["started"])
             for r in site.rows("link", "history", "--month", "2026-07")]
    equal(shown, [rows[1], rows[3], rows[5]], "July of each link")
    shown = [r["started"] for r in site.rows(
        "link", "history", "iridium", "--month", "2026-06")]
    equal(shown, [rows[0][1]], "and June")


def bad_zones():
    for zone, why in (("Europe/Olso", "there is no such zone"),
                      ("CET-1CEST,M3.5.0,M13.5.0", "begins or ends"),
                      ("/etc/passwd", "there is no such zone"),
                      ("", "this text is empty")):
        _, _, site = make_site(zone, [{"name": "iridium"}])
        site.write_conf()
        done = site.cli("check")
        equal(done.returncode, USAGE_CONF, f"refused: {zone}")
        line = next(i for i, text in enumerate(
            open(site.file, encoding="utf-8"), 1) if "timezone" in text)
        check(f":{line}:" in done.stdout + done.stderr
              and why in done.stdout + done.stderr,
              "with its line and why", done.stdout + done.stderr)


run(change_to_summer, change_from_summer, zones_by_name,
    calls_when_the_window_opens, a_day_of_the_budget, months_of_the_history,
    bad_zones)
