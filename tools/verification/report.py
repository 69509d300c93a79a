"""What was found about one statement, and the citations that come of it."""

from __future__ import annotations

from collections.abc import Sequence

from tools.evidence import EvidenceLedger
from tools.verification.marks import Mark
from tools.verification.quotes import Found
from tools.verification.types import Citation


class Report:
    """Problems in words for a person, quotes found, misplaced or invented, and spans that support facts."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        self.found: list[tuple[str, str, Found]] = []  # key, quote, where
        self.misplaced: list[tuple[str, str, str]] = []  # key, quote, key it stands under
        self.invented: list[tuple[str, str]] = []  # key, quote
        self.support: dict[str, str] = {}  # key -> verbatim span

    def without_problems(self) -> Report:
        """The same quotes and spans, for another look at what is not quoted."""
        other = Report([])
        other.found, other.support = self.found, dict(self.support)
        return other

    def quote_for(self, key: str) -> str:
        return next((text for own, text in self.invented if own == key), "")

    def cite(self, marks: Sequence[Mark], ledger: EvidenceLedger) -> list[Citation]:
        """One citation for each mark, in order."""
        citations = []
        for mark in marks:
            item = ledger.get(mark.key)
            if item is None:
                citations.append(Citation(mark.key, self.quote_for(mark.key), "fabricated"))
                continue
            if hit := next((entry for entry in self.found if entry[0] == mark.key), None):
                citations.append(Citation(mark.key, hit[1], hit[2].status))
                continue
            if wrong := next((entry for entry in self.misplaced if entry[0] == mark.key), None):
                citations.append(Citation(mark.key, wrong[1], "misattributed", wrong[2]))
                continue
            if lie := next((entry for entry in self.invented if entry[0] == mark.key), None):
                citations.append(Citation(mark.key, lie[1], "fabricated"))
                continue
            span = self.support.get(mark.key, "")
            if not self.problems:
                citations.append(Citation(mark.key, span or item.text.strip()[:300], "exact"))
            else:
                citations.append(Citation(mark.key, "", "fabricated"))
        return citations
