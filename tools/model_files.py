"""Whether evidence from a model's own files still stands: members of its JSON files, and its weights.

Only files that the lake's models came with are opened, never one that a document names by its path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from tools.comparing.finding import read_finding
from tools.draft.json_places import read_members
from tools.errors import LakeError, SourceError
from tools.evidence import Evidence
from tools.hashing import hash_bytes
from tools.sources.place import find_folder

if TYPE_CHECKING:
    from tools.catalog.repository import Catalog
    from tools.weights.comparison import WeightFact
    from tools.weights.opening import OpenedWeights

# holds: it stands there. changed: the lake was updated since, so it cannot be told. failed: it is not true.
Verdict = Literal["holds", "changed", "failed"]
# What the program says today at the place of a piece of evidence, to be compared with its text.
Retell = Callable[[Evidence], Iterable[str]]

_JSON_FILE = re.compile(r"(?P<file>[\w.-]+\.json)(?:#(?P<pointer>/.*))?", re.DOTALL)
_TENSOR = re.compile(r"(?P<file>[^#]+)#(?P<tensor>.+?)(?:\[(?P<rows>\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)\])?")
_FINGERPRINT = "model#fingerprint"
_MOST_JSON = 64 * 2**20
_MOST_COMPUTED = 2**33  # bytes of two models that are compared in full again
_BLOCK = 2**24


class Standing(NamedTuple):
    """What became of a piece of evidence; `reason` is for a person, empty where it holds."""

    verdict: Verdict
    reason: str = ""


HOLDS = Standing("holds")


class ModelFiles:
    """Looks evidence of the kinds `config` and `weights` up in the files of the lake's models."""

    def __init__(self, catalog: Catalog, retell: Retell | None = None) -> None:
        self._places = catalog.weight_places()
        self._retell = retell
        self._facts: dict[tuple[str, str, bool], frozenset[tuple[str, str, str, str]]] = {}
        self._bytes: dict[Evidence, Standing] = {}
        self._in_headers: set[Evidence] = set()  # the whole text is read there, nothing is computed
        self._drafted: dict[str, frozenset[tuple[str, str, str, str]]] = {}
        self._catalog = catalog

    def has_files(self, model: str) -> bool:
        """Whether the model came with a folder of files."""
        return model in self._places

    # -- configurations ----------------------------------------------------------------------------

    def check_member(self, item: Evidence) -> Standing:
        """`text` is a member of a JSON file verbatim; without a pointer, what is said of the whole file."""
        place = _JSON_FILE.fullmatch(item.locator)
        if place is None:
            return Standing("failed", f"{item.locator[:200]!r} is no place of the kind {item.kind!r}")
        folder = self._find_folder(item.model)
        if isinstance(folder, Standing):
            return folder
        data = _read_file(folder, place["file"])
        if isinstance(data, Standing):
            return data
        if hash_bytes(data) != item.sha256:
            return Standing("changed", f"the {place['file']} of {item.model} has another hash now")
        if place["pointer"] is None:
            return self._compare_retold(item)
        try:
            member = read_members(data.decode("utf-8")).get(place["pointer"])
        except ValueError:
            member = None
        if member is None or member.text != item.text:
            return Standing("failed", f"the text does not stand at {item.locator[:200]}")
        return HOLDS

    # -- weights -----------------------------------------------------------------------------------

    def check_weights(self, item: Evidence, beside: Iterable[Evidence] = ()) -> Standing:
        """The bytes at the locator are hashed again, and the statistic is computed again.

        `beside` is the other evidence: the model that this one was compared with is among it.
        """
        if item.locator == _FINGERPRINT:
            return self._check_fingerprint(item)
        standing = self._check_bytes(item)
        if standing != HOLDS or item in self._in_headers:
            return standing
        return self._check_statistic(item, [other for other in beside if other.kind == "weights"])

    def _check_bytes(self, item: Evidence) -> Standing:
        """Whether the bytes at the locator have the hash they had."""
        known = self._bytes.get(item)
        if known is None:
            known = self._bytes[item] = self._hash_again(item)
        return known

    def _hash_again(self, item: Evidence) -> Standing:
        from tools.weights.opening import open_weights

        folder = self._find_folder(item.model)
        if isinstance(folder, Standing):
            return folder
        place = _TENSOR.fullmatch(item.locator)
        try:
            with open_weights(folder) as weights:
                name = _find_tensor(item.locator, weights)
                if place is None or name is None:
                    return self._check_drafted(item)
                rows = place["rows"] if name == place["tensor"] else None
                found = _hash_rows(weights, name, rows)
        except (LakeError, OSError) as error:
            return Standing("changed", f"the weights of {item.model} cannot be read any more: {error}")
        if found is None:
            return Standing("failed", f"the tensor {name} has no rows {str(rows)[:100]}")
        if found == item.sha256 or self._check_drafted(item) == HOLDS:
            return HOLDS
        return Standing("changed", f"the bytes at {item.locator[:200]} of {item.model} are others now")

    def _check_statistic(self, item: Evidence, beside: Sequence[Evidence]) -> Standing:
        """Whether the statistic comes out again. The bytes it stands on are known to be the same."""
        if read_finding(item.text) is not None:
            return self._compare_retold(item)
        others = dict.fromkeys(other.model for other in beside if other.model != item.model)
        # The other side of a comparison is cited with the same words.
        same = [other.model for other in beside if other.text == item.text and other.model in others]
        key = (item.model, item.locator, item.text, item.sha256)
        for other in dict.fromkeys([*same, *others]):
            if any(key in facts for facts in self._compare(item.model, other)):
                return HOLDS
        for side in beside:
            if side.model in others and self._check_bytes(side).verdict == "changed":
                return Standing("changed", f"{side.model}, which it was compared with, is another one now")
        near = [
            text
            for other in others
            for facts in self._compare(item.model, other)
            for model, locator, text, sha256 in facts
            if (model, locator, sha256) == (item.model, item.locator, item.sha256)
        ]
        told = self._compare_retold(item)
        if told.verdict == "changed" and (near or same):
            found = f"it is: {near[0]}" if near else "it does not come out"
            return Standing("failed", f"the statistic was computed again, and {found}")
        return told

    def _compare(self, model: str, other: str) -> Iterable[frozenset[tuple[str, str, str, str]]]:
        """Facts of comparisons of two models, both ways round, the sampled ones first."""
        for full in (False, True):
            for pair in ((model, other), (other, model)):
                yield self._list_facts(*pair, full=full)

    def _list_facts(self, a: str, b: str, *, full: bool) -> frozenset[tuple[str, str, str, str]]:
        from tools.weights.compare import compare_weights
        from tools.weights.opening import open_weights

        known = self._facts.get((a, b, full))
        if known is not None:
            return known
        folders = self._find_folder(a), self._find_folder(b)
        facts: Sequence[WeightFact] = ()
        names: dict[str, str] = {}
        if isinstance(folders[0], Path) and isinstance(folders[1], Path):
            try:
                with open_weights(folders[0]) as first, open_weights(folders[1]) as second:
                    names = {first.source: a, second.source: b}
                    if not full or first.bytes_total + second.bytes_total <= _MOST_COMPUTED:
                        facts = compare_weights(first, second, full=full).facts
                if not full:
                    facts = (*facts, *_lean(folders[0], folders[1]))
            except (LakeError, OSError):
                facts = ()  # the other model cannot be read: nothing can be computed with it
        found = frozenset((names[f.source], f.locator, f.text, f.sha256) for f in facts)
        self._facts[a, b, full] = found
        return found

    def _check_fingerprint(self, item: Evidence) -> Standing:
        from tools.weights.recovering.memory import stamp_folder

        folder = self._find_folder(item.model)
        if isinstance(folder, Standing):
            return folder
        try:
            stamp = stamp_folder(folder)
        except OSError as error:
            return Standing("changed", f"the files of {item.model} cannot be read any more: {error.strerror}")
        if stamp != item.sha256:
            return Standing("changed", f"the files of {item.model} were written anew")
        return self._compare_retold(item)

    # -- what the program says of files -----------------------------------------------------------

    def _check_drafted(self, item: Evidence) -> Standing:
        """Headers, sizes and hashes of whole files, as `lake draft` cites them."""
        facts = self._drafted.get(item.model)
        if facts is None:
            from tools.draft.gathering import gather_evidence
            from tools.draft.parts import gather_hashes
            from tools.draft.subject import find_subject
            from tools.draft.weights import gather_weights
            from tools.evidence import EvidenceLedger

            ledger = EvidenceLedger()
            gathered = gather_evidence(find_subject(self._catalog, item.model), ledger)
            gather_weights(gathered)
            gather_hashes(gathered)
            facts = frozenset((one.model, one.locator, one.text, one.sha256) for one in ledger)
            self._drafted[item.model] = facts
        if (item.model, item.locator, item.text, item.sha256) in facts:
            self._in_headers.add(item)
            return HOLDS
        if any((model, where) == (item.model, item.locator) for model, where, _, _ in facts):
            return Standing("changed", f"{item.locator[:200]} of {item.model} says something else now")
        return Standing("failed", f"{item.model} has no {item.locator[:200]}")

    def _compare_retold(self, item: Evidence) -> Standing:
        if self._retell is not None:
            found = False
            for text in self._retell(item):
                if text == item.text:
                    return HOLDS
                found = True
            if found:
                return Standing("failed", "what is found of these files today is something else")
        return Standing("changed", "what it was compared with is not at hand, so that it cannot be told")

    def _find_folder(self, model: str) -> Path | Standing:
        place = self._places.get(model)
        if place is None:
            return Standing("changed", f"the lake holds the card of {model}, not its files")
        try:
            return find_folder(place)
        except SourceError:
            return Standing("changed", f"the files of {model} are no longer where they were ingested from")


def _read_file(folder: Path, name: str) -> bytes | Standing:
    """The bytes of a file of a model's folder; links count that lead to a file of the folder."""
    from tools.weights.errors import WeightsError
    from tools.weights.files import read_bytes
    from tools.weights.folder import FolderRepository

    try:
        repository = FolderRepository(folder)
        if name not in repository.list_files():
            return Standing("changed", f"there is no {name} any more beside the model")
        file = repository.open_file(name)
        try:
            if file.size > _MOST_JSON:
                return Standing("changed", f"{name} has {file.size:,} bytes now, too many to be read")
            return read_bytes(file, 0, file.size)
        finally:
            file.close()
    except (WeightsError, OSError) as error:
        return Standing("changed", f"{name} cannot be read any more: {error}")


def _lean(adapter: Path, base: Path) -> tuple[WeightFact, ...]:
    """What the steps of an adapter say of the model they would change; nothing for two full models."""
    from tools.weights.opening import open_weights
    from tools.weights.recovering.adapting import measure_leaning

    with open_weights(adapter) as first, open_weights(base) as second:
        if first.adapter is None or second.adapter is not None:
            return ()
        found = measure_leaning(first, second)
        return () if found is None else found.facts


def _find_tensor(locator: str, weights: OpenedWeights) -> str | None:
    """The tensor that a locator names, by its whole name or by what stands before the rows."""
    file, _, rest = locator.partition("#")
    place = _TENSOR.fullmatch(locator)
    for name in (rest, place["tensor"] if place else ""):
        info = weights.tensors.get(name)
        if info is not None and info.shard == file:
            return name
    return None


def _hash_rows(weights: OpenedWeights, name: str, rows: str | None) -> str | None:
    """sha256 of the bytes of some rows ("0-47,96"), of all of them without; None for rows there are not."""
    info = weights.tensors[name]
    count = info.shape[0] if info.shape else 1
    if rows is None:
        for _ in weights.stream(name, _BLOCK):
            pass
        return weights.hash_read(name)
    step = max(1, _BLOCK // max(1, info.nbytes // max(1, count)))
    for run in rows.split(","):
        first, _, last = run.partition("-")
        begin, end = int(first), int(last or first) + 1
        if not begin < end <= count:
            return None
        for at in range(begin, end, step):
            weights.rows(name, slice(at, min(at + step, end)))
    return weights.hash_read(name)
