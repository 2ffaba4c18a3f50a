#!/usr/bin/env python3
"""Draw the course of training from history.csv, of one run or of several.

    mpirun -n 2 rhoflux train inputs/branching.cfg
    python3 tools/plot_history.py output/branching --output history.png

Needs numpy, h5py and matplotlib.
"""

from pathlib import Path

import numpy as np
from rhoflux_files import read_history
from rhoflux_plots import add_output_options, make_parser, plt, run, save, tidy


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("history", nargs="+", help="history.csv, or the folder it is in")
    add_output_options(parser, "history.png")
    return parser.parse_args()


def smoothed(values, width):
    """Moving average of the measured values, over as many as there are at the ends."""
    kernel = np.ones(width)
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")


def other_terms(history):
    """Names of the terms of the objective besides the likelihood."""
    known = ("step", "nll", "gradient_norm", "learning_rate", "validation_nll")
    return [name for name in history if name not in known and not name.endswith("_gradient_norm")]


def draw_terms(axes, history, line, label):
    for k, name in enumerate(other_terms(history)):
        there = np.isfinite(history[name])
        axes.plot(history["step"][there], history[name][there], line, color=f"C{k}", linewidth=1, label=f"{label}{name}")


def draw(panels, history, colour, label):
    loss, gradient, rate = panels[:3]
    step = history["step"]
    for name, axes in (("nll", loss), ("gradient_norm", gradient)):
        there = np.isfinite(history[name]) if name in history else np.zeros(len(step), bool)
        if there.any():
            values = history[name][there]
            axes.plot(step[there], values, color=colour, alpha=0.3, linewidth=0.8)
            width = max(1, min(len(values) // 20, 50))
            axes.plot(step[there], smoothed(values, width), color=colour, label=f"{label}training")
    there = np.isfinite(history.get("validation_nll", np.full(len(step), np.nan)))
    if there.any():
        loss.plot(step[there], history["validation_nll"][there], "o--", color=colour, markersize=3.5, label=f"{label}validation")
    if "learning_rate" in history:
        there = np.isfinite(history["learning_rate"])
        rate.plot(step[there], history["learning_rate"][there], color=colour)


def main():
    arguments = parse_arguments()
    runs = [(Path(path), read_history(path)) for path in arguments.history]
    has_terms = any(other_terms(history) for _, history in runs)
    titles = ("negative log-likelihood", "gradient norm", "learning rate", "other terms")[:4 if has_terms else 3]
    figure, panels = plt.subplots(1, len(titles), figsize=(3.7 * len(titles), 3.2), layout="constrained")
    for k, (path, history) in enumerate(runs):
        name = path.parent.name if path.name == "history.csv" else path.name
        label = f"{name}, " if len(runs) > 1 else ""
        draw(panels, history, f"C{k}", label)
        if has_terms:
            draw_terms(panels[3], history, ("-", "--", ":", "-.")[k % 4], label)
    for axes, title in zip(panels, titles):
        axes.set(title=title, xlabel="step")
        tidy(axes)
    # The first steps are far above the rest: the axis shows where the run spends its time.
    losses = np.concatenate([h[c][np.isfinite(h[c])] for _, h in runs for c in ("nll", "validation_nll") if c in h])
    if len(losses) > 20:
        low, high = losses.min(), np.quantile(losses, 0.95)
        panels[0].set_ylim(low - 0.08 * (high - low), high + 0.3 * (high - low))
    panels[0].legend(frameon=False, fontsize=8)
    if has_terms:
        panels[3].legend(frameon=False, fontsize=8)
    panels[1].set_yscale("log")
    save(figure, arguments.output, arguments.dpi)


if __name__ == "__main__":
    run(main)
