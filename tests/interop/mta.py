"""Other mail servers, each run apart from the machine it is on.

A server listens on .port on loopback for anything, by STARTTLS too, and sends
all of it to one next hop. So it serves as client and as smart host alike.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess

import report
from node import PASSWORD, ROOT

PEERS = os.environ.get("TIDEPOST_PEERS", f"{ROOT}/build-peers")
APART = os.path.join(os.path.dirname(os.path.abspath(__file__)), "apart")
START_S = 20
USER = "site"  # who may log in to the servers that know users


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write(path, text, mode=0o644):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode),
              "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path, mode)


class Hop:
    """Where a server sends everything."""

    def __init__(self, port, tls=False, user=None):
        self.port, self.tls, self.user = port, tls, user


def needs_root():
    return None if os.geteuid() == 0 else "is started by root only"


def can_be_apart():
    """Why no program can have mounts of its own; None where one can."""
    if needs_root():
        return needs_root()
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs",
         "none", "/run"], capture_output=True, text=True)
    if tried.returncode != 0:
        return "no mounts of its own here: " + tried.stderr.strip()
    return None


class Server:
    name = ""
    serves_tls = True  # else no users either
    keeps_users = True  # it can be told a user and a password

    def __init__(self, folder, ca, hop):
        self.dir = f"{folder}/{self.name}"
        self.port = free_port()
        self.hop = hop
        self.ca = ca
        self.process = None
        os.makedirs(self.dir, mode=0o755)
        os.chmod(folder, 0o755)
        # Readable by whoever the server becomes; made for this test only.
        certificate, key = ca.issue(self.name, f"{self.name}.example",
                                    "localhost", "127.0.0.1")
        self.certificate = shutil.copy(certificate, f"{self.dir}/cert.pem")
        self.key = shutil.copy(key, f"{self.dir}/key.pem")
        self.ca_file = shutil.copy(ca.file, f"{self.dir}/ca.pem")
        self.prepare()
        report.at_end(self.stop)
        report.on_failure(self.describe)

    def wait(self):
        def answers():
            if self.process and self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended:\n{self.describe()}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5):
                    return True
            except OSError:
                return False
        if not report.wait_until(answers, START_S, 0.1):
            raise AssertionError(f"{self.name} is silent:\n{self.describe()}")
        return self

    def run(self, command):
        with open(f"{self.dir}/out", "ab") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                cwd=self.dir, start_new_session=True)
        return self.wait()

    def stop(self):
        if self.process:
            for pid in self.children():
                os.kill(pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def children(self):
        """Of unshare: the first process of its own, with which all end.

        --kill-child does not reach a program with the set-user-ID bit."""
        pid = self.process.pid
        try:
            with open(f"/proc/{pid}/task/{pid}/children",
                      encoding="ascii") as stream:
                return [int(word) for word in stream.read().split()]
        except FileNotFoundError:
            return []

    def describe(self):
        text = ""
        for path in self.logs():
            try:
                with open(path, encoding="utf-8", errors="replace") as log:
                    text += "".join(f"  {self.name}: {line}"
                                    for line in log.readlines()[-30:])
            except OSError:
                pass
        return text

    def logs(self):
        return [f"{self.dir}/out"]


POSTFIX_MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
daemon_directory = {daemons}
command_directory = {commands}
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {dir}
maillog_file = {dir}/log
myhostname = postfix.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_chain_files = {dir}/key.pem {dir}/cert.pem
relayhost = [127.0.0.1]:{hop.port}
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 2s
smtp_tls_CAfile = {ca_file}
smtp_tls_security_level = {level}
smtp_tls_secure_cert_match = localhost
smtp_sasl_auth_enable = {auth}
smtp_sasl_password_maps = inline:{{ {{ [127.0.0.1]:{hop.port} = {login} }} }}
smtp_sasl_security_options = noanonymous
"""
POSTFIX_MASTER = """
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
flush unix n - n 1000? 0 flush
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Server):
    name = "postfix"
    keeps_users = False  # that takes a SASL server beside it
    smtpd = ""  # more of main.cf

    @staticmethod
    def why_not():
        if not shutil.which("postfix"):
            return "Postfix is not installed"
        return needs_root()

    def _setting(self, name):
        return subprocess.run(["postconf", "-d", "-h", name], check=True,
                              capture_output=True, text=True).stdout.strip()

    def prepare(self):
        for name in ("conf", "queue", "data"):
            os.makedirs(f"{self.dir}/{name}", mode=0o755)
        owner = pwd.getpwnam("postfix")
        os.chown(f"{self.dir}/data", owner.pw_uid, owner.pw_gid)
        values = {
            "dir": self.dir, "port": self.port, "hop": self.hop,
            "daemons": self._setting("daemon_directory"),
            "commands": self._setting("command_directory"),
            "ca_file": self.ca_file,
            "level": "secure" if self.hop.tls else "none",
            "auth": "yes" if self.hop.user else "no",
            "login": f"{self.hop.user}:{PASSWORD}",
        }
        write(f"{self.dir}/conf/main.cf",
              POSTFIX_MAIN.lstrip().format(**values) + self.smtpd, 0o644)
        write(f"{self.dir}/conf/master.cf",
              POSTFIX_MASTER.lstrip().format(**values))

    def _control(self, verb):
        return subprocess.run(
            ["postfix", "-c", f"{self.dir}/conf", verb],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60)

    def start(self):
        done = self._control("start")
        if done.returncode != 0:
            raise AssertionError("Postfix did not start: " + done.stderr
                                 + self.describe())
        self.running = True
        return self.wait()

    def stop(self):
        if getattr(self, "running", False):
            self._control("stop")
            self.running = False

    def logs(self):
        return [f"{self.dir}/log"]


EXIM = """
primary_hostname = exim.example
exim_path = {program}
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
spool_directory = {dir}/spool
log_file_path = {dir}/log/%s
pid_file_path = {dir}/spool/exim.pid
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 50
smtp_accept_max_per_connection = 1000
smtp_accept_queue_per_connection = 1000
tls_advertise_hosts = *
tls_certificate = {dir}/cert.pem
tls_privatekey = {dir}/key.pem
acl_smtp_rcpt = accept
acl_smtp_data = accept
deliver_drop_privilege
smtputf8_advertise_hosts =

begin routers
out:
  driver = manualroute
  route_list = * 127.0.0.1::{hop.port} byname
  transport = out
  self = send

begin transports
out:
  driver = smtp
  hosts_require_tls = {tls}
  hosts_avoid_tls = {no_tls}
  tls_verify_certificates = {ca_file}
  hosts_require_auth = {auth}

begin retry
* * F,1h,1s

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = ${{if def:tls_in_cipher}}
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}\
    {{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
  client_send = ^{hop.user}^{password}
"""


class Exim(Server):
    name = "exim"
    mode = ("-bdf", "-q5s")
    more = ""  # main settings

    @staticmethod
    def why_not():
        if not Exim.program():
            return "Exim is not there"
        return can_be_apart()

    @staticmethod
    def program():
        for path in (f"{PEERS}/exim4-daemon-light/usr/sbin/exim4",
                     "/usr/sbin/exim4"):
            if os.access(path, os.X_OK):
                return path
        return None

    def prepare(self):
        write(f"{self.dir}/exim.conf", self.more + EXIM.lstrip().format(
            dir=self.dir, port=self.port, hop=self.hop,
            program=self.program(),
            ca_file=self.ca_file, user=USER, password=PASSWORD,
            tls="*" if self.hop.tls else "",
            no_tls="" if self.hop.tls else "*",
            auth="*" if self.hop.user else ""), 0o644)

    def start(self):
        return self.run(
            [APART, "", "mkdir -p /var/lib/exim4 spool log;"
             "cp exim.conf /var/lib/exim4/config.autogenerated;"
             "chown Debian-exim:Debian-exim spool log key.pem",
             self.program(), *self.mode])

    def logs(self):
        return [f"{self.dir}/out", f"{self.dir}/log/main",
                f"{self.dir}/log/panic"]


OPENSMTPD = """
table login {{ shore = "{hop.user}:{password}" }}
queue ttl 1h
smtp max-message-size "35M"
listen on 127.0.0.1 port {port} hostname opensmtpd.example
action "out" relay host "{url}" {options} helo opensmtpd.example
match from any for any action "out"
"""


class OpenSmtpd(Server):
    """As a server without TLS: 6.8.0p2 built with OpenSSL 3, as Debian has
    it, answers every handshake with an internal error."""
    name = "opensmtpd"
    serves_tls = False

    @staticmethod
    def root():
        for root in (f"{PEERS}/opensmtpd", ""):
            if os.access(f"{root}/usr/sbin/smtpd", os.X_OK) and \
                    os.access(f"{root}/usr/sbin/smtpctl", os.X_OK):
                return root
        return None

    @staticmethod
    def why_not():
        if OpenSmtpd.root() is None:
            return "OpenSMTPD is not there"
        return can_be_apart()

    def prepare(self):
        scheme = "smtp+tls" if self.hop.tls else "smtp+notls"
        login = "shore@" if self.hop.user else ""
        write(f"{self.dir}/smtpd.conf", OPENSMTPD.lstrip().format(
            port=self.port, hop=self.hop, password=PASSWORD,
            url=f"{scheme}://{login}127.0.0.1:{self.hop.port}",
            options=("auth <login> " if login else "")
            + ("tls no-verify" if self.hop.tls else "")), 0o600)

    def start(self):
        return self.run(
            [APART, self.root(),
             "mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd"
             " /usr/libexec/opensmtpd;"
             "chmod 711 /var/spool/smtpd;"
             'cp "$root"/usr/libexec/opensmtpd/* /usr/libexec/opensmtpd/'
             if self.root() else "true",
             f"{self.root()}/usr/sbin/smtpd", "-d", "-f",
             f"{self.dir}/smtpd.conf"])


SENDMAIL = """
V10
Djsendmail.example
Dnpostmaster
O OperatorChars=.:%@!^/[]+
O QueueDirectory=/var/spool/mqueue
O PidFile=/run/sendmail.pid
O DaemonPortOptions=Name=MTA, Addr=127.0.0.1, Port={port}
O DeliveryMode=q
O Timeout.ident=0
O QueueFileMode=0600
O QueueLA=1000
O RefuseLA=1000
Mlocal,\tP=[IPC], F=amDFMuX8, E=\\r\\n, T=DNS/RFC822/SMTP, A=TCP $h {hop.port}
Mprog,\tP=/bin/false, F=mDFMu, A=false
Mout,\tP=[IPC], F=amDFMuXk8, E=\\r\\n, T=DNS/RFC822/SMTP, A=TCP $h {hop.port}
S3
R$* < $* > $*\t$2
S4
S0
R$+ @ $+\t$#out $@ [127.0.0.1] $: $1 @ $2
R$*\t$#error $@ 5.1.1 $: "nobody"
"""


class Sendmail(Server):
    """Queues only: what it has goes when ETRN asks for it. No TLS, no users:
    its macro files are not needed for that. On a busy machine it would leave
    large mail for later (QueueLA)."""
    name = "sendmail"
    serves_tls = False

    @staticmethod
    def program():
        for path in (f"{PEERS}/sendmail-bin/usr/libexec/sendmail/sendmail",
                     "/usr/libexec/sendmail/sendmail"):
            if os.access(path, os.X_OK):
                return path
        return None

    @staticmethod
    def why_not():
        if not Sendmail.program():
            return "sendmail is not there"
        return can_be_apart()

    def prepare(self):
        write(f"{self.dir}/sendmail.cf", SENDMAIL.lstrip().format(
            port=self.port, hop=self.hop))

    def start(self):
        # A host without a dot in its name makes it wait for a minute.
        return self.run(
            [APART, "", "mkdir -m 700 /var/spool/mqueue;"
             "cp sendmail.cf /run/sendmail.cf;"
             "echo 127.0.0.1 sendmail.example $(hostname) >/run/hosts;"
             "mount --bind /run/hosts /etc/hosts",
             self.program(), "-C/run/sendmail.cf", "-X",
             f"{self.dir}/trace", "-bD"])

    def logs(self):
        return [f"{self.dir}/out", f"{self.dir}/trace"]


SERVERS = (Postfix, Exim, OpenSmtpd)
