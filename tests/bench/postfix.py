"""A Postfix of the bench's own: folders apart, mail held on arrival."""

import os
import pwd
import shutil
import socket
import subprocess
import time

MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
daemon_directory = {daemons}
command_directory = {commands}
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {dir}
maillog_file = {dir}/log
myhostname = bench.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
# Only acceptance is measured: mail goes to the hold queue, nothing delivers.
smtpd_client_restrictions = check_client_access static:HOLD
smtpd_relay_restrictions = permit_mynetworks, reject
defer_transports = smtp local relay virtual
# What would slow it down for other reasons is out of the way.
in_flow_delay = 0
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = none
default_process_limit = 250
"""

# chroot is off, so that the queue needs no copies of /etc.
MASTER = """
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def why_not():
    """Why it cannot run here; None where it can."""
    if os.geteuid() != 0:
        return "Postfix is started by root only (sudo make bench)"
    if not shutil.which("postfix"):
        return "Postfix is not installed (sh tests/deps bench)"
    return None


def _setting(name):
    return subprocess.run(["postconf", "-d", "-h", name], check=True,
                          capture_output=True, text=True).stdout.strip()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postfix:
    def __init__(self, folder):
        self.dir = f"{folder}/postfix"
        self.port = _free_port()
        self.running = False
        owner = pwd.getpwnam("postfix")
        for name in ("", "/conf", "/queue", "/data"):
            os.makedirs(self.dir + name, mode=0o755)
        os.chown(f"{self.dir}/data", owner.pw_uid, owner.pw_gid)
        values = {"dir": self.dir, "port": self.port,
                  "daemons": _setting("daemon_directory"),
                  "commands": _setting("command_directory")}
        for name, text in (("main.cf", MAIN), ("master.cf", MASTER)):
            with open(f"{self.dir}/conf/{name}", "w",
                      encoding="ascii") as stream:
                stream.write(text.lstrip().format(**values))

    def _control(self, verb):
        return subprocess.run(
            ["postfix", "-c", f"{self.dir}/conf", verb],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60)

    def start(self):
        done = self._control("start")
        if done.returncode != 0:
            raise RuntimeError("Postfix did not start: " + done.stderr)
        self.running = True
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return self
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def pids(self):
        """The master and its children."""
        with open(f"{self.dir}/queue/pid/master.pid",
                  encoding="ascii") as stream:
            master = stream.read().strip()
        with open(f"/proc/{master}/task/{master}/children",
                  encoding="ascii") as stream:
            return [int(master), *map(int, stream.read().split())]

    def version(self):
        return _setting("mail_version")

    def held(self):
        return sum(len(files) for _, _, files in
                   os.walk(f"{self.dir}/queue/hold"))

    def stop(self):
        if self.running:
            self._control("stop")
            self.running = False
