"""What was found of weights, kept by kind and key: fingerprints, comparisons of pairs."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from tools.catalog import schema
from tools.catalog.database import Database


class CatalogFindings(Database):
    """Implements `tools.weights.recovering.memory.Memory` in the catalog."""

    def get_finding(self, kind: str, key: str) -> bytes | None:
        """What was put under `kind` and `key`, or None."""
        findings = schema.weight_findings
        statement = select(findings.c.value).where(findings.c.kind == kind, findings.c.key == key)
        with self._read() as connection:
            value: bytes | None = connection.execute(statement).scalar_one_or_none()
        return value

    def put_finding(self, kind: str, key: str, value: bytes) -> None:
        """Keep `value`, replacing what was there."""
        statement = insert(schema.weight_findings).values(kind=kind, key=key, value=value)
        replaced = {"value": statement.excluded.value}
        with self._write() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["kind", "key"], set_=replaced))
