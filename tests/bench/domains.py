#!/usr/bin/env python3
"""Mail to many domains by MX: python3 tests/bench/domains.py BUILD [N].

One message for each of N domains, whose name server and hosts are here: what
the daemon needs for them, how many connections there are at once, and how long
another message waits that comes in the middle. Of a hundred domains one has a
host that refuses connections; a few have hosts that never say a word.
"""

import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "lib")]
if __name__ == "__main__":
    os.environ["TIDEPOST_BUILD"] = os.path.abspath(
        sys.argv[1] if len(sys.argv) > 1 else "build")
    os.environ["TIDEPOST_ROOT"] = ROOT

from tidepost import (STALL, Peer, Smtp, World, clean_up,  # noqa: E402
                      local, make, wait_until)
from crowd import memory  # noqa: E402
from names import Names  # noqa: E402

COUNT = 10_000
DEAD_EACH = 100  # one domain of so many
SILENT = 10
SESSIONS = 20  # the default of mx.sessions
HOST, QUIET, NOBODY = "127.0.0.41", "127.0.0.42", "127.0.0.43"
RUN_S = 1800
MB = 1024 * 1024


class Zone:
    """dN.example has one host, mx.dN.example."""

    def get(self, key):
        name, kind = key
        if kind == "MX":
            return [f"10 mx.{name}"]
        return [address_of(name)] if kind == "A" else []

    def __contains__(self, key):
        return False


def address_of(name):
    number = name.split(".")[-2][1:]
    if not number.isdigit():
        return HOST
    if int(number) < SILENT:
        return QUIET
    return NOBODY if int(number) % DEAD_EACH == DEAD_EACH - 1 else HOST


def dead(count):
    return count // DEAD_EACH


class Watch(threading.Thread):
    """The most connections at once, the most memory."""

    def __init__(self, pid, *peers):
        super().__init__(daemon=True)
        self.pid, self.peers = pid, peers
        self.open = self.memory = 0
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.1):
            self.open = max(self.open, sum(
                1 for p in self.peers for c in list(p.open)
                if c.socket.fileno() >= 0))
            self.memory = max(self.memory, memory(self.pid))


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
        fields = stream.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def hand_in(node, *domains):
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        for domain in domains:
            reply = client.mail("ann@gate.example.org", [f"ben@{domain}"],
                                make(domain, "x" * 70 + "\r\n"))
            if reply.code != 250:
                raise RuntimeError(f"{domain}: {reply}")


def waiting(node):
    queue = node.status()["queue"]
    return queue["ready"] + queue["active"]


def seconds_for(node, sink, domain):
    """How long a message to one more domain takes now."""
    began = time.monotonic()
    hand_in(node, domain)
    wanted = f"ben@{domain}"
    if not wait_until(lambda: any(wanted in m.recipients
                                  for m in sink.mails[::-1]), RUN_S, 0.05):
        raise RuntimeError(f"no mail for {domain}")
    return time.monotonic() - began


def measure(say, count=COUNT):
    sink = Peer(auth=False, address=HOST)
    quiet = Peer({"greeting": STALL}, address=QUIET, port=sink.port)
    names = Names(Zone())
    world = World()
    node = world.make_site(
        hostname="gate.example.org", peer={}, peers=[],
        local=local(world.dir, "gate.example.org"),
        links=[{"name": "sky", "peers": ["mx"]}],
        routes=[{"match": "*", "peers": ["mx"]}],
        queue={"retry": ["1h"]},
        mx={"server": names.server, "port": sink.port}).start()
    hand_in(node, *(f"d{i}.example" for i in range(count)))
    before, cpu = memory(node.process.pid), cpu_s(node.process.pid)
    watch = Watch(node.process.pid, sink, quiet)
    began = time.monotonic()
    node.must("link", "up", "sky")
    good = count - dead(count) - SILENT
    wait_until(lambda: len(sink.mails) > good // 2, RUN_S, 0.05)
    other = seconds_for(node, sink, "other.example")
    done = wait_until(lambda: len(sink.mails) > good, RUN_S, 0.2)
    seconds = time.monotonic() - began
    cpu = cpu_s(node.process.pid) - cpu
    watch.over.set()
    got = sorted(r for m in sink.mails for r in m.recipients)
    say(f"{count} messages to {count} domains by MX ({dead(count)} of them "
        f"refuse, {SILENT} are silent)")
    say(f"  {seconds:.1f} s, {cpu:.1f} s of them work of the daemon "
        f"({1000 * cpu / count:.2f} ms a domain)")
    say(f"  at most {watch.open} connections at once (mx.sessions is "
        f"{SESSIONS}), {watch.memory / MB:.1f} MB private dirty, "
        f"{before / MB:.1f} MB before")
    say(f"  one more message, handed in half way: {other:.1f} s")
    if not done or len(got) != len(set(got)):
        raise RuntimeError(f"{len(got)} came, {len(set(got))} of them "
                           f"different, of {good + 1}")
    node.stop()


if __name__ == "__main__":
    measure(lambda text: print(text, flush=True),
            int(sys.argv[2]) if len(sys.argv) > 2 else COUNT)
    clean_up()
