"""Objectives beyond the likelihood: what training with them reaches, what the history says, how it fails."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, history, main, np, run, succeed, write_population  # noqa: E402


def test_turning_gaussian_takes_the_least_energy(folder):
    """The shipped deck, a shorter run with fewer data and without the laws of the ends. Without the divergence-free part the
    energy is 2.60; the least is 1.2999, and 1.31 is asked for. A density that is a little smoother than the data turns with
    less, hence the lower bound."""
    succeed("generate", "gaussian_rotation", "--count", 40000, "--seed", 1, "--output", "gaussian_rotation.h5",
            folder=folder)
    succeed("train", Path(os.environ["RHOFLUX_SOURCE_DIR"]) / "inputs/gaussian_rotation.cfg", "--training.steps=1500",
            "--training.batch=1024", "--objective.kinetic_start=300", "--objective.kinetic_ramp=300", "--objective.kinetic=0.0005",
            "--objective.initial=0", "--objective.initial_law=none", "--objective.terminal=0", "--objective.terminal_law=none",
            ranks=2, folder=folder)
    succeed("transport", "output/gaussian_rotation/best.h5", "--from", 0, "--to", 1, "--count", 2000, "--output",
            "paths.h5", "--report", "paths.json", ranks=2, folder=folder)
    energy = json.loads((folder / "paths.json").read_text())["kinetic_energy"]
    check(1.1 < energy <= 1.31, f"kinetic energy {energy}")


def test_state_cost_keeps_the_paths_out(folder):
    """Mass goes from (-2, 0) to (2, 0); a circle of radius 1 is in the way. Without its cost the least energy leads
    straight through, a Gaussian of deviation 0.3 around 0 has 99 % of its mass inside half-way. With the cost
    less than 1 % may be inside at any time."""
    random = np.random.default_rng(1)
    t = np.repeat([0.0, 1.0], 4000)
    x = random.normal(0, 0.3, (8000, 2)) + np.stack([4 * t - 2, 0 * t], axis=1)
    write_population(folder / "data.h5", t, x, split=(np.arange(8000) % 10 == 0).astype(np.int8))
    (folder / "deck.cfg").write_text("""[data]
file = data.h5
[model]
components = 8
hidden = 64,64
time_features = 4
time_frequency_max = 4
[objective]
kinetic = 0.02
[training]
steps = 1500
batch = 512
learning_rate = 2e-3
validate_every = 500
[output]
log_every = 500
""")
    inside = {}
    for weight in (0, 5):
        more = ["--objective.state_cost=5", "--objective.state_cost_potential=quadrics 0,0 : 10,10 : 10",
                "--objective.state_cost_start=300", "--objective.state_cost_ramp=300"] if weight else []
        succeed("train", "deck.cfg", *more, f"--checkpoint.directory=run_{weight}", ranks=2, folder=folder)
        succeed("sample", f"run_{weight}/best.h5", "--times", "0:1:21", "--count", 2000, "--output", f"s{weight}.h5",
                folder=folder)
        states = datasets(folder / f"s{weight}.h5")["x"]
        fraction = (np.sum(states**2, axis=2) < 1).mean(axis=1)
        inside[weight] = fraction.max()
        print(f"state_cost = {weight}: mass inside by time {np.round(fraction, 3)}")
    check(inside[0] > 0.9 and inside[5] < 0.01, f"largest mass inside by weight: {inside}")


def test_history_follows_the_schedule(folder):
    succeed("generate", "branching", "--count", 2000, "--seed", 3, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    said = succeed("train", "deck.cfg", *SMALL, "--training.steps=40", "--output.log_every=10",
                   "--objective.kinetic=0.01", "--objective.kinetic_start=20", "--objective.entropy=0.1",
                   "--checkpoint.directory=run", folder=folder)
    found = history(folder / "run/history.csv")
    check(list(found)[:5] == ["step", "nll", "gradient_norm", "learning_rate", "validation_nll"], f"{list(found)}")
    lines = np.isfinite(found["nll"])
    early = lines & (found["step"] <= 20)
    check(np.isnan(found["kinetic"][early]).all(), "kinetic has figures before it acts")
    succeed("train", "deck.cfg", *SMALL, "--training.steps=40", "--output.log_every=20", "--objective.kinetic=1e-9",
            "--objective.kinetic_start=15", "--checkpoint.directory=late", folder=folder)
    succeed("train", "deck.cfg", *SMALL, "--training.steps=40", "--output.log_every=5", "--objective.kinetic=1e-9",
            "--objective.kinetic_start=15", "--checkpoint.directory=fine", folder=folder)
    coarse, fine = (history(folder / name / "history.csv") for name in ("late", "fine"))
    check(np.isclose(coarse["kinetic"][coarse["step"] == 20], fine["kinetic"][fine["step"] == 20], rtol=1e-6).all(),
          "a term's first figure is not the mean over the steps in which it acted")
    # The same beside a term that acts from the first step on.
    more = ["--objective.kinetic=1e-9", "--objective.entropy=1e-9", "--objective.entropy_start=15", "--training.steps=40"]
    succeed("train", "deck.cfg", *SMALL, *more, "--output.log_every=10", "--checkpoint.directory=beside", folder=folder)
    succeed("train", "deck.cfg", *SMALL, *more, "--output.log_every=5", "--checkpoint.directory=beside_fine", folder=folder)
    coarse, fine = (history(folder / name / "history.csv") for name in ("beside", "beside_fine"))
    check(np.isclose(coarse["entropy"][coarse["step"] == 20], fine["entropy"][fine["step"] == 20], rtol=1e-6).all(),
          f"entropy from step 15 on: {coarse['entropy']}, {fine['entropy']}")
    check(np.isfinite(found["kinetic"][lines & ~early]).all(), "kinetic has no figures")
    for name in ("entropy", "nll_gradient_norm", "entropy_gradient_norm"):
        check(np.isfinite(found[name][lines]).all(), f"{name} has gaps")
    check("kinetic" in said and "entropy" in said, said)
    stored = datasets(folder / "run/checkpoint_000000040.h5")["history"]
    check(stored.shape == (len(found["step"]), len(found)), f"the checkpoint's history is {stored.shape}")


def test_blow_up_names_term_and_checkpoint(folder):
    succeed("generate", "branching", "--count", 2000, "--seed", 3, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    ended = run("train", "deck.cfg", *SMALL, "--training.steps=400", "--training.learning_rate=1",
                "--training.clip=0", "--objective.kinetic=1e6", "--checkpoint.every=1",
                "--objective.kinetic_start=5", "--checkpoint.directory=run", folder=folder)
    check(ended.returncode == 3, f"exit code {ended.returncode}")
    said = ended.stderr
    check("term" in said and "step" in said and "last good checkpoint is" in said, said)
    kept = said.split("last good checkpoint is")[1].split()[0]
    check((folder / kept).is_file(), f"{kept} is not there")
    succeed("info", kept, folder=folder)


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")])
