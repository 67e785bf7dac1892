#!/usr/bin/env python3
"""local.deliver_as: mailboxes of users, by a helper that was started first."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import glob
import pwd
import shutil
import signal
import stat

DOMAIN = "aurora.example.org"
USER = "nobody"  # a user with a high number, on every system
DAEMON_USER = "daemon"


def site(deliver, deliver_as, **more):
    """A node that is started as root and becomes another user."""
    world = World()
    os.chmod(world.dir, 0o1777)
    above = os.path.dirname(world.dir)  # of all tests, or the system's
    if stat.S_IMODE(os.stat(above).st_mode) == 0o700:
        os.chmod(above, 0o711)
    node = world.make_site(peer=world.peer(submission=9, odmr=9))
    node.world = world
    os.chmod(node.dir, 0o777)
    node.conf["user"] = DAEMON_USER
    node.conf["listeners"] = [listener("lan", "smtp", "none")]
    for name in ("tls", "peers", "routes", "links"):
        del node.conf[name]
    node.conf["local"] = {"domains": [DOMAIN],
                          "deliver": deliver.format(dir=world.dir),
                          "deliver_as": deliver_as, **more}
    node.conf["queue"] = {"retry": ["1h"]}
    return node


def send(node, octets, *recipients):
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        return client.mail("eve@far.example", list(recipients), octets)


def processes(node):
    """The daemon and its helper: name, user."""
    found = {}
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(f"{path}/stat", encoding="utf-8") as stream:
                pid, rest = stream.read().split(" (", 1)
            name, rest = rest.rsplit(") ", 1)
            if int(pid) == node.process.pid or \
                    rest.split()[1] == str(node.process.pid):
                found[name] = os.stat(path).st_uid
        except OSError:
            continue
    return found


def owned(path, user):
    entry = os.stat(path)
    return (pwd.getpwuid(entry.st_uid).pw_name,
            stat.S_IMODE(entry.st_mode)) == (user, 0o600)


def folder_of(node, user, mode=0o755):
    path = f"{node.world.dir}/box"
    os.makedirs(path, exist_ok=True)
    os.chown(path, pwd.getpwnam(user).pw_uid, -1)
    os.chmod(path, mode)
    return path


def maildir_of_user():
    node = site("maildir:{dir}/box/{{user}}", "{user}")
    box = folder_of(node, USER)
    node.start()
    equal(processes(node), {"tidepostd": pwd.getpwnam(DAEMON_USER).pw_uid,
                            "tidepost-helper": 0},
          "the daemon gave up its rights, the helper was started before")
    send(node, make("mine", ("x" * 70 + "\r\n") * 3000), f"{USER}@{DOMAIN}")
    wait_until(lambda: glob.glob(f"{box}/{USER}/new/*"), 20)
    found = glob.glob(f"{box}/{USER}/new/*")
    equal(len(found), 1, "the mail is there")
    check(owned(found[0], USER), "and the user's", os.stat(found[0]))
    check(copies(maildir(f"{box}/{USER}"),
                 make("mine", ("x" * 70 + "\r\n") * 3000)), "unchanged")
    check(node.wait_queue_empty(), "it is done", node.queue())


def maildir_without_walls():
    """The helper is needed for others' mailboxes with and without sandbox."""
    node = site("maildir:{dir}/box/{{user}}", "{user}")
    node.conf["sandbox"] = False
    box = folder_of(node, USER)
    node.start()
    equal(processes(node), {"tidepostd": pwd.getpwnam(DAEMON_USER).pw_uid,
                            "tidepost-helper": 0}, "both are as ever")
    send(node, make("mine"), f"{USER}@{DOMAIN}")
    check(node.wait_queue_empty(), "it is delivered", node.queue())
    check([owned(path, USER) for path in glob.glob(f"{box}/{USER}/new/*")] ==
          [True], "as the user")


def who_may():
    """Users of the system and strangers get nothing, and are told apart."""
    node = site("maildir:{dir}/box/{{user}}", "{user}")
    folder_of(node, USER, 0o777)
    node.start()
    send(node, make("who"), f"root@{DOMAIN}", f"{DAEMON_USER}@{DOMAIN}",
         f"no-such-user@{DOMAIN}")
    wait_until(lambda: node.events("held") and len(
        [r for r in node.queue() if r["state"] == "deferred"]) == 2, 20)
    rows = {r["recipient"]: r["reason"] for r in node.queue()}
    for name in ("root", DAEMON_USER):
        check("is a user of the system" in rows.get(f"{name}@{DOMAIN}", ""),
              f"{name} gets no mail", rows)
    check(any("is no user of this host" in e["reply"]
              for e in node.events("held")),
          "a stranger's would go back, if there were a way", node.events())
    equal(os.listdir(f"{node.world.dir}/box"), [], "nothing was made")


def foreign_folder():
    """What is not the user's is left alone, and the mail waits."""
    node = site("maildir:{dir}/box/{{user}}", "{user}")
    box = folder_of(node, "root", 0o755)
    node.start()
    send(node, make("foreign"), f"{USER}@{DOMAIN}")
    wait_until(lambda: [r["state"] for r in node.queue()] == ["deferred"], 20)
    check("Permission denied" in node.queue()[0]["reason"],
          "a folder of somebody else", node.queue())
    os.makedirs(f"{box}/{USER}")
    os.chown(f"{box}/{USER}", pwd.getpwnam(USER).pw_uid, -1)
    node.must("queue", "retry", "--all", "--yes")
    check(node.wait_queue_empty(), "once it is theirs it goes", node.queue())


def fixed_user_mbox():
    node = site("mbox:{dir}/box/{{domain}}.{{user}}", USER)
    box = folder_of(node, USER)
    node.start()
    send(node, make("shared"), f"ann@{DOMAIN}", f"bob@{DOMAIN}")
    check(node.wait_queue_empty(), "both are delivered", node.queue())
    for name in ("ann", "bob"):
        check(owned(f"{box}/{DOMAIN}.{name}", USER),
              f"{name}'s mbox belongs to the one user")


def somebody():
    """A user with a home; None where this system has none."""
    for entry in pwd.getpwall():
        if 1000 <= entry.pw_uid < 60000 and os.path.isdir(entry.pw_dir):
            return entry
    return None


def script(path, commands):
    """Anybody may run it."""
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("#!/bin/sh\n" + commands)
    os.chmod(path, 0o755)


def program_of_user():
    entry = somebody()
    if not entry:
        skip("this system has no user with a home")
        return
    node = site("pipe:{dir}/keep {{user}}", "{user}")
    box = folder_of(node, entry.pw_name)
    script(f"{node.world.dir}/keep", "{ id -un; id -G; pwd; env; cat; } "
           f">{box}/out.new && mv {box}/out.new {box}/out\n")
    node.start()
    send(node, make("run"), f"{entry.pw_name}@{DOMAIN}")
    check(node.wait_queue_empty(), "it has the mail", node.queue())
    with open(f"{box}/out", encoding="utf-8") as stream:
        lines = stream.read().split("\n")
    equal(lines[0], entry.pw_name, "it ran as the user")
    check("0" not in lines[1].split(), "without a group of root", lines[1])
    equal(lines[2], entry.pw_dir, "at home")


def program_of_the_daemon():
    """What the daemon could replace is not run as anybody else."""
    entry = somebody()
    if not entry:
        skip("this system has no user with a home")
        return
    node = site("pipe:{dir}/bin/keep", "{user}")
    box = folder_of(node, entry.pw_name)
    daemon = pwd.getpwnam(DAEMON_USER).pw_uid
    os.mkdir(f"{node.world.dir}/bin", 0o755)
    script(f"{node.world.dir}/bin/keep", f"id -un >{box}/out\n")
    os.chown(f"{node.world.dir}/bin", daemon, -1)
    node.start()
    send(node, make("run"), f"{entry.pw_name}@{DOMAIN}")
    check(wait_until(lambda: [r["state"] for r in node.queue()] ==
                     ["deferred"], 20), "the mail waits", node.queue())
    why = f"{node.world.dir}/bin could be changed by {DAEMON_USER}"
    check(why in node.queue()[0]["reason"], "and why", node.queue())
    check(why in node.must("check"), "and so does check")
    check(not os.path.exists(f"{box}/out"), "it did not run")
    os.chown(f"{node.world.dir}/bin", 0, -1)
    node.must("queue", "retry", "--all", "--yes")
    check(node.wait_queue_empty(), "once it is root's it does", node.queue())


def home_not_there():
    """A program begins at home; where that is not, the reason says so."""
    node = site("pipe:/bin/cat", USER)
    home = pwd.getpwnam(USER).pw_dir
    if os.path.exists(home):
        skip_part(f"{USER} has a home")
        return
    node.start()
    send(node, make("run"), f"ann@{DOMAIN}")
    check(wait_until(lambda: [r["state"] for r in node.queue()] ==
                     ["deferred"], 20), "the mail waits", node.queue())
    check(f"cannot run /bin/cat in {home}" in node.queue()[0]["reason"],
          "the reason names the home", node.queue())


def helper_of(node):
    """The number of its process; it is the daemon's only one."""
    path = f"/proc/{node.process.pid}/task/{node.process.pid}/children"
    with open(path, encoding="utf-8") as stream:
        return int(stream.read())


def slow_program():
    """One that tells when it begins, and takes its mail when let."""
    entry = somebody()
    if not entry:
        return None, None
    node = site("pipe:{dir}/keep", entry.pw_name)
    box = folder_of(node, entry.pw_name)
    script(f"{node.world.dir}/keep",
           f"echo $TIDEPOST_MESSAGE >>{box}/begun\n"
           f"while [ ! -e {box}/go ]; do sleep 0.1; done\n"
           f"cat >{box}/$TIDEPOST_MESSAGE.$$\n")
    node.conf["queue"] = {"retry": ["1s"]}
    return node.start(), box


def begun(box):
    try:
        with open(f"{box}/begun", encoding="utf-8") as stream:
            return sorted(stream.read().split())
    except FileNotFoundError:
        return []


def helper_killed():
    """What was begun goes on to its end and counts; the rest waits."""
    node, box = slow_program()
    if not node:
        skip_part("this system has no user with a home")
        return
    send(node, make("one"), f"ann@{DOMAIN}")
    check(wait_until(lambda: begun(box)), "it is begun")
    os.kill(helper_of(node), signal.SIGKILL)
    check(wait_until(lambda: node.events("helper-lost", now=True)),
          "the helper is gone")
    send(node, make("two"), f"bob@{DOMAIN}")
    check(wait_until(lambda: any(r["state"] == "deferred" and
                                 "helper has ended" in r["reason"]
                                 for r in node.queue())),
          "what came later waits, and says so", node.queue())
    open(f"{box}/go", "w").close()
    check(wait_until(lambda: len(node.queue()) == 1),
          "what was begun is delivered all the same", node.queue())
    node.restart()
    check(node.wait_queue_empty(), "a new helper has the rest", node.queue())
    equal(begun(box), ["1.1", "2.1"], "each was begun once")
    equal(len(glob.glob(f"{box}/[12].1.*")), 2, "and is there")


def daemon_killed():
    """The helper does not outlive the daemon, nor the program it runs."""
    node, box = slow_program()
    if not node:
        skip_part("this system has no user with a home")
        return
    send(node, make("one"), f"ann@{DOMAIN}")
    check(wait_until(lambda: begun(box)), "it is begun")
    helper = helper_of(node)
    node.kill()
    check(wait_until(lambda: not os.path.exists(f"/proc/{helper}") or
                     status_of(helper) == "Z"), "the helper ends, too")
    node.start()
    open(f"{box}/go", "w").close()
    check(node.wait_queue_empty(), "it is run again", node.queue())
    check(len(glob.glob(f"{box}/1.1.*")) >= 1, "and has its mail")
    equal(node.doubts(), ["1"], "the log says that it may be there twice")


def status_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rsplit(") ", 1)[1].split()[0]
    except OSError:
        return "Z"


def maildir_at_home():
    entry = somebody()
    if not entry:
        skip("this system has no user with a home")
        return
    name = f"tidepost-test-{os.getpid()}"
    node = site("maildir:{{home}}/" + name, "{user}").start()
    path = f"{entry.pw_dir}/{name}"
    at_end(lambda: shutil.rmtree(path, ignore_errors=True))
    send(node, make("home"), f"{entry.pw_name}@{DOMAIN}")
    check(node.wait_queue_empty(), "it is delivered", node.queue())
    found = glob.glob(f"{path}/new/*")
    check(len(found) == 1 and owned(found[0], entry.pw_name),
          "into the user's home", found)


def program_of_daemon():
    """Without deliver_as a program runs as the daemon, never as root."""
    node = site("pipe:{dir}/keep {{user}}", None)
    box = folder_of(node, DAEMON_USER)
    with open(f"{node.world.dir}/keep", "w", encoding="utf-8") as stream:
        stream.write("#!/bin/sh\n{ id -un; id -G; ls -l /proc/self/fd; } "
                     f">{box}/out.new && mv {box}/out.new {box}/out\n")
    os.chmod(f"{node.world.dir}/keep", 0o755)
    node.start()
    send(node, make("run"), f"ann@{DOMAIN}")
    check(node.wait_queue_empty(), "it has the mail", node.queue())
    with open(f"{box}/out", encoding="utf-8") as stream:
        text = stream.read()
    equal(text.split("\n")[0], DAEMON_USER, "it ran as the daemon's user")
    check("socket:" not in text and text.count("pipe:") <= 2,
          "with nothing of ours open", text)
    check([line[:4] for line in text.split("\n") if " 0 -> " in line] ==
          ["lr-x"], "and the message can only be read", text)


def crash_as_user():
    """The process that works as the user dies, or the daemon does."""
    node = site("maildir:{dir}/box/{{user}}", USER)
    box = folder_of(node, USER)
    node.conf["queue"] = {"retry": ["1s"]}
    for label in ("local-tmp-written", "local-renamed", "local-staged",
                  "local-before-commit"):
        node.start({"TIDEPOST_CRASH_AT": label})
        send(node, make(label), f"ann@{DOMAIN}")
        wait_until(lambda: node.crashed() or [r["state"] for r in
                                              node.queue()] == ["deferred"],
                   20)
        node.kill()
        node.start()
        node.must("queue", "retry", "--all", "--yes")
        check(node.wait_queue_empty(), f"{label}: it is delivered",
              node.queue())
        equal(len(copies(maildir(f"{box}/ann"), make(label))), 1,
              f"{label}: once")
        node.stop()


if __name__ == "__main__":
    if os.geteuid() != 0:
        run(lambda: skip("needs root"))
    else:
        run(maildir_of_user, maildir_without_walls, who_may, foreign_folder,
            fixed_user_mbox, program_of_user, program_of_the_daemon,
            home_not_there, helper_killed, daemon_killed, maildir_at_home,
            program_of_daemon, crash_as_user)
