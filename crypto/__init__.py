"""Canonical bytes, hashes, keys, trees, sealing. This room has never heard of exchange schemes."""
