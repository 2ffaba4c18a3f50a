"""Models of the shipped decks against what is known in closed form."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import check, datasets, main, np, succeed  # noqa: E402

INPUTS = Path(os.environ["RHOFLUX_SOURCE_DIR"]) / "inputs"


def train(folder, name, count):
    succeed("generate", name, "--count", count, "--seed", 1, "--output", f"{name}.h5", folder=folder)
    succeed("train", INPUTS / f"{name}.cfg", folder=folder, timeout=600)
    return f"output/{name}/best.h5"


def test_drift_of_ornstein_uhlenbeck(folder):
    """u = -x wherever there is mass: RMS error below 3 % of the RMS drift, over samples of the process."""
    model = train(folder, "ou", 400000)
    succeed("query", model, "--points", "ou.h5", "--output", "values.h5", folder=folder)
    found = datasets(folder / "values.h5")
    error = np.sqrt(np.mean((found["velocity"] + found["x"]) ** 2) / np.mean(found["x"] ** 2))
    print(f"relative RMS error of the drift {error:.4f}")
    check(error < 0.03, f"relative RMS error of the drift {error:.4f}")


def test_energy_of_translation(folder):
    """The kinetic energy of the translating Gaussian is 8; 3 % are allowed, and chance gives less than 1 %: with
    4000 particles of |u|^2 with a standard deviation of about 1."""
    model = train(folder, "gaussian_translation", 100000)
    succeed("transport", model, "--from", 0, "--to", 1, "--count", 4000, "--output", "paths.h5", "--report", "report.json", folder=folder)
    energy = json.loads((folder / "report.json").read_text())["kinetic_energy"]
    print(f"kinetic energy {energy:.4f}")
    check(abs(energy - 8) < 0.03 * 8, f"kinetic energy {energy:.4f}, expected 8")


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")], at_once=2)
