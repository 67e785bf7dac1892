"""Local mail read back by another program: Dovecot, by LMTP and in Maildirs."""

import imaplib
import os
import pwd
import re
import shutil
import socket
import subprocess

from clients import SENDER
from dovecot import Dovecot
from mails import expect, samples
from message import make
from node import PASSWORD, World
from report import wait_until
from smtp import Smtp

DOMAIN = "aurora.example.org"
# What its LMTP server adds between trace fields.
LMTPD = re.compile(rb"\A(Return-Path:[^\r\n]*\r\n)Delivered-To:[^\r\n]*\r\n")
USER = "nobody"

# Maildirs below the test's folder, by IMAP on PORT; LMTP on a Unix socket
# and on a port.
MAILBOXES = """
protocols = lmtp imap
mail_location = maildir:{mail}/%Ln
mail_home = {home}/%Ln
first_valid_uid = 1
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/%Ln
}}
recipient_delimiter = +
lmtp_save_to_detail_mailbox = yes
disable_plaintext_auth = no
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Mailboxes(Dovecot):
    def __init__(self, folder, mail):
        self.imap, self.lmtp = free_port(), free_port()
        os.makedirs(mail, exist_ok=True)
        for path in (mail, f"{folder}/home"):
            os.makedirs(path, exist_ok=True)
            shutil.chown(path, USER)
            os.chmod(path, 0o777)
        entry = pwd.getpwnam(USER)
        super().__init__(folder, users=("ann", "ben"), more=MAILBOXES.format(
            mail=mail, home=f"{folder}/home", user=entry.pw_uid,
            group=entry.pw_gid, imap=self.imap, lmtp=self.lmtp))

    @staticmethod
    def why_not():
        where = subprocess.run(["doveconf", "-d", "-h", "libexec_dir"],
                               capture_output=True, text=True).stdout.strip() \
            if shutil.which("doveconf") else ""
        if where and not os.access(f"{where}/imap", os.X_OK):
            return "Dovecot's IMAP is not installed (dovecot-imapd)"
        return Dovecot.why_not() or Dovecot.why_no_lmtp()

    def read(self, user, folder="INBOX"):
        """All messages as IMAP gives them."""
        with imaplib.IMAP4("127.0.0.1", self.imap) as client:
            client.login(user, PASSWORD)
            if client.select(folder)[0] != "OK":
                return []
            numbers = client.search(None, "ALL")[1][0].split()
            return [LMTPD.sub(rb"\1", client.fetch(n, "(BODY[])")[1][0][1])
                    for n in numbers]


def open_folders(world):
    """Other users have to come through to what is below."""
    path = world.dir
    while path not in ("/", "/tmp"):
        os.chmod(path, os.stat(path).st_mode | 0o055)
        path = os.path.dirname(path)


def submit(site, mails, *to):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for octets in mails:
            reply = client.mail(SENDER, list(to), octets, " BODY=8BITMIME")
            if reply.code != 250:
                raise AssertionError(f"our site says {reply}")


def site_for(world, deliver, **more):
    site = world.make_site(peer=world.peer(submission=9, odmr=9))
    site.conf["local"] = {"domains": [DOMAIN], "deliver": deliver, **more}
    return site.start()


def by_lmtp(deliver):
    def pair():
        world = World()
        open_folders(world)
        dovecot = Mailboxes(world.dir, f"{world.dir}/boxes").start()
        site = site_for(world, deliver.format(
            socket=f"{dovecot.dir}/run/lmtp", port=dovecot.lmtp))
        sent = samples("dovecot")
        submit(site, sent.values(), f"ann@{DOMAIN}")
        expect(lambda: dovecot.read("ann"), sent, 60)
        submit(site, [make("three")], f"nobody-here@{DOMAIN}",
               f"Ben+x@{DOMAIN}")
        expect(lambda: dovecot.read("ben"), {"three": make("three")}, 60)
        if not site.wait_queue_empty(30) and any(
                row["state"] != "held" for row in site.queue()):
            raise AssertionError(f"these are left: {site.queue()}")
        if site.doubts():
            raise AssertionError("some were in doubt")
    return pair


def comes_later():
    """It is not there at first: nothing is lost, nothing returned."""
    world = World()
    open_folders(world)
    dovecot = Mailboxes(world.dir, f"{world.dir}/boxes")
    site = site_for(world, f"lmtp:unix:{dovecot.dir}/run/lmtp")
    sent = samples("dovecot")
    submit(site, sent.values(), f"ann@{DOMAIN}")
    if not wait_until(lambda: site.events("lmtp-unreachable"), 20):
        raise AssertionError("it was not looked for")
    dovecot.start()
    expect(lambda: dovecot.read("ann"), sent, 90)


def in_maildirs():
    """We put mail into Maildirs, Dovecot's quota file and folders included."""
    world = World()
    open_folders(world)
    mail = f"{world.dir}/boxes"
    dovecot = Mailboxes(world.dir, mail).start()
    with imaplib.IMAP4("127.0.0.1", dovecot.imap) as client:
        client.login("ann", PASSWORD)
        client.create("Lists")
    site = site_for(world, f"maildir:{mail}/{{user}}", deliver_as=USER,
                    quota="40M")
    sent = samples("dovecot")
    submit(site, sent.values(), f"ann@{DOMAIN}")
    submit(site, [make("list")], f"Ann+Lists@{DOMAIN}")
    expect(lambda: dovecot.read("ann", "Lists"), {"list": make("list")}, 60)
    expect(lambda: dovecot.read("ann"), sent, 60)


def pairs():
    missing = Mailboxes.why_not()
    yield ("tidepost -> dovecot lmtp over a Unix socket, read by IMAP",
           missing, by_lmtp("lmtp:unix:{socket}"))
    yield ("tidepost -> dovecot lmtp over TCP, read by IMAP", missing,
           by_lmtp("lmtp:127.0.0.1:{port}"))
    yield ("tidepost -> dovecot lmtp, which comes later", missing,
           comes_later)
    yield ("tidepost Maildir as another user, read by dovecot IMAP", missing,
           in_maildirs)
