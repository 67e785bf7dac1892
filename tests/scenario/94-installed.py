#!/usr/bin/env python3
"""What systemd makes for a node whose daemon never is root: users and folders; and
who may look, change and send there."""

import os
import shutil
import socket
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

# What INSTALL says: who owns it, its group and mode.
FOLDERS = {
    "/etc/tidepost": ("root", "root", 0o755),
    "/var/lib/tidepost": ("tidepost", "tidepost-console", 0o2750),
    "/var/lib/tidepost-drop": ("tidepost", "tidepost", 0o3733),
    "/run/tidepost": ("tidepost", "tidepost", 0o755),
}


def numbers(file):
    """{number: name} of a passwd or group file."""
    with open(file, encoding="utf-8") as stream:
        rows = [line.split(":") for line in stream if ":" in line]
    return {0: "root", **{int(row[2]): row[0] for row in rows}}


def made_by_systemd():
    if os.geteuid() != 0 or not shutil.which("systemd-tmpfiles"):
        skip_part("users and folders: needs root and systemd-tmpfiles")
        return
    root = temp_dir()
    os.mkdir(f"{root}/etc")
    for what, tool in (("sysusers", ["systemd-sysusers"]),
                       ("tmpfiles", ["systemd-tmpfiles", "--create"])):
        folder = f"{root}/usr/lib/{what}.d"
        os.makedirs(folder)
        shutil.copy(f"{ROOT}/conf/dist/{what}/tidepost.conf", folder)
        done = subprocess.run([*tool, f"--root={root}", "tidepost.conf"],
                              capture_output=True, text=True, timeout=60)
        equal(done.returncode, 0, f"{what}: {done.stderr}")
    users = numbers(f"{root}/etc/passwd")
    groups = numbers(f"{root}/etc/group")
    check("tidepost-admin" in groups.values(), "the group of operators", groups)
    for path, expected in FOLDERS.items():
        st = os.stat(root + path)
        equal((users[st.st_uid], groups[st.st_gid], stat.S_IMODE(st.st_mode)),
              expected, path)


def told_by_install():
    """The same by hand, and in the package."""
    for name in ("INSTALL", "conf/dist/debian/tidepost.postinst"):
        with open(f"{ROOT}/{name}", encoding="utf-8") as stream:
            text = " ".join(stream.read().replace("\\\n", " ").split())
        for path in ("/var/lib/tidepost", "/var/lib/tidepost-drop"):
            owner, group, mode = FOLDERS[path]
            check(f"install -d -o {owner} -g {group} -m {mode:o} {path}" in text,
                  f"{name} makes {path}")


# Who is in which groups besides the own, and what they get: looking, changing
# (with the daemon up; with it down), sending.
PEOPLE = {
    "ann": (("tidepost-console", "tidepost-admin"), 0, 0, 77, 0),
    "bob": (("tidepost-console",), 0, 77, 77, 0),
    "eve": ((), 77, 77, 77, 0),
}
CONF = "/etc/tidepost/tidepost.conf"


def by_groups():
    """In a mount namespace of our own, where the users are made."""
    if os.geteuid() != 0 or not shutil.which("systemd-tmpfiles"):
        skip_part("groups: needs root and systemd-tmpfiles")
        return
    sys.stdout.flush()
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable,
         os.path.abspath(__file__), "inside"], timeout=100)
    equal(done.returncode, 0, "each may what the groups say")


def bind(folder, place):
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["mount", "--bind", folder, place], check=True)


def make_host(folder):
    """Users and folders, as the installation makes them."""
    subprocess.run(["cp", "-a", "/etc", folder], check=True)
    bind(f"{folder}/etc", "/etc")
    for place in ("/var/lib", "/var/mail", "/run"):
        bind(folder + place, place)
    for tool in (["systemd-sysusers", "sysusers"],
                 ["systemd-tmpfiles", "--create", "tmpfiles"]):
        what = tool.pop()
        subprocess.run([*tool, f"{ROOT}/conf/dist/{what}/tidepost.conf"],
                       check=True, capture_output=True)
    for number, (name, (groups, *_)) in enumerate(PEOPLE.items(), 61001):
        with open("/etc/passwd", "a", encoding="utf-8") as stream:
            stream.write(f"{name}:x:{number}:{number}::/:/bin/sh\n")
        with open("/etc/group", encoding="utf-8") as stream:
            lines = stream.read().split("\n")
        for i, line in enumerate(lines):
            if line.split(":")[0] in groups:
                lines[i] = line + ("" if line.endswith(":") else ",") + name
        with open("/etc/group", "w", encoding="utf-8") as stream:
            stream.write(f"{name}:x:{number}:\n" + "\n".join(lines))
    os.makedirs("/run/bin")
    for program in (CLI, DAEMON):
        shutil.copy(program, "/run/bin")
    os.symlink("tidepost", "/run/bin/sendmail")


def as_user(name, *words, text=""):
    done = subprocess.run(
        ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups",
         f"/run/bin/{words[0]}", *words[1:]], input=text, text=True,
        capture_output=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def tries(name, running):
    _, look, change, change_down, send = PEOPLE[name]
    when = "up" if running else "down"
    for words, expected in (
            (["tidepost", "status"], look),
            (["tidepost", "queue", "list"], look),
            (["tidepost", "queue", "release", "--all", "--yes"],
             change if running else change_down),
            (["tidepost", "check"], 0),
            (["sendmail", "-i", "ben@shore.example"], send)):
        status, said = as_user(name, *words, text="Subject: x\n\nx\n")
        check(status == expected, f"{name}, daemon {when}: {' '.join(words)}: "
              f"{expected}", (status, said))


def inside():
    """Started by by_groups."""
    spaces = [os.readlink(f"/proc/{who}/ns/mnt") for who in
              ("self", os.getppid())]
    if spaces[0] == spaces[1]:
        raise AssertionError("these mounts are not for the whole host")
    folder = temp_dir()
    make_host(folder)
    done = subprocess.run(
        [CLI, "setup", "--role", "site", "--hostname", "aurora.example.org",
         "--provider", "shore.example", "--link", "vsat", "--password-stdin"],
        input="secret\n", text=True, capture_output=True)
    equal((done.returncode, done.stderr), (0, ""), "setup")
    with open(CONF, encoding="utf-8") as stream:
        text = stream.read()
    with open(CONF, "w", encoding="utf-8") as stream:
        stream.write(text.replace("port = 25;", "port = 0;"))
    with open(f"{folder}/log", "wb") as log:
        daemon = subprocess.Popen(
            ["setpriv", "--reuid=tidepost", "--regid=tidepost", "--init-groups",
             "/run/bin/tidepostd"], stderr=log)
    try:
        with open(f"{folder}/log", encoding="utf-8") as log:
            check(wait_until(lambda: "event=ready" in log.read()), "it runs")
        for name in PEOPLE:
            tries(name, True)
        os.chmod(CONF, 0o600)
        if "." not in socket.gethostname():
            status, said = as_user("eve", "sendmail", "ben@shore.example",
                                   text="Subject: x\n\nx\n")
            check(status == 75 and f"tidepost check {CONF}" in said,
                  "nobody knows the domain of names: try later", (status, said))
        os.chmod(CONF, 0o644)
    finally:
        daemon.terminate()
        daemon.wait(60)
    for name in PEOPLE:
        tries(name, False)
    equal(len(os.listdir("/var/lib/tidepost-drop")), len(PEOPLE),
          "what was left while it is down")


run(*([inside] if sys.argv[1:] == ["inside"]
      else [made_by_systemd, told_by_install, by_groups]))
