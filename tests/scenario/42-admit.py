#!/usr/bin/env python3
"""What a provider takes for a customer: list, size, quota; and who may be told
what became of it. Last the limits of the queue as a whole."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

KILO = 1024
REFUSED = {"RCPT": "550 5.1.1 nobody of that name aboard"}


def octets_of(size, subject="of a size"):
    head = make(subject, "")
    line = b"x" * 70 + b"\r\n"
    body = line * ((size - len(head)) // len(line))
    rest = size - len(head) - len(body)
    if rest == 1:  # a line end needs two
        body, rest = body[:-len(line)], rest + len(line)
    return head + body + (b"y" * (rest - 2) + b"\r\n" if rest else b"")


def make_world(*settings, **conf):
    world = World()
    world.make_shore(**conf).start()
    world.add_customer("aurora", "aurora.example.org", *settings)
    return world


def customer_set(world, *settings):
    world.shore.must("customer", "set", "aurora", *settings)


def client_of(world):
    client = Smtp(world.shore.port("smtp"))
    client.ehlo()
    return client


def rcpt(world, to, sender="eve@far.example", params=""):
    """An address probe: MAIL, RCPT, QUIT."""
    with client_of(world) as client:
        equal(client.cmd(f"MAIL FROM:<{sender}>{params}").code, 250, "MAIL")
        reply = client.cmd(f"RCPT TO:<{to}>")
        client.quit()
    return reply


def put(world, size, to="cap@aurora.example.org", sender="eve@far.example",
        declare=None):
    """One message of SIZE octets; DECLARE: what is said of it, 0: nothing."""
    said = size if declare is None else declare
    with client_of(world) as client:
        return client.mail(sender, to, octets_of(size),
                           f" SIZE={said}" if said else "")


def refused(reply, code, *words):
    equal(reply.code, code, f"{code} {words[0]}")
    for word in words:
        check(word in reply.text, f"... says {word}", reply)


# --- recipients ---

def listed():
    world = make_world()
    names = [f"hand{i}@aurora.example.org" for i in range(4000)]
    file = f"{world.dir}/list"
    with open(file, "w", encoding="utf-8") as stream:
        stream.write("\n".join(names) + "\n")
    equal(rcpt(world, "ghost@aurora.example.org").code, 250,
          "without a list: everybody")
    customer_set(world, "--recipients", file)
    for _ in range(2):
        for name in (names[0], names[1999], names[3999],
                     "HAND7@Aurora.Example.ORG"):
            equal(rcpt(world, name).code, 250, f"{name} is in the list")
        for sender in ("eve@far.example", ""):
            refused(rcpt(world, "ghost@aurora.example.org", sender), 550,
                    "5.1.1", "<ghost@aurora.example.org>", "list", "aurora")
        equal(rcpt(world, "PostMaster@aurora.example.org").code, 250,
              "postmaster is always there")
        world.shore.conf["limits"] = {"errors": 1000}
        world.shore.restart()
    with client_of(world) as client:
        client.send(b"MAIL FROM:<>\r\n" + b"".join(
            f"RCPT TO:<{to}>\r\n".encode() for name in names[:500]
            for to in (name, "no-" + name)) + b"QUIT\r\n")
        codes = [client.reply().code for _ in range(1002)]
    equal(codes, [250] + [250, 550] * 500 + [221],
          "a thousand in one group, each with its own answer")
    world.shore.must("customer", "suspend", "aurora")
    refused(rcpt(world, names[0]), 450, "4.2.1", "suspended")
    world.shore.must("customer", "resume", "aurora")
    customer_set(world, "--recipients", "any")
    equal(rcpt(world, "ghost@aurora.example.org").code, 250,
          "without the list again: everybody")


def verified():
    world = make_world("--recipients", "verify")
    reply = rcpt(world, "ghost@aurora.example.org")
    equal(reply.code, 250, "who is not known yet is accepted")
    check("known at its host alone" in reply.text, "and it is said", reply)
    equal(put(world, 1000, "ghost@aurora.example.org",
              "ben@shore.example").code, 250, "a message for it, too")
    collect(world, REFUSED)
    check(wait_until(lambda: rcpt(world, "Ghost@aurora.example.org").code
                     == 550), "refused by its host, it is refused here")
    refused(rcpt(world, "ghost@aurora.example.org", ""), 550, "5.1.1",
            "The host of the recipient itself said", "<ghost@aurora.example.org>")
    equal(rcpt(world, "postmaster@aurora.example.org").code, 250,
          "postmaster is always there")
    equal(put(world, 1000, "cap@aurora.example.org").code, 250,
          "another is not touched by that")
    collect(world)
    world.shore.restart()
    refused(rcpt(world, "ghost@aurora.example.org"), 550, "5.1.1")
    check(wait_until(lambda: rcpt(world, "cap@aurora.example.org").text
                     == "2.1.5 Ok"), "who got mail is known to be there")


# --- sizes ---

def largest():
    world = make_world("--max-size", "20K")
    size = 20 * KILO
    equal(put(world, size).code, 250, "20 K of 20 K")
    refused(put(world, size + 1), 552, "5.3.4", "<cap@aurora.example.org>",
            "20 K")
    for declare, how in ((0, "not declared"), (size, "a lie")):
        with client_of(world) as client:
            said = f" SIZE={declare}" if declare else ""
            equal(client.cmd(f"MAIL FROM:<eve@far.example>{said}").code, 250,
                  how)
            for to in ("ben@shore.example", "cap@aurora.example.org"):
                equal(client.cmd(f"RCPT TO:<{to}>").code, 250, f"{how}: RCPT")
            client.cmd("DATA")
            client.send(stuff(octets_of(size + 1)))
            refused(client.reply(), 552, "5.3.4", "<cap@aurora.example.org>")
            equal(client.mail("eve@far.example", "cap@aurora.example.org",
                              octets_of(1000)).code, 250, "the next is taken")
    equal(len(world.shore.queue()), 3, "nothing of those refused is stored")
    equal(len(world.shore.mailbox("ben")), 0, "for nobody")
    world.shore.restart()
    refused(rcpt(world, "cap@aurora.example.org", params=" SIZE=20481"), 552,
            "5.3.4")
    customer_set(world, "--max-size", "0")
    equal(put(world, size + 1).code, 250, "without a limit: taken")


def quota():
    world = make_world("--quota", "200K")
    equal(put(world, 60 * KILO, sender="a@far.example").code, 250, "60 K")
    refused(put(world, 50 * KILO, sender="a@far.example"), 452, "4.2.2",
            "half of the quota", "<a@far.example>", "200 K")
    equal(put(world, 60 * KILO, sender="b@far.example").code, 250, "120 K")
    equal(put(world, 30 * KILO, sender="").code, 250, "150 K, null sender")
    for _ in range(2):
        refused(put(world, 20 * KILO), 452, "4.2.2", "below 20 K")
        refused(put(world, 60 * KILO), 452, "4.2.2", "too much mail waits")
        refused(rcpt(world, "postmaster@aurora.example.org", "",
                     " SIZE=61440"), 452, "4.2.2")
        equal(rcpt(world, "cap@aurora.example.org").code, 250,
              "undeclared, below four fifths: 250")
        world.shore.restart()
    # what is sent without a size is judged by the true one
    refused(put(world, 20 * KILO, declare=0), 452, "4.2.2", "below 20 K")
    refused(put(world, 30 * KILO, declare=1000), 452, "4.2.2", "below 20 K")
    equal(len(world.shore.queue()), 3, "nothing of those is stored")
    equal(put(world, 15 * KILO).code, 250, "small ones have what is left")
    refused(rcpt(world, "cap@aurora.example.org"), 452, "4.2.2",
            "declare SIZE")
    equal(put(world, 15 * KILO).code, 250, "... up to the quota")
    equal(put(world, 15 * KILO).code, 250, "... up to the quota")
    refused(put(world, 15 * KILO), 452, "4.2.2", "too much mail waits",
            "quota 200 K")
    equal(rcpt(world, "ben@shore.example").code, 250, "others have their own")
    equal(len(collect(world).mails), 6, "the customer collects")
    check(wait_until(lambda: put(world, 60 * KILO).code == 250),
          "then there is room again")


def one_transaction():
    """Every recipient of a message is counted, also before it is stored."""
    world = make_world("--quota", "100K")
    with client_of(world) as client:
        client.cmd(f"MAIL FROM:<eve@far.example> SIZE={18 * KILO}")
        codes = [client.cmd(f"RCPT TO:<r{i}@aurora.example.org>").code
                 for i in range(3)]
        equal(codes, [250, 250, 452], "three times 18 K: half is the most")


# --- who may be told ---

def world_with_smart(**conf):
    world = World()
    world.smart = Peer(auth=False)
    world.make_shore(
        peers=[world.peer(submission=world.smart.port, odmr=9, name="smart",
                          tls="none", user=None, password_file=None,
                          collect="none", collect_port=None)],
        routes=[{"match": "*", "peers": ["smart"]}], **conf).start()
    world.add_customer()
    return world


def told(world, headers, sender="eve@far.example"):
    """Who is told when the customer's host refuses such a message."""
    before = len(world.smart.mails)
    quarantined = len(world.shore.queue("--state", "deleted"))
    with client_of(world) as client:
        equal(client.mail(sender, "cap@aurora.example.org",
                          headers + make("perhaps forged")).code, 250,
              "accepted")
    collect(world, REFUSED)
    wait_until(lambda: not world.shore.queue())
    mails = world.smart.mails[before:]
    kept = len(world.shore.queue("--state", "deleted")) - quarantined
    equal(len(mails) + len(world.shore.mailbox("ben")) + kept > 0, True,
          "it is somewhere")
    return [r for mail in mails for r in mail.recipients]


def vouched():
    ours = b"Authentication-Results: mail.shore.example;\r\n\t"
    world = world_with_smart()
    equal(told(world, b""), [], "a stranger behind the front: nobody")
    equal(told(world, ours + b"spf=pass smtp.mailfrom=far.example\r\n"),
          ["eve@far.example"], "the front says pass: the sender is told")
    check(b"aurora.example.org said: 5" in world.smart.mails[-1].octets and
          b"Remote-MTA: dns; aurora.example.org" in
          world.smart.mails[-1].octets,
          "by the domain, not by the name of the login",
          world.smart.mails[-1].octets)
    equal(told(world, ours + b"dkim=pass header.d=evil.example\r\n"), [],
          "what passed is another domain than the sender's: nobody")
    equal(told(world, ours + b"dkim=fail (dmarc=pass)\r\n"), [],
          "fail, and a pass in a comment: nobody")
    equal(told(world, b"Authentication-Results: other.example; spf=pass\r\n"),
          [], "by another: nobody")
    equal(told(world, ours + b"spf=fail\r\n" + ours + b"spf=pass\r\n"), [],
          "the first of ours counts")
    told(world, b"", "ben@shore.example")
    check(world.shore.wait_mail("ben"), "our own user is told")
    world = world_with_smart(auth_results=["front.shore.example"])
    equal(told(world, ours + b"spf=pass\r\n"), [], "another name is ours now")
    equal(told(world, b"Authentication-Results: front.shore.example;"
               b" dmarc=pass header.from=far.example\r\n"),
          ["eve@far.example"], "that one counts")
    world = world_with_smart(relay={"networks": ["192.0.2.0/24"]})
    equal(told(world, ours + b"spf=pass\r\n"), [],
          "a client that is no front of ours can write anything")


# --- the queue as a whole ---

def whole_queue():
    world = make_world(limits={"queue_size": "100K"})
    equal(put(world, 60 * KILO).code, 250, "60 K of 100 K")
    for _ in range(2):
        with client_of(world) as client:
            reply = client.cmd("MAIL FROM:<eve@far.example> SIZE=50000")
            refused(reply, 452, "4.3.1", "Too much mail")
            equal(client.cmd("MAIL FROM:<eve@far.example> SIZE=30000").code,
                  250, "what fits is taken")
        world.shore.restart()
    equal(put(world, 39 * KILO).code, 250, "99 K")
    with client_of(world) as client:
        refused(client.cmd("MAIL FROM:<> SIZE=2000"), 452, "4.3.1")
        world.shore.must("queue", "delete", "--all", "--yes")
        check(wait_until(lambda: client.cmd("RSET").code == 250 and client.cmd(
            "MAIL FROM:<> SIZE=2000").code == 250, 10),
              "what leaves makes room")


def many_messages():
    world = make_world(limits={"queue_messages": 5})
    with client_of(world) as client:
        to = [f"r{i}@aurora.example.org" for i in range(3)]
        equal(client.mail("eve@far.example", to, make("three")).code, 250,
              "three of five")
        equal(client.mail("eve@far.example", to, make("six")).code, 250,
              "one of them was free")
        refused(client.cmd("MAIL FROM:<eve@far.example>"), 452, "4.3.1",
                "Too many messages")
    world.shore.restart()
    with client_of(world) as client:
        refused(client.cmd("MAIL FROM:<eve@far.example>"), 452, "4.3.1")
    world.shore.conf["limits"] = {"queue_messages": 7}
    world.shore.reload()
    equal(put(world, 1000).code, 250, "after a reload there is room")


run(listed, verified, largest, quota, one_transaction, vouched, whole_queue,
    many_messages)
