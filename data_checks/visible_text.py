"""Making characters visible that would change how the text around them is read."""

from __future__ import annotations

import unicodedata

#: Control, format (bidi overrides, zero-width), surrogate and line or paragraph separator characters.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text with every control and format character written as `<U+202E>`.

    A column named with a right-to-left override would otherwise reverse the words that follow it in a report.

    >>> visible("abc" + chr(0x202E) + "fed")
    'abc<U+202E>fed'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"<U+{ord(char):04X}>" if unicodedata.category(char) in _HIDDEN else char for char in text)
