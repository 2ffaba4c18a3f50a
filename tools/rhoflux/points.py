"""Points at times: the rows of a population, samples of a model, particles and their paths."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Sequence

import h5py
import numpy as np

from rhoflux.files import (
    FIELD,
    POPULATION,
    SAMPLES,
    SPLITS,
    TRANSPORT,
    AnyPath,
    FileError,
    columns_of,
    dim_names,
    open_file,
    read_dataset,
    require_dataset,
    require_kind,
    time_names,
    time_unit,
)
from rhoflux.times import TimeNames


@dataclass
class Population:
    """Rows of a population, in the units of the file."""

    path: str
    t: np.ndarray  # (N)
    x: np.ndarray  # (N, D)
    names: list[str]  # of the D coordinates
    unit: str  # of t, or empty


def read_population(path: AnyPath, split: str = "all", names: list[str] | None = None) -> Population:
    """The rows of a split (train, val, test or all) of a population file.

    names: of coordinates, as a model has them; they are found by these, where the file has them, and stand in this order
    """
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
        own = dim_names(file, shape[1])
        columns = columns_of(names, own, path) if names else None
        if columns is not None:
            x, own = x[:, columns], list(names)
        return Population(str(path), t, x, own, time_unit(file))


@dataclass
class Mass:
    """Mass of a population at some times, relative to that at the first of them or as a model says."""

    t: np.ndarray  # (T), ascending
    mass: np.ndarray  # (T)
    error: np.ndarray  # (T), relative standard error; 0 of a model
    naming: TimeNames  # dates and labels of times


def read_mass(path: AnyPath) -> Mass:
    """M(t) of a model that grows, from a file of samples or a field."""
    with open_file(path) as file:
        require_kind(file, path, [SAMPLES, FIELD])
        if "mass" not in file:
            raise FileError(f"{path}: has no /mass; the model does not grow")
        t = read_dataset(file, "time" if "time" in file else "t")
        order = np.argsort(t, kind="stable")
        return Mass(t[order], read_dataset(file, "mass")[order], np.zeros(len(t)), time_names(file))


def read_counts(path: AnyPath, split: str = "all") -> Mass:
    """Sums of the weights of the rows at each time of a population file, over that at the first time.

    The error is that of sampling, (1 / n(t) + 1 / n(first))^(1/2) with n the effective numbers of rows (sum w)^2 / sum w^2.
    """
    rows = read_population(path, split)
    with open_file(path) as file:
        weight = read_dataset(file, "weight") if "weight" in file else np.ones(file["t"].shape[0])
        if split != "all":
            weight = weight[read_dataset(file, "split") == SPLITS[split]]
    t, which = np.unique(rows.t[weight > 0], return_inverse=True)
    weight = weight[weight > 0]
    total, square = np.bincount(which, weight), np.bincount(which, weight**2)
    per_row = square / total**2
    return Mass(t, total / total[0], np.where(t > t[0], np.sqrt(per_row + per_row[0]), 0), TimeNames(rows.unit))


@dataclass
class Frames:
    """Points at several times: independent samples, or particles, where x[:, n] is the path of one."""

    path: str
    t: np.ndarray  # (T)
    x: np.ndarray  # (T, N, D)
    names: list[str]  # of the D coordinates
    unit: str  # of t, or empty
    left_out: int = 0  # particles of the file that could not be followed to the end
    naming: TimeNames = field(default_factory=TimeNames)  # dates and labels of times
    origin: np.ndarray | None = None  # (N), of paths: the particles of the first frame, which /source_row, /id and /condition are of

    def at(self, time: float) -> np.ndarray:
        """Particles (N, D) at a time between frames, on straight lines; t must increase."""
        later = int(np.clip(np.searchsorted(self.t, time), 1, len(self.t) - 1)) if len(self.t) > 1 else 0
        if later == 0 or self.t[later] == self.t[later - 1]:
            return self.x[later]
        share = np.clip((time - self.t[later - 1]) / (self.t[later] - self.t[later - 1]), 0, 1)
        return (1 - share) * self.x[later - 1] + share * self.x[later]


def read_frames(path: AnyPath, kinds: Sequence[str] = (SAMPLES, TRANSPORT)) -> Frames:
    """All frames of a file of samples or particles, in the order of the file."""
    with open_file(path) as file:
        n_dims = _check_frames(file, path, kinds)[2]
        return Frames(str(path), read_dataset(file, "t"), read_dataset(file, "x"), dim_names(file, n_dims), time_unit(file), 0, time_names(file))


def read_paths(path: AnyPath, most: int, seed: int = 1) -> Frames:
    """At most this number of particles of a transport file, drawn at random, the frames in the order of time.

    Particles that could not be followed to the end (NaN in the last frame saved) are left out and counted.
    """
    with open_file(path) as file:
        _, count, n_dims = _check_frames(file, path, [TRANSPORT])
        t = read_dataset(file, "t")
        whole = np.flatnonzero(np.isfinite(read_dataset(file, "x", len(t) - 1)).all(axis=1))
        if len(whole) == 0:
            raise FileError(f"{path}: none of its {count} particles could be followed to the end")
        chosen = whole[np.sort(np.random.default_rng(seed).choice(len(whole), min(most, len(whole)), replace=False))]
        order = np.argsort(t, kind="stable")
        places = _places(file, chosen, len(t))
        x = np.stack([read_dataset(file, "x", k)[rows] for k, rows in zip(order, places[order])])
        left_out = count - len(whole)
        return Frames(str(path), t[order], x, dim_names(file, n_dims), time_unit(file), left_out, time_names(file), places[0])


def read_origins(path: AnyPath) -> np.ndarray:
    """Which particle of the first frame each particle of each frame comes from (T, N), in the order of the file.

    With births and deaths /source_row, /id and /condition are those of the particles of the first frame: a particle of frame k
    has `source_row[origins[k]]`. Without them a particle comes from itself.
    """
    with open_file(path) as file:
        n_frames, count, _ = _check_frames(file, path, [TRANSPORT])
        if "origin" in file:
            return read_dataset(file, "origin")
        origins = np.tile(np.arange(count), (n_frames, 1))
        for k in range(1, n_frames if "ancestor" in file else 1):
            origins[k] = origins[k - 1][read_dataset(file, "ancestor", k)]
        return origins


def _places(file: h5py.File, last: np.ndarray, n_frames: int) -> np.ndarray:
    """Where the particles that are at `last` in the last frame are in each frame (T, n): with births and deaths, their ancestors."""
    places = np.tile(last, (n_frames, 1))
    if "ancestor" in file:
        for k in range(n_frames - 1, 0, -1):
            places[k - 1] = read_dataset(file, "ancestor", k)[places[k]]
    return places


def left_out_note(paths: Frames) -> str:
    """What a picture says of the particles that it does not show."""
    return f"without {paths.left_out} that could not be followed to the end"


def _check_frames(file: h5py.File, path: AnyPath, kinds: Sequence[str]) -> tuple[int, int, int]:
    """The shape of /x; none of its three lengths is zero."""
    require_kind(file, path, kinds)
    shape = require_dataset(file, path, "x", 3, "(T, N, D)").shape
    n_times = require_dataset(file, path, "t", 1, "(T)").shape[0]
    if shape[0] != n_times or 0 in shape:
        raise FileError(f"{path}: /t has {n_times} times, /x has the shape {shape}")
    return shape
