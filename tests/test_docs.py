"""The pages that are made from the program say what the program says."""

import re
import subprocess
import sys
from pathlib import Path

from reconciler.rules.registry import RULES

DOCS = Path(__file__).parent.parent / "docs"


def test_the_generated_pages_are_fresh() -> None:
    command = [sys.executable, DOCS / "generate.py", "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_every_rule_has_its_place_on_the_page() -> None:
    titles = re.findall(r"^### (.+)$", (DOCS / "rules.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(titles) == sorted(RULES)


def test_a_page_that_was_edited_by_hand_is_stale(tmp_path: Path) -> None:
    copy = tmp_path / "generate.py"
    copy.write_text((DOCS / "generate.py").read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run([sys.executable, copy], check=True)
    assert (tmp_path / "rules.md").read_text(encoding="utf-8") == (DOCS / "rules.md").read_text(encoding="utf-8")
    (tmp_path / "rules.md").write_text("edited by hand\n", encoding="utf-8")
    ran = subprocess.run([sys.executable, copy, "--check"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "rules.md is stale: run `make docs`\n")
