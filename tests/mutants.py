"""`make mutants`: break plan, guards and execute in every small way there is, and see that a test notices each.

It takes mutmut, which leaves decorated functions alone, and every guard is one: so what it is given is a copy of the
program in which `@rule(…) def f` is written as `def f` and `f = rule(…)(f)`. The copy is kept, and a second run does
only what has changed. It ends with 1 where fewer than 90 percent are killed, or where a comparison in a guard survives.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
COPY = ROOT / ".mutants"
MUTATED = (
    "bookkeeping.py",
    "digests.py",
    "plan.py",
    "rules/guard.py",
    "rules/incoming.py",
    "rules/proposal.py",
    "store/execute.py",
)
GUARDS = ("rules.guard", "rules.incoming", "rules.proposal")
TESTS = ("plan", "plan_boards", "settle_total", "guards", "rules", "incoming", "store", "execute")
NEEDED = ("tests", "schemas", "config", "demo", "docs")
ENOUGH = 90
COMPARISON = re.compile("[<>]=?|[!=]=|(not )?in|is( not)?|and|or|not")
SETTINGS = f"""
[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = "-q -x --strict-markers -p no:cacheprovider"
filterwarnings = ["error"]

[tool.mutmut]
source_paths = ["reconciler"]
only_mutate = {[f"reconciler/{name}" for name in MUTATED]}
also_copy = {list(NEEDED)}
pytest_add_cli_args = ["-k", "not postgresql", "--hypothesis-profile", "ci"]
pytest_add_cli_args_test_selection = {[f"tests/test_{name}.py" for name in TESTS]}
"""


def undecorated(text: str) -> str:
    """Return the source with each decorator written as the call that it is."""
    tree = ast.parse(text)
    for holder in ast.walk(tree):
        if isinstance(holder, ast.Module | ast.ClassDef):
            holder.body = [part for statement in holder.body for part in _parts(statement)]
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _parts(statement: ast.stmt) -> Iterator[ast.stmt]:
    yield statement
    if isinstance(statement, ast.FunctionDef):
        for decorator in reversed(statement.decorator_list):
            called = ast.Call(decorator, [ast.Name(statement.name)], [])
            yield ast.Assign([ast.Name(statement.name)], called)
        statement.decorator_list = []


def copy() -> None:
    """Bring the copy in line with the program; what has not changed keeps its date, and so its verdicts."""
    COPY.mkdir(exist_ok=True)
    _write(COPY / "pyproject.toml", SETTINGS)
    for name in ("reconciler", *NEEDED):
        for path in sorted((ROOT / name).rglob("*")):
            target = COPY / path.relative_to(ROOT)
            if path.is_dir() or "__pycache__" in path.parts:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if name == "reconciler" and str(path.relative_to(ROOT / name)) in MUTATED:
                _write(target, undecorated(path.read_text(encoding="utf-8")))
            elif not target.exists() or target.read_bytes() != path.read_bytes():
                shutil.copyfile(path, target)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def verdicts() -> dict[str, bool]:
    """Return for each mutant whether it was noticed: a test failed, or went on for ever."""
    found = {}
    for path in (COPY / "mutants").rglob("*.meta"):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        found.update({key: code not in (0, 33, None) for key, code in codes.items()})
    return dict(sorted(found.items()))


def shown(mutant: str) -> list[str]:
    """Return the lines that differ."""
    told = mutmut("show", mutant, capture_output=True, text=True).stdout
    return [line for line in told.splitlines() if re.match(r"[-+](?![-+])", line)]


def compares(lines: list[str]) -> bool:
    """Whether all that was changed is how two things are compared, or how two questions are joined."""
    words = [re.findall(r"\w+|[<>!=]=?|\S", line[1:]) for line in lines]
    if len(words) != 2:
        return False
    old, new = (" ".join(part) for part in words)
    return COMPARISON.sub("", old).split() == COMPARISON.sub("", new).split()


def mutmut(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """Run mutmut on the copy."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, cwd=COPY, env=environment, check=True, **more)


def main() -> int:
    """Mutate, tell what survived, and judge."""
    copy()
    mutmut("run", "--max-children", os.environ.get("MUTANTS", "2"))
    noticed = verdicts()
    survived = {mutant: shown(mutant) for mutant, killed in noticed.items() if not killed}
    worse = {mutant for mutant, lines in survived.items() if any(name in mutant for name in GUARDS) and compares(lines)}
    for mutant, lines in survived.items():
        print(mutant, "A COMPARISON OF A GUARD" * (mutant in worse), *lines, sep="\n    ")
    percent = 100 * (len(noticed) - len(survived)) / len(noticed)
    print(f"{len(noticed)} mutants, {percent:.1f} % killed, {len(worse)} comparisons of guards survived")
    return 0 if percent >= ENOUGH and not worse else 1


if __name__ == "__main__":
    sys.exit(main())
