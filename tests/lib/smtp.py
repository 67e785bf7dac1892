"""An SMTP client that does what it is told, right or wrong."""

import base64
import hashlib
import hmac
import os
import re
import socket
import ssl


class Closed(Exception):
    """The other side closed or reset the connection."""


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[0][:3])
        self.text = "\n".join(line[4:] for line in lines)

    def __str__(self):
        return "|".join(self.lines)

    __repr__ = __str__

    @property
    def message_id(self):
        match = re.search(r"queued as (\S+)", self.text)
        return match.group(1) if match else None


def stuff(octets):
    """Dots doubled and the end of data behind (RFC 5321 4.5.2)."""
    if octets.startswith(b"."):
        octets = b"." + octets
    octets = octets.replace(b"\r\n.", b"\r\n..")
    if not octets.endswith(b"\r\n") and octets:
        octets += b"\r\n"
    return octets + b".\r\n"


class Smtp:
    def __init__(self, port, host="127.0.0.1", timeout=30, tls=None,
                 greet=True, source=None):
        self.socket = socket.create_connection(
            (host, port), timeout, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.keywords = {}
        if tls:
            self.socket = tls.wrap_socket(self.socket,
                                          server_hostname="localhost")
        if greet:
            self.greeting = self.reply()

    def send(self, octets):
        try:
            self.socket.sendall(octets)
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Closed(str(e)) from e

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
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return Reply(lines)

    def cmd(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply()

    def ehlo(self, name="client.example"):
        reply = self.cmd("EHLO " + name)
        self.keywords = {}
        for line in reply.lines[1:]:
            word, _, rest = line[4:].partition(" ")
            self.keywords[word.upper()] = rest
        return reply

    def starttls(self, context, name="localhost"):
        reply = self.cmd("STARTTLS")
        if reply.code == 220:
            self.socket = context.wrap_socket(self.socket,
                                              server_hostname=name)
            self.pending = b""
        return reply

    # --- AUTH (RFC 4954) ---

    def auth_plain(self, user, password, authzid=""):
        text = base64.b64encode(
            f"{authzid}\0{user}\0{password}".encode()).decode()
        return self.cmd("AUTH PLAIN " + text)

    def auth_cram_md5(self, user, password):
        reply = self.cmd("AUTH CRAM-MD5")
        if reply.code != 334:
            return reply
        challenge = base64.b64decode(reply.text)
        digest = hmac.new(password.encode(), challenge, hashlib.md5)
        return self.cmd(base64.b64encode(
            f"{user} {digest.hexdigest()}".encode()).decode())

    def auth_scram(self, user, password, spoil=False):
        """SCRAM-SHA-256 (RFC 5802, 7677); the server's proof is checked."""
        nonce = base64.b64encode(os.urandom(18)).decode()
        bare = f"n={user},r={nonce}"
        reply = self.cmd("AUTH SCRAM-SHA-256 "
                         + base64.b64encode(b"n,," + bare.encode()).decode())
        if reply.code != 334:
            return reply
        first = base64.b64decode(reply.text).decode()
        fields = dict(f.split("=", 1) for f in first.split(","))
        if not fields["r"].startswith(nonce):
            raise AssertionError("the server changed our nonce")
        salted = hashlib.pbkdf2_hmac(
            "sha256", password.encode(), base64.b64decode(fields["s"]),
            int(fields["i"]))

        def mac(key, text):
            return hmac.new(key, text, hashlib.sha256).digest()

        last = "c=biws,r=" + fields["r"]
        signed = f"{bare},{first},{last}".encode()
        client_key = mac(salted, b"Client Key")
        stored = hashlib.sha256(client_key).digest()
        proof = bytes(a ^ b for a, b in
                      zip(client_key, mac(stored, signed)))
        if spoil:
            proof = bytes(32)
        reply = self.cmd(base64.b64encode(
            f"{last},p={base64.b64encode(proof).decode()}".encode()).decode())
        if reply.code == 334:
            server = base64.b64decode(reply.text).decode()
            expected = base64.b64encode(
                mac(mac(salted, b"Server Key"), signed)).decode()
            if server != "v=" + expected:
                raise AssertionError("the server's proof is wrong")
            reply = self.cmd("")
        return reply

    # --- sending mail ---

    def envelope(self, sender, recipients, params=""):
        """MAIL and RCPTs; the last reply that is not 2xx, else the last."""
        reply = self.cmd(f"MAIL FROM:<{sender}>{params}")
        for recipient in recipients:
            if reply.code >= 400:
                break
            reply = self.cmd(f"RCPT TO:<{recipient}>")
        return reply

    def mail(self, sender, recipients, octets, params=""):
        if isinstance(recipients, str):
            recipients = [recipients]
        reply = self.envelope(sender, recipients, params)
        if reply.code >= 400:
            return reply
        reply = self.cmd("DATA")
        if reply.code != 354:
            return reply
        self.send(stuff(octets))
        return self.reply()

    def bdat(self, sender, recipients, octets, params="", chunk=None):
        """By BDAT (RFC 3030), in chunks of CHUNK octets."""
        if isinstance(recipients, str):
            recipients = [recipients]
        reply = self.envelope(sender, recipients, params)
        if reply.code >= 400:
            return reply
        chunk = chunk or max(len(octets), 1)
        parts = [octets[i:i + chunk] for i in range(0, len(octets), chunk)]
        parts = parts or [b""]
        for i, part in enumerate(parts):
            last = " LAST" if i == len(parts) - 1 else ""
            self.send(f"BDAT {len(part)}{last}\r\n".encode() + part)
            reply = self.reply()
            if reply.code >= 400:
                return reply
        return reply

    def quit(self):
        try:
            reply = self.cmd("QUIT")
        except Closed:
            reply = None
        self.close()
        return reply

    def is_closed(self):
        """True when the other side has ended the connection."""
        try:
            while self.socket.recv(65536):
                pass
            return True
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
