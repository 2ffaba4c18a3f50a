"""The program `rhoflux`: where it is, what it says."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence


MARKS = ("warning: ", "rhoflux: warning: ")  # of warnings
NUMERICAL = 3  # exit code: a numerical failure, or a check that fails


class ProgramError(Exception):
    """The program is missing, or a command did not do what it should; says which, and the program's message."""


class NoProgram(ProgramError):
    """There is no program at all."""


@dataclass
class Answer:
    code: int  # exit code
    output: str  # what the command printed

    def warnings(self) -> list[str]:
        """Lines of the output that are warnings, without that word."""
        lines = [line.strip() for line in self.output.splitlines()]
        return [line[len(mark) :] for line in lines for mark in MARKS if line.startswith(mark)]

    def without(self, texts: Sequence[str]) -> Answer:
        """The same without the warnings that have one of these texts."""
        kept = [
            line
            for line in self.output.splitlines(keepends=True)
            if not (line.strip().startswith(MARKS) and any(text in line for text in texts))
        ]
        return Answer(self.code, "".join(kept))


def find_program(named: str | None) -> str | None:
    """The program that is named, or else that of the environment variable RHOFLUX, of PATH, or built beside these tools."""
    if named or os.environ.get("RHOFLUX"):
        wanted = named or os.environ["RHOFLUX"]
        found = shutil.which(wanted)
        if found is None:
            source = "--program" if named else "RHOFLUX"
            raise ProgramError(f"{source}: there is no program {wanted}")
        return os.path.abspath(found)
    built = Path(__file__).resolve().parents[3] / "build/release/src/apps/rhoflux"
    return shutil.which("rhoflux") or shutil.which(str(built))


class Program:
    def __init__(self, path: str | None, seconds: float, seconds_of_all: float = math.inf):
        self.path = path
        self.seconds = seconds  # that one command may take
        self.end = time.monotonic() + seconds_of_all  # of all commands

    def run(self, *arguments: Any, written: Path | None = None) -> Answer:
        """Runs a command that must end with exit code 0, or with 3 (a figure is bad) once it has written this file."""
        if self.path is None:
            raise NoProgram("the program rhoflux was not found; put it in PATH, or name it by --program or RHOFLUX")
        texts = [str(argument) for argument in arguments]
        left = self.end - time.monotonic()
        if left <= 0:
            raise ProgramError("the time of the report is over (--time-limit)")
        try:
            result = subprocess.run(
                [self.path, *texts],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=min(self.seconds, left),
            )
        except subprocess.TimeoutExpired:
            is_own = self.seconds <= left
            allowed = f"{self.seconds:g} s (--timeout)" if is_own else f"the {left:.0f} s that were left (--time-limit)"
            raise ProgramError(f"rhoflux {texts[0]} took longer than {allowed}") from None
        except OSError as error:
            raise ProgramError(f"{self.path} cannot be run: {error.strerror}") from None
        is_written = written is not None and written.is_file()
        if result.returncode != 0 and not (result.returncode == NUMERICAL and is_written):
            lines = [line for line in result.stdout.splitlines() if line.strip()]
            said = next((line for line in reversed(lines) if "error" in line), lines[-1] if lines else "it said nothing")
            raise ProgramError(f"rhoflux {texts[0]} ended with exit code {result.returncode}: {said}")
        return Answer(result.returncode, result.stdout)
