#!/usr/bin/env python3
"""Memory of 1,000 customers that collect at once and read slowly:
python3 tests/bench/turned.py BUILD [N].

Each customer has a session under TLS, turned by ATRN, and stands in the middle
of a message that it does not go on reading.
"""

import os
import resource
import socket
import ssl
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "lib")]
os.environ["TIDEPOST_BUILD"] = os.path.abspath(
    sys.argv[1] if len(sys.argv) > 1 else "build")
os.environ["TIDEPOST_ROOT"] = ROOT

from tidepost import (PASSWORD, Smtp, World, clean_up, make,  # noqa: E402
                      wait_until)
from crowd import memory  # noqa: E402

COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
AIM_MB = 100  # for 1,000
MB = 1024 * 1024
BODY = ("x" * 76 + "\r\n") * 8192  # 640 KB
THREADS = 8


def add_customers(world):
    """One message with a recipient of each: its body is stored once."""
    text = "".join(f"c{i} domain=c{i}.example password={PASSWORD}\n"
                   for i in range(COUNT))
    world.shore.must("customer", "import", "-", text=text)
    with Smtp(world.shore.port("smtp"), timeout=120) as client:
        client.ehlo()
        reply = client.mail("eve@shore.example",
                            [f"cap@c{i}.example" for i in range(COUNT)],
                            make("large", BODY))
        if reply.code != 250:
            raise AssertionError(reply)


class Narrow(Smtp):
    """A connection whose kernel takes little ahead of its reader."""

    def __init__(self, port):
        self.socket = socket.socket()
        self.socket.settimeout(300)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.pending, self.keywords = b"", {}
        self.reply()

    def line(self):
        """No more than the line: the rest stays with the provider."""
        while b"\n" not in self.pending:
            self.pending += self.socket.recv(1)
        line, self.pending = self.pending.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")


def collect(port, i, context):
    """One call, up to the first octets of the message."""
    client = Narrow(port)
    client.ehlo()
    client.starttls(context)
    client.ehlo()
    for step in (client.auth_plain(f"c{i}", PASSWORD), client.cmd("ATRN")):
        if step.code >= 300:
            raise AssertionError(step)
    client.send(b"220 ship.example\r\n")
    for reply in (b"250-ship.example\r\n250 8BITMIME\r\n", b"250 ok\r\n",
                  b"250 ok\r\n", b"354 go\r\n"):
        client.line()
        client.send(reply)
    client.line()
    return client


def collect_all(port, context):
    clients, failed = [], []

    def some(first):
        for i in range(first, COUNT, THREADS):
            try:
                clients.append(collect(port, i, context))
            except (OSError, AssertionError) as e:
                failed.append(f"c{i}: {e!r}")

    threads = [threading.Thread(target=some, args=(k,))
               for k in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clients, failed


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    world = World()
    most = COUNT + 200
    shore = world.make_shore(
        limits={"connections": most, "connections_per_client": most,
                "recipients": most, "stall_timeout": "1h",
                "errors": most}).start()
    add_customers(world)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    before = memory(shore.process.pid)
    start = time.monotonic()
    clients, failed = collect_all(shore.port("odmr"), context)
    seconds = time.monotonic() - start
    time.sleep(3)  # what may still be filled is full
    after = memory(shore.process.pid)
    active = shore.status()["queue"]["active"]
    for client in clients:
        client.close()
    wait_until(lambda: not shore.status()["queue"]["active"], 60)
    time.sleep(2)
    left = memory(shore.process.pid)
    print(f"{COUNT} turned sessions that read slowly: {after / MB:.1f} MB "
          f"private dirty (aim {AIM_MB}), {before / MB:.1f} MB before, "
          f"{(after - before) / COUNT / 1024:.1f} KB a session, "
          f"{left / MB:.1f} MB behind; opened in {seconds:.1f} s, "
          f"{active} active", *failed[:3], sep="\n")
    shore.stop()
    return 0 if active == COUNT else 1


status = main()
clean_up()
sys.exit(status)
