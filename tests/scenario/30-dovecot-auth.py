#!/usr/bin/env python3
"""Passwords and users asked of Dovecot, good and bad ones, by a script."""
# limit: 240

import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import base64

MECHS = ("MECH\tPLAIN\tplaintext\n" "MECH\tLOGIN\tplaintext\n"
         "MECH\tCRAM-MD5\tdictionary\tactive\n"
         "MECH\tANONYMOUS\tanonymous\n" "MECH\tEXTERNAL\tprivate\n"
         "MECH\tSCRAM-SHA-256-PLUS\tmutual-auth\tchannel-binding\n")
AUTH_HELLO = f"VERSION\t1\t2\n{MECHS}SPID\t7\nCUID\t1\nCOOKIE\t00\nDONE\n"
USER_HELLO = "VERSION\t1\t1\nSPID\t7\n"


class Fake:
    """Stands at a Unix socket; ANSWER(fake, fields) tells what it says."""

    def __init__(self, path, hello, answer):
        self.path, self.hello, self.answer = path, hello, answer
        self.lines = []
        self.greetings = 0
        self.sockets = []
        self.socket = None
        at_end(self.stop)

    def start(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(8)
        threading.Thread(target=self._accept, args=(self.socket,),
                         daemon=True).start()
        return self

    def stop(self):
        if self.socket:
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.socket.close()
            os.unlink(self.path)
            self.socket = None
        self.hang_up()

    def hang_up(self):
        for s in self.sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sockets = []

    def _accept(self, server):
        while True:
            try:
                s, _ = server.accept()
            except OSError:
                return
            self.sockets.append(s)
            self.greetings += 1
            threading.Thread(target=self._serve, args=(s,),
                             daemon=True).start()

    def _serve(self, s):
        try:
            s.sendall(self.hello.encode())
            for line in s.makefile(encoding="utf-8", newline="\n"):
                self.lines.append(line.rstrip("\n"))
                said = self.answer(self, line.rstrip("\n").split("\t"))
                if said:
                    s.sendall(said.encode())
        except OSError:
            pass

    def asked(self, verb):
        return [line for line in self.lines if line.startswith(verb + "\t")]


def response(fields):
    """What PLAIN says: user and password."""
    for field in fields:
        if field.startswith("resp="):
            return base64.b64decode(field[5:]).decode().split("\0")[1:]
    return None


def plain(fake, fields):
    """A Dovecot that knows ann, and LOGIN in two questions."""
    if fields[0] == "AUTH":
        if fields[2] == "PLAIN" and response(fields):
            good = response(fields) == ["ann", PASSWORD]
            return (f"OK\t{fields[1]}\tuser=ann\n" if good else
                    f"FAIL\t{fields[1]}\tuser={response(fields)[0]}\n")
        return f"CONT\t{fields[1]}\tVXNlcm5hbWU6\n"
    if fields[0] == "CONT":
        if fields[2] == base64.b64encode(b"ann").decode():
            return f"CONT\t{fields[1]}\tUGFzc3dvcmQ6\n"
        return f"OK\t{fields[1]}\tuser=ann\n"
    return None


def make_node(world, **conf):
    path = f"{world.dir}/auth"
    return world.make_shore(auth=f"dovecot:{path}", **conf), path


def secured(world, port):
    client = Smtp(port)
    client.ehlo()
    client.starttls(world.client_tls)
    client.ehlo()
    return client


def start(answer, hello=AUTH_HELLO, **conf):
    world = World()
    shore, path = make_node(world, **conf)
    fake = Fake(path, hello, answer).start()
    shore.start()
    wait_until(lambda: fake.asked("CPID"))
    time.sleep(0.1)
    return world, shore, fake


def good_and_bad():
    world, shore, fake = start(plain)
    port = shore.port("submission")
    with secured(world, port) as client:
        equal(client.keywords.get("AUTH"), "PLAIN LOGIN CRAM-MD5",
              "what Dovecot has is offered, but for what it cannot know")
        equal(client.auth_plain("ann", PASSWORD).code, 235, "ann logs in")
        mail = make("hello", sender="ann@shore.example")
        equal(client.mail("ann@shore.example", "ben@shore.example",
                          mail).code, 250, "and sends as herself")
        equal(client.mail("ben@shore.example", "ben@shore.example",
                          mail).code, 550, "but not as another")
    line = fake.asked("AUTH")[0]
    for word in ("service=smtp", "secured", "lip=127.0.0.1",
                 "rip=127.0.0.1"):
        check(word in line.split("\t"), f"Dovecot is told {word}", line)
    check(line.split("\t")[-1].startswith("resp="), "resp= comes last", line)
    with secured(world, port) as client:
        equal(client.cmd("AUTH LOGIN").code, 334, "LOGIN asks for the name")
        equal(client.cmd("YW5u").code, 334, "then for the password")
        equal(client.cmd("eA==").code, 235, "and is content")
    with secured(world, port) as client:
        reply = client.auth_plain("ann", "wrong")
        equal(reply.code, 535, "a wrong password: 535")
        equal(client.cmd("AUTH LOGIN").code, 334, "LOGIN begins")
        equal(client.cmd("*").code, 501, "a client may give up: 501")
        check(wait_until(lambda: fake.asked("CANCEL"), 5),
              "and Dovecot is told so")
        equal(client.cmd("AUTH SCRAM-SHA-256").code, 504,
              "what Dovecot lacks is refused: 504")
    text = shore.log_text()
    check(PASSWORD not in text
          and base64.b64encode(PASSWORD.encode()).decode() not in text,
          "no password is in the log")
    equal(shore.crashed(), 0, "the daemon lives")


def injection():
    world, shore, fake = start(plain)
    with secured(world, shore.port("submission")) as client:
        for line in ("AUTH PLAIN AGFubgB4\tuser=ann", "AUTH PLAIN !!!",
                     "AUTH PLAIN AGFubgB4 x", "AUTH PLAIN A\x01tB"):
            reply = client.cmd(line)
            check(reply.code in (500, 501), f"{line!r} is refused", reply)
        equal(client.cmd("AUTH LOGIN").code, 334, "LOGIN asks")
        reply = client.cmd("QUFB" * 2500)
        equal(reply.code, 501, "a line too long for Dovecot: 501")
        equal(client.cmd("NOOP").code, 250, "the session goes on")
    check(not any("user=" in line for line in fake.lines),
          "no field of the client's own came through", fake.lines)
    equal(fake.greetings, 1, "one connection served it all")


def socket_missing():
    world = World()
    shore, path = make_node(world)
    shore.start()
    with secured(world, shore.port("submission")) as client:
        begin = time.monotonic()
        reply = client.auth_plain("ann", PASSWORD)
        check(str(reply).startswith("454 4.7.0"), "no socket: 454 4.7.0",
              reply)
        check(time.monotonic() - begin < 2, "and at once")
    lost = shore.events("dovecot-lost")
    equal(len(lost), 1, "the log says it once")
    fake = Fake(path, AUTH_HELLO, plain).start()
    check(wait_until(lambda: fake.asked("CPID"), 10),
          "when it is there it is found")
    with secured(world, shore.port("submission")) as client:
        equal(client.auth_plain("ann", PASSWORD).code, 235,
              "and passwords are checked")
    equal(len(shore.events("dovecot-back")), 1, "the log says that, too")


def temporary_fault():
    def answer(fake, fields):
        if fields[0] == "AUTH":
            return {"temp": f"FAIL\t{fields[1]}\tuser=ann\ttemp\n",
                    "code": f"FAIL\t{fields[1]}\tcode=temp_fail\n",
                    "none": f"OK\t{fields[1]}\n",
                    "ctrl": f"OK\t{fields[1]}\tuser=a\001nb\n",
                    }[response(fields)[0]]
        return None

    world, shore, fake = start(answer)
    with secured(world, shore.port("submission")) as client:
        for name, text in (("temp", "a fault of Dovecot's"),
                           ("code", "the same in newer words"),
                           ("none", "OK without a user"),
                           ("ctrl", "a name with a line end")):
            equal(client.auth_plain(name, "x").code, 454, f"{text}: 454")


def goes_away():
    def answer(fake, fields):
        if fields[0] == "AUTH" and fields[2] == "LOGIN":
            return f"CONT\t{fields[1]}\tVXNlcm5hbWU6\n"
        if fields[0] == "AUTH" and response(fields)[0] == "cut":
            fake.hang_up()
            return None
        return plain(fake, fields)

    world, shore, fake = start(answer)
    port = shore.port("submission")
    with secured(world, port) as client, secured(world, port) as other:
        equal(other.cmd("AUTH LOGIN").code, 334, "one is in an exchange")
        begin = time.monotonic()
        equal(client.auth_plain("cut", "x").code, 454,
              "it hangs up instead of an answer: 454")
        check(time.monotonic() - begin < 2, "and at once")
        equal(other.cmd("YW5u").code, 454, "the other's next line: 454")
        check(wait_until(lambda: fake.greetings >= 2, 10),
              "it is connected anew")
        time.sleep(0.1)
        equal(client.auth_plain("ann", PASSWORD).code, 235,
              "and passwords are checked again")
        equal(other.auth_plain("ann", PASSWORD).code, 235, "for both")


def garbage():
    for hello, text in (("HELO\n", "no VERSION"), ("VERSION\t9\t0\n",
                        "another version"), ("x" * 20000, "no line"),
                        ("VERSION\t1\t1\nMECH\0X\n", "a NUL")):
        world, shore, fake = start(plain, hello)
        with secured(world, shore.port("submission")) as client:
            equal(client.auth_plain("ann", PASSWORD).code, 454,
                  f"{text}: 454")
        equal(shore.crashed(), 0, "the daemon lives")
        check(fake.greetings < 6, "and does not call without a pause",
              fake.greetings)


def odd_answers():
    """Answers to nobody, of unknown verbs, and twice."""
    def answer(fake, fields):
        if fields[0] != "AUTH":
            return None
        return (f"OK\t999\tuser=eve\nOK\t\tuser=eve\nOK\tx\tuser=eve\nOK\n"
                f"NEWS\t{fields[1]}\n\nCONT\n"
                f"FAIL\t{fields[1]}\tuser=ann\n"
                f"OK\t{fields[1]}\tuser=eve\n")

    world, shore, fake = start(answer)
    with secured(world, shore.port("submission")) as client:
        equal(client.auth_plain("ann", "x").code, 535,
              "only the first answer to it counts")
        equal(client.cmd("MAIL FROM:<eve@shore.example>").code, 530,
              "nobody is logged in")
    equal(fake.greetings, 1, "the connection stays")


def slow_and_many():
    """An answer that takes its time holds up nobody else."""
    pending = []

    def answer(fake, fields):
        if fields[0] == "AUTH" and response(fields)[0] == "slow":
            pending.append(fields[1])
            return None
        return plain(fake, fields)

    world, shore, fake = start(answer)
    port = shore.port("submission")
    slow = secured(world, port)
    slow.send(b"AUTH PLAIN " + base64.b64encode(b"\0slow\0x") + b"\r\n")
    wait_until(lambda: pending)
    with Smtp(shore.port("smtp")) as client:
        equal(client.ehlo().code, 250, "others are served meanwhile")
    clients = [secured(world, port) for _ in range(5)]
    for client in clients:
        client.send(b"AUTH PLAIN " + base64.b64encode(
            f"\0ann\0{PASSWORD}".encode()) + b"\r\n")
    equal([c.reply().code for c in clients], [235] * 5,
          "five at once, in whatever order")
    fake.sockets[-1].sendall(f"OK\t{pending[0]}\tuser=slow\n".encode())
    equal(slow.reply().code, 235, "and the slow one in the end")
    gone = secured(world, port)
    gone.send(b"AUTH PLAIN " + base64.b64encode(b"\0slow\0x") + b"\r\n")
    wait_until(lambda: len(pending) == 2)
    gone.close()
    check(wait_until(lambda: any(
        line == f"CANCEL\t{pending[1]}" for line in fake.lines), 5),
        "who hangs up meanwhile is cancelled")
    fake.sockets[-1].sendall(f"OK\t{pending[1]}\tuser=slow\n".encode())
    with secured(world, port) as client:
        equal(client.auth_plain("ann", PASSWORD).code, 235,
              "a late answer harms nobody")
    equal(fake.greetings, 1, "all over one connection")


def no_answer():
    """The deadlines of an AUTH step (30 s) and of a user (10 s)."""
    world = World()
    where = local(f"{world.dir}/shore", "shore.example")
    where["users"] = f"dovecot:{world.dir}/userdb"
    shore, path = make_node(world, local=where)
    fake = Fake(path, AUTH_HELLO, lambda *_: None).start()
    Fake(f"{world.dir}/userdb", USER_HELLO, lambda *_: None).start()
    shore.start()
    wait_until(lambda: fake.asked("CPID"))
    begin = time.monotonic()
    client = secured(world, shore.port("submission"))
    client.socket.settimeout(60)
    client.send(b"AUTH PLAIN " + base64.b64encode(b"\0ann\0x") + b"\r\n")
    with Smtp(shore.port("smtp")) as other:
        other.ehlo()
        other.cmd("MAIL FROM:<eve@elsewhere.example>")
        equal(other.cmd("RCPT TO:<ann@shore.example>").code, 451,
              "no answer about a user: 451")
        check(9 < time.monotonic() - begin < 20, "after ten seconds")
    equal(client.reply().code, 454, "no answer about a password: 454")
    check(29 < time.monotonic() - begin < 40, "after thirty")
    check(wait_until(lambda: len(fake.asked("CANCEL")) == 1),
          "and Dovecot need not go on")


def reload():
    world, shore, fake = start(plain)
    shore.restart()  # so that the ports stay
    other = Fake(f"{world.dir}/other", AUTH_HELLO, plain).start()
    shore.conf["auth"] = f"dovecot:{other.path}"
    shore.reload()
    check(wait_until(lambda: other.asked("CPID"), 5),
          "after a reload the other socket is asked")
    with secured(world, shore.port("submission")) as client:
        equal(client.auth_plain("ann", PASSWORD).code, 235, "ann logs in")
    check(other.asked("AUTH") and not fake.asked("AUTH"), "there")
    shore.conf["auth"] = "spool"
    shore.reload()
    shore.must("user", "add", "ben", "--password-stdin",
               text=PASSWORD + "\n")
    with secured(world, shore.port("submission")) as client:
        equal(client.auth_plain("ben", PASSWORD).code, 235,
              "and back to the spool")


def customer():
    """What Dovecot's user may do stands in the spool, where it is there."""
    world, shore, fake = start(
        lambda fake, f: f"OK\t{f[1]}\tuser=aurora\n"
        if f[0] == "AUTH" else None)
    world.add_customer()
    with secured(world, shore.port("submission")) as client:
        equal(client.auth_plain("aurora", "any").code, 235, "aurora logs in")
        equal(client.cmd("MAIL FROM:<ann@aurora.example.org>").code, 250,
              "and sends as one of its domain")


# --- users ------------------------------------------------------------------

def user_answer(fake, fields):
    if fields[0] != "USER":
        return None
    name = fields[2]
    if name.startswith("slow"):
        return None
    if name.startswith("temp"):
        return f"FAIL\t{fields[1]}\treason=db\n"
    return (f"USER\t{fields[1]}\t{name}\tuid=1\n"
            if name == "ann@shore.example" else f"NOTFOUND\t{fields[1]}\n")


def start_users(begin=True):
    world = World()
    where = local(f"{world.dir}/shore", "shore.example")
    path = f"{world.dir}/userdb"
    where["users"] = f"dovecot:{path}"
    shore = world.make_shore(local=where)
    fake = Fake(path, USER_HELLO, user_answer)
    if begin:
        fake.start()
    shore.start()
    return world, shore, fake


def users_by_alias():
    """Whom an alias names is asked for before there is a mailbox."""
    world, shore, fake = start_users(begin=False)
    with open(f"{world.dir}/aliases", "w", encoding="ascii") as stream:
        stream.write("crew: ann, zed, temp, postmaster\n"
                     "all: ann@shore.example\nlate: slow\n")
    shore.conf["local"]["aliases"] = f"{world.dir}/aliases"
    fake.start()
    shore.restart()
    with Smtp(shore.port("smtp")) as client:
        client.ehlo()
        equal(client.mail("ann@shore.example", "crew@shore.example",
                          make("to the crew")).code, 250, "an alias is known")
        equal(client.mail("ann@shore.example", "all@shore.example",
                          make("to all")).code, 250, "another")
    found = shore.wait_mail("ann", 3)
    notice = [m for m in found if b"multipart/report" in m]
    equal((len(found), len(notice)), (3, 1), "ann has both, and a notice")
    check(b"Final-Recipient: rfc822; zed@shore.example" in notice[0]
          and b"Status: 5.1.1" in notice[0], "of who is no user", notice[0])
    check(shore.wait_mail("postmaster"), "postmaster is always there")
    rows = wait_until(lambda: [r for r in shore.queue()
                               if r["state"] == "deferred"])
    equal([(r["recipient"], r["attempts"]) for r in rows or ()],
          [("temp@shore.example", 0)], "where nobody knows, it waits")
    check("cannot be asked" in rows[0]["reason"], "and says why", rows)
    equal(sorted(os.listdir(f"{world.dir}/shore/mail/shore.example")),
          ["ann", "postmaster"], "nobody else has a mailbox")
    with Smtp(shore.port("smtp")) as client:
        client.ehlo()
        client.mail("ann@shore.example", "late@shore.example",
                    make("to who is asked for"))
    check(wait_until(lambda: any("slow@" in l for l in fake.asked("USER"))),
          "Dovecot is asked", fake.lines)
    equal(shore.stop(), 0, "who is asked for holds no stop up")
    shore.start()
    check(wait_until(lambda: [r for r in shore.queue() if r["recipient"]
                              == "slow@shore.example"]), "and is there still")


def users():
    world, shore, fake = start_users()
    with Smtp(shore.port("smtp")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<eve@elsewhere.example>")
        equal(client.cmd("RCPT TO:<ann@Shore.Example>").code, 250,
              "a user of Dovecot's")
        reply = client.cmd("RCPT TO:<zed@shore.example>")
        check(str(reply).startswith("550 5.1.1"), "no user: 550 5.1.1",
              reply)
        equal(client.cmd("RCPT TO:<temp@shore.example>").code, 451,
              "a fault of Dovecot's: 451")
        equal(client.cmd("RCPT TO:<postmaster@shore.example>").code, 250,
              "postmaster always")
        equal(client.cmd("RCPT TO:<postmaster>").code, 250, "in any form")
        equal(client.cmd("RCPT TO:<ann@elsewhere.example>").code, 550,
              "not ours, not asked")
        before = len(fake.asked("USER"))
        equal(before, 3, "Dovecot was asked thrice")
        for _ in range(3):
            client.cmd("RCPT TO:<ann@shore.example>")
            client.cmd("RCPT TO:<zed@shore.example>")
        equal(len(fake.asked("USER")), before, "what it said is remembered")
        octets = make("to ann")
        client.cmd("RSET")
        client.send(b"MAIL FROM:<eve@elsewhere.example>\r\n"
                    b"RCPT TO:<new@shore.example>\r\n"
                    b"RCPT TO:<ann@shore.example>\r\nDATA\r\n")
        equal([client.reply().code for _ in range(4)], [250, 550, 250, 354],
              "pipelined commands are answered in their order")
        client.send(stuff(octets))
        equal(client.reply().code, 250, "and the message is taken")
    equal(len(copies(shore.wait_mail("ann"), octets)), 1, "ann has it")


def users_missing():
    world, shore, fake = start_users(begin=False)
    with Smtp(shore.port("smtp")) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<eve@elsewhere.example>")
        equal(client.cmd("RCPT TO:<ann@shore.example>").code, 451,
              "no socket: 451")
        fake.start()
        check(wait_until(lambda: fake.greetings, 10), "then it is there")
        time.sleep(0.1)
        equal(client.cmd("RCPT TO:<ann@shore.example>").code, 250,
              "and is asked")
        client.send(b"RCPT TO:<slow@shore.example>\r\n")
        wait_until(lambda: any("slow" in x for x in fake.lines))
        with Smtp(shore.port("smtp")) as other:
            equal(other.ehlo().code, 250, "nobody waits for a slow answer")
        fake.hang_up()
        equal(client.reply().code, 451, "which never comes: 451")
        client.send(b"RCPT TO:<slow2@shore.example>\r\n")
        time.sleep(0.2)
    time.sleep(0.2)
    equal(shore.stop(), 0, "the daemon ends well")


run(good_and_bad, injection, socket_missing, temporary_fault, goes_away,
    garbage, odd_answers, slow_and_many, no_answer, reload, customer, users,
    users_by_alias,
    users_missing)
