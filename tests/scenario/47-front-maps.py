#!/usr/bin/env python3
"""The sample maps for a Postfix in front, and the SQL they rely on."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import sqlite3

MAPS = os.path.join(ROOT, "conf", "postfix")
LISTED, VERIFY = 1, 2


def fresh():
    world = World()
    shore = world.make_shore().start()
    world.add_customer("borea", "borea.example")
    world.add_customer("calm", "calm.example")
    return shore


def database(node):
    return node.conf["spool"].partition(":")[2]


def read_map(name):
    """(parameter: value) as Postfix reads it: a blank continues a line."""
    lines = []
    with open(os.path.join(MAPS, name), encoding="utf-8") as stream:
        for line in stream:
            if line.startswith("#") or not line.strip():
                continue
            if line[0].isspace():
                lines[-1] += " " + line.strip()
            else:
                lines.append(line.strip())
    return dict((part.strip() for part in line.split("=", 1))
                for line in lines)


def look_up(node, name, key):
    """What the map says of KEY, read as Postfix's sqlite: does; None."""
    query = read_map(name)["query"].replace("%s", key.replace("'", "''"))
    base = sqlite3.connect(f"file:{database(node)}?mode=ro", uri=True)
    try:
        rows = base.execute(query).fetchall()
    finally:
        base.close()
    return ",".join(row[0] for row in rows) or None


def give_list(node, customer, addresses, mode=LISTED):
    """CUSTOMER has these recipients too; the daemon is down."""
    base = sqlite3.connect(database(node))
    with base:
        base.execute("UPDATE account SET recipients = ? WHERE name = ?",
                     (mode, customer))
        base.executemany("INSERT INTO customer_recipient VALUES (?, ?)",
                         [(customer, address) for address in addresses])
    base.close()


def domains(shore, when):
    def says(key, expected):
        equal(look_up(shore, "tidepost-domains.cf", key), expected,
              f"{when}: domain {key}")
    says("borea.example", "borea")
    says("Borea.EXAMPLE", "borea")
    says("calm.example", "calm")
    says("shore.example", None)
    says("' OR 1 = 1 --", None)
    says("", None)


def recipients(shore, when):
    def says(key, expected):
        equal(look_up(shore, "tidepost-recipients.cf", key), expected,
              f"{when}: recipient {key}")
    says("ann@borea.example", "borea")
    says("ANN@borea.example", "borea")
    says("nobody@borea.example", None)
    says("@borea.example", None)
    says("anybody@calm.example", None)
    says("@calm.example", "calm")
    says("@Calm.Example", "calm")
    says("calm.example", None)
    says("@shore.example", None)
    says("o'neill@borea.example", "borea")


def maps():
    shore = fresh()
    domains(shore, "daemon up")
    equal(shore.cli("customer", "suspend", "calm").returncode, 0, "suspend")
    domains(shore, "suspended")
    shore.stop()
    give_list(shore, "borea", ["ann@borea.example", "o'neill@borea.example"])
    domains(shore, "daemon down")
    recipients(shore, "daemon down")
    shore.start()
    recipients(shore, "daemon up")
    equal(shore.cli("customer", "delete", "calm").returncode, 0, "delete")
    equal(look_up(shore, "tidepost-domains.cf", "calm.example"), None,
          "a customer deleted is seen at once")
    shore.stop()
    give_list(shore, "borea", [], mode=VERIFY)
    equal(look_up(shore, "tidepost-recipients.cf", "ann@borea.example"), None,
          "a list that does not hold is not shown")
    equal(look_up(shore, "tidepost-recipients.cf", "@borea.example"), "borea",
          "then every address is for tidepost to answer")


def samples():
    for name in ("tidepost-domains.cf", "tidepost-recipients.cf"):
        sample = read_map(name)
        equal(sorted(sample), ["dbpath", "query"], f"{name}: parameters")
        equal(sample["dbpath"], "/var/lib/tidepost/spool.db", f"{name}: path")


def views():
    """Column by column what docs/spool.md promises."""
    shore = fresh()
    base = sqlite3.connect(f"file:{database(shore)}?mode=ro", uri=True)
    for view, columns in (
            ("customer_domains", ["domain", "customer", "suspended",
                                  "listed"]),
            ("customer_recipients", ["address", "customer"])):
        told = base.execute(f"SELECT * FROM {view}").description
        equal([column[0] for column in told], columns, f"columns of {view}")
        plan = base.execute(
            f"EXPLAIN QUERY PLAN SELECT customer FROM {view} "
            f"WHERE {columns[0]} = 'x'").fetchall()
        check(all("SEARCH" in row[3] for row in plan),
              f"{view} is looked up by an index", plan)
    base.close()


run(samples, maps, views)
