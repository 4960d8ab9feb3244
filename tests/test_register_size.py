"""A register far larger than the country: what it costs to read it over HTTP, check it and compare it with the last."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from little_country import CODES, Country, clinic
from register_server import Stand, serving

from reconciler import pipeline
from reconciler.model import REGIONS

CLINICS = 100_000 if os.environ.get("RECONCILER_SOAK") else 10_000
CPU_SECONDS, MEGABYTES = 4, 300
"""What a plan may take for 100,000 clinics, all told; so it may for a tenth of them."""


MEASURED = """
import json, runpy, sys, time
try:
    runpy.run_module("reconciler", run_name="__main__")
finally:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    with open("spent.json", "w") as file:
        json.dump([time.process_time(), int(peak.split()[1]) / 1024], file)
"""
"""The program, telling at its end what it took: what the system counts for a child begins with its parent's size."""


def document(now: datetime, *, renamed: range) -> dict[str, Any]:
    """Every region has its share; the first of regions 12 to 14 are those of the little country."""
    codes = list(REGIONS)
    clinics = [
        {
            "hsa_id": clinic(number),
            "name": f"Vårdcentralen Åre {number}{' ny' if number in renamed else ''}",
            "status": "active" if number < 1_000 or number % 10 else "inactive",
            "region_code": codes[number % len(codes)],
        }
        for number in range(CLINICS)
    ]
    made = (now - timedelta(hours=2)).isoformat()
    return {"format": "reconciler/register/1", "generated_at": made, "complete": True, "clinics": clinics}


def test_a_register_of_a_hundred_thousand_clinics_is_read_checked_and_compared(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    stand = Stand(document(now, renamed=range(0)))
    with serving(stand) as url:
        country = Country(tmp_path, f'source = "http"\nurl = "{url}"\n')
        for n, code in enumerate(REGIONS):
            if code in CODES:
                country.clinics[code] = [clinic(len(REGIONS) * one + n) for one in range(1, 20)]
        country.write()
        country.now = now
        applied = pipeline.apply(country.settings, now, "somebody")
        assert applied.planned.register
        assert applied.applied == 57
        stand.document = document(now, renamed=range(0, CLINICS, 1_000))
        command = [sys.executable, "-c", MEASURED, "plan", "--format", "json"]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    planned = json.loads(ran.stdout)
    assert (planned["failures"], planned["register"]["digest"] != applied.planned.register.digest) == ([], True)
    seconds, megabytes = json.loads((tmp_path / "spent.json").read_text(encoding="utf-8"))
    assert seconds < CPU_SECONDS
    assert megabytes < MEGABYTES
