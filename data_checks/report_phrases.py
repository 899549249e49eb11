"""Numbers and names as they stand in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from data_checks.drift_bins import number

#: Longer names and labels are cut, so that no name makes a page large.
LONGEST = 120
#: Signed changes below this are zero to a reader.
_ZERO = 5e-13
#: Changes of a probability below this have a third decimal.
_SMALL_CHANGE = 0.01
#: From here on numbers are whole to a reader.
_MANY = 1000


def clip(text: str, longest: int = LONGEST) -> str:
    """The text, cut where it is longer than so many characters.

    >>> clip("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def names_in_words(names: Sequence[str], most: int = 4) -> str:
    """The names in backticks, cut; of more than `most` the others are counted.

    >>> names_in_words(["a"]), names_in_words(["a", "b"]), names_in_words(list("abcdef"))
    ('`a`', '`a` and `b`', '`a`, `b`, `c`, `d` and 2 more')
    """
    told = [f"`{clip(name)}`" for name in names]
    if len(told) > most + 1:
        told = [*told[:most], f"{len(told) - most} more"]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


def sentence(text: str) -> str:
    """The text with a capital in front and a full stop behind.

    >>> sentence("no rows tonight")
    'No rows tonight.'
    """
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def signed(change: float, digits: int = 3) -> str:
    """So many digits with the sign, which is a real minus; zero has none.

    >>> signed(0.021349), signed(-1.25, 2), signed(0.0)
    ('+0.0213', '−1.2', '0')
    """
    if abs(change) < _ZERO:
        return "0"
    return f"{'+' if change > 0 else '−'}{number(abs(change), digits)}"


def shift_words(shift: float, unit: str) -> str:
    """A change of a mean score: of a `probability` to the second decimal, a small one to the third; else two digits.

    >>> shift_words(0.0213, "probability"), shift_words(-0.0042, "probability"), shift_words(12.34, "value")
    ('+0.02', '−0.004', '+12')
    """
    if unit == "probability":
        return signed(round(shift, 2 if abs(shift) >= _SMALL_CHANGE else 3))
    return signed(shift, 2)


def three_digits(value: float) -> str:
    """Three significant digits, zeros at the end too, so that two of them can be compared.

    >>> three_digits(0.3), three_digits(31.4159), three_digits(41234.0)
    ('0.300', '31.4', '41,234')
    """
    return f"{value:#.3g}".rstrip(".") if abs(value) < _MANY else number(value, 3)
