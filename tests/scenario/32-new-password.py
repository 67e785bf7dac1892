#!/usr/bin/env python3
"""A new password: the old one stays valid until the new was used once."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import base64
import shutil

from bound import Openssl

OLD, NEW, LATEST = "old-secret", "new-secret", "latest-secret"
STAYS = "stays valid until the new one is used"


def secured(shore):
    client = Smtp(shore.port("submission"))
    client.ehlo()
    client.starttls(client_context())
    client.ehlo()
    return client


def by_plain(shore, name, password):
    with secured(shore) as client:
        return client.auth_plain(name, password).code


def by_login(shore, name, password):
    with secured(shore) as client:
        client.cmd("AUTH LOGIN")
        for text in (name, password):
            reply = client.cmd(base64.b64encode(text.encode()).decode())
        return reply.code


def by_cram_md5(shore, name, password):
    with secured(shore) as client:
        return client.auth_cram_md5(name, password).code


def by_scram(shore, name, password):
    with secured(shore) as client:
        return client.auth_scram(name, password).code


def by_plus(shore, name, password):
    with Openssl(shore.port("submission")) as client:
        client.cmd("EHLO client.example")
        return int(client.auth_plus(name, password)[:3])


WAYS = {"plain": by_plain, "login": by_login, "cram-md5": by_cram_md5,
        "scram": by_scram}
if shutil.which("openssl"):
    WAYS["scram-plus"] = by_plus


def passwd(shore, name, password, *more, kind="customer"):
    return shore.must(kind, "passwd", name, "--password-stdin", *more,
                      text=password + "\n")


def shore_with_all():
    """A customer for every mechanism, named as it, who has it."""
    shore = World().make_shore()
    for entry in shore.conf["listeners"]:
        entry["channel_binding"] = True
    shore.start()
    for name in WAYS:
        shore.must("customer", "add", name, "--domain", f"{name}.example",
                   "--cram-md5", "--password-stdin", text=OLD + "\n")
    return shore


def expect(shore, name, said, way=None, **codes):
    for password, code in codes.items():
        text = {"old": OLD, "new": NEW, "latest": LATEST}[password]
        equal((way or WAYS[name])(shore, name, text), code,
              f"{name}: {said}: the {password} one: {code}")


def every_mechanism():
    """Before the change, during it, after a restart, and after its end."""
    shore = shore_with_all()
    for name in WAYS:
        check(STAYS in passwd(shore, name, NEW), f"{name}: passwd tells")
        expect(shore, name, "changed", old=235)
        expect(shore, name, "changed", old=235, latest=535)
    shore.restart()
    for name in WAYS:
        expect(shore, name, "after a restart", old=235, latest=535, new=235)
        expect(shore, name, "used", old=535, new=235)
        for other in WAYS:
            expect(shore, name, f"used, by {other}", WAYS[other], old=535)
    shore.restart()
    for name in WAYS:
        expect(shore, name, "used, after a restart", old=535, new=235)


def across_mechanisms():
    """What the first login was by does not matter."""
    shore = shore_with_all()
    for name in WAYS:
        passwd(shore, name, NEW)
        for other in WAYS:
            expect(shore, name, f"changed, by {other}", WAYS[other], old=235)
        expect(shore, name, "the first use", new=235)
        for other in WAYS:
            expect(shore, name, f"used, by {other}", WAYS[other], old=535,
                   new=235)


def twice():
    shore = shore_with_all()
    for name in WAYS:
        passwd(shore, name, NEW)
        passwd(shore, name, LATEST)
        expect(shore, name, "changed twice", new=535, old=235, latest=235)
        expect(shore, name, "changed twice and used", new=535, old=535,
               latest=235)


def at_once():
    shore = shore_with_all()
    for name in WAYS:
        said = passwd(shore, name, NEW, "--now")
        check(STAYS not in said, f"{name}: --now tells no such thing", said)
        expect(shore, name, "changed at once", old=535, new=235)
    passwd(shore, "plain", LATEST)
    passwd(shore, "plain", OLD, "--now")
    expect(shore, "plain", "--now ends both", new=535, latest=535, old=235)


def with_the_daemon_down():
    shore = shore_with_all()
    shore.must("user", "add", "ben", "--password-stdin", text=OLD + "\n")
    shore.stop()
    for name in WAYS:
        check(STAYS in passwd(shore, name, NEW), f"{name}: passwd tells")
    check(STAYS in passwd(shore, "ben", NEW, kind="user"), "ben: it tells")
    shore.start()
    for name in WAYS:
        expect(shore, name, "changed on the spool", old=235, new=235)
        expect(shore, name, "and used", old=535, new=235)
    expect(shore, "ben", "a user's", by_scram, old=235, new=235)
    expect(shore, "ben", "and used", by_scram, old=535, new=235)
    shore.stop()
    for name in WAYS:
        passwd(shore, name, LATEST, "--now")
    shore.start()
    for name in WAYS:
        expect(shore, name, "at once, on the spool", new=535, latest=235)


def first_password():
    """There is no old one: straight into its place."""
    shore = World().make_shore().start()
    shore.must("customer", "add", "bare", "--domain", "bare.example")
    passwd(shore, "bare", NEW)
    passwd(shore, "bare", LATEST)
    expect(shore, "bare", "the second waits for its use", by_scram, new=235,
           latest=235)
    expect(shore, "bare", "and then is the only one", by_scram, new=535)


def killed():
    """What 235 was said to is on the disk."""
    shore = shore_with_all()
    for name in WAYS:
        passwd(shore, name, NEW)
        expect(shore, name, "the first use", new=235)
        shore.restart()
        expect(shore, name, "killed behind it", old=535, new=235)


run(every_mechanism, across_mechanisms, twice, at_once, with_the_daemon_down,
    first_password, killed)
