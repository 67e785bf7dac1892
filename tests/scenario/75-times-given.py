#!/usr/bin/env python3
# limit: 300
"""Times and ways that the sender gave: BY (RFC 2852), HOLDFOR and HOLDUNTIL
(RFC 4865), REQUIRETLS (RFC 8689)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import datetime
import re
import time

BASIC = ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE", "DSN"]
DAY = 86400


def site_with(keywords=None, rules=None, **conf):
    """A site and a scripted peer that offers KEYWORDS beside the usual."""
    world = World()
    world.shim = Shim(world.dir)
    tls = conf.pop("peer_tls", "none")
    context = certs_of(world) if tls != "none" else None
    peer = Peer(keywords=BASIC + (keywords or []), auth=False,
                rules=rules or {}, context=context)
    site = world.make_site(
        peer=world.peer(submission=peer.port, tls=tls, user=None,
                        password_file=None, collect="none",
                        collect_port=None, **conf.pop("entry", {})),
        **conf)
    site.start()
    site.must("user", "add", "ann", "--password-stdin", text=PASSWORD + "\n")
    world.peer_server, world.site = peer, site
    return world, site, peer


def certs_of(world):
    certificate, key = world.ca.issue("far", "mail.shore.example",
                                      "127.0.0.1")
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def submit(world, name, params="", to="ben@shore.example", rcpt=""):
    """By the submission port; the reply that counts."""
    with Smtp(world.site.port("submission")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        world.keywords = client.keywords
        client.auth_plain("ann", PASSWORD)
        reply = client.cmd(f"MAIL FROM:<ann@aurora.example.org>{params}")
        if reply.code == 250:
            reply = client.cmd(f"RCPT TO:<{to}>{rcpt}")
        if reply.code != 250:
            return reply
        client.cmd("DATA")
        client.send(stuff(make(name, sender="ann@aurora.example.org")))
        return client.reply()


def notices(site, word=b""):
    return [m for m in site.mailbox("ann")
            if b"multipart/report" in m and word in m]


def again(world, seconds):
    world.site.stop()
    world.site.start(world.shim.env(clock=seconds))


def utc(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) \
        + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- FUTURERELEASE ---

def held_for_a_while():
    world, site, peer = site_with()
    site.must("link", "up", "iridium")
    reply = submit(world, "later", " HOLDFOR=4")
    equal(reply.code, 250, "HOLDFOR is taken")
    words = world.keywords.get("FUTURERELEASE", "").split()
    check(len(words) == 2 and words[0] == str(30 * DAY)
          and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", words[1]),
          "EHLO says for how long and until when", words)
    row = site.queue()[0]
    equal((row["state"], row["reason_code"]), ("held", "release-time"),
          "it is held for its time")
    check(row["next_attempt"] and row["next_attempt"] in row["reason"],
          "the list says until when", row)
    equal(peer.mails, [], "and nothing goes")
    check(wait_until(lambda: len(peer.mails) == 1), "then it goes",
          site.queue())
    check("HOLDFOR" not in peer.mails[0].params, "what it asked for is done",
          peer.mails[0].params)


def held_over_a_restart():
    world, site, peer = site_with()
    submit(world, "later", f" HOLDUNTIL={utc(2 * DAY)}")
    submit(world, "at once", f" HOLDUNTIL={utc(-60)}")
    rows = {r["id"]: r["state"] for r in site.queue()}
    equal(sorted(rows.values()), ["held", "ready"],
          "a time that has passed holds nothing")
    site.kill()
    site.start(world.shim.env(clock=DAY))
    site.must("link", "up", "iridium")
    check(wait_until(lambda: len(peer.mails) == 1), "one goes")
    check(wait_until(lambda: len(site.queue()) == 1), "and is settled")
    equal([r["state"] for r in site.queue()], ["held"],
          "a day later the other is held, after a kill")
    again(world, 2 * DAY + 60)
    site.must("link", "up", "iridium")
    check(wait_until(lambda: len(peer.mails) == 2), "in time it goes",
          site.queue())


def released_by_a_person():
    world, site, peer = site_with()
    reply = submit(world, "later", " HOLDFOR=80000")
    site.must("link", "up", "iridium")
    site.must("queue", "release", reply.message_id, "--yes")
    check(wait_until(lambda: len(peer.mails) == 1), "a person may release it")


def holds_refused():
    world, site, _ = site_with(limits={"hold_time": "1h",
                                       "hold_messages": 2})
    for params, expected in (
            (" HOLDFOR=3601", "501 5.5.4"),
            (f" HOLDUNTIL={utc(2 * DAY)}", "501 5.5.4"),
            (" HOLDFOR=0", "501 5.5.4"),
            (" HOLDUNTIL=tomorrow", "501 5.5.4"),
            (" HOLDFOR=60 HOLDFOR=60", "501 5.5.4"),
            (" HOLDFOR=600 BY=300;R", "501 5.5.4")):
        reply = submit(world, "no", params)
        equal(f"{reply.code} {reply.text[:5]}", expected,
              f"{params.strip()} is refused")
    for _ in range(2):
        equal(submit(world, "yes", " HOLDFOR=600").code, 250, "held")
    reply = submit(world, "too many", " HOLDFOR=600")
    equal((reply.code, reply.text[:6]), (552, "5.7.16"),
          "one more than a user may have held")
    equal(submit(world, "now").code, 250, "what is not held is taken")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        check("FUTURERELEASE" not in client.keywords,
              "it is not offered where no mail is submitted")


def stepped(world, *steps):
    """The clock of the running daemon is set to now and so many seconds; a
    generator, which goes on when the daemon has seen it."""
    for seconds in steps:
        with open(world.offset, "w", encoding="ascii") as stream:
            stream.write(str(seconds))
        world.site.reload()
        time.sleep(0.5)
        yield seconds


def with_offset(world):
    world.offset = f"{world.dir}/offset"
    with open(world.offset, "w", encoding="ascii") as stream:
        stream.write("0")
    again(world, world.offset)


def held_and_set():
    """HOLDFOR is a while, HOLDUNTIL a time: a clock that is set changes the
    second alone, and never loses one of them."""
    world, site, peer = site_with()
    with_offset(world)
    submit(world, "a while", " HOLDFOR=80000")
    submit(world, "a time", f" HOLDUNTIL={utc(2 * DAY)}")
    site.must("link", "up", "iridium")
    for seconds in stepped(world, DAY, -400 * DAY, -20 * 365 * DAY, DAY):
        equal([r["state"] for r in site.queue()], ["held"] * 2,
              f"set by {seconds:+d} s: both are held")
    for _ in stepped(world, 2 * DAY + 60):
        pass
    check(wait_until(lambda: len(peer.mails) == 1), "its time has come",
          site.queue())
    check(b"Subject: a time" in peer.mails[0].octets, "for the second")
    for _ in stepped(world, 0, 400 * DAY):
        pass
    equal([r["state"] for r in site.queue()], ["held"],
          "the first is held for its while")


def by_and_set():
    """The by-time is counted by a clock that goes on evenly."""
    world, site, peer = site_with(["DELIVERBY"])
    with_offset(world)
    submit(world, "returns", " BY=600;R")
    submit(world, "late", " BY=600;N")
    for seconds in stepped(world, DAY, -400 * DAY, -20 * 365 * DAY, 3 * DAY,
                           0):
        equal((len(site.queue()), notices(site)), (2, []),
              f"set by {seconds:+d} s: nothing is late")
    again(world, 700)
    check(wait_until(lambda: len(notices(site)) == 2),
          "off for as long, and on again: it is", site.queue())
    site.link_up("iridium", "20s")
    equal(len(peer.mails), 1, "the late one goes, the other one does not")


def retries_and_set():
    """A delay ends by any clock: one that is set forward or back, or that
    nobody trusts, and on a link that stays up."""
    world, site, peer = site_with(
        rules={"RCPT": "451 4.3.0 not now"},
        queue={"retry": ["3s"], "expire_after": "5d"})
    with_offset(world)
    submit(world, "stubborn")
    site.must("link", "up", "iridium")

    def tried():
        rows = site.queue()
        return rows[0]["attempts"] if rows else 0
    check(wait_until(lambda: tried() >= 1), "an attempt")
    for seconds in stepped(world, 3650 * DAY, 0, -40 * DAY,
                           -20 * 365 * DAY, DAY):
        before = tried()
        check(wait_until(lambda: tried() > before + 1, 40),
              f"set by {seconds:+d} s: it is tried on", site.queue())
    equal(notices(site), [], "and is not given up")
    peer.rules.clear()
    check(wait_until(lambda: len(peer.mails) == 1), "then it goes",
          site.queue())


# --- DELIVERBY ---

def returned_in_time():
    world, site, peer = site_with(["DELIVERBY"])
    equal(submit(world, "late", " BY=2;R").code, 250, "BY is taken")
    check("DELIVERBY" in world.keywords, "and offered", world.keywords)
    check(wait_until(lambda: notices(site)), "no link came: it returns",
          site.queue())
    notice = notices(site)[0]
    check(b"Status: 5.4.7" in notice and b"Action: failed" in notice
          and b"Deliver-By-Date:" in notice, "as RFC 2852 says", notice)
    check(site.wait_queue_empty(), "nothing waits", site.queue())
    site.link_up("iridium", "20s")
    equal(peer.mails, [], "and nothing is sent any more")


def nobody_to_tell():
    """What is late and has no sender is held once, and goes when a person
    lets it."""
    world, site, peer = site_with(["DELIVERBY"])
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for line in ("MAIL FROM:<> BY=1;R", "RCPT TO:<ben@shore.example>"):
            equal(client.cmd(line).code, 250, line)
        client.cmd("DATA")
        client.send(stuff(make("of nobody")))
        equal(client.reply().code, 250, "it is taken")
    check(wait_until(lambda: [r for r in site.queue()
                              if r["state"] == "held"]), "it is held",
          site.queue())
    submit(world, "later", " BY=2;R")
    check(wait_until(lambda: notices(site)), "another one's time comes")
    row = site.queue()[0]
    check("cannot be delivered nor returned: it could not be delivered within"
          in row["reason"], "it says why", row)
    history = [r["event"] for r in site.rows("log", "--message",
                                             row["message"])]
    equal(history.count("held"), 1, "once")
    site.must("link", "up", "iridium")
    site.must("queue", "release", row["message"], "--yes")
    check(wait_until(lambda: len(peer.mails) == 1), "a person lets it go",
          site.queue())


def passed_on():
    world, site, peer = site_with(["DELIVERBY 5"])
    submit(world, "in time", " BY=1000;R")
    submit(world, "traced", " BY=1000;NT")
    time.sleep(1.2)
    equal(site.link_up("iridium", "20s"), 0, "link up")
    params = sorted(m.params for m in peer.mails)
    found = [re.search(r"BY=(\d+);(\w+)", p) for p in params]
    check(all(found) and all(900 < int(m[1]) < 1000 for m in found)
          and sorted(m[2] for m in found) == ["NT", "R"],
          "what is left of the time goes on", params)
    check(wait_until(lambda: notices(site, b"Action: relayed")),
          "the traced one's sender hears that it went on")
    equal(len(notices(site)), 1, "the other one's does not")


def peer_wants_more_time():
    world, site, peer = site_with(["DELIVERBY 3600"])
    submit(world, "hasty", " BY=600;R")
    site.link_up("iridium", "20s")
    check(wait_until(lambda: notices(site, b"3600")),
          "a peer that wants more time gets none of it", site.queue())
    equal(peer.mails, [], "nothing was sent")


def peer_without():
    world, site, peer = site_with()
    submit(world, "must", " BY=600;R")
    submit(world, "may", " BY=600;N")
    site.link_up("iridium", "20s")
    check(wait_until(lambda: notices(site, b"Status: 5.3.3")),
          "R goes to no peer without DELIVERBY", site.queue())
    equal(len(peer.mails), 1, "N does")
    check(wait_until(lambda: notices(site, b"Action: relayed")),
          "and its sender hears that nobody keeps to the time")
    check(any("NOTIFY=" in v and "DELAY" in v for v in peer.verbs
              if v.startswith("RCPT")), "of delays, too", peer.verbs)


def told_that_it_is_late():
    world, site, peer = site_with(["DELIVERBY"])
    submit(world, "soon", " BY=2;N")
    submit(world, "quiet", " BY=2;N", rcpt=" NOTIFY=FAILURE")
    check(wait_until(lambda: notices(site, b"Action: delayed")),
          "N: the sender hears that it is late", site.queue())
    check(b"Status: 4.4.7" in notices(site)[0], "as RFC 2852 says")
    equal(len(site.queue()), 2, "and it waits on")
    site.link_up("iridium", "20s")
    equal(len(peer.mails), 2, "it goes when it can")
    check(any(re.search(r"BY=(0|-\d+);N", m.params) for m in peer.mails),
          "and says how late it is", [m.params for m in peer.mails])
    equal(len(notices(site)), 1, "its sender was told once, if at all")


def warned_after_a_while():
    world, site, peer = site_with(queue={"warn_after": "2s"})
    submit(world, "waits")
    submit(world, "quiet", rcpt=" NOTIFY=NEVER")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("eve@elsewhere.example", "ben@shore.example",
                    make("of a stranger"))
    check(wait_until(lambda: notices(site, b"Action: delayed")),
          "a local sender hears that mail waits", site.queue())
    check(b"waits for link iridium" in notices(site)[0],
          "and what for", notices(site)[0])
    site.restart()
    time.sleep(4)
    equal(len(notices(site)), 1, "once, also over a kill")
    equal(len(site.queue()), 3, "nobody else is told anything")
    site.link_up("iridium", "20s")
    equal(len(peer.mails), 3, "and all of it goes")


def warned_of_a_mailbox():
    """One that is full: who can write to it over the table hears it."""
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9),
                           queue={"warn_after": "2s", "retry": ["1h"]})
    site.conf["local"]["quota"] = "4K"
    site.start()
    large = make("large", ("z" * 70 + "\r\n") * 80)
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for sender in ("ann@aurora.example.org", "eve@elsewhere.example"):
            client.mail(sender, "cap@aurora.example.org", large)
    check(wait_until(lambda: notices(site, b"Action: delayed")),
          "a sender here hears that it waits", site.queue())
    check(b"the mailbox is full" in notices(site)[0], "and why",
          notices(site)[0])
    time.sleep(3)
    equal(len(notices(site)), 1, "once")
    equal({r["recipient"] for r in site.queue()},
          {"cap@aurora.example.org"}, "and nobody else")


def told_of_a_better_link():
    world, site, peer = site_with(
        queue={"note_after": "2s"},
        links=[{"name": "iridium", "max_size": "1K"}])
    site.must("link", "up", "iridium")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example",
                    make("large", ("z" * 70 + "\r\n") * 50))
    check(wait_until(lambda: notices(site, b"too large for")),
          "the sender hears what it waits for", site.queue())
    time.sleep(3)
    equal(len(notices(site)), 1, "once")
    equal(peer.mails, [], "and nothing went")


def not_in_a_window():
    soon = datetime.datetime.now(datetime.timezone.utc) \
        + datetime.timedelta(hours=6)
    window = f"{soon:%H:%M}-" \
        f"{soon + datetime.timedelta(minutes=20):%H:%M}"
    world, site, _ = site_with(links=[{
        "name": "iridium", "peers": ["shore"],
        "dial": {"up": "/bin/false", "windows": [window]}}])
    reply = submit(world, "hopeless", " BY=600;R")
    equal((reply.code, reply.text[:5]), (550, "5.4.7"),
          "no window comes in time: refused")
    check("iridium" in reply.text, "it says which", reply)
    equal(submit(world, "patient", " BY=40000;R").code, 250,
          "with more time it is taken")
    equal(submit(world, "home", " BY=600;R",
                 to="cap@aurora.example.org").code, 250, "and local mail")


def by_a_batch():
    world, site, _ = site_with(routes=[
        {"match": "island.example", "folder": "/nowhere"},
        {"match": "*", "peers": ["shore"]}])
    for params, code in ((" BY=600;R", "5.3.3"), (" REQUIRETLS", "5.7.30")):
        reply = submit(world, "no", params, to="ben@island.example")
        equal((reply.code, reply.text.split()[0]), (550, code),
              f"{params.strip()} is refused where batches go")
    equal(submit(world, "yes", " BY=600;N", to="ben@island.example").code,
          250, "N is taken")


def late_without_a_clock():
    world, site, _ = site_with(["DELIVERBY"])
    submit(world, "patient", " BY=60;R")
    again(world, -int(time.time()) + 3600)
    time.sleep(1.5)
    equal(len(site.queue()), 1, "without a clock nothing returns")
    again(world, 120)
    check(wait_until(lambda: notices(site)), "with one it does")


# --- REQUIRETLS ---

def protected_on_the_way():
    world, site, peer = site_with(["REQUIRETLS"], peer_tls="required")
    equal(submit(world, "secret", " REQUIRETLS").code, 250, "taken")
    check("REQUIRETLS" in world.keywords, "and offered under TLS")
    with Smtp(site.port("submission")) as client:
        client.ehlo()
        check("REQUIRETLS" not in client.keywords, "not in clear")
    equal(site.link_up("iridium", "20s"), 0, "link up")
    equal(len(peer.mails), 1, "it goes")
    check("REQUIRETLS" in peer.mails[0].params, "and says so",
          peer.mails[0].params)


def peer_that_does_not_promise():
    world, site, peer = site_with(peer_tls="required")
    submit(world, "secret", " REQUIRETLS RET=FULL")
    submit(world, "open")
    site.link_up("iridium", "20s")
    check(wait_until(lambda: notices(site, b"Status: 5.7.30")),
          "a peer without REQUIRETLS gets none of it", site.queue())
    check(b"text/rfc822-headers" in notices(site)[0],
          "only its header returns")
    equal(len(peer.mails), 1, "other mail goes")


def peer_that_is_not_verified():
    world, site, peer = site_with(["REQUIRETLS"], peer_tls="required",
                                  entry={"verify": "none"})
    submit(world, "secret", " REQUIRETLS")
    site.link_up("iridium", "20s")
    check(wait_until(lambda: notices(site, b"Status: 5.7.30")),
          "nor does one that nobody verified", site.queue())
    equal(peer.mails, [], "nothing was sent")


run(held_and_set, by_and_set, retries_and_set, held_for_a_while, held_over_a_restart, released_by_a_person,
    holds_refused, returned_in_time, nobody_to_tell, passed_on, peer_wants_more_time,
    peer_without, told_that_it_is_late, warned_after_a_while,
    warned_of_a_mailbox, told_of_a_better_link, not_in_a_window, by_a_batch, late_without_a_clock,
    protected_on_the_way, peer_that_does_not_promise,
    peer_that_is_not_verified)
