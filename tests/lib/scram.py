"""SCRAM-SHA-256 (RFC 5802, 7677) with every step open to be spoilt."""

import base64
import hashlib
import hmac
import os


def b64(octets):
    if isinstance(octets, str):
        octets = octets.encode()
    return base64.b64encode(octets).decode()


def mac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


class Scram:
    def __init__(self, user, password, gs2="n,,", extra="", first=None):
        self.password, self.gs2 = password, gs2
        self.nonce = b64(os.urandom(18))
        self.bare = first or f"{extra}n={user},r={self.nonce}"
        self.initial = b64(gs2 + self.bare)
        self.fields = {}

    def challenge(self, text):
        self.server_first = base64.b64decode(text, validate=True).decode()
        self.fields = dict(f.split("=", 1)
                           for f in self.server_first.split(","))

    def response(self, nonce=None, cbind=None, proof=None, tail=""):
        """The last message, base64; what is given replaces what is right."""
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.password.encode(),
            base64.b64decode(self.fields["s"]), int(self.fields["i"]))
        last = f"c={b64(self.gs2) if cbind is None else cbind}," \
            f"r={nonce or self.fields['r']}"
        signed = f"{self.bare},{self.server_first},{last}".encode()
        client = mac(salted, b"Client Key")
        right = bytes(a ^ b for a, b in zip(
            client, mac(hashlib.sha256(client).digest(), signed)))
        self.verifier = "v=" + b64(mac(mac(salted, b"Server Key"), signed))
        return b64(f"{last}{tail},p={b64(right if proof is None else proof)}")
