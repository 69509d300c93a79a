"""The verifier: it decides what of an answer is quoted, stands in the evidence, claims nothing, or fails.

The writer (a language model, or the offline engine) decides nothing. Whatever is not found fails; only what
claims nothing is left unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tools.evidence import Evidence, EvidenceLedger
from tools.verification.claims import check_claim
from tools.verification.code import judge_code
from tools.verification.comparison import check_comparisons, draws_comparison
from tools.verification.folding import REORDERING
from tools.verification.licences import find_licences
from tools.verification.lineage import check_direction
from tools.verification.marks import Mark, blank_marks, find_marks, find_odd_marks
from tools.verification.names import Names, find_links, fold_link, is_own_link, is_subject
from tools.verification.numbers import supports_number
from tools.verification.passages import read_passage, split_cells
from tools.verification.quotes import (
    MIN_QUOTE,
    Found,
    Quote,
    count_letters,
    find_quotes,
    find_unclosed,
    locate_quote,
)
from tools.verification.readings import Reading, read_text
from tools.verification.statements import Piece, split_statements
from tools.verification.types import Citation, Level, Statement, Verification
from tools.verification.uncited import Role, judge_uncited

MAX_STATEMENTS = 300
MAX_LENGTH = 4_000  # characters of one statement
_BEFORE_OBJECT = re.compile(r"\b(?:from|of|on|upon|is|was|by|to|than|with|as|using)\W*$", re.IGNORECASE)
_PRONOUN = re.compile(r"^\W*(?:it|its|this|the) ?(?:model|card|checkpoint|one)?\b", re.IGNORECASE)


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
    for piece in split_statements(text):
        if piece.text in fixed:
            statements.append(_state(piece, "unchecked", (), ""))
            continue
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
        self.allowed = allowed

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
        quotes = [q for q in find_quotes(content) if count_letters(q.text) >= MIN_QUOTE]
        if piece.kind == "quote":
            inner = re.sub(r"^\s*>\s?", "", content, flags=re.MULTILINE)
            quotes = quotes or [Quote(" ".join(inner.split()), 0, len(content))]
        report = _Report(problems)
        for quote in quotes:
            self._check_quote(quote, content, marks, keys, report)
            if not report.problems and (reason := self._check_quoted(piece, quote, content, marks, report)):
                report.problems.append(reason)
        if find_unclosed(content):
            report.problems.append("a quotation mark is never closed")
        rest = _blank(content, [(quote.start, quote.end) for quote in quotes])
        has_facts = False
        if not report.problems and cited:
            has_facts = self._check_facts(piece, rest, marks, keys, cited, report)
        citations = self._cite(marks, report)
        if report.problems:
            return _state(piece, "failed", keys, "; ".join(dict.fromkeys(report.problems[:2]))), citations
        level: Level = "quoted" if report.found else "facts" if has_facts else "unchecked"
        return _state(piece, level, keys, ""), citations

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
            if not self._is_sourced(link, cited):
                problems.append(f"the link {link[:80]} stands in no cited source")
        return problems

    def _is_sourced(self, link: str, cited: Sequence[Evidence]) -> bool:
        wanted = fold_link(link)
        if self.names.is_known(link) or any(wanted in entry.lower() for entry in self.allowed):
            return True
        page = wanted.removeprefix("hf.co/").removeprefix("huggingface.co/")
        if page != wanted and self.names.is_known(page.partition("/tree/")[0].partition("/blob/")[0]):
            return (
                not cited
                or is_own_link(link, [item.model for item in cited])
                or self._in_texts(wanted, cited)
            )
        return self._in_texts(wanted, cited or list(self.ledger))

    def _in_texts(self, wanted: str, items: Sequence[Evidence]) -> bool:
        pattern = re.compile(rf"(?<![\w.-]){re.escape(wanted)}(?![\w-]|[./]\w)")
        return any(pattern.search(item.text.lower()) for item in items)

    def _judge_unmarked(self, piece: Piece) -> str:
        reading = read_text(_without_links(piece.text))
        if any(
            count_letters(quote.text) >= MIN_QUOTE and not self._is_allowed(quote.text)
            for quote in find_quotes(piece.text)
        ):
            return "uncited: it quotes and names no evidence"
        header = piece.kind == "row" and not piece.header
        label = header or piece.kind == "heading" or piece.text.rstrip("*_ ").endswith(":")
        role: Role = "label" if label else "text"
        return judge_uncited(reading, self.names, self.ledger, self.allowed, role=role)

    def _is_allowed(self, quote: str) -> bool:
        return any(locate_quote(quote, entry) for entry in self.allowed)

    # -- quotes ------------------------------------------------------------------------------------

    def _check_quote(
        self, quote: Quote, content: str, marks: Sequence[Mark], keys: tuple[str, ...], report: _Report
    ) -> None:
        own = _keys_for(quote.end, marks, keys)
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

    def _check_quoted(
        self, piece: Piece, quote: Quote, content: str, marks: Sequence[Mark], report: _Report
    ) -> str:
        """Why a quote that was found is not from the documentation of the model it is given for."""
        item = self.ledger.get(report.found[-1][0])
        if item is None or not self.names.is_known(item.model):
            return ""
        start = max((mark.end for mark in marks if mark.end <= quote.start), default=0)
        end = min((mark.start for mark in marks if mark.start >= quote.end), default=len(content))
        beside = content[start : quote.start] + " " + content[quote.end : end]
        named = self._models_in(beside) or self._models_in(content[: quote.start])[-1:]
        named = named or self._models_in(content) or self._subject_of_scope(piece)
        if named and item.model.lower() not in named and not self._speaks_of(item, named):
            return f"{item.id} is about {item.model}, not about {named[0]}"
        return ""

    def _models_in(self, text: str) -> list[str]:
        found = self.names.ids(read_text(_without_links(text)))
        return [name.lower() for name, _, _ in found if self.names.is_known(name)]

    def _speaks_of(self, item: Evidence, named: Sequence[str]) -> bool:
        """Whether an evidence of another model speaks of the first of `named` as its subject."""
        return any(is_subject(name, unit.reading) for name in named[:1] for unit in read_passage(item).units)

    # -- facts -------------------------------------------------------------------------------------

    def _check_facts(
        self,
        piece: Piece,
        rest: str,
        marks: Sequence[Mark],
        keys: tuple[str, ...],
        cited: Sequence[Evidence],
        report: _Report,
    ) -> bool:
        reading = read_text(_without_links(rest))
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
        has_facts = False
        quoted = [read_text(text) for _, text, _ in report.found]
        statement_ids = {name.lower() for name, _, _ in self.names.ids(reading)}
        if piece.kind == "row" and piece.header:
            segments = _row_segments(piece, rest, keys)
        else:
            segments = _segments(rest, marks, keys)
        for segment, own in segments:
            items = [item for key in own if (item := self.ledger.get(key))]
            passages = [read_passage(item) for item in items]
            others = [read_passage(item) for item in cited if item not in items]
            part = read_text(_without_links(segment))
            if reason := self._check_subject(piece, part, reading, items, cited, statement_ids):
                report.problems.append(reason)
                return False
            if reason := _other_licence(part, items):
                report.problems.append(reason)
                return False
            if reason := self._check_pairs(part, items):
                report.problems.append(reason)
                return False
            models = {item.model.lower() for item in cited}
            own_ids = [(name, s, e) for name, s, e in self.names.ids(part) if name.lower() in models]
            spans = [(s, e) for _, s, e in own_ids]
            subjects = [name.rpartition("/")[2] for name, _, _ in own_ids]
            for phrase in explained:
                spans += [match.span() for match in re.finditer(re.escape(phrase), part.folded.text)]
            elsewhere = [*quoted, *(p.about for p in others)]
            finding = check_claim(
                part.text, passages, elsewhere=elsewhere, explained=spans, subjects=subjects
            )
            has_facts = has_facts or finding.has_facts or bool(spans)
            if finding.problems:
                report.problems += finding.problems
                return False
            if finding.passage and finding.unit:
                report.support[finding.passage.evidence.id] = finding.unit.text.strip()
        return has_facts

    def _says_itself(self, reading: Reading, words: tuple[int, int], cited: Sequence[Evidence]) -> bool:
        """Whether a comparison that values cannot settle is drawn by a cited passage in the same words."""
        return any(
            draws_comparison(reading, words, unit.reading)
            for item in cited
            for unit in read_passage(item).units
        )

    def _check_subject(
        self,
        piece: Piece,
        part: Reading,
        whole: Reading,
        items: Sequence[Evidence],
        cited: Sequence[Evidence],
        statement_ids: Collection[str],
    ) -> str:
        """Why a part of a statement speaks of another model than its evidence; "" when it does not."""
        named = [name.lower() for name, _, _ in self.names.ids(part)] or list(statement_ids)
        named = [name for name in named if self.names.is_model(name) or f"`{name}" in piece.text.lower()]
        if not named or _is_object(part.folded.text, named[0]):
            # "Its base model is ..." goes on with what the text above speaks of.
            named = self._subject_of_scope(piece)
            if not named:
                return ""
        models = {item.model.lower() for item in items}
        if not models or set(named) & models:
            return ""
        for item in items:
            if not self.names.is_known(item.model) or item.kind in ("paper", "repo"):
                return ""
            for unit in read_passage(item).units:
                if any(is_subject(name, unit.reading) for name in named[:1]):
                    return ""
        first = next(iter(items))
        return f"{first.id} is about {first.model}, not about {named[0]}"

    def _check_pairs(self, part: Reading, items: Sequence[Evidence]) -> str:
        """Why a number of a part about several models is not its own model's; "" when each is."""
        ids = self.names.ids(part)
        if len({item.model for item in items}) < 2 or len({name for name, _, _ in ids}) < 2:
            return ""
        numbers = part.numbers
        for n, number in enumerate(numbers):
            before = [name for name, _, end in ids if end <= number.start]
            nearest = before[-1] if before else ids[0][0]
            owner = ids[n][0] if len(ids) == len(numbers) else nearest
            own = [read_passage(item) for item in items if item.model == owner]
            given = [other for passage in own for unit in passage.units for other in unit.reading.numbers]
            if own and not any(supports_number(number, other, share=True) for other in given):
                return f"{number.written} is not what {own[0].evidence.id} gives for {owner}"
        return ""

    def _subject_of_scope(self, piece: Piece) -> list[str]:
        """The models that the text above a statement speaks of, nearest first."""
        for text in reversed(piece.scope):
            found = [name.lower() for name, _, _ in self.names.ids(read_text(_without_links(text)))]
            found += [item.model.lower() for mark in find_marks(text) if (item := self.ledger.get(mark.key))]
            if found:
                return found
        return []

    # -- citations -----------------------------------------------------------------------------------

    def _cite(self, marks: Sequence[Mark], report: _Report) -> list[Citation]:
        citations = []
        for mark in marks:
            item = self.ledger.get(mark.key)
            if item is None:
                citations.append(Citation(mark.key, report.quote_for(mark.key), "fabricated"))
                continue
            if hit := next((entry for entry in report.found if entry[0] == mark.key), None):
                citations.append(Citation(mark.key, hit[1], hit[2].status))
                continue
            if wrong := next((entry for entry in report.misplaced if entry[0] == mark.key), None):
                citations.append(Citation(mark.key, wrong[1], "misattributed", wrong[2]))
                continue
            if lie := next((entry for entry in report.invented if entry[0] == mark.key), None):
                citations.append(Citation(mark.key, lie[1], "fabricated"))
                continue
            span = report.support.get(mark.key, "")
            if not report.problems:
                citations.append(Citation(mark.key, span or item.text.strip()[:300], "exact"))
            else:
                citations.append(Citation(mark.key, "", "fabricated"))
        return citations


class _Report:
    """What was found about one statement."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        self.found: list[tuple[str, str, Found]] = []  # key, quote, where
        self.misplaced: list[tuple[str, str, str]] = []  # key, quote, key it stands under
        self.invented: list[tuple[str, str]] = []  # key, quote
        self.support: dict[str, str] = {}  # key -> verbatim span

    def quote_for(self, key: str) -> str:
        return next((text for own, text in self.invented if own == key), "")


def _is_object(text: str, name: str) -> bool:
    """Whether a text begins with a pronoun and names a model only behind a verb or preposition."""
    at = text.lower().find(name)
    return at > 0 and _PRONOUN.match(text) is not None and _BEFORE_OBJECT.search(text[:at]) is not None


def _other_licence(part: Reading, items: Sequence[Evidence]) -> str:
    """Why a licence does not hold for one of several cited licence fields; "" when it does."""
    stated = find_licences(part.folded.text)
    if not stated:
        return ""
    for item in items:
        given = find_licences(read_text(item.text).folded.text)
        if (
            item.locator.endswith("/license")
            and given
            and not any(a.is_supported_by(b) for a in stated for b in given)
        ):
            return f"{item.id} gives another licence: {given[0]}"
    return ""


def _state(piece: Piece, level: Level, keys: tuple[str, ...], reason: str) -> Statement:
    return Statement(piece.text, level, keys, reason, piece.start, piece.end)


def _keys_for(end: int, marks: Sequence[Mark], keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys a quote that ends at `end` rests on: the next group of marks, else the last one before it."""
    if not marks:
        return keys
    following = [mark for mark in marks if mark.start >= end]
    start = following[0].start if following else marks[-1].start
    return _group_at(start, marks)


def _group_at(start: int, marks: Sequence[Mark]) -> tuple[str, ...]:
    """Keys of the marks that stand side by side with the one at `start`."""
    groups: list[list[Mark]] = []
    for mark in marks:
        if groups and mark.start - groups[-1][-1].end <= 2:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return next(tuple(m.key for m in group) for group in groups if any(m.start == start for m in group))


def _segments(rest: str, marks: Sequence[Mark], keys: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Parts of a statement with the keys that cover each: the marks that follow it, else the last ones."""
    if not marks:
        return [(rest, keys)]
    parts: list[tuple[str, tuple[str, ...]]] = []
    at = 0
    for mark in marks:
        own = _group_at(mark.start, marks)
        if parts and parts[-1][1] == own and not re.search(r"\w", rest[at : mark.start]):
            at = mark.end
            continue
        parts.append((rest[at : mark.start], own))
        at = mark.end
    tail = rest[at:]
    if re.search(r"\w", tail):
        parts.append((tail, parts[-1][1]))
    return [(text, own) for text, own in parts if re.search(r"[^\W_]", text)] or [(rest, keys)]


def _row_segments(piece: Piece, rest: str, keys: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """The figures of a table row, each with the row's names and its column's header, and the keys that cover it."""
    cells, marked = split_cells(rest), split_cells(piece.text)
    labels = " ".join(cell for cell in cells if not read_text(cell).numbers)
    parts = []
    for n, cell in enumerate(cells):
        own = tuple(mark.key for mark in find_marks(marked[n])) if n < len(marked) else ()
        header = piece.header[n] if n < len(piece.header) else ""
        own = own or tuple(mark.key for mark in find_marks(header)) or keys
        if read_text(cell).numbers:
            parts.append((f"{labels} {blank_marks(header)} {cell}", own))
    if not parts:
        headed = (f"{header} {cell}" for header, cell in zip(piece.header, cells, strict=False))
        parts.append((" , ".join(headed), keys))
    return parts


def _blank(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _without_links(text: str) -> str:
    """The text with addresses blanked and the targets of Markdown links gone."""
    text = re.sub(r"\]\([^)]*\)", lambda match: "]" + " " * (len(match[0]) - 1), text)
    return re.sub(
        r"(?:https?|ftp)://[^\s<>\"'`)\]“”«»|]+|\bwww\.[^\s<>\"'`)\]“”«»"
        r"|]+",
        lambda match: " " * len(match[0]),
        text,
    )
