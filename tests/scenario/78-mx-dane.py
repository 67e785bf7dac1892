#!/usr/bin/env python3
# limit: 240
"""What a signed zone promises of TLS is held to (DANE, RFC 7672)."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from peer import KEYWORDS

A, B = "127.0.0.41", "127.0.0.42"
PORT = 0
HOSTNAME = "gate.example.org"
ZONE = """$ORIGIN .
$TTL 1
. SOA ns. hostmaster. 1 3600 600 86400 1
. NS ns.
ns. A 127.0.0.1
{records}
"""
SERVER = """server:
  ip-address: 127.0.0.1@{port}
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  database: ""
  logfile: "{folder}/nsd.log"
  username: ""
  server-count: 1
  xfrdir: "{folder}"
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "signed"
"""


def key_digest(certificate):
    """SHA-256 of the public key, as a TLSA record 3 1 1 has it."""
    public = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-pubkey"],
        check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"],
                         input=public, check=True, capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()


class Signed:
    """A root of our own, signed, and who serves it."""

    def __init__(self, records, signed=True):
        self.dir = temp_dir()
        with open(f"{self.dir}/zone", "w", encoding="ascii") as stream:
            stream.write(ZONE.format(records=records))
        key = self._run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k",
                        ".").strip()
        if signed:
            self._run("ldns-signzone", "-f", "signed", "-i", "20200101000000",
                      "-e", "20491231000000", "zone", key)
        else:
            shutil.copy(f"{self.dir}/zone", f"{self.dir}/signed")
        self.root_key = f"{self.dir}/{key}.key"
        for _ in range(3):  # others may take the port first
            if self._serve():
                break
        check(self._answers(), "the name server is there")

    def _run(self, *command):
        return subprocess.run(command, check=True, cwd=self.dir,
                              capture_output=True, text=True).stdout

    def _serve(self):
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.bind(("127.0.0.1", 0))
        self.port = probe.getsockname()[1]
        probe.close()
        with open(f"{self.dir}/nsd.conf", "w", encoding="ascii") as stream:
            stream.write(SERVER.format(port=self.port, folder=self.dir))
        nsd = shutil.which("nsd", path="/usr/sbin:/usr/bin")
        self.process = subprocess.Popen(
            [nsd, "-d", "-c", f"{self.dir}/nsd.conf"],
            stderr=subprocess.DEVNULL)
        at_end(self.close)
        wait_until(lambda: self._answers()
                   or self.process.poll() is not None, 60)
        return self.process.poll() is None

    def _answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.3)
            try:
                s.sendto(b"\0\1\0\0\0\1\0\0\0\0\0\0\2ns\0\0\1\0\1",
                         ("127.0.0.1", self.port))
                return bool(s.recv(512))
            except OSError:
                return False

    def close(self):
        self.process.terminate()
        self.process.wait()


class Scene:
    """A host with a certificate, and a node that asks a signed zone."""

    def __init__(self, promise, offers=True, signed=True, known=True,
                 keywords=KEYWORDS):
        authority = Authority(temp_dir())
        # of another name: DANE-EE asks for the key alone (RFC 7672 3.1.1)
        certificate, key = authority.issue("host", "other.example")
        self.host = Peer(auth=False, address=A, port=PORT, keywords=keywords,
                         context=server_context(certificate, key)
                         if offers else None)
        digest = key_digest(certificate)
        zone = Signed(
            "example.net. MX 10 mx.example.net.\n"
            f"mx.example.net. A {A}\n" +
            (f"_25._tcp.mx.example.net. TLSA {promise.format(key=digest)}\n"
             if promise else ""), signed)
        mx = {"server": f"127.0.0.1@{zone.port}", "port": self.host.port}
        if known:
            mx["root_key"] = zone.root_key
        self.node = World().make_site(
            hostname=HOSTNAME, peer={}, peers=[], links=[],
            routes=[{"match": "*", "peers": ["mx"]}], mx=mx)
        self.node.start()
        with Smtp(self.node.port("lan")) as client:
            client.ehlo()
            client.mail(f"ann@{HOSTNAME}", ["ben@example.net"], make("dane"))

    def arrives(self, name):
        check(wait_until(lambda: self.host.mails, 30), f"{name}: it arrives",
              self.node.queue())

    def waits(self, name):
        check(wait_until(lambda: [r["state"] for r in self.node.queue()]
                         == ["deferred"], 30), f"{name}: it waits",
              self.node.queue())
        equal(self.host.mails, [], f"{name}: nothing was sent")
        return self.node.queue()[0]


def as_promised():
    Scene("3 1 1 {key}").arrives("the promised key")


def requires_tls():
    """A host that a signed zone vouches for may have what requires TLS."""
    scene = Scene("3 1 1 {key}", keywords=KEYWORDS + ("REQUIRETLS",))
    scene.arrives("other mail")
    with Smtp(scene.node.port("lan")) as client:
        client.ehlo()
        client.starttls(client_context())
        client.ehlo()
        equal(client.mail(f"ann@{HOSTNAME}", "ben@example.net",
                          make("secret"), " REQUIRETLS").code, 250, "taken")
    check(wait_until(lambda: len(scene.host.mails) == 2, 30), "it arrives",
          scene.node.queue())
    check("REQUIRETLS" in scene.host.mails[-1].params,
          "and is told to keep it so", scene.host.mails[-1].params)


def another_key():
    scene = Scene("3 1 1 " + 64 * "0")
    row = scene.waits("another key")
    equal(row["reason_code"], "tls", "for its TLS")
    check("TLSA" in row["reason"], "and says why", row)


def no_tls_at_all():
    """Somebody took STARTTLS out of the answer to EHLO."""
    scene = Scene("3 1 1 {key}", offers=False)
    equal(scene.waits("no TLS")["reason_code"], "tls", "for its TLS")


def unusable():
    """A record nobody can use still promises that there is TLS."""
    Scene("0 0 1 {key}").arrives("an unusable record")
    Scene("0 0 1 {key}", offers=False).waits("an unusable record, no TLS")


def no_promise():
    Scene(None, offers=False).arrives("signed, without TLSA")


def not_signed():
    """Without signatures, or without the root's key, nothing is promised."""
    Scene("3 1 1 " + 64 * "0", known=False).arrives("no key of the root")
    scene = Scene("3 1 1 {key}", signed=False)
    row = scene.waits("signatures are missing")
    check("signed" in row["reason"], "and says so", row)


for program in ("nsd", "ldns-signzone", "ldns-keygen"):
    if not shutil.which(program, path="/usr/sbin:/usr/bin"):
        skip(f"{program} is not installed")
run(as_promised, requires_tls, another_key, no_tls_at_all, unusable, no_promise, not_signed)
