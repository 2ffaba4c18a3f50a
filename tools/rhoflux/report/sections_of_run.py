"""Sections that read files alone: the data, the deck and where all comes from, the course of training."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from rhoflux.files import FileError
from rhoflux.history import read_history
from rhoflux.report.context import Context
from rhoflux.report.html import Html, cell, count, element, joined, listing, note, number, pairs, paragraph, table
from rhoflux.report.pictures import plotted
from rhoflux.report.program import ProgramError
from rhoflux.report.run import parse_deck, sha256
from rhoflux.report.sections_of_growth import grows

SHOWN_ROWS = 60  # of the table of times


def data_section(context: Context) -> Html:
    data = context.data
    rows = [
        ("file", str(data.path)),
        ("rows", f"{data.n_rows} (" + ", ".join(f"{n} {name}" for name, n in data.split_counts.items()) + ")"),
        ("dimensions", f"{len(data.names)}: {_first_of(data.names)}"),
        ("times", _times_text(context)),
    ]
    if data.n_without_weight:
        rows.append(("rows of weight 0", f"{data.n_without_weight}, which count nowhere"))
    rows += [(f"label {name}", _first_of(texts)) for name, texts in data.labels.items()]
    parts = [pairs(rows)]
    if data.working != data.path:
        parts.append(note(f"Figures and pictures below are of {data.n_working} rows, drawn at random (--rows)."))
    _check_hash(context)
    try:
        answer = context.command("data", "info", data.path, known=_dealt_with(context))
        parts.append(listing(answer.output, "What rhoflux info says of the file"))
    except ProgramError as error:
        parts.append(note(f"Not looked at for what may be wrong with the data: {error}"))
        context.warn("data", f"the health of the data was not looked at: {error}")
    if not data.is_events:
        parts.append(_table_of_times(context))
    return joined(parts)


def _dealt_with(context: Context) -> list[str]:
    """Words of the warnings of the data that the deck of the run deals with, as `rhoflux train` leaves them out."""
    keys = context.run.keys
    known = []
    if grows(context):
        known.append("the number of rows changes from")
    if float(keys.get("training.noise", "0")) > 0:
        known.append("the likelihood of such data has no bound")
    if keys.get("data.standardise", "true") != "true":
        known.append("interquartile ranges from the median")
    return known


def _first_of(texts: Sequence[str], most: int = 20) -> str:
    return ", ".join(texts[:most]) + (", .." if len(texts) > most else "")


def _times_text(context: Context) -> str:
    data = context.data
    first, last = context.time_texts(data.range)
    kind = "events in continuous time" if data.is_events else count(len(data.times), "snapshot")
    held_out = context.run.keys.get("data.hold_out_times", "none")
    span = f"{first} to {last} {data.unit}".rstrip() if data.range[1] > data.range[0] else f"{first} {data.unit}".rstrip()
    return f"{span}, {kind}" + ("" if held_out in ("none", "") else f"; left out of training: {held_out}")


def _table_of_times(context: Context) -> Html:
    data = context.data
    names = [f"t ({data.unit})" if data.unit else "t", "train", "val", "test", "all"]
    rows = [(t, *row, row.sum()) for t, row in zip(context.time_texts(data.times), data.counts)]
    if len(rows) <= SHOWN_ROWS:
        return table(names, rows)
    return joined([table(names, rows[:SHOWN_ROWS]), note(f"The first {SHOWN_ROWS} of {len(rows)} times.")])


def _check_hash(context: Context) -> None:
    """Whether the file is that of the training, by its SHA-256."""
    recorded = context.run.recorded_hash(context.run.keys.get("data.file", ""))
    if recorded is not None and sha256(context.data.path) != recorded:
        context.warn("data", f"{context.data.path} is not the file that the model was trained on (its SHA-256 is another)")


def deck_section(context: Context) -> Html:
    run = context.run
    parts = [listing(run.deck.strip(), "The whole deck, as the run resolved it")]
    try:
        defaults = parse_deck(context.program.run("train", "--help-deck").output)
        changed = [(key, value, defaults[key]) for key, value in run.keys.items() if value != defaults.get(key, value)]
        changed = [(key, cell(value, "wide"), default or "–") for key, value, default in changed]
        parts.insert(0, table(["key", "value", "default"], changed, text=(0, 1, 2)))
    except ProgramError as error:
        parts.insert(0, note(f"Which keys differ from their defaults is not known: {error}"))
    rows = [(name.replace("_", " "), value) for name, value in run.provenance.items() if value]
    parts += [element("h3", "Provenance of the model"), pairs([("model", run.model), *rows])]
    return joined(parts)


def history_section(context: Context) -> Html:
    try:
        history = read_history(context.run.folder)
    except FileError as error:
        return paragraph(f"There are no curves: {error}.")
    known = validation_points(history)
    _check_history(context, history, known)
    rows = [("rows of history.csv", f"{len(history['step'])}, up to step {history['step'][-1]:.0f}")]
    finite = np.flatnonzero(np.isfinite(history.get("nll", np.array([]))))
    if len(finite):
        rows.append(("NLL of the training, last", number(history["nll"][finite[-1]], 5)))
    if len(known):
        best = known[np.argmin(known[:, 1])]
        rows.append(("NLL of the validation, best", f"{number(best[1], 5)} at step {best[0]:.0f}"))
        rows.append(("NLL of the validation, last", f"{number(known[-1, 1], 5)} at step {known[-1, 0]:.0f}"))
    caption = "The negative log-likelihood of training and validation, norm of the gradient, learning rate and the other terms."
    picture = plotted(context.folder, "curves of training", caption, "history", context.run.folder)
    return joined([picture, pairs(rows)])


def validation_points(history: dict[str, np.ndarray]) -> np.ndarray:
    """Steps and NLL (n, 2) of the validations."""
    nll = history.get("validation_nll", np.full(len(history["step"]), np.nan))
    return np.stack([history["step"], nll], axis=1)[np.isfinite(nll)]


def _check_history(context: Context, history: dict[str, np.ndarray], known: np.ndarray) -> None:
    if len(known) < 2:
        return
    best, (last_step, last) = known[np.argmin(known[:, 1])], known[-1]
    # More than a fiftieth of a nat, which is noise of a validation, and a tenth of all that was won.
    if last - best[1] > max(0.02, 0.1 * (known[0, 1] - best[1])):
        context.warn(
            "history",
            f"the validation ended far above its best: {number(last, 5)} at step {last_step:.0f}, after {number(best[1], 5)} at step "
            f"{best[0]:.0f}. The later steps fitted the training rows alone; best.h5 is the model of the best step",
        )
