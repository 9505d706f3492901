"""The rules of exchange schemes and between them: immutable values and pure functions that decide."""
