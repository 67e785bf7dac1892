"""The preloaded library of shim.c: what the daemon wrote, synced and sent."""

import os
import re
import subprocess

import report

LINE = re.compile(r'(\S+) (\S*) (\d+) "(.*)"')


class Step:
    def __init__(self, operation, path, count, octets):
        self.operation, self.path = operation, path
        self.count, self.octets = count, octets

    def __repr__(self):
        return f'{self.operation} {self.path} {self.count} "{self.octets}"'


class Shim:
    def __init__(self, folder):
        self.log = f"{folder}/steps"
        self.so = f"{folder}/shim.so"
        source = os.path.join(os.path.dirname(__file__), "shim.c")
        done = subprocess.run(
            [os.environ.get("CC", "cc"), "-O1", "-shared", "-fPIC", "-o",
             self.so, source, "-ldl"], capture_output=True, text=True)
        if done.returncode:
            report.skip("the shim does not compile here: "
                        + done.stderr.strip()[-300:])

    def env(self, clock=None, kill=None, speed=None, still=None,
            broken=None):
        """The environment for a daemon with the shim; STILL: when its wall
        clock stands; BROKEN: a file that says what fails while it is there."""
        env = {"LD_PRELOAD": self.so, "TIDEPOST_SHIM_LOG": self.log}
        # The sanitizers want to be first, but do not need to be.
        env["ASAN_OPTIONS"] = (os.environ.get("ASAN_OPTIONS", "")
                               + ":verify_asan_link_order=0").lstrip(":")
        if clock is not None:
            env["TIDEPOST_SHIM_CLOCK"] = str(clock)
        if still is not None:
            env["TIDEPOST_SHIM_STILL"] = str(still)
        if speed:
            env["TIDEPOST_SHIM_SPEED"] = str(speed)
        if broken:
            env["TIDEPOST_SHIM_BREAK"] = broken
        if kill:
            env["TIDEPOST_SHIM_KILL"] = kill
        return env

    def forget(self):
        with open(self.log, "w", encoding="utf-8"):
            pass

    def steps(self):
        with open(self.log, encoding="utf-8") as stream:
            return [Step(m[1], m[2], int(m[3]), m[4])
                    for m in map(LINE.match, stream) if m]
