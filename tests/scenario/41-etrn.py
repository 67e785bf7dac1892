#!/usr/bin/env python3
"""A customer asks for its mail by ETRN (RFC 1985), from both sides."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

LOOPBACK = "127.0.0.0/8"


def world_of(target, *more, networks=(LOOPBACK,), **conf):
    """A provider whose customer aurora has TARGET, a port or None."""
    world = World()
    world.make_shore(**conf).start()
    options = [o for n in networks for o in ("--network", n)]
    if target:
        options += ["--etrn", f"127.0.0.1:{target}"]
    world.add_customer("aurora", "aurora.example.org", *options, *more)
    return world


def to_shore(world, recipient, octets):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        reply = client.mail("eve@shore.example", recipient, octets)
        if reply.code != 250:
            raise AssertionError(f"not accepted: {reply}")
        client.quit()


def ask(world, *args, service="smtp"):
    """The replies to ETRN for each of ARGS, in one session."""
    with Smtp(world.shore.port(service)) as client:
        client.ehlo()
        replies = [client.cmd(f"ETRN {arg}") for arg in args]
        client.quit()
    return replies if len(args) > 1 else replies[0]


def customer(world, name="aurora"):
    return world.shore.rows("customer", "show", name)[0]


def is_gone(world):
    return wait_until(lambda: not world.shore.queue())


# --- the provider ---


def delivers_to_the_target():
    sink = Peer()
    world = world_of(sink.port)
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        check("ETRN" in client.keywords, "EHLO on smtp says ETRN",
              client.keywords)
    equal(str(ask(world, "aurora.example.org"))[:9], "251 2.0.0",
          "nothing there: 251")
    equal(sink.connections, 0, "and nobody is called")
    first, second = make("first"), make("second")
    to_shore(world, "cap@aurora.example.org", first)
    to_shore(world, "cook@aurora.example.org", second)
    reply = ask(world, "AURORA.example.org")
    equal(reply.code, 253, "two wait: 253")
    check("253 2.0.0 2 messages" in str(reply), "with the number", reply)
    check(is_gone(world), "they go", world.shore.queue())
    equal(sorted(m.recipients[0] for m in sink.mails),
          ["cap@aurora.example.org", "cook@aurora.example.org"],
          "once each, to the host of the customer's entry")
    check(wait_until(lambda: "2 messages" in (
        customer(world)["last_result"] or "")),
        "customer show tells", customer(world))
    equal(ask(world, "aurora.example.org").code, 251, "then again 251")


def only_what_was_asked_for():
    sink = Peer()
    world = world_of(sink.port, "--domain", "deck.aurora.example.org",
                     "--domain", "other.example")
    world.add_customer("borealis", "borealis.example",
                       "--etrn", f"127.0.0.1:{sink.port}",
                       "--network", "192.0.2.0/24")
    for domain in ("aurora.example.org", "deck.aurora.example.org",
                   "other.example", "borealis.example"):
        to_shore(world, f"cap@{domain}", make(domain))

    def came():
        return sorted(m.recipients[0][4:] for m in list(sink.mails))

    equal(ask(world, "deck.aurora.example.org").code, 253, "one domain")
    wait_until(lambda: len(came()) >= 1)
    time.sleep(0.3)
    equal(came(), ["deck.aurora.example.org"], "of all only its mail comes")
    reply = ask(world, "@aurora.example.org")
    check("253 2.0.0 1 message " in str(reply), "@ takes what is below, too",
          reply)
    wait_until(lambda: len(came()) >= 2)
    time.sleep(0.3)
    equal(len(came()), 2, "but not other.example")
    equal([r.code for r in ask(world, "@ther.example", "@example.org")],
          [459, 251], "a label is whole; what is above holds it")
    equal(ask(world, "#aurora").code, 253, "# names the customer")
    wait_until(lambda: len(came()) >= 3)
    equal(came()[-1], "other.example", "all that is left of it")
    wait_until(lambda: len(world.shore.queue()) == 1)
    equal([row["route"] for row in world.shore.queue()],
          ["customer:borealis"], "nothing of another customer went")


def strangers():
    sink = Peer()
    world = world_of(sink.port, networks=("192.0.2.0/24",))
    to_shore(world, "cap@aurora.example.org", make("not yours"))
    replies = ask(world, "aurora.example.org", "no.such.example", "#aurora",
                  "@example.org", "#nobody")
    equal({str(r) for r in replies}, {str(replies[0])},
          "a stranger hears the same, whether it exists or not")
    equal(str(replies[0])[:9], "459 4.7.1", "459")
    equal(ask(world, "aurora.example.org", service="submission").code, 530,
          "submission: 530 first")
    with Smtp(world.shore.port("submission")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        check("ETRN" in client.keywords, "submission says ETRN",
              client.keywords)
        equal(client.cmd("ETRN aurora.example.org").code, 530,
              "before AUTH: 530")
        client.auth_plain("aurora", PASSWORD)
        equal(client.cmd("ETRN other.example").code, 459,
              "the customer asks for another's: 459")
        equal(client.cmd("ETRN").code, 501, "no argument: 501")
        equal(client.cmd("ETRN a b").code, 501, "two: 501")
        equal(client.cmd("ETRN aurora.example.org").code, 253,
              "for its own: 253")
    check(is_gone(world), "and it goes")
    world.shore.must("customer", "suspend", "aurora")
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        equal(client.cmd("ETRN aurora.example.org").code, 459,
              "suspended: 459")


def not_offered():
    world = world_of(None)
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        check("ETRN" not in client.keywords, "nobody has a target: not said",
              client.keywords)
        equal(client.cmd("ETRN aurora.example.org").code, 502, "502")
    world.add_customer("borealis", "borealis.example",
                       "--etrn", "192.0.2.1", "--network", LOOPBACK)
    equal([str(r)[:9] for r in
           ask(world, "aurora.example.org", "borealis.example")],
          ["458 4.3.0", "251 2.0.0"],
          "no target of its own: 458, at once after the change")
    with Smtp(world.shore.port("odmr")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        check("ETRN" not in client.keywords, "odmr never says ETRN",
              client.keywords)
        equal(client.cmd("ETRN borealis.example").code, 502, "and has none")


def outside_a_transaction_only():
    sink = Peer()
    world = world_of(sink.port)
    with Smtp(world.shore.port("smtp")) as client:
        equal(client.cmd("ETRN aurora.example.org").code, 503,
              "before EHLO: 503")
        client.ehlo()
        client.cmd("MAIL FROM:<eve@shore.example>")
        equal(client.cmd("ETRN aurora.example.org").code, 503,
              "after MAIL: 503")
        client.cmd("RCPT TO:<cap@aurora.example.org>")
        equal(client.cmd("ETRN aurora.example.org").code, 503,
              "after RCPT: 503")
        client.cmd("RSET")
        equal(client.cmd("ETRN aurora.example.org").code, 251,
              "after RSET it is served")


def one_at_a_time():
    """Who asks while it runs is told so, and gets what came meanwhile."""
    gate = {"open": False}

    def slow(conn, line):
        wait_until(lambda: gate["open"])

    sink = Peer(rules={"end": slow})
    world = world_of(sink.port, "--domain", "other.example")
    to_shore(world, "cap@aurora.example.org", make("one"))
    equal(ask(world, "aurora.example.org").code, 253, "it starts")
    wait_until(lambda: sink.connections == 1)
    to_shore(world, "cap@other.example", make("two"))
    replies = ask(world, "other.example", "aurora.example.org")
    equal([str(r)[:9] for r in replies], ["252 2.0.0"] * 2,
          "one runs: 252, twice")
    gate["open"] = True
    check(is_gone(world), "both domains are served")
    equal(len(sink.mails), 2, "each message once")
    equal(sink.connections, 1, "over one connection")


def unreachable():
    gone = Peer()
    gone.close()
    world = world_of(gone.port)
    to_shore(world, "cap@aurora.example.org", make("patient"))
    equal(ask(world, "aurora.example.org").code, 253, "it starts")
    check(wait_until(lambda: "cannot be reached" in (
        customer(world)["last_result"] or "")),
        "customer show says that the host cannot be reached",
        customer(world))
    row = world.shore.queue()[0]
    equal((row["state"], row["attempts"]), ("ready", 0),
          "the message has no attempt more")


def refused_stays_for_its_while():
    sink = Peer(rules={"RCPT": "450 4.2.0 not now"})
    world = world_of(sink.port, queue={"retry": ["60s"]},
                     customers={"tell_kept": False})
    to_shore(world, "cap@aurora.example.org", make("again"))
    equal(ask(world, "aurora.example.org").code, 253, "it starts")
    wait_until(lambda: world.shore.queue()[0]["attempts"] == 1)
    reply = ask(world, "aurora.example.org")
    equal(str(reply)[:9], "458 4.3.0",
          "what was refused just now is not tried at once: 458")
    equal(sink.connections, 1, "nobody is called")


def past_its_back_off():
    """What waits long is tried when asked for, where it was refused before."""
    sink = Peer(rules={"MAIL": "451 4.3.0 not now"})
    world = world_of(sink.port, queue={"retry": ["1s", "1h"]})
    to_shore(world, "cap@aurora.example.org", make("again"))
    for attempt in (1, 2):
        ask(world, "aurora.example.org")
        wait_until(lambda: world.shore.queue()[0]["attempts"] == attempt)
        time.sleep(2.1)
    sink.rules.clear()
    equal(ask(world, "aurora.example.org").code, 253, "asked: 253")
    check(is_gone(world), "it goes, an hour early")


def too_often():
    sink = Peer()
    world = world_of(sink.port, limits={"etrn_per_hour": 3})
    replies = ask(world, *["aurora.example.org"] * 4)
    equal([str(r)[:9] for r in replies],
          ["251 2.0.0"] * 3 + ["458 4.7.0"], "limits.etrn_per_hour")


def by_tls_where_it_can():
    authority = World()
    good = Peer(context=server_context(*authority.ca.issue(
        "sink", "sink.example")))
    used = []
    good.rules["MAIL"] = lambda conn, line: used.append(conn.is_tls)
    world = world_of(good.port)
    to_shore(world, "cap@aurora.example.org", make("covered"))
    ask(world, "aurora.example.org")
    check(is_gone(world), "it goes")
    equal(used, [True], "by TLS, whoever signed the certificate")

    broken = Peer(context=server_context(*authority.ca.issue(
        "broken", "broken.example")), rules={"tls": Raw(b"nonsense\r\n" * 9)})
    broken.rules["MAIL"] = lambda conn, line: used.append(conn.is_tls)
    world.shore.must("customer", "set", "aurora", "--etrn",
                     f"127.0.0.1:{broken.port}")
    to_shore(world, "cap@aurora.example.org", make("plain"))
    ask(world, "aurora.example.org")
    check(is_gone(world), "where the handshake fails it goes all the same")
    equal(used, [True, False], "in clear")


def cut_at_the_end():
    """The customer's host goes away: nothing is lost."""
    sink = Peer(rules={"end": CLOSE})
    world = world_of(sink.port)
    text = make("cut")
    to_shore(world, "cap@aurora.example.org", text)
    ask(world, "aurora.example.org")
    check(wait_until(lambda: "broken off" in (
        customer(world)["last_result"] or "")),
        "customer show says how it broke off", customer(world))
    sink.rules.clear()
    equal(ask(world, "aurora.example.org").code, 253, "asked again: 253")
    check(is_gone(world), "now it goes")
    equal([m.octets.endswith(text) for m in sink.mails], [True],
          "once, whole")


# --- the site ---


WAIT_S = 2


def pair(*domains, **peer):
    """Both nodes running; the site asks by ETRN, its link is down."""
    world = World()
    world.make_shore().start()
    world.add_customer("aurora", "aurora.example.org",
                       *(o for d in domains for o in ("--domain", d)))
    site = world.make_site(world.peer(**{
        "collect": "etrn", "collect_port": None, "etrn_wait": f"{WAIT_S}s",
        **peer}), local=local(f"{world.dir}/aurora", "aurora.example.org",
                              *domains)).start()
    world.shore.must("customer", "set", "aurora", "--etrn",
                     f"127.0.0.1:{site.port('lan')}")
    return world, site


def site_of(*domains, keywords=("PIPELINING", "8BITMIME", "ETRN"), **rules):
    """A site whose provider is scripted."""
    world = World()
    peer = Peer(rules=rules, keywords=keywords)
    site = world.make_site({
        "name": "shore", "host": "127.0.0.1", "port": peer.port,
        "tls": "none", "collect": "etrn", "etrn_wait": f"{WAIT_S}s",
        "domains": list(domains) or None}).start()
    return peer, site


def submit(site, octets, recipient="ben@shore.example"):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", recipient, octets)
        client.quit()


def timed_link_up(site, *args):
    start = time.monotonic()
    status = site.link_up("iridium", *args)
    return status, time.monotonic() - start


def asked(peer):
    return [line for line in peer.verbs if line.startswith("ETRN")]


def both_ways_in_one_call():
    world, site = pair()
    out, back = make("out"), make("back")
    submit(site, out)
    to_shore(world, "cap@aurora.example.org", back)
    status, seconds = timed_link_up(site)
    equal(status, 0, "link up --wait: 0")
    check(seconds >= WAIT_S, "it waits for etrn_wait after the last session",
          seconds)
    equal(len(copies(world.shore.mailbox("ben"), out)), 1, "out it went, once")
    equal(len(copies(site.mailbox("cap"), back)), 1, "in it came, once")
    check(world.shore.wait_queue_empty(), "the provider has nothing left")
    site.link_down("iridium")
    status, seconds = timed_link_up(site)
    equal(status, 0, "nothing waits: 0")
    check(seconds < WAIT_S, "251: nothing is waited for", seconds)


def all_domains_once():
    world, site = pair("deck.example")
    texts = {user: make(user) for user in ("cap", "cook", "mate")}
    to_shore(world, "cap@aurora.example.org", texts["cap"])
    to_shore(world, "cook@deck.example", texts["cook"])
    to_shore(world, ["mate@aurora.example.org", "mate@deck.example"],
             texts["mate"])
    equal(site.link_up("iridium"), 0, "link up --wait: 0")
    got = {u: len(copies(site.mailbox(u), texts[u])) for u in ("cap", "mate")}
    got["cook"] = len(copies(site.mailbox("cook", "deck.example"),
                             texts["cook"]))
    got["mate at deck"] = len(copies(site.mailbox("mate", "deck.example"),
                                     texts["mate"]))
    equal(got, {"cap": 1, "mate": 1, "cook": 1, "mate at deck": 1},
          "everything came, once")
    check(world.shore.wait_queue_empty(), "nothing is left")


def a_session_holds_the_link():
    """Whoever hands in mail meanwhile is waited for."""
    peer, site = site_of(ETRN="250 2.0.0 started")
    link = site.cli("link", "up", "iridium")
    equal(link.returncode, 0, "up")
    wait_until(lambda: asked(peer))
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        time.sleep(WAIT_S + 1)
        state = site.rows("link", "list")[0]["state"]
        equal(state, "exchanging", "while it is connected the link is busy")
        client.quit()
    start = time.monotonic()
    check(wait_until(lambda: site.rows("link", "list")[0]["state"] == "idle",
                     10, 0.1), "then it comes to rest")
    check(time.monotonic() - start >= WAIT_S - 0.5, "etrn_wait later")


def silent_after_250():
    peer, site = site_of("aurora.example.org", "deck.example",
                         ETRN="250 2.0.0 queuing started")
    status, seconds = timed_link_up(site)
    equal(status, 0, "250 and then nothing: 0")
    check(WAIT_S <= seconds < WAIT_S + 10, "after etrn_wait", seconds)
    equal(asked(peer), ["ETRN aurora.example.org", "ETRN deck.example"],
          "each domain was asked for")
    equal(peer.verbs[-1], "QUIT", "before QUIT")
    equal(peer.connections, 1, "on one connection")


def not_supported():
    for reply in ("500 5.5.1 not known", "502 5.5.1 no", "550 5.7.1 no"):
        peer, site = site_of("a.example", "b.example", ETRN=reply)
        submit(site, make("out"))
        equal(site.link_up("iridium"), 13, f"{reply}: 13")
        said = site.last.stdout + site.last.stderr
        check("does not do ETRN" in said and reply[:9] in said,
              "says plainly why", said)
        equal(len(asked(peer)), 1, "it stops asking")
        equal(len(peer.mails), 1, "what was to be sent went")
    peer, site = site_of(keywords=("PIPELINING",))
    equal(site.link_up("iridium"), 13, "EHLO without ETRN: 13")
    check("does not do ETRN" in site.last.stdout + site.last.stderr,
          "says so", site.last.stderr)
    equal(asked(peer), [], "and ETRN is not sent")


def refused():
    def reply(conn, line):
        return "459 4.7.1 a is not yours" if "a.example" in line \
            else "251 2.0.0 none"

    peer, site = site_of("a.example", "b.example", ETRN=reply)
    status, seconds = timed_link_up(site)
    equal(status, 13, "459: 13")
    check("459 4.7.1 a is not yours" in site.last.stdout + site.last.stderr,
          "in the peer's words", site.last.stderr)
    equal(len(asked(peer)), 2, "the other domain is asked for all the same")
    check(seconds < WAIT_S, "nothing to wait for", seconds)
    peer, site = site_of("a.example", ETRN="458 4.3.0 queue broken")
    equal(site.link_up("iridium"), 13, "458: 13")
    check("458 4.3.0 queue broken" in site.last.stdout + site.last.stderr,
          "in the peer's words", site.last.stderr)


def odd_peers():
    for name, rule in (("closes", CLOSE), ("resets", RESET),
                       ("10 KB line", Raw(b"250 " + b"x" * 10240 + b"\r\n")),
                       ("nonsense", Raw(b"\x00\xff\r\n"))):
        peer, site = site_of(ETRN=rule)
        submit(site, make("out"))
        status = site.link_up("iridium")
        equal((name, status), (name, 13), "a peer that " + name)
        equal(len(peer.mails), 1, "what was sent is sent once")
        check(site.wait_queue_empty(), "and is known to be")


def link_lost_meanwhile():
    peer, site = site_of(ETRN="250 2.0.0 started")
    site.must("link", "up", "iridium")
    wait_until(lambda: asked(peer))
    site.link_down("iridium")
    status, seconds = timed_link_up(site)
    equal(status, 0, "up again: it asks again and waits anew")
    check(seconds >= WAIT_S, "for etrn_wait", seconds)
    equal(len(asked(peer)), 2, "asked once each time")


PROVIDER = (delivers_to_the_target, only_what_was_asked_for, strangers,
            not_offered, outside_a_transaction_only, one_at_a_time,
            unreachable, refused_stays_for_its_while, past_its_back_off,
            too_often, by_tls_where_it_can, cut_at_the_end)

SITE = (both_ways_in_one_call, all_domains_once, a_session_holds_the_link,
        silent_after_250, not_supported, refused, odd_peers,
        link_lost_meanwhile)

run(*PROVIDER, *SITE)
