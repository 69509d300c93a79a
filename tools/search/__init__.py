"""Finding models: constraints from plain words, hybrid ranking, and models like a given one."""

from typing import TYPE_CHECKING

from tools.search.types import Constraint, SearchHit, SearchResult

if TYPE_CHECKING:
    from tools.search.engine import search
    from tools.search.neighbours import similar

__all__ = ["Constraint", "SearchHit", "SearchResult", "search", "similar"]


def __getattr__(name: str) -> object:
    # The catalog imports the vocabulary from here, and the engine imports the catalog.
    if name == "search":
        from tools.search import engine

        return engine.search
    if name == "similar":
        from tools.search import neighbours

        return neighbours.similar
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
