"""A customer that calls, turns the connection and is then as good or bad a
server as the rules say (see peer.py).

	call = collect(world, rules={"RCPT": "452 4.2.2 not now"})
	call.reply.code, call.mails, call.verbs
"""

from node import PASSWORD
from peer import KEYWORDS, Connection, Gone, Script
from smtp import Smtp


class Call(Script):
    """What came in one session of a customer."""

    def __init__(self, rules, keywords):
        super().__init__(rules, keywords, auth=False)
        self.reply = None  # to ATRN

    def subjects(self):
        return [line[9:].decode("utf-8", "replace").strip()
                for mail in self.mails
                for line in mail.octets.split(b"\r\n\r\n")[0].split(b"\r\n")
                if line.lower().startswith(b"subject: ")]


def odmr(world, user="aurora", password=PASSWORD):
    """A session on the provider's ODMR port, logged in."""
    client = Smtp(world.shore.port("odmr"))
    client.ehlo("aurora.example.org")
    client.starttls(world.client_tls)
    client.ehlo("aurora.example.org")
    if user:
        reply = client.auth_plain(user, password)
        if reply.code != 235:
            raise AssertionError(reply)
    return client


def collect(world, rules=None, keywords=KEYWORDS, user="aurora",
            domains="", unknown=()):
    """One whole call; returns when it is over."""
    call = Call(rules, keywords)
    call.unknown.update(unknown)
    with odmr(world, user) as client:
        call.reply = client.cmd(f"ATRN {domains}".strip())
        if call.reply.code != 250:
            return call
        connection = Connection(call, client.socket)
        connection.pending = client.pending
        try:
            connection.run()
        except (Gone, TimeoutError):
            pass
    return call
