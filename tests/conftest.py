"""Every test begins in English, whatever the machine speaks."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from reconciler.words import speak

for name in ("LC_ALL", "LC_MESSAGES", "RECONCILER_LANG"):
    os.environ.pop(name, None)
os.environ["LANG"] = "C.UTF-8"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    os.environ["LANGUAGE"] = "en"
    speak("en")
    yield
    speak("en")
