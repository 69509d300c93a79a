"""From what a person names as a source to the reader for it."""

from __future__ import annotations

import difflib
from pathlib import Path

from tools.errors import SourceError, UsageError
from tools.sources.types import Source

_DUMP_ENDINGS = (".parquet", ".jsonl", ".json", ".ndjson")
_PAPER_ENDINGS = (".pdf", ".md", ".markdown", ".txt")
_KNOWN = (
    "A source is a Parquet or JSON Lines dump, a folder of model repositories, "
    "a paper (.pdf, .md, .txt), 'hub:org/name' or 'sample:'."
)
_LATER = {
    "arxiv": "Download the paper and give its .pdf, .md or .txt file.",
}
_HEAD_BYTES = 64


def open_source(spec: str) -> Source:
    """The source that `spec` names: a path, `hub:org/name`, a search of the Hub, or `sample:`.

    Raises UsageError when nothing of that name exists, SourceError when what exists is nothing a lake reads.
    """
    kind, colon, _ = spec.partition(":")
    if colon and kind.lower() in _LATER:
        raise UsageError(f"{spec!r}: this version reads nothing from {kind}: yet.", hint=_LATER[kind.lower()])
    if kind.lower() == "hub" and colon and not Path(spec).exists():
        from tools.sources.hub import HubModels

        return HubModels(spec)
    if spec.strip().lower() in ("sample:", "sample") and not Path(spec).exists():
        from tools.sources.sample import SampleLake

        return SampleLake(spec)
    if not spec.strip() or "\x00" in spec:
        raise UsageError(f"{spec!r} names no source.", hint=_KNOWN)
    return _open_path(Path(spec).expanduser(), spec)


def _open_path(path: Path, spec: str) -> Source:
    try:
        if path.is_dir():
            return _open_folder(path, spec)
        if not path.exists():
            raise UsageError(f"There is no file or folder {spec!r}.", hint=_suggest(path))
        if not path.is_file():
            raise SourceError(f"{spec!r} is neither a file nor a folder.", hint=_KNOWN)
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise SourceError(f"{spec!r} cannot be read: {error.strerror or error}.") from error
    return _open_file(path, spec, head)


def _open_file(path: Path, spec: str, head: bytes) -> Source:
    ending = path.suffix.lower()
    if ending == ".parquet" or head.startswith(b"PAR1"):
        from tools.sources.dump import ParquetDump

        if not head:
            raise SourceError(f"{spec!r} is an empty file.", hint="Get the file again.")
        return ParquetDump(path, spec)
    if ending == ".pdf" or head.startswith(b"%PDF-"):
        from tools.sources.papers import PaperFiles

        return PaperFiles([path], path.parent, spec)
    if ending in _DUMP_ENDINGS:
        from tools.sources.dump import JsonLinesDump

        return JsonLinesDump(path, spec)
    if path.name.lower() == "readme.md":
        from tools.sources.folder import RepositoryFolder

        return RepositoryFolder([path.parent], path.parent, spec)
    if ending in _PAPER_ENDINGS:
        from tools.sources.papers import PaperFiles

        return PaperFiles([path], path.parent, spec)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        from tools.sources.dump import JsonLinesDump

        return JsonLinesDump(path, spec)
    raise SourceError(f"{spec!r} is nothing a lake can read (it begins with {head[:12]!r}).", hint=_KNOWN)


def _open_folder(path: Path, spec: str) -> Source:
    from tools.sources.folder import RepositoryFolder, find_repositories, is_described_only
    from tools.sources.papers import PaperFiles, find_papers

    repositories = find_repositories(path)
    # A README without front matter and without weights, beside papers, describes the papers.
    only_described = repositories == [path] and is_described_only(path)
    papers = find_papers(path) if not repositories or only_described else []
    if papers:
        return PaperFiles(papers, path, spec)
    if repositories:
        return RepositoryFolder(repositories, path, spec)
    dumps = sorted(p.name for p in path.iterdir() if p.suffix.lower() in _DUMP_ENDINGS and p.is_file())
    if dumps:
        raise SourceError(
            f"{spec!r} is a folder of dumps, not of model repositories.",
            hint=f"Name the files themselves, e.g. {str(path / dumps[0])!r}.",
        )
    raise SourceError(
        f"{spec!r} holds neither model repositories nor papers.",
        hint="A model repository is a folder with README.md, config.json, *.safetensors or *.gguf.",
    )


def _suggest(path: Path) -> str:
    """The names nearest to a missing one, in the folder it would stand in."""
    parent = path.parent
    try:
        names = sorted(p.name for p in parent.iterdir()) if parent.is_dir() else []
    except OSError:
        names = []
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    if near:
        return f"Near it: {', '.join(repr(str(parent / name)) for name in near)}."
    if not parent.is_dir():
        return f"The folder {str(parent)!r} does not exist either. {_KNOWN}"
    return _KNOWN
