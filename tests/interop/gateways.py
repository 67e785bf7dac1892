"""Mail without a connection: Taylor UUCP and NNCP between two directories, and
programs of the host (cron, git) through our sendmail."""

import os
import pwd
import shutil
import subprocess
import time

from clients import program_missing
from message import make, maildir
from mta import write
from node import CLI, World, listener, local
from report import wait_until
from smtp import Smtp

HERE, FAR = "aurora.example.org", "shore.example"
UUCP = "/usr/sbin"


def run(*argv, **more):
    done = subprocess.run(argv, capture_output=True, timeout=120, **more)
    if done.returncode:
        raise AssertionError(f"{argv}: exit {done.returncode}: "
                             f"{done.stdout!r} {done.stderr!r}")
    return done.stdout


def link(node, name):
    """A program that is our link NAME with the node's configuration."""
    folder = f"{node.dir}/bin"
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(f"{folder}/.{name}"):
        os.makedirs(f"{folder}/real", exist_ok=True)
        os.symlink(CLI, f"{folder}/real/{name}")
        write(f"{folder}/{name}", "#!/bin/sh\n"
              f"TIDEPOST_CONF={node.file} exec {folder}/real/{name} \"$@\"\n",
              0o755)
    return f"{folder}/{name}"


def two_nodes(command, **route):
    world = World()
    world.make_shore(listeners=[listener("smtp", "smtp", "none")],
                     routes=[], links=None).start()
    world.make_site(
        peer={"name": "shore", "host": "127.0.0.1", "port": 1, "tls": "none"},
        listeners=[listener("lan", "smtp", "none")],
        routes=[dict({"match": FAR, "command": command(world)},
                     **route)]).start()
    return world


def send(world, names):
    for name in names:
        with Smtp(world.site.port("lan")) as client:
            client.ehlo()
            reply = client.mail(f"ann@{HERE}", [f"ben@{FAR}"], make(name))
            if reply.code != 250:
                raise AssertionError(f"our site says {reply}")
    if not world.site.wait_queue_empty(60):
        raise AssertionError(f"still waiting: {world.site.queue()}")


def arrived(world, names):
    mails = world.shore.wait_mail("ben", len(names), 60)
    found = sorted(line[9:].decode().strip() for mail in mails
                   for line in mail.split(b"\n")
                   if line.startswith(b"Subject: "))
    if found != sorted(names):
        raise AssertionError(f"arrived: {found}, expected {names}")


# --- Taylor UUCP ---

def uucp_side(folder, name):
    os.makedirs(f"{folder}/spool")
    os.makedirs(f"{folder}/pub")
    os.makedirs(f"{folder}/lock")
    files = "".join(f"{key} {folder}/{key}\n" for key in (
        "sysfile", "portfile", "dialfile", "callfile", "passwdfile",
        "logfile", "statfile", "debugfile"))
    for key in ("sysfile", "portfile", "dialfile", "callfile", "passwdfile"):
        write(f"{folder}/{key}", "")
    write(f"{folder}/config", f"nodename {name}\nspool {folder}/spool\n"
          f"pubdir {folder}/pub\nlockdir {folder}/lock\n{files}")
    # uux is another user's (set-uid)
    for name in ("", "/spool", "/pub", "/lock"):
        os.chmod(f"{folder}{name}", 0o777)
    os.chmod(os.path.dirname(folder), 0o711)


def uucp(command, **route):
    def test():
        world = two_nodes(lambda w: "true {}", **route)
        a, b = f"{world.dir}/uu-a", f"{world.dir}/uu-b"
        uucp_side(a, "aurora")
        uucp_side(b, "shore")
        write(f"{a}/sysfile", "system shore\ntime any\nport pipe\n"
              "chat ogin:-\\r-ogin: aurora word: pw\nprotocol g\n")
        write(f"{a}/portfile", "port pipe\ntype pipe\ncommand "
              f"{UUCP}/uucico -I {b}/config -l\n")
        write(f"{b}/passwdfile", "aurora pw\n")
        link(world.shore, "rsmtp")
        link(world.shore, "rmail")
        write(f"{b}/sysfile", "system aurora\ncommands rsmtp rmail\n"
              f"command-path {world.shore.dir}/bin\nprotocol g\n")
        world.site.conf["routes"][0]["command"] = command.format(a=a)
        world.site.restart()
        names = [f"uucp {i}" for i in range(3)]
        send(world, names)
        run(f"{UUCP}/uucico", "-I", f"{a}/config", "-s", "shore", "-f")
        run(f"{UUCP}/uuxqt", "-I", f"{b}/config")
        arrived(world, names)
    return test


# --- NNCP ---

def nncp():
    """The packets go by files, as a stick carries them."""
    world = two_nodes(lambda w: "true", compress="zstd")
    cfg = {n: f"{world.dir}/nncp-{n}.hjson" for n in ("a", "b")}
    for n, path in cfg.items():
        os.makedirs(f"{world.dir}/nncp-{n}")
        text = run("nncp-cfgnew").decode()
        text = text.replace("/var/spool/nncp/log",
                            f"{world.dir}/nncp-{n}/log")
        text = text.replace("/var/spool/nncp", f"{world.dir}/nncp-{n}")
        write(path, text)
    a, b = (self_of(cfg[n]) for n in ("a", "b"))
    rsmtp = link(world.shore, "rsmtp")
    add_neighbour(cfg["a"], "shore", b, "")
    add_neighbour(cfg["b"], "aurora", a, f'exec: {{rsmtp: ["{rsmtp}"]}}')
    world.site.conf["routes"][0]["command"] = \
        f"nncp-exec -cfg {cfg['a']} -quiet shore rsmtp"
    world.site.restart()
    names = [f"nncp {i}" for i in range(3)]
    send(world, names)
    stick = f"{world.dir}/stick"
    os.mkdir(stick)
    run("nncp-xfer", "-cfg", cfg["a"], "-quiet", "-mkdir", stick)
    run("nncp-xfer", "-cfg", cfg["b"], "-quiet", stick)
    run("nncp-toss", "-cfg", cfg["b"], "-quiet")
    arrived(world, names)


def self_of(path):
    """The public keys of a configuration."""
    keys = {}
    with open(path, encoding="utf-8") as stream:
        inside = False
        for line in stream:
            inside |= line.strip().startswith("self:")
            word = line.strip().split(":")
            if inside and word[0] in ("id", "exchpub", "signpub", "noisepub"):
                keys.setdefault(word[0], word[1].strip())
    return keys


def add_neighbour(path, name, keys, more):
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    entry = (f"  neigh: {{\n    {name}: {{\n"
             + "".join(f"      {k}: {v}\n" for k, v in keys.items())
             + f"      {more}\n    }}\n")
    write(path, text.replace("  neigh: {\n", entry, 1))


# --- programs of the host ---

def host():
    world = World()
    world.make_site(
        peer={"name": "shore", "host": "127.0.0.1", "port": 1, "tls": "none"},
        listeners=[listener("lan", "smtp", "none")]).start()
    return world


def git():
    world = host()
    sendmail = link(world.site, "sendmail")
    repo = f"{world.dir}/repo"
    env = dict(os.environ, HOME=world.dir, GIT_AUTHOR_NAME="Dev",
               GIT_AUTHOR_EMAIL="dev@x.example", GIT_COMMITTER_NAME="Dev",
               GIT_COMMITTER_EMAIL="dev@x.example")
    run("git", "init", "-q", repo)
    write(f"{repo}/file", ".\ntext\n.\n")
    run("git", "-C", repo, "add", "file")
    run("git", "-C", repo, "commit", "-q", "-m", "Add a file", env=env)
    run("git", "-C", repo, "send-email", "--quiet", "--confirm=never",
        f"--sendmail-cmd={sendmail}", "--from=Dev <dev@x.example>",
        f"--to=ann@{HERE}", f"--cc=ben@{HERE}", "--suppress-cc=self",
        "--root", "HEAD", env=env)
    for user in ("ann", "ben"):
        mails = world.site.wait_mail(user)
        if len(mails) != 1 or b"[PATCH] Add a file" not in mails[0] or \
                b"\n+.\n+text\n" not in mails[0].replace(b"\r", b""):
            raise AssertionError(f"{user} has {mails}")


def cron():
    """One minute of a cron of our own: it mails what a job says."""
    world = host()
    mailed = link(world.site, "sendmail")
    user = pwd.getpwuid(os.getuid()).pw_name
    # the package's cron calls /usr/sbin/sendmail; in a mount namespace of its
    # own that is ours
    tabs = f"{world.dir}/tabs"
    os.mkdir(tabs)
    write(f"{tabs}/{user}", f"MAILTO=ann\n* * * * * echo from cron\n", 0o600)
    script = (f"mkdir -p /var/spool/cron/crontabs && "
              f"mount --bind {tabs} /var/spool/cron/crontabs && "
              f"cp -p {mailed} {world.dir}/sm && "
              f"mkdir {world.dir}/d && mount -t tmpfs none /etc/cron.d && "
              f"mount --bind /dev/null /etc/crontab && "
              f"mount --bind {world.dir}/sm /usr/sbin/sendmail && "
              "mount -t tmpfs none /run && exec cron -f")
    daemon = subprocess.Popen(["unshare", "-m", "sh", "-c", script],
                              stderr=subprocess.PIPE)
    try:
        mails = world.site.wait_mail("ann", 1, 130)
        if not mails:
            daemon.kill()
            raise AssertionError(f"no mail: {daemon.stderr.read()!r}")
        if b"from cron" not in mails[0] or b"Cron" not in mails[0]:
            raise AssertionError(f"it says {mails[0]!r}")
    finally:
        daemon.kill()
        daemon.wait()


def cron_missing():
    if program_missing("cron"):
        return program_missing("cron")
    if not os.path.exists("/usr/sbin/sendmail"):
        return "there is no /usr/sbin/sendmail to stand in for"
    if subprocess.run(["unshare", "-m", "true"],
                      capture_output=True).returncode:
        return "no mount namespace here"
    return None


def pairs():
    missing = program_missing("uux", "uucp")
    yield ("tidepost -> Taylor UUCP rsmtp -> tidepost", missing,
           uucp("uux -I {a}/config - -r -gC shore!rsmtp"))
    yield ("tidepost -> Taylor UUCP rsmtp, gzip -> tidepost", missing,
           uucp("uux -I {a}/config - -r -gC shore!rsmtp", compress="gzip"))
    yield ("tidepost -> Taylor UUCP rmail -> tidepost", missing,
           uucp("uux -I {a}/config - -r -gC shore!rmail ({{}})",
                format="rmail"))
    yield ("tidepost -> NNCP by files -> tidepost",
           program_missing("nncp-exec", "nncp"), nncp)
    yield ("git send-email -> sendmail",
           None if os.path.exists("/usr/lib/git-core/git-send-email")
           else "git-email is not installed", git)
    yield "cron -> sendmail", cron_missing(), cron
