"""What docs/*.md names has to exist: files, functions, tests, steps, pages."""

import glob
import os
import re

HERE = ("", "src/")  # a file is named from the top, or from src on
FILE = re.compile(r"`((?:[a-z]+/)+[\w.-]+)`")
FUNCTION = re.compile(r"`([a-z][a-z0-9_]*)\(\)`")
PAGE = re.compile(r"\]\(([\w./-]+)\)")
DECISION = re.compile(r"\(?[Dd]ecisions? (\d{3})")
TESTS = re.compile(r"^Tests: ")
TEST = re.compile(r"(?<![\w-])(\d\d(?:-[a-z0-9]+)*)\b(?!-)")
FUZZ = re.compile(r"\b(fuzz_[a-z]+)\b")
STEP = re.compile(r"`([a-z]+(?:-[a-z]+)+)`")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def functions(tree):
    found = set()
    for file in tree.files:
        for line in file.code:
            match = re.match(r"^(?:[a-z].*?[ *])?([a-z][a-z0-9_]*)\(", line)
            if match:
                found.add(match.group(1))
    return found


def steps(tree):
    """The labels of crash points."""
    found = set()
    for file in tree.files:
        for line in read(os.path.join(tree.root, file.path)).split("\n"):
            found.update(re.findall(r'crash_point\("([^"]+)"\)', line))
    return found


def is_file(root, name):
    return any(os.path.exists(os.path.join(root, top, name))
               or glob.glob(os.path.join(root, top, name) + ".[ch]")
               for top in HERE)


def rooms(root):
    """The first parts of paths that are ours."""
    found = {n for n in os.listdir(root)
             if os.path.isdir(os.path.join(root, n))}
    src = os.path.join(root, "src")
    return found | set(os.listdir(src) if os.path.isdir(src) else ())


def paragraphs(text):
    """(line, paragraph): a list of tests may go over several lines."""
    line = 1
    for part in text.split("\n\n"):
        yield line, part
        line += part.count("\n") + 2


def check_tests(root, page, text):
    for line, part in paragraphs(text):
        if not TESTS.match(part):
            continue
        for number in TEST.findall(re.sub(r"`[^`]*`|\([^)]*\)", "", part)):
            if not glob.glob(f"{root}/tests/scenario/{number}*.py"):
                yield page, line, f"there is no scenario {number}"
        for name in FUZZ.findall(part):
            if not os.path.exists(f"{root}/tests/fuzz/{name}.c"):
                yield page, line, f"there is no {name}"


def check_steps(page, text, labels):
    for line, part in paragraphs(text):
        at = part.find("Steps: ")
        for name in STEP.findall(part[at:]) if at >= 0 else ():
            if name not in labels:
                yield page, line, f"no crash_point() is called {name}"


def check_lines(tree, page, text, known):
    ours = rooms(tree.root)
    for number, line in enumerate(text.split("\n"), 1):
        for name in FILE.findall(line):
            if name.split("/")[0] in ours and not is_file(tree.root, name):
                yield page, number, f"there is no {name}"
        for name in FUNCTION.findall(line):
            if name not in known:
                yield page, number, f"there is no {name}()"
        for name in PAGE.findall(line):
            if not os.path.exists(os.path.join(tree.root, "docs", name)):
                yield page, number, f"there is no page {name}"
        for name in DECISION.findall(line):
            if not glob.glob(f"{tree.root}/docs/decisions/{name}-*.md"):
                yield page, number, f"there is no decision {name}"


def check(tree):
    """What the pages of docs name is there."""
    known, labels = functions(tree), steps(tree)
    for path in sorted(glob.glob(os.path.join(tree.root, "docs", "*.md"))):
        page, text = os.path.relpath(path, tree.root), read(path)
        yield from check_lines(tree, page, text, known)
        yield from check_tests(tree.root, page, text)
        yield from check_steps(page, text, labels)
