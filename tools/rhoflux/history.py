"""The course of training, from history.csv."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from rhoflux.files import AnyPath, FileError


def read_history(path: AnyPath) -> dict[str, np.ndarray]:
    """Columns (rows) of history.csv by name; a figure that was not measured is NaN. A folder means the history.csv in it."""
    path = Path(path)
    if path.is_dir():
        path = path / "history.csv"
    lines = _read_lines(path)
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


def _read_lines(path: Path) -> list[list[str]]:
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [line for line in csv.reader(file) if line]
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise FileError(f"{path}: is not a CSV file") from None
