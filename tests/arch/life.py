"""Holds docs/life.md against the code and the tests.

Each section of it says how deliveries of some states and reasons leave them, and
what the sender, the operator and the log are told. Every state and reason of
spool/types.h has a section, every file that gives a reason is named in one, and
the tests are there and name the words, statuses and events that it promises.
"""

import os
import re

PAGE = "docs/life.md"
TYPES = "spool/types.h"
ITEMS = ("leaves", "sender", "operator", "log", "tests")
# They ask for reasons, and give none.
ASKS = (TYPES, "spool/types.c", "src/daemon/life.c")
STATES = {"ready", "active", "deferred", "held", "deleted"}
NOT_THERE = "What there is not"
COMPARED = re.compile(r"([=!]=|\bcase|OP_EQ,)\s*REASON_\w+"
                      r"|REASON_\w+\s*==")


class Section:
    def __init__(self, line, title):
        self.line, self.title = line, title
        words = re.findall(r"`([a-z0-9-]+)`", title.split(":")[0])
        self.states = [w for w in words if w in STATES]
        self.reasons = [w for w in words if w not in STATES]
        self.items = {}

    def quoted(self, item):
        return re.findall(r'"([^"]+)"', self.items.get(item, ""))

    def marked(self, item):
        return re.findall(r"`([^`]+)`", self.items.get(item, ""))


def sections(text):
    """Those about states, and what no delivery has."""
    found, absent, current, item = [], "", None, None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("## "):
            current = Section(number, line[3:])
            if current.states:
                found.append(current)
            item = None
        elif current and current.title == NOT_THERE:
            absent += line
        elif current and (match := re.match(r"- (\w+): (.*)", line)):
            item = match.group(1)
            current.items[item] = match.group(2)
        elif current and item and line.startswith("  "):
            current.items[item] += " " + line.strip()
    return found, set(re.findall(r"`([a-z0-9-]+)`", absent))


def reasons(root):
    """Name in the code -> name in the page."""
    with open(os.path.join(root, TYPES), encoding="utf-8") as stream:
        return {m[1]: m[2] for m in re.finditer(
            r'X\((REASON_\w+), "([^"]+)"\)', stream.read())}


def givers(tree, names):
    """(file, name of a reason) -> line, where it is given."""
    found = {}
    for file in tree.files:
        if file.is_test or file.path in ASKS or \
                file.path.startswith("tui/"):
            continue
        for number, line in enumerate(file.code, 1):
            for word in re.findall(r"\bREASON_\w+", COMPARED.sub("", line)):
                if word in names:
                    found.setdefault((file.path, names[word]), number)
    return found


def tests_of(section):
    """(script, its functions; none: all of it)"""
    for part in section.items.get("tests", "").split(";"):
        words = part.replace("`", "").split()
        if words:
            yield words[0], words[1:]


def check_tests(root, section):
    """What is wrong with the tests; yields texts."""
    said = ""
    for name, functions in tests_of(section):
        scripts = [n for n in os.listdir(f"{root}/tests/scenario")
                   if n in (name + ".py", name + ".sh")]
        if not scripts:
            yield f"there is no tests/scenario/{name}"
            continue
        with open(f"{root}/tests/scenario/{scripts[0]}",
                  encoding="utf-8") as stream:
            text = stream.read()
        for function in functions:
            used = re.findall(rf"(def )?(?<![\w'-]){function}(?![\w'-])",
                              text)
            if "def " not in used or "" not in used:
                yield f"{name} has and runs no test {function}"
        said += re.sub(r'"\s+f?"', "", text)
    promised = section.quoted("sender") + section.quoted("operator") \
        + section.marked("log") \
        + re.findall(r"\b\d\.\d+\.\d+\b", section.items.get("sender", ""))
    for words in promised:
        if words.strip() not in said:
            yield f"none of its tests has \"{words}\""


def check(tree):
    """docs/life.md knows every state and reason, and its tests are there."""
    path = os.path.join(tree.root, PAGE)
    if not os.path.exists(path):
        yield PAGE, 0, "it is not there"
        return
    with open(path, encoding="utf-8") as stream:
        found, absent = sections(stream.read())
    names = reasons(tree.root)
    for section in found:
        for item in ITEMS:
            if not section.items.get(item):
                yield PAGE, section.line, f"it does not say: {item}"
        for reason in section.reasons:
            if reason not in names.values():
                yield PAGE, section.line, f"there is no reason {reason}"
        for text in check_tests(tree.root, section):
            yield PAGE, section.line, text
    told = {r for s in found for r in s.reasons}
    for state in sorted(STATES - {w for s in found for w in s.states}):
        yield PAGE, 0, f"it has no section for the state {state}"
    for reason in sorted(set(names.values()) - told - absent):
        yield PAGE, 0, f"it has no section for the reason {reason}"
    yield from check_givers(givers(tree, names), found, absent)


def check_givers(given, found, absent):
    named = {(file, reason): s.line for s in found
             for file in s.marked("from") for reason in s.reasons}
    for (file, reason), line in sorted(given.items()):
        if reason in absent:
            yield file, line, f"{PAGE} says that nothing has {reason}"
        elif (file, reason) not in named:
            yield (file, line, f"gives the reason {reason}: {PAGE} names it "
                   "in no section of that reason")
    files = {file for file, _ in given}
    for (file, reason), line in sorted(named.items()):
        if file not in files:
            yield PAGE, line, f"{file} gives no reason"
