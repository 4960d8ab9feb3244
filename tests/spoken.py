"""What the command line says to somebody who types a command: its exit code, what goes where, and its document."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import jsonschema

from reconciler.cli import run

SCHEMAS = Path(__file__).parent.parent / "schemas"


class Said:
    """What a command said."""

    def __init__(self, *arguments: str) -> None:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            self.code = run(list(arguments))
        self.out, self.err = out.getvalue(), err.getvalue()

    def json(self) -> Any:
        """Return the document, which is as its schema says."""
        document = json.loads(self.out)
        schema = SCHEMAS / f"{document['format'].split('/')[1]}.schema.json"
        jsonschema.validate(document, json.loads(schema.read_text(encoding="utf-8")))
        return document
