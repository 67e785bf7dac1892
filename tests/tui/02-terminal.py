#!/usr/bin/env python3
"""The console on a pseudo-terminal: what reaches the terminal, how much of it,
and that the terminal is as before whatever ends the console."""
# limit: 240

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from console import *

import fcntl
import pty
import random
import re
import select
import signal
import sqlite3
import struct
import termios
import threading
import time

PATIENCE_S = 30
IDLE_OCTETS = 200
TIOCGPTN = 0x80045430  # the number of a pseudo-terminal
LEAVES = b"\x1b[?1049l"  # what xterm's description says for the end
# All that a terminal of type xterm may be told: cursor, erasing, modes, tones.
TOLD = re.compile(rb"\x1b\[[0-9;?]*[A-HJKLMPSTXbcdfghlmnrtu@]|\x1b[()][B0]"
                  rb"|\x1b[=>78M]|[\r\n\b\t\x0f]")


class Terminal:
    """The console on a terminal of its own, read all the time."""

    def __init__(self, still, *args, rows=24, columns=80, frozen=True, **env):
        self.out = b""
        self.gone = False
        self.lock = threading.Lock()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the test's
            whole = still.env(**env)
            if not frozen:
                del whole["TIDEPOST_SHIM_STILL"]
            time.sleep(0.1)  # the size is set
            os.execve(CONSOLE, ["tidepost-console", "-c", still.file, *args],
                      whole)
        # Ours stays open, so that its settings can be read at the end.
        self.slave = os.open(slave_name(self.fd), os.O_RDWR | os.O_NOCTTY)
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def hang_up(self):
        self.gone = True
        self.reader.join()
        os.close(self.slave)
        os.close(self.fd)

    def _read(self):
        while not self.gone:
            try:
                if not select.select([self.fd], [], [], 0.1)[0]:
                    continue
                data = os.read(self.fd, 65536)
            except OSError:
                return
            if not data:
                return
            with self.lock:
                self.out += data

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def shows(self, text, seconds=PATIENCE_S):
        text = text if isinstance(text, bytes) else text.encode()
        return wait_until(lambda: text in self.out, seconds)

    def press(self, keys):
        os.write(self.fd, keys.encode() if isinstance(keys, str) else keys)

    def forget(self):
        with self.lock:
            self.out = b""

    def quiet(self, seconds=1.0):
        """Waits until nothing was written for so long."""
        last, since = len(self.out), time.monotonic()
        end = since + PATIENCE_S
        while time.monotonic() < end:
            time.sleep(0.05)
            if len(self.out) != last:
                last, since = len(self.out), time.monotonic()
            elif time.monotonic() - since > seconds:
                return True
        return False

    def end(self):
        """The exit status (negative: a signal); None: it goes on."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None

    def quit(self):
        self.press("Q")
        return self.end()

    def restored(self):
        wait_until(lambda: LEAVES in self.out, 5)
        return (termios.tcgetattr(self.slave)[:4] == self.before[:4]
                and LEAVES in self.out)


def slave_name(master):
    number = fcntl.ioctl(master, TIOCGPTN, b"\0" * 4)
    return f"/dev/pts/{struct.unpack('I', number)[0]}"


def per_refresh(t, daemon, n):
    """Octets written from one question to the daemon to the next, N times.
    Where several came between two looks, they share what was written."""
    octets, end = [], time.monotonic() + 60
    asked, written = len(daemon.requests), len(t.out)
    while n > 0 and time.monotonic() < end:
        time.sleep(0.01)
        more = len(daemon.requests) - asked
        if more:
            octets.append((len(t.out) - written) / more)
            asked, written, n = asked + more, len(t.out), n - more
    return octets


def idle():
    """Every age on the screen changes at once: still at most 200 octets a
    refresh, and in the end all is there."""
    still = Still("many", 1000)
    clock = f"{still.dir}/clock"

    def set_clock(offset):
        with open(clock + ".new", "w", encoding="utf-8") as stream:
            stream.write(str(offset))
        os.replace(clock + ".new", clock)

    base = NOW - int(time.time())
    set_clock(base)
    answers = {"status": [
        dict(kind="node", hostname="aurora.example.org", version="0.1.0",
             pid=77, uptime=7500, clock="trusted"), dict(end=0)]}
    daemon = Daemon(f"{still.dir}/run", answers)
    t = Terminal(still, "--refresh", "1", rows=70, columns=100, frozen=False,
                 TIDEPOST_SHIM_CLOCK=clock)
    check(t.shows("Queue"), "the overview comes")
    t.press("2")
    check(t.shows("WHY IT WAITS") and t.shows("1/1000"), "the queue comes")
    for view, shift in (("a month", 30 * 86400), ("a year", 365 * 86400)):
        time.sleep(4)  # beyond the time in which all is shown at once
        t.forget()
        set_clock(base + shift)
        octets = per_refresh(t, daemon, 12)
        check(len(octets) > 3 and max(octets) <= IDLE_OCTETS,
              f"{view}: at most {IDLE_OCTETS} octets a refresh", octets)
        check(sum(octets) > IDLE_OCTETS,
              f"{view}: more than one refresh could take changed", octets)
    t.forget()
    asked = len(daemon.requests)
    wait_until(lambda: len(daemon.requests) - asked >= 5, 40)
    check(len(t.out) <= IDLE_OCTETS * 2, "then there is hardly anything",
          len(t.out))
    equal(t.quit(), 0, "and it ends")
    check(t.restored(), "the terminal is as before")


def ends():
    still = Still()
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"):
        t = Terminal(still)
        check(t.shows("NOT RUNNING"), f"{name}: it runs")
        t.press("2/sh")
        t.shows("search:")
        os.kill(t.pid, getattr(signal, name))
        equal(t.end(), -getattr(signal, name), f"{name}: it ends by it")
        check(t.restored(), f"{name}: the terminal is as before")
    t = Terminal(still)
    t.shows("NOT RUNNING")
    t.press("\x03")
    equal(t.end(), -signal.SIGINT, "^C ends it")
    check(t.restored(), "^C: the terminal is as before")
    t = Terminal(still)
    t.shows("NOT RUNNING")
    t.press("q")
    equal(t.end(), 0, "q in the first view is the way out")
    check(t.restored(), "q: the terminal is as before")
    t = Terminal(still)
    t.shows("NOT RUNNING")
    t.hang_up()
    check(t.end() is not None, "it ends with its terminal")


def any_moment():
    """Killed while it starts, draws, is resized."""
    still = Still()
    for ms in (0, 20, 50, 100, 200, 400):
        t = Terminal(still)
        time.sleep(0.1 + ms / 1000)
        t.press("2jj")
        t.resize(30, 90)
        os.kill(t.pid, signal.SIGTERM)
        status = t.end()
        check(status == -signal.SIGTERM and
              termios.tcgetattr(t.slave)[:4] == t.before[:4],
              f"killed after {ms} ms, the terminal is as before", status)


def sizes():
    still = Still()
    t = Terminal(still)
    t.shows("NOT RUNNING")
    luck = random.Random(1)
    for n in range(60):
        t.resize(luck.choice((1, 2, 5, 12, 24, 60, 200)),
                 luck.choice((1, 2, 10, 40, 80, 300, 1200)))
        t.press(luck.choice(("2", "j", "G", "g", "2\rq", "3", "5", "?", "4", "2t",
                             "2H", "n", "f", "\x07", "T", "s")))
        time.sleep(luck.choice((0, 0.01, 0.05)))
    t.resize(24, 80)
    t.quiet(0.5)
    t.press("\x07")
    t.quiet(0.5)
    t.press("1")
    t.quiet(0.5)
    t.forget()
    t.press("2")
    check(t.shows("queue"), "it lives through sizes of all kinds")
    t.forget()
    t.resize(12, 40)
    check(t.shows("AGE"), "40x12 is drawn")
    equal(t.quit(), 0, "and it ends")
    check(t.restored(), "the terminal is as before")


def hostile():
    still = Still()
    for term in ("xterm", "xterm-256color", "linux", "vt100"):
        t = Terminal(still, TERM=term)
        t.shows("NOT RUNNING")
        for keys in ("2", "jjjj", "\r", "v", "v", "q", "L", "q", "5", "1", "?",
                     "q", "2", "/evil\r", "fevil\r", "H", "n"):
            t.press(keys)
            time.sleep(0.1)
        t.quiet(0.5)
        out = t.out
        equal(t.quit(), 0, f"{term}: it ends")
        check(b"evil" in out, f"{term}: the text was shown")
        if term == "vt100":
            continue  # padding and shifts of its own
        rest = TOLD.sub(b"", out)
        strange = [hex(c) for c in rest if c < 0x20 or c == 0x7f]
        at = re.search(rb"[\x00-\x1f\x7f]", rest)
        check(not strange, f"{term}: nothing but what ncurses says",
              at and rest[at.start() - 20:at.start() + 20])
        text = rest.decode("utf-8", "replace")
        check(not [c for c in text if "\x80" <= c < "\xa0"
                   or c in "\u202e\ufffd"],
              f"{term}: no C1, nothing that turns text")


def colours():
    still = Still()
    colour = re.compile(rb"\x1b\[(?:[0-9]+;)*3[1-6](?:;[0-9]+)*m")
    for args, env, expected in (((), {}, True), (("--mono",), {}, False),
                                ((), {"NO_COLOR": "1"}, False),
                                ((), {"TERM": "vt100"}, False)):
        t = Terminal(still, *args, **env)
        t.shows("NOT RUNNING")
        t.press("2")
        t.shows("WHY IT WAITS")
        t.quiet(0.5)
        equal(bool(colour.search(t.out)), expected,
              f"colours with {args} {env}: {expected}")
        t.quit()


def no_terminal():
    still = Still()
    for args, env in (((), {}), ((), {"TERM": "nosuchterminal"})):
        done = subprocess.run([CONSOLE, "-c", still.file, *args],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              encoding="utf-8", env=still.env(**env))
        check(done.returncode == 74 and "--plain" in done.stderr,
              "without a terminal it says what to do", done)
    t = Terminal(still, TERM="dumb")
    equal(t.end(), 74, "one that cannot move its cursor is refused")
    check(t.shows("--plain", 5) and b"WHY" not in t.out,
          "and is told what works", t.out)
    for args in (["--size", "10x10"], ["--refresh", "0"], ["more"],
                 ["--keys", "nokey", "--dump"], ["--fly"]):
        done = subprocess.run([CONSOLE, "-c", still.file, *args],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              encoding="utf-8", env=still.env())
        check(done.returncode == 64 and done.stderr, f"{args}: 64", done)
    done = subprocess.run([CONSOLE, "-c", "/nonexistent"],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8", env=still.env())
    check(done.returncode == 78 and "/nonexistent" in done.stderr,
          "no configuration: 78", done)


def silent_daemon():
    """One that accepts and says nothing: keys are answered all the same."""
    still = Still()
    daemon = Daemon(f"{still.dir}/run", {"status": [], "queue hold": []},
                    closes=False)
    t = Terminal(still, "--refresh", "1")
    t.shows("overview")
    t.press("2")
    check(t.shows("WHY IT WAITS", 5), "a key is answered meanwhile")
    # What changes by itself may come in pieces; drawn anew it is whole.
    check(wait_until(lambda: (t.forget(), t.press("\x0c"),
                              t.shows("NO ANSWER", 2))[2], 30),
          "then it says that no answer came")
    t.press("1")
    check(t.shows("does not answer"), "and in words")
    t.press("2Hy")
    check(wait_until(lambda: [r for r in daemon.requests
                              if r["verb"] == "queue"]), "an action is asked")
    t.forget()
    t.press("j")
    check(t.quiet(0.3) and t.out, "and keys are answered")
    equal(t.quit(), 0, "it ends all the same")


def no_transaction():
    """However long the console is open, the log of the spool can be taken
    into its file."""
    still = Still("many", 3000)
    t = Terminal(still, "--refresh", "1")
    t.shows("NOT RUNNING")
    db = sqlite3.connect(f"{still.dir}/spool.db", timeout=20)
    for keys in ("2", "G", "\r", "q", "ss", "/u9\r", "3\r", "5", "2"):
        t.press(keys)
        t.quiet(0.3)
        db.execute("UPDATE meta SET value = value")
        db.commit()
        busy = wait_until(lambda: db.execute(
            "PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0, 10)
        check(busy, f"after {keys!r} nothing is held open")
    equal(t.quit(), 0, "it ends")


run(idle, ends, any_moment, sizes, hostile, colours, no_terminal,
    silent_daemon, no_transaction)
