#!/usr/bin/env python3
"""The 250 to a message is sent after its commit reached the disk."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import time

SYNCS = ("fsync-done", "fdatasync-done")
SENDS = ("send", "sendmsg", "write", "writev", "ssl-write")


def first(steps, condition, start=0):
    for i in range(start, len(steps)):
        if condition(steps[i]):
            return i
    return None


def judge(steps, way):
    """In the steps since the last octet of the message was sent."""
    reply = first(steps, lambda s: s.operation in SENDS
                  and s.octets.startswith("250 2.0.0 Ok: queued"))
    wrote = first(steps, lambda s: s.operation in ("pwrite", "write")
                  and s.path.endswith("spool.db-wal"))
    check(reply is not None, f"{way}: the reply was seen", steps)
    check(wrote is not None, f"{way}: the write to the spool was seen", steps)
    if reply is None or wrote is None:
        return
    # The last page of the commit, then the sync, then the reply.
    sync = first(steps, lambda s: s.operation in SYNCS
                 and s.path.endswith("spool.db-wal"), wrote)
    check(sync is not None and wrote < sync < reply,
          f"{way}: written, synced, then 250", steps)
    if sync is not None:
        late = [s for s in steps[sync:reply]
                if s.operation == "pwrite" and s.path.endswith("-wal")]
        print(f"# {way}: {len(steps)} steps, {len(late)} writes between sync"
              " and reply")


def all_but_the_end(client, octets, way):
    """Sends a message up to its last octets; returns those."""
    client.envelope("ann@aurora.example.org", ["ben@shore.example"])
    if way == "DATA":
        client.cmd("DATA")
        text = stuff(octets)
        client.send(text[:-3])
        return text[-3:]
    client.send(f"BDAT {len(octets)} LAST\r\n".encode() + octets[:-1])
    return octets[-1:]


def order():
    world = World()
    shim = Shim(world.dir)
    site = world.make_site(peer=world.peer(submission=9, odmr=9))
    site.start(shim.env())
    for tls in (False, True):
        for way in ("DATA", "BDAT"):
            for size in (1, 3000):
                name = f"{way}{' under TLS' if tls else ''}, {size} lines"
                with Smtp(site.port("lan")) as client:
                    client.ehlo()
                    if tls:
                        client.starttls(world.client_tls)
                        client.ehlo()
                    octets = make(name, "some words of this letter\r\n" * size)
                    end = all_but_the_end(client, octets, way)
                    time.sleep(0.3)  # all that was sent has been dealt with
                    shim.forget()
                    client.send(end)
                    equal(client.reply().code, 250, f"{name}: accepted")
                    judge(shim.steps(), name)
    site.stop()


def sudden_end():
    """Killed the moment the reply is handed to the kernel: it is kept."""
    world = World()
    shim = Shim(world.dir)
    site = world.make_site(peer=world.peer(submission=9, odmr=9)).start()
    for operation in ("send", "write"):
        site.restart(shim.env(kill=f"after:{operation}:queued as:1"))
        before = len(site.queue())
        code = 0
        try:
            with Smtp(site.port("lan")) as client:
                client.ehlo()
                code = client.mail("ann@aurora.example.org",
                                   "ben@shore.example", make("sudden")).code
        except Closed:
            pass
        if code == 250 and not wait_until(lambda: not site.is_running(), 1):
            continue  # replies go out by another call
        site.restart()
        equal(len(site.queue()), before + 1,
              f"killed right after the {operation} of 250: it is there")
        return
    check(False, "the reply was sent by a call the shim knows")


run(order, sudden_end)
