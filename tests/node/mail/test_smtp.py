"""A mail as the server meets it, over a real socket. Source: docs/operating.md."""

from __future__ import annotations

import asyncio
import email
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default

import pytest

from node.config import Mail as MailConfig
from node.mail.outbox import Mail, MailDelayed, MailRefused, MailState
from node.mail.smtp import SmtpTransport
from tests.builders import NOW

MAIL = Mail(
    no=7, recipient="ana@example.org", subject="Grüße\r\nBcc: all@example.org", text="words\n.\nmore ö\n",
    state=MailState.WAITING, tries=0, reason="", created_ms=NOW, private=False,
)  # fmt: skip


class SmtpServer:
    """As much of SMTP as one mail needs; `answers` replaces the answer to a command."""

    def __init__(self, answers: dict[str, str]):
        self.answers, self.said, self.data = answers, [], b""  # type: ignore[var-annotated]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            command = line.decode().strip()
            self.said.append(command)
            verb = command.split(" ")[0].upper()
            usual = {"DATA": "354 go on", "QUIT": "221 bye", "EHLO": "250 test"}
            answer = self.answers.get(verb, usual.get(verb, "250 ok"))
            writer.write(f"{answer}\r\n".encode())
            if answer.startswith("354"):
                self.data = await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 taken\r\n")
        writer.close()


@asynccontextmanager
async def server(**answers: str) -> AsyncIterator[tuple[SmtpServer, SmtpTransport]]:
    smtp = SmtpServer(answers)
    listening = await asyncio.start_server(smtp.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    config = MailConfig(host="127.0.0.1", port=port, security="none", sender="scheme@oakvale.example")
    async with listening:
        yield smtp, SmtpTransport(config, "Oakvale")


async def test_what_arrives_is_what_was_written() -> None:
    async with server() as (smtp, transport):
        await transport.send(MAIL)

    message = email.message_from_bytes(
        smtp.data.replace(b"\r\n..", b"\r\n."), _class=EmailMessage, policy=default
    )
    assert message["To"] == "ana@example.org"
    assert message["From"] == "Oakvale <scheme@oakvale.example>"
    assert message["Subject"] == "Grüße Bcc: all@example.org"
    assert message["Bcc"] is None
    assert message["Message-ID"] == f"<7.{NOW}@oakvale.example>"
    assert message.get_content().replace("\r\n", "\n").startswith("words\n.\nmore ö\n")


@pytest.mark.parametrize("answers, outcome", [
    ({"RCPT": "550 no such user"}, MailRefused),
    ({"RCPT": "450 try later"}, MailDelayed),
    ({"MAIL": "451 busy"}, MailDelayed),
    ({"DATA": "554 no"}, MailDelayed),
    ({"EHLO": "421 closing", "HELO": "421 closing"}, MailDelayed),
])  # fmt: skip
async def test_what_the_server_says_decides_whether_it_is_tried_again(
    answers: dict[str, str], outcome: type[Exception]
) -> None:
    async with server(**answers) as (_, transport):
        with pytest.raises(outcome):
            await transport.send(MAIL)


async def test_a_server_that_is_away_is_tried_again() -> None:
    async with server() as (_, transport):
        pass
    with pytest.raises(MailDelayed):
        await transport.send(MAIL)


@pytest.mark.parametrize(
    ("link", "said", "one_click"),
    [
        ("https://oakvale.example/m/1", "<https://oakvale.example/m/1>", "List-Unsubscribe=One-Click"),
        (
            "http://oakvale.example/m/1",
            "<http://oakvale.example/m/1>",
            None,
        ),  # RFC 8058, 3.1: no provider presses it
        ("", None, None),
    ],
)
async def test_a_mail_that_can_be_stopped_says_where(
    link: str, said: str | None, one_click: str | None
) -> None:
    """RFC 2369, RFC 8058."""
    async with server() as (smtp, transport):
        await transport.send(replace(MAIL, stop_link=link))
    message = email.message_from_bytes(smtp.data, _class=EmailMessage, policy=default)
    assert (message["List-Unsubscribe"], message["List-Unsubscribe-Post"]) == (said, one_click)
    assert message.get_content_type() == "text/plain"


async def test_a_mail_in_two_forms_holds_both_the_plain_one_first() -> None:
    async with server() as (smtp, transport):
        await transport.send(replace(MAIL, html="<p>more ö</p>"))
    message = email.message_from_bytes(
        smtp.data.replace(b"\r\n..", b"\r\n."), _class=EmailMessage, policy=default
    )
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    plain, html = [part.get_content() for part in message.iter_parts()]
    assert plain.replace("\r\n", "\n").startswith("words\n.\nmore ö\n")
    assert html.strip() == "<p>more ö</p>"
