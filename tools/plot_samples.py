#!/usr/bin/env python3
"""Draw the samples of `rhoflux sample` beside the data that the model was trained on.

    rhoflux sample best.h5 --times 0:4:9 --count 2000 --output samples.h5
    python3 tools/plot_samples.py samples.h5 --data branching.h5 --output branching.png

Layouts
  overlay  one panel for the data and one for the samples, the colour is time: for populations that move
  panels   one column for each sampled time, data above, samples below: for populations that stay in place

Two coordinates are drawn (--dims, counted from 1); where there is only one, it is drawn against time.
Needs numpy, h5py and matplotlib.
"""

import numpy as np
from rhoflux_files import read_frames, read_population
from rhoflux_plots import (
    TIME_COLOURS,
    add_data_options,
    add_dims_option,
    add_output_options,
    fail,
    half_gap,
    limits,
    make_parser,
    parse_dims,
    plt,
    run,
    save,
    thinned,
    tidy,
    time_label,
)


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("samples", help="output of rhoflux sample: /t (T), /x (T, N, D)")
    add_data_options(parser, (2000, "most points drawn at each time"))
    add_dims_option(parser, "the coordinates to draw (default: 1,2)")
    parser.add_argument("--layout", choices=["overlay", "panels"], default="overlay")
    parser.add_argument(
        "--window",
        type=float,
        help="panels: data within this distance in time of a panel's time belong to it "
        "(default: half the least distance between sampled times)",
    )
    add_output_options(parser, "samples.png")
    return parser.parse_args()


def coordinates(t, x, columns):
    """What goes on the two axes."""
    return (t, x[:, columns[0]]) if len(columns) == 1 else (x[:, columns[0]], x[:, columns[1]])


def style(axes, title, x_limits, y_limits):
    axes.set_title(title, fontsize=10)
    axes.set_xlim(*x_limits)
    axes.set_ylim(*y_limits)
    tidy(axes)


def scatter(axes, t, x, columns, colours):
    """Points in random order, so that no time hides another."""
    order = np.random.default_rng(0).permutation(len(t))
    horizontal, vertical = coordinates(t[order], x[order], columns)
    return axes.scatter(horizontal, vertical, c=t[order], s=5, alpha=0.55, linewidths=0, rasterized=True, **colours)


def draw_overlay(sets, labels, columns, colours, x_limits, y_limits, time_label):
    figure, panels = plt.subplots(
        1,
        len(sets),
        figsize=(4.4 * len(sets) + 0.8, 3.6),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, (title, t, x) in zip(panels[0], sets):
        points = scatter(axes, t, x, columns, colours)
        style(axes, f"{title} at {len(np.unique(t))} times" if len(np.unique(t)) <= 100 else title, x_limits, y_limits)
        axes.set_xlabel(labels[0])
    panels[0][0].set_ylabel(labels[1])
    bar = figure.colorbar(points, ax=panels[0].tolist(), pad=0.02)
    bar.set_label(time_label)
    bar.solids.set_alpha(1)
    return figure


def draw_panels(times, sets, window, labels, columns, colours, x_limits, y_limits):
    figure, panels = plt.subplots(
        len(sets),
        len(times),
        figsize=(1.9 * len(times) + 0.6, 2.0 * len(sets) + 0.4),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for level, (row, (title, t, x)) in enumerate(zip(panels, sets)):
        for axes, time in zip(row, times):
            near = np.abs(t - time) <= window
            scatter(axes, t[near], x[near], columns, colours)
            style(axes, f"t = {time:g}" if level == 0 else "", x_limits, y_limits)
            if not near.any():
                axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", color="0.5")
        row[0].set_ylabel(f"{title}\n{labels[1]}")
    for axes in panels[-1]:
        axes.set_xlabel(labels[0])
    return figure


def main():
    arguments = parse_arguments()
    random = np.random.default_rng(1)
    samples = read_frames(arguments.samples)
    times, n_dims = samples.t, samples.x.shape[2]
    columns = [dim - 1 for dim in parse_dims(arguments.dims, range(1, n_dims + 1))]
    label = time_label(samples.unit)
    labels = [samples.names[column] for column in columns]
    labels = [label, *labels] if len(columns) == 1 else labels

    sets = []
    if arguments.data:
        data = read_population(arguments.data, arguments.split)
        if data.x.shape[1] != n_dims:
            fail(f"{arguments.data}: has {data.x.shape[1]} coordinates, the samples have {n_dims}")
        rows = thinned(np.arange(len(data.t)), arguments.points * len(times), random)
        sets.append(("data", data.t[rows], data.x[rows]))
    drawn = [thinned(block, arguments.points, random) for block in samples.x]
    sets.append(("samples", np.repeat(times, [len(block) for block in drawn]), np.concatenate(drawn)))

    ends = [coordinates(t, x, columns) for _, t, x in sets]
    x_limits, y_limits = (limits(np.concatenate([pair[k] for pair in ends])) for k in (0, 1))
    every_time = np.concatenate([t for _, t, _ in sets])
    colours = {"cmap": TIME_COLOURS, "vmin": every_time.min(), "vmax": every_time.max()}
    if arguments.layout == "overlay":
        figure = draw_overlay(sets, labels, columns, colours, x_limits, y_limits, label)
    else:
        window = half_gap(times) if arguments.window is None else arguments.window
        figure = draw_panels(times, sets, window, labels, columns, colours, x_limits, y_limits)
    save(figure, arguments.output, arguments.dpi)


if __name__ == "__main__":
    run(main)
