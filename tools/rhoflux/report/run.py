"""A finished run: its model, deck, provenance and history."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from rhoflux.files import FileError, as_text, open_file, require_kind, time_names
from rhoflux.history import read_history
from rhoflux.times import TimeNames

CHECKPOINT = "rhoflux checkpoint"


@dataclass
class Run:
    folder: Path
    model: Path  # the checkpoint that the report is about
    deck: str  # resolved
    keys: dict[str, str]  # of the deck, as section.key
    provenance: dict[str, str]
    names: list[str]  # of the D coordinates
    unit: str  # of time, or empty
    naming: TimeNames  # dates and labels of times
    range: tuple[float, float]  # of time
    mean: np.ndarray  # (D), of the standardisation
    scale: np.ndarray  # (D)
    step: int  # after which the model was kept
    last_step: int  # of the newest checkpoint
    history: dict[str, np.ndarray] | None  # columns of history.csv, if it can be read
    condition: str = ""  # of a model with conditions: the one of most training rows, as --condition takes it

    @property
    def n_dims(self) -> int:
        return len(self.names)

    def has_noise(self) -> bool:
        """Whether the volatility g of the deck is more than 0 somewhere: a number, or knots t:g."""
        knots = self.keys.get("flux.noise", "0").split(",")
        return any(float(knot.split(":")[-1]) > 0 for knot in knots)

    def recorded_hash(self, name: str) -> str | None:
        """SHA-256 that the run recorded of an input file, by the name in the deck."""
        for line in self.provenance.get("inputs", "").splitlines():
            parts = line.split(None, 1)
            if len(parts) == 2 and parts[1] == name:
                return parts[0]
        return None


def read_run(path: Path) -> Run:
    """The run of a checkpoint directory, of which best.h5 is taken, or else the newest checkpoint; or of one of its files."""
    folder = path.parent if path.is_file() else path
    if not folder.is_dir():
        raise FileError(f"{path}: there is no such folder; give the checkpoint directory of a run")
    numbered = _numbered(folder)
    choices = [path] if path.is_file() else [folder / "best.h5", *reversed(numbered)]
    model = next((choice for choice in choices if choice.is_file()), None)
    if model is None:
        raise FileError(f"{path}: has neither best.h5 nor a checkpoint_*.h5; give the checkpoint directory of a run")
    with open_file(model) as file:
        require_kind(file, model, [CHECKPOINT])
        try:
            about = {name: as_text(value) for name, value in file["model"].attrs.items()}
            deck = as_text(file["deck"][()])
            run = Run(
                folder=folder,
                model=model,
                deck=deck if isinstance(deck, str) else "\n".join(deck),
                keys={},
                provenance={name: str(as_text(value)) for name, value in file["provenance"].attrs.items()},
                names=list(np.atleast_1d(about["dim_names"])),
                unit=about.get("time_unit", ""),
                naming=_naming(file, about.get("time_unit", "")),
                range=tuple(float(t) for t in about["time_range"]),
                mean=file["model/mean"][()],
                scale=file["model/scale"][()],
                step=int(file["state"].attrs["step"]),
                last_step=_last_step(model, numbered),
                history=None,
            )
        except (KeyError, OSError, ValueError, TypeError) as error:
            raise FileError(f"{model}: is no checkpoint of rhoflux, or not a whole one: {error.args[0]}") from None
        try:
            run.condition = commonest_condition(file)
        except (KeyError, OSError, ValueError, IndexError) as error:
            raise FileError(f"{model}: /conditions is damaged: {error.args[0]}") from None
    run.keys = parse_deck(run.deck)
    try:
        run.history = read_history(folder)
    except FileError:
        pass  # the section of the history says why
    return run


def _naming(file: h5py.File, unit: str) -> TimeNames:
    """Of the data of the run; checkpoints of older versions do not have it."""
    return replace(time_names(file["data"]), unit=unit) if "data" in file else TimeNames(unit)


def commonest_condition(file: h5py.File) -> str:
    """The condition of most training rows, as in "dose=0.5,drug=A"; empty for a model without conditions."""
    if "conditions" not in file:
        return ""
    group = file["conditions"]
    choice = group["choices"][int(np.argmax(group["weights"][()]))]
    texts = []
    for place, value in enumerate(choice):
        about = {name: as_text(text) for name, text in group[str(place)].attrs.items()}
        shown = about["categories"][int(value)] if "categories" in about else repr(float(value))
        texts.append(f"{about['name']}={shown}")
    return ",".join(texts)


def parse_deck(text: str) -> dict[str, str]:
    """Values by section.key of a resolved deck."""
    keys, section = {}, ""
    for line in text.splitlines():
        line = line.strip()
        if re.fullmatch(r"\[\w+\]", line):
            section = line[1:-1]
        elif "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            keys[f"{section}.{name.strip()}"] = value.strip()
    return keys


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _numbered(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("checkpoint_*.h5") if re.fullmatch(r"checkpoint_\d+", path.stem))


def _last_step(model: Path, numbered: list[Path]) -> int:
    with open_file(model) as file:
        step = int(file["state"].attrs["step"])
    return max([step, *(int(path.stem.split("_")[1]) for path in numbered)])
