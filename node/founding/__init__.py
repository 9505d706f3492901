"""Founding a scheme: what has to be known, made whole or not at all; asked in the terminal or on pages. Source: docs/operating.md."""
