"""Random queries from a seed: joins, subqueries, grouping, windows, set operations, WITH, LATERAL.

Every query has one right answer: expressions cannot fail, LIMIT stands over an order of all columns,
frames by ROWS over one too. So whatever two servers answer must be equal as multisets of rows.
"""
from query_expressions import QUERIES_MAX, ExpressionGenerator, Names
from query_templates import (AGGREGATES, BOUNDS, GROUPINGS, JOINS, LARGE_SOURCES, LIMITS, ROW_WINDOWS, SERIES, SMALL_SOURCES, SOURCES, TARGET_SERIES, TYPES,
                             UNTYPED, WINDOWS)

WIDER = {"bigint": "int", "numeric": "int", "timestamptz": "date"}


class QueryGenerator(ExpressionGenerator):
    def __init__(self, seed):
        super().__init__(seed)
        self.aliases = 0
        self.ctes = []

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
        large = self.aliases < 3 and not self.large and self.roll(0.04)
        self.large = self.large or large
        sql, columns = self.chance.choice(LARGE_SOURCES if large else SOURCES)
        names = ", ".join(columns)
        return f"{sql} AS {alias}({names})", [(f"{alias}.{name}", kind) for name, kind in columns.items()]

    def lateral(self, columns):
        alias, self.queries = self.alias(), self.queries + 1
        join = self.chance.choice([" CROSS JOIN LATERAL {} AS {}", " LEFT JOIN LATERAL {} AS {} ON true"])
        if self.roll(0.25):
            condition = self.expression("bool", Names(columns), 1).replace("{", "{{").replace("}", "}}")
            join = self.pick(" JOIN", " LEFT JOIN") + " LATERAL {} AS {} ON " + condition
        if self.roll(0.4):
            template, made = self.chance.choice(SERIES)
            call = self.fill(template, Names(columns), 2)
            return join.format(call, f"{alias}({', '.join(made)})"), [(f"{alias}.{name}", kind) for name, kind in made.items()]
        kind = self.chance.choice(TYPES)
        if self.roll(0.15):
            outside = Names(columns)
            rows = ", ".join(f"({self.expression(kind, outside, 2)}, {self.expression('int', outside, 2)})" for _ in range(self.chance.randint(1, 3)))
            return join.format(f"(VALUES {rows})", f"{alias}(v, w)"), [(f"{alias}.v", kind), (f"{alias}.w", "int")]
        if self.roll(0.15):
            how = self.pick("UNION", "UNION ALL", "EXCEPT", "INTERSECT ALL")
            arms = [self.arm([kind, "int"], Names([], columns), 2) for _ in range(2)]
            return join.format(f"({f' {how} '.join(arms)})", f"{alias}(v, w)"), [(f"{alias}.v", kind), (f"{alias}.w", "int")]
        source, inner_columns = self.from_clause(2)
        inner = Names(inner_columns, columns)
        if self.roll(0.15):
            value = self.expression(kind, inner, 2)
            sql = f"(SELECT {value} AS v, row_number() OVER (ORDER BY {value}{self.order()}) AS r FROM {source}{self.where(inner)} ORDER BY 2 LIMIT 3)"
            return join.format(sql, alias), [(f"{alias}.v", kind), (f"{alias}.r", "bigint")]
        value = self.expression(kind, inner, 2)
        tail = self.chance.choice([" ORDER BY 2 DESC, 1 LIMIT 2", "", " HAVING count(*) > 1"])
        sql = f"(SELECT {value} AS v, count(*) AS c FROM {source}{self.where(inner)} GROUP BY 1{tail})"
        return join.format(sql, alias), [(f"{alias}.v", kind), (f"{alias}.c", "bigint")]

    def from_clause(self, depth=0):
        sql, columns = self.source(depth)
        for _ in range(self.chance.choice([0, 0, 1, 1, 2] if depth == 0 else [0, 0, 0, 1])):
            if self.large and "JOIN" in sql:
                break
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
        kept = self.chance.sample(common, self.chance.randint(1, len(common)))
        merged = [(name, kind) for name, (kind,) in kinds.items() if name in kept] + left + right
        if self.roll(0.3):
            alias = self.alias()
            return how, f" USING ({', '.join(kept)}) AS {alias}", merged + [(f"{alias}.{name}", kind) for name, kind in merged if name in kept]
        return how, f" USING ({', '.join(kept)})", merged

    def where(self, names):
        if not self.roll(0.4):
            return ""
        return " WHERE " + " AND ".join(self.expression("bool", names, i) for i in range(self.pick(1, 1, 1, 2, 3)))

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
        if depth == 0 and self.roll(0.06):
            relation = next((name.split(".")[0] for name, _ in columns if "." in name), None)
            everything = "*" if relation is None or self.roll(0.5) else f"{relation}.*"
            return f"SELECT {everything}, {targets[0]} AS c1{tail}", []
        if self.roll(0.08):
            template, kind = self.chance.choice(TARGET_SERIES)
            targets, kinds = targets + [self.fill(template, names, 2)], kinds + [kind]
            if self.roll(0.3):
                template, kind = self.chance.choice(TARGET_SERIES)
                targets, kinds = targets + [self.fill(template, names, 2)], kinds + [kind]
        elif self.roll(0.1):
            hidden = f"CASE WHEN true THEN {self.expression(self.chance.choice(TYPES), names, 2)} END" if self.roll(0.3) else None
            return self.distinct_on(targets, kinds, tail, hidden)
        if self.roll(0.06):
            hidden = f"CASE WHEN true THEN {self.expression(self.chance.choice(TYPES), names, 2)} END{self.order()}"
            return self.assemble("SELECT ", targets, kinds, f"{tail} ORDER BY {hidden} FETCH FIRST {self.pick('2', '5')} ROWS WITH TIES", ordered=True)
        distinct = self.chance.choice(["", "", "", "DISTINCT "])
        return self.assemble(f"SELECT {distinct}", targets, kinds, tail)

    def distinct_on(self, targets, kinds, tail, hidden=None):
        """The first row of each key in an order of all columns; `hidden` is a key that is no column."""
        keys = self.chance.randint(1, len(targets))
        order = ", ".join(([hidden] if hidden else []) + [f"{i + 1}{self.pick('', ' DESC', ' NULLS FIRST')}" for i in range(len(targets))])
        head = f"SELECT DISTINCT ON ({hidden or ', '.join(str(i + 1) for i in range(keys))}) "
        return self.assemble(head, targets, kinds, f"{tail} ORDER BY {order}{self.pick('', '' if hidden else ' LIMIT 4')}", ordered=True)

    def assemble(self, head, targets, kinds, tail, ordered=False, limited=True):
        listed = ", ".join(f"{target} AS c{i + 1}" for i, target in enumerate(targets))
        sql = head + listed + tail
        if not ordered and self.roll(0.3):
            sql += " ORDER BY " + ", ".join(f"{i + 1}{self.chance.choice(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])}"
                                            for i in range(len(targets)))
            if limited:
                sql += self.chance.choice(LIMITS)
        elif not ordered and limited and self.roll(0.04):
            sql += f" ORDER BY 1{self.order()} FETCH FIRST {self.pick('1', '3')} ROWS WITH TIES"
        return sql, [(f"c{i + 1}", kind) for i, kind in enumerate(kinds)]

    def grouped(self, depth):
        source, columns = self.from_clause(depth)
        names = Names(columns)
        kinds = [self.chance.choice(TYPES) for _ in range(self.chance.randint(0, 2))]
        keys = [self.expression(kind, names, 1) for kind in kinds]
        if self.roll(0.25):
            keys, kinds = zip(*self.chance.sample(columns, min(len(columns), self.pick(1, 2))))
            keys, kinds = list(keys), list(kinds)
        aggregates = [self.chance.choice(AGGREGATES) for _ in range(self.chance.randint(1, 3))]
        targets = keys + [self.fill(template, names, 2) for template, _ in aggregates]
        kinds = kinds + [kind for _, kind in aggregates]
        tail, sets = f" FROM {source}{self.where(names)}", "{}"
        if keys:
            # A key in parentheses is no number and no bare name: it can stand for itself.
            numbers = ", ".join(key if key.startswith("(") and "WITH s" not in key and self.roll(0.25) else str(i + 1) for i, key in enumerate(keys))
            sets = self.chance.choice(GROUPINGS)
            tail += " GROUP BY " + sets.format(*[numbers] * 2)
            # Queries with a WITH of their own are never taken for equal (exceptions.md).
            if not any("WITH s" in key for key in keys) and self.roll(0.3):
                targets, kinds = targets + [f"grouping({', '.join(keys)})"], kinds + ["int"]
            elif sets == "{}" and self.roll(0.3):
                # An expression over the groups' keys, with queries that depend on them.
                grouped = [(key, kind) for key, kind in zip(keys, kinds) if key.replace(".", "").isalnum()]
                kind = self.chance.choice(TYPES)
                if grouped and "." in grouped[0][0]:
                    targets, kinds = targets + [self.expression(kind, Names(grouped), 0)], kinds + [kind]
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
        clauses, rows_used = [], False
        for _ in range(self.pick(1, 1, 2, 3)):
            # One call by places at most: which of two equal rows comes first in one window and which in another is open.
            by_rows = not rows_used and self.roll(0.5)
            rows_used = rows_used or by_rows
            template, kind = self.chance.choice(ROW_WINDOWS if by_rows else WINDOWS)
            call = self.fill(template, names, 2)
            partition = ""
            if self.roll(0.6):
                partition = f"PARTITION BY {self.expression(self.chance.choice(TYPES), names, 2)} "
            over = f"({partition}{self.window_order(names, by_rows)})"
            if self.roll(0.2):
                clauses.append(f"w{len(clauses)} AS {over}")
                over = f"w{len(clauses) - 1}"
            elif partition and self.roll(0.2):
                clauses.append(f"w{len(clauses)} AS ({partition.rstrip()})")
                over = f"(w{len(clauses) - 1} {self.window_order(names, by_rows)})"
            call = f"{call} OVER {over}"
            if "_agg(" in call:
                # As long as the frame in each row: only a digest goes over the wire.
                call, kind = f"md5(({call})::text)", "text"
            targets, kinds = targets + [call], kinds + [kind]
        tail = f" FROM {source}{self.where(names)}"
        return self.assemble("SELECT ", targets, kinds, f"{tail} WINDOW {', '.join(clauses)}" if clauses else tail)

    def window_order(self, names, by_rows):
        """ORDER BY and frame: over all columns where the rows' places matter."""
        exclude = self.pick("", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES", " EXCLUDE NO OTHERS")
        if by_rows:
            order = "ORDER BY " + ", ".join(name for name, _ in names.columns)
            start, end = sorted(self.chance.choices(range(len(BOUNDS)), k=2))
            # A frame can't begin at the end, nor end at the beginning; of two equal offsets the smaller number comes first.
            if start < len(BOUNDS) - 1 and end > 0 and self.roll(0.7):
                # first_value() and its kin of PostgreSQL 15 take the current row for its ties, also where it is outside the frame.
                if exclude == " EXCLUDE TIES" and not start <= BOUNDS.index("0 FOLLOWING") <= end + 1:
                    exclude = ""
                return f"{order} {self.pick('ROWS', 'ROWS', 'GROUPS')} BETWEEN {BOUNDS[start]} AND {BOUNDS[end]}{exclude}"
            return order
        if not self.roll(0.7):
            return ""
        what, bound = self.pick(("int", "1"), ("int", "2"), ("bigint", "3"), ("timestamptz", "interval '10 hours'"), ("numeric", "1.5"),
                                ("date", "interval '1 day'"), ("float", "0.5"), ("interval", "interval '1 hour'"), ("text", None))
        order = f"ORDER BY {self.expression(what, names, 3)}{self.pick('', ' DESC', ' NULLS FIRST')}"
        roll = self.chance.random()
        if roll < 0.4 and bound:
            start = self.pick(f"{bound} PRECEDING", f"{bound} PRECEDING", "UNBOUNDED PRECEDING", f"{bound} FOLLOWING", "CURRENT ROW")
            ends = ["UNBOUNDED FOLLOWING", f"{bound} FOLLOWING"] + ([] if "FOLLOWING" in start else ["CURRENT ROW"])
            return f"{order} RANGE BETWEEN {start} AND {self.chance.choice(ends)}{exclude}"
        if roll < 0.6:
            start, end = sorted(self.chance.choices(range(len(BOUNDS)), k=2))
            if start < len(BOUNDS) - 1 and end > 0:
                return f"{order} GROUPS BETWEEN {BOUNDS[start]} AND {BOUNDS[end]}{exclude}"
        return order

    def arm_target(self, kind, names):
        """Perhaps a literal without a type, which the other arms give it."""
        if kind in UNTYPED and self.roll(0.06):
            return self.chance.choice(UNTYPED[kind])
        return self.expression(kind, names, 1)

    def set_operation(self, depth):
        kinds = [self.chance.choice(TYPES) for _ in range(self.chance.randint(1, 3))]

        def arm():
            if self.roll(0.08):
                rows = [f"({', '.join(self.expression(kind, Names([]), 2) for kind in kinds)})" for _ in range(self.chance.randint(1, 3))]
                return "VALUES " + ", ".join(rows)
            source, columns = self.from_clause(depth + 1)
            names = Names(columns)
            wider = self.roll(0.15)
            targets = ", ".join(f"{self.arm_target(WIDER.get(kind, kind) if wider else kind, names)} AS c{i + 1}" for i, kind in enumerate(kinds))
            sql = f"SELECT {targets} FROM {source}{self.where(names)}"
            if self.roll(0.1):
                return f"({sql} ORDER BY {', '.join(str(i + 1) + self.order() for i in range(len(kinds)))} LIMIT 6)"
            return sql

        def typed_arm():
            """The first one, so the columns' types and names are known."""
            source, columns = self.from_clause(depth + 1)
            names = Names(columns)
            targets = ", ".join(f"{self.expression(kind, names, 1)} AS c{i + 1}" for i, kind in enumerate(kinds))
            return f"SELECT {targets} FROM {source}{self.where(names)}"

        def how():
            return self.pick("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL")

        sql = typed_arm()
        for _ in range(self.pick(1, 1, 2, 2, 3)):
            right = arm()
            if self.roll(0.2):
                right = f"({right} {how()} {arm()})"
            sql = f"({sql}) {how()} {right}" if self.roll(0.4) else f"{sql} {how()} {right}"
        columns = [(f"c{i + 1}", kind) for i, kind in enumerate(kinds)]
        if self.roll(0.2):
            sql = f"{sql} ORDER BY {', '.join(name for name, _ in columns)} {self.pick('LIMIT 7', 'OFFSET 2', '', 'FETCH FIRST 3 ROWS WITH TIES')}"
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
        made = [("d", "int"), ("v", kind)]
        if kind != "jsonb" and self.roll(0.25):
            clause = self.pick(" SEARCH BREADTH FIRST BY d, v SET ord", " SEARCH DEPTH FIRST BY v SET ord", " CYCLE d, v SET looped USING path",
                               " CYCLE v SET looped TO 'Y' DEFAULT 'N' USING path")
            return f"{name}(d, v) AS ({sql}){clause}", made + ([("looped", "text" if "'Y'" in clause else "bool")] if "CYCLE" in clause else [])
        return f"{name}(d, v) AS ({sql})", made

    def statement(self):
        if not self.roll(0.25):
            return self.query()[0] if self.roll(0.98) else self.values()
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

    def values(self):
        kinds = [self.chance.choice(TYPES) for _ in range(self.chance.randint(1, 3))]
        rows = [f"({', '.join(self.expression(kind, Names([]), 0) for kind in kinds)})" for _ in range(self.chance.randint(1, 5))]
        return f"VALUES {', '.join(rows)} ORDER BY {', '.join(str(i + 1) + self.order() for i in range(len(kinds)))} {self.pick('', 'LIMIT 2', 'OFFSET 1')}"
