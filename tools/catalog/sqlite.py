"""The catalog in one SQLite file."""

from __future__ import annotations

from tools.catalog.finding import CatalogFinding
from tools.catalog.writing import CatalogWriting


class SqliteCatalog(CatalogWriting, CatalogFinding):
    """Implements `tools.catalog.repository.Catalog`; see `writing`, `reading` and `finding` for its parts."""
