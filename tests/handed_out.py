"""What is handed out, as the tests read it: which follow-up the page gives each exit code, and a checker's verdict."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent

_PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
_ROWS = re.findall(r"^\| ([\d, ]+) \| ([^|]+) \|", _PAGE, re.MULTILINE)

FOLLOW_UPS = {int(code): follow_up for codes, follow_up in _ROWS for code in codes.split(", ")}
"""Exit code to what comes of it, in the words of the page."""


def said(*command: str | Path, **environ: str) -> tuple[int, str]:
    """Run a checker at the root of the repository; return its exit code and all that it said."""
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": f"{BIN}:/usr/bin:/bin"} | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout
