#!/usr/bin/env python3
"""Every verb refuses what it cannot do in one line that says what to do."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

# What there is to do: where to look, how it is written, what to choose.
HINT = re.compile(
    r"see: tidepost |did you mean|; give |; write |: write |give either|"
    r"\(as [^)]+\)|look like| needs? |one of|only \"|give it once|: give |add --yes|"
    r"is not running|: start |as 2026-|-9 to 9|: .* or |say what|which\?|name a "
    r"link|from 0 to|set it|it is always|there is one for|: set |make it first|"
    r"; there is \w|what became of it: tidepost|the first start of tidepostd",
    re.I)


def verbs():
    """{verb: (words, [(option, value)])} as help knows them."""
    found = {}
    text = subprocess.run([CLI, "help", "--list"], capture_output=True,
                          text=True, check=True).stdout
    for line in text.split("\n"):
        words = line.split()
        if not words:
            continue
        verb = " ".join(w for w in words if not w.startswith("-"))
        found.setdefault(verb, []).extend(
            w for w in words if w.startswith("-"))
    return found


def refused(site, *words, codes=(64, 65, 69, 77, 78), text=""):
    done = site.cli(*words, text=text)
    what = " ".join(words)
    lines = done.stderr.strip().split("\n")
    check(done.returncode in codes, f"{what}: refused",
          (done.returncode, done.stdout, done.stderr))
    check(len(lines) == 1 and lines[0].startswith("tidepost: "),
          f"{what}: in one line", done.stderr)
    check(HINT.search(lines[0]), f"{what}: it says what to do", lines[0])
    check(lines[0] == lines[0].strip() and not lines[0].endswith("."),
          f"{what}: as the others", lines[0])
    return lines[0]


RAW = {"send", "console", "help", "version"}  # options are words there
NAMES = {  # verbs that take a name, and what else they want
    "link up": [], "link down": [], "link call": [], "link hangup": [],
    "link disable": [], "link enable": [], "link plan": [],
    "link history": [], "link allow": ["--time", "5m"],
    "peer show": [], "peer trust": [],
    "user set": ["--max-priority", "4"], "user delete": ["--yes"],
    "customer set": ["--quota", "1M"], "customer show": [],
    "customer suspend": [], "customer resume": [],
    "customer delete": ["--yes"], "customer statement": [],
    "user passwd": ["--password-stdin"],
    "customer passwd": ["--password-stdin"],
}
VALUES = {
    "queue list": ["--older x", "--larger x", "--state x", "--limit x"],
    "queue priority": ["x 1", "normal x"],
    "queue hold": ["x", "", "1 --all"],
    "queue show": ["x", "999999"],
    "link allow": ["iridium", "iridium --time x", "iridium --bytes x",
                   "iridium --cost x"],
    "link history": ["--month x", "--by x", "--csv --json"],
    "link up": ["", "iridium --deadline x --wait", "iridium --deadline 5s",
                "--interface x"],
    "peer trust": ["shore --until x"],
    "user add": ["", "cook --max-priority x"],
    "customer add": ["x", "x --domain a..b --password-stdin",
                     "x --domain aurora.example.org --password-stdin"],
    "customer statement": ["x --all", "--all --csv --json",
                           "--all --month x"],
    "log": ["--message x", "--session x"],
    "serve": ["", "--service x"],
}


def options():
    site = a_site()
    site.start()
    every = verbs()
    check(len(every) > 40, "all verbs are there", sorted(every))
    for verb, known in sorted(every.items()):
        if verb.split()[0] in RAW:
            continue
        words = verb.split()
        check("see: tidepost help " + verb in refused(
            site, *words, "--zzzzzzzz"), f"{verb}: and where to look")
        refused(site, *words, *["x"] * 40) if verb not in (
            "queue hold", "queue release", "queue retry", "queue delete",
            "queue undelete", "queue return", "queue priority") else None
        for option in known:
            refused(site, *words, option + "=x", option + "=x")


def names_and_values():
    site = a_site()
    for running in (False, True):
        if running:
            site.start()
        else:
            site.start()
            site.stop()
        for verb, more in NAMES.items():
            refused(site, *verb.split(), "no-such", *more, text="secret-1\n")
        for verb, rows in VALUES.items():
            for row in rows:
                refused(site, *verb.split(), *row.split(), text="secret-1\n")


def a_site():
    world = World()
    return world.make_site(peer=world.peer(
        submission=1, collect="none", collect_port=None))


def without_a_node():
    site = a_site()
    site.write_conf()
    for words in (["queue", "list"], ["link", "call", "iridium"],
                  ["link", "up", "iridium", "--wait"], ["queue", "retry", "1"],
                  ["-c", "/nowhere/tidepost.conf", "status"], ["nonsense"],
                  ["queue"], ["queue", "lists"], []):
        if words[:1] == ["-c"]:
            done = subprocess.run([CLI, *words], capture_output=True, text=True)
            equal(done.returncode, 78, "no configuration")
            check("tidepost setup" in done.stderr, "and what to do", done.stderr)
        else:
            refused(site, *words)


run(options, names_and_values, without_a_node)
