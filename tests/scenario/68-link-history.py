#!/usr/bin/env python3
"""The history of links is what went over them, session by session."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import calendar
import csv
import io
import json
import math
import sqlite3
import time

from link import Link

FIELDS = """link started ended seconds messages_sent messages_received
    bytes_sent bytes_received turnarounds cost estimate_seconds
    result""".split()
LINKS = [{"name": "iridium", "peers": ["shore"]},
         {"name": "harbour", "peers": ["shore"]}]
USAGE, DATA = 64, 65
DAY_S = 86400


def make_site():
    peer = Peer(auth=False)
    line = Link(peer.port)
    world = World()
    site = world.make_site(
        peer=world.peer(submission=line.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        links=LINKS).start()
    return peer, line, site


def send(site, count):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for i in range(count):
            reply = client.mail("ann@aurora.example.org", "ben@shore.example",
                                make(f"message {i}", "a line\r\n" * 40))
            if reply.code != 250:
                raise AssertionError(reply)


def history(site, *args, count=None):
    """The rows; with COUNT as soon as there are so many."""
    def rows():
        return site.rows("link", "history", *args)
    if count is not None:
        wait_until(lambda: len(rows()) >= count, 10, 0.1)
    return rows()


def sessions(site, sql, *values):
    """SQL on the sessions in the spool of a node that is down."""
    base = sqlite3.connect(f"{site.dir}/spool/spool.db")
    try:
        with base:
            base.executemany(sql, values or [()])
    finally:
        base.close()


def is_the_session():
    """A row is what the line carried and what the log says."""
    peer, line, site = make_site()
    equal(history(site), [], "no session yet: no row")
    equal(site.must("link", "history"), "none\n", "and says so")
    send(site, 5)
    equal(site.link_up("iridium"), 0, "all moves")
    site.link_down("iridium")
    row, = history(site, count=1)
    equal(list(row), FIELDS, "the fields of the interface, in order")
    equal((row["link"], row["messages_sent"], row["messages_received"]),
          ("iridium", len(peer.mails), 0), "link and messages")
    equal([int(e["sent"]) for e in site.events("session-end")
           if e["role"] != "server" and e["peer"] == "shore"],
          [row["messages_sent"]], "as the log says")
    equal((row["bytes_sent"], row["bytes_received"]),
          (line.sent, line.received), "the octets that the line carried")
    equal(row["turnarounds"], line.turns, "and its turns")
    check(row["estimate_seconds"] > 0, "what was planned before", row)
    began, ended = (calendar.timegm(time.strptime(row[k], "%Y-%m-%dT%H:%M:%SZ"))
                    for k in ("started", "ended"))
    equal(row["seconds"], ended - began, "seconds from begin to end")
    text = site.must("link", "history", "iridium")
    check(row["result"] and row["result"] in text, "how it ended", text)
    return peer, line, site, row


def chosen():
    """By link and by month, newest last, daemon up or down."""
    _, line, site, first = is_the_session()
    send(site, 1)
    line.reset()
    equal(site.link_up("harbour"), 0, "over the other link")
    site.link_down("harbour")
    both = history(site, count=2)
    equal([r["link"] for r in both], ["iridium", "harbour"], "newest last")
    equal(both[1]["bytes_sent"], line.sent, "each has its own octets")
    equal(history(site, "iridium"), [first], "of one link")
    month = both[1]["started"][:7]
    check(both[1] in history(site, "--month", month), "of this month", month)
    equal(history(site, "--month", "2001-02"), [], "nothing was then")
    site.stop()
    equal(history(site), both, "with the daemon down the same")
    as_csv(site, both)
    long_past(site, both)


def as_csv(site, rows):
    text = site.must("link", "history", "--csv")
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    equal(list(table[0]), FIELDS, "CSV: the same names")
    equal(table, [{k: "" if v is None else str(v) for k, v in row.items()}
                  for row in rows], "CSV: the same values")


def long_past(site, both):
    """Months have borders, customers' calls are not links', pages join."""
    insert = ("INSERT INTO session (link, started, peer, ended, bytes_sent,"
              " bytes_received, messages_sent, messages_received, turnarounds,"
              " cost, estimate_s, result)"
              " VALUES (?, ?, 'shore', ?, 1, 2, 3, 4, 5, 1.5, ?, ?)")
    march = 1456790400  # 2016-03-01
    april = march + 31 * DAY_S
    sessions(site, insert,
             ("gone", march - 1, march + 9, 0, "too early"),
             ("gone", march, march, 60, 'a "first", so'),
             ("", march, march, 0, "a customer"),
             ("gone", april - 1, april + 60, 0, "last"),
             ("gone", april, april, 0, "too late"))
    rows = history(site, "gone", "--month", "2016-03")
    equal([(r["result"], r["seconds"], r["estimate_seconds"], r["cost"])
           for r in rows],
          [('a "first", so', 0, 60, 1.5), ("last", 61, None, 1.5)],
          "a link that is gone from the configuration, in its month")
    equal(history(site, "--month", "2016-03"), rows, "all links: no customers")
    check('"a ""first"", so"' in site.must(
        "link", "history", "--month", "2016-03", "--csv"), "CSV: quoted")
    now = int(time.time())
    sessions(site, insert, *(("harbour", now - 31 * DAY_S, now, 0, "old"),
                             *(("harbour", now, now, 0, f"call {i}")
                               for i in range(450))))
    rows = history(site)
    equal([r["result"] for r in rows[len(both):]],
          [f"call {i}" for i in range(450)],
          "more than a page, each once; the last 30 days")


def refused():
    _, _, site = make_site()
    for args, status in ((["nosuch"], DATA),
                         (["--month", "2026-13"], USAGE),
                         (["--csv", "--json"], USAGE),
                         (["iridium", "harbour"], USAGE)):
        done = site.cli("link", "history", *args)
        equal((done.returncode, done.stdout), (status, ""),
              f"link history {args}")
    done = site.cli("link", "history", "--by", "peer")
    equal(done.returncode, USAGE, "--by another is refused")
    check('only "user"' in done.stderr, "plainly", done.stderr)
    equal(site.cli("link", "history", "harbour").stdout, "none\n",
          "a link without a past")


def plan_of(site):
    done = site.cli("link", "plan", "iridium", "--json")
    return json.loads(done.stdout.split("\n")[-2])


def beside_the_plan():
    """The estimate is what link plan said before; then what happened."""
    peer = Peer(auth=False, rate=4000)
    line = Link(peer.port)
    world = World()
    site = world.make_site(
        peer=world.peer(submission=line.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        links=[dict(LINKS[0], bit_rate=32000, rtt="100ms"),
               LINKS[1]]).start()
    send(site, 4)
    text = ("x" * 70 + "\r\n") * 150
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example",
                    make("large", text))
    plan = plan_of(site)
    equal(plan["inbound"], {"sessions": 0, "messages": None, "bytes": None,
                            "seconds": None, "cost": None},
          "of what will come in nothing is known")
    plan = plan["total"]
    equal(plan["messages"], 5, "all of it is planned")
    equal(site.link_up("iridium"), 0, "and goes")
    row, = history(site, "iridium", count=1)
    equal(row["estimate_seconds"], math.ceil(plan["seconds"]),
          "the estimate is the plan")
    check(plan["seconds"] / 4 <= row["seconds"] + 1 <= plan["seconds"] * 6,
          "and of the size of what it took", (plan, row))
    check("PLANNED" in site.must("link", "history", "iridium"),
          "people see both")


def account(site, name):
    site.must("user", "add", name, "--sender", "*@aurora.example.org",
              "--password-stdin", text=PASSWORD + "\n")


def by_user():
    """Whose mail it was, and what part of the bill is theirs."""
    world = World()
    world.make_shore().start()
    world.add_customer()
    site = world.make_site(links=[
        {"name": "iridium", "peers": ["shore"],
         "cost": {"per_megabyte": 100.0, "per_call": 2.0}},
        {"name": "vsat", "peers": ["shore"]}]).start()
    account(site, "bea")
    equal(site.rows("link", "history", "--by", "user"), [], "nothing yet")
    equal(site.must("link", "history", "--by", "user"), "none\n", "says so")

    def submit(count, octets):
        with Smtp(site.port("submission")) as client:
            client.ehlo()
            client.starttls(world.client_tls)
            client.ehlo()
            client.auth_plain("bea", PASSWORD)
            for _ in range(count):
                equal(client.mail("x@aurora.example.org", "ben@shore.example",
                                  make("hers", "y" * 60 + "\r\n"
                                       + "x\r\n" * octets)).code, 250, "taken")

    send(site, 2)
    submit(3, 300)
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        client.mail("eve@shore.example", "cap@aurora.example.org",
                    make("in", "z\r\n" * 50))
    equal(site.link_up("iridium"), 0, "all moves")
    site.wait_mail("cap")
    site.link_down("iridium")
    rows = history(site, count=2)
    bill = site.rows("link", "history", "--by", "user")
    names = {r["user"]: r for r in bill}
    equal({u: r["messages"] for u, r in names.items() if u != "(nobody)"},
          {"(received)": 1, "ann@aurora.example.org": 2, "bea": 3},
          "the account, or the sender of who has none, and what came in")
    equal(list(bill[0]), ["user", "sessions", "messages", "bytes", "seconds",
                          "cost"], "the fields")
    inbound = plan_of(site)["inbound"]
    equal((inbound["sessions"], inbound["messages"]), (1, 1),
          "link plan has the mean of what came in")
    check(inbound["bytes"] > 200 and inbound["cost"] > 0,
          "with octets and money", inbound)
    check("the mean of 1 past session: 1 messages" in
          site.cli("link", "plan", "iridium").stdout, "for people too")
    total = sum(r["cost"] for r in rows)
    check(total > 2 and abs(sum(r["cost"] for r in bill) - total) < 0.001,
          "the parts are the whole bill", (bill, total))
    pushed = [r for r in rows if r["messages_sent"]]
    cost = sum(r["cost"] for r in pushed)
    share = names["bea"]["bytes"] / sum(
        r["bytes"] for u, r in names.items()
        if u != "(received)" or pushed[0]["messages_received"])
    check(abs(names["bea"]["cost"] - cost * share) < 0.01,
          "in parts as the octets were", (names["bea"], cost, share))
    text = site.must("link", "history", "--by", "user")
    check("bea" in text and "USER" in text, "for people", text)
    table = list(csv.DictReader(io.StringIO(site.must(
        "link", "history", "--by", "user", "--csv"), newline="")))
    equal([r["user"] for r in table], [r["user"] for r in bill], "as CSV")
    equal(site.rows("link", "history", "vsat", "--by", "user"), [],
          "the other link carried nothing")
    equal(site.rows("link", "history", "--by", "user", "--month", "2001-01"),
          [], "nor did that month")
    site.kill()
    site.start()
    equal(site.rows("link", "history", "--by", "user"), bill,
          "it survives a crash")
    swept(site)


def swept(site):
    """The parts go with their sessions."""
    site.stop()
    sessions(site, "UPDATE session SET ended = 5, started = 5")
    site.start()

    def left():
        base = sqlite3.connect(f"{site.dir}/spool/spool.db")
        try:
            return base.execute("SELECT count(*) FROM session_share"
                                ).fetchone()[0]
        finally:
            base.close()
    check(wait_until(lambda: left() == 0, 90), "swept with the history",
          left())


run(is_the_session, chosen, refused, beside_the_plan, by_user)
