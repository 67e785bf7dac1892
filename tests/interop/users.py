"""Passwords and users of a real Dovecot, for us and for Postfix."""

from base64 import b64encode

from clients import DOMAIN, msmtp, program_missing
from dovecot import Dovecot
from mails import expect, samples
from message import make
from mta import USER, Hop, Postfix
from node import PASSWORD, World, listener, local
from peer import Peer
from report import wait_until
from servers import peer_entry
from smtp import Smtp

SENDER = f"ann@{DOMAIN}"


def with_dovecot():
    world = World()
    dovecot = Dovecot(world.dir).start()
    where = local(f"{world.dir}/shore", DOMAIN)
    where["users"] = f"dovecot:{dovecot.userdb}"
    world.make_shore(auth=f"dovecot:{dovecot.client}", local=where, listeners=[
        listener("smtp", "smtp", "offered"),
        listener("submission", "submission", "required"),
        listener("submissions", "submission", "implicit")]).start()
    if not wait_until(lambda: "SCRAM-SHA-256" in keywords(world), 5):
        raise AssertionError(f"offered is {keywords(world)!r}")
    return world, dovecot


def secured(world):
    client = Smtp(world.shore.port("submission"))
    client.ehlo()
    client.starttls(world.client_tls)
    client.ehlo()
    return client


def keywords(world):
    with secured(world) as client:
        return client.keywords.get("AUTH", "")


def code(reply, expected, text):
    if reply.code != expected:
        raise AssertionError(f"{text}: {reply} for {expected}")


def log_in(way):
    """WAY(client) gives the reply to the right password."""
    def run():
        world, _ = with_dovecot()
        mail = make("by Dovecot", sender=SENDER, to=f"ben@{DOMAIN}")
        with secured(world) as client:
            code(way(client, PASSWORD), 235, "the right password")
            code(client.mail(SENDER, f"ben@{DOMAIN}", mail), 250, "the mail")
        with secured(world) as client:
            code(way(client, "wrong"), 535, "a wrong password")
        expect(lambda: world.shore.mailbox("ben"), {"mail": mail})
        if PASSWORD in world.shore.log_text():
            raise AssertionError("the log tells the password")
    return run


def base64(text):
    return b64encode(text.encode()).decode()


def login(client, password):
    for line in ("AUTH LOGIN", base64("ann")):
        reply = client.cmd(line)
        if reply.code != 334:
            return reply
    return client.cmd(base64(password))


def by_msmtp():
    """Its server's proof is checked by msmtp: mutual, through two nodes."""
    world, _ = with_dovecot()
    mail = make("by msmtp", sender=SENDER, to=f"ben@{DOMAIN}")
    msmtp("submission", "scram-sha-256", user="ann", sender=SENDER)(
        world, mail, f"ben@{DOMAIN}")
    expect(lambda: world.shore.mailbox("ben"), {"mail": mail})


def comes_and_goes():
    world, dovecot = with_dovecot()
    with secured(world) as client:
        code(client.auth_plain("ann", PASSWORD), 235, "while it runs")
    dovecot.stop()
    with secured(world) as client:
        code(client.auth_plain("ann", PASSWORD), 454, "when it is stopped")
    dovecot.start()
    if not wait_until(lambda: plain(world).code == 235, 15, 0.3):
        raise AssertionError("it is not found again")


def plain(world):
    with secured(world) as client:
        return client.auth_plain("ann", PASSWORD)


def two_at_once():
    """One exchange waits for its client while others go through."""
    world, _ = with_dovecot()
    with secured(world) as slow:
        code(slow.cmd("AUTH LOGIN"), 334, "LOGIN begins")
        for _ in range(3):
            code(plain(world), 235, "others meanwhile")
        code(slow.cmd("YW5u"), 334, "LOGIN goes on")
        code(slow.cmd(base64(PASSWORD)), 235, "LOGIN ends")


def recipients():
    world, dovecot = with_dovecot()
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<eve@elsewhere.example>")
        code(client.cmd(f"RCPT TO:<ann@{DOMAIN}>"), 250, "ann is known")
        code(client.cmd(f"RCPT TO:<zed@{DOMAIN}>"), 550, "zed is not")
        dovecot.stop()
        code(client.cmd(f"RCPT TO:<ann@{DOMAIN}>"), 250, "ann is kept")
        code(client.cmd(f"RCPT TO:<ben@{DOMAIN}>"), 451, "Dovecot is away")
        dovecot.start()
        if not wait_until(lambda: client.cmd(
                f"RCPT TO:<ben@{DOMAIN}>").code == 250, 15, 0.3):
            raise AssertionError("it is not found again")


class PostfixWithDovecot(Postfix):
    """As many are set up: Postfix asks Dovecot for passwords."""

    def __init__(self, folder, ca, hop):
        self.smtpd = ("smtpd_sasl_auth_enable = yes\n"
                      "smtpd_sasl_type = dovecot\n"
                      f"smtpd_sasl_path = {folder}/dovecot/run/auth-client\n"
                      "smtpd_tls_auth_only = yes\n"
                      "mynetworks = 192.0.2.1/32\n"
                      "smtpd_relay_restrictions ="
                      " permit_sasl_authenticated, reject\n")
        super().__init__(folder, ca, hop)


def smart_host():
    world = World()
    Dovecot(world.dir, (USER,)).start()
    sink = Peer(auth=False)
    other = PostfixWithDovecot(world.dir, world.ca, Hop(sink.port)).start()
    site = world.make_site(
        peer=peer_entry(world, other, True, True), links=None).start()
    sent = samples("postfix")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for octets in sent.values():
            code(client.mail("ann@aurora.example.org", ["ben@shore.example"],
                             octets, " BODY=8BITMIME"), 250, "our site")
    expect(lambda: [m.octets for m in list(sink.mails)], sent, 40)


def pairs():
    missing = Dovecot.why_not()
    for name, way in (
            ("PLAIN", lambda c, p: c.auth_plain("ann", p)),
            ("LOGIN", login),
            ("CRAM-MD5", lambda c, p: c.auth_cram_md5("ann", p)),
            ("SCRAM-SHA-256", lambda c, p: c.auth_scram("ann", p))):
        yield f"tidepost asks dovecot {name}", missing, log_in(way)
    yield ("msmtp SCRAM-SHA-256 -> tidepost -> dovecot",
           missing or program_missing("msmtp"), by_msmtp)
    yield "tidepost asks dovecot, two at once", missing, two_at_once
    yield "tidepost asks dovecot, which restarts", missing, comes_and_goes
    yield "tidepost asks dovecot for users", missing, recipients
    yield ("tidepost -> postfix STARTTLS AUTH (dovecot)",
           missing or Postfix.why_not(), smart_host)
