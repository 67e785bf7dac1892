#!/usr/bin/env python3
"""A domain that two sites share: who is unknown here is a user there, and what
nobody has goes round no circle."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

DOMAIN = "aurora.example.org"
ROUTE = "local.unknown"


def names(node, *users):
    with open(f"{node.dir}/users", "w", encoding="ascii") as stream:
        stream.write("".join(f"{u}\n" for u in users))


def share(node, *users, **more):
    """NODE has USERS; others are the peer's "shore"."""
    names(node, *users)
    node.conf["local"] = dict(
        node.conf["local"], users=f"file:{node.dir}/users",
        unknown="peer:shore", **more)
    return node


def site(rules=None, users=("ann", "bob"), tls_name="mail.shore.example",
         aliases=None, **more):
    """A site, and a scripted host with the other users."""
    world = World()
    peer = Peer(rules=rules or {}, auth=False)
    node = world.make_site(peer=world.peer(
        submission=peer.port, tls="none", tls_name=tls_name, user=None,
        password_file=None, collect="none", collect_port=None))
    if aliases:
        with open(f"{node.dir}/aliases", "w", encoding="ascii") as stream:
            stream.write(aliases)
        more["aliases"] = f"{node.dir}/aliases"
    return peer, share(node, *users, **more)


def rcpt(node, *recipients, sender="eve@far.example", helo="laptop.example"):
    with Smtp(node.port("lan")) as client:
        client.ehlo(helo)
        client.cmd(f"MAIL FROM:<{sender}>")
        return [client.cmd(f"RCPT TO:<{to}>") for to in recipients]


def codes(*args, **kwargs):
    return [r.code for r in rcpt(*args, **kwargs)]


def send(node, *recipients, sender="eve@far.example", octets=None, code=250,
         helo="laptop.example"):
    with Smtp(node.port("lan")) as client:
        client.ehlo(helo)
        client.cmd(f"MAIL FROM:<{sender}>")
        for to in recipients:
            equal(client.cmd(f"RCPT TO:<{to}>").code, 250, f"RCPT {to}")
        client.cmd("DATA")
        client.send(stuff(octets or make("shared")))
        reply = client.reply()
    equal(reply.code, code, "the reply to the message")
    return reply


def routes(node):
    return sorted((r["recipient"], r["route"]) for r in node.queue())


def waits(node, expected, name):
    """What goes into mailboxes here is gone from the queue a little later."""
    check(wait_until(lambda: routes(node) == expected, 30), name,
          node.queue())


def sent_on():
    """Names, extensions, aliases, and those who are always here."""
    peer, node = site(aliases="crew: ann, zed\nboss: zed\n")
    node.start()
    send(node, f"ann@{DOMAIN}", f"Ann+x@{DOMAIN}", f"zed@{DOMAIN}",
         f"Yan+lists@{DOMAIN}", f"crew@{DOMAIN}", f"boss@{DOMAIN}",
         f"postmaster@{DOMAIN}")
    equal(codes(node, f"a/b@{DOMAIN}", f"a%b@{DOMAIN}", "zed@far.example"),
          [550, 550, 250], "what can be nobody's name is refused")
    check(node.wait_mail("ann", 2), "ann has hers", node.queue())
    check(node.wait_mail("postmaster"), "and postmaster", node.queue())
    waits(node, [(f"Yan+lists@{DOMAIN}", ROUTE),
                         (f"zed@{DOMAIN}", ROUTE)], "each once, on that route")
    reply = rcpt(node, f"zed@{DOMAIN}")[0]
    check("not a user here, to be sent on" in reply.text,
          "the reply says so", reply)
    node.link_up("iridium")
    check(wait_until(lambda: len(peer.mails) == 1, 30), "they go", node.queue())
    equal(sorted(peer.mails[0].recipients),
          [f"Yan+lists@{DOMAIN}", f"zed@{DOMAIN}"], "as they were written")


def some_domains():
    peer, node = site(unknown_domains=["two.example"])
    node.conf["local"]["domains"] = [DOMAIN, "two.example"]
    node.start()
    equal(codes(node, f"zed@{DOMAIN}", "zed@Two.Example", "ann@two.example"),
          [550, 250, 250], "only that domain is shared")


def becomes_known():
    """Who is here from now on has what waits, without a call."""
    peer, node = site(rules={"RCPT": "450 4.2.0 not now"})
    node.start()
    node.restart()  # with the ports it has, for reload
    send(node, f"zed@{DOMAIN}", f"yan@{DOMAIN}")
    node.link_up("iridium")
    check(wait_until(lambda: [r["state"] for r in node.queue()] ==
                     ["deferred"] * 2, 30), "both were put off", node.queue())
    node.link_down("iridium")
    names(node, "ann", "zed")
    node.reload()
    check(node.wait_mail("zed"), "zed's is delivered here", node.queue())
    check(wait_until(lambda: routes(node) == [(f"yan@{DOMAIN}", ROUTE)]),
          "yan's waits on", node.queue())
    os.unlink(f"{node.dir}/users")
    node.reload()
    check(wait_until(lambda: routes(node) == [(f"yan@{DOMAIN}", ROUTE)]),
          "what nobody can tell stays as it is", node.queue())
    check(not node.mailbox("yan"), "no mailbox is made of a guess")


def becomes_user():
    peer, node = site()
    node.conf["local"]["users"] = "spool"
    node.start()
    node.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")
    send(node, f"zed@{DOMAIN}", f"ann@{DOMAIN}")
    check(node.wait_mail("ann"), "ann has hers", node.queue())
    waits(node, [(f"zed@{DOMAIN}", ROUTE)], "zed's waits")
    node.must("user", "add", "Zed", "--password-stdin", text=PASSWORD + "\n")
    check(node.wait_mail("zed"), "a user is known at once", node.queue())


def list_unreadable():
    peer, node = site()
    node.start()
    os.unlink(f"{node.dir}/users")
    replies = rcpt(node, f"ann@{DOMAIN}", f"zed@{DOMAIN}",
                   f"postmaster@{DOMAIN}")
    equal([r.code for r in replies], [451, 451, 250],
          "nobody can tell whose they are: later")
    names(node, "ann")
    equal(codes(node, f"ann@{DOMAIN}", f"zed@{DOMAIN}"), [250, 250],
          "when it is back both are taken")


def not_back_by_name():
    """The other site asks by SMTP, with the name it is known by."""
    peer, node = site()
    node.start()
    replies = rcpt(node, f"ann@{DOMAIN}", f"zed@{DOMAIN}",
                   helo="Mail.Shore.example")
    equal([r.code for r in replies], [250, 550], "it is not sent back")
    check("5.1.1" in replies[1].text, "as unknown", replies[1])


def not_back_turned():
    """Nor what it brings in a turned session; the rest of it is taken."""
    world = World()
    world.make_shore().start()
    world.add_customer()
    node = share(world.make_site(), "ann")
    node.start()
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<pat@shore.example>")
        for name in ("ann", "zed"):
            equal(client.cmd(f"RCPT TO:<{name}@{DOMAIN}>").code, 250, name)
        client.cmd("DATA")
        client.send(stuff(make("turned")))
        equal(client.reply().code, 250, "the provider holds it")
    node.link_up("iridium")
    check(node.wait_mail("ann"), "ann has hers", node.queue())
    check(world.shore.wait_mail("pat", domain="shore.example"),
          "the sender hears of zed", world.shore.queue())
    check(wait_until(lambda: not node.queue()), "nothing goes back",
          node.queue())
    waits(world.shore, [], "and nothing is left there")


def two_sites(named):
    """Each has the other for its unknown users. NAMED: each knows the name by
    which the other says EHLO."""
    world = World()
    nodes = []
    for name in ("aurora", "borealis"):
        node = world.node(
            name, f"{name}.example",
            listeners=[listener("lan", "smtp", "none")],
            local=local(f"{world.dir}/{name}", "both.example"), peers=[],
            routes=[], links=[])
        nodes.append(node)
    first, second = nodes
    second.start()  # for a port
    for node, other in ((first, second), (second, first)):
        if node is second:
            first.start()
        node.conf["peers"] = [{
            "name": "shore", "host": "127.0.0.1", "port": other.port("lan"),
            "tls": "none", "collect": "none",
            "tls_name": f"{other.name}.example" if named else "x.example"}]
        share(node, "ann" if node is first else "zed")
        if node is second:
            node.restart()
    first.restart()
    return first, second


def circle(named):
    first, second = two_sites(named)
    send(first, "ann@both.example", "zed@both.example",
         "nobody@both.example", sender="ann@both.example")
    check(second.wait_mail("zed", domain="both.example"), "zed has it there",
          (first.queue(), second.queue()))
    check(first.wait_mail("ann", 2 if named else 1, domain="both.example"),
          "ann has it here, and hears of nobody", first.queue())
    check(wait_until(lambda: not first.queue() and not second.queue(), 30),
          "nothing goes on in a circle", (first.queue(), second.queue()))
    return first, second


def both_know_each_other():
    """Refused where it is not, before its octets went."""
    first, second = circle(True)
    equal(len(first.mailbox("ann", "both.example")), 2, "one notice")
    check("nobody@both.example" in first.mailbox(
        "ann", "both.example")[0].decode() + first.mailbox(
        "ann", "both.example")[1].decode(), "of nobody")
    equal([e["from"] for e in second.events("accepted")],
          ["ann@both.example"], "it went over once")


def both_do_not():
    """It comes back once, and that is seen by its trace."""
    first, second = circle(False)
    check(wait_until(lambda: [e for e in first.events("refused")
                              if "5.4.6" in e["reply"]], 30),
          "refused as a loop", first.log_text()[-2000:])
    equal(len([e for e in first.events("accepted")
               if e["from"] == "ann@both.example"]), 1,
          "and not taken a second time")


def loop_and_others():
    """What came back for somebody else, too, is taken for that one."""
    peer, node = site()
    node.start()
    trace = (b"Received: from x by aurora.example.org with ESMTP id 7;\r\n"
             b"\tTue, 1 Dec 2026 00:00:00 +0000\r\n")
    octets = trace + make("again")
    reply = send(node, f"zed@{DOMAIN}", octets=octets, code=550)
    check("5.4.6" in reply.text, "alone it is refused", reply)
    send(node, f"ann@{DOMAIN}", f"zed@{DOMAIN}", octets=octets,
         sender=f"bob@{DOMAIN}")
    check(node.wait_mail("ann"), "ann has it", node.queue())
    check(node.wait_mail("bob"), "who wrote hears of zed", node.queue())
    check(b"Status: 5.4.6" in node.mailbox("bob")[0], "as a loop",
          node.mailbox("bob")[0])
    send(node, f"ann@{DOMAIN}", f"zed@{DOMAIN}", octets=octets)
    check(node.wait_mail("ann", 2), "of a stranger, likewise", node.queue())
    waits(node, [], "to whom nothing is sent")
    check(wait_until(lambda: node.events("quarantined")), "but kept")
    other = octets.replace(b"by aurora.example.org", b"by aurora.example.net")
    send(node, f"zed@{DOMAIN}", octets=other)
    waits(node, [(f"zed@{DOMAIN}", ROUTE)], "others' traces are none")


def who_is_told():
    """Refused there, it is told to whom somebody vouches for."""
    peer, node = site(rules={"RCPT": "550 5.1.1 not here either"})
    node.start()
    send(node, f"zed@{DOMAIN}", sender=f"ann@{DOMAIN}")
    send(node, f"zed@{DOMAIN}", sender="eve@far.example")
    node.link_up("iridium")
    check(node.wait_mail("ann"), "ann hears of it", node.queue())
    check(b"not here either" in node.mailbox("ann")[0], "in their words")
    check(wait_until(lambda: node.events("quarantined"), 20),
          "a stranger does not: its mail is kept aside", node.queue())
    waits(node, [], "and nothing is sent to it")


def sender_elsewhere():
    """A notice for one of the other site's users goes there."""
    peer, node = site(rules={"RCPT": lambda c, line: (
        "550 5.1.1 no" if "far.example" in line else None)})
    node.start()
    send(node, "eve@far.example", sender=f"zed@{DOMAIN}")
    node.link_up("iridium")
    check(wait_until(lambda: any(m.sender == "" and m.recipients ==
                                 [f"zed@{DOMAIN}"] for m in peer.mails), 30),
          "the notice is sent on", (node.queue(), peer.verbs))


def wrong_settings():
    for change, words in (
            ({"unknown": "peer:nowhere"}, "there is no peer nowhere"),
            ({"unknown": "peer:mx"}, "mx leads back"),
            ({"unknown": "elsewhere"}, "refuse, or peer:"),
            ({"users": "any"}, "nobody is unknown while local.users is any"),
            ({"unknown_domains": ["x.example"]},
             "x.example is not in local.domains")):
        peer, node = site()
        node.conf["local"].update(change)
        node.write_conf()
        told = node.cli("check")
        check(told.returncode == 78 and words in told.stdout + told.stderr,
              f"check: {words}", told)


def killed():
    """What was said to be sent on is, whatever dies."""
    peer, node = site()
    node.start()
    node.restart({"TIDEPOST_CRASH_AT": "receive-stored-before-reply:1"})
    try:
        send(node, f"zed@{DOMAIN}")
    except Closed:
        pass
    check(wait_until(node.crashed, 20), "it died")
    node.restart()
    waits(node, [(f"zed@{DOMAIN}", ROUTE)], "it waits on its route")
    node.link_up("iridium")
    check(wait_until(lambda: len(peer.mails) == 1, 30), "and goes once")


if __name__ == "__main__":
    run(sent_on, some_domains, becomes_known, becomes_user, list_unreadable,
        not_back_by_name, not_back_turned, both_know_each_other, both_do_not,
        loop_and_others, who_is_told, sender_elsewhere, wrong_settings,
        killed)
