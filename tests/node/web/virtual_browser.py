"""A browser for towns in virtual time: requests go straight into the application, since no sockets exist there."""

from __future__ import annotations

import asyncio
import html
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from node.app import Node
from node.services.acts import OPERATOR
from node.services.members import Member
from node.services.sign_in import SignedIn
from node.web.app import COOKIES, make_app
from tests.node.web.oakvale import fields_of, words_of
from tests.node.web.towns import renderer


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    page: str
    location: str

    @property
    def words(self) -> str:
        """What a reader sees, on one line."""
        return words_of(self.page)

    @property
    def fields(self) -> dict[str, str]:
        """The hidden fields of its forms."""
        return fields_of(self.page)

    @property
    def links(self) -> list[str]:
        """Where its links lead."""
        return [html.unescape(part.partition('"')[0]) for part in self.page.split('href="')[1:]]


class VirtualBrowser:
    """One member's browser; redirects are followed."""

    def __init__(self, app: web.Application, token: str):
        self._app = app
        self._cookie = f"{app[COOKIES].session}={token}"

    @classmethod
    async def of(cls, node: Node, member: Member) -> VirtualBrowser:
        """Return a browser in which a member is signed in."""
        app = make_app(node, renderer=renderer())
        app.freeze()
        link = await node.sign_in.make_link(OPERATOR, member.no)
        outcome = await node.sign_in.use_link(link.rpartition("/")[2], "192.0.2.1", own_computer=True)
        assert isinstance(outcome, SignedIn)
        return cls(app, outcome.token)

    async def get(self, path: str) -> Answer:
        """Open a page."""
        return await self._ask("GET", path, b"")

    async def post(self, path: str, **fields: str) -> Answer:
        """Send a form."""
        return await self._ask("POST", path, urlencode(fields).encode())

    async def _ask(self, method: str, path: str, body: bytes) -> Answer:
        headers = CIMultiDict({"Host": "oakvale.example", "Cookie": self._cookie})
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Content-Length"] = str(len(body))
        loop = asyncio.get_running_loop()
        payload = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
        payload.feed_data(body)
        payload.feed_eof()
        request = make_mocked_request(method, path, headers=headers, payload=payload, app=self._app)
        answer = await self._app._handle(request)
        assert isinstance(answer, web.Response)
        if answer.status == 303:
            return await self.get(answer.headers["Location"])
        text = answer.body.decode() if isinstance(answer.body, bytes) else ""
        return Answer(answer.status, text, path)
