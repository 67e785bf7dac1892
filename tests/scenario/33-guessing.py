#!/usr/bin/env python3
"""Guessing passwords is slow, however often one connects; knowing one is not
locked out by those who guess."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import base64
import time

PACE_S = 0.4
FREE = 3  # wrong ones before it is slow


def make_shore(**limits):
    shore = World().make_shore(limits={
        "auth_delay": "0s", "auth_failures_per_client": FREE,
        "auth_pace": f"{int(PACE_S * 1000)}ms", **limits}).start()
    for name in ("ann", "ben"):
        shore.must("user", "add", name, "--password-stdin",
                   text=PASSWORD + "\n")
    return shore


def client(shore, last=1):
    session = Smtp(shore.port("submission"), source=(f"127.0.0.{last}", 0))
    session.ehlo()
    session.starttls(client_context())
    session.ehlo()
    return session


def ask(session, password, name="ann"):
    text = base64.b64encode(f"\0{name}\0{password}".encode()).decode()
    session.send(f"AUTH PLAIN {text}\r\n".encode())


def log_in(shore, password=PASSWORD, last=1, name="ann"):
    """The code and how long it took."""
    with client(shore, last) as session:
        start = time.monotonic()
        ask(session, password, name)
        return session.reply().code, time.monotonic() - start


def guess(shore, count, last=1, name="ann"):
    for i in range(count):
        equal(log_in(shore, f"wrong{i}", last, name)[0], 535, "a guess: 535")


def by_address():
    shore = make_shore()
    start = time.monotonic()
    guess(shore, FREE)
    check(time.monotonic() - start < 2, "the first guesses are free")
    code, taken = log_in(shore)
    check(code == 235 and taken < PACE_S / 2, "in a quiet moment the right "
          "one is answered at once", taken)
    start = time.monotonic()
    guess(shore, 4)
    taken = time.monotonic() - start
    check(taken > 3.5 * PACE_S, "then each waits for its turn, in a "
          "connection of its own, too", f"{taken:.2f} s")
    check(shore.events("auth-slowed"), "and it is in the log")
    code, taken = log_in(shore, last=2)
    check(code == 235 and taken < PACE_S, "another address is not slowed",
          taken)


def side_by_side():
    """Many connections are as slow as one, and a user behind the same
    address (NAT) waits for those before it and no longer."""
    shore = make_shore()
    guess(shore, FREE)
    guessers = [client(shore) for _ in range(6)]
    start = time.monotonic()
    for session in guessers:
        ask(session, "wrong")
        time.sleep(0.02)
    code, taken = log_in(shore)
    check(code == 235, "a right login among guesses", code)
    check(5 * PACE_S < taken < 8 * PACE_S + 1, "waits for its turn",
          f"{taken:.2f} s")
    codes = [session.reply().code for session in guessers]
    equal(codes, [535] * 6, "the guesses are answered before")
    taken = time.monotonic() - start
    check(taken > 5 * PACE_S, "one at a time", f"{taken:.2f} s")


def hanging_up():
    """Whoever does not wait learns nothing, and keeps nobody waiting."""
    shore = make_shore()
    guess(shore, FREE + 1)
    for _ in range(20):
        session = client(shore)
        ask(session, "wrong")
        session.socket.close()
    time.sleep(0.3)
    code, taken = log_in(shore)
    check(code == 235 and taken < 3 * PACE_S + 1, "those who hung up hold "
          "nobody up", f"{code} {taken:.2f} s")
    check(shore.is_running(), "and the daemon lives")


def waiting_at_the_end():
    """The daemon stops and reloads with sessions in the queue."""
    shore = make_shore()
    shore.restart()  # the ports are in its file now, and a reload keeps them
    guess(shore, FREE + 1)
    guessers = [client(shore) for _ in range(5)]
    for session in guessers:
        ask(session, "wrong")
    shore.reload()
    check(shore.events("reloaded"), "it reads its file again")
    equal(guessers[0].reply().code, 535, "reloaded: they wait on")
    equal(shore.stop(), 0, "it stops well")
    for session in guessers:
        session.socket.close()


def by_account():
    """From many addresses: slow for that name, and never locked."""
    shore = make_shore(auth_delay="100ms", auth_failures_per_client=0,
                       auth_failures_per_account=FREE)
    for last in range(2, 2 + FREE):
        guess(shore, 1, last)
    code, taken = log_in(shore, last=9)
    check(code == 235 and 0.75 < taken < 3, "the right one waits as long as "
          "a wrong one", f"{code} {taken:.2f} s")
    code, taken = log_in(shore, "wrong", last=10)
    check(code == 535 and 0.75 < taken < 3, "and a wrong one from a fresh "
          "address, too", f"{code} {taken:.2f} s")
    code, taken = log_in(shore, name="ben")
    check(code == 235 and taken < 0.7, "another account is not slowed",
          f"{code} {taken:.2f} s")
    guessers = [client(shore, 10 + i) for i in range(40)]
    for session in guessers:
        ask(session, "wrong")
    code, taken = log_in(shore, last=9)
    check(code == 235 and taken < 4, "with forty at it the owner gets in",
          f"{code} {taken:.2f} s")


def by_scram():
    shore = make_shore()
    guess(shore, FREE)
    start = time.monotonic()
    for _ in range(4):
        with client(shore) as session:
            equal(session.auth_scram("ann", "wrong").code, 535,
                  "a guess by SCRAM")
    taken = time.monotonic() - start
    check(taken > 2.5 * PACE_S, "SCRAM is slowed as well", f"{taken:.2f} s")


run(by_address, side_by_side, hanging_up, waiting_at_the_end, by_account,
    by_scram)
