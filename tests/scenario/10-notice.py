#!/usr/bin/env python3
"""What notices hold (RFC 3461, 3464, 6522, 6533), read by another's parser."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from peer import KEYWORDS

import email
import email.policy
import email.utils
import quopri
import time

ANN = "ann@aurora.example.org"
KNOWN = b"Subject: a call\r\nMessage-ID: <1@aurora.example.org>\r\n"


def world_with(rules=None, keywords=(), notices=None):
    world = World()
    peer = Peer(rules=rules or {"RCPT": "550 5.1.1 no ben here"},
                keywords=KEYWORDS + tuple(keywords), auth=False)
    site = world.make_site(peer=world.peer(
        submission=peer.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None))
    if notices:
        site.conf["notices"] = notices
    site.start()
    return peer, site


def hand_in(site, octets, mail=f"<{ANN}>", rcpt=("<ben@shore.example>",)):
    with Smtp(site.port("lan")) as client:
        client.ehlo("laptop.example")
        equal(client.cmd(f"MAIL FROM:{mail}").code, 250, f"MAIL {mail}")
        for to in rcpt:
            equal(client.cmd(f"RCPT TO:{to}").code, 250, f"RCPT {to}")
        client.cmd("DATA")
        client.send(stuff(octets))
        reply = client.reply()
    equal(reply.code, 250, "it is accepted")
    return reply.message_id


def groups(part):
    """The fields of a delivery-status part: of the message, then of each
    recipient."""
    if part.get_content_type() == "message/delivery-status":
        found = part.get_payload()  # the parser made a message of each group
    else:  # it takes the first group for a header, and the rest for its body
        text = part.get_payload(0).as_bytes()
        if part["Content-Transfer-Encoding"] == "quoted-printable":
            text = quopri.decodestring(text)
        found = [email.message_from_string(g) for g in
                 text.decode().replace("\r", "").strip().split("\n\n")]
    return [dict((k.lower(), v.strip()) for k, v in g.items()) for g in found]


def read(octets, name, eight=False):
    """The parts of a notice; and what is true for all of them."""
    notice = email.message_from_bytes(octets, policy=email.policy.default)
    parts = list(notice.iter_parts())
    equal(notice.get_content_type(), "multipart/report", f"{name}: a report")
    equal(len(parts), 3, f"{name}: of three parts")
    defects = [d for p in notice.walk() for d in p.defects]
    if not eight:  # of UTF-8 headers the parser knows nothing
        defects += [(k, d) for p in notice.walk() for k, v in p.items()
                    for d in getattr(v, "defects", ())]
    equal(defects, [], f"{name}: the parser has nothing to say against it")
    check(b"\r" not in octets.replace(b"\r\n", b""),
          f"{name}: no bare CR")
    check(eight or all(o < 128 for o in octets), f"{name}: it is 7 bit")
    check(all(len(line) <= 998 for line in octets.split(b"\r\n")),
          f"{name}: no line is too long")
    equal(notice["Auto-Submitted"], "auto-replied", f"{name}: RFC 3834")
    return notice, parts


def whole_machine_part():
    """Each field that RFC 3461 6.3 and RFC 3464 2 ask for or know."""
    peer, site = world_with()
    number = hand_in(
        site, KNOWN + b"\r\nHelp.\r\n", f"<{ANN}> ENVID=QQ+3D1",
        ["<ben@shore.example> ORCPT=rfc822;Ben+2BX@shore.example",
         "<eve@shore.example>"])
    site.link_up("iridium")
    notice, parts = read(site.wait_mail("ann")[0], "failed")
    fields = groups(parts[1])
    equal(len(fields), 3, "the message, and two recipients")
    equal({k: fields[0].get(k) for k in
           ("reporting-mta", "original-envelope-id", "received-from-mta")},
          {"reporting-mta": "dns; aurora.example.org",
           "original-envelope-id": "QQ=1",
           "received-from-mta": "dns; laptop.example"}, "of the message")
    equal({k: fields[1].get(k) for k in
           ("original-recipient", "final-recipient", "action", "status",
            "remote-mta", "diagnostic-code", "final-log-id",
            "will-retry-until")},
          {"original-recipient": "rfc822; Ben+X@shore.example",
           "final-recipient": "rfc822; ben@shore.example",
           "action": "failed", "status": "5.1.1",
           "remote-mta": "dns; 127.0.0.1",
           "diagnostic-code": "smtp; 550 5.1.1 no ben here",
           "final-log-id": f"{number}.1", "will-retry-until": None},
          "of the first recipient")
    check("original-recipient" not in fields[2],
          "none where no ORCPT was given")
    for when in (fields[0]["arrival-date"], fields[1]["last-attempt-date"]):
        at = email.utils.parsedate_to_datetime(when).timestamp()
        check(abs(at - time.time()) < 600, "the times are those of now", when)
    equal(notice["Subject"], "Not delivered: a call", "the subject")
    equal(notice["In-Reply-To"], "<1@aurora.example.org>",
          "it stands beside the message it is about")
    words = parts[0].get_content()
    check("127.0.0.1 said: 550 5.1.1 no ben here" in words
          and "There is no such address there" in words,
          "the server's words, and advice", words)
    equal(words.count("There is no such address"), 1,
          "said once for both, since the same happened to them")
    check("Help." not in parts[2].get_content(), "the text does not return")


def returned_whole():
    peer, site = world_with(notices={"full_size": "1K"})
    body = b"MIME-Version: 1.0\r\nContent-Type: text/plain; " \
           b"charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe.\r\n"
    hand_in(site, KNOWN + body, f"<{ANN}> RET=FULL BODY=8BITMIME")
    site.link_up("iridium")
    notice, parts = read(site.wait_mail("ann")[0], "RET=FULL", True)
    equal(parts[2].get_content_type(), "message/rfc822", "the whole message")
    back = parts[2].get_payload(0)
    equal(back.get_content().replace("\r", ""), "Grüße.\n",
          "unchanged")
    hand_in(site, KNOWN + b"\r\n" + b"long\r\n" * 300, f"<{ANN}> RET=FULL")
    site.link_up("iridium")
    found = site.wait_mail("ann", 2)
    notice, parts = read(found[1], "RET=FULL of a long one")
    equal(parts[2].get_content_type(), "text/rfc822-headers",
          "above notices.full_size the header alone")
    hand_in(site, KNOWN + body, f"<{ANN}> RET=HDRS")
    site.link_up("iridium")
    notice, parts = read(site.wait_mail("ann", 3)[2], "RET=HDRS")
    equal(parts[2].get_content_type(), "text/rfc822-headers", "RET=HDRS")


def hostile_headers():
    """Whatever a header holds, the notice can be read."""
    peer, site = world_with()
    cases = {
        "huge": b"".join(b"Received: by x%d;\r\n\tnow\r\n" % i
                         for i in range(90)) + KNOWN
                + b"X-Long: " + b"word " * 150 + b"\r\n"
                + b"X-Many: 1\r\n" * 3000,
        "8 bit": b"X: gr\xfc\xdfe\r\n" + KNOWN,
        "boundaries": KNOWN + b"X: 1\r\n"
                      + b"".join(b"--=_%d.%d\r\n" % (i, j)
                                 for i in range(1, 300) for j in range(2)),
        "no colon": KNOWN + b"no field at all\r\n",
        "controls": KNOWN + b"X: \x01\x02\x7f\x1b[2J\r\n",
    }
    for i, (name, header) in enumerate(cases.items()):
        hand_in(site, header + b"\r\nbody\r\n", rcpt=[
            "<ben@shore.example> ORCPT=rfc822;x+3BAction:+3Bdelivered"])
        site.link_up("iridium")
        octets = site.wait_mail("ann", i + 1)[i]
        notice, parts = read(octets, name)
        equal([g.get("action") for g in groups(parts[1])[1:]], ["failed"],
              f"{name}: one action, which nobody forged")
        check(b"Subject: a call" in parts[2].get_payload(decode=True),
              f"{name}: what it is known by comes back")
        check(len(octets) < 12000, f"{name}: it is short", len(octets))


REPLIES = {
    "control octets": (b"550 5.1.1 no\x1b[2J \x07 \x00 \x7f\r\n", "5.1.1",
                       "550 5.1.1 no?[2J ? ? ?"),
    "8 bit": (b"550 5.1.1 gr\xfc\xdfe \xff\r\n", "5.1.1",
              "550 5.1.1 gr??e ?"),
    "UTF-8": ("550 5.1.1 gr\u00fc\u00dfe \u6f22\r\n".encode(), "5.1.1",
              "550 5.1.1 gr??e ?"),
    "many lines": (b"".join(b"550-5.1.1 line %d of more than would fit\r\n" % i
                            for i in range(60)) + b"550 5.1.1 end\r\n",
                   "5.1.1", "550 5.1.1 line 0 of more than would fit line 1 "),
    "a long word": (b"550 5.1.1 " + b"x" * 490 + b"\r\n", "5.1.1",
                    "550 5.1.1 xxx"),
    "a code alone": (b"550\r\n", "5.0.0", "550"),
    "a code that is none": (b"550 5.9999.1 a\r\n", "5.0.0",
                            "550 5.9999.1 a"),
    "a code of another class": (b"550 4.2.2 a\r\n", "5.0.0",
                                "550 4.2.2 a"),
    "fields": (b"550-5.1.1 a\r\n550-5.1.1 Action: delivered\r\n"
               b"550 5.1.1 Status: 2.0.0\r\n", "5.1.1",
               "550 5.1.1 a Action: delivered Status: 2.0.0"),
    "a boundary": (b"550 5.1.1 --=_2.0--\r\n", "5.1.1",
                   "550 5.1.1 --=_2.0--"),
}


def hostile_replies():
    """Whatever a server says, the notice can be read, and quotes it."""
    said = []
    peer, site = world_with({"RCPT": lambda _conn, _line: Raw(said[-1])})
    for i, (name, (reply, status, words)) in enumerate(REPLIES.items()):
        said.append(reply)
        hand_in(site, KNOWN + b"\r\nbody\r\n")
        site.link_up("iridium")
        _, parts = read(site.wait_mail("ann", i + 1)[i], name)
        fields = groups(parts[1])
        equal([(g.get("action"), g.get("status")) for g in fields[1:]],
              [("failed", status)], f"{name}: its status")
        code = fields[1]["diagnostic-code"]
        check(code.startswith(f"smtp; {words}"), f"{name}: its words", code)
        said_to_people = " ".join(parts[0].get_content().split())
        check("127.0.0.1 said: 550" in said_to_people,
              f"{name}: for people, too", said_to_people)


ODD = [
    # header, MAIL, RCPT, what must be in the notice
    (b"Subject: =?utf-8?Q?a b?= =?x?= =?utf-8?B?!!!?=\r\n", "", "",
     ("Subject", "Not delivered: a b =?x?= ")),
    (b"Subject: " + b"x" * 900 + b"\r\n", "", "",
     ("Subject", "Not delivered: your message")),
    (b"Subject: a\r\n\tb\r\n  c\r\n", "", "",
     ("Subject", "Not delivered: a b  c")),
    (b"Subject: a\x1b[2J\x01\r\n", "", "",
     ("Subject", "Not delivered: a [2J")),
    (b"Message-ID: <(a);,:b@c>\r\n", "", "",
     ("In-Reply-To", "<(a);,:b@c>")),
    (b"Message-ID:\r\n\t<a@b>\r\n", "", "", ("In-Reply-To", "<a@b>")),
    (b"Message-ID: <\"a>b\"@c>\r\n", "", "", ("In-Reply-To", None)),
    (b"Message-ID: <a<b@c>\r\n", "", "", ("In-Reply-To", None)),
    (b"Message-ID: <a b@c>\r\n", "", "", ("In-Reply-To", None)),
    (b"Message-ID: <>\r\n", "", "", ("In-Reply-To", None)),
    (b"", " ENVID=a+2B+3D+20b;+22+5C", "",
     ("original-envelope-id", 'a+= b;"\\')),
    (b"", " ENVID=" + "+2B" * 33, "", ("original-envelope-id", "+" * 33)),
    (b"", "", " ORCPT=x-uucp;a!b!c", ("original-recipient", "x-uucp; a!b!c")),
    (b"", "", " ORCPT=rfc822;" + "a" * 480 + "@x",
     ("original-recipient", "rfc822; " + "a" * 480 + "@x")),
]


def odd_envelopes():
    peer, site = world_with()
    for i, (header, mail, rcpt, (field, value)) in enumerate(ODD):
        name = f"{header[:40]!r}{mail[:30]}{rcpt[:30]}"
        hand_in(site, header + b"To: ben\r\n\r\nbody\r\n",
                f"<{ANN}>{mail}", [f"<ben@shore.example>{rcpt}"])
        site.link_up("iridium")
        notice, parts = read(site.wait_mail("ann", i + 1)[i], name)
        found = {**groups(parts[1])[0], **groups(parts[1])[1]}.get(
            field, notice[field])
        equal(found and str(found).rstrip(), value and value.rstrip(),
              f"{name}: {field}")


def odd_senders():
    """What is sent to a local part that needs quotes."""
    peer, site = world_with()
    for sender, box in (('"a b"', "a b"), ('"a\\"b"', 'a"b'),
                        ('"a@b"', "a@b"), ("a" * 64, "a" * 64)):
        address = f"{sender}@aurora.example.org"
        hand_in(site, KNOWN + b"\r\nbody\r\n", f"<{address}>")
        site.link_up("iridium")
        notice, _ = read(site.wait_mail(box)[0], sender)
        equal(notice["To"].addresses[0].addr_spec, address,
              f"{sender}: is told")


def utf8_sender():
    """RFC 6533: such a notice is UTF-8 as a whole."""
    peer, site = world_with({"RCPT": lambda _conn, _line: Raw(
        "550 5.1.1 gr\u00fc\u00dfe \x1b\r\n".encode())}, ("SMTPUTF8",))
    hand_in(site, "Subject: Gr\u00fc\u00dfe\r\n\r\nx\r\n".encode(),
            "<j\u00f6rg@aurora.example.org> SMTPUTF8",
            ["<ben@shore.example> ORCPT=utf-8;j\u00f6rg\\x{2B}\u6f22@x",
             "<\u6f22@shore.example>"])
    site.link_up("iridium")
    octets = site.wait_mail("j\u00f6rg")[0]
    notice, parts = read(octets, "to a UTF-8 sender", True)
    octets.decode()
    equal([p.get_content_type() for p in parts],
          ["text/plain", "message/global-delivery-status",
           "message/global-headers"], "its UTF-8 forms")
    fields = [dict((k.lower(), v) for k, v in (
        line.split(": ", 1) for line in group.split("\n") if line))
        for group in octets.decode().replace("\r", "").split(
            "message/global-delivery-status")[1].split("--=_")[0]
        .split("\n\n")[1:]]
    equal((fields[1]["original-recipient"], fields[1]["final-recipient"],
           fields[2]["final-recipient"], fields[1]["diagnostic-code"]),
          ("utf-8; j\u00f6rg+\u6f22@x", "rfc822; ben@shore.example",
           "utf-8; \u6f22@shore.example",
           "smtp; 550 5.1.1 gr\u00fc\u00dfe ?"), "as they are")


def utf8():
    peer, site = world_with(keywords=("SMTPUTF8",))
    hand_in(site, "Subject: Grüße\r\n\r\nx\r\n".encode(),
            f"<{ANN}> SMTPUTF8", ["<jörg@shore.example>"])
    site.link_up("iridium")
    notice, parts = read(site.wait_mail("ann")[0], "to an ASCII sender")
    equal([p.get_content_type() for p in parts],
          ["text/plain", "message/global-delivery-status",
           "message/global-headers"], "its UTF-8 forms")
    equal(groups(parts[1])[1]["final-recipient"],
          "utf-8; jörg@shore.example", "the address as it is")
    equal(notice["Subject"], "Not delivered: Grüße", "and the subject")
    check("jörg@shore.example" in parts[0].get_content(), "and the words")


def copies():
    peer, site = world_with(notices={"copy_to": "master@aurora.example.org"})
    hand_in(site, KNOWN + b"\r\nx\r\n")
    site.link_up("iridium")
    copy = site.wait_mail("master")[0]
    equal(copy.split(b"Reporting-MTA")[1],
          site.wait_mail("ann")[0].split(b"Reporting-MTA")[1],
          "notices.copy_to has what the sender has")
    peer.rules = {}
    hand_in(site, KNOWN + b"\r\nx\r\n", rcpt=[
        "<ben@shore.example> NOTIFY=SUCCESS"])
    site.link_up("iridium")
    site.wait_mail("ann", 2)
    check(site.wait_queue_empty(), "nothing is left")
    equal(len(site.mailbox("master")), 1, "but not of a success")


def told_of(notices):
    """The messages that they are about, by Final-Log-ID."""
    found = []
    for octets in notices:
        notice = email.message_from_bytes(octets, policy=email.policy.default)
        status = list(notice.iter_parts())[1]
        found += [g["final-log-id"] for g in groups(status)[1:]]
    return sorted(found)


def joined():
    """What failed together in the same way is told together, but for those
    who asked for reports of their own."""
    peer, site = world_with()
    header = "Subject: call {}\r\nMessage-ID: <{}@x>\r\n\r\nHelp.\r\n"
    ids = [hand_in(site, header.format(i, i).encode()) for i in range(5)]
    apart = [hand_in(site, KNOWN + b"\r\nx\r\n", f"<{ANN}> ENVID=e"),
             hand_in(site, KNOWN + b"\r\nx\r\n", rcpt=[
                 "<ben@shore.example> NOTIFY=FAILURE"]),
             hand_in(site, KNOWN + b"\r\nx\r\n", f"<{ANN}> RET=FULL")]
    other = hand_in(site, KNOWN + b"\r\nx\r\n",
                    "<bob@aurora.example.org>")
    site.must("queue", "return", "--all", "--yes")
    found = site.wait_mail("ann", 4)
    check(site.wait_queue_empty(), "nothing is left", site.queue())
    equal(len(site.mailbox("ann")), 4, "one for five, and three")
    equal(told_of(found), sorted(f"{i}.1" for i in [*ids, *apart]),
          "each is told once")
    equal(told_of(site.wait_mail("bob")), [f"{other}.1"],
          "another sender hears of his own")
    whole = [o for o in found if len(told_of([o])) > 1]
    equal(len(whole), 1, "one is about several")
    notice, parts = read(whole[0], "joined")
    equal(notice["Subject"], "Not delivered: 5 messages", "its subject")
    equal(parts[2].get_content_type(), "multipart/mixed", "all headers")
    back = [p.get_payload(decode=True) for p in parts[2].iter_parts()]
    check(len(back) == 5 and all(f"Subject: call {i}\r\n".encode() in b
                                 .replace(b"\n", b"\r\n").replace(
                                     b"\r\r", b"\r")
                                 for i, b in enumerate(back)),
          "each with its subject", back)
    words = parts[0].get_content()
    check(all(f'"call {i}"' in words for i in range(5)), "and in words",
          words)
    equal(sorted(g.get("x-original-message-id") for g in
                 groups(parts[1])[1:]), [f"<{i}@x>" for i in range(5)],
          "and for programs")
    history = site.must("log", "--message", str(ids[3]))
    check("the sender is told by message" in history,
          "its own history says so", history)


def users_get_headers():
    """On submission RET=HDRS is the default, and goes on to the next hop."""
    world = World()
    peer = Peer(keywords=KEYWORDS + ("DSN",), auth=False)
    site = world.make_site(peer=world.peer(
        submission=peer.port, tls="none", user=None, password_file=None,
        collect="none", collect_port=None))
    site.start()
    site.must("user", "add", "ann", "--sender", ANN, "--password-stdin",
              text=PASSWORD + "\n")
    for given in ("", " RET=FULL"):
        with Smtp(site.port("submission")) as client:
            client.ehlo()
            client.starttls(world.client_tls)
            client.ehlo()
            equal(client.auth_plain("ann", PASSWORD).code, 235, "ann logs in")
            client.cmd(f"MAIL FROM:<{ANN}>{given}")
            client.cmd("RCPT TO:<ben@shore.example>")
            client.cmd("DATA")
            client.send(stuff(make("of a user")))
            equal(client.reply().code, 250, "it is accepted")
        site.link_up("iridium")
    check("RET=HDRS" in peer.mails[0].params, "nothing said: RET=HDRS",
          peer.mails[0].params)
    check("RET=FULL" in peer.mails[1].params, "what was said stays",
          peer.mails[1].params)


run(whole_machine_part, returned_whole, hostile_headers, hostile_replies,
    odd_envelopes, odd_senders, utf8_sender, utf8, copies, joined,
    users_get_headers)
