#!/usr/bin/env python3
"""The customer calls and collects its own mail and no other's (RFC 2645)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

CUSTOMERS = {"aurora": "aurora.example.org", "borealis": "borealis.example"}


def world_of_two():
    world = World()
    world.make_shore().start()
    for name, domain in CUSTOMERS.items():
        world.add_customer(name, domain)
    return world


def to_shore(world, recipients, octets):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        reply = client.mail("eve@shore.example", recipients, octets)
        client.quit()
    if reply.code != 250:
        raise AssertionError(f"not accepted: {reply}")


def routes(node):
    return sorted(row["route"] for row in node.queue())


def collects_its_own():
    world = world_of_two()
    shore = world.shore
    both = make("to both")
    mine = make("to aurora", "Grüße\r\n.\r\n..\r\n")
    other = make("to borealis")
    to_shore(world, ["cap@aurora.example.org", "cook@aurora.example.org",
                     "cap@borealis.example"], both)
    to_shore(world, "cap@aurora.example.org", mine)
    to_shore(world, "mate@BOREALIS.example", other)
    equal(routes(shore), ["customer:aurora"] * 3 + ["customer:borealis"] * 2,
          "each delivery is held for its customer")
    equal({r["reason_code"] for r in shore.queue()}, {"customer-call"},
          "all wait for a call")

    site = world.make_site().start()
    equal(site.link_up("iridium"), 0, "aurora calls: 0")
    equal(routes(shore), ["customer:borealis"] * 2,
          "what is borealis's is still held")
    found = copies(site.wait_mail("cap", 2), both)
    equal(len(found), 1, "aurora's copy of the shared message is there")
    if found:
        equal(found[0].return_path, "eve@shore.example",
              "Return-Path is the sender")
        equal(len(found[0].received), 2, "one Received field for each node")
    equal(len(copies(site.mailbox("cap"), mine)), 1,
          "aurora's own message is there, unchanged")
    equal(len(copies(site.wait_mail("cook"), both)), 1,
          "the second recipient has it, too")
    equal(len(site.mailbox("mate")), 0, "nothing of borealis came")

    second = world.make_site(
        world.peer(user="borealis"), "borealis", "borealis.example").start()
    equal(second.link_up("iridium"), 0, "borealis calls: 0")
    equal(len(copies(second.wait_mail("cap"), both)), 1,
          "borealis's copy of the shared message is there")
    equal(len(copies(second.wait_mail("mate"), other)), 1,
          "and its own message")
    check(shore.wait_queue_empty(), "nothing is left")
    row = {r["name"]: r for r in shore.rows("customer", "list")}["aurora"]
    equal(row["waiting_messages"], 0, "customer list says so")
    check(row["last_call"], "and when it last called", row)


def both_directions_in_one_call():
    world = world_of_two()
    site = world.make_site().start()
    out, back = make("out"), make("back")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example", out)
    to_shore(world, "ann@aurora.example.org", back)
    equal(site.link_up("iridium"), 0, "link up --wait: 0")
    equal(len(copies(world.shore.wait_mail("ben"), out)), 1, "out it went")
    equal(len(copies(site.wait_mail("ann"), back)), 1, "in it came")


def on_the_same_connection():
    """A provider of another make that offers ATRN where it takes mail."""
    world = World()
    out, back = make("out same"), make("back same")
    said = []

    def turn(conn, line):
        conn.send(b"250 2.0.0 turning\r\n")
        said.append(conn.line())
        for text in (b"EHLO mail.shore.example\r\n",
                     b"MAIL FROM:<eve@shore.example>\r\n",
                     b"RCPT TO:<ann@aurora.example.org>\r\n", b"DATA\r\n",
                     stuff(back), b"QUIT\r\n"):
            conn.send(text)
            reply = conn.line()
            while reply[3:4] == "-":
                reply = conn.line()
            said.append(reply)
        return CLOSE

    peer = Peer(rules={"ATRN": turn}, keywords=("ATRN", "8BITMIME"),
                context=server_context(*world.ca.issue(
                    "other-make", "mail.shore.example")))
    entry = world.peer(submission=peer.port)
    entry.pop("collect_port", None)
    site = world.make_site(entry).start()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example", out)
    equal(site.link_up("iridium"), 0, "push and collect on one connection: 0")
    equal(peer.connections, 1, "there was one connection")
    equal(len(peer.mails), 1, "out it went")
    # its last line is read by another thread
    check(wait_until(lambda: [line[:3] for line in said]
                     == ["220", "250", "250", "250", "354", "250", "221"]),
          "then the site was the server", said)
    equal(len(copies(site.wait_mail("ann"), back)), 1, "in it came")


def odmr_client(world, user="aurora"):
    client = Smtp(world.shore.port("odmr"))
    client.ehlo("aurora.example.org")
    client.starttls(world.client_tls)
    client.ehlo("aurora.example.org")
    if user:
        reply = client.auth_plain(user, PASSWORD)
        if reply.code != 235:
            raise AssertionError(reply)
    return client


def refusals():
    world = world_of_two()
    port = world.shore.port("odmr")
    with Smtp(port) as client:
        client.ehlo()
        check("ATRN" in client.keywords or "STARTTLS" in client.keywords,
              "odmr offers STARTTLS", client.keywords)
        equal(client.cmd("ATRN").code, 530, "ATRN in clear text: 530")
    with odmr_client(world, None) as client:
        check("ATRN" in client.keywords, "ATRN is offered under TLS",
              client.keywords)
        equal(client.cmd("ATRN").code, 530, "ATRN without AUTH: 530")
        equal(client.cmd("MAIL FROM:<a@aurora.example.org>").code, 502,
              "MAIL on the odmr port: 502")
    with odmr_client(world) as client:
        equal(client.cmd("ATRN").code, 453, "no mail: 453")
        equal(client.cmd("ATRN borealis.example").code, 450,
              "another customer's domain: 450")
        equal(client.cmd("ATRN aurora.example.org,borealis.example").code,
              450, "also in a list: 450")
        check(client.cmd("ATRN a b").code in (501, 504), "two arguments")
        equal(client.quit().code, 221, "and QUIT still works")


def turned_by_hand():
    """The provider as client, seen from the wire."""
    world = world_of_two()
    world.shore.must("customer", "set", "aurora", "--domain",
                     "aurora.example.org", "--domain", "deck.example")
    to_shore(world, "cap@aurora.example.org", make("by hand"))
    to_shore(world, "cap@borealis.example", make("not this"))
    with odmr_client(world) as client:
        equal(client.cmd("ATRN deck.example").code, 453,
              "none for the domain that was asked for: 453")
        equal(client.cmd("ATRN deck.example,Aurora.Example.org").code, 250,
              "ATRN with a list of one's own: 250")
        client.send(b"220 aurora.example.org ready\r\n")
        check(client.line().startswith("EHLO "), "now the provider greets")
        client.send(b"250-aurora.example.org\r\n250 8BITMIME\r\n")
        equal(client.line().split()[0], "MAIL", "MAIL comes")
        client.send(b"250 2.1.0 ok\r\n")
        equal(client.line(), "RCPT TO:<cap@aurora.example.org>",
              "RCPT comes, for one recipient")
        client.send(b"250 2.1.5 ok\r\n")
        equal(client.line(), "DATA", "DATA comes")
        client.send(b"354 go\r\n")
        text = ""
        while not text.endswith("\n.\n"):
            text += client.line() + "\n"
        check("Subject: by hand" in text, "the message comes", text)
        client.send(b"250 2.0.0 taken\r\n")
        equal(client.line(), "QUIT", "then QUIT: the other's mail never came")
        client.send(b"221 2.0.0 bye\r\n")
        check(client.is_closed(), "and the connection ends")
    check(wait_until(lambda: routes(world.shore) == ["customer:borealis"]),
          "only what was taken is gone", routes(world.shore))


def refused_mail_stays():
    """The site defers one message and takes the other."""
    world = world_of_two()
    to_shore(world, "cap@aurora.example.org", make("one"))
    with odmr_client(world) as client:
        equal(client.cmd("ATRN").code, 250, "ATRN: 250")
        client.send(b"220 aurora.example.org ready\r\n")
        client.line()
        client.send(b"250 aurora.example.org\r\n")
        client.line()
        client.send(b"452 4.3.1 too large for this link\r\n")
        line = client.line()
        if line == "RSET":
            client.send(b"250 ok\r\n")
            line = client.line()
        equal(line, "QUIT", "after 452 nothing else is tried")
        client.send(b"221 bye\r\n")
    wait_until(lambda: world.shore.queue()[0]["attempts"] == 1)
    row = world.shore.queue()[0]
    equal((row["state"], row["attempts"], row["reason_code"]),
          ("deferred", 1, "peer-4xx"), "the provider keeps it")


run(collects_its_own, both_directions_in_one_call, on_the_same_connection,
    refusals, turned_by_hand, refused_mail_stays)
