"""Many messages in flight to the servers of others, some of them refused.

The site fills its queue while its link is down, so that all goes at once.
Every good message must arrive once, every bad one return with the words of
the server; a refusal in the middle of the flight touches nothing else.
"""

import re
import time

from clients import SENDER
from dovecot import Dovecot
from link import Link
from mails import SETTLE_S
from message import make
from mta import USER, Exim, Hop, OpenSmtpd, Postfix
from node import PASSWORD, World, secret_file
from peer import Peer
from report import wait_until
from smtp import Smtp

COUNT = 60
EVERY = 11  # each of these goes to somebody who is not there
LIMIT = 200_000  # octets that the servers take
WORDS = "No such person"
TURNS = 14  # of a flight, with some patience for slow replies

POSTFIX = f"""
message_size_limit = {LIMIT}
smtpd_recipient_restrictions =
  check_recipient_access regexp:{{ {{ /^gone/ 550 5.1.1 {WORDS} }} }}
"""


class FlightPostfix(Postfix):
    words = WORDS
    smtpd = POSTFIX


class NoChunking(FlightPostfix):
    smtpd = POSTFIX + "smtpd_discard_ehlo_keywords = chunking\n"


class NoPipelining(FlightPostfix):
    smtpd = POSTFIX + "smtpd_discard_ehlo_keywords = pipelining, chunking\n"


class ChunkingAlone(FlightPostfix):
    smtpd = POSTFIX + "smtpd_discard_ehlo_keywords = pipelining\n"


class PostfixWithUsers(FlightPostfix):
    """Dovecot beside it knows who may log in."""
    keeps_users = True

    @staticmethod
    def why_not():
        return Postfix.why_not() or Dovecot.why_not()

    def prepare(self):
        auth = Dovecot(self.dir + "-users", (USER,)).start()
        self.smtpd = POSTFIX + (
            "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\n"
            f"smtpd_sasl_path = {auth.client}\nsmtpd_tls_auth_only = yes\n"
            "smtpd_client_restrictions = permit_sasl_authenticated, reject\n")
        super().prepare()


class FlightExim(Exim):
    words = WORDS
    more = f"message_size_limit = {LIMIT}\n"

    def prepare(self):
        super().prepare()
        path = f"{self.dir}/exim.conf"
        with open(path, encoding="utf-8") as conf:
            text = conf.read()
        text = text.replace("acl_smtp_rcpt = accept", "acl_smtp_rcpt = rcpt")
        with open(path, "w", encoding="utf-8") as conf:
            conf.write(text + "\nbegin acl\nrcpt:\n  deny local_parts = "
                       f"^gone\n       message = {WORDS}\n  accept\n")


class FlightOpenSmtpd(OpenSmtpd):
    words = "Invalid recipient"  # its own

    def prepare(self):
        super().prepare()
        path = f"{self.dir}/smtpd.conf"
        with open(path, encoding="utf-8") as conf:
            text = conf.read()
        text = text.replace('"35M"', f'"{LIMIT}"').replace(
            "match from any for any", 'match from any for any rcpt-to regex '
            '"^gone" reject\nmatch from any for any')
        with open(path, "w", encoding="utf-8") as conf:
            conf.write(text)


def messages(name):
    """[(recipients, octets)]: good, gone, too large, half good."""
    found = []
    for i in range(COUNT):
        to = [f"gone{i}@shore.example" if i % EVERY == 5
              else f"ben{i}@shore.example"]
        text = f"line of {i}\r\n.\r\n" * (10 + i)
        if i == 20:
            text = ("y" * 70 + "\r\n") * (LIMIT // 60)
        if i == 33:
            to = ["gone33@shore.example", "ben33@shore.example"]
        found.append((to, make(f"{name} flight {i}", text)))
    return found


def good_ones(queue):
    return {to[-1]: octets for to, octets in queue
            if to[-1].startswith("ben") and len(octets) <= LIMIT}


def bad_ones(queue):
    return sorted(one for to, octets in queue for one in to
                  if one.startswith("gone") or len(octets) > LIMIT)


def fill(site, queue):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for to, octets in queue:
            reply = client.mail(SENDER, to, octets)
            if reply.code != 250:
                raise AssertionError(f"our site says {reply}")


def expect_arrived(sink, good):
    wait_until(lambda: len(sink.mails) >= len(good), 60, 0.1)
    time.sleep(SETTLE_S)
    arrived = [r for m in list(sink.mails) for r in m.recipients]
    if sorted(arrived) != sorted(good):
        missing = sorted(set(good) - set(arrived))
        twice = sorted({r for r in arrived if arrived.count(r) > 1})
        raise AssertionError(f"missing: {missing}; twice: {twice}; not meant: "
                             f"{sorted(set(arrived) - set(good))}")
    for mail in list(sink.mails):
        if good[mail.recipients[0]] not in mail.octets:
            raise AssertionError(f"{mail.recipients[0]} got another message")


def expect_returned(site, bad, words):
    """Each is told once, with what the server said."""
    def notices():
        return [m.decode() for m in site.mailbox(SENDER.split("@")[0])]

    def named():
        return sorted(one for notice in notices() for one in re.findall(
            r"Final-Recipient: rfc822; *(\S+)", notice))

    wait_until(lambda: len(named()) >= len(bad), 20)
    if named() != bad:
        raise AssertionError(f"returned {named()} for {bad}")
    for notice in notices():
        if "gone" in notice and words not in notice:
            raise AssertionError(f"without the server's words: {notice}")
        if "ben20" in notice and "5.3.4" not in notice:
            raise AssertionError(f"not as too large: {notice}")


def make_site(world, port, tls, login):
    peer = {"name": "shore", "host": "127.0.0.1", "port": port,
            "tls": "required" if tls else "none", "tls_name": "localhost",
            "collect": "none"}
    if login:
        peer["user"] = USER
        peer["password_file"] = secret_file(world.dir, "secret", PASSWORD)
    return world.make_site(peer=peer).start()


def flight(server, tls=False, login=False, one=True):
    """ONE: all of it is one flight; so few turns are made."""
    def run():
        world = World()
        sink = Peer(auth=False)
        other = server(world.dir, world.ca, Hop(sink.port)).start()
        link = Link(other.port) if one else None
        site = make_site(world, link.port if one else other.port, tls, login)
        queue = messages(server.name)
        fill(site, queue)
        status = site.link_up("iridium")
        if status != 0:
            raise AssertionError(f"link up --wait: {status}: "
                                 + site.last.stdout + site.last.stderr)
        expect_arrived(sink, good_ones(queue))
        expect_returned(site, bad_ones(queue), other.words)
        if not site.wait_queue_empty():
            raise AssertionError(f"it still has {site.queue()}")
        if one and (link.turns > TURNS or link.connections > 1):
            raise AssertionError(f"{link.turns} turns, {link.connections} "
                                 "connections")
    return run


PAIRS = (
    ("postfix", FlightPostfix, {}),
    ("postfix STARTTLS", FlightPostfix, {"tls": True}),
    ("postfix STARTTLS AUTH", PostfixWithUsers, {"tls": True, "login": True}),
    ("postfix without CHUNKING", NoChunking, {"one": False}),
    ("postfix without PIPELINING", ChunkingAlone, {"one": False}),
    ("postfix with neither", NoPipelining, {"one": False}),
    ("exim", FlightExim, {}),
    ("exim STARTTLS AUTH", FlightExim, {"tls": True, "login": True}),
    ("opensmtpd", FlightOpenSmtpd, {"one": False}),
)


def pairs():
    for name, server, how in PAIRS:
        yield (f"tidepost -> {name} flight of {COUNT}", server.why_not(),
               flight(server, **how))
