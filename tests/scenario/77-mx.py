#!/usr/bin/env python3
# limit: 400
"""Delivery by MX (RFC 5321 5): to the hosts that the name service names."""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

from modem import Modem
from names import Cut, Names

A, B, C, DEAD = "127.0.0.31", "127.0.0.32", "127.0.0.33", "127.0.0.77"
HOSTNAME = "gate.example.org"


def free_port():
    """A port that is free on all of these addresses."""
    while True:
        peer = Peer(auth=False, address=A)
        port = peer.port
        peer.close()
        try:
            for address in (B, C):
                socket.create_server((address, port)).close()
            socket.create_server(("::1", port),
                                 family=socket.AF_INET6).close()
            return port
        except OSError:
            continue


PORT = free_port()


def server(address, **how):
    return Peer(auth=False, address=address, port=PORT, **how)


def gate(zone, mx=None, **conf):
    """A node that delivers by MX alone."""
    names = Names(zone)
    world = World()
    node = world.make_site(
        hostname=HOSTNAME, peer={}, peers=[], links=[],
        routes=[{"match": "*", "peers": ["mx"]}],
        mx=dict({"server": names.server, "port": PORT}, **(mx or {})), **conf)
    node.start()
    return node, names


def hand_in(node, *recipients, size=0, sender="ann@gate.example.org", **mail):
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        reply = client.mail(sender, list(recipients),
                            make("by mx", "x" * 70 + "\r\n") +
                            b"a line\r\n" * (size // 8), **mail)
        equal(reply.code, 250, f"{recipients} is accepted")


def zone_of(domain, *hosts):
    """(preference, address): a host each."""
    zone = {(domain, "MX"): []}
    for i, (preference, address) in enumerate(hosts):
        host = f"mx{i}.{domain}"
        zone[(domain, "MX")].append(f"{preference} {host}")
        zone[(host, "A")] = [address] if isinstance(address, str) else address
    return zone


def notices(node):
    return node.mailbox("ann", HOSTNAME)


def returned(node, status):
    """The one notice in ann's mailbox, which has STATUS; its text."""
    def there():
        return notices(node)
    check(wait_until(there), f"a notice comes ({status})", node.queue())
    text = there()[0].decode("utf-8", "replace") if there() else ""
    check(f"Status: {status}" in text, f"it says {status}", text)
    return text


def all_gone(node, name):
    check(wait_until(lambda: not node.queue()), f"{name}: nothing waits",
          node.queue())


def by_preference():
    """The best host has it; many messages go over one connection."""
    best, other = server(A), server(B)
    node, names = gate(zone_of("example.net", (20, B), (10, A)))
    for i in range(5):
        hand_in(node, f"r{i}@example.net")
    check(wait_until(lambda: len(best.mails) == 5), "the best host has all",
          node.queue())
    all_gone(node, "preference")
    equal(len(other.mails), 0, "the other one none")
    equal([r for m in best.mails for r in m.recipients],
          [f"r{i}@example.net" for i in range(5)], "in their order")


def next_host():
    """Hosts and addresses are tried in turn until one lets us in."""
    good = server(C)
    busy = server(B, rules={"greeting": "421 4.3.2 busy"})
    zone = zone_of("example.net", (10, [DEAD, "127.0.0.78"]), (20, B), (30, C))
    node, _ = gate(zone)
    hand_in(node, "ben@example.net")
    check(wait_until(lambda: good.mails), "the third host has it",
          node.queue())
    equal(busy.connections, 1, "the second one was asked")
    equal(sorted(e["host"] for e in node.events("unreachable")),
          [DEAD, "127.0.0.78"], "both addresses of the first one were tried")


def many_domains():
    """One message for several domains; each has its own host and session."""
    a, b = server(A), server(B)
    zone = {**zone_of("one.example", (10, A)), **zone_of("two.example", (10, B)),
            **zone_of("three.example", (10, A))}
    node, _ = gate(zone)
    hand_in(node, "x@one.example", "y@two.example", "z@Three.Example",
            "w@two.example")
    all_gone(node, "three domains")
    equal(sorted(r for m in a.mails for r in m.recipients),
          ["x@one.example", "z@Three.Example"], "the first host has two")
    equal([sorted(m.recipients) for m in b.mails],
          [["w@two.example", "y@two.example"]],
          "the second one a message with two recipients")


def without_mx():
    """A domain without MX is its own host; CNAMEs are followed."""
    a = server(A)
    zone = {("plain.example", "A"): [A],
            ("alias.example", "CNAME"): ["plain.example"],
            ("via.example", "MX"): ["10 alias.example"]}
    node, _ = gate(zone)
    hand_in(node, "x@plain.example", "y@alias.example", "z@via.example")
    all_gone(node, "no MX, CNAMEs")
    equal(sorted(r for m in a.mails for r in m.recipients),
          ["x@plain.example", "y@alias.example", "z@via.example"],
          "all are there")


def literals():
    """An address in brackets is a host; nothing is asked."""
    a, six = server(A), server("::1")
    node, names = gate({})
    hand_in(node, f"x@[{A}]", "y@[IPv6:::1]")
    all_gone(node, "literals")
    equal([m.recipients for m in a.mails + six.mails],
          [[f"x@[{A}]"], ["y@[IPv6:::1]"]], "each is there")
    equal(names.asked, [], "no name server was asked")


def both_kinds_of_address():
    """IPv6 and IPv4; who cannot be reached by one is by the other."""
    six, a = server("::1"), server(A)
    away = "2001:db8::1"
    zone = {("own.example", "AAAA"): ["::1"]}
    for domain, v6, v4 in (("six.example", "::1", None),
                           ("first.example", "::1", A),
                           ("other.example", away, A),
                           ("back.example", "::1", DEAD)):
        zone[(domain, "MX")] = [f"10 mx.{domain}"]
        zone[(f"mx.{domain}", "AAAA")] = [v6]
        if v4:
            zone[(f"mx.{domain}", "A")] = [v4]
    node, _ = gate(zone)
    names = ("own", "six", "first", "other", "back")
    hand_in(node, *(f"x@{name}.example" for name in names))
    all_gone(node, "IPv6 and IPv4")
    equal(sorted(r for m in six.mails for r in m.recipients),
          [f"x@{n}.example" for n in ("back", "first", "own", "six")],
          "by IPv6, which comes first")
    equal([m.recipients for m in a.mails], [["x@other.example"]],
          "where that leads nowhere, by IPv4")
    check(away in [e["host"] for e in node.events("unreachable")],
          "and the log says so", node.events("unreachable"))


def circles_of_names():
    """CNAMEs that lead back to themselves are no answer: it waits."""
    a = server(A)
    node, _ = gate({("one.example", "CNAME"): ["two.example"],
                    ("two.example", "CNAME"): ["one.example"],
                    ("self.example", "CNAME"): ["self.example"],
                    **zone_of("good.example", (10, A))})
    hand_in(node, "x@one.example", "y@self.example", "z@good.example")
    check(wait_until(lambda: a.mails), "others go", node.queue())
    check(wait_until(lambda: [(r["state"], r["attempts"])
                              for r in node.queue()] ==
                     [("deferred", 0)] * 2), "they wait", node.queue())
    check(all("is not known now" in r["reason"] for r in node.queue()),
          "and say why", node.queue())


def no_mail():
    """Null MX (RFC 7505): returned at once."""
    node, names = gate({("null.example", "MX"): ["0 ."],
                        ("null.example", "A"): [A]})
    hand_in(node, "x@null.example")
    returned(node, "5.1.10")
    all_gone(node, "null MX")


def no_domain():
    """Domains and hosts that are not there: returned, with the reason."""
    node, _ = gate({("nohost.example", "MX"): ["10 gone.example"],
                    ("empty.example", "TXT"): []})
    for domain in ("nowhere.example", "nohost.example", "empty.example"):
        hand_in(node, f"x@{domain}", sender=f"ann@{HOSTNAME}")
    check(wait_until(lambda: len(notices(node)) == 3),
          "three notices", node.queue())
    texts = b"".join(notices(node)).decode()
    equal(texts.count("Status: 5.1.2"), 3, "all say 5.1.2")
    check("there is no such domain" in " ".join(texts.split()),
          "one says that there is no such domain", texts)
    all_gone(node, "no domain")


def loops():
    """Where we are the best host, mail would come back."""
    other = server(B)
    node, _ = gate({("loop.example", "MX"): [f"10 {HOSTNAME}", "20 mx.x.example"],
                    ("behind.example", "MX"): [f"20 {HOSTNAME}",
                                               "10 mx.x.example"],
                    (HOSTNAME, "A"): [A], ("mx.x.example", "A"): [B]})
    hand_in(node, "x@loop.example")
    returned(node, "5.4.6")
    hand_in(node, "y@behind.example")
    check(wait_until(lambda: other.mails), "to a better host it goes",
          node.queue())
    equal([m.recipients for m in other.mails], [["y@behind.example"]],
          "and just that")


def not_known_now():
    """No answer that can be believed: no attempt, and others go."""
    a = server(A)
    zone = {**zone_of("good.example", (10, A)),
            ("fails.example", "MX"): "servfail",
            ("refused.example", "MX"): "refused",
            ("rubbish.example", "MX"): "rubbish",
            ("half.example", "MX"): ["10 mx.half.example"],
            ("mx.half.example", "A"): "servfail",
            ("mx.half.example", "AAAA"): "servfail"}
    node, names = gate(zone, queue={"retry": ["3s"]})
    bad = ("fails", "refused", "rubbish", "half")
    for name in bad + ("good",):
        hand_in(node, f"x@{name}.example")
    check(wait_until(lambda: a.mails), "the good one goes", node.queue())
    check(wait_until(lambda: [r["state"] for r in node.queue()]
                     == ["deferred"] * 4, 60), "the others wait", node.queue())
    equal([r["attempts"] for r in node.queue()], [0] * 4,
          "that is no attempt")
    check(all("not known now" in r["reason"] for r in node.queue()),
          "they say why", node.queue())
    for name in bad:
        names.zone.pop((f"mx.{name}.example", "A"), None)
        names.zone.pop((f"mx.{name}.example", "AAAA"), None)
        names.zone.update(zone_of(f"{name}.example", (10, A)))
    check(wait_until(lambda: len(a.mails) == 5, 90),
          "once it is known they go", node.queue())


def dead_host():
    """A domain whose hosts are dead waits alone; each try is an attempt."""
    a = server(A)
    node, _ = gate({**zone_of("dead.example", (10, DEAD)),
                    **zone_of("good.example", (10, A))},
                   queue={"retry": ["2s"]})
    hand_in(node, "x@dead.example")
    check(wait_until(lambda: node.queue()[0]["state"] == "deferred"),
          "it waits", node.queue())
    row = node.queue()[0]
    equal(row["attempts"], 1, "tried once")
    check("dead.example" in row["reason"] and DEAD in row["reason"],
          "and says for whom, and where", row)
    hand_in(node, "y@good.example")
    check(wait_until(lambda: a.mails), "others go", node.queue())
    check(wait_until(lambda: node.queue()[0]["attempts"] >= 2),
          "it is tried again", node.queue())
    Peer(auth=False, address=DEAD, port=PORT)
    all_gone(node, "when the host is back")


def refuses():
    """What a host says of a message is as from any peer."""
    server(A, rules={"RCPT": "550 5.1.1 nobody here"})
    node, _ = gate(zone_of("example.net", (10, A)))
    hand_in(node, "x@example.net")
    text = returned(node, "5.1.1")
    check("nobody here" in text, "its words are told", text)


def too_large():
    """Larger than the host takes: returned, not kept for ever."""
    server(A, keywords=("PIPELINING", "SIZE 20000", "CHUNKING"))
    node, _ = gate(zone_of("example.net", (10, A)), queue={"retry": ["2s"]})
    hand_in(node, "x@example.net", size=40000)
    returned(node, "5.3.4")
    all_gone(node, "too large")


def bad_tls():
    """TLS that does not work is no worse than none (RFC 7435)."""
    a = server(A, rules={"STARTTLS": "220 2.0.0 go on", "tls": CLOSE},
               keywords=("PIPELINING", "STARTTLS"))
    node, _ = gate(zone_of("example.net", (10, A)))
    hand_in(node, "x@example.net")
    check(wait_until(lambda: a.mails, 30), "it goes without", node.queue())
    check(node.events("going-without-tls"), "and the log says so")


def tls_required():
    """mx.tls = required: nothing goes in clear."""
    a = server(A)
    node, _ = gate(zone_of("example.net", (10, A)), mx={"tls": "required"})
    hand_in(node, "x@example.net")
    check(wait_until(lambda: node.queue()[0]["state"] == "deferred"),
          "it waits", node.queue())
    equal(node.queue()[0]["reason_code"], "tls", "for want of TLS")
    equal(a.mails, [], "nothing was sent")


def hostile():
    """Answers that are damaged, too many, or cut."""
    a = server(A)
    many = [f"{i + 10} mx{i}.many.example" for i in range(90)]
    zone = {("many.example", "MX"): Cut(many),
            ("bad.example", "MX"): [b"\0\x0a\x3fshort", b"\0\x0a", b""],
            ("odd.example", "MX"): [b"\0\x0a\x04a\x1b[m\0",
                                    "20 mx0.many.example"],
            ("mx0.many.example", "A"): [A]}
    node, names = gate(zone)
    hand_in(node, "x@many.example", "y@bad.example", "z@odd.example")
    check(wait_until(lambda: [r["state"] for r in node.queue()]
                     == ["deferred"], 30), "what is damaged waits",
          node.queue())
    equal(sorted(r for m in a.mails for r in m.recipients),
          ["x@many.example", "z@odd.example"],
          "a host with an impossible name is passed over")
    check(["x@many.example"] in [m.recipients for m in a.mails],
          "an answer that was cut is asked for again over TCP", names.asked)
    equal(len([n for n, k in names.asked if k == "A" and "many" in n]), 20,
          "of ninety hosts the best twenty are looked up")
    check(node.is_running(), "the node lives")


def preferred_peer():
    """Behind another peer of a route: only where that one cannot be used."""
    shore, a = Peer(auth=False), server(A)
    names = Names(zone_of("example.net", (10, A)))
    world = World()
    node = world.make_site(
        hostname=HOSTNAME, links=[],
        peer=world.peer(submission=shore.port, host="127.0.0.1", tls="none",
                        user=None, password_file=None, collect="none",
                        collect_port=None),
        routes=[{"match": "*", "peers": ["shore", "mx"]}],
        queue={"retry": ["2s"]},
        mx={"server": names.server, "port": PORT})
    node.start()
    hand_in(node, "x@example.net")
    check(wait_until(lambda: shore.mails), "the first one has it",
          node.queue())
    shore.close()
    hand_in(node, "y@example.net")
    check(wait_until(lambda: a.mails, 40), "then it goes by MX", node.queue())
    equal(len(a.mails), 1, "once")


def many_dead_domains():
    """A crowd that leads nowhere holds nobody up, and sessions are bounded."""
    a = server(A, rules={"greeting": lambda c, line: (time.sleep(0.05), "220 hi")[1]})
    zone = zone_of("zz.example", (10, A))
    for i in range(60):
        zone.update(zone_of(f"d{i:02}.example", (10, DEAD)))
        zone.update(zone_of(f"g{i:02}.example", (10, A)))
    node, _ = gate(zone, mx={"sessions": 3})
    for i in range(60):
        hand_in(node, f"x@d{i:02}.example", f"x@g{i:02}.example")
    hand_in(node, "last@zz.example")
    check(wait_until(lambda: len(a.mails) == 61, 60), "all that can goes",
          len(a.mails))
    check(wait_until(lambda: [r["state"] for r in node.queue()]
                     == ["deferred"] * 60, 60), "the others wait",
          len(node.queue()))


def ticks(node):
    """Processor time that the daemon used, in seconds."""
    with open(f"/proc/{node.process.pid}/stat", encoding="utf-8") as stream:
        fields = stream.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rests():
    """More domains that wait than one look finds: it looks, and is quiet."""
    count = 120
    zone = {}
    for i in range(count):
        zone.update(zone_of(f"d{i:03}.example", (10, DEAD)))
    node, _ = gate(zone, mx={"sessions": 20})
    for _ in range(2):
        for i in range(0, count, 30):
            hand_in(node, *[f"x@d{k:03}.example" for k in range(i, i + 30)])
        check(wait_until(lambda: sum(r["attempts"] for r in node.queue())
                         >= count, 60), "each domain was tried",
              len(node.queue()))
    used = ticks(node)
    time.sleep(3)
    used = ticks(node) - used
    check(used < 0.5, "nothing is done while they wait", used)


def by_link(make_link, zone):
    """A node that delivers by MX over one link."""
    names = Names(zone)
    world = World()
    node = world.make_site(
        hostname=HOSTNAME, peer={}, peers=[], links=[make_link(world)],
        routes=[{"match": "*", "peers": ["mx"]}],
        mx={"server": names.server, "port": PORT})
    node.start()
    return node, names


def reported_link():
    """--wait waits for what goes by MX. What the name servers of a link said
    goes with the link."""
    a = server(A)
    node, names = by_link(lambda _: {"name": "vsat", "peers": ["mx"]},
                          zone_of("example.net", (10, A)))
    for count in (1, 2):
        before = names.asked.count(("example.net", "MX"))
        hand_in(node, "x@example.net")
        equal(node.link_up("vsat"), 0, "all has moved")
        equal((len(a.mails), node.queue()), (count, []), "it has")
        node.must("link", "down", "vsat")
        check(names.asked.count(("example.net", "MX")) > before,
              "its hosts are asked for on each use of the link")


def dialled_link():
    """It is hung up when all has gone, and not before."""
    lines = []

    def make_link(world):
        lines.append(Modem(world))
        return lines[0].link(name="vsat", peers=["mx"])

    a = server(A)
    node, _ = by_link(make_link, {**zone_of("example.net", (10, A)),
                                  **zone_of("example.com", (10, A))})
    hand_in(node, "x@example.net", "y@example.com")
    done = node.cli("link", "call", "vsat", "--wait", "--deadline", "40s")
    equal(done.returncode, 0, "all has moved")
    equal((len(a.mails), node.queue()), (2, []), "it has")
    lines[0].wait("up", "down")


def silent_domains():
    """Hosts that take a connection and say nothing hold up nobody else."""
    quiet = server(B, rules={"greeting": STALL})
    peer = server(A)
    zone = {}
    for i in range(4):
        zone.update(zone_of(f"a{i}.example", (10, B)))
    zone.update(zone_of("zeal.example", (10, A)))
    node, names = gate(zone, {"sessions": 2})
    hand_in(node, *(f"ben@a{i}.example" for i in range(4)))
    check(wait_until(lambda: quiet.connections == 2), "two are in hand")
    hand_in(node, "ben@zeal.example")
    check(wait_until(lambda: len(peer.mails) == 1, 90),
          "the mail for another goes", node.queue())
    equal(quiet.connections, 4, "while four are still silent")
    check(all(c.socket.fileno() >= 0 for c in quiet.open), "and open")


def reload_and_stop():
    """SIGHUP and SIGTERM while look-ups are under way."""
    node, names = gate({("slow.example", "MX"): "silent"})
    hand_in(node, "x@slow.example")
    check(wait_until(lambda: names.asked), "it is being asked")
    node.reload()
    names.zone[("slow.example", "MX")] = "silent"
    check(any(e["event"].startswith("reload") for e in node.events()),
          "it is reloaded")
    node.stop()
    node.start()
    equal([r["attempts"] for r in node.queue()], [0], "nothing was counted")


UTF8 = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


def hand_in_utf8(node):
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        equal(client.mail("ann@gate.example.org", "jörg@example.net",
                          make("utf-8"), " SMTPUTF8").code, 250, "accepted")


def utf8_other_host():
    """RFC 6531 3.2: a host without SMTPUTF8 is not the last word."""
    plain, good = server(A), server(B, keywords=UTF8)
    node, _ = gate(zone_of("example.net", (10, A), (20, B), (30, DEAD)))
    hand_in_utf8(node)
    hand_in(node, "ben@example.net")
    all_gone(node, "other host")
    # ben's may come while the second host is being asked, and go there
    equal(sorted(r for m in plain.mails + good.mails for r in m.recipients),
          ["ben@example.net", "jörg@example.net"], "each is delivered once")
    equal([m.recipients for m in good.mails if "SMTPUTF8" in m.params],
          [["jörg@example.net"]], "the second host has it as UTF-8")
    check(not notices(node), "nothing returns")
    hand_in(node, "eve@example.net")
    all_gone(node, "plain again")
    equal(plain.mails[-1].recipients, ["eve@example.net"],
          "plain mail goes to the first host")
    equal(good.connections, 1, "nobody else is asked for that")


def utf8_no_host():
    plain, other = server(A), server(B)
    node, _ = gate(zone_of("example.net", (10, A), (20, B)))
    hand_in_utf8(node)
    returned(node, "5.6.7")
    all_gone(node, "no host")
    equal((plain.connections, other.connections), (1, 1), "each was asked")


def utf8_host_away():
    """One that may have it does not answer now: later."""
    plain = server(A)
    node, _ = gate(zone_of("example.net", (10, A), (20, B)))
    hand_in_utf8(node)
    check(wait_until(lambda: any(r["state"] == "deferred" and r["attempts"]
                                 for r in node.queue())), "it waits",
          node.queue())
    check(not notices(node), "and does not return")
    good = server(B, keywords=UTF8)
    check(wait_until(lambda: good.mails, 60), "when that host is back it goes",
          node.queue())
    all_gone(node, "back")
    equal(plain.mails, [], "never to the first one")


run(by_preference, next_host, many_domains, without_mx, literals,
    both_kinds_of_address, circles_of_names, no_mail, no_domain, loops, not_known_now, dead_host, refuses, too_large, bad_tls,
    tls_required, hostile, preferred_peer, many_dead_domains, silent_domains,
    rests, reported_link, dialled_link, reload_and_stop, utf8_other_host,
    utf8_no_host, utf8_host_away)
