"""What the tests of the console share: a spool that is always the same, a
clock that stands still, a daemon that says what it is told to say."""

import os
import socket
import subprocess
import sys
import threading
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
import node as nodes
import report

NOW = 1930101120  # 2031-03-01 03:12:00 UTC, above any floor of the clock
CONSOLE = os.path.join(os.path.abspath(nodes.BUILD), "tidepost-console")
FILL = os.path.join(os.path.abspath(nodes.BUILD), "tests", "tui", "fill")

CONF = """hostname = "aurora.example.org";
spool = "sqlite:{dir}/spool.db";
run_dir = "{dir}/run";
listeners = ( {{ name = "lan"; address = "127.0.0.1"; port = 2525;
    service = "smtp"; tls = "none"; }} );
local = {{ domains = [ "aurora.example.org" ];
    deliver = "maildir:{dir}/mail/{{user}}"; }};
peers = ( {{ name = "shore"; host = "mail.shore.example"; }} );
routes = ( {{ match = "*"; peers = [ "shore" ]; }} );
links = ( {{ name = "iridium"; bit_rate = 2400; rtt = "1800ms";
    dial = {{ up = "true"; windows = [ "06:00-06:30", "18:00-18:30" ]; }};
    cost = {{ per_minute = 1.5; currency = "USD"; }};
    budget = {{ day = {{ bytes = "500K"; cost = 40.0; }};
               month = {{ time = "5h"; }}; }}; }},
  {{ name = "vsat"; }} );
"""


class Still:
    """A node that does not run, at a moment that does not pass."""

    def __init__(self, kind="small", *more):
        self.dir = report.temp_dir()
        self.file = f"{self.dir}/tidepost.conf"
        self.shim = Shim(self.dir)
        with open(self.file, "w", encoding="utf-8") as stream:
            stream.write(CONF.format(dir=self.dir))
        subprocess.run([FILL, f"sqlite:{self.dir}/spool.db", kind, str(NOW),
                        *map(str, more)], check=True)

    def env(self, **more):
        return {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC",
                "TERM": "xterm", **self.shim.env(still=NOW), **more}

    def run(self, *args, text="", **more):
        done = subprocess.run([CONSOLE, "-c", self.file, *args], input=text,
                              capture_output=True, encoding="utf-8",
                              env=self.env(**more), timeout=60)
        if done.returncode:
            raise AssertionError(
                f"tidepost-console {args}: {done.returncode} {done.stderr}")
        return done.stdout

    def screen(self, keys="", size="80x24", **more):
        return self.run("--dump", "--size", size, "--keys", keys, **more)


class Daemon:
    """Answers each request with what ANSWERS has for its verb and action."""

    def __init__(self, run_dir, answers, closes=True):
        self.closes = closes  # behind the answer
        self.open = []
        os.makedirs(run_dir, exist_ok=True)
        self.answers = answers
        self.requests = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(f"{run_dir}/control")
        self.socket.listen(10)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self._answer, args=(client,),
                             daemon=True).start()

    def _answer(self, client):
        with client, client.makefile("r", encoding="utf-8") as stream:
            fields = dict(f.split("=", 1) for f in stream.readline().split())
            name = " ".join(fields[k] for k in ("verb", "action")
                            if k in fields)
            self.requests.append(fields)
            for row in self.answers.get(name, [{"end": 0}]):
                client.sendall((record(**row) + "\n").encode())
            if not self.closes:
                self.open.append(client.dup())


def record(**fields):
    return " ".join(f"{k}={urllib.parse.quote(str(v), safe='')}"
                    for k, v in fields.items())
