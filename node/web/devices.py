"""What a browser is called, from what it says of itself: two words that its owner knows again, and nothing finer.

Source: docs/pages.md 8.13.
"""

from __future__ import annotations

from typing import Final

from node.web.words import Words

# The first that is found counts: most browsers say that they are others too.
_BROWSERS: Final = (
    ("firefox", "Firefox"), ("fxios", "Firefox"), ("edg", "Edge"), ("opr", "Opera"), ("samsungbrowser", "Samsung Internet"),
    ("crios", "Chrome"), ("chrome", "Chrome"), ("chromium", "Chrome"), ("safari", "Safari"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("iphone", "iPhone"), ("ipad", "iPad"), ("android", "Android"), ("windows", "Windows"), ("cros", "ChromeOS"),
    ("macintosh", "Mac"), ("linux", "Linux"),
)  # fmt: skip
AGENT_CHARACTERS_MAX: Final = 400


def device_of(user_agent: str) -> str:
    """Return "Firefox/Linux" of what a browser says of itself; either half is empty where it is not known."""
    said = user_agent[:AGENT_CHARACTERS_MAX].lower()
    browser = next((name for sign, name in _BROWSERS if sign in said), "")
    system = next((name for sign, name in _SYSTEMS if sign in said), "")
    return f"{browser}/{system}"


def device_words(device: str, words: Words) -> str:
    """Return what to call a device that `device_of` told: "Firefox on Linux"."""
    browser, _, system = device.partition("/")
    if browser and system:
        return words.gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or words.gettext("A browser")
