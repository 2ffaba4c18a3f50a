"""The command `rhoflux-plot`: pictures of the files of rhoflux. Also `python3 -m rhoflux.plot`."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import NoReturn, Sequence

from rhoflux import FileError, __version__
from rhoflux.plots.commands import COMMANDS, Command, UsageError

PROGRAM = "rhoflux-plot"
PACKAGES = {"matplotlib": "matplotlib", "PIL": "pillow"}  # by the name they are imported with


def make_parser() -> argparse.ArgumentParser:
    """The parser of rhoflux-plot, with one parser for each subcommand."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Draw the files of rhoflux.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    subparsers = parser.add_subparsers(metavar="SUBCOMMAND", required=True)
    for command in COMMANDS.values():
        _add_options(
            subparsers.add_parser(
                command.name,
                help=command.summary,
                description=command.description,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            ),
            command,
        )
    return parser


def _add_options(parser: argparse.ArgumentParser, command: Command) -> None:
    for option in command.options:
        parser.add_argument(*option.flags, **option.keywords)
    parser.set_defaults(command=command, program=parser.prog)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a subcommand with the arguments of the command line, or with those given; ends the process."""
    _draw(make_parser().parse_args(arguments))


def run_script(name: str) -> NoReturn:
    """Runs one subcommand as a script of its own: the command line has its options alone."""
    command = COMMANDS[name]
    parser = argparse.ArgumentParser(
        prog=Path(sys.argv[0]).name,
        description=command.description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_options(parser, command)
    _draw(parser.parse_args())


def _draw(arguments: argparse.Namespace) -> NoReturn:
    """Draws; whatever is wrong with a file or an option ends in one line and exit code 2."""
    try:
        import matplotlib

        matplotlib.use("Agg")  # pictures go to files, also where there is no display
        importlib.import_module(f"rhoflux.plots.{arguments.command.name}").draw(arguments)
    except (FileError, UsageError) as error:
        _fail(arguments.program, str(error))
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES:
            raise
        _fail(arguments.program, f"needs {PACKAGES[error.name]}, which this Python does not have; install it and run again")
    sys.exit(0)


def _fail(program: str, message: str) -> NoReturn:
    print(f"{program}: error: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
