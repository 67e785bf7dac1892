#!/usr/bin/env python3
"""Memory of 10,000 idle TLS sessions: python3 tests/bench/idle.py BUILD [N].

The file limit of the shell must be above N + 200, for this program's two
clients each above N / 2.
"""

import os
import resource
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "lib")]
os.environ["TIDEPOST_BUILD"] = os.path.abspath(
    sys.argv[1] if len(sys.argv) > 1 else "build")
os.environ["TIDEPOST_ROOT"] = ROOT

from tidepost import Smtp, World, at_end, clean_up  # noqa: E402
from crowd import Crowd, memory  # noqa: E402

import time  # noqa: E402

COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
AIM_MB = 250  # for 10,000
MB = 1024 * 1024


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    world = World()
    most = COUNT + COUNT // 5
    site = world.make_site(
        peer=world.peer(submission=9, odmr=9),
        limits={"connections": most, "connections_per_client": most,
                "command_timeout": "1h"}).start()
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
    before = memory(site.process.pid)
    start = time.monotonic()
    crowd = Crowd(site.port("lan"), COUNT)
    at_end(crowd.kill)
    said = crowd.wait()
    seconds = time.monotonic() - start
    after = memory(site.process.pid)
    alive = crowd.end()
    time.sleep(2)
    left = memory(site.process.pid)
    print(f"{COUNT} idle TLS sessions: {after / MB:.1f} MB private dirty "
          f"(aim {AIM_MB}), {before / MB:.1f} MB before, "
          f"{(after - before) / COUNT / 1024:.1f} KB a session, "
          f"{left / MB:.1f} MB behind; opened in {seconds:.1f} s, "
          f"{alive} alive at the end ({', '.join(said)})")
    site.stop()
    return 0 if alive == COUNT else 1


status = main()
clean_up()
sys.exit(status)
