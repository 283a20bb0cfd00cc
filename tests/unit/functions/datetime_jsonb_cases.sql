-- Prints datetime_jsonb_cases.inc: results of functions in PostgreSQL 15. Run with psql -XAt.
-- A case is 'name|type=value|type=value…'.
SET timezone = 'America/New_York';
CREATE FUNCTION pg_temp.try(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE parts text[] := string_to_array(call, '|'); args text; result text; message text;
BEGIN
  SELECT string_agg(format('%L::%s', substr(p, strpos(p, '=') + 1), split_part(p, '=', 1)), ', ' ORDER BY n)
    INTO args FROM unnest(parts[2:]) WITH ORDINALITY u(p, n);
  IF parts[1] LIKE 'jsonb_extract_path%' THEN
    args := replace(args, ', ''{', ', VARIADIC ''{');
  END IF;
  EXECUTE format('SELECT (pg_catalog.%I(%s))::text', parts[1], args) INTO result;
  RETURN format('{R"~(%s)~", "", R"~(%s)~"},', call, coalesce(result, '<NULL>'));
EXCEPTION WHEN others THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
  RETURN format('{R"~(%s)~", "%s", R"~(%s)~"},', call, SQLSTATE, message);
END $$;
WITH units(u) AS (SELECT unnest(ARRAY['microseconds','milliseconds','second','minute','hour','day','week','month','quarter','year','decade','century','millennium','epoch','julian','isoyear','dow','isodow','doy','timezone','timezone_hour','timezone_minute','foo'])),
stamps(t) AS (SELECT unnest(ARRAY['2023-07-15 10:20:30.123456','2000-01-01 00:00:00','1999-12-31 23:59:59.999999','0044-03-15 12:34:56 BC','infinity','-infinity','2024-02-29 23:00:00','1901-01-01 00:00:00'])),
cases(c) AS (
 SELECT format('%s|text=%s|%s=%s', f, u, ty, t) FROM units, stamps, unnest(ARRAY['timestamp','timestamptz']) ty, unnest(ARRAY['extract','date_part','date_trunc']) f
 UNION ALL SELECT format('extract|text=%s|date=%s', u, t) FROM units, unnest(ARRAY['2023-07-15','infinity','1999-01-01']) t
 UNION ALL SELECT format('%s|text=%s|interval=%s', f, u, t) FROM units, unnest(ARRAY['1 year 2 mons 3 days 04:05:06.75','-1 year -2 mons +3 days -04:05:06.75','1234 years']) t, unnest(ARRAY['extract','date_part','date_trunc']) f
 UNION ALL SELECT format('extract|text=%s|time=%s', u, t) FROM units, unnest(ARRAY['10:20:30.5']) t
 UNION ALL SELECT format('extract|text=%s|timetz=%s', u, t) FROM units, unnest(ARRAY['10:20:30.5+05:30']) t
 UNION ALL SELECT format('date_trunc|text=%s|timestamptz=2023-07-15 10:20:30.5+00|text=%s', u, z) FROM units, unnest(ARRAY['Europe/Berlin','UTC','nope']) z
 UNION ALL SELECT format('%s|timestamptz=%s|interval=%s', f, t, i) FROM unnest(ARRAY['timestamptz_pl_interval','timestamptz_mi_interval']) f, unnest(ARRAY['2023-03-11 02:30','2023-11-04 01:30','2024-01-31 12:00','infinity']) t, unnest(ARRAY['1 day','24 hours','1 month','1 mon 1 day 01:00','-1 year','300000 years']) i
 UNION ALL SELECT format('age|%s=%s|%s=%s', ty, a, ty, b) FROM unnest(ARRAY['timestamp','timestamptz']) ty, unnest(ARRAY['2023-03-31 10:00','2001-04-10','2000-02-29 23:59:59.5']) a, unnest(ARRAY['1957-06-13','2023-02-28 11:00','2024-01-30']) b
 UNION ALL SELECT format('%s|timestamp=%s|timestamp=%s', f, a, b) FROM unnest(ARRAY['timestamp_mi']) f, unnest(ARRAY['2023-03-31 10:00','infinity']) a, unnest(ARRAY['1957-06-13 11:00','2023-04-28']) b
 UNION ALL SELECT format('date_bin|interval=%s|timestamptz=%s|timestamptz=%s', i, a, b) FROM unnest(ARRAY['15 minutes','1 day','1 month','-1 day','00:00:07']) i, unnest(ARRAY['2023-03-31 10:07:08','1990-01-01 00:00:01']) a, unnest(ARRAY['2000-01-01 00:00:00+00','2024-01-01 00:03:00']) b
 UNION ALL SELECT format('interval_mul|interval=%s|float8=%s', i, f) FROM unnest(ARRAY['1 mon','1 year 1 day 01:00','-3 days 00:00:01','100 years']) i, unnest(ARRAY['1.5','-2','0.1','1e9','NaN','0.333']) f
 UNION ALL SELECT format('interval_div|interval=%s|float8=%s', i, f) FROM unnest(ARRAY['1 mon','1 year 1 day 01:00','-3 days 00:00:01']) i, unnest(ARRAY['1.5','-2','0','7']) f
 UNION ALL SELECT format('%s|interval=%s', f, i) FROM unnest(ARRAY['justify_hours','justify_days','justify_interval','interval_um']) f, unnest(ARRAY['35 days','-35 days 27:00','1 mon -1 hour','100:00:00','-1 mon 40 days -50:00']) i
 UNION ALL SELECT format('to_char|timestamptz=%s|text=%s', t, f) FROM unnest(ARRAY['2023-07-05 15:04:09.123456','2024-01-01 00:00:00']) t, unnest(ARRAY['YYYY-MM-DD HH24:MI:SS','FMDay, DDth FMMonth YYYY','Day/DAY/day/Dy/DY/dy','Month/MONTH/month/Mon/MON/mon','HH12:MI:SS AM','hh:mi pm','MS US FF3','DDD IDDD D ID W WW IW Q CC J','Y YY YYY Y,YYY IYYY IYY','TZ tz TZH:TZM OF','RM/rm','"quoted YYYY" YYYY','FMDD FMMM FMHH24','SSSS','YYYY-MM-DD"T"HH24:MI:SS"Z"','DDTH DDth','AD bc','']) f
 UNION ALL SELECT format('to_char|interval=%s|text=%s', t, f) FROM unnest(ARRAY['1 day 25:03:04.5']) t, unnest(ARRAY['HH24:MI:SS','DD HH12 MS']) f
 UNION ALL SELECT format('timezone|text=%s|%s=2023-07-15 10:00:00', z, ty) FROM unnest(ARRAY['UTC','Europe/Berlin','EST','+02','XYZ-3','foo','asia/kolkata']) z, unnest(ARRAY['timestamp','timestamptz']) ty
 UNION ALL SELECT format('make_date|int4=%s|int4=%s|int4=%s', y, m, d) FROM unnest(ARRAY[2023,-44,0]) y, unnest(ARRAY[2,13]) m, unnest(ARRAY[28,29]) d
 UNION ALL SELECT format('make_time|int4=%s|int4=%s|float8=%s', h, m, s) FROM unnest(ARRAY[0,24,25]) h, unnest(ARRAY[0,59]) m, unnest(ARRAY[0,59.999999]) s
 UNION ALL SELECT format('to_timestamp|float8=%s', s) FROM unnest(ARRAY['0','1689416430.123456','-1.5','NaN','Infinity','1e20']) s
 UNION ALL SELECT format('%s|date=%s|int4=%s', f, d, n) FROM unnest(ARRAY['date_pli','date_mii']) f, unnest(ARRAY['2023-02-28','infinity']) d, unnest(ARRAY[1,-1,2147483647]) n
 UNION ALL SELECT format('time_pl_interval|time=%s|interval=%s', t, i) FROM unnest(ARRAY['10:00','23:30']) t, unnest(ARRAY['1 hour','-11 hours','1 day 02:00']) i
 UNION ALL SELECT format('%s|%s=2023-07-15 23:30:00', f, ty) FROM unnest(ARRAY['date','time','timestamptz']) f, unnest(ARRAY['timestamp']) ty
 UNION ALL SELECT format('%s|timestamptz=2023-07-15 23:30:00+00', f) FROM unnest(ARRAY['date','time','timestamp','timetz']) f
 UNION ALL SELECT format('%s|jsonb=%s|text=%s', f, j, k) FROM unnest(ARRAY['jsonb_object_field','jsonb_object_field_text','jsonb_exists','jsonb_delete']) f, unnest(ARRAY['{"a":1,"b":"x\ny","a":null,"c":{"d":[1,2.50]}}','["a","b",1]','"a"','5']) j, unnest(ARRAY['a','b','c','zz']) k
 UNION ALL SELECT format('%s|jsonb=%s|int4=%s', f, j, k) FROM unnest(ARRAY['jsonb_array_element','jsonb_array_element_text','jsonb_delete']) f, unnest(ARRAY['[1,"x",null,{"b":1,"a":[true]}]','{"a":1}','"a"']) j, unnest(ARRAY[0,1,2,3,4,-1,-4,-5]) k
 UNION ALL SELECT format('%s|jsonb={"a":[{"b":"c"},5,{"1":2}],"x":{"y":{"z":1.50}}}|_text=%s', f, p) FROM unnest(ARRAY['jsonb_extract_path','jsonb_extract_path_text']) f, unnest(ARRAY['{}','{a}','{a,0}','{a,0,b}','{a,-2}','{a,7}','{x,y,z}','{x,NULL}','{a,x}','{a,2,1}','{a,+1}','{a,01}','{x,y,z,w}']) p
 UNION ALL SELECT format('%s|jsonb=%s|jsonb=%s', f, a, b) FROM unnest(ARRAY['jsonb_contains','jsonb_contained','jsonb_eq','jsonb_lt','jsonb_concat']) f, unnest(ARRAY['{"a":1,"b":[1,2,{"c":3}]}','[1,2,"foo"]','"foo"','1.0','[]','null']) a, unnest(ARRAY['{"a":1}','{"b":[{"c":3}]}','[1]','"foo"','1','[]','[[1]]','true']) b
 UNION ALL SELECT format('%s|jsonb=%s', f, a) FROM unnest(ARRAY['jsonb_typeof','jsonb_array_length','jsonb_pretty','int4','numeric','bool','float8','int2']) f, unnest(ARRAY['{"a":1,"b":[1,2,{"c":3}]}','[1,2,"foo"]','[]','{}','"foo"','1.50','2.5','-3','1e5','true','null','99999999999']) a
 UNION ALL SELECT format('%s|jsonb={"a":1,"b":2}|_text=%s', f, a) FROM unnest(ARRAY['jsonb_exists_any','jsonb_exists_all']) f, unnest(ARRAY['{a,b}','{a,c}','{c,d}','{}']) a
 UNION ALL SELECT format('to_jsonb|%s', a) FROM unnest(ARRAY['int4=5','float8=1.5','float8=NaN','float4=0.1','numeric=1.50','numeric=NaN','text=a"b','bool=t','date=2023-01-02','timestamp=2023-01-02 03:04:05.6','timestamptz=2023-01-02 03:04:05.6','timestamptz=infinity','interval=1 day','_int4={1,2,NULL}','_int4={{1,2},{3,4}}','_int4={}','uuid=a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11','jsonb={"b":1}','bytea=\xff','float8=1e300']) a
) SELECT pg_temp.try(c) FROM (SELECT c FROM cases) q;
