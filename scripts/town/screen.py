"""What the demo writes while it works: a line for every step done, a moving sign for the one under way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.text import Text

DONE: Final = Text("  ✓ ", style="green")


class Screen:
    """The terminal, or whatever takes its place."""

    def __init__(self, console: Console | None = None):
        self.console: Final = console or Console(highlight=False)

    def title(self, text: str) -> None:
        """Begin a part."""
        self.console.print()
        self.console.print(Text(text, style="bold"), soft_wrap=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show that something is under way, and afterwards that it is done."""
        began = time.monotonic()
        with self.console.status(text):
            yield
        self.found(f"{text} ({time.monotonic() - began:.1f} s)")

    def found(self, text: str) -> None:
        """Say what holds."""
        self.console.print(Text.assemble(DONE, text), soft_wrap=True)
