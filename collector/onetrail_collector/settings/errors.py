"""How a wrong setting is said: its name, and what would be right."""

import difflib
from collections.abc import Iterable


class InvalidSettings(Exception):  # noqa: N818 - read by a person
    """The configuration cannot be used; the message names the key and says what to write."""


def unknown(name: str, known: Iterable[str], *, where: str = "") -> InvalidSettings:
    """`name`, which stands in the part `where`, is none of the `known`; suggests the nearest."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
    return InvalidSettings(f"{where}{name} is not a setting; {hint}")
