"""The command line of rhoflux-report."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NoReturn, Sequence

from rhoflux.files import FileError
from rhoflux.report.context import Context, Settings
from rhoflux.report.data import Data, read_data, thin
from rhoflux.report.page import make_page, write_page
from rhoflux.report.program import Program, ProgramError, find_program
from rhoflux.report.run import Run, read_run
from rhoflux.report.sections import NAMES, Failure, make_parts, summary

PROGRAM = "rhoflux-report"

DESCRIPTION = """Write one HTML page for a finished run: what was trained, how well it fits, what looks wrong.

    rhoflux-report output/branching
    rhoflux-report output/branching --data branching.h5 --without fates --output branching.html

RUN is the checkpoint directory. The page holds all pictures and needs no other file and no network. The program
rhoflux is run for its figures; a section that cannot be made says why, and the others are made. Exit code 0: the
page is written (sections that failed are named on stderr); 2: there is no such run, or an option is wrong.
"""


def at_least(least: int):
    """Type of an option that is a whole number."""

    def convert(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return value

    convert.__name__ = "int"  # argparse names it: "invalid int value"
    return convert


def section_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(f"'{unknown[0]}' is no section; these are: {', '.join(NAMES)}")
    return names


def seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return value


def make_parser() -> argparse.ArgumentParser:
    from rhoflux import __version__

    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog=PROGRAM, description=DESCRIPTION, formatter_class=form)
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="checkpoint directory of the run (best.h5, else the newest), or a checkpoint in it")
    add("--output", type=Path, help="page to write (default: RUN/report.html)")
    add("--data", type=Path, help="population file (default: that of the deck, from here, the run's folder, or beside RUN)")
    add("--split", choices=["test", "val", "train"], help="rows that judge the model (default: test, else val, else train)")
    add("--condition", metavar="NAME=VALUE,..", help="of samples, density, paths and checks (default: that of most training rows)")
    add("--program", help="the program rhoflux (default: RHOFLUX, or that of PATH, or that built beside these tools)")
    add("--without", type=section_names, default=[], metavar="NAME,..", help=f"sections to leave out: {', '.join(NAMES)}")
    add("--labels", metavar="NAME,..", help="labels of the fates (default: the first three that have 2 to 30 categories)")
    add("--rows", type=at_least(100), default=50000, help="most rows of the data used, drawn at random (default: 50000)")
    add("--samples", type=at_least(10), default=400, help="model samples and rows in a panel (default: 400)")
    add("--distance-points", type=at_least(2), default=500, help="most points a side of the floors of W1 and W2 (default: 500)")
    add("--grid", type=at_least(2), default=60, help="grid points along each axis of the density (default: 60)")
    add("--particles", type=at_least(1), default=200, help="particles transported (default: 200)")
    add("--fate-particles", type=at_least(1), default=100, help="particles of the fates (default: 100)")
    add("--copies", type=at_least(1), default=20, help="paths from each particle of the fates, with noise (default: 20)")
    add("--fate-steps", type=at_least(1), default=60, help="time steps of these paths (default: 60)")
    add("--residual-points", type=at_least(1), default=100, help="points of the equation's residual in verify (default: 100)")
    add("--check-samples", type=at_least(100), default=2000, help="model samples in verify (default: 2000)")
    add("--timeout", type=seconds, default=600, help="most seconds that one command of rhoflux may take (default: 600)")
    add("--time-limit", type=seconds, default=float("inf"), help="most seconds of all commands together (default: no limit)")
    add("--version", action="version", version=f"{PROGRAM} {__version__}")
    return parser


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Writes a report with the arguments of the command line, or with those given; ends the process."""
    options = make_parser().parse_args(arguments)
    try:
        run = read_run(options.run)
        if options.condition is not None:
            run.condition = options.condition
        output = options.output or run.folder / "report.html"
        if not output.parent.is_dir():
            raise FileError(f"{output}: cannot be written: there is no folder {output.parent}")
        program = Program(find_program(options.program), options.timeout, options.time_limit)
        failures = write_report(run, program, options, output)
    except (FileError, ProgramError) as error:
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"{PROGRAM}: error: {error.filename or output}: cannot be written: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)
    for failure in failures:
        print(f"{PROGRAM}: section {failure.section.name}: {failure.reason}", file=sys.stderr)
    print(f"wrote {output}")
    sys.exit(0)


def write_report(run: Run, program: Program, options: argparse.Namespace, output: Path) -> list[Failure]:
    """Makes the page; gives what failed."""
    with tempfile.TemporaryDirectory(prefix="rhoflux-report-") as folder:
        data, no_data = open_data(run, options.data)
        if data is not None:
            thin(data, options.rows, Path(folder))
        context = Context(run, data, no_data, program, settings_of(options), Path(folder))
        if data is not None:
            context.split = options.split or data.split()
        parts, failures = make_parts(context, options.without)
        title = f"Report of {run.folder.resolve().name}"
        write_page(output, make_page(title, summary(context, failures), parts))
        return failures


def settings_of(options: argparse.Namespace) -> Settings:
    return Settings(
        samples=options.samples,
        particles=options.particles,
        copies=options.copies,
        fate_particles=options.fate_particles,
        fate_steps=options.fate_steps,
        fate_labels=None if options.labels is None else [name.strip() for name in options.labels.split(",")],
        grid=options.grid,
        distance_points=options.distance_points,
        residual_points=options.residual_points,
        check_samples=options.check_samples,
    )


def open_data(run: Run, named: Path | None) -> tuple[Data | None, str]:
    """The data, or None and why; a file that is named must be there."""
    if named is not None:
        return read_data(named, run.names), ""
    wanted = run.keys.get("data.file", "")
    if not wanted:
        return None, ""
    places = [Path.cwd(), Path(run.provenance.get("folder") or "."), run.folder, run.folder.parent]
    path = next((place / wanted for place in places if (place / wanted).is_file()), None)
    if path is None:
        return None, f"{wanted}, the data of the run, was not found; name the file by --data"
    try:
        # As short as it was written, where it is found from here.
        return read_data(Path(wanted) if Path(wanted).is_file() else path, run.names), ""
    except FileError as error:
        return None, str(error)
