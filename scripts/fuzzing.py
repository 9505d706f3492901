"""One target of `scripts/fuzz` in a process of its own: atheris lets chance follow what each input reaches.

Source: docs/decisions/0061-fuzzing-by-atheris.md.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Fuzz the target that the first argument names; the others are libFuzzer's. Ends with its status."""
    import atheris

    # What is watched for new ways through it. The rest loads unwatched: it is not ours, and watching slows it down.
    with atheris.instrument_imports(include=["crypto", "protocol", "node"]):
        from tests.fuzz_targets import TARGETS

    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
