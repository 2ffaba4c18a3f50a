"""Are the standard errors of a bootstrap those of data that are drawn again?

    /usr/bin/python3 benchmarks/standard_errors.py build/release/src/apps/rhoflux [NAME [COUNT]]

Trains one model on each of 16 synthetic populations (rhoflux generate NAME --count COUNT, other seeds), whose standard deviation
over the populations is the truth at 200 rows of the first one, and ensembles of 16 bootstrap replicates on four of them
(train --replicates 16). Prints the median over the rows of the spread over the truth, for velocity and log density, and the same
for an ensemble whose members differ by their starts alone.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

DECK = """[data]
standardise = false
[model]
hidden = 32,32
components = 4
time_features = 8
time_frequency_max = 1
[objective]
kinetic = 0.02
[training]
steps = 800
batch = 256
learning_rate = 3e-3
validate_every = 0
[checkpoint]
every = 800
"""
N_POPULATIONS, N_REPLICATES, N_ENSEMBLES, N_POINTS = 16, 16, 4, 200


class Study:
    def __init__(self, program, name, count):
        self.program, self.name, self.count = str(Path(program).resolve()), name, count
        self.folder = Path(tempfile.mkdtemp(prefix="rhoflux_standard_errors_"))
        (self.folder / "deck.cfg").write_text(DECK)
        for k in range(N_POPULATIONS):
            self.run("generate", name, "--count", count, "--seed", 100 + k, "--output", self.population(k))
        with h5py.File(self.folder / self.population(0)) as file:
            rows = np.sort(np.random.default_rng(1).choice(len(file["t"]), N_POINTS, replace=False))
            t, x = file["t"][:][rows], file["x"][:][rows]
        with h5py.File(self.folder / "points.h5", "w") as file:
            file["t"], file["x"] = t, x

    @staticmethod
    def population(k):
        return f"population{k}.h5"

    def run(self, *words):
        subprocess.run([self.program, *map(str, words)], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def values(self, k, *options):
        """What a model trained on population k says at the points."""
        self.run("train", "deck.cfg", f"--data.file={self.population(k)}", "--checkpoint.directory=run", "--force", *options)
        self.run("query", "run/checkpoint_000000800.h5", "--points=points.h5", "--output=values.h5", "--force")
        with h5py.File(self.folder / "values.h5") as file:
            return {key: file[key][:] for key in file if key in ("velocity", "log_density") or key.endswith("_spread")}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    study = Study(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "branching", int(sys.argv[3]) if len(sys.argv) > 3 else 10000)
    alone = [study.values(k, f"--training.seed={k + 1}") for k in range(N_POPULATIONS)]
    truth = {key: np.std([values[key] for values in alone], axis=0, ddof=1) for key in ("velocity", "log_density")}

    def report(kind, values):
        ratios = [f"{key} {np.median(values[key + '_spread'] / truth[key]):.2f}" for key in truth]
        print(f"{study.name} {study.count} {kind}: spread over truth, {', '.join(ratios)}", flush=True)

    for k in range(N_ENSEMBLES):
        report(f"population {k}", study.values(k, f"--replicates={N_REPLICATES}"))
    report("starts alone", study.values(0, f"--model.ensemble={N_REPLICATES}"))


main()
