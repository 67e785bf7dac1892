"""The scripts of conf/hooks under the real programs that call them, each in a
machine of its own (machine, network.py). They are not among tests/deps, which
puts no manager of networks on the machine of anybody: where one is there, it is
tried (Debian: network-manager, networkd-dispatcher, ifupdown, dbus). pppd is not among them: it needs a
kernel with PPP, which machines for tests seldom have; tests/scenario/59 calls
its scripts as it does.
"""

import functools
import os
import shutil
import subprocess

from mta import needs_root
from node import BUILD, ROOT
from shore import PYTHON, no_machine

HERE = os.path.dirname(os.path.abspath(__file__))
RUN_S = 300
# What each needs beside itself.
PROGRAMS = {
    "NetworkManager": ("dbus-daemon", "nmcli"),
    "networkd-dispatcher": ("dbus-daemon", "networkctl"),
    "ifupdown": ("ifup",),
}


def missing(name):
    for program in (name if name != "ifupdown" else "ifup", *PROGRAMS[name]):
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            return f"{program} is not installed"
    return needs_root() or no_machine()


def called(name):
    done = subprocess.run(
        [f"{HERE}/machine", ROOT, os.path.abspath(BUILD), PYTHON,
         f"{HERE}/network.py", name], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=RUN_S, encoding="utf-8",
        errors="replace")
    if done.returncode != 0:
        raise AssertionError(done.stdout)


def pairs():
    for name in PROGRAMS:
        yield (f"{name} -> tidepost link", missing(name),
               functools.partial(called, name))
