"""Loose matching of the names that results rows carry: data sets, metrics, tasks."""

from __future__ import annotations

import re

from tools.metrics import asked_metrics

_TOKENS = re.compile(r"[^\W\d_]+|\d+")


class LooseName:
    """A name as it is compared: "ImageNet-1k", "imagenet 1K" and "imagenet1k" have the same words."""

    def __init__(self, name: str) -> None:
        self.words = tuple(_TOKENS.findall(name.lower()))
        self.squashed = "".join(self.words)

    def stands_in(self, *names: str) -> bool:
        """Whether every word of this name stands in `names`, or its words run together do."""
        if not self.words:
            return False
        others = [_TOKENS.findall(name.lower()) for name in names]
        held = {word for words in others for word in words}
        return held.issuperset(self.words) or any(self._runs_in(words) for words in others)

    def _runs_in(self, words: list[str]) -> bool:
        """ "common voice" in "CommonVoice 8", "LibriSpeech" in "libri speech"."""
        for start in range(len(words)):
            run = ""
            for word in words[start:]:
                run += word
                if run == self.squashed:
                    return True
                if len(run) > len(self.squashed):
                    break
        return False


def match_dataset(asked: LooseName, *names: str) -> bool:
    """Whether a row whose data set has these names (name, id, configuration) is about the one asked for."""
    return asked.stands_in(*names)


def match_metric(asked: str, *names: str) -> bool:
    """Whether a row's metric is the one asked for: by its words, or by the names METRICS knows for it."""
    if LooseName(asked).stands_in(*names):
        return True
    wanted = {known.name for known in asked_metrics(asked)}
    return bool(wanted & {known.name for known in asked_metrics(" ".join(names))})


def match_task(asked: str, *tasks: str) -> bool:
    """Whether one of `tasks` is the task asked for."""
    return any(LooseName(asked).stands_in(task) for task in tasks)
