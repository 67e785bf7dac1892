"""A server that a test scripts: good by default, bad where told.

	peer = Peer(rules={"MAIL": "451 4.3.0 not now"})

A rule is for a step: connect greeting EHLO STARTTLS tls AUTH MAIL RCPT DATA
BDAT end RSET NOOP QUIT ATRN ETRN ("end": the reply to a whole message). It is
the reply, or one of the actions below, or a function of the connection and
the line that returns either.
"""

import base64
import re
import socket
import ssl
import struct
import threading

import report


class Close:
    """Ends the connection; RST: as a reset."""

    def __init__(self, rst=False):
        self.rst = rst


class Stall:
    """Says nothing for so long."""

    def __init__(self, seconds=600):
        self.seconds = seconds


class Raw:
    """These octets, then (CLOSE) the end."""

    def __init__(self, octets, times=1, close=False):
        self.octets, self.times, self.close = octets, times, close


CLOSE, RESET, STALL = Close(), Close(True), Stall()


class Mail:
    def __init__(self, sender):
        self.sender = sender
        self.params = ""
        self.recipients = []
        self.octets = b""


class Gone(Exception):
    pass


KEYWORDS = ("PIPELINING", "SIZE 50000000", "8BITMIME", "CHUNKING",
            "ENHANCEDSTATUSCODES")


class Script:
    """What a server says, and what it has seen."""

    def __init__(self, rules=None, keywords=KEYWORDS, context=None,
                 auth=True, rate=0):
        self.rules = dict(rules or {})
        self.keywords = keywords
        self.context = context  # for STARTTLS; None: not offered
        self.auth = auth
        self.rate = rate  # octets a second that it reads; 0: all at once
        self.unknown = set()  # verbs it does not know, whatever it offers
        self.mails = []  # whole ones, accepted
        self.verbs = []  # every command line, of all connections
        self.connections = 0
        self.open = set()
        self.over = threading.Event()


class Peer(Script):
    def __init__(self, rules=None, keywords=KEYWORDS, context=None,
                 auth=True, rate=0, address="127.0.0.1", port=0):
        super().__init__(rules, keywords, context, auth, rate)
        self.socket = socket.create_server(
            (address, port), backlog=64,
            family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.port = self.socket.getsockname()[1]
        if rate:  # inherited; the kernel acknowledges no more than this
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        threading.Thread(target=self._accept, daemon=True).start()
        report.at_end(self.close)

    def close(self):
        self.over.set()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        for conn in list(self.open):
            conn.drop(False)

    def _accept(self):
        while not self.over.is_set():
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            conn = Connection(self, sock)
            self.open.add(conn)
            threading.Thread(target=conn.run, daemon=True).start()


class Connection:
    def __init__(self, peer, sock):
        self.peer = peer
        self.socket = sock
        self.pending = b""
        self.mail = None
        self.ending = None  # the whole one that "end" is asked about
        self.is_tls = False
        self.seen = {}  # how often each step was reached

    # --- octets ---

    def send(self, octets):
        try:
            self.socket.sendall(octets)
        except OSError as e:
            raise Gone from e

    def _more(self):
        rate = self.peer.rate
        try:
            if rate:
                self.peer.over.wait(0.05)
            octets = self.socket.recv(rate // 20 if rate else 65536)
        except OSError as e:
            raise Gone from e
        if not octets:
            raise Gone
        self.pending += octets

    def line(self):
        while b"\n" not in self.pending:
            self._more()
        line, self.pending = self.pending.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def take(self, count):
        while len(self.pending) < count:
            self._more()
        octets, self.pending = self.pending[:count], self.pending[count:]
        return octets

    def drop(self, rst):
        try:
            if rst:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
            else:
                self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    # --- rules ---

    def answer(self, step, line, default):
        """What the rules or DEFAULT say; the code of the reply."""
        self.seen[step] = self.seen.get(step, 0) + 1
        rule = self.peer.rules.get(step, default)
        if callable(rule):
            rule = rule(self, line)
            if rule is None:
                rule = default
        if isinstance(rule, Close):
            self.drop(rule.rst)
            raise Gone
        if isinstance(rule, Stall):
            self.peer.over.wait(rule.seconds)
            raise Gone
        if isinstance(rule, Raw):
            for _ in range(rule.times):
                self.send(rule.octets)
            if rule.close:
                self.drop(False)
                raise Gone
            return 0
        if rule:
            self.send(rule.encode() + b"\r\n")
        return int(rule[:3]) if rule[:3].isdigit() else 0

    def run(self):
        try:
            self.answer("connect", "", "")
            self.answer("greeting", "", "220 peer.example ESMTP")
            while self.command(self.line()):
                pass
        except Gone:
            pass
        finally:
            self.drop(False)
            self.peer.open.discard(self)

    def hello(self):
        words = ["peer.example", *self.peer.keywords]
        if self.peer.context and not self.is_tls:
            words.append("STARTTLS")
        if self.peer.auth:
            words.append("AUTH PLAIN")
        return "\r\n".join(
            f"250{'-' if i < len(words) - 1 else ' '}{w}"
            for i, w in enumerate(words))

    def command(self, line):
        self.peer.verbs.append(line)
        verb = line.split(" ")[0].upper()
        method = getattr(self, "on_" + verb.lower(), None)
        if method and verb not in self.peer.unknown:
            return method(line)
        self.answer(verb, line, "500 5.5.1 not known")
        return True

    def on_ehlo(self, line):
        self.answer("EHLO", line, self.hello())
        return True

    def on_helo(self, line):
        self.answer("HELO", line, "250 peer.example")
        return True

    def on_starttls(self, line):
        if self.answer("STARTTLS", line, "220 2.0.0 go") == 220:
            self.answer("tls", line, "")
            try:
                self.socket = self.peer.context.wrap_socket(
                    self.socket, server_side=True)
            except (OSError, ssl.SSLError) as e:
                raise Gone from e
            self.is_tls = True
            self.pending = b""
        return True

    def on_auth(self, line):
        words = line.split(" ")
        default = "235 2.7.0 welcome"
        if len(words) == 2:
            if self.answer("AUTH-challenge", line, "334 ") != 334:
                return True
            base64.b64decode(self.line())
        self.answer("AUTH", line, default)
        return True

    def on_mail(self, line):
        if self.answer("MAIL", line, "250 2.1.0 ok") == 250:
            match = re.match(r"MAIL FROM:<([^>]*)>(.*)", line, re.I)
            self.mail = Mail(match.group(1))
            self.mail.params = match.group(2)
        return True

    def on_rcpt(self, line):
        default = "250 2.1.5 ok" if self.mail else "503 5.5.1 no MAIL"
        if self.answer("RCPT", line, default) == 250:
            self.mail.recipients.append(
                re.match(r"RCPT TO:<([^>]*)>", line, re.I).group(1))
        return True

    def on_data(self, line):
        good = self.mail and self.mail.recipients
        default = "354 go" if good else "503 5.5.1 no recipients"
        if self.answer("DATA", line, default) != 354:
            return True
        while True:
            text = self.raw_line()
            if text == b".\r\n":
                break
            self.mail.octets += text[1:] if text.startswith(b".") else text
        self.end(line)
        return True

    def raw_line(self):
        while b"\r\n" not in self.pending:
            self._more()
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line + b"\r\n"

    def on_bdat(self, line):
        words = line.split(" ")
        octets = self.take(int(words[1]))
        last = len(words) > 2 and words[2].upper() == "LAST"
        if not self.mail or not self.mail.recipients:
            self.answer("BDAT", line, "503 5.5.1 no recipients")
            return True
        self.mail.octets += octets
        if last:
            self.end(line)
        else:
            self.answer("BDAT", line, "250 2.0.0 more")
        return True

    def end(self, line):
        self.ending, self.mail = self.mail, None
        mail = self.ending
        if self.answer("end", line, "250 2.0.0 taken") == 250:
            self.peer.mails.append(mail)

    def on_rset(self, line):
        self.mail = None
        self.answer("RSET", line, "250 2.0.0 ok")
        return True

    def on_noop(self, line):
        self.answer("NOOP", line, "250 2.0.0 ok")
        return True

    def on_quit(self, line):
        self.answer("QUIT", line, "221 2.0.0 bye")
        return False

    def on_atrn(self, line):
        self.answer("ATRN", line, "453 4.0.0 you have no mail")
        return True
