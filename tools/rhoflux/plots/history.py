"""`rhoflux-plot history`: the course of training, of one run or of several."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatterSciNotation

from rhoflux.history import read_history
from rhoflux.plots.drawing import save, tidy

History = dict[str, np.ndarray]  # columns (rows) by name

LINES = ("-", "--", ":", "-.")  # one for each run, where the colour tells terms apart


class PlainLogFormatter(LogFormatterSciNotation):
    """The ticks that a logarithmic axis labels, as 0.5 and 20; powers of ten from 1e4 on and below 1e-4."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def draw(arguments: argparse.Namespace) -> None:
    runs = [(Path(path), read_history(path)) for path in arguments.history]
    has_terms = any(other_terms(history) for _, history in runs)
    titles = ("negative log-likelihood", "gradient norm", "learning rate", "other terms")[: 4 if has_terms else 3]
    figure, panels = plt.subplots(1, len(titles), figsize=(3.7 * len(titles), 3.2), layout="constrained")
    for k, (path, history) in enumerate(runs):
        name = path.resolve().parent.name if path.name == "history.csv" else path.name
        label = f"{name}, " if len(runs) > 1 else ""
        draw_run(panels, history, f"C{k}", label)
        if has_terms:
            draw_terms(panels[3], history, LINES[k % len(LINES)], label)
    for axes, title in zip(panels, titles):
        axes.set(title=title, xlabel="step")
        tidy(axes)
    show_losses(panels[0], [history for _, history in runs])
    for axes in (panels[0], *panels[3:]):
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=8)
    if any(measured(history, "gradient_norm").any() for _, history in runs):
        panels[1].set_yscale("log")
        panels[1].yaxis.set_major_formatter(PlainLogFormatter())
        panels[1].yaxis.set_minor_formatter(PlainLogFormatter(labelOnlyBase=False))
    save(figure, arguments.output, arguments.dpi)


def draw_run(panels: np.ndarray, history: History, colour: str, label: str) -> None:
    """Likelihood, gradient norm and learning rate; what is noisy also as a moving average."""
    loss, gradient, rate = panels[:3]
    step = history["step"]
    for name, axes in (("nll", loss), ("gradient_norm", gradient)):
        rows = measured(history, name)
        if rows.any():
            values = history[name][rows]
            axes.plot(step[rows], values, color=colour, alpha=0.3, linewidth=0.8)
            width = max(1, min(len(values) // 20, 50))
            axes.plot(step[rows], smoothed(values, width), color=colour, label=f"{label}training")
    for name, axes, style in (("validation_nll", loss, "o--"), ("learning_rate", rate, "-")):
        rows = measured(history, name)
        if rows.any():
            axes.plot(step[rows], history[name][rows], style, color=colour, markersize=3.5, label=f"{label}validation")


def draw_terms(axes: Axes, history: History, line: str, label: str) -> None:
    for k, name in enumerate(other_terms(history)):
        rows = measured(history, name)
        axes.plot(history["step"][rows], history[name][rows], line, color=f"C{k}", linewidth=1, label=f"{label}{name}")


def show_losses(axes: Axes, histories: list[History]) -> None:
    """The first steps are far above the rest: the axis shows where the runs spend their time."""
    losses = np.concatenate([h[name][measured(h, name)] for h in histories for name in ("nll", "validation_nll")])
    if len(losses) > 20:
        low, high = losses.min(), np.quantile(losses, 0.95)
        margin = (high - low) or 1.0
        axes.set_ylim(low - 0.08 * margin, high + 0.3 * margin)


def other_terms(history: History) -> list[str]:
    """Names of the terms of the objective besides the likelihood."""
    known = ("step", "nll", "gradient_norm", "learning_rate", "validation_nll")
    return [name for name in history if name not in known and not name.endswith("_gradient_norm")]


def measured(history: History, name: str) -> np.ndarray:
    """Rows (as booleans) in which a column has a finite figure; none where there is no such column."""
    return np.isfinite(history.get(name, np.full(len(history["step"]), np.nan)))


def smoothed(values: np.ndarray, width: int) -> np.ndarray:
    """Moving average of values (n), over as many as there are at the ends."""
    kernel = np.ones(width)
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")
