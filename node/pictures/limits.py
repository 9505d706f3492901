"""Every number about pictures on one node, with its unit and its reason. Those between nodes are in `protocol/limits.py`."""

from __future__ import annotations

from typing import Final

# --- Pictures on one node ----------------------------------------------------------------------------------

# What a member sends: a telephone's largest picture. It is made anew, and not kept.
PICTURE_SENT_BYTES_MAX: Final = 12 * 1024 * 1024
# Dots of a JPEG: a telephone's largest picture has some 50 million; it is read at a half or a quarter of its size.
JPEG_DOTS_MAX: Final = 64_000_000
DOTS_MAX: Final = 25_000_000  # of any other, which has to be read whole
PICTURE_SIDE_MAX: Final = 1_600  # dots of the full one: more than a page or a telephone shows
PAGE_SIDE_MAX: Final = 960  # dots of the one on a page
PAGE_BYTES_MAX: Final = 40_000  # what a page shows (docs/pages.md 11)
THUMBNAIL_SIDE_MAX: Final = 320  # dots of the one in a list, sharp on every screen
# Processor time and address space of the process that reads what was sent.
CHILD_SECONDS_MAX: Final = 30
CHILD_MEMORY_BYTES_MAX: Final = 768 * 1024 * 1024
CHILD_OUTPUT_BYTES_MAX: Final = 512 * 1024
# Of one member, all listings together: 15 MiB at most.
PICTURES_OF_ONE_MAX: Final = 60
# How something was when it was lent: as long as people quarrel about it.
CONDITION_KEPT_MS: Final = 90 * 24 * 3_600_000
# Of all members, in the database, and so in each backup: some 4,000 pictures as telephones take them.
PICTURES_HELD_BYTES_MAX: Final = 768 * 1024 * 1024
# What no listing shows is thrown away after a day.
PICTURE_UNUSED_MS: Final = 24 * 3_600_000
# Of other schemes' listings, in the database as well: some 1,000 pictures that somebody looked at.
PICTURES_CACHED_BYTES_MAX: Final = 256 * 1024 * 1024
CACHED_MS: Final = 30 * 24 * 3_600_000  # then it is asked for again, if somebody still looks at it
FETCHED_AT_ONCE: Final = 4  # from neighbours, for members who look at them
# A picture that nobody gave, or that was none, is not asked for again at once.
MISSING_MS: Final = 10 * 60_000
MISSING_MAX: Final = 2_048  # of which this is remembered
