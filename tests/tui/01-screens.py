#!/usr/bin/env python3
"""Keys in, screen out: each picture is compared with the one in golden/.

TIDEPOST_GOLDEN=write writes them anew; look at what changed before it goes in.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from console import *

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")

# name, keys, size
AT_REST = [
    ("overview", "", "80x24"),
    ("overview-40x12", "", "40x12"),
    ("overview-route", "G k k Enter", "80x24"),
    ("queue", "2", "80x24"),
    ("queue-wide", "2", "132x30"),
    ("queue-40x12", "2", "40x12"),
    ("queue-reason", "2 j", "80x24"),
    ("queue-by-size", "2 s", "80x24"),
    ("queue-by-recipient-back", "2 s s s s s S", "80x24"),
    ("queue-filter-typing", "2 f s h o r e", "80x24"),
    ("queue-filter", "2 f h e l d Enter", "80x24"),
    ("queue-filter-none", "2 f n o b o d y Enter", "80x24"),
    ("queue-filter-off", "2 f h e l d Enter q", "80x24"),
    ("queue-filter-kept", "2 f h e l d Enter f x y Esc", "80x24"),
    ("queue-filter-long", "2 f " + "医 " * 80, "80x24"),
    ("queue-marks", "2 t j t", "80x24"),
    ("queue-deleted", "2 w w w w w", "80x24"),
    ("queue-hold-asks", "2 H", "80x24"),
    ("queue-hold-many", "2 T H", "40x12"),
    ("queue-hold-no", "2 H n", "80x24"),
    ("queue-retry-idle", "2 y", "80x24"),
    ("queue-delete-asks", "2 t t d", "80x24"),
    ("queue-priority-asks", "2 p u r g e n t", "80x24"),
    ("queue-priority-bad", "2 p 9 9 Enter", "80x24"),
    ("queue-search", "2 / d o c t o r Enter", "80x24"),
    ("queue-search-found", "2 / o w n e r Enter", "80x24"),
    ("queue-search-on", "2 / s h o r e Enter n n N", "80x24"),
    ("message-hostile", "2 j j j j Enter", "80x24"),
    ("message-hostile-header", "2 j j j j Enter v G", "80x24"),
    ("message-hostile-raw", "2 j j j j Enter v v G", "80x24"),
    ("message-wide-names", "2 j j j Enter", "40x12"),
    ("message-parts", "2 j j j j j j Enter", "80x24"),
    ("message-history", "2 j Enter", "80x24"),
    ("message-log", "2 j L", "80x24"),
    ("links", "3", "80x24"),
    ("link", "3 Enter", "80x30"),
    ("plan", "3 p", "80x24"),
    ("link-call-asks", "3 c", "80x24"),
    ("link-call-down", "3 c y", "80x24"),
    ("link-disable-asks", "3 X d o c k Enter", "80x24"),
    ("customers", "4", "80x24"),
    ("customer-queue", "4 Enter", "80x24"),
    ("log", "5", "80x24"),
    ("log-message", "5 m", "80x24"),
    ("log-filter", "5 f h e l d Enter", "80x24"),
    ("help-queue", "2 ?", "80x40"),
    ("help-overview", "?", "40x12"),
    ("no-such-here", "5 2 c", "80x24"),
    ("nothing-to-undo", "z", "80x24"),
]

SINCE = NOW - 240
STATUS = [
    dict(kind="node", hostname="aurora.example.org", version="0.1.0", pid=77,
         uptime=7500, clock="not trusted"),
    dict(kind="warning", text="certificate of shore ends on 2031-03-20"),
    dict(kind="listener", name="lan", address="127.0.0.1", port=2525),
    dict(kind="link", name="iridium", state="exchanging", since=SINCE,
         interface="ppp0", verified=1, bytes_sent=12300, bytes_received=4100,
         waiting_messages=5, waiting_bytes=49000, left_day_bytes="123456.00",
         left_day_cost="12.50", left_month_seconds="9000.00"),
    dict(kind="link", name="vsat", state="disabled", since=NOW - 90000,
         reason="in dock until Tuesday", waiting_messages=5,
         waiting_bytes=49000, next_window=NOW + 90000),
    dict(kind="queue", ready=6, deferred=1, held=1, active=1, bytes=2500000),
    dict(kind="session", id=12, peer="shore", link="iridium", role="client",
         state="data", message="2", bytes_done=20000, bytes_total=48000,
         since=SINCE),
    dict(kind="session", id=13, peer="192.0.2.9", role="server",
         state="ready", since=NOW - 5),
    dict(end=0),
]

# What a peer or an operator wrote may hold anything.
HOSTILE = [
    dict(kind="node", hostname="\x1b]0;evil\x07", version="\x9b2J", pid=77),
    dict(kind="warning", text="\u202eTLS\r\n\x1b[2J"),
    dict(kind="link", name="iridium\x1b[H", state="\x1b[5mup", since=SINCE,
         reason="\x85\u2028in dock\x1b[0m", left_day_bytes="1e999",
         left_day_cost="nan", waiting_messages="many"),
    dict(kind="queue", ready="-5"),
    dict(kind="session", id="\x1b[1m", peer="\x08\x08", state="\x9bready",
         message="\x1b", bytes_done=9, bytes_total=3),
    dict(end=0),
]

RUNNING = [
    ("running-overview", "", "80x24"),
    ("running-overview-40x12", "", "40x12"),
    ("running-links", "3", "100x24"),
    ("running-link", "3 Enter", "80x24"),
    ("running-session", "G k Enter", "80x24"),
    ("running-call", "3 c y", "80x24"),
    ("running-hold", "2 H y", "80x24"),
    ("running-refused", "2 d y", "80x24"),
    ("running-undo", "2 H y z", "80x24"),
]


def compare(name, shown):
    path = f"{GOLDEN}/{name}.txt"
    if os.environ.get("TIDEPOST_GOLDEN") == "write":
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(shown)
    try:
        with open(path, encoding="utf-8") as stream:
            expected = stream.read()
    except FileNotFoundError:
        expected = ""
    check(shown == expected, f"the screen {name}", "\n" + shown)
    # C1 as U+0080 to U+009F, and what turns text round
    bad = [c for c in shown if (c < " " and c != "\n") or "\x7f" <= c < "\xa0"
           or c in "\u202e\u2028\u061c"]
    check(not bad, f"{name}: nothing in it but text", bad)


def fits(shown, size):
    columns, rows = map(int, size.split("x"))
    wide = max(sum(2 if ord(c) > 0x2e80 else 1 for c in line)
               for line in shown.split("\n"))
    return wide <= columns and shown.count("\n") == rows


def at_rest():
    still = Still()
    for name, keys, size in AT_REST:
        shown = still.screen(keys, size)
        compare(name, shown)
        check(fits(shown, size), f"{name} fits {size}", shown)


def running():
    still = Still()
    Daemon(f"{still.dir}/run", {
        "status": STATUS, "queue hold": [dict(end=0, count=1)],
        "queue delete": [dict(end=77, text="permission denied: join the group "
                              "tidepost-admin")],
        "link call": [dict(end=0)]})
    for name, keys, size in RUNNING:
        compare(name, still.screen(keys, size))


def hostile_daemon():
    still = Still()
    Daemon(f"{still.dir}/run", {"status": HOSTILE, "queue hold": [
        dict(end=65, text="\x1b[2J\u202eno")]})
    for name, keys in (("hostile-overview", ""), ("hostile-links", "3"),
                       ("hostile-refusal", "2 H y")):
        compare(name, still.screen(keys))


def not_utf8():
    """A terminal that cannot show it gets ASCII, and no octet above it."""
    still = Still()
    shown = still.screen("2 j j j Enter", LC_ALL="C")
    compare("message-ascii", shown)


def denied():
    """Who may look at the spool but not ask the daemon still sees it."""
    still = Still()
    Daemon(f"{still.dir}/run", {
        "status": [dict(end=77, text="permission denied: join the group "
                        "tidepost-console")]})
    compare("denied", still.screen(""))


def never_ran():
    still = Still()
    os.remove(f"{still.dir}/spool.db")
    shown = still.screen("2")
    check("spool" in shown, "a node that never ran says so", shown)


def documented():
    """The pictures in docs/console.md and README.md are these."""
    for page, names in (("docs/console.md", ("running-overview",
                                             "queue-reason",
                                             "link-call-asks",
                                             "queue-hold-many")),
                        ("README.md", ("running-overview",))):
        with open(f"{nodes.ROOT}/{page}", encoding="utf-8") as stream:
            text = stream.read()
        for name in names:
            with open(f"{GOLDEN}/{name}.txt", encoding="utf-8") as stream:
                picture = "".join(f"    {line}" if line.strip() else line
                                  for line in stream).rstrip()
            check(picture in text, f"{page} shows {name} as it is")


run(documented, at_rest, running, hostile_daemon, not_utf8, denied, never_ran)
