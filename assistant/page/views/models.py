"""What the views beside the chat share: which models there are to choose, and errors in plain words."""

from __future__ import annotations

from assistant.page.escape import escape
from tools.catalog.repository import Catalog
from tools.errors import LakeError


def list_weighed(catalog: Catalog) -> list[str]:
    """Models whose weights are at hand."""
    return sorted(catalog.weight_places(), key=str.lower)


def list_all(catalog: Catalog) -> list[str]:
    """All models, those first whose weights are at hand."""
    weighed = list_weighed(catalog)
    return [*weighed, *sorted(set(catalog.model_names()) - set(weighed), key=str.lower)]


def render_trouble(error: LakeError) -> str:
    """An error a person may see."""
    return (
        f'<div class="trouble" role="alert"><p><strong>{escape(error.message)}</strong></p>'
        f"<p>{escape(error.hint)}</p></div>"
    )
