#!/usr/bin/env python3
"""Certificates nobody vouches for: what is told, and who may accept them."""

import hashlib
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *


def key_of(certificate):
    """The digest of its public key, as the openssl program finds it."""
    pem = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey",
                          "-noout"], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"],
                         input=pem, capture_output=True, check=True).stdout
    return "sha256:" + hashlib.sha256(der).hexdigest()


def stranger(folder, name, *hosts, **how):
    """A certificate of an authority that the site does not know."""
    return Authority(f"{folder}/{name}").issue(name, *hosts, **how)


def scene(**conf):
    world = World()
    pair = stranger(world.dir, "one", "mail.shore.example")
    peer = Peer(context=server_context(*pair), auth=False)
    site = world.make_site(peer=world.peer(
        submission=peer.port, user=None, password_file=None, collect="none",
        collect_port=None, **conf)).start()
    return world, peer, site, key_of(pair[0])


def hand_in(site, name):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        equal(client.mail("ann@aurora.example.org", ["ben@shore.example"],
                          make(name)).code, 250, f"{name} is accepted")


def call(site):
    site.link_down("iridium")
    return site.link_up("iridium")


def show(site):
    return site.rows("peer", "show", "shore")[0]


def accepted():
    world, peer, site, key = scene()
    equal(site.cli("peer", "trust", "shore").returncode, 65,
          "nothing was seen yet: 65")
    equal(site.cli("peer", "trust", "other").returncode, 65, "no such peer: 65")
    hand_in(site, "one")
    equal(call(site), 14, "an unknown authority: 14")
    said = site.last.stdout + site.last.stderr
    check("not trusted" in said and key in said
          and "tidepost peer trust shore" in said,
          "what is wrong, what came, and what accepts it", said)
    check(wait_until(lambda: key in (site.queue()[0]["reason"] or "")),
          "so says what waits", site.queue())
    equal(site.queue()[0]["attempts"], 0, "that is no attempt")
    check(wait_until(lambda: show(site)["fingerprint"] == key),
          "peer show has the key", show(site))
    equal(show(site)["trusted"], False, "nobody accepted it")
    check(show(site)["certificate_ends"].startswith("2049-12-31"),
          "and how long it is good", show(site))

    said = site.must("peer", "trust", "shore")
    equal(said, f"shore: the key {key} is accepted\n", "it is accepted")
    check(wait_until(lambda: len(peer.mails) == 1),
          "what waits goes at once")
    equal(show(site)["trusted"], True, "peer show says so")

    other = stranger(world.dir, "two", "mail.shore.example")
    peer.context = server_context(*other)
    hand_in(site, "two")
    equal(call(site), 14, "another key is another stranger: 14")
    check(wait_until(lambda: show(site)["fingerprint"] == key_of(other[0])),
          "the last seen is shown")
    equal(len(peer.mails), 1, "nothing was sent to it")


def for_a_time():
    world, peer, site, key = scene()
    hand_in(site, "one")
    equal(call(site), 14, "an unknown authority: 14")
    wait_until(lambda: show(site)["fingerprint"] == key)
    equal(site.cli("peer", "trust", "shore", "--until", "soon").returncode,
          64, "soon is no day: 64")
    site.stop()
    site.must("peer", "trust", "shore", "--until", "2048-05-01")
    equal(show(site)["trusted_until"], "2048-05-02T00:00:00Z",
          "accepted without the daemon, to the end of the day")
    site.start()
    equal(call(site), 0, "the mail goes")
    said = site.must("peer", "trust", "shore", "--until", "2020-01-01")
    check("no longer accepted" in said, "a day that is over takes it back",
          said)
    hand_in(site, "two")
    equal(call(site), 14, "also from who has a ticket: 14")
    equal(len(peer.mails), 1, "nothing was sent to it")


def pinned():
    """verify = a key: what came and what was expected is told."""
    wrong = "ab" * 32
    world, peer, site, key = scene(verify=f"sha256:{wrong}")
    hand_in(site, "one")
    equal(call(site), 14, "another key than the pinned one: 14")
    said = site.last.stdout + site.last.stderr
    check(wrong in said and key in said, "both are named", said)


run(accepted, for_a_time, pinned)
