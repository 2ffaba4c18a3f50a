"""The sections of a report in their order, what happens when one fails, and the summary above them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Callable, Sequence

from rhoflux import __version__
from rhoflux.files import FileError
from rhoflux.report.context import Context
from rhoflux.report.html import Html, count, element, joined, note, paragraph
from rhoflux.report.page import Part
from rhoflux.report.program import ProgramError
from rhoflux.report.sections_of_growth import grows, growth_section
from rhoflux.report.sections_of_labels import NoFates, fates_section, objective_section
from rhoflux.report.sections_of_model import checks_section, density_section, distances_section, paths_section, samples_section
from rhoflux.report.sections_of_run import data_section, deck_section, history_section


@dataclass(frozen=True)
class Section:
    name: str
    title: str
    make: Callable[[Context], Html]
    with_data: bool | None  # whether it needs data, or is for runs without (False); None: for all
    has_place: Callable[[Context], bool] = lambda context: True  # what else the run must be


@dataclass(frozen=True)
class Failure:
    section: Section
    reason: str


SECTIONS = (
    Section("data", "Data", data_section, with_data=True),
    Section("history", "Training", history_section, with_data=None),
    Section("distances", "Likelihood and distances", distances_section, with_data=True),
    Section("objective", "Objective", objective_section, with_data=False),
    Section("samples", "Samples", samples_section, with_data=None),
    Section("density", "Density and drift", density_section, with_data=None),
    Section("growth", "Growth", growth_section, with_data=None, has_place=grows),
    Section("paths", "Paths", paths_section, with_data=None),
    Section("fates", "Fates", fates_section, with_data=True),
    Section("checks", "Checks", checks_section, with_data=None),
    Section("deck", "Deck and provenance", deck_section, with_data=None),
)
NAMES = tuple(section.name for section in SECTIONS)


def make_parts(context: Context, without: Sequence[str]) -> tuple[list[Part], list[Failure]]:
    """The sections, and which of them failed."""
    parts, failures = [], []
    for section in SECTIONS:
        if section.name in without or not _has_place(context, section):
            continue
        try:
            content = section.make(context)
        except Exception as error:  # one section must not stop the others, whatever is wrong
            reason = _reason(error)
            content = element("div", f"This section could not be made: {reason}", class_="failure")
            failures.append(Failure(section, reason))
        parts.append(Part(section.name, section.title, content))
    return parts, failures


def _has_place(context: Context, section: Section) -> bool:
    if section.with_data is None or not section.has_place(context):
        return section.has_place(context)
    return (context.data is not None) if section.with_data else (context.data is None and not context.no_data)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError):
        return f"it needs {error.name}, which this Python does not have"
    known = type(error).__name__ in ("UsageError",) or isinstance(error, (FileError, ProgramError, NoFates))
    return text if known else f"{type(error).__name__}: {text}"


def summary(context: Context, failures: Sequence[Failure]) -> Html:
    """What is above all sections: plain sentences, key figures, warnings."""
    figures = [
        element("div", element("dt", name), element("dd", value, element("small", remark)))
        for name, value, remark in [*_figures_of_run(context), *context.figures]
    ]
    written = f"Written {datetime.now().astimezone():%Y-%m-%d %H:%M %Z} by rhoflux-report {__version__}."
    parts = [paragraph(str(context.run.model), class_="dim"), paragraph(" ".join([_training(context), *context.sentences]))]
    if context.no_data:
        parts.append(paragraph(f"The sections about data are left out: {context.no_data}."))
    return joined([*parts, element("dl", *figures, class_="figures"), _warnings(context, failures), note(written)])


def _training(context: Context) -> str:
    run, data = context.run, context.data
    wanted = run.keys.get("training.steps", "")
    of = f" of {wanted}" if wanted.isdigit() and int(wanted) != run.last_step else ""
    source = f" on {count(data.split_counts['train'], 'row')} of {data.path.name}" if data else ""
    kept = "the last step" if run.step == run.last_step else f"step {run.step}"
    dims = count(run.n_dims, "coordinate")
    return (
        f"The model was trained{source} for {count(run.last_step, 'step')}{of}; it has {dims} and covers {context.span()}. "
        f"{run.model.name} is the model after {kept}."
        + (f" Samples, density, paths and checks are at the condition {run.condition}." if run.condition else "")
    )


def _figures_of_run(context: Context) -> list[tuple[str, str, str]]:
    run = context.run
    return [("steps", str(run.last_step), f"{run.model.name}: step {run.step}")]


def _warnings(context: Context, failures: Sequence[Failure]) -> Html:
    titles = {section.name: section.title for section in SECTIONS}
    items = [element("li", element("a", titles[name], href=f"#{name}"), ": ", text) for name, text in context.warnings]
    for reason in dict.fromkeys(failure.reason for failure in failures):
        names = ", ".join(failure.section.title for failure in failures if failure.reason == reason)
        items.append(element("li", f"Not made: {names}. Reason: {reason}"))
    if not items:
        return paragraph(element("span", "No warnings.", class_="good"))
    return element("div", element("h3", count(len(items), "warning")), element("ul", *items), class_="warnings", role="note")
