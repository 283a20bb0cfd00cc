"""What every end-to-end test shares: its arguments, skipping, waiting."""
import argparse
import os
import pathlib
import sys
import time
import unittest

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
LONG = os.environ.get("EVENTD_LONG_TESTS") == "1"


def arguments(**more):
    """Known options of every test: --bin-dir. `more`: name=default of further ones."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", default=str(REPOSITORY / "build/dev/bin"))
    for name, default in more.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default)
    parsed, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    return parsed


def skip(reason):
    print("skipped: " + reason)
    sys.exit(SKIPPED)


def shared_data():
    """The folder of shared data, or the test is skipped."""
    places = [os.environ.get("EVENTD_SHARED"), REPOSITORY.parent / "shared", REPOSITORY / "shared"]
    for place in places:
        if place and (pathlib.Path(place) / "data").is_dir():
            return pathlib.Path(place) / "data"
    skip("no shared data here; EVENTD_SHARED names its folder")


def wait_for(condition, what, timeout_s=60, interval_s=0.05):
    """The first true value of `condition()`; fails after a generous limit."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout_s} s")
        time.sleep(interval_s)


def copy_escaped(text):
    """A field of COPY's text form."""
    return (text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
            .replace("\r", "\\r"))


def main():
    unittest.main(verbosity=2)
