"""Who answers at an address: until when its certificate holds, and what its clock says. It asks for no content."""

from __future__ import annotations

import http.client
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from reconciler.model import HttpSettings

_SECONDS = 5


class Peer(NamedTuple):
    """What is known of who answers; None where it is not."""

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
