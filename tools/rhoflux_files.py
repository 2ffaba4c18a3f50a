"""The reader of the package `rhoflux` under its former name: `from rhoflux_files import read`."""

from rhoflux import *  # noqa: F401, F403
