"""Our site asks the servers of others for its mail by ETRN (RFC 1985)."""

from mails import expect, samples
from mta import Exim, Hop, Postfix, Sendmail, free_port
from node import World, listener
from report import wait_until
from smtp import Smtp

DOMAIN = "aurora.example.org"
WAIT_S = 4


class PostfixThatHolds(Postfix):
    """What failed once waits for an hour, or for ETRN."""
    smtpd = ("minimal_backoff_time = 1h\nmaximal_backoff_time = 1h\n"
             "queue_run_delay = 1h\n"
             f"fast_flush_domains = {DOMAIN}\n")

    def holds(self, count):
        with open(f"{self.dir}/log", encoding="utf-8") as log:
            return log.read().count("status=deferred") >= count


class EximThatHolds(Exim):
    mode = ("-bdf",)
    # Without a command it takes "#" and what -q takes behind it, no domain;
    # and what a client said may not be an argument.
    more = ("acl_smtp_etrn = accept\nqueue_only\n"
            f"smtp_etrn_command = {Exim.program()} -R {DOMAIN}\n")

    def holds(self, count):
        with open(f"{self.dir}/log/main", encoding="utf-8") as log:
            return log.read().count(" <= ") >= count


class SendmailThatHolds(Sendmail):
    def holds(self, count):
        return True  # it took the mail, and only queues


def hand_in(other, sent):
    with Smtp(other.port) as client:
        client.ehlo()
        for octets in sent.values():
            reply = client.mail("eve@shore.example", [f"cap@{DOMAIN}"],
                                octets, " BODY=8BITMIME")
            if reply.code != 250:
                raise AssertionError(f"{other.name} says {reply}")


def collect(server):
    def run():
        world = World()
        port = free_port()
        other = server(world.dir, world.ca, Hop(port)).start()
        sent = samples(server.name)
        hand_in(other, sent)
        if not wait_until(lambda: other.holds(len(sent))):
            raise AssertionError(f"{other.name} does not hold the mail")
        site = world.make_site(
            {"name": "shore", "host": "127.0.0.1", "port": other.port,
             "tls": "none", "collect": "etrn", "etrn_wait": f"{WAIT_S}s"},
            listeners=[listener("lan", "smtp", "none", port)]).start()
        status = site.link_up("iridium")
        if status != 0:
            raise AssertionError(f"link up --wait: {status}: "
                                 + site.last.stdout + site.last.stderr)
        expect(lambda: site.mailbox("cap"), sent, 5)
    return run


def pairs():
    for server in (PostfixThatHolds, EximThatHolds, SendmailThatHolds):
        yield (f"tidepost <- {server.name} ETRN", server.why_not(),
               collect(server))
