#!/usr/bin/env python3
"""Line by line (--plain): what is typed, and what is said."""

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from console import *


def said(still, *lines, **more):
    return still.run("--plain", text="".join(f"{line}\n" for line in lines),
                     **more)


def views():
    still = Still()
    out = said(still, "queue", "help", "back", "2", "links", "customers",
               "log", "quit")
    check("== overview" in out and "the daemon is not running" in out,
          "the overview is first, and says what is the matter", out)
    check("1. ID 1.1, STATE ready, SIZE 128, AGE 1d, PRI 0, "
          "FROM ann@aurora.example.org, TO ben@shore.example, ROUTE *, "
          "WHY IT WAITS waits for link iridium or vsat" in out,
          "a row says the names of its columns, and nothing is cut", out)
    check("keep it back until it is released" in out, "help lists requests")
    check("== message 2" in out and "All well." in out,
          "a number opens a row", out)
    check("LINK iridium" in out and "CUSTOMER kestrel" in out
          and "EVENT deferred" in out, "links, customers and log", out)
    check("\x1b" not in out and "\x9b" not in out and "\u202e" not in out,
          "nothing but text, whatever strangers write")
    equal(out.count("> "), 8, "a line is asked for eight times")


def acts():
    still = Still()
    out = said(still, "queue", "hold 1", "n", "hold 1", "y", "refresh", "undo",
               "y", "quit")
    check("Hold 1.1 to ben@shore.example (128)? Kept back until released."
          in out and "nothing done" in out, "no is no", out)
    check("1 delivery held; undo takes it back" in out
          and "STATE held" in out, "yes is yes", out)
    check("1 delivery released (taken back)" in out, "and it is taken back",
          out)
    out = said(still, "queue", "mark 1", "mark 2", "priority", "urgent", "y",
               "quit")
    check("2 deliveries changed" in out, "marked ones, with a value", out)
    for word in ("Y", "yes", " y "):
        out = said(Still(), "queue", "hold 1", word, "quit")
        check("1 delivery held" in out, f"{word!r} is yes", out)
    for word in ("", "no", "yesterday"):
        out = said(Still(), "queue", "hold 1", word, "quit")
        check("nothing done" in out, f"{word!r} is no", out)
    out = said(still, "queue", "filter", "kestrel", "quit")
    check("1. ID 8.1" in out.split("show only:")[1], "a filter", out)


def mistakes():
    still = Still()
    out = said(still, "fly", "queue", "99", "hold x", "hold 99", "x" * 5000,
               "", "quit")
    check('no request "fly"' in out, "an unknown word", out)
    equal(out.count("no request"), 2, "a line that is too long is one line")
    check("there is no row 99" in out, "an unknown row", out)
    check('"x" is no row' in out, "no number", out)
    check("Hold" not in out, "and nothing was asked", out)
    out = said(still, "queue", "hold 1")
    check("Hold 1.1" in out and "delivery held" not in out,
          "the input ends at a question: nothing is done", out)


def pages():
    still = Still("many", 70)
    out = said(still, "queue", "", "", "45", "quit")
    check("50 more; an empty line shows them." in out
          and "21. ID 21.1" in out and "60. ID 60.1" in out,
          "twenty at a time", out)
    check("== message 45" in out, "a row of another page", out)
    out = said(still, "queue", "page-down", "page-down", "page-up", "quit")
    pages = out.split("== queue", 1)[1]
    equal([line.split(".")[0] for line in pages.split("\n")
           if line.split(".")[0] in ("1", "21", "41")],
          ["1", "21", "41", "21"], "forth and back by pages")
    out = said(still, "queue", *["page-down"] * 4, "quit")
    check("this is the last page" in out, "the end is told", out)
    out = said(still, "queue", "hold 45", "n", "quit")
    check("Hold 45.1 to " in out, "a row of another page is named whole", out)
    out = said(still, "queue", "search", "45.1", "quit")
    check("\n45. ID 45.1" in out.split("search:")[1].split("\n46.")[0],
          "what was found is said first", out)
    check("\n44. " not in out.split("search:")[1], "and nothing before", out)


run(views, acts, mistakes, pages)
