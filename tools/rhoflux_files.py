"""Reads the files of rhoflux into numpy arrays. Needs numpy and h5py.

    from rhoflux_files import read
    data = read("samples.h5")
    data.t, data.x, data.attributes["dim_names"]

`read` takes any HDF5 file of rhoflux; groups are nested (`data.parameters.mixtures.layer0`), `print(data)` lists what there
is. The others give what the plots need: `read_population`, `read_frames` (samples and particles), `Field`, `read_history`.
What cannot be read, or is of another kind, raises a FileError that says why in one line.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

SPLITS = {"train": 0, "val": 1, "test": 2}

POPULATION = "population"
SAMPLES = "rhoflux samples"
TRANSPORT = "rhoflux transport"
FIELD = "rhoflux field"


class FileError(Exception):
    """A file that cannot be read or does not hold what is wanted."""


class Contents:
    """Datasets and groups of a file or of a group, by name; `attributes` is a dictionary."""

    def __init__(self, where, attributes, items):
        self.__dict__.update(items)
        self._where = where
        self.attributes = attributes

    def names(self):
        return [name for name in vars(self) if name not in ("_where", "attributes")]

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"{self._where} has no '{name}'; it has {', '.join(self.names()) or 'nothing'}")

    def __repr__(self):
        lines = [self._where]
        for name in self.names():
            value = getattr(self, name)
            if isinstance(value, Contents):
                what = "group of " + (", ".join(value.names()) or f"{len(value.attributes)} attributes")
            elif isinstance(value, np.ndarray):
                what = f"{value.shape} {value.dtype}"
            else:
                what = type(value).__name__
            lines.append(f"  {name}: {what}")
        return "\n".join(lines + [f"  attributes: {', '.join(self.attributes)}"])


def read(path, kind=None):
    """Everything in an HDF5 file of rhoflux; with `kind` (as in attributes["kind"]), another kind is an error.

    The group /view of a field is left out: it shows ParaView the same numbers once more.
    """
    with open_file(path) as file:
        if kind is not None:
            require_kind(file, path, [kind])
        return _contents(file, str(path))


def _contents(group, where):
    items = {}
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            if not (name == "view" and kind_of(group) == FIELD):
                items[name] = _contents(item, f"{where}:{item.name}")
        else:
            items[name] = _value(read_dataset(group, name))
            # The deck is stored as an array of one text.
            if isinstance(items[name], list) and len(items[name]) == 1:
                items[name] = items[name][0]
    return Contents(where, {name: _value(value) for name, value in group.attrs.items()}, items)


def _value(value):
    """Text as str, an array of texts as a list of str, numbers as they are."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, np.ndarray) and value.dtype.kind in "SO":
        texts = [text.decode(errors="replace") if isinstance(text, bytes) else text for text in value.ravel().tolist()]
        return texts if value.ndim > 0 else texts[0]
    return value


def open_file(path):
    """An open HDF5 file."""
    path = Path(path)
    if not path.exists():
        raise FileError(f"{path}: there is no such file")
    if not path.is_file() or not h5py.is_hdf5(path):
        raise FileError(f"{path}: is not an HDF5 file, or cannot be opened")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise FileError(f"{path}: cannot be opened: {error}") from None


def read_dataset(group, name, selection=()):
    """Numbers of a dataset; a checksum that does not match is a FileError."""
    try:
        return group[name][selection]
    except OSError as error:
        raise FileError(f"{group.file.filename}: {name} cannot be read, the file may be damaged: {error}") from None


def kind_of(file):
    """The attribute kind, or an empty text."""
    return _value(file.attrs.get("kind", ""))


def require_kind(file, path, kinds):
    """Files without the attribute kind pass: what they hold is checked by those who read it."""
    kind = kind_of(file)
    if kind and kind not in kinds:
        wanted = " or ".join(f"'{one}'" for one in kinds)
        raise FileError(f"{path}: is a file of kind '{kind}', needed is {wanted}")


def require_dataset(file, path, name, n_axes, shape_text):
    """A dataset of so many axes."""
    if name not in file or not isinstance(file[name], h5py.Dataset) or file[name].ndim != n_axes:
        raise FileError(f"{path}: has no /{name} of shape {shape_text}")
    return file[name]


def dim_names(file, n_dims):
    """Names of all coordinates."""
    names = _value(file.attrs.get("dim_names", np.array([], dtype="S1")))
    names = [names] if isinstance(names, str) else list(names)
    return names if len(names) == n_dims else [f"x{k + 1}" for k in range(n_dims)]


@dataclass
class Population:
    path: str
    t: np.ndarray  # (N)
    x: np.ndarray  # (N, D)
    names: list
    unit: str


def read_population(path, split="all"):
    """The rows of a split (train, val, test or all) of a population file."""
    with open_file(path) as file:
        require_kind(file, path, [POPULATION])
        n_rows = require_dataset(file, path, "t", 1, "(N)").shape[0]
        shape = require_dataset(file, path, "x", 2, "(N, D)").shape
        if shape[0] != n_rows:
            raise FileError(f"{path}: /t has {n_rows} rows, /x has {shape[0]}")
        t, x = read_dataset(file, "t"), read_dataset(file, "x")
        if split != "all":
            if "split" not in file:
                raise FileError(f"{path}: has no /split; leave --split out")
            rows = read_dataset(file, "split") == SPLITS[split]
            t, x = t[rows], x[rows]
        if len(t) == 0:
            raise FileError(f"{path}: has no rows" + ("" if split == "all" else f" of the split {split}"))
        return Population(str(path), t, x, dim_names(file, shape[1]), _value(file.attrs.get("time_unit", "")))


@dataclass
class Frames:
    """Points at several times: independent samples, or particles, where x[:, n] is the path of one."""

    path: str
    t: np.ndarray  # (T)
    x: np.ndarray  # (T, N, D)
    names: list
    unit: str

    def at(self, time):
        """Particles (N, D) at a time between frames, on straight lines; t must increase."""
        later = int(np.clip(np.searchsorted(self.t, time), 1, len(self.t) - 1)) if len(self.t) > 1 else 0
        if later == 0 or self.t[later] == self.t[later - 1]:
            return self.x[later]
        share = np.clip((time - self.t[later - 1]) / (self.t[later] - self.t[later - 1]), 0, 1)
        return (1 - share) * self.x[later - 1] + share * self.x[later]


def read_frames(path, kinds=(SAMPLES, TRANSPORT)):
    """All frames of a file of samples or particles, in the order of the file."""
    with open_file(path) as file:
        shape = _check_frames(file, path, kinds)
        return Frames(
            str(path), read_dataset(file, "t"), read_dataset(file, "x"), dim_names(file, shape[2]), _unit(file)
        )


def read_paths(path, most, seed=1):
    """At most so many particles of a transport file, drawn at random, the frames in the order of time."""
    with open_file(path) as file:
        n_times, count, n_dims = _check_frames(file, path, [TRANSPORT])
        t = read_dataset(file, "t")
        chosen = np.sort(np.random.default_rng(seed).choice(count, min(most, count), replace=False))
        order = np.argsort(t, kind="stable")
        x = np.stack([read_dataset(file, "x", k)[chosen] for k in order])
        return Frames(str(path), t[order], x, dim_names(file, n_dims), _unit(file))


@dataclass
class Obstacles:
    """The obstacles of the state cost of a run (objective.state_cost_potential in its deck)."""

    kind: str  # circles, quadrics or balls
    parts: list  # of each, its lists of numbers

    def depth(self, points):
        """Positive inside an obstacle, negative outside: the largest over the parts, for points (..., D)."""
        return np.max([self._depth(points, *part) for part in self.parts], axis=0)

    def shown_whole(self, x_limits, y_limits):
        """Limits of a plane that show round obstacles whole; those of others are left as they are."""
        if self.kind == "quadrics":
            return x_limits, y_limits
        widened = []
        for k, (low, high) in enumerate((x_limits, y_limits)):
            reach = [(centre[k] - 1.15 * shape[0][0], centre[k] + 1.15 * shape[0][0]) for centre, *shape in self.parts]
            widened.append((min(low, *(a for a, _ in reach)), max(high, *(b for _, b in reach))))
        return tuple(widened)

    def _depth(self, points, centre, *shape):
        squares = (points - np.array(centre)) ** 2
        if self.kind == "quadrics":
            return shape[1][0] - squares @ np.array(shape[0])
        return shape[0][0] - np.sqrt(squares.sum(axis=-1))


def read_obstacles(path):
    """The obstacles of the run that a file comes from, or None: it had none."""
    with open_file(path) as file:
        if "deck" not in file:
            return None
        deck = str(np.ravel(read_dataset(file, "deck"))[0].decode())
    texts = [line.split("=", 1)[1].split() for line in deck.splitlines() if line.startswith("state_cost_potential =")]
    if not texts or texts[0][0] not in ("circles", "quadrics", "balls"):
        return None
    kind, *rest = texts[0]
    parts = [[[float(n) for n in field.split(",")] for field in part.split(":")] for part in "".join(rest).split(";")]
    return Obstacles(kind, parts)


def _check_frames(file, path, kinds):
    require_kind(file, path, kinds)
    shape = require_dataset(file, path, "x", 3, "(T, N, D)").shape
    n_times = require_dataset(file, path, "t", 1, "(T)").shape[0]
    if shape[0] != n_times or 0 in shape:
        raise FileError(f"{path}: /t has {n_times} times, /x has the shape {shape}")
    return shape


def _unit(file):
    return _value(file.attrs.get("time_unit", ""))


def trapezoid_weights(points):
    """Weights of the trapezoid rule; of a single point, 1."""
    if len(points) == 1:
        return np.ones(1)
    steps = np.abs(np.diff(points))
    return 0.5 * (np.concatenate([steps, [0]]) + np.concatenate([[0], steps]))


class Field:
    """A field file, seen in one or two of its coordinates. Numbers are read a frame at a time.

    time (T), axes [(n1), (n2)], names, coordinates (counted from 1), unit, and `note`, which tells what became of the
    other coordinates: density is integrated over them and drift averaged with the density, or, with `at`, both are those
    of the grid point that is nearest to this value of the coordinate left out.
    """

    def __init__(self, path, coordinates=None, at=None):
        self.path = str(path)
        self._file = open_file(path)
        file = self._file
        require_kind(file, path, [FIELD])
        self.time = require_dataset(file, path, "time", 1, "(T)")[()]
        if "density" not in file or not 2 <= file["density"].ndim <= 4:
            raise FileError(f"{path}: has no /density of shape (T, n1[, n2[, n3]])")
        shape = file["density"].shape
        n_axes = len(shape) - 1
        all_axes = [require_dataset(file, path, f"axis_{k + 1}", 1, f"(n{k + 1})")[()] for k in range(n_axes)]
        if shape != (len(self.time), *map(len, all_axes)):
            raise FileError(f"{path}: /density has the shape {shape}, /time and the axes say otherwise")
        known = [int(c) for c in np.atleast_1d(file.attrs.get("dims", np.arange(1, n_axes + 1)))]
        if len(known) != n_axes:
            raise FileError(f"{path}: the attribute dims has {len(known)} numbers, the grid has {n_axes} axes")
        everything = dim_names(file, max(known))
        axis_names = [
            str(_value(file[f"axis_{k + 1}"].attrs.get("name", everything[c - 1]))) for k, c in enumerate(known)
        ]

        self.known = known
        self.coordinates = list(coordinates or known[:2])
        if not set(self.coordinates) <= set(known):
            raise FileError(f"{path}: has the coordinates {', '.join(map(str, known))} only")
        kept = [known.index(c) for c in self.coordinates]
        left_out = [k for k in range(n_axes) if k not in kept]
        self._order = kept + left_out
        self.axes = [all_axes[k] for k in kept]
        self.names = [axis_names[k] for k in kept]
        self.unit = _unit(file)
        if min(map(len, self.axes)) < 2:
            raise FileError(f"{path}: a picture needs at least two grid points in each direction")
        self._components = None
        if "velocity" in file:
            if file["velocity"].shape[:-1] != shape or file["velocity"].shape[-1] < n_axes:
                raise FileError(f"{path}: /velocity has the shape {file['velocity'].shape}, /density {shape}")
            # Components of the axes, or of all coordinates.
            of_axes = file["velocity"].shape[-1] == n_axes
            self._components = [k if of_axes else known[k] - 1 for k in kept]

        self._weights, self.note = [], ""
        if at is None:
            self._weights = [trapezoid_weights(all_axes[k]) for k in left_out]
            if left_out:
                self.note = "integrated over " + ", ".join(axis_names[k] for k in left_out)
        elif len(left_out) != 1:
            raise FileError(f"{path}: a slice needs one coordinate that is left out, here are {len(left_out)}")
        else:
            points = all_axes[left_out[0]]
            nearest = int(np.argmin(np.abs(points - at)))
            self._weights = [(np.arange(len(points)) == nearest).astype(float)]
            self.note = f"at {axis_names[left_out[0]]} = {points[nearest]:.4g}"

    @property
    def has_drift(self):
        return self._components is not None

    def density(self, k):
        """(n1[, n2]) at the time of index k."""
        return self._reduce(np.transpose(read_dataset(self._file, "density", k), self._order))

    def density_and_drift(self, k):
        """(n1[, n2]) and (n1[, n2], 1 or 2) at the time of index k."""
        if not self.has_drift:
            raise FileError(f"{self.path}: has no /velocity")
        density = np.transpose(read_dataset(self._file, "density", k), self._order)
        velocity = read_dataset(self._file, "velocity", k)[..., self._components]
        velocity = np.transpose(velocity, [*self._order, velocity.ndim - 1])
        if not self._weights:
            return density, velocity
        flux = self._reduce(_flux(density, velocity))
        density = self._reduce(density)
        return density, _ratio(flux, density)

    def mean(self, drift=False):
        """Density averaged over the times of the file, and, if wanted, the average of the flux over it."""
        weights = trapezoid_weights(self.time)
        weights = weights / weights.sum()
        density, flux = 0.0, 0.0
        for k, weight in enumerate(weights):
            if drift:
                one, velocity = self.density_and_drift(k)
                flux = flux + weight * _flux(one, velocity)
            else:
                one = self.density(k)
            density = density + weight * one
        return (density, _ratio(flux, density)) if drift else (density, None)

    def _reduce(self, values):
        """Sums over the axes that are left out, which come after those that stay."""
        for weights in self._weights:
            values = np.tensordot(values, weights, axes=(len(self.axes), 0))
        return values


def _flux(density, velocity):
    """Nothing flows where there is no density, whatever the drift there."""
    return np.where(density[..., None] > 0, density[..., None] * velocity, 0)


def _ratio(flux, density):
    """Drift of a flux; not a number where there is no density."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(density[..., None] > 0, flux / density[..., None], np.nan)


def read_history(path):
    """Columns of history.csv by name, a figure that was not measured is NaN; a folder means the history.csv in it."""
    path = Path(path)
    if path.is_dir():
        path = path / "history.csv"
    try:
        with open(path, newline="", encoding="utf-8") as file:
            lines = [line for line in csv.reader(file) if line]
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise FileError(f"{path}: is not a CSV file") from None
    if not lines or "step" not in lines[0]:
        raise FileError(f"{path}: has no column 'step'; is it a history.csv of rhoflux train?")
    header, rows = lines[0], lines[1:]
    if not rows:
        raise FileError(f"{path}: has no rows yet")
    values = np.full((len(rows), len(header)), np.nan)
    for i, row in enumerate(rows):
        if len(row) != len(header):
            raise FileError(f"{path}: row {i + 1} has {len(row)} fields, the header has {len(header)}")
        for k, entry in enumerate(row):
            try:
                values[i, k] = float(entry) if entry.strip() else np.nan
            except ValueError:
                raise FileError(f"{path}: row {i + 1}, column {header[k]}: '{entry}' is not a number") from None
    return dict(zip(header, values.T))
