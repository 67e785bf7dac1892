#!/usr/bin/env python3
"""What a customer's host refuses goes back only to a sender somebody vouches
for; the rest is kept in quarantine, and nobody is bothered."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

REFUSED = {"RCPT": "550 5.1.1 nobody of that name aboard"}


def world_with_shore():
    """A provider that could tell anybody, and trusts no client unasked."""
    world = World()
    world.smart = Peer(auth=False)
    world.make_shore(
        relay={"networks": ["192.0.2.0/24"]},
        peers=[world.peer(submission=world.smart.port, odmr=9, name="smart",
                          tls="none", user=None, password_file=None,
                          collect="none", collect_port=None)],
        routes=[{"match": "*", "peers": ["smart"]}]).start()
    world.add_customer()
    return world


def to_customer(world, octets, sender="eve@elsewhere.example", params="",
                to="cap@aurora.example.org"):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        client.cmd(f"MAIL FROM:<{sender}>")
        equal(client.cmd(f"RCPT TO:<{to}>{params}").code, 250,
              "it is accepted")
        client.cmd("DATA")
        client.send(stuff(octets))
        return client.reply().message_id


def deleted(world):
    return world.shore.queue("--state", "deleted")


def events(world, message):
    return [e["event"] for e in world.shore.rows(
        "log", "--message", str(message))]


def unknown_sender():
    world = world_with_shore()
    octets = make("forged perhaps")
    message = to_customer(world, octets)
    call = collect(world, REFUSED)
    equal(call.reply.code, 250, "ATRN: 250")
    check(wait_until(lambda: not world.shore.queue()),
          "550 from the customer's host: it waits no more",
          world.shore.queue())
    row = deleted(world)[0]
    check("nobody of that name aboard" in row["reason"],
          "it is kept, with the customer's words", row)
    check("vouches for the sender" in row["reason"],
          "and why nobody was told", row)
    equal(events(world, message)[-1], "quarantined", "an event says so")
    equal((len(world.shore.queue()), world.smart.mails), (0, []),
          "and no notice was made")
    equal(collect(world).reply.code, 453, "for the customer it is gone")

    world.shore.must("queue", "undelete", str(message), "--yes")
    row = world.shore.queue()[0]
    equal((row["state"], row["reason_code"]), ("ready", "customer-call"),
          "undelete makes it deliverable again")
    call = collect(world)
    equal(len(copies([m.octets for m in call.mails], octets)), 1,
          "and the next call gets it")


def nobody_to_tell():
    """The null sender, and senders who asked not to be told."""
    world = world_with_shore()
    message = to_customer(world, make("a notice"), sender="")
    collect(world, REFUSED)
    check(wait_until(lambda: not world.shore.queue()),
          "null sender: it is not held for ever", world.shore.queue())
    equal([r["message"] for r in deleted(world)], [message],
          "but in quarantine")
    message = to_customer(world, make("no notice"), params=" NOTIFY=NEVER")
    collect(world, REFUSED)
    check(wait_until(lambda: not world.shore.queue()), "NOTIFY=NEVER: gone")
    equal(len(deleted(world)), 1, "and not kept: its sender wanted it so")
    equal(events(world, message)[-1], "failed", "the event says failed")


def success_is_not_told():
    """A forged sender may not be bothered by a delivery that went well."""
    world = world_with_shore()
    octets = make("all is well")
    to_customer(world, octets, params=" NOTIFY=SUCCESS,FAILURE")
    equal(len(collect(world).mails), 1, "it is collected, by a host without "
          "DSN")
    check(wait_until(lambda: not world.shore.queue()), "and gone")
    equal(world.smart.mails, [], "nobody is told, whatever was asked for")


def one_of_two():
    """Quarantine is by recipient."""
    world = world_with_shore()

    def rcpt(conn, line):
        return "550 5.1.1 no cook" if "cook@" in line else None

    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        client.mail("eve@elsewhere.example",
                    ["cap@aurora.example.org", "cook@aurora.example.org"],
                    make("two"))
    call = collect(world, {"RCPT": rcpt})
    equal([m.recipients for m in call.mails], [["cap@aurora.example.org"]],
          "the captain has it")
    check(wait_until(lambda: len(deleted(world)) == 1), "the cook's is kept")
    equal(deleted(world)[0]["recipient"], "cook@aurora.example.org",
          "for the one who is not there")


def vouched_for():
    """A user of ours is told as ever."""
    world = world_with_shore()
    world.shore.must("user", "add", "dora", "--password-stdin",
                     text=PASSWORD + "\n")
    with Smtp(world.shore.port("submission")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        client.auth_plain("dora", PASSWORD)
        equal(client.mail("dora@shore.example", "cap@aurora.example.org",
                          make("by dora", sender="dora@shore.example")).code,
              250, "a user hands in")
    collect(world, REFUSED)
    mails = world.shore.wait_mail("dora")
    check(len(mails) == 1 and b"nobody of that name aboard" in mails[0]
          and b"Status: 5.1.1" in mails[0],
          "the user has a notice with the host's words", mails)
    equal((world.shore.queue(), deleted(world)), ([], []),
          "and nothing is kept")


def refused_by_the_operator():
    """queue return tells the sender: a person decided it."""
    world = world_with_shore()
    message = to_customer(world, make("returned"))
    world.shore.must("queue", "return", message, "--yes")
    check(wait_until(lambda: len(world.smart.mails) == 1),
          "queue return: the sender has a notice")
    equal(deleted(world), [], "and nothing is kept")


run(unknown_sender, nobody_to_tell, success_is_not_told, one_of_two, vouched_for,
    refused_by_the_operator)
