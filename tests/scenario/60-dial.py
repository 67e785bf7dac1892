#!/usr/bin/env python3
"""Links that are dialled: called, completed, and hung up whatever happens."""

import os
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from modem import Modem


def world_with(up="", down="", peer=None, **conf):
    world = World()
    world.make_shore().start()
    world.add_customer()
    line = Modem(world, up, down)
    site = world.make_site(peer and world.peer(**peer),
                           links=[line.link(**conf)])
    return world, site, line


def send(site, body=None, to="ben@shore.example"):
    body = body or make("out")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", to, body)
        client.quit()
    equal(reply.code, 250, "taken")
    return body


def call(site, deadline="40s"):
    done = site.cli("link", "call", "iridium", "--wait", "--deadline",
                    deadline)
    site.last = done
    return done.returncode


def link(site):
    return site.rows("link", "list")[0]


def wait_state(site, state):
    wait_until(lambda: link(site)["state"] == state, 15)
    equal(link(site)["state"], state, f"the link is {state}")


def a_call():
    world, site, line = world_with(up="echo CONNECT 2400; exit 0")
    site.start()
    body = send(site)
    equal(site.queue()[0]["reason_code"], "link-down", "it waits for the link")
    equal(call(site), 0, "link call --wait: 0")
    equal(len(copies(world.shore.wait_mail("ben"), body)), 1, "it arrived")
    line.wait("up", "down")
    wait_state(site, "down")
    output = [e["text"] for e in site.events("dial-output")]
    equal(output, ["CONNECT 2400"], "what the program said is in the log")
    equal(call(site), 0, "again, with nothing to send: 0")
    line.wait("up", "down", "up", "down")


def reported_while_dialling():
    """The program of the line says when it is there."""
    world, site, line = world_with(up="sleep 60", interface="tpnone0")
    site.start()
    body = send(site)
    site.must("link", "call", "iridium")
    wait_state(site, "dialing")
    equal(site.queue()[0]["state"], "ready", "nothing moves meanwhile")
    site.must("link", "up", "iridium", "--interface", "lo")
    equal(len(copies(world.shore.wait_mail("ben"), body)), 1, "then it went")
    line.wait("up", "down")
    wait_state(site, "down")


def calls_that_fail():
    world, site, line = world_with(up="echo NO CARRIER; exit 3")
    site.start()
    send(site)
    equal(call(site), 13, "a failing dial.up: 13")
    check("exit status 3" in site.last.stderr, "and it is said why",
          site.last.stderr)
    line.wait("up", "down")
    wait_state(site, "failed")
    check("exit status 3" in (link(site)["reason"] or ""),
          "the list says why", link(site))
    equal(site.queue()[0]["attempts"], 0, "no attempt is counted")
    # and the next one goes through
    line.script(f"{world.dir}/dial-up", "up", "exit 0")
    equal(call(site), 0, "called again: 0")
    line.wait("up", "down", "up", "down")


def no_program():
    _, site, line = world_with(dial={"up": "/nowhere/dial"})
    site.start()
    equal(call(site), 13, "no such program: 13")
    line.wait("down")


def a_program_that_hangs():
    _, site, line = world_with(
        up="trap '' TERM; sleep 100 & sleep 100", interface="tpnone0",
        dial={"timeout": "1s"})
    site.start()
    equal(call(site), 13, "nothing came: 13")
    check("within 1 s" in site.last.stderr, "and it is said", site.last.stderr)
    line.wait("up", "down")
    wait_state(site, "failed")


def left_children():
    """What holds the line lives until it is hung up, and no longer."""
    world, site, line = world_with(interface="tpnone0")
    line.script(f"{world.dir}/dial-up", "up",
                f"sleep 3600 >/dev/null 2>&1 &\necho $! >{world.dir}/pid")
    site.start()
    site.must("link", "call", "iridium")
    wait_until(lambda: site.events("dial-end"), 10)
    with open(f"{world.dir}/pid", encoding="utf-8") as stream:
        pid = int(stream.read())
    check(alive(pid), "it lives while the link is up")
    site.must("link", "hangup", "iridium")
    line.wait("up", "down")
    check(wait_until(lambda: not alive(pid), 10), "it is gone")


def background(site, *args):
    return subprocess.Popen(
        [CLI, "-c", site.file, *args], cwd=site.dir,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def hung_up_before_it_was_dialled():
    """The disk is slow: a call that is on no disk yet can be taken back."""
    world, site, line = world_with()
    site.conf["links"][0]["dial"].pop("down")
    site.start()
    lock = sqlite3.connect(f"{site.dir}/spool/spool.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    site.must("link", "call", "iridium")
    wait_state(site, "dialing")
    site.must("link", "hangup", "iridium")
    lock.execute("ROLLBACK")
    wait_state(site, "down")
    equal(line.calls(), [], "dial.up did not run")
    lock.close()


def hang_up_fails():
    world, site, line = world_with(down="exit 1")
    site.start()
    equal(call(site), 0, "link call: 0")
    wait_until(lambda: site.events("dial-end")[-1:], 10)
    equal(link(site)["state"], "hanging-up", "it is not down: tried again")
    line.script(f"{world.dir}/dial-down", "down", "exit 0")
    wait_state(site, "down")
    equal(line.calls(), ["up", "down", "down"], "twice hung up")


def people():
    _, site, line = world_with(up="sleep 60", interface="tpnone0")
    site.start()
    site.restart()  # by now with ports that a reload finds again
    site.must("link", "disable", "iridium", "--reason", "in dock")
    equal(call(site), 75, "disabled: 75")
    equal(line.calls(), [], "nothing is dialled")
    site.must("link", "enable", "iridium")
    waiting = background(site, "link", "call", "iridium", "--wait")
    wait_state(site, "dialing")
    site.must("link", "hangup", "iridium")
    equal(waiting.wait(15), 12, "hung up while it waits: 12")
    line.wait("up", "down")
    wait_state(site, "down")
    equal(call(site, "1s"), 15, "the deadline passes: 15")
    site.must("link", "hangup", "iridium")
    wait_state(site, "down")
    equal(site.cli("link", "call", "vsat").returncode, 65, "no such link: 65")
    site.conf["links"][0].pop("dial")
    site.reload()
    equal(site.cli("link", "call", "iridium").returncode, 78,
          "nothing can call it: 78")
    site.stop()
    equal(site.cli("link", "call", "iridium").returncode, 69,
          "the daemon is down: 69")


def the_daemon_ends():
    """Well, and not well: the line never stays open."""
    world, site, line = world_with(up="exec sleep 60", interface="tpnone0")
    site.start()
    site.must("link", "call", "iridium")
    wait_state(site, "dialing")
    equal(site.stop(), 0, "a good end")
    equal(line.calls(), ["up", "down"], "hung up before it ended")

    site.start()
    equal(link(site)["state"], "down", "it is down")
    site.must("link", "call", "iridium")
    line.wait("up", "down", "up")
    site.kill()
    equal(link(site)["state"], "hanging-up", "the list tells it from the spool")
    site.start()
    line.wait("up", "down", "up", "down")
    wait_state(site, "down")
    site.restart()
    wait_state(site, "down")
    equal(len(line.calls()), 4, "once is enough")


def no_longer_configured():
    world, site, line = world_with(up="exec sleep 60", interface="tpnone0")
    site.start()
    site.restart()  # by now with ports that a reload finds again
    site.must("link", "call", "iridium")
    wait_state(site, "dialing")
    was = site.conf["links"]
    site.conf["links"] = [{"name": "vsat"}]
    site.reload()
    line.wait("up", "down")
    site.conf["links"] = was
    site.reload()
    wait_state(site, "down")
    site.must("link", "call", "iridium")
    line.wait("up", "down", "up")
    site.must("link", "hangup", "iridium")
    line.wait("up", "down", "up", "down")


run(a_call, reported_while_dialling, calls_that_fail, no_program,
    a_program_that_hangs, left_children, hung_up_before_it_was_dialled,
    hang_up_fails, people, the_daemon_ends, no_longer_configured)
