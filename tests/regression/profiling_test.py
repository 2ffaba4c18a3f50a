"""What a tool of Kokkos Tools sees of a run, and the report at its end."""

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, main, skip, succeed  # noqa: E402

RECORDER = os.environ.get("RHOFLUX_RECORDER", "")
REGIONS = ("read data", "gradient", "reduce gradient", "optimise", "validate", "write checkpoint")


def test_regions_and_kernels_have_names(folder):
    succeed("generate", "branching", "--count", 500, "--output", "data.h5", folder=folder)
    names = folder / "names.txt"
    os.environ.update(KOKKOS_PROFILE_LIBRARY=RECORDER, KOKKOS_TOOLS_LIBS=RECORDER, RHOFLUX_RECORDED_NAMES=str(names))
    try:
        (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n[objective]\nkinetic = 0.1\n[flux]\nkind = sigmoid\n")
        succeed("train", "deck.cfg", *SMALL, "--training.steps=20", "--training.validate_every=10", folder=folder)
    finally:
        for name in ("KOKKOS_PROFILE_LIBRARY", "KOKKOS_TOOLS_LIBS", "RHOFLUX_RECORDED_NAMES"):
            del os.environ[name]
    seen = names.read_text().splitlines()
    for region in REGIONS:
        check(f"region {region}" in seen, f"the tool saw no region '{region}', but {seen}")
    check("open regions 0" in seen, f"regions are not closed: {seen[-1]}")
    kernels = [line[len("kernel "):] for line in seen if line.startswith("kernel ")]
    check(len(kernels) >= 20, f"the tool saw few kernels: {kernels}")
    # A kernel without a name shows the mangled or demangled name of its type.
    unnamed = [kernel for kernel in kernels if "rhoflux::" in kernel or "lambda" in kernel or kernel.startswith("N7rhoflux")
               or kernel.startswith("ZN")]
    check(not unnamed, f"kernels without a name: {unnamed}")


def test_report_at_the_end(folder):
    succeed("generate", "branching", "--count", 500, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    said = succeed("train", "deck.cfg", *SMALL, "--training.steps=20", ranks=2, folder=folder)
    number = r" +(\d+\.\d+)"
    for region in REGIONS:
        found = re.search(rf"^{region} +s {number}{number}{number}$", said, re.MULTILINE)
        check(found, f"the report has no line for '{region}':\n{said}")
        least, mean, most = map(float, found.groups())
        check(0 <= least <= mean + 0.001 and mean <= most + 0.001, f"min, mean, max out of order: {found.group(0)}")
    memory = re.search(rf"^peak memory +MiB{number}{number}{number}$", said, re.MULTILINE)
    check(memory and 1 < float(memory.group(1)) < 10000, f"the report has no peak memory:\n{said}")


if __name__ == "__main__":
    if not RECORDER:
        skip("RHOFLUX_RECORDER does not name the tool library")
    main(test_regions_and_kernels_have_names, test_report_at_the_end)
