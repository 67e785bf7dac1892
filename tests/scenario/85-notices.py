#!/usr/bin/env python3
# limit: 300
"""Who is told of what (RFC 3461, 3834): what NOTIFY asks, of success by every
end of a way, and no notice of a notice."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from life import *
from peer import KEYWORDS

HERE = "aurora.example.org"
CAP = f"cap@{HERE}"
REFUSES = {"RCPT": "550 5.1.1 no ben here"}
SOON = {"retry": ["1s"], "warn_after": "1s"}


def asked_of_failure():
    """NOTIFY as it is: FAILURE or nothing said is told, all else is not."""
    for notify, told in (("", 1), (" NOTIFY=FAILURE", 1),
                         (" NOTIFY=SUCCESS,FAILURE,DELAY", 1),
                         (" NOTIFY=SUCCESS", 0), (" NOTIFY=DELAY", 0),
                         (" NOTIFY=NEVER", 0)):
        life = Life(Peer(auth=False, rules=REFUSES))
        number = life.hand_in(rcpt=notify)
        life.site.link_up("iridium", "20s")
        life.gone(number)
        life.logged(number, "failed", "no ben here")
        if told:
            life.heard("failed", "5.1.1", "no ben here")
        else:
            life.silent()
        clean_up()


def asked_of_delay():
    for notify, told in (("", 1), (" NOTIFY=DELAY", 1),
                         (" NOTIFY=SUCCESS,FAILURE", 0),
                         (" NOTIFY=NEVER", 0)):
        life = Life(queue=SOON)
        life.hand_in(rcpt=notify)
        last = life.hand_in(sender=f"bob@{HERE}")
        life.logged(last, "notice")  # so the others had their turn
        wait_until(lambda: life.notices("bob")
                   and len(life.notices()) >= told)
        equal(len(life.notices()), told,
              f"delay, with{notify or ' nothing said'}: {told}")
        clean_up()


def of_success():
    """Into a mailbox: delivered. To who reports no more: relayed. Nothing
    where it was not asked for."""
    def maildir_end(life):
        return CAP, "delivered", "Your message"

    def program_end(life):
        script = f"{life.site.dir}/program"
        with open(script, "w", encoding="ascii") as stream:
            stream.write("#!/bin/sh\ncat >/dev/null\n")
        os.chmod(script, 0o755)
        life.site.conf["local"]["domains"] = [HERE]
        life.site.conf["local"]["deliver"] = f"pipe:{script}"
        return CAP, None, None

    def batch_end(life):
        os.mkdir(f"{life.site.dir}/stick")
        life.site.conf["routes"] = [
            {"match": "*", "folder": f"{life.site.dir}/stick"}]
        return BEN, "relayed", "reports no more"

    def peer_end(life):
        return BEN, "relayed", "reports no more"

    for end in (maildir_end, program_end, batch_end, peer_end):
        peer = Peer(auth=False)
        life = Life(peer, start=False)
        to, action, words = end(life)
        life.site.start()
        asked = life.hand_in(to, rcpt=" NOTIFY=SUCCESS")
        silent = life.hand_in(to)
        life.site.link_up("iridium", "20s")
        for number in (asked, silent):
            life.gone(number)
            life.logged(number, "delivered")
        if action:
            life.heard(action, "2.0.0", words)
        clean_up()


def passed_on():
    """A host that knows DSN tells of success itself: it gets all that was
    asked, as it was asked."""
    peer = Peer(auth=False, keywords=KEYWORDS + ("DSN",))
    life = Life(peer)
    number = life.hand_in(
        mail=" RET=HDRS ENVID=a+2Bb",
        rcpt=" NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Ben+2B1@shore.example")
    life.site.link_up("iridium", "20s")
    life.gone(number)
    life.silent()
    mail = next(v for v in peer.verbs if v.startswith("MAIL"))
    rcpt = next(v for v in peer.verbs if v.startswith("RCPT"))
    check("RET=HDRS" in mail and "ENVID=a+2Bb" in mail, "of the message",
          mail)
    check("ORCPT=rfc822;Ben+2B1@shore.example" in rcpt and set(
        rcpt.split("NOTIFY=")[1].split(" ")[0].split(","))
        == {"SUCCESS", "DELAY"}, "of the recipient", rcpt)


def no_notice_of_a_notice():
    """What tells a far sender has the null sender, asks for nothing, and where
    it is refused itself nobody is told but the operator."""
    peer = Peer(auth=False, keywords=KEYWORDS + ("DSN",),
                rules={"RCPT": lambda conn, line:
                       "550 5.1.1 unknown" if "ben@" in line or "eve@" in line
                       and refuses else None})
    refuses = False
    life = Life(peer, queue={"retry": ["1s"]})
    number = life.hand_in(sender="eve@far.example")
    life.site.link_up("iridium", "20s")
    life.gone(number)
    check(wait_until(lambda: peer.mails), "a notice goes to the far sender")
    check(life.site.wait_queue_empty(), "and is settled", life.site.queue())
    mail = peer.mails[0]
    equal((mail.sender, mail.recipients), ("", ["eve@far.example"]),
          "from nobody, to it")
    check(any("eve@" in v and "NOTIFY=NEVER" in v for v in peer.verbs),
          "and asks for no notice (RFC 3461 6.2)", peer.verbs)
    check(b"Auto-Submitted: auto-replied\r\n" in mail.octets
          and b"In-Reply-To: <a.call@test.example>\r\n" in mail.octets,
          "marked as what it is (RFC 3834)", mail.octets[:800])

    refuses = True
    life.hand_in(sender="eve@far.example")
    rows = wait_until(lambda: [r for r in life.site.queue()
                               if r["state"] == "held"], 30)
    equal(len(rows or ()), 1, "a notice that is refused is held")
    life.told(rows[0]["message"], "held", "rule-hold",
              "cannot be delivered nor returned: 550 5.1.1 unknown", False)
    life.logged(rows[0]["message"], "held", "550 5.1.1 unknown")
    equal(len(life.site.queue()), 1, "and nobody is told of it")
    life.site.must("queue", "return", rows[0]["message"], "--yes")
    equal(len(life.site.queue()), 1, "nor by an operator's return")
    equal(len(peer.mails), 1, "nothing more was sent")


def to_a_full_mailbox():
    """A notice that cannot go home now waits, and is no attempt to end."""
    life = Life(Peer(auth=False, rules=REFUSES), start=False,
                queue={"retry": ["1s"], "expire_after": "1d"})
    life.site.conf["local"]["deliver"] = f"maildir:{life.world.dir}/box/" \
        "{user}"
    with open(f"{life.world.dir}/box", "w", encoding="ascii"):
        pass  # no folder
    life.site.start()
    number = life.hand_in()
    life.site.link_up("iridium", "20s")
    life.gone(number)
    rows = wait_until(lambda: [r for r in life.site.queue()
                               if r["state"] == "deferred"])
    check(rows and rows[0]["sender"] == "" and rows[0]["attempts"] == 0,
          "the notice waits for the mailbox", life.site.queue())
    os.unlink(f"{life.world.dir}/box")
    check(life.site.wait_queue_empty(), "and is there then",
          life.site.queue())
    found = maildir(f"{life.world.dir}/box/ann")
    check(len(found) == 1 and b"Status: 5.1.1" in found[0], "once", found)


if __name__ == "__main__":
    run(asked_of_failure, asked_of_delay, of_success, passed_on,
        no_notice_of_a_notice, to_a_full_mailbox)
