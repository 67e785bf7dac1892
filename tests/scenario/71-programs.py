#!/usr/bin/env python3
"""pipe: mail given to a program, its environment, its exit status."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import glob
import pwd
import signal
import time

DOMAIN = "aurora.example.org"
# Writes what it is given into a new file of the folder it stands in.
KEEP = """#!/bin/sh
out=$(mktemp {dir}/got.XXXXXX) || exit 75
{{ for a in "$@"; do echo "arg: $a"; done; env; echo; cat; }} >"$out.tmp"
mv "$out.tmp" "$out.mail"
"""


def script(world, text, name="program"):
    path = f"{world.dir}/{name}"
    with open(path + ".new", "w", encoding="utf-8") as stream:
        stream.write(text.format(dir=world.dir))
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)  # who runs the old one keeps it
    return path


def site(text, args="", **local_conf):
    world = World()
    node = world.make_site(peer=world.peer(submission=9, odmr=9))
    program = script(world, text)
    node.conf["local"] = {"domains": [DOMAIN],
                          "deliver": f"pipe:{program} {args}".strip(),
                          **local_conf}
    node.world = world
    return node


def send(node, octets, *recipients, sender="eve@far.example"):
    with Smtp(node.port("lan")) as client:
        client.ehlo()
        client.cmd(f"MAIL FROM:<{sender}>")
        replies = [client.cmd(f"RCPT TO:<{to}>") for to in recipients]
        if any(r.code == 250 for r in replies):
            client.cmd("DATA")
            client.send(stuff(octets))
            equal(client.reply().code, 250, "the message is taken")
        return [r.code for r in replies]


def got(node):
    found = []
    for path in sorted(glob.glob(f"{node.world.dir}/got.*.mail")):
        with open(path, "rb") as stream:
            front, mail = stream.read().split(b"\n\n", 1)
        found.append((front.decode().split("\n"), mail))
    return found


def wait_got(node, count):
    wait_until(lambda: len(got(node)) >= count, 20)
    return got(node)


def environment():
    node = site(KEEP, "-f {sender} -a{extension} {user} {recipient} plain")
    node.start()
    mail = make("for a program", "From here on\r\n.\r\nlast\r\n")
    send(node, mail, f"Ann+Box@{DOMAIN}", sender="eve o'x@far.example".replace(
        " ", "-"))
    found = wait_got(node, 1)
    equal(len(found), 1, "it was called once")
    front, text = found[0]
    args = [line[5:] for line in front if line.startswith("arg: ")]
    equal(args, ["-f", "eve-o'x@far.example", "-aBox", "ann",
                 f"Ann+Box@{DOMAIN}", "plain"], "its arguments")
    env = dict(line.split("=", 1) for line in front
               if "=" in line and not line.startswith("arg: "))
    me = pwd.getpwuid(os.geteuid()).pw_name
    expect = {"SENDER": "eve-o'x@far.example", "USER": "ann",
              "RECIPIENT": f"Ann+Box@{DOMAIN}", "EXTENSION": "Box",
              "DOMAIN": DOMAIN, "LOGNAME": me, "TIDEPOST_HOST": DOMAIN,
              "PATH": "/usr/local/bin:/usr/bin:/bin"}
    equal({k: env.get(k) for k in expect}, expect, "its environment")
    check(not [k for k in env if k.startswith("TIDEPOST_C")
               or k == "TIDEPOST_BUILD"], "nothing of the daemon's", env)
    check(text.startswith(b"Return-Path: <eve-o'x@far.example>\n"
                          b"Delivered-To: Ann+Box@aurora.example.org\n"
                          b"Received: "), "trace fields", text[:200])
    check(text.endswith(mail.replace(b"\r\n", b"\n")),
          "the message, with LF", text)
    check(node.wait_queue_empty(), "and it is done", node.queue())


def large():
    """More than a pipe holds; a program that does not read, one that does."""
    node = site(KEEP).start()
    mail = make("large", ("z" * 70 + "\r\n") * 60000)
    send(node, mail, f"ann@{DOMAIN}")
    check(wait_got(node, 1)[0][1].endswith(mail.replace(b"\r\n", b"\n")),
          "4 MB come whole")
    script(node.world, "#!/bin/sh\nexec 0<&-\necho never read it\nexit 0\n")
    send(node, mail, f"ann@{DOMAIN}")
    check(node.wait_queue_empty(), "who does not read is not waited for",
          node.queue())


def statuses():
    node = site("#!/bin/sh\ncat >/dev/null\n"
                "echo \"$USER says\"\necho 'a second line'\nexit ${{USER#u}}\n")
    node.conf["queue"] = {"retry": ["1h"]}
    node.start()
    later = (71, 72, 73, 74, 75, 78, 126, 127)
    never = {1: "5.3.0", 64: "5.3.0", 65: "5.6.0", 67: "5.1.1", 68: "5.1.2",
             69: "5.3.0", 70: "5.3.0", 76: "5.5.0", 77: "5.7.0", 99: "5.3.0"}
    send(node, make("statuses"),
         *[f"u{i}@{DOMAIN}" for i in (0, *later, *never)],
         sender="ann@aurora.example.org")
    wait_until(lambda: len(node.queue()) >= len(later) and all(
        row["state"] in ("deferred",) for row in node.queue()), 30)
    states = {row["recipient"].split("@")[0]: row["state"]
              for row in node.queue()}
    equal({k: v for k, v in states.items() if k.startswith("u")},
          {f"u{i}": "deferred" for i in later},
          "a fault of this host, or of now, waits")
    check(any("u75 says; a second line" in row["reason"]
              for row in node.queue()), "with what it said", node.queue())
    failed = {e["to"].split("@")[0]: e["reply"] for e in node.events("failed")
              if e["to"].startswith("u")}
    equal(sorted(failed), sorted(f"u{i}" for i in never),
          "all else is returned")
    check("u67 says; a second line" in failed["u67"], "with its words",
          failed)
    notices = [json_row for json_row in node.events("accepted")]
    check(notices, "there was mail at all")
    bounce = [row for row in node.queue() if row["recipient"].startswith(
        "ann@")]
    # the notice goes the way of all local mail: to the program, as ann
    check(bounce or any(e["to"].startswith("ann@")
                        for e in node.events("failed") + node.events("held")),
          "the sender's notice was made", node.events())


def faults():
    """What is wrong here lets mail wait, whatever it is."""
    node = site(KEEP)
    node.conf["queue"] = {"retry": ["1h"]}
    node.start()
    path = f"{node.world.dir}/program"

    def deferred(text, what):
        send(node, make("fault"), f"ann@{DOMAIN}")
        wait_until(lambda: [r["state"] for r in node.queue()] == ["deferred"],
                   20)
        rows = node.queue()
        check(len(rows) == 1 and text in rows[0]["reason"], what, rows)
        node.must("queue", "delete", "--all", "--yes")

    os.unlink(path)
    deferred("No such file", "a missing program")
    script(node.world, KEEP)
    os.chmod(path, 0o644)
    deferred("Permission denied", "one that may not be run")
    script(node.world, "#!/no/such/shell\n")
    deferred("No such file", "one whose interpreter is missing")
    script(node.world, "#!/bin/sh\nkill -9 $$\n")
    deferred("signal 9", "one that was killed")
    equal(len(node.doubts()), 1, "of which nobody knows what it did")


def too_long():
    node = site("#!/bin/sh\necho started\nsleep 600 &\ntrap '' TERM\n"
                "echo $$ $! >{dir}/pids\nsleep 600\n", timeout="2s")
    node.conf["queue"] = {"retry": ["1h"]}
    node.start()
    send(node, make("slow"), f"ann@{DOMAIN}")
    wait_until(lambda: [r["state"] for r in node.queue()] == ["deferred"], 30)
    check("longer than 2 s" in node.queue()[0]["reason"],
          "its time is limited", node.queue())
    with open(f"{node.world.dir}/pids", encoding="ascii") as stream:
        pids = stream.read().split()
    check(wait_until(lambda: not any(is_alive(p) for p in pids), 10),
          "its whole group was ended", pids)
    equal(len(node.doubts()), 1, "and it may have taken the message")


def leaves_a_writer():
    """What it left running writes for ever: its own end is what counts."""
    node = site("#!/bin/sh\ncat >/dev/null\nyes &\nsleep 1\nexit 0\n")
    node.start()
    send(node, make("taken"), f"ann@{DOMAIN}")
    check(wait_until(lambda: not node.queue(), 20), "it is delivered",
          node.queue())


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
            return stream.read().split(")")[-1].split()[0] not in "ZX"
    except OSError:
        return False


def stop_meanwhile():
    """A stop waits for it a little, and not long."""
    node = site("#!/bin/sh\ntouch {dir}/runs\nsleep 600\n").start()
    send(node, make("slow"), f"ann@{DOMAIN}")
    wait_until(lambda: os.path.exists(f"{node.world.dir}/runs"), 20)
    before = time.monotonic()
    equal(node.stop(), 0, "the daemon ends well")
    check(time.monotonic() - before < 18, "in its time")
    script(node.world, KEEP)
    node.start()
    wait_until(lambda: all(r["state"] != "active" for r in node.queue()), 20)
    node.must("queue", "retry", "--all", "--yes")
    equal(len(wait_got(node, 1)), 1, "it is delivered by the next one")
    check(node.doubts(), "the log has it as a possible double")


def killed():
    """kill -9 of the daemon while it runs: it ends, and is run again."""
    node = site("#!/bin/sh\necho $$ >{dir}/pid\nsleep 600\n").start()
    send(node, make("killed"), f"ann@{DOMAIN}")
    path = f"{node.world.dir}/pid"
    wait_until(lambda: os.path.exists(path) and os.path.getsize(path), 20)
    with open(path, encoding="ascii") as stream:
        pid = stream.read().strip()
    node.kill()
    check(wait_until(lambda: not is_alive(pid), 20),
          "the program ends with the daemon")
    script(node.world, KEEP)
    node.start()
    equal(len(wait_got(node, 1)), 1, "the next start runs it again")
    check(node.wait_queue_empty(), "and is done", node.queue())
    check(node.doubts(), "told as a possible double")


def helper_killed():
    """Without its helper the daemon says so, and loses nothing."""
    node = site(KEEP)
    node.conf["queue"] = {"retry": ["1s"]}
    node.start()
    for pid in glob.glob("/proc/[0-9]*"):
        try:
            with open(f"{pid}/stat", encoding="utf-8") as stream:
                name, rest = stream.read().split("(")[1].rsplit(")", 1)
        except OSError:
            continue
        if name == "tidepost-helper" and \
                rest.split()[1] == str(node.process.pid):
            os.kill(int(pid.split("/")[2]), signal.SIGKILL)
    send(node, make("alone"), f"ann@{DOMAIN}")
    check(wait_until(lambda: node.events("helper-lost"), 20),
          "the log says what to do")
    wait_until(lambda: [r["state"] for r in node.queue()] == ["deferred"], 20)
    check("start tidepostd anew" in node.queue()[0]["reason"],
          "and so does the queue", node.queue())
    node.stop()
    node.start()
    equal(len(wait_got(node, 1)), 1, "after that it is delivered")


def options():
    """An address is never an option, nor two arguments."""
    node = site(KEEP, "{user} {sender}")
    node.conf["queue"] = {"retry": ["1h"]}
    node.start()
    send(node, make("odd"), f"-rf@{DOMAIN}", f'"two words"@{DOMAIN}',
         f'"$(id)"@{DOMAIN}', f"`id`@{DOMAIN}")
    found = wait_got(node, 3)
    args = sorted([line[5:] for line in front if line.startswith("arg: ")][0]
                  for front, _ in found)
    equal(args, ["$(id)", "`id`", "two words"], "each is one argument")
    wait_until(lambda: node.events("failed"), 20)
    check("option" in node.events("failed")[0]["reply"],
          "what would be an option is refused", node.events("failed"))


def reload():
    """The helper reads the configuration too, and lives by the new one."""
    node = site(KEEP).start()
    node.restart()
    send(node, make("old"), f"ann@{DOMAIN}")
    equal(len(wait_got(node, 1)), 1, "the first program gets its mail")
    node.conf["local"]["deliver"] = "pipe:/bin/false"
    node.reload()
    send(node, make("new"), f"ann@{DOMAIN}")
    wait_until(lambda: node.events("failed"), 20)
    check("exit status 1" in node.events("failed")[0]["reply"],
          "after a reload it is the other one", node.events("failed"))


if __name__ == "__main__":
    run(environment, large, statuses, faults, too_long, leaves_a_writer,
        stop_meanwhile, killed, helper_killed, options, reload)
