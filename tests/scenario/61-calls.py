#!/usr/bin/env python3
"""Links that call by themselves: when, and when not."""

import datetime
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *
from modem import Modem

TO_1970 = -int(time.time()) + 3600  # one o'clock on the first day of 1970


def world_with(peer=None, shore=True, **dial):
    world = World()
    world.make_shore().start()
    world.add_customer()
    modem = Modem(world)
    site = world.make_site(world.peer(**(peer or {})),
                           links=[modem.link(dial=dial)])
    return world, site, modem


def send(site, priority=None):
    body = make("out")
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail("ann@aurora.example.org", "ben@shore.example",
                            body)
        client.quit()
    equal(reply.code, 250, "taken")
    if priority:
        site.must("queue", "priority", priority, str(site.queue()[-1]["id"]))
    return body


def link(site):
    return site.rows("link", "list")[0]


def when_waiting():
    world, site, modem = world_with(call_when_waiting="3s")
    site.start()
    send(site)
    time.sleep(1)
    equal(modem.calls(), [], "not at once")
    send(site)
    modem.wait("up", "down")
    equal(len(world.shore.wait_mail("ben", 2)), 2, "both went in one call")
    time.sleep(4)
    equal(modem.calls(), ["up", "down"], "nothing waits: no call")


def urgent_at_once():
    _, site, modem = world_with(call_at_once_priority=4)
    site.start()
    send(site)
    time.sleep(1)
    equal(modem.calls(), [], "no call for normal mail")
    site.must("queue", "priority", "urgent", "--all", "--yes")
    send(site)  # looks anew
    modem.wait("up", "down")
    check(site.wait_queue_empty(), "all of it went", site.queue())


def refused_mail_is_no_reason_again():
    """What was put off by the peer had its chance."""
    peer = Peer(rules={"RCPT": "451 4.7.1 greylisted"})
    world = World()
    modem = Modem(world)
    site = world.make_site(
        world.peer(submission=peer.port, tls="none", collect="none",
                   user=None, password_file=None, tls_name=None),
        links=[modem.link(dial={"call_at_once_priority": 0,
                                "call_when_waiting": "1h"})],
        queue={"retry": ["1h"]})
    site.start()
    send(site)
    modem.wait("up", "down")
    time.sleep(2)
    equal(modem.calls(), ["up", "down"], "called once")
    equal(site.queue()[0]["state"], "deferred", "it waits for its time")


def stuck():
    """Two calls in vain, and no more until somebody mends it."""
    world, site, modem = world_with(call_at_once_priority=0, timeout="1h")
    secret = secret_file(world.dir, "wrong.secret", "wrong")
    os.utime(secret, (1, 1))
    site.conf["peers"][0]["password_file"] = secret
    site.start(Shim(world.dir).env(speed=100))
    send(site)
    modem.wait("up", "down", "up", "down")
    check(wait_until(lambda: site.events("stuck"), 10), "stuck is logged")
    check("no automatic calls" in link(site)["reason"], "the list says so",
          link(site))
    check("535" in link(site)["reason"], "and why", link(site))
    time.sleep(11)  # more than the next back-off
    equal(len(modem.calls()), 4, "it does not call again")
    reason = site.queue()[0]["reason"]
    check("no automatic calls" in reason, "the queue says it, too", reason)
    site.stop()
    check("stuck" in link(site)["reason"], "also when the daemon is down",
          link(site))
    write, site.write_conf = site.write_conf, lambda: None
    site.start(Shim(world.dir).env(speed=100))
    site.write_conf = write
    time.sleep(2)
    equal(len(modem.calls()), 4, "a restart changes nothing")
    secret_file(world.dir, "wrong.secret", PASSWORD)
    os.utime(secret, (2**31, 2**31))
    modem.wait(*["up", "down"] * 3)
    check(site.wait_queue_empty(), "with the right password it goes")
    equal(link(site)["reason"], None, "and nothing is stuck")


def windows():
    """Closed, then open: one call in it; a person may call at any time."""
    now = datetime.datetime.now(datetime.timezone.utc)
    ahead = ((6 * 60 - now.hour * 60 - now.minute) * 60 - now.second - 8) \
        % 86400 + 86400
    world, site, modem = world_with(windows=["06:00-06:20"],
                                    call_when_waiting="1s")
    site.start(Shim(world.dir).env(clock=ahead))
    first = send(site)
    check(link(site)["next_window"].endswith("T06:00:00Z"),
          "the list says when the next window opens", link(site))
    equal(site.queue()[0]["reason_code"], "window", "it waits for the window")
    equal(modem.calls(), [], "shut: no call")
    modem.wait("up", "down")
    equal(len(copies(world.shore.wait_mail("ben"), first)), 1,
          "it went when the window opened")
    check(wait_until(lambda: not site.events("window", now=True) or
                     site.events("window")[-1]["state"] == "open", 5),
          "the log says that it opened")


def a_window_shuts():
    """Mail that waited for the link waits for its window from then on."""
    now = datetime.datetime.now(datetime.timezone.utc)
    ahead = (((6 * 60 + 20) - now.hour * 60 - now.minute) * 60 - now.second
             - 8) % 86400 + 86400
    world, site, _ = world_with(up="exit 3", windows=["06:00-06:20"])
    site.start(Shim(world.dir).env(clock=ahead))
    send(site)
    check(wait_until(lambda: site.events("call-failed")), "nobody answers")
    check(wait_until(lambda: site.queue()[0]["reason_code"] == "window", 30),
          "and then it is shut", site.queue())


def a_person_in_a_shut_window():
    now = datetime.datetime.now(datetime.timezone.utc)
    later = now + datetime.timedelta(hours=2)
    last = now + datetime.timedelta(hours=3)
    world, site, modem = world_with(
        windows=[f"{later:%H:%M}-{last:%H:%M}"])
    site.start()
    send(site)
    equal(link(site)["state"], "down", "it is down")
    equal(site.cli("link", "call", "iridium", "--wait", "--deadline",
                   "40s").returncode, 0, "a person's call: 0")
    modem.wait("up", "down")
    check(site.wait_queue_empty(), "all went")


def no_windows_in_1970():
    """With a clock nobody can trust there are none."""
    world, site, modem = world_with(windows=["06:00-06:20"],
                                    call_when_waiting="1s")
    site.start(Shim(world.dir).env(clock=TO_1970))
    body = send(site)
    modem.wait("up", "down")
    equal(len(copies(world.shore.wait_mail("ben"), body)), 1, "it went")


run(when_waiting, urgent_at_once, refused_mail_is_no_reason_again, stuck,
    windows, a_window_shuts, a_person_in_a_shut_window, no_windows_in_1970)
