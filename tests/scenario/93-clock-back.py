#!/usr/bin/env python3
"""The clock is set back: what it had put off does not wait for its error."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *


def retries():
    """Thirty days back, where no link comes up that would wake the mail."""
    world = World()
    offset = f"{world.dir}/offset"
    shim = Shim(world.dir)

    def set_clock(seconds):
        with open(offset, "w", encoding="ascii") as stream:
            stream.write(str(seconds))

    set_clock(0)
    peer = Peer(rules={"MAIL": "451 4.3.0 not now"}, auth=False)
    site = world.make_site(
        # it looks at the clock each two seconds
        queue={"retry": ["1h"], "warn_after": "8s"}, links=[],
        peer=world.peer(submission=peer.port, tls="none", user=None,
                        password_file=None, collect="none",
                        collect_port=None))
    site.start(shim.env(clock=offset))
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.mail("ann@aurora.example.org", "ben@shore.example",
                    make("patient"))
    check(wait_until(lambda: site.queue()[0]["state"] == "deferred"),
          "the peer refuses it for now", site.queue())
    peer.rules.clear()
    set_clock(-30 * 86400)
    check(wait_until(lambda: len(peer.mails) == 1, 60),
          "it is tried by the new clock", site.queue())
    check(wait_until(lambda: not site.queue()), "and gone")


run(retries)
