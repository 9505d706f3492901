"""Whether a copy of the books lies elsewhere, in words for the desk. Source: docs/pages.md 7.5; docs/backup.md."""

from __future__ import annotations

from node.backup.keeping import LATE_AFTER_MS
from node.web.context import Context
from node.web.dates import ago
from node.web.views.page import Pill


async def copies_line(context: Context) -> tuple[Pill, str]:
    """Return the sentence about copies; anything but good where none elsewhere is young."""
    _, now_ms = context.words.gettext, context.now_ms
    good, look = Pill(text=_("Good"), tone="good"), Pill(text=_("Look here"), tone="wait")
    kept_ms = context.node.keepers.kept_ms
    if kept_ms > now_ms - LATE_AFTER_MS:
        said = _("A neighbour keeps a sealed copy of the books, last sent %(ago)s.")
        return good, said % {"ago": ago(kept_ms, now_ms, context.words)}
    backups = await context.node.offload(context.node.options.backups, now_ms)
    if backups is not None and not backups.there:
        return look, _("The place for backups cannot be read. Is its disk plugged in?")
    if backups is None or backups.newest_ms is None or backups.late:
        return look, _(
            "No copy of the books elsewhere is younger than a day. Please tell whoever set this up."
        )
    if backups.same_disk:
        return look, _("The only young copy of the books is on this computer’s own disk.")
    return good, _("The newest backup was made %(ago)s.") % {
        "ago": ago(backups.newest_ms, now_ms, context.words)
    }
