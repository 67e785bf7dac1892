#!/usr/bin/env python3
"""The customers of a provider: settings, lists, import and export, with the
daemon up and down."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import csv
import io
import sqlite3
import stat

USAGE, DATA = 64, 65
MANY = 3000


def shore_node(up=True):
    world = World()
    shore = world.make_shore()
    if up:
        shore.start()
    else:
        shore.write_conf()
    return world, shore


def show(shore, name="aurora"):
    return shore.rows("customer", "show", name)[0]


def write(shore, name, text):
    path = f"{shore.dir}/{name}"
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    return path


def export(shore, name="export"):
    path = f"{shore.dir}/{name}"
    shore.must("customer", "export", path)
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600,
          "an export is nobody else's to read")
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def refused(shore, status, words, *args, text=None):
    done = shore.cli("customer", *args, text=text)
    equal(done.returncode, status, f"customer {' '.join(args)}: exit")
    for word in words:
        check(word in done.stderr, f"customer {args}: says {word}",
              done.stderr)
    return done.stderr


# --- settings ---

def check_settings(shore, where):
    shore.must("customer", "add", "aurora", "--domain", "Aurora.Example.ORG",
               "--domain", "crew.example", "--quota", "20M", "--max-size",
               "512K", "--lifetime", "7d", "--network", "192.0.2.0/24",
               "--network", "2001:db8::/32", "--etrn", "[2001:db8::7]:2525",
               "--recipients", "verify", "--password-stdin",
               text=PASSWORD + "\n")
    row = show(shore)
    equal({k: row[k] for k in ("domains", "quota", "max_size", "lifetime",
                               "networks", "etrn", "recipients")},
          {"domains": ["aurora.example.org", "crew.example"],
           "quota": 20 << 20, "max_size": 512 << 10, "lifetime": 7 * 86400,
           "networks": ["192.0.2.0/24", "2001:db8::/32"],
           "etrn": "[2001:db8::7]:2525", "recipients": "verify"},
          f"{where}: all settings are shown")
    shore.must("customer", "set", "aurora", "--quota", "", "--max-size=",
               "--lifetime=", "--network=", "--etrn=", "--recipients", "any")
    row = show(shore)
    equal([row[k] for k in ("quota", "max_size", "lifetime", "networks",
                            "etrn", "recipients")],
          [None, None, None, [], None, "any"],
          f"{where}: an empty value takes a setting away")


def check_refusals(shore, where):
    shore.must("customer", "add", "kestrel", "--domain", "kestrel.example")
    before = export(shore, "before")
    for option, value in (("--quota", "lots"), ("--max-size", "-1"),
                          ("--lifetime", "soon"), ("--network", "10.0.0.0/33"),
                          ("--network", "0.0.0.0/0"), ("--etrn", "h:0"),
                          ("--etrn", "2001:db8::1"), ("--domain", "a b"),
                          ("--max-priority", "10")):
        refused(shore, USAGE, [option, value], "set", "aurora",
                f"{option}={value}")
    refused(shore, DATA, ["kestrel.example", "customer kestrel"],
            "set", "aurora", "--domain", "KESTREL.example")
    refused(shore, DATA, ["shore.example", "local.domains"],
            "add", "other", "--domain", "shore.example")
    refused(shore, DATA, ["aurora", "taken"], "add", "aurora", "--domain",
            "x.example")
    refused(shore, DATA, ["needs a domain"], "set", "aurora", "--domain", "")
    equal(export(shore, "after"), before,
          f"{where}: what was refused changed nothing")


def check_lists(shore, where):
    good = write(shore, "crew", "# the crew\ncaptain@aurora.example.org\n\n"
                 "Mate@Crew.Example # and her\ncaptain@aurora.example.org\n")
    shore.must("customer", "set", "aurora", "--recipients", good)
    row = show(shore)
    equal([row["recipients"], row["listed"]], ["list", 2],
          f"{where}: a list of two")
    bad = write(shore, "bad", "captain@aurora.example.org\nmate\n"
                "spy@kestrel.example\n\x1b[2J@aurora.example.org\n")
    said = refused(shore, DATA, [f"{bad}:2:", f"{bad}:3:", f"{bad}:4:",
                                 "3 wrong lines"],
                   "set", "aurora", "--recipients", bad)
    check("\x1b" not in said, "nothing of it moves a cursor", said)
    refused(shore, DATA, ["no address"], "set", "aurora", "--recipients",
            write(shore, "empty", "# nobody\n"))
    refused(shore, DATA, ["nowhere"], "set", "aurora", "--recipients",
            "nowhere")
    equal(show(shore)["listed"], 2, f"{where}: the list is as it was")
    many = "".join(f"u{i}@crew.example\n" for i in range(20000))
    shore.must("customer", "set", "aurora", "--recipients", "-", text=many)
    equal(show(shore)["listed"], 20000, f"{where}: 20,000 in one stroke")
    refused(shore, DATA, ["100000"], "set", "aurora", "--recipients", "-",
            text="".join(f"u{i}@crew.example\n" for i in range(100001)))
    equal(show(shore)["listed"], 20000, f"{where}: too many change nothing")
    shore.must("customer", "set", "aurora", "--recipients", good)
    shore.must("customer", "set", "aurora", "--domain", "crew.example")
    equal(show(shore)["listed"], 1,
          f"{where}: who is outside the domains is in no list")


def settings():
    for up in (True, False):
        where = "up" if up else "down"
        _, shore = shore_node(up)
        check_settings(shore, where)
        check_refusals(shore, where)
        check_lists(shore, where)


# --- import and export ---

LINES = """\
# customers of the provider
aurora domain=aurora.example.org,crew.example quota=20M max-size=1M
  lifetime=7d network=192.0.2.0/24,2001:db8::/32 etrn=[2001:db8::1]:25
\trecipients=list recipient=captain@aurora.example.org
\trecipient=%22a%2Cb%22@crew.example password=seven-gulls
kestrel domain=kestrel.example suspended recipients=verify password=%C3%A9t%20%25
müller domain=m%C3%BCller.example sender=*@else.example max-priority=urgent
cram domain=cram.example cram-md5 password=seven-gulls
"""


def check_import(shore, where):
    file = write(shore, "customers", LINES)
    said = shore.must("customer", "import", file, "--dry-run")
    check("4 customers would be added" in said, f"{where}: a dry run", said)
    equal(shore.rows("customer", "list"), [], f"{where}: does nothing")
    said = shore.must("customer", "import", file)
    check("4 customers added, 0 changed" in said, f"{where}: import", said)
    row = show(shore)
    equal([row["quota"], row["listed"], row["lifetime"], row["etrn"]],
          [20 << 20, 2, 7 * 86400, "[2001:db8::1]:25"],
          f"{where}: with its settings")
    check(show(shore, "kestrel")["suspended"], f"{where}: suspended")
    equal(show(shore, "müller")["max_priority"], 4, f"{where}: a priority")
    first = export(shore)
    check("seven-gulls" not in "".join(
        line for line in first.split("\n") if "cram" not in line),
        "an export holds verifiers, not passwords", first)
    said = shore.must("customer", "import", "-", text=first)
    check("0 customers added, 4 changed" in said, f"{where}: again", said)
    equal(export(shore), first, f"{where}: the same again")
    world, other = shore_node(up=where == "up")
    other.must("customer", "import", "-", text=first)
    equal(export(other), first, f"{where}: the same in an empty spool")
    shore.must("customer", "import", "-",
               text="aurora domain=kestrel.example\n"
                    "kestrel domain=aurora.example.org\n")
    row = show(shore)
    equal([row["domains"], row["quota"], row["listed"]],
          [["kestrel.example"], None, None],
          f"{where}: what is not said is gone, domains change hands")
    return world, other


def check_errors(shore, where):
    before = export(shore, "before")
    text = ("\tquota=1M\n"
            "good domain=good.example\n"
            "bad domain=a..b quota=much colour=red\n"
            "good domain=other.example\n"
            "twin domain=good.example\n"
            "ours domain=shore.example\n"
            "taken domain=cram.example\n"
            "captain domain=captain.example\n"
            "listed domain=l.example recipients=list\n"
            "  recipient=x@l.example\n"
            "  recipient=x@elsewhere.example\n"
            "domain=nameless.example\n"
            "\x1b[31m domain=esc.example\n"
            "none quota=1M\n"
            "pass domain=p.example password=a verifier=b\n"
            "hex domain=p%2.example\n")
    shore.must("user", "add", "captain", "--password-stdin",
               text=PASSWORD + "\n")
    file = write(shore, "wrong", text)
    said = refused(shore, DATA, ["nothing was changed"] + [
        f"{file}:{n}: {word}" for n, word in (
            (1, "quota=1M: goes on"), (3, "domain: a..b"), (3, "quota: much"),
            (3, "colour: not a setting"), (4, "name good"),
            (5, "domain good.example is that of line 2"),
            (6, "domain shore.example is one of local.domains"),
            (7, "domain cram.example belongs to customer cram"),
            (8, "the name captain is that of a user"),
            (11, "recipient x@elsewhere.example"),
            (12, "domain=nameless.example: a line begins with a name"),
            (14, "customer none needs domain="),
            (15, "verifier: not a SCRAM-SHA-256 verifier"),
            (16, "domain: a value"))], "import", file)
    check("\x1b" not in said, "no control characters are repeated", said)
    check(f"{file}:13: " in said, "a name with controls", said)
    numbers = [int(line.split(":")[1]) for line in said.split("\n")
               if line.startswith(file + ":")]
    equal(numbers, sorted(numbers), f"{where}: in order of the lines")
    equal(export(shore, "after"), before, f"{where}: nothing was changed")


def login_works(world, shore):
    with Smtp(shore.port("submission")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        equal(client.auth_plain("aurora", PASSWORD).code, 235,
              "a restored customer logs in")


def imports():
    for up in (True, False):
        where = "up" if up else "down"
        _, shore = shore_node(up)
        world, restored = check_import(shore, where)
        if up:
            login_works(world, restored)
        check_errors(shore, where)


def line_of(i):
    return (f"c{i} domain=c{i}.example,d{i}.example quota={i + 1}M "
            f"network=192.0.2.{i % 250}/32\n")


def many():
    _, shore = shore_node()
    text = "".join(line_of(i) for i in range(MANY))
    wrong = text + "c0 domain=again.example\nlast domain=c7.example\n"
    said = refused(shore, DATA, [f":{MANY + 1}: ", f":{MANY + 2}: "],
                   "import", "-", text=wrong)
    equal(len(said.strip().split("\n")), 3, "two errors and a sentence")
    equal(shore.rows("customer", "list"), [], "nothing was changed")
    said = shore.must("customer", "import", "-", text=text)
    check(f"{MANY} customers added, 0 changed" in said, "3,000 at once", said)
    equal(len(shore.rows("customer", "list")), MANY, "all are there")
    with Smtp(shore.port("smtp")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<eve@else.example>")
        equal(client.cmd(f"RCPT TO:<x@d{MANY - 1}.example>").code, 250,
              "the daemon knows them at once")
    said = shore.must("customer", "import", "-", text=line_of(3))
    check("0 customers added, 1 changed" in said, "one of them", said)
    shore.stop()
    said = shore.must("customer", "import", "-",
                      text=text.replace("quota=", "max-size="))
    check(f"0 customers added, {MANY} changed" in said, "and down", said)


def hostile():
    _, shore = shore_node()
    for text in ("a" * 100000 + " domain=x.example\n",
                 "x domain=" + "a." * 50000 + "example\n",
                 "x " + "domain=" + ",".join(f"d{i}.example"
                                             for i in range(1001)) + "\n",
                 "x domain=x.example password=" + "p" * 300 + "\n",
                 "x domain=x.example password=%00\n",
                 "x domain=x.example quota=99999999999999999999\n",
                 "x\u200e=y\n", "\0\n", "x\0y domain=x.example\n"):
        done = shore.cli("customer", "import", "-", text=text)
        equal(done.returncode, DATA, f"refused: {text[:40]!r}")
    equal(shore.rows("customer", "list"), [], "nobody came of it")
    equal(shore.cli("customer", "import", "-", text="").returncode, 0,
          "an empty file has no errors")
    equal(shore.cli("customer", "import", "/nowhere").returncode, DATA,
          "a file that is not there")
    equal(shore.cli("customer", "export", "/nowhere/x").returncode, 73,
          "a folder that is not there")
    check(shore.is_running(), "the daemon runs on")


# --- statements ---

def to_aurora(world, count, to="cap@aurora.example.org"):
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        for i in range(count):
            equal(client.mail("eve@else.example", to,
                              make(f"mail {i}")).code, 250, "mail is held")


def session_rows(shore):
    """What the sessions of aurora wrote down, from the spool itself."""
    with sqlite3.connect(f"file:{shore.dir}/spool/spool.db?mode=ro",
                         uri=True) as db:
        return db.execute(
            "SELECT ended - started, bytes_sent, bytes_received, "
            "messages_sent FROM session WHERE peer = 'aurora'").fetchall()


def statements():
    world = World()
    site, shore = world.pair()
    shore.must("customer", "add", 'a,"b', "--domain", "b.example")
    to_aurora(world, 3)
    equal(site.link_up("iridium"), 0, "aurora collects")
    site.link_down("iridium")
    to_aurora(world, 2)
    equal(site.link_up("iridium"), 0, "and again")
    to_aurora(world, 1)
    site.link_down("iridium")
    rows = []
    check(wait_until(lambda: rows.extend(session_rows(shore)) or
                     len(session_rows(shore)) == 2, 10), "two sessions")
    rows = session_rows(shore)
    now = shore.rows("customer", "statement", "aurora")[0]
    equal([now[k] for k in ("sessions", "seconds", "bytes_sent",
                            "bytes_received", "messages_delivered")],
          [2] + [sum(row[i] for row in rows) for i in range(4)],
          "the statement is what the sessions say")
    equal([now[k] for k in ("received", "delivered", "held", "expired",
                            "returned", "quarantined")], [6, 5, 1, 0, 0, 0],
          "and what became of the deliveries")
    text = shore.must("customer", "statement", "--all", "--csv")
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    equal([row["name"] for row in table], ['a,"b', "aurora"],
          "CSV: all of them, quoted where it must be")
    equal({k: str(v) for k, v in now.items()}, table[1], "CSV: the same")
    past = shore.rows("customer", "statement", "aurora", "--month",
                      "2001-02")[0]
    equal([past["month"], past["sessions"], past["delivered"]],
          ["2001-02", 0, 0], "a month in which nothing was")
    shore.stop()
    equal(shore.rows("customer", "statement", "aurora"), [now],
          "with the daemon down the same")
    for args, status in ((["--month", "2026-13"], USAGE),
                         (["aurora", "--all"], USAGE),
                         (["--csv", "--json"], USAGE), (["nobody"], DATA)):
        equal(shore.cli("customer", "statement", *args).returncode, status,
              f"statement {args}")


# --- what came of the last call ---

def call(world, words="ATRN", password=PASSWORD):
    """The reply of the provider to who calls as aurora."""
    with Smtp(world.shore.port("odmr")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        reply = client.auth_plain("aurora", password)
        return reply if reply.code != 235 else client.cmd(words)


def told(world, code, reply, *words):
    equal(reply.code, code, f"the caller hears {code}")

    def last():
        return show(world.shore)["last_result"] or ""

    check(wait_until(lambda: all(w in last() for w in words), 10),
          f"customer show: {words}", last())
    check(words[0] in world.shore.must("customer", "show", "aurora"),
          "in plain words too")


def last_calls():
    world = World()
    shore = world.make_shore(limits={"atrn_per_hour": 4}).start()
    world.add_customer()
    equal(show(shore)["last_result"], None, "it never called")
    told(world, 535, call(world, password="six-gulls"), "wrong password",
         "127.0.0.1", "customer passwd")
    told(world, 453, call(world), "no mail was waiting")
    told(world, 450, call(world, "ATRN kestrel.example"), "kestrel.example",
         "asked for")
    shore.must("customer", "set", "aurora", "--network", "192.0.2.0/24")
    told(world, 450, call(world), "networks", "127.0.0.1", "--network")
    shore.must("customer", "set", "aurora", "--network", "")
    said = shore.must("customer", "suspend", "aurora")
    check("calls are refused" in said, "suspend says what happens", said)
    told(world, 450, call(world), "suspended", "resume")
    shore.must("customer", "resume", "aurora")
    for _ in range(2):
        told(world, 453, call(world), "no mail was waiting")
    told(world, 450, call(world), "too often", "atrn_per_hour")


# --- mail of customers ---

def held_mail():
    world = World()
    world.make_shore().start()
    world.add_customer()
    shore = world.shore
    route = ["--route", "customer:aurora"]
    to_aurora(world, 3)
    said = shore.must("queue", "hold", *route, "--yes")
    check("3 deliveries held" in said, "hold by route", said)
    held = show(shore)["held"]
    equal([[h["reason_code"], h["deliveries"]] for h in held],
          [["operator-hold", 3]], "customer show says what is held")
    check("held" in shore.must("customer", "show", "aurora") and
          held[0]["reason"] in shore.must("customer", "show", "aurora"),
          "and why")
    shore.must("queue", "release", *route, "--yes")
    equal(show(shore)["held"], [], "released")
    said = shore.must("queue", "delete", *route, "--yes")
    check("3 deliveries deleted" in said, "delete by route", said)
    equal(len(shore.queue("--state", "deleted")), 3, "kept for undelete")
    shore.must("queue", "undelete", *route, "--yes")
    equal(show(shore)["waiting_messages"], 3, "and back")
    said = shore.must("customer", "suspend", "aurora")
    check("3 deliveries" in said, "suspend says what is kept", said)


def collect_and_refuse(world):
    """A host that takes none of it; eve is not vouched for."""
    with Smtp(world.shore.port("smtp")) as client:
        client.ehlo()
        client.mail("eve@else.example", "cap@aurora.example.org",
                    make("refused"))
    row = world.shore.queue()[0]
    world.shore.must("queue", "return", row["id"])


def quarantined():
    world = World()
    world.make_shore().start()
    world.add_customer()
    collect_and_refuse(world)
    rows = world.shore.queue("--state", "deleted")
    equal(len(rows), 1, "nobody vouches for the sender: quarantined")
    check("nor returned" in (rows[0]["reason"] or ""), "with its reason", rows)
    check("cap@aurora.example.org" in
          world.shore.must("queue", "list", "--state", "deleted"),
          "as a table too")
    equal(world.shore.rows("customer", "statement", "aurora")[0]
          ["quarantined"], 1, "counted in the statement")


def from_local(world):
    with Smtp(world.shore.port("submission")) as client:
        client.ehlo()
        client.starttls(world.client_tls)
        client.ehlo()
        equal(client.auth_plain("ben", PASSWORD).code, 235, "ben logs in")
        equal(client.mail("ben@shore.example", "cap@aurora.example.org",
                          make("to return").replace(
                              b"ann@aurora.example.org",
                              b"ben@shore.example")).code, 250, "and writes")


def deleting():
    world = World()
    shore = world.make_shore().start()
    shore.must("user", "add", "ben", "--password-stdin", text=PASSWORD + "\n")
    world.add_customer()
    to_aurora(world, 2)
    refused(shore, USAGE, ["2 deliveries wait", "--yes", "7d"], "delete",
            "aurora")
    said = shore.must("customer", "delete", "aurora", "--yes")
    check("2 deliveries deleted, and kept 7d" in said, "delete says", said)
    check("undelete --route customer:aurora" in said, "how it comes back",
          said)
    world.add_customer()
    shore.must("queue", "undelete", "--route", "customer:aurora", "--yes")
    equal(show(shore)["waiting_messages"], 2, "and it does")
    shore.must("queue", "delete", "--all", "--yes")
    from_local(world)
    refused(shore, USAGE, ["1 delivery waits", "returned"], "delete",
            "aurora", "--return")
    shore.stop()
    refused(shore, 69, ["daemon"], "delete", "aurora", "--return", "--yes")
    shore.start()
    said = shore.must("customer", "delete", "aurora", "--return", "--yes")
    check("1 delivery returned to the senders" in said, "return says", said)
    notice = shore.wait_mail("ben")[0]
    check(b"cap@aurora.example.org" in notice and b"no customer" in notice,
          "the sender hears of it", notice)
    equal(shore.rows("customer", "list"), [], "the customer is gone")
    refused(shore, DATA, ["aurora"], "delete", "aurora", "--return", "--yes")


run(settings, imports, many, hostile, statements, last_calls, held_mail,
    quarantined, deleting)
