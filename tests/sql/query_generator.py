"""Random queries from a seed: joins, subqueries, grouping, windows, set operations, WITH, LATERAL.

Every query has one right answer: expressions cannot fail, LIMIT stands over an order of all columns,
frames by ROWS over one too. So whatever two servers answer must be equal as multisets of rows.
"""
import random

from query_templates import (AGGREGATES, BOUNDS, CONSTANTS, EXPRESSIONS, GROUPINGS, JOINS, ROW_WINDOWS, SERIES, SMALL_SOURCES, SOURCES,
                             TARGET_SERIES, TYPES, WINDOWS)

QUERIES_MAX = 8


class Names:
    """Columns an expression may use: [(reference, type)]; those of outer queries rarely."""

    def __init__(self, columns, outer=()):
        # A bare name would mean the inner query's column of that name.
        self.columns, self.outer = columns, [(name, kind) for name, kind in outer if "." in name]

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

    def roll(self, probability):
        return self.chance.random() < probability

    # --- expressions ---
    def expression(self, kind, names, depth=0):
        leaves = names.of(kind, self.chance)
        roll = self.chance.random()
        if depth < 2 and roll < 0.08 and self.queries < QUERIES_MAX:
            return self.scalar_subquery(kind, names)
        if depth < 3 and roll < 0.55 - 0.15 * depth and kind in EXPRESSIONS:
            if kind == "bool" and self.roll(0.15) and self.queries < QUERIES_MAX:
                return self.subquery_condition(names)
            return "(" + self.fill(self.chance.choice(EXPRESSIONS[kind]), names, depth + 1) + ")"
        if leaves and self.roll(0.92):
            return self.chance.choice(leaves)
        return self.chance.choice(CONSTANTS[kind])

    def fill(self, template, names, depth=1):
        """{type} becomes an expression of that type, {same} the last one again; {{ and }} are braces."""
        out, last, rest = "", "", template
        while rest:
            before, brace, rest = rest.partition("{")
            out += before.replace("}}", "}")
            if rest.startswith("{"):
                out, rest = out + "{", rest[1:]
            elif brace:
                what, _, rest = rest.partition("}")
                last = last if what == "same" else self.expression(what, names, depth)
                out += last
        return out

    def scalar_subquery(self, kind, names):
        templates = [name for name, its in AGGREGATES if its == kind and "string_agg" not in name]
        self.queries += 1
        source, columns = self.from_clause(1)
        inner = Names(columns, names.columns + names.outer)
        tail = f" FROM {source}{self.where(inner)}"
        if kind == "intarray" and self.roll(0.5):
            return f"ARRAY(SELECT {self.expression('int', inner, 2)}{tail} ORDER BY 1 LIMIT 4)"
        if not templates or self.roll(0.3):
            order = self.chance.choice(["", " DESC", " NULLS FIRST", " DESC NULLS LAST"])
            return f"(SELECT {self.expression(kind, inner, 2)}{tail} ORDER BY 1{order} {self.chance.choice(['', 'OFFSET 1 '])}LIMIT 1)"
        return f"(SELECT {self.fill(self.chance.choice(templates), inner, 2)}{tail})"

    def subquery_condition(self, names):
        """EXISTS, or a comparison with one or two columns of a query, of a UNION of two at times."""
        self.queries += 1
        if self.roll(0.5):
            source, columns = self.from_clause(1)
            where = self.where(Names(columns, names.columns + names.outer))
            return f"({self.chance.choice(['', 'NOT '])}EXISTS (SELECT {self.chance.choice(['1', '*'])} FROM {source}{where}))"
        kinds = [self.chance.choice(TYPES) for _ in range(self.chance.choice([1, 1, 1, 2]))]

        def arm():
            source, columns = self.from_clause(1)
            inner = Names(columns, names.columns + names.outer)
            targets = ", ".join(self.expression(kind, inner, 2) for kind in kinds)
            return f"SELECT {targets} FROM {source}{self.where(inner)}"

        query = arm()
        if self.roll(0.15):
            query += f" {self.chance.choice(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} {arm()}"
        left = ", ".join(self.expression(kind, names, 2) for kind in kinds)
        if len(kinds) > 1:
            return f"(({left}) {self.chance.choice(['IN', 'NOT IN', '= ANY'])} ({query}))"
        return f"({left} {self.chance.choice(['IN', 'NOT IN', '= ANY', '<> ALL', '< ANY', '>= ALL'])} ({query}))"

    # --- FROM and WHERE ---
    def alias(self):
        self.aliases += 1
        return f"q{self.aliases}"

    def source(self, depth):
        alias = self.alias()
        roll = self.chance.random()
        if depth < 2 and roll < 0.15 and self.queries < QUERIES_MAX:
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
        join = self.chance.choice([" CROSS JOIN LATERAL {} AS {}", " LEFT JOIN LATERAL {} AS {} ON true"])
        if self.roll(0.4):
            template, made = self.chance.choice(SERIES)
            call = self.fill(template, Names(columns), 2)
            return join.format(call, f"{alias}({', '.join(made)})"), [(f"{alias}.{name}", kind) for name, kind in made.items()]
        source, inner_columns = self.from_clause(2)
        inner = Names(inner_columns, columns)
        kind = self.chance.choice(TYPES)
        value = self.expression(kind, inner, 2)
        tail = self.chance.choice([" ORDER BY 2 DESC, 1 LIMIT 2", "", " HAVING count(*) > 1"])
        sql = f"(SELECT {value} AS v, count(*) AS c FROM {source}{self.where(inner)} GROUP BY 1{tail})"
        return join.format(sql, alias), [(f"{alias}.v", kind), (f"{alias}.c", "bigint")]

    def from_clause(self, depth=0):
        sql, columns = self.source(depth)
        for _ in range(self.chance.choice([0, 0, 1, 1, 2] if depth == 0 else [0, 0, 0, 1])):
            if self.roll(0.15) and self.queries < QUERIES_MAX:
                more, added = self.lateral(columns)
                sql, columns = sql + more, columns + added
                continue
            right, added = self.source(depth + 1)
            if self.roll(0.1):
                more, more_columns = self.source(depth + 1)
                right, added = f"({right} {self.join(added, more, more_columns)})", added + more_columns
            elif self.roll(0.3) and (using := self.using(columns, added)):
                how, clause, merged = using
                return f"{sql} {how} {right}{clause}", merged
            sql, columns = f"{sql} {self.join(columns, right, added)}", columns + added
        return sql, columns

    def using(self, left, right):
        """(join, clause, columns) of a join by columns' names; None where they have none in common."""
        def short(columns):
            return [name.split(".")[-1] for name, _ in columns]

        common = [name for name in short(right) if short(left).count(name) == 1]
        kinds = {name: {its for column, its in left + right if column.split(".")[-1] == name} for name in common}
        if not common or any(len(its) != 1 for its in kinds.values()) or any(name in short(right) and name not in common for name in short(left)):
            return None
        how = self.chance.choice(JOINS)
        merged = [(name, kind) for name, (kind,) in kinds.items()] + left + right
        if self.roll(0.4):
            return "NATURAL " + how, "", merged
        return how, f" USING ({', '.join(common)})", merged

    def join(self, left, right, added):
        pairs = [(a, b) for a, kind in left for b, its in added if {kind, its} <= {"int", "bigint"} or kind == its != "bool"]
        if not pairs or self.roll(0.08):
            return f"CROSS JOIN {right}"
        how = self.chance.choice(JOINS)
        equals = " AND ".join(f"{a} = {b}" for a, b in self.chance.sample(pairs, min(len(pairs), self.chance.choice([1, 1, 2]))))
        if how != "FULL JOIN" and self.roll(0.25):
            a, b = self.chance.choice(pairs)
            return f"{how} {right} ON {equals} {self.chance.choice(['AND', 'AND', 'OR'])} {a} < {b}"
        if how != "FULL JOIN" and self.roll(0.15):
            return f"{how} {right} ON {equals} AND {self.expression('bool', Names(left + added), 1)}"
        return f"{how} {right} ON {equals}"

    def where(self, names):
        return f" WHERE {self.expression('bool', names, 0)}" if self.roll(0.4) else ""

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
        source, columns = self.from_clause(depth)
        names = Names(columns)
        kinds = [self.chance.choice(TYPES) for _ in range(self.chance.randint(1, 4))]
        targets = [self.expression(kind, names) for kind in kinds]
        tail = f" FROM {source}{self.where(names)}"
        if self.roll(0.08):
            template, kind = self.chance.choice(TARGET_SERIES)
            targets, kinds = targets + [self.fill(template, names, 2)], kinds + [kind]
        elif self.roll(0.1):
            return self.distinct_on(targets, kinds, tail)
        distinct = self.chance.choice(["", "", "", "DISTINCT "])
        return self.assemble(f"SELECT {distinct}", targets, kinds, tail)

    def distinct_on(self, targets, kinds, tail):
        keys = self.chance.randint(1, len(targets))
        order = ", ".join(f"{i + 1}{self.chance.choice(['', ' DESC', ' NULLS FIRST'])}" for i in range(len(targets)))
        head = f"SELECT DISTINCT ON ({', '.join(str(i + 1) for i in range(keys))}) "
        return self.assemble(head, targets, kinds, f"{tail} ORDER BY {order}{self.chance.choice(['', ' LIMIT 4'])}", ordered=True)

    def assemble(self, head, targets, kinds, tail, ordered=False, limited=True):
        listed = ", ".join(f"{target} AS c{i + 1}" for i, target in enumerate(targets))
        sql = head + listed + tail
        if not ordered and self.roll(0.3):
            sql += " ORDER BY " + ", ".join(f"{i + 1}{self.chance.choice(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])}"
                                            for i in range(len(targets)))
            if limited:
                sql += self.chance.choice(["", " LIMIT 5", " LIMIT 3 OFFSET 2", " OFFSET 4", " FETCH FIRST 4 ROWS WITH TIES"])
        return sql, [(f"c{i + 1}", kind) for i, kind in enumerate(kinds)]

    def grouped(self, depth):
        source, columns = self.from_clause(depth)
        names = Names(columns)
        kinds = [self.chance.choice(TYPES) for _ in range(self.chance.randint(0, 2))]
        keys = [self.expression(kind, names, 1) for kind in kinds]
        aggregates = [self.chance.choice(AGGREGATES) for _ in range(self.chance.randint(1, 3))]
        targets = keys + [self.fill(template, names, 2) for template, _ in aggregates]
        kinds = kinds + [kind for _, kind in aggregates]
        tail, sets = f" FROM {source}{self.where(names)}", "{}"
        if keys:
            numbers = ", ".join(str(i + 1) for i in range(len(keys)))
            sets = self.chance.choice(GROUPINGS)
            tail += " GROUP BY " + sets.format(*[numbers] * 2)
            if self.roll(0.3):
                targets, kinds = targets + [f"grouping({', '.join(keys)})"], kinds + ["int"]
        if self.roll(0.3):
            tail += " HAVING " + self.chance.choice(["count(*) > 1", "count(*) < 20", "min({}) IS NOT NULL", "max({}) IN (SELECT g FROM generate_series(0, 90) AS s(g))"]
                                                    ).format(self.expression("int", names, 3))
        # PostgreSQL 15 doesn't sort by keys it takes for constants, though sets of groups make them null.
        plain = sets == "{}"
        if plain and self.roll(0.3):
            over = self.chance.choice(["PARTITION BY {} ORDER BY count(*)", "ORDER BY count(*) DESC", "ORDER BY count(*), {}", "PARTITION BY count(*) > 2"])
            call, kind = self.chance.choice([("rank()", "bigint"), ("sum(count(*))", "numeric"), ("max({})", "text"), ("count(*)", "bigint")])
            call = call.format(self.fill("min({text})", names, 3))
            targets, kinds = targets + [f"{call} OVER ({over.format(keys[0] if keys else 'count(*) % 2')})"], kinds + [kind]
        return self.assemble("SELECT ", targets, kinds, tail, limited=plain)

    def windowed(self, depth):
        source, columns = self.from_clause(depth)
        names = Names(columns)
        kinds = [self.chance.choice(TYPES) for _ in range(2)]
        targets = [self.expression(kind, names, 1) for kind in kinds]
        by_rows = self.roll(0.5)
        template, kind = self.chance.choice(ROW_WINDOWS if by_rows else WINDOWS)
        call = self.fill(template, names, 2)
        window = ""
        if self.roll(0.6):
            window += f"PARTITION BY {self.expression(self.chance.choice(TYPES), names, 2)} "
        if by_rows:
            window += "ORDER BY " + ", ".join(name for name, _ in columns)
            start, end = sorted(self.chance.choices(range(len(BOUNDS)), k=2))
            if start < 4 and end > 0 and self.roll(0.7):
                window += f" {self.chance.choice(['ROWS', 'ROWS', 'GROUPS'])} BETWEEN {BOUNDS[start]} AND {BOUNDS[end]}"
                window += self.chance.choice(["", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"])
        elif self.roll(0.7):
            what, bound = self.chance.choice([("int", "1"), ("int", "1"), ("timestamptz", "interval '10 hours'"), ("numeric", "1.5")])
            window += f"ORDER BY {self.expression(what, names, 3)}{self.chance.choice(['', ' DESC', ' NULLS FIRST'])}"
            if self.roll(0.4):
                window += f" RANGE BETWEEN {bound} PRECEDING AND {self.chance.choice(['CURRENT ROW', f'{bound} FOLLOWING', 'UNBOUNDED FOLLOWING'])}"
                window += self.chance.choice(["", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"])
        tail = f" FROM {source}{self.where(names)}"
        if self.roll(0.2):
            return self.assemble("SELECT ", targets + [f"{call} OVER w"], kinds + [kind], f"{tail} WINDOW w AS ({window})")
        return self.assemble("SELECT ", targets + [f"{call} OVER ({window})"], kinds + [kind], tail)

    def set_operation(self, depth):
        kinds = [self.chance.choice(TYPES) for _ in range(self.chance.randint(1, 3))]

        def arm():
            source, columns = self.from_clause(depth + 1)
            names = Names(columns)
            targets = ", ".join(f"{self.expression(kind, names, 1)} AS c{i + 1}" for i, kind in enumerate(kinds))
            return f"SELECT {targets} FROM {source}{self.where(names)}"

        sql = arm()
        for _ in range(self.chance.randint(1, 2)):
            how = self.chance.choice(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"])
            sql = f"({sql}) {how} ({arm()})" if " UNION" in sql or self.roll(0.5) else f"{sql} {how} {arm()}"
        columns = [(f"c{i + 1}", kind) for i, kind in enumerate(kinds)]
        if self.roll(0.2):
            sql = f"{sql} ORDER BY {', '.join(name for name, _ in columns)} {self.chance.choice(['LIMIT 7', 'OFFSET 2', ''])}"
        return sql, columns

    # --- WITH ---
    def recursion(self, name):
        """A few rows, then up to three steps from each over at most one small source."""
        kind = self.chance.choice(TYPES)
        source, columns = self.from_clause(1)
        start = f"SELECT 0, {self.expression(kind, Names(columns), 2)} FROM {source}"
        step, names, condition = f"{name} AS r", [("r.d", "int"), ("r.v", kind)], "r.d < 3"
        if self.roll(0.5):
            sql, more = self.chance.choice(SMALL_SOURCES)
            step += f", {sql} AS s({', '.join(more)})"
            names += [(f"s.{column}", its) for column, its in more.items()]
            condition += f" AND {self.expression('bool', Names(names), 2)}"
        how = self.chance.choice(["UNION", "UNION ALL"])
        sql = f"(SELECT DISTINCT * FROM ({start}) AS s(d, v) ORDER BY d, v LIMIT 3) {how} SELECT r.d + 1, {self.expression(kind, Names(names), 1)} FROM {step} WHERE {condition}"
        return f"{name}(d, v) AS ({sql})", [("d", "int"), ("v", kind)]

    def statement(self):
        if not self.roll(0.25):
            return self.query()[0]
        parts, recursive = [], ""
        for number in range(self.chance.randint(1, 2)):
            if self.roll(0.3):
                recursive = "RECURSIVE "
                part, columns = self.recursion(f"w{number}")
            else:
                sql, columns = self.query(1)
                part = f"w{number} AS {self.chance.choice(['', '', 'MATERIALIZED ', 'NOT MATERIALIZED '])}({sql})"
            parts.append(part)
            self.ctes.append((f"w{number}", columns))
        return f"WITH {recursive}{', '.join(parts)} {self.query()[0]}"
