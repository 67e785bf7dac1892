#!/usr/bin/env python3
"""Lists: sent on as their owner, who hears what fails; what the sender asked to
hear of lists and of aliases of many."""

import email
import email.policy
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from peer import KEYWORDS

DOMAIN = "aurora.example.org"
NAMES = """
crew:           ann, bob, eve@far.example, gil@far.example
owner-crew:     olga
officers:       crew, dan@far.example
owner-officers: otto@far.example
friends:        ann, fay@far.example
one:            crew
loop:           hal@far.example
owner-loop:     loop
boss:           ann
"""
PLAIN = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN")


def site(names=NAMES, rules=None, keywords=PLAIN, more=None, **conf):
    world = World()
    peer = Peer(rules=rules or {}, keywords=keywords, auth=False)
    node = world.make_site(peer=world.peer(
        submission=peer.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None), **conf)
    with open(f"{world.dir}/aliases", "w", encoding="utf-8") as stream:
        stream.write(names)
    node.conf["local"] = dict(node.conf["local"],
                              aliases=f"{world.dir}/aliases", **(more or {}))
    return peer, node


def send(node, *recipients, sender="<zed@shore.example>", octets=None,
         smtputf8=False, codes=None):
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        word = " SMTPUTF8" if smtputf8 else ""
        equal(client.cmd(f"MAIL FROM:{sender}{word}").code, 250, "MAIL")
        got = [client.cmd(f"RCPT TO:{to}").code for to in recipients]
        equal(got, codes or [250] * len(recipients), f"RCPT {recipients}")
        client.cmd("DATA")
        client.send(stuff(octets or make("list")))
        reply = client.reply()
    equal(reply.code, 250, "it is taken")
    return reply.message_id


def arrived(peer):
    """Sender and recipients of all that came, in order."""
    return sorted((m.sender, tuple(sorted(m.recipients))) for m in peer.mails)


def wait_arrived(node, peer, count):
    check(wait_until(lambda: len(peer.mails) >= count, 30),
          f"{count} messages went", (peer.verbs, node.queue()))


def notice(octets):
    whole = email.message_from_bytes(octets, policy=email.policy.default)
    parts = list(whole.iter_parts())
    return (whole, parts[0].get_content(),
            [dict(g.items()) for g in parts[1].get_payload()])


def as_owner():
    """RFC 5321 3.9.2: the envelope changes, the header does not; of lists in
    lists the innermost counts. Who is named itself is no member."""
    peer, node = site()
    node.start()
    number = send(node, f"<officers@{DOMAIN}>", f"<bob@{DOMAIN}>",
                  "<gil@far.example>")
    check(node.wait_mail("bob"), "bob has it", node.queue())
    check(node.wait_mail("ann"), "ann has it", node.queue())
    check(wait_until(lambda: len(node.queue()) == 3), "three wait",
          node.queue())
    rows = {r["recipient"]: r for r in node.queue()}
    equal({k: (r["sender"], r["alias"]) for k, r in rows.items()},
          {"dan@far.example": (f"owner-officers@{DOMAIN}",
                               f"officers@{DOMAIN}"),
           "eve@far.example": (f"owner-crew@{DOMAIN}", f"officers@{DOMAIN}"),
           "gil@far.example": ("zed@shore.example", None)},
          "the queue says from whom, and why to whom")
    shown = node.must("queue", "show", number)
    check(f"by the list officers@{DOMAIN}, from owner-crew@{DOMAIN}" in shown,
          "queue show says it", shown)
    check(f"expanded: list <officers@{DOMAIN}>: 5 addresses, sent on as "
          f"<owner-officers@{DOMAIN}>" in shown, "and its history", shown)
    node.link_up("iridium")
    wait_arrived(node, peer, 3)
    equal(arrived(peer), [
        (f"owner-crew@{DOMAIN}", ("eve@far.example",)),
        (f"owner-officers@{DOMAIN}", ("dan@far.example",)),
        ("zed@shore.example", ("gil@far.example",))],
        "one message for each sender")
    bodies = {m.octets for m in peer.mails}
    equal(len(bodies), 1, "the same octets to all of them")
    check(f"Return-Path: <owner-crew@{DOMAIN}>".encode()
          in node.mailbox("ann")[0], "a member's mailbox names the owner",
          node.mailbox("ann")[0][:200])
    check(b"Return-Path: <zed@shore.example>" in node.mailbox("bob")[0],
          "who was named itself has the sender", node.mailbox("bob")[0][:200])
    check(node.events("expanded"), "the log has the list")


def owner_hears():
    """What fails is told to the owner; nothing of it to who wrote."""
    peer, node = site(rules={"RCPT": lambda c, line: (
        "550 5.1.1 who?" if "eve@" in line or "dan@" in line else None)})
    node.start()
    send(node, f"<officers@{DOMAIN}>", sender=f"<bob@{DOMAIN}>")
    node.link_up("iridium")
    check(node.wait_mail("olga"), "the owner of crew has a notice",
          node.queue())
    _, words, fields = notice(node.mailbox("olga")[0])
    check("eve@far.example" in words and "who?" in words, "of eve", words)
    equal([f.get("Final-Recipient") for f in fields[1:]],
          ["rfc822; eve@far.example"], "and of nobody else")
    check(wait_until(lambda: any(
        r["recipient"] == "otto@far.example" for r in node.queue()) or any(
            "otto@far.example" in m.recipients for m in peer.mails)),
        "the other owner is far away: its notice is on its way",
        node.queue())
    node.link_up("iridium")
    check(wait_until(lambda: any(
        "otto@far.example" in m.recipients and m.sender == ""
        for m in peer.mails), 30), "and comes there, without a sender",
        arrived(peer))
    equal(len(node.mailbox("bob")), 1,
          "who wrote, a member, has the message and no notice")
    check(not [m for m in peer.mails if "bob" in "".join(m.recipients)],
          "nothing went to who wrote")


def null_sender():
    """RFC 5321 4.5.5: what has no sender gets none."""
    peer, node = site()
    node.start()
    send(node, f"<crew@{DOMAIN}>", sender="<>")
    node.link_up("iridium")
    wait_arrived(node, peer, 1)
    equal(arrived(peer), [("", ("eve@far.example", "gil@far.example"))],
          "it stays without one")


def own_loop():
    """An owner that is the list: told once, and then it ends."""
    peer, node = site(rules={"RCPT": "550 5.1.1 nobody"})
    node.start()
    told = node.cli("check")
    check("alias owner-loop leads to the list loop itself" in
          told.stdout + told.stderr, "check warns of it", told)
    equal(told.returncode, 0, "and it is no error")
    send(node, f"<loop@{DOMAIN}>")
    node.link_up("iridium")
    check(wait_until(lambda: any(
        r["state"] == "held" for r in node.queue()), 30),
        "the notice that nobody takes is held", node.queue())
    equal([(r["sender"], r["recipient"]) for r in node.queue()],
          [("", "hal@far.example")], "one, and nothing more follows")
    equal(len([v for v in peer.verbs if v.startswith("MAIL")]), 2,
          "the message and its notice went out once each")


def delivered_to_list():
    """RFC 3461 5.2.7.1: a list is an end; nothing asked goes beyond it."""
    peer, node = site()
    node.start()
    number = send(node, f"<crew@{DOMAIN}> NOTIFY=SUCCESS,FAILURE "
                  f"ORCPT=rfc822;Crew@{DOMAIN}",
                  sender=f"<ida@{DOMAIN}> RET=FULL ENVID=QQ1")
    check(node.wait_mail("ida"), "the sender hears of it", node.queue())
    whole, words, fields = notice(node.mailbox("ida")[0])
    equal({k: fields[1].get(k) for k in (
        "Original-Recipient", "Final-Recipient", "Action", "Status",
        "Final-Log-ID")},
        {"Original-Recipient": f"rfc822; Crew@{DOMAIN}",
         "Final-Recipient": f"rfc822; crew@{DOMAIN}",
         "Action": "delivered", "Status": "2.0.0", "Final-Log-ID": number},
        "delivered")
    equal(fields[0].get("Original-Envelope-Id"), "QQ1", "its envelope")
    check("It is a list" in words, "a person understands it", words)
    node.link_up("iridium")
    wait_arrived(node, peer, 1)
    equal(peer.mails[0].params.split(), ["BODY=8BITMIME"] if
          "BODY" in peer.mails[0].params else [], "no RET, no ENVID goes on")
    check(not [v for v in peer.verbs if "NOTIFY" in v or "ORCPT" in v],
          "no NOTIFY and no ORCPT", peer.verbs)
    check(node.wait_mail("ann") and node.wait_mail("bob"), "all have it")
    equal(len(node.mailbox("ida")), 1, "one notice, and no more")


def expanded():
    """RFC 3461 5.2.7.3 (c), for aliases that keep the sender."""
    peer, node = site()
    node.start()
    send(node, f"<friends@{DOMAIN}> NOTIFY=SUCCESS,FAILURE,DELAY "
         f"ORCPT=rfc822;friends@{DOMAIN}", sender=f"<ida@{DOMAIN}> ENVID=E1")
    check(node.wait_mail("ida"), "the sender hears of it", node.queue())
    _, words, fields = notice(node.mailbox("ida")[0])
    equal([f.get("Action") for f in fields[1:]], ["expanded"], "expanded")
    check("all addresses behind this one" in " ".join(words.split()),
          "in words", words)
    node.link_up("iridium")
    wait_arrived(node, peer, 1)
    equal([v for v in peer.verbs if v.startswith("RCPT")],
          ["RCPT TO:<fay@far.example> NOTIFY=FAILURE,DELAY "
           f"ORCPT=rfc822;friends@{DOMAIN}"], "all but SUCCESS goes on")
    check("ENVID=E1" in peer.mails[0].params, "ENVID, too",
          peer.mails[0].params)
    equal(len(node.mailbox("ida")), 1, "ann's success is not told")
    peer.verbs.clear()
    send(node, f"<friends@{DOMAIN}> NOTIFY=SUCCESS", sender=f"<ida@{DOMAIN}>")
    check(node.wait_mail("ida", 2), "SUCCESS alone is told", node.queue())
    node.link_up("iridium")
    wait_arrived(node, peer, 2)
    check([v for v in peer.verbs if "fay@far" in v and "NOTIFY=NEVER" in v],
          "and no failure, which was not asked for", peer.verbs)


def by_one_alias():
    """5.2.7.2, then what that one is: a list reports for the alias."""
    peer, node = site()
    node.start()
    send(node, f"<one@{DOMAIN}> NOTIFY=SUCCESS", sender=f"<ida@{DOMAIN}>")
    check(node.wait_mail("ida"), "the sender hears", node.queue())
    _, _, fields = notice(node.mailbox("ida")[0])
    equal([(f.get("Final-Recipient"), f.get("Action")) for f in fields[1:]],
          [(f"rfc822; one@{DOMAIN}", "delivered")], "that a list has it")
    send(node, f"<boss@{DOMAIN}> NOTIFY=SUCCESS", sender=f"<ida@{DOMAIN}>")
    check(node.wait_mail("ida", 2), "a single address reports itself",
          node.queue())
    _, _, fields = notice(max(node.mailbox("ida"), key=lambda m:
                              b"rfc822; ann@" in m))
    equal([(f.get("Final-Recipient"), f.get("Action")) for f in fields[1:]],
          [(f"rfc822; ann@{DOMAIN}", "delivered")], "as its mailbox has it")


def notice_to_alias():
    """A notice goes where its sender's address leads."""
    peer, node = site(rules={"RCPT": "550 5.1.1 nobody"})
    node.start()
    send(node, "<x@far.example>", sender=f"<boss@{DOMAIN}>")
    node.link_up("iridium")
    check(node.wait_mail("ann"), "ann, the boss, hears of it", node.queue())
    check(not node.mailbox("boss"), "no mailbox is made of an alias")


def long_list():
    """10,000 members, some of 254 octets, with quotes, UTF-8, twice over."""
    def mailbox(i):
        if i % 4 == 0:
            domain = ".".join(["d" * 61, "d" * 63, "d" * 63])
            local = f"m{i:05d}" + "x" * (254 - 6 - 1 - len(domain))
            return f"{local}@{domain}"
        if i % 4 == 1:
            return f'"a b,{i}"@far.example'
        return f"m{i:05d}@far.example"
    members = [mailbox(i) for i in range(9999)] + ["jürgen@far.example"]
    equal(max(len(m) for m in members), 254, "the longest that may be")
    names = "big: " + ",\n ".join(members + members[:100]) + \
        "\nowner-big: olga\nbigger: big, more@far.example\n"
    peer, node = site(names, keywords=KEYWORDS + ("SMTPUTF8",), limits={
        "alias_addresses": 10200})
    node.start()
    started = time.monotonic()
    send(node, f"<bigger@{DOMAIN}>")
    taken = time.monotonic() - started
    print(f"# taken in {taken:.1f} s")
    stats = [json.loads(line) for line in
             node.must("queue", "stats", "--json").splitlines()]
    equal(sum(s["deliveries"] for s in stats if s["by"] == "route"), 10001,
          "each once")
    node.link_up("iridium", deadline="300s")
    check(wait_until(lambda: sum(len(m.recipients) for m in peer.mails)
                     >= 10001, 120), "all of them went",
          len(peer.mails))
    got = [r for m in peer.mails for r in m.recipients]
    equal(sorted(got), sorted(members + ["more@far.example"]), "each once")
    equal({m.sender for m in peer.mails if "more@far.example"
           not in m.recipients}, {f"owner-big@{DOMAIN}"}, "as the owner")
    equal([("SMTPUTF8" in m.params) for m in peer.mails
           if "jürgen@far.example" in m.recipients], [True],
          "what leads to UTF-8 asks for it")
    check(not [m for m in peer.mails if "SMTPUTF8" in m.params
               and len(m.recipients) > 1], "and the others do not")


def too_long():
    peer, node = site("big: " + ",".join(f"m{i}@far.example"
                                         for i in range(1001)) + "\n")
    node.write_conf()
    told = node.cli("check")
    check(told.returncode == 78 and "limits.alias_addresses"
          in told.stdout + told.stderr, "one too many is told", told)


CUSTOMERS = """
single:      ann@aurora.example.org
office:      pat, ann@aurora.example.org, bob@aurora.example.org
news:        pat, ann@aurora.example.org, bob@aurora.example.org
owner-news:  olga
ghosts:      no1@aurora.example.org, no2@aurora.example.org
"""


def provider(*settings):
    world = World()
    with open(f"{world.dir}/aliases", "w", encoding="ascii") as stream:
        stream.write(CUSTOMERS)
    with open(f"{world.dir}/list", "w", encoding="ascii") as stream:
        stream.write("bob@aurora.example.org\n")
    world.make_shore(local=dict(local(f"{world.dir}/shore", "shore.example"),
                                aliases=f"{world.dir}/aliases")).start()
    world.add_customer("aurora", "aurora.example.org", *[
        s.replace("@LIST@", f"{world.dir}/list") for s in settings])
    return world.shore


def rcpt(node, name, size=None, sender="pat@shore.example"):
    with Smtp(node.port("smtp")) as client:
        client.ehlo()
        params = f" SIZE={size}" if size else ""
        client.cmd(f"MAIL FROM:<{sender}>{params}")
        return client.cmd(f"RCPT TO:<{name}@shore.example>")


def put(node, name, sender="pat@shore.example"):
    with Smtp(node.port("smtp")) as client:
        client.ehlo()
        return client.mail(sender, f"{name}@shore.example", make(name))


def waits(node, expected, name, field="recipient"):
    """What goes into mailboxes here is gone from the queue a little later."""
    check(wait_until(lambda: sorted(r[field] for r in node.queue())
                     == expected, 30), name, node.queue())


def customer_not_listed():
    """Who an alias leads to is asked for as if RCPT had named it."""
    node = provider("--recipients", "@LIST@")
    reply = rcpt(node, "single")
    equal(reply.code, 550, "an alias of nobody else is refused")
    check("5.1.1" in reply.text and "<ann@aurora.example.org>" in reply.text,
          "with the customer's words", reply)
    equal(rcpt(node, "ghosts").code, 550, "likewise if all of it is refused")
    equal(put(node, "office").code, 250, "else the others have it")
    check(node.wait_mail("pat", 2, domain="shore.example"),
          "pat has it, and a notice", node.queue())
    words = [notice(m)[1] for m in node.mailbox("pat", "shore.example")
             if b"multipart/report" in m]
    equal(len(words), 1, "one notice")
    check("ann@aurora.example.org" in words[0] and "bob@" not in words[0],
          "of ann, who is not in the list", words[0])
    waits(node, ["bob@aurora.example.org"], "bob's waits")
    equal(put(node, "office", "eve@far.example").code, 250, "of a stranger")
    check(node.wait_mail("pat", 3, domain="shore.example"), "pat has it")
    waits(node, ["bob@aurora.example.org"] * 2,
          "nothing is sent to the stranger")
    check(wait_until(lambda: node.events("quarantined")),
          "it is kept where nobody vouches")


def customer_of_list():
    """A list's members that are refused are its owner's business."""
    node = provider("--recipients", "@LIST@")
    equal(put(node, "news", "eve@far.example").code, 250, "it is taken")
    check(node.wait_mail("olga", domain="shore.example"),
          "the owner hears of ann", node.queue())
    _, words, fields = notice(node.mailbox("olga", "shore.example")[0])
    check("ann@aurora.example.org" in words, "of ann", words)
    equal([f.get("Status") for f in fields[1:]], ["5.1.1"], "and why")
    waits(node, ["bob@aurora.example.org"],
          "bob's waits, and nothing for who wrote")
    waits(node, ["owner-news@shore.example"], "from the owner", "sender")


def customer_full():
    """Quota and size: an alias is put off whole; a list goes on."""
    node = provider("--quota", "4K", "--max-size", "3K")
    equal(rcpt(node, "office", 3500).code, 250, "too large for some of it")
    equal(rcpt(node, "single", 3500).code, 552, "for all of it: refused")
    equal(rcpt(node, "single", 2000).code, 250, "less is taken")
    reply = rcpt(node, "office", 2500)
    equal(reply.code, 452, "two of one customer count together")
    check("4.2.2" in reply.text, "as quota", reply)
    with Smtp(node.port("smtp")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<eve@far.example> SIZE=2000")
        equal(client.cmd("RCPT TO:<news@shore.example>").code, 250,
              "a list is taken without who is full")
        client.cmd("DATA")
        client.send(stuff(make("news")))
        equal(client.reply().code, 250, "taken")
    check(node.wait_mail("olga", domain="shore.example"),
          "the owner hears of it", node.queue())
    _, words, fields = notice(node.mailbox("olga", "shore.example")[0])
    equal([f.get("Status") for f in fields[1:]], ["5.2.2"],
          "full, and not tried again")
    check(node.wait_mail("pat", domain="shore.example"), "pat has it")


def expn():
    """RFC 5321 3.5: the addresses, a line each, and to whom."""
    names = NAMES + "utf: jörg@far.example, ann\nbig: " + ",".join(
        f"member{i:04d}@{'x' * 40}.example" for i in range(900)) + "\n"
    peer, node = site(names)
    node.start()
    with Smtp(node.port("lan")) as client:
        check("EXPN" in client.ehlo().text.split(), "a keyword of EHLO")
        for name in ("officers", f"<officers@{DOMAIN}>",
                     f"Officers+x@{DOMAIN}"):
            reply = client.cmd(f"EXPN {name}")
            equal((reply.code, reply.text.split()),
                  (250, [w for m in ("ann@" + DOMAIN, "bob@" + DOMAIN,
                                     "eve@far.example", "gil@far.example",
                                     "dan@far.example")
                         for w in ("2.1.5", f"<{m}>")]), f"EXPN {name}")
        equal(client.cmd("EXPN boss").text, f"2.1.5 <ann@{DOMAIN}>",
              "one address is one line")
        for name, code in (("nobody", 550), ("ann", 550), ("a@b@c", 550),
                           ("eve@far.example", 550), ("", 501),
                           ("jörg", 553), ("jörg SMTPUTF8", 550),
                           ("utf", 550), ("utf SMTPUTF8", 250),
                           ("big", 550), ("n" * 300, 550),
                           ('"', 550), ("/etc/passwd", 550),
                           (":include:/etc/passwd", 550), ("<>", 550)):
            equal(client.cmd(f"EXPN {name}".rstrip()).code, code,
                  f"EXPN {name[:30]}")
        client.cmd("EHLO again")
        reply = client.cmd("EXPN utf SMTPUTF8")
        check("jörg@far.example" in reply.text, "as UTF-8", reply)
        check("900 addresses" in client.cmd("EXPN big").text,
              "what is too long says so")
        client.send(b"EXPN crew\r\n" * 5 + b"NOOP\r\n")
        equal([client.reply().code for _ in range(6)], [250] * 6,
              "several in one group")
        client.cmd("MAIL FROM:<eve@far.example>")
        equal(client.cmd("EXPN crew").code, 250, "in a transaction, too")
        equal(client.cmd("RCPT TO:<ann@far.example>").code, 250,
              "which goes on")


def expn_strangers():
    """Shown to who may relay alone; and to nobody where it is turned off."""
    peer, node = site(relay={"networks": ["192.0.2.0/24"]})
    node.start()
    node.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")
    with Smtp(node.port("lan")) as client:
        check("EXPN" not in client.ehlo().text.split(), "no keyword")
        equal(client.cmd("EXPN crew").code, 502, "a stranger sees nothing")
    with Smtp(node.port("submission")) as client:
        client.ehlo()
        client.starttls(client_context())
        client.ehlo()
        check(client.cmd("EXPN crew").code in (502, 530), "before the login")
        client.auth_plain("ann", PASSWORD)
        check("EXPN" in client.ehlo().text.split(), "a keyword then")
        equal(client.cmd("EXPN crew").code, 250, "who logged in sees it")
    node.conf["local"]["expn"] = False
    del node.conf["relay"]
    node.restart()
    with Smtp(node.port("lan")) as client:
        check("EXPN" not in client.ehlo().text.split(), "turned off")
        equal(client.cmd("EXPN crew").code, 502, "for all")


def dies(label, expected):
    """The list, its report and what is sent as whom are one transaction."""
    peer, node = site()
    node.start()
    node.restart({"TIDEPOST_CRASH_AT": f"{label}:1"})
    try:
        send(node, f"<officers@{DOMAIN}> NOTIFY=SUCCESS",
             sender=f"<ida@{DOMAIN}>")
    except (Closed, AssertionError):
        pass
    check(wait_until(node.crashed, 20), f"it died at {label}")
    node.restart()
    if expected:
        for name in ("ann", "bob", "ida"):
            check(node.wait_mail(name), f"{label}: {name} has mail",
                  node.queue())
    check(wait_until(lambda: len(node.queue()) == (3 if expected else 0)),
          f"{label}: as many wait", node.queue())
    equal([len(node.mailbox(n)) for n in ("ann", "bob", "ida")],
          [int(expected)] * 3, f"{label}: all have it, or nobody")
    node.link_up("iridium")
    if expected:
        wait_arrived(node, peer, 2)
        equal(arrived(peer), [
            (f"owner-crew@{DOMAIN}", ("eve@far.example", "gil@far.example")),
            (f"owner-officers@{DOMAIN}", ("dan@far.example",))],
            f"{label}: each once, as whom it was")


def killed():
    dies("receive-before-store", False)
    dies("receive-stored-before-reply", True)


def killed_in_flight():
    """Of one message two transactions: what died is told apart."""
    peer, node = site()
    node.start()
    send(node, f"<officers@{DOMAIN}>")
    node.wait_mail("ann")
    node.restart({"TIDEPOST_CRASH_AT": "deliver-replied-before-commit:1"})
    node.cli("link", "up", "iridium")
    check(wait_until(node.crashed, 30), "it died with the reply in hand")
    node.restart()
    node.link_up("iridium")
    check(wait_until(lambda: not node.queue(), 30), "all went", node.queue())
    whom = {r for m in peer.mails for r in m.recipients}
    equal(whom, {"eve@far.example", "gil@far.example", "dan@far.example"},
          "to all of them")
    for m in peer.mails:
        equal(m.sender, f"owner-officers@{DOMAIN}" if "dan@far.example"
              in m.recipients else f"owner-crew@{DOMAIN}",
              "never in another's name")


if __name__ == "__main__":
    run(as_owner, owner_hears, null_sender, own_loop, delivered_to_list,
        expanded, by_one_alias, notice_to_alias, long_list, too_long,
        customer_not_listed, customer_of_list, customer_full, expn, expn_strangers, killed,
        killed_in_flight)
