"""What assurance costs: verdicts over a large register, reading what schemes publish, integrity, a dossier.

    python benchmarks/assurance.py [--only verdicts sources integrity dossier] [--rounds N]

Limits from the issue. Exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import _dossier  # type: ignore[import-not-found] # the scripts beside this one
import _figures  # type: ignore[import-not-found]
import _integrity  # type: ignore[import-not-found]
import _sources  # type: ignore[import-not-found]
import _verdicts  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS: dict[str, Callable[[int], None]] = {
    "verdicts": _verdicts.measure,
    "sources": _sources.measure,
    "integrity": _integrity.measure,
    "dossier": _dossier.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    for name in given.only:
        PARTS[name](given.rounds)
    if _figures.missed:
        sys.exit(f"Missed: {', '.join(_figures.missed)}.")


if __name__ == "__main__":
    main()
