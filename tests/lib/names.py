"""A name server that a test scripts (RFC 1035), over UDP and TCP.

	names = Names({("example.net", "MX"): ["10 mx.example.net"],
	               ("mx.example.net", "A"): ["127.0.0.2"]})

Names that are not there do not exist; a type that is not there is empty. In
place of a list stands a word of ODD: the server fails, says nothing, sends
rubbish, or a cut answer over UDP (the whole one over TCP).
"""

import ipaddress
import socket
import struct
import threading

import report

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15,
         "TXT": 16, "AAAA": 28}
ODD = ("servfail", "silent", "rubbish", "refused")
FAILURES = {"servfail": 2, "refused": 5}
NXDOMAIN = 3


class Cut(list):
    """The records, but over UDP only word that there are some."""


def name_octets(name):
    labels = [label for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in labels) + b"\0"


def record_octets(kind, text):
    if isinstance(text, bytes):  # as it is to be on the wire
        return text
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(text).packed
    if kind == "MX":
        preference, host = text.split()
        return struct.pack("!H", int(preference)) + name_octets(host)
    if kind == "TXT":  # strings of 255 octets at most
        octets = text.encode()
        return b"".join(bytes([len(octets[i:i + 255])]) + octets[i:i + 255]
                        for i in range(0, len(octets), 255))
    return name_octets(text)


def sockets(port):
    """One for UDP and one for TCP, on PORT; 0: one that both have free."""
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", port))
        try:
            return udp, socket.create_server(("127.0.0.1",
                                              udp.getsockname()[1]))
        except OSError:
            udp.close()
            if port:
                raise


class Names:
    def __init__(self, zone, port=0):
        self.zone = zone
        self.asked = []  # (name, type)
        self.udp, self.tcp = sockets(port)
        self.port = self.udp.getsockname()[1]
        self.over = threading.Event()
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()
        report.at_end(self.close)

    @property
    def server(self):
        return f"127.0.0.1@{self.port}"

    def close(self):
        self.over.set()
        self.udp.close()
        self.tcp.close()

    def count(self, name, kind):
        return self.asked.count((name, kind))

    def _serve_udp(self):
        while not self.over.is_set():
            try:
                query, sender = self.udp.recvfrom(4096)
                answer = self.answer(query, True)
                if answer is not None:
                    self.udp.sendto(answer, sender)
            except OSError:
                return

    def _serve_tcp(self):
        while not self.over.is_set():
            try:
                conn, _ = self.tcp.accept()
                with conn:
                    conn.settimeout(5)
                    size = struct.unpack("!H", conn.recv(2))[0]
                    answer = self.answer(conn.recv(size), False)
                    if answer is not None:
                        conn.sendall(struct.pack("!H", len(answer)) + answer)
            except (OSError, struct.error):
                if self.over.is_set():
                    return

    def answer(self, query, is_udp):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]])
            at += 1 + query[at]
        question = query[12:at + 5]
        number = struct.unpack("!H", query[at + 1:at + 3])[0]
        name = b".".join(labels).decode().lower()  # case is played with
        kind = next((k for k, n in TYPES.items() if n == number), str(number))
        self.asked.append((name, kind))
        found = self.zone.get((name, kind))
        if found == "silent":
            return None
        if found == "rubbish":
            return query[:2] + b"\xff" * 40
        if isinstance(found, str):
            return self._head(query, FAILURES[found]) + question
        return self._records(query, question, name, kind, found, is_udp)

    def _head(self, query, code, answers=0, cut=False):
        flags = 0x8580 | (0x0200 if cut else 0) | code
        return query[:2] + struct.pack("!HHHHH", flags, 1, answers, 0, 0)

    def _records(self, query, question, name, kind, found, is_udp):
        if found is None and (name, "CNAME") in self.zone:
            kind, found = "CNAME", self.zone[(name, "CNAME")]
        if found is None:
            known = any(n == name for n, _ in self.zone)
            return self._head(query, 0 if known else NXDOMAIN) + question
        if isinstance(found, Cut) and is_udp:
            return self._head(query, 0, cut=True) + question
        rows = b""
        for text in found:
            data = record_octets(kind, text)
            rows += b"\xc0\x0c" + struct.pack("!HHIH", TYPES[kind], 1, 1,
                                              len(data)) + data
        return self._head(query, 0, len(found)) + question + rows
