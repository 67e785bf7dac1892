#!/usr/bin/env python3
"""The console in tmux beside a daemon that works: two consoles at once, mail
coming and going, the daemon killed and back."""
# limit: 240

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from console import *

import re
import shutil
import threading

PATIENCE_S = 40


class Tmux:
    """A terminal that understands what is written to it."""

    def __init__(self):
        self.dir = report.temp_dir()
        self.n = 0
        report.at_end(lambda: self._run("kill-server"))

    def _run(self, *args):
        return subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", f"{self.dir}/tmux", *args],
            capture_output=True, encoding="utf-8",
            env=dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm"))

    def window(self, command, columns=100, rows=24):
        self.n += 1
        name = f"w{self.n}"
        done = self._run("new-session", "-d", "-s", name, "-x", str(columns),
                         "-y", str(rows),
                         f"PS1='$ ' LC_ALL=C.UTF-8 TZ=UTC sh")
        if done.returncode:
            raise AssertionError(done.stderr)
        window = Window(self, name)
        window.type(command + "\n")
        return window


class Window:
    def __init__(self, tmux, name):
        self.tmux, self.name = tmux, name

    def keys(self, *keys):
        for key in keys:
            self.tmux._run("send-keys", "-t", self.name, key)

    def type(self, text):
        for line in re.split(r"(\n)", text):
            if line == "\n":
                self.keys("Enter")
            elif line:
                self.tmux._run("send-keys", "-t", self.name, "-l", line)

    def screen(self):
        return self.tmux._run("capture-pane", "-p", "-t", self.name).stdout

    def shows(self, text, seconds=PATIENCE_S):
        """TEXT: a regular expression."""
        found = wait_until(lambda: re.search(text, self.screen()), seconds,
                           0.1)
        return bool(found)

    def must_show(self, text, name):
        check(self.shows(text), name, "\n" + self.screen())

    def resize(self, columns, rows):
        self.tmux._run("resize-window", "-t", self.name, "-x", str(columns),
                       "-y", str(rows))


def send(site, recipient, name="letter", sender="ann@aurora.example.org"):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail(sender, [recipient], make(name))
    if reply.code != 250:
        raise AssertionError(reply)
    return reply.message_id


def console(site, *more):
    return f"exec '{CONSOLE}' -c '{site.file}' --refresh 1 {' '.join(more)}"


def need_tmux():
    if not shutil.which("tmux"):
        skip("tmux is not here")


def actions():
    need_tmux()
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9)).start()
    for n in range(5):
        send(site, f"ben{n}@shore.example")
    site.must("queue", "priority", "3", "2")
    site.must("queue", "priority", "-4", "3")
    tmux = Tmux()
    # As a person starts it; and what the shell finds afterwards.
    a = tmux.window(f"'{nodes.CLI}' -c '{site.file}' console; stty -a")
    b = tmux.window(console(site))
    a.must_show("running for", "tidepost console starts it")
    for window in (a, b):
        window.keys("2")
        window.must_show(r"1/5,.*(?s:.*)ben0@", "each sees the queue")

    a.keys("t", "t", "H")
    a.must_show(r"Hold 2 deliveries .*\[y/n\]", "the question says how many")
    a.keys("y")
    a.must_show("2 deliveries held", "they are held")
    equal(sorted(r["id"] for r in site.queue("--state", "held")),
          ["1.1", "2.1"], "those that were marked")
    b.must_show(r"1\.1 +held(?s:.*)2\.1 +held", "the other console sees it")
    b.keys("r")
    b.must_show(r"Release 1\.1 to ben0@shore\.example", "one, by name")
    b.keys("y")
    b.must_show("1 delivery released", "it is released there")
    a.must_show(r"1\.1 +ready", "the first one sees that")
    a.keys("z", "y")
    a.must_show("1 delivery released .taken back.",
                "it takes back what is left to take back")
    equal(site.queue("--state", "held"), [], "nothing is held any more")

    a.keys("U", "T", "p")
    a.type("flash\n")
    a.must_show(r"Change priority of 5 deliveries .* to 8\?", "all of them")
    a.keys("y")
    a.must_show("5 deliveries changed", "they are urgent")
    equal({r["priority"] for r in site.queue()}, {8}, "all five")
    a.keys("z")
    a.must_show("each to what it was", "taking back says what it does")
    a.keys("y")
    a.must_show("taken back", "it does")
    equal({r["id"]: r["priority"] for r in site.queue()},
          {"1.1": 0, "2.1": 3, "3.1": -4, "4.1": 0, "5.1": 0},
          "each has the priority it had, in one request")

    a.keys("U", "g", "d")
    a.must_show(r"Delete 1\.1 .*Nobody is told.*undeleted", "deleting says so")
    a.keys("n")
    a.must_show("nothing done", "no is no")
    a.keys("d", "y")
    a.must_show("1 delivery deleted", "yes is yes")
    a.must_show("1/4", "it is gone from the list")
    equal(len(site.queue("--state", "deleted")), 1, "it is kept")
    a.keys("z", "y")
    a.must_show("1/5", "taken back it is there again")
    b.keys("G", "b")
    b.must_show("cannot be taken back", "returning says so")
    b.keys("y")
    b.must_show("1 delivery returned", "it is returned")
    check(site.wait_mail("ann", 1), "its sender has the notice")

    a.resize(40, 12)
    a.must_show(r"(?m)^ID +AGE TO +WHY IT WAITS *$", "40x12")
    a.resize(132, 40)
    a.must_show(r"FROM +TO +ROUTE +WHY IT WAITS", "132x40")
    a.keys("Q")
    a.must_show(r"(?s)speed.* icanon.* echo ", "the terminal is as before")
    b.keys("Q")


def meanwhile():
    """What somebody else did while the console was open, or asked."""
    need_tmux()
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9)).start()
    for n in range(3):
        send(site, f"ben{n}@shore.example")
    a = Tmux().window(console(site))
    a.must_show("running for", "it runs")
    a.keys("2", "t", "t", "H")
    a.must_show(r"Hold 2 deliveries", "two are asked about")
    site.must("queue", "hold", "1")
    a.keys("y")
    a.must_show("1 delivery held", "the other one was held by somebody")
    a.keys("z")
    a.must_show(r"Release 1 delivery", "only ours is taken back")
    a.keys("y")
    a.must_show("taken back", "it is")
    equal([r["id"] for r in site.queue("--state", "held")], ["1.1"],
          "what somebody else holds stays held")
    # No counter moves with a priority.
    site.must("queue", "priority", "-4", "2")
    a.keys("U", "T", "p")
    a.type("flash\n")
    a.must_show(r"3 deliveries .* to 8", "all are asked about")
    site.must("queue", "priority", "5", "3")
    a.keys("y")
    a.must_show("3 deliveries changed", "all are changed")
    a.keys("z", "y")
    a.must_show("taken back", "and taken back")
    equal({r["id"]: r["priority"] for r in site.queue()},
          {"1.1": 0, "2.1": -4, "3.1": 5},
          "each has what it had when it was changed")
    a.keys("p")
    a.type("flash\n")
    a.keys("y")
    a.must_show("3 deliveries changed", "once more")
    site.must("queue", "priority", "2", "2")
    a.keys("z", "y")
    a.must_show("2 deliveries changed .taken back", "two are taken back")
    equal({r["id"]: r["priority"] for r in site.queue()},
          {"1.1": 0, "2.1": 2, "3.1": 5},
          "what somebody gave since is not")
    a.keys("Q")


def daemon_comes_and_goes():
    need_tmux()
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9)).start()
    name = send(site, "ben@shore.example")
    tmux = Tmux()
    a = tmux.window(console(site))
    a.must_show("running for", "the daemon runs")
    site.kill()
    a.must_show("NOT RUNNING", "it was killed, and the bar says so")
    a.must_show("not running: nothing moves", "in words, too")
    a.keys("2", "H", "y")
    a.must_show("1 delivery held", "an action works on the spool")
    equal([r["state"] for r in site.queue()], ["held"], "it is held")
    a.keys("3", "c", "y")
    a.must_show("only it calls", "a call needs the daemon")
    a.keys("X")
    a.type("in dock\n")
    a.keys("y")
    a.must_show("disabled", "a link is disabled without it")
    site.start()
    a.must_show(r"disabled(?s:.*)in dock", "it starts, and knows that")
    check(wait_until(lambda: "NOT RUNNING" not in a.screen(), PATIENCE_S),
          "the bar says nothing any more", a.screen())
    a.keys("e", "y")
    a.must_show("iridium: enabled", "enabled by the daemon")
    equal(site.status()["links"][0]["state"], "down", "it is")
    a.keys("2", "g", "r", "y")
    a.must_show("1 delivery released", "an action works through the daemon")
    send(site, "eve@shore.example")
    a.must_show("1/2", "a new message comes into the list by itself")
    a.keys("Enter", "L")
    a.must_show(rf"message {name} (?s:.*)held(?s:.*)released", "its log")
    a.keys("Q")


def busy():
    """Two consoles, mail coming in all the time, a link that carries it."""
    need_tmux()
    world = World()
    site, shore = world.pair()
    tmux = Tmux()
    a = tmux.window(console(site))
    b = tmux.window(console(site), 80, 30)
    a.must_show("running for", "the first one runs")
    a.keys("2")
    b.keys("5")
    sent, over = [], threading.Event()

    def keep_sending():
        while not over.is_set():
            sent.append(send(site, "ben@shore.example", f"n{len(sent)}"))

    sender = threading.Thread(target=keep_sending)
    sender.start()
    wait_until(lambda: len(sent) > 20, 30)
    for _ in range(4):
        a.keys("t", "t", "H", "y")
        a.shows("held|nothing changed|can be held", 10)
        a.keys("z", "y", "U", "j")
        b.keys("2", "s", "G", "g", "5")
    site.link_up("iridium")
    b.keys("1")
    over.set()
    sender.join()
    site.must("queue", "release", "--all", "--yes")
    site.link_up("iridium")
    check(site.wait_queue_empty(), "all of it left")
    mails = shore.wait_mail("ben", len(sent), domain="shore.example")
    equal(len(mails), len(sent), "each message came once")
    a.keys("U", "g")
    a.must_show("0/0", "the list is empty in the end")
    b.must_show("0 ready, 0 deferred, 0 held, 0 active", "the overview, too")
    check(site.is_running(), "the daemon runs on")
    a.keys("Q")
    b.keys("Q")


run(actions, meanwhile, daemon_comes_and_goes, busy)
