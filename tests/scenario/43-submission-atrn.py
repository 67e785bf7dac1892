#!/usr/bin/env python3
"""One connection pushes and then collects: ATRN on a submission listener."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

SPILL = 1024 * 1024  # octets of a body that go to the spool in one step


def make_world(atrn=True, **conf):
    world = World()
    world.make_shore(
        listeners=[listener("smtp", "smtp", "offered"),
                   listener("submission", "submission", "required",
                            atrn=atrn),
                   listener("plain", "submission", "required"),
                   listener("odmr", "odmr", "required")], **conf).start()
    return world


def to_shore(world, recipient, octets):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        reply = client.mail("eve@shore.example", recipient, octets)
        client.quit()
    equal(reply.code, 250, f"mail for {recipient} is accepted")


def login(world, user="aurora", name="submission"):
    client = Smtp(world.shore.port(name))
    client.ehlo("aurora.example.org")
    client.starttls(world.client_tls)
    client.ehlo("aurora.example.org")
    if user:
        equal(client.auth_plain(user, PASSWORD).code, 235,
              f"{user} logs in on {name}")
    return client


def push_then_collect():
    world = make_world()
    world.add_customer()
    entry = world.peer(order="push-first")
    del entry["collect_port"]
    site = world.make_site(entry).start()
    outs = [make(f"out {i}") for i in range(3)]
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for out in outs:
            client.mail("ann@aurora.example.org", "ben@shore.example", out)
    backs = [make(f"back {i}") for i in range(3)]
    for back in backs:
        to_shore(world, "ann@aurora.example.org", back)

    equal(site.link_up("iridium"), 0, "one call: 0")
    for out in outs:
        equal(len(copies(world.shore.wait_mail("ben", 3), out)), 1,
              "each of ours is there once")
    for back in backs:
        equal(len(copies(site.wait_mail("ann", 3), back)), 1,
              "each of theirs came once, unchanged")
    calls = [e for e in world.shore.events("connected")
             if e["listener"] == "submission"]
    equal(len(calls), 1, "over one connection")
    log = world.shore.events()
    session = calls[0]["session"]
    last_in = max(i for i, e in enumerate(log) if e["event"] == "accepted"
                  and e.get("session") == session)
    first_out = min(i for i, e in enumerate(log) if e["event"] == "delivered"
                    and e.get("session") == session)
    check(last_in < first_out, "first it pushed, then it collected",
          (last_in, first_out))
    check(world.shore.wait_queue_empty(), "nothing is left at the provider")
    check(site.wait_queue_empty(), "nor at the site")
    check(wait_until(lambda: world.shore.rows("customer", "list")
                     [0]["last_result"] == "3 messages collected"),
          "and it is told")


def refusals():
    world = make_world()
    world.add_customer()
    world.shore.must("user", "add", "olga", "--sender", "*",
                     "--password-stdin", text=PASSWORD + "\n")
    to_shore(world, "ann@aurora.example.org", make("waits"))
    with login(world, None) as client:
        check("ATRN" in client.keywords, "ATRN is offered", client.keywords)
        equal(client.cmd("ATRN").code, 530, "without AUTH: 530")
    with login(world, "olga") as client:
        reply = client.cmd("ATRN")
        equal(reply.code, 450, "a user is no customer: 450")
        check("4.7.1" in reply.text, "with 4.7.1", reply)
        equal(client.mail("ann@shore.example", "ben@shore.example",
                          make("by olga")).code, 250, "and goes on as ever")
    with login(world) as client:
        client.cmd("MAIL FROM:<ann@aurora.example.org>")
        equal(client.cmd("ATRN").code, 503, "inside a transaction: 503")
        client.cmd("RSET")
        equal(client.cmd("ATRN shore.example").code, 450,
              "another's domain: 450")
    with login(world, "aurora", "plain") as client:
        check("ATRN" not in client.keywords, "elsewhere it is not offered",
              client.keywords)
        equal(client.cmd("ATRN").code, 502, "and not served")
    check(wait_until(lambda: [row["recipient"] for row in world.shore.queue()]
                     == ["ann@aurora.example.org"]), "nobody got the mail")


def turned(client):
    """What the provider says and sends behind the turn, to one message."""
    client.send(b"220 aurora.example.org ready\r\n")
    said = []
    for answer in (b"250 aurora.example.org\r\n", b"250 ok\r\n",
                   b"250 ok\r\n", b"354 go\r\n"):
        said.append(client.line())
        client.send(answer)
    text = ""
    while not text.endswith("\n.\n"):
        text += client.line() + "\n"
    client.send(b"250 2.0.0 taken\r\n")
    said.append(client.line())
    client.send(b"221 2.0.0 bye\r\n")
    return said, text


def nothing_is_carried_over():
    """A body given up is still on its way to the disk when the turn comes."""
    world = make_world()
    world.add_customer()
    to_shore(world, "ann@aurora.example.org", make("mine"))
    for _ in range(5):
        with login(world) as client:
            body = (b"x" * 70 + b"\r\n") * (3 * SPILL // 72 + 1)
            group = b"MAIL FROM:<ann@aurora.example.org> SIZE=4000000\r\n" \
                b"RCPT TO:<ben@shore.example>\r\n" \
                + f"BDAT {len(body)}\r\n".encode() + body \
                + b"RSET\r\nATRN borealis.example\r\n"
            client.send(group)
            codes = [client.reply().code for _ in range(5)]
            equal(codes, [250, 250, 250, 250, 450], "a body is given up")
    with login(world) as client:
        client.send(group.replace(b" borealis.example", b""))
        codes = [client.reply().code for _ in range(5)]
        equal(codes, [250, 250, 250, 250, 250], "given up, then turned")
        said, text = turned(client)
        equal([line.split()[0] for line in said],
              ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"],
              "the provider is the client now")
        check(said[1].startswith("MAIL FROM:<eve@shore.example>"),
              "with its own sender", said[1])
        check("Subject: mine" in text, "and the customer's mail", text)
        check(client.is_closed(), "the connection ends")
    check(world.shore.wait_queue_empty(), "the mail is handed over")
    equal(len(world.shore.mailbox("ben")), 0, "what was given up never came")
    equal(world.shore.status()["sessions"], [], "no session is left")


def other_networks():
    world = make_world()
    world.add_customer("aurora", "aurora.example.org",
                       "--network", "192.0.2.0/24")
    world.add_customer("borealis", "borealis.example",
                       "--network", "192.0.2.0/24",
                       "--network", "127.0.0.0/8")
    to_shore(world, "ann@aurora.example.org", make("kept"))
    for name in ("submission", "odmr"):
        with login(world, "aurora", name) as client:
            reply = client.cmd("ATRN")
            equal(reply.code, 450, f"{name}: ATRN from elsewhere: 450")
            check("4.7.1 aurora may not be used from 127.0.0.1"
                  in reply.text, "and why", reply)
    said = "it called from 127.0.0.1, which is in none of its networks"
    check(wait_until(lambda: said in (
        world.shore.rows("customer", "show", "aurora")[0]["last_result"]
        or "")), "customer show says so")
    with login(world) as client:
        reply = client.cmd("MAIL FROM:<ann@aurora.example.org>")
        equal(reply.code, 550, "MAIL from elsewhere: 550")
        check("5.7.1 aurora may not be used from" in reply.text, "and why",
              reply)
    with login(world, "borealis") as client:
        equal(client.cmd("MAIL FROM:<ann@borealis.example>").code, 250,
              "from a network of its own: 250")
        client.cmd("RSET")
        equal(client.cmd("ATRN").code, 453, "and ATRN: no mail")


def too_often():
    world = make_world(limits={"atrn_per_hour": 3})
    world.add_customer()
    world.add_customer("borealis", "borealis.example")
    with login(world) as client:
        for _ in range(3):
            equal(client.cmd("ATRN").code, 453, "three calls an hour: 453")
        reply = client.cmd("ATRN")
        equal(reply.code, 450, "the fourth: 450")
        check("4.3.2 Too many calls in this hour; the next in 1" in reply.text
              and "seconds" in reply.text, "and when the next may come", reply)
    with login(world, "borealis", "odmr") as client:
        equal(client.cmd("ATRN").code, 453, "others are free to call")


run(push_then_collect, refusals, nothing_is_carried_over, other_networks,
    too_often)
