"""The section of a population that grows: its mass with the numbers of rows, and the growth rate."""

from __future__ import annotations

import numpy as np

from rhoflux.report.context import Context, texts_of
from rhoflux.report.html import Html, joined, note, number, paragraph, table
from rhoflux.report.pictures import plotted


def grows(context: Context) -> bool:
    return context.run.keys.get("model.growth", "none") != "none"


def growth_section(context: Context) -> Html:
    keys = context.run.keys
    share, mass = keys.get("model.growth_share", ""), keys.get("data.mass", "none")
    intro = paragraph(
        f"The population changes its size: growth_share = {share}, data.mass = {mass}. The growth rate is births minus deaths per "
        "unit of time. The likelihood does not tell growth from motion: what of the change is growth comes from the growth "
        "share, or from what motion and growth cost (docs/model.md, section 10)."
    )
    return joined([intro, _mass(context), *_errors(context), _rates(context)])


def _mass(context: Context) -> Html:
    path = context.folder / "mass.h5"
    times = np.linspace(*context.run.range, 81)
    context.command("growth", "sample", context.run.model, "--times", texts_of(times), "--count", 1, "--output", path)
    has_counts = context.data is not None and len(context.snapshots("train")) > 1
    # All rows and not a part of them, of which each snapshot would have another share.
    arguments = ["mass", path] + (["--data", context.data.path] if has_counts else [])
    counted = "; points are the sums of the weights of the training rows, with twice their sampling error" if has_counts else ""
    return plotted(context.folder, "mass of the population by time", f"The mass M(t), relative to the first time{counted}.", *arguments)


def _errors(context: Context) -> list[Html]:
    """Mass of the model and of the rows of the split, where `evaluate` has compared them."""
    if context.data is None or not (context.folder / "evaluation.json").exists():
        return []
    rows = context.read_json("evaluation.json").get("mass", [])
    if not rows:
        return []
    unit = context.run.unit
    header = [f"t ({unit})" if unit else "t", "mass of the model", "rows, relative to the first", "relative error", "sampling error"]
    cells = [
        [text, *(number(row[name], 3) for name in ("model", "data", "relative_error", "sampling_error"))]
        for text, row in zip(context.time_texts([row["t"] for row in rows]), rows)
    ]
    return [table(header, cells), note(f"Rows of the split that judges the model ({context.split}), by the sums of their weights.")]


def _rates(context: Context) -> Html:
    if context.field_file is None:
        return note("There is no picture of the growth rate, for there is no density.")
    what = f"{context.run.names[0]} against time" if context.run.n_dims == 1 else "the first two coordinates"
    others = "" if context.run.n_dims <= 2 else "; it is the mean over the other coordinates"
    caption = f"Growth rate in {what}, where there is density{others}. Red: more are born than die. Lines: equal density."
    return plotted(context.folder, "growth rate by time", caption, "density", context.field_file, "--colour", "growth")
