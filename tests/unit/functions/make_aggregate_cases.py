#!/usr/bin/env python3
"""Writes aggregate_cases.inc: what PostgreSQL 15 answers to the aggregates of aggregate_cases.txt.
usage: make_aggregate_cases.py 'psql -h … -U …' < aggregate_cases.txt > aggregate_cases.inc"""
import subprocess
import sys

from make_oracle_cases_lib import c_string, outcome

for line in sys.stdin:
    line = line.rstrip("\n")
    if not line or line.startswith("#"):
        continue
    name, *cells = line.split(" | ")
    columns = []
    for cell in cells:
        kind, values = cell.split(":", 1)
        columns.append((kind, values.split(",")))
    rows = zip(*[values for _, values in columns])
    row_text = ", ".join(
        "(%d, %s)" % (i, ", ".join("NULL" if v == "\\N" else "'%s'" % v.replace("'", "''") for v in row))
        for i, row in enumerate(rows))
    names = ["c%d" % i for i in range(len(columns))]
    arguments = ", ".join("%s::pg_catalog.%s" % (n, kind) for n, (kind, _) in zip(names, columns))
    query = "select pg_catalog.%s(%s order by n) from (values %s) v(n, %s)" % (
        name, arguments, row_text, ", ".join(names))
    table = ", ".join(
        "{%s}" % ", ".join('{"%s", %s, %s}' % (kind, c_string("" if v == "\\N" else v), "true" if v == "\\N" else "false") for v in values)
        for kind, values in columns)
    print('{"%s", {%s}, %s},' % (name, table, outcome(sys.argv[1], query)))
