#!/usr/bin/env python3
"""The same as `rhoflux-plot animate`."""

from rhoflux.plot import run_script

if __name__ == "__main__":
    run_script("animate")
