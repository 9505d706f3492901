"""A whole federation in one process, on virtual time: for tests, `scripts/` and the replay of recorded towns."""
