"""Density, drift and growth rate on a grid, from a file of `rhoflux field`."""

from __future__ import annotations

from typing import Sequence

import h5py
import numpy as np

from rhoflux.files import (
    FIELD,
    AnyPath,
    FileError,
    as_text,
    dim_names,
    open_file,
    read_dataset,
    require_dataset,
    require_kind,
    time_names,
    time_unit,
)


class Field:
    """A field file, seen in one or two of its coordinates. Numbers are read a frame at a time.

    What becomes of the other coordinates: density is integrated over them and drift averaged with the density, or, with
    `at`, both are those of the grid point that is nearest to this value of the one coordinate left out.

    path         of the file
    time         (T)
    known        numbers of the coordinates of the grid, counted from 1
    coordinates  numbers of those that are seen, one or two
    axes         [(n1)] or [(n1), (n2)], the grid points of these
    names        of these
    model_names  of all coordinates of the model; empty where the file does not say
    unit         of time, or empty
    naming       dates and labels of times
    note         what became of the other coordinates, or empty
    """

    def __init__(self, path: AnyPath, coordinates: Sequence[int] | None = None, at: float | None = None):
        self.path = str(path)
        self._file = open_file(path)
        require_kind(self._file, path, [FIELD])
        self.time = require_dataset(self._file, path, "time", 1, "(T)")[()]
        self.unit = time_unit(self._file)
        self.naming = time_names(self._file)
        grid = _read_grid(self._file, path, len(self.time))
        self.known = _known_coordinates(self._file, path, len(grid))
        self.coordinates = list(coordinates or self.known[:2])
        if not set(self.coordinates) <= set(self.known):
            raise FileError(f"{path}: has the coordinates {', '.join(map(str, self.known))} only")

        kept = [self.known.index(c) for c in self.coordinates]
        left_out = [k for k in range(len(grid)) if k not in kept]
        self.model_names = [str(name) for name in np.atleast_1d(as_text(self._file.attrs.get("dim_names", np.array([], "S1"))))]
        names = _axis_names(self._file, self.known)
        self._order = kept + left_out
        self.axes = [grid[k] for k in kept]
        self.names = [names[k] for k in kept]
        if min(map(len, self.axes)) < 2:
            raise FileError(f"{path}: a picture needs at least two grid points in each direction")
        self._components = _velocity_components(self._file, path, self.known, kept)
        self._weights, self.note = _reduction(path, [(grid[k], names[k]) for k in left_out], at)

    @property
    def has_drift(self) -> bool:
        return self._components is not None

    @property
    def has_growth(self) -> bool:
        return "growth" in self._file

    def density(self, k: int) -> np.ndarray:
        """Density (n1[, n2]) at the time of index k."""
        return self._reduce(np.transpose(read_dataset(self._file, "density", k), self._order))

    def density_and_drift(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Density (n1[, n2]) and drift (n1[, n2], 1 or 2) at the time of index k."""
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

    def density_and_growth(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Density (n1[, n2]) and growth rate (n1[, n2]) at the time of index k, 1 / time; the rate averaged with the density."""
        if not self.has_growth:
            raise FileError(f"{self.path}: has no /growth; the model does not grow")
        density = np.transpose(read_dataset(self._file, "density", k), self._order)
        growth = np.transpose(read_dataset(self._file, "growth", k), self._order)
        if not self._weights:
            return density, growth
        growing = self._reduce(np.where(density > 0, density * growth, 0))
        density = self._reduce(density)
        return density, _ratio(growing[..., None], density)[..., 0]

    def growth_at(self, t: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Growth rate (n) at times t (n) and places x (n, 1 or 2), linear between the times and points of the grid; NaN outside."""
        order = np.argsort(self.time, kind="stable")
        values = np.stack([self.density_and_growth(k)[1] for k in order])
        return _interpolated([self.time[order], *self.axes], values, np.column_stack([t, x]))

    def mean_density(self) -> np.ndarray:
        """Density (n1[, n2]) averaged over the times of the file."""
        return sum(weight * self.density(k) for k, weight in enumerate(self._time_weights()))

    def mean_density_and_drift(self) -> tuple[np.ndarray, np.ndarray]:
        """Density (n1[, n2]) averaged over the times of the file, and the averaged flux over it (n1[, n2], 1 or 2)."""
        density, flux = 0.0, 0.0
        for k, weight in enumerate(self._time_weights()):
            density_k, drift_k = self.density_and_drift(k)
            density = density + weight * density_k
            flux = flux + weight * _flux(density_k, drift_k)
        return density, _ratio(flux, density)

    def _time_weights(self) -> np.ndarray:
        weights = trapezoid_weights(self.time)
        return weights / weights.sum()

    def _reduce(self, values: np.ndarray) -> np.ndarray:
        """Sums over the axes that are left out, which come after those that stay."""
        for weights in self._weights:
            values = np.tensordot(values, weights, axes=(len(self.axes), 0))
        return values


def trapezoid_weights(points: np.ndarray) -> np.ndarray:
    """Weights (n) of the trapezoid rule for the integral over points (n); of a single point, 1."""
    if len(points) == 1:
        return np.ones(1)
    steps = np.abs(np.diff(points))
    return 0.5 * (np.concatenate([steps, [0]]) + np.concatenate([[0], steps]))


def _interpolated(grid: list[np.ndarray], values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values (n1, n2, ..) on a grid of ascending axes at points (n, number of axes), linear in each direction; NaN outside."""
    low, share = [], []
    inside = np.ones(len(points), bool)
    for axis, x in zip(grid, points.T):
        inside &= (x >= axis[0]) & (x <= axis[-1])
        k = np.clip(np.searchsorted(axis, x, side="right") - 1, 0, max(len(axis) - 2, 0))
        low.append(k)
        share.append((x - axis[k]) / (axis[k + 1] - axis[k]) if len(axis) > 1 else np.zeros(len(x)))
    result = np.zeros(len(points))
    for corner in np.ndindex(*[min(len(axis), 2) for axis in grid]):
        weight = np.prod([s if upper else 1 - s for upper, s in zip(corner, share)], axis=0)
        result += np.where(weight > 0, weight * values[tuple(k + upper for k, upper in zip(low, corner))], 0)
    return np.where(inside, result, np.nan)


def _read_grid(file: h5py.File, path: AnyPath, n_times: int) -> list[np.ndarray]:
    """The axes of the grid, which /density must agree with."""
    if "density" not in file or not 2 <= file["density"].ndim <= 4:
        raise FileError(f"{path}: has no /density of shape (T, n1[, n2[, n3]])")
    shape = file["density"].shape
    grid = [require_dataset(file, path, f"axis_{k}", 1, f"(n{k})")[()] for k in range(1, len(shape))]
    if shape != (n_times, *map(len, grid)):
        raise FileError(f"{path}: /density has the shape {shape}, /time and the axes say otherwise")
    return grid


def _known_coordinates(file: h5py.File, path: AnyPath, n_axes: int) -> list[int]:
    known = [int(c) for c in np.atleast_1d(file.attrs.get("dims", np.arange(1, n_axes + 1)))]
    if len(known) != n_axes:
        raise FileError(f"{path}: the attribute dims has {len(known)} numbers, the grid has {n_axes} axes")
    return known


def _axis_names(file: h5py.File, known: list[int]) -> list[str]:
    everything = dim_names(file, max(known))
    return [str(as_text(file[f"axis_{k + 1}"].attrs.get("name", everything[c - 1]))) for k, c in enumerate(known)]


def _velocity_components(file: h5py.File, path: AnyPath, known: list[int], kept: list[int]) -> list[int] | None:
    """Where the last axis of /velocity has the kept coordinates; None without /velocity."""
    if "velocity" not in file:
        return None
    shape, n_axes = file["velocity"].shape, len(known)
    if shape[:-1] != file["density"].shape or shape[-1] < n_axes:
        raise FileError(f"{path}: /velocity has the shape {shape}, /density {file['density'].shape}")
    # It has the components of the axes, or those of all coordinates.
    return [k if shape[-1] == n_axes else known[k] - 1 for k in kept]


def _reduction(path: AnyPath, left_out: list[tuple[np.ndarray, str]], at: float | None) -> tuple[list[np.ndarray], str]:
    """Weights of the sum over each axis that is left out (points, name), and a note that says what they do."""
    if at is None:
        note = "integrated over " + ", ".join(name for _, name in left_out) if left_out else ""
        return [trapezoid_weights(points) for points, _ in left_out], note
    if len(left_out) != 1:
        raise FileError(f"{path}: a slice needs one coordinate that is left out, here are {len(left_out)}")
    points, name = left_out[0]
    nearest = int(np.argmin(np.abs(points - at)))
    return [(np.arange(len(points)) == nearest).astype(float)], f"at {name} = {points[nearest]:.4g}"


def _flux(density: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Density times drift; zero where there is no density, whatever the drift there."""
    return np.where(density[..., None] > 0, density[..., None] * velocity, 0)


def _ratio(flux: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Drift of a flux; not a number where there is no density."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(density[..., None] > 0, flux / density[..., None], np.nan)
