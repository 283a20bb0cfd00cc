"""Are the ring sequences of a server without a hole that no gap record tells of?"""
import collections
import os

# Above: rows written by SQL, one cpu_id a shard.
FIRST_SQL_CPU = 32768


class SequenceChecker:
    """Remembers how far each (boot, CPU) was found whole, so that a later check reads only the rest."""

    def __init__(self):
        self.verified = {}

    def check(self, client):
        """Raises AssertionError with the first holes and doubles."""
        ranges = collections.defaultdict(list)
        # A CPU whose ring was not used before starts at 1, however far the others are.
        low = min(self.verified.values()) if len(self.verified) >= os.cpu_count() else 0
        for boot, cpu, sequence in client.rows(
                "SELECT boot_id, cpu_id, sequence FROM events "
                f"WHERE cpu_id < {FIRST_SQL_CPU} AND sequence > {low}"):
            ranges[boot, int(cpu)].append((int(sequence), int(sequence), "event"))
        for boot, cpu, first, last in client.rows(
                "SELECT boot_id, cpu_id, payload->>'first_missing', payload->>'last_missing' "
                f"FROM events WHERE event_type = 'synthetic.gap' AND cpu_id < {FIRST_SQL_CPU}"):
            ranges[boot, int(cpu)].append((int(first), int(last), "gap"))
        problems = []
        for key, found in sorted(ranges.items()):
            problems += self._check_ring(key, sorted(found))
        assert not problems, "sequences: " + "; ".join(problems[:10])

    def _check_ring(self, key, found):
        problems = []
        expected = self.verified.get(key, 0) + 1
        for first, last, what in found:
            if last < expected and last <= self.verified.get(key, 0):
                continue
            if first < expected:
                problems.append(f"boot {key[0]} CPU {key[1]}: {what} {first}-{last} is there twice")
            elif first > expected:
                problems.append(f"boot {key[0]} CPU {key[1]}: {expected}-{first - 1} is neither an "
                                "event nor a gap")
            expected = max(expected, last + 1)
        self.verified[key] = expected - 1
        return problems


def check_unique(client):
    """(boot_id, cpu_id, sequence) identifies an event, whatever wrote it."""
    doubles = client.rows("SELECT boot_id, cpu_id, sequence, count(*) FROM events "
                          "WHERE sequence IS NOT NULL GROUP BY boot_id, cpu_id, sequence "
                          "HAVING count(*) > 1 LIMIT 5")
    assert not doubles, f"stored twice: {doubles}"
