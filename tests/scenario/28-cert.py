#!/usr/bin/env python3
"""cert make: an authority for the phones aboard, and its renewal."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tidepost import *

import hashlib
import smtplib
import ssl
import stat
import subprocess
import time

USAGE, EXISTS = 64, 65
DAY_S = 86400


def openssl(*args):
    done = subprocess.run(["openssl", *args], capture_output=True,
                          encoding="utf-8", timeout=60)
    if done.returncode:
        raise AssertionError(f"openssl {args}: {done.stderr}")
    return done.stdout


def fresh():
    """A site without a certificate, and where cert make puts one."""
    world = World()
    site = world.make_site(peer=world.peer(submission=9, odmr=9))
    site.conf["tls"] = {"ca_file": world.ca.file}
    site.conf["listeners"] = [listener("lan", "smtp", "none")]
    site.write_conf()
    return site, f"{site.dir}/spool/tls"


def served(site, folder, name):
    """The certificate that a phone with ca.pem accepts for NAME."""
    context = ssl.create_default_context(cafile=f"{folder}/tidepost-ca.pem")
    with smtplib.SMTP("127.0.0.1", site.port("submission"),
                      timeout=20) as client:
        client._host = name
        client.starttls(context=context)
        return client.sock.getpeercert()


def days_left(certificate):
    return (ssl.cert_time_to_seconds(certificate["notAfter"])
            - time.time()) / DAY_S


def with_certificate(site, folder):
    site.conf["tls"].update(certificate=f"{folder}/tidepost.pem",
                            key=f"{folder}/tidepost.key")
    site.conf["listeners"].append(
        listener("submission", "submission", "required"))


def read(file):
    with open(file, encoding="utf-8") as stream:
        return stream.read()


def shows_key(site, folder):
    """What the operators of peers compare: as openssl reckons it."""
    public = openssl("x509", "-in", f"{folder}/tidepost.pem", "-noout",
                     "-pubkey")
    der = ssl.PEM_cert_to_DER_cert(
        public.replace("PUBLIC KEY", "CERTIFICATE"))
    said = site.must("cert", "show")
    equal([line.split()[0] for line in said.splitlines()],
          ["certificate", "good", "key"], "three lines")
    check(f"sha256:{hashlib.sha256(der).hexdigest()}\n" in said
          and f"{folder}/tidepost.pem\n" in said, "cert show", said)


def phones():
    site, folder = fresh()
    said = site.must("cert", "make")
    for name, mode in (("tidepost-ca.key", 0o600), ("tidepost.key", 0o600),
                       ("tidepost-ca.pem", 0o644), ("tidepost.pem", 0o644)):
        equal(stat.S_IMODE(os.stat(f"{folder}/{name}").st_mode), mode,
              f"rights of {name}")
    check(f'certificate = "{folder}/tidepost.pem"' in said
          and f"{folder}/tidepost-ca.pem" in said and "Android" in said
          and "\n  iPhone" in said and "\\x0a" not in said,
          "it says what to do with them, a line each", said)
    openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile",
            f"{folder}/tidepost-ca.pem", f"{folder}/tidepost.pem")
    done = site.cli("cert", "show")
    check(done.returncode == EXISTS and "no tls.certificate" in done.stderr,
          "no certificate to show", done.stderr)
    with_certificate(site, folder)
    site.start()
    shows_key(site, folder)
    for name in ("aurora.example.org", "127.0.0.1"):
        found = served(site, folder, name)
        check(390 < days_left(found) < 398, f"good for {name}", found)
    try:
        served(site, folder, "other.example.org")
        check(False, "not for others")
    except ssl.SSLCertVerificationError:
        check(True, "not for others")
    before = {n: read(f"{folder}/{n}") for n in os.listdir(folder)}
    said = site.must("cert", "make")
    changed = [n for n in before if read(f"{folder}/{n}") != before[n]]
    equal(changed, ["tidepost.pem"], "again: another, by the same authority")
    check("now put into" not in said and "as before" in said,
          "and only what is new is said", said)


def shorten(folder, days):
    """The same certificate, with DAYS to go."""
    names = f"{folder}/names"
    with open(names, "w", encoding="utf-8") as stream:
        stream.write("subjectAltName=DNS:aurora.example.org,IP:127.0.0.1,"
                     "DNS:old.example.org\n")
    openssl("req", "-new", "-key", f"{folder}/tidepost.key", "-subj",
            "/CN=aurora.example.org", "-out", f"{folder}/request")
    openssl("x509", "-req", "-in", f"{folder}/request", "-CA",
            f"{folder}/tidepost-ca.pem", "-CAkey", f"{folder}/tidepost-ca.key", "-days",
            str(days), "-extfile", names, "-out", f"{folder}/tidepost.pem")


def renews():
    """By itself, before the end, also when it is over."""
    site, folder = fresh()
    site.must("cert", "make")
    with_certificate(site, folder)
    key = read(f"{folder}/tidepost.key")
    for days in (20, -2):
        shorten(folder, max(days, 1))
        if days < 0:
            shorten_to_past(folder)
        site.start()
        check(wait_until(lambda: site.events("certificate-renewed", now=True),
                         30), f"renewed with {days} days to go")
        check(wait_until(
            lambda: days_left(served(site, folder, "old.example.org")) > 390,
            30), "served at once, with the names it had")
        equal(read(f"{folder}/tidepost.key"), key, "the key stays")
        equal(site.status()["warnings"], [], "and there is no warning")
        site.stop()
    before = read(f"{folder}/tidepost.pem")
    site.start()
    site.stop()
    equal(read(f"{folder}/tidepost.pem"), before, "a good one stays")


def shorten_to_past(folder):
    """openssl x509 knows no day in the past; ca does."""
    work = f"{folder}/work"
    os.mkdir(work)
    with open(f"{work}/conf", "w", encoding="utf-8") as stream:
        stream.write(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={work}/index\n"
            f"serial={work}/serial\nnew_certs_dir={work}\n"
            "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    open(f"{work}/index", "w").close()
    with open(f"{work}/serial", "w") as stream:
        stream.write("01\n")
    openssl("ca", "-batch", "-notext", "-config", f"{work}/conf", "-cert",
            f"{folder}/tidepost-ca.pem", "-keyfile", f"{folder}/tidepost-ca.key", "-in",
            f"{folder}/request", "-extfile", f"{folder}/names", "-startdate",
            "20250101000000Z", "-enddate", "20250102000000Z", "-out",
            f"{folder}/tidepost.pem")


def refuses():
    """What is somebody else's stays."""
    site, folder = fresh()
    world = World()
    os.makedirs(folder)
    theirs, key = world.ca.issue("theirs", "aurora.example.org")
    for was, name in ((theirs, "tidepost.pem"), (key, "tidepost.key")):
        with open(f"{folder}/{name}", "w") as stream:
            stream.write(read(was))
    done = site.cli("cert", "make")
    check(done.returncode == USAGE and "--yes" in done.stderr,
          "a certificate of another authority", done.stderr)
    equal(sorted(os.listdir(folder)), ["tidepost.key", "tidepost.pem"],
          "nothing was made")
    site.must("cert", "make", "--yes")
    equal(read(f"{folder}/tidepost.key"), read(key), "its key goes on")
    site.conf["hostname"] = "borealis.example.org"
    site.write_conf()
    done = site.cli("cert", "make")
    check(done.returncode == EXISTS and "move it" in done.stderr,
          "an authority of another host", done.stderr)
    site.conf["hostname"] = "aurora.example.org"
    site.write_conf()
    for name in ("tidepost-ca.key", "tidepost-ca.pem", "tidepost.key"):
        was = read(f"{folder}/{name}")
        with open(f"{folder}/{name}", "w") as stream:
            stream.write("nothing\n")
        done = site.cli("cert", "make", "--yes")
        check(done.returncode != 0 and name in done.stderr,
              f"a {name} that is none", done.stderr)
        with open(f"{folder}/{name}", "w") as stream:
            stream.write(was)
    site.must("cert", "make")


run(phones, renews, refuses)
