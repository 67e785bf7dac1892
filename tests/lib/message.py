"""Messages, Maildirs, and what may differ between sent and delivered."""

import glob
import os
import re

RECEIVED = re.compile(
    rb"Received:(?:[^\r\n]|\r?\n[ \t])*\r?\n", re.I)
RETURN_PATH = re.compile(rb"Return-Path: <([^\r\n]*)>\r?\n", re.I)


def make(subject, body="Fair winds.\r\n", sender="ann@aurora.example.org",
         to="ben@shore.example", headers=""):
    """A plain message of the tests' own, with CRLF line ends."""
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n"
            "Date: Sun, 01 Mar 2026 06:00:00 +0000\r\n"
            f"Message-ID: <{subject.replace(' ', '.')}@test.example>\r\n"
            f"{headers}\r\n{body}").encode()


def crlf(octets):
    """LF line ends turned into CRLF, CRLF kept."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", octets)


def maildir(folder):
    """The messages of a Maildir, as octets, oldest first."""
    names = []
    for part in ("new", "cur"):
        names += glob.glob(os.path.join(folder, part, "*"))
    found = []
    for name in sorted(names, key=os.path.getmtime):
        with open(name, "rb") as stream:
            found.append(stream.read())
    return found


class Delivered:
    """A message as it lies in a mailbox, taken apart against the original."""

    def __init__(self, octets, original):
        self.octets = octets
        self.unchanged = False
        self.return_path = None
        self.received = []
        for text, end in ((original, octets),
                          (original.replace(b"\r\n", b"\n"), octets)):
            if end.endswith(text):
                self._trace(end[:len(end) - len(text)])
                break

    def _trace(self, front):
        """Only Return-Path and Received fields may stand in front."""
        match = RETURN_PATH.match(front)
        if match:
            self.return_path = match.group(1).decode()
            front = front[match.end():]
        while front:
            match = RECEIVED.match(front)
            if not match:
                return
            self.received.append(
                re.sub(rb"\s+", b" ", match.group(0)).decode())
            front = front[match.end():]
        self.unchanged = True


def copies(mails, original):
    """Those of MAILS that are ORIGINAL behind trace fields."""
    return [d for d in (Delivered(m, original) for m in mails) if d.unchanged]


def content_fault(octets, line_max=998):
    """Why strict SMTP cannot carry this content; None where it can."""
    if re.search(rb"\r(?!\n)", octets):
        return "bare CR"
    if re.search(rb"(?<!\r)\n", octets):
        return "bare LF"
    if b"\0" in octets:
        return "NUL"
    if any(len(line) > line_max for line in octets.split(b"\r\n")):
        return "long line"
    return None
