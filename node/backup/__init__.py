"""Backups: one sealed file holds the database, the keys and the configuration of a node. Source: docs/backup.md."""
