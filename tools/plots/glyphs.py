"""Text that matplotlib can draw: no formulas, no characters that its font lacks."""

from __future__ import annotations

from functools import cache


def write_plain(text: str) -> str:
    """`text` on one line; what the font has no picture of is shown as an empty box."""
    known = _list_characters()
    plain = "".join(char if ord(char) in known else "□" for char in " ".join(text.split()))
    return plain.replace("$", r"\$")


@cache
def _list_characters() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())
