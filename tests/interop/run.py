#!/usr/bin/env python3
"""tidepost with the mail programs of others, over loopback.

    tests/interop/run.py [BUILD [PATTERN...]]

One line for each pair: ok, FAIL or skip. With patterns only pairs whose name
holds one of them. The last line is "N passed, N failed, N skipped".
"""

import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
if len(sys.argv) > 1:
    os.environ["TIDEPOST_BUILD"] = os.path.abspath(sys.argv[1])

import bits  # noqa: E402
import clients  # noqa: E402
import etrn  # noqa: E402
import fetchmail  # noqa: E402
import figures  # noqa: E402
import flight  # noqa: E402
import gateways  # noqa: E402
import lmtp  # noqa: E402
import mailboxes  # noqa: E402
import networks  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402
import shore  # noqa: E402
import users  # noqa: E402

FAMILIES = (bits, clients, servers, users, fetchmail, etrn, flight, lmtp,
            mailboxes, gateways, figures, shore, networks)


def describe(error):
    if isinstance(error, AssertionError):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()


def run_pair(name, function):
    """True where it passed."""
    try:
        function()
        print(f"ok {name}", flush=True)
        return True
    except Exception as error:
        print(f"FAIL {name}: {describe(error)}")
        for text in report._on_failure:
            print(text())
        sys.stdout.flush()
        return False
    finally:
        report._on_failure.clear()
        report.clean_up()


def main():
    passed = failed = skipped = 0
    patterns = sys.argv[2:]
    for family in FAMILIES:
        for name, missing, function in family.pairs():
            if patterns and not any(p in name for p in patterns):
                continue
            if missing:
                print(f"skip {name}: {missing}", flush=True)
                skipped += 1
            elif run_pair(name, function):
                passed += 1
            else:
                failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


sys.exit(main())
