#!/usr/bin/env python3
"""SQLsmith's random statements on eventd: every one ends with rows or a clear error, in time.

SQLsmith (Debian's package) learns types, functions and operators from a PostgreSQL that has views over the
fixture's events; it only prints statements. Each view's name stands for its query when eventd gets the
statement. No answers are compared: what fails is a lost connection, an internal error (XX…), or a statement
still running well past statement_timeout.
"""
import argparse
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import time

import differential_test as base
from pg_client import ConnectionLost
from query_generator import SOURCES

SQLSMITH = shutil.which("sqlsmith")
# What eventd doesn't know would only be refused: SQLsmith's server hides such functions behind a view of its own, which
# SQLsmith finds first, and forgets such operators, except those of types its own queries need.
FUNCTIONS = """SELECT oid, 'pg_catalog.' || quote_ident(proname) || '(' || coalesce((SELECT string_agg('NULL::' || CASE
  WHEN t = '"any"'::regtype THEN 'text' WHEN t::regtype::text ~ '^any.*array$' THEN 'int4[]' WHEN t::regtype::text ~ '^any' THEN 'int4'
  ELSE format_type(t, NULL) END, ', ' ORDER BY n) FROM unnest(proargtypes::oid[]) WITH ORDINALITY AS a(t, n)), CASE WHEN prokind = 'a' THEN '*' ELSE '' END)
  || ')' || CASE WHEN prokind = 'w' THEN ' OVER ()' ELSE '' END FROM pg_proc
  WHERE NOT proretset AND prokind <> 'p' AND proname !~ '^pg_(terminate|cancel)_backend$'"""
OPERATORS = """SELECT oid, format('NULL::%s OPERATOR(pg_catalog.%s) NULL::%s', format_type(oprleft, NULL), oprname, format_type(oprright, NULL))
  FROM pg_operator WHERE 0 NOT IN (oprleft, oprright, oprresult)
  AND NOT oprleft::regtype::text = ANY ('{oid,name,"\\"char\\"",aclitem,oidvector,regproc,int2,int4,int8,bool,text}') OR oprname ~ '^(@@|[*])'"""
HIDE = """SET allow_system_table_mods = on; CREATE SCHEMA smith; GRANT ALL ON SCHEMA smith TO public;
 CREATE TABLE smith.known AS SELECT unnest('{%s}'::oid[]) AS oid; DELETE FROM pg_operator WHERE oid = ANY ('{%s}');
 CREATE VIEW smith.pg_proc AS SELECT * FROM pg_catalog.pg_proc WHERE oid IN (SELECT oid FROM smith.known);
 ALTER VIEW information_schema.tables RENAME TO all_tables;
 CREATE VIEW information_schema.tables AS SELECT * FROM information_schema.all_tables WHERE table_schema <> 'smith';
 ALTER ROLE postgres SET search_path = smith, pg_catalog, public"""
UNKNOWN = {"42883", "42704", "42725", "42809", "0A000"}
TIMEOUT_S = 3
HANG_S = 20
VIEW = re.compile(r"\bpublic\.(v\d+)\b(\s+as\b)?", re.I)
SAMPLE = re.compile(r"\s+tablesample\s+(system|bernoulli)\s*\([^)]*\)", re.I)
EVENTS = "(SELECT timestamp, event_type, cpu_id, sequence, process_guid, payload FROM events WHERE event_type LIKE 't.%')"


def views():
    named = {f"v{i}": f"(SELECT * FROM {sql} AS s({', '.join(columns)}))" for i, (sql, columns) in enumerate(SOURCES)}
    return named | {f"v{len(named)}": EVENTS}


def statements(target, seed, count):
    """What SQLsmith writes, for eventd to read."""
    command = [SQLSMITH, "--dry-run", f"--seed={seed}", f"--max-queries={count}", "--exclude-catalog", f"--target={target}"]
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False, timeout=600).stdout
    definitions = views()
    for sql in output.split(";\n"):
        if sql.lstrip().lower().startswith(("select", "with")):
            yield VIEW.sub(lambda found: definitions[found[1]] + (found[2] or " AS v"), SAMPLE.sub("", sql))


def is_known(client, expression):
    try:
        client.query(f"EXPLAIN SELECT {expression}")
    except base.PgError as error:
        return error.sqlstate not in UNKNOWN
    return True


def hide_unknown(postgres, eventd):
    """SQLsmith will see only the functions and operators that eventd knows."""
    functions = [oid for oid, call in postgres.query(FUNCTIONS)[-1].rows if is_known(eventd, call)]
    operators = [oid for oid, call in postgres.query(OPERATORS)[-1].rows if not is_known(eventd, call)]
    postgres.query(HIDE % (",".join(functions), ",".join(operators)))


class Smith:
    def __init__(self, server):
        self.server, self.client = server, None
        self.counts, self.messages, self.failures = collections.Counter(), collections.Counter(), []

    def connect(self):
        self.client = self.server.connect()
        self.client.query(f"SET statement_timeout = '{TIMEOUT_S}s'")

    def run(self, sql):
        start = time.monotonic()
        try:
            self.client.query(sql)
            outcome = "answered"
        except base.PgError as error:
            outcome = error.sqlstate
            self.messages[f"{outcome} {error.message.splitlines()[0][:70]}"] += 1
            if outcome.startswith("XX"):
                self.failures.append(f"{outcome}: {error.message}\n{sql}")
        except (ConnectionLost, OSError) as lost:
            outcome = "connection lost"
            self.failures.append(f"{outcome}: {lost}\n{sql}")
            self.connect()
        took = time.monotonic() - start
        if took > HANG_S:
            self.failures.append(f"took {took:.0f} s\n{sql}")
        self.counts[outcome] += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin-dir", default=str(base.e2e_test.REPOSITORY / "build/dev/bin"))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31) if base.e2e_test.LONG else 1)
    parser.add_argument("--seconds", type=float, default=3600 if base.e2e_test.LONG else 10)
    parser.add_argument("--batch", type=int, default=200, help="statements a run of SQLsmith")
    parser.add_argument("--show", type=int, default=0, help="so many of the commonest errors")
    options = parser.parse_args()
    if SQLSMITH is None or not os.access(base.BIN / "postgres", os.X_OK):
        base.e2e_test.skip("sqlsmith or PostgreSQL 15 is not installed")
    print(f"seed {options.seed}", flush=True)
    with base.PostgresServer() as reference, base.EventdServer(options.bin_dir) as server:
        with reference.connect() as postgres:
            base.load_into_postgres(postgres)
            for name, sql in views().items():
                postgres.query(f"CREATE VIEW {name} AS SELECT * FROM {sql} AS v")
            with server.connect() as client:
                base.load_into_eventd(client)
                hide_unknown(postgres, client)
        smith = Smith(server)
        smith.connect()
        target = f"host={reference.directory} port=5432 dbname=eventd user=postgres"
        seed, end = options.seed, time.monotonic() + options.seconds
        while time.monotonic() < end:
            for sql in statements(target, seed, options.batch):
                smith.run(sql)
                if time.monotonic() > end:
                    break
            seed += 1
    for message, count in smith.messages.most_common(options.show):
        print(count, message)
    for failure in smith.failures[:10]:
        print(failure, end="\n\n")
    print(", ".join(f"{what} {count}" for what, count in smith.counts.most_common()))
    return 1 if smith.failures or not smith.counts else 0


if __name__ == "__main__":
    sys.exit(main())
