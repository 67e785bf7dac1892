"""Our sending side against the smart hosts of others."""

from clients import SENDER
from mails import expect, samples
from mta import SERVERS, USER, Hop
from node import PASSWORD, World, secret_file
from peer import Peer
from smtp import Smtp


def peer_entry(world, other, tls, login):
    entry = {"name": "shore", "host": "127.0.0.1", "port": other.port,
             "tls": "required" if tls else "none", "tls_name": "localhost",
             "collect": "none"}
    if login:
        entry["user"] = USER
        entry["password_file"] = secret_file(world.dir, "secret", PASSWORD)
    return entry


def smart_host(server, tls=False, login=False, look=None):
    """A site sends through it; what comes out at its far end is compared."""
    def run():
        world = World()
        sink = Peer(auth=False)
        other = server(world.dir, world.ca, Hop(sink.port)).start()
        site = world.make_site(
            peer=peer_entry(world, other, tls, login), links=None).start()
        sent = samples(server.name)
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            for octets in sent.values():
                reply = client.mail(SENDER, ["ben@shore.example"], octets,
                                    " BODY=8BITMIME")
                if reply.code != 250:
                    raise AssertionError(f"our site says {reply}")
        expect(lambda: [m.octets for m in list(sink.mails)], sent, 40)
        if not site.wait_queue_empty():
            raise AssertionError(f"it still has {site.queue()}")
        if look:
            look(other)
    return run


def many_recipients(server):
    """One message for fifty, in one transaction."""
    def run():
        world = World()
        sink = Peer(auth=False)
        other = server(world.dir, world.ca, Hop(sink.port)).start()
        site = world.make_site(
            peer=peer_entry(world, other, False, False), links=None).start()
        names = [f"r{i}@shore.example" for i in range(50)]
        octets = samples(server.name)["dots"]
        with Smtp(site.port("lan")) as client:
            client.ehlo()
            client.mail(SENDER, names, octets)

        def recipients():
            return sorted(r for m in list(sink.mails) for r in m.recipients)

        expect(lambda: [octets] if recipients() == sorted(names) else [],
               {"fifty": octets})
    return run


def by_chunks(other):
    with open(f"{other.dir}/log/main", encoding="utf-8") as log:
        lines = [line for line in log if " <= " in line]
    if not lines or not all(" K " in line for line in lines):
        raise AssertionError("not all came by BDAT: " + "".join(lines))


LOOK = {"exim": by_chunks}


def pairs():
    for server in SERVERS:
        name, missing = server.name, server.why_not()
        yield (f"tidepost -> {name} smtp", missing,
               smart_host(server, look=LOOK.get(name)))
        yield (f"tidepost -> {name} fifty recipients", missing,
               many_recipients(server))
        if not server.serves_tls:
            yield (f"tidepost -> {name} STARTTLS",
                   missing or "this one has no server side of TLS",
                   None)
            continue
        yield (f"tidepost -> {name} STARTTLS", missing,
               smart_host(server, True))
        if server.keeps_users:
            yield (f"tidepost -> {name} STARTTLS AUTH", missing,
                   smart_host(server, True, True))
