#!/usr/bin/env python3
"""Runs *.test files against eventd, or with --postgres against a real PostgreSQL 15. See README.md."""
import argparse
import concurrent.futures
import difflib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer
from fixture import load_into_eventd, load_into_postgres
from pg_client import TYPE_NAMES, ConnectionLost, PgError
from postgres_server import BIN, PostgresServer
from test_file import TestFile

HERE = pathlib.Path(__file__).resolve().parent
SESSION = ["SET TimeZone = 'UTC'", "SET DateStyle = 'ISO, MDY'", "SET extra_float_digits = 1"]


def show_value(value):
    if value is None:
        return "NULL"
    if value == "":
        return "''"
    if value == "NULL":
        return "'NULL'"
    shown = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return shown.replace(" ", "\\s", 1) if shown.startswith(" ") else shown


def show_result(result, unordered):
    if result.columns is None:
        return ["OK " + result.tag]
    header = " | ".join(f"{name}:{TYPE_NAMES.get(oid, oid)}" for name, oid in result.columns)
    rows = [" | ".join(show_value(value) for value in row) or "(no columns)" for row in result.rows]
    return [header or "(no columns)"] + (sorted(rows) if unordered else rows)


def show_error(error):
    at = f" at {error.position}" if error.position else ""
    return [f"ERROR {error.sqlstate}{at}: {error.message.splitlines()[0] if error.message else ''}"]


def answer(client, record):
    """The lines that this server's answer is written as."""
    try:
        results = client.query(record.statement)
    except PgError as error:
        return show_error(error)
    lines = []
    for result in results:
        lines += show_result(result, record.unordered)
    return lines


class Run:
    """One server and what was found on it."""

    def __init__(self, options, connect):
        self.options = options
        self.connect = connect
        self.reference = options.postgres

    def open(self):
        client = self.connect()
        for statement in SESSION:
            client.query(statement)
        return client

    def run_file(self, path):
        """(number of records, lines of the report)."""
        test_file = TestFile.read(path)
        report, client = [], self.open()
        failed = 0
        for record in test_file.records:
            try:
                got = answer(client, record)
            except ConnectionLost:
                got = ["the server closed the connection"]
                client = self.open()
            if client.transaction_status != "I" and not record.keeps_transaction:
                client.query("ROLLBACK")
            if self.options.rewrite:
                record.answer = got
                continue
            if self.options.add_exceptions:
                record.eventd_answer = got if got != record.answer else None
                continue
            expected = record.expected(self.reference)
            if got == expected:
                continue
            failed += 1
            if got == record.answer:
                report.append("  now PostgreSQL's answer: the exception goes (--add-exceptions)")
            report.append(f"{path.name}:{record.line}: {record.sql}")
            report += ["  " + line for line in difflib.unified_diff(
                expected, got, "expected", "got", lineterm="", n=1)][2:]
        client.close()
        if self.options.rewrite or self.options.add_exceptions:
            test_file.write(path)
        return len(test_file.records), failed, report


def wait_for_field_catalog(client):
    """Types of payload fields are known moments after the first events that have them."""
    behind = "SELECT value FROM eventd_statistics WHERE name = 'catalog.rows_behind'"
    e2e_test.wait_for(lambda: float(client.value(behind)) == 0, "the field catalog knows all events")


def run_all(options, connect):
    run = Run(options, connect)
    files = [pathlib.Path(name) for name in options.files] or sorted(HERE.glob("*.test"))
    if options.postgres:
        files = [path for path in files if not TestFile.read(path).eventd_only]
    total = failed = 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for path, (count, bad, report) in zip(files, pool.map(run.run_file, files)):
            total, failed = total + count, failed + bad
            print("\n".join([f"{path.name}: {count - bad} of {count}"] + report), flush=True)
    print(f"{total - failed} of {total} statements answered as expected")
    return 1 if failed or total == 0 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin-dir", default=str(e2e_test.REPOSITORY / "build/dev/bin"))
    parser.add_argument("--postgres", action="store_true", help="the reference instead of eventd")
    parser.add_argument("--rewrite", action="store_true",
                        help="write the answers into the files: from PostgreSQL those expected, "
                        "from eventd those of EQL")
    parser.add_argument("--add-exceptions", action="store_true",
                        help="make exceptions of what eventd answers otherwise; drop those gone")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    if options.postgres:
        if not (BIN / "postgres").exists():
            e2e_test.skip("PostgreSQL 15 is not installed")
        with PostgresServer() as server:
            with server.connect() as client:
                load_into_postgres(client)
            return run_all(options, server.connect)
    with EventdServer(options.bin_dir) as server:
        with server.connect() as client:
            load_into_eventd(client)
            wait_for_field_catalog(client)
        status = run_all(options, server.connect)
        if server.stop() != 0:
            print("the server did not end well:\n" + server.log_tail())
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
