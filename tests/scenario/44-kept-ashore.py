#!/usr/bin/env python3
"""What the provider keeps back is told aboard: one short message in front of
the next session, once for each thing kept."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import email
import email.utils
import time

LARGE = "x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 60
SMALL_HOST = ("PIPELINING", "SIZE 2000", "ENHANCEDSTATUSCODES")
DAY = 86400


def world_with_shore(**conf):
    world = World()
    conf.setdefault("queue", {"retry": ["1s"]})
    world.make_shore(**conf).start()
    world.add_customer()
    return world


def to_customer(world, octets, to="cap@aurora.example.org",
                sender="eve@shore.example"):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        reply = client.mail(sender, to, octets)
    if reply.code != 250:
        raise AssertionError(reply)
    return reply.message_id


def settled(world):
    """No session has anything any more."""
    wait_until(lambda: all(r["state"] != "active"
                           for r in world.shore.queue()))


def is_telling(mail):
    return b"Auto-Submitted: auto-generated" in mail.octets


def tellings(call):
    return [m for m in call.mails if is_telling(m)]


def too_large():
    world = world_with_shore()
    to_customer(world, make("=?utf-8?q?Seekarten?=", LARGE))
    call = collect(world, keywords=SMALL_HOST)
    equal((call.reply.code, len(call.mails)), (250, 0),
          "larger than the customer's SIZE: not sent")
    settled(world)
    row = world.shore.queue()[0]
    equal((row["state"], row["reason_code"], row["attempts"]),
          ("ready", "size", 0), "it waits, and the queue says why")

    to_customer(world, make("small"))
    call = collect(world, keywords=SMALL_HOST)
    equal([is_telling(m) for m in call.mails], [True, False],
          "the next session begins with a message about it")
    told = call.mails[0]
    check(len(told.octets) <= 2048, "of 2 KB at most", len(told.octets))
    equal((told.sender, told.recipients), ("", ["cap@aurora.example.org"]),
          "from nobody, to the one it is about")
    text = email.message_from_bytes(told.octets)
    equal(text.get_content_type(), "text/plain", "plain text")
    equal(text["Auto-Submitted"], "auto-generated", "RFC 3834")
    check(text["Message-ID"] and text["Date"]
          and "postmaster@mail.shore.example" in text["From"],
          "with the fields a message needs", told.octets)
    body = text.get_payload()
    for words in ("From: eve@shore.example", "Size: 5 kB",
                  "Subject: =?utf-8?q?Seekarten?=",
                  "Why: larger than your host takes", "Until: 20"):
        check(words in body, f"it says {words}", body)

    call = collect(world, keywords=SMALL_HOST)
    equal(tellings(call), [], "it is told once")
    call = collect(world)
    equal(len(call.mails), 1, "a host that takes more gets it")
    check(world.shore.wait_queue_empty(), "nothing is left")


def held_and_put_off():
    world = world_with_shore()
    held = to_customer(world, make("held"))
    world.shore.must("queue", "hold", held, "--yes")
    call = collect(world)
    equal(call.reply.code, 250, "only a held message: 250, not 453")
    equal(len(tellings(call)), 1, "and one that tells of it")
    body = call.mails[0].octets.decode()
    check("held by the operator of mail.shore.example" in body
          and "Until: it is released" in body, "with the reason", body)
    equal(collect(world).reply.code, 453, "then there is no mail: 453")
    world.shore.must("queue", "release", held, "--yes")
    world.shore.must("queue", "hold", held, "--yes")
    equal(len(tellings(collect(world))), 1, "held anew, told anew")

    to_customer(world, make("put off"), "ann@aurora.example.org",
                sender="")
    call = collect(world, {"MAIL": "452 4.3.1 no room aboard"})
    settled(world)
    time.sleep(1.2)
    call = collect(world)
    equal([is_telling(m) for m in call.mails], [True, False],
          "what was put off is told, then tried again")
    body = call.mails[0].octets.decode()
    check("your host said: 452 4.3.1 no room aboard" in body,
          "with the host's words", body)
    equal(call.mails[0].recipients, ["ann@aurora.example.org"],
          "to the one it is about")
    equal(collect(world).reply.code, 453, "once")


def many():
    world = world_with_shore()
    for i in range(40):
        to_customer(world, make(f"large {i}", LARGE),
                    f"user{i}@aurora.example.org",
                    sender=f"{'long' * 12}{i}@shore.example")
    collect(world, keywords=SMALL_HOST)
    settled(world)
    call = collect(world, keywords=SMALL_HOST)
    equal(len(call.mails), 1, "one message about forty")
    told = call.mails[0]
    check(len(told.octets) <= 2048, "of 2 KB at most", len(told.octets))
    equal(told.recipients, ["postmaster@aurora.example.org"],
          "to the customer's postmaster")
    body = told.octets.decode()
    shown = body.count("Why: ")
    check(shown > 3 and f"and {40 - shown} more" in body,
          "it shows some and counts the rest", body)
    check("To: user" in body, "it says for whom", body)
    equal(collect(world, keywords=SMALL_HOST).mails, [], "and only once")


def never_told_of_itself():
    """The message that tells is put off, or lost on the way."""
    world = world_with_shore()
    held = to_customer(world, make("held"))
    world.shore.must("queue", "hold", held, "--yes")
    for i in range(3):
        call = collect(world, {"MAIL": "452 4.3.1 no room aboard"})
        equal(sum(v.startswith("MAIL") for v in call.verbs), 1,
              f"call {i}: it is offered once")
        settled(world)
        time.sleep(1.2)
    equal(len(world.shore.queue()), 2, "it waits, and breeds none")
    collect(world, {"end": CLOSE})
    settled(world)
    call = collect(world)
    equal(len(tellings(call)), 1, "it is taken at last")
    equal(len(world.shore.queue()), 1, "only what is held is left")


def by_domains():
    world = World()
    world.make_shore(queue={"retry": ["1s"]}).start()
    world.add_customer("aurora", "aurora.example.org",
                       "--domain", "boat.example")
    for to in ("cap@aurora.example.org", "cook@boat.example",
               "mate@boat.example"):
        name = to_customer(world, make(to), to)
        world.shore.must("queue", "hold", name, "--yes")
    call = collect(world, domains="boat.example")
    equal([m.recipients for m in tellings(call)],
          [["postmaster@boat.example"]], "ATRN for one domain: told of that")
    call = collect(world)
    equal([m.recipients for m in tellings(call)],
          [["cap@aurora.example.org"]], "and of the other when it is asked")


def switched_off():
    world = world_with_shore(customers={"tell_kept": False})
    name = to_customer(world, make("held"))
    world.shore.must("queue", "hold", name, "--yes")
    equal(collect(world).reply.code, 453, "tell_kept = false: nothing is told")


def aboard():
    """Our own customer side has it in the mailbox."""
    world = World()
    world.make_shore(queue={"retry": ["1s"]}).start()
    world.add_customer()
    name = to_customer(world, make("held"))
    world.shore.must("queue", "hold", name, "--yes")
    site = world.make_site().start()
    equal(site.link_up("iridium"), 0, "aurora calls: 0")
    mails = site.wait_mail("cap")
    check(len(mails) == 1 and b"kept ashore" in mails[0],
          "the captain reads what is kept ashore", mails)


run(too_large, held_and_put_off, many, never_told_of_itself, by_domains,
    switched_off, aboard)
