"""The catalog in one SQLite file."""

from __future__ import annotations

from tools.catalog.finding import CatalogFinding
from tools.catalog.findings import CatalogFindings
from tools.catalog.weighed import CatalogWeighed
from tools.catalog.writing import CatalogWriting


class SqliteCatalog(CatalogWriting, CatalogFinding, CatalogFindings, CatalogWeighed):
    """Implements `tools.catalog.repository.Catalog`; see `writing`, `reading` and `finding` for its parts."""
