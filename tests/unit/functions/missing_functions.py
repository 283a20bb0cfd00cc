#!/usr/bin/env python3
"""Lists the functions of PostgreSQL 15, over the types eventd has, that the catalog lacks.
usage: EVENTD_LIST_FUNCTIONS=have.txt functions_test --gtest_filter='CatalogListing*'
       missing_functions.py 'psql -h … -U …' have.txt"""
import subprocess
import sys

TYPES = """16 17 18 19 20 21 23 24 25 26 114 700 701 705 829 774 869 650 1042 1043 1082 1083 1114 1184 1186 1266
1700 2202 2205 2206 2249 2278 2950 3802 4072 4089 2276 2277 2283 2776 5077 5078 5079 1000 1001 1002 1003 1005 1007
1009 1014 1015 1016 1021 1022 1028 1115 1182 1183 1185 1187 1231 1270 199 2951 3807 1041 651 1040 775 4073""".split()
# What only PostgreSQL's own storage, indexes and languages call.
INTERNAL = ("^(RI_|ts_|binary_upgrade|pg_stat|pg_logical|pg_replic|lo_|lo(read|write)|pg_wal|brin|gin|gist|spg|"
            "bt(?!rim)|hash|in_range|xml_|fmgr_|mxid|xid)|(sortsupport|_support|_accum(_inv)?|_combine|"
            "_(de)?serialize|_transfn|_finalfn|recv|send|sel|cmp|_in|_out|typmodin|larger|smaller|_subdiff|"
            "_statefunc|_validator)$")

have = open(sys.argv[2], encoding="ascii").read().split()
query = """
with t as (select unnest(array[%s]::oid[]) o)
select p.prokind::text || case when proretset then 's' else '' end || ' ' || proname || '(' ||
       pg_get_function_arguments(oid) || ') -> ' || format_type(prorettype, null)
from pg_proc p
where pronamespace = 11 and prokind in ('f', 'a', 'w') and prorettype in (select o from t)
  and not exists (select from unnest(proargtypes) a where a not in (select o from t))
  and oid not in (%s) and proname !~ '%s'
order by 1""" % (",".join(TYPES), ",".join(have), INTERNAL)
run = subprocess.run(sys.argv[1].split() + ["-XAtc", query], capture_output=True, text=True, check=True)
sys.stdout.write(run.stdout)
