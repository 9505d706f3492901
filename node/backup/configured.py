"""What the configuration says about backups, as those who make them want it."""

from __future__ import annotations

from node.backup.keeping import Rule
from node.backup.making import Source
from node.config import Config
from node.keyring import KeyRing


def source_of(config: Config, keyring: KeyRing) -> Source:
    """Return what of a node is backed up."""
    return Source(data_dir=config.node.data_dir, config=config.file, scheme=keyring.scheme, safe=keyring.safe)


def rule_of(config: Config) -> Rule:
    """Return how many backups stay."""
    kept = config.backup
    return Rule(daily=kept.daily, weekly=kept.weekly, monthly=kept.monthly)
