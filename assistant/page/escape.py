"""Text from cards, models and people, made harmless for HTML: it is shown, never obeyed."""

from __future__ import annotations

from html import escape as escape_html

from assistant.cli.safe_text import clean_line, clean_text

_HUB = "https://huggingface.co/"


def escape(text: str) -> str:
    """Text for the body of an element: no markup, no control or direction-changing characters."""
    return escape_html(clean_text(text), quote=True)


def escape_line(text: str, limit: int | None = None) -> str:
    """The same on one line, for attributes and short labels, cut at `limit` characters."""
    line = clean_line(text)
    if limit is not None and len(line) > limit:
        line = line[: limit - 1].rstrip() + "…"
    return escape_html(line, quote=True)


def is_web_address(address: str) -> bool:
    """Whether a link may be offered at all: http or https, nothing that a browser would run."""
    return address.lower().startswith(("http://", "https://")) and address.isprintable()


def write_link(address: str, label: str) -> str:
    """A link that opens elsewhere and tells that page nothing; its label escaped, the address unaltered."""
    if not is_web_address(address):
        return escape(label)
    return (
        f'<a href="{escape_html(address, quote=True)}" target="_blank" '
        f'rel="noopener noreferrer nofollow">{escape(label)}<span class="sr"> (opens elsewhere)</span></a>'
    )


def hub_page(model: str) -> str:
    """The Hub's page of a model."""
    from urllib.parse import quote

    return _HUB + quote(model, safe="/")
