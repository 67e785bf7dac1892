#!/usr/bin/env python3
"""setup: from questions, options or a file to a node that moves mail."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import stat
import subprocess

import screen

USAGE, INVALID, CONFIG = 64, 65, 78
ANSWERS = ("--role", "site", "--hostname", "aurora.example.org",
           "--provider", "mail.shore.example", "--user", "aurora",
           "--link", "vsat")


def setup(file, *args, text=None):
    return subprocess.run(
        [CLI, "-c", file, "setup", *args], input=text, encoding="utf-8",
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True, timeout=60)


def mode(file):
    return stat.S_IMODE(os.stat(file).st_mode)


def read(file):
    with open(file, encoding="utf-8") as stream:
        return stream.read()


def checks_clean(file):
    done = subprocess.run([CLI, "check", file], capture_output=True,
                          encoding="utf-8", timeout=60)
    equal((done.returncode, done.stdout, done.stderr), (0, f"{file}: ok\n", ""),
          "what setup wrote has no error and no warning")


class Written(Node):
    """A node whose configuration setup wrote; ports and folders of a test."""

    def write_conf(self):
        pass

    def adapt(self, *changes):
        text = read(self.file)
        for was, now in changes:
            check(was in text, f"setup wrote {was}", text)
            text = text.replace(was, now)
        text += "".join(f'{key} = "{self.conf[key]}";\n'
                        for key in ("spool", "run_dir", "user"))
        with open(self.file, "w", encoding="utf-8") as stream:
            stream.write(text)


def moves_mail():
    """Options; what comes out starts and exchanges mail with a provider."""
    world = World()
    shore = world.make_shore().start()
    world.add_customer()
    ours, key = world.ca.issue("ours", "aurora.example.org")
    site = Written(world.dir, "aurora", {
        "hostname": "aurora.example.org",
        "listeners": [{"name": "lan"}, {"name": "submission"}]})
    done = setup(site.file, *ANSWERS, "--password-stdin", "--network",
                 "192.0.2.0/24", "--certificate", ours, "--key", key,
                 text=PASSWORD + "\n")
    equal((done.returncode, done.stderr), (0, ""), "setup from options")
    secret = f"{site.dir}/provider.secret"
    equal((mode(site.file), mode(secret), read(secret)),
          (0o644, 0o600, PASSWORD + "\n"), "rights, and the password")
    check(PASSWORD not in read(site.file), "no password in the configuration")
    said = done.stdout
    check(f"tidepostd -c {site.file}" in said and "link up vsat" in said,
          "it says the next two commands", said)
    check(f"written: {site.file}\n" in said
          and f"written: {secret} (the password)\n" in said,
          "and what it wrote", said)
    checks_clean(site.file)
    site.adapt(
        ("port = 25;", "port = 0;"), ("port = 587;", "port = 0;"),
        ('address = "*";', 'address = "127.0.0.1";'),
        ("maildir:/var/mail", f"maildir:{site.dir}/mail"),
        ("tls = {", f'tls = {{ ca_file = "{world.ca.file}";'),
        ('host = "mail.shore.example";',
         'host = "127.0.0.1"; tls_name = "mail.shore.example"; '
         f'port = {shore.port("submission")};'),
        ("collect_port = 366;", f'collect_port = {shore.port("odmr")};'))
    site.conf["local"] = {"domains": ["aurora.example.org"]}
    site.start()
    exchange(site, shore, "smtp")


def provider():
    world = World()
    ours, key = world.ca.issue("ours", "mail.shore.example")
    shore = Written(world.dir, "shore", {
        "hostname": "mail.shore.example",
        "listeners": [{"name": n} for n in ("mx", "submission", "odmr")]})
    os.link(key, os.path.join(os.path.dirname(ours), "privkey.pem"))
    done = setup(shore.file, "--role", "provider", "--hostname",
                 "mail.shore.example", "--certificate", ours)
    equal((done.returncode, done.stderr), (0, ""),
          "a provider: the key is beside its certificate, no relay")
    check("customer add" in done.stdout, "the next command", done.stdout)
    checks_clean(shore.file)
    shore.adapt(*((f"port = {n};", 'address = "127.0.0.1"; port = 0;')
                  for n in (25, 587, 366)))
    shore.start()
    relayed = f"{world.dir}/relayed.conf"
    done = setup(relayed, "--role", "provider", "--hostname",
                 "mail.shore.example", "--certificate", ours, "--provider",
                 "relay.isp.example", "--user", "shore", "--password-stdin",
                 text="x\n")
    equal(done.returncode, 0, "a provider with a relay")
    checks_clean(relayed)
    equal(setup(f"{world.dir}/bare.conf", "--role", "provider", "--hostname",
                "mail.shore.example", "--key", "k").returncode, 0,
          "a certificate that is not there yet: a warning, not a refusal")


def sample(name):
    with open(f"{ROOT}/conf/{name}", encoding="utf-8") as stream:
        return stream.read()


def samples():
    """The two short ones as they are shipped, but for names and places."""
    check(len(sample("site.conf").splitlines()) <= 25,
          "a radio officer can read the ship's")
    world = World()
    conf = {"hostname": "mail.shore.example", "listeners": [
        {"name": n} for n in ("mx", "submission", "odmr")]}
    shore = Written(world.dir, "shore", conf)
    ours, key = world.ca.issue("ours", "mail.shore.example")
    users = secret_file(shore.dir, "users", "ben")
    with open(shore.file, "w", encoding="utf-8") as stream:
        stream.write(sample("provider.conf"))
    shore.adapt(
        *((f"port = {n};", 'address = "127.0.0.1"; port = 0;')
          for n in (25, 587, 366)),
        ("/etc/tidepost/shore.pem", ours), ("/etc/tidepost/shore.key", key),
        ("/etc/tidepost/users", users),
        ("/etc/tidepost/relay.secret", users),
        ("maildir:/var/mail", f"maildir:{shore.dir}/mail"))
    shore.start()
    shore.must("customer", "add", "aurora", "--domain", "aurora.example.org",
               "--password-stdin", text=PASSWORD + "\n")
    site = Written(world.dir, "aurora", {
        "hostname": "aurora.example.org",
        "listeners": [{"name": "lan"}, {"name": "submission"}]})
    ours, key = world.ca.issue("ship", "aurora.example.org")
    secret = secret_file(site.dir, "shore.secret", PASSWORD)
    with open(site.file, "w", encoding="utf-8") as stream:
        stream.write(sample("site.conf"))
    site.adapt(
        ('address = "192.168.7.1"; port = 25;',
         'address = "127.0.0.1"; port = 0;'),
        ("port = 587;", 'address = "127.0.0.1"; port = 0;'),
        ("tls = {", f'tls = {{ ca_file = "{world.ca.file}";'),
        ("/etc/tidepost/aurora.pem", ours), ("/etc/tidepost/aurora.key", key),
        ("/etc/tidepost/shore.secret", secret),
        ("maildir:/var/mail", f"maildir:{site.dir}/mail"),
        ('host = "mail.shore.example";',
         'host = "127.0.0.1"; tls_name = "mail.shore.example"; '
         f'port = {shore.port("submission")};'),
        ("collect_port = 366;", f'collect_port = {shore.port("odmr")};'))
    shore.conf["local"] = {"domains": ["shore.example"]}
    site.conf["local"] = {"domains": ["aurora.example.org"]}
    site.start()
    exchange(site, shore, "mx")


def exchange(site, shore, mx):
    """A message each way over the link vsat."""
    for node, name, sender, recipient in (
            (site, "lan", "ann@aurora.example.org", "ben@shore.example"),
            (shore, mx, "ben@shore.example", "ann@aurora.example.org")):
        with Smtp(node.port(name)) as client:
            client.ehlo()
            client.mail(sender, [recipient], make(f"from-{node.name}"))
    equal(site.link_up("vsat"), 0, "the link carries mail")
    equal((len(shore.wait_mail("ben")), len(site.wait_mail("ann"))), (1, 1),
          "both ways")


def from_file():
    """One file for many stations; options go over it."""
    folder = temp_dir()
    fleet = f"{folder}/fleet.txt"
    with open(fleet, "w", encoding="utf-8") as stream:
        stream.write("# the fleet\r\nrole = site\nprovider=mail.shore.example\n"
                     "hostname = unknown.example.org\n\nlink = vsat\n"
                     "password = seven = gulls\n")
    for name in ("aurora", "borealis"):
        os.mkdir(f"{folder}/{name}")
        file = f"{folder}/{name}/tidepost.conf"
        done = setup(file, "--from", fleet, "--hostname",
                     f"{name}.example.org")
        equal((done.returncode, done.stderr), (0, ""), f"{name} from a file")
        check(f'hostname = "{name}.example.org";' in read(file)
              and f'user = "{name}";' in read(file),
              "its own name, and the first label of it as user", read(file))
        equal(read(f"{folder}/{name}/provider.secret"), "seven = gulls\n",
              "the password of the file")
        checks_clean(file)
    bad = (("rolle = site", ":1: no answer is called"),
           ("role = site\nhostname", ":2: this should be NAME = VALUE"),
           ("role = site\nrole = site", ":2: role stands here twice"),
           ("\nrole = ship", ":2: role: this should be site or provider"),
           ("hostname = a\"b.example", ":1: hostname: this should be"),
           ("link = x\"; y", ":1: link: this should be"),
           ("link = " + "x" * 300, ":1: link: this should be"),
           ("certificate = /etc/\udcac.pem", ":1: certificate: this should"),
           ("role = site\0x", ":1: "))
    for text, words in bad:
        with open(fleet, "w", encoding="utf-8",
                  errors="surrogateescape") as stream:
            stream.write(text + "\n")
        done = setup(f"{folder}/bad.conf", "--from", fleet)
        check(done.returncode == INVALID and fleet + words in done.stderr,
              f"refused: {text[:30]!r}", (done.returncode, done.stderr))
    equal(sorted(os.listdir(folder)), ["aurora", "borealis", "fleet.txt"],
          "and nothing was written")


def replaces_nothing():
    folder = temp_dir()
    file = f"{folder}/tidepost.conf"
    with open(file, "w", encoding="utf-8") as stream:
        stream.write("mine\n")
    done = setup(file, *ANSWERS, "--password-stdin", text="x\n")
    check(done.returncode == USAGE and "--yes" in done.stderr,
          "what is there stays, without --yes", done.stderr)
    done = setup(file, *ANSWERS, "--password-stdin", "--yes", "--network",
                 "nowhere", text="x\n")
    check(done.returncode == CONFIG and "no network" in done.stderr,
          "a bad network is told as check tells it", done.stderr)
    equal((read(file), os.listdir(folder)), ("mine\n", ["tidepost.conf"]),
          "and replaces nothing")
    equal(setup(file, *ANSWERS, "--password-stdin", "--yes",
                text="x\n").returncode, 0, "--yes replaces it")
    checks_clean(file)
    done = setup(f"{folder}/none/tidepost.conf", *ANSWERS, "--password-stdin",
                 text="x\n")
    check(done.returncode == 73 and "make it first" in done.stderr,
          "a folder that is not there", done.stderr)
    done = setup(f"{folder}/other.conf", "--role", "site")
    check(done.returncode == USAGE and "--hostname" in done.stderr,
          "without a terminal it says which option is missing", done.stderr)
    done = setup(f"{folder}/other.conf", *ANSWERS)
    check(done.returncode == USAGE and "--password-stdin" in done.stderr,
          "and where the password is to come from", done.stderr)


def questions():
    """A person at a terminal: five, and the password."""
    folder = temp_dir()
    file = f"{folder}/tidepost.conf"
    status, shown = screen.talk(
        ["-c", file, "setup"],
        ("site or a provider", "\n"),
        ("name of this host", "aurora\n"),
        ("name of this host", "aurora.example.org\n"),
        ("takes our mail", "mail.shore.example\n"),
        ("Our name there [aurora]", "\n"),
        ("name for the link", "iridium\n"),
        ("Password", "seven-gulls\n"), ("again", "seven-gulls\n"))
    equal(status, 0, "setup by questions")
    check("this should be a host name" in shown,
          "a wrong answer is asked for again, with a reason", shown)
    check("seven" not in shown, "the password is not shown", shown)
    checks_clean(file)
    check('name = "iridium"' in read(file), "the link is named", read(file))
    before = read(file)
    status, _ = screen.talk(["-c", file, "setup"], ("Replace it?", "n\n"))
    equal((status, read(file)), (USAGE, before), "it asks before it replaces")


run(moves_mail, provider, samples, from_file, replaces_nothing, questions)
