"""What the subcommands share: text of options to numbers, limits, colours, densities, arrows, files. Needs matplotlib."""

from __future__ import annotations

import argparse
from typing import Any, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, PowerNorm
from matplotlib.figure import Figure

from rhoflux.fields import Field
from rhoflux.files import AnyPath
from rhoflux.obstacles import Limits, Obstacles
from rhoflux.plots.commands import UsageError
from rhoflux.points import Frames, Population
from rhoflux.times import TimeNames, distinct_texts

TIME_COLOURS = "turbo"
PARTICLE_COLOUR = "#d1495b"
GROWTH_COLOURS = "RdBu_r"  # red: more births than deaths
NEGLIGIBLE = 0.02  # of the largest density: no arrows where there is less
LOG_DEPTH = 1e-4  # of the largest density: the least that a logarithmic scale shows

Panel = tuple[Axes, np.ndarray, np.ndarray]  # axes, density (n1, n2), drift (n1, n2, 2)


# ---- options ----


def open_field(path: AnyPath, arguments: argparse.Namespace) -> Field:
    """The field, seen as --dims and --slice say."""
    whole = Field(path)
    if arguments.dims is None and arguments.slice is None:
        return whole
    coordinates = None if arguments.dims is None else parse_dims(arguments.dims, whole.known)
    return Field(path, coordinates, arguments.slice)


def parse_dims(text: str | None, available: Sequence[int]) -> list[int]:
    """Coordinates to draw, one or two of those available, counted from 1; the first two where no text is given."""
    if text is None:
        return list(available[:2])
    try:
        dims = [int(part) for part in text.split(",")]
    except ValueError:
        dims = []
    if len(dims) not in (1, 2) or len(set(dims)) != len(dims) or not set(dims) <= set(available):
        raise UsageError(f"--dims {text}: give one or two different numbers of {', '.join(map(str, available))}")
    return dims


def parse_times(text: str, naming: TimeNames) -> np.ndarray:
    """Times (T) of a list 0,0.5,1 or of first:last:count, numbers or names of times, as the commands of rhoflux take them."""
    listed = [naming.read(part) for part in text.split(",")]
    parts = text.split(":")
    # A time of day has colons, too.
    if None not in listed:
        return np.array(listed)
    if len(parts) == 3:
        first, last = naming.read(parts[0]), naming.read(parts[1])
        if first is not None and last is not None and parts[2].strip().isdecimal() and int(parts[2]) > 0:
            return np.linspace(first, last, int(parts[2]))
    raise UsageError(f"--times {text}: give a list such as 0,0.5,1 or first:last:count; times are {naming.allowed()}")


def require_dims(source: Population | Frames, dims: Sequence[int]) -> None:
    """Points that are drawn over something else must have its coordinates."""
    if max(dims) > source.x.shape[-1]:
        raise UsageError(f"{source.path}: has {source.x.shape[-1]} coordinates, coordinate {max(dims)} is drawn")


# ---- points, times and limits ----


def time_label(naming: TimeNames) -> str:
    """Label of an axis of time: t (d since 2016-04-14)."""
    date = naming.date(0.0)
    return f"t ({naming.unit} since {date})" if date else f"t ({naming.unit})" if naming.unit else "t"


def time_texts(times: Sequence[float], naming: TimeNames) -> list[str]:
    """As in: t = 3 d, and on a line of its own what the data call that time."""
    texts = [f"t = {text} {naming.unit}".rstrip() for text in distinct_texts(times, digits=3)]
    names = [naming.name(float(t)) for t in times]
    return [f"{text}\n{name}" if name else text for text, name in zip(texts, names)]


def thinned(rows: np.ndarray, most: int, random: np.random.Generator) -> np.ndarray:
    """At most `most` of the rows, drawn at random, in their order."""
    return rows if len(rows) <= most else rows[np.sort(random.choice(len(rows), most, replace=False))]


def half_gap(times: np.ndarray) -> float:
    """Half the least distance between times: what is nearer to one of them belongs to it alone."""
    gaps = np.diff(np.unique(times))
    return 0.5 * gaps.min() if len(gaps) else np.inf


def spread(times: np.ndarray, range_: float, random: np.random.Generator) -> np.ndarray:
    """Where to draw points (N) along an axis of time: those of a snapshot beside one another, not on one line.

    Times that differ among most of the points stay as they are. `range_` is that of the axis.
    """
    n_times = len(np.unique(times))
    if n_times > 100 or n_times > 0.2 * len(times):
        return times
    width = min(0.4 * half_gap(times), 0.02 * range_)
    return times + random.uniform(-width, width, len(times))


def spread_label(times: np.ndarray, horizontal: np.ndarray, naming: TimeNames) -> str:
    """Label of an axis of time on which points may have been spread."""
    return time_label(naming) + ("" if np.array_equal(times, horizontal) else "; points of one time lie side by side")


def limits(values: np.ndarray) -> Limits:
    """The range of an axis: that of all but the outermost thousandth, and a margin."""
    low, high = np.nanquantile(values, [0.001, 0.999])
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def box_shape(x_limits: Limits, y_limits: Limits) -> float:
    """Height of a panel by its width: that of the ranges unless they are too different."""
    return float(np.clip((y_limits[1] - y_limits[0]) / (x_limits[1] - x_limits[0]), 0.6, 1.3))


def tidy(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


# ---- densities ----


def density_colours(arguments: argparse.Namespace, largest: float) -> dict[str, Any]:
    """Colours as --cmap and --scale say, from no density to the largest."""
    if arguments.cmap not in plt.colormaps():
        raise UsageError(f"--cmap {arguments.cmap}: matplotlib knows no colours of this name")
    largest = largest if largest > 0 else 1.0
    norms = {
        "linear": Normalize(0, largest),
        "sqrt": PowerNorm(0.5, 0, largest),
        "log": LogNorm(LOG_DEPTH * largest, largest, clip=True),
    }
    return {"cmap": arguments.cmap, "norm": norms[arguments.scale]}


def draw_image(axes: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray, **colours: Any) -> Any:
    """Values (nx, ny) at the points x (nx) and y (ny) of a grid, smooth between them."""
    return axes.pcolormesh(x, y, values.T, shading="gouraud", rasterized=True, **colours)


def draw_density_against_time(axes: Axes, field: Field, arguments: argparse.Namespace) -> Any:
    """The density of the one coordinate that a field is seen in, with time to the right."""
    if len(field.time) < 2:
        raise UsageError(f"{field.path}: has one time; one coordinate is drawn against time")
    order = np.argsort(field.time, kind="stable")
    values = np.stack([field.density(k) for k in order])
    return draw_image(axes, field.time[order], field.axes[0], values, **density_colours(arguments, values.max()))


def density_label(field: Field) -> str:
    return f"density, {field.note}" if field.note else "density"


def growth_norm(rates: np.ndarray) -> Normalize:
    """Colours of growth rates (n), even on both sides of 0; few that are far beyond the others do not count."""
    known = np.abs(rates[np.isfinite(rates)])
    largest = float(np.quantile(known, 0.99)) if len(known) else 0.0
    return Normalize(-largest, largest) if largest > 0 else Normalize(-1, 1)


def growth_label(field: Field) -> str:
    label = f"growth rate, 1 / {field.naming.unit}" if field.naming.unit else "growth rate"
    return f"{label}, {field.note.replace('integrated', 'averaged')}" if field.note else label


def draw_obstacles(axes: Axes, obstacles: Obstacles, x_limits: Limits, y_limits: Limits) -> None:
    """Shades the inside of obstacles in two dimensions."""
    x, y = np.meshgrid(np.linspace(*x_limits, 400), np.linspace(*y_limits, 400), indexing="ij")
    depth = obstacles.depth(np.stack([x, y], axis=-1))
    if depth.max() > 0:
        axes.contourf(x, y, depth, levels=[0, depth.max()], colors=["0.45"], alpha=0.55, zorder=2)
        axes.contour(x, y, depth, levels=[0], colors=["0.2"], linewidths=0.8, zorder=2)


# ---- arrows ----


def draw_arrows(panels: Sequence[Panel], grid: Sequence[np.ndarray], shape: float, across: int) -> float | None:
    """Arrows of a drift on panels, the same length for the same drift on all.

    @param panels axes, density (n1, n2) and drift (n1, n2, 2) of each
    @param grid   the two axes of the grid, (n1) and (n2)
    @param shape  height of a panel by its width
    @param across number of arrows along the width of a panel
    @return the time in which particles move along their arrows, or None: there are none
    """
    rows = [_evenly(points, count) for points, count in zip(grid, (across, max(3, round(shape * across))))]
    spacing = np.array([abs(points[-1] - points[0]) / len(r) for points, r in zip(grid, rows)])
    selection = np.ix_(*rows)
    x, y = np.meshgrid(grid[0][rows[0]], grid[1][rows[1]], indexing="ij")
    arrows = []
    for axes, density, drift in panels:
        shown = density[selection] > NEGLIGIBLE * density.max()
        shown &= np.all(np.isfinite(drift[selection]), axis=-1)
        arrows.append((axes, x[shown], y[shown], drift[selection][shown]))
    speeds = np.concatenate([np.hypot(*(drift / spacing).T) for *_, drift in arrows])
    fast = np.quantile(speeds, 0.95) if len(speeds) else 0.0
    if not fast > 0:
        return None
    duration = round_down(1.5 / fast)
    for axes, x, y, drift in arrows:
        steps = duration * drift
        # A few far longer ones would hide the rest.
        steps = steps * np.minimum(1, 3 / np.maximum(np.hypot(*(steps / spacing).T), 1e-12))[:, None]
        axes.quiver(
            x, y, *steps.T, angles="xy", scale_units="xy", scale=1, pivot="mid", color="0.1", alpha=0.85,
            units="width", width=0.0045, headwidth=3.6, headlength=4.2, headaxislength=3.8, minlength=0.4, zorder=3,
        )  # fmt: skip
    return duration


def arrow_note(duration: float, unit: str) -> str:
    return f"arrows: displacement by the drift in a time of {duration:g} {unit}".rstrip()


def round_down(value: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is no larger."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(f"{max(m for m in (1, 2, 5) if m * power <= value * (1 + 1e-12)) * power:.3g}")


def _evenly(points: np.ndarray, count: int) -> np.ndarray:
    """Indices of about `count` grid points, at even distances as far as the grid allows."""
    edges = np.linspace(points[0], points[-1], count + 1)
    return np.unique([np.argmin(np.abs(points - centre)) for centre in 0.5 * (edges[1:] + edges[:-1])])


# ---- files ----


def cannot_write(path: AnyPath, error: Exception) -> UsageError:
    return UsageError(f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}")


def save(figure: Figure, path: AnyPath, dpi: int) -> None:
    try:
        figure.savefig(path, dpi=dpi)
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from None
    plt.close(figure)
    print(f"wrote {path}")
