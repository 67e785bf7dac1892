"""A client that can bind SCRAM to its TLS channel (RFC 9266): by openssl, since
Python does not know the channel's key."""

import base64
import re
import subprocess

from scram import Scram, b64


class Openssl:
    """A session by openssl s_client, which tells the exporter's key."""

    def __init__(self, port):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}",
             "-starttls", "smtp", "-tls1_3", "-ign_eof", "-crlf",
             "-keymatexport", "EXPORTER-Channel-Binding",
             "-keymatexportlen", "32"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.shown, self.key = [], None
        for line in self.process.stdout:
            self.shown.append(line)
            match = re.search(rb"Keying material: ([0-9A-F]{64})", line)
            if match:
                self.key = bytes.fromhex(match[1].decode())
                break

    def cmd(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if re.match(rb"[2-5]\d\d[ \r]", line):
                return line.rstrip(b"\r\n").decode()
        return ""

    def auth_plus(self, user, password, key=None):
        """The last reply; the server's proof is checked. KEY: a wrong one."""
        gs2 = "p=tls-exporter,,"
        x = Scram(user, password, gs2=gs2)
        reply = self.cmd("AUTH SCRAM-SHA-256-PLUS " + x.initial)
        if not reply.startswith("334 "):
            return reply
        x.challenge(reply[4:])
        reply = self.cmd(x.response(cbind=b64(gs2.encode()
                                              + (key or self.key))))
        if not reply.startswith("334 "):
            return reply
        if base64.b64decode(reply[4:]).decode() != x.verifier:
            return "the server does not prove itself"
        return self.cmd("")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
