#!/usr/bin/env python3
"""metrics.listen: the figures of tidepost.prom, over HTTP on this host."""

import http.client
import os
import socket
import stat
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

SPEED = 15  # of the timers: a round a second
AT_ONCE = 16  # connections


def site_with(listen):
    world = World()
    site = world.make_site(peer=world.peer(
        submission=1, collect="none", collect_port=None))
    site.conf["metrics"] = {"listen": listen}
    return site


def port_of(site):
    found = [e for e in site.events("listening", now=True)
             if e["listener"] == "metrics"]
    return int(found[-1]["port"]) if found else 0


def ask(port, method="GET", path="/metrics", **kind):
    """(status, headers, body)"""
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    conn.request(method, path, **kind)
    answer = conn.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def raw(where, octets):
    """The whole answer; WHERE: a port, or the path of a socket."""
    unix = isinstance(where, str)
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as sock:
        sock.settimeout(20)
        sock.connect(where if unix else ("127.0.0.1", where))
        sock.sendall(octets)
        found = b""
        while True:
            more = sock.recv(65536)
            if not more:
                return found
            found += more


def tells():
    site = site_with("127.0.0.1:0")
    site.start()
    port = port_of(site)
    check(wait_until(lambda: ask(port)[0] == 200), "it answers")
    status, headers, body = ask(port)
    equal(headers["Content-Type"],
          "text/plain; version=0.0.4; charset=utf-8", "as Prometheus wants it")
    check('tidepost_link_usable{link="iridium"} 0\n' in body, "figures", body)
    with open(f"{site.dir}/run/tidepost.prom", encoding="utf-8") as stream:
        names = {line.split()[2] for line in stream
                 if line.startswith("# TYPE")}
    equal({line.split()[2] for line in body.split("\n")
           if line.startswith("# TYPE")}, names, "the same as in the file")
    status, headers, body = ask(port, "HEAD")
    equal((status, body), (200, ""), "HEAD: no text")
    check(int(headers["Content-Length"]) > 100, "but its length")
    equal(ask(port, path="/")[0], 404, "one page")
    status, headers, _ = ask(port, "POST", body="x" * 100000)
    equal((status, headers["Allow"]), (405, "GET, HEAD"), "only to be read")
    check(raw(port, b"EHLO a\r\n\r\n").startswith(b"HTTP/1.1 400 "),
          "another protocol")
    check(raw(port, b"GET /" + b"x" * 9000).startswith(b"HTTP/1.1 431 "),
          "too long")


def patience():
    """Who asks slowly, and who holds many connections, has bounds."""
    site = site_with("127.0.0.1:0")
    site.start(Shim(site.dir).env(speed=SPEED))
    port = port_of(site)
    check(wait_until(lambda: ask(port)[0] == 200), "it answers")
    held = [socket.create_connection(("127.0.0.1", port), 20)
            for _ in range(AT_ONCE + 30)]
    time.sleep(0.3)
    try:
        fds = [os.readlink(f"/proc/{site.process.pid}/fd/{fd}")
               for fd in os.listdir(f"/proc/{site.process.pid}/fd")]
        check(len([f for f in fds if f.startswith("socket:")]) < AT_ONCE + 30,
              "most wait outside", fds)
    except PermissionError:
        skip_part("root alone can look into the daemon")
    equal(site.must("status") != "", True, "the node goes on")
    start = time.monotonic()
    held[0].settimeout(0.1)
    answer = b""
    while time.monotonic() - start < 20 and not answer:
        try:  # an octet now and then does not win time
            held[0].sendall(b"x")
            answer = held[0].recv(100)
        except TimeoutError:
            continue
        except OSError:
            break
    check(answer.startswith(b"HTTP/1.1 408 "), "who dawdles is told", answer)
    for sock in held:
        sock.close()
    check(wait_until(lambda: ask(port)[0] == 200), "and then there is room")


def socket_file():
    site = site_with(None)
    path = f"{site.dir}/run/metrics"
    site.conf["metrics"] = {"listen": f"unix:{path}"}
    site.start()
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o660, "user and group")
    check(wait_until(lambda: b"tidepost_sessions" in raw(
        path, b"GET /metrics HTTP/1.0\r\n\r\n")), "it answers")
    site.stop()
    check(not os.path.exists(path), "it goes with the daemon")


def reload():
    site = site_with(None)
    del site.conf["metrics"]
    site.start()
    for row in site.conf["listeners"]:
        row["port"] = 0  # as it began
    taken = socket.create_server(("127.0.0.1", 0))
    site.conf["metrics"] = {
        "listen": f"127.0.0.1:{taken.getsockname()[1]}"}
    site.reload()
    told = site.events("reload-refused", now=True)
    check(told and "metrics.listen" in told[-1]["why"], "a port in use",
          site.log_text())
    site.conf["metrics"] = {"listen": "127.0.0.1:0"}
    site.reload()
    port = port_of(site)
    check(port and wait_until(lambda: ask(port)[0] == 200), "it is there")
    site.reload()
    equal(port_of(site), port, "the same again: it stays")
    equal(ask(port)[0], 200, "and answers")
    del site.conf["metrics"]
    site.reload()
    try:
        ask(port)
        check(False, "it is gone")
    except ConnectionRefusedError:
        check(True, "it is gone")


def refused():
    site = site_with("0.0.0.0:9925")
    site.launch()
    equal(site.wait_exit(), 78, "only loopback")
    check("metrics.listen: 0.0.0.0 is not loopback" in site.log_text(),
          "and why", site.log_text())


run(tells, patience, socket_file, reload, refused)
