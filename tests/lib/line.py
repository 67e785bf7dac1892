"""A line between two nodes that a test can measure, slow down and cut."""

import socket
import struct
import threading

import report

OUT, BACK = "out", "back"  # from who dialled, and to it


class Line:
    """Forwards TCP connections on .port to a port of this machine."""

    def __init__(self, target):
        self.target = target
        self.octets = {OUT: 0, BACK: 0}
        self.turns = 0  # how often the direction changed
        self.connections = 0
        self.cut_at = None  # octets of both directions together
        self.cut_how = "rst"  # rst, fin or silence
        self.was_cut = False
        self._last = None
        self._lock = threading.Lock()
        self._pairs = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        report.at_end(self.close)

    @property
    def total(self):
        return self.octets[OUT] + self.octets[BACK]

    def reset(self, cut_at=None, how="rst"):
        """Counts from nought; cuts after CUT_AT octets."""
        with self._lock:
            self.octets = {OUT: 0, BACK: 0}
            self.turns = 0
            self.cut_at, self.cut_how = cut_at, how
            self.was_cut = False
            self._last = None

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
        for pair in self._pairs:
            self._end(pair, "fin")

    def _accept(self):
        while True:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            for s in (near, far):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (near, far)
            self._pairs.append(pair)
            for args in ((pair, near, far, OUT), (pair, far, near, BACK)):
                threading.Thread(target=self._pump, args=args,
                                 daemon=True).start()

    def _allowed(self, direction, count):
        """How many of COUNT octets still go through; counts them."""
        with self._lock:
            if self.cut_at is not None:
                count = min(count, max(0, self.cut_at - self.total))
            if count:
                self.octets[direction] += count
                if self._last not in (None, direction):
                    self.turns += 1
                self._last = direction
            if self.cut_at is not None and self.total >= self.cut_at:
                self.was_cut = True
            return count

    def _pump(self, pair, source, target, direction):
        try:
            while True:
                octets = source.recv(16384)
                if not octets:
                    break
                count = self._allowed(direction, len(octets))
                if count:
                    target.sendall(octets[:count])
                if self.was_cut:
                    self._end(pair, self.cut_how)
                    return
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self._end(pair, "fin")

    def _end(self, pair, how):
        if how == "silence":
            return
        for s in pair:
            try:
                if how == "rst":
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
                else:
                    s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            # A socket closed under a reader only ends with its reader.
            try:
                s.shutdown(socket.SHUT_RD)
            except OSError:
                pass
            s.close()
