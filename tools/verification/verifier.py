"""The verifier: it decides what of an answer is quoted, stands in the evidence, claims nothing, or fails.

The writer (a language model, or the offline engine) decides nothing. Whatever is not found fails; only what
claims nothing is left unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tools.evidence import LAKE_SOURCE, Evidence, EvidenceLedger
from tools.verification.absence import is_absence
from tools.verification.claims import CONTRADICTED, check_claim
from tools.verification.code import judge_code
from tools.verification.comparison import check_comparisons, draws_comparison
from tools.verification.folding import REORDERING
from tools.verification.lake_counts import find_other_count
from tools.verification.lineage import check_direction, claims_descent
from tools.verification.links import blank_links, find_links, is_sourced
from tools.verification.marks import Mark, blank_marks, find_marks, find_odd_marks
from tools.verification.names import Names
from tools.verification.needs import read_need
from tools.verification.passages import read_passage, split_cells
from tools.verification.quotes import (
    Quote,
    find_quotes,
    find_unclosed,
    is_passage,
    locate_quote,
)
from tools.verification.readings import Reading, read_text
from tools.verification.report import Report
from tools.verification.segments import find_keys, split_row, split_segments
from tools.verification.statements import Piece, split_statements
from tools.verification.subjects import Subjects, find_other_licence
from tools.verification.types import Citation, Level, Statement, Verification
from tools.verification.uncited import Role, judge_uncited, split_turns
from tools.verification.weighed import check_weighed

MAX_STATEMENTS = 300
_LOOK_AHEAD = 20
MAX_LENGTH = 4_000  # characters of one statement
_OF_MODEL = re.compile(
    r"\b(?:it|its|they|their|this|these|those|both|the (?:model|card|one)s?)\b", re.IGNORECASE
)

_WORDS = re.compile(r"[^\w%.,'-]+|[.,](?!\d)")
_LIST_NUMBER = re.compile(r"^\s*(?:\d+[.)]|[-*])\s+")
_FEWEST_REPEATED = 3  # words


def verify_answer(
    text: str,
    ledger: EvidenceLedger,
    *,
    known_models: Collection[str] = (),
    allowed: Collection[str] = (),
    framing: Collection[str] = (),
) -> Verification:
    """Check every statement of a Markdown answer against the evidence it marks.

    `known_models`: ids of the lake, which an answer may name without citing anything. `allowed`: texts whose
    names and words an answer may repeat uncited: the person's own question. `framing`: fixed texts of our own
    engine that claim nothing (a greeting, a lead-in); exactly these sentences stay unchecked. It never comes
    from a language model. Never raises for any text. At most MAX_STATEMENTS statements are checked; what goes
    beyond fails as too long to check.
    """
    names = Names(ledger, known_models, allowed)
    verifier = _Verifier(ledger, names, tuple(allowed))
    statements: list[Statement] = []
    citations: list[Citation] = []
    fixed = {piece.text for entry in framing for piece in split_statements(entry)}
    pieces = list(split_statements(text))
    for n, piece in enumerate(pieces):
        if piece.text in fixed:
            statements.append(_state(piece, "unchecked", (), ""))
            continue
        verifier.follows = pieces[n + 1 : n + 1 + _LOOK_AHEAD]
        if len(statements) >= MAX_STATEMENTS or len(piece.text) > MAX_LENGTH:
            statement, cited = verifier.refuse(piece)
        else:
            statement, cited = verifier.check(piece)
        statements.append(statement)
        citations += cited
    return Verification(tuple(statements), tuple(citations))


class _Verifier:
    """Checks the statements of one answer in order; remembers whom the last one spoke of."""

    def __init__(self, ledger: EvidenceLedger, names: Names, allowed: tuple[str, ...]) -> None:
        self.ledger = ledger
        self.names = names
        self.subjects = Subjects(names, ledger)
        self.allowed = allowed
        self.follows: list[Piece] = []  # the pieces right behind the one that is checked

    def refuse(self, piece: Piece) -> tuple[Statement, list[Citation]]:
        marks = find_marks(piece.text) if len(piece.text) <= MAX_LENGTH else []
        citations = [Citation(mark.key, "", "fabricated") for mark in marks]
        keys = tuple(mark.key for mark in marks)
        return _state(piece, "failed", keys, "too long to check"), citations

    def check(self, piece: Piece) -> tuple[Statement, list[Citation]]:
        if piece.kind == "code":
            reason = judge_code(piece.text, self.names, self.ledger)
            return _state(piece, "failed" if reason else "unchecked", (), reason), []
        marks = find_marks(piece.text)
        keys = tuple(mark.key for mark in marks) or piece.inherited
        problems = self._check_surface(piece, keys)
        if not keys:
            if not problems and (reason := self._judge_unmarked(piece)):
                problems = [reason]
            return _state(piece, "failed" if problems else "unchecked", keys, "; ".join(problems[:2])), []
        cited = [item for key in keys if (item := self.ledger.get(key))]
        content = blank_marks(piece.text)
        quotes = [quote for quote in find_quotes(content) if is_passage(quote)]
        if piece.kind == "quote":
            inner = re.sub(r"^\s*>\s?", "", content, flags=re.MULTILINE)
            quotes = quotes or [Quote(" ".join(inner.split()), 0, len(content))]
        report = Report(problems)
        for quote in quotes:
            self._check_quote(quote, content, marks, keys, report)
            if not report.problems and (
                reason := self.subjects.check_quoted(piece, quote, content, marks, report)
            ):
                report.problems.append(reason)
        if find_unclosed(content):
            report.problems.append("a quotation mark is never closed")
        rest = _blank(content, [(quote.start, quote.end) for quote in quotes])
        has_facts = False
        if not report.problems and cited and _repeats(content, cited):
            has_facts = True  # the lake's own count or audit, word for word
        elif not report.problems and cited:
            report, has_facts = self._check_rest(piece, rest, marks, keys, cited, report)
        citations = report.cite(marks, self.ledger)
        if report.problems:
            return _state(piece, "failed", keys, "; ".join(dict.fromkeys(report.problems[:2]))), citations
        level: Level = "quoted" if report.found else "facts" if has_facts else "unchecked"
        return _state(piece, level, keys, ""), citations

    def _check_rest(
        self,
        piece: Piece,
        rest: str,
        marks: Sequence[Mark],
        keys: tuple[str, ...],
        cited: Sequence[Evidence],
        report: Report,
    ) -> tuple[Report, bool]:
        """(report, whether facts were found) of what is not quoted.

        What claims nothing by itself (a question, advice, "the card does not state its licence") needs no
        support even beside a mark; what remains of the statement does.
        """
        has_facts = self._check_facts(piece, rest, marks, keys, cited, report)
        if not report.problems:
            if not has_facts and not report.found and (reason := self._judge_talk(piece, rest)):
                report.problems.append(
                    reason.replace("and names no evidence", "that no evidence can be read for")
                )
            return report, has_facts
        tabular = piece.kind == "row" and bool(piece.header)
        if any(CONTRADICTED in problem for problem in report.problems):
            return report, False
        if not tabular and not self._judge_talk(piece, rest):
            return report.without_problems(), False
        kept = self._blank_talk(piece, rest)
        if kept != rest:
            second = report.without_problems()
            has_facts = self._check_facts(piece, kept, marks, keys, cited, second)
            if not second.problems:
                return second, has_facts
        return report, False

    def _blank_talk(self, piece: Piece, rest: str) -> str:
        """`rest` without the clauses that say what is not stated, and a leading "if ..." of no model."""
        spans = []
        condition = re.match(r"\s*[*_]*(?:if|when|should)\b[^,.;:\d]*,", rest, re.IGNORECASE)
        if condition and not _OF_MODEL.search(condition[0]) and not self.names.ids(read_text(condition[0])):
            spans.append(condition.span())
        for start, end in split_turns(rest):
            clause = read_text(blank_links(rest[start:end]))
            if is_absence(clause.folded.text) and not self._judge_talk(piece, rest[start:end]):
                spans.append((start, end))
        return _blank(rest, spans)

    def _judge_talk(self, piece: Piece, text: str) -> str:
        """Why a text would fail without marks, the person's own words given no credit."""
        reading = read_text(blank_links(text))
        subjects = [name.lower() for name, _, _ in self.names.ids(read_text(blank_links(piece.text)))]
        subjects = subjects or self.subjects.find_in_scope(piece)
        return judge_uncited(reading, self.names, self.ledger, (), subjects=subjects)

    # -- surface -----------------------------------------------------------------------------------

    def _check_surface(self, piece: Piece, keys: tuple[str, ...]) -> list[str]:
        """Characters that deceive, marks that resolve to nothing, links and ids that stand in no source."""
        problems = []
        if REORDERING.search(piece.text):
            problems.append("it holds characters that change the direction of reading")
        unknown = [key for key in keys if self.ledger.get(key) is None]
        if unknown:
            problems.append(f"there is no evidence {', '.join(unknown[:3])}")
        if odd := find_odd_marks(piece.text):
            problems.append(f"{odd[0]} is no mark of this conversation")
        cited = [item for key in keys if (item := self.ledger.get(key))]
        for link in find_links(piece.text):
            if not is_sourced(link, cited, self.names, self.ledger, self.allowed):
                problems.append(f"the link {link[:80]} stands in no cited source")
        return problems

    def _judge_unmarked(self, piece: Piece) -> str:
        text = blank_links(piece.text)
        if piece.kind == "row" and piece.header and (reason := self._judge_cells(piece)):
            return reason
        reading = read_text(text)
        if any(is_passage(quote) and not self._is_allowed(quote.text) for quote in find_quotes(piece.text)):
            return "uncited: it quotes and names no evidence"
        header = piece.kind == "row" and not piece.header
        label = header or piece.kind == "heading" or piece.text.rstrip("*_ ").endswith(":")
        label = label or re.fullmatch(r"(\*\*|__)[^*_.!?]+\1", piece.text) is not None
        role: Role = "label" if label else "text"
        subjects = self.subjects.find_in_scope(piece)
        # "Models certified for surgery:" says so of every model listed below it: each needs a mark then.
        allowed = () if role == "label" and self._introduces_uncited() else self.allowed
        return judge_uncited(reading, self.names, self.ledger, allowed, role=role, subjects=subjects)

    def _judge_cells(self, piece: Piece) -> str:
        """Why a row without marks fails that says only under its header what it says: "yes", "not stated"."""
        cells = split_cells(blank_links(piece.text))
        models = [name for name, _, _ in self.names.ids(read_text(" ".join(cells)))]
        for header, cell in zip(piece.header, cells, strict=False):
            reading = read_text(f"{blank_marks(header)} {cell}")
            bare = read_text(cell)
            if self.names.ids(bare) or not cell.strip() or bare.folded.text == read_text(header).folded.text:
                continue
            if is_absence(bare.folded.text):
                subjects = [name.lower() for name in models]
                if reason := self.names.contradiction(reading, self.ledger, subjects):
                    return reason
            elif not read_need(bare) and (reason := judge_uncited(reading, self.names, self.ledger, ())):
                return reason
        return ""

    def _introduces_uncited(self) -> bool:
        """Whether a model is listed without a mark right behind the piece that is checked."""
        for piece in self.follows:
            if piece.kind not in ("item", "row"):
                return False
            if not find_marks(piece.text) and not piece.inherited and self._names_model(piece.text):
                return True
        return False

    def _names_model(self, text: str) -> bool:
        return bool(self.names.ids(read_text(blank_links(text))))

    def _is_allowed(self, quote: str) -> bool:
        return any(locate_quote(quote, entry) for entry in self.allowed)

    # -- quotes ------------------------------------------------------------------------------------

    def _check_quote(
        self, quote: Quote, content: str, marks: Sequence[Mark], keys: tuple[str, ...], report: Report
    ) -> None:
        own = find_keys(quote.end, marks, keys)
        for key in own:
            item = self.ledger.get(key)
            found = locate_quote(quote.text, item.text) if item else None
            if found:
                report.found.append((key, quote.text, found))
                denied = re.search(
                    r"\b(?:not|never|no|n't)\W+(?:\w+\W+){0,2}$",
                    content[max(0, quote.start - 30) : quote.start],
                    re.I,
                )
                if found.lost and not denied:
                    report.problems.append(
                        f"the quote leaves out {found.lost!r}, which stands right before it"
                    )
                elif denied and not found.lost:
                    report.problems.append("it denies what it quotes")
                return
        for item in self.ledger:
            if item.id not in own and locate_quote(quote.text, item.text):
                report.misplaced.append((own[0] if own else "", quote.text, item.id))
                report.problems.append(f"the quote stands in {item.id}, not in {', '.join(own)}")
                return
        report.invented.append((own[0] if own else "", quote.text))
        report.problems.append("the quote stands in no source")

    def _check_facts(
        self,
        piece: Piece,
        rest: str,
        marks: Sequence[Mark],
        keys: tuple[str, ...],
        cited: Sequence[Evidence],
        report: Report,
    ) -> bool:
        reading = read_text(blank_links(rest))
        for name in self.names.unknown_ids(reading):
            report.problems.append(f"{name} is in no source")
        if reason := check_direction(reading, self.names, cited):
            report.problems.append(reason)
        explained = []
        for comparison in check_comparisons(reading, self.names, cited, self.ledger):
            if comparison.verdict is False:
                report.problems.append(f"the comparison is the wrong way round: {comparison.reason}")
            elif comparison.verdict:
                explained.append(reading.folded.text[slice(*comparison.words)])
            elif comparison.reason and not self._says_itself(reading, comparison.words, cited):
                report.problems.append(comparison.reason)
        if report.problems:
            return False
        has_facts = bool(explained) or claims_descent(reading, self.names)
        quoted = [read_text(text) for _, text, _ in report.found]
        statement_ids = {name.lower() for name, _, _ in self.names.ids(reading)}
        if piece.kind == "row" and piece.header:
            segments = split_row(piece, rest, keys)
        else:
            segments = split_segments(rest, marks, keys)
        for segment, own in segments:
            items = [item for key in own if (item := self.ledger.get(key))]
            items = self.subjects.select_own(read_text(blank_links(segment)), items)
            weighing = check_weighed(read_text(blank_links(segment)), self.names, items)
            if weighing.problem:
                report.problems.append(weighing.problem)
                return False
            if weighing.stated is not None:
                has_facts = True
                report.support[weighing.stated.id] = read_passage(weighing.stated).units[0].text.strip()
            items = list(weighing.items)
            passages = [read_passage(item) for item in items]
            others = [read_passage(item) for item in cited if item not in items]
            part = read_text(blank_links(segment))
            if reason := self.subjects.check_subject(piece, part, items, statement_ids):
                report.problems.append(reason)
                return False
            if reason := find_other_licence(part, items) or find_other_count(part.text, items):
                report.problems.append(reason)
                return False
            if reason := self.subjects.check_pairs(part, items):
                report.problems.append(reason)
                return False
            models = {item.model.lower() for item in cited}
            own_ids = [(name, s, e) for name, s, e in self.names.ids(part) if name.lower() in models]
            spans = [*((s, e) for _, s, e in own_ids), *weighing.settled]
            subjects = [name.rpartition("/")[2] for name, _, _ in own_ids]
            for phrase in explained:
                spans += [match.span() for match in re.finditer(re.escape(phrase), part.folded.text)]
            elsewhere = [*quoted, *(p.about for p in others)]
            finding = check_claim(
                part.text, passages, elsewhere=elsewhere, explained=spans, subjects=subjects
            )
            has_facts = has_facts or finding.has_facts
            if finding.problems:
                report.problems += finding.problems
                return False
            if finding.passage and finding.unit:
                report.support[finding.passage.evidence.id] = finding.unit.text.strip()
        return has_facts

    def _says_itself(self, reading: Reading, words: tuple[int, int], cited: Sequence[Evidence]) -> bool:
        """Whether a comparison that values cannot settle is drawn by a cited passage in the same words."""
        return any(
            draws_comparison(reading, words, unit.reading, self.names, item.model)
            for item in cited
            for unit in read_passage(item).units
        )


def _state(piece: Piece, level: Level, keys: tuple[str, ...], reason: str) -> Statement:
    return Statement(piece.text, level, keys, reason, piece.start, piece.end)


def _blank(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _repeats(content: str, cited: Sequence[Evidence]) -> bool:
    """Whether a statement repeats what the lake says of itself in each evidence it cites, word for word."""
    words = _WORDS.sub(" ", _LIST_NUMBER.sub("", content).lower()).strip()
    return len(words.split()) >= _FEWEST_REPEATED and all(
        item.source == LAKE_SOURCE and f" {words} " in f" {_WORDS.sub(' ', item.text.lower()).strip()} "
        for item in cited
    )
