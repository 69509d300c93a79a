"""The Hugging Face Hub, read with care: what a model is, its small files, and parts of its large ones.

Models are listed and described through `huggingface_hub`; files are read by HTTP range requests at one
commit. The token (HF_TOKEN, or that of `hf auth login`) goes to the Hub's own address only: a redirect to
another host is followed without it. Busy and broken answers are tried again, for a bounded time.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from tools.errors import ServiceError, UsageError
from tools.network import require_reachable

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

_TRIES = 5
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0  # seconds
_READ_SECONDS = 30.0  # without a byte
_BUDGET_SECONDS = 300.0  # for one request with all its tries
_REDIRECTS = 5
_SKIPPED_BYTES = 2**23  # taken of a server that sends the whole file although a part was asked for
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_T = TypeVar("_T")
_ID = re.compile(r"^[\w.-]+(/[\w.-]+)?$", re.ASCII)


class HubServiceError(ServiceError):
    """The Hub did not give what was asked of it. `status` is its answer, 0 when there was none."""

    def __init__(self, message: str, *, hint: str = "", status: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        if status == 404:  # the service is well; the name is wrong
            self.exit_code = UsageError.exit_code


@dataclass(frozen=True, slots=True)
class HubName:
    """`hub:org/name[@revision]` taken apart; `revision` is None for the newest one."""

    model: str
    revision: str | None


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model at one commit (`sha`): its files by name with their sizes, and the columns of a record."""

    model: str
    sha: str
    files: Mapping[str, int | None]
    columns: Mapping[str, Any]

    @property
    def source(self) -> str:
        """As evidence names it."""
        return f"{self.model}@{self.sha}"


def parse_hub_name(spec: str) -> HubName:
    """`hub:org/name`, `hub:org/name@revision`. Raises UsageError."""
    name, mark, revision = spec.strip().removeprefix("hub:").partition("@")
    if not _ID.match(name) or ".." in name or (mark and not re.fullmatch(r"[\w./-]+", revision, re.ASCII)):
        raise UsageError(
            f"{spec!r} is no model of the Hub.", hint="Write hub:org/name or hub:org/name@revision."
        )
    return HubName(name, revision or None)


@dataclass
class HubClient:
    """One address of the Hub. Safe to use from several threads.

    `endpoint` is HF_ENDPOINT unless given. `sleep` waits between tries.
    """

    endpoint: str = ""
    sleep: Callable[[float], None] = time.sleep
    _locations: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        from huggingface_hub import constants

        self.endpoint = (self.endpoint or os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
        if constants.HF_HUB_OFFLINE:
            raise UsageError(
                "HF_HUB_OFFLINE is set, so nothing is read from the Hub.",
                hint="Unset it, or name a folder of this machine.",
            )
        require_reachable(
            self.endpoint, hint="Set LAKE_LLM to something else, or name a folder of this machine."
        )

    def describe(self, name: HubName) -> HubModel:
        """A model with its files. Raises HubServiceError."""
        from huggingface_hub import HfApi

        api = HfApi(endpoint=self.endpoint)
        info = self._call(
            f"{name.model!r}",
            lambda: api.model_info(
                name.model, revision=name.revision, files_metadata=True, timeout=_READ_SECONDS
            ),
        )
        return _read_info(info)

    def search(self, *, limit: int, **conditions: str | None) -> list[str]:
        """Ids of models by `search`, `author` and `pipeline_tag`, most downloaded first."""
        from huggingface_hub import HfApi

        api = HfApi(endpoint=self.endpoint)
        given: dict[str, Any] = {key: value for key, value in conditions.items() if value}
        found = self._call(
            "the list of models", lambda: list(api.list_models(**given, sort="downloads", limit=limit))
        )
        return [info.id for info in found]

    def read_file(self, model: HubModel, name: str, most: int) -> bytes:
        """A small file as a whole. Raises HubServiceError, also when it has more than `most` bytes."""
        size = model.files.get(name)
        if size is None or size > most:
            raise HubServiceError(
                f"{name!r} of {model.model!r} has {'?' if size is None else f'{size:,}'} bytes; "
                f"at most {most:,} are read.",
                hint="Download it and name the folder.",
            )
        return self.read_range(model, name, 0, size) if size else b""

    def read_range(self, model: HubModel, name: str, start: int, length: int) -> bytes:
        """`length` bytes of a file from `start`. Raises HubServiceError."""
        what = f"{name!r} of {model.model!r}"
        size = model.files.get(name)
        return self._try(what, lambda: self._read_once(model, name, what, start, length, size))

    # -- one request -------------------------------------------------------------------------------

    def _read_once(
        self, model: HubModel, name: str, what: str, start: int, length: int, size: int | None
    ) -> bytes:
        from huggingface_hub import get_session, hf_hub_url
        from huggingface_hub.utils._headers import build_hf_headers

        origin = hf_hub_url(model.model, name, revision=model.sha, endpoint=self.endpoint)
        key = f"{model.source}/{name}"
        address = self._locations.get(key, origin)
        wanted = {"Range": f"bytes={start}-{start + length - 1}", "Accept-Encoding": "identity"}
        for _ in range(_REDIRECTS + 1):
            own = urlsplit(address).netloc == urlsplit(self.endpoint).netloc
            headers = {**(build_hf_headers() if own else {}), **wanted}
            with get_session().stream(
                "GET", address, headers=headers, follow_redirects=False, timeout=_READ_SECONDS
            ) as answer:
                if answer.status_code in (301, 302, 303, 307, 308):
                    address = urljoin(address, answer.headers.get("Location", ""))
                    if urlsplit(address).scheme not in ("http", "https"):
                        raise HubServiceError(
                            f"{what} is redirected to {address!r}, which is no web address."
                        )
                    continue
                if answer.status_code in (401, 403, 404, 410) and address != origin:
                    # A signed address grows old: the next try asks the Hub for a new one.
                    self._locations.pop(key, None)
                    raise _AgainError(f"the address it was sent to answered {answer.status_code}", 0.0)
                _check_status(answer, what)
                body = _take_part(answer, what, start, length, size)
            if address != origin:
                self._locations[key] = address
            return body
        raise HubServiceError(f"{what} is redirected in a circle.", hint="Check HF_ENDPOINT.")

    def _call(self, what: str, ask: Callable[[], _T]) -> _T:
        """A call of `huggingface_hub`, its errors told in our words."""
        from huggingface_hub.errors import HfHubHTTPError

        def once() -> _T:
            try:
                return ask()
            except HfHubHTTPError as error:
                response = error.response
                if response is not None:
                    _check_status(response, what)
                raise HubServiceError(f"{what}: {_first_line(error)}") from error

        return self._try(what, once)

    def _try(self, what: str, once: Callable[[], _T]) -> _T:
        """Call until it succeeds; busy and broken answers are waited for, as long as the Hub asks."""
        import httpx2

        ends = time.monotonic() + _BUDGET_SECONDS
        reason = ""
        for attempt in range(_TRIES):
            wait = min(_FIRST_WAIT * 2**attempt, _LONGEST_WAIT)
            try:
                return once()
            except _AgainError as error:
                reason = error.reason
                wait = wait if error.wait is None else min(error.wait, _LONGEST_WAIT)
            except (httpx2.TransportError, OSError) as error:
                reason = _first_line(error) or type(error).__name__
            except ValueError as error:  # what came is no JSON, or not of the Hub's shape
                reason = f"its answer makes no sense ({_first_line(error)[:120]})"
            if attempt + 1 < _TRIES and time.monotonic() + wait < ends:
                self.sleep(wait)
        raise HubServiceError(
            f"{what} could not be read from {self.endpoint!r}: {reason}.",
            hint="Check the connection and HF_ENDPOINT, or try again later.",
        )


class _AgainError(Exception):
    """Worth another try, after `wait` seconds where the service named them."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


def _check_status(answer: Any, what: str) -> None:
    status = int(answer.status_code)
    if status < 300:
        return
    if status in _BUSY:
        raise _AgainError(f"it answered {status}", _read_wait(answer.headers.get("Retry-After", "")))
    if status in (401, 403):
        raise HubServiceError(
            f"The Hub does not show {what} to you ({status}): it is gated, private, or does not exist.",
            hint="Ask for access on its page and set HF_TOKEN, or check the name.",
            status=status,
        )
    if status == 404:
        raise HubServiceError(f"The Hub has no {what}.", hint="Check the name and the revision.", status=404)
    raise HubServiceError(f"The Hub answered {status} for {what}.", hint="Try again later.", status=status)


def _read_wait(value: str) -> float | None:
    return float(value) if re.fullmatch(r"\d{1,4}(\.\d+)?", value.strip()) else None


def _take_part(answer: Any, what: str, start: int, length: int, size: int | None) -> bytes:
    """The wanted bytes of an answer to a range request, also of a server that sends the whole file."""
    skipped = 0
    if answer.status_code == 206:
        told = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", answer.headers.get("Content-Range", "").strip())
        if told is None or int(told[1]) != start or int(told[2]) != start + length - 1:
            raise _AgainError("it sent another part than was asked for")
        if size is not None and told[3] != "*" and int(told[3]) != size:
            raise HubServiceError(
                f"{what} has {int(told[3]):,} bytes, not the {size:,} that its repository lists.",
                hint="It was changed meanwhile: try again.",
            )
    else:
        skipped = start
        if start + length > _SKIPPED_BYTES and (size is None or size > _SKIPPED_BYTES):
            raise HubServiceError(
                f"The server of {what} gives no parts of files.",
                hint="Download the model and name its folder.",
            )
    taken = bytearray()
    for chunk in answer.iter_bytes(2**16):
        taken += chunk
        if len(taken) >= skipped + length:
            break
    if len(taken) < skipped + length:
        raise _AgainError(f"the answer ended after {len(taken):,} of {skipped + length:,} bytes")
    return bytes(taken[skipped : skipped + length])


def _read_info(info: ModelInfo) -> HubModel:
    columns = {
        "modelId": info.id,
        "sha": info.sha,
        "author": info.author,
        "last_modified": info.last_modified,
        "createdAt": info.created_at,
        "downloads": info.downloads,
        "likes": info.likes,
        "library_name": info.library_name,
        "pipeline_tag": info.pipeline_tag,
        "tags": list(info.tags or ()),
    }
    if not info.sha:
        raise ValueError(f"no commit is named for {info.id!r}")
    files = {sibling.rfilename: sibling.size for sibling in info.siblings or ()}
    return HubModel(info.id, info.sha, files, {key: value for key, value in columns.items() if value})


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0].rstrip(".")[:200]


def list_top(files: Iterable[str], ending: str) -> list[str]:
    """Names at the top of a repository with this ending, sorted."""
    return sorted(name for name in files if "/" not in name and name.endswith(ending))
