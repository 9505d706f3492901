"""The command line: `init`, `serve`, `doctor`, and a few acts that are easier there than in the browser."""
