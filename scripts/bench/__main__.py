"""Run benchmarks: `python -m scripts.bench [NAME …]`. What each compares is in docs/benchmarks.md."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Final

from scripts.bench.harness import Options, Result, table

NAMES: Final = (
    "local_trades",
    "cross_trades",
    "replication",
    "home_page",
    "cold_start",
    "memory",
    "flood",
    "find",
    "ledger_verify",
    "desk_load",
    "crypto_limits",
    "sqlite_limits",
)


def main() -> int:
    """Run the benchmarks asked for, and print what came out."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, default=5, help="how often the two sides take turns")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each side in each round")
    parser.add_argument("--dir", type=Path, help="a directory on the disk to measure")
    parser.add_argument("--quick", action="store_true", help="small amounts, only to see that it runs")
    parser.add_argument("--no-uvloop", action="store_true", help="the nodes run on asyncio's own loop")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure to a file")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    given = {} if asked.dir is None else {"directory": asked.dir}
    options = Options(
        rounds=asked.rounds, seconds=asked.seconds, quick=asked.quick, uvloop=not asked.no_uvloop, **given
    )
    found: dict[str, list[Result]] = {}
    for name in asked.names or NAMES:
        began = time.monotonic()
        found[name] = asyncio.run(importlib.import_module(f"scripts.bench.{name}").run(options))
        print(f"\n{name} ({time.monotonic() - began:.0f} s)\n{table(found[name])}", flush=True)
    if asked.json:
        text = json.dumps({name: [r.as_json() for r in results] for name, results in found.items()}, indent=1)
        asked.json.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
