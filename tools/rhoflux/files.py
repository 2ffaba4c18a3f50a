"""Everything in an HDF5 file of rhoflux, and what the readers of one kind share: opening, checks, names."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any, Sequence, Union

import h5py
import numpy as np

from rhoflux.times import TimeNames

AnyPath = Union[str, "PathLike[str]"]

SPLITS = {"train": 0, "val": 1, "test": 2}

POPULATION = "population"
SAMPLES = "rhoflux samples"
TRANSPORT = "rhoflux transport"
FIELD = "rhoflux field"


class FileError(Exception):
    """A file that cannot be read or does not hold what is wanted."""


class Contents:
    """Datasets and groups of a file or of a group, by name; `attributes` is a dictionary."""

    attributes: dict

    def __init__(self, where: str, attributes: dict, items: dict):
        self.__dict__.update(items)
        self._where = where
        self.attributes = attributes

    def names(self) -> list[str]:
        """Names of the datasets and groups."""
        return [name for name in vars(self) if name not in ("_where", "attributes")]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"{self._where} has no '{name}'; it has {', '.join(self.names()) or 'nothing'}")

    def __repr__(self) -> str:
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


def read(path: AnyPath, kind: str | None = None) -> Contents:
    """Everything in an HDF5 file of rhoflux; groups are nested, as in `data.parameters.mixtures.layer0`.

    With `kind` (as in attributes["kind"]), a file of another kind is an error. Numbers come as numpy arrays with the
    shape, type and unit they have in the file, text as str. The group /view of a field is left out: it shows ParaView
    the same numbers once more.
    """
    with open_file(path) as file:
        if kind is not None:
            require_kind(file, path, [kind])
        return _contents(file, str(path))


def _contents(group: h5py.Group, where: str) -> Contents:
    items = {}
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            if not (name == "view" and kind_of(group) == FIELD):
                items[name] = _contents(item, f"{where}:{item.name}")
        else:
            items[name] = as_text(read_dataset(group, name))
            # The deck is stored as an array of one text.
            if isinstance(items[name], list) and len(items[name]) == 1:
                items[name] = items[name][0]
    return Contents(where, {name: as_text(value) for name, value in group.attrs.items()}, items)


def as_text(value: Any) -> Any:
    """Text as str, an array of texts as a list of str, numbers as they are."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, np.ndarray) and value.dtype.kind in "SO":
        texts = [text.decode(errors="replace") if isinstance(text, bytes) else text for text in value.ravel().tolist()]
        return texts if value.ndim > 0 else texts[0]
    return value


def open_file(path: AnyPath) -> h5py.File:
    """An HDF5 file, open for reading."""
    path = Path(path)
    if not path.exists():
        raise FileError(f"{path}: there is no such file")
    if not path.is_file() or not h5py.is_hdf5(path):
        raise FileError(f"{path}: is not an HDF5 file, or cannot be opened")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise FileError(f"{path}: cannot be opened: {error}") from None


def read_dataset(group: h5py.Group, name: str, selection: Any = ()) -> Any:
    """Numbers of a dataset; a checksum that does not match is a FileError."""
    try:
        return group[name][selection]
    except OSError as error:
        raise FileError(f"{group.file.filename}: {name} cannot be read, the file may be damaged: {error}") from None


def kind_of(file: h5py.Group) -> str:
    """The attribute kind, or an empty text."""
    return as_text(file.attrs.get("kind", ""))


def require_kind(file: h5py.File, path: AnyPath, kinds: Sequence[str]) -> None:
    """Files without the attribute kind pass: what they hold is checked by those who read it."""
    kind = kind_of(file)
    if kind and kind not in kinds:
        wanted = " or ".join(f"'{one}'" for one in kinds)
        raise FileError(f"{path}: is a file of kind '{kind}', needed is {wanted}")


def require_dataset(file: h5py.File, path: AnyPath, name: str, n_axes: int, shape_text: str) -> h5py.Dataset:
    """A dataset with this number of axes; `shape_text` names its shape in the message of the error."""
    if name not in file or not isinstance(file[name], h5py.Dataset) or file[name].ndim != n_axes:
        raise FileError(f"{path}: has no /{name} of shape {shape_text}")
    return file[name]


def dim_names(file: h5py.File, n_dims: int) -> list[str]:
    """Names of all coordinates; x1, x2, .. where the file has none."""
    names = as_text(file.attrs.get("dim_names", np.array([], dtype="S1")))
    names = [names] if isinstance(names, str) else list(names)
    return names if len(names) == n_dims else [f"x{k + 1}" for k in range(n_dims)]


def columns_of(wanted: list[str], present: list[str], path: AnyPath) -> list[int] | None:
    """The columns of a file that have the names `wanted`, in their order; None: all as they stand.

    A file that has none of the names is taken by position, as the program takes it. Unlike there, x1, x2, .. are names in a file with more
    coordinates too: a picture has no model that would say whether they were chosen from such a file.
    """
    if wanted == present or not set(wanted) & set(present):
        return None
    missing = [name for name in wanted if name not in present]
    if missing:
        raise FileError(f"{path}: there is no coordinate {missing[0]!r} among {', '.join(present)}; needed are {', '.join(wanted)}")
    return [present.index(name) for name in wanted]


def time_names(group: h5py.Group) -> TimeNames:
    """What times are called, by the attributes of a population, an output or the group /data of a checkpoint."""
    values = np.atleast_1d(group.attrs.get("time_label_values", []))
    labels = as_text(group.attrs.get("time_labels", np.array([], "S1")))
    labels = [labels] if isinstance(labels, str) else [str(label) for label in labels]
    origin = as_text(group.attrs.get("time_origin", ""))
    named = dict(zip(map(float, values), labels)) if len(values) == len(labels) else {}
    return TimeNames(time_unit(group), origin if isinstance(origin, str) else "", named)


def time_unit(file: h5py.File) -> str:
    """The unit of time, or an empty text."""
    return as_text(file.attrs.get("time_unit", ""))
