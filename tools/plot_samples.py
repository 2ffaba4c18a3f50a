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

import argparse
import sys

import h5py
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)

SPLITS = {"train": 0, "val": 1, "test": 2}


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("samples", help="output of rhoflux sample: /t (T), /x (T, N, D)")
    parser.add_argument("--data", help="population file: /t (N), /x (N, D)")
    parser.add_argument("--split", choices=[*SPLITS, "all"], default="all", help="rows of the data to draw (default: all)")
    parser.add_argument("--dims", default="1,2", help="the two coordinates to draw, counted from 1 (default: 1,2)")
    parser.add_argument("--layout", choices=["overlay", "panels"], default="overlay")
    parser.add_argument("--points", type=int, default=2000, help="most points drawn at each time (default: 2000)")
    parser.add_argument(
        "--window",
        type=float,
        help="panels: data within this distance in time of a panel's time belong to it "
        "(default: half the least distance between sampled times)",
    )
    parser.add_argument("--output", default="samples.png", help="picture to write: .png, .pdf, .svg (default: samples.png)")
    parser.add_argument("--dpi", type=int, default=110, help="dots per inch of a .png (default: 110)")
    return parser.parse_args()


def fail(message):
    sys.exit(f"plot_samples: error: {message}")


def open_file(path):
    try:
        return h5py.File(path, "r")
    except OSError as error:
        fail(f"{path}: cannot be read: {error}")


def text(value):
    """HDF5 strings come as bytes or as str, by the version of h5py."""
    return value.decode() if isinstance(value, bytes) else value


def read_samples(path):
    """Times (T), samples (T, N, D), the names of the coordinates and the unit of time."""
    with open_file(path) as file:
        if "x" not in file or file["x"].ndim != 3:
            fail(f"{path}: has no /x of shape (T, N, D); is it an output of rhoflux sample?")
        names = [text(name) for name in file.attrs.get("dim_names", [])]
        return file["t"][:], file["x"][:], names, text(file.attrs.get("time_unit", ""))


def read_data(path, split):
    """Times (N) and states (N, D) of the rows of a split."""
    with open_file(path) as file:
        if "t" not in file or "x" not in file or file["x"].ndim != 2:
            fail(f"{path}: has no /t (N) and /x (N, D); is it a population file?")
        t, x = file["t"][:], file["x"][:]
        if split != "all":
            if "split" not in file:
                fail(f"{path}: has no /split; leave --split out")
            rows = file["split"][:] == SPLITS[split]
            t, x = t[rows], x[rows]
    return t, x


def parse_dims(list_text, n_dims):
    """Column indices of the coordinates to draw; one column where the data have one."""
    try:
        dims = [int(part) - 1 for part in list_text.split(",")]
    except ValueError:
        fail(f"--dims {list_text}: give two numbers such as 1,2")
    if n_dims == 1:
        return [0]
    if len(dims) != 2 or min(dims) < 0 or max(dims) >= n_dims:
        fail(f"--dims {list_text}: give two numbers from 1 to {n_dims}")
    return dims


def thinned(rows, most, random):
    """At most `most` of the rows, drawn at random."""
    return rows if len(rows) <= most else rows[np.sort(random.choice(len(rows), most, replace=False))]


def coordinates(t, x, dims):
    """What goes on the two axes."""
    return (t, x[:, 0]) if len(dims) == 1 else (x[:, dims[0]], x[:, dims[1]])


def limits(values):
    """The range of an axis: that of all but the outermost thousandth, and a margin."""
    low, high = np.quantile(values, [0.001, 0.999])
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def style(axes, title, x_limits, y_limits):
    axes.set_title(title, fontsize=10)
    axes.set_xlim(*x_limits)
    axes.set_ylim(*y_limits)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def scatter(axes, t, x, dims, colours):
    """Points in random order, so that no time hides another."""
    order = np.random.default_rng(0).permutation(len(t))
    horizontal, vertical = coordinates(t[order], x[order], dims)
    return axes.scatter(horizontal, vertical, c=t[order], s=5, alpha=0.55, linewidths=0, rasterized=True, **colours)


def draw_overlay(sets, labels, dims, colours, x_limits, y_limits, time_label):
    figure, panels = plt.subplots(
        1, len(sets), figsize=(4.4 * len(sets) + 0.8, 3.6), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axes, (title, t, x) in zip(panels[0], sets):
        points = scatter(axes, t, x, dims, colours)
        style(axes, f"{title} at {len(np.unique(t))} times" if len(np.unique(t)) <= 100 else title, x_limits, y_limits)
        axes.set_xlabel(labels[0])
    panels[0][0].set_ylabel(labels[1])
    bar = figure.colorbar(points, ax=panels[0].tolist(), pad=0.02)
    bar.set_label(time_label)
    bar.solids.set_alpha(1)
    return figure


def draw_panels(times, sets, window, labels, dims, colours, x_limits, y_limits):
    figure, panels = plt.subplots(
        len(sets), len(times), figsize=(1.9 * len(times) + 0.6, 2.0 * len(sets) + 0.4), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )
    for level, (row, (title, t, x)) in enumerate(zip(panels, sets)):
        for axes, time in zip(row, times):
            near = np.abs(t - time) <= window
            scatter(axes, t[near], x[near], dims, colours)
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
    times, samples, names, unit = read_samples(arguments.samples)
    n_dims = samples.shape[2]
    dims = parse_dims(arguments.dims, n_dims)
    names = names or [f"x{i + 1}" for i in range(n_dims)]
    time_label = f"t ({unit})" if unit else "t"
    labels = [time_label, names[0]] if len(dims) == 1 else [names[i] for i in dims]

    sets = []
    if arguments.data:
        t, x = read_data(arguments.data, arguments.split)
        if x.shape[1] != n_dims:
            fail(f"{arguments.data}: has {x.shape[1]} coordinates, the samples have {n_dims}")
        rows = thinned(np.arange(len(t)), arguments.points * len(times), random)
        sets.append(("data", t[rows], x[rows]))
    drawn = [thinned(block, arguments.points, random) for block in samples]
    sets.append(("samples", np.repeat(times, [len(block) for block in drawn]), np.concatenate(drawn)))

    ends = [coordinates(t, x, dims) for _, t, x in sets]
    x_limits, y_limits = (limits(np.concatenate([pair[k] for pair in ends])) for k in (0, 1))
    every_time = np.concatenate([t for _, t, _ in sets])
    colours = {"cmap": "turbo", "vmin": every_time.min(), "vmax": every_time.max()}
    if arguments.layout == "overlay":
        figure = draw_overlay(sets, labels, dims, colours, x_limits, y_limits, time_label)
    else:
        gaps = np.diff(np.unique(times))
        window = arguments.window if arguments.window is not None else 0.5 * gaps.min() if len(gaps) else np.inf
        figure = draw_panels(times, sets, window, labels, dims, colours, x_limits, y_limits)
    figure.savefig(arguments.output, dpi=arguments.dpi)
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
