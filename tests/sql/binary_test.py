#!/usr/bin/env python3
"""Every answered statement of the *.test files once more through the extended protocol, results in
binary: the bytes must be PostgreSQL's."""
import argparse
import sys
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer
from fixture import load_into_eventd, load_into_postgres
from pg_client import PgError
from postgres_server import BIN, PostgresServer
from run_sql_tests import HERE, SESSION
from test_file import TestFile

# Clocks and process ids differ, and what a type's OID is.
NOT_COMPARED = ("now()", "pg_typeof", "clock_timestamp", "version()")


def statements():
    for path in sorted(HERE.glob("*.test")):
        test_file = TestFile.read(path)
        if test_file.eventd_only:
            continue
        for record in test_file.records:
            answered = record.eventd_answer is None and not record.answer[0].startswith(("ERROR", "OK"))
            if not answered or ";" in record.sql:
                continue
            if not any(word in record.sql for word in NOT_COMPARED):
                yield f"{path.name}:{record.line}", record


def answer(client, record):
    try:
        result = client.query_binary(record.statement)
    except PgError as error:
        return f"{error.sqlstate} {error.message}"
    rows = sorted(result.rows, key=repr) if record.unordered else result.rows
    return result.columns, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin-dir", default=str(e2e_test.REPOSITORY / "build/dev/bin"))
    options = parser.parse_args()
    if not (BIN / "postgres").exists():
        e2e_test.skip("PostgreSQL 15 is not installed")
    count = different = 0
    with PostgresServer() as reference, EventdServer(options.bin_dir) as server:
        with reference.connect() as postgres, server.connect() as eventd:
            load_into_postgres(postgres)
            load_into_eventd(eventd)
            for statement in SESSION:
                postgres.query(statement)
                eventd.query(statement)
            for place, record in statements():
                count += 1
                expected, got = answer(postgres, record), answer(eventd, record)
                if expected != got:
                    different += 1
                    print(f"{place}: {record.sql}\n  PostgreSQL {expected}\n  eventd     {got}")
    print(f"{count - different} of {count} statements give the same bytes")
    return 1 if different or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
