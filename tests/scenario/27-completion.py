#!/usr/bin/env python3
"""Completions for bash and zsh, and the help they are made from."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import re
import shlex
import shutil
import subprocess

SHELL_S = 60


def verbs():
    done = subprocess.run([CLI, "help", "--list"], capture_output=True,
                          encoding="utf-8", timeout=SHELL_S)
    found = {}
    for line in done.stdout.split("\n"):
        name, dashes, option = line.partition(" --")
        if name:
            found.setdefault(name, []).extend(["--" + option] * bool(dashes))
    return found


class Bash:
    """Asks a bash what it would propose behind words."""

    def __init__(self, folder):
        self.script = f"{folder}/completion"
        self.folder = folder
        with open(self.script, "w", encoding="utf-8") as stream:
            subprocess.run([CLI, "help", "--completion", "bash"], check=True,
                           stdout=stream, timeout=SHELL_S)

    def ask_all(self, *lines):
        """For each line of words, the last half-typed, what is proposed."""
        program = f"source {shlex.quote(self.script)}\n"
        for words in lines:
            program += (f"COMP_WORDS=({shlex.join([CLI, *words])})\n"
                        f"COMP_CWORD={len(words)}\n_tidepost\n"
                        'printf "%s\\n" "${COMPREPLY[@]}"; echo END\n')
        done = subprocess.run(
            ["bash", "--norc", "-u"], input=program, cwd=self.folder,
            capture_output=True, encoding="utf-8", timeout=SHELL_S)
        equal(done.stderr, "", "bash has no complaint")
        return [sorted(filter(None, part.split("\n")))
                for part in done.stdout.split("END\n")[:-1]]

    def ask(self, *words):
        return self.ask_all(words)[0]


def by_table():
    """Every verb and every option of the table, and no more."""
    bash = Bash(temp_dir())
    known = verbs()
    check(len(known) > 40, "the table has verbs", len(known))
    firsts = {name.split()[0] for name in known}
    equal(bash.ask(""), sorted(firsts | {"-c", "--help", "--version"}),
          "each first word")
    families = {n.split()[0] for n in known if " " in n}
    got = bash.ask_all(*([f, ""] for f in sorted(families)))
    equal(got, [sorted(n.split()[1] for n in known if n.startswith(f + " "))
                for f in sorted(families)], "each verb of a family")
    got = bash.ask_all(*(name.split() + ["--"] for name in known))
    equal(got, [sorted(o + ["--color", "--help"]) for o in known.values()],
          "each option of a verb")
    equal(bash.ask("status", "--color", "a"), ["always", "auto"],
          "when it has colours")


def halves():
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9))
    site.write_conf()
    site.must("customer", "add", "kestrel", "--domain", "kestrel.example",
              "--password-stdin", text="x\n")
    folder = temp_dir()
    bash = Bash(folder)
    for name in ("mail.conf", "more.txt"):
        open(f"{folder}/{name}", "w").close()
    conf = ["-c", site.file]
    asked = (
        (["qu"], ["queue"]),
        (["queue", "rel"], ["release"]),
        (["queue", "list", "--st"], ["--state"]),
        ([*conf, "queue", "list", "--json", "--fr"], ["--from"]),
        (["-c", "ma"], ["mail.conf"]),
        (["check", "m"], ["mail.conf", "more.txt"]),
        (["setup", "--from", "mo"], ["more.txt"]),
        (["queue", "list", "--from", "mo"], []),
        (["help", "que"], ["queue"]),
        ([*conf, "link", "up", ""], ["iridium"]),
        ([*conf, "customer", "show", "k"], ["kestrel"]),
        ([*conf, "customer", "show", "--json", "k"], ["kestrel"]),
        (["-c", f"{folder}/more.txt", "link", "up", ""], []),
        (["nosuch", "--"], ["--help"][:0]),
        (["queue", "$(touch x)", ""], []))
    got = bash.ask_all(*(words for words, _ in asked))
    for (words, expected), found in zip(asked, got):
        equal(found, expected, "tidepost " + " ".join(words[-3:]))
    check(not os.path.exists(f"{folder}/x"), "what is typed is not run")


def zsh():
    done = subprocess.run([CLI, "help", "--completion", "zsh"],
                          capture_output=True, encoding="utf-8",
                          timeout=SHELL_S)
    check(done.stdout.startswith("#compdef tidepost\n"), "compinit finds it")
    missing = [n for n in verbs() if f"'{n}')" not in done.stdout]
    equal(missing, [], "each verb is in it")
    for verb, options in verbs().items():
        part = done.stdout.split(f"'{verb}') _arguments")[-1].split(" ;;")[0]
        got = re.findall(r"\n\t\t'\*?(--[a-z0-9-]+)", part)
        equal(got, [*options, "--color", "--help"], f"options of {verb}")
    for verb in (v for v in verbs() if " " in v):
        family, second = verb.split(" ", 1)
        part = done.stdout.split(f"\t\t{family}) seconds=(\n")[-1]
        check(f"\t\t\t'{second}:" in part.split("\t\t) ;;\n")[0],
              f"{second} comes behind {family}", part[:400])
    if not shutil.which("zsh"):
        skip_part("there is no zsh")
        return
    done = subprocess.run(["zsh", "-n"], input=done.stdout,
                          capture_output=True, encoding="utf-8",
                          timeout=SHELL_S)
    equal((done.returncode, done.stderr), (0, ""), "zsh can read it")


def help_of_each():
    """A sentence, every option with words, an example that the verb takes."""
    for name, options in verbs().items():
        done = subprocess.run([CLI, "help", *name.split()], encoding="utf-8",
                              capture_output=True, timeout=SHELL_S)
        rows = done.stdout.split("\n")
        check(done.returncode == 0 and rows[0].startswith(
            f"usage: tidepost [-c FILE] {name}"), f"help {name}", done.stdout)
        for option in options:
            row = [r for r in rows if r.startswith(f"  {option}")]
            check(row and len(row[0].split()) > 2, f"{name} {option}: words",
                  row)
        check(f"example: tidepost {name}" in done.stdout
              or f"| tidepost {name}" in done.stdout,
              f"help {name}: an example", rows[-2:])
    done = subprocess.run([CLI, "help", "--completion", "fish"],
                          capture_output=True, encoding="utf-8",
                          timeout=SHELL_S)
    check(done.returncode == 64 and "bash and zsh" in done.stderr,
          "another shell: says which", done.stderr)


def installed():
    """make install puts them where the shells look."""
    if not os.path.exists(f"{ROOT}/Makefile") or not shutil.which("make"):
        skip_part("no make here")
    folder = temp_dir()
    text = subprocess.run(
        ["make", "-n", "-C", ROOT, "install", f"DESTDIR={folder}",
         "PREFIX=/usr"], capture_output=True, encoding="utf-8",
        timeout=SHELL_S).stdout
    for place in (f"{folder}/usr/share/bash-completion/completions/tidepost",
                  f"{folder}/usr/share/zsh/site-functions/_tidepost"):
        check(f">{place}" in text, f"make install writes {place[len(folder):]}")


run(by_table, halves, zsh, help_of_each, installed)
