"""A stand-in for GitHub's API: comments, issues and pull requests of one repository, on 127.0.0.1."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "regionen/klagomal"
Document = dict[str, Any]


@dataclass
class GitHub:
    """What is written there so far; who may write; `wrote` is every request that changed something."""

    comments: dict[int, list[Document]] = field(default_factory=dict)
    issues: list[Document] = field(default_factory=list)
    pulls: list[Document] = field(default_factory=list)
    reviews: list[Document] = field(default_factory=list)
    on_lines: list[Document] = field(default_factory=list)
    token: str = "a token"
    read_only: bool = False
    broken: bool = False
    shown: bool = True
    wrote: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(100))
    url: str = ""

    def comment(self, number: int, body: str, by: str) -> Document:
        """Write a comment as a User or a Bot."""
        made = {"id": next(self.numbers), "body": body, "user": {"type": by}}
        self.comments.setdefault(number, []).append(made)
        return made

    def answer(self, method: str, path: str, asked: dict[str, list[str]], body: Document) -> tuple[int, Any]:
        """Return status and document."""
        if self.broken:
            return 500, {"message": "Server Error"}
        if method != "GET":
            if self.read_only:
                return 403, {"message": "Resource not accessible by integration"}
            self.wrote.append(f"{method} {path}")
            if not self.shown and path.endswith("/reviews"):
                return 422, {"message": "Unprocessable Entity"}
        for pattern, answer in self.routes(method).items():
            if found := re.fullmatch(pattern, path):
                return 200, answer(*found.groups(), asked, body)
        return 404, {"message": "Not Found"}

    def routes(self, method: str) -> dict[str, Any]:
        """Return what can be asked, by pattern."""
        return {
            "GET": {
                r"issues/(\d+)/comments": lambda number, asked, _: page(self.comments.get(int(number), []), asked),
                "issues": lambda asked, _: page([one for one in self.issues if one["state"] == "open"], asked),
                r"pulls/7/reviews": lambda asked, _: page(self.reviews, asked),
                r"pulls/7/comments": lambda asked, _: page(self.on_lines, asked),
                "pulls": lambda asked, _: [
                    one for one in self.pulls if one["state"] == "open" and f"regionen:{one['head']}" in asked["head"]
                ],
            },
            "POST": {
                r"issues/(\d+)/comments": lambda number, _, body: self.comment(int(number), body["body"], "Bot"),
                r"pulls/7/reviews": lambda _, body: self._reviewed(body),
                "issues": lambda _, body: self._made(self.issues, body),
                "pulls": lambda _, body: self._made(self.pulls, body),
            },
            "PATCH": {
                r"issues/comments/(\d+)": lambda number, _, body: self._comment(int(number)).update(body),
                r"issues/(\d+)": lambda number, _, body: numbered(self.issues, number).update(body),
                r"pulls/(\d+)": lambda number, _, body: numbered(self.pulls, number).update(body),
            },
        }[method]

    def _made(self, those: list[Document], body: Document) -> Document:
        made = {"number": next(self.numbers), "state": "open", "user": {"type": "Bot"}} | body
        those.append(made)
        return made

    def _reviewed(self, body: Document) -> Document:
        self.on_lines += [one | {"body": one["body"].rstrip()} for one in body["comments"]]
        return body

    def _comment(self, number: int) -> Document:
        return next(one for some in self.comments.values() for one in some if one["id"] == number)


def numbered(those: list[Document], number: str) -> Document:
    return next(one for one in those if one["number"] == int(number))


def page(those: list[Document], asked: dict[str, list[str]]) -> list[Document]:
    size, number = int(asked["per_page"][0]), int(asked["page"][0])
    return those[(number - 1) * size : number * size]


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    stand: GitHub

    def _answer(self) -> None:
        there = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        path = there.path.removeprefix(f"/repos/{REPOSITORY}/")
        known = self.headers["Authorization"] == f"Bearer {self.stand.token}"
        asked = (self.command, path, parse_qs(there.query), body)
        status, document = self.stand.answer(*asked) if known else (404, {"message": "Not Found"})
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[GitHub]:
    """Give the stand-in while it listens."""
    stand = GitHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"stand": stand}))
    stand.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield stand
    server.shutdown()
    server.server_close()
    thread.join()
