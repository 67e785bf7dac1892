"""Reads a tree of C files: which file is in which room and includes what."""

import os
import re

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def room_of(path):
    """The room a file of the tree, or a name in an include, belongs to."""
    parts = path.split("/")
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[0] in ("spool", "conf", "tui") and len(parts) > 1:
        return parts[0]
    return None


def blank(text):
    """TEXT with comments and literals blanked out, lines kept."""
    def spaces(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return TOKENS.sub(spaces, text)


class File:
    def __init__(self, root, path):
        self.path = path
        self.room = room_of(path)
        self.is_test = path.endswith("_test.c")
        with open(os.path.join(root, path), encoding="utf-8",
                  errors="replace") as stream:
            text = stream.read()
        self.code = blank(text).split("\n")
        self.includes = []  # (line number, name, ours)
        for number, line in enumerate(text.split("\n"), 1):
            match = INCLUDE.match(line)
            # Only where the directive is not inside a comment.
            if match and "#" in self.code[number - 1]:
                self.includes.append((number, match.group(1) or match.group(2),
                                      match.group(1) is not None))


class Tree:
    """The files of the rooms, and our headers by the name they go by."""

    def __init__(self, root):
        self.root = root
        self.files = []
        for top in ("src", "spool", "conf", "tui"):
            for folder, folders, names in os.walk(os.path.join(root, top)):
                folders.sort()
                for name in sorted(names):
                    if name.endswith((".c", ".h")):
                        path = os.path.relpath(os.path.join(folder, name),
                                               root)
                        self.files.append(File(root, path))
        self.headers = {}
        for file in self.files:
            if file.path.endswith(".h"):
                name = file.path
                if name.startswith("src/"):
                    name = name[4:]
                self.headers[name] = file

    def header_path(self, name):
        """The path in the tree of an include such as "wire/line.h"."""
        file = self.headers.get(name)
        return file.path if file else None
