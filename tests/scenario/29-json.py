#!/usr/bin/env python3
"""Each verb with --json prints what docs/json.schema.json says."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import json
import subprocess

from schema import Schema

# Words that a verb needs, at the site and at the provider; None: not there.
VERBS = {
    "status": ("", ""),
    "queue list": ("", ""),
    "queue show": ("ID", "ID"),
    "queue stats": ("", ""),
    "link list": ("", None),
    "link plan": ("iridium", None),
    "link history": ("", None),
    "peer list": ("", None),
    "peer show": ("shore", None),
    "user list": ("", None),
    "customer list": (None, ""),
    "customer show": (None, "aurora"),
    "customer statement": (None, "--all"),
    "log": ("", ""),
}
PLAN_CODES = (0, 10, 11, 69)


def load():
    with open(f"{ROOT}/docs/json.schema.json", encoding="utf-8") as stream:
        return Schema(json.load(stream))


def send(port, sender, recipient):
    with Smtp(port) as client:
        client.ehlo()
        return client.mail(sender, [recipient], make("letter")).message_id


def look(schema, node, verb, words, name, when):
    words = words.replace("ID", name).split()
    done = node.cli(*verb.split(), *words, "--json")
    check(done.returncode in (PLAN_CODES if verb == "link plan" else (0,)),
          f"{verb} --json, {when}", (done.returncode, done.stderr))
    rows = [json.loads(line) for line in done.stdout.split("\n") if line]
    check(rows, f"{verb}: there is something to look at, {when}")
    rule = {"$ref": f"#/$defs/tidepost {verb}"}
    faults = [f for row in rows for f in
              schema.faults(row, rule) + schema.unknown(row, rule)]
    equal(faults[:5], [], f"{verb} is as the schema says, {when}")


def each_verb():
    done = subprocess.run([CLI, "help", "--list"], capture_output=True,
                          encoding="utf-8", timeout=60)
    known = [l.removesuffix(" --json") for l in done.stdout.split("\n")
             if l.endswith(" --json")]
    schema = load()
    equal(sorted(known), sorted(VERBS), "each verb with --json is tested")
    equal(sorted(d.removeprefix("tidepost ") for d in schema.defs
                 if d.startswith("tidepost ")), sorted(VERBS),
          "and in the schema")


def as_it_says():
    schema = load()
    world = World()
    site, shore = world.pair()
    site.must("user", "add", "cook", "--password-stdin", text="fish\n")
    send(site.port("lan"), "ann@aurora.example.org", "ben@shore.example")
    send(shore.port("smtp"), "ben@shore.example", "ann@aurora.example.org")
    equal(site.link_up("iridium"), 0, "mail went both ways")
    site.link_down("iridium")
    names = (send(site.port("lan"), "ann@aurora.example.org",
                  "ben@shore.example"),
             send(shore.port("smtp"), "ben@shore.example",
                  "ann@aurora.example.org"))
    shore.must("queue", "hold", names[1])
    for when in ("running", "down"):
        for verb, words in VERBS.items():
            for i, node in enumerate((site, shore)):
                if words[i] is not None:
                    look(schema, node, verb, words[i], names[i],
                         f"{node.name} {when}")
        look(schema, site, "link history", "--by user", "", f"site {when}")
        site.stop()
        shore.stop()


def the_tool():
    """The schema's reader says no where it should."""
    schema = load()
    rule = {"$ref": "#/$defs/tidepost user list"}
    good = {"name": "a", "senders": [], "max_priority": 0, "last_login": None}
    equal(schema.faults(good, rule), [], "a good row")
    for key, bad in (("name", 1), ("name", None), ("senders", [1]),
                     ("max_priority", "0"), ("max_priority", 10),
                     ("max_priority", True), ("last_login", "yesterday")):
        check(schema.faults({**good, key: bad}, rule), f"{key} {bad!r}: no")
    check(schema.faults({"name": "a"}, rule), "fields that are missing: no")
    equal((schema.unknown(good, rule), schema.unknown({"x": 1}, rule)),
          ([], ["$.x is not in the schema"]), "fields that nobody named: no")


run(each_verb, as_it_says, the_tool)
