"""`rhoflux-plot density`: the density at several times, with the drift or with data on top."""

from __future__ import annotations

import argparse
from typing import Any, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rhoflux.fields import Field
from rhoflux.plots.commands import UsageError
from rhoflux.plots.drawing import (
    GROWTH_COLOURS,
    NEGLIGIBLE,
    PARTICLE_COLOUR,
    arrow_note,
    box_shape,
    density_colours,
    density_label,
    draw_arrows,
    draw_density_against_time,
    draw_image,
    growth_label,
    growth_norm,
    open_field,
    parse_times,
    require_dims,
    save,
    spread,
    spread_label,
    thinned,
    time_label,
    time_texts,
)
from rhoflux.points import Population, read_population
from rhoflux.times import named_time


def draw(arguments: argparse.Namespace) -> None:
    field = open_field(arguments.field, arguments)
    data = read_population(arguments.data, arguments.split, field.model_names) if arguments.data else None
    if data is not None:
        require_dims(data, field.coordinates)
    if len(field.coordinates) == 1:
        if arguments.times or arguments.arrows:
            raise UsageError("--times and --arrows are for two coordinates; one is drawn against time")
        figure = draw_against_time(field, arguments, data)
    else:
        figure = draw_panels(field, chosen_frames(field, arguments.times), arguments, data)
    save(figure, arguments.output, arguments.dpi)


def chosen_frames(field: Field, text: str | None) -> list[int]:
    """Indices of the wanted times, which must be in the file; at most six of all, evenly, where none are named."""
    n_times = len(field.time)
    if text is None:
        return [int(k) for k in np.unique(np.linspace(0, n_times - 1, min(n_times, 6)).round())]
    frames = []
    for time in parse_times(text, field.naming):
        frame = int(np.argmin(np.abs(field.time - time)))
        is_near = abs(field.time[frame] - time) <= 1e-6 * max(1, np.ptp(field.time))
        if not is_near and named_time(field.time, time) is None:
            wanted, nearest = field.naming.texts([time, field.time[frame]])
            raise UsageError(f"--times {text}: {field.path} has no time {wanted}; the nearest is {nearest}")
        frames.append(frame)
    return frames


def draw_against_time(field: Field, arguments: argparse.Namespace, data: Population | None) -> Figure:
    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    if arguments.colour == "growth":
        order = np.argsort(field.time, kind="stable")
        density, growth = (np.stack(values) for values in zip(*(field.density_and_growth(k) for k in order)))
        [image] = draw_growth([axes], field.time[order], field.axes[0], [(density, growth)])
    else:
        image = draw_density_against_time(axes, field, arguments)
    axes.set_xlim(field.time.min(), field.time.max())
    axes.set_ylim(field.axes[0][0], field.axes[0][-1])
    axes.set(xlabel=time_label(field.naming), ylabel=field.names[0])
    if data is not None:
        random = np.random.default_rng(1)
        inside = np.where((data.t >= field.time.min()) & (data.t <= field.time.max()))[0]
        rows = thinned(inside, arguments.points * 6, random)
        horizontal = spread(data.t[rows], np.ptp(field.time), random)
        scatter(axes, horizontal, data.x[rows, field.coordinates[0] - 1])
        axes.set_xlim(min([field.time.min(), *horizontal]), max([field.time.max(), *horizontal]))
        axes.set_xlabel(spread_label(data.t[rows], horizontal, field.naming))
    figure.colorbar(image, ax=axes, label=colour_label(field, arguments))
    return figure


def colour_label(field: Field, arguments: argparse.Namespace) -> str:
    return growth_label(field) if arguments.colour == "growth" else density_label(field)


def draw_growth(panels: Sequence[Axes], x: np.ndarray, y: np.ndarray, values: list[tuple[np.ndarray, np.ndarray]]) -> list[Any]:
    """On each panel the growth rate (nx, ny) where there is density, and lines of equal density (nx, ny); the same colours on all."""
    largest = max(density.max() for density, _ in values)
    shown = [np.where(density > NEGLIGIBLE * largest, growth, np.nan) for density, growth in values]
    norm = growth_norm(np.concatenate([rates.ravel() for rates in shown]))
    images = []
    for axes, rates, (density, _) in zip(panels, shown, values):
        images.append(axes.pcolormesh(x, y, rates.T, shading="nearest", rasterized=True, cmap=GROWTH_COLOURS, norm=norm))
        axes.contour(x, y, density.T, levels=np.array([0.05, 0.2, 0.5, 0.8]) * largest, colors="0.35", linewidths=0.6)
    return images


def draw_panels(field: Field, frames: list[int], arguments: argparse.Namespace, data: Population | None) -> Figure:
    """A panel for each frame, all with the same colours."""
    x, y = field.axes
    shape = box_shape((x[0], x[-1]), (y[0], y[-1]))
    figure, panels = make_panels(field, len(frames), shape)
    values = [field.density_and_drift(k) if arguments.arrows else (field.density(k), None) for k in frames]
    if arguments.colour == "growth":
        image = draw_growth(panels, x, y, [field.density_and_growth(k) for k in frames])[0]
    else:
        colours = density_colours(arguments, max(density.max() for density, _ in values))
        image = [draw_image(axes, x, y, density, **colours) for axes, (density, _) in zip(panels, values)][-1]
    for axes, title in zip(panels, time_texts(field.time[frames], field.naming)):
        axes.set_title(title, fontsize=10)
        axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    if data is not None:
        draw_data(panels, field, frames, arguments, data)
    if arguments.arrows:
        duration = draw_arrows([(axes, *value) for axes, value in zip(panels, values)], field.axes, shape, across=19)
        if duration is not None:
            figure.supxlabel(arrow_note(duration, field.naming.unit), fontsize=9)
    figure.colorbar(image, ax=panels.tolist(), label=colour_label(field, arguments), pad=0.01)
    return figure


def make_panels(field: Field, count: int, shape: float) -> tuple[Figure, np.ndarray]:
    """Axes of `count` panels and of those that stay empty, row by row, five or six in a row; names of the coordinates outside."""
    columns = count if count <= 6 else 5
    rows = -(-count // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(2.5 * columns + 0.9, 2.4 * rows * shape + 0.7), sharex=True, sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axes in panels[:, 0]:
        axes.set_ylabel(field.names[1])
    panels = panels.ravel()
    for axes in panels[count:]:
        axes.set_axis_off()
    for k, axes in enumerate(panels[:count]):
        if k + columns >= count:  # nothing is below
            axes.set_xlabel(field.names[0])
            axes.tick_params(labelbottom=True)
    return figure, panels


def draw_data(panels: np.ndarray, field: Field, frames: list[int], arguments: argparse.Namespace, data: Population) -> None:
    """On each panel, the rows of the data near its time."""
    window = 0.02 * np.ptp(field.time) if arguments.window is None else arguments.window
    random = np.random.default_rng(1)
    for axes, frame in zip(panels, frames):
        near = thinned(np.where(np.abs(data.t - field.time[frame]) <= window)[0], arguments.points, random)
        scatter(axes, *(data.x[near, c - 1] for c in field.coordinates))


def scatter(axes: Axes, horizontal: np.ndarray, vertical: np.ndarray) -> None:
    axes.scatter(horizontal, vertical, s=4, color=PARTICLE_COLOUR, alpha=0.5, linewidths=0)
