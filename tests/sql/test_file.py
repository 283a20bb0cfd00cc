"""The *.test format; README.md describes it."""
import dataclasses
import re

SEPARATOR = "----"
EVENTD_SEPARATOR = "---- eventd"


@dataclasses.dataclass
class Record:
    """One statement with its answers."""

    comments: list
    line: int
    sql: str
    answer: list
    eventd_answer: list | None  # a written exception
    definitions: dict = dataclasses.field(default_factory=dict)

    @property
    def statement(self):
        """The SQL with the file's definitions in it: `# let name text`, used as {name}."""
        return re.sub(r"\{(\w+)\}", lambda found: self.definitions.get(found[1], found[0]), self.sql)

    @property
    def unordered(self):
        return "# unordered" in self.comments

    @property
    def keeps_transaction(self):
        return "# in transaction" in self.comments

    def expected(self, reference):
        if not reference and self.eventd_answer is not None:
            return self.eventd_answer
        return self.answer


@dataclasses.dataclass
class TestFile:
    head: list  # comments before the first empty line
    records: list

    @property
    def eventd_only(self):
        """`# eventd only`: about what PostgreSQL does not have."""
        return "# eventd only" in self.head

    @staticmethod
    def read(path):
        blocks, block, start = [], [], 1
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if line == "":
                if block:
                    blocks.append((start, block))
                block, start = [], number + 1
            else:
                block.append(line)
        if block:
            blocks.append((start, block))
        head = []
        if blocks and all(line.startswith("#") for line in blocks[0][1]):
            head = blocks.pop(0)[1]
        definitions = dict(line[6:].split(" ", 1) for line in head if line.startswith("# let "))
        return TestFile(head, [TestFile._parse(line, block, definitions) for line, block in blocks])

    @staticmethod
    def _parse(line, block, definitions):
        comments = []
        while block and block[0].startswith("#"):
            comments.append(block[0])
            block = block[1:]
        eventd_answer = None
        if EVENTD_SEPARATOR in block:
            at = block.index(EVENTD_SEPARATOR)
            block, eventd_answer = block[:at], block[at + 1:]
        at = block.index(SEPARATOR) if SEPARATOR in block else len(block)
        return Record(comments, line + len(comments), "\n".join(block[:at]), block[at + 1:],
                      eventd_answer, definitions)

    def write(self, path):
        parts = ["\n".join(self.head)] if self.head else []
        for record in self.records:
            lines = record.comments + [record.sql, SEPARATOR] + record.answer
            if record.eventd_answer is not None:
                lines += [EVENTD_SEPARATOR] + record.eventd_answer
            parts.append("\n".join(lines))
        path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
