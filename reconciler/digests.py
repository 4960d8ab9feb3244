"""The SHA-256 of what is said: of rows, of a plan, of any JSON value. All are written `sha256:…`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from reconciler.model import ENROLMENT, BoardRow, Enrolment, HsaId, RegionCode
from reconciler.rows import Rows

Part: TypeAlias = "tuple[Any, Mapping[HsaId, str]]"
"""What rows agree in, their group, and their names by id."""


def state_digest(clinics: Mapping[HsaId, Enrolment], boards: Mapping[RegionCode, BoardRow]) -> str:
    """Return the digest of the service's rows, the same for the same rows in whatever order they come."""
    return state_digest_of(sorted(Rows.of(ENROLMENT, clinics).parts.items()), boards)


def state_digest_of(parts: Iterable[Part], boards: Mapping[RegionCode, BoardRow]) -> str:
    """Return the same, given each region's clinics in the order of the codes: all of them need not be held at once."""
    return digest([digest_of(parts), sorted(boards.items())])


def digest_of(parts: Iterable[Part]) -> str:
    """Return the digest of rows, made of one for each part, which come sorted: never is all of it one text."""
    digests = []
    for group, names in parts:
        if names:
            ids = sorted(names)
            said = _lists(ids, list(map(names.__getitem__, ids)))
            digests.append([group, _prefixed(hashlib.sha256(said))])
    return digest(digests)


def fingerprint(steps: Iterable[tuple[object, ...]], observed_digest: str, settled_digest: str) -> str:
    """Return the digest of what a plan does: its steps, and the digests of the rows before and after them.

    It is that of the three as one list, of whose text no more than the steps of one region, their first field, are
    made at once.
    """
    made, comma = hashlib.sha256(b"[["), b""
    for _region, found in groupby(steps, key=itemgetter(0)):
        made.update(comma + _text(list(found))[1:-1])
        comma = b","
    made.update(b"]," + _text([observed_digest, settled_digest])[1:])
    return _prefixed(made)


def digest(value: object) -> str:
    """Return the digest of a JSON value in its shortest form."""
    return _prefixed(hashlib.sha256(_text(value)))


def _prefixed(made: hashlib._Hash) -> str:
    return f"sha256:{made.hexdigest()}"


_ESCAPED = bytes(range(0x20)) + b"\\"
"""What stands in no JSON text as it is, beside the quotes that end one."""


def _lists(ids: Sequence[str], names: Sequence[str]) -> bytes:
    """Return `_text` of the two lists, which hold as many: put together at once where nothing in them is escaped."""
    said = ('[["' + '","'.join(ids) + '"],["' + '","'.join(names) + '"]]').encode()
    plain = said.count(b'"') == 2 * (len(ids) + len(names)) and len(said.translate(None, _ESCAPED)) == len(said)
    return said if plain else _text([ids, names])


def _text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
