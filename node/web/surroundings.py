"""What all requests share: the scheme as its pages name it, and what is made once for all of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from node.pdf.maker import PdfMaker
from node.proxies import Proxies
from node.services.settings import SchemeSettings, Settings
from node.store import Remembered, Store
from node.web.amounts import HARD_SPACE, Unit
from node.web.languages import language_options
from node.web.render import Renderer
from node.web.units import unit_of
from node.web.uploads import UploadPace
from node.web.views.page import Site

# Answers of queries kept for the next request, most of them a page of listings: some megabytes.
ANSWERS_MAX: Final = 256
# Files of pictures that are read from the network at one time: 12 MiB of memory each.
PICTURES_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Scheme:
    """The scheme as its pages name it."""

    settings: SchemeSettings
    site: Site
    unit: Unit

    @classmethod
    def of(cls, settings: SchemeSettings) -> Scheme:
        """Return what pages make of the settings."""
        site = Site(
            name=settings.name,
            help_name=settings.help_name or settings.name,
            # In one piece: no line is broken within a number.
            help_phone=settings.help_phone.replace(" ", HARD_SPACE),
            help_hours=settings.help_hours,
            who_records=settings.who_records,
            maintenance=settings.maintenance,
            maintenance_note=settings.maintenance_note,
            languages=language_options(settings.languages) if len(settings.languages) > 1 else (),
        )
        return cls(settings, site, unit_of(settings))


class Surroundings:
    """What all requests share. It keeps the last `Scheme`; settings are values, so a change is another object."""

    def __init__(self, store: Store, settings: Settings, renderer: Renderer, proxies: Proxies):
        self.renderer: Final = renderer
        self.remembered: Final = Remembered(store, ANSWERS_MAX)
        self.proxies: Final = proxies
        self.upload_pace: Final = UploadPace()
        self.pdfs: Final = PdfMaker()
        self.picture_places: Final = asyncio.Semaphore(PICTURES_AT_ONCE)
        self._settings: Final = settings
        self._scheme = Scheme.of(settings.now)

    def now(self) -> Scheme:
        """Return the scheme as it is now."""
        settings = self._settings.now
        if self._scheme.settings is not settings:
            self._scheme = Scheme.of(settings)
        return self._scheme
