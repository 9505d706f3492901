"""Hands a mail to the scheme's mail server. Source: docs/operating.md."""

from __future__ import annotations

import email.utils
from email.message import EmailMessage
from typing import Final

from node.config import Mail as MailConfig
from node.mail.outbox import Mail, MailDelayed, MailRefused

TIMEOUT_S: Final = 30.0


class SmtpTransport:
    """One connection for each mail: a scheme sends a few a day."""

    def __init__(self, config: MailConfig, scheme_name: str):
        self._config: Final = config
        self._scheme_name: Final = scheme_name

    async def send(self, mail: Mail) -> None:
        """Return once the server has `mail`. Raises MailDelayed, MailRefused."""
        # Not needed by a scheme without mail, nor before the first mail.
        import aiosmtplib

        config = self._config
        try:
            await aiosmtplib.send(
                self._message(mail),
                hostname=config.host,
                port=config.port,
                username=config.user or None,
                password=config.password.get_secret_value() or None,
                use_tls=config.security == "tls",
                start_tls=config.security == "starttls",
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(_is_final(refused.code) for refused in error.recipients):
                raise MailRefused("the server does not take mail for this address") from None
            raise MailDelayed("the server does not take mail for this address now") from None
        except aiosmtplib.SMTPResponseException as error:
            # Wrong credentials and the like are for an admin to mend; the mail waits for that.
            raise MailDelayed(f"the server answered {error.code}") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailDelayed(f"{type(error).__name__}: {error}") from None

    def _message(self, mail: Mail) -> EmailMessage:
        domain = self._config.sender.rpartition("@")[2].rstrip(">")
        message = EmailMessage()
        message["From"] = email.utils.formataddr((self._scheme_name, self._config.sender))
        message["To"] = mail.recipient
        message["Subject"] = " ".join(mail.subject.split())
        message["Date"] = email.utils.formatdate(mail.created_ms / 1000)
        # The same at every try, so that a server that took it without saying so can drop the second.
        message["Message-ID"] = f"<{mail.no}.{mail.created_ms}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        if mail.stop_link:
            message["List-Unsubscribe"] = f"<{mail.stop_link}>"
            if mail.stop_link.startswith("https://"):  # else no provider presses it (RFC 8058, 3.1)
                message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(mail.text)
        if mail.html:
            message.add_alternative(mail.html, subtype="html")
        return message


def _is_final(code: int) -> bool:
    return 500 <= code < 600
