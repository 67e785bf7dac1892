"""The command line on a terminal, and a person who types."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import node

PATIENCE_S = 20
COLUMNS = 60


def talk(words, *pairs, env=None):
    """Runs the CLI on a terminal. PAIRS: of what to wait for and what to
    type (or a signal). Gives the exit status and all that was shown."""
    pid, fd = pty.fork()
    if pid == 0:
        # before it can ask, which is earlier than the parent may run
        fcntl.ioctl(0, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, COLUMNS, 0, 0))
        os.environ.update({"LC_ALL": "C.UTF-8", "TERM": "dumb",
                           **(env or {})})
        os.execv(node.CLI, ["tidepost", *words])
    shown, at = b"", 0
    pending = list(pairs)
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if pending and pending[0][0].encode() in shown[at:]:
            _, typed = pending.pop(0)
            at = len(shown)
            if isinstance(typed, str):
                os.write(fd, typed.encode())
            else:
                os.kill(pid, typed)
        if not select.select([fd], [], [], 0.05)[0]:
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(fd)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, shown.decode("utf-8", "replace")
