#!/usr/bin/env python3
# limit: 240
"""REQUIRETLS (RFC 8689) and DELIVERBY (RFC 2852) by every way that mail can go:
what they end, and what is told of it (docs/life.md)."""

import datetime
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from life import *
from names import Names
from peer import KEYWORDS
from turned import collect

CAP = "cap@aurora.example.org"
SECURE = KEYWORDS + ("REQUIRETLS", "DSN")
PROMISE = "does not promise to protect it all the way, as its sender requires"


def under_tls(node, world, to, mail, sender, login=None):
    """Handed in under TLS, by a user where LOGIN is a name."""
    with Smtp(node.port("submission" if login else
                        ("lan" if node is world.site else "smtp"))) as client:
        client.ehlo("laptop.example")
        client.starttls(world.client_tls)
        client.ehlo("laptop.example")
        if login:
            client.auth_plain(login, PASSWORD)
        reply = client.mail(
            sender, to, make("secret", sender=sender), mail)
    check(reply.code == 250, f"{mail.strip()} is accepted", reply)
    return reply.message_id


def shore_with_user(*more, **conf):
    life = Life(start=False)
    shore = life.world.make_shore(
        queue={"retry": ["1s"]}, relay={"networks": ["192.0.2.0/24"]},
        **conf).start()
    life.world.add_customer("aurora", "aurora.example.org", *more)
    shore.must("user", "add", "dora", "--password-stdin",
               text=PASSWORD + "\n")
    return life, shore


def requires_tls_by_atrn():
    """The customer showed who it is; its host must promise to go on so."""
    life, shore = shore_with_user()

    def hand_in(login=None):
        return under_tls(shore, life.world, CAP, " REQUIRETLS",
                         "dora@shore.example" if login
                         else "eve@shore.example", login)
    number = hand_in()
    call = collect(life.world, keywords=SECURE)
    equal(len(call.mails), 1, "a host that promises has it")
    check("REQUIRETLS" in call.mails[0].params, "and is told to keep it so",
          call.mails[0].params)
    life.gone(number, shore)

    number = hand_in("dora")
    equal(collect(life.world).mails, [], "one that does not gets nothing")
    life.gone(number, shore)
    life.heard("failed", "5.7.30", "the recipient's host " + PROMISE,
               "protected lines alone", user="dora", site=shore)
    life.logged(number, "failed", PROMISE, site=shore)

    number = hand_in()
    collect(life.world)
    life.told(number, "deleted", "rule-hold", PROMISE, site=shore)
    life.logged(number, "quarantined", PROMISE, site=shore)
    life.silent(user="eve", site=shore)


def requires_tls_by_etrn():
    """Whom ETRN leads to nobody has verified."""
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    world = World()
    context.load_cert_chain(*world.ca.issue("far", "aurora.example.org",
                                            "127.0.0.1"))
    sink = Peer(auth=False, keywords=SECURE, context=context)
    life, shore = shore_with_user("--network", "127.0.0.0/8", "--etrn",
                                  f"127.0.0.1:{sink.port}")
    number = under_tls(shore, life.world, CAP, " REQUIRETLS",
                       "dora@shore.example", "dora")
    plain = life.hand_in(CAP, "eve@shore.example", site=shore, port="smtp")
    with Smtp(shore.port("smtp")) as client:
        client.ehlo()
        equal(client.cmd("ETRN aurora.example.org").code // 10, 25, "asked")
    life.gone(plain, shore)
    equal([m.params.count("REQUIRETLS") for m in sink.mails], [0],
          "other mail goes")
    life.gone(number, shore)
    life.heard("failed", "5.7.30", PROMISE, user="dora", site=shore)
    life.logged(number, "failed", PROMISE, site=shore)


def requires_tls_by_mx():
    """TLS without DANE shows nobody who a host is (78 has the one it does)."""
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    world = World()
    context.load_cert_chain(*world.ca.issue("far", "mx.far.example"))
    host = Peer(auth=False, keywords=SECURE, context=context,
                address="127.0.0.44")
    names = Names({("far.example", "MX"): ["10 mx.far.example"],
                   ("mx.far.example", "A"): ["127.0.0.44"]})
    life = Life(start=False, mx={"server": names.server, "port": host.port})
    life.site.conf["routes"] = [{"match": "*", "peers": ["mx"]}]
    life.site.start()
    number = under_tls(life.site, life.world, "ben@far.example",
                       " REQUIRETLS RET=FULL", ANN)
    life.gone(number)
    notice = life.heard("failed", "5.7.30", PROMISE)
    equal(list(notice.iter_parts())[2].get_content_type(),
          "text/rfc822-headers", "only its header returns (RFC 8689 5)")
    life.logged(number, "failed", PROMISE)
    equal(host.mails, [], "nothing was sent")
    life.gone(life.hand_in("ben@far.example"))
    equal(len(host.mails), 1, "other mail goes")


def requires_tls_home():
    """A mailbox here is the end of the way."""
    life = Life()
    number = under_tls(life.site, life.world, CAP, " REQUIRETLS", ANN)
    life.gone(number)
    equal(len(life.site.mailbox("cap")), 1, "it is delivered")


# --- DELIVERBY ---

def window_in(hours):
    at = datetime.datetime.now(datetime.timezone.utc) \
        + datetime.timedelta(hours=hours)
    return f"{at:%H:%M}-{at + datetime.timedelta(minutes=20):%H:%M}"


def no_window_in_time():
    """Where nothing can be in time MAIL is refused, else RCPT."""
    link = {"name": "iridium", "peers": ["shore"],
            "dial": {"up": "/bin/false", "windows": [window_in(6)]}}
    for local, verb, expected in ((False, "MAIL", (555, "5.4.7")),
                                  (True, "RCPT", (550, "5.4.7"))):
        life = Life(start=False, links=[link])
        if not local:
            del life.site.conf["local"]
            life.site.conf["local"] = {"domains": []}
        life.site.start()
        with Smtp(life.site.port("lan")) as client:
            client.ehlo()
            reply = client.cmd(f"MAIL FROM:<{ANN}> BY=600;R")
            if local:
                equal(reply.code, 250, "it may be for somebody here")
                reply = client.cmd(f"RCPT TO:<{BEN}>")
            equal((reply.code, reply.text.split()[0]), expected,
                  f"{verb}: no window comes in time")
            check("the next window of iridium opens at 2" in reply.text,
                  "it says which, and when", reply)
            client.cmd("RSET")
            equal(client.cmd(f"MAIL FROM:<{ANN}> BY=600;N").code, 250,
                  "N is taken")
        equal(life.site.queue(), [], "nothing is kept")


def by_time_while_held():
    """Whatever it waits for: R ends it."""
    peer = Peer(auth=False, keywords=KEYWORDS + ("DELIVERBY",),
                rules={"RCPT": "451 4.7.1 greylisted"})
    life = Life(peer, queue={"retry": ["1h"]})
    number = life.hand_in(mail=" BY=8;R")
    life.site.must("queue", "hold", number)
    life.told(number, "held", "operator-hold", "held by ")
    other = life.hand_in(to="eve@shore.example", mail=" BY=8;R")
    life.site.must("link", "up", "iridium")
    life.told(other, "deferred", "peer-4xx", "greylisted")
    for one in (number, other):
        life.gone(one)
        life.logged(one, "failed", "within the time that its sender gave it")
    life.noted("too-late")
    wait_until(lambda: len(life.notices()) == 2)
    life.heard("failed", "5.4.7", "within the time that its sender gave it",
               count=2)


def late_and_told():
    """N: it waits on, and its sender hears of it once."""
    life = Life(Peer(auth=False, keywords=KEYWORDS + ("DELIVERBY",)))
    number = life.hand_in(mail=" BY=2;N")
    life.heard("delayed", "4.4.7", "it is later than you wished",
               "waits for link iridium")
    life.logged(number, "notice", "the sender is told")
    life.told(number, "ready", "link-down", "waits for link iridium", False)
    life.site.restart()
    life.site.link_up("iridium", "20s")
    life.gone(number)
    life.silent(1)


run(requires_tls_by_atrn, requires_tls_by_etrn, requires_tls_by_mx,
    requires_tls_home, no_window_in_time, by_time_while_held, late_and_told)
