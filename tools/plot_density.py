#!/usr/bin/env python3
"""Draw the density of `rhoflux field` at several times, with the drift or with data on top.

    rhoflux field best.h5 --times 0:4:5 --grid 200,200 --output field.h5
    python3 tools/plot_density.py field.h5 --arrows --output density.png

Two coordinates are drawn (--dims, counted from 1), one panel for each time; a single one is drawn against time.
Needs numpy, h5py and matplotlib.
"""

import numpy as np
from rhoflux_files import read_population
from rhoflux_plots import (
    PARTICLE_COLOUR,
    add_data_options,
    add_field_options,
    add_output_options,
    add_scale_option,
    arrow_note,
    box_shape,
    colour_scale,
    density_label,
    draw_arrows,
    draw_image,
    fail,
    make_parser,
    open_field,
    parse_times,
    plt,
    require_dims,
    run,
    save,
    thinned,
    time_label,
    time_text,
)


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("field", help="output of rhoflux field: /time (T), /axis_1 .., /density, /velocity")
    parser.add_argument("--times", help="a list 0,0.5,1 or first:last:count (default: at most 6 of the file)")
    add_field_options(parser)
    add_scale_option(parser)
    parser.add_argument("--arrows", action="store_true", help="arrows of the drift")
    add_data_options(parser, (500, "most points drawn in a panel"))
    parser.add_argument(
        "--window", type=float, help="data within this distance in time are drawn (default: a fiftieth of the range)"
    )
    add_output_options(parser, "density.png")
    return parser.parse_args()


def chosen_frames(field, text):
    """Indices of the wanted times, which must be in the file; at most six of all, evenly, where none are named."""
    n_times = len(field.time)
    if text is None:
        return np.unique(np.linspace(0, n_times - 1, min(n_times, 6)).round().astype(int))
    frames = []
    for time in parse_times(text):
        frame = int(np.argmin(np.abs(field.time - time)))
        if abs(field.time[frame] - time) > 1e-6 * max(1, np.ptp(field.time)):
            fail(f"--times {text}: {field.path} has no time {time:g}; the nearest is {field.time[frame]:g}")
        frames.append(frame)
    return frames


def draw_against_time(field, arguments, data):
    if len(field.time) < 2:
        fail(f"{field.path}: has one time; one coordinate is drawn against time")
    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    values = np.stack([field.density(k) for k in range(len(field.time))])
    image = draw_image(axes, field.time, field.axes[0], values, cmap=arguments.cmap, norm=colour_scale(arguments.scale, values.max()))
    if data is not None:
        rows = thinned(np.arange(len(data.t)), arguments.points * 6, np.random.default_rng(1))
        axes.scatter(data.t[rows], data.x[rows, field.coordinates[0] - 1], s=4, color=PARTICLE_COLOUR, alpha=0.5, linewidths=0)
    axes.set_xlim(field.time.min(), field.time.max())
    axes.set_ylim(field.axes[0][0], field.axes[0][-1])
    axes.set(xlabel=time_label(field.unit), ylabel=field.names[0])
    figure.colorbar(image, ax=axes, label=density_label(field.note))
    return figure


def draw_panels(field, frames, arguments, data):
    x, y = field.axes
    shape = box_shape((x[0], x[-1]), (y[0], y[-1]))
    columns = len(frames) if len(frames) <= 6 else 5
    rows = -(-len(frames) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(2.5 * columns + 0.9, 2.4 * rows * shape + 0.7), sharex=True, sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    panels = panels.ravel()
    for axes in panels[len(frames) :]:
        axes.set_axis_off()
    values = [field.density_and_drift(k) if arguments.arrows else (field.density(k), None) for k in frames]
    norm = colour_scale(arguments.scale, max(density.max() for density, _ in values))
    window = 0.02 * np.ptp(field.time) if arguments.window is None else arguments.window
    random = np.random.default_rng(1)
    for axes, frame, (density, _) in zip(panels, frames, values):
        image = draw_image(axes, x, y, density, cmap=arguments.cmap, norm=norm)
        axes.set_title(time_text(field.time[frame], field.unit), fontsize=10)
        axes.set_xlim(x[0], x[-1])
        axes.set_ylim(y[0], y[-1])
        if data is not None:
            near = thinned(np.where(np.abs(data.t - field.time[frame]) <= window)[0], arguments.points, random)
            points = data.x[near][:, [c - 1 for c in field.coordinates]]
            axes.scatter(*points.T, s=4, color=PARTICLE_COLOUR, alpha=0.5, linewidths=0)
    for axes in panels[:: columns]:
        axes.set_ylabel(field.names[1])
    for axes in panels[-columns:]:
        axes.set_xlabel(field.names[0])
    note = density_label(field.note)
    if arguments.arrows:
        duration = draw_arrows([(axes, *value) for axes, value in zip(panels, values)], field.axes, shape, across=13)
        if duration is not None:
            figure.supxlabel(arrow_note(duration, field.unit), fontsize=9)
    figure.colorbar(image, ax=panels.tolist(), label=note, pad=0.01)
    return figure


def main():
    arguments = parse_arguments()
    field = open_field(arguments)
    data = read_population(arguments.data, arguments.split) if arguments.data else None
    if data is not None:
        require_dims(data, field.coordinates)
    if len(field.coordinates) == 1:
        if arguments.times or arguments.arrows:
            fail("--times and --arrows are for two coordinates; one is drawn against time")
        figure = draw_against_time(field, arguments, data)
    else:
        figure = draw_panels(field, chosen_frames(field, arguments.times), arguments, data)
    save(figure, arguments.output, arguments.dpi)


if __name__ == "__main__":
    run(main)
