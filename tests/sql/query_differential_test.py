#!/usr/bin/env python3
"""Random queries, seeded, answered by eventd and by PostgreSQL 15: equal as multisets of rows.

Counted but passed over: what eventd refuses by name (0A000, 42883), what runs past the time limit on
either side. Every other difference fails.
"""
import argparse
import collections
import os
import random
import re
import sys
import time

import differential_test as base
from pg_client import ConnectionLost
from query_generator import QueryGenerator
from query_templates import BULK_EVENTS

TIMEOUT = "SET statement_timeout = '5s'"
PASSED_OVER = {"0A000": "not supported", "42883": "not supported", "57014": "too slow"}
TYPED = re.compile(r"('(?:[^']|'')*')(?:::(timestamptz|date|jsonb|int\[\]|text\[\]))?|\b(\d+(?:\.\d+)?)::(int8|float8)\b")
# Two errors of one query: which is found first is nobody's promise.
EITHER_FIRST = {"42803", "42P19"}
FAILURES = ("different", "crash")


def parameterized(sql):
    """(statement, parameters): typed constants as parameters, equal ones as one."""
    parameters = {}

    def replace(found):
        value, kind = found[1] or found[3], found[2] or found[4]
        if kind is None:
            return found[0]
        number = parameters.setdefault((value.strip("'").replace("''", "'"), kind), len(parameters) + 1)
        return f"${number}::{kind}"

    return TYPED.sub(replace, sql), [value for value, _ in parameters]


def answer(client, sql, extended=False):
    try:
        shown = base.show_result(client.query_with(*parameterized(sql)) if extended else client.query(sql)[-1], False)
        # 0 and -0 are equal, but stand apart in an order of texts.
        return [shown[0]] + sorted(shown[1:], key=lambda row: re.sub(r"(^|\| )-0(?= \||$)", r"\g<1>0", row))
    except base.PgError as error:
        return ["ERROR", error.sqlstate, base.show_error(error)[0]]


def judge(expected, got):
    if expected[0] == got[0] == "ERROR" and expected[1] == got[1]:
        return "error in both"
    for side in (got, expected):
        if side[0] == "ERROR" and side[1] in PASSED_OVER and (side is got or side[1] == "57014"):
            return PASSED_OVER[side[1]]
    # Which rows a scalar subquery is evaluated for is the planner's choice.
    if (expected[0] == "ERROR") != (got[0] == "ERROR") and "21000" in (expected[1:2] + got[1:2]):
        return "error in one"
    if expected[0] == got[0] == "ERROR" and {expected[1], got[1]} == EITHER_FIRST:
        return "error in both"
    if expected[0] == "ERROR":
        return "different"
    return "equal" if len(expected) == len(got) and all(map(base.same_row, expected, got)) else "different"


def start_session(client):
    for statement in base.SESSION + [TIMEOUT]:
        client.query(statement)


def after_crash(server):
    """A session of the server, which has been started again if it had ended."""
    server.kill()
    server.start()
    client = server.connect()
    start_session(client)
    return client


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin-dir", default=str(base.e2e_test.REPOSITORY / "build/dev/bin"))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32) if base.e2e_test.LONG else 1)
    parser.add_argument("--statements", type=int, default=20000 if base.e2e_test.LONG else 0)
    parser.add_argument("--seconds", type=float, default=10, help="without --statements")
    parser.add_argument("--show", type=int, default=20, help="how many differences")
    options = parser.parse_args()
    if not os.access(base.BIN / "postgres", os.X_OK):
        base.e2e_test.skip("PostgreSQL 15 is not installed")
    print(f"seed {options.seed}", flush=True)
    counts, shown, number, end = collections.Counter(), 0, 0, time.monotonic() + options.seconds
    with base.PostgresServer() as reference, base.EventdServer(options.bin_dir) as server:
        postgres, eventd = reference.connect(), server.connect()
        base.load_into_postgres(postgres)
        base.load_into_eventd(eventd)
        for client in (postgres, eventd):
            client.query(BULK_EVENTS)
        start_session(postgres)
        start_session(eventd)
        while number < options.statements if options.statements else time.monotonic() < end:
            sql = QueryGenerator(f"{options.seed}/{number}").statement()
            extended = number % 5 == 4
            number += 1
            expected = answer(postgres, sql, extended)
            try:
                got = answer(eventd, sql, extended)
                verdict = judge(expected, got)
            except ConnectionLost:
                got, verdict = ["the server ended"], "crash"
                eventd = after_crash(server)
            counts[verdict] += 1
            if verdict in FAILURES and shown < options.show:
                shown += 1
                pairs = [pair for pair in zip(expected, got) if not base.same_row(*pair)][:3]
                print(f"-- {number - 1} {verdict}: {len(expected) - 1} rows, {len(got) - 1} rows\n{sql}",
                      *(f"  PostgreSQL {a}\n  eventd     {b}" for a, b in pairs), sep="\n", flush=True)
        postgres.close()  # its server ends when nobody is connected
        eventd.close()
    print(", ".join(f"{what} {count}" for what, count in sorted(counts.items())))
    return 1 if any(counts[what] for what in FAILURES) or not counts["equal"] else 0


if __name__ == "__main__":
    sys.exit(main())
