"""Commands that look things up: search, similar, show, results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.cli.batch import read_lines, require_text, run_batch
from assistant.cli.invocation import Invocation
from tools.errors import UsageError

if TYPE_CHECKING:
    from tools.lake import Lake

Hits = Annotated[int, typer.Option("-k", "--hits", help="How many models.", min=1, max=1000)]


def search(
    context: typer.Context,
    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="What is needed, in plain words.")
    ] = None,
    hits: Hits = 10,
    task: Annotated[str | None, typer.Option(help="Pipeline tag, e.g. summarization.")] = None,
    license: Annotated[str | None, typer.Option(help="Licence or family, e.g. permissive.")] = None,
    language: Annotated[str | None, typer.Option(help="Language or ISO code.")] = None,
    library: Annotated[str | None, typer.Option(help="Library, e.g. transformers.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Dataset the card names.")] = None,
    author: Annotated[str | None, typer.Option(help="Organisation or person.")] = None,
    min_downloads: Annotated[int | None, typer.Option(help="At least so many downloads.", min=0)] = None,
    max_parameters: Annotated[int | None, typer.Option(help="At most so many parameters.", min=1)] = None,
    derived_from: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Only what declares to come from MODEL.")
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help='Lines {"id", "query"}; answers in JSON Lines.'),
    ] = None,
) -> None:
    """Rank models for a need. Conditions in plain words count: "German", "not GPL", "under 500 MB"."""
    invocation: Invocation = context.obj
    require_one(query, batch, "QUERY")
    lines = read_lines(batch) if batch is not None else []
    from assistant.toolbox.arguments import SearchModels
    from assistant.toolbox.finding import read_flags

    flags = read_flags(
        SearchModels.model_construct(
            task=task,
            license=license,
            language=language,
            library=library,
            dataset=dataset,
            author=author,
            min_downloads=min_downloads,
            max_parameters=max_parameters,
            derived_from=derived_from,
        )
    )
    with invocation.open_filled_lake("search") as lake:
        from assistant.cli.views import view_scores, view_search
        from tools.search import search as search_lake

        if batch is not None:

            def answer(line: dict[str, Any]) -> dict[str, Any]:
                return view_scores(search_lake(lake, require_text(line, "query"), k=hits, flags=flags))

            raise typer.Exit(run_batch(invocation, lines, answer, what="searching"))
        assert query is not None
        document = view_search(lake.catalog, search_lake(lake, query, k=hits, flags=flags))
    _show(invocation, document)


def similar(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model of the lake; by weights also a path.")
    ],
    by: Annotated[
        Literal["text", "lineage", "weights", "data"],
        typer.Option(help="By what cards say, by declared lineage, by weights, or by named datasets."),
    ] = "text",
    hits: Hits = 10,
) -> None:
    """Models like another one."""
    invocation: Invocation = context.obj
    if by == "weights":
        from assistant.cli.alike import list_alike

        with invocation.open_filled_lake("similar") as lake, invocation.progress("comparing") as steps:
            _show(invocation, list_alike(lake, model, k=hits, progress=steps.update))
        return
    with invocation.open_filled_lake("similar") as lake:
        from assistant.cli.views import view_search
        from tools.search import similar as find_similar

        document = view_search(lake.catalog, find_similar(lake, model, by=by, k=hits))
    _show(invocation, document)


def show(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model of the lake, or ./path to a folder or README.md.")
    ],
) -> None:
    """Everything known of one model, each fact with the place it stands."""
    invocation: Invocation = context.obj
    if model.startswith((".", "/", "~")) or Path(model).name.lower() == "readme.md":
        document = _read_path(model)
    else:
        with invocation.open_filled_lake("show", embedding=False) as lake:
            document = _read_model(lake, model)
    if invocation.json:
        invocation.emit(document)
        return
    from assistant.cli.render import render_record

    render_record(invocation.terminal, document)


def results(
    context: typer.Context,
    dataset: Annotated[str | None, typer.Option(help='Dataset or benchmark, e.g. "Common Voice".')] = None,
    metric: Annotated[str | None, typer.Option(help="Metric, e.g. WER.")] = None,
    task: Annotated[str | None, typer.Option(help="Task of the results.")] = None,
) -> None:
    """Reported results, each metric best first, and values of one model that disagree."""
    invocation: Invocation = context.obj
    with invocation.open_filled_lake("results", embedding=False) as lake:
        from assistant.cli.views import view_results

        document = view_results(lake.catalog, dataset=dataset, metric=metric, task=task)
    if invocation.json:
        invocation.emit(document)
        return
    from assistant.cli.render import render_results

    render_results(invocation.terminal, document)


def _read_model(lake: Lake, model: str) -> dict[str, Any]:
    from assistant.cli.views import view_record
    from tools.catalog.names import resolve_model

    name = resolve_model(lake.catalog, model)
    record = lake.catalog.get_model(name)
    assert record is not None
    return view_record(lake.catalog, record, lake.catalog.get_card(name), lake.catalog.get_files(name))


def _read_path(path: str) -> dict[str, Any]:
    """A model repository on disk, seen through a lake of its own that is gone afterwards."""
    import tempfile

    from tools.ingest import ingest
    from tools.lake import Lake

    with (
        tempfile.TemporaryDirectory(prefix="lake-show-") as folder,
        Lake.open(Path(folder) / "home", embedder=None, command="lake show") as lake,
    ):
        report = ingest(lake, [path])
        names = lake.catalog.model_names()
        if len(names) != 1:
            found = f"{len(names)} models" if names else "no model"
            reason = f" ({report.failed[0]['error']})" if report.failed else ""
            raise UsageError(f"{path!r} holds {found}{reason}.", hint="Name one repository or its README.md.")
        return _read_model(lake, names[0])


def require_one(text: str | None, batch: Path | None, name: str) -> None:
    """Exactly one of the question and a batch file must be given. Raises UsageError."""
    if (text is None) == (batch is None):
        given = "both" if text is not None else "neither"
        raise UsageError(f"{given.capitalize()} {name} and --batch given.", hint="Give one of them.")
    if text is not None and not text.strip():
        raise UsageError(f"{name} is {text!r}.", hint="Say in a few words what you are looking for.")


def _show(invocation: Invocation, document: dict[str, Any]) -> None:
    if invocation.json:
        invocation.emit(document)
        return
    from assistant.cli.render import render_search

    render_search(invocation.terminal, document)
