#!/usr/bin/env python3
"""Fails on an include that goes upwards in the order of src/README.md, on overlong files and on classes
of one name."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
# Lowest first; a file may include its own folder and those before it. Kept equal to src/README.md.
ORDER = [
    "kernel/uapi", "src", "src/kmes", "src/engine/stats", "src/engine/settings", "src/engine/types",
    "src/engine/vector", "src/engine/payload", "src/engine/segments", "src/engine/scan", "src/engine/functions",
    "src/engine/storage", "src/engine/catalog", "src/engine/plan", "src/engine/exec",
    "src/engine/ingest", "src/engine/maintenance", "src/engine/session", "src/pgwire",
    "src/service",
]
# limits.h stands beside the engine's folders and needs nothing: everybody may include it.
ANYBODY = {"engine/limits.h"}
# ingest and maintenance stand beside plan and exec, not above them.
BESIDE = {"src/engine/plan", "src/engine/exec", "src/engine/catalog"}
NOT_FOR = {"src/engine/ingest": BESIDE, "src/engine/maintenance": BESIDE}
LINES_MAX = 450
# Tables and generated lists; a second noun can't be found in them.
LONG_ALLOWED = {"src/engine/functions/postgres_entries.inc",
                "tests/unit/functions/datetime_jsonb_cases.inc"}  # generated

problems = []
classes = {}  # of eventd::engine, defined in headers: name → file


def folder_of(path):
    return str(path.parent.relative_to(root))


def rank(folder):
    if folder.startswith("src/kmes/"):
        folder = "src/kmes"
    return ORDER.index(folder) if folder in ORDER else None


def check_includes(path):
    own = folder_of(path)
    own_rank = rank(own)
    if own_rank is None or path.name == "main.cpp":
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not match or match[1] in ANYBODY:
            continue
        target = next((base / match[1] for base in (root / "src", root, path.parent)
                       if (base / match[1]).is_file()), None)
        if target is None:
            continue
        other = folder_of(target)
        other_rank = rank(other)
        if other_rank is None:
            continue
        if other_rank > own_rank or other in NOT_FOR.get(own, ()):
            problems.append(f"{path.relative_to(root)}:{number}: {own} may not include {other}")


def check_classes(path):
    """Two classes of one name are one to the linker, which silently takes either."""
    text = path.read_text()
    if path.suffix != ".h" or not re.search(r"^namespace eventd::engine \{", text, re.M):
        return
    name = str(path.relative_to(root))
    for found in re.findall(r"^(?:enum class|class|struct)(?: alignas\([^)]*\))?(?: \[\[nodiscard\]\])? (\w+)(?: final)?(?: :| \{)", text, re.M):
        if classes.setdefault(found, name) != name:
            problems.append(f"{name}: class {found} is in {classes[found]} too")


for pattern in ("src/**/*", "kernel/**/*", "tests/**/*", "bench/**/*"):
    for path in root.glob(pattern):
        if path.suffix not in {".cpp", ".h", ".c", ".inc", ".py"} or not path.is_file():
            continue
        lines = path.read_text(errors="replace").count("\n")
        name = str(path.relative_to(root))
        if lines > LINES_MAX and name not in LONG_ALLOWED:
            problems.append(f"{name}: {lines} lines, look for the second noun in it (at most {LINES_MAX})")
        if path.suffix != ".py":
            check_includes(path)
            check_classes(path)

for folder in ORDER:
    if not (root / folder / "README.md").is_file() and folder != "kernel/uapi":
        problems.append(f"{folder}: no README.md")

print("\n".join(sorted(problems)) or "structure: ok")
sys.exit(1 if problems else 0)
