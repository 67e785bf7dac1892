#!/usr/bin/env python3
"""The command line on a terminal: passwords, questions, tables that fit."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import signal
import screen

def terminal(site, words, *pairs):
    return screen.talk(["-c", site.file, *words], *pairs)


def fresh():
    world = World()
    return world.make_site(peer=world.peer(submission=9, odmr=9))


def send(site, *recipients):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", list(recipients),
                            make("letter"))
    return reply.message_id


def passwords():
    site = fresh()
    site.write_conf()
    status, shown = terminal(site, ["user", "add", "cook"],
                             ("Password", "fish soup\n"),
                             ("again", "fish soup\n"))
    equal(status, 0, "a password is asked for twice")
    check("fish" not in shown, "and not shown", shown)
    status, shown = terminal(site, ["user", "add", "mate"],
                             ("Password", "one\n"), ("again", "two\n"))
    equal(status, 65, "two that differ are refused")
    status, shown = terminal(site, ["user", "add", "mate"],
                             ("Password", signal.SIGINT))
    equal(status, -signal.SIGINT, "an interrupt ends it")
    equal([u["name"] for u in site.rows("user", "list")], ["cook"],
          "only the good one was added")
    equal(site.cli("user", "add", "mate").returncode, 64,
          "without a terminal it must be said where the password comes from")


def questions():
    site = fresh().start()
    name = send(site, "ben@shore.example", "eve@shore.example")
    for running in (True, False):
        where = "daemon " + ("up" if running else "down")
        if not running:
            site.stop()
        status, shown = terminal(site, ["queue", "delete", name], ("?", "n\n"))
        check(status == 0 and "2 deliveries" in shown,
              f"{where}: the question says how many", shown)
        equal(len(site.queue()), 2, f"{where}: no means no")
        status, shown = terminal(site, ["queue", "hold", "--all"],
                                 ("?", "y\n"))
        equal(len(site.queue("--state", "held")), 2, f"{where}: yes means yes")
        site.must("queue", "release", name)
        status, shown = terminal(
            site, ["queue", "delete", "--from", "nobody@*"])
        check(status == 0 and "none" in shown,
              f"{where}: nothing to ask about", shown)


def customer_with_mail():
    world = World()
    shore = world.make_shore().start()
    shore.must("customer", "add", "kestrel", "--domain", "kestrel.example",
               "--password-stdin", text=PASSWORD + "\n")
    with Smtp(shore.port("smtp")) as client:
        client.ehlo()
        client.mail("ann@shore.example", ["cat@kestrel.example"],
                    make("letter"))
    equal(shore.cli("customer", "delete", "kestrel").returncode, 64,
          "a customer with mail is not deleted without a word")
    status, shown = terminal(shore, ["customer", "delete", "kestrel"],
                             ("?", "n\n"))
    check("1 delivery waits" in shown, "it says what waits", shown)
    equal(len(shore.rows("customer", "list")), 1, "no means no")
    status, shown = terminal(shore, ["customer", "delete", "kestrel"],
                             ("?", "y\n"))
    equal(shore.rows("customer", "list"), [], "yes means yes")
    check(shore.wait_queue_empty(), "its mail went with it")


def tables():
    site = fresh().start()
    send(site, "a-very-long-name-of-a-person@office.shore.example")
    status, shown = terminal(site, ["queue", "list"])
    lines = shown.replace("\r", "").rstrip("\n").split("\n")
    equal(len(lines), 2, "a title and a row")
    check(all(len(line) <= screen.COLUMNS for line in lines),
          "a row fits the terminal", lines)
    check("~" in lines[1], "and shows where it was cut", lines)
    check("a-very-long-name-of-a-person@office.shore.example"
          in site.must("queue", "list"), "to a file nothing is cut")
    site.link_up("iridium")
    site.link_down("iridium")
    wait_until(lambda: site.rows("link", "history"))
    for words, title in ((["link", "history"], "LINK"),
                         (["link", "history", "iridium"], "STARTED")):
        _, shown = terminal(site, words)
        lines = shown.replace("\r", "").rstrip("\n").split("\n")
        equal(lines[0].split()[0], title, "a link that was named is known")
        check(len(lines) > 1 and all(len(line) <= screen.COLUMNS for line in lines),
              "a past session fits the terminal", lines)


def subjects():
    site = fresh().start()
    odd = (b"From: <ann@aurora.example.org>\r\nTo: <ben@shore.example>\r\n"
           b"Subject: =?utf-8?q?K=C3=A4se_=1B[2J?=\r\n =?utf-8?q?_und_Brot?="
           b"\r\n\r\ntext\r\n")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org",
                    ["ben@shore.example", "eve@shore.example"], odd)
        client.mail("ann@aurora.example.org", ["ben@shore.example"],
                    b"X: no subject\r\n\r\ntext\r\n")
    equal([r["subject"] for r in site.rows("queue", "list")], [None] * 3,
          "a list does not look for subjects")
    told = [r["subject"] for r in site.rows("queue", "list", "--subject")]
    equal(told, [told[0], told[0], None], "unless it is asked for them")
    check(told[0].startswith("K\u00e4se ") and told[0].endswith(" und Brot"),
          "decoded", told)
    name = site.queue()[0]["message"]
    equal(site.rows("queue", "show", name)[0]["subject"], told[0],
          "queue show has it")
    shown = site.must("queue", "show", name)
    check("subject       K\u00e4se " in shown and "\x1b" not in shown,
          "people, too, and nothing moves the cursor", shown)
    lines = site.must("queue", "list", "--subject").split("\n")
    check(lines[0].endswith("SUBJECT") and "und Brot" in lines[1]
          and lines[3].endswith(" -"), "a column", lines)


def colours():
    site = fresh().start()
    ids = [send(site, f"{name}@shore.example") for name in ("ben", "eve")]
    site.must("queue", "hold", ids[0])
    xterm = {"TERM": "xterm", "NO_COLOR": ""}

    def shown(*words, env=xterm):
        return screen.talk(["-c", site.file, *words], env=env)[1]

    plain = shown("queue", "list", env={"TERM": "dumb"})
    check("\x1b" not in plain, "a dumb terminal has none", plain)
    lively = shown("queue", "list")
    check("\x1b[31mheld\x1b[0m" in lively, "what is held is red", lively)
    check("ready" in lively and "\x1b[31mready" not in lively, "the rest plain")

    def bare(text):
        """Without colours, and without the ages, which go on."""
        return re.sub(r" *\d+s ", " ", re.sub(r"\x1b\[\d+m", "", text))

    equal(bare(lively), bare(plain), "the columns stand as ever")
    for why, env in (("NO_COLOR", {"TERM": "xterm", "NO_COLOR": "1"}),
                     ("no TERM", {"TERM": "", "NO_COLOR": ""})):
        check("\x1b" not in shown("queue", "list", env=env), f"{why}: none")
    check("\x1b" not in shown("queue", "list", "--color=never"), "never")
    check("\x1b[31m" in shown("--color=always", "queue", "list",
                              env={"TERM": "dumb", "NO_COLOR": "1"}),
          "always is always")
    check("\x1b" not in shown("queue", "list", "--json", "--color=always"),
          "but not in JSON")
    check("\x1b" not in site.must("queue", "list"), "nor in a file")
    check("\x1b[31m" in site.must("queue", "list", "--color", "always"),
          "unless told to")
    check("\x1b[31mtidepost:\x1b[0m no" in shown("nonsense"),
          "an error begins in red", shown("nonsense"))
    check("\x1b[31mheld\x1b[0m: " in shown("queue", "show", ids[0]),
          "the state of a message")
    with open(site.file, "a", encoding="utf-8") as conf:
        conf.write('hosts = "x";\n')
    check("\x1b[31merror:\x1b[0m " in shown("check"), "check: errors")
    done = site.cli("queue", "list", "--color", "pink")
    equal((done.returncode, done.stderr.strip()),
          (64, "tidepost: --color pink: it is always, never or auto"),
          "another word is refused")
    site.stop()
    site.write_conf()
    check("\x1b[31mnot running\x1b[0m" in shown("status"), "status")


run(passwords, questions, customer_with_mail, tables, subjects, colours)
