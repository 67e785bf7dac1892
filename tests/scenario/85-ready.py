#!/usr/bin/env python3
# limit: 400
"""Deliveries that may go or are on their way (docs/life.md): why each waits,
how it leaves, and what its sender, the operator and the log are told."""

import datetime
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from life import *
from peer import KEYWORDS
from turned import collect

EIGHT = b"Subject: gr\xc3\xbc\xc3\x9fe\r\nMIME-Version: 1.0\r\n" \
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n" \
    b"Gr\xc3\xbc\xc3\x9fe.\r\n"
PLAIN = ("PIPELINING", "SIZE 50000000", "ENHANCEDSTATUSCODES", "DSN")
LARGE = ("z" * 70 + "\r\n") * 100
SOON = {"warn_after": "1s", "retry": ["1s"]}
NOTE = {"note_after": "1s", "retry": ["1s"]}


def gated(life_time=20):
    """A peer that greets when the event is set."""
    event = threading.Event()

    def greet(conn, line):
        event.wait(life_time)
    return event, Peer(auth=False, rules={"greeting": greet})


def free():
    """Nothing keeps it: it goes as soon as a session has it."""
    event, peer = gated()
    life = Life(peer, queue={"warn_after": "1s"})
    number = life.hand_in()
    life.site.must("link", "up", "iridium")
    wait_until(lambda: peer.connections)
    row = wait_until(lambda: (r := life.row(number))
                     and r["reason"] is None and r)
    equal(row and (row["state"], row["reason_code"], row["next_attempt"]),
          ("ready", None, None), "it waits for nothing")
    text = life.site.must("queue", "show", number)
    check("    ready\n" in text, "queue show says so", text)
    event.set()
    life.gone(number)
    life.logged(number, "delivered", "250 2.0.0 taken")
    life.silent()


def link_down():
    peer = Peer(auth=False)
    life = Life(peer, queue=SOON)
    number = life.hand_in()
    life.told(number, "ready", "link-down", "waits for link iridium", False)
    life.heard("delayed", "4.4.1", "waits for link iridium",
               "you need not send it again")
    life.logged(number, "notice", "the sender is told")
    life.site.must("link", "up", "iridium")
    life.gone(number)
    equal(len(peer.mails), 1, "a link that comes up takes it")
    life.noted("link", "state=up")
    life.logged(number, "delivered")
    life.silent(1)


def bound_by_a_rule():
    """Only the link that a rule names may carry it."""
    peer = Peer(auth=False)
    life = Life(peer, queue=SOON,
                rules=[{"header": "List-Id", "links": ["harbour"]}],
                links=[{"name": "iridium"}, {"name": "harbour"}])
    life.site.must("link", "up", "iridium")
    number = life.hand_in(
        octets=make("news", headers="List-Id: <crew.example>\r\n"))
    life.told(number, "ready", "link-down", "waits for link harbour", False)
    life.heard("delayed", "4.4.1", "waits for link harbour")
    life.site.must("link", "up", "harbour")
    life.gone(number)
    life.logged(number, "delivered")


def no_stick():
    """A folder for batches that is not there."""
    life = Life(start=False, queue=SOON)
    stick = f"{life.world.dir}/stick"
    life.site.conf["routes"] = [{"match": "*", "folder": stick}]
    life.site.start()
    number = life.hand_in()
    life.told(number, "ready", "link-down", f"waits for the folder {stick}", False)
    life.heard("delayed", "4.4.1", f"waits for the folder {stick}")
    life.noted("batch-waits", stick)
    os.mkdir(stick)
    life.site.must("queue", "retry", "--all", "--yes")
    life.gone(number)
    life.logged(number, "delivered", "in the batch")


def window():
    now = datetime.datetime.now(datetime.timezone.utc)
    opens = now + datetime.timedelta(hours=6)
    window = f"{opens:%H:%M}-{opens + datetime.timedelta(minutes=20):%H:%M}"
    life = Life(Peer(auth=False), queue=NOTE, links=[{
        "name": "iridium",
        "dial": {"up": "/bin/true", "windows": [window]}}])
    number = life.hand_in()
    life.told(number, "ready", "window",
              "waits for the next window of iridium", False)
    life.heard("delayed", "4.4.1",
               f"which opens at {opens:%Y-%m-%dT%H:%M}:00Z")
    life.site.stop()
    life.site.start(Shim(life.world.dir).env(clock=6 * 3600 + 60))
    life.gone(number)
    life.logged(number, "delivered")
    life.silent(1)


def budget():
    peer = Peer(auth=False)
    life = Life(peer, queue=NOTE, links=[
        {"name": "iridium", "budget": {"day": {"bytes": "4K"}}}])
    number = life.hand_in(octets=make("large", LARGE))
    life.site.must("link", "up", "iridium")
    life.told(number, "ready", "budget", "no budget left on iridium", False)
    life.heard("delayed", "4.4.1", "no budget left on iridium")
    equal(peer.mails, [], "nothing went")
    life.noted("link-idle", "no budget for what is left")
    life.site.must("link", "allow", "iridium", "--bytes", "100K")
    life.gone(number)
    life.noted("link-allow", "iridium")
    life.logged(number, "delivered")


def size_and_priority():
    peer = Peer(auth=False)
    life = Life(peer, queue=NOTE, relay={"max_priority": 9}, links=[
        {"name": "iridium", "max_size": "4K", "min_priority": "low"},
        {"name": "harbour"}])
    large = life.hand_in(octets=make("large", LARGE))
    bulk = life.hand_in(mail=" MT-PRIORITY=-5", octets=make("bulk"))
    life.site.must("link", "up", "iridium")
    life.told(large, "ready", "size", "too large for iridium", False)
    life.told(bulk, "ready", "priority", "not urgent enough for iridium",
              False)
    check(wait_until(lambda: len(life.notices()) == 2, 30),
          "the sender hears of both")
    words = "".join(str(m) for m in life.notices())
    check("too large for iridium" in words
          and "not urgent enough for iridium" in words, "and why", words)
    for number in (large, bulk):
        life.logged(number, "notice")
    life.site.must("queue", "priority", "0", bulk, "--yes")
    life.gone(bulk)
    life.logged(bulk, "priority")
    life.site.must("link", "up", "harbour")
    life.gone(large)
    life.logged(large, "delivered")
    life.silent(2)


def peer_away():
    port = Peer(auth=False)
    port.close()
    life = Life(port, queue=SOON)
    number = life.hand_in()
    life.site.must("link", "up", "iridium")
    row = life.told(number, "ready", "retry-wait", "cannot be reached")
    equal(row["attempts"], 0, "that is no attempt")
    life.noted("unreachable", "connection refused")
    life.heard("delayed", "4.4.1", "cannot be reached")
    Peer(auth=False, port=port.port)
    life.gone(number)
    life.logged(number, "delivered")


def peer_not_trusted():
    peer = Peer(auth=False)
    life = Life(peer, entry={"tls": "required"}, queue=SOON)
    number = life.hand_in()
    life.site.must("link", "up", "iridium")
    row = life.told(number, "ready", "tls", "no secure connection")
    equal(row["attempts"], 0, "that is no attempt")
    life.noted("exchange-end", "TLS")
    life.heard("delayed", "4.4.1", "no secure connection")
    equal(peer.mails, [], "nothing was sent")
    life.site.conf["peers"][0]["tls"] = "none"
    life.site.restart()
    life.site.must("link", "up", "iridium")
    life.gone(number)
    life.logged(number, "delivered")


def peer_refuses_login():
    certified = World()
    certificate, key = certified.ca.issue("far", "mail.shore.example",
                                          "127.0.0.1")
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    peer = Peer(context=context, rules={"AUTH": "535 5.7.8 who are you"})
    life = Life(peer, start=False, queue=SOON)
    life.site.conf["tls"]["ca_file"] = certified.ca.file
    life.site.conf["peers"] = [certified.peer(
        submission=peer.port, collect="none", collect_port=None)]
    life.site.start()
    number = life.hand_in()
    life.site.must("link", "up", "iridium")
    row = life.told(number, "ready", "auth", "login failed")
    check("who are you" in row["reason"], "in the peer's words", row)
    equal(row["attempts"], 0, "that is no attempt")
    life.noted("exchange-end", "who are you")
    life.heard("delayed", "4.4.1", "login failed")
    peer.rules = {}
    life.site.must("link", "down", "iridium")
    life.site.must("link", "up", "iridium")
    life.gone(number)
    life.logged(number, "delivered")


def local_server_away():
    """LMTP: the program that has the mailboxes does not run."""
    life = Life(start=False, queue=SOON)
    path = f"{life.world.dir}/lmtp"
    life.site.conf["local"]["deliver"] = f"lmtp:unix:{path}"
    life.site.start()
    number = life.hand_in(to="cap@aurora.example.org",
                          sender="eve@far.example")
    row = life.told(number, "ready", "retry-wait", path)
    equal(row["attempts"], 0, "that is no attempt")
    life.noted("lmtp-unreachable", path)
    life.silent(user="eve")
    import socket
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(4)

    def serve():
        conn = server.accept()[0]
        stream = conn.makefile("rwb")
        stream.write(b"220 here\r\n")
        stream.flush()
        data = False
        for line in stream:
            if data and line != b".\r\n":
                continue
            data = line.upper().startswith(b"DATA")
            stream.write(b"354 go\r\n" if data else b"250 2.0.0 ok\r\n")
            stream.flush()
    threading.Thread(target=serve, daemon=True).start()
    life.gone(number)
    life.logged(number, "delivered")


def command_fails():
    """A batch's command: it is tried again, later and later."""
    life = Life(start=False, queue=SOON)
    life.site.conf["routes"] = [{
        "match": "*", "format": "bsmtp",
        "command": f"test -e {life.world.dir}/there"}]
    life.site.start()
    number = life.hand_in()
    row = life.told(number, "ready", "retry-wait", "exit status 1")
    equal(row["attempts"], 0, "that is no attempt")
    life.noted("batch-waits", "exit status 1")
    life.heard("delayed", "4.4.1", "exit status 1")
    open(f"{life.world.dir}/there", "w", encoding="ascii").close()
    life.gone(number)
    life.logged(number, "delivered", "handed to the command")


def two_peers(rich, octets, mail, to=BEN, secure=False):
    """A site, a peer with nothing, and one that was met with RICH."""
    world = World()
    context = None
    if secure:
        import ssl
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*world.ca.issue(
            "far", "mail.shore.example", "127.0.0.1"))
    peers = [Peer(auth=False, keywords=k, context=context)
             for k in (PLAIN + ("CHUNKING",), PLAIN + rich)]
    rows = [world.peer(name=name, submission=peer.port, user=None,
                       password_file=None, collect="none",
                       collect_port=None,
                       tls="required" if secure else "none")
            for name, peer in zip(("poor", "rich"), peers)]
    life = Life(start=False, queue=SOON)
    life.world, life.site = world, world.make_site(
        peer=rows[0], peers=rows, queue=SOON, links=[{"name": "iridium"}],
        routes=[{"match": "first.example", "peers": ["rich"]},
                {"match": "*", "peers": ["poor", "rich"]}])
    life.site.start()
    life.site.must("link", "up", "iridium")
    life.gone(life.hand_in(to="one@first.example"))  # so it is known
    port = peers[1].port
    peers[1].close()
    if secure:
        life.site.must("user", "add", "ann", "--password-stdin",
                       text=PASSWORD + "\n")
        with Smtp(life.site.port("submission")) as client:
            client.ehlo()
            client.starttls(world.client_tls)
            client.ehlo()
            client.auth_plain("ann", PASSWORD)
            number = client.mail(ANN, to, octets, mail).message_id
    else:
        number = life.hand_in(to=to, octets=octets, mail=mail)

    def back():
        Peer(auth=False, keywords=PLAIN + rich, context=context, port=port)
        life.gone(number)
        life.logged(number, "delivered")
        equal(peers[0].mails, [], "by the peer that takes it")
    return life, number, back


def left_for_another_peer():
    """What the peer at hand lacks, another of the route has."""
    life, number, back = two_peers(("8BITMIME",), EIGHT, " BODY=8BITMIME")
    life.told(number, "ready", "no-8bitmime",
              "8-bit mail, which is not taken by poor", False)
    life.heard("delayed", "4.4.1", "8-bit mail, which is not taken by poor")
    back()
    life, number, back = two_peers(("8BITMIME", "SMTPUTF8"), make("x"),
                                   " SMTPUTF8", "jörg@shore.example")
    life.told(number, "ready", "no-smtputf8",
              "UTF-8 addresses, which are not taken by poor", False)
    life.heard("delayed", "4.4.1", "not taken by poor")
    back()
    life, number, back = two_peers(("REQUIRETLS",), make("secret"),
                                   " REQUIRETLS", secure=True)
    life.told(number, "ready", "tls",
              "no secure connection: poor does not offer REQUIRETLS", False)
    life.heard("delayed", "4.4.1", "poor does not offer REQUIRETLS")
    back()


def of_a_customer():
    """It waits for the call, and its sender, who is anybody, hears nothing."""
    life = Life(start=False)
    shore = life.world.make_shore(queue=SOON).start()
    life.world.add_customer()
    to = "cap@aurora.example.org"

    def hand_in(octets):
        return life.hand_in(to, "eve@shore.example", octets, site=shore,
                            port="smtp")
    number = hand_in(make("for the captain"))
    life.told(number, "ready", "customer-call",
              "waits until customer aurora calls", False, shore)
    equal(len(collect(life.world).mails), 1, "its call collects it")
    life.gone(number, shore)
    life.logged(number, "delivered", site=shore)

    number = hand_in(make("large", LARGE))
    call = collect(life.world, keywords=("PIPELINING", "SIZE 4000"))
    equal(len(call.mails), 0, "larger than its host takes")
    life.told(number, "ready", "size", "too large for aurora", False, shore)
    equal(len(collect(life.world).mails), 2, "with another SIZE it goes, "
          "behind word of what stayed")
    life.gone(number, shore)
    life.logged(number, "delivered", site=shore)
    life.silent(user="eve", site=shore)


def suspended():
    """The operator is told what it really waits for."""
    life = Life(start=False)
    shore = life.world.make_shore().start()
    life.world.add_customer()
    number = life.hand_in("cap@aurora.example.org", "eve@shore.example",
                          site=shore, port="smtp")
    shore.must("customer", "suspend", "aurora")
    life.told(number, "ready", "customer-call",
              "waits until customer aurora is resumed and calls", False, shore)
    shore.must("customer", "resume", "aurora")
    life.told(number, "ready", "customer-call",
              "waits until customer aurora calls", False, shore)
    shore.stop()
    shore.must("customer", "suspend", "aurora")
    life.told(number, "ready", "customer-call",
              "waits until customer aurora is resumed and calls", False, shore)


def active():
    """A session has it; a session that is lost puts it back as it was."""
    event = threading.Event()

    def end(conn, line):
        event.wait(20)
        return CLOSE if not peer.mails and conn.peer.connections == 1 \
            else None
    peer = Peer(auth=False, keywords=KEYWORDS + ("DSN",),
                rules={"end": end})
    life = Life(peer, queue={"retry": ["1h"], "warn_after": "1h"})
    number = life.hand_in(rcpt=" NOTIFY=SUCCESS,FAILURE")
    life.site.must("link", "up", "iridium")
    row = wait_until(lambda: (r := life.row(number))
                     and r["state"] == "active" and r)
    equal(row and row["link"], "iridium", "active, on its link")
    text = life.site.must("queue", "show", number)
    check("    active\n" in text, "queue show says so", text)
    done = life.site.cli("queue", "delete", number, "--yes")
    equal(life.row(number)["state"], "active",
          "what a session has is left alone: " + done.stdout.strip())
    life.site.link_down("iridium")
    event.set()
    row = life.told(number, "ready", "link-down", "waits for link iridium",
                    False)
    equal(row["attempts"], 0, "a link that is lost is no attempt")
    life.logged(number, "released", "the connection ended")
    life.logged(number, "may-be-delivered-twice")
    life.silent()
    life.site.must("link", "up", "iridium")
    life.gone(number)
    equal(len(peer.mails), 1, "the next session has it")
    life.logged(number, "delivered")


if __name__ == "__main__":
    run(free, link_down, bound_by_a_rule, no_stick, window, budget,
        size_and_priority, peer_away, peer_not_trusted, peer_refuses_login,
        local_server_away, command_fails, left_for_another_peer,
        of_a_customer, suspended, active)
