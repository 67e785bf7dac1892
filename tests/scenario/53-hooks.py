#!/usr/bin/env python3
# limit: 300
"""Hooks out of the node: what runs when, with what, and what is never run."""

import os
import stat
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

EVENTS = ("link-up", "link-down", "drained", "mail-arrived", "mail-failed",
          "budget-reached", "stuck", "warning")
NAMES = ("EVENT", "HOST", "LINK", "STATE", "REASON", "MESSAGE", "SENDER",
         "RECIPIENT", "BYTES_SENT", "BYTES_RECEIVED", "MESSAGES_SENT",
         "MESSAGES_RECEIVED", "SECONDS", "COST")
# Writes the whole environment as one record; rename makes it whole.
RECORD = """#!/bin/sh
env -0 >"{folder}/tmp.$$"
mv "{folder}/tmp.$$" "{folder}/$(date +%s%N).$$"
"""


class Hooks:
    def __init__(self):
        self.dir = temp_dir()
        os.chmod(self.dir, 0o755)
        self.told_dir = f"{self.dir}/told"
        self.hooks = f"{self.dir}/hooks"
        os.mkdir(self.told_dir)
        os.mkdir(self.hooks)
        os.chmod(self.told_dir, 0o755)
        os.chmod(self.hooks, 0o755)

    def put(self, event, name, text, mode=0o755):
        folder = f"{self.hooks}/{event}.d"
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        path = f"{folder}/{name}"
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(path, mode)
        return path

    def record(self, *events):
        for event in events or EVENTS:
            self.put(event, "50-record", RECORD.format(folder=self.told_dir))
        return self

    def told(self, event=None):
        """What was told, in order: environments without TIDEPOST_."""
        found = []
        for name in sorted(os.listdir(self.told_dir)):
            if name.startswith("tmp"):
                continue
            with open(f"{self.told_dir}/{name}", "rb") as stream:
                rows = stream.read().decode("utf-8", "replace").split("\0")
            env = dict(row.split("=", 1) for row in rows if "=" in row)
            found.append({k.removeprefix("TIDEPOST_"): v
                          for k, v in env.items()})
        return [e for e in found if event in (None, e["EVENT"])]

    def wait(self, event, count=1, seconds=20):
        check(wait_until(lambda: len(self.told(event)) >= count, seconds),
              f"{event} is told {count} times", [e["EVENT"] for e in self.told()])
        return self.told(event)


def site_with(hooks, peer=None, start=True, env=None, **conf):
    world = World()
    peer = peer or Peer(auth=False)
    site = world.make_site(
        peer=world.peer(submission=peer.port, host="127.0.0.1", tls="none",
                        user=None, password_file=None, collect="none",
                        collect_port=None),
        hooks=hooks.hooks, **conf)
    if start:
        site.start(env)
    return site, peer


def hand_in(site, to="ben@shore.example", sender="ann@aurora.example.org"):
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        reply = client.mail(sender, to, make("for a hook"))
        equal(reply.code, 250, f"{to} is accepted")
        return reply.message_id


def life_of_a_session():
    """link-up, drained, link-down, in this order, with what was moved."""
    hooks = Hooks().record()
    site, peer = site_with(hooks)
    hand_in(site)
    equal(site.link_up("iridium"), 0, "the mail goes")
    up = hooks.wait("link-up")[0]
    check(all(name in up for name in NAMES), "every name is set", sorted(up))
    equal((up["HOST"], up["LINK"], up["MESSAGE"]),
          ("aurora.example.org", "iridium", ""), "link-up says which")
    drained = hooks.wait("drained")[-1]
    equal((drained["STATE"], drained["MESSAGES_SENT"]), ("idle", "1"),
          "drained says what went")
    site.link_down("iridium")
    down = hooks.wait("link-down")[0]
    check(int(down["BYTES_SENT"]) > 300 and int(down["BYTES_RECEIVED"]) > 100,
          "link-down says how much", down)
    check(int(down["SECONDS"]) >= 0, "and how long", down)
    order = [e["EVENT"] for e in hooks.told()]
    check(order[0] == "link-up" and order[-1] == "link-down",
          "in this order", order)


def mail_events():
    """mail-arrived for a mailbox of ours, mail-failed for what is given up."""
    hooks = Hooks().record()
    site, _ = site_with(hooks, Peer(
        auth=False, rules={"RCPT": "550 5.1.1 no such\tuser \x1b[31m here"}))
    one = hand_in(site, "carl@aurora.example.org")
    arrived = hooks.wait("mail-arrived")[0]
    equal((arrived["MESSAGE"], arrived["RECIPIENT"], arrived["SENDER"]),
          (one, "carl@aurora.example.org", "ann@aurora.example.org"),
          "mail-arrived says which")
    two = hand_in(site)
    site.link_up("iridium")
    failed = hooks.wait("mail-failed")[0]
    equal((failed["MESSAGE"], failed["RECIPIENT"]),
          (two, "ben@shore.example"), "mail-failed says which")
    check("no such" in failed["REASON"], "and why", failed)
    check(all(ord(c) >= 32 for v in failed.values() for c in v),
          "without control octets", failed)


def not_our_secrets():
    """Little of our environment, and none of our descriptors."""
    hooks = Hooks().record("link-up")
    hooks.put("link-up", "60-open", "#!/bin/sh\nls -l /proc/$$/fd >"
              f'"{hooks.dir}/fds"\npwd >"{hooks.dir}/pwd"\n')
    site, _ = site_with(hooks, env={"SECRET_TOKEN": "x",
                                    "NOTIFY_SOCKET": "/nowhere"})
    site.link_up("iridium")
    env = hooks.wait("link-up")[0]
    check("SECRET_TOKEN" not in env and "NOTIFY_SOCKET" not in env,
          "our environment is not passed on", sorted(env))
    equal(env.get("CONF"), site.file, "the configuration's name is")
    check(wait_until(lambda: os.path.exists(f"{hooks.dir}/pwd")), "it ran")
    with open(f"{hooks.dir}/fds", encoding="utf-8") as stream:
        fds = [line for line in stream if "->" in line]
    check(not any(word in line for line in fds
                  for word in ("spool", "socket", "eventpoll")),
          "no descriptor of ours is", fds)
    with open(f"{hooks.dir}/pwd", encoding="utf-8") as stream:
        equal(stream.read().strip(), "/", "it runs in /")


def never_run():
    """What others can write, and what is no program, is said once."""
    hooks = Hooks().record("link-up")
    hooks.put("link-up", "10-open", RECORD.format(folder=hooks.told_dir), 0o777)
    hooks.put("link-up", "20-no-x", RECORD.format(folder=hooks.told_dir), 0o644)
    hooks.put("link-up", "25-backup~", RECORD.format(folder=hooks.told_dir))
    hooks.put("link-up", ".hidden", RECORD.format(folder=hooks.told_dir))
    hooks.put("link-up", "30-no-first-line", "\x7fnonsense\n")
    os.mkdir(f"{hooks.hooks}/link-up.d/40-folder")
    os.symlink("/nowhere", f"{hooks.hooks}/link-up.d/45-dangling")
    if os.geteuid() == 0:
        os.chown(hooks.put("link-up", "15-foreign",
                           RECORD.format(folder=hooks.told_dir)), 12345, 12345)
    site, _ = site_with(hooks)
    for _ in range(2):
        site.link_up("iridium")
        site.link_down("iridium")
    hooks.wait("link-up", 2)
    said = [e["text"] for e in site.events("hook-not-run")]
    for word in ("10-open can be written by anybody", "20-no-x is not executable",
                 "40-folder", "45-dangling"):
        equal(len([s for s in said if word in s]), 1, f"said once: {word}")
    if os.geteuid() == 0:
        check(any("15-foreign belongs to" in s for s in said),
              "a foreign owner is said", said)
    check(not any("backup" in s or "hidden" in s for s in said),
          "leftovers are passed over in silence", said)
    equal(len(hooks.told()), 2, "just the good one ran, once each time")
    os.chmod(hooks.hooks, 0o777)
    site.reload()
    site.link_up("iridium")
    check(wait_until(lambda: any(
        s["text"].startswith(f"{hooks.hooks} can be written")
        for s in site.events("hook-not-run"))),
          "a folder that anybody can write is not used")
    time.sleep(0.3)
    equal(len(hooks.told()), 2, "nothing of it ran")


def in_order():
    """By name, one after the other; a bad end does not stop the next."""
    hooks = Hooks()
    for name, text in (("20-second", "echo second; exit 3"),
                       ("10-first", "sleep 0.3; echo first"),
                       ("30-third", "kill -9 $$"),
                       ("40-fourth", "echo fourth >&2")):
        hooks.put("link-up", name, f"#!/bin/sh\n{text}\n")
    site, _ = site_with(hooks)
    site.link_up("iridium")
    check(wait_until(lambda: len(site.events("hook")) == 4), "four ran",
          site.events("hook"))
    equal([e["text"] for e in site.events("hook-output")],
          ["first", "second", "fourth"], "what they say is in the log")
    equal([os.path.basename(e["hook"]) for e in site.events("hook")],
          ["10-first", "20-second", "30-third", "40-fourth"], "by name")
    ends = " ".join(e["text"] for e in site.events("hook"))
    check("3" in ends and "9" in ends, "how they ended, too", ends)


def hangs():
    """Ended after a minute, with all it started; mail does not wait."""
    hooks = Hooks().record("drained")
    hooks.put("link-up", "10-hang",
              f'#!/bin/sh\nsleep 1000 & echo $! >"{hooks.dir}/child"\n'
              "trap '' TERM\nsleep 1000\nsleep 1000\n")
    hooks.put("link-up", "20-next", RECORD.format(folder=hooks.told_dir))
    world_shim = Shim(hooks.dir)
    site, peer = site_with(hooks, env=world_shim.env(speed=20))
    hand_in(site)
    site.must("link", "up", "iridium")
    check(wait_until(lambda: peer.mails), "mail goes meanwhile", site.queue())
    hooks.wait("link-up", 1, 40)
    with open(f"{hooks.dir}/child", encoding="utf-8") as stream:
        child = int(stream.read())
    check(wait_until(lambda: not alive(child)), "its children are ended, too")
    hooks.wait("drained")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def floods():
    """A hook that never stops talking."""
    hooks = Hooks()
    hooks.put("link-up", "10-flood", "#!/bin/sh\nyes flood | head -n 100000\n")
    hooks.put("link-up", "20-next", RECORD.format(folder=hooks.told_dir))
    site, _ = site_with(hooks)
    site.link_up("iridium")
    hooks.wait("link-up")
    check(len(site.events("hook-output")) <= 201, "the log has a part of it",
          len(site.events("hook-output")))


def stop_meanwhile():
    """The daemon ends a hook that runs when it is stopped."""
    hooks = Hooks()
    hooks.put("link-up", "10-long",
              f'#!/bin/sh\necho $$ >"{hooks.dir}/pid"\nexec sleep 1000\n')
    site, _ = site_with(hooks)
    site.must("link", "up", "iridium")
    check(wait_until(lambda: os.path.exists(f"{hooks.dir}/pid")
                     and os.path.getsize(f"{hooks.dir}/pid")), "it runs")
    with open(f"{hooks.dir}/pid", encoding="utf-8") as stream:
        pid = int(stream.read())
    equal(site.stop(), 0, "the daemon ends well")
    check(not alive(pid), "the hook has ended")


def balanced(told):
    """link-up and link-down by turns, up first."""
    names = [e["EVENT"] for e in told if e["EVENT"].startswith("link-")]
    return all(n == ("link-up", "link-down")[i % 2]
               for i, n in enumerate(names))


def twice_and_out_of_order():
    """Up twice, down twice, down first: each change is told once."""
    hooks = Hooks().record("link-up", "link-down")
    site, _ = site_with(hooks)
    for verb in ("down", "up", "up", "down", "down", "up", "down"):
        site.must("link", verb, "iridium")
    hooks.wait("link-down", 2)
    time.sleep(0.5)
    check(balanced(hooks.told()), "by turns", [e["EVENT"] for e in hooks.told()])
    equal(len(hooks.told()), 4, "and none twice")


def after_a_crash():
    """Killed while up: the next start goes on from what was told."""
    hooks = Hooks().record("link-up", "link-down")
    site, _ = site_with(hooks)
    site.must("link", "up", "iridium")
    hooks.wait("link-up")
    site.kill()
    site.start()
    site.must("link", "down", "iridium")
    hooks.wait("link-down")
    site.must("link", "up", "iridium")
    hooks.wait("link-up", 2)
    check(balanced(hooks.told()), "by turns", [e["EVENT"] for e in hooks.told()])
    site.stop()
    site.conf["links"] = [{"name": "other", "peers": ["shore"]}]
    site.start()
    check(wait_until(lambda: [e["LINK"] for e in hooks.told("link-down")]
                     .count("iridium") == 2), "a link that is gone is down",
          hooks.told("link-down"))


def told_at_the_next_start():
    """A line that the daemon hangs up when it ends is down for hooks, too."""
    hooks = Hooks().record("link-up", "link-down")
    site, _ = site_with(hooks, Peer(auth=False, rules={"EHLO": STALL}), links=[{
        "name": "iridium", "peers": ["shore"],
        "dial": {"up": "true", "down": "true", "timeout": "60s"}}])
    hand_in(site)
    site.must("link", "call", "iridium")
    hooks.wait("link-up")
    equal(site.stop(), 0, "it hangs up and ends")
    equal(hooks.told("link-down"), [], "no hook is begun while it ends")
    site.start()
    equal([e["LINK"] for e in hooks.wait("link-down")], ["iridium"],
          "the next start tells")


def stuck():
    """Two automatic calls in vain."""
    hooks = Hooks().record("stuck")
    site, _ = site_with(
        hooks, Peer(auth=False, rules={"greeting": "554 5.3.2 never"}),
        env=Shim(hooks.dir).env(speed=100),
        links=[{"name": "iridium", "peers": ["shore"],
                "dial": {"up": "true", "down": "true", "timeout": "1h",
                         "call_at_once_priority": 0}}])
    hand_in(site)
    told = hooks.wait("stuck", 1, 60)[0]
    check("never" in told["REASON"], "it says why", told)
    equal(told["LINK"], "iridium", "and where")


def budget():
    hooks = Hooks().record("budget-reached")
    site, _ = site_with(hooks, links=[{
        "name": "iridium", "peers": ["shore"],
        "budget": {"day": {"bytes": "10K"}}}])
    for _ in range(12):
        hand_in(site)
    equal(site.link_up("iridium"), 11, "the budget is not enough")
    told = hooks.wait("budget-reached")[0]
    equal(told["LINK"], "iridium", "it says which link")
    check(told["REASON"], "and which budget", told)
    time.sleep(0.5)
    equal(len(hooks.told()), 1, "once")


def warns():
    """A clock that is not set, once; again after it was set and is not."""
    hooks = Hooks().record("warning")
    site, _ = site_with(hooks, env=Shim(hooks.dir).env(clock=-40 * 365 * 86400))
    warning = hooks.wait("warning")[0]
    equal(warning["REASON"], "clock", "the reason is a word")
    check("must be later" in warning["TEXT"], "the text says it all", warning)


def warnings_of(hooks, reason):
    wait_until(lambda: [e for e in hooks.told("warning")
                        if e["REASON"] == reason])
    return [e["TEXT"] for e in hooks.told("warning") if e["REASON"] == reason]


def warns_of_certificate_and_disk():
    hooks = Hooks().record("warning")
    site, _ = site_with(hooks, start=False)
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 9 * 86400))
    certificate, key = Authority(f"{site.dir}/ca").issue(
        "short", "aurora.example.org",
        span=["-startdate", "20000101000000Z", "-enddate", end])
    site.conf["tls"].update(certificate=certificate, key=key)
    site.conf["limits"] = {"disk_reserve": "1T"}
    site.start()
    texts = warnings_of(hooks, "certificate")
    check(len(texts) == 1 and certificate in texts[0], "which one ends", texts)
    room = os.statvfs(site.dir)
    if room.f_bavail * room.f_frsize > 2 << 40:
        skip_part("this disk is too large to be nearly full")
        return
    texts = warnings_of(hooks, "disk")
    check(len(texts) == 1 and "nearly full" in texts[0],
          "the disk is nearly full", texts)


def warns_of_a_drop_directory():
    hooks = Hooks().record("warning")
    site, _ = site_with(hooks, start=False)
    drop = f"{site.dir}/drop"
    os.mkdir(drop)
    os.chmod(drop, 0o777)
    site.conf["programs"] = {"drop": drop}
    site.start()
    texts = warnings_of(hooks, "drop")
    check(len(texts) == 1 and drop in texts[0] and "3733" in texts[0],
          "which one, and what to do", texts)


def warns_of_logins():
    """Ours, which a peer refuses; those of others, which are slowed."""
    hooks = Hooks().record("warning")
    world = World()
    peer = Peer(context=server_context(*world.ca.issue(
        "shore", "mail.shore.example")), rules={"AUTH": "535 5.7.8 no"})
    site = world.make_site(
        peer=world.peer(submission=peer.port, collect="none",
                        collect_port=None),
        hooks=hooks.hooks, limits={"auth_failures_per_client": 2}).start()
    hand_in(site)
    equal(site.link_up("iridium"), 14, "the peer refuses our login")
    texts = warnings_of(hooks, "login")
    check(texts and "shore does not let us in" in texts[0], "it is told", texts)
    for _ in range(5):
        with Smtp(site.port("submission")) as client:
            client.ehlo()
            client.starttls(client_context())
            client.ehlo()
            client.send(b"AUTH PLAIN AGFubgB3cm9uZw==\r\n")
            client.reply()
    check(wait_until(lambda: any("127.0.0.1" in t for t in
                                 warnings_of(hooks, "login"))),
          "so are wrong logins", hooks.told())
    equal(len([t for t in warnings_of(hooks, "login") if "127.0.0.1" in t]), 1,
          "once")


def reload_changes():
    """Another folder, or none."""
    one, two = Hooks().record("link-up"), Hooks().record("link-up")
    site, _ = site_with(one, sandbox=False)  # else that needs a new start
    site.stop()
    site.start()  # with fixed ports: a reload keeps its listeners
    site.must("link", "up", "iridium")
    one.wait("link-up")
    site.must("link", "down", "iridium")
    site.conf["hooks"] = two.hooks
    site.reload()
    site.must("link", "up", "iridium")
    two.wait("link-up")
    site.must("link", "down", "iridium")
    site.conf["hooks"] = None
    site.reload()
    site.must("link", "up", "iridium")
    site.must("link", "down", "iridium")
    time.sleep(0.5)
    equal((len(one.told()), len(two.told())), (1, 1), "none after that")


def crowded():
    """More events than a slow hook can take: bounded, said, never in the way."""
    hooks = Hooks()
    hooks.put("mail-failed", "10-slow", "#!/bin/sh\nsleep 30\n")
    site, _ = site_with(hooks)
    with Smtp(site.port("lan")) as client:
        client.ehlo()
        for i in range(11):
            client.mail("ann@aurora.example.org",
                        [f"u{i}x{k}@shore.example" for k in range(100)],
                        make("many"))
    site.must("queue", "return", "--all", "--yes")
    check(wait_until(lambda: not site.queue("--route", "*"), 120),
          "all is given up", len(site.queue()))
    equal(site.stop(), 0, "and it ends well")
    dropped = [int(e["count"]) for e in site.events("hooks-dropped")
               if e["on"] == "mail-failed"]
    check(len(dropped) == 1 and 99 <= dropped[0] <= 100,
          "what was dropped is counted", dropped)


def pairs_go_together():
    """A link flaps faster than its hook runs: what goes, goes by pairs."""
    hooks = Hooks().record("link-up", "link-down")
    hooks.put("link-up", "10-slow", "#!/bin/sh\nsleep 2\n")
    site, _ = site_with(hooks)
    for _ in range(25):
        site.must("link", "up", "iridium")
        site.must("link", "down", "iridium")
    check(wait_until(lambda: site.events("hooks-dropped"), 60),
          "it says what was dropped")
    dropped = {e["on"]: int(e["count"]) for e in site.events("hooks-dropped")}
    equal(dropped.get("link-up"), dropped.get("link-down"), "by pairs")
    left = 25 - dropped.get("link-up", 0)
    equal(len(hooks.wait("link-down", left)), left, "the rest is told")
    equal(len(hooks.told("link-up")), left, "each of it")
    check(balanced(hooks.told()), "by turns", [e["EVENT"] for e in hooks.told()])


run(life_of_a_session, mail_events, not_our_secrets, never_run, in_order,
    hangs, floods, stop_meanwhile, twice_and_out_of_order, after_a_crash,
    stuck, budget, warns, reload_changes, crowded,
    pairs_go_together, warns_of_certificate_and_disk,
    warns_of_a_drop_directory, warns_of_logins,
    told_at_the_next_start)
