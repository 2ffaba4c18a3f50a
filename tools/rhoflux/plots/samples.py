"""`rhoflux-plot samples`: samples of a model beside the data that it was trained on."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rhoflux.files import as_text, open_file
from rhoflux.obstacles import Limits
from rhoflux.plots.commands import UsageError
from rhoflux.plots.drawing import (
    TIME_COLOURS,
    box_shape,
    half_gap,
    limits,
    parse_dims,
    save,
    spread,
    spread_label,
    thinned,
    tidy,
    time_label,
    time_texts,
)
from rhoflux.points import Frames, read_frames, read_population
from rhoflux.times import TimeNames


@dataclass
class Points:
    """Points to draw, in random order, so that no time hides another."""

    title: str
    t: np.ndarray  # (N)
    horizontal: np.ndarray  # (N)
    vertical: np.ndarray  # (N)


@dataclass
class Look:
    """What all panels share."""

    labels: list[str]  # of the two axes
    limits: tuple[Limits, Limits]  # of the two axes
    colours: dict[str, Any]  # of time
    naming: TimeNames  # dates and labels of times


def draw(arguments: argparse.Namespace) -> None:
    files = [read_frames(path) for path in arguments.samples]
    samples = files[0]
    for other in files[1:]:
        if other.x.shape[2] != samples.x.shape[2]:
            raise UsageError(f"{other.path}: has {other.x.shape[2]} coordinates, {samples.path} has {samples.x.shape[2]}")
    dims = parse_dims(arguments.dims, range(1, samples.x.shape[2] + 1))
    sets = [make_points(*one, dims) for one in chosen_points(arguments, files)]
    every_time = np.concatenate([points.t for points in sets])
    every_place = np.concatenate([points.horizontal for points in sets])
    labels = [samples.names[dim - 1] for dim in dims]
    look = Look(
        labels=labels if len(dims) == 2 else [spread_label(every_time, every_place, samples.naming), *labels],
        limits=(
            limits(every_place),
            limits(np.concatenate([points.vertical for points in sets])),
        ),
        colours={"cmap": TIME_COLOURS, "vmin": every_time.min(), "vmax": every_time.max()},
        naming=samples.naming,
    )
    if arguments.layout == "overlay":
        figure = draw_overlay(sets, look)
    else:
        window = half_gap(samples.t) if arguments.window is None else arguments.window
        figure = draw_panels(samples.t, sets, window, look)
    save(figure, arguments.output, arguments.dpi)


def title_of(samples: Frames) -> str:
    """The condition of the samples, if they have one."""
    with open_file(samples.path) as file:
        return str(as_text(file.attrs["condition"])) if "condition" in file.attrs else "samples"


def chosen_points(arguments: argparse.Namespace, files: list[Frames]) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Title, t (N) and x (N, D) of the data, if there are any, and of the samples; no more points than wanted."""
    random = np.random.default_rng(1)
    chosen, samples = [], files[0]
    if arguments.data:
        data = read_population(arguments.data, arguments.split, samples.names)
        if data.x.shape[1] != samples.x.shape[2]:
            raise UsageError(f"{data.path}: has {data.x.shape[1]} coordinates, the samples have {samples.x.shape[2]}")
        rows = thinned(np.arange(len(data.t)), arguments.points * len(samples.t), random)
        chosen.append(("data", data.t[rows], data.x[rows]))
    for one in files:
        frames = [thinned(frame, arguments.points, random) for frame in one.x]
        times = np.repeat(one.t, [len(frame) for frame in frames])
        chosen.append((title_of(one), times, np.concatenate(frames)))
    return chosen


def make_points(title: str, t: np.ndarray, x: np.ndarray, dims: list[int]) -> Points:
    random = np.random.default_rng(0)
    order = random.permutation(len(t))
    t, x = t[order], x[order]
    if len(dims) == 1:
        return Points(title, t, spread(t, np.ptp(t) or 1.0, random), x[:, dims[0] - 1])
    return Points(title, t, *(x[:, dim - 1] for dim in dims))


def scatter(axes: Axes, points: Points, rows: Any, look: Look) -> Any:
    tidy(axes)
    axes.set(xlim=look.limits[0], ylim=look.limits[1])
    return axes.scatter(
        points.horizontal[rows], points.vertical[rows], c=points.t[rows], s=5, alpha=0.55, linewidths=0, rasterized=True,
        **look.colours,
    )  # fmt: skip


def draw_overlay(sets: list[Points], look: Look) -> Figure:
    """A panel for each set, with a colour for each time."""
    figure, panels = plt.subplots(
        1, len(sets), figsize=(4.4 * len(sets) + 0.8, 3.6), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axes, points in zip(panels[0], sets):
        drawn = scatter(axes, points, slice(None), look)
        n_times = len(np.unique(points.t))
        count = f" at {n_times} time{'s' if n_times > 1 else ''}" if n_times <= 100 else ""
        axes.set_title(points.title + count, fontsize=10)
        axes.set_xlabel(look.labels[0])
    panels[0][0].set_ylabel(look.labels[1])
    bar = figure.colorbar(drawn, ax=panels[0].tolist(), pad=0.02)
    bar.set_label(time_label(look.naming))
    bar.solids.set_alpha(1)
    return figure


def draw_panels(times: np.ndarray, sets: list[Points], window: float, look: Look) -> Figure:
    """A row for each set, a column for each time."""
    shape = box_shape(*look.limits)
    figure, panels = plt.subplots(
        len(sets), len(times), figsize=(1.9 * len(times) + 0.6, (1.7 * shape + 0.3) * len(sets) + 0.4),
        sharex=True, sharey=True, squeeze=False, layout="constrained",
    )  # fmt: skip
    for row, points in zip(panels, sets):
        for axes, time in zip(row, times):
            near = np.abs(points.t - time) <= window
            scatter(axes, points, near, look)
            if not near.any():
                axes.text(0.5, 0.5, f"no {points.title}", transform=axes.transAxes, ha="center", color="0.5")
        row[0].set_ylabel(f"{points.title}\n{look.labels[1]}")
    for axes, title in zip(panels[0], time_texts(times, look.naming)):
        axes.set_title(title, fontsize=10)
    for axes in panels[-1]:
        axes.set_xlabel(look.labels[0])
    return figure
