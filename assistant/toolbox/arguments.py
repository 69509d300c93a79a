"""Arguments of the assistant's tools: small, typed, described for the model that fills them in."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tools.facts import FactField
from tools.search.counting import CountField
from tools.search.ranking import RankField

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SearchModels(_Arguments):
    query: Words = Field(description="What the person needs, in their own words, constraints included.")
    task: Words | None = Field(None, description="Pipeline tag to require, e.g. 'summarization'.")
    license: Words | None = Field(None, description="Licence or family, e.g. 'apache-2.0', 'permissive'.")
    language: Words | None = Field(None, description="Language name or ISO code.")
    library: Words | None = Field(None, description="Library, e.g. 'transformers', 'spacy'.")
    dataset: Words | None = Field(None, description="Training dataset the card must name.")
    author: Words | None = Field(None, description="Organisation or person.")
    min_downloads: int | None = Field(None, ge=0, description="At least so many downloads.")
    max_parameters: int | None = Field(None, ge=1, description="At most so many parameters.")
    derived_from: Name | None = Field(None, description="Only models whose cards name this parent.")
    similar_to: Name | None = Field(None, description="A model of the lake; others like it are looked for.")
    limit: int = Field(5, ge=1, le=20, description="How many models.")


class ReadCard(_Arguments):
    model: Name = Field(description="Full id, org/name.")
    question: Words = Field("", description="What to look for in the card; empty for an overview.")
    fields: list[FactField] = Field(
        default_factory=list, max_length=12, description="Structured fields to read as well."
    )
    limit: int = Field(5, ge=1, le=20, description="How many passages.")


class ReadDocument(_Arguments):
    question: Words = Field("", description="What to look for; empty for an overview.")
    document: Name | None = Field(None, description="Which one, when several are attached.")
    fields: list[FactField] = Field(
        default_factory=list, max_length=12, description="Structured fields of a card to read as well."
    )
    limit: int = Field(5, ge=1, le=20, description="How many passages.")


class ListResults(_Arguments):
    dataset: Words | None = Field(None, description="Dataset or benchmark, e.g. 'Common Voice German'.")
    metric: Words | None = Field(None, description="Metric, e.g. 'WER', 'ROUGE-1'.")
    task: Words | None = Field(None, description="Task of the results, e.g. 'automatic-speech-recognition'.")
    language: Words | None = Field(None, description="Language of the data, name or ISO code.")
    model: Name | None = Field(None, description="Only results of this model.")
    worst_first: bool = Field(False, description="True to begin with the worst value.")
    limit: int = Field(8, ge=1, le=50, description="How many rows.")


class CompareDocumentation(_Arguments):
    models: list[Name] = Field(min_length=2, max_length=6, description="Full ids of the models to compare.")
    fields: list[FactField] = Field(
        default_factory=list, max_length=12, description="Fields to compare; empty for the usual ones."
    )
    question: Words = Field("", description="What to compare, when it is not one of the fields.")


class CompareModels(_Arguments):
    a: Name = Field(description="Full id of a model.")
    b: Name = Field(description="Full id of the other one.")


class TraceLineage(_Arguments):
    model: Name | None = Field(
        None, description="Full id, or the name of a model that cards mention; left out: the whole lake."
    )
    depth: int = Field(5, ge=1, le=20, description="How many generations to follow.")


class FindSimilarByWeights(_Arguments):
    model: Name = Field(description="Full id.")
    limit: int = Field(5, ge=1, le=20, description="How many models.")


class SearchPapers(_Arguments):
    query: Words = Field(description="What to look for in the ingested papers.")
    limit: int = Field(5, ge=1, le=20, description="How many passages.")


class RankModels(_Arguments):
    by: RankField = Field(description="The number to order by.")
    ascending: bool = Field(False, description="True for smallest, oldest or least first.")
    query: Words = Field("", description="Conditions in plain words, e.g. 'German, under MIT'; may be empty.")
    limit: int = Field(5, ge=1, le=20, description="How many models.")


class AuditCard(_Arguments):
    model: Name | None = Field(None, description="Full id; without one every card of the lake.")
    about: Name | None = Field(None, description="Only findings on this: 'licence', 'results', 'line 12'.")


class DraftCard(_Arguments):
    model: Name = Field(description="Full id.")


class CountModels(_Arguments):
    query: Words = Field("", description="Conditions in plain words, e.g. 'German, under MIT'; may be empty.")
    by: CountField | None = Field(None, description="Count the values of this field among them.")
    unstated: bool = Field(False, description="With `by`: name the models that state no value of it.")


class DescribeLake(_Arguments):
    """No arguments."""
