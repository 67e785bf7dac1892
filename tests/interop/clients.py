"""Other programs hand mail to our smtp and submission ports.

Each class is one way in: WHY_NOT says what is missing, SEND gives one message
to the node and raises where the program says no.
"""

import os
import shutil
import smtplib
import ssl
import subprocess

from mta import SERVERS, Hop, write
from mails import expect, samples
from message import make
from node import PASSWORD, World, listener
from smtp import Smtp

SENDER = "ann@aurora.example.org"
DOMAIN = "shore.example"
LOGIN = "aurora"  # a customer: its mail is relayed unaltered
RUN_S = 60


def world_with_shore():
    world = World()
    world.make_shore(listeners=[
        listener("smtp", "smtp", "offered"),
        listener("submission", "submission", "required"),
        listener("submissions", "submission", "implicit")]).start()
    world.add_customer(LOGIN, "aurora.example.org", "--cram-md5")
    return world


def command(args, text=None, cwd=None):
    done = subprocess.run(args, input=text, capture_output=True,
                          timeout=RUN_S, cwd=cwd,
                          env=dict(os.environ, HOME=cwd or "/nonexistent"))
    if done.returncode != 0:
        raise AssertionError(
            f"{args[0]}: exit {done.returncode}: "
            + (done.stdout + done.stderr).decode(errors="replace")[-800:])
    return done


def program_missing(name, package=None):
    if shutil.which(name):
        return None
    return f"{package or name} is not installed"


def carry(send, name, eight=True):
    """SEND(world, octets, recipient) for every sample, then look."""
    world = world_with_shore()
    to = f"{name.replace(' ', '-')}@{DOMAIN}"
    sent = samples(name, eight)
    for octets in sent.values():
        send(world, octets, to)
    expect(lambda: world.shore.mailbox(to.split("@")[0]), sent)


def swaks_missing(tls):
    if not shutil.which("swaks"):
        return "swaks is not installed"
    if tls and subprocess.run(["perl", "-MNet::SSLeay", "-e", "1"],
                              capture_output=True).returncode != 0:
        return "swaks lacks TLS (libnet-ssleay-perl)"
    return None


# --- small clients --------------------------------------------------------

def swaks(port, *options, auth=None, tls=None):
    def send(world, octets, to):
        path = f"{world.dir}/message"
        with open(path, "wb") as stream:
            stream.write(octets)
        args = ["swaks", "--server", "127.0.0.1", "--port",
                str(world.shore.port(port)), "--from", SENDER, "--to", to,
                "--helo", "client.example", "--data", "@" + path,
                "--no-data-fixup", "--suppress-data", *options]
        if tls:
            args += [tls, "--tls-verify", "--tls-ca-path", world.ca.file]
        if auth:
            args += ["--auth", auth, "--auth-user", LOGIN,
                     "--auth-password", PASSWORD]
        # Without its fix-up the end of data is ours to write.
        with open(path, "wb") as stream:
            stream.write(octets.replace(b"\r\n.", b"\r\n..")
                         + b".\r\n")
        command(args)
    return send


def curl(scheme, port, *options):
    def send(world, octets, to):
        args = ["curl", "-sS", f"{scheme}://localhost:"
                f"{world.shore.port(port)}/client.example",
                "--mail-from", SENDER, "--mail-rcpt", to,
                "--upload-file", "-", *options]
        if port != "smtp":
            args += ["--user", f"{LOGIN}:{PASSWORD}", "--cacert",
                     world.ca.file, "--ssl-reqd"]
        command(args, octets)
    return send


def msmtp(port, auth, tls="starttls", user=LOGIN, sender=SENDER):
    def send(world, octets, to):
        path = f"{world.dir}/msmtprc"
        write(path, f"account default\nhost localhost\n"
              f"port {world.shore.port(port)}\nfrom {sender}\nauth {auth}\n"
              f"user {user}\npassword {PASSWORD}\ntls on\n"
              f"tls_starttls {'on' if tls == 'starttls' else 'off'}\n"
              f"tls_trust_file {world.ca.file}\n"
              "set_date_header off\nset_msgid_header off\n", 0o600)
        # It reads what a program on Unix writes: LF line ends.
        command(["msmtp", "-C", path, "--", to],
                octets.replace(b"\r\n", b"\n"))
    return send


def python(port, mechanism="PLAIN"):
    def send(world, octets, to):
        context = ssl.create_default_context(cafile=world.ca.file)
        number = world.shore.port(port)
        if port == "submissions":
            client = smtplib.SMTP_SSL("localhost", number, context=context,
                                      timeout=RUN_S)
        else:
            client = smtplib.SMTP("localhost", number, timeout=RUN_S)
        with client:
            if port != "submissions":
                client.starttls(context=context)
            client.ehlo("client.example")
            client.user, client.password = LOGIN, PASSWORD
            client.auth(mechanism, getattr(
                client, "auth_" + mechanism.lower().replace("-", "_")))
            refused = client.sendmail(SENDER, [to], octets,
                                      ["BODY=8BITMIME"])
            if refused:
                raise AssertionError(f"refused: {refused}")
    return send


def mutt():
    """It writes the head of a message itself: only the text is compared. A
    mutt with GNU SASL takes SCRAM-SHA-256-PLUS where that is offered, has no
    channel to bind to, and gives up: see listeners.channel_binding."""
    world = world_with_shore()
    port = world.shore.port("submission")
    write(f"{world.dir}/muttrc", f"""
set from="{SENDER}" use_envelope_from=yes copy=no
set smtp_url="smtp://{LOGIN}@localhost:{port}/" smtp_pass="{PASSWORD}"
set ssl_starttls=yes ssl_force_tls=yes
set certificate_file="{world.ca.file}" hostname=client.example
""", 0o600)
    text = b".\n..\ndots\n\n.\nend\n"
    command(["mutt", "-F", f"{world.dir}/muttrc", "-s", "from mutt",
             f"mutt@{DOMAIN}"], text, world.dir)
    mails = world.shore.wait_mail("mutt")
    if len(mails) != 1:
        raise AssertionError(f"{len(mails)} messages of one")
    if not mails[0].replace(b"\r\n", b"\n").endswith(b"\n\n" + text):
        raise AssertionError(f"the text differs: {mails[0]!r}")


def smtp_source():
    """Ten sessions at once; it makes the messages itself."""
    world = world_with_shore()
    count = 200
    command(["smtp-source", "-s", "10", "-m", str(count), "-l", "3000",
             "-f", SENDER, "-t", f"source@{DOMAIN}",
             f"inet:127.0.0.1:{world.shore.port('smtp')}"])
    mails = world.shore.wait_mail("source", count)
    if len(mails) != count:
        raise AssertionError(f"{len(mails)} messages of {count}")


def as_user():
    """One of our own users, held to the sender it has."""
    world = world_with_shore()
    world.shore.must("user", "add", "ann", "--password-stdin",
                     text=PASSWORD + "\n")
    sender = f"ann@{DOMAIN}"
    octets = make("as a user", sender=sender)
    context = ssl.create_default_context(cafile=world.ca.file)
    with smtplib.SMTP("localhost", world.shore.port("submission"),
                      timeout=RUN_S) as client:
        client.starttls(context=context)
        client.login("ann", PASSWORD)
        client.sendmail(sender, [f"user@{DOMAIN}"], octets)
        try:
            client.sendmail("eve@shore.example", [f"user@{DOMAIN}"], octets)
            raise AssertionError("it may send as another")
        except smtplib.SMTPSenderRefused:
            pass
    expect(lambda: world.shore.mailbox("user"), {"user": octets})


# --- mail servers that relay to us ----------------------------------------

def relay(server, submission):
    def run():
        world = world_with_shore()
        port = "submission" if submission else "smtp"
        other = server(world.dir, world.ca, Hop(
            world.shore.port(port), submission,
            LOGIN if submission else None)).start()
        to = f"{server.name}@{DOMAIN}"
        sent = samples(server.name)
        with Smtp(other.port) as client:
            client.ehlo()
            for octets in sent.values():
                reply = client.mail(SENDER, to, octets, " BODY=8BITMIME")
                if reply.code != 250:
                    raise AssertionError(f"{server.name} says {reply}")
        expect(lambda: world.shore.mailbox(server.name), sent, 40)
        if submission:
            check_authenticated(world.shore)
    return run


def check_authenticated(shore):
    if not any(e.get("account") == LOGIN
               for e in shore.events("authenticated")):
        raise AssertionError("nobody logged in")


STARTTLS, IMPLICIT = "--tls", "--tls-on-connect"
SIMPLE = [
    ("swaks smtp", "swaks", swaks("smtp")),
    ("swaks smtp pipelined", "swaks", swaks("smtp", "--pipeline")),
    ("swaks smtp STARTTLS", "swaks", swaks("smtp", tls=STARTTLS)),
    ("swaks submission STARTTLS PLAIN", "swaks",
     swaks("submission", auth="PLAIN", tls=STARTTLS)),
    ("swaks submission STARTTLS LOGIN", "swaks",
     swaks("submission", auth="LOGIN", tls=STARTTLS)),
    ("swaks submission STARTTLS CRAM-MD5", "swaks",
     swaks("submission", auth="CRAM-MD5", tls=STARTTLS)),
    ("swaks submission pipelined", "swaks",
     swaks("submission", "--pipeline", auth="PLAIN", tls=STARTTLS)),
    ("swaks submission implicit TLS PLAIN", "swaks",
     swaks("submissions", auth="PLAIN", tls=IMPLICIT)),
    ("curl smtp", "curl", curl("smtp", "smtp")),
    ("curl submission STARTTLS", "curl", curl("smtp", "submission")),
    ("curl submission STARTTLS LOGIN", "curl",
     curl("smtp", "submission", "--login-options", "AUTH=LOGIN")),
    ("curl submission implicit TLS", "curl", curl("smtps", "submissions")),
    ("msmtp submission STARTTLS SCRAM-SHA-256", "msmtp",
     msmtp("submission", "scram-sha-256")),
    ("msmtp submission STARTTLS CRAM-MD5", "msmtp",
     msmtp("submission", "cram-md5")),
    ("msmtp submission implicit TLS PLAIN", "msmtp",
     msmtp("submissions", "plain", "implicit")),
    ("python submission STARTTLS PLAIN", "python3", python("submission")),
    ("python submission STARTTLS LOGIN", "python3",
     python("submission", "LOGIN")),
    ("python submission STARTTLS CRAM-MD5", "python3",
     python("submission", "CRAM-MD5")),
    ("python submission implicit TLS PLAIN", "python3",
     python("submissions")),
]


def pairs():
    for name, program, send in SIMPLE:
        missing = (swaks_missing("STARTTLS" in name or "subm" in name)
                   if program == "swaks" else program_missing(program))
        yield (f"{name} -> tidepost", missing,
               lambda send=send, name=name: carry(send, name.split()[0]))
    yield ("mutt submission STARTTLS AUTH -> tidepost", program_missing("mutt"),
           mutt)
    yield "python as a user -> tidepost", None, as_user
    yield ("smtp-source, ten at once -> tidepost",
           program_missing("smtp-source", "Postfix"), smtp_source)
    for server in SERVERS:
        yield (f"{server.name} smtp -> tidepost", server.why_not(),
               relay(server, False))
        yield (f"{server.name} submission STARTTLS AUTH -> tidepost",
               server.why_not(), relay(server, True))
