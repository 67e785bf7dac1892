"""Compares the tables of keys and commands with their manual pages, and with what
the other pages tell people to type."""

import glob
import os
import re
import subprocess

KEYS = "conf/schema.c"
KEYS_PAGE = "docs/man/tidepost.conf.5"
COMMANDS_PAGE = "docs/man/tidepost.1"


def lines(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as stream:
        return list(enumerate(stream.read().split("\n"), 1))


def keys(root):
    """key -> line in the table"""
    found = {}
    for number, line in lines(root, KEYS):
        match = re.search(r'\.path = "([^"]+)"', line)
        if match:
            found[match.group(1)] = number
    return found


def page_keys(root):
    """key -> line in the page"""
    found = {}
    for number, line in lines(root, KEYS_PAGE):
        match = re.match(r"\.It Ic (\S+)$", line)
        if match:
            found[match.group(1)] = number
    return found


def page_commands(root):
    """(command, option or "") -> line in the page"""
    found = {}
    command = None
    rows = lines(root, COMMANDS_PAGE)
    for (number, line), (_, before) in zip(rows[1:], rows):
        if before == ".It Xo" and line.startswith(".Ic "):
            command = line[4:].strip()
            found[command, ""] = number
        elif line == ".Xc":
            command = None
        elif command:
            for option in re.findall(r"Fl -([\w-]+)", line):
                found[command, "--" + option] = number
    return found


def commands(build):
    """The set of (command, option or "") the program knows."""
    out = subprocess.run([os.path.join(build, "tidepost"), "help", "--list"],
                         check=True, capture_output=True, text=True).stdout
    found = set()
    for line in out.split("\n"):
        words = line.split()
        options = [w for w in words if w.startswith("--")]
        name = " ".join(w for w in words if not w.startswith("--"))
        if name:
            found.add((name, ""))
            found.update((name, option) for option in options)
    return found


def check_keys(root):
    table, page = keys(root), page_keys(root)
    for key in sorted(table.keys() - page.keys()):
        yield KEYS, table[key], f"{key} is not in {KEYS_PAGE}"
    for key in sorted(page.keys() - table.keys()):
        yield KEYS_PAGE, page[key], f"{key} is not in {KEYS}"
    if not table:
        yield KEYS, 1, "no key found: has the table changed its form?"


def check_commands(root, build):
    if not os.path.exists(os.path.join(build, "tidepost")):
        yield build, 0, "tidepost is not built"
        return
    table, page = commands(build), page_commands(root)
    for name, option in sorted(table - page.keys()):
        yield COMMANDS_PAGE, 0, f"it lacks {name} {option}".rstrip()
    for name, option in sorted(page.keys() - table):
        yield (COMMANDS_PAGE, page[name, option],
               f"the program has no {name} {option}".rstrip())
    if not table:
        yield build, 0, "tidepost help --list says nothing"


# A command as somebody would type it.
TYPED = re.compile(r"^\s+(?:\w+# )?tidepost ([a-z].*)$")
TYPED_IN = ("INSTALL", "README.md", "docs/man/*.[1-8]")


def typed(text):
    """(line, words) of the commands in TEXT, without comments."""
    for number, line in enumerate(text.split("\n"), 1):
        match = TYPED.match(line)
        if match:
            yield number, re.split(r" +#| [|;&]|; ", match.group(1))[0].split()


def check_typed(root, build):
    table = commands(build)
    verbs = {name for name, _ in table}
    for pattern in TYPED_IN:
        for path in sorted(glob.glob(os.path.join(root, pattern))):
            page = os.path.relpath(path, root)
            with open(path, encoding="utf-8") as stream:
                text = stream.read()
            if "docs/man/" in pattern:  # .Dl, or a line in a literal block
                text = re.sub(r"(?m)^(?:\.Dl (?:[#$] )?)?(?=tidepost )", "\t",
                              text)
            for number, words in typed(text):
                name = next((n for n in (" ".join(words[:2]), words[0])
                             if n in verbs), None)
                if not name:
                    yield page, number, "no command is tidepost " + words[0]
                    continue
                for option in words:
                    if option.startswith("--") and \
                            (name, option.split("=")[0]) not in table:
                        yield page, number, f"{name} has no {option}"


# A macro of mdoc that is read as a word, since its line is not one of macros.
MACRO = re.compile(r"(?<![\w.`'-])(Pa|Fl|Ar|Ic|Cm|Xr|Ql|Dq|Sq|Ns|Ev|Ta) ")


def check_macros(root):
    for path in sorted(glob.glob(os.path.join(root, "docs/man/*.[1-8]"))):
        page = os.path.relpath(path, root)
        literal = False
        for number, line in lines(root, page):
            if line.startswith((".Bd -literal", ".Ed")):
                literal = line.startswith(".Bd")
            match = MACRO.search(line)
            if match and not literal and not line.startswith("."):
                yield page, number, f"{match.group(1)} is a word there"


def check(root, build):
    yield from check_keys(root)
    yield from check_macros(root)
    yield from check_commands(root, build)
    if os.path.exists(os.path.join(build, "tidepost")):
        yield from check_typed(root, build)
