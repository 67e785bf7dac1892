"""The rules of the house as tables (docs/house.md tells them in words)."""

# A room may include itself and the rooms named here, nothing else of ours.
ROOMS = {
    "base": "",
    "wire": "base",
    "cert": "base",
    "smtp": "base wire",
    "mail": "base wire",
    "net": "base wire",
    "conf": "base wire",
    "spool": "base wire",
    "control": "base wire",
    "link": "base wire",
    "sched": "base wire link",
    "outlook": "base wire conf spool control link sched",
    "faces": "base wire mail conf spool control link sched outlook",
    "handin": "base wire mail control",
    "cli": "base cert wire mail conf spool control link sched outlook faces "
           "handin",
    "tui": "base wire conf spool control link sched outlook faces",
    "daemon": "base cert wire smtp mail net conf spool control link sched "
              "outlook handin",
}
ROOMS = {room: frozenset(may.split()) for room, may in ROOMS.items()}

# These see octets, events and times that are handed to them, nothing else.
PURE = ("wire", "smtp", "mail", "link", "sched")

# All that a pure room may take from the system.
PURE_HEADERS = frozenset("""assert.h ctype.h errno.h inttypes.h limits.h math.h
    stdalign.h stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h
    strings.h""".split())

# (files, header, why) : exceptions to PURE_HEADERS.
PURE_EXCEPTIONS = (
    ("src/wire/*.c", "arpa/inet.h", "inet_pton reads address literals"),
    ("src/wire/verifier*.c", "gsasl.h", "makes SCRAM verifiers"),
    ("src/wire/verifier*.c", "openssl/sha.h", "checks SCRAM proofs"),
    ("src/mail/squeeze.c", "zlib.h", "gzip"),
    ("src/mail/squeeze.c", "zstd.h", "zstd"),
    ("src/smtp/sasl*", "gsasl.h", "both sides of AUTH"),
    ("src/smtp/sasl*", "pthread.h", "pthread_once for the one SASL context"),
)

# (header, the only files that may include it)
HEADERS = (
    ("libconfig.h*", ("conf/load*.c", "conf/load*.h")),
    ("sqlite3*.h", ("spool/sqlite/*",)),
    ("openssl/*", ("src/net/tls*", "src/wire/verifier*.c", "src/cert/*")),
    ("event2/*", ("src/net/*",)),
    ("event.h", ()),
    ("ncurses*", ("tui/screen*",)),
    ("curses.h", ("tui/screen*",)),
    ("unbound.h", ("src/net/resolve.c",)),
    ("idn2.h", ("src/net/resolve.c",)),
    ("zlib.h", ("src/mail/squeeze.c",)),
    ("zstd.h", ("src/mail/squeeze.c",)),
    ("gsasl.h", ("src/wire/verifier*.c", "src/smtp/sasl*")),
)

# (our header, the only files that may include it)
OURS = (
    ("spool/sqlite/*", ("spool/open.c", "spool/sqlite/*")),
    ("spool/memory/*", ("spool/open.c", "spool/memory/*")),
    ("spool/engine.h", ("spool/*",)),
)

# Asking what time it is: only here (time.h may be used for formatting).
CLOCK_FILES = ("src/base/clock.c",)
CLOCK_CALLS = ("clock_gettime", "gettimeofday", "time", "clock", "ftime",
               "timespec_get")

# What the object code of a pure room may not ask the linker for. The names of
# our own rooms that it may not use are found in their archives.
SYMBOLS = (
    ("a socket", r"(socket|connect|bind|listen|accept4?|send(to|msg)?|"
     r"recv(from|msg)?|shutdown|[gs]etsockopt|socketpair|getaddrinfo|"
     r"gethostby\w+|e?poll\w*|select|read|write|readv|writev|pread\w*|"
     r"pwrite\w*|open(64|at)?|f(data)?sync|fopen(64)?)"),
    ("the clock", r"(clock_gettime|gettimeofday|time|clock|ftime|"
     r"timespec_get|localtime\w*|nanosleep|usleep|sleep|"
     r"clock_(wall_s|mono_ms|sane_s|floor_s|trusted))"),
    ("SQLite", r"sqlite3_\w+"),
    ("TLS", r"(SSL|BIO|EVP|RAND|X509|PEM|CRYPTO|OPENSSL)_\w+"),
    ("the event loop", r"(event|evbuffer|bufferevent|evtimer|evutil)_\w+"),
)
