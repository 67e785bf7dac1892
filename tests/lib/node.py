"""A tidepost node of a test: its configuration, its daemon, its faces."""

import getpass
import json
import os
import re
import shlex
import signal
import subprocess
import sys

import certs
import message
import report

BUILD = os.environ.setdefault(
    "TIDEPOST_BUILD",
    os.path.join(os.path.dirname(__file__), "..", "..", "build"))
ROOT = os.environ.setdefault(
    "TIDEPOST_ROOT",
    os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..")))
DAEMON = os.path.join(os.path.abspath(BUILD), "tidepostd")
CLI = os.path.join(os.path.abspath(BUILD), "tidepost")
PASSWORD = "seven-gulls"
READY_S = 20
SANITIZER = re.compile(
    r"ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")
STOP_S = 20


def libconfig(value, depth=0):
    """VALUE in the notation of the configuration file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        pad = "\t" * (depth + 1)
        rows = "".join(f"{pad}{k} = {libconfig(v, depth + 1)};\n"
                       for k, v in value.items() if v is not None)
        return "{\n" + rows + "\t" * depth + "}"
    if value and isinstance(value[0], dict):
        return "( " + ", ".join(libconfig(v, depth + 1)
                                for v in value) + " )"
    return "[ " + ", ".join(libconfig(v) for v in value) + " ]"


class Event(dict):
    """One line of the log: event=... and what else it tells."""


def parse_log(text):
    events = []
    for line in text.split("\n"):
        start = line.find("event=")
        if start < 0:
            continue
        event = Event()
        for key, value in re.findall(
                r'([\w-]+)=("(?:\\.|[^"\\])*"|\S*)', line[start:]):
            if value.startswith('"'):
                value = value[1:-1].replace('\\"', '"')
            event[key] = value
        events.append(event)
    return events


# What a service manager does with sockets: from descriptor 3 on (the way
# through higher numbers keeps one from overwriting another).
HAND_OVER = """
import os, sys
fds = [os.dup2(int(fd), 100 + i) for i, fd in enumerate(sys.argv[1].split(","))]
for i, fd in enumerate(fds):
    os.dup2(fd, 3 + i, inheritable=True)
    os.close(fd)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(fds))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Node:
    def __init__(self, folder, name, conf):
        self.name = name
        self.dir = os.path.join(folder, name)
        os.makedirs(self.dir, exist_ok=True)
        self.file = f"{self.dir}/tidepost.conf"
        self.log_file = f"{self.dir}/log"
        self.conf = {
            "hostname": conf["hostname"],
            "spool": f"sqlite:{self.dir}/spool/spool.db",
            "run_dir": f"{self.dir}/run",
            # Who runs the tests, root or not, stays who it is.
            "user": getpass.getuser(),
            "limits": {},
        }
        self.conf.update(conf)
        self.given = []  # (name, socket) that the daemon finds open
        self.process = None
        self._ended = False  # by a test, not by itself
        self._crashes = 0  # of earlier starts
        report.at_end(self.end)
        report.on_failure(self.describe)

    # --- the daemon ---

    def write_conf(self):
        with open(self.file, "w", encoding="utf-8") as stream:
            for key, value in self.conf.items():
                if key == "limits":
                    # Guessing is slowed, and customers may not call all the
                    # time; most tests need not wait for it.
                    value = {"auth_delay": "0s",
                             "auth_failures_per_client": 0,
                             "auth_failures_per_account": 0,
                             "atrn_per_hour": 0, **value}
                if value is not None:
                    stream.write(f"{key} = {libconfig(value)};\n")

    def launch(self, env=None, args=()):
        """Starts the daemon, does not wait for it."""
        self._crashes = self.crashed()
        self._ended = False
        if "TIDEPOST_SHIM_LOG" in (env or {}):
            # The shim reads and writes files of its own (tests/lib/shim.c).
            self.conf.setdefault("sandbox", False)
        self.write_conf()
        self.log_start = os.path.getsize(self.log_file) if \
            os.path.exists(self.log_file) else 0
        command = [DAEMON, "-c", self.file, *args]
        fds = [sock.fileno() for _, sock in self.given]
        env = dict(os.environ, **(env or {}))
        if fds:
            env["LISTEN_FDNAMES"] = ":".join(name for name, _ in self.given)
            command = [sys.executable, "-c", HAND_OVER,
                       ",".join(map(str, fds)), *command]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, pass_fds=fds, env=env)

    def start(self, env=None, args=()):
        """Starts the daemon; returns when it accepts connections."""
        self.launch(env, args)
        report.wait_until(
            lambda: self.process.poll() is not None
            or b"event=ready" in self.log_now(), READY_S)
        if b"event=ready" not in self.log_now():
            raise AssertionError(
                f"{self.name} did not start:\n" + self.describe())
        self._keep_ports()
        return self

    def _keep_ports(self):
        """A later start must find the same ports."""
        ports = {row["name"]: row["port"]
                 for row in self.status()["listeners"]}
        for listener in self.conf["listeners"]:
            listener["port"] = ports[listener["name"]]

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def crashed(self):
        """How often the daemon died of itself, by a signal."""
        own = (self.process is not None and not self._ended
               and (self.process.poll() or 0) < 0)
        return self._crashes + (1 if own else 0)

    def wait_exit(self, seconds=STOP_S):
        """The exit status (negative: a signal), None where it runs on."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        """A good end; returns the exit status."""
        if self.is_running():
            self._ended = True
            self.process.terminate()
        status = self.wait_exit()
        if status is None:
            self.kill()
            raise AssertionError(f"{self.name} did not stop")
        return status

    def kill(self):
        if self.process is not None:
            if self.process.poll() is None:
                self._ended = True
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def end(self):
        """At the end of a test: a daemon that still runs must end well."""
        if self.is_running():
            status = self.stop_or_kill()
            if status != 0:
                report.check(False, f"{self.name} ends well when told to",
                             f"exit {status}\n{self.describe()}")
        found = SANITIZER.search(self.log_text())
        if found:
            report.check(False, f"{self.name}: sanitizer",
                         self.log_text()[found.start():][:6000])

    def stop_or_kill(self):
        try:
            return self.stop()
        except AssertionError as e:
            return str(e)

    def restart(self, env=None):
        self.kill()
        return self.start(env)

    def reload(self):
        """Writes the configuration and has the daemon read it again."""
        before = len(self.events(now=True))
        self.write_conf()
        self.process.send_signal(signal.SIGHUP)
        report.wait_until(lambda: any(
            e["event"].startswith("reload")
            for e in self.events(now=True)[before:]), 3)

    def port(self, name):
        for listener in self.conf["listeners"]:
            if listener["name"] == name:
                return listener["port"]
        raise KeyError(name)

    # --- its log ---

    def log_text(self):
        try:
            with open(self.log_file, "rb") as stream:
                return stream.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def log_now(self):
        """What this start of the daemon logged."""
        with open(self.log_file, "rb") as stream:
            stream.seek(self.log_start)
            return stream.read()

    def events(self, name=None, now=False):
        text = self.log_now().decode("utf-8", "replace") if now \
            else self.log_text()
        return [e for e in parse_log(text)
                if name is None or e.get("event") == name]

    def describe(self):
        lines = self.log_text().rstrip().split("\n")
        return "\n".join(f"  {self.name}: {line}" for line in lines[-40:])

    # --- its faces ---

    def cli(self, *args, text=None, env=None, timeout=60):
        return subprocess.run(
            [CLI, "-c", self.file, *args], input=text, timeout=timeout,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True, encoding="utf-8", cwd=self.dir,
            env=dict(os.environ, **(env or {})))

    def must(self, *args, text=None):
        """As cli; it has to succeed."""
        done = self.cli(*args, text=text)
        if done.returncode != 0:
            raise AssertionError(
                f"{self.name}: tidepost {shlex.join(args)}: exit "
                f"{done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def rows(self, *args):
        """The objects a verb prints with --json."""
        return [json.loads(line)
                for line in self.must(*args, "--json").split("\n") if line]

    def status(self):
        return self.rows("status")[0]

    def queue(self, *filters):
        return self.rows("queue", "list", *filters)

    def wait_queue_empty(self, seconds=20):
        return report.wait_until(lambda: not self.queue(), seconds, 0.1)

    def link_up(self, name, deadline="60s", env=None):
        """link up --wait; the exit status."""
        done = self.cli("link", "up", name, "--wait", "--deadline", deadline,
                        timeout=120, env=env)
        self.last = done
        return done.returncode

    def link_down(self, name):
        self.must("link", "down", name)

    def doubts(self):
        """The messages the event log says may be delivered twice."""
        text = self.must("log", "--json")
        rows = [json.loads(line) for line in text.split("\n") if line]
        return [row["message"] for row in rows
                if row["event"] == "may-be-delivered-twice"]

    # --- mailboxes ---

    def mailbox(self, user, domain=None):
        domain = domain or self.conf["local"]["domains"][0]
        return message.maildir(f"{self.dir}/mail/{domain}/{user}")

    def wait_mail(self, user, count=1, seconds=20, domain=None):
        report.wait_until(
            lambda: len(self.mailbox(user, domain)) >= count, seconds)
        return self.mailbox(user, domain)


def secret_file(folder, name, password):
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
              "w", encoding="utf-8") as stream:
        stream.write(password + "\n")
    return path


class World:
    """A site "aurora", its provider "shore", and the CA both trust."""

    def __init__(self, folder=None):
        self.dir = folder or report.temp_dir()
        self.ca = certs.Authority(f"{self.dir}/ca")
        self.client_tls = certs.client_context()
        self.shore = None
        self.site = None

    def node(self, name, hostname, **conf):
        certificate, key = self.ca.issue(name, hostname, "localhost",
                                         "127.0.0.1")
        base = {
            "hostname": hostname,
            "tls": {"certificate": certificate, "key": key,
                    "ca_file": self.ca.file},
            "queue": {"retry": ["1s", "2s", "4s"]},
        }
        base.update(conf)
        return Node(self.dir, name, base)

    def make_shore(self, **conf):
        base = {
            "listeners": [
                listener("smtp", "smtp", "offered"),
                listener("submission", "submission", "required"),
                listener("odmr", "odmr", "required")],
            "local": local(f"{self.dir}/shore", "shore.example"),
        }
        base.update(conf)
        self.shore = self.node("shore", "mail.shore.example", **base)
        return self.shore

    def add_customer(self, name="aurora", domain="aurora.example.org", *more):
        self.shore.must("customer", "add", name, "--domain", domain,
                        "--password-stdin", *more, text=PASSWORD + "\n")

    def peer(self, submission=None, odmr=None, **conf):
        """The peer entry of a site for the provider, or what stands for it."""
        base = {
            "name": "shore", "host": "127.0.0.1",
            "port": submission or self.shore.port("submission"),
            "tls": "required", "tls_name": "mail.shore.example",
            "user": "aurora",
            "password_file": secret_file(self.dir, "shore.secret", PASSWORD),
            "collect": "atrn",
            "collect_port": odmr or (self.shore and self.shore.port("odmr")),
        }
        base.update(conf)
        return {k: v for k, v in base.items() if v is not None}

    def relaying_site(self, peer, retry=("1s",), **conf):
        """For anybody's mail, of any priority; it goes to PEER in clear."""
        entry = self.peer(submission=peer.port, tls="none", user=None,
                          password_file=None, collect="none",
                          collect_port=None)
        return self.make_site(
            peer=entry, queue={"retry": list(retry)},
            relay={"networks": ["127.0.0.0/8"], "max_priority": 9}, **conf)

    def make_site(self, peer=None, name="aurora",
                  hostname="aurora.example.org", **conf):
        base = {
            "listeners": [listener("lan", "smtp", "offered"),
                          listener("submission", "submission", "required")],
            "local": local(f"{self.dir}/{name}", hostname),
            "peers": [self.peer() if peer is None else peer],
            "routes": [{"match": "*", "peers": ["shore"]}],
            "links": [{"name": "iridium", "peers": ["shore"]}],
        }
        base.update(conf)
        site = self.node(name, hostname, **base)
        self.site = self.site or site
        return site

    def pair(self, **site):
        """Both nodes running, the customer known, the link down."""
        self.make_shore().start()
        self.add_customer()
        self.make_site(**site).start()
        return self.site, self.shore


def listener(name, service, tls, port=0, **conf):
    return dict({"name": name, "address": "127.0.0.1", "port": port,
                 "service": service, "tls": tls}, **conf)


def local(folder, *domains):
    return {"domains": list(domains),
            "deliver": f"maildir:{folder}/mail/{{domain}}/{{user}}"}
