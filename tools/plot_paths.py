#!/usr/bin/env python3
"""Draw the particles of `rhoflux transport` over the density of `rhoflux field`, with arrows of the drift.

    rhoflux transport best.h5 --from 0 --to 4 --count 200 --frames 81 --output paths.h5
    rhoflux field best.h5 --times 0:4:41 --grid 160,160 --output field.h5
    python3 tools/plot_paths.py paths.h5 --field field.h5 --output paths.png

The density is averaged over the times of the field, and the drift with it. Two coordinates are drawn (--dims,
counted from 1); a single one is drawn against time. Obstacles of the state cost are shaded. Needs numpy, h5py and matplotlib.
"""

import numpy as np
from matplotlib.collections import LineCollection
from rhoflux_files import read_obstacles, read_paths
from rhoflux_plots import (
    TIME_COLOURS,
    add_field_options,
    add_output_options,
    add_scale_option,
    arrow_note,
    box_shape,
    colour_scale,
    density_label,
    draw_arrows,
    draw_image,
    draw_obstacles,
    fail,
    limits,
    make_parser,
    open_field,
    parse_dims,
    plt,
    positive,
    require_dims,
    run,
    save,
    tidy,
    time_label,
)


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("paths", help="output of rhoflux transport: /t (S), /x (S, N, D)")
    parser.add_argument("--field", help="output of rhoflux field")
    add_field_options(parser)
    add_scale_option(parser)
    parser.add_argument("--count", type=positive(int), default=80, help="most paths drawn (default: 80)")
    parser.add_argument("--no-arrows", action="store_true", help="no arrows of the drift")
    add_output_options(parser, "paths.png")
    return parser.parse_args()


def coloured_lines(axes, paths, horizontal, vertical):
    """Paths (S, N) whose colour is time, each with a dot at its end."""
    norm = plt.Normalize(paths.t.min(), paths.t.max())
    points = np.stack([horizontal, vertical], axis=-1)
    segments = np.stack([points[:-1], points[1:]], axis=2).reshape(-1, 2, 2)
    middle = np.repeat(0.5 * (paths.t[:-1] + paths.t[1:]), points.shape[1])
    lines = LineCollection(segments, cmap=TIME_COLOURS, norm=norm, array=middle, linewidths=0.9, alpha=0.75, zorder=4)
    axes.add_collection(lines)
    axes.scatter(*points[-1].T, s=10, color="0.1", linewidths=0, zorder=5)
    return plt.cm.ScalarMappable(norm=norm, cmap=TIME_COLOURS)


def main():
    arguments = parse_arguments()
    paths = read_paths(arguments.paths, arguments.count)
    if len(paths.t) < 2:
        fail(f"{paths.path}: has one time; a path needs two")
    field = open_field(arguments, arguments.field) if arguments.field else None
    dims = field.coordinates if field else parse_dims(arguments.dims, range(1, paths.x.shape[2] + 1))
    require_dims(paths, dims)
    columns = [paths.x[..., dim - 1] for dim in dims]
    horizontal, vertical = columns if len(dims) == 2 else (np.repeat(paths.t[:, None], columns[0].shape[1], axis=1), columns[0])
    labels = [paths.names[dim - 1] for dim in dims]
    labels = labels if len(dims) == 2 else [time_label(paths.unit), *labels]

    x_limits, y_limits = limits(horizontal), limits(vertical)
    if field and len(dims) == 2:
        x_limits, y_limits = ((points[0], points[-1]) for points in field.axes)
    elif field:
        x_limits, y_limits = (field.time.min(), field.time.max()), (field.axes[0][0], field.axes[0][-1])
    obstacles = read_obstacles(arguments.paths) if len(dims) == 2 and paths.x.shape[2] == 2 else None
    if obstacles and not field:
        x_limits, y_limits = obstacles.shown_whole(x_limits, y_limits)
    shape = box_shape(x_limits, y_limits) if len(dims) == 2 else 0.6
    if obstacles:  # circles are to look like circles
        shape = min(1.4, (y_limits[1] - y_limits[0]) / (x_limits[1] - x_limits[0]))
    figure, axes = plt.subplots(figsize=(6.6, 5.2 * shape + 0.5), layout="constrained")
    duration = None
    if field and len(dims) == 2:
        with_drift = field.has_drift and not arguments.no_arrows
        density, drift = field.mean(drift=with_drift)
        image = draw_image(axes, *field.axes, density, cmap=arguments.cmap, norm=colour_scale(arguments.scale, density.max()))
        figure.colorbar(image, ax=axes, pad=0.01, label="mean " + density_label(field.note))
        if with_drift:
            duration = draw_arrows([(axes, density, drift)], field.axes, shape, across=21)
    elif field:
        if len(field.time) < 2:
            fail(f"{field.path}: has one time; one coordinate is drawn against time")
        values = np.stack([field.density(k) for k in range(len(field.time))])
        image = draw_image(axes, field.time, field.axes[0], values, cmap=arguments.cmap, norm=colour_scale(arguments.scale, values.max()))
        figure.colorbar(image, ax=axes, pad=0.01, label=density_label(field.note))
    if obstacles:
        axes.set_aspect("equal")
        draw_obstacles(axes, obstacles, x_limits, y_limits)
    bar = figure.colorbar(coloured_lines(axes, paths, horizontal, vertical), ax=axes, pad=0.01, label=time_label(paths.unit) + " of the paths")
    bar.solids.set_alpha(1)
    axes.set_xlim(*x_limits)
    axes.set_ylim(*y_limits)
    axes.set(xlabel=labels[0], ylabel=labels[1])
    title = f"{paths.x.shape[1]} particles"
    axes.set_title(title if duration is None else f"{title}; {arrow_note(duration, paths.unit)}", fontsize=10)
    tidy(axes)
    save(figure, arguments.output, arguments.dpi)


if __name__ == "__main__":
    run(main)
