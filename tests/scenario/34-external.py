#!/usr/bin/env python3
"""A node logs in with its certificate (AUTH EXTERNAL, RFC 4422 A)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

CUSTOMER = "aurora.example.org"
NOTHING = {"user": None, "password_file": None}


def make_shore(world, asks=True):
    shore = world.make_shore()
    if asks:
        shore.conf["tls"]["client_ca_file"] = world.ca.file
    shore.start()
    world.add_customer()
    return shore


def make_site(world, files, **peer):
    certificate, key = files
    site = world.make_site(peer=world.peer(
        certificate=certificate, key=key, **peer))
    return site.start()


def send(node, sender, to, octets):
    with Smtp(node.port("smtp" if node.name == "shore" else "lan")) as client:
        client.ehlo()
        return client.mail(sender, to, octets).code


def both_ways(world, name):
    """One message each way in one call."""
    out, home = make(f"out {name}"), make(f"home {name}")
    equal(send(world.site, f"ann@{CUSTOMER}", f"{name}@shore.example", out),
          250, f"{name}: a message to the shore")
    equal(send(world.shore, "eve@shore.example", f"{name}@{CUSTOMER}", home),
          250, f"{name}: a message to the site")
    equal(world.site.link_up("iridium"), 0, f"{name}: the call: 0")
    equal(len(world.shore.wait_mail(name)), 1, f"{name}: the shore has its")
    equal(len(world.site.wait_mail(name)), 1, f"{name}: the site has its")
    world.site.link_down("iridium")


def by_certificate():
    """No password anywhere: pushing and collecting, and again with the TLS
    session of before."""
    world = World()
    make_shore(world)
    make_site(world, world.ca.issue("client", "aurora"), **NOTHING)
    for name in ("first", "second", "third"):
        both_ways(world, name)
    logins = world.shore.events("authenticated")
    check(logins and {e["account"] for e in logins} == {"aurora"},
          "logged in as the certificate's name", logins)


def before_a_password():
    """The one in the file is wrong, and is not asked for."""
    world = World()
    make_shore(world)
    wrong = secret_file(world.dir, "wrong.secret", "wrong")
    make_site(world, world.ca.issue("client", "aurora"),
              password_file=wrong)
    both_ways(world, "both")
    check(not world.shore.events("auth-failed"), "no password was tried")


def not_asked_for():
    """A peer without EXTERNAL gets the password, or nothing."""
    world = World()
    make_shore(world, asks=False)
    site = make_site(world, world.ca.issue("client", "aurora"))
    both_ways(world, "password")
    site.stop()
    for key in NOTHING:
        del site.conf["peers"][0][key]
    site.start()
    equal(site.link_up("iridium"), 14, "without a password: 14")


def refused():
    world = World()
    make_shore(world)
    site = make_site(world, world.ca.issue("nobody", "nobody"), **NOTHING)
    site.restart()  # the ports are in its file now, and a reload keeps them
    equal(site.link_up("iridium"), 14, "a certificate of nobody: 14")
    check(world.shore.events("auth-failed"), "the shore says so")
    site.link_down("iridium")
    certificate, key = world.ca.issue("client", "aurora")
    site.conf["peers"][0].update(certificate=certificate, key=key)
    site.reload()
    both_ways(world, "renewed")


def bad_files():
    world = World()
    make_shore(world)
    good = world.ca.issue("client", "aurora")
    other = world.ca.issue("other", "other")
    site = make_site(world, good, **NOTHING)
    peer = site.conf["peers"][0]
    site.stop()
    rows = (
        ({"key": None}, 78, "peers.key is not"),
        ({"certificate": None}, 78, "peers.certificate is not"),
        ({"certificate": "/no/such.pem"}, 0, "there is no file /no/such.pem"),
        ({"tls": "none"}, 0, "nobody sees it without TLS"),
    )
    for changes, status, text in rows:
        site.conf["peers"][0] = {k: v for k, v in {**peer, **changes}.items()
                                 if v is not None}
        site.write_conf()
        done = site.cli("check")
        check(done.returncode == status and text in done.stdout,
              f"check: {text}", f"{done.returncode} {done.stdout}")
    os.chmod(good[1], 0o644)
    site.conf["peers"][0] = peer
    site.write_conf()
    check("chmod o-r" in site.cli("check").stdout,
          "check: a key that all can read")
    os.chmod(good[1], 0o600)
    peer["key"] = other[1]
    site.launch()
    equal(site.wait_exit(), 78, "a key of another certificate: no start")
    check("does not belong to the certificate" in site.log_text()
          and "peer shore" in site.log_text(), "and it is said which",
          site.log_text()[-300:])


run(by_certificate, before_a_password, not_asked_for, refused, bad_files)
