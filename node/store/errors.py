"""What can go wrong between the node and its database."""

from __future__ import annotations


class StoreError(Exception):
    """The database did not do what was asked; nothing of the unit that met this was kept."""


class StoreFull(StoreError):
    """There is no room left on the disk for this unit."""


class ConstraintBroken(StoreError):
    """A row breaks a rule written in the schema (unique, foreign key, not null, check, type)."""


class StoreFailed(StoreError):
    """Any other trouble of the database or the disk under it."""


class OutcomeUnknown(StoreError):
    """The database server was lost during COMMIT: the unit may or may not be durable.

    The one error after which something may have been kept. It can only be met with PostgreSQL.
    """


class StoreClosed(StoreError):
    """The store was closed, or its thread died, before it could answer.

    A unit asked for after `close` was never run. One in flight when the thread died may be durable.
    """


class StoreInUse(StoreError):
    """Another process, or another store of this one, has the database open for writing."""


class SchemaTooNew(StoreError):
    """The database was last written by a newer release, whose tables this one does not know."""
