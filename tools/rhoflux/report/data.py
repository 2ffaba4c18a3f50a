"""The data of a run: rows by time and split, labels, and a part of them that is small enough for a report."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Sequence

import h5py
import numpy as np

from rhoflux.files import (
    POPULATION,
    SPLITS,
    FileError,
    as_text,
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

PIECE = 1 << 20  # rows read at once
MOST_TIMES = 1000  # that are counted one by one


@dataclass
class Data:
    path: Path
    n_rows: int  # of weight above 0
    n_without_weight: int
    split_counts: dict[str, int]
    times: np.ndarray  # (T), those with rows; empty where there are more than MOST_TIMES
    counts: np.ndarray  # (T, 3), rows by split
    range: tuple[float, float]
    names: list[str]
    unit: str
    columns: list[int] | None = None  # of /x that have the names of the model, in its order; None: all as they stand
    labels: dict[str, list[str]] = field(default_factory=dict)  # categories of each label
    naming: TimeNames = field(default_factory=TimeNames)  # dates and labels of times
    working: Path = Path()  # what commands and pictures read: the file, or some rows of it
    n_working: int = 0

    @property
    def is_events(self) -> bool:
        """Whether times are those of events, by the rule of `rhoflux evaluate`: more than half have only one or two rows."""
        if len(self.times) == 0:
            return True
        return len(self.times) > 2 and 2 * np.sum(self.counts.sum(axis=1) <= 2) > len(self.times)

    def split(self) -> str:
        """Rows that a model is judged by: those that it has not seen, if there are any."""
        return next(name for name in ("test", "val", "train") if self.split_counts[name] > 0)


def read_data(path: Path, names: list[str]) -> Data:
    """What there is in a population, of which the coordinates of a model are looked at; reads times, splits and weights in pieces."""
    with open_file(path) as file:
        require_kind(file, path, [POPULATION])
        n_rows = require_dataset(file, path, "t", 1, "(N)").shape[0]
        shape = require_dataset(file, path, "x", 2, "(N, D)").shape
        columns = columns_of(names, dim_names(file, shape[1]), path)
        if columns is None and shape != (n_rows, len(names)):
            raise FileError(f"{path}: /x is {shape}, needed is ({n_rows}, {len(names)}) for the times and the model")
        counted: dict[float, np.ndarray] | None = {}
        total, without = np.zeros(3, int), 0
        first, last = np.inf, -np.inf
        for start in range(0, n_rows, PIECE):
            rows = slice(start, start + PIECE)
            t, code = read_dataset(file, "t", rows), _splits(file, rows, min(PIECE, n_rows - start))
            if "weight" in file:
                counts = read_dataset(file, "weight", rows) > 0
                without += int(np.sum(~counts))
                t, code = t[counts], code[counts]
            if len(t) == 0:
                continue
            first, last = min(first, t.min()), max(last, t.max())
            total += np.bincount(code, minlength=3)[:3]
            counted = _count_times(counted, t, code)
        if total.sum() == 0:
            raise FileError(f"{path}: has no rows of weight above 0")
        times = np.array(sorted(counted or {}))
        return Data(
            path=path,
            n_rows=int(total.sum()),
            n_without_weight=without,
            split_counts={name: int(total[k]) for name, k in SPLITS.items()},
            times=times,
            counts=np.array([counted[t] for t in times]) if counted else np.zeros((0, 3), int),
            range=(float(first), float(last)),
            names=dim_names(file, shape[1]) if columns is None else names,
            columns=columns,
            unit=time_unit(file),
            labels=_labels(file),
            naming=time_names(file),
            working=path,
            n_working=n_rows,
        )


def thin(data: Data, most: int, folder: Path) -> None:
    """Of a larger file, lets commands and pictures read a copy with so many rows at most, drawn at random; of one whose coordinates are
    not those of the model, one that has these."""
    with open_file(data.path) as file:
        n_rows = file["t"].shape[0]
    if n_rows > most or data.columns is not None:
        rows = np.unique(np.random.default_rng(1).integers(0, n_rows, most)) if n_rows > most else np.arange(n_rows)
        data.working, data.n_working = folder / "thinned.h5", len(rows)
        copy_rows(data.path, data.working, rows, data.columns)


def copy_rows(source: Path, target: Path, rows: np.ndarray, columns: list[int] | None = None) -> None:
    """A population of some rows (increasing) of another, with their weights, splits, labels and conditions.

    columns: of the coordinates, in the order in which they are written; None: all as they stand
    """
    with open_file(source) as old, h5py.File(target, "w") as new:
        new.attrs.update(old.attrs)
        for name in ("t", "x", "weight", "split"):
            if name in old:
                new[name] = _chosen(old, name, rows)
        if columns is not None:
            names, x = dim_names(old, old["x"].shape[1]), new["x"][()]
            del new["x"]
            new["x"] = x[:, columns]
            new.attrs["dim_names"] = np.array([names[k] for k in columns], dtype=h5py.string_dtype())
        for name, label in _label_datasets(old):
            new[f"label/{name}"] = _chosen(old["label"], name, rows)
            new[f"label/{name}"].attrs.update(label.attrs)
        for name, condition in old.get("condition", {}).items():
            new[f"condition/{name}"] = _chosen(old["condition"], name, rows)
            new[f"condition/{name}"].attrs.update(condition.attrs)


def _chosen(group: h5py.Group, name: str, rows: np.ndarray) -> np.ndarray:
    """Some rows (increasing) of a dataset, read in pieces: HDF5 takes minutes for many single rows."""
    pieces = []
    for start in range(0, len(group[name]), PIECE):
        here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + PIECE)] - start
        if len(here):
            pieces.append(read_dataset(group, name, slice(start, start + PIECE))[here])
    return np.concatenate(pieces) if pieces else read_dataset(group, name, slice(0, 0))


def read_rows(path: Path, split: str, t: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Rows x (n, D) of weight above 0 of a split (or all), at one time if it is given, and their weights (n)."""
    with open_file(path) as file:
        times = read_dataset(file, "t")
        weight = read_dataset(file, "weight") if "weight" in file else np.ones(len(times))
        chosen = weight > 0
        if t is not None:
            chosen &= times == t
        if split != "all":
            chosen &= _splits(file, slice(None), len(times)) == SPLITS[split]
        return read_dataset(file, "x")[chosen], weight[chosen].astype(float)


def rows_at(path: Path, t: float) -> np.ndarray:
    """Numbers of the rows of weight above 0 at a time."""
    with open_file(path) as file:
        chosen = read_dataset(file, "t") == t
        if "weight" in file:
            chosen &= read_dataset(file, "weight") > 0
        return np.flatnonzero(chosen)


def _count_times(counted: dict[float, np.ndarray] | None, t: np.ndarray, code: np.ndarray) -> dict[float, np.ndarray] | None:
    """Adds rows to the counts (3) of each time; None once there are too many times."""
    if counted is None:
        return None
    times, place = np.unique(t, return_inverse=True)
    if len(times) > MOST_TIMES:
        return None
    counts = np.zeros((len(times), 3), int)
    np.add.at(counts, (place, code), 1)
    for time, row in zip(times.tolist(), counts):
        counted[time] = counted[time] + row if time in counted else row
    return counted if len(counted) <= MOST_TIMES else None


def _splits(file: h5py.File, rows: slice, n_rows: int) -> np.ndarray:
    """Codes of SPLITS; without /split every row is for training."""
    return read_dataset(file, "split", rows).astype(int) if "split" in file else np.zeros(n_rows, int)


def _label_datasets(file: h5py.File) -> list[tuple[str, h5py.Dataset]]:
    group = file.get("label")
    if not isinstance(group, h5py.Group):
        return []
    return [(name, label) for name, label in group.items() if isinstance(label, h5py.Dataset) and "categories" in label.attrs]


def _labels(file: h5py.File) -> dict[str, list[str]]:
    return {name: _texts(label.attrs["categories"]) for name, label in _label_datasets(file)}


def _texts(value: object) -> Sequence[str]:
    texts = as_text(value)
    return [texts] if isinstance(texts, str) else [str(text) for text in texts]
