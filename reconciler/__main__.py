"""The command `reconciler`, also as `python -m reconciler`: what click and the operating system make of a run."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the exit code is the interface."""
    if sys.argv[1:] == ["--version"]:
        from reconciler import __version__  # noqa: PLC0415  (click would cost more than the answer)

        sys.stdout.write(f"reconciler {__version__}\n")
        return
    from reconciler.cli import run  # noqa: PLC0415

    sys.exit(run())


if __name__ == "__main__":
    main()
