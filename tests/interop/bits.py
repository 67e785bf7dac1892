"""A next hop that takes less: Postfix without 8BITMIME, DSN and SMTPUTF8.

What comes out behind it has the content of what went in, in 7 bit; who asked
to hear of success hears "relayed" from us; UTF-8 addresses return.
"""

import email
import email.policy

from clients import SENDER
from mta import Hop, Postfix
from node import World
from peer import Peer
from report import wait_until
from servers import peer_entry
from smtp import Smtp, stuff

WORDS = "Grüße an alle Freunde und Bekannten an Bord.\r\n"
HEAD = "From: <ann@aurora.example.org>\r\nSubject: {}\r\nMIME-Version: 1.0\r\n"
TEXT = "Content-Type: text/plain; charset=utf-8\r\n"
MAILS = {
    "text": (HEAD + TEXT + "Content-Transfer-Encoding: 8bit\r\n\r\n"
             + WORDS * 30).format("text").encode(),
    "parts": (HEAD + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
              + TEXT + "\r\n" + WORDS + "--b\r\nContent-Type: message/rfc822"
              "\r\n\r\n" + HEAD + TEXT + "\r\n" + WORDS
              + "--b--\r\n").format("parts", "in it").encode(),
}


class Less(Postfix):
    name = "postfix"
    smtpd = "smtpd_discard_ehlo_keywords = 8bitmime, dsn, smtputf8\n"


class LessAndNoChunks(Postfix):
    name = "postfix"
    smtpd = "smtpd_discard_ehlo_keywords = 8bitmime, dsn, smtputf8, chunking\n"


def site_before(server):
    world = World()
    sink = Peer(auth=False)
    other = server(world.dir, world.ca, Hop(sink.port)).start()
    site = world.make_site(
        peer=peer_entry(world, other, False, False), links=None).start()
    return site, sink


def hand_in(site, octets, mail="", rcpt="", to="ben@shore.example"):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for line in (f"MAIL FROM:<{SENDER}> BODY=8BITMIME{mail}",
                     f"RCPT TO:<{to}>{rcpt}"):
            reply = client.cmd(line)
            if reply.code != 250:
                raise AssertionError(f"{line}: our site says {reply}")
        client.cmd("DATA")
        client.send(stuff(octets))
        if client.reply().code != 250:
            raise AssertionError("our site does not take it")


def content(octets):
    message = email.message_from_bytes(octets, policy=email.policy.default)
    return message["Subject"], [
        (part.get_content_type(), part.get_content().replace("\r", ""))
        for part in message.walk() if not part.is_multipart()]


def seven_bit(server):
    def run():
        site, sink = site_before(server)
        for octets in MAILS.values():
            hand_in(site, octets)
        if not wait_until(lambda: len(sink.mails) == len(MAILS), 40):
            raise AssertionError(f"{len(sink.mails)} came, {site.queue()}")
        for mail in sink.mails:
            if any(o > 127 for o in mail.octets):
                raise AssertionError(f"this is 8 bit: {mail.octets}")
        got = sorted(content(m.octets) for m in sink.mails)
        sent = sorted(content(m) for m in MAILS.values())
        if got != sent:
            raise AssertionError(f"{got}\nis not\n{sent}")
    return run


def told(name, say):
    """A notice to the sender that says all of SAY."""
    def run():
        site, sink = site_before(Less)
        hand_in(site, MAILS["text"], *say[0])
        notice = site.wait_mail(SENDER.split("@")[0], seconds=40)
        missing = [w for w in say[1] if not notice or w not in notice[0]]
        if missing:
            raise AssertionError(f"{missing} is not in {notice}")
        if not wait_until(lambda: len(sink.mails) == say[2]):
            raise AssertionError(f"{len(sink.mails)} came out of {name}")
    return run


def pairs():
    missing = Postfix.why_not()
    yield ("tidepost -> postfix without 8BITMIME", missing, seven_bit(Less))
    yield ("tidepost -> postfix without 8BITMIME, by DATA", missing,
           seven_bit(LessAndNoChunks))
    yield ("tidepost -> postfix without DSN", missing, told(
        "postfix", (("", " NOTIFY=SUCCESS"), (b"Action: relayed",
                                              b"Status: 2."), 1)))
    yield ("tidepost -> postfix without SMTPUTF8", missing, told(
        "postfix", ((" SMTPUTF8", "", "jörg@shore.example"),
                    (b"Action: failed", b"Status: 5.6.7"), 0)))
