#!/usr/bin/env python3
"""The same as `rhoflux-report`."""

from rhoflux.report import main

if __name__ == "__main__":
    main()
