"""One text as it is written in a region file: without quotes wherever YAML 1.2 reads the same text back."""

from __future__ import annotations

import io
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ruamel.yaml.emitter import Emitter

_NOT_A_STRING = re.compile(
    r"(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE|<<|"
    r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|"
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|"
    r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))?"
)
"""What the core schema of YAML 1.2 reads as something else than a string, and the merge key of older readers."""


def written(text: str) -> str:
    """Return *text* as a key or a value on one line; in double quotes only where it would be read as another thing."""
    if not _NOT_A_STRING.fullmatch(text) and _emitter().analyze_scalar(text).allow_block_plain:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@cache
def _emitter() -> Emitter:
    """Return the one that knows where YAML allows a text without quotes."""
    from ruamel.yaml import YAML  # 0.1 s
    from ruamel.yaml.emitter import Emitter

    return Emitter(io.StringIO(), allow_unicode=True, dumper=YAML())
