#!/usr/bin/env python3
"""Opens one issue at GitLab of what a run left out, keeps it up to date, and closes it when nothing is left out.

`ticket.py CODE FILE`, in the job of templates/apply.yml; in the container it is called `reconciler-ticket`. The issue
is found by its label and by who opened it, so there is one. What goes wrong with it is said, and fails nothing: how the
run went is for the job to tell.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import urllib3

from reconciler.report.escapes import escape, fence
from reconciler.report.markdown import cut
from reconciler.words import speak

LABEL = "reconciler"
LONGEST = 64_000
"""Characters; more than anybody reads, and far less than GitLab's one million."""

TICKETS = {
    "3": "Jobbet lämnade någon region eller mottagning utanför (3)",
    "4": "En nationell spärr stoppade jobbet (4)",
}


def ask(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    """Ask GitLab's API about the issues of the project that the job belongs to."""
    address = f"{os.environ['CI_API_V4_URL']}/projects/{os.environ['CI_PROJECT_ID']}/issues{path}"
    headers = {"PRIVATE-TOKEN": os.environ["RECONCILER_TICKET_TOKEN"]}
    again = urllib3.Retry(3, backoff_factor=1)
    answer = urllib3.request(method, address, json=body, headers=headers, timeout=30, retries=again)
    if answer.status >= 400:
        raise OSError(f"{method} issues{path}: {answer.status} {answer.data.decode(errors='replace')[:200]}")
    return answer.json()


def text_of(file: str) -> str:
    """Return what the run said, as text that nothing in an issue obeys, and where all of it stands."""
    said = Path(file).read_text(encoding="utf-8", errors="replace")
    plain = "\n".join(map(escape, said.split("\n"))).strip()
    return cut(f"{os.environ['CI_JOB_URL']}\n\n{fence(plain)}\n{plain}\n{fence(plain)}", LONGEST)


def ticket(code: str, file: str) -> None:
    """Open, keep up to date, or close the one issue."""
    if code not in {"0", *TICKETS}:
        return  # tried again, or red: nothing is known of what would be left out
    (there,) = ask("GET", f"?state=opened&scope=created_by_me&labels={LABEL}&per_page=1") or [None]
    if code == "0":
        if there:
            ask("PUT", f"/{there['iid']}", {"state_event": "close"})
        return
    said = {"title": TICKETS[code], "description": text_of(file)}
    if there:
        ask("PUT", f"/{there['iid']}", said)
    else:
        ask("POST", "", said | {"labels": LABEL})


if __name__ == "__main__":
    speak(os.environ.get("RECONCILER_LANG", "sv"))
    if not os.environ.get("RECONCILER_TICKET_TOKEN"):
        print("inget ärende: variabeln RECONCILER_TICKET_TOKEN saknas", file=sys.stderr)
    else:
        try:
            ticket(*sys.argv[1:])
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            print(f"inget ärende: GitLab svarar inte som väntat: {error}", file=sys.stderr)
