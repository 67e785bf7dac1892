#!/usr/bin/env python3
"""What systemd makes for a node whose daemon never is root: users and folders."""

import os
import shutil
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


run(made_by_systemd, told_by_install)
