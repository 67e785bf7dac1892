"""Many clients at once, in processes of their own, and what the daemon uses.

	python3 crowd.py PORT COUNT

opens COUNT sessions under TLS, says "ready", and at the end of its input
tries whether each still answers.
"""

import os
import socket
import ssl
import subprocess
import sys


def memory(pid):
    """Octets of a process that belong to no file. Anybody may read these, of
    a daemon too that lets nobody look into it."""
    with open(f"/proc/{pid}/status", encoding="ascii") as stream:
        for line in stream:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0


class Crowd:
    """COUNT idle TLS sessions on PORT, opened by so many processes."""

    def __init__(self, port, count, processes=2):
        share = [count // processes + (i < count % processes)
                 for i in range(processes)]
        self.clients = [subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), str(port), str(n)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for n in share]

    def wait(self):
        """What each process says when its sessions stand."""
        return [c.stdout.readline().strip() for c in self.clients]

    def end(self):
        """How many sessions still answered NOOP."""
        for client in self.clients:
            client.stdin.close()
        alive = sum(int(c.stdout.readline() or 0) for c in self.clients)
        for client in self.clients:
            client.wait()
        return alive

    def kill(self):
        for client in self.clients:
            if client.poll() is None:
                client.kill()
            client.wait()


def reply(sock):
    octets = b""
    while not (octets.endswith(b"\r\n")
               and octets.split(b"\r\n")[-2][3:4] == b" "):
        more = sock.recv(4096)
        if not more:
            raise OSError("closed")
        octets += more
    return int(octets[:3])


def session(port, context):
    sock = socket.create_connection(("127.0.0.1", port), 120)
    reply(sock)
    for line in (b"EHLO idle.example\r\n", b"STARTTLS\r\n"):
        sock.sendall(line)
        reply(sock)
    sock = context.wrap_socket(sock)
    sock.sendall(b"EHLO idle.example\r\n")
    reply(sock)
    return sock


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    sessions = []
    try:
        for _ in range(count):
            sessions.append(session(port, context))
        print("ready", flush=True)
    except (OSError, ValueError, IndexError) as e:
        print(f"session {len(sessions)}: {e!r}", flush=True)
    sys.stdin.read()
    alive = 0
    for sock in sessions:
        try:
            sock.sendall(b"NOOP\r\n")
            alive += reply(sock) == 250
        except OSError:
            pass
    print(alive, flush=True)


if __name__ == "__main__":
    main()


def sanitized():
    """A build with AddressSanitizer keeps freed memory: bounds say nothing."""
    daemon = os.path.join(os.environ.get("TIDEPOST_BUILD", "build"), "tidepostd")
    with open(daemon, "rb") as stream:
        return b"__asan_init" in stream.read()
