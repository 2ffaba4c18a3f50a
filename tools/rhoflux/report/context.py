"""What the sections share: the run, its data, the program, and what they find for the summary."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from rhoflux.report.data import Data
from rhoflux.report.program import Answer, Program
from rhoflux.report.run import Run
from rhoflux.times import TimeNames

SHOWN_TIMES = 5  # most panels of a picture
AT_ONE_CONDITION = ("sample", "field", "transport", "verify")  # commands that take no conditions from rows here


@dataclass(frozen=True)
class Settings:
    """How large the sections are."""

    samples: int  # model samples at each time of the picture
    particles: int  # transported
    copies: int  # paths from each particle of the fates
    fate_particles: int
    fate_steps: int
    fate_labels: Sequence[str] | None  # None: those that there are, at most MOST_LABELS
    grid: int  # grid points along an axis
    distance_points: int  # most points a side of W1 and W2
    residual_points: int
    check_samples: int


@dataclass
class Context:
    run: Run
    data: Data | None
    no_data: str  # why there are none
    program: Program
    settings: Settings
    folder: Path  # for files in between
    split: str = ""  # rows that the model is judged by
    sentences: list[str] = field(default_factory=list)  # of the summary
    figures: list[tuple[str, str, str]] = field(default_factory=list)  # name, value, remark
    warnings: list[tuple[str, str]] = field(default_factory=list)  # section, text
    field_file: Path | None = None  # once the section of the density has made it

    def warn(self, section: str, text: str) -> None:
        if text not in [known for _, known in self.warnings]:
            self.warnings.append((section, text))

    def command(self, section: str, *arguments: Any, written: Path | None = None, known: Sequence[str] = ()) -> Answer:
        """Runs a command; its warnings are those of the section. `written`: see Program.run.

        Warnings with one of the texts `known` are dealt with by the run: they are left out, of what the command printed too.
        """
        if self.run.condition and arguments[0] in AT_ONE_CONDITION:
            arguments = (*arguments, "--condition", self.run.condition)
        answer = self.program.run(*arguments, written=written).without(known)
        for text in answer.warnings():
            self.warn(section, text)
        return answer

    def read_json(self, name: str) -> dict:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def snapshots(self, split: str | None = None) -> np.ndarray:
        """Times (T) of the data inside the range of the model that have rows (of a split)."""
        if self.data is None or self.data.is_events:
            return np.array([])
        codes = slice(None) if split is None else ["train", "val", "test"].index(split)
        counts = self.data.counts[:, codes]
        has_rows = (counts if counts.ndim == 1 else counts.sum(axis=1)) > 0
        first, last = self.run.range
        margin = 1e-6 * (last - first)
        return self.data.times[has_rows & (self.data.times >= first - margin) & (self.data.times <= last + margin)]

    def shown_times(self) -> np.ndarray:
        """Times of the panels: snapshots, or even ones; the first and the last among them."""
        times = self.snapshots()
        if len(times) == 0:
            times = np.linspace(*self.run.range, SHOWN_TIMES)
        return times[np.unique(np.linspace(0, len(times) - 1, min(SHOWN_TIMES, len(times))).round().astype(int))]

    def time_texts(self, times: Sequence[float]) -> list[str]:
        """Times as they are shown, with their names where the data give them any."""
        return self.naming.texts(times, digits=4)

    @property
    def naming(self) -> TimeNames:
        """Of the data, or of those that the model was trained on."""
        return self.data.naming if self.data else self.run.naming

    def span(self) -> str:
        """As in: t = 0 to 4 d."""
        first, last = self.time_texts(self.run.range)
        return f"t = {first} to {last} {self.run.unit}".rstrip()


def texts_of(times: Sequence[float]) -> str:
    """Times as an option of the program."""
    return ",".join(repr(float(t)) for t in times)
