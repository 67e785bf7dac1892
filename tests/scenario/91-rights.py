#!/usr/bin/env python3
# limit: 300
"""What the daemon gives up, who programs run as, and what its helper refuses."""

import array
import ctypes
import glob
import os
import pwd
import select
import signal
import socket
import stat
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

DAEMON_USER = "daemon"
ROOT = os.geteuid() == 0
BIND = 1 << 10  # CAP_NET_BIND_SERVICE
SECRETS = ("NOTIFY_SOCKET", "SECRET_TOKEN", "LISTEN_FDS", "WATCHDOG_USEC",
           "CREDENTIALS_DIRECTORY")
# Tells who it is in FILE, whole at once.
TELL = """#!/bin/sh
{{ id -un; id -G; echo "$HOME"; grep -E '^(CapEff|CapPrm)' /proc/self/status
ls /proc/self/fd | tr '\\n' ' '; echo; ls -l /proc/self/fd; env; }} \\
  >"{file}.$$" 2>&1
mv "{file}.$$" "{file}"
"""
KINDS = {"hook": 0, "up": 1, "down": 2, "probe": 3, "peer": 4, "route": 5,
         "reload": 6, "adopt": 7}


class Site:
    """One whose every kind of program tells who it is."""

    def __init__(self, **conf):
        self.world = World()
        os.chmod(self.world.dir, 0o777)
        above = os.path.dirname(self.world.dir)
        if stat.S_IMODE(os.stat(above).st_mode) == 0o700:
            os.chmod(above, 0o711)
        self.told = f"{self.world.dir}/told"
        os.mkdir(self.told)
        os.chmod(self.told, 0o777)
        hooks = f"{self.world.dir}/hooks"
        os.makedirs(f"{hooks}/link-up.d")
        for folder in (hooks, f"{hooks}/link-up.d"):
            os.chmod(folder, 0o755)
        for name in ("up", "probe", "route", "peer"):
            self.script(f"{self.world.dir}/{name}", name)
        self.script(f"{hooks}/link-up.d/50-tell", "hook")
        run = f"{self.world.dir}/"
        links = [{"name": "hf", "dial": {"up": run + "up", "down": "true"},
                  "peers": ["far"]},
                 {"name": "vsat", "peers": ["far"],
                  "probe": {"command": run + "probe", "every": "1s"}}]
        self.node = self.world.make_site(
            peer={"name": "far", "command": run + "peer", "tls": "none"},
            hooks=hooks, links=links,
            listeners=[listener("lan", "smtp", "none")],
            routes=[{"match": "batch.example", "command": run + "route"},
                    {"match": "*", "peers": ["far"]}],
            **({"user": DAEMON_USER} if ROOT else {}), **conf)
        os.chmod(self.node.dir, 0o777)
        del self.node.conf["tls"]

    def start(self):
        """With fixed ports, so that a reload keeps its listeners."""
        self.node.start().restart()
        return self.node

    def script(self, path, name):
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(TELL.format(file=f"{self.told}/{name}"))
        os.chmod(path, 0o755)

    def send(self, to):
        with Smtp(self.node.port("lan")) as client:
            client.ehlo()
            equal(client.mail("ann@aurora.example.org", to,
                              make("x")).code, 250, f"mail to {to} is taken")

    def wait_told(self, name):
        path = f"{self.told}/{name}"
        check(wait_until(lambda: os.path.exists(path), 30), f"{name} ran",
              self.node.describe())
        with open(path, encoding="utf-8") as stream:
            return stream.read()


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
        return dict(line.rstrip("\n").split(":\t", 1) for line in stream
                    if ":\t" in line)


def helper_of(node):
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8") as stream:
                pid, rest = stream.read().split(" (", 1)
        except OSError:
            continue
        name, rest = rest.rsplit(") ", 1)
        if name == "tidepost-helper" and \
                rest.split()[1] == str(node.process.pid):
            return int(pid)
    return None


def what_the_daemon_keeps():
    keeps(Site())


def what_it_keeps_without_walls():
    """Where sandbox is false all else holds: it does not come with Landlock."""
    site = Site(sandbox=False)
    keeps(site)
    equal(site.node.status()["sandbox"], "off", "there are no walls")
    site.send("ben@batch.example")
    looks_right(site.wait_told("route"), "route")


def what_root_keeps():
    """Told to stay root it keeps its capabilities, but gains none."""
    if not ROOT:
        skip_part("needs root")
        return
    site = Site(sandbox=False)
    site.node.conf["user"] = "root"
    node = site.node.start()
    own = status_of(node.process.pid)
    equal((set(own["Uid"].split()), own["NoNewPrivs"]), ({"0"}, "1"),
          "it stays root, without new privileges")
    equal(own["CapEff"], status_of(os.getpid())["CapEff"], "and keeps all")


def keeps(site):
    node = site.node.start()
    own = status_of(node.process.pid)
    uid = pwd.getpwnam(DAEMON_USER).pw_uid if ROOT else os.geteuid()
    equal(set(own["Uid"].split()), {str(uid)}, "it is its user alone")
    equal(own["NoNewPrivs"], "1", "it can gain no rights")
    for kind in ("CapPrm", "CapEff"):
        equal(int(own[kind], 16) & ~BIND, 0,
              f"{kind}: no capability but to bind ports")
    equal(int(own["CapInh"], 16) | int(own["CapAmb"], 16), 0,
          "none is passed on")
    if ROOT:
        equal((int(own["CapEff"], 16), int(own["CapBnd"], 16)), (BIND, BIND),
              "started as root it keeps that one, and can get no other")
        groups = own["Groups"].split()
        check("0" not in groups, "no group of root", groups)
    with open(f"/proc/{node.process.pid}/limits", encoding="utf-8") as stream:
        core = [line for line in stream if "core file" in line][0]
    equal(core.split()[4:6], ["0", "0"], "it leaves no core")
    # every thread: those that began before would have kept theirs
    for task in glob.glob(f"/proc/{node.process.pid}/task/*"):
        thread = status_of(f"{node.process.pid}/task/{task.split('/')[-1]}")
        equal((thread["Uid"], thread["CapEff"], thread["NoNewPrivs"]),
              (own["Uid"], own["CapEff"], own["NoNewPrivs"]),
              "all threads alike")
    helper = status_of(helper_of(node))
    equal(helper["NoNewPrivs"], own_before(), "the helper is as it was started")
    if ROOT:
        equal(set(helper["Uid"].split()), {"0"}, "by root")


def own_before():
    return status_of(os.getpid())["NoNewPrivs"]


def low_port_after_reload():
    """A reload brings a listener below 1024, though root was given up."""
    if not ROOT:
        skip_part("needs root")
        return
    site = Site()
    node = site.start()
    with socket.socket() as probe:
        for port in range(600, 1000):
            try:
                probe.bind(("127.0.0.1", port))
                break
            except OSError:
                continue
    node.conf["listeners"].append(listener("low", "smtp", "none", port=port))
    node.reload()
    check(node.events("reloaded", now=True), "it is read",
          node.events(now=True))
    with Smtp(port) as client:
        equal(client.ehlo().code, 250, "and served")


def looks_right(text, name, extra=()):
    lines = text.split("\n")
    user = DAEMON_USER if ROOT else pwd.getpwuid(os.geteuid()).pw_name
    equal(lines[0], user, f"{name}: runs as the daemon's user")
    if ROOT:
        check("0" not in lines[1].split(), f"{name}: no group of root",
              lines[1])
        equal(lines[2], pwd.getpwnam(DAEMON_USER).pw_dir, f"{name}: its HOME")
        check("CapEff:\t0000000000000000" in text, f"{name}: no capability",
              text)
    fds = lines[5].split()
    equal([fd for fd in fds if int(fd) > 3], [],
          f"{name}: 0 to 2, and the folder ls reads")
    env = dict(line.split("=", 1) for line in lines if "=" in line)
    equal([n for n in SECRETS if n in env], [], f"{name}: no secret")
    check({"TIDEPOST_CONF", "TIDEPOST_HOST", "PATH", *extra} <= set(env),
          f"{name}: but what it needs", sorted(env))


def who_programs_are():
    site = Site()
    sock = socket.create_server(("127.0.0.1", 0))
    site.node.given = [("other", sock)]
    site.node.start({"SECRET_TOKEN": "x", "WATCHDOG_USEC": "1",
                     "CREDENTIALS_DIRECTORY": "/run/secret"})
    site.send("ben@batch.example")
    looks_right(site.wait_told("route"), "route")
    looks_right(site.wait_told("probe"), "probe")
    site.send("ben@far.example")
    site.node.cli("link", "call", "hf")
    looks_right(site.wait_told("up"), "dial.up")
    looks_right(site.wait_told("peer"), "peer")
    text = site.wait_told("hook")
    looks_right(text, "hook", ("TIDEPOST_LINK", "TIDEPOST_EVENT"))
    check("socket:" not in text, "no socket of ours", text)
    helper = helper_of(site.node)
    if ROOT:
        # while it takes a request it has those of that, too
        check(wait_until(lambda: sockets_of(helper) == 2, 20),
              "the helper has its two sockets, and no listener",
              sockets_of(helper))


def sockets_of(pid):
    found = 0
    for path in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            found += os.readlink(path).startswith("socket:")
        except OSError:
            continue
    return found


def hook_of_a_stranger():
    """The helper looks at the file itself, as the user who runs it."""
    if not ROOT:
        skip_part("needs root")
        return
    site = Site()
    path = f"{site.world.dir}/hooks/link-up.d/50-tell"
    os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
    hostile = Hostile(site.node.start())
    hostile.ask("hook", "link-up", "50-tell")
    check(wait_until(lambda: hostile.answer, 20), "it is answered")
    check(b"belongs to user id" in hostile.answer, "it is not run",
          hostile.answer)
    check(not os.path.exists(f"{site.told}/hook"), "indeed")


# --- a daemon that was taken over ---

def take_socket(node, which):
    """A descriptor of the daemon's, as whoever took it over has it."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = libc.syscall(434, node.process.pid, 0)  # pidfd_open
    found = []
    for path in glob.glob(f"/proc/{node.process.pid}/fd/*"):
        try:
            if not os.readlink(path).startswith("socket:"):
                continue
        except FileNotFoundError:
            continue  # closed since
        fd = libc.syscall(438, pidfd, int(path.split("/")[-1]), 0)
        if fd < 0:  # pidfd_getfd
            continue
        sock = socket.socket(fileno=fd)
        if sock.family == socket.AF_UNIX and \
                sock.type & 0xf == socket.SOCK_SEQPACKET:
            found.append((int(path.split("/")[-1]), sock))
        else:
            sock.close()
    os.close(pidfd)
    return [sock for _, sock in sorted(found)][which]


def packet(kind, name, command, words=(), io=0, count=None,
           magic=0x74706c32):
    texts = b"".join(t.encode() + b"\0" for t in (name, command, *words))
    return struct.pack("=IBBH", magic, KINDS.get(kind, 200), io,
                       len(words) if count is None else count) + texts


class Hostile:
    """Speaks to the helper in the daemon's place."""

    def __init__(self, node):
        self.programs = take_socket(node, 1)
        self.letters = take_socket(node, 0)
        self.answer = b""

    def send(self, octets, fds=(), sock=None):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                   array.array("i", fds))] if fds else []
        (sock or self.programs).sendmsg([octets], rights)

    def ask(self, kind, name, command, words=(), io=False, **more):
        """What became of it: the text, "" it ran."""
        ours, theirs = socket.socketpair(socket.AF_UNIX,
                                         socket.SOCK_SEQPACKET)
        read, write = os.pipe()
        fds = [theirs.fileno(), write] + ([read] if io else [])
        self.send(packet(kind, name, command, words, int(io), **more), fds)
        theirs.close()
        os.close(write)
        os.close(read)
        ours.settimeout(20)
        try:
            self.answer = ours.recv(1000)
        except socket.timeout:
            self.answer = None
        ours.close()
        if not self.answer:
            return None if self.answer is None else "closed"
        return self.answer[4:].split(b"\0")[0].decode()


def fds_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def refusals():
    """Nothing is run that the configuration does not name."""
    site = Site()
    node = site.node.start()
    hostile = Hostile(node)
    helper = helper_of(node)
    before = fds_of(helper)
    mark = f"{site.told}/mark"
    run = f"{site.world.dir}/"
    forged = f"touch {mark}"
    for what, args in (
            ("another command", ("up", "hf", forged)),
            ("more behind it", ("up", "hf", f"{run}up; {forged}")),
            ("of another link", ("up", "vsat", f"{run}up")),
            ("of another kind", ("down", "hf", f"{run}up")),
            ("nobody's", ("probe", "", "")),
            ("words for dialling", ("up", "hf", f"{run}up", ["x"])),
            ("a path for a hook", ("hook", "link-up", "../../up")),
            ("a path for an event", ("hook", "../hooks/link-up", "50-tell")),
            ("a shell for a hook", ("hook", "link-up", "/bin/sh")),
            ("a library for a hook",
             ("hook", "link-up", "50-tell", ["LD_PRELOAD=/tmp/x"])),
            ("another configuration for a hook",
             ("hook", "link-up", "50-tell", ["TIDEPOST_CONF=/tmp/x"]))):
        text = hostile.ask(*args)
        check(text not in (None, "", "closed"), f"{what}: refused", text)
    for what, args in (("a peer's", ("peer", "far", forged)),
                       ("a route's", ("route", "batch.example", forged)),
                       ("words for a batch",
                        ("route", "batch.example", f"{run}route", ["x"]))):
        text = hostile.ask(*args, io=True)
        check(text not in (None, "", "closed"), f"{what}: refused", text)
    check(len(node.events("helper-refused", now=True)) >= 14, "all are logged",
          node.events("helper-refused", now=True))
    equal(hostile.ask("down", "hf", "true"), "", "what is named runs")
    check(not os.path.exists(mark), "and nothing else did")
    check(wait_until(lambda: fds_of(helper) == before, 10),
          "no descriptor is left behind", (before, fds_of(helper)))


def malformed():
    """Too long, cut, unknown, with descriptors by the hundred."""
    site = Site()
    node = site.node.start()
    hostile = Hostile(node)
    helper = helper_of(node)
    before = fds_of(helper)
    null = os.open("/dev/null", os.O_RDWR)
    good = packet("up", "hf", f"{site.world.dir}/up")
    letter = b"\x31\x6c\x70\x74" + b"x" * 700
    for octets in (good[:3], good[:7], good[:-1], good + b"x", b"\0" * 8,
                   packet("no such", "hf", "true"),
                   packet("up", "hf", "true", magic=7),
                   packet("up", "hf", "true", count=4000),
                   packet("up", "h" * 300, "true"),
                   packet("up", "hf", "x" * 140000),
                   packet("up", "hf", "true", io=9)):
        for count in (0, 1, 2, 3, 4, 200):
            hostile.send(octets, [null] * count)
    for count in (0, 1, 2, 3, 200):
        hostile.send(good, [null] * count)
        hostile.send(letter, [null] * count, hostile.letters)
        hostile.send(letter[:100], [null] * count, hostile.letters)
        hostile.send(b"\xff" * 5000, [null] * count, hostile.letters)
    os.close(null)
    equal(hostile.ask("down", "hf", "true"), "", "it is there, and works")
    equal(helper_of(node), helper, "it is the same")
    check(wait_until(lambda: fds_of(helper) == before, 10),
          "no descriptor is left behind", (before, fds_of(helper)))
    check(node.events("helper-request-malformed", now=True), "it is logged")


def flood():
    """More programs than may run: refused, until some have ended."""
    site = Site()
    node = site.node
    node.conf["links"][0]["dial"]["down"] = "sleep 300"
    site.start()
    hostile = Hostile(node)
    held = []
    for _ in range(230):
        ours, theirs = socket.socketpair(socket.AF_UNIX,
                                         socket.SOCK_SEQPACKET)
        read, write = os.pipe()
        hostile.send(packet("down", "hf", "sleep 300"),
                     [theirs.fileno(), write])
        theirs.close()
        os.close(read)
        os.close(write)
        held.append(ours)
    held[-1].settimeout(30)
    check(b"too many" in held[-1].recv(1000), "the last one is refused")
    waiting = [sock for sock in held[:-1]
               if not select.select([sock], [], [], 0)[0]]
    # the node's own programs run among them
    check(190 <= len(waiting) <= 200, "two hundred run, no more", len(waiting))
    for sock in waiting:
        sock.send(b"e")
        sock.close()
    node.conf["links"][0]["dial"]["down"] = "true"
    node.reload()
    check(wait_until(lambda: hostile.ask("down", "hf", "true") == "", 30),
          "then others do")


# --- its end ---

def lose_helper(node):
    os.kill(helper_of(node), signal.SIGKILL)
    check(wait_until(lambda: node.events("helper-lost", now=True), 20),
          "the log says so at once", node.events(now=True))


def helper_ends():
    """By itself: the daemon stays, says so, and accepts mail."""
    site = Site()
    node = site.start()
    lose_helper(node)
    site.send("ben@batch.example")
    warnings = node.status()["warnings"]
    check(any("start tidepostd anew" in text for text in warnings),
          "status says what to do", warnings)
    wait_until(lambda: node.events("batch-waits", now=True), 20)
    check("helper has ended" in node.events("batch-waits", now=True)[0]["why"],
          "mail waits, and why", node.events("batch-waits", now=True))
    node.conf["relay"] = {"max_priority": 1}
    node.reload()
    check("helper has ended" in
          node.events("reload-refused", now=True)[-1]["why"],
          "no other configuration is taken")
    node.restart()
    site.wait_told("route")
    check(node.wait_queue_empty(), "a new start does it", node.queue())


def helper_ends_managed():
    """Under a service manager the daemon ends, to be started anew."""
    site = Site()
    path = f"{site.world.dir}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        os.chmod(path, 0o777)
        site.node.start({"NOTIFY_SOCKET": path})
        lose_helper(site.node)
        equal(site.node.wait_exit(60), 75, "with a status that means: again")
        check("the helper has ended" in site.node.log_text(), "and says why")


def reload_of_the_helper():
    """It reads the file too: new commands run, a changed user is refused."""
    site = Site()
    node = site.start()
    node.conf["routes"][0]["command"] = f"touch {site.told}/new; cat"
    node.reload()
    site.send("ben@batch.example")
    site.wait_told("new")
    check(not os.path.exists(f"{site.told}/route"), "the old one does not run")
    equal(Hostile(node).ask("route", "batch.example",
                            f"{site.world.dir}/route", io=True)[:8],
          "no route", "and may not, whoever asks")
    if not ROOT:
        return
    node.conf["user"] = "nobody"
    node.reload()
    check("user changed" in node.events("reload-refused", now=True)[-1]["why"],
          "another user needs a new start")


def reload_without_answer():
    """A helper that stands still: the old settings hold, mail is accepted, and
    a later reload is not taken for the one before."""
    site = Site()
    node = site.start()
    helper = helper_of(node)
    os.kill(helper, signal.SIGSTOP)
    at_end(lambda: os.kill(helper, signal.SIGCONT))
    node.conf["routes"][0]["command"] = f"touch {site.told}/new; cat"
    node.reload()
    check(wait_until(lambda: node.events("reload-refused", now=True)),
          "it is refused", node.events(now=True))
    check("does not answer" in
          node.events("reload-refused", now=True)[-1]["why"], "and why")
    os.kill(helper, signal.SIGCONT)
    site.send("ben@batch.example")
    site.wait_told("route")
    check(not os.path.exists(f"{site.told}/new"), "the old settings hold")
    node.reload()
    check(wait_until(lambda: node.events("reloaded", now=True)),
          "then it is read", node.events(now=True))
    site.send("ben@batch.example")
    site.wait_told("new")


def without_standard_streams():
    """What the daemon opens does not take their place."""
    world = World()
    node = world.make_site(peer=world.peer(submission=9, odmr=9))
    node.write_conf()
    daemon = subprocess.Popen(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', DAEMON, node.file])
    try:
        check(wait_until(lambda: node.cli("status", "--json").returncode == 0
                         and node.status()["running"]), "it runs")
        equal([os.readlink(f"/proc/{daemon.pid}/fd/{n}") for n in range(3)],
              ["/dev/null"] * 3, "nothing else stands there")
    finally:
        daemon.terminate()
        equal(daemon.wait(60), 0, "and ends")


if __name__ == "__main__":
    tests = [what_the_daemon_keeps, what_it_keeps_without_walls,
             what_root_keeps, low_port_after_reload, who_programs_are,
             helper_ends, helper_ends_managed]
    if ROOT:
        tests += [hook_of_a_stranger, refusals, malformed, flood,
                  reload_of_the_helper, reload_without_answer,
                  without_standard_streams]
    else:
        tests.append(lambda: skip_part(
            "root alone can stand in for a daemon that was taken over"))
    run(*tests)
