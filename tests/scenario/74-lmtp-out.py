#!/usr/bin/env python3
"""lmtp: local mail handed to another program, a reply for each recipient."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import socket
import threading
import time

DOMAIN = "aurora.example.org"


class Server:
    """An LMTP server. What RCPT and the end get is by user; default 250."""

    def __init__(self, path=None, port=0, rcpt=None, end=None):
        self.rcpt, self.end = rcpt or {}, end or {}
        self.cut_after = None  # replies at the end, then the connection ends
        self.mails, self.lines, self.connections = [], [], 0
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(path)
            self.socket.listen(16)
        else:
            self.socket = socket.create_server(("127.0.0.1", port))
            self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        at_end(self.close)

    def close(self):
        self.socket.close()

    def _accept(self):
        while True:
            try:
                conn = self.socket.accept()[0]
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(conn,),
                             daemon=True).start()

    def _serve(self, conn):
        stream = conn.makefile("rwb")

        def say(line):
            stream.write(line.encode() + b"\r\n")
            stream.flush()

        try:
            say("220 test LMTP")
            taken, sender = [], ""
            while True:
                line = stream.readline().decode()
                if not line:
                    return
                self.lines.append(line.strip())
                verb = line[:4].upper().strip()
                user = line.split("<")[-1].split("@")[0].split(">")[0]
                if verb == "LHLO":
                    say("250-test\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                        "250-SMTPUTF8\r\n250-CHUNKING\r\n"
                        "250 ENHANCEDSTATUSCODES")
                elif verb == "MAIL":
                    taken, sender = [], line
                    say("250 2.1.0 ok")
                elif verb == "RCPT":
                    reply = self.rcpt.get(user, "250 2.1.5 ok")
                    if reply.startswith("2"):
                        taken.append(user)
                    say(reply)
                elif verb == "DATA" and not taken:
                    say("503 5.5.1 no recipient")
                elif verb == "DATA":
                    say("354 go")
                    if not self._body(stream, say, taken, sender):
                        return
                elif verb == "QUIT":
                    say("221 2.0.0 bye")
                    return
                else:
                    say("250 2.0.0 ok" if verb in ("RSET", "NOOP")
                        else "500 5.5.1 unknown")
        except OSError:
            pass
        finally:
            conn.close()

    def _body(self, stream, say, taken, sender):
        octets = b""
        while not octets.endswith(b"\r\n.\r\n"):
            line = stream.readline()
            if not line:
                return False
            octets += line
        octets = octets[:-3].replace(b"\r\n..", b"\r\n.")
        for i, user in enumerate(taken):
            if self.cut_after is not None and i == self.cut_after:
                self.cut_after = None
                return False
            reply = self.end.get(user, "250 2.1.5 saved")
            if reply.startswith("2"):
                self.mails.append((user, sender, octets))
            say(reply)
        return True

    def of(self, user):
        return [m[2] for m in self.mails if m[0] == user]


def site(deliver, **more):
    world = World()
    node = world.make_site(peer=world.peer(submission=9, odmr=9))
    node.world = world
    node.conf["local"] = {"domains": [DOMAIN], "deliver": deliver.format(
        dir=world.dir), **more}
    node.conf["queue"] = {"retry": ["1h"]}
    return node


def send(node, octets, *recipients, sender="eve@far.example", params=""):
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        return client.mail(sender, list(recipients), octets, params)


def each_its_reply():
    node = site("lmtp:unix:{dir}/lmtp")
    server = Server(f"{node.world.dir}/lmtp", rcpt={
        "nobody": "550 5.1.1 no such user"}, end={
        "full": "452 4.2.2 mailbox full", "bad": "552 5.2.2 over quota"})
    node.start()
    mail = make("each", ".dot\r\nGrüße\r\n")
    send(node, mail, *[f"{u}@{DOMAIN}" for u in (
        "ann", "nobody", "full", "bad", "Bob+x")],
        sender="ann@aurora.example.org")
    check(wait_until(lambda: server.of("Bob+x") and server.of("ann")),
          "two have it", server.mails)
    wait_until(lambda: [r["recipient"] for r in node.queue()
                        if r["state"] == "deferred"]
               == [f"full@{DOMAIN}"], 20)
    rows = [r for r in node.queue() if r["recipient"].startswith("full@")]
    equal([r["state"] for r in rows], ["deferred"], "one waits")
    check("452 4.2.2 mailbox full" in rows[0]["reason"], "with its reason",
          rows)
    failed = {e["to"].split("@")[0]: e["reply"] for e in node.events("failed")}
    equal(sorted(failed), ["bad", "nobody"], "two are returned")
    check(wait_until(lambda: len(server.of("ann")) == 2),
          "the notice came the same way", server.mails)
    check(copies([server.of("Bob+x")[0]], mail), "the mail is unchanged")
    check("LHLO aurora.example.org" in server.lines, "it said LHLO",
          server.lines)
    equal(node.doubts(), [], "nothing is in doubt")


def one_session():
    """What waits goes over one connection; what comes meanwhile, too."""
    node = site("lmtp:127.0.0.1:{{port}}")
    port = socket.create_server(("127.0.0.1", 0))
    number = port.getsockname()[1]
    port.close()
    node.conf["local"]["deliver"] = f"lmtp:127.0.0.1:{number}"
    node.start()
    for i in range(8):
        send(node, make(f"mail {i}"), f"ann@{DOMAIN}")
    check(wait_until(lambda: node.events("lmtp-unreachable")),
          "it cannot be reached")
    wait_until(lambda: "LMTP" in (node.queue()[0]["reason"] or ""), 10)
    rows = node.queue()
    equal({r["state"] for r in rows}, {"ready"}, "mail stays ready")
    check(f"the LMTP server 127.0.0.1:{number}" in rows[0]["reason"],
          "and says why", rows[0])
    equal({r["attempts"] for r in rows}, {0}, "no attempt is counted")
    server = Server(port=number)
    check(wait_until(lambda: len(server.of("ann")) == 8, 60),
          "by itself it is tried again", node.queue())
    node.wait_queue_empty()
    equal(server.connections, 1, "over one connection")
    check(wait_until(lambda: any(line == "QUIT" for line in server.lines)),
          "which ends with QUIT")
    send(node, make("later"), f"ann@{DOMAIN}")
    check(wait_until(lambda: len(server.of("ann")) == 9), "and another one")
    check(node.wait_queue_empty(), "nothing is left", node.queue())


def cut_between_replies():
    """The connection ends after some replies: those stand, others again."""
    node = site("lmtp:unix:{dir}/lmtp")
    server = Server(f"{node.world.dir}/lmtp")
    server.cut_after = 1
    node.conf["queue"] = {"retry": ["1s"]}
    node.start()
    send(node, make("cut"), *[f"u{i}@{DOMAIN}" for i in range(3)])
    check(node.wait_queue_empty(60), "all is delivered", node.queue())
    equal([len(server.of(f"u{i}")) for i in range(3)], [1, 1, 1],
          "each once, as the server counts")
    equal(len(node.doubts()), 2, "the two without a reply were in doubt")


def killed(label):
    node = site("lmtp:unix:{dir}/lmtp")
    server = Server(f"{node.world.dir}/lmtp")
    node.conf["queue"] = {"retry": ["1s"]}
    node.start({"TIDEPOST_CRASH_AT": label})
    send(node, make("killed"), *[f"u{i}@{DOMAIN}" for i in range(3)])
    check(wait_until(node.crashed, 20), f"{label}: it died there")
    node.start()
    check(node.wait_queue_empty(60), f"{label}: all is delivered",
          node.queue())
    counts = [len(server.of(f"u{i}")) for i in range(3)]
    check(min(counts) >= 1, f"{label}: nothing is lost", counts)
    doubled = sum(c - 1 for c in counts)
    check(doubled <= len(node.doubts()), f"{label}: {doubled} doubles, told",
          (counts, node.doubts()))


def crashes():
    for label in ("deliver-claimed", "deliver-sent-before-reply",
                  "lmtp-one-replied", "deliver-replied-before-commit",
                  "deliver-committed"):
        killed(label)


def no_server():
    """A socket that is not there, or is no socket, and a slow server."""
    node = site("lmtp:unix:{dir}/lmtp").start()
    send(node, make("early"), f"ann@{DOMAIN}")
    check(wait_until(lambda: (node.queue()[0]["reason"] or "").startswith(
        "waits for the LMTP server unix:")), "it waits", node.queue())
    check("No such file" in node.queue()[0]["reason"], "and says why",
          node.queue())
    equal(node.stop(), 0, "a stop does not wait for it")
    server = Server(f"{node.world.dir}/lmtp")
    node.start()
    check(wait_until(lambda: server.of("ann")), "a start tries at once")
    node.wait_queue_empty()


def well_again():
    """A server that took nothing takes a message: what waits goes with it."""
    node = site("lmtp:unix:{dir}/lmtp")
    node.conf["queue"] = {"retry": ["1s", "1h"]}
    later = "451 4.3.0 the store is away"
    server = Server(f"{node.world.dir}/lmtp", end={"ann": later})
    node.start()
    send(node, make("waits"), f"ann@{DOMAIN}")
    check(wait_until(lambda: [r["attempts"] for r in node.queue()] == [2]),
          "put off for an hour", node.queue())
    server.end.clear()
    time.sleep(1.2)
    equal(server.mails, [], "it waits")
    send(node, make("another"), f"bob@{DOMAIN}")
    check(wait_until(lambda: server.of("ann"), 10), "it goes with another",
          node.queue())
    check(node.wait_queue_empty(), "nothing is left", node.queue())


if __name__ == "__main__":
    run(each_its_reply, one_session, well_again, cut_between_replies, crashes, no_server)
