#!/usr/bin/env python3
"""The hosts of a peer: in order, the last good address, and "no link"."""

import os
import socket
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

DEAD = "127.0.0.77"  # nobody listens there
NAMELESS = "mail.shore.invalid"


def site_for(hosts, port, **limits):
    world = World()
    return world.make_site(
        peer=world.peer(submission=port, host=hosts, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None),
        limits=limits)


def hand_in(site, name):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        equal(client.mail("ann@aurora.example.org", ["ben@shore.example"],
                          make(name)).code, 250, f"{name} is accepted")


def sessions(site):
    """What is kept of past sessions, and how they ended."""
    spool = sqlite3.connect(f"file:{site.dir}/spool/spool.db?mode=ro",
                            uri=True)
    rows = [row[0] for row in spool.execute(
        "SELECT result FROM session WHERE link = 'iridium'")]
    spool.close()
    return rows


def refusing():
    """The first host refuses connections: the second has the mail."""
    peer = Peer(auth=False)
    site = site_for([DEAD, "127.0.0.1"], peer.port).start()
    hand_in(site, "refused")
    equal(site.link_up("iridium"), 0, "the second host takes the mail")
    equal(len(peer.mails), 1, "once")
    told = site.events("unreachable")
    equal([e["host"] for e in told], [DEAD], "the log names the first host")
    check(wait_until(lambda: site.rows("peer", "show", "shore")[0]["address"]
                     == "127.0.0.1"),
          "the address that served is remembered")


def turned_away():
    """A host that answers 421 serves nobody now: the next one is asked."""
    first = Peer(auth=False, rules={"greeting": "421 4.3.2 closed today"})
    site = site_for([DEAD, "127.0.0.1"], first.port)
    site.start()
    hand_in(site, "421")
    equal(site.link_up("iridium"), 13, "both refuse: 13")
    check("closed today" in site.last.stdout + site.last.stderr,
          "and the last words of a host are told", site.last)
    row = site.queue()[0]
    equal(row["attempts"], 0, "that is no attempt")


def hanging():
    """The first host takes no connection; the second one takes the mail."""
    peer = Peer(auth=False)
    full = socket.socket()
    full.bind((DEAD, peer.port))
    full.listen(0)
    fillers = []
    for _ in range(8):  # until its queue is full
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex((DEAD, peer.port))
        fillers.append(filler)
    site = site_for([DEAD, "127.0.0.1"], peer.port,
                    stall_timeout="2s").start()
    hand_in(site, "hung")
    equal(site.link_up("iridium"), 0, "the second host takes the mail")
    equal(len(peer.mails), 1, "once")
    for sock in fillers + [full]:
        sock.close()


def silent():
    """The first host takes the connection and never greets."""
    peer = Peer(auth=False)
    mute = socket.create_server((DEAD, peer.port))
    at_end(mute.close)
    site = site_for([DEAD, "127.0.0.1"], peer.port,
                    stall_timeout="2s").start()
    hand_in(site, "no greeting")
    equal(site.link_up("iridium"), 0, "the second host takes the mail")
    equal(len(peer.mails), 1, "once")


def no_link():
    """Names that do not resolve: nothing is counted, everything is told."""
    site = site_for([NAMELESS, "mail2.shore.invalid"], 2525).start()
    hand_in(site, "nowhere")
    equal(site.link_up("iridium"), 13, "no host can be reached: 13")
    row = site.queue()[0]
    equal(row["attempts"], 0, "that is no attempt")
    equal(row["state"], "ready", "the mail is not deferred")
    check(wait_until(lambda: "no link: shore cannot be reached"
                     in (site.queue()[0]["reason"] or "")),
          "the reason says so", site.queue())
    reason = site.queue()[0]["reason"]
    check(NAMELESS in reason and "mail2.shore.invalid" in reason,
          "and names both hosts", reason)
    check(wait_until(lambda: sessions(site)), "the history has a row")
    check(NAMELESS in sessions(site)[0], "and says why", sessions(site))


def remembered():
    """No name server: the address that served last is tried first."""
    peer = Peer(auth=False)
    site = site_for([NAMELESS, "127.0.0.1"], peer.port).start()
    hand_in(site, "one")
    equal(site.link_up("iridium"), 0, "the second host takes the mail")
    site.stop()
    # As if the name had resolved then.
    spool = sqlite3.connect(f"{site.dir}/spool/spool.db")
    rows = spool.execute("SELECT value FROM meta WHERE key = 'host:shore'")
    equal(bytes(rows.fetchone()[0]).decode(), "127.0.0.1 127.0.0.1",
          "host and address are kept")
    with spool:
        spool.execute("UPDATE meta SET value = ? WHERE key = 'host:shore'",
                      (f"{NAMELESS} 127.0.0.1".encode(),))
    spool.close()
    site.conf["peers"][0]["host"] = [NAMELESS, DEAD]
    site.start()
    site.link_down("iridium")
    hand_in(site, "two")
    equal(site.link_up("iridium"), 0, "reached without a name server")
    equal(len(peer.mails), 2, "it has both")
    check(site.events("address-remembered", now=True), "the log says how")
    check(all(e["host"] != DEAD for e in site.events("unreachable", True)),
          "before the other hosts", site.events("unreachable", True))


run(refusing, turned_away, hanging, silent, no_link, remembered)
