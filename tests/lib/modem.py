"""Dial commands of a test: what they do, and how often they ran."""

import os

import report


class Modem:
    """The two programs of a modem, and what they did."""

    def __init__(self, world, up="", down=""):
        self.file = f"{world.dir}/calls"
        self.dial = {"up": self.script(f"{world.dir}/dial-up", "up", up),
                     "down": self.script(f"{world.dir}/dial-down", "down",
                                         down),
                     "timeout": "20s"}

    def script(self, path, word, more):
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(f"#!/bin/sh\necho {word} >>{self.file}\n{more}\n")
        os.chmod(path, 0o755)
        return path

    def calls(self):
        try:
            with open(self.file, encoding="utf-8") as stream:
                return stream.read().split()
        except FileNotFoundError:
            return []

    def wait(self, *words):
        report.wait_until(lambda: self.calls() == list(words), 15)
        report.equal(self.calls(), list(words), "the dial commands that ran")

    def link(self, **conf):
        dial = dict(self.dial, **conf.pop("dial", {}))
        return dict({"name": "iridium", "peers": ["shore"], "dial": dial},
                    **conf)
