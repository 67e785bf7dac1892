"""Machines for the tests of installation: copies of a Debian tree in which systemd
runs, in namespaces of their own, joined by a wire. Root only.

A tree to copy:

    debootstrap --variant=minbase --include=ca-certificates,systemd-sysv,dbus,sudo \\
        bookworm TREE MIRROR
"""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

PROMPT = re.compile(rb"@@(\d+)@@ $")
# systemd is pid 1 there; what it needs of /dev, /sys and /proc is made first.
BOOT = r"""
set -e
t=$1
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$2,upperdir=$3/upper,workdir=$3/work" "$t"
mount -t proc proc "$t/proc"
mount -t sysfs -o ro sys "$t/sys"
mount -t cgroup2 none "$t/sys/fs/cgroup"
mount -t tmpfs -o mode=755 dev "$t/dev"
mkdir "$t/dev/pts" "$t/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$t/dev/pts"
mount -t tmpfs shm "$t/dev/shm"
ln -s pts/ptmx "$t/dev/ptmx"
ln -s /proc/self/fd "$t/dev/fd"
for d in null zero full random urandom tty; do
	touch "$t/dev/$d"
	mount --bind "/dev/$d" "$t/dev/$d"
done
mount -t tmpfs -o mode=755 run "$t/run"
ip link set lo up
hostname "$4"
exec chroot "$t" /usr/bin/env -i container=lxc \
	PATH=/usr/sbin:/usr/bin:/sbin:/bin $5
"""
ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME=/root", "TERM=dumb", "LC_ALL=C.UTF-8",
               "DEBIAN_FRONTEND=noninteractive")


class Failed(Exception):
    pass


class Machine:
    def __init__(self, base, name, init="/lib/systemd/systemd"):
        self.name, self.init = name, init
        self.dir = tempfile.mkdtemp(prefix=f"tidepost-{name}-")
        self.root = f"{self.dir}/root"
        for folder in ("root", "upper", "work"):
            os.mkdir(f"{self.dir}/{folder}")
        self.files = f"{self.dir}/upper"  # what is written here is in the tree
        self.shells = []
        self.log = open(f"{self.dir}/boot.log", "wb")
        self.parent = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc",
             "--cgroup", "--fork", "--kill-child", "sh", "-c", BOOT, "boot",
             self.root, os.path.abspath(base), self.dir, name, init],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def boot(self):
        """Until systemd says that all has started."""
        until(lambda: self.pid() is not None, f"{self.name}: pid 1")
        if "systemd" in self.init:
            until(lambda: self.run("systemctl", "is-system-running"
                                   ).stdout.strip() in ("running", "degraded"),
                  f"{self.name}: systemd runs")
        with open("/etc/resolv.conf", encoding="utf-8") as stream:
            self.put("/etc/resolv.conf", stream.read())
        return self

    def pid(self):
        path = f"/proc/{self.parent.pid}/task/{self.parent.pid}/children"
        try:
            with open(path, encoding="utf-8") as stream:
                child = stream.read().split()[0]
            with open(f"/proc/{child}/comm", encoding="utf-8") as stream:
                name = os.path.basename(self.init.split()[0])
                return int(child) if stream.read() == f"{name}\n" else None
        except (OSError, IndexError):
            return None

    def enter(self, mirror=False):
        """Words before a command; MIRROR: with this host's network."""
        where = ["-m", "-u", "-i", "-p", "-C", "-r", "-w"]
        return (["nsenter", "-t", str(self.pid()), *where]
                + ([] if mirror else ["-n"]) + ["env", "-i", *ENVIRONMENT])

    def run(self, *words, text=None, mirror=False, timeout=600):
        return subprocess.run([*self.enter(mirror), *words], input=text,
                              stdin=None if text else subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8",
                              errors="replace", timeout=timeout)

    def must(self, *words, **options):
        done = self.run(*words, **options)
        if done.returncode:
            raise Failed(f"{self.name}: {' '.join(words)}: status "
                         f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def put(self, path, text):
        self.must("sh", "-c", f"mkdir -p {os.path.dirname(path)}; cat >{path}",
                  text=text)

    def copy_in(self, file, folder):
        """FILE of this host."""
        with open(file, "rb") as stream:
            subprocess.run(
                [*self.enter(), "sh", "-c",
                 f"cat >{folder}/{os.path.basename(file)}"],
                stdin=stream, check=True, timeout=60)

    def shell(self, mirror=False):
        shell = Shell(self.enter(mirror))
        self.shells.append(shell)
        return shell

    def end(self):
        for shell in self.shells:
            shell.end()
        pid = self.pid()
        if pid:
            os.kill(pid, signal.SIGKILL)
        self.parent.kill()
        self.parent.wait()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def join(one, two):
    """A wire between the two, and their addresses."""
    names = f"tp{os.getpid()}a", f"tp{os.getpid()}b"
    subprocess.run(["ip", "link", "add", names[0], "type", "veth", "peer",
                    "name", names[1]], check=True)
    addresses = "198.51.100.1", "198.51.100.2"
    for machine, name, address in zip((one, two), names, addresses):
        subprocess.run(["ip", "link", "set", name, "netns",
                        str(machine.pid()), "name", "wire0"], check=True)
        for words in (["addr", "add", f"{address}/24", "dev", "wire0"],
                      ["link", "set", "wire0", "up"]):
            subprocess.run(["nsenter", "-t", str(machine.pid()), "-n", "ip",
                            *words], check=True)
    return addresses


def until(holds, what, seconds=120):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise Failed(f"after {seconds} s not yet: {what}")
        time.sleep(0.2)


class Shell:
    """A person at a terminal: root, in a shell that stays."""

    def __init__(self, words):
        self.process, self.fd = pty_of([*words, "bash", "--norc",
                                        "--noprofile", "-i"])
        self.text = b""
        self.wait_prompt(60)
        self.type("stty cols 200 -onlcr; bind 'set enable-bracketed-paste off'; "
                  "PS1='@@$?@@ '")
        self.wait_prompt(60)

    def type(self, line):
        self.text = b""
        os.write(self.fd, line.encode() + b"\n")

    def read(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                self.text += os.read(self.fd, 65536)
                return True
            except OSError:
                raise Failed("the shell ended") from None
        return False

    def prompt(self):
        """The status of the command, when it has ended."""
        found = PROMPT.search(self.text)
        return int(found.group(1)) if found else None

    def wait_prompt(self, seconds):
        end = time.monotonic() + seconds
        while self.prompt() is None and not self.text.endswith(b"# "):
            self.read(0.2)
            if time.monotonic() > end:
                raise Failed("no prompt after:\n" + self.lines())

    def lines(self):
        return self.text.decode("utf-8", "replace").replace("\r", "")

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


def pty_of(words):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs,
                               stderr=theirs, start_new_session=True,
                               preexec_fn=lambda: take_terminal(theirs))
    os.close(theirs)
    return process, ours


def take_terminal(fd):
    import fcntl
    import termios
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
