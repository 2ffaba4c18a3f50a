"""Sections that use the model: likelihood and distances, samples, density, paths, checks."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np

from rhoflux.points import read_frames
from rhoflux.report.context import Context, texts_of
from rhoflux.report.data import read_rows
from rhoflux.report.distances import Distances, compare, points_a_side, repeats_for
from rhoflux.report.html import Html, cell, count, element, joined, note, number, pairs, paragraph, table
from rhoflux.report.pictures import by_time, plotted
from rhoflux.report.program import ProgramError

FAR_FROM_FLOOR = 2  # times the floor: a W that is worth a warning
KS_LEVEL = 1e-4  # probability of a statistic beyond its bound, for all coordinates together, as in `rhoflux verify`
NOT_SEEN = {"test": "test", "val": "validation", "train": "training"}


# ---- likelihood and distances ----


def distances_section(context: Context) -> Html:
    split = NOT_SEEN[context.split]
    answer = context.command(
        "distances", "evaluate", context.run.model, "--data", context.data.working, "--split", context.split,
        "--output", context.folder / "evaluation.json",
    )  # fmt: skip
    figures = context.read_json("evaluation.json")
    nll = figures["nll"]
    context.figures.append((f"NLL of the {split} rows", number(nll["original"]), f"{number(nll['standardised'])} standardised"))
    context.sentences.append(
        f"On the {split} split ({count(nll['count'], 'row')}) its negative log-likelihood is {number(nll['original'])} nats a row in "
        f"the units of the data, {number(nll['standardised'])} in standardised units."
    )
    intro = paragraph(
        f"All figures are of the {split} split, {count(nll['count'], 'row')}"
        + {"test": "", "val": "; there is no test split", "train": "; there is no test and no validation split"}[context.split]
        + f". The negative log-likelihood is {number(nll['original'])} nats a row in the units of the data, and "
        f"{number(nll['standardised'])} in standardised units, (x − mean) / scale."
    )
    if context.split == "train":
        text = "there are no test and no validation rows: the figures are of rows that the model was trained on"
        context.warn("distances", text)
    if not nll["per_time"]:
        return joined([intro, paragraph(_without_snapshots(answer.output))])
    compared, missing = _compare_if_possible(context, [row["t"] for row in nll["per_time"]])
    return joined([intro, *_by_time(context, figures, compared), *missing, *_unseen_times(context, nll)])


def _without_snapshots(output: str) -> str:
    if "events in continuous time" in output:
        return (
            "The data are events in continuous time: hardly two rows have the same time. So there are no snapshots that could be "
            "compared with the model by W1 and W2, and no figures by time; the likelihood of the events is what there is."
        )
    return "The split has too many times for figures by snapshot (more than 100)."


def _unseen_times(context: Context, nll: dict) -> list[Html]:
    times = nll.get("times_without_rows") or []
    return [note("Times without a row in the split: " + ", ".join(context.time_texts(times)) + ".")] if times else []


def _compare_if_possible(context: Context, times: Sequence[float]) -> tuple[dict[float, Distances], list[Html]]:
    """Distances by time with their floors, or none and why."""
    try:
        return _compare(context, times), []
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "scipy":
            raise
        reason = "they need scipy, which this Python does not have"
    except ProgramError as error:
        reason = str(error)
    context.warn("distances", f"there are no floors of W1 and W2: {reason}")
    return {}, [note(f"There are no floors of W1 and W2: {reason}.")]


def _compare(context: Context, times: Sequence[float]) -> dict[float, Distances]:
    """Distances by time with equally many points for the model and the floor, of times with four rows or more."""
    run = context.run
    rows = {t: read_rows(context.data.working, context.split, t) for t in times}
    points = {t: points_a_side(weight, context.settings.distance_points) for t, (_, weight) in rows.items()}
    times = [t for t in times if points[t] >= 2]
    if not times:
        return {}
    repeats = repeats_for([points[t] for t in times])
    path = context.folder / "compared.h5"
    context.command(
        "distances", "sample", run.model, "--times", texts_of(times), "--count", repeats * max(points[t] for t in times),
        "--seed", 2, "--output", path,
    )  # fmt: skip
    frames = read_frames(path).x
    return {
        t: compare((rows[t][0] - run.mean) / run.scale, rows[t][1], (frame - run.mean) / run.scale, points[t], repeats)
        for t, frame in zip(times, frames)
    }


def _by_time(context: Context, figures: dict, compared: dict[float, Distances]) -> list[Html]:
    per_time = figures["nll"]["per_time"]
    times = [row["t"] for row in per_time]
    w = [{row["t"]: row for row in figures[name]} for name in ("w1", "w2")]
    unit = context.run.unit
    header = [f"t ({unit})" if unit else "t", "rows", "NLL (std.)", "W1", "W2", "points"]
    header += ["points a side", "W1 of half", "W1 floor", "W2 of half", "W2 floor"] if compared else []
    rows = []
    for text, row in zip(context.time_texts(times), per_time):
        one = [by_t.get(row["t"], {}) for by_t in w]
        cells = [text, row["count"], number(row["standardised"])]
        cells += [*(number(d.get("value")) for d in one), one[0].get("count", "–")]
        if compared:
            found = compared.get(row["t"])
            cells += ["–"] * 5 if found is None else [
                found.points, *(number(value) for k in (0, 1) for value in (found.model[k], found.floor[k]))
            ]  # fmt: skip
        rows.append(cells)
    parts = [_picture(context, per_time, w, compared), table(header, rows)]
    if compared:
        parts.append(_explanation(compared))
        _summarise_distances(context, compared)
    return parts


def _explanation(compared: dict[float, Distances]) -> Html:
    points = sorted({found.points for found in compared.values()})
    sides = f"{points[0]}" if len(points) == 1 else f"{points[0]} to {points[-1]}"
    return note(
        "W1 and W2 are exact optimal transport distances in standardised units. The first pair, from rhoflux evaluate, is between all "
        "rows of a time (or 2000) and as many model samples. Even a perfect model does not give 0, for both sides are finite "
        "samples. The floor shows how much that is: it is the distance between two random halves of the rows of that time, with "
        f"the same number of points on each side ({sides}). The second pair is between one half and as many model samples, so "
        "that it can be compared with the floor: it is near the floor where the model is as good as these rows can tell. Fewer "
        "points give larger distances."
    )


def _picture(context: Context, per_time: list[dict], w: list[dict], compared: dict[float, Distances]) -> Html:
    times = np.array([row["t"] for row in per_time])
    panels = [("NLL, standardised", {"NLL": (times, np.array([row["standardised"] for row in per_time], float))})]
    at = np.array(list(compared))
    for k, name in enumerate(("W1", "W2")):
        if compared:
            found = list(compared.values())
            lines = {"model": (at, np.array([d.model[k] for d in found])), "floor": (at, np.array([d.floor[k] for d in found]))}
        else:
            lines = {"model": (times, np.array([w[k].get(t, {}).get("value", math.nan) for t in times], float))}
        panels.append((name, lines))
    unit = context.run.unit
    caption = "Negative log-likelihood, W1 and W2 by time" + (
        ", the distances with as many points a side as their floor." if compared else "."
    )
    return by_time(panels, f"t ({unit})" if unit else "t", "likelihood and distances by time", caption)


def _summarise_distances(context: Context, compared: dict[float, Distances]) -> None:
    times = list(compared)
    ratio = np.array([found.model[1] / found.floor[1] if found.floor[1] > 0 else math.inf for found in compared.values()])
    texts = context.time_texts(times)
    worst = int(np.argmax(ratio))
    if np.isfinite(ratio).all():
        most = f"most {number(ratio[worst], 3)} at t = {texts[worst]}"
        context.figures.append(("W2 / floor, mean", number(ratio.mean(), 3), most))
        context.sentences.append(
            f"The distance W2 between model and data is {number(ratio.mean(), 3)} times the floor on average over "
            f"{count(len(times), 'snapshot')}, and at most {number(ratio[worst], 3)} times (t = {texts[worst]}); 1 is as near as two "
            "random halves of the data are to each other."
        )
    far = [f"t = {text} ({number(value, 3)})" for text, value in zip(texts, ratio) if value > FAR_FROM_FLOOR]
    if far:
        text = f"W2 between model and data is more than {FAR_FROM_FLOOR} times the floor at " + ", ".join(far)
        context.warn("distances", text)


# ---- samples, density, paths ----


def samples_section(context: Context) -> Html:
    path = context.folder / "samples.h5"
    times, points = context.shown_times(), context.settings.samples
    if context.run.n_dims == 1 and len(context.snapshots()) == 0:
        times, points = np.linspace(*context.run.range, 41), max(1, points // 8)  # nearly all times, as events have
    context.command("samples", "sample", context.run.model, "--times", texts_of(times), "--count", points, "--output", path)
    arguments = ["samples", path, "--points", points]
    arguments += ["--data", context.data.working] if context.data else []
    arguments += [] if context.run.n_dims == 1 else ["--layout", "panels"]
    if context.run.n_dims == 1:
        what = f"{context.run.names[0]} against time"
    else:
        what = "the first two coordinates" + ("" if context.run.n_dims == 2 else f" of {context.run.n_dims}")
    against = "Data of all splits and samples of the model" if context.data else "Samples of the model"
    has_panels_of_events = context.data is not None and context.data.is_events and context.run.n_dims > 1
    near = " Each panel has the events nearest to its time." if has_panels_of_events else ""
    caption = f"{against}: {what}, at most {points} points at a time.{near}"
    return plotted(context.folder, "samples of the model and data", caption, *arguments)


def density_section(context: Context) -> Html:
    one = context.run.n_dims == 1
    first, last = context.run.range
    times = np.linspace(first, last, 31) if one else context.shown_times()
    grid = context.settings.grid
    path = context.folder / "field.h5"
    points = grid if one else f"{grid},{grid}"
    context.command("density", "field", context.run.model, "--times", texts_of(times), "--grid", points, "--output", path)
    context.field_file = path
    arguments = ["density", path, "--scale", "sqrt"] + ([] if one else ["--arrows"])
    if context.data and (one or not context.data.is_events):
        arguments += ["--data", context.data.working, "--points", 150]
    what = "The density of " + (f"{context.run.names[0]} against time" if one else "the first two coordinates and their drift")
    others = "" if context.run.n_dims <= 2 else "; the other coordinates are integrated out"
    dots = "; dots are rows of the data" if "--data" in arguments else ""
    return plotted(context.folder, "density by time", f"{what}{others}{dots}.", *arguments)


def paths_section(context: Context) -> Html:
    first, last = context.run.range
    path = context.folder / "paths.h5"
    arguments = ["--from", repr(first), "--to", repr(last), "--count", context.settings.particles, "--frames", 41]
    if context.data is not None and len(context.snapshots(context.split)) and context.snapshots(context.split)[-1] == last:
        # The option --split is for the rows of --data too.
        arguments += ["--data", context.data.working, "--split", context.split]
    report = context.folder / "paths.json"
    context.command("paths", "transport", context.run.model, *arguments, "--report", report, "--output", path, written=report)
    figures = context.read_json("paths.json")
    options = ["paths", path, "--scale", "sqrt"] + (["--field", context.field_file] if context.field_file else [])
    if context.field_file and context.run.n_dims == 1:
        options += ["--dims", 1]
    in_plane = context.run.n_dims > 1
    mean = " The density is the mean over the times shown above." if context.field_file and in_plane else ""
    caption = (
        f"Particles transported along dX = u dt over {context.span()}, from samples of the model; without noise, so that one "
        "particle has one path." + mean
    )
    picture = plotted(context.folder, "paths of particles", caption, *options)
    return joined([picture, _transport_figures(context, figures)])


def _transport_figures(context: Context, figures: dict) -> Html:
    bound = figures.get("ks_bound") or math.sqrt(0.5 * math.log(2 * context.run.n_dims / KS_LEVEL))
    ks, failed = figures.get("ks"), figures.get("failed") or 0
    rows = [("particles", figures["count"]), ("particles that could not be followed", failed)]
    rows += [("mean squared displacement", number(figures.get("mean_squared_displacement")))]
    rows += [("kinetic energy, ∫ E|u|² dt", number(figures.get("kinetic_energy")))]
    rows += [("Kolmogorov-Smirnov at the end, √n D", f"{number(ks, 3)} (bound {number(bound, 3)})")]
    if "relative_mass" in figures:
        error = figures["relative_mass_error"]
        relative = number(figures["relative_mass"]) + ("" if error is None else f" ± {number(error, 2)}")
        rows.append(("mass relative to the start", f"{relative}; of the model: {number(figures['relative_mass_of_model'])}"))
        rows.append(("effective number of particles", number(figures["effective_count"], 3)))
    for name in ("w1", "w2"):
        if name in figures:
            against = f"{number(figures[name])}; samples of the model: {number(figures[f'{name}_of_samples'])}"
            rows.append((f"{name.upper()} to the data at the end, {figures['points']} points", against))
    if failed:
        context.warn("paths", f"{count(failed, 'particle')} could not be followed to the end")
    if ks is not None:
        context.figures.append(("KS of transported particles", number(ks, 3), f"bound {number(bound, 3)}"))
        # Of few particles that carry the weight the program has said so; that their paths are inaccurate need not be true.
        if ks > bound and not any("Kolmogorov" in text or "effective number" in text for _, text in context.warnings):
            context.warn(
                "paths",
                f"transported particles miss the model's own distribution at the end: Kolmogorov-Smirnov {number(ks, 3)}, "
                f"bound {number(bound, 3)}",
            )
        if ks <= bound:
            context.sentences.append(
                f"Particles transported over {context.span()} end where the model says (Kolmogorov-Smirnov {number(ks, 3)}, bound "
                f"{number(bound, 3)})."
            )
    return pairs(rows)


# ---- checks ----


def checks_section(context: Context) -> Html:
    path = context.folder / "checks.json"
    context.command(
        "checks", "verify", context.run.model, "--residual-points", context.settings.residual_points, "--model-samples",
        context.settings.check_samples, "--output", path, written=path,
    )  # fmt: skip
    checks = context.read_json("checks.json")["checks"]
    verdicts = [check.get("verdict") or ("passed" if check["passed"] else "failed") for check in checks]
    colours = {"passed": "good", "failed": "bad"}
    rows = [
        (check["name"], element("span", verdict, class_=colours.get(verdict)), number(check["value"], 3),
         number(check["bound"], 3), cell(check["note"], "wide"))
        for check, verdict in zip(checks, verdicts)
    ]  # fmt: skip
    for check, verdict in zip(checks, verdicts):
        if verdict == "failed":
            figures = f"{number(check['value'], 3)}, bound {number(check['bound'], 3)}"
            context.warn("checks", f"a check failed: {check['name']} is {figures}")
        elif verdict != "passed":
            context.warn("checks", f"a check is {verdict}: {check['name']} ({check['note']})")
    n_passed = verdicts.count("passed")
    context.figures.append(("checks passed", f"{n_passed} of {len(checks)}", "what holds for every model"))
    if n_passed == len(checks):
        context.sentences.append(f"All {len(checks)} checks of what must hold for every model passed.")
    else:
        context.sentences.append(f"{n_passed} of {len(checks)} checks of what must hold for every model passed.")
    intro = paragraph("What must hold for every model, however well it fits the data: rhoflux verify.")
    return joined([intro, table(["check", "verdict", "value", "bound", "how"], rows, text=(0, 1, 4))])
