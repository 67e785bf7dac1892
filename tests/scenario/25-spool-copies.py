#!/usr/bin/env python3
"""spool backup, restore, vacuum: copies that are whole, also when killed."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import sqlite3
import stat
import subprocess
import tarfile
import threading
import time

USAGE, UNKNOWN, DAEMON_RUNS, DAMAGED = 64, 65, 69, 74
KILLS = 8


def fresh():
    world = World()
    return world.make_site(peer=world.peer(submission=9, odmr=9))


def send(site, count=1, name="letter", size=None):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        ids = []
        for i in range(count):
            reply = client.mail("ann@aurora.example.org", ["ben@shore.example"],
                                make(f"{name}{i}", **(size or {})))
            equal(reply.code, 250, "accepted")
            ids.append(reply.message_id)
    return ids


def spool_of(site):
    return site.conf["spool"].split(":", 1)[1]


def ids_of(file):
    """The messages in a spool file that nobody has open."""
    with sqlite3.connect(f"file:{file}?immutable=1", uri=True) as db:
        equal(db.execute("PRAGMA integrity_check").fetchone(), ("ok",),
              "the file is whole")
        return {str(row[0]) for row in db.execute("SELECT id FROM message")}


def states(site):
    return {row["id"].split(".")[0]: row["state"] for row in site.queue()}


def way_back():
    site = fresh().start()
    early = send(site, 3)
    site.must("user", "add", "cook", "--password-stdin", text="fish\n")
    site.must("queue", "hold", early[0])
    copy = f"{site.dir}/copy"
    running = threading.Thread(target=send, args=(site, 20, "meanwhile"))
    running.start()
    site.must("spool", "backup", copy)
    running.join()
    equal(stat.S_IMODE(os.stat(copy).st_mode), 0o600, "nobody else reads it")
    check(set(early) <= ids_of(copy), "the copy has what was there", copy)
    inside = ids_of(copy)
    late = send(site)[0]
    done = site.cli("spool", "restore", copy, "--yes")
    equal(done.returncode, DAEMON_RUNS, "refused while the daemon runs")
    site.stop()
    done = site.cli("spool", "restore", copy)
    check(done.returncode == USAGE and "--yes" in done.stderr,
          "not over a spool without --yes", done.stderr)
    check(late in states(site), "nothing was changed")
    done = site.cli("spool", "restore", copy, "--yes")
    equal((done.returncode, done.stderr), (0, ""), "restored")
    check(f"{len(inside)} deliveries are held" in done.stdout
          or f"{len(inside) - 1} deliveries are held" in done.stdout,
          "it says how many are held", done.stdout)
    equal(states(site), {i: "held" for i in inside},
          "what waited comes back held, what came later is gone")
    equal([u["name"] for u in site.rows("user", "list")], ["cook"],
          "users come back")
    equal(sorted(n for n in os.listdir(os.path.dirname(spool_of(site)))
                 if "restore" in n), [], "nothing is left behind")
    site.must("spool", "check")
    site.start()
    new = int(send(site)[0])
    check(new > int(late), "no id is used twice", (new, late))
    site.must("queue", "release", early[1])
    equal(states(site)[early[1]], "ready", "released, it may go")


def new_machine():
    """Where no spool is: no question."""
    site = fresh().start()
    name = send(site)[0]
    copy = f"{site.dir}/copy"
    site.must("spool", "backup", copy)
    done = site.cli("spool", "backup", copy)
    check(done.returncode == USAGE and "--yes" in done.stderr,
          "an earlier copy stays, without --yes", done.stderr)
    site.must("spool", "backup", "--yes", copy)
    site.stop()
    site.conf["spool"] = f"sqlite:{site.dir}/other/spool.db"
    site.write_conf()
    site.must("spool", "restore", copy)
    equal(states(site), {name: "held"}, "restored where nothing was")


def node():
    """With configuration and secrets: a tar that tar can read."""
    site = fresh().start()
    name = send(site)[0]
    copy = f"{site.dir}/node.tar"
    site.must("spool", "backup", "--node", copy)
    site.stop()
    equal(stat.S_IMODE(os.stat(copy).st_mode), 0o600, "nobody else reads it")
    equal([n for n in os.listdir(site.dir) if n.startswith("node.tar")],
          ["node.tar"], "nothing beside it")
    with tarfile.open(copy) as tar:
        names = tar.getnames()
        equal(names[0], "spool.db", "the spool is first")
        for file in (site.file, site.conf["tls"]["certificate"],
                     site.conf["tls"]["key"],
                     site.conf["peers"][0]["password_file"]):
            with open(file, "rb") as stream:
                equal(tar.extractfile(file[1:]).read(), stream.read(),
                      f"{os.path.basename(file)} is in it")
            equal(tar.getmember(file[1:]).mode,
                  stat.S_IMODE(os.stat(file).st_mode), "with its rights")
    site.conf["spool"] = f"sqlite:{site.dir}/other/spool.db"
    site.write_conf()
    site.must("spool", "restore", copy)
    equal(states(site), {name: "held"}, "restored from the archive")
    with open(copy, "rb") as stream:
        octets = stream.read()
    with open(copy, "wb") as stream:
        stream.write(octets[:20000])
    done = site.cli("spool", "restore", "--yes", copy)
    check(done.returncode != 0 and states(site) == {name: "held"},
          "one that was cut is refused", done.stderr)


def bad_files():
    site = fresh().start()
    name = send(site)[0]
    copy = f"{site.dir}/copy"
    site.must("spool", "backup", copy)
    site.stop()
    with open(copy, "rb") as stream:
        octets = stream.read()
    with sqlite3.connect(f"{site.dir}/other.db") as db:
        db.execute("CREATE TABLE t (x)")
    bad = {"empty": b"", "text": b"not a spool\n" * 1000,
           "cut": octets[:len(octets) // 2], "scribbled":
           octets[:8192] + bytes(8192) + octets[16384:]}
    for what, content in bad.items():
        with open(f"{site.dir}/{what}", "wb") as stream:
            stream.write(content)
    for what in (*bad, "other.db", "missing", "."):
        done = site.cli("spool", "restore", "--yes", f"{site.dir}/{what}")
        check(done.returncode in (UNKNOWN, DAMAGED)
              and done.stderr.startswith("tidepost: "),
              f"restore refused: {what}", (done.returncode, done.stderr))
        equal(states(site), {name: "ready"}, "and the spool is as it was")
    done = site.cli("spool", "backup", f"{site.dir}/none/copy")
    check(done.returncode != 0 and "none/copy" in done.stderr,
          "a folder that is not there", done.stderr)


def killed_at(site, after_s, *words):
    process = subprocess.Popen(
        [CLI, "-c", site.file, *words], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(after_s)
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True


def duration(site, *words):
    began = time.monotonic()
    site.must(*words)
    return time.monotonic() - began


def killed():
    """At any moment: the old or the new, never something between."""
    site = fresh().start()
    first = set(send(site, 40))
    one, two = f"{site.dir}/one", f"{site.dir}/two"
    site.must("spool", "backup", one)
    second = first | set(send(site, 40, "more"))
    whole = duration(site, "spool", "backup", two)
    for i in range(KILLS):
        killed_at(site, whole * i / KILLS, "spool", "backup", one, "--yes")
        check(ids_of(one) in (first, second), "backup: the old or the new")
    site.must("spool", "backup", one, "--yes")
    site.stop()
    equal((ids_of(one), ids_of(two)), (second, second), "two copies")
    site.start()
    third = second | set(send(site, 1, "last"))
    site.stop()
    whole = duration(site, "spool", "vacuum")
    for i in range(KILLS):
        killed_at(site, whole * i / KILLS, "spool", "vacuum")
        equal(set(states(site)), third, "vacuum: all is there")
    # how long a restore takes: of another node
    other = fresh()
    other.write_conf()
    whole = duration(other, "spool", "restore", two)
    ends = 0
    for i in range(KILLS):
        killed_at(site, whole * (i + 1) / KILLS, "spool", "restore", two,
                  "--yes")
        now = states(site)
        if set(now) == third:
            equal(set(now.values()), {"ready"}, "restore killed: the old one")
        else:
            equal(now, {i: "held" for i in second},
                  "restore killed: the new one, all of it held")
            ends += 1
    site.must("spool", "restore", two, "--yes")
    site.must("spool", "check")
    equal(states(site), {i: "held" for i in second}, "then restored")
    equal(site.start().stop(), 0, "and it starts")


def smaller():
    site = fresh().start()
    for name in send(site, 60):
        site.must("queue", "delete", name, "--yes")
    done = site.cli("spool", "vacuum")
    equal(done.returncode, DAEMON_RUNS, "vacuum: refused while the daemon runs")
    site.stop()
    with sqlite3.connect(spool_of(site)) as db:
        db.execute("CREATE TABLE filling AS WITH RECURSIVE c(x) AS (SELECT 1 "
                   "UNION ALL SELECT x+1 FROM c WHERE x < 2000) "
                   "SELECT randomblob(4000) FROM c")
        db.execute("DROP TABLE filling")
    db.close()
    before = os.path.getsize(spool_of(site))
    site.must("spool", "vacuum")
    after = os.path.getsize(spool_of(site))
    check(after < before - 6_000_000, "room goes back to the disk",
          (before, after))
    site.must("spool", "check")


run(way_back, new_machine, node, bad_files, killed, smaller)
