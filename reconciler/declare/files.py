"""Files to text: what is wrong with one before its first line can be read. Knows neither YAML nor regions."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from reconciler.findings import Finding, reason_of
from reconciler.model import SourceText
from reconciler.rules import reading
from reconciler.words import _


def shown(path: Path) -> str:
    """Return *path* as people are shown it: from the current folder if it is below it, else from the root."""
    full, here = Path(os.path.abspath(path)), Path.cwd()
    text = str(full.relative_to(here)) if full.is_relative_to(here) else str(full)
    return os.fsencode(text).decode(errors="replace")


def read_bytes(path: Path) -> tuple[bytes, list[Finding]]:
    """Return the bytes of a plain file of a fitting size, or why there are none."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return b"", [*reading.file_unreadable(shown(path), _("it is a directory"))]
        if not stat.S_ISREG(status.st_mode):
            return b"", [*reading.file_unreadable(shown(path), _("it is not a plain file"))]
        if status.st_size > reading.LARGEST:
            return b"", [*reading.file_too_large(shown(path))]
        return path.read_bytes(), []
    except OSError as error:
        return b"", [*reading.file_unreadable(shown(path), _reason(error))]


def kept_elsewhere(path: Path, content: bytes | None) -> tuple[bytes, list[Finding]]:
    """Return bytes that were kept elsewhere than at *path*; None is what is no plain file of a fitting size."""
    if content is None:
        return b"", [*reading.file_unreadable(shown(path), _("it is not a plain file"))]
    return content, []


def decode(path: str, content: bytes) -> tuple[SourceText, list[Finding]]:
    """Return the text, and where it is not UTF-8; a mark at the start that says UTF-8 is left out."""
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return SourceText(path, content.decode()), []
    except UnicodeDecodeError as error:
        source = SourceText(path, content.decode(errors="replace"))
        offset = len(content[: error.start].decode())
        return source, [*reading.not_utf8(source, offset, content[error.start])]


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return _("it is a link to nothing, or has just been deleted")
    if isinstance(error, PermissionError):
        return _("whoever runs the program may not read it")
    return reason_of(error)
