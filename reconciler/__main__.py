"""The command `reconciler`, also as `python -m reconciler`: what click and the operating system make of a run."""

from __future__ import annotations

import gc
import sys

_GARBAGE = (100_000, 20, 100)
"""A run makes many values and drops few: with Python's own thresholds a quarter of its time goes to looking at them."""


def main() -> None:
    """Run the command line; the exit code is the interface."""
    if sys.argv[1:] == ["--version"]:
        from reconciler import __version__  # click would cost more than the answer

        sys.stdout.write(f"reconciler {__version__}\n")
        return
    gc.set_threshold(*_GARBAGE)
    from reconciler.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
