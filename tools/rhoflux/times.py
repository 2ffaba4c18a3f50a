"""Times as texts that tell them apart, and the time that a text names, as the program has them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Mapping, Sequence

import numpy as np

ROUNDING = 2.0**-22  # largest relative difference of a time and the same time that has gone through float32


UNITS = {"s": 1e6, "min": 6e7, "h": 3.6e9, "d": 8.64e10, "y": 365.25 * 8.64e10}  # of a calendar, in microseconds
DATE = re.compile(r"(\d{4})([-/])(\d\d)\2(\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(?:[Zz]|([+-])(\d\d):?(\d\d))?)?")


def read_date(text: str) -> np.datetime64 | None:
    """A date with or without a time of day, as 2016-04-14 or 2016-04-14T21:26:00Z; UTC without an offset."""
    found = DATE.fullmatch(text.strip())
    if found is None:
        return None
    year, _, month, day, clock, sign, hours, minutes = found.groups()
    try:
        date = np.datetime64(f"{year}-{month}-{day}T{clock or '00:00'}", "us")
    except ValueError:  # there is no such day
        return None
    offset = np.timedelta64(60 * int(hours) + int(minutes), "m") if sign else np.timedelta64(0, "m")
    return date + offset if sign == "-" else date - offset


@dataclass(frozen=True)
class TimeNames:
    """What data call their times: dates, where they have one for t = 0, or labels."""

    unit: str = ""
    origin: str = ""  # date and time at t = 0 (ISO 8601), or empty
    labels: Mapping[float, str] = field(default_factory=dict)

    def name(self, t: float) -> str:
        """The label of a time, else its date (without the time of day at midnight); empty where there is neither."""
        for value, label in self.labels.items():
            if abs(value - t) <= ROUNDING * max(abs(value), abs(t)):
                return label
        return self.date(t)

    def date(self, t: float) -> str:
        if not self.origin or self.unit not in UNITS or not abs(t * UNITS[self.unit]) < 2.0**62:
            return ""
        try:
            date = np.datetime64(self.origin.rstrip("Z"), "us") + np.timedelta64(round(t * UNITS[self.unit]), "us")
        except (ValueError, OverflowError):
            return ""
        if not np.datetime64("0000-01-01") <= date < np.datetime64("10000-01-01"):
            return ""
        day, clock = str(date).split("T")
        clock = clock[: -len(".000000")] if clock.endswith(".000000") else clock
        return day if clock == "00:00:00" else f"{day}T{clock}Z"

    def read(self, text: str) -> float | None:
        """The time that a text stands for: a number, a label, or a date where t is calendar time."""
        text = text.strip()
        try:
            number = float(text)
        except ValueError:
            number = np.nan
        if np.isfinite(number):
            return number
        for value, label in self.labels.items():
            if label == text:
                return value
        date, origin = read_date(text), read_date(self.origin)
        if date is None or origin is None or self.unit not in UNITS:
            return None
        return float((date - origin) / np.timedelta64(1, "us")) / UNITS[self.unit]

    def allowed(self) -> str:
        """What may be given for a time."""
        dates = f", or dates such as {self.date(0.0)}" if self.date(0.0) else ""
        labels = ", ".join(f"{label} = {value:g}" for value, label in self.labels.items())
        return "numbers" + dates + (f", or labels of {labels}" if labels else "")

    def texts(self, times: Sequence[float], digits: int = 6) -> list[str]:
        """The texts of distinct_texts, each with the name of its time: 3 (2016-04-14)."""
        texts = distinct_texts(times, digits) if len(times) else []
        names = [self.name(float(t)) for t in times]
        return [f"{text} ({name})" if name and name != text else text for text, name in zip(texts, names)]


def named_time(times: np.ndarray, t: float) -> int | None:
    """Index of the time that t names: the nearest, if both are the same but for float32 rounding."""
    nearest = int(np.argmin(np.abs(times - t)))
    return nearest if abs(times[nearest] - t) <= ROUNDING * max(abs(times[nearest]), abs(t)) else None


def distinct_texts(times: Sequence[float], digits: int = 6) -> list[str]:
    """Texts of some times in their order, each within a hundredth of the least gap between two of them: so many digits, or as
    many more as that takes."""
    apart = np.unique(times)
    allowed = 0.01 * np.diff(apart).min() if len(apart) > 1 else np.inf
    texts: list[str] = []
    for count in range(digits, 18):
        texts = [f"{t:.{count}g}" for t in times]
        if all(abs(float(text) - t) <= allowed for text, t in zip(texts, times)):
            break
    return texts
