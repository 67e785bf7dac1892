"""The mail corpus beside the project, where there is one."""

import os

import message
from report import skip


def folder():
    named = os.environ.get("TIDEPOST_CORPUS")
    root = os.environ["TIDEPOST_ROOT"]
    for path in [named] if named else [root + "/../shared/corpus"]:
        if os.path.isfile(os.path.join(path, "MANIFEST.tsv")):
            return path
    return None


class Sample:
    def __init__(self, file, features, octets):
        self.file = file
        self.octets = octets
        self.features = features
        self.fault = message.content_fault(octets)
        self.is_8bit = any(o > 127 for o in octets)


def load(limit=None):
    """All messages, files with LF line ends turned into CRLF."""
    path = folder()
    if not path:
        skip("no corpus: set TIDEPOST_CORPUS to a folder with a MANIFEST.tsv")
    samples = []
    with open(os.path.join(path, "MANIFEST.tsv"), encoding="utf-8") as table:
        head = table.readline().rstrip("\n").split("\t")
        for line in table:
            row = dict(zip(head, line.rstrip("\n").split("\t")))
            with open(os.path.join(path, row["file"]), "rb") as stream:
                octets = stream.read()
            features = set(row["features"].split(","))
            if "lf" in features:
                octets = message.crlf(octets)
            samples.append(Sample(row["file"], features, octets))
    return samples[:limit]
