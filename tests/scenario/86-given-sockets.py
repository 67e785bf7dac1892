#!/usr/bin/env python3
"""Sockets that a service manager opened: nobody is refused at a restart."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *


def node_with(*given, lan=0, **conf):
    node = World().make_site(peer={}, peers=[], links=[], routes=[],
                             listeners=[listener("lan", "smtp", "none", lan)],
                             **conf)
    node.given = list(given)
    return node


def deliver(client, name):
    client.ehlo()
    reply = client.mail("ann@aurora.example.org", ["ben@aurora.example.org"],
                        make(name))
    equal(reply.code, 250, f"{name} is accepted")
    client.close()


def by_address():
    """One for the listener's address and port is used; a restart loses none."""
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    node = node_with(("smtp", sock), lan=port).start()
    equal(node.port("lan"), port, "status tells the port")
    with Smtp(port) as client:
        deliver(client, "first")
    node.stop()
    early = Smtp(port, greet=False)  # nobody serves it now
    node.start()
    equal(early.reply().code, 220, "and is greeted")
    deliver(early, "called while it was down")
    node.kill()
    early = Smtp(port, greet=False)
    node.start()
    equal(early.reply().code, 220, "and is greeted")
    deliver(early, "called after a crash")
    equal(len(node.wait_mail("ben", 3)), 3, "all three are there")


def by_name():
    """port = 0: the one with the listener's name."""
    other, sock = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    node = node_with(("other", other), ("lan", sock)).start()
    equal(node.port("lan"), sock.getsockname()[1], "found by its name")
    told = node.events("socket-not-used")
    equal([e["name"] for e in told], ["other"], "the other one is told of")
    check(str(other.getsockname()[1]) in told[0]["address"],
          "with its address", told)


def unix_socket():
    folder = temp_dir()
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(f"{folder}/lmtp")
    sock.listen()
    node = World().make_site(
        peer={}, peers=[], links=[], routes=[],
        listeners=[listener("lan", "smtp", "none"),
                   {"name": "lmtp", "address": f"unix:{folder}/lmtp",
                    "service": "lmtp"}])
    node.given = [("lmtp", sock)]
    node.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{folder}/lmtp")
        client.settimeout(10)
        check(client.recv(4).startswith(b"220"), "it is served")
    node.stop()
    check(os.path.exists(f"{folder}/lmtp"), "its file is not taken away")


def reload_keeps():
    """A listener that is taken out and put back finds its socket again."""
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    node = node_with(("smtp", sock), lan=port).start()
    lan = node.conf["listeners"]
    node.conf["listeners"] = [listener("second", "smtp", "none")]
    node.reload()
    node.conf["listeners"] = lan
    node.reload()
    with Smtp(port) as client:
        deliver(client, "after two reloads")


run(by_address, by_name, unix_socket, reload_keeps)
