"""The peers: installed in an environment of their own, at the versions that stand here, and how each is called.

A peer that cannot be installed is named as missing, never left out in silence.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.clinics import Sized

ROOT = Path(__file__).parents[1]
HOME = ROOT / "bench" / ".peers"
SCHEMA = ROOT / "schemas" / "region.schema.json"


class Peer(NamedTuple):
    """A program that does a part of what ours does. *task* names the part; *command* makes the call."""

    name: str
    version: str
    task: str
    command: Callable[[Sized], list[str | Path]]


def _check_jsonschema(sized: Sized) -> list[str | Path]:
    return [HOME / "bin/check-jsonschema", "--schemafile", SCHEMA, *sized.region_files]


def _yamllint(sized: Sized) -> list[str | Path]:
    return [HOME / "bin/yamllint", "-d", "relaxed", *sized.region_files]


def _ajv(sized: Sized) -> list[str | Path]:
    data = [part for path in sized.region_files for part in ("-d", path)]
    return [HOME / "node_modules/.bin/ajv", "validate", "--spec=draft2020", "--strict=false", "-s", SCHEMA, *data]


def _octodns(_sized: Sized) -> list[str | Path]:
    return [HOME / "bin/octodns-sync", "--quiet", "--config-file", "octodns.yaml"]


PEERS = (
    Peer("check-jsonschema", "0.39.0", "validate", _check_jsonschema),
    Peer("yamllint", "1.38.0", "validate", _yamllint),
    Peer("ajv-cli", "5.0.0", "validate", _ajv),
    Peer("octodns", "1.22.0", "plan", _octodns),
)


def install() -> tuple[list[Peer], list[str]]:
    """Install what is not there yet; return the peers that can be called, and the names of those that cannot."""
    if not (HOME / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
    there = [peer for peer in PEERS if _installed(peer)]
    return there, [f"{peer.name} {peer.version}" for peer in PEERS if peer not in there]


def _installed(peer: Peer) -> bool:
    mark = HOME / f"{peer.name}-{peer.version}"
    if not mark.exists() and _install(peer):
        mark.touch()
    return mark.exists()


def _install(peer: Peer) -> bool:
    if peer.name == "ajv-cli":
        npm = shutil.which("npm")
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", f"{peer.name}@{peer.version}"] if npm else []
    else:
        command = [str(HOME / "bin/pip"), "install", "--quiet", f"{peer.name}=={peer.version}"]
    return bool(command) and subprocess.run(command, cwd=HOME, capture_output=True, check=False).returncode == 0
