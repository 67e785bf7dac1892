#!/usr/bin/env python3
"""The configurations that the manual pages and docs/ show have no errors."""

import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

IS_CONF = re.compile(r"^\s*(\w+\s*=\s*[(\"{]|\{ name =)", re.M)
HAS = {  # what an example may leave out, and what stands for it then
    "hostname": 'hostname = "aurora.example.org";',
    "listeners": 'listeners = ( { name = "lan"; service = "smtp"; } );',
    "peers = (": 'peers = ( { name = "shore"; host = "shore.example"; }, '
                 '{ name = "office"; host = "office.example"; } );',
}


def from_page(text):
    for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text, re.M | re.S):
        yield re.sub(r"\\&|\\e", lambda m: "\\" if m.group() == r"\e" else "",
                     block)


def from_docs(text):
    """Paragraphs that are indented."""
    yield from re.findall(r"(?:^(?: {4}|\t).*\n)+", text, re.M)


def whole(block):
    """BLOCK with what it leaves out."""
    if block.lstrip().startswith("{"):
        block = f"links = ( {block.strip().rstrip(';')} );"
    if "local = {" in block and "deliver" not in block:
        block = block.replace("local = {", 'local = { deliver = "mbox:/m/{user}";')
    return block + "\n" + "\n".join(
        line for key, line in HAS.items() if key not in block) + "\n"


def examples():
    folder, seen = temp_dir(), 0
    for pattern, blocks in (("docs/man/*.[1-8]", from_page),
                            ("docs/*.md", from_docs)):
        for path in sorted(glob.glob(f"{ROOT}/{pattern}")):
            with open(path, encoding="utf-8") as stream:
                found = [b for b in blocks(stream.read()) if IS_CONF.search(b)]
            for i, block in enumerate(found):
                file = f"{folder}/{i}.conf"
                with open(file, "w", encoding="utf-8") as stream:
                    stream.write(whole(block))
                done = subprocess.run([CLI, "check", file], text=True,
                                      capture_output=True, timeout=60)
                equal(done.returncode, 0, f"{os.path.relpath(path, ROOT)}: "
                      f"{block.strip().splitlines()[0]}"
                      + (f"\n{done.stdout}" if done.returncode else ""))
                seen += 1
    check(seen > 10, "there are some", seen)


run(examples)
