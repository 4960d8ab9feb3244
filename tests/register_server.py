"""A stand-in for the e-services' register: a real HTTP server that gives a register file, or lies in a chosen way.

    python tests/register_server.py demo/register.json --port 8801
    python tests/register_server.py demo/register.json --port 8801 --fault slow-drip

It listens on 127.0.0.1 only. It knows ETag, gzip, Basic and bearer, and paging (`--page 100`).
`--list` lists the faults.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import re
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from reconciler.model import REGIONS

Document = dict[str, Any]


@dataclass
class Stand:
    """What the server gives, to whom, and how it lies; a test may change it while the server runs."""

    document: Any
    fault: str = ""
    page: int = 0
    user: str = ""
    password: str = ""
    token: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    stand: Stand

    def do_GET(self) -> None:
        self.stand.asked.append((self.path, dict(self.headers.items())))
        if not self._permitted():
            self.give(b'{"status":401,"error":"Unauthorized"}', 401)
        elif self.stand.fault in FAULTS:
            FAULTS[self.stand.fault](self)
        else:
            self.give_document(DATA_FAULTS.get(self.stand.fault, lambda document: document)(self.stand.document))

    def _permitted(self) -> bool:
        stand, given = self.stand, self.headers.get("Authorization")
        basic = "Basic " + base64.b64encode(f"{stand.user}:{stand.password}".encode()).decode()
        wanted = f"Bearer {stand.token}" if stand.token else basic if stand.user else given
        return given == wanted

    def give_document(self, document: object) -> None:
        stand = self.stand
        if stand.page and isinstance(document, dict):
            start = int(self.path.partition("start=")[2] or 0)
            whole = document["clinics"]
            document = {**document, "clinics": whole[start : start + stand.page]}
            if start + stand.page < len(whole):
                document["next"] = f"/register?start={start + stand.page}"
        body = json.dumps(document, ensure_ascii=False).encode()
        etag = f'"{sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            self.give(b"", 304, ETag=etag)
        elif "gzip" in self.headers.get("Accept-Encoding", ""):
            self.give(gzip.compress(body, 1), ETag=etag, Content_Encoding="gzip")
        else:
            self.give(body, ETag=etag)

    def give(self, body: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content_Type": "application/json"} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, text: str, *args: object) -> None:
        if self.stand.url == "":
            super().log_message(text, *args)


# ---- faults of the wire


def _status(code: int, **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.give(b'{"title":"trouble"}', code, **headers)


def _reset(handler: Handler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def _closed(handler: Handler) -> None:
    handler.close_connection = True


def _drip(handler: Handler, text: bytes) -> None:
    for byte in text * 1000:
        if handler.stand.closing.is_set():
            break
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)
    handler.close_connection = True


def _slow_headers(handler: Handler) -> None:
    _drip(handler, b"HTTP/1.1 200 OK\r\nX-A: b\r\n" + b"X-More: and more\r\n" * 90)


def _slow_drip(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    _drip(handler, b" ")


def _silent(handler: Handler) -> None:
    handler.stand.closing.wait(60)
    handler.close_connection = True


def _broken_off(handler: Handler) -> None:
    body = json.dumps(handler.stand.document).encode()
    handler.give(body[: len(body) // 2], length=len(body))
    handler.close_connection = True


def _wrong_length(handler: Handler) -> None:
    body = json.dumps(handler.stand.document).encode()
    handler.give(body, length=len(body) - 20)
    handler.close_connection = True


def _gzip_bomb(handler: Handler) -> None:
    packed = gzip.compress(b" " * (16 << 20), 1)
    handler.give(packed, Content_Encoding="gzip")


def _not_gzip(handler: Handler) -> None:
    handler.give(b"this is not gzip", Content_Encoding="gzip")


def _page(handler: Handler) -> None:
    handler.give(b"<html><body>log in</body></html>", Content_Type="text/html")


def _raw(body: bytes) -> Callable[[Handler], None]:
    return lambda handler: handler.give(body)


def _round(handler: Handler) -> None:
    handler.give(b"", 301, Location="/b" if handler.path == "/a" else "/a")


def _always_further(handler: Handler) -> None:
    handler.give(b"", 302, Location=handler.path + "x")


def _elsewhere(handler: Handler) -> None:
    handler.give(b"", 301, Location="http://register.invalid/register")


def _endless(handler: Handler) -> None:
    n = int(handler.path.partition("n=")[2] or 0)
    one = {"hsa_id": f"SE2321000131-E{n}", "name": "x", "status": "active", "region_code": "14"}
    handler.give(json.dumps({**handler.stand.document, "clinics": [one], "next": f"/register?n={n + 1}"}).encode())


def _repeated(handler: Handler) -> None:
    handler.give(json.dumps({**handler.stand.document, "next": "/register"}).encode())


def _next_elsewhere(handler: Handler) -> None:
    handler.give(json.dumps({**handler.stand.document, "next": "http://register.invalid/2"}).encode())


def _next_of_another_day(handler: Handler) -> None:
    first = "n=" not in handler.path
    day = handler.stand.document["generated_at"] if first else "2026-11-24T05:00:00+01:00"
    more = {"next": "/register?n=1"} if first else {}
    handler.give(json.dumps({**handler.stand.document, "generated_at": day, **more}).encode())


def _bad_json(handler: Handler) -> None:
    handler.give(json.dumps(handler.stand.document).encode()[:-1])


def _other_encoding(handler: Handler) -> None:
    handler.give(json.dumps(handler.stand.document, ensure_ascii=False).encode("cp1252", "replace"))


def _echo(handler: Handler) -> None:
    """Say again what was sent, encoded and not, as some gateways do."""
    sent = handler.headers.get("Authorization", "")
    plain = base64.b64decode(sent[6:]).decode() if sent.startswith("Basic ") else sent
    handler.give(json.dumps({"error": [sent, plain]}).encode(), 400)


def _key_twice(handler: Handler) -> None:
    body = json.dumps(handler.stand.document).encode()
    handler.give(re.sub(rb'"(hsa_id|id)": ', rb'"\1": 7, "\1": ', body, count=1))


FAULTS: dict[str, Callable[[Handler], None]] = {
    "reset": _reset,
    "closed": _closed,
    "301-loop": _round,
    "302-without-end": _always_further,
    "301-elsewhere": _elsewhere,
    "401": _status(401),
    "403": _status(403),
    "404": _status(404),
    "410": _status(410),
    "304": _status(304),
    "418": _status(418),
    "429": _status(429, Retry_After="1"),
    "429-for-an-hour": _status(429, Retry_After="3600"),
    "500": _status(500),
    "502": _status(502),
    "503": _status(503),
    "silent": _silent,
    "slow-headers": _slow_headers,
    "slow-drip": _slow_drip,
    "truncated": _broken_off,
    "wrong-length": _wrong_length,
    "gzip-bomb": _gzip_bomb,
    "not-gzip": _not_gzip,
    "html": _page,
    "empty-body": _raw(b""),
    "list": _raw(b"[]"),
    "null": _raw(b"null"),
    "number": _raw(b"1"),
    "not-json": _bad_json,
    "cp1252": _other_encoding,
    "key-twice": _key_twice,
    "echo": _echo,
    "endless-pages": _endless,
    "repeated-page": _repeated,
    "next-elsewhere": _next_elsewhere,
    "next-of-another-day": _next_of_another_day,
}

# ---- faults of what is said


def _each(change: Callable[[dict[str, Any]], dict[str, Any]], first: bool = False) -> Callable[[Document], Document]:
    def changed(document: Document) -> Document:
        clinics = document["clinics"]
        done = [change(dict(one)) for one in (clinics[:1] if first else clinics)]
        return {**document, "clinics": done + (clinics[1:] if first else [])}

    return changed


def _less(percent: int) -> Callable[[Document], Document]:
    def changed(document: Document) -> Document:
        clinics = document["clinics"]
        keep = [one for n, one in enumerate(clinics) if (n * percent) % 100 + percent <= 100 - (percent == 100)]
        return {**document, "clinics": keep}

    return changed


def _shifted(one: dict[str, Any]) -> dict[str, Any]:
    codes = tuple(REGIONS)
    return {**one, "region_code": codes[(codes.index(one["region_code"]) + 1) % len(codes)]}


def _without_name(one: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key != "name"}


def _day_before(made: str) -> str:
    return (datetime.fromisoformat(made) - timedelta(hours=26)).isoformat()


DATA_FAULTS: dict[str, Callable[[Document], Document]] = {
    "wrong-type": lambda document: {**document, "clinics": {"a": 1}},
    "missing-field": _each(_without_name, first=True),
    "duplicate-record": lambda document: {**document, "clinics": document["clinics"] + document["clinics"][:1]},
    "unknown-status": _each(lambda one: {**one, "status": "paused"}, first=True),
    "unknown-region": _each(lambda one: {**one, "region_code": "15"}, first=True),
    "incomplete": lambda document: {**document, "complete": False},
    "stale-date": lambda document: {**document, "generated_at": "2020-01-01T00:00:00Z"},
    "older-date": lambda document: {**document, "generated_at": _day_before(document["generated_at"])},
    "future-date": lambda document: {**document, "generated_at": "2126-01-01T00:00:00Z"},
    "no-date": lambda document: {key: value for key, value in document.items() if key != "generated_at"},
    "shrunk-1": _less(1),
    "shrunk-10": _less(10),
    "shrunk-30": _less(30),
    "shrunk-100": _less(100),
    "other-ids": _each(lambda one: {**one, "hsa_id": one["hsa_id"] + "X"}),
    "all-shifted": _each(_shifted),
    "all-inactive": _each(lambda one: {**one, "status": "inactive"}),
    "names-misread": _each(lambda one: {**one, "name": (one["name"] + "å").encode().decode("latin-1")}),
    "names-unaccented": _each(lambda one: {**one, "name": one["name"].upper()}),
}


@contextmanager
def serving(
    stand: Stand, *, port: int = 0, tls: ssl.SSLContext | None = None, handler: type[Handler] = Handler
) -> Iterator[str]:
    """Serve *stand* until the block ends; give its address. With *tls*, over https://localhost."""
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (handler,), {"stand": stand}))
    server.daemon_threads, server.block_on_close = True, False
    server.handle_error = lambda *_args: None  # type: ignore[method-assign]
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    stand.url = f"{'https://localhost' if tls else 'http://127.0.0.1'}:{server.server_address[1]}/register"
    try:
        yield stand.url
    finally:
        stand.closing.set()
        server.shutdown()
        server.server_close()


def run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", help="a register in JSON")
    parser.add_argument("--port", type=int, default=8801)
    parser.add_argument("--fault", default="", choices=["", *FAULTS, *DATA_FAULTS])
    parser.add_argument("--page", type=int, default=0, help="clinics on a page; 0: all on one")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--token", default="")
    parser.add_argument("--list", action="store_true", help="list the faults")
    given = parser.parse_args(arguments)
    if given.list or not given.file:
        print("\n".join([*FAULTS, *DATA_FAULTS]))
        return 0
    document = json.loads(given.file.read_text(encoding="utf-8"))
    stand = Stand(document, given.fault, given.page, given.user, given.password, given.token)
    with serving(stand, port=given.port) as url:
        print(f"{len(document['clinics'])} clinics at {url}; control-C ends it", file=sys.stderr)
        stand.url = ""
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
