#!/usr/bin/env python3
"""Asks PostgreSQL 15 for the answers of cases/*.txt and writes them under the calls.
usage: make_cases.py 'psql -h … -U …' FILE…

A case is a line `name | type:value | …` (\\N = NULL); its answer stands in the next line, indented:
`= result`, `! sqlstate message` or `NULL`. Old answers are replaced."""
import subprocess
import sys

from make_oracle_cases_lib import quoted

# What the grammar takes for something else than a function's name.
QUOTED = {"int4", "int2", "int8", "float4", "float8", "numeric", "bool", "bpchar", "varchar", "left", "right",
          "overlay", "substring", "text", "oid", "name", "overlaps", "json_object"}
TRY = """set timezone = 'UTC';
create function pg_temp.try(query text) returns text language plpgsql as $$
declare result text; message text;
begin
  execute query into result;
  return case when result is null then 'N' else 'V' || encode(convert_to(result, 'UTF8'), 'hex') end;
exception when others then
  get stacked diagnostics message = message_text;
  return 'E' || sqlstate || encode(convert_to(message, 'UTF8'), 'hex');
end $$;
"""


def query_of(line):
    name, *arguments = line.split(" | ")
    calls = []
    for argument in arguments:
        kind, value = argument.split(":", 1)
        calls.append(("NULL" if value == "\\N" else quoted(value)) + "::pg_catalog." + kind)
    target = '"%s"' % name if name in QUOTED else name
    return ("select case when x is null then null else format('%%s', x) end from (select pg_catalog.%s(%s) x) s"
            % (target, ", ".join(calls)))


def escaped(hex_bytes):
    return bytes.fromhex(hex_bytes).decode().replace("\\", "\\\\").replace("\n", "\\n")


def answer_of(result):
    if result[0] == "N":
        return "  NULL"
    if result[0] == "V":
        return "  = " + escaped(result[1:])
    return "  ! %s %s" % (result[1:6], escaped(result[6:]))


for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("  ")]
    cases = [line for line in lines if line and not line.startswith("#")]
    script = TRY + "".join("select pg_temp.try(%s);\n" % quoted(query_of(case)) for case in cases)
    run = subprocess.run(sys.argv[1].split() + ["-XAtq"], input=script, capture_output=True, text=True, check=True)
    answers = iter(run.stdout.split("\n"))
    with open(path, "w", encoding="utf-8") as file:
        for line in lines:
            file.write(line + "\n")
            if line and not line.startswith("#"):
                file.write(answer_of(next(answers)) + "\n")
