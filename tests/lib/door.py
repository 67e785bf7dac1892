"""The doors of one node, for tests that every door must pass alike."""

from node import PASSWORD, World
from report import check
from strict import Strict, talk

DOMAIN = "aurora.example.org"
ANN = f"ann@{DOMAIN}"
FROM = f"MAIL FROM:<{ANN}>"
BEN = f"RCPT TO:<ben@{DOMAIN}>"
LIMITS = {"message_size": 200_000, "errors": 10_000, "commands": 1_000_000,
          "connections": 2000, "connections_per_client": 2000}


class Door:
    """A port and how a session there is made ready for MAIL."""

    def __init__(self, world, node, name, secured):
        self.world, self.node, self.name = world, node, name
        self.secured = secured  # STARTTLS and AUTH come before MAIL
        self.port = node.port(name)

    def connect(self, **more):
        return Strict(self.port, **more)

    def ready(self, hello="EHLO client.example", user="ann", tls=None):
        """A session after EHLO, where it must be also STARTTLS and AUTH."""
        session = self.connect()
        if self.secured if tls is None else tls:
            session.ehlo()
            session.starttls(self.world.client_tls)
        if self.secured:
            session.ehlo()
            reply = session.auth_plain(user, PASSWORD)
            if reply.code != 235:
                raise AssertionError(f"{user} may not log in: {reply}")
        if hello.startswith("EHLO"):
            session.ehlo(hello[5:])
        else:
            session.cmd(hello)
        session.is_helo = hello.startswith("HELO")
        return session

    def offers(self, keyword):
        with self.ready() as session:
            return keyword in session.keywords

    def row(self, name, *steps, session=None):
        """One check: a session of its own, STEPS, and then still in step."""
        session = session or self.ready()
        with session:
            fault = talk(session, *steps)
            if not fault and steps[-1] != "closed":
                fault = talk(session, "NOOP", "250 2.x.x")
                fault = fault and "then NOOP: " + fault
            if not fault and session.faults:
                fault = session.faults[0]
        return check(not fault, f"{self.name}: {name}", fault or "")

    def rows(self, table):
        for name, *steps in table:
            self.row(name, *steps)


def make_doors(certificates=False, **conf):
    """The smtp and the submission door of a site; ann may be any sender.
    CERTIFICATES: our authority's certificates say who a client is."""
    world = World()
    conf.setdefault("limits", LIMITS)
    site = world.make_site(peer=world.peer(submission=9, odmr=9), **conf)
    if certificates:
        site.conf["tls"]["client_ca_file"] = world.ca.file
    for listener in site.conf["listeners"]:
        listener["channel_binding"] = True
    site.start()
    site.must("user", "add", "ann", "--sender", "*", "--password-stdin",
              text=PASSWORD + "\n")
    return [Door(world, site, "lan", False),
            Door(world, site, "submission", True)]
