#!/usr/bin/env python3
"""What can be wrong at start: one line each, the right exit code."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import pwd
import re
import sqlite3
import subprocess

CONFIG, CANNOT, NOPERM, UNAVAILABLE = 78, 73, 77, 69


def conf_text(world, node):
    node.write_conf()
    with open(node.file, encoding="utf-8") as stream:
        return stream.read()


def lines_of(done):
    return [l for l in (done.stdout + done.stderr).split("\n")
            if "error" in l.lower() or "event=" in l]


def snapshot(folder):
    """Names and octets below FOLDER."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            full = os.path.join(path, name)
            if not os.path.islink(full) and os.path.isfile(full) and \
                    name not in ("log", "tidepost.conf") and \
                    not name.endswith(("-shm", "-wal", ".lock")):
                with open(full, "rb") as stream:
                    found[full] = stream.read()
    return found


def daemon(node, *args, timeout=20):
    return subprocess.run(
        [DAEMON, "-c", node.file, *args], capture_output=True,
        encoding="utf-8", errors="replace", timeout=timeout, cwd=node.dir,
        stdin=subprocess.DEVNULL)


def fresh():
    world = World()
    return world, world.make_site(peer=world.peer(submission=9, odmr=9))


# (what is wrong, a change to the text, what the line must name)
SYNTAX = (
    ("unknown key", lambda t: t + 'hostnme = "x.example";\n', "hostnme"),
    ("unknown key in a group",
     lambda t: t + 'log = { levle = "info"; };\n', "levle"),
    ("wrong type", lambda t: t + 'hooks = 7;\n', "hooks"),
    ("out of range",
     lambda t: t.replace("port = 0;", "port = 70000;", 1), "port"),
    ("a number the parser would cut",
     lambda t: t + "limits = { recipients = 4294967296; };\n", "recipients"),
    ("an unquoted size",
     lambda t: t + "limits = { message_size = 20K; };\n", "20K"),
    ("a trailing comma",
     lambda t: t + 'relay = { networks = [ "::1/128", ]; };\n', ""),
    ("an open quote", lambda t: t + 'hooks = "/etc/x;\n', "quot"),
    ("a word that is none of the choices",
     lambda t: t.replace('tls = "offered"', 'tls = "maybe"', 1), "maybe"),
    ("a route to no peer",
     lambda t: t.replace('peers = [ "shore" ]', 'peers = [ "shor" ]', 1),
     "shor"),
    ("submission without a certificate",
     lambda t: re.sub(r"tls = \{.*?\};", "", t, 1, re.S), "submission"),
    ("a bad duration",
     lambda t: t + 'queue = { retry = [ "5 parsecs" ]; };\n', "parsecs"),
    ("a bad network",
     lambda t: t + 'relay = { networks = [ "300.1.2.3/8" ]; };\n', "300"),
    ("twice the same key", lambda t: t + 'hostname = "b.example";\n',
     "hostname"),
)


def one_error(name, change, word):
    world, site = fresh()
    text = conf_text(world, site)
    # Sections that the change adds must not be there twice.
    added = re.match(r"(\w+) =", change("") or "")
    if added and added.group(1) in ("queue",):
        text = re.sub(rf"^{added.group(1)} = \{{.*?^\}};\n", "", text,
                      flags=re.S | re.M)
    changed = change(text)
    if changed == text:
        check(False, f"{name}: the test changes nothing", text)
    with open(site.file, "w", encoding="utf-8") as stream:
        stream.write(changed)
    done = site.cli("check")
    equal(done.returncode, CONFIG, f"{name}: check ends with 78")
    out = done.stdout + done.stderr
    check(re.search(rf"{re.escape(site.file)}:\d+", out) or
          "without a" in name,
          f"{name}: it names file and line", out)
    check(word in out, f"{name}: it says \"{word}\"", out)
    done = daemon(site)
    equal(done.returncode, CONFIG, f"{name}: the daemon ends with 78")
    check(not os.path.exists(f"{site.dir}/spool/spool.db"),
          f"{name}: and made no spool")


def configuration():
    for row in SYNTAX:
        run_part(one_error, *row)


def every_error_at_once():
    world, site = fresh()
    text = conf_text(world, site)
    with open(site.file, "w", encoding="utf-8") as stream:
        stream.write(text + 'hostnme = "x";\nhooks = 7;\nspol = "y";\n')
    out = site.cli("check")
    for word in ("hostnme", "hooks", "spol"):
        check(word in out.stdout + out.stderr,
              f"check shows all errors: {word}", out.stdout + out.stderr)


def good_file():
    world, site = fresh()
    site.write_conf()
    equal(site.cli("check").returncode, 0, "a good file: 0")
    equal(daemon(site, "-n").returncode, 0, "tidepostd -n: 0")
    done = site.cli("check", site.file)
    equal(done.returncode, 0, "check FILE: 0")
    done = site.cli("check", "/nowhere.conf")
    check(done.returncode != 0 and "/nowhere.conf" in
          done.stdout + done.stderr, "a file that is not there", done)


def key_file():
    world, site = fresh()
    if os.getuid() == 0:
        # Root may read all; a folder cannot be read as a key either.
        site.conf["tls"]["key"] = world.dir
    else:
        os.chmod(site.conf["tls"]["key"], 0)
    site.write_conf()
    done = daemon(site)
    out = done.stdout + done.stderr
    check(done.returncode in (CONFIG, NOPERM),
          "an unreadable key file ends the start", done.returncode)
    check(site.conf["tls"]["key"] in out, "it names the file", out)


def missing_certificate():
    world, site = fresh()
    site.conf["tls"]["certificate"] = "/nowhere/x.pem"
    site.write_conf()
    done = daemon(site)
    equal(done.returncode, CONFIG, "a certificate that is not there: 78")
    check("/nowhere/x.pem" in done.stdout + done.stderr, "it names the file",
          done.stdout + done.stderr)
    check(not os.path.exists(spool_path(site)), "and made no spool")


def wrong_key():
    world, site = fresh()
    site.conf["tls"]["key"] = world.ca.issue("another", "x.example")[1]
    site.write_conf()
    done = daemon(site)
    equal(done.returncode, CONFIG, "a key of another certificate: 78")
    check("key" in done.stdout + done.stderr, "it says so",
          done.stdout + done.stderr)


def port_in_use():
    world, site = fresh()
    site.start()
    second = world.make_site(peer=world.peer(submission=9, odmr=9),
                             name="second")
    second.conf["listeners"][0]["port"] = site.port("lan")
    second.write_conf()
    done = daemon(second)
    equal(done.returncode, UNAVAILABLE, "a port in use: 69")
    check(str(site.port("lan")) in done.stdout + done.stderr,
          "it names the port", done.stdout + done.stderr)
    equal(site.status()["running"], True, "the first daemon runs on")


def spool_locked():
    world, site = fresh()
    site.start()
    second = world.make_site(peer=world.peer(submission=9, odmr=9),
                             name="second", spool=site.conf["spool"])
    second.write_conf()
    done = daemon(second)
    equal(done.returncode, UNAVAILABLE,
          "a spool that another daemon has locked: 69")
    out = done.stdout + done.stderr
    check("spool" in out, "it says which", out)
    check(site.is_running(), "the first daemon runs on")


def spool_path(site):
    return site.conf["spool"].split(":", 1)[1]


def newer_version():
    world, site = fresh()
    site.start()
    site.stop()
    store = sqlite3.connect(spool_path(site))
    version = store.execute("PRAGMA user_version").fetchone()[0]
    store.execute(f"PRAGMA user_version = {version + 1000}")
    store.commit()
    store.close()
    before = snapshot(f"{site.dir}/spool")
    done = daemon(site)
    equal(done.returncode, CANNOT, "a spool of a newer version: 73")
    check("newer" in done.stdout + done.stderr, "it says so",
          done.stdout + done.stderr)
    equal(snapshot(f"{site.dir}/spool") == before, True,
          "nothing was changed")
    equal(site.cli("queue", "list").returncode, CANNOT,
          "the command line says 73, too")


def no_spool_at_all():
    world, site = fresh()
    with open(f"{site.dir}/spool", "w", encoding="ascii") as stream:
        stream.write("a file where the folder should be\n")
    site.write_conf()
    done = daemon(site)
    equal(done.returncode in (CANNOT, NOPERM), True,
          "a spool that cannot be made: 73")
    check("spool" in done.stdout + done.stderr, "it names it")


def not_a_spool():
    world, site = fresh()
    os.makedirs(f"{site.dir}/spool")
    with open(spool_path(site), "w", encoding="ascii") as stream:
        stream.write("this is no database, it only looks for trouble\n" * 99)
    site.write_conf()
    before = snapshot(f"{site.dir}/spool")
    done = daemon(site)
    check(done.returncode not in (0, -11, -6), "a spool that is none",
          done.returncode)
    check(spool_path(site) in done.stdout + done.stderr, "it names the file",
          done.stdout + done.stderr)
    equal(snapshot(f"{site.dir}/spool") == before, True,
          "nothing was changed")


def mount(what, *options):
    """Mounts a tmpfs on WHAT; False where we may not."""
    done = subprocess.run(["mount", "-t", "tmpfs", *options, "tidepost-test",
                           what], capture_output=True)
    if done.returncode:
        return False
    at_end(lambda: subprocess.run(["umount", "-l", what],
                                  capture_output=True))
    return True


def read_only_disk():
    world, site = fresh()
    os.makedirs(f"{site.dir}/spool")
    if os.getuid() != 0 or not mount(f"{site.dir}/spool", "-o", "size=64m"):
        skip_part("read-only disk: mounting needs root")
        return
    site.start()
    site.stop()
    subprocess.run(["mount", "-o", "remount,ro", f"{site.dir}/spool"],
                   check=True)
    before = snapshot(f"{site.dir}/spool")
    done = daemon(site)
    equal(done.returncode, CANNOT, "a spool on a read-only disk: 73")
    check(spool_path(site) in done.stdout + done.stderr
          or "read-only" in done.stdout + done.stderr,
          "it says what and where", done.stdout + done.stderr)
    equal(snapshot(f"{site.dir}/spool") == before, True,
          "nothing was changed")
    equal(site.cli("queue", "list").returncode, 0,
          "the queue can still be read")


def full_disk():
    world, site = fresh()
    os.makedirs(f"{site.dir}/spool")
    if os.getuid() != 0 or not mount(f"{site.dir}/spool", "-o", "size=64m"):
        skip_part("full disk: mounting needs root")
        return
    site.start()
    octets = make("before the disk is full")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example", octets)
        with open(f"{site.dir}/spool/filler", "wb") as stream:
            try:
                while True:
                    stream.write(bytes(65536))
                    stream.flush()
            except OSError:
                pass
        reply = client.mail("ann@aurora.example.org", "ben@shore.example",
                            make("after", "x" * 70 + "\r\n"))
        check(reply.code in (452, 451) and reply.text.startswith("4.3"),
              "with the disk full mail is refused for now", reply)
    check(site.is_running(), "the daemon lives")
    equal(len(site.queue()), 1, "what was accepted is there")
    name = str(site.queue()[0]["message"])
    done = site.cli("queue", "delete", name, "--yes")
    equal(done.returncode, 0, "even now a message can be deleted")
    os.unlink(f"{site.dir}/spool/filler")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", "ben@shore.example",
                            make("room again"))
        equal(reply.code, 250, "with room again mail is accepted")


def who_may_write_it():
    site = World().make_site(peer={}, peers=[], links=[], routes=[])
    site.write_conf()
    equal(site.must("check").count("warning"), 0, "as it should be")
    os.chmod(site.file, 0o666)
    check("can be written by anybody" in site.must("check"),
          "a configuration for everybody", site.must("check"))
    os.chmod(site.file, 0o644)
    if os.getuid() != 0:
        print("skip the daemon's user: needs root")
        return
    site.conf["user"] = "nobody"
    site.write_conf()
    os.chown(site.file, pwd.getpwnam("nobody").pw_uid, 0)
    done = site.cli("check")
    check("belongs to the daemon's user, nobody" in done.stdout,
          "or the daemon's own", done.stdout)
    equal(done.returncode, 0, "both are warnings")
    os.chown(site.file, 0, 0)
    os.chmod(site.dir, 0o777)
    check(f"{site.dir} could be changed by the daemon's user" in
          site.must("check"), "or in a folder that it can write")
    os.chmod(site.dir, 0o1777)
    equal(site.must("check").count("warning"), 0,
          "with the sticky bit what is there is root's")


def who_may_read_what_was_dropped():
    if os.getuid() != 0:
        print("skip the drop directory: needs root")
        return
    site = World().make_site(peer={}, peers=[], links=[], routes=[])
    drop = f"{site.dir}/dropped"
    site.conf["user"] = "nobody"
    site.conf["programs"] = {"drop": drop}
    site.write_conf()
    nobody = pwd.getpwnam("nobody").pw_uid
    equal(site.must("check").count("warning"), 0, "the daemon makes it")
    os.mkdir(drop)
    for owner, mode, why in (
            (nobody, 0o3733, None),
            (0, 0o1777, None),
            (1, 0o3733, "it belongs to neither the daemon's user nor root"),
            (nobody, 0o2733, "anybody can remove others' mail from it"),
            (0, 0o3733, "the daemon's user has not all rights there"),
            (nobody, 0o3533, "the daemon's user has not all rights there")):
        os.chown(drop, owner, 0)
        os.chmod(drop, mode)
        told = [l for l in site.must("check").split("\n") if "warning" in l]
        equal(len(told), 1 if why else 0, f"{owner} {mode:o}: {told}")
        check(not why or (drop in told[0] and why in told[0]), why, told)
    os.rmdir(drop)
    with open(drop, "w", encoding="utf-8"):
        pass
    check("it is no directory" in site.must("check"), "or a file")


def bad_reload():
    world, site = fresh()
    site.start()
    good = site.conf["hostname"]
    site.conf["hostname"] = "not a name!"
    site.reload()
    check(wait_until(lambda: "error: hostname" in site.log_text()),
          "a bad file is refused at reload, and the log says why")
    check(site.is_running(), "the daemon runs on")
    with Smtp(site.port("lan")) as client:
        check(good in str(client.greeting), "the old settings stay",
              client.greeting)


run(configuration, every_error_at_once, good_file, key_file,
    missing_certificate, wrong_key,
    port_in_use, spool_locked, newer_version, no_spool_at_all, not_a_spool,
    read_only_disk, full_disk, who_may_write_it,
    who_may_read_what_was_dropped, bad_reload)
