"""A provider with Postfix and rspamd around it, as docs/shore.md has it.

All of it runs once, in a machine of its own (machine, ashore.py).
"""

import functools
import os
import re
import shutil
import subprocess
import tempfile

from mta import needs_root
from node import BUILD, ROOT

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # the one that Debian's modules belong to
RUN_S = 900
PARTS = {
    "marked": "postfix and rspamd -> tidepost rules -> site",
    "unchanged": "DKIM of the world -> postfix, tidepost ATRN -> site",
    "signed": "site -> tidepost -> postfix and rspamd sign -> world",
    "doors": "postfix asks tidepost for recipients, parts that are down",
    "held": "postfix and rspamd -> tidepost holds what is marked",
}


def no_machine():
    """Why tests/interop/machine cannot be; None where it can."""
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t",
         "tmpfs", "none", "/run"], capture_output=True, text=True)
    if tried.returncode != 0:
        return "no machine of its own here: " + tried.stderr.strip()
    return None


def missing():
    if needs_root():
        return needs_root()
    for name in ("postfix", "rspamd"):
        if not shutil.which(name):
            return f"{name} is not installed"
    if subprocess.run([PYTHON, "-c", "import dkim"],
                      capture_output=True).returncode != 0:
        return "python3-dkim is not installed"
    with tempfile.TemporaryDirectory() as folder:
        # of its own: the system's may have no configuration
        open(f"{folder}/main.cf", "w", encoding="ascii").close()
        maps = subprocess.run(["postconf", "-c", folder, "-m"], text=True,
                              capture_output=True).stdout.split()
    if "sqlite" not in maps:
        return "postfix-sqlite is not installed"
    return no_machine()


@functools.cache
def results():
    """(name of the part: what is wrong, or None); "": what else was said."""
    done = subprocess.run(
        [f"{HERE}/machine", ROOT, os.path.abspath(BUILD), PYTHON,
         f"{HERE}/ashore.py"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=RUN_S, encoding="utf-8",
        errors="replace")
    found = {"": done.stdout}
    for word, name, text in re.findall(
            r"(?m)^(ok|FAIL) (\S+)(.*\n(?:  .*\n)*)", done.stdout):
        found[name] = text if word == "FAIL" else None
    return found


def part(name):
    def run():
        found = results()
        wrong = found.get(name, found[""])
        if wrong:
            raise AssertionError(wrong)
    return run


def pairs():
    why = missing()
    for name, text in PARTS.items():
        yield text, why, part(name)
