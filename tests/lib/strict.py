"""A client that finds fault with the form of every reply it reads, and talks
by tables: what to send, what must come.

	talk(session, "MAIL FROM:<>", "250 2.1.0", b"BDAT 2 LAST\\r\\nhi", "250")

A text is a command line, octets are sent as they are. What must come is one
reply: a code and, where it matters, an enhanced code; "x" stands for any digit
of a code, "x" or more for any number in an enhanced one, "|" between choices.
A tuple is several replies, "" none, "closed" the end of the connection.
"""

import re
import ssl

from smtp import Closed, Smtp

LINE_MAX = 512  # RFC 5321 4.5.3.1.5, with CRLF
FORM = re.compile(rb"[2345]\d\d(?:[ -][\t\x20-\x7e\x80-\xff]*)?")
ENHANCED = re.compile(r"([245])\.\d{1,3}\.\d{1,3}(?: |$)")


def is_hello(line):
    return line.split(" ")[0].upper() in ("EHLO", "HELO")


class Strict(Smtp):
    """faults: what RFC 5321 4.2 and RFC 2034 4 forbid, in replies so far."""

    def __init__(self, port, **more):
        self.faults = []
        self.utf8 = False  # RFC 6531 3.7.4.2: replies may hold UTF-8
        greet = more.pop("greet", True)
        super().__init__(port, greet=False, **more)
        if greet:
            self.greeting = self.reply(plain=True)

    def line(self):
        while b"\n" not in self.pending:
            try:
                more = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLError) as e:
                raise Closed(str(e)) from e
            if not more:
                raise Closed("closed")
            self.pending += more
        line, self.pending = self.pending.split(b"\n", 1)
        self._judge_line(line)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def _judge_line(self, line):
        text = line[:-1]
        if not line.endswith(b"\r"):
            self.faults.append(f"no CRLF: {line!r}")
        elif not FORM.fullmatch(text):
            self.faults.append(f"not a reply line: {line!r}")
        # RFC 4954 4: challenges have no such limit.
        if len(line) + 1 > LINE_MAX and not line.startswith(b"334"):
            self.faults.append(f"{len(line) + 1} octets: {line[:60]!r}")
        if not self.utf8 and any(o > 126 for o in text):
            self.faults.append(f"not ASCII: {line!r}")

    def reply(self, plain=False):
        """PLAIN: no enhanced code may stand in it (RFC 2034 4)."""
        reply = super().reply()
        if len({line[:3] for line in reply.lines}) != 1:
            self.faults.append(f"several codes in one reply: {reply}")
        for line in reply.lines:
            match = ENHANCED.match(line[4:])
            if plain or line[0] == "3":
                if match:
                    self.faults.append(f"an enhanced code: {line}")
            elif not match:
                self.faults.append(f"no enhanced code: {line}")
            elif match.group(1) != line[0]:
                self.faults.append(f"two classes: {line}")
        return reply

    def cmd(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply(plain=is_hello(text))


def pattern(expected):
    choices = []
    for choice in expected.split("|"):
        code, _, enhanced = choice.partition(" ")
        text = re.escape(code).replace("x", r"\d")
        if enhanced:
            text += "[ -]" + re.escape(enhanced).replace("x", r"\d+")
        choices.append(text)
    return re.compile("(?:" + "|".join(choices) + r")(?:[ -]|$)")


def hear(session, expected, plain=False):
    """What is wrong with the next reply; None where it is as EXPECTED."""
    if expected == "closed":
        return None if session.is_closed() else "still open"
    try:
        reply = session.reply(plain)
    except (Closed, TimeoutError) as e:
        return f"expected {expected}, got {type(e).__name__} {e}"
    if pattern(expected).match(reply.lines[0]):
        return None
    return f"expected {expected}, got {reply}"


def shown(octets):
    text = octets if isinstance(octets, str) else repr(octets)
    return text if len(text) < 100 else f"{text[:80]}... ({len(text)})"


def talk(session, *steps):
    """The first thing that went wrong, or None."""
    for sent, expected in zip(steps[::2], steps[1::2]):
        plain = False
        try:
            if isinstance(sent, str):
                session.send(sent.encode() + b"\r\n")
                plain = is_hello(sent)
            else:
                session.send(sent)
        except Closed as e:
            return f"{shown(sent)}: closed {e}"
        several = expected if isinstance(expected, tuple) else (expected,)
        for i, one in enumerate(several):
            fault = hear(session, one, plain) if one else None
            if fault:
                where = f" (reply {i + 1})" if len(several) > 1 else ""
                return f"{shown(sent)}{where}: {fault}"
    return None
