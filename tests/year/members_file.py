"""The list of a scheme that ran on paper until now: 120 members, with the slips somebody makes who types for two evenings."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from random import Random
from typing import Final

COLUMNS: Final = (
    "number",
    "name",
    "email",
    "phone",
    "address",
    "place",
    "about",
    "balance",
    "lower",
    "upper",
)
MEMBERS: Final = 120
REST: Final = -7  # what nobody can explain any more; the chest takes it
FIRST: Final = (
    "Ada", "Bram", "Carla", "Dina", "Emil", "Farah", "Gwen", "Hugo", "Ilse", "Jonas", "Kofi", "Lena", "Malik", "Nora", "Owen",
    "Pilar", "Quim", "Rita", "Samir", "Tilda", "Ugo", "Vera", "Wanda", "Yusuf",
)  # fmt: skip
LAST: Final = ("Acker", "Birch", "Calder", "Dunne", "Ekman", "Ferro", "Gale", "Holt", "Ivers", "Jansen")
PLACES: Final = ("Mill Lane", "The Green", "Station Road", "Upper Linden", "Orchard Close")
# Line of the file, what stands there by mistake, and what the page has to say of it.
PLANTED: Final[Mapping[int, tuple[str, str, str]]] = {
    9: ("name", "", "The name is missing."),
    17: ("email", "lena at linden.example", "This is not an e-mail address."),
    28: ("balance", "1.2.3", "The balance cannot be read."),
    41: ("number", "12", "Another line has the same number, or it was brought in before."),
    56: ("lower", "as usual", "The limit cannot be read."),
    73: ("name", "x" * 90, "The name is too long."),
    88: ("email", "ada.acker@linden.example", "Another line has the same e-mail address."),
    97: ("fields", "", "It has more or fewer fields than there are columns."),
    110: ("about", "gardens\x07, also on Sundays", "There are signs in it that no keyboard types."),
}  # fmt: skip


def names() -> list[str]:
    """Return what the members are called, each once."""
    return [f"{FIRST[n % len(FIRST)]} {LAST[(n // len(FIRST) * 3 + n) % len(LAST)]}" for n in range(MEMBERS)]


def _balances(random: Random) -> list[int]:
    drawn = [random.randint(-90, 90) for _ in range(MEMBERS - 1)]
    last = REST - sum(drawn)
    # Nobody is hundreds ahead: what is over goes round in small parts.
    while last > 90 or last < -90:
        at, step = random.randrange(len(drawn)), 1 if last > 0 else -1
        if -90 <= drawn[at] + step <= 90:
            drawn[at] += step
            last -= step
    return [*drawn, last]


def good_rows() -> list[dict[str, str]]:
    """Return the lines as they should be."""
    random = Random("a scheme on paper")
    rows = []
    for n, (name, balance) in enumerate(zip(names(), _balances(random), strict=True)):
        plain = name.lower().replace(" ", ".")
        rows.append({
            "number": str(n + 1), "name": name, "email": f"{plain}@linden.example" if n % 3 == 0 else "",
            "phone": f"01632 960{n:03}", "address": f"{n + 1} {PLACES[n % len(PLACES)]}", "place": PLACES[n % len(PLACES)],
            "about": "", "balance": str(balance), "lower": "", "upper": "",
        })  # fmt: skip
    return rows


def written(rows: list[dict[str, str]], planted: Mapping[int, tuple[str, str, str]]) -> bytes:
    """Return the file, with mistakes on the lines that `planted` names."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for line, row in enumerate(rows, 2):
        column, value, _ = planted.get(line, ("", "", ""))
        if column == "fields":
            table.writerow([row[each] for each in COLUMNS[:-3]])
            continue
        table.writerow([value if each == column else row[each] for each in COLUMNS])
    return out.getvalue().encode()
