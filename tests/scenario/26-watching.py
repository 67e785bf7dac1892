#!/usr/bin/env python3
"""status --watch and log --follow: what happens, while it happens."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import json
import queue
import signal
import subprocess
import threading

import screen

PATIENCE_S = 30


class Watcher:
    """A verb that goes on, read line by line."""

    def __init__(self, site, *words):
        self.process = subprocess.Popen(
            [CLI, "-c", site.file, *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, encoding="utf-8")
        self.lines = queue.Queue()
        self.seen = []
        threading.Thread(target=self._read, daemon=True).start()
        at_end(self.process.kill)

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def until(self, fits):
        """Waits for a line that fits; false: none came."""
        def look():
            while not self.lines.empty():
                self.seen.append(self.lines.get())
                if fits(self.seen[-1]):
                    return True
            return False
        return wait_until(look, PATIENCE_S)


def send(site):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        return client.mail("ann@aurora.example.org", ["ben@shore.example"],
                           make("letter")).message_id


def fresh():
    world = World()
    return world.make_site(peer=world.peer(submission=9, odmr=9)).start()


def status():
    site = fresh()
    w = Watcher(site, "status", "--watch", "--json")
    check(w.until(lambda l: json.loads(l)["queue"]["ready"] == 0),
          "an object at once", w.seen)
    send(site)
    check(w.until(lambda l: json.loads(l)["queue"]["ready"] == 1),
          "what changes is seen", w.seen)
    site.stop()
    check(w.until(lambda l: not json.loads(l)["running"]),
          "the daemon's end too, and it goes on", w.seen)
    equal(w.process.poll(), None, "until it is ended")
    code, shown = screen.talk(["-c", site.file, "status", "--watch"],
                              ("octets", ""), ("octets", signal.SIGINT))
    equal(code, -signal.SIGINT, "on a terminal until it is interrupted")
    equal(shown.count("\x1b[H\x1b[2J"), 2, "each time in place")
    done = subprocess.run(
        f"'{CLI}' -c '{site.file}' status --watch | head -1", shell=True,
        timeout=PATIENCE_S, capture_output=True, encoding="utf-8")
    check("not running" in done.stdout, "it ends when nobody reads", done)


def log():
    site = fresh()
    w = Watcher(site, "log", "--follow", "--json")
    name = send(site)
    check(w.until(lambda l: json.loads(l)["message"] == name),
          "an event when it comes", w.seen)
    site.must("queue", "hold", name)
    check(w.until(lambda l: json.loads(l)["event"] == "held"),
          "and the next", w.seen)
    equal(len(w.seen), len(set(w.seen)), "none twice")


run(status, log)
