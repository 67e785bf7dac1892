#!/usr/bin/env python3
"""What a peer with fewer bits gets (RFC 6152 3, RFC 3030 3, RFC 6531): the same
content in 7 bit, to the octet, or nothing, and the sender is told why."""
# limit: 400

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import email
import email.policy
import re
import time

import corpus
from turned import collect

ANN = "ann@aurora.example.org"
PLAIN = ("PIPELINING", "SIZE 50000000", "ENHANCEDSTATUSCODES")
CHUNKS = PLAIN + ("CHUNKING",)
MIME = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
WORDS = "Grüße an alle Freunde und Bekannten an Bord.\r\n".encode()
EIGHT = b"Subject: greetings\r\n" + MIME \
        + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + WORDS * 40


def world_with(*keywords, rules=None, **conf):
    """A site whose route has a peer for each set of keywords."""
    world = World()
    peers = [Peer(keywords=k, auth=False, rules=rules) for k in keywords]
    rows = [{"name": f"shore{i}" if i else "shore", "host": "127.0.0.1",
             "port": p.port, "tls": "none", "collect": "none"}
            for i, p in enumerate(peers)]
    site = world.make_site(rows[0])
    site.conf["peers"] = rows
    site.conf["routes"] = [{"match": "*",
                            "peers": [r["name"] for r in rows]}]
    site.conf.update(conf)
    site.start()
    return [site] + peers


def hand_in(site, octets, params=" BODY=8BITMIME", way="data",
            to="ben@shore.example"):
    with Smtp(site.port("lan"), timeout=60) as client:
        client.ehlo()
        send = client.bdat if way == "bdat" else client.mail
        reply = send(ANN, to, octets, params)
        equal(reply.code, 250, f"accepted with{params}")
    return reply.message_id


def leaves(octets):
    """Each part that has no parts: its type and its decoded octets."""
    found = []
    for part in email.message_from_bytes(octets).walk():
        if not part.is_multipart():
            found.append((part.get_content_type(),
                          part.get_payload(decode=True)))
    return found


def is_7bit(octets):
    return all(0 < o < 128 for o in octets)


def size_said(mail):
    return int(re.search(r"SIZE=(\d+)", mail.params).group(1))


def check_mail(mail, original, name):
    """MAIL is ORIGINAL, with our trace in front, written in 7 bit."""
    check(is_7bit(mail.octets), f"{name}: it is 7 bit")
    check("BODY=" not in mail.params, f"{name}: no BODY is said", mail.params)
    equal(leaves(mail.octets), leaves(original),
          f"{name}: the same content, part by part")
    equal(size_said(mail), len(mail.octets), f"{name}: SIZE is exact")


def both_ways():
    for keywords in (PLAIN, CHUNKS):
        site, peer = world_with(keywords)
        hand_in(site, EIGHT)
        hand_in(site, b"Subject: plain\r\n\r\nplain\r\n", "")
        equal(site.link_up("iridium"), 0, "all moves")
        mails = {m.octets.count(b"Gr"): m for m in peer.mails}
        equal(len(peer.mails), 2, "both arrive")
        check_mail(mails[40], EIGHT, "greetings")
        check(b"Content-Transfer-Encoding: quoted-printable\r\n"
              in mails[40].octets, "and can be read", mails[40].octets)
        check(mails[0].octets.endswith(b"\r\n\r\nplain\r\n"),
              "what is 7 bit is as it was")
        check(site.wait_queue_empty(), "nothing is left")
        equal(site.mailbox("ann"), [], "nothing returns")


def never_needlessly():
    site, peer = world_with(CHUNKS + ("8BITMIME",))
    hand_in(site, EIGHT)
    site.link_up("iridium")
    check(peer.mails[0].octets.endswith(EIGHT), "8BITMIME: to the octet")
    check("BODY=8BITMIME" in peer.mails[0].params, "and said to be 8 bit")


def large():
    """Over several looks and chunks; the spool keeps the original."""
    image = bytes(range(128, 256)) * 20000
    image = b"\r\n".join(image[i:i + 900] for i in range(0, len(image), 900))
    octets = b"Subject: image\r\nMIME-Version: 1.0\r\n" \
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + MIME \
        + b"\r\n" + WORDS + b"--b\r\nContent-Type: image/x\r\n" \
        b"Content-Transfer-Encoding: 8bit\r\n\r\n" + image + b"\r\n--b--\r\n"
    site, peer = world_with(CHUNKS, rules={"end": once("451 4.3.0 later")})
    number = hand_in(site, octets)
    site.link_up("iridium")
    row = site.queue()[0]
    check(len(octets) < row["size"] < len(octets) + 1000,
          "the spool has the original", row)
    site.must("queue", "retry", str(number), "--yes")
    wait_until(lambda: peer.mails)
    check_mail(peer.mails[0], octets, "a large image")


def once(reply):
    said = []

    def rule(conn, line):
        if said:
            return None
        said.append(line)
        return reply
    return rule


def whole_corpus():
    """Each message that is 8 bit: 7 bit with the same content, or returned."""
    samples = [s for s in corpus.load() if s.fault is None and s.is_8bit]
    site, peer = world_with(CHUNKS, queue={"recode_signed": True})
    with Smtp(site.port("lan"), timeout=60) as client:
        client.ehlo()
        for i, sample in enumerate(samples):
            reply = client.bdat(ANN, f"u{i}@shore.example", sample.octets,
                                " BODY=8BITMIME")
            equal(reply.code, 250, f"{sample.file} is accepted")
    equal(site.link_up("iridium", "300s"), 0, "all moves")
    check(site.wait_queue_empty(60), "nothing is left", site.queue())
    arrived = {int(m.recipients[0][1:].split("@")[0]): m for m in peer.mails}
    returned = {}
    for octets in site.mailbox("ann"):
        for user in re.findall(rb"Final-Recipient: rfc822; u(\d+)@", octets):
            check(int(user) not in returned, "it returns once", user)
            returned[int(user)] = octets
    equal(sorted([*arrived, *returned]), list(range(len(samples))),
          "each arrives, or returns, once")
    bad = [samples[i].file for i, m in arrived.items()
           if not is_7bit(m.octets) or size_said(m) != len(m.octets)
           or leaves(m.octets) != leaves(samples[i].octets)]
    equal(bad, [], f"{len(arrived)} have the same content, part by part")
    bad = [samples[i].file for i, n in returned.items()
           if b"Status: 5.6.3" not in n
           or b"takes no 8-bit mail, and this message cannot be changed: "
           not in n.replace(b"\r\n ", b"")]
    equal(bad, [], f"{len(returned)} are returned with the reason")


def signed():
    """A signature is not broken, unless that is wanted."""
    dkim = b"DKIM-Signature: v=1; a=x\r\n" + EIGHT
    inner = b"Subject: s\r\nMIME-Version: 1.0\r\n" \
        b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" + MIME \
        + b"\r\n" + WORDS + b"--b--\r\n"
    site, peer = world_with(CHUNKS)
    for octets in (dkim, inner):
        hand_in(site, octets)
    site.link_up("iridium")
    check(site.wait_queue_empty(), "nothing is left", site.queue())
    found = site.wait_mail("ann", 2)
    equal(peer.mails, [], "neither is sent")
    for notice in found:
        check(b"Status: 5.6.3" in notice and b"signature would break"
              in re.sub(rb"\s+", b" ", notice), "returned, with the reason",
              notice)
    site, peer = world_with(CHUNKS, queue={"recode_signed": True})
    hand_in(site, dkim)
    site.link_up("iridium")
    check_mail(peer.mails[0], dkim, "queue.recode_signed")


def binary():
    octets = b"Subject: bin\r\nMIME-Version: 1.0\r\n" \
        b"Content-Type: multipart/mixed; boundary=b\r\n" \
        b"Content-Transfer-Encoding: binary\r\n\r\n" \
        b"--b\r\nContent-Type: image/x\r\n" \
        b"Content-Transfer-Encoding: binary\r\n\r\n" \
        + bytes(range(256)) * 300 + b"\r\n--b\r\n" + MIME \
        + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + WORDS + b"--b--"
    for keywords, eight in ((PLAIN + ("8BITMIME",), True),
                            (CHUNKS + ("8BITMIME",), True),
                            (CHUNKS, False)):
        site, peer = world_with(keywords)
        hand_in(site, octets, " BODY=BINARYMIME", "bdat")
        equal(site.link_up("iridium"), 0, "it moves")
        mail = peer.mails[0]
        equal(leaves(mail.octets)[0][1], bytes(range(256)) * 300,
              "a binary part, to the octet")
        equal("BODY=8BITMIME" in mail.params, eight, "BODY as it is now")
        equal(is_7bit(mail.octets), not eight, "8 bit stays where it may")
        equal(size_said(mail), len(mail.octets), "SIZE is exact")


def binary_as_it_is():
    """Who takes binary mail needs no 8BITMIME."""
    site, peer = world_with(CHUNKS + ("BINARYMIME",))
    octets = b"Subject: bin\r\n\r\n" + bytes(range(256))
    hand_in(site, octets, " BODY=BINARYMIME", "bdat")
    equal(site.link_up("iridium"), 0, "it moves")
    check(peer.mails[0].octets.endswith(octets), "unchanged")


def utf8():
    site, peer = world_with(CHUNKS + ("8BITMIME",))
    hand_in(site, EIGHT, " SMTPUTF8", to="jörg@shore.example")
    hand_in(site, EIGHT)
    hand_in(site, b"Subject: plain\r\n\r\nplain\r\n", " SMTPUTF8")
    site.link_up("iridium")
    check(site.wait_queue_empty(), "nothing is left", site.queue())
    equal(len(peer.mails), 2, "what does not need SMTPUTF8 goes")
    notice = site.wait_mail("ann")[0]
    check(b"Status: 5.6.7" in notice and b"(SMTPUTF8)" in notice,
          "the other returns: 5.6.7", notice)


def another_peer():
    """One that takes it as it is goes first, if it is known and there."""
    site, poor, rich = world_with(PLAIN, CHUNKS + ("8BITMIME", "SMTPUTF8"))
    hand_in(site, EIGHT)
    hand_in(site, EIGHT, " SMTPUTF8", to="jörg@shore.example")
    site.link_up("iridium")
    check(site.wait_queue_empty(), "both go", site.queue())
    check(all(m.octets.endswith(EIGHT) for m in rich.mails),
          "what the other peer takes is as it was")
    check(any("SMTPUTF8" in m.params for m in rich.mails),
          "UTF-8 addresses wait for a peer that takes them", rich.verbs)
    equal(site.mailbox("ann"), [], "nothing returns")
    before = len(poor.mails)
    hand_in(site, EIGHT)
    check(site.wait_queue_empty(), "it goes", site.queue())
    equal((len(poor.mails), len(rich.mails)), (before, 3 - before),
          "by the one that is known to take 8 bit")
    rich.close()
    hand_in(site, EIGHT)
    rows = wait_until(lambda: [r for r in site.queue()
                               if r["reason_code"] == "no-8bitmime"])
    check(rows and len(rows) == 1, "it waits for that one, and says why",
          site.queue())
    equal(len(poor.mails), before, "the other does not get it")


def a_peer_not_met():
    """UTF-8 addresses wait for one that may take them, 8 bit does not."""
    site, poor, other = world_with(CHUNKS, CHUNKS + ("8BITMIME", "SMTPUTF8"))
    other.close()
    hand_in(site, EIGHT, " SMTPUTF8", to="jörg@shore.example")
    hand_in(site, EIGHT)
    site.link_up("iridium")
    rows = wait_until(lambda: [r for r in site.queue()
                               if r["reason_code"] == "no-smtputf8"])
    check(rows and len(site.queue()) == 1, "one waits, and says why",
          site.queue())
    equal(len(poor.mails), 1, "the other goes, in 7 bit")
    equal(site.mailbox("ann"), [], "nothing returns")


def too_large_then():
    """It fits only as it is."""
    site, peer = world_with(("PIPELINING", "SIZE 4000", "CHUNKING"))
    octets = b"Subject: big\r\n" + MIME + b"\r\n" \
        + ("ж".encode() * 300 + b"\r\n") * 5
    hand_in(site, octets)
    site.link_up("iridium")
    check(site.wait_queue_empty(), "nothing is left", site.queue())
    notice = site.wait_mail("ann")[0]
    check(b"Status: 5.3.4" in notice and b"when it is written for it" in
          re.sub(rb"\s+", b" ", notice), "returned: 5.3.4", notice)
    equal(peer.mails, [], "and never begun")


def larger_for_the_link():
    """What fits a link as it is stored, but not as it is written for the peer,
    stays; it is looked at once, and others go."""
    links = [{"name": "vsat", "peers": ["shore"]}]
    site, peer = world_with(PLAIN, links=links)
    big = hand_in(site, EIGHT)
    links[0]["max_size"] = site.queue()[0]["size"] + 40
    site.restart()
    for i in range(2):
        hand_in(site, make(f"small {i}"), "")
    site.link_up("vsat", "30s")
    check(wait_until(lambda: len(peer.mails) == 2), "the small ones go",
          len(peer.mails))
    row = site.queue()[0]
    equal((row["message"], row["state"], row["attempts"]), (big, "ready", 0),
          "the large one stays")
    equal((row["reason_code"], row["reason"]), ("size", "too large for vsat"),
          "and says why")
    released = [e for e in site.rows("log", "--message", big)
                if e["event"] == "released"]
    check(1 <= len(released) <= 2, "once in each connection", released)


def too_large_for_link(limit, code):
    """As it is written it may not use the link: it waits for that, not for
    a peer."""
    link = {"name": "iridium", "peers": ["shore"], "bit_rate": 1000000,
            "rtt": "1ms", **limit}
    site, peer = world_with(("PIPELINING", "CHUNKING"), links=[link])
    octets = b"Subject: big\r\n" + MIME + b"\r\n" \
        + ("ж".encode() * 300 + b"\r\n") * 5
    number = hand_in(site, octets)
    site.link_up("iridium")
    rows = wait_until(lambda: [r for r in site.queue()
                               if r["reason_code"] == code])
    check(rows and rows[0]["state"] == "ready", f"it waits: {code}",
          site.queue())
    check("iridium" in rows[0]["reason"], "for its link", rows)
    shown = site.must("queue", "show", number)
    check(rows[0]["reason"] in shown, "its history says it", shown)
    equal(rows[0]["attempts"], 0, "it was no attempt")
    equal(peer.mails, [], "nothing went")
    site.conf["links"] = [{k: v for k, v in link.items() if k not in limit}]
    site.restart()
    equal(site.link_up("iridium"), 0, "with a wider link all moves")
    equal(len(peer.mails), 1, "it goes")


def too_large_for_size():
    too_large_for_link({"max_size": "4K"}, "size")


def too_large_for_budget():
    too_large_for_link({"budget": {"session": {"bytes": "6K"}}}, "budget")


def customer():
    """One whose host takes 7 bit gets 7 bit at its call."""
    world = World()
    site, shore = world.pair()
    with Smtp(shore.port("smtp")) as client:
        client.ehlo()
        equal(client.mail("eve@elsewhere.example", "bob@aurora.example.org",
                          EIGHT, " BODY=8BITMIME").code, 250, "it is held")
    call = collect(world, keywords=CHUNKS)
    equal(len(call.mails), 1, "it is handed over")
    check_mail(call.mails[0], EIGHT, "to a customer")


def cut_and_killed():
    """A line that breaks in the middle, and a daemon that dies: once, whole."""
    site, peer = world_with(PLAIN, rules={"end": once(CLOSE)})
    octets = EIGHT + WORDS * 4000
    hand_in(site, octets)
    site.link_up("iridium")
    site.kill()
    site.start()
    site.link_up("iridium")
    wait_until(lambda: peer.mails)
    check(site.wait_queue_empty(), "nothing is left", site.queue())
    equal(len(peer.mails), 1, "it is taken once")
    check_mail(peer.mails[0], octets, "after a cut and a kill")


run(both_ways, never_needlessly, large, whole_corpus, signed, binary,
    binary_as_it_is, utf8, another_peer, a_peer_not_met, too_large_then,
    larger_for_the_link, too_large_for_size, too_large_for_budget, customer,
    cut_and_killed)
