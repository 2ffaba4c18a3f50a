"""The section of the fates, and that of an objective without data."""

from __future__ import annotations

import numpy as np

from rhoflux.files import read
from rhoflux.report.context import Context
from rhoflux.report.data import copy_rows, rows_at
from rhoflux.report.html import Html, count, element, joined, note, number, paragraph, shaded, table
from rhoflux.report.program import NoProgram, ProgramError
from rhoflux.report.sections_of_growth import grows

MOST_LABELS = 3  # where none are named
MOST_CATEGORIES = 30


class NoFates(Exception):
    """Why there are none."""


def chosen_labels(context: Context) -> tuple[list[str], list[str]]:
    """Labels whose fates are shown, and those that are left out."""
    if context.settings.fate_labels is not None:
        unknown = [name for name in context.settings.fate_labels if name not in context.data.labels]
        if unknown:
            raise NoFates(f"the data have no label {', '.join(unknown)}; they have {', '.join(context.data.labels) or 'none'}")
        return list(context.settings.fate_labels), []
    fitting = [name for name, texts in context.data.labels.items() if 2 <= len(texts) <= MOST_CATEGORIES][:MOST_LABELS]
    return fitting, [name for name in context.data.labels if name not in fitting]


def fates_section(context: Context) -> Html:
    if not context.data.labels:
        return paragraph("The data have no labels, so that there are no fates.")
    times = context.snapshots()
    if context.data.is_events:
        return paragraph("The data are events in continuous time: no snapshots between which labels could be followed.")
    if len(times) < 2:
        return paragraph("There are no two snapshots between which labels could be followed.")
    labels, left_out = chosen_labels(context)
    first, last = times[0], times[-1]
    rows = rows_at(context.data.working, first)
    chosen = rows
    if len(rows) > context.settings.fate_particles:
        chosen = np.sort(np.random.default_rng(1).choice(rows, context.settings.fate_particles, replace=False))
    particles = context.folder / "particles.h5"
    copy_rows(context.data.working, particles, chosen)
    first_text, last_text = context.time_texts([first, last])
    parts = [
        paragraph(
            f"{count(len(chosen), 'row')} of the first time"
            + (f" (of {len(rows)}, drawn at random)" if len(chosen) < len(rows) else "")
            + f" followed from t = {first_text} to {last_text}. A path counts for the label that most of the 15 rows nearest to its "
            "end have. Each line of a table has the mean probabilities of the particles with one label, ± their Monte Carlo errors"
            + (", each path counted by its weight: they are those of descendants." if grows(context) else ".")
        )
    ]
    for name in labels:
        parts += [element("h3", f"Label {name}"), _fates(context, name, particles, first, last)]
    if left_out:
        parts.append(note("Left out (see --labels): " + ", ".join(left_out) + "."))
    return joined(parts)


def _fates(context: Context, label: str, particles: object, first: float, last: float) -> Html:
    path = context.folder / "fate.h5"
    noise = ["--copies", context.settings.copies, "--steps", context.settings.fate_steps] if context.run.has_noise() else []
    try:
        context.command(
            "fates", "fate", context.run.model, "--from", repr(float(first)), "--to", repr(float(last)),
            "--particles", particles, "--labelled", context.data.working, "--label", label, *noise, "--output", path, "--force",
        )  # fmt: skip
    except NoProgram:
        raise
    except ProgramError as error:
        context.warn("fates", f"no fates by the label {label}: {error}")
        return element("div", f"There are no fates by this label: {error}", class_="failure")
    found = read(path)
    origins = getattr(found, "category_from", found.category)
    rows = []
    for name, n, probability, error in zip(origins, found.transition_count, found.transition, found.transition_error):
        cells = [shaded(_with_error(p, e), p) for p, e in zip(probability, error)]
        if n > 0:
            rows.append((name, n, *cells))
    how = f"{count(found.attributes['copies'], 'path')} of each particle, volatility g = {found.attributes['noise']}."
    return joined([table(["from \\ to", "particles", *found.category], rows), note(how)])


def _with_error(probability: float, error: float) -> str:
    """Of a single particle there is no error."""
    return f"{probability:.3f}" + (f" ± {error:.3f}" if np.isfinite(error) else "")


def _with_error(value: float | None, error: float | None) -> str:
    return number(value) if value is None else f"{number(value)} ± {number(error, 2)}"


def _said_of_paths(has_paths: bool, is_compared: bool, weighted: dict | None) -> str:
    if not has_paths:
        return (
            "The objective of the deck by the model's own expectations. The population grows, and a cost of pairs cannot be taken from "
            "weighted paths: nothing is simulated."
        )
    said = "The objective of the deck by the model's own expectations and along simulated paths, with standard errors."
    if weighted:
        said += f" The population grows: paths carry weights, by which {weighted['effective_count']:.0f} of {weighted['count']} count."
    if not is_compared:
        said += (
            f" Their mass is {number(weighted['mass_relative_to_model'])} of that of the model: they do not stand for all of it (a part "
            "grows from where no path starts, or the start is not that of the model), so that the two are not compared."
        )
    return said


def objective_section(context: Context) -> Html:
    """Of a run without data: the terms of its objective by the model and along simulated paths."""
    context.command(
        "objective", "evaluate", context.run.model, "--trajectories", 256, "--steps", 200, "--model-samples", 4096,
        "--output", context.folder / "objective.json",
    )  # fmt: skip
    figures = context.read_json("objective.json")["objective"]
    rows = []
    for term in [*figures["terms"], {"name": "total", **figures["total"]}]:
        values = [_with_error(term[name], term[f"{name}_error"]) for name in ("model", "simulated")]
        rows.append((term["name"], number(term.get("weight")), *values, number(term["difference"], 3)))
    total = figures["total"]
    by_model, by_paths = number(total["model"]), number(total["simulated"])
    has_paths = total["simulated"] is not None
    context.figures.append(("objective", by_model, f"{by_paths} along simulated paths" if has_paths else "by the model"))
    context.sentences.append(f"Its objective is {by_model} by the model" + (f" and {by_paths} along simulated paths." if has_paths else "."))
    is_compared = total["difference"] is not None
    parts = [
        paragraph(_said_of_paths(has_paths, is_compared, figures.get("weighted_paths"))),
        table(["term", "weight", "model", "simulated", "difference"], rows),
    ]
    ends = [
        (end["name"], number(end["nll"]), *(number(end[k]) for k in ("w2_model", "w2_simulated", "w2_floor")), end["points"])
        for end in figures.get("laws", [])
    ]
    if ends:
        parts.append(element("h3", "Endpoint distributions"))
        parts.append(table(["endpoint", "NLL", "W2 model", "W2 simulated", "floor", "points"], ends))
    return joined(parts)
