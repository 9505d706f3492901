"""A node made from its configuration: keys and database opened, nothing served yet. Source: docs/operating.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from node.app import DATABASE, Beside, Node, Options
from node.clock import SystemChance, SystemClock
from node.config import Config
from node.federation.caller import Caller, Way
from node.keyfiles import open_keys
from node.moved import must_be_here
from node.proxies import Proxies
from node.store import ThreadStore
from protocol.names import SchemeId

if TYPE_CHECKING:
    from node.backup.regular import Standing
    from node.certificate import Watched
    from node.findings import Finding
    from node.services.rehearsals import Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Lodging:
    """What the process in which a scheme is served decides for it. Source: decision 63."""

    hosted: bool = False  # it is not the scheme of the machine's own
    proxies: Proxies | None = None  # of the listener it shares; None: what its own configuration says
    near: Callable[[str], Way | None] | None = None  # how others of this process are called
    beside: Callable[[], Sequence[Beside]] = tuple

    def caller(self) -> Caller:
        """Return what calls other nodes."""
        return Caller() if self.near is None else Caller(self.near)

    def proxies_of(self, config: Config) -> Proxies:
        """Return the web servers that are believed."""
        return config.node.believed() if self.proxies is None else self.proxies


ALONE: Final = Lodging()


async def _rehearse(config: Config, scheme: SchemeId) -> Tried:
    # Seldom wanted: a node that does not load it starts sooner.
    from node.backup.trying import try_newest

    return await try_newest(config, scheme)


def _certificate(origin: str) -> Callable[[int], Awaitable[Finding]]:
    watched: Watched | None = None

    async def finding(now_ms: int) -> Finding:
        # As above.
        from node.certificate import Watched

        nonlocal watched
        watched = watched or Watched(origin)
        return await watched.finding(now_ms)

    return finding


def _mail_account(config: Config) -> str:
    mail = config.mail
    return f"{mail.user or mail.sender} @ {mail.host}" if mail.host else ""


def options_of(config: Config, scheme: SchemeId | None = None) -> Options:
    """Return what the configuration says about a node; of `scheme`, so that its backups are known."""
    origin = config.node.origin

    def backups(now_ms: int) -> Standing | None:
        if config.backup.folder is None or scheme is None:
            return None
        from node.backup.regular import standing_of

        return standing_of(config, scheme, now_ms)

    return Options(
        seed=config.scheme.seed(config.node),
        origin=origin,
        addresses=config.federation.addresses or (origin,),
        neighbours_max=config.federation.neighbours_max,
        allow_lan=config.federation.allow_lan_addresses,
        backups=backups,
        data_dir=config.node.data_dir,
        mail_account=_mail_account(config),
        rehearse=None
        if config.backup.folder is None or scheme is None
        else partial(_rehearse, config, scheme),
        certificate=_certificate(origin) if origin.startswith("https://") else None,
        keep_copies=True,
        proxies=config.node.believed(),
    )


@asynccontextmanager
async def open_node(config: Config, lodging: Lodging = ALONE) -> AsyncIterator[Node]:
    """Open the data of a node and load it; nothing is served, nobody is called.

    Raises:
        KeysUnusable, StoreError: its keys or its database cannot be opened. CannotDo: the scheme moved elsewhere.
    """
    must_be_here(config.node.data_dir)
    keys = open_keys(config.node.data_dir)
    async with AsyncExitStack() as stack:
        store = await ThreadStore.open(config.node.data_dir / DATABASE)
        stack.push_async_callback(store.close)
        caller = await stack.enter_async_context(lodging.caller())
        mail = None
        if config.mail.host:
            from node.mail.smtp import SmtpTransport

            mail = SmtpTransport(config.mail, config.scheme.name)
        options = replace(
            options_of(config, keys.keyring.scheme), hosted=lodging.hosted, beside=lodging.beside,
            proxies=lodging.proxies_of(config),
        )  # fmt: skip
        node = Node(
            options, store=store, clock=SystemClock(), chance=SystemChance(), keys=keys, network=caller, mail=mail,
            offload=asyncio.to_thread,
        )  # fmt: skip
        await node.load()
        yield node
