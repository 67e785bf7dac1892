"""What every pair carries, and how it is judged."""

import time

import report
from message import copies, make

SETTLE_S = 0.3  # a second copy would come in that time


def samples(name, eight=True):
    """Messages that a careless program would change; named."""
    long_line = "x" * 996
    found = {
        "dots": make(f"{name} dots", ".\r\n..\r\n.a\r\n\r\n.\r\n\r\nend\r\n"),
        "blanks": make(f"{name} blanks", "  a \t\r\n\r\n \r\nb\t\r\n\r\n\r\n"),
        "folded": make(
            f"{name} folded", "-- \r\nFrom here on\r\n>From there\r\n",
            headers="X-Folded: one\r\n\ttwo\r\n  three\r\n"
                    "X-Odd:value\r\nx-case: KEPT\r\n"),
        "long": make(f"{name} long", long_line + "\r\n.\r\n"),
        "big": make(f"{name} big", "".join(
            f"{i:06d} {'abcdefghij' * 6}\r\n" for i in range(6000))),
    }
    if eight:
        found["eight"] = make(
            f"{name} eight", "Grüße von der Brücke, Ωμέγα\r\n",
            headers="MIME-Version: 1.0\r\n"
                    "Content-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: 8bit\r\n")
    return found


class Missing(AssertionError):
    pass


def expect(found, sent, seconds=30):
    """FOUND() gives the messages that arrived; each of SENT once, no other."""
    report.wait_until(lambda: len(found()) >= len(sent), seconds, 0.1)
    time.sleep(SETTLE_S)
    mails = found()
    wrong = [f"{name}: {len(copies(mails, octets))} copies"
             for name, octets in sent.items()
             if len(copies(mails, octets)) != 1]
    if len(mails) != len(sent):
        wrong.append(f"{len(mails)} messages of {len(sent)}")
    if wrong:
        raise Missing("; ".join(wrong) + difference(mails, sent))


def difference(mails, sent):
    """Where the first message that is not as sent differs."""
    for octets in sent.values():
        if copies(mails, octets):
            continue
        subject = octets.split(b"Subject: ")[1].split(b"\r\n")[0]
        for mail in mails:
            if subject not in mail:
                continue
            body = mail[max(0, mail.find(b"From: ")):]
            for i, (a, b) in enumerate(zip(body, octets)):
                if a != b:
                    return (f"; at {i}: {body[i - 20:i + 40]!r} for "
                            f"{octets[i - 20:i + 40]!r}")
            return f"; ends with {body[-60:]!r} for {octets[-60:]!r}"
    return ""
