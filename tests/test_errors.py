"""Errors a person sees: the fact, what to do next, and the exit code that scripts rely on."""

from __future__ import annotations

import pytest

from tools.errors import (
    EmbedderError,
    HomeBusyError,
    HomeError,
    LakeError,
    ServiceError,
    SourceError,
    UnknownModelError,
    UsageError,
)

KINDS: list[type[LakeError]] = [
    UsageError,
    UnknownModelError,
    SourceError,
    HomeError,
    HomeBusyError,
    EmbedderError,
    ServiceError,
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_reads_as_the_fact_and_then_the_next_step(kind: type[LakeError]) -> None:
    error = kind("There is no model 'nimbus/quil'.", hint="Did you mean 'nimbus/quill'?")
    assert isinstance(error, LakeError)
    assert str(error) == "There is no model 'nimbus/quil'. Did you mean 'nimbus/quill'?"
    assert (error.message, error.hint) == (
        "There is no model 'nimbus/quil'.",
        "Did you mean 'nimbus/quill'?",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_hint_nothing_hangs_on(kind: type[LakeError]) -> None:
    assert str(kind("The home is full.")) == "The home is full."


def test_only_services_that_fail_have_an_exit_code_of_their_own() -> None:
    assert {kind.exit_code for kind in KINDS if kind is not ServiceError} == {2}
    assert ServiceError.exit_code == 3


def test_a_busy_home_is_a_home_that_cannot_be_used() -> None:
    with pytest.raises(HomeError):
        raise HomeBusyError("Process 7 owns this home.")


def test_an_unknown_model_carries_the_closest_ids() -> None:
    error = UnknownModelError("no such model", candidates=("nimbus/quill", "nimbus/quill-2"))
    assert error.candidates == ("nimbus/quill", "nimbus/quill-2")
    assert UnknownModelError("no such model").candidates == ()
