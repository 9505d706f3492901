"""Services: each reads what it needs, asks `protocol/` to decide, and records in one unit of work."""
