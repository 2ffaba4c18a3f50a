"""What the drawing tools share: options, limits, colours, images of densities, arrows. Needs matplotlib."""

import argparse
import sys
from pathlib import Path

import matplotlib
import numpy as np
from rhoflux_files import SPLITS, Field, FileError

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)
from matplotlib.colors import LogNorm, Normalize, PowerNorm  # noqa: E402

TIME_COLOURS = "turbo"
PARTICLE_COLOUR = "#d1495b"
NEGLIGIBLE = 0.02  # of the largest density: no arrows where there is less
LOG_DEPTH = 1e-4  # of the largest density: the least that a logarithmic scale shows


def run(main):
    """Calls main; what a file or an option has wrong ends in one line and exit status 2."""
    try:
        main()
    except FileError as error:
        fail(str(error))


def fail(message):
    print(f"{Path(sys.argv[0]).stem}: error: {message}", file=sys.stderr)
    sys.exit(2)


def make_parser(description):
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def add_data_options(parser, points):
    parser.add_argument("--data", help="population file: /t (N), /x (N, D)")
    parser.add_argument(
        "--split", choices=[*SPLITS, "all"], default="all", help="rows of the data to draw (default: all)"
    )
    parser.add_argument("--points", type=positive(int), default=points[0], help=f"{points[1]} (default: {points[0]})")


def add_dims_option(parser, what):
    parser.add_argument("--dims", help=f"{what}, counted from 1: two such as 1,2, or one, which is drawn against time")


def add_field_options(parser):
    """How a field with more coordinates is seen, and its colours."""
    add_dims_option(parser, "coordinates of the field to draw (default: the first two)")
    parser.add_argument(
        "--slice",
        type=float,
        metavar="X",
        help="value of the coordinate that is left out (default: it is integrated over)",
    )
    parser.add_argument("--cmap", type=colour_map, default="Blues", help="colours of the density (default: Blues)")


def open_field(arguments, path=None):
    """The field as add_field_options says it is seen."""
    path = path or arguments.field
    whole = Field(path)
    coordinates = None if arguments.dims is None else parse_dims(arguments.dims, whole.known)
    return Field(path, coordinates, arguments.slice) if arguments.dims or arguments.slice is not None else whole


def add_scale_option(parser):
    parser.add_argument(
        "--scale", choices=["linear", "sqrt", "log"], default="linear", help="colour scale (default: linear)"
    )


def add_output_options(parser, output):
    parser.add_argument("--output", default=output, help=f"picture to write: .png, .pdf, .svg (default: {output})")
    parser.add_argument("--dpi", type=positive(int), default=110, help="dots per inch of a .png (default: 110)")


def positive(kind):
    """Type of an option that must be more than zero."""

    def convert(text):
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not more than 0")
        return value

    convert.__name__ = kind.__name__
    return convert


def colour_map(name):
    if name not in matplotlib.colormaps:
        raise argparse.ArgumentTypeError(f"matplotlib knows no colours '{name}'")
    return name


def parse_dims(text, available):
    """Coordinates to draw, one or two of those available, counted from 1; the first two where no text is given."""
    if text is None:
        return list(available[:2])
    try:
        dims = [int(part) for part in text.split(",")]
    except ValueError:
        dims = []
    if len(dims) not in (1, 2) or len(set(dims)) != len(dims) or not set(dims) <= set(available):
        fail(f"--dims {text}: give one or two different numbers of {', '.join(map(str, available))}")
    return dims


def parse_times(text):
    """A list 0,0.5,1 or first:last:count, as the commands of rhoflux take it."""
    try:
        if ":" in text:
            first, last, count = text.split(":")
            times = np.linspace(float(first), float(last), int(count))
        else:
            times = np.array([float(part) for part in text.split(",")])
    except ValueError:
        times = np.array([np.nan])
    if len(times) == 0 or not np.all(np.isfinite(times)):
        fail(f"--times {text}: give a list such as 0,0.5,1 or first:last:count")
    return times


def require_dims(source, dims):
    """Points that are drawn over something else must have its coordinates."""
    if max(dims) > source.x.shape[-1]:
        fail(f"{source.path}: has {source.x.shape[-1]} coordinates, coordinate {max(dims)} is drawn")


def time_label(unit):
    return f"t ({unit})" if unit else "t"


def time_text(time, unit):
    return f"t = {time:.3g} {unit}".rstrip()


def thinned(rows, most, random):
    """At most `most` of the rows, drawn at random."""
    return rows if len(rows) <= most else rows[np.sort(random.choice(len(rows), most, replace=False))]


def half_gap(times):
    """Half the least distance between times: what is nearer to one of them belongs to it alone."""
    gaps = np.diff(np.unique(times))
    return 0.5 * gaps.min() if len(gaps) else np.inf


def limits(values):
    """The range of an axis: that of all but the outermost thousandth, and a margin."""
    low, high = np.nanquantile(values, [0.001, 0.999])
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def box_shape(x_limits, y_limits):
    """Height of a panel by its width: that of the ranges unless they are too different."""
    return float(np.clip((y_limits[1] - y_limits[0]) / (x_limits[1] - x_limits[0]), 0.6, 1.3))


def tidy(axes):
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def colour_scale(kind, largest):
    """Colours of a density from nothing to its largest value."""
    largest = largest if largest > 0 else 1.0
    if kind == "log":
        return LogNorm(LOG_DEPTH * largest, largest, clip=True)
    return PowerNorm(0.5, 0, largest) if kind == "sqrt" else Normalize(0, largest)


def draw_image(axes, x, y, values, **colours):
    """Values (nx, ny) at the points of a grid, smooth between them."""
    return axes.pcolormesh(x, y, values.T, shading="gouraud", rasterized=True, **colours)


def draw_obstacles(axes, obstacles, x_limits, y_limits):
    """Shades the inside of obstacles in two dimensions."""
    x, y = np.meshgrid(np.linspace(*x_limits, 400), np.linspace(*y_limits, 400), indexing="ij")
    depth = obstacles.depth(np.stack([x, y], axis=-1))
    if depth.max() > 0:
        axes.contourf(x, y, depth, levels=[0, depth.max()], colors=["0.45"], alpha=0.55, zorder=2)
        axes.contour(x, y, depth, levels=[0], colors=["0.2"], linewidths=0.8, zorder=2)


def density_label(note):
    return f"density, {note}" if note else "density"


def draw_arrows(panels, grid, shape, across=17):
    """Arrows of a drift on panels, the same length for the same drift on all.

    @param panels (axes, density (n1, n2), drift (n1, n2, 2)) of each
    @param grid the two axes of the grid
    @param shape height of a panel by its width
    @return the time in which particles move along their arrows, or None: there are none
    """
    rows = [_evenly(points, count) for points, count in zip(grid, (across, max(3, round(shape * across))))]
    spacing = np.array([abs(points[-1] - points[0]) / len(r) for points, r in zip(grid, rows)])
    selection = np.ix_(*rows)
    x, y = np.meshgrid(grid[0][rows[0]], grid[1][rows[1]], indexing="ij")
    arrows = []
    for axes, density, drift in panels:
        largest = density.max()
        shown = (density[selection] > NEGLIGIBLE * largest) & np.all(np.isfinite(drift[selection]), axis=-1)
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


def arrow_note(duration, unit):
    return f"arrows: way of a particle in {duration:g} {unit}".rstrip()


def round_down(value):
    """The largest of 1, 2, 5 times a power of ten that is no larger."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(f"{max(m for m in (1, 2, 5) if m * power <= value * (1 + 1e-12)) * power:.3g}")


def _evenly(points, count):
    """Indices of about so many grid points, at even distances as far as the grid allows."""
    edges = np.linspace(points[0], points[-1], count + 1)
    return np.unique([np.argmin(np.abs(points - centre)) for centre in 0.5 * (edges[1:] + edges[:-1])])


def save(figure, path, dpi):
    try:
        figure.savefig(path, dpi=dpi)
    except (OSError, ValueError) as error:
        fail(f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}")
    plt.close(figure)
    print(f"wrote {path}")
