"""What it costs to send a waiting queue over a slow link: tidepost and others.

Each program has the same hundred messages waiting and sends them through
tests/lib/link.py to a server that takes everything. The link counts octets,
connections and turn-arounds; the seconds are reckoned from these for a line of
2400 bit/s with a round trip of 1.8 s, one direction at a time. Connections
side by side wait side by side: of such the one with most turns counts, which is
kind to them.

The link holds a reply until the program has been quiet for a while. Who speaks
on while replies are on their way (tidepost to a server with PIPELINING, Exim)
needs that long, so that a pause of ours for the disk is not taken for waiting;
who waits for each reply anyway says nothing whatever the time.
"""

import base64
import os
import random
import shutil
import subprocess
import threading

from certs import server_context
from link import Link
from message import make
from mta import PEERS, Exim, Hop, Postfix
from node import World
from peer import Peer
from report import clean_up, wait_until
from smtp import Smtp

COUNT = 100
SENDER = "ann@aurora.example.org"
BIT_RATE, RTT_S = 2400, 1.8
AIM_TURNS = {"clear": 4, "STARTTLS": 8}
AIM_OVERHEAD = 110  # octets a message
OTHER = ("SIZE 50000000", "8BITMIME", "DSN", "ENHANCEDSTATUSCODES")
SERVERS = {
    "PIPELINING CHUNKING": ("PIPELINING", "CHUNKING", *OTHER),
    "PIPELINING": ("PIPELINING", *OTHER),
    "neither": OTHER,
}
# Seconds without an octet before a reply goes through.
QUIET_AHEAD, QUIET_GROUP, QUIET_LINE = 0.5, 0.1, 0.03
WAIT_S = 600


# --- the queue --------------------------------------------------------------

def recipient(i):
    return f"ben{i}@shore.example"


def small():
    """A few lines each, as crews write them."""
    dice = random.Random(1)
    words = ("wind", "north", "engine", "spare", "port", "Tuesday", "crew",
             "water", "thanks", "position", "repair", "fuel", "the", "and")
    return [make(f"note {i}", "".join(
        " ".join(dice.choice(words) for _ in range(10)) + "\r\n"
        for _ in range(2 + i % 17)), to=recipient(i)) for i in range(COUNT)]


def attachment(dice, octets):
    text = base64.encodebytes(dice.randbytes(octets)).decode()
    return text.replace("\n", "\r\n")


def mixed():
    """Of ten messages seven are notes, three have something attached."""
    dice = random.Random(2)
    found = small()
    for i in range(COUNT):
        if i % 10 in (2, 5, 8):
            found[i] = make(
                f"report {i}", "--cut\r\n\r\nSee the file.\r\n--cut\r\n"
                "Content-Type: application/octet-stream\r\n"
                "Content-Transfer-Encoding: base64\r\n\r\n"
                + attachment(dice, 4000 + 970 * (i // 3)) + "--cut--\r\n",
                to=recipient(i), headers="MIME-Version: 1.0\r\n"
                "Content-Type: multipart/mixed; boundary=cut\r\n")
    return found


QUEUES = {"small": small, "mixed": mixed}


def hand_in(port, queue):
    with Smtp(port) as client:
        client.ehlo()
        for i, octets in enumerate(queue):
            reply = client.mail(SENDER, recipient(i), octets)
            if reply.code != 250:
                raise RuntimeError(f"a message was refused: {reply}")


def wait_arrived(peer, link, count, sender):
    wait_until(lambda: len(peer.mails) >= count or sender.error, WAIT_S, 0.1)
    if sender.error:
        raise sender.error
    if not wait_until(lambda: link.open == 0, 60, 0.1):
        raise RuntimeError("a connection stays open")
    if len(peer.mails) != count:
        raise RuntimeError(f"{len(peer.mails)} messages of {count} arrived")


# --- who sends --------------------------------------------------------------

class Quick:
    """Sends when it is told to; the queue waits in it before."""
    name = ""
    quiet = {}  # by server; else QUIET_GROUP
    error = None

    def __init__(self, world, port):
        raise NotImplementedError

    @staticmethod
    def why_not():
        return None

    def fill(self, queue):
        hand_in(self.port, queue)

    def go(self):
        raise NotImplementedError

    def try_to_go(self):
        try:
            self.go()
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            self.error = error


class Tidepost(Quick):
    name = "tidepost"
    quiet = {"PIPELINING CHUNKING": QUIET_AHEAD, "neither": QUIET_LINE}
    rounds = ("cold", "warm")

    def __init__(self, world, port, tls=False):
        secure = {} if tls else {"user": None, "password_file": None}
        self.site = world.make_site(
            peer=world.peer(submission=port, collect="none",
                            collect_port=None, tls_name="peer.example",
                            tls="required" if tls else "none", **secure),
            links=[{"name": "iridium", "peers": ["shore"],
                    "bit_rate": BIT_RATE,
                    "rtt": f"{int(RTT_S * 1000)}ms"}]).start()
        self.port = self.site.port("lan")

    def go(self):
        status = self.site.link_up("iridium", f"{WAIT_S}s")
        if status:
            raise RuntimeError(f"link up: exit {status}: "
                               + self.site.last.stderr)
        self.site.must("link", "down", "iridium")


class PostfixThatWaits(Postfix):
    smtpd = ("smtpd_client_restrictions = check_client_access static:HOLD\n"
             "in_flow_delay = 0\n")


class PostfixByOne(PostfixThatWaits):
    smtpd = PostfixThatWaits.smtpd + (
        "smtp_destination_concurrency_limit = 1\n"
        "initial_destination_concurrency = 1\n"
        "smtp_connection_cache_destinations = static:all\n")


class PostfixSends(Quick):
    name = "Postfix, as installed"
    server = PostfixThatWaits
    why_not = staticmethod(Postfix.why_not)

    def __init__(self, world, port):
        self.other = self.server(world.dir, world.ca, Hop(port)).start()
        self.port = self.other.port

    def go(self):
        conf = f"{self.other.dir}/conf"
        subprocess.run(["postsuper", "-c", conf, "-H", "ALL"], check=True,
                       capture_output=True)
        subprocess.run(["postqueue", "-c", conf, "-f"], check=True,
                       capture_output=True)


class PostfixKeeps(PostfixSends):
    name = "Postfix, one connection kept"
    server = PostfixByOne


class EximThatWaits(Exim):
    mode = ("-bdf",)
    run_as = "-q"

    def prepare(self):
        self.more = ("queue_only\nacl_smtp_etrn = accept\n"
                     f"smtp_etrn_command = {self.program()} {self.run_as}\n")
        super().prepare()


class EximByHost(EximThatWaits):
    run_as = "-qq"


class EximSends(Quick):
    name = "Exim, as installed"
    server = EximThatWaits
    quiet = {"PIPELINING CHUNKING": 0.2}
    why_not = staticmethod(Exim.why_not)

    def __init__(self, world, port):
        self.other = self.server(world.dir, world.ca, Hop(port)).start()
        self.port = self.other.port

    def go(self):
        with Smtp(self.port) as client:
            client.ehlo()
            reply = client.cmd("ETRN #all")
            if reply.code != 250:
                raise RuntimeError(f"Exim says {reply}")


class EximKeeps(EximSends):
    name = "Exim, one connection (-qq)"
    server = EximByHost


class InLoop(Quick):
    """A program that is run once for each message."""
    quiet = {name: QUIET_LINE for name in SERVERS}

    def __init__(self, world, port):
        self.dir, self.to = world.dir, port

    def fill(self, queue):
        self.queue = [octets.replace(b"\r\n", b"\n") for octets in queue]

    def go(self):
        for i, octets in enumerate(self.queue):
            self.send(recipient(i), octets)


class Msmtp(InLoop):
    name = "msmtp, a loop"

    @staticmethod
    def why_not():
        return None if shutil.which("msmtp") else "is not installed"

    def send(self, to, octets):
        subprocess.run(
            ["msmtp", "-C", "/dev/null", "--host=127.0.0.1",
             f"--port={self.to}", "--tls=off", "--auth=off",
             f"--from={SENDER}", "--", to], input=octets, check=True,
            capture_output=True, timeout=WAIT_S)


class Nullmailer(InLoop):
    """Its smtp program, called as its nullmailer-send calls it."""
    name = "nullmailer"

    @staticmethod
    def program():
        for root in (f"{PEERS}/nullmailer", ""):
            if os.access(f"{root}/usr/lib/nullmailer/smtp", os.X_OK):
                return f"{root}/usr/lib/nullmailer/smtp"
        return None

    @staticmethod
    def why_not():
        return None if Nullmailer.program() else "is not there"

    def send(self, to, octets):
        path = f"{self.dir}/nullmailer"
        with open(path, "wb") as stream:
            stream.write(f"{SENDER}\n{to}\n\n".encode() + octets)
        subprocess.run(
            ["sh", "-c", 'exec "$0" 3<"$1"', self.program(), path],
            input=f"host=127.0.0.1\nport={self.to}\n\n".encode(),
            env=dict(os.environ, HELOHOST="aurora.example.org"), check=True,
            capture_output=True, timeout=WAIT_S)


OTHERS = (PostfixSends, PostfixKeeps, EximKeeps, EximSends, Msmtp, Nullmailer)


# --- measuring --------------------------------------------------------------

HEAD = (f"  {'program':30} {'server':20} {'octets':>9} {'conn.':>6} "
        f"{'turns':>6} {'seconds':>8}")


def row(who, server, link):
    return (f"  {who:30} {server:20} {link.octets:9,} {link.connections:6} "
            f"{link.turns:6} {link.seconds(BIT_RATE, RTT_S):8,.0f}")


def overhead(peer, link):
    bodies = sum(len(mail.octets) for mail in peer.mails[-COUNT:])
    return (link.sent - bodies) / COUNT


def drain(program, server, queue, say, secure=False):
    """One program, one server, one queue; a second time where that differs."""
    world = World()
    context = server_context(*world.ca.issue("peer", "peer.example")) \
        if secure else None
    peer = Peer(auth=secure, keywords=SERVERS[server], context=context)
    link = Link(peer.port, program.quiet.get(server, QUIET_GROUP))
    sender = program(world, link.port, True) if secure \
        else program(world, link.port)
    words = "STARTTLS AUTH" if secure else ""
    for count, round_ in enumerate(getattr(program, "rounds", ("",)), 1):
        link.reset()
        sender.fill(queue)
        thread = threading.Thread(target=sender.try_to_go)
        thread.start()
        wait_arrived(peer, link, count * COUNT, sender)
        thread.join()
        say(row(" ".join(filter(None, (program.name, words, round_))), server,
                link))
    return peer, link


def judge(peer, link, secure, say, verdict):
    aim = AIM_TURNS["STARTTLS" if secure else "clear"]
    say(f"  {'':30} {link.turns} turn-arounds    "
        + verdict(link.turns <= aim, f"{aim}"))
    if not secure:
        say(f"  {'':30} {overhead(peer, link):.1f} octets a message beside "
            "its own    "
            + verdict(overhead(peer, link) <= AIM_OVERHEAD,
                      f"at most {AIM_OVERHEAD}"))


def ours(queue, name, say, verdict):
    for server in SERVERS:
        for secure in (False, True):
            peer, link = drain(Tidepost, server, queue, say, secure)
            if server == "PIPELINING CHUNKING" and name == "small":
                judge(peer, link, secure, say, verdict)
            clean_up()


def theirs(queue, name, say):
    """With attachments only the best server: the rest follows from it."""
    servers = SERVERS if name == "small" else ("PIPELINING CHUNKING",)
    for program in OTHERS:
        if program.why_not():
            say(f"  {program.name:30} skipped: {program.why_not()}")
            continue
        for server in servers:
            try:
                drain(program, server, queue, say)
            except (RuntimeError, subprocess.SubprocessError) as error:
                say(f"  {program.name:30} {server:20} failed: {error}")
            clean_up()


def measure(say, verdict):
    for name, queue in QUEUES.items():
        queue = queue()
        say(f"{COUNT} waiting messages, {name}: "
            f"{sum(map(len, queue)):,} octets, by {BIT_RATE} bit/s and "
            f"{RTT_S} s (connections, turn-arounds)")
        say(HEAD)
        ours(queue, name, say, verdict)
        theirs(queue, name, say)
        say()
