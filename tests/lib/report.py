"""What a scenario tells, and how it ends: 0 good, 77 skipped, 1 bad."""

import atexit
import os
import shutil
import sys
import tempfile
import time
import traceback

SKIP = 77
_failed = 0
_at_end = []  # functions called after each test and at exit
_on_failure = []  # functions that give text worth reading after a failure


def check(good, text, detail=""):
    """One sub-result; returns GOOD."""
    global _failed
    if good:
        print(f"ok {text}")
    else:
        _failed += 1
        print(f"FAIL {text}" + (f": {detail}" if detail != "" else ""))
    return good


def equal(got, expected, text):
    return check(got == expected, text, f"got {got!r}, expected {expected!r}")


def skip(text):
    """Ends the scenario: it cannot run on this machine."""
    print(f"skip {text}")
    sys.exit(SKIP)


def skip_part(text):
    print(f"skip {text}")


def wait_until(condition, seconds=20, every=0.02):
    """CONDITION's first true value, or its last one when time is over."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


def at_end(function):
    _at_end.append(function)


def on_failure(function):
    _on_failure.append(function)


def clean_up():
    while _at_end:
        try:
            _at_end.pop()()
        except Exception:  # cleaning goes on whatever one part says
            traceback.print_exc()


def forget_all():
    """What was started stays, whatever at_end was told."""
    _at_end.clear()


atexit.register(clean_up)


def temp_dir():
    """A folder that is gone at the end (TIDEPOST_KEEP=1 keeps it)."""
    # Short, since the name of a Unix socket has room for 107 octets.
    folder = tempfile.mkdtemp(prefix="tp-")
    if os.environ.get("TIDEPOST_KEEP"):
        print(f"# keeping {folder}")
    else:
        at_end(lambda: shutil.rmtree(folder, ignore_errors=True))
    return folder


def run_part(function, *args):
    """One test; what it started is ended behind it, and told if it failed."""
    before = _failed
    try:
        function(*args)
    except Exception:
        check(False, function.__name__, traceback.format_exc().rstrip())
    if _failed > before:
        for text in list(_on_failure):
            print(text())
    _on_failure.clear()
    clean_up()


def run(*tests):
    """Runs each test function, or those named on the command line."""
    only = sys.argv[1:]
    for test in tests:
        if not only or test.__name__ in only:
            run_part(test)
    sys.exit(1 if _failed else 0)
