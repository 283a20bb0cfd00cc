-- Prints json_cases.inc: what PostgreSQL 15 makes of JSON texts. Run with psql -XAt.
CREATE FUNCTION pg_temp.try(input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; message text; detail text;
BEGIN
  result := input::jsonb::text;
  RETURN format('{R"~(%s)~", "", R"~(%s)~", ""},', input, result);
EXCEPTION WHEN others THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  RETURN format('{R"~(%s)~", "%s", R"~(%s)~", R"~(%s)~"},', input, SQLSTATE, message, detail);
END $$;
SELECT pg_temp.try(input) FROM unnest(ARRAY[
 '{}','[]','null','true','false','1','-1','0','-0','1.5','1.50','1.0','-0.0','0.0','1e3','1E+3','1.5e3','1e-3','123456789012345678','9223372036854775807','9223372036854775808','18446744073709551615','18446744073709551616','-9223372036854775808','-9223372036854775809','0.1','0.1000','3.141592653589793','3.14159265358979312','1e22','1e23','1e400','1.7976931348623157e308','123456789.123456789','0.000001','1e-7','12345678901234567890.5','"a"','""','"a\"b\\c\/d\b\f\n\r\t"','"\u00e9\u20ac\ud83d\ude00"','"é€😀"',
 '{"b":1,"a":2}','{"bb":1,"a":2,"c":3}','{"a":1,"a":2}','{"a":{"z":1,"y":[1,2,{"q":null}]},"b":"x"}','[1,2,3]','[1, "a", null, true, [], {}]',' [ 1 , 2 ] ','{"":1}','{"a":[{"b":[{"c":1}]}]}','[[[[[[]]]]]]','"\u001f"','"/"','{"é":1,"zz":2,"y":3}','[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]',
 '{"a0":0,"a1":1,"a2":2,"a3":3,"a4":4,"a5":5,"a6":6,"a7":7,"a8":8,"a9":9,"b0":10,"b1":11,"b2":12,"b3":13,"b4":14,"b5":15,"b6":16}',
 '','  ','{','[','"abc','{"a"','{"a":','{"a":1','{"a":1,','{"a":1,}','[1,','[1,]','[1 2]','{"a" 1}','{a:1}','{1:2}','{,}','[,]',']','}','tru','nul','truex','01','1.','.5','-','+1','1e','1e+','-x','1x','0x10','"\q"','"\u12"','"\u12g4"','"\ud800"','"\ud800x"','"\udc00"','"\ud800\ud800"','"\u0000"',E'"a\nb"',E'"a\tb"','1 2','{} {}','null null','''a''','NaN','Infinity','[1,2','{"a":[1,2}','[{]','@','{"a":@}','["a":1]','{"a","b"}','1e131073','"unterminated \','[1,"x]'
]) WITH ORDINALITY u(input, n) ORDER BY n;
