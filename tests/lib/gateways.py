"""A site whose mail leaves in batches, and shore, where they are read."""

import glob
import os
import subprocess

from node import CLI, World, listener
from message import make
from report import equal, wait_until
from smtp import Smtp

HERE, FAR = "aurora.example.org", "shore.example"


class Pair:
    """A site that sends to shore by a gateway, and shore."""

    def __init__(self, start=True, shore_local=None, **route):
        self.world = World()
        self.out = f"{self.world.dir}/stick"
        self.shore = self.world.make_shore(
            listeners=[listener("smtp", "smtp", "none")],
            routes=[{"match": HERE, "peers": ["back"]}],
            peers=[{"name": "back", "host": "127.0.0.1", "port": 1,
                    "tls": "none"}],
            **({"local": shore_local} if shore_local else {}))
        self.site = self.world.make_site(
            peer={"name": "shore", "host": "127.0.0.1", "port": 1,
                  "tls": "none"},
            listeners=[listener("lan", "smtp", "none")],
            routes=[dict({"match": FAR}, **route)])
        self.bin = {}
        for node in (self.site, self.shore):
            for name in ("rsmtp", "rmail", "sendmail"):
                os.makedirs(f"{node.dir}/bin", exist_ok=True)
                os.symlink(CLI, f"{node.dir}/bin/{name}")
        if start:
            self.site.start()
            self.shore.start()

    def send(self, name, *to, node=None):
        with Smtp((node or self.site).port("lan")) as client:
            client.ehlo()
            equal(client.mail(f"ann@{HERE}", list(to) or [f"ben@{FAR}"],
                              make(name)).code, 250, f"{name} is accepted")

    def run(self, node, name, *args, data=b""):
        return subprocess.run(
            [f"{node.dir}/bin/{name}", *args], input=data, timeout=60,
            capture_output=True, cwd=node.dir,
            env=dict(os.environ, TIDEPOST_CONF=node.file))

    def rsmtp(self, *args, data=b""):
        return self.run(self.shore, "rsmtp", *args, data=data)

    def files(self):
        return sorted(glob.glob(f"{self.out}/*"))

    def wait_files(self, count=1):
        wait_until(lambda: len(self.files()) >= count)
        return self.files()


def subjects(mails):
    found = []
    for mail in mails:
        head = mail.replace(b"\r", b"").split(b"\n\n")[0].split(b"\n")
        found += [line[9:].decode() for line in head
                  if line.lower().startswith(b"subject: ")]
    return sorted(found)


def remote(shore_dir):
    """The command line that carries a batch to shore's rsmtp."""
    return (f"TIDEPOST_CONF={shore_dir}/tidepost.conf "
            f"{shore_dir}/bin/rsmtp")


BATCH = ("MAIL FROM:<ann@far.example>\n"
         "RCPT TO:<ben@shore.example>\nDATA\nSubject: {0}\n\n{0}\n.\n")
