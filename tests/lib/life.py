"""What a delivery that waits tells: the operator, its sender and the log.

	life = Life(Peer(auth=False))
	number = life.hand_in()
	life.told(number, "ready", "link-down", "waits for link iridium")
	life.logged(number, "received")
	life.heard("delayed", "4.4.1", "waits for link iridium")
"""

import email
import email.policy
import os
import re
import subprocess

from message import make
from node import PASSWORD, World
from report import at_end, check, equal, skip_part, wait_until
from smtp import Smtp, stuff

ANN, BEN = "ann@aurora.example.org", "ben@shore.example"


def small_disk(folder, size):
    """FOLDER is made, a disk of its own. False: nothing can be mounted."""
    os.makedirs(folder)
    if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
            capture_output=True, check=False).returncode:
        skip_part("full disk: mounting needs root")
        return False
    at_end(lambda: subprocess.run(["umount", "-l", folder], check=False))
    return True


class Life:
    """A site whose routes end at PEER (a Peer, or a port)."""

    def __init__(self, peer=9, entry=None, start=True, env=None, **conf):
        self.peer = peer
        self.world = World()
        self.site = self.world.make_site(
            peer=self.world.peer(**{
                "submission": getattr(peer, "port", peer), "tls": "none",
                "user": None, "password_file": None, "collect": "none",
                "collect_port": None, **(entry or {})}), **conf)
        if start:
            self.site.start(env)

    # --- its disk ---

    def start_on_small_disk(self):
        """The spool has 48 MB. False: nothing can be mounted here."""
        if not small_disk(f"{self.site.dir}/spool", "48m"):
            return False
        self.site.start()
        return True

    def fill_disk(self):
        """To the last octet."""
        with open(f"{self.site.dir}/spool/filler", "wb",
                  buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(65536))
            except OSError:
                pass

    def free_disk(self):
        os.unlink(f"{self.site.dir}/spool/filler")

    # --- in ---

    def hand_in(self, to=BEN, sender=ANN, octets=None, mail="", rcpt="",
                site=None, port="lan", extra=()):
        """Its number; EXTRA: more recipients."""
        with Smtp((site or self.site).port(port)) as client:
            client.ehlo("laptop.example")
            lines = [f"MAIL FROM:<{sender}>{mail}", f"RCPT TO:<{to}>{rcpt}",
                     *(f"RCPT TO:<{t}>" for t in extra)]
            for line in lines:
                reply = client.cmd(line)
                if reply.code != 250:
                    raise AssertionError(f"{line}: {reply}")
            client.cmd("DATA")
            client.send(stuff(octets or make("a call")))
            reply = client.reply()
        equal(reply.code, 250, "it is accepted")
        return reply.message_id

    # --- what is told ---

    def row(self, number, site=None, state=None):
        """The first delivery of a message, None when it is gone."""
        rows = (site or self.site).queue(
            *(("--state", state) if state else ()))
        return next((r for r in rows if r["message"] == number), None)

    def told(self, number, state, code, words, at=None, site=None):
        """The operator is, in list, show and JSON alike. AT: whether it is
        known when it is next tried (or released)."""
        site = site or self.site
        kept = "deleted" if state == "deleted" else None

        def there():
            row = self.row(number, site, kept)
            return row and row["state"] == state \
                and row["reason_code"] == code and words in row["reason"] \
                and at in (None, row["next_attempt"] is not None) and row
        row = wait_until(there, 30) or self.row(number, site, kept)
        equal(row and (row["state"], row["reason_code"]), (state, code),
              f"the queue says {state} {code}")
        if not row:
            return None
        check(words in row["reason"], f"in words: {words}", row["reason"])
        if at is not None:
            equal(row["next_attempt"] is not None, at,
                  "and when it is tried next" if at else
                  "an event ends it, no time")
        text = site.must("queue", "list",
                         *(("--state", kept) if kept else ()))
        check(any(words in line for line in text.split("\n")
                  if line.startswith(row["id"])), "queue list says so", text)
        text = site.must("queue", "show", row["id"])
        check(f"{state}: " in text and words in text, "queue show says so",
              text)
        return row

    def logged(self, number, event, words="", site=None):
        """The event log tells it of this message."""
        site = site or self.site

        def rows():
            return [r for r in site.rows("log", "--message", number)
                    if r["event"] == event
                    and words in f"{r['peer']} {r['text']}"]
        check(wait_until(rows, 15), f"the log says {event} {words}".strip(),
              site.must("log", "--message", number))

    def noted(self, event, words="", site=None):
        """The log tells it, of no message."""
        site = site or self.site

        def rows():
            return [r for r in site.rows("log") if r["event"] == event
                    and words in " ".join(map(str, r.values()))]
        check(wait_until(rows, 15), f"the log says {event} {words}".strip(),
              site.must("log"))

    def notices(self, user="ann", site=None):
        return [email.message_from_bytes(m, policy=email.policy.default)
                for m in (site or self.site).mailbox(user)
                if b"multipart/report" in m]

    def heard(self, action, status, *words, count=1, user="ann", site=None):
        """The sender has its COUNT-th notice, which says so to people and to
        programs."""
        wait_until(lambda: len(self.notices(user, site)) >= count, 30)
        found = self.notices(user, site)
        equal(len(found), count, f"the sender hears: {action}")
        if len(found) < count:
            return None
        text, machine = [re.sub(r"\s+", " ", p.as_string()) for p in
                         list(found[-1].iter_parts())[:2]]
        check(f"Action: {action} " in machine
              and f"Status: {status} " in machine, f"{action} {status}",
              machine)
        check(all(w in text for w in words), f"in words: {words}", text)
        return found[-1]

    def silent(self, count=0, user="ann", site=None):
        equal(len(self.notices(user, site)), count,
              "its sender hears nothing" + (" more" if count else ""))

    # --- how it ends ---

    def gone(self, number, site=None):
        check(wait_until(lambda: not self.row(number, site), 30),
              "it waits no more", self.row(number, site))


__all__ = ["ANN", "BEN", "Life", "PASSWORD", "small_disk"]
