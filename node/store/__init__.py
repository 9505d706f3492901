"""The node's database: units are written together and answered once durable, queries read beside them."""

from node.store.database import Database
from node.store.errors import (
    ConstraintBroken,
    OutcomeUnknown,
    SchemaTooNew,
    StoreClosed,
    StoreError,
    StoreFailed,
    StoreFull,
    StoreInUse,
)
from node.store.inline_store import InlineStore
from node.store.postgres import PostgresDatabase
from node.store.redo import Redo, Written
from node.store.remembered import Remembered
from node.store.sqlite import Memory, SqliteDatabase
from node.store.statements import BadStatement, Ordered, Statement, upsert
from node.store.store import Store
from node.store.thread_store import ThreadStore
from node.store.transaction import Fault, ReadTx, Tx

__all__ = [
    "BadStatement",
    "ConstraintBroken",
    "Database",
    "Fault",
    "InlineStore",
    "Memory",
    "Ordered",
    "OutcomeUnknown",
    "PostgresDatabase",
    "ReadTx",
    "Redo",
    "Remembered",
    "SchemaTooNew",
    "SqliteDatabase",
    "Statement",
    "Store",
    "StoreClosed",
    "StoreError",
    "StoreFailed",
    "StoreFull",
    "StoreInUse",
    "ThreadStore",
    "Tx",
    "Written",
    "upsert",
]
