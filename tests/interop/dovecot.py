"""Dovecot: its authentication, from a list of passwords, and its lmtp proxy."""

import os
import pwd
import shutil
import signal
import subprocess

import report
from mta import needs_root, write
from node import PASSWORD

START_S = 20

# Nobody here is one of the users that a package of Dovecot makes: who runs
# it in the tests stays who it is.
CONF = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
auth_verbose = yes
auth_mechanisms = plain login cram-md5 scram-sha-256
protocols =
ssl = no
default_internal_user = {internal}
default_login_user = {login}
disable_plaintext_auth = yes
auth_failure_delay = 1 secs
auth_username_format = %Ln
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {dir}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%n {dir}/users
}}
service auth {{
  unix_listener auth-client {{
    mode = 0666
  }}
  unix_listener auth-userdb {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-reader {{
    mode = 0600
  }}
}}
"""

# Its LMTP server takes mail for everybody and hands it on to PORT.
LMTP = """
protocols = lmtp
lmtp_proxy = yes
auth_username_format = %Lu
auth_username_chars =
passdb {{
  driver = static
  args = proxy=y protocol=lmtp host=127.0.0.1 port={port} nopassword=y
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
"""


class Dovecot:
    def __init__(self, folder, users=("ann", "ben"), more=""):
        self.dir = f"{folder}/dovecot"
        os.makedirs(self.dir, mode=0o755)
        os.chmod(folder, 0o755)
        self.client = f"{self.dir}/run/auth-client"
        self.userdb = f"{self.dir}/run/auth-userdb"
        self.process = None
        write(f"{self.dir}/users", "".join(
            f"{user}:{{PLAIN}}{PASSWORD}:65534:65534::/nonexistent::\n"
            for user in users), 0o644)
        write(f"{self.dir}/conf", CONF.format(
            dir=self.dir, internal="dovecot", login="dovenull") + more)
        report.at_end(self.stop)
        report.on_failure(self.describe)

    @staticmethod
    def why_not():
        if not shutil.which("dovecot"):
            return "Dovecot is not installed"
        for user in ("dovecot", "dovenull"):
            try:
                pwd.getpwnam(user)
            except KeyError:
                return f"there is no user {user}"
        return needs_root()

    @staticmethod
    def why_no_lmtp():
        where = subprocess.run(["doveconf", "-d", "-h", "libexec_dir"],
                               capture_output=True, text=True).stdout.strip()
        if not os.access(f"{where}/lmtp", os.X_OK):
            return "Dovecot's LMTP is not installed (dovecot-lmtpd)"
        return None

    def start(self):
        with open(f"{self.dir}/out", "ab") as out:
            self.process = subprocess.Popen(
                ["dovecot", "-F", "-c", f"{self.dir}/conf"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True)
        if not report.wait_until(
                lambda: os.path.exists(self.client)
                or self.process.poll() is not None, START_S) \
                or self.process.poll() is not None:
            raise AssertionError("Dovecot did not start:\n" + self.describe())
        return self

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(START_S)
            except subprocess.TimeoutExpired:
                pass
            # Its auth process would serve on while somebody is connected.
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
            self.process = None

    def describe(self):
        text = ""
        for name in ("out", "log"):
            try:
                with open(f"{self.dir}/{name}", encoding="utf-8",
                          errors="replace") as log:
                    text += "".join(f"  dovecot: {line}"
                                    for line in log.readlines()[-30:])
            except OSError:
                pass
        return text
