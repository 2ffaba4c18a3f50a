"""The subcommands of rhoflux-plot and their options, each declared once. Needs no matplotlib."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any, Callable

from rhoflux.files import SPLITS


class UsageError(Exception):
    """An option that does not fit the files, or a picture that cannot be written."""


@dataclass(frozen=True)
class Option:
    flags: tuple[str, ...]  # or the name of a positional argument
    keywords: dict[str, Any]  # as argparse takes them


@dataclass(frozen=True)
class Command:
    name: str  # also of the module in rhoflux.plots whose draw() does the work
    summary: str
    description: str
    options: tuple[Option, ...]


def option(*flags: str, **keywords: Any) -> Option:
    return Option(flags, keywords)


def positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """Type of an option that must be more than zero."""

    def convert(text: str) -> Any:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not more than 0")
        return value

    convert.__name__ = kind.__name__  # argparse names it: "invalid int value"
    return convert


def output_options(default: str) -> tuple[Option, ...]:
    return (
        option("--output", default=default, help=f"picture to write: .png, .pdf, .svg (default: {default})"),
        option("--dpi", type=positive(int), default=110, help="dots per inch of a .png (default: 110)"),
    )


def data_options(points: int, meaning: str) -> tuple[Option, ...]:
    """Data that are drawn beside or over something, and how many points of them."""
    return (
        option("--data", help="population file: /t (N), /x (N, D)"),
        option("--split", choices=[*SPLITS, "all"], default="all", help="rows of the data to draw (default: all)"),
        option("--points", type=positive(int), default=points, help=f"{meaning} (default: {points})"),
    )


def dims_option(meaning: str) -> Option:
    return option("--dims", help=f"{meaning}, counted from 1: two such as 1,2, or one, which is drawn against time")


# How a field with more coordinates is seen, and its colours.
FIELD_OPTIONS = (
    dims_option("coordinates of the field to draw (default: the first two)"),
    option("--slice", type=float, metavar="X", help="value of the coordinate that is left out (default: it is integrated over)"),
    option("--cmap", default="Blues", help="matplotlib's name of the colours of the density (default: Blues)"),
    option("--scale", choices=["linear", "sqrt", "log"], default="linear", help="colour scale (default: linear)"),
)

def colour_option(other: str, meaning: str) -> Option:
    """What colours show: as ever, or the growth rate."""
    return option("--colour", choices=[other, "growth"], default=other, help=f"what the colours show: {meaning} (default: {other})")


HISTORY = Command(
    name="history",
    summary="the course of training",
    description="""Draw the course of training from history.csv, of one run or of several.

    mpirun -n 2 rhoflux train inputs/branching.cfg
    rhoflux-plot history output/branching --output history.png
""",
    options=(option("history", nargs="+", help="history.csv, or the folder it is in"), *output_options("history.png")),
)

SAMPLES = Command(
    name="samples",
    summary="samples of a model beside the data",
    description="""Draw the samples of `rhoflux sample` beside the data that the model was trained on.

    rhoflux sample best.h5 --times 0:4:9 --count 2000 --output samples.h5
    rhoflux-plot samples samples.h5 --data branching.h5 --output samples.png

Layouts
  overlay  one panel for the data and one for each file of samples, the colour is time: for populations that move
  panels   one column for each sampled time, data above, samples below: for populations that stay in place

Two coordinates are drawn (--dims, counted from 1); where there is only one, it is drawn against time.
""",
    options=(
        option("samples", nargs="+", help="outputs of rhoflux sample, /t (T), /x (T, N, D): one, or several, such as one a condition"),
        *data_options(2000, "most points drawn at each time"),
        dims_option("the coordinates to draw (default: 1,2)"),
        option("--layout", choices=["overlay", "panels"], default="overlay", help="see above (default: overlay)"),
        option(
            "--window",
            type=float,
            help="panels: data within this distance in time of a panel's time belong to it "
            "(default: half the least distance between sampled times)",
        ),
        *output_options("samples.png"),
    ),
)

DENSITY = Command(
    name="density",
    summary="the density at several times, with the drift or with data on top",
    description="""Draw the density of `rhoflux field` at several times, with the drift or with data on top.

    rhoflux field best.h5 --times 0:4:5 --grid 200,200 --output field.h5
    rhoflux-plot density field.h5 --arrows --output density.png

Two coordinates are drawn (--dims, counted from 1), one panel for each time; a single one is drawn against time.
""",
    options=(
        option("field", help="output of rhoflux field: /time (T), /axis_1 .., /density, /velocity"),
        option("--times", help="a list 0,0.5,1 or first:last:count, numbers, dates or labels of the data (default: at most 6 of the file)"),
        *FIELD_OPTIONS,
        colour_option("density", "growth: the growth rate where there is density, red where more are born than die, lines of equal density over it"),
        option("--arrows", action="store_true", help="arrows of the drift"),
        *data_options(500, "most points drawn in a panel"),
        option("--window", type=float, help="data within this distance in time are drawn (default: a fiftieth of the range)"),
        *output_options("density.png"),
    ),
)

PATHS = Command(
    name="paths",
    summary="paths of particles over the mean density",
    description="""Draw the particles of `rhoflux transport` over the density of `rhoflux field`, with arrows of the drift.

    rhoflux transport best.h5 --from 0 --to 4 --count 200 --frames 81 --output paths.h5
    rhoflux field best.h5 --times 0:4:41 --grid 160,160 --output field.h5
    rhoflux-plot paths paths.h5 --field field.h5 --output paths.png

The density is averaged over the times of the field, and the drift with it. Two coordinates are drawn (--dims,
counted from 1); a single one is drawn against time. Obstacles of the state cost are shaded.
""",
    options=(
        option("paths", help="output of rhoflux transport: /t (S), /x (S, N, D)"),
        option("--field", help="output of rhoflux field"),
        *FIELD_OPTIONS,
        colour_option("time", "growth: the growth rate of the field along each path, red where more are born than die"),
        option("--count", type=positive(int), default=80, help="most paths drawn (default: 80)"),
        option("--no-arrows", action="store_true", help="no arrows of the drift"),
        *output_options("paths.png"),
    ),
)

ANIMATE = Command(
    name="animate",
    summary="a film of the density, with particles moving over it",
    description="""Animate the density of `rhoflux field`, with the particles of `rhoflux transport` moving over it.

    rhoflux field best.h5 --times 0:4:41 --grid 160,160 --output field.h5
    rhoflux transport best.h5 --from 0 --to 4 --count 300 --frames 81 --output paths.h5
    rhoflux-plot animate field.h5 --particles paths.h5 --output movie.gif

One frame for each time of the field. A .gif needs pillow, an .mp4 needs ffmpeg.
""",
    options=(
        option("field", help="output of rhoflux field"),
        option("--particles", help="output of rhoflux transport"),
        option("--count", type=positive(int), default=300, help="most particles drawn (default: 300)"),
        *FIELD_OPTIONS,
        option("--fps", type=positive(float), default=12, help="frames a second (default: 12)"),
        option("--dpi", type=positive(int), default=80, help="dots per inch (default: 80)"),
        option("--output", default="movie.gif", help=".gif or .mp4 to write (default: movie.gif)"),
    ),
)

MASS = Command(
    name="mass",
    summary="the mass of a population that grows, with the numbers of rows",
    description="""Draw the mass M(t) of a model with growth, from `rhoflux sample` or `rhoflux field`, with the numbers of rows of the data.

    rhoflux sample best.h5 --times 0:2:41 --count 1 --output mass.h5
    rhoflux-plot mass mass.h5 --data growth.h5 --output mass.png

The points are the sums of the weights of the rows at each time (without weights, their numbers), relative to the first; bars are
twice their sampling error.
""",
    options=(
        option("mass", help="output of rhoflux sample or rhoflux field: /mass (T)"),
        option("--data", help="population file: /t (N), /x (N, D)"),
        option("--split", choices=[*SPLITS, "all"], default="train", help="rows of the data (default: train, as data.mass = counts)"),
        *output_options("mass.png"),
    ),
)

COMMANDS = {command.name: command for command in (HISTORY, SAMPLES, DENSITY, PATHS, MASS, ANIMATE)}
