"""Random expressions and the queries in them; query_generator.py builds whole queries of them."""
import random

from query_templates import AGGREGATES, CONSTANTS, EXPRESSIONS, JOINS, ORDERED, TYPES

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

    def inside(self, columns):
        """What a query inside this one may use that has these columns of its own."""
        return Names(columns, self.columns + self.outer)


class ExpressionGenerator:
    """`from_clause()` and `where()` are the heir's."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.queries = 0
        self.large = False  # whether one of the larger sources is in the query

    def roll(self, probability):
        return self.chance.random() < probability

    def pick(self, *options):
        return self.chance.choice(options)

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

    def order(self):
        return self.pick("", " DESC", " NULLS FIRST", " DESC NULLS LAST")

    # --- queries in expressions ---
    def correlated(self, kind, names):
        """(the tail of a query from FROM on, an expression of this type over it)"""
        source, columns = self.from_clause(1)
        inner = names.inside(columns)
        return f" FROM {source}{self.where(inner)}", self.expression(kind, inner, 2), inner

    def scalar_subquery(self, kind, names):
        templates = [name for name, its in AGGREGATES if its == kind and "string_agg" not in name]
        self.queries += 1
        if self.roll(0.3):
            return self.nested_subquery(kind, names)
        tail, value, inner = self.correlated(kind, names)
        if kind == "intarray" and self.roll(0.5):
            return f"ARRAY(SELECT {self.expression('int', inner, 2)}{tail} ORDER BY 1 LIMIT 4)"
        if not templates or self.roll(0.3):
            return f"(SELECT {self.pick('', '', 'DISTINCT ')}{value}{tail} ORDER BY 1{self.order()} {self.pick('', 'OFFSET 1 ')}LIMIT 1)"
        # An aggregate over columns of the query around would be that query's.
        own = Names(inner.columns) if self.roll(0.85) else inner
        return f"(SELECT {self.fill(self.chance.choice(templates), own, 2)}{tail})"

    def nested_subquery(self, kind, names):
        """Queries whose own FROM depends on the columns around them, and such without FROM."""
        shape = self.chance.randrange(8)
        pick = f"min(v) FROM {{}}{self.pick('', ' HAVING count(*) > 1')}" if kind in ORDERED else "v FROM {} ORDER BY v LIMIT 1"
        if shape == 0:
            return f"(SELECT {self.expression(kind, names, 2)} WHERE {self.expression('bool', names, 2)})"
        if shape == 1:
            rows = ", ".join(f"({self.expression(kind, names, 2)})" for _ in range(self.chance.randint(1, 3)))
            return f"(SELECT {pick.format(f'(VALUES {rows}) AS s(v)')})"
        tail, value, inner = self.correlated(kind, names)
        outside = names.inside([])
        if shape == 2:
            ranked = f"(SELECT {value} AS v, row_number() OVER (ORDER BY {value}{self.order()}) AS r{tail}) AS s"
            return f"(SELECT v FROM {ranked} WHERE r = {self.pick('1', '2', self.expression('int', outside, 3))})"
        if shape == 3:
            more, other, _ = self.correlated(kind, names)
            how = self.pick("UNION", "UNION ALL", "EXCEPT", "INTERSECT")
            return f"(SELECT {pick.format(f'(SELECT {value} AS v{tail} {how} SELECT {other}{more}) AS s')})"
        if shape == 4:
            having = self.pick("", "", " HAVING count(*) > 1", f" HAVING count(*) > {self.expression('int', outside, 3)}")
            return f"(SELECT {value} AS v{tail} GROUP BY 1{having} ORDER BY 1{self.order()} LIMIT 1)"
        if shape == 5:
            where = self.pick("", f" WHERE v IS DISTINCT FROM {self.expression(kind, outside, 3)}")
            return f"(WITH s AS {self.pick('', '', 'MATERIALIZED ')}(SELECT {value} AS v{tail}) SELECT {pick.format('s' + where)})"
        if shape == 6:
            key = self.expression(self.chance.choice(TYPES), inner, 2)
            return f"(SELECT v FROM (SELECT DISTINCT ON (k) {key} AS k, {value} AS v{tail} ORDER BY k, v) AS s ORDER BY k, v LIMIT 1)"
        return f"(SELECT {pick.format(f'(SELECT {value} AS v{tail} ORDER BY 1{self.order()} LIMIT 3) AS s')})"

    def subquery_condition(self, names):
        """EXISTS, or a comparison with one or two columns of a query, of a UNION of two at times."""
        self.queries += 1
        if self.roll(0.5):
            return f"({self.pick('', 'NOT ')}EXISTS ({self.existing(names)}))"
        kinds = [self.chance.choice(TYPES) for _ in range(self.pick(1, 1, 1, 2))]
        query = self.arm(kinds, names)
        if self.roll(0.15):
            query += f" {self.pick('UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT')} {self.arm(kinds, names)}"
        elif len(kinds) == 1 and self.roll(0.1):
            query = f"VALUES ({self.expression(kinds[0], names, 2)}), ({self.expression(kinds[0], names, 2)})"
        left = ", ".join(self.expression(kind, names, 2) for kind in kinds)
        if len(kinds) > 1:
            return f"(({left}) {self.pick('IN', 'NOT IN', '= ANY')} ({query}))"
        return f"({left} {self.pick('IN', 'NOT IN', '= ANY', '<> ALL', '< ANY', '>= ALL')} ({query}))"

    def existing(self, names):
        if self.roll(0.1):
            return f"SELECT {self.expression('int', names, 2)} WHERE {self.expression('bool', names, 2)}"
        tail, value, inner = self.correlated(self.chance.choice(TYPES), names)
        if self.roll(0.15):
            return f"SELECT {value}{tail} GROUP BY 1 HAVING {self.pick('count(*) > 1', self.fill('max({int}) > 2', Names(inner.columns), 3))}"
        if self.roll(0.15):
            more, other, _ = self.correlated("int", names)
            return f"SELECT 1{tail} {self.pick('UNION ALL', 'EXCEPT', 'INTERSECT')} SELECT {other}{more}"
        return f"SELECT {self.pick('1', '*', value)}{tail}{self.pick('', '', '', ' LIMIT 1', ' OFFSET 3')}"

    def arm(self, kinds, names, depth=1):
        """A plain query of these columns."""
        source, columns = self.from_clause(depth)
        inner = names.inside(columns)
        return f"SELECT {', '.join(self.expression(kind, inner, 2) for kind in kinds)} FROM {source}{self.where(inner)}"

    # --- conditions of joins ---
    def join(self, left, right, added):
        pairs = [(a, b) for a, kind in left for b, its in added if {kind, its} <= {"int", "bigint"} or kind == its != "bool"]
        if not pairs or (self.roll(0.08) and not self.large):
            return f"CROSS JOIN {right}"
        how = self.chance.choice(JOINS)
        equals = " AND ".join(f"{a} = {b}" for a, b in self.chance.sample(pairs, min(len(pairs), self.pick(1, 1, 2))))
        roll = self.chance.random()
        if roll < 0.25:
            a, b = self.chance.choice(pairs)
            # PostgreSQL has FULL JOIN only over conditions that begin with equal columns.
            return f"{how} {right} ON {equals} {'AND' if how == 'FULL JOIN' else self.pick('AND', 'AND', 'OR')} {a} < {b}"
        if roll < 0.4:
            return f"{how} {right} ON {equals} AND {self.expression('bool', Names(left + added), 1)}"
        if roll < 0.45 and how != "FULL JOIN":
            a, b = self.chance.choice(pairs)
            return f"{how} {right} ON {self.pick(f'{a} BETWEEN {b} AND {b}', f'{a} IS NOT DISTINCT FROM {b}', 'false', f'{a} > {b} AND {a} IS NOT NULL')}"
        return f"{how} {right} ON {equals}"
