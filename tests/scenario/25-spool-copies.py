#!/usr/bin/env python3
"""spool backup, restore, vacuum: copies that are whole, also when killed."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import grp
import io
import pwd
import shutil
import sqlite3
import stat
import subprocess
import tarfile
import threading
import time

import screen

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
    said = site.must("spool", "restore", copy)
    check("restored; 1 delivery is held: " in said, "it says so", said)
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


def files_of(site):
    return [site.file, site.conf["tls"]["certificate"], site.conf["tls"]["key"],
            site.conf["tls"]["ca_file"], site.conf["peers"][0]["password_file"],
            f"{site.dir}/more.conf", f"{site.dir}/hooks/stuck.d/tell"]


def whole_node(site):
    """With an included file and a hook; the archive, and what is in it."""
    with open(f"{site.dir}/more.conf", "w", encoding="utf-8") as stream:
        stream.write("customers = { tell_kept = true; };\n")
    site.conf["hooks"] = f"{site.dir}/hooks"
    os.makedirs(f"{site.dir}/hooks/stuck.d")
    with open(f"{site.dir}/hooks/stuck.d/tell", "w", encoding="utf-8") as stream:
        stream.write("#!/bin/sh\n")
    os.chmod(stream.name, 0o755)
    site.write_conf()
    with open(site.file, "a", encoding="utf-8") as stream:
        stream.write("@include \"more.conf\"\n")
    site.write_conf = lambda: None  # it stays as it is now
    site.start()
    name = send(site)[0]
    archive = f"{temp_dir()}/node.tar"
    site.must("spool", "backup", "--node", archive)
    return name, archive, {f: content(f) for f in files_of(site)}


def content(file):
    with open(file, "rb") as stream:
        return stream.read(), stat.S_IMODE(os.stat(file).st_mode)


def restore(*words):
    """As on a machine that has nothing: without -c."""
    return subprocess.run([CLI, "spool", "restore", *words], timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8")


def node_back():
    """Configuration and secrets come back, to where they were."""
    site = fresh()
    name, archive, before = whole_node(site)
    done = site.cli("spool", "restore", "--node", "--yes", archive)
    check(done.returncode == DAEMON_RUNS and "stop it first" in done.stderr,
          "refused while the daemon runs", done.stderr)
    site.stop()
    for file in before:
        os.remove(file)
    shutil.rmtree(f"{site.dir}/hooks")
    os.remove(spool_of(site))
    done = restore("--node", archive)
    equal((done.returncode, done.stderr), (0, ""), "restored")
    equal({f: content(f) for f in before}, before, "every file, and its rights")
    equal(states(site), {name: "held"}, "and the spool, held")
    with open(site.file, "a", encoding="utf-8") as stream:
        stream.write("// changed since\n")
    for file in before:
        os.chmod(file, 0o644)
    real = f"{site.dir}/elsewhere.conf"
    os.rename(f"{site.dir}/more.conf", real)
    os.symlink(real, f"{site.dir}/more.conf")
    changed = {f: content(f) for f in before}
    done = restore("--node", archive)
    check(done.returncode == USAGE and "--yes" in done.stderr
          and f"is there already: {site.file}" in done.stderr,
          "nothing is replaced without --yes", done.stderr)
    equal({f: content(f) for f in before}, changed, "all is as it was")
    status, shown = screen.talk(["spool", "restore", "--node", archive],
                                ("Replace what is there", "n\n"))
    check(status == USAGE and "nothing was changed" in shown,
          "asked for at a terminal", shown)
    done = restore("--node", "--yes", archive)
    equal(done.returncode, 0, "--yes replaces it")
    equal({f: content(f) for f in before}, before, "as it was backed up")
    check(os.path.islink(f"{site.dir}/more.conf"), "a link stays a link")
    equal([f for f in os.listdir(site.dir) if f.endswith(".restore")], [],
          "nothing is left beside them")
    equal(site.start().stop(), 0, "and it starts")
    os.rename(site.file, f"{site.dir}/b.conf")
    done = subprocess.run(
        [CLI, "-c", f"{site.dir}/b.conf", "spool", "restore", "--node",
         archive], capture_output=True, encoding="utf-8", timeout=60)
    check(done.returncode == USAGE and "leave out -c" in done.stderr
          and not os.path.exists(site.file),
          "another configuration than the one named", done.stderr)


def node_aside():
    """Into a folder, to look at."""
    site = fresh()
    name, archive, before = whole_node(site)
    to = f"{temp_dir()}/look"
    done = restore("--to", to, archive)
    equal((done.returncode, done.stderr), (0, ""), "the daemon may run")
    equal(stat.S_IMODE(os.stat(to).st_mode), 0o700, "nobody else looks in")
    equal({f: content(to + f) for f in before}, before, "all of it is there")
    equal(ids_of(f"{to}/spool.db"), {name}, "and the spool")
    done = restore("--to", to, archive)
    check(done.returncode == UNKNOWN and "is there already" in done.stderr,
          "never into a folder that has something", done.stderr)
    done = restore("--to", f"{to}/none/look", archive)
    check(done.returncode == 73, "its folder has to be there", done.stderr)


def owners():
    """By name, since numbers differ from host to host; root only."""
    if os.geteuid() != 0:
        skip("only root gives files away")
    site = fresh()
    _, archive, _ = whole_node(site)
    site.stop()
    with open(archive, "rb") as stream:
        other = bytearray(stream.read())
    with tarfile.open(archive) as tar:
        member = tar.getmembers()[1]
    for user, group in (("nobody", "nogroup"), ("xyzzy", "nogroup")):
        member.uname, member.gname = user, group
        block = member.tobuf(tarfile.USTAR_FORMAT)[:512]
        other[member.offset:member.offset + 512] = block
        with open(archive, "wb") as stream:
            stream.write(other)
        done = restore("--node", "--yes", archive)
        if user == "nobody":
            equal(done.returncode, 0, "restored")
            who = os.stat(site.file)
            equal((pwd.getpwuid(who.st_uid).pw_name,
                   grp.getgrgid(who.st_gid).gr_name), (user, group),
                  "to whom the name says")
            os.chown(site.file, 0, 0)
        else:
            check(done.returncode == UNKNOWN and "no such user" in done.stderr
                  and "nothing was changed" in done.stderr,
                  "a user that is not here", done.stderr)


def hostile_archives():
    """Nothing of an archive is used that holds what no backup writes."""
    folder = temp_dir()
    spool = ("spool.db", tarfile.REGTYPE, b"x")
    conf = (f"{folder}/tidepost.conf"[1:], tarfile.REGTYPE, b"y")
    bad = {
        "absolute": [spool, (f"/{folder}/a", tarfile.REGTYPE, b"y")],
        "upwards": [spool, ("etc/../../a", tarfile.REGTYPE, b"y")],
        "dot": [spool, conf, ("./a", tarfile.REGTYPE, b"y")],
        "symlink": [spool, conf, ("a", tarfile.SYMTYPE, b"")],
        "hard link": [spool, conf, ("a", tarfile.LNKTYPE, b"")],
        "device": [spool, conf, ("a", tarfile.CHRTYPE, b"")],
        "folder": [spool, conf, ("a", tarfile.DIRTYPE, b"")],
        "twice": [spool, conf, conf],
        "escape": [spool, conf, ("a\033[2J", tarfile.REGTYPE, b"")],
        "no spool": [conf, spool],
        "a spool alone": [spool],
    }
    for what, members in bad.items():
        file = f"{folder}/{what}"
        with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name, kind, octets in members:
                info = tarfile.TarInfo("x")
                info.name, info.type, info.size = name, kind, len(octets)
                info.linkname = "/etc/passwd" if not octets else ""
                tar.addfile(info, io.BytesIO(octets))
        refused(file, what)
    good = f"{folder}/good"
    with tarfile.open(good, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, kind, octets in (spool, conf):
            info = tarfile.TarInfo(name)
            info.size = len(octets)
            tar.addfile(info, io.BytesIO(octets))
    with open(good, "rb") as stream:
        octets = stream.read()[:6 * 512]
    for what, content_ in (("cut", octets[:3 * 512]), ("no end", octets[:2048]),
                           ("empty", b""), ("sum", b"S" + octets[1:]),
                           ("long", tar_pax())):
        with open(f"{folder}/{what}", "wb") as stream:
            stream.write(content_)
        refused(stream.name, what)
    done = restore("--to", f"{folder}/out", good)
    equal(done.returncode, 0, "the good one is taken")


def tar_pax():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("a" * 300))
    return out.getvalue()


def refused(file, what):
    folder = os.path.dirname(file)
    before = sorted(os.listdir(folder))
    for words in (["--node", "--yes"], ["--to", f"{folder}/out"]):
        done = restore(*words, file)
        check(done.returncode in (UNKNOWN, DAMAGED)
              and done.stderr.startswith(f"tidepost: {file}: ")
              and "\033" not in done.stderr,
              f"refused: {what} {words[0]}", (done.returncode, done.stderr))
        equal(sorted(os.listdir(folder)), before, "nothing was written")


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
    for words in ([], ["--node"]):
        done = site.cli("spool", "backup", *words, f"{site.dir}/none/copy")
        check(done.returncode == 73 and "none/copy: " in done.stderr
              and "make it first" in done.stderr,
              "a folder that is not there", done.stderr)
        done = site.cli("spool", "backup", "--yes", *words, site.dir)
        check(done.returncode == 73 and "name a file in it" in done.stderr,
              "a folder instead of a file", done.stderr)


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


run(way_back, new_machine, node, node_back, node_aside, owners,
    hostile_archives, bad_files, killed, smaller)
