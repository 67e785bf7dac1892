#!/usr/bin/env python3
"""The walls around the daemon (Landlock), and living within them."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

DOMAIN = "aurora.example.org"


def site(**conf):
    world = World()
    node = world.make_site(
        peer={}, peers=[], links=[], routes=[],
        listeners=[listener("lan", "smtp", "none")], **conf)
    node.world = world
    node.conf["local"] = {"domains": [DOMAIN],
                          "deliver": f"maildir:{world.dir}/mail/{{user}}"}
    node.conf["queue"] = {"retry": ["1h"]}
    os.mkdir(f"{world.dir}/mail")
    return node


def send(node, name, user="ann"):
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        equal(client.mail("eve@far.example", f"{user}@{DOMAIN}",
                          make(name)).code, 250, f"{name} is accepted")


def has_walls(node):
    """Is there Landlock in this kernel? Says so where not."""
    if node.status()["sandbox"].startswith("landlock "):
        return True
    equal(node.status()["sandbox"], "not available", "status says so")
    skip_part("this kernel has no Landlock")
    return False


def says_what_holds():
    node = site().start()
    equal(node.events("sandbox")[0]["is"], node.status()["sandbox"],
          "log and status agree")
    check(f"sandbox    {node.status()['sandbox']}" in
          node.must("status"), "for people, too")
    off = site(sandbox=False).start()
    equal(off.status()["sandbox"], "off", "as configured: off")
    check(not off.events("sandbox-path-missing"), "nothing is missed then")


def a_way_out():
    """A mailbox that leads elsewhere: what a daemon that was taken over, or
    tricked, could else write."""
    node = site()
    outside = f"{temp_dir()}/outside"
    os.mkdir(outside)
    os.symlink(outside, f"{node.world.dir}/mail/ann")
    node.start()
    if not has_walls(node):
        return
    send(node, "in")
    check(wait_until(lambda: [r["state"] for r in node.queue()] ==
                     ["deferred"], 20), "the mail waits", node.queue())
    reason = node.queue()[0]["reason"]
    check(f"(it leads to {outside}" in reason and "Permission denied" in
          reason, "and why", reason)
    equal(os.listdir(outside), [], "nothing was written there")
    send(node, "bob", "bob")
    check(wait_until(lambda: len(node.queue()) == 1, 20),
          "other mailboxes are as ever", node.queue())
    node.stop()
    node.conf["sandbox"] = False
    node.start()
    node.must("queue", "retry", "--all", "--yes")
    check(node.wait_queue_empty(), "without walls it goes there")
    check(os.listdir(outside), "indeed")


def another_folder():
    """A reload cannot have what was given up; it can have less."""
    node = site().start()
    walls = has_walls(node)
    node.restart()
    os.mkdir(f"{node.world.dir}/other")
    os.mkdir(f"{node.world.dir}/mail/inner")
    node.conf["local"]["deliver"] = \
        f"maildir:{node.world.dir}/mail/inner/{{user}}"
    node.reload()
    check(node.events("reloaded", now=True), "a folder beneath is taken",
          node.events(now=True))
    send(node, "inner")
    check(node.wait_queue_empty(), "mail goes there", node.queue())
    if not walls:
        return
    node.conf["local"]["deliver"] = f"maildir:{node.world.dir}/other/{{user}}"
    node.reload()
    why = node.events("reload-refused", now=True)[-1]["why"]
    check("local.deliver" in why and "/other" in why and
          "start tidepostd anew" in why, "one beside is refused plainly", why)
    send(node, "still")
    check(node.wait_queue_empty(), "the old one still works", node.queue())
    equal(len(os.listdir(f"{node.world.dir}/mail/inner/ann/new")), 2, "both")
    node.restart()
    send(node, "other")
    check(node.wait_queue_empty(), "a new start has it", node.queue())
    equal(len(os.listdir(f"{node.world.dir}/other/ann/new")), 1, "there")
    node.conf["sandbox"] = False
    node.reload()
    check("sandbox changed" in
          node.events("reload-refused", now=True)[-1]["why"],
          "nobody gets out by a reload")


def files_replaced():
    """Editors and renewals put another file in place of the old one."""
    world = World()
    shore = world.make_shore().start()
    shore.restart()
    world.add_customer()
    cert = shore.conf["tls"]["certificate"]
    key = shore.conf["tls"]["key"]
    for path in (cert, key, shore.file):
        shutil.copy(path, path + ".new")
        os.chmod(path + ".new", 0o600)
        os.rename(path + ".new", path)
    shore.reload()
    check(shore.events("reloaded", now=True), "all are read again",
          shore.events(now=True))
    made = world.make_site().start()
    with Smtp(made.port("lan")) as client:
        client.ehlo()
        client.mail(f"ann@{DOMAIN}", "ben@shore.example", make("tls"))
    equal(made.link_up("iridium"), 0, "and TLS works")


def stick():
    """A folder for batches that is not there at the start."""
    node = site()
    folder = f"{node.world.dir}/stick"
    node.conf["routes"] = [{"match": "far.example", "folder": folder}]
    node.conf["relay"] = {"networks": ["127.0.0.0/8"]}
    node.start()
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        client.mail(f"ann@{DOMAIN}", "ben@far.example", make("stick"))
    check(wait_until(lambda: node.events("batch-waits"), 20), "it waits")
    os.mkdir(folder)
    node.must("queue", "retry", "--all", "--yes")
    check(node.wait_queue_empty(60), "once it is there it is filled",
          node.queue())


def new_mailboxes():
    """The folder of mailboxes itself is made with the first one."""
    node = site()
    os.rmdir(f"{node.world.dir}/mail")
    node.start()
    send(node, "first")
    check(node.wait_queue_empty(), "it is delivered", node.queue())
    equal(os.listdir(f"{node.world.dir}/mail"), ["ann"], "into a new folder")


def in_the_root():
    """No rule is for the root directory; that it is there is no help."""
    node = site()
    node.conf["local"]["deliver"] = "maildir:/{user}-of-tidepost"
    node.start()
    if not has_walls(node):
        return
    missing = node.events("sandbox-path-missing")
    check(len(missing) == 1 and missing[0]["path"] == "/" and
          "root directory" in missing[0]["why"], "the log says why", missing)
    check("out of the daemon's reach" in node.must("check"),
          "and so does check")
    send(node, "waits")
    check(wait_until(lambda: [r["state"] for r in node.queue()] ==
                     ["deferred"], 20), "its mail waits", node.queue())


run(says_what_holds, in_the_root, a_way_out, another_folder, files_replaced,
    stick, new_mailboxes)
