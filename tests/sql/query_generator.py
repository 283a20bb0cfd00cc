"""Random queries from a seed: joins, subqueries, grouping, windows, set operations, WITH, LATERAL.

Every query has one right answer: expressions cannot fail, LIMIT stands over an order of all columns,
frames by ROWS over one too. So whatever two servers answer must be equal as multisets of rows.
"""
import random

# name → (type, …) of what stands in FROM. All over the fixture's events, VALUES or series.
REQUEST = """(SELECT (payload ->> 'n')::int AS n, payload ->> 'host' AS host, (payload ->> 'status')::int AS status,
 payload ->> 'user' AS usr, (payload ->> 'ms')::numeric AS ms, (payload ->> 'at')::timestamptz AS at,
 (payload ->> 'ok')::bool AS ok FROM events WHERE event_type = 't.request')"""
LOGIN = """(SELECT (payload ->> 'n')::int AS n, payload ->> 'user' AS usr, payload #>> '{session,id}' AS sid,
 (payload -> 'session' ->> 'age')::int8 AS age, (payload ->> 'failed')::bool AS failed
 FROM events WHERE event_type = 't.login')"""
SOURCES = [
    (REQUEST, {"n": "int", "host": "text", "status": "int", "usr": "text", "ms": "numeric", "at": "timestamptz", "ok": "bool"}),
    (LOGIN, {"n": "int", "usr": "text", "sid": "text", "age": "bigint", "failed": "bool"}),
    ("(SELECT event_type AS kind, length(payload::text) AS size, payload ? 'x' AS has_x FROM events WHERE event_type LIKE 't.%')",
     {"kind": "text", "size": "int", "has_x": "bool"}),
    ("(VALUES (1, 'anna', 1.5), (2, 'Bert', NULL), (2, 'Bert', NULL), (3, NULL, 2.5), (NULL, 'dora', 0.5), (7, 'web-1', 7.0))",
     {"a": "int", "b": "text", "c": "numeric"}),
    ("(VALUES (200, 'fine'), (404, 'lost'), (500, 'broken'), (NULL, NULL))", {"code": "int", "word": "text"}),
    ("(SELECT g, g % 3 AS m FROM generate_series(0, 12) AS s(g))", {"g": "int", "m": "int"}),
    ("(SELECT i::int8 AS i, '2024-02-28 00:00Z'::timestamptz + i * interval '7 hours' AS t FROM generate_series(0, 9) AS s(i))",
     {"i": "bigint", "t": "timestamptz"}),
]
CONSTANTS = {
    "int": ["0", "1", "2", "3", "5", "200", "404", "NULL::int"], "bigint": ["0::int8", "2::int8", "15::int8", "NULL::int8"],
    "numeric": ["0.5", "1.5", "20.25", "NULL::numeric"], "text": ["'anna'", "'web-1'", "'x'", "''", "NULL::text"],
    "bool": ["true", "false", "NULL::bool"],
    "timestamptz": ["'2024-02-28 12:00Z'::timestamptz", "'2024-02-29 06:00Z'::timestamptz", "NULL::timestamptz"],
}
TYPES = list(CONSTANTS)
EXPRESSIONS = {
    "int": ["{int} + {int}", "{int} - {int}", "coalesce({int}, {int})", "length({text})", "CASE WHEN {bool} THEN {int} ELSE {int} END",
            "nullif({int}, {int})", "greatest({int}, {int})", "abs({int})", "{int} % 7"],
    "bigint": ["{bigint} + {int}", "coalesce({bigint}, {int})", "least({bigint}, {bigint})"],
    "numeric": ["{numeric} + {numeric}", "coalesce({numeric}, 0.25)"],
    "text": ["{text} || {text}", "upper({text})", "coalesce({text}, 'none')", "left({text}, 2)", "({int})::text", "concat({text}, '-', {int})",
             "CASE {int} WHEN 2 THEN {text} ELSE 'other' END"],
    "bool": ["{int} = {int}", "{int} < {bigint}", "{text} = {text}", "{text} LIKE '%e%'", "{bool} AND {bool}", "{bool} OR {bool}", "NOT {bool}",
             "{int} IS NULL", "{text} IS NOT NULL", "{int} IN ({int}, {int}, 3)", "{numeric} > {numeric}", "{timestamptz} < {timestamptz}",
             "{int} BETWEEN {int} AND {int}", "{text} IS DISTINCT FROM {text}", "{bool} IS TRUE", "{int} <> ALL (ARRAY[{int}, 2])",
             "({int}, {text}) = ({int}, {text})", "({int}, {int}) < ({int}, {int})"],
    "timestamptz": ["{timestamptz} + interval '1 day'", "date_trunc('day', {timestamptz})", "coalesce({timestamptz}, {timestamptz})"],
}
AGGREGATES = [("count(*)", "bigint"), ("count({text})", "bigint"), ("count(DISTINCT {text})", "bigint"), ("sum({int})", "bigint"),
              ("min({text})", "text"), ("max({int})", "int"), ("max({timestamptz})", "timestamptz"), ("bool_or({bool})", "bool"),
              ("sum({numeric})", "numeric"), ("count(*) FILTER (WHERE {bool})", "bigint"), ("min({numeric})", "numeric"),
              ("string_agg({text}, ',' ORDER BY {same})", "text"), ("max({bigint})", "bigint"), ("bool_and({bool})", "bool")]
WINDOWS = [("count(*)", "bigint"), ("sum({int})", "bigint"), ("rank()", "bigint"), ("dense_rank()", "bigint"), ("min({int})", "int"),
           ("max({text})", "text"), ("count({text})", "bigint"), ("percent_rank()", "float"), ("cume_dist()", "float")]
ROW_WINDOWS = [("row_number()", "bigint"), ("lag({int})", "int"), ("lead({text}, 2, 'none')", "text"), ("first_value({text})", "text"),
               ("last_value({int})", "int"), ("nth_value({text}, 2)", "text"), ("ntile(3)", "int"), ("sum({int})", "bigint"),
               ("avg({int})", "numeric"), ("count(*) FILTER (WHERE {bool})", "bigint")]
BOUNDS = ["UNBOUNDED PRECEDING", "2 PRECEDING", "CURRENT ROW", "1 FOLLOWING", "UNBOUNDED FOLLOWING"]
JOINS = ["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]


class Names:
    """Columns an expression may use: [(reference, type)]; those of outer queries rarely."""

    def __init__(self, columns, outer=()):
        self.columns, self.outer = columns, list(outer)

    def of(self, kind, chance):
        own = [name for name, its in self.columns if its == kind]
        outer = [name for name, its in self.outer if its == kind]
        return outer if outer and (not own or chance.random() < 0.3) else own


class QueryGenerator:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.aliases = 0
        self.queries = 0
        self.ctes = []

    # --- expressions ---
    def expression(self, kind, names, depth=0):
        leaves = names.of(kind, self.chance)
        roll = self.chance.random()
        if depth < 2 and roll < 0.08 and self.queries < 8:
            return self.scalar_subquery(kind, names)
        if depth < 3 and roll < 0.55 - 0.15 * depth and kind in EXPRESSIONS:
            if kind == "bool" and self.chance.random() < 0.15 and self.queries < 8:
                return self.subquery_condition(names)
            return "(" + self.fill(self.chance.choice(EXPRESSIONS[kind]), names, depth + 1) + ")"
        if leaves and self.chance.random() < 0.92:
            return self.chance.choice(leaves)
        return self.chance.choice(CONSTANTS[kind])

    def fill(self, template, names, depth=1):
        """{type} becomes an expression of that type, {same} the last one again."""
        pieces, last = template.split("{"), ""
        out = pieces[0]
        for piece in pieces[1:]:
            what, rest = piece.split("}", 1)
            last = last if what == "same" else self.expression(what, names, depth)
            out += last + rest
        return out

    def scalar_subquery(self, kind, names):
        templates = [name for name, its in AGGREGATES if its == kind and "string_agg" not in name]
        if not templates:
            return self.chance.choice(CONSTANTS[kind])
        self.queries += 1
        source, columns = self.from_clause(names.columns + names.outer, 1)
        inner = Names(columns, names.columns + names.outer)
        return f"(SELECT {self.fill(self.chance.choice(templates), inner, 2)} FROM {source}{self.where(inner)})"

    def subquery_condition(self, names):
        self.queries += 1
        source, columns = self.from_clause(names.columns + names.outer, 1)
        inner = Names(columns, names.columns + names.outer)
        where = self.where(inner)
        shape = self.chance.random()
        if shape < 0.5:
            return f"({self.chance.choice(['', 'NOT '])}EXISTS (SELECT 1 FROM {source}{where}))"
        kind = self.chance.choice([its for _, its in columns if its in CONSTANTS])
        column = self.expression(kind, inner, 2)
        left = self.expression(kind, names, 2)
        how = self.chance.choice(["IN", "NOT IN", "= ANY", "<> ALL", "< ANY", ">= ALL"])
        return f"({left} {how} (SELECT {column} FROM {source}{where}))"

    # --- FROM and WHERE ---
    def alias(self):
        self.aliases += 1
        return f"q{self.aliases}"

    def source(self, outer, depth):
        alias = self.alias()
        roll = self.chance.random()
        if depth < 2 and roll < 0.15 and self.queries < 8:
            sql, columns = self.query(depth + 1)
            return f"({sql}) AS {alias}", [(f"{alias}.{name}", kind) for name, kind in columns]
        if self.ctes and roll < 0.35:
            name, columns = self.chance.choice(self.ctes)
            return f"{name} AS {alias}", [(f"{alias}.{column}", kind) for column, kind in columns]
        sql, columns = self.chance.choice(SOURCES)
        names = ", ".join(columns)
        return f"{sql} AS {alias}({names})", [(f"{alias}.{name}", kind) for name, kind in columns.items()]

    def lateral(self, columns):
        alias, self.queries = self.alias(), self.queries + 1
        source, inner_columns = self.from_clause([], 2)
        inner = Names(inner_columns, columns)
        kind = self.chance.choice(TYPES)
        value = self.expression(kind, inner, 2)
        sql = f"SELECT {value} AS v, count(*) AS c FROM {source}{self.where(inner)} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2"
        join = self.chance.choice(["CROSS JOIN LATERAL ({})  AS {}", "LEFT JOIN LATERAL ({}) AS {} ON true"])
        return " " + join.format(sql, alias), [(f"{alias}.v", kind), (f"{alias}.c", "bigint")]

    def from_clause(self, outer, depth=0):
        sql, columns = self.source(outer, depth)
        for _ in range(self.chance.choice([0, 0, 1, 1, 2] if depth == 0 else [0, 0, 0, 1])):
            if self.chance.random() < 0.12 and self.queries < 8:
                more, added = self.lateral(columns)
                sql, columns = sql + more, columns + added
                continue
            right, added = self.source(outer, depth + 1)
            sql, columns = f"{sql} {self.join(columns, right, added)}", columns + added
        return sql, columns

    def join(self, left, right, added):
        pairs = [(a, b) for a, kind in left for b, its in added if {kind, its} <= {"int", "bigint"} or kind == its != "bool"]
        if not pairs or self.chance.random() < 0.08:
            return f"CROSS JOIN {right}"
        how = self.chance.choice(JOINS)
        equals = " AND ".join(f"{a} = {b}" for a, b in self.chance.sample(pairs, min(len(pairs), self.chance.choice([1, 1, 2]))))
        if how != "FULL JOIN" and self.chance.random() < 0.25:
            a, b = self.chance.choice(pairs)
            return f"{how} {right} ON {equals} {self.chance.choice(['AND', 'AND', 'OR'])} {a} < {b}"
        return f"{how} {right} ON {equals}"

    def where(self, names):
        return f" WHERE {self.expression('bool', names, 0)}" if self.chance.random() < 0.4 else ""

    # --- SELECT ---
    def query(self, depth=0):
        """(sql, [(column, type)]); columns are c1, c2 …"""
        self.queries += 1
        roll = self.chance.random()
        if roll < 0.12 and depth < 2:
            return self.set_operation(depth)
        if roll < 0.40:
            return self.grouped(depth)
        if roll < 0.58:
            return self.windowed(depth)
        source, columns = self.from_clause([], depth)
        names = Names(columns)
        kinds = [self.chance.choice(TYPES) for _ in range(self.chance.randint(1, 4))]
        targets = [self.expression(kind, names) for kind in kinds]
        distinct = self.chance.choice(["", "", "", "DISTINCT "])
        return self.assemble(f"SELECT {distinct}", targets, kinds, f" FROM {source}{self.where(names)}")

    def assemble(self, head, targets, kinds, tail):
        listed = ", ".join(f"{target} AS c{i + 1}" for i, target in enumerate(targets))
        sql = head + listed + tail
        if self.chance.random() < 0.3:
            sql += " ORDER BY " + ", ".join(f"{i + 1}{self.chance.choice(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])}"
                                            for i in range(len(targets)))
            sql += self.chance.choice(["", " LIMIT 5", " LIMIT 3 OFFSET 2", " OFFSET 4", " FETCH FIRST 4 ROWS WITH TIES"])
        return sql, [(f"c{i + 1}", kind) for i, kind in enumerate(kinds)]

    def grouped(self, depth):
        source, columns = self.from_clause([], depth)
        names = Names(columns)
        kinds = [self.chance.choice(TYPES) for _ in range(self.chance.randint(0, 2))]
        keys = [self.expression(kind, Names(columns), 1) for kind in kinds]
        aggregates = [self.chance.choice(AGGREGATES) for _ in range(self.chance.randint(1, 3))]
        targets = keys + [self.fill(template, names, 2) for template, _ in aggregates]
        kinds = kinds + [kind for _, kind in aggregates]
        tail = f" FROM {source}{self.where(names)}"
        if keys:
            numbers = [str(i + 1) for i in range(len(keys))]
            how = self.chance.choice(["{}", "{}", "{}", "ROLLUP ({})", "CUBE ({})", "GROUPING SETS (({}), ())"])
            tail += " GROUP BY " + how.format(", ".join(numbers))
        if self.chance.random() < 0.3:
            tail += " HAVING " + self.chance.choice(["count(*) > 1", "count(*) < 20", "min({int}) IS NOT NULL".replace("{int}", self.expression("int", names, 3))])
        return self.assemble("SELECT ", targets, kinds, tail)

    def windowed(self, depth):
        source, columns = self.from_clause([], depth)
        names = Names(columns)
        kinds = [self.chance.choice(TYPES) for _ in range(2)]
        targets = [self.expression(kind, names, 1) for kind in kinds]
        by_rows = self.chance.random() < 0.5
        template, kind = self.chance.choice(ROW_WINDOWS if by_rows else WINDOWS)
        call = self.fill(template, Names(columns), 2)
        window = ""
        if self.chance.random() < 0.6:
            window += f"PARTITION BY {self.expression(self.chance.choice(TYPES), Names(columns), 2)} "
        if by_rows:
            window += "ORDER BY " + ", ".join(name for name, _ in columns)
            start, end = sorted(self.chance.choices(range(len(BOUNDS)), k=2))
            if start < 4 and end > 0 and self.chance.random() < 0.7:
                window += f" {self.chance.choice(['ROWS', 'ROWS', 'GROUPS'])} BETWEEN {BOUNDS[start]} AND {BOUNDS[end]}"
                window += self.chance.choice(["", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"])
        elif self.chance.random() < 0.7:
            window += f"ORDER BY {self.expression('int', Names(columns), 3)}{self.chance.choice(['', ' DESC'])}"
            if self.chance.random() < 0.3:
                window += " RANGE BETWEEN 1 PRECEDING AND 2 FOLLOWING"
        over = f"{call} OVER ({window})"
        return self.assemble("SELECT ", targets + [over], kinds + [kind], f" FROM {source}{self.where(names)}")

    def set_operation(self, depth):
        kinds = [self.chance.choice(TYPES) for _ in range(self.chance.randint(1, 3))]

        def arm():
            source, columns = self.from_clause([], depth + 1)
            names = Names(columns)
            targets = ", ".join(f"{self.expression(kind, names, 1)} AS c{i + 1}" for i, kind in enumerate(kinds))
            return f"SELECT {targets} FROM {source}{self.where(names)}"

        sql = arm()
        for _ in range(self.chance.randint(1, 2)):
            how = self.chance.choice(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"])
            sql = f"({sql}) {how} ({arm()})" if " UNION" in sql or self.chance.random() < 0.5 else f"{sql} {how} {arm()}"
        return sql, [(f"c{i + 1}", kind) for i, kind in enumerate(kinds)]

    def statement(self):
        if self.chance.random() > 0.2:
            return self.query()[0]
        parts = []
        for number in range(self.chance.randint(1, 2)):
            sql, columns = self.query(1)
            how = self.chance.choice(["", "", "MATERIALIZED ", "NOT MATERIALIZED "])
            parts.append(f"w{number} AS {how}({sql})")
            self.ctes.append((f"w{number}", columns))
        return f"WITH {', '.join(parts)} {self.query()[0]}"
