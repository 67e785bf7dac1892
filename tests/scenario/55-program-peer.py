#!/usr/bin/env python3
"""Peers that are programs: a command here, tidepost serve at its far end."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *


def program(name="lines", service="submission", tls="none", **conf):
    return dict({"name": name, "address": "program", "service": service,
                 "tls": tls}, **conf)


def serve(shore, service="submission", err=""):
    return f"{CLI} -c {shore.file} serve --service {service}{err}"


def command_peer(world, command, **conf):
    base = {"name": "shore", "command": command, "tls": "none",
            "auth_clear": True, "user": "aurora",
            "password_file": secret_file(world.dir, "shore.secret", PASSWORD),
            "collect": "atrn"}
    base.update(conf)
    return {k: v for k, v in base.items() if v is not None}


def shore_with(*listeners):
    world = World()
    shore = world.make_shore(listeners=[
        listener("smtp", "smtp", "offered"), *listeners]).start()
    world.add_customer("aurora", "aurora.example.org", "--cram-md5")
    return world, shore


def hand_in(node, port, sender, recipient, name):
    with Smtp(node.port(port)) as client:
        client.ehlo()
        equal(client.mail(sender, [recipient], make(name)).code, 250,
              f"{name} is accepted")


def both_ways(site, shore, what):
    hand_in(site, "lan", "ann@aurora.example.org", "ben@shore.example", "out")
    hand_in(shore, "smtp", "eve@shore.example", "ann@aurora.example.org",
            "in")
    equal(site.link_up("iridium"), 0, f"{what}: all moves")
    equal(len(shore.wait_mail("ben")), 1, f"{what}: the mail is sent")
    equal(len(site.wait_mail("ann")), 1, f"{what}: and collected")
    check(wait_until(lambda: not programs(shore)),
          f"{what}: no program is left", programs(shore))


def programs(shore):
    """The serving ends that run."""
    done = subprocess.run(["pgrep", "-f", f"{shore.file} serve"],
                          capture_output=True, encoding="ascii")
    return done.stdout.split()


def clear():
    """Push and ATRN over one program, in clear, login by challenge."""
    world, shore = shore_with(program(auth_clear=True, atrn=True))
    site = world.make_site(peer=command_peer(world, serve(shore))).start()
    both_ways(site, shore, "clear")
    check(all(e["address"] == "local" for e in site.events("connected")
              if e["peer"] == "shore"), "no address is told")
    row = [r for r in shore.status()["listeners"] if r["name"] == "lines"][0]
    equal(row["port"], 0, "its listener has no port")
    check("lines program\n" in shore.must("status"), "status names it")


def with_tls():
    """STARTTLS inside, by the settings of the ordinary listener."""
    world, shore = shore_with(
        listener("submission", "submission", "required", atrn=True))
    peer = command_peer(world, serve(shore), tls="required", auth_clear=None,
                        tls_name="mail.shore.example")
    site = world.make_site(peer=peer).start()
    both_ways(site, shore, "TLS")


def implicit():
    """TLS from the first octet."""
    world, shore = shore_with(program(tls="implicit", atrn=True))
    peer = command_peer(world, serve(shore), tls="implicit", auth_clear=None,
                        tls_name="mail.shore.example")
    site = world.make_site(peer=peer).start()
    both_ways(site, shore, "implicit TLS")


def odmr_only():
    """A second program for collecting: the odmr service."""
    world, shore = shore_with(
        program("calls", "odmr", auth_clear=True))
    peer = command_peer(world, serve(shore, "odmr"))
    site = world.make_site(
        peer=peer, routes=[{"match": "nowhere.example", "peers": ["shore"]}])
    site.start()
    hand_in(shore, "smtp", "eve@shore.example", "ann@aurora.example.org",
            "in")
    equal(site.link_up("iridium"), 0, "the call is good")
    equal(len(site.wait_mail("ann")), 1, "the mail is collected")


def no_login():
    """The service says who must log in; clear text alone is no right."""
    world, shore = shore_with(program(auth_clear=True))
    talk = subprocess.run(
        [CLI, "-c", shore.file, "serve", "--service", "submission"],
        input="EHLO x\r\nMAIL FROM:<a@b.example>\r\nAUTH PLAIN "
        "AGF1cm9yYQBzZXZlbi1ndWxscw==\r\nQUIT\r\n",
        capture_output=True, encoding="ascii", timeout=30)
    equal(talk.returncode, 0, "the session ends well")
    check("\n530 5.7.0" in talk.stdout, "MAIL wants a login", talk.stdout)
    check("\n235" not in talk.stdout, "PLAIN is not taken in clear",
          talk.stdout)
    check(talk.stdout.rstrip().split("\n")[-1].startswith("221"),
          "QUIT has its answer", talk.stdout)


def refusals():
    world, shore = shore_with()
    done = shore.cli("serve", "--service", "odmr")
    equal(done.returncode, 78, "no listener of this service: 78")
    check("program" in done.stderr, "and what to do", done.stderr)
    equal(shore.cli("serve").returncode, 64, "no service: 64")
    equal(shore.cli("serve", "--service", "smtp").returncode, 64,
          "smtp is not served so: 64")
    shore.stop()
    done = shore.cli("serve", "--service", "odmr")
    equal(done.returncode, 69, "no daemon: 69")
    equal(done.stdout, "", "nothing for the other side")
    equal(len(done.stderr.splitlines()), 1, "one line on standard error")


def site_of(command, **limits):
    world = World()
    world.make_shore()
    site = world.make_site(peer=command_peer(world, command, user=None,
                                             password_file=None,
                                             collect="none"),
                           limits=limits).start()
    hand_in(site, "lan", "ann@aurora.example.org", "ben@shore.example", "x")
    return site


def bad_programs():
    site = site_of("echo no carrier >&2; exit 3")
    equal(site.link_up("iridium"), 13, "a command that fails: 13")
    equal(site.queue()[0]["attempts"], 0, "that is no attempt")
    check(wait_until(lambda: [e for e in site.events("peer-command-says")
                              if e["text"] == "no carrier"]),
          "its words are in the log")
    check(wait_until(lambda: [e for e in site.events("peer-command-ended")
                              if e["how"] == "exit status 3"]),
          "and its end")
    site = site_of("/nowhere/modem")
    equal(site.link_up("iridium"), 13, "no such program: 13")


def hangs():
    """It says nothing, has a child, and does not listen to SIGTERM."""
    folder = temp_dir()
    site = site_of(f"trap '' TERM; echo $$ > {folder}/pid; sleep 300 & wait; "
                   "sleep 300", stall_timeout="2s")
    equal(site.link_up("iridium"), 13, "a command that hangs: 13")
    equal(site.queue()[0]["attempts"], 0, "that is no attempt")
    with open(f"{folder}/pid", encoding="ascii") as stream:
        group = int(stream.read())
    check(wait_until(lambda: not alive(group), 25),
          "the whole group is ended")


def alive(group):
    try:
        os.killpg(group, 0)
        return True
    except ProcessLookupError:
        return False


run(clear, with_tls, implicit, odmr_only, no_login, refusals, bad_programs,
    hangs)
