"""Builds tiny trees that break one rule each; the checks must see it."""

import os
import shutil
import subprocess
import tempfile

CLEAN = {
    "src/base/str.h": "int str_of(void);\n",
    "src/base/clock.c": '#include "base/str.h"\n#include <time.h>\n'
                        "long f(void) { return time(0); }\n",
    "src/wire/line.c": '#include "base/str.h"\n#include <string.h>\n'
                       '/* #include <sys/socket.h> is only a comment */\n',
    "src/smtp/server.c": '#include "base/str.h"\n',
    "spool/spool.h": '#include "base/str.h"\n',
    "spool/engine.h": "\n",
    "spool/sqlite/sqlite.h": "#include <sqlite3.h>\n",
    "spool/open.c": '#include "spool/sqlite/sqlite.h"\n',
    "src/net/loop_private.h": "#include <event2/event.h>\n",
    "src/net/tls.c": "#include <openssl/ssl.h>\n",
    "docs/way.md": "By `f()` in `base/clock` and `spool/open.c`, [way](way.md),\n"
                   "`smtp` and `/etc/x`.\n\nTests: 01-way, 02 (`f`); fuzz_x.\n"
                   "\nSteps: `step-one`.\n",
    "src/daemon/step.c": 'void g(void) { crash_point("step-one"); }\n',
    "tests/scenario/01-way.py": "\n",
    "tests/scenario/02-other.py": "\n",
    "tests/fuzz/fuzz_x.c": "\n",
    "docs/note.txt": "see /etc/tidepost and /var/lib/tidepost\n",
    "spool/types.h": 'X(REASON_NONE, "") X(REASON_DISK, "disk")'
                     ' X(REASON_CLOCK, "clock")\n',
    "spool/outcome.c": "r.reason = REASON_DISK;\n",
    "tests/scenario/01-full.py": "def full():\n    say('no room', 'full-"
                                 "disk', '4.3.1')\n\n\nrun(full)\n",
}

LIFE = """## `ready`, `active`, `deferred`, `held` and `deleted`, `disk`: full

- leaves: there is room
- sender: *failed* 4.3.1
- operator: "no room"
- log: `full-disk`
- tests: 01-full `full`
- from: `spool/outcome.c`

## What there is not

None has the reason `clock`.
"""
CLEAN["docs/life.md"] = LIFE

# (check, file, text, what the complaint must name)
BROKEN = (
    ("known-rooms", "src/attic/box.c", "\n", "src/attic/box.c:1"),
    ("rooms", "src/wire/line.c", '\n#include "spool/spool.h"\n',
     "src/wire/line.c:2"),
    ("rooms", "src/base/str.h", '#include "smtp/server.h"\n', "base/str.h:1"),
    ("rooms", "src/net/dial.c", '#include "smtp/server.h"\n', "dial.c:1"),
    ("rooms", "spool/open.c", '#include "conf/conf.h"\n', "spool/open.c:1"),
    ("rooms", "src/cli/main.c", '#include "daemon/node.h"\n', "cli/main.c:1"),
    ("rooms", "tui/view.h", '#include "net/loop.h"\n', "tui/view.h:1"),
    ("rooms", "src/wire/line_test.c", '#include "net/loop.h"\n', "_test.c:1"),
    ("private-headers", "src/daemon/main.c",
     '#include "net/loop_private.h"\n', "daemon/main.c:1"),
    ("private-headers", "spool/list.c",
     '#include "spool/sqlite/sqlite.h"\n', "spool/list.c:1"),
    ("private-headers", "src/daemon/main.c",
     '#include "spool/engine.h"\n', "daemon/main.c:1"),
    ("libraries", "conf/schema.c", "#include <libconfig.h>\n", "schema.c:1"),
    ("libraries", "spool/list.c", "#include <sqlite3.h>\n", "list.c:1"),
    ("libraries", "src/daemon/main.c", "#include <openssl/rand.h>\n",
     "main.c:1"),
    ("libraries", "tui/view.c", "#include <ncurses.h>\n", "view.c:1"),
    ("libraries", "src/daemon/main.c", "#include <event2/event.h>\n",
     "main.c:1"),
    ("pure-headers", "src/smtp/server.c", "#include <sys/socket.h>\n",
     "server.c:1"),
    ("pure-headers", "src/link/link.c", "#include <time.h>\n", "link.c:1"),
    ("clock", "src/daemon/main.c", "long x(void) {\nreturn time(NULL); }\n",
     "main.c:2"),
    ("clock", "spool/list.c", "int a = clock_gettime(0, &t);\n", "list.c:1"),
    ("circles", "src/base/str.h", '#include "net/loop_private.h"\n'
     "/* and back by the next line */\n", None),
    ("docs", "docs/way.md", "in `base/gone`\n", "docs/way.md:1"),
    ("docs", "docs/way.md", "\nby `gone()`\n", "docs/way.md:2"),
    ("docs", "docs/way.md", "[x](gone.md)\n", "docs/way.md:1"),
    ("docs", "docs/way.md", "see decision 099\n", "docs/way.md:1"),
    ("docs", "docs/way.md", "a\n\nTests: 01-way,\n03.\n", "docs/way.md:3"),
    ("docs", "docs/way.md", "Tests: 01-gone\n", "docs/way.md:1"),
    ("docs", "docs/way.md", "Tests: fuzz_gone\n", "docs/way.md:1"),
    ("docs", "docs/way.md", "Steps: `step-two`\n", "docs/way.md:1"),
    ("life", "docs/life.md", LIFE.replace(", `disk`", ""), "reason disk"),
    ("life", "docs/life.md", LIFE.replace("`clock`", "clock"), "clock"),
    ("life", "docs/life.md", LIFE.replace("`held` ", ""), "state held"),
    ("life", "docs/life.md", LIFE.replace("`disk`", "`disc`"), "disc"),
    ("life", "docs/life.md", LIFE.replace("- log: `full-disk`\n", ""),
     "does not say: log"),
    ("life", "docs/life.md", LIFE.replace("01-full", "02-full"), "02-full"),
    ("life", "docs/life.md", LIFE.replace("`full`", "`half`"), "half"),
    ("life", "docs/life.md", LIFE.replace('"no room"', '"no bed"'), "no bed"),
    ("life", "docs/life.md", LIFE.replace("4.3.1", "4.3.2"), "4.3.2"),
    ("life", "docs/life.md", LIFE.replace("`full-disk`", "`fire`"), "fire"),
    ("life", "docs/life.md", LIFE.replace("outcome.c", "left.c"),
     "spool/outcome.c:1"),
    ("life", "docs/life.md", LIFE.replace("`spool/outcome.c`",
     "`spool/outcome.c` `spool/act.c`"), "act.c gives no"),
    ("life", "spool/act.c", "\nset(REASON_DISK);\n", "spool/act.c:2"),
    ("life", "spool/act.c", "\nset(REASON_CLOCK);\n", "spool/act.c:2"),
    ("life", "tests/scenario/01-full.py", "def full():\n    say('no room', "
     "'full-disk', '4.3.1')\n\n\nrun()\n", "runs no test full"),
    ("machine-paths", "docs/note.txt", "it is in /ho" "me/ann/mail\n",
     "docs/note.txt:1"),
)


def write(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)


def faults(checks, name, Tree, files):
    root = tempfile.mkdtemp(prefix="tidepost-arch-")
    try:
        write(root, files)
        check = dict(checks)[name]
        return [f"{path}:{line}: {text}"
                for path, line, text in check(Tree(root))]
    finally:
        shutil.rmtree(root)


def circle_tree():
    return dict(CLEAN, **{
        "src/base/str.h": '#include "wire/line.h"\n',
        "src/wire/line.h": '#include "base/str.h"\n'})


def symbols_seen(check_symbols, code):
    """What the check says about a libwire.a made of CODE."""
    root = tempfile.mkdtemp(prefix="tidepost-arch-")
    try:
        source = os.path.join(root, "x.c")
        write(root, {"x.c": code})
        subprocess.run([os.environ.get("CC", "cc"), "-c", "-o",
                        source + ".o", source], check=True)
        subprocess.run(["ar", "rcs", root + "/libwire.a", source + ".o"],
                       check=True)
        return [text for _, _, text in check_symbols(None, root)]
    finally:
        shutil.rmtree(root)


PAGES = {
    "conf/schema.c": '\t.path = "spool",\n\t.path = "tls.key",\n',
    "docs/man/tidepost.conf.5": ".It Ic spool\n.It Ic tls.key\n",
    "docs/man/tidepost.1": ".It Xo\n.Ic link up\n.Op Fl -wait\n.Xc\n",
    "build/tidepost": "#!/bin/sh\necho link up\necho link up --wait\n",
}
# (file, text, how many faults follow)
PAGES_BROKEN = (
    ("conf/schema.c", PAGES["conf/schema.c"], 0),
    ("conf/schema.c", '\t.path = "spool",\n', 1),
    ("conf/schema.c", "", 3),
    ("docs/man/tidepost.conf.5", ".It Ic spool\n", 1),
    ("docs/man/tidepost.1", ".It Xo\n.Ic link up\n.Xc\n", 1),
    ("docs/man/tidepost.1", "\n", 2),
    ("build/tidepost", "#!/bin/sh\necho link up\n", 1),
    ("INSTALL", "\tshore# tidepost link up vsat --wait; x --gone\n", 0),
    ("INSTALL", "\ttidepost link gone vsat\n\ttidepost link up --gone\n", 2),
    ("README.md", "    tidepost gone      # why\n", 1),
    ("docs/man/x.7", "tidepost gone\n", 1),
    ("docs/man/x.7", "No in Pa /etc\n", 1),
    ("docs/man/x.7", ".Dl # tidepost link up --gone\n", 1),
)


def pages_faults(check_pages, Tree, path, text):
    root = tempfile.mkdtemp(prefix="tidepost-arch-")
    try:
        write(root, dict(PAGES, **{path: text}))
        os.chmod(root + "/build/tidepost", 0o755)
        return list(check_pages(Tree(root), root + "/build"))
    finally:
        shutil.rmtree(root)


def run(checks, check_symbols, check_pages, Tree):
    bad = []
    for path, text, expected in PAGES_BROKEN:
        found = pages_faults(check_pages, Tree, path, text)
        if len(found) != expected:
            bad.append(f"manual-pages: {path}: {text!r}: {found}")
    for name, _ in checks:
        found = faults(checks, name, Tree, CLEAN)
        if found:
            bad.append(f"{name} complains about a clean tree: {found}")
    for name, path, text, where in BROKEN:
        files = dict(CLEAN, **{path: text})
        if name == "circles":
            files = circle_tree()
        found = faults(checks, name, Tree, files)
        if not any((where or "circle") in fault for fault in found):
            bad.append(f"{name} does not see {path}: {text!r}: {found}")
    for code, expected in (
            ("int f(void) { return 1; }\n", 0),
            ("long time(long *); long f(void) { return time(0); }\n", 1),
            ("int socket(int, int, int); int f(void)"
             " { return socket(1, 1, 0); }\n", 1),
            ("int sqlite3_open(void); int f(void)"
             " { return sqlite3_open(); }\n", 1),
            ("int SSL_read(void); int f(void) { return SSL_read(); }\n", 1)):
        found = symbols_seen(check_symbols, code)
        if len(found) != expected:
            bad.append(f"symbols: {code!r}: {found}")
    for line in bad:
        print("  " + line)
    total = len(checks) + len(BROKEN) + len(PAGES_BROKEN) + 5
    print(f"{'FAIL' if bad else 'ok'} self-test: {total - len(bad)} of {total}"
          " made-up trees judged rightly")
    return not bad
