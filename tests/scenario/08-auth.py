#!/usr/bin/env python3
"""Who may log in, and how."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *



def secured(world, port):
    client = Smtp(port)
    client.ehlo()
    client.starttls(world.client_tls)
    client.ehlo()
    return client


def provider():
    world = World()
    shore = world.make_shore().start()
    world.add_customer()
    shore.must("customer", "add", "kestrel", "--domain", "kestrel.example",
               "--cram-md5", "--password-stdin", text=PASSWORD + "\n")
    shore.must("user", "add", "ben", "--password-stdin",
               text=PASSWORD + "\n")
    return world, shore


def mechanisms():
    world, shore = provider()
    for name in ("submission", "odmr"):
        port = shore.port(name)
        for user in ("aurora", "kestrel", "ben"):
            if name == "odmr" and user == "ben":
                continue
            with secured(world, port) as client:
                equal(client.auth_plain(user, PASSWORD).code, 235,
                      f"{name}: {user} by PLAIN")
            with secured(world, port) as client:
                equal(client.auth_scram(user, PASSWORD).code, 235,
                      f"{name}: {user} by SCRAM-SHA-256")
        with secured(world, port) as client:
            equal(client.auth_cram_md5("kestrel", PASSWORD).code, 235,
                  f"{name}: kestrel by CRAM-MD5, made with --cram-md5")
        with secured(world, port) as client:
            equal(client.auth_cram_md5("aurora", PASSWORD).code, 535,
                  f"{name}: aurora by CRAM-MD5, made without: 535")


def refused():
    world, shore = provider()
    port = shore.port("submission")
    with secured(world, port) as client:
        for user, password in (("aurora", "wrong"), ("aurora", ""),
                               ("", PASSWORD), ("nobody", PASSWORD),
                               ("aurora", PASSWORD + " ")):
            reply = client.auth_plain(user, password)
            check(reply.code in (501, 535),
                  f"PLAIN {user!r} {password!r} is refused", reply)
    with secured(world, port) as client:
        equal(client.auth_scram("aurora", "wrong").code, 535,
              "SCRAM with a wrong password: 535")
        equal(client.auth_scram("aurora", PASSWORD, spoil=True).code, 535,
              "SCRAM with a made-up proof: 535")
        reply = client.auth_scram("nobody", PASSWORD)
        equal(reply.code, 535, "SCRAM of an unknown user: 535")
        equal(client.auth_cram_md5("kestrel", "wrong").code, 535,
              "CRAM-MD5 with a wrong password: 535")
    with secured(world, port) as client:
        equal(client.cmd("AUTH NTLM").code, 504, "unknown mechanism: 504")
        equal(client.cmd("AUTH PLAIN !!!").code, 501, "bad base64: 501")
        equal(client.cmd("AUTH PLAIN").code, 334, "PLAIN asks for more")
        equal(client.cmd("*").code, 501, "a client may give up: 501")
        equal(client.auth_plain("aurora", PASSWORD, "ben").code, 535,
              "to act as another: 535")
        equal(client.auth_plain("aurora", PASSWORD).code, 235,
              "and then log in")
        equal(client.auth_plain("aurora", PASSWORD).code, 503,
              "but not twice: 503")
    text = shore.log_text()
    check(PASSWORD not in text, "no password is in the log")


def before_tls():
    world, shore = provider()
    for name in ("submission", "odmr"):
        with Smtp(shore.port(name)) as client:
            client.ehlo()
            offered = client.keywords.get("AUTH", "")
            check(not offered.split(),
                  f"{name}: nothing is offered in clear text", offered)
            for command in ("AUTH PLAIN AHgAeQ==", "AUTH LOGIN",
                            "AUTH CRAM-MD5", "AUTH SCRAM-SHA-256"):
                reply = client.cmd(command)
                check(reply.code in (530, 538, 504, 502, 503),
                      f"{name}: {command.split()[1]} before TLS is refused",
                      reply)
    with secured(world, shore.port("odmr")) as client:
        words = client.keywords.get("AUTH", "").split()
        for word in ("PLAIN", "SCRAM-SHA-256"):
            check(word in words, f"under TLS {word} is offered", words)


def changes():
    world, shore = provider()
    port = shore.port("submission")
    shore.must("user", "passwd", "ben", "--password-stdin", text="newer-one\n")
    with secured(world, port) as client:
        equal(client.auth_plain("ben", "newer-one").code, 235,
              "after passwd the new password holds at once")
    shore.restart()
    with secured(world, port) as client:
        equal(client.auth_plain("ben", "newer-one").code, 235,
              "also after a restart")
    with secured(world, port) as client:
        equal(client.auth_plain("ben", PASSWORD).code, 535,
              "and the old one no longer")
    shore.must("user", "delete", "ben", "--yes")
    with secured(world, port) as client:
        equal(client.auth_plain("ben", "newer-one").code, 535,
              "a deleted user is gone at once")
    names = [row["name"] for row in shore.rows("user", "list")]
    check("ben" not in names, "and from user list", names)


def secrets_at_rest():
    world = World()
    shore = world.make_shore().start()
    world.add_customer()
    shore.must("user", "add", "ben", "--password-stdin", text=PASSWORD + "\n")
    with secured(world, shore.port("submission")) as client:
        equal(client.auth_plain("ben", PASSWORD).code, 235, "ben logs in")
    shore.stop()
    octets = b""
    for folder, _, names in os.walk(shore.dir):
        for name in names:
            with open(os.path.join(folder, name), "rb") as stream:
                octets += stream.read()
    equal(octets.count(PASSWORD.encode()), 0,
          "no file of the node holds a password in clear")


run(mechanisms, refused, before_tls, changes, secrets_at_rest)
