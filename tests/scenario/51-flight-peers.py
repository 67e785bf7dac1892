#!/usr/bin/env python3
"""Many messages in flight to a peer that errs, closes, or says what is not so.

Nothing is lost, nothing comes twice untold, a refusal touches only its own
message, and a peer that does not match gets one message at a time.
"""
# limit: 300

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import sqlite3
import time

from peer import KEYWORDS, Raw
from turned import collect

COUNT = 10
DATA = tuple(k for k in KEYWORDS if k != "CHUNKING")
BOTH = (("CHUNKING", KEYWORDS), ("DATA", DATA))


def site_for(peer, patience="3s", **conf):
    world = World()
    return world.make_site(peer=world.peer(
        submission=peer.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None), limits={
            "stall_timeout": patience, "final_timeout": patience}, **conf).start()


def hand_in(site, count=COUNT, prefix="ben"):
    """All of a size, so they go in the order in which they came."""
    mails = []
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for i in range(count):
            octets = make(f"{prefix} {i:03}", "a line of it\r\n" * 30)
            reply = client.mail("ann@aurora.example.org",
                                f"{prefix}{i}@shore.example", octets)
            if reply.code != 250:
                raise AssertionError(reply)
            mails.append((reply.message_id, f"{prefix}{i}@shore.example"))
    return mails


def came(peer, to):
    return sum(to in mail.recipients for mail in peer.mails)


def drain(site, rounds=6):
    for _ in range(rounds):
        site.link_up("iridium", "20s")
        if not site.queue():
            return True
        site.link_down("iridium")
        time.sleep(1.1)
    return False


def verify(what, peer, site, mails):
    """All arrived; what came twice was told beforehand."""
    doubts = site.doubts()
    lost = [to for _, to in mails if came(peer, to) == 0]
    untold = [(to, came(peer, to)) for id_, to in mails
              if came(peer, to) - 1 > doubts.count(id_)]
    equal(lost, [], f"{what}: nothing is lost")
    equal(untold, [], f"{what}: nothing doubled untold")


def at_line(part, verdict):
    return lambda conn, line: verdict if part in line else None


def nth(number, verdict):
    """For the NUMBER-th time, all connections counted together."""
    seen = [0]

    def rule(conn, line):
        seen[0] += 1
        return verdict if seen[0] == number else None
    return rule


def attempts(site):
    return sorted(row["attempts"] for row in site.queue())


# --- refusals in the middle ---------------------------------------------------


def refusals():
    for name, keywords in BOTH:
        peer = Peer(auth=False, keywords=keywords, rules={
            "MAIL": nth(3, "451 4.3.0 not this one now"),
            # Those refused before come to none of the later steps.
            "RCPT": at_line("<ben4@", "550 5.1.1 nobody here"),
            "end": nth(5, "452 4.3.1 no room for it"),
        })
        site = site_for(peer, queue={"retry": ["1h"]})
        mails = hand_in(site)
        site.link_up("iridium")
        equal(peer.connections, 1, f"{name}: all over one connection")
        left = [row["recipient"] for row in site.queue()
                if row["recipient"].endswith("shore.example")]
        equal(sorted(left), [mails[2][1], mails[6][1]],
              f"{name}: 451 and 452 put off their own message only")
        equal([to for _, to in mails if not came(peer, to)],
              [mails[i][1] for i in (2, 4, 6)],
              f"{name}: all others were taken")
        notice = site.wait_mail("ann")[0]
        check(mails[4][1].encode() in notice, f"{name}: 550 returns its own",
              notice)
        equal(site.doubts(), [], f"{name}: nothing is in doubt")


def patient():
    """Who refused large ones is asked before the next goes."""
    peer = Peer(auth=False, rules={"RCPT": "450 4.2.1 not now"})
    site = site_for(peer, queue={"retry": ["1h"]})
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for i in range(COUNT):
            client.mail("ann@aurora.example.org", f"ben{i}@shore.example",
                        make(f"large {i}", "a line of it\r\n" * 25000))
    site.link_up("iridium")
    ahead = sum(line.startswith("BDAT") for line in peer.verbs)
    asked = sum(line.startswith("MAIL") for line in peer.verbs)
    equal(asked, COUNT, "each was tried")
    check(1 <= ahead < COUNT / 2, "few bodies went to nobody", ahead)


def one_mail(site, to, lines):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", to,
                            make(f"to {to}", "a line of it\r\n" * lines))
    equal(reply.code, 250, f"taken: {to}")


def known_refusals():
    """Who refused a recipient before is asked; the others go ahead."""
    dead = {"dead@shore.example"}

    def rcpt(conn, line):
        if any(to in line.lower() for to in dead):
            return "550 5.1.1 no such user"
        return None

    peer = Peer(auth=False, rules={"RCPT": rcpt})
    site = site_for(peer, links=[{"name": "iridium", "bit_rate": 2400,
                                  "rtt": "1800ms", "peers": ["shore"]}])

    def call(*to, lines=200):
        """BDATs and turn-arounds of a call with such mail."""
        for one in to:
            one_mail(site, one, lines)
        before = len(peer.verbs)
        equal(site.link_up("iridium"), 0, f"a call for {to}")
        site.must("link", "down", "iridium")
        check(site.wait_queue_empty(), "the queue is empty", site.queue())
        said = peer.verbs[before:]
        return (sum(line.startswith("BDAT") for line in said),
                site.rows("link", "history")[-1]["turnarounds"])

    bodies, turns = call("ben@shore.example", "dead@shore.example")
    equal(bodies, 2, "nothing is known: both bodies go ahead")
    site.kill()
    site.start()
    equal(call("eve@shore.example"), (1, turns), "another one goes ahead")
    bodies, more = call("dead@shore.example", "ben@shore.example")
    equal(bodies, 1, "the refused one is asked first, over restarts")
    equal(more, turns + 1, "for a turn")
    bodies, more = call("DEAD@shore.example", lines=4)
    equal((bodies, more), (1, turns), "a small body is cheaper than the turn")
    dead.clear()
    equal(call("dead@shore.example"), (1, turns + 1), "taken now: asked first")
    equal(call("dead@shore.example"), (1, turns), "then it goes ahead again")
    equal(len(peer.mails), 5, "each once")


def expires():
    """The days of trying of all are over in one flight."""
    for name, keywords in BOTH:
        peer = Peer(auth=False, keywords=keywords,
                    rules={"end": "452 4.2.2 full"})
        site = site_for(peer, queue={"retry": ["1s"], "expire_after": "2d"})
        mails = hand_in(site)
        shim = Shim(site.dir)
        for day in range(4):
            site.stop()
            site.start(shim.env(clock=day * 86400))
            site.link_up("iridium")
            if not any(row["recipient"].endswith("shore.example")
                       for row in site.queue()):
                break
        check(site.wait_queue_empty(), f"{name}: nothing is left",
              site.queue())
        notices = b"".join(site.mailbox("ann"))
        equal([to for _, to in mails if notices.count(
            f"Final-Recipient: rfc822; {to}".encode()) != 1], [],
              f"{name}: each returns to its sender, once")


def one_message_many_claims():
    """One of very many recipients is several transactions in flight."""
    peer = Peer(auth=False, keywords=KEYWORDS + ("LIMITS RCPTMAX=3",),
                rules={"RCPT": at_line("<u1@", "550 5.1.1 nobody")})
    site = site_for(peer)
    to = [f"u{i}@shore.example" for i in range(12)]
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        equal(client.mail("ann@aurora.example.org", to,
                          make("to all", "a line of it\r\n" * 6000)).code,
              250, "it is accepted")
    site.link_up("iridium")
    equal([a for a in to if came(peer, a) != 1], [to[1]],
          "all but the refused one have it once")
    notice = site.wait_mail("ann")[0]
    check(b"u1@shore" in notice and b"u10@shore" not in notice,
          "it is the refused one that is returned", notice)
    check(site.wait_queue_empty(), "nothing is left", site.queue())


# --- ends in the middle -------------------------------------------------------


def busy_now():
    """421 behind some: the rest goes on another connection, no attempt."""
    for name, keywords in BOTH:
        def rule(conn, line):
            return Raw(b"421 4.7.0 enough for one connection\r\n",
                       close=True) if conn.seen["MAIL"] > 4 else None

        peer = Peer(auth=False, keywords=keywords, rules={"MAIL": rule})
        site = site_for(peer)
        mails = hand_in(site)
        equal(site.link_up("iridium"), 0, f"{name}, 421: all moves")
        equal([came(peer, to) for _, to in mails], [1] * COUNT,
              f"{name}, 421: each once")
        equal(peer.connections, 3, f"{name}, 421: over three connections")
        equal((site.events("deferred"), site.doubts()), ([], []),
              f"{name}, 421: no attempt, no doubt")


def refused_at_once():
    """421 to the first: an attempt of that one only, and then a wait."""
    peer = Peer(auth=False, rules={
        "MAIL": Raw(b"421 4.7.0 go away\r\n", close=True)})
    site = site_for(peer, queue={"retry": ["1h"]})
    hand_in(site)
    check(site.link_up("iridium") not in (0, 15), "421 at once is told of")
    equal(attempts(site), [0] * (COUNT - 1) + [1], "one attempt, of the first")
    equal(peer.connections, 1, "and no more connections for now")


def closes_at_first():
    peer = Peer(auth=False, keywords=DATA, rules={"RCPT": CLOSE})
    site = site_for(peer, queue={"retry": ["1h"]})
    hand_in(site)
    site.link_up("iridium")
    equal(attempts(site), [0] * (COUNT - 1) + [1],
          "closed at the first: an attempt of that one only")
    equal(peer.connections, 1, "and no more connections for now")


def closes_after_each():
    for name, keywords in BOTH:
        def rule(conn, line):
            return Raw(b"250 2.0.0 taken\r\n", close=True)

        def end(conn, line):
            conn.peer.mails.append(conn.ending)
            return rule(conn, line)

        peer = Peer(auth=False, keywords=keywords, rules={"end": end})
        site = site_for(peer, queue={"retry": ["1s"]})
        mails = hand_in(site)
        check(drain(site), f"{name}, closes after each: all goes",
              site.queue())
        verify(f"{name}, closes after each", peer, site, mails)
        more = hand_in(site, COUNT, "eve")
        doubts = len(site.doubts())
        check(drain(site), f"{name}, closes after each: later ones, too",
              site.queue())
        equal([came(peer, to) for _, to in more], [1] * COUNT,
              f"{name}, closes after each: these once each")
        equal(len(site.doubts()), doubts,
              f"{name}, closes after each: in the end none is in doubt")


# --- replies that do not match ------------------------------------------------


class Watch:
    """Was BDAT sent before the reply to MAIL was there?"""

    def __init__(self):
        self.ahead = []

    def __call__(self, conn, line):
        time.sleep(0.05)
        conn.socket.setblocking(False)
        try:
            conn.pending += conn.socket.recv(65536)
        except OSError:
            pass
        conn.socket.setblocking(True)
        self.ahead.append(b"BDAT" in conn.pending)


def mismatch(what, rules):
    watch = Watch()
    peer = Peer(auth=False, rules={**rules, "MAIL": watch})
    site = site_for(peer, queue={"retry": ["1s"]})
    mails = hand_in(site)
    site.link_up("iridium", "20s")
    check(watch.ahead[0], f"{what}: the body went ahead")
    check(wait_until(lambda: site.events("careful")), f"{what}: it is seen")
    peer.rules.clear()
    peer.rules["MAIL"] = watch
    site.restart()
    check(wait_until(lambda: not peer.open), f"{what}: all octets are read")
    watch.ahead.clear()
    check(drain(site), f"{what}: later all goes", site.queue())
    verify(what, peer, site, mails)
    hand_in(site, 3, "eve")
    check(drain(site), f"{what}: and what comes then")
    check(watch.ahead and not any(watch.ahead),
          f"{what}: one message at a time, after a restart, too", watch.ahead)


def mismatches():
    twice = b"250 2.0.0 ok\r\n250 2.0.0 ok\r\n"
    for what, rules in (
            ("a reply twice", {"RSET": nth(3, Raw(twice))}),
            ("354 to RSET", {"RSET": nth(2, "354 go ahead")}),
            ("RSET refused", {"RSET": nth(2, "502 5.5.1 no")}),
            ("354 to MAIL", {"BDAT": "354 go", "end": nth(3, "354 go")}),
    ):
        run_part(mismatch, what, rules)


def left_out():
    """A reply is left out: every later one is taken for another."""
    peer = Peer(auth=False, rules={"RSET": nth(3, Raw(b""))})
    site = site_for(peer, queue={"retry": ["1s"]})
    mails = hand_in(site)
    check(drain(site), "a reply left out: all goes", site.queue())
    verify("a reply left out", peer, site, mails)


def late():
    """Replies that take their time, one after the other."""
    def rule(conn, line):
        time.sleep(0.3)

    for name, keywords in BOTH:
        peer = Peer(auth=False, keywords=keywords, rules={"end": rule})
        site = site_for(peer)
        mails = hand_in(site)
        equal(site.link_up("iridium", "30s"), 0, f"{name}, late: all moves")
        equal([came(peer, to) for _, to in mails], [1] * COUNT,
              f"{name}, late: each once")


# --- CHUNKING that is none ----------------------------------------------------


def no_bdat():
    for code in ("500 5.5.1 what", "502 5.5.1 not implemented"):
        for keywords in (KEYWORDS, tuple(k for k in KEYWORDS
                                         if k != "PIPELINING")):
            peer = Peer(auth=False, keywords=keywords, rules={"BDAT": code})
            peer.unknown.add("BDAT")
            site = site_for(peer)
            what = f"{code[:3]} to BDAT, {keywords[0]}"
            mails = hand_in(site)
            equal(site.link_up("iridium"), 0, f"{what}: all moves")
            equal([came(peer, to) for _, to in mails], [1] * COUNT,
                  f"{what}: each once, by DATA")
            equal((site.events("deferred"), site.doubts(),
                   site.mailbox("ann")), ([], [], []),
                  f"{what}: no attempt, no doubt, no notice")
            check(wait_until(lambda: site.events("careful")),
                  f"{what}: it is remembered")
            site.restart()
            peer.verbs.clear()
            hand_in(site, 2, "eve")
            site.link_up("iridium")
            check(peer.verbs and not any(v.startswith("BDAT")
                                         for v in peer.verbs),
                  f"{what}: BDAT is not tried again after a restart")


# --- customers ----------------------------------------------------------------


def provider(prefix):
    world = World()
    world.make_shore(queue={"retry": ["1s"]}).start()
    world.add_customer()
    to = [f"{prefix}{i}@aurora.example.org" for i in range(COUNT)]
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        for i, address in enumerate(to):
            reply = client.mail("eve@shore.example", address,
                                make(f"{prefix} {i:03}"))
            if reply.code != 250:
                raise AssertionError(reply)
    return world, to


def collected(calls, to):
    """How often each letter came; what the provider itself says is none."""
    return [sum(address in mail.recipients for call in calls
                for mail in call.mails if mail.sender) for address in to]


def call_until_empty(world, calls, **how):
    for _ in range(8):
        call = collect(world, **how)
        if call.reply.code == 453:
            return True
        calls.append(call)
        time.sleep(0.3)
    return False


def customer_without_bdat():
    world, to = provider("cap")
    calls = []
    check(call_until_empty(world, calls, unknown=["BDAT"],
                           rules={"BDAT": "502 5.5.1 no"}),
          "a customer without BDAT gets all")
    equal(collected(calls, to), [1] * COUNT, "each once")
    equal(len(calls), 2, "by its next call")
    equal((world.shore.doubts(), world.shore.events("failed")), ([], []),
          "no doubt, and nothing is returned")


def customer_that_errs():
    """Refusals in the middle, then 421: no message suffers by another."""
    world, to = provider("cap")
    calls = [collect(world, rules={
        "MAIL": nth(2, "452 4.3.1 no room"),
        "RCPT": at_line("<cap3@", "550 5.1.1 nobody here"),
        "end": nth(4, Raw(b"421 4.3.2 closing\r\n", close=True))})]
    taken = sum(collected(calls, to))
    equal(taken, 3, "it took what it did not refuse")
    time.sleep(1.2)
    check(call_until_empty(world, calls), "later all goes")
    equal([a for a, n in zip(to, collected(calls, to)) if n != 1],
          ["cap3@aurora.example.org"], "each once but the refused one")
    equal(world.shore.doubts(), [], "nothing is in doubt")


def customer_out_of_step():
    world, to = provider("cap")
    calls = [collect(world, rules={"RSET": nth(3, "354 eh")})]
    check(wait_until(lambda: world.shore.events("careful")), "it is seen")
    watch = Watch()
    check(call_until_empty(world, calls, rules={"MAIL": watch}),
          "later all goes")
    check(watch.ahead and not any(watch.ahead), "one at a time", watch.ahead)
    extra = sum(collected(calls, to)) - COUNT
    check(min(collected(calls, to)) == 1, "nothing is lost")
    check(0 <= extra <= len(world.shore.doubts()), "what is doubled is told",
          (extra, world.shore.doubts()))


# --- our own doing ------------------------------------------------------------


def stopped():
    """SIGTERM with all in flight: no attempt, the doubt is told."""
    peer = Peer(auth=False, rules={"end": STALL})
    site = site_for(peer, patience="60s")
    mails = hand_in(site)
    site.must("link", "up", "iridium")
    check(wait_until(lambda: any(c.seen.get("end") for c in list(peer.open))),
          "the first is there")
    time.sleep(0.3)
    site.stop()
    site.start()  # and it calls again
    equal(attempts(site), [0] * COUNT, "stopped: no attempt counts")
    site.link_down("iridium")
    peer.rules.clear()
    equal(site.link_up("iridium"), 0, "stopped: later all moves")
    verify("stopped", peer, site, mails)


def before_ready():
    """Mail that comes during the greeting waits for what the peer can do."""
    def slow(conn, line):
        time.sleep(1)

    peer = Peer(auth=False, rules={"EHLO": slow},
                keywords=KEYWORDS + ("LIMITS RCPTMAX=2",))
    site = site_for(peer)
    hand_in(site, 1)
    site.must("link", "up", "iridium")
    check(wait_until(lambda: "EHLO" in " ".join(peer.verbs)), "it calls")
    to = [f"u{i}@shore.example" for i in range(7)]
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", to, make("to all"))
    check(site.wait_queue_empty(), "all goes")
    equal([a for a in to if came(peer, a) != 1], [], "to each once")
    check(all(len(mail.recipients) <= 2 for mail in peer.mails),
          "as many recipients at a time as the peer said")


def body_gone():
    """A body that is damaged in the store is held; what is behind it goes."""
    for name, keywords in BOTH:
        peer = Peer(auth=False, keywords=keywords)
        site = site_for(peer)
        ids = []
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            for lines in (20, 20000, 20, 20000):
                reply = client.mail("ann@aurora.example.org",
                                    f"to{len(ids)}@shore.example",
                                    make(f"no {len(ids)}",
                                         "a line\r\n" * lines))
                ids.append(int(reply.message_id))
        site.stop()
        with sqlite3.connect(f"{site.dir}/spool/spool.db") as spool:
            # the only chunk of the first, the second one of the last
            for chunk in (ids[0] << 20, (ids[3] << 20) + 1):
                equal(spool.execute("DELETE FROM chunk WHERE id = ?",
                                    (chunk,)).rowcount, 1,
                      f"{name}: a piece of a body is taken away")
        spool.close()
        site.start()
        check(wait_until(lambda: drain_once(site) or len(peer.mails) == 2),
              f"{name}: the others go")
        equal(sorted(r for m in peer.mails for r in m.recipients),
              ["to1@shore.example", "to2@shore.example"], f"{name}: just these")
        check(wait_until(lambda: [r["state"] for r in site.queue()]
                         == ["held"] * 2), f"{name}: the damaged ones are held",
              site.queue())
        check(all("spool check" in r["reason"] for r in site.queue()),
              f"{name}: and say why", site.queue())


def drain_once(site):
    site.link_up("iridium", "20s")
    site.link_down("iridium")


run(refusals, known_refusals, expires, patient, one_message_many_claims, busy_now, refused_at_once,
    closes_at_first, closes_after_each, mismatches, left_out, late, no_bdat,
    customer_without_bdat, customer_that_errs, customer_out_of_step, stopped,
    before_ready, body_gone)
