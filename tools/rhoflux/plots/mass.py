"""`rhoflux-plot mass`: the mass of a population that grows, with the numbers of rows."""

from __future__ import annotations

import argparse

import numpy as np
from matplotlib import pyplot as plt

from rhoflux.plots.drawing import PARTICLE_COLOUR, save, tidy, time_label
from rhoflux.points import read_counts, read_mass


def draw(arguments: argparse.Namespace) -> None:
    model = read_mass(arguments.mass)
    figure, axes = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    axes.plot(model.t, model.mass, color="C0", linewidth=1.6, label="model")
    if arguments.data:
        data = read_counts(arguments.data, arguments.split)
        # Relative to the first snapshot, where the model may have another mass than at its own first time.
        mass = data.mass * np.interp(data.t[0], model.t, model.mass)
        rows = "all rows" if arguments.split == "all" else f"{arguments.split} rows"
        axes.errorbar(
            data.t, mass, 2 * data.error * mass, fmt="o", color=PARTICLE_COLOUR, markersize=5, capsize=3, label=f"{rows}, counted"
        )
        axes.legend(frameon=False, fontsize=9)
    axes.set(xlabel=time_label(model.naming), ylabel="mass M(t)")
    axes.set_ylim(bottom=0)
    tidy(axes)
    save(figure, arguments.output, arguments.dpi)
