"""`rhoflux-plot paths`: paths of particles over the mean density, with arrows of the drift."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from rhoflux.fields import Field
from rhoflux.obstacles import Limits, Obstacles, read_obstacles
from rhoflux.plots.commands import UsageError
from rhoflux.plots.drawing import (
    GROWTH_COLOURS,
    TIME_COLOURS,
    arrow_note,
    box_shape,
    density_colours,
    density_label,
    draw_arrows,
    draw_density_against_time,
    draw_image,
    draw_obstacles,
    growth_label,
    growth_norm,
    limits,
    open_field,
    parse_dims,
    require_dims,
    save,
    tidy,
    time_label,
)
from rhoflux.points import Frames, left_out_note, read_paths


@dataclass
class Lines:
    """Paths of N particles over S times, as they are drawn: in a plane, or one coordinate against time."""

    t: np.ndarray  # (S)
    horizontal: np.ndarray  # (S, N)
    vertical: np.ndarray  # (S, N)
    labels: list[str]  # of the two axes
    in_plane: bool


def draw(arguments: argparse.Namespace) -> None:
    paths = read_paths(arguments.paths, arguments.count)
    if len(paths.t) < 2:
        raise UsageError(f"{paths.path}: has one time; a path needs two")
    field = open_field(arguments.field, arguments) if arguments.field else None
    if arguments.colour == "growth" and field is None:
        raise UsageError("--colour growth: needs --field, which has the growth rate")
    dims = field.coordinates if field else parse_dims(arguments.dims, range(1, paths.x.shape[2] + 1))
    require_dims(paths, dims)
    lines = make_lines(paths, dims)
    obstacles = read_obstacles(arguments.paths) if lines.in_plane and paths.x.shape[2] == 2 else None
    x_limits, y_limits = axis_limits(lines, field, obstacles)
    shape = panel_shape(lines, obstacles, x_limits, y_limits)

    figure, axes = plt.subplots(figsize=(6.6, 5.2 * shape + 0.5), layout="constrained")
    axes.set(xlabel=lines.labels[0], ylabel=lines.labels[1])
    notes = [f"{paths.x.shape[1]} particles, dots where they end"]
    notes += [left_out_note(paths)] if paths.left_out else []
    if field and lines.in_plane:
        duration = draw_mean(figure, axes, field, arguments, shape)
        notes += [] if duration is None else [arrow_note(duration, paths.unit)]
    elif field:
        image = draw_density_against_time(axes, field, arguments)
        figure.colorbar(image, ax=axes, pad=0.03, label=density_label(field))
    if obstacles:
        axes.set_aspect("equal")
        draw_obstacles(axes, obstacles, x_limits, y_limits)
    by_growth = arguments.colour == "growth"
    label = growth_label(field) + " along the paths" if by_growth else time_label(paths.naming) + " of the paths"
    bar = figure.colorbar(coloured_lines(axes, lines, field if by_growth else None), ax=axes, pad=0.02, label=label)
    bar.solids.set_alpha(1)
    axes.set(xlim=x_limits, ylim=y_limits)
    axes.set_title("\n".join(notes), fontsize=10)
    tidy(axes)
    save(figure, arguments.output, arguments.dpi)


def make_lines(paths: Frames, dims: list[int]) -> Lines:
    columns = [paths.x[..., dim - 1] for dim in dims]
    names = [paths.names[dim - 1] for dim in dims]
    if len(dims) == 2:
        return Lines(paths.t, *columns, names, in_plane=True)
    times = np.repeat(paths.t[:, None], paths.x.shape[1], axis=1)
    return Lines(paths.t, times, *columns, [time_label(paths.naming), *names], in_plane=False)


def axis_limits(lines: Lines, field: Field | None, obstacles: Obstacles | None) -> tuple[Limits, Limits]:
    """The field whole, or else the paths, and round obstacles whole."""
    if field:
        low_high = [(points[0], points[-1]) for points in field.axes]
        return tuple(low_high) if lines.in_plane else ((field.time.min(), field.time.max()), *low_high)
    x_limits, y_limits = limits(lines.horizontal), limits(lines.vertical)
    return obstacles.shown_whole(x_limits, y_limits) if obstacles else (x_limits, y_limits)


def panel_shape(lines: Lines, obstacles: Obstacles | None, x_limits: Limits, y_limits: Limits) -> float:
    """Height of the panel by its width."""
    if obstacles:  # circles are to look like circles
        return min(1.4, (y_limits[1] - y_limits[0]) / (x_limits[1] - x_limits[0]))
    return box_shape(x_limits, y_limits) if lines.in_plane else 0.6


def draw_mean(figure: Figure, axes: Axes, field: Field, arguments: argparse.Namespace, shape: float) -> float | None:
    """Density and drift averaged over the times of a field; gives the time that the arrows stand for, if there are any."""
    with_drift = field.has_drift and not arguments.no_arrows
    density, drift = field.mean_density_and_drift() if with_drift else (field.mean_density(), None)
    image = draw_image(axes, *field.axes, density, **density_colours(arguments, density.max()))
    figure.colorbar(image, ax=axes, pad=0.03, label="mean " + density_label(field))
    return draw_arrows([(axes, density, drift)], field.axes, shape, across=21) if with_drift else None


def coloured_lines(axes: Axes, lines: Lines, field: Field | None) -> ScalarMappable:
    """Paths whose colour is time, or the growth rate of a field, each with a dot at its end; gives what the colour bar needs."""
    points = np.stack([lines.horizontal, lines.vertical], axis=-1)
    segments = np.stack([points[:-1], points[1:]], axis=2).reshape(-1, 2, 2)
    middle = np.repeat(0.5 * (lines.t[:-1] + lines.t[1:]), points.shape[1])
    if field is None:
        colours, norm = TIME_COLOURS, plt.Normalize(lines.t.min(), lines.t.max())
    else:
        places = segments.mean(axis=1) if lines.in_plane else segments.mean(axis=1)[:, 1:]
        middle = field.growth_at(middle, places)
        colours, norm = GROWTH_COLOURS, growth_norm(middle)
    axes.add_collection(
        LineCollection(segments, cmap=colours, norm=norm, array=middle, linewidths=0.9, alpha=0.75, zorder=4)
    )
    axes.scatter(*points[-1].T, s=10, color="0.1", linewidths=0, zorder=5, clip_on=lines.in_plane)
    return ScalarMappable(norm=norm, cmap=colours)
