"""Who answers at an address: until when its certificate holds, and what its clock says. It asks for no content."""

from __future__ import annotations

import http.client
import re
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from reconciler.model import HttpSettings

_SECONDS = 5
_NO_CHECK_TIME = 0x200000
"""OpenSSL's flag by which a certificate of any date is trusted: how else could one tell since when it has expired."""

_VALIDITY = re.compile(rb"\x30.(?:\x17\x0d.{12}Z|\x18\x0f.{14}Z)(?:\x17\x0d(.{12}Z)|\x18\x0f(.{14}Z))", re.DOTALL)
"""Two times in a sequence, as a certificate in DER tells from when until when it holds; RFC 5280, 4.1.2.5."""


class Peer(NamedTuple):
    """What is known of who answers; None where it is not. A certificate that has expired tells since when."""

    certificate_until: datetime | None = None
    clock: datetime | None = None


def look_at(settings: HttpSettings) -> Peer:
    """Return what a HEAD without credentials tells; nothing where nobody answers, which the real question tells."""
    try:
        return _look_at(settings)
    except (OSError, ValueError, http.client.HTTPException):
        return Peer()


def _look_at(settings: HttpSettings) -> Peer:
    parts = urlsplit(settings.url)
    host = parts.hostname or ""
    connection = http.client.HTTPConnection(host, parts.port, timeout=_SECONDS)
    if parts.scheme == "https":
        trust = ssl.create_default_context(cafile=settings.ca)
        trust.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
        if settings.certificate:
            trust.load_cert_chain(settings.certificate, settings.key, password=lambda: "")
        connection = http.client.HTTPSConnection(host, parts.port, timeout=_SECONDS, context=trust)
    try:
        connection.connect()
        until = _until(connection.sock)
        connection.request("HEAD", parts.path or "/")
        said = connection.getresponse().getheader("Date")
        return Peer(until, parsedate_to_datetime(said) if said else None)
    finally:
        connection.close()


def _until(sock: object) -> datetime | None:
    if not isinstance(sock, ssl.SSLSocket):
        return None
    ends = str((sock.getpeercert() or {}).get("notAfter"))
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)


def own_certificate_until(settings: HttpSettings) -> datetime | None:
    """Return until when our own certificate holds; None where there is none, or none that can be read."""
    try:
        pem = settings.certificate.read_text(encoding="ascii") if settings.certificate else ""
        first = pem[pem.index(ssl.PEM_HEADER) : pem.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]
        found = _VALIDITY.search(ssl.PEM_cert_to_DER_cert(first))
    except (OSError, ValueError):
        return None
    if found is None:
        return None
    short, whole = found.groups()
    century = b"20" if whole or short < b"50" else b"19"
    return datetime.strptime((whole or century + short).decode(), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
