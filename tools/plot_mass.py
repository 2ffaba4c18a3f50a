#!/usr/bin/env python3
"""The same as `rhoflux-plot mass`."""

from rhoflux.plot import run_script

if __name__ == "__main__":
    run_script("mass")
