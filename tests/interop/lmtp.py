"""Other programs hand in mail to our lmtp socket."""

import os
import smtplib
import socket
import threading

import report
from clients import SENDER
from dovecot import LMTP, Dovecot
from mails import expect, samples
from message import make
from mta import Hop, Postfix
from node import World
from smtp import Smtp

DOMAIN = "aurora.example.org"


class Bridge:
    """From a port to a Unix socket, octet by octet: Dovecot 2.3 can address
    no proxy over a Unix socket (its host is a name or an IP address)."""

    def __init__(self, path):
        self.path = path
        self.lines = b""  # what came through
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        report.at_end(self.close)

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _accept(self):
        while True:
            try:
                near, _ = self._socket.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.path)
            except OSError:
                return
            for source, sink, keep in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._carry, daemon=True,
                                 args=(source, sink, keep)).start()

    def _carry(self, source, sink, keep):
        try:
            while octets := source.recv(65536):
                if keep:
                    self.lines += octets
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def site_with_socket():
    world = World()
    path = f"{world.dir}/lmtp"
    site = world.make_site(peer=world.peer(submission=9, odmr=9))
    site.conf["listeners"] = list(site.conf["listeners"]) + [
        {"name": "lmtp", "service": "lmtp", "address": f"unix:{path}"}]
    site.start()
    return world, site, path


def hand_in(client, octets, to):
    """The codes, one for each recipient."""
    client.docmd("MAIL", f"FROM:<{SENDER}> BODY=8BITMIME")
    codes = [client.docmd("RCPT", f"TO:<{one}>")[0] for one in to]
    client.docmd("DATA")
    client.send(octets.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    return codes, [client.getreply()[0] for code in codes if code == 250]


def through_dovecot():
    """Its client says LHLO to us and tells our replies to its own."""
    world, site, path = site_with_socket()
    bridge = Bridge(path)
    dovecot = Dovecot(world.dir, more=LMTP.format(
        port=bridge.port)).start()
    sent = samples("dovecot")
    with smtplib.LMTP(f"{dovecot.dir}/run/lmtp") as client:
        client.docmd("LHLO", "client.example")
        for octets in sent.values():
            codes, ends = hand_in(client, octets, [f"cap@{DOMAIN}"])
            if codes + ends != [250, 250]:
                raise AssertionError(f"Dovecot says {codes} {ends}")
        codes, ends = hand_in(client, make("three"), [
            f"dan@{DOMAIN}", f"a/b@{DOMAIN}", f"eve@{DOMAIN}"])
    if (codes, ends) != ([250, 550, 250], [250, 250]):
        raise AssertionError(f"Dovecot says {codes} {ends} for one mailbox "
                             "that cannot be between two that can")
    expect(lambda: site.mailbox("cap"), sent)
    for user in ("dan", "eve"):
        expect(lambda user=user: site.mailbox(user), {"three": make("three")})
    if not bridge.lines.startswith(b"LHLO "):
        raise AssertionError(f"it said {bridge.lines[:80]!r}")


class PostfixByLmtp(Postfix):
    socket = None

    def prepare(self):
        self.smtpd = (f"transport_maps = inline:{{ {{ {DOMAIN} = "
                      f"lmtp:unix:{self.socket} }} }}\n")
        super().prepare()
        with open(f"{self.dir}/conf/master.cf", "a", encoding="utf-8") as conf:
            conf.write("lmtp unix - - n - - lmtp\n")


def through_postfix():
    """Postfix is in front, and hands in to us."""
    world, site, path = site_with_socket()
    os.chmod(path, 0o666)  # else its user would join the socket's group
    PostfixByLmtp.socket = path
    other = PostfixByLmtp(world.dir, world.ca, Hop(9)).start()
    sent = samples("postfix")
    with Smtp(other.port) as client:
        client.ehlo()
        for octets in sent.values():
            reply = client.mail(SENDER, f"cap@{DOMAIN}", octets,
                                " BODY=8BITMIME")
            if reply.code != 250:
                raise AssertionError(f"Postfix says {reply}")
    expect(lambda: site.mailbox("cap"), sent)


def pairs():
    yield ("dovecot lmtp proxy, bridged from TCP -> tidepost lmtp",
           Dovecot.why_not() or Dovecot.why_no_lmtp(), through_dovecot)
    yield ("postfix lmtp -> tidepost lmtp", Postfix.why_not(),
           through_postfix)
