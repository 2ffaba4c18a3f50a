"""The command `rhoflux-report`: one HTML page for a finished run. Also `python3 -m rhoflux.report`."""

from rhoflux.report.command import main

__all__ = ["main"]
