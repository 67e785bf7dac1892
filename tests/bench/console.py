#!/usr/bin/env python3
"""The console over a long queue: python3 tests/bench/console.py BUILD [N].

On a pseudo-terminal of 80x24 that is read all the time: how soon there is a
first screen, the queue, each step through it, and what an idle refresh writes.
BUILD has tests/tui/fill.
"""

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

COUNT = 100_000
STEPS = 100  # of each kind
IDLE_S = 70  # a minute changes what is told of ages
AIM_OCTETS = 200
AIM_STEP_MS = 50  # nobody sees less
PATIENCE_S = 60
QUIET_S = 0.15
CONF = """hostname = "aurora.example.org";
spool = "sqlite:{dir}/spool.db";
run_dir = "{dir}/run";
listeners = ( {{ name = "lan"; port = 2525; service = "smtp"; tls = "none"; }} );
peers = ( {{ name = "shore"; host = "mail.shore.example"; }} );
routes = ( {{ match = "*"; peers = [ "shore" ]; }} );
links = ( {{ name = "iridium"; peers = [ "shore" ]; }} );
"""


class Terminal:
    """Only what differs is written, so words do not tell when all is there;
    silence does."""

    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(LC_ALL="C.UTF-8", TERM="xterm")
            fcntl.ioctl(0, termios.TIOCSWINSZ,
                        struct.pack("HHHH", 24, 80, 0, 0))
            os.execv(command[0], command)

    def read(self, seconds):
        """What comes within SECONDS, as soon as something does."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return b""
        return os.read(self.fd, 65536)

    def press(self, keys="", silence=QUIET_S):
        """ms until the first octet because of KEYS and the last one, and how
        many they are."""
        began = last = time.monotonic()
        first, octets = None, 0
        os.write(self.fd, keys.encode())
        while octets == 0 or time.monotonic() - last < silence:
            more = len(self.read(silence))
            if more:
                last = time.monotonic()
                first = first or last
                octets += more
            elif time.monotonic() - began > PATIENCE_S:
                raise RuntimeError(f"nothing came after {keys!r}")
        return (first - began) * 1000, (last - began) * 1000, octets

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def idle(t, seconds):
    """The most octets in one of SECONDS seconds (a refresh each)."""
    while t.read(1.5):
        pass
    most = 0
    for _ in range(seconds):
        octets, end = 0, time.monotonic() + 1
        while time.monotonic() < end:
            octets += len(t.read(max(0, end - time.monotonic())))
        most = max(most, octets)
    return most


def line(say, name, times, more=""):
    say(f"  {name:13} {times[0]:7.1f} ms to the first octet, "
        f"{times[1]:7.1f} ms to the last of {times[2]}{more}")


def measure(say, verdict, build, folder, count=COUNT):
    file = f"{folder}/tidepost.conf"
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(CONF.format(dir=folder))
    subprocess.run([f"{build}/tests/tui/fill", f"sqlite:{folder}/spool.db",
                    "many", str(int(time.time())), str(count)], check=True)
    say(f"tidepost-console, {count} messages waiting, 80x24")
    t = Terminal(f"{build}/tidepost-console", "-c", file, "--refresh", "3600")
    line(say, "first screen", t.press())
    line(say, "queue, whole", t.press("2", 2))
    for name, key in (("a line down", "j"), ("a page down", "\x1b[6~")):
        first, last, octets = zip(*(t.press(key) for _ in range(STEPS)))
        middle = statistics.median(last)
        line(say, name, (statistics.median(first), middle,
                         round(statistics.median(octets))),
             f"   slowest {max(last):.0f} ms   "
             + verdict(middle < AIM_STEP_MS, f"below {AIM_STEP_MS} ms"))
    line(say, "to the end", t.press("G"))
    line(say, "to the start", t.press("g"))
    t.end()
    t = Terminal(f"{build}/tidepost-console", "-c", file, "--refresh", "1")
    t.press("2", 5)
    most = idle(t, IDLE_S)
    say(f"  idle: at most {most} octets a refresh of a second   "
        + verdict(most <= AIM_OCTETS, f"at most {AIM_OCTETS}"))
    t.end()


def main():
    build = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
    with tempfile.TemporaryDirectory(prefix="tp-") as folder:
        measure(lambda text: print(text, flush=True),
                lambda good, aim: f"aim: {aim} - "
                + ("met" if good else "NOT MET"), build, folder,
                int(sys.argv[2]) if len(sys.argv) > 2 else COUNT)


if __name__ == "__main__":
    main()
