#!/usr/bin/env python3
"""Figures of tidepost, side by side with Postfix: make bench.

    bench.py BUILD [--seconds S] [--rounds N] [--dir FOLDER] [--only PART]...

Parts: rate memory tls list customers drain domains
console. Slowness is told, never an error:
the exit status is 0 unless something did not work.
"""

import argparse
import contextlib
import os
import platform
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "lib"),
                os.path.join(ROOT, "tests", "interop"), HERE]

SESSIONS = (1, 10, 100)
MESSAGE_OCTETS = 2500
IDLE_TLS = 1000
LISTS = (10_000, 100_000)
PAGE_LINES = 50
SYNCS = 200
# The first aims: times Postfix's rate by sessions, MB, ms.
AIM_RATE = {1: 1.0, 100: 3.0}
AIM_IDLE_MB = 6
AIM_PAGE_MS = 50
CUSTOMERS, CUSTOMERS_MAIL = 1000, 100_000
AIM_ATRN_MS = 50


def arguments():
    parser = argparse.ArgumentParser(description="figures beside Postfix")
    parser.add_argument("build")
    parser.add_argument("--seconds", type=float, default=3,
                        help="of load in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", default="/var/tmp",
                        help="where both queues lie, on a real disk")
    parser.add_argument("--only", action="append",
                        choices=("rate", "memory", "tls", "list",
                                 "customers", "drain", "domains",
                                 "console"))
    return parser.parse_args()


ARGS = arguments()
os.environ["TIDEPOST_BUILD"] = os.path.abspath(ARGS.build)
os.environ["TIDEPOST_ROOT"] = ROOT

import console  # noqa: E402
import domains  # noqa: E402
import drain  # noqa: E402
from postfix import Postfix, why_not  # noqa: E402 (needs the path above)
from tidepost import (Authority, Node, Smtp, clean_up,  # noqa: E402
                      client_context, listener)


# --- what is measured with ---------------------------------------------------

def compile_tool(folder, name):
    program = f"{folder}/{name}"
    subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-O2",
                    "-D_GNU_SOURCE", "-o", program, f"{HERE}/{name}.c"],
                   check=True)
    return program


def load(folder, port, sessions, limit, recipient="ben@far.example"):
    """(messages a second, accepted, refused, median ms of one message)"""
    done = subprocess.run(
        [f"{folder}/load", "127.0.0.1", str(port), str(sessions), limit,
         "ann@bench.example", recipient, str(MESSAGE_OCTETS)],
        capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    accepted, refused, seconds, median_us, _ = done.stdout.split()
    rate = int(accepted) / float(seconds) if float(seconds) else 0
    return rate, int(accepted), int(refused), int(median_us) / 1000


def private_dirty_kb(*pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as stream:
            for line in stream:
                if line.startswith("Private_Dirty:"):
                    total += int(line.split()[1])
    return total


def sync_ms(folder):
    """Median of fdatasync behind an append of 4 KB, and the slow tenth."""
    times = []
    fd = os.open(f"{folder}/sync", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in range(SYNCS):
        os.write(fd, b"x" * 4096)
        began = time.perf_counter()
        os.fdatasync(fd)
        times.append((time.perf_counter() - began) * 1000)
    os.close(fd)
    os.unlink(f"{folder}/sync")
    return statistics.median(times), sorted(times)[SYNCS * 9 // 10]


def file_system(folder):
    done = subprocess.run(["df", "--output=fstype", folder],
                          capture_output=True, text=True)
    return done.stdout.split("\n")[-2].strip() if done.stdout else "unknown"


def verdict(good, aim):
    return f"aim: {aim} - {'met' if good else 'NOT MET'}"


def say(text=""):
    print(text, flush=True)


# --- tidepost's node ---------------------------------------------------------

def make_node(folder, name, tls=None):
    """Takes mail for everybody and has no link up: nothing is delivered."""
    many = 4 * IDLE_TLS
    return Node(folder, name, {
        "hostname": "bench.example",
        "listeners": [listener("smtp", "smtp", "offered" if tls else "none")],
        "tls": tls,
        "limits": {"connections": many, "connections_per_client": many},
        "peers": [{"name": "shore", "host": "127.0.0.1", "port": 9,
                   "tls": "none"}],
        "routes": [{"match": "*", "peers": ["shore"]}],
        "links": [{"name": "iridium", "peers": ["shore"]}],
    })


# --- parts -------------------------------------------------------------------

def measure_memory(node, postfix):
    """Idle, nothing received yet."""
    time.sleep(1)
    kb = private_dirty_kb(node.process.pid)
    say("idle daemon, private dirty memory")
    say(f"  tidepostd   {kb / 1024:6.1f} MB    "
        + verdict(kb < AIM_IDLE_MB * 1024, f"below {AIM_IDLE_MB} MB"))
    if postfix:
        pids = postfix.pids()
        kb = private_dirty_kb(*pids)
        say(f"  Postfix     {kb / 1024:6.1f} MB    ({len(pids)} processes)")
    say()


def measure_rate(folder, node, postfix):
    servers = {"tidepost": (node.port("smtp"), lambda: in_spool(node))}
    if postfix:
        servers["Postfix"] = (postfix.port, postfix.held)
    say(f"durable messages accepted a second ({MESSAGE_OCTETS} octets, "
        f"median of {ARGS.rounds} rounds of {ARGS.seconds:g} s in turn)")
    say("  sessions   tidepost   ms/msg    Postfix   ms/msg    ratio")
    syncs = []
    rounds = {}
    for sessions in SESSIONS:
        for _ in range(ARGS.rounds):
            syncs.append(sync_ms(folder)[0])
            for who, (port, _) in servers.items():
                rounds.setdefault((who, sessions), []).append(
                    load(folder, port, sessions, f"{ARGS.seconds}s"))
        print_rate(sessions, rounds)
    say(f"  fdatasync of a 4 KB append between the rounds: median "
        f"{statistics.median(syncs):.2f} ms "
        f"({min(syncs):.2f} to {max(syncs):.2f})")
    print_rounds(rounds)
    for who, (_, there) in servers.items():
        own = {n: r for (name, n), r in rounds.items() if name == who}
        check_all_there(who, own, there())
    say()


def in_spool(node):
    queue = node.status()["queue"]
    return queue["ready"] + queue["deferred"]


def check_all_there(who, rounds, there):
    """What was answered with 250 must be in the queue."""
    accepted = sum(row[1] for rows in rounds.values() for row in rows)
    refused = sum(row[2] for rows in rounds.values() for row in rows)
    # One message a session goes before, unmeasured.
    before = sum(n * len(rows) for n, rows in rounds.items())
    say(f"  {who}: {accepted + before} accepted, {there} in its queue, "
        f"{refused} refused")
    if there != accepted + before:
        raise RuntimeError(f"{who} does not hold what it accepted")


def print_rounds(rounds):
    for (who, sessions), rows in rounds.items():
        say(f"  {who} at {sessions}: "
            + " ".join(f"{row[0]:.0f}" for row in rows))


def print_rate(sessions, rounds):
    def median(who, column):
        return statistics.median(r[column] for r in rounds[who, sessions])

    rate = median("tidepost", 0)
    text = f"  {sessions:8}  {rate:9.0f}  {median('tidepost', 3):7.2f}"
    if ("Postfix", sessions) in rounds:
        other = median("Postfix", 0)
        ratio = rate / other
        text += (f"  {other:9.0f}  {median('Postfix', 3):7.2f}"
                 f"  {ratio:6.2f}x")
        aim = AIM_RATE.get(sessions)
        if aim:
            text += "  " + verdict(ratio >= aim, f"{aim:g}x or more")
    say(text)


def idle_session(port, context):
    session = Smtp(port)
    session.ehlo()
    session.starttls(context)
    session.ehlo()
    return session


def measure_tls(node):
    """Sessions that said EHLO under TLS and then nothing."""
    context = client_context()
    before = private_dirty_kb(node.process.pid)
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE_TLS):
            session = idle_session(node.port("smtp"), context)
            stack.callback(session.socket.close)
        time.sleep(0.5)
        grown = private_dirty_kb(node.process.pid) - before
    say(f"{IDLE_TLS} idle TLS sessions")
    say(f"  tidepostd   {grown / IDLE_TLS:6.1f} KB private dirty a session")
    say()


def list_once(folder, node, *args):
    """The words of page: first page ms, whole ms, peak KB, lines, status."""
    done = subprocess.run(
        [f"{folder}/page", str(PAGE_LINES), f"{ARGS.build}/tidepost", "-c",
         node.file, "queue", "list", *args],
        capture_output=True, text=True, timeout=600)
    page, whole, kb, lines, status = done.stdout.split()
    if status != "0":
        raise RuntimeError(f"queue list: exit {status}: {done.stderr}")
    return float(page), float(whole), int(kb), int(lines)


def best_list(folder, node, *args):
    rows = [list_once(folder, node, *args) for _ in range(5)]
    return [statistics.median(row[i] for row in rows) for i in range(4)]


def measure_list(folder, node):
    say(f"tidepost queue list (first page: {PAGE_LINES} lines; peak resident "
        "memory of the program)")
    say("  waiting              first page       whole       memory")
    have = 0
    for wanted in LISTS:
        # Each session brings one message more before it is measured.
        _, _, refused, _ = load(folder, node.port("smtp"), 100,
                                str(wanted - have - 100))
        if refused:
            raise RuntimeError(f"{refused} messages refused")
        have = wanted
        for words in ([], ["--limit", str(PAGE_LINES)], ["--json"]):
            page, whole, kb, lines = best_list(folder, node, *words)
            text = (f"  {wanted:7} {' '.join(words):12} {page:8.1f} ms "
                    f"{whole:8.1f} ms {kb / 1024:9.1f} MB")
            if wanted == LISTS[-1] and words != ["--json"]:
                text += "    " + verdict(
                    0 < page < AIM_PAGE_MS,
                    f"first page under {AIM_PAGE_MS} ms")
            say(text)
            if "--limit" not in words and lines < wanted:
                raise RuntimeError(f"the list has {int(lines)} lines")
    say()


# --- all of it ---------------------------------------------------------------

def raise_files():
    """Room for the descriptors of the idle sessions, here and in the node."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * IDLE_TLS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def measure_customers(folder):
    say(f"ATRN, {CUSTOMERS} customers with {CUSTOMERS_MAIL} messages waiting")
    done = subprocess.run(
        [f"{ARGS.build}/tests/bench/customers", folder, str(CUSTOMERS),
         str(CUSTOMERS_MAIL)], capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    for line in done.stdout.splitlines():
        kind, *times = line.split()
        look, look_worst, claim, claim_worst = map(float, times)
        say(f"  {kind + ' mail':14} look {look:6.2f} ms "
            f"(worst {look_worst:.2f}), first claim {claim:6.2f} ms "
            f"(worst {claim_worst:.2f})   "
            + verdict(look + claim < AIM_ATRN_MS,
                      f"{AIM_ATRN_MS} ms"))
    say()


def print_machine(folder, postfix):
    median, slow = sync_ms(folder)
    say(f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, "
        f"{folder} on {file_system(folder)}")
    if postfix:
        say(f"beside Postfix {postfix.version()} (mail held on arrival)")
    else:
        say(f"without Postfix: {why_not()}")
    say(f"fdatasync of a 4 KB append: median {median:.2f} ms, slowest tenth "
        f"from {slow:.2f} ms")
    say()


def wanted(part):
    return not ARGS.only or part in ARGS.only


def measure_all(folder):
    for name in ("load", "page"):
        compile_tool(folder, name)
    postfix = None if why_not() else Postfix(folder).start()
    try:
        print_machine(folder, postfix)
        node = make_node(folder, "rate").start()
        if wanted("memory"):
            measure_memory(node, postfix)
        if wanted("rate"):
            measure_rate(folder, node, postfix)
        node.kill()
    finally:
        if postfix:
            postfix.stop()
    if wanted("tls"):
        certificate, key = Authority(f"{folder}/ca").issue(
            "bench", "localhost")
        node = make_node(folder, "tls",
                         {"certificate": certificate, "key": key}).start()
        measure_tls(node)
        node.kill()
    if wanted("customers"):
        measure_customers(folder)
    if wanted("list"):
        node = make_node(folder, "list").start()
        measure_list(folder, node)
        node.kill()
    if wanted("drain"):
        drain.measure(say, verdict)
    if wanted("domains"):
        domains.measure(say)
        say()
    if wanted("console"):
        os.mkdir(f"{folder}/console")
        console.measure(say, verdict, ARGS.build, f"{folder}/console")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and clean up
    raise_files()
    ARGS.build = os.path.abspath(ARGS.build)
    folder = tempfile.mkdtemp(prefix="tidepost-bench-", dir=ARGS.dir)
    os.chmod(folder, 0o755)  # Postfix's own user must get through
    try:
        measure_all(folder)
    finally:
        clean_up()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
