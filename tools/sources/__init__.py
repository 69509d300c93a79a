"""Where models come from: dumps, folders of repositories, papers, the embedded sample."""

from tools.sources.opening import open_source
from tools.sources.types import Source, SourceFailure, SourceItem, SourceModel, SourcePaper

__all__ = ["Source", "SourceFailure", "SourceItem", "SourceModel", "SourcePaper", "open_source"]
