"""fetchmail as customer of our provider (RFC 2645), protocol ODMR.

What it can do, found with 6.4.37: AUTH by CRAM-MD5 only, and no STARTTLS. After the
turn it copies lines between the provider and a mail server of its own side,
and reports success whatever became of them. With its own --ssl it waits for
the socket while what came lies in the TLS library, so a session ends as soon
as the provider sends two commands at once; TLS takes a program in between
("plugin"), here stunnel, which says STARTTLS for it.
"""

import os
import subprocess

from clients import program_missing
from mails import expect, samples
from message import make
from mta import write
from node import PASSWORD, World, listener
from peer import CLOSE, Peer
from report import wait_until
from smtp import Smtp

MINE, ALSO = "aurora.example.org", "second.example"
OTHER = "borealis.example"


def world_with_shore(**limits):
    world = World()
    world.make_shore(listeners=[
        listener("smtp", "smtp", "offered"),
        listener("clear", "odmr", "offered", auth_clear=True),
        listener("odmr", "odmr", "required"),
        listener("odmrs", "odmr", "implicit")], limits=limits).start()
    world.add_customer("aurora", MINE, "--domain", ALSO, "--cram-md5")
    world.add_customer("borealis", OTHER)
    world.sink = Peer(auth=False)
    return world


def put(world, octets, *recipients):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        reply = client.mail("eve@shore.example", recipients, octets,
                            " BODY=8BITMIME")
    if reply.code != 250:
        raise AssertionError(f"our provider says {reply}")


def settings(world, port, domains, password, server, user):
    path = f"{world.dir}/fetchmailrc"
    write(path, f"poll localhost service {world.shore.port(port)} "
          f"protocol ODMR {server} user aurora password \"{password}\" "
          f"fetchdomains {','.join(domains)} "
          f"smtphost localhost/{world.sink.port} {user}\n", 0o600)
    return path


def poll(world, port="clear", domains=(MINE,), password=PASSWORD, server="",
         user=""):
    """One call; (exit status, what it said)."""
    done = subprocess.run(
        ["fetchmail", "-v", "--nosyslog", "--nodetach",
         "--pidfile", f"{world.dir}/fetchmail.pid",
         "-f", settings(world, port, domains, password, server, user)],
        capture_output=True, text=True, timeout=60,
        env=dict(os.environ, HOME=world.dir, FETCHMAILHOME=world.dir))
    return done.returncode, done.stdout + done.stderr


def must(condition, text, detail=""):
    if not condition:
        raise AssertionError(f"{text}: {detail}")


def arrived(world):
    return [mail.octets for mail in list(world.sink.mails)]


def last_result(world):
    return world.shore.rows("customer", "show", "aurora")[0]["last_result"]


def told(world, words):
    must(wait_until(lambda: words in (last_result(world) or ""), 10),
         f"customer show lacks \"{words}\"", last_result(world))


def only_its_own(world):
    strangers = [r for mail in world.sink.mails for r in mail.recipients
                 if r.split("@")[1] not in (MINE, ALSO)]
    must(not strangers, "mail of others was handed over", strangers)


def collect(port, server=""):
    """Every sample, once; what is another customer's stays."""
    def run():
        world = world_with_shore()
        said = server and server.format(stunnel=stunnel(world, port))
        sent = samples("fetchmail")
        for octets in sent.values():
            put(world, octets, f"cap@{MINE}", f"cook@{MINE}", f"cap@{OTHER}")
        status, text = poll(world, port, server=said)
        must(status == 0, f"fetchmail: exit {status}", text)
        expect(lambda: arrived(world), sent)
        only_its_own(world)
        must(all(sorted(m.recipients) == [f"cap@{MINE}", f"cook@{MINE}"]
                 for m in world.sink.mails), "one body, two recipients")
        told(world, f"{len(sent)} messages collected")
        must({r["route"] for r in world.shore.queue()}
             == {"customer:borealis"}, "what is left is borealis's")
        status, text = poll(world, port, server=said)
        must("no mail" in text, "the next call: 453", text)
        must(status == 0, f"fetchmail: exit {status}", text)
        must(len(arrived(world)) == len(sent), "and nothing comes twice")
    return run


def two_domains():
    world = world_with_shore()
    first, second = make("for the first"), make("for the second")
    put(world, first, f"cap@{MINE}")
    put(world, second, f"cap@{ALSO}")
    poll(world, domains=(ALSO,))
    expect(lambda: arrived(world), {"second": second})
    poll(world, domains=(MINE, OTHER))
    expect(lambda: arrived(world), {"second": second})
    told(world, "not all of that is its own")
    poll(world, domains=(MINE, ALSO))
    expect(lambda: arrived(world), {"first": first, "second": second})
    must(world.shore.queue() == [], "nothing is left", world.shore.queue())


def wrong_password():
    world = world_with_shore()
    put(world, make("stays"), f"cap@{MINE}")
    status, text = poll(world, password="wrong")
    must(status != 0, "a wrong password: fetchmail tells", text)
    must(arrived(world) == [], "and nothing came")


def hand_off_fails():
    """It reports success all the same; we lose nothing."""
    world = world_with_shore()
    octets = make("steadfast")
    put(world, octets, f"cap@{MINE}")
    for rules in ({"end": CLOSE}, {"MAIL": CLOSE}, {"connect": CLOSE}):
        world.sink.rules = rules
        poll(world)
        told(world, "broken off after 0 messages")
        must(wait_until(lambda: [r["state"] for r in world.shore.queue()]
                        == ["ready"]), "it waits", world.shore.queue())
    world.sink.rules = {}
    poll(world)
    expect(lambda: arrived(world), {"steadfast": octets})


def own_tls():
    """Its own --ssl hangs: told here, so that a newer one is noticed."""
    world = world_with_shore(stall_timeout="2s")
    octets = make("waits for a tunnel")
    put(world, octets, f"cap@{MINE}")
    status, text = poll(world, "odmrs",
                        user=f"ssl sslcertfile {world.ca.file}")
    if arrived(world):
        expect(lambda: arrived(world), {"one": octets})
        return
    told(world, "broken off after 0 messages: no reply in time")
    must([r["state"] for r in world.shore.queue()] == ["ready"],
         "it is kept", world.shore.queue())


def stunnel(world, port):
    """STARTTLS for a program that has none; on its standard input."""
    path = f"{world.dir}/stunnel.conf"
    write(path, "foreground = quiet\ndebug = err\nclient = yes\n"
          f"connect = 127.0.0.1:{world.shore.port(port)}\n"
          f"protocol = smtp\nCAfile = {world.ca.file}\n"
          "verifyChain = yes\ncheckHost = localhost\n")
    return path


def pairs():
    missing = program_missing("fetchmail")
    yield ("fetchmail ODMR CRAM-MD5 in clear <- tidepost", missing,
           collect("clear"))
    yield ("fetchmail ODMR STARTTLS (stunnel) <- tidepost",
           missing or program_missing("stunnel", "stunnel4"),
           collect("odmr", 'plugin "stunnel {stunnel}"'))
    yield "fetchmail ODMR its own --ssl <- tidepost", missing, own_tls
    yield "fetchmail ODMR two domains <- tidepost", missing, two_domains
    yield "fetchmail ODMR wrong password <- tidepost", missing, wrong_password
    yield "fetchmail ODMR hand-off fails <- tidepost", missing, hand_off_fails
