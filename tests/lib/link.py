"""A link whose octets and turn-arounds are counted, and its seconds reckoned.

Nobody waits for a slow line: what the far end says is held until the near end
has nothing more to send without it. Then it goes through at one stroke, and
that is one turn-around: the near end waited for the far one. So the count
depends on what the programs do, not on how fast this machine is.
"""

import math
import select
import socket
import threading
import time

import report

SEGMENT = 1460
HEADERS = 40  # octets of TCP and IP in each segment
HANDSHAKE = 3  # segments
GOODBYE = 4
QUIET_S = 0.2
# A TLS 1.3 record with an alert in it: the near end only says goodbye.
ALERT = b"\x17\x03\x03\x00\x13"


class Flight:
    """One direction. What goes before the other side speaks shares segments,
    in however many pieces it was written: a slow line gives it the time."""

    def __init__(self):
        self.octets = 0
        self.segments = 0
        self._run = 0

    def add(self, count):
        self.octets += count
        self.segments += (math.ceil((self._run + count) / SEGMENT)
                          - math.ceil(self._run / SEGMENT))
        self._run += count

    def pause(self):
        self._run = 0


class Call:
    """One connection over the link."""

    def __init__(self):
        self.out, self.back = Flight(), Flight()
        self.turns = 1  # the TCP handshake
        self.began, self.ended = time.monotonic(), None
        self.waited = False  # something came back, and nothing followed yet
        self.transcript = b""  # what the near end said

    def went(self, octets):
        self.back.pause()
        self.out.add(len(octets))
        self.transcript += octets[:65536]
        if self.waited and not octets.startswith(ALERT):
            self.turns += 1
            self.waited = False

    def came(self, octets):
        self.out.pause()
        self.back.add(len(octets))
        self.waited = True


class Link:
    """Forwards connections on .port to TARGET, a port of this machine."""

    def __init__(self, target, quiet=QUIET_S):
        self.target, self.quiet = target, quiet
        self.calls = []
        self.open = 0
        self._sockets = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        report.at_end(self.close)

    def close(self):
        for s in [self._socket, *self._sockets]:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def reset(self):
        self.calls = []

    # --- what it costs ---

    @property
    def connections(self):
        return len(self.calls)

    @property
    def sent(self):
        return sum(c.out.octets for c in self.calls)

    @property
    def received(self):
        return sum(c.back.octets for c in self.calls)

    @property
    def turns(self):
        """Waits for the far end; the reply to QUIT is none."""
        return sum(c.turns for c in self.calls)

    @property
    def octets(self):
        """On the wire, headers of TCP and IP included."""
        segments = sum(c.out.segments + c.back.segments + HANDSHAKE + GOODBYE
                       for c in self.calls)
        return self.sent + self.received + HEADERS * segments

    def seconds(self, bit_rate, rtt):
        """Of a line that carries one direction at a time. Connections that
        were open at once wait at once: of such the most turns count."""
        turns, until = 0, 0
        for call in sorted(self.calls, key=lambda c: c.began):
            if call.began >= until:
                turns, most = turns + call.turns, call.turns
            elif call.turns > most:
                turns, most = turns + call.turns - most, call.turns
            until = max(until, call.ended or call.began)
        return self.octets * 8 / bit_rate + turns * rtt

    # --- forwarding ---

    def _accept(self):
        while True:
            try:
                near, _ = self._socket.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self._sockets += [near, far]
            for s in (near, far):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            call = Call()
            self.calls.append(call)
            threading.Thread(target=self._carry, args=(call, near, far),
                             daemon=True).start()

    def _carry(self, call, near, far):
        self.open += 1
        try:
            self._exchange(call, near, far)
        except OSError:
            pass
        finally:
            call.ended = time.monotonic()
            self.open -= 1
            near.close()
            far.close()

    def _exchange(self, call, near, far):
        held = b""
        reading = [near, far]
        while reading:
            ready, _, _ = select.select(reading, [], [],
                                        self.quiet if held else None)
            if near in ready:
                octets = near.recv(65536)
                if octets:
                    call.went(octets)
                    far.sendall(octets)
                else:
                    reading.remove(near)
                    far.shutdown(socket.SHUT_WR)
            elif far in ready:
                octets = far.recv(65536)
                held += octets
                if not octets:
                    reading.remove(far)
            if held and (not ready or far not in reading):
                call.came(held)
                near.sendall(held)
                held = b""
            if far not in reading and far in ready:
                near.shutdown(socket.SHUT_WR)
