"""Models that are the mean of several densities (`model.ensemble`)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, figures, h5py, history, main, np, refused, succeed  # noqa: E402

MEMBERS = 3
DECK = f"[data]\nfile = branching.h5\n[model]\nensemble = {MEMBERS}\n[flux]\ndivergence_free = density_weighted\n[objective]\nkinetic = 0.01\n"


def prepared(folder, *more, steps=60):
    succeed("generate", "branching", "--count", 2000, "--seed", 3, "--output", "branching.h5", folder=folder)
    (folder / "deck.cfg").write_text(DECK)
    return succeed("train", "deck.cfg", *SMALL, f"--training.steps={steps}", "--training.validate_every=20", "--output.log_every=10",
                   "--checkpoint.directory=run", *more, folder=folder)


def the_equation_holds_and_is_told(folder):
    printed = prepared(folder)
    check(f"mean over {MEMBERS} members" in printed, printed)
    check(f"the mean of {MEMBERS} densities" in succeed("info", "run/best.h5", folder=folder), "info")
    succeed("verify", "run/best.h5", "--output", "verified.json", ranks=2, folder=folder)
    verdicts = [entry["verdict"] for entry in figures(folder / "verified.json")["checks"]]
    check(verdicts and "failed" not in verdicts and "passed" in verdicts, f"{verdicts}")
    succeed("transport", "run/best.h5", "--from=0", "--to=1", "--count=500", "--output=paths.h5", "--report=report.json", folder=folder)
    check(figures(folder / "report.json")["failed"] == 0, "particles that could not be followed")
    succeed("field", "run/best.h5", "--dims=2", "--grid=8", "--times=0,1", "--output=field.h5", folder=folder)
    check(np.isfinite(datasets(folder / "field.h5")["density"]).all(), "a marginal of the second coordinate")


def files_with_one_member(folder, k):
    """The model of member k alone, as a file of its own."""
    path = folder / f"member{k}.h5"
    path.write_bytes((folder / "run/best.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        file["model"].attrs["ensemble"] = 1
        for group in ("parameters", "averaged_parameters", "optimiser/first_moment", "optimiser/second_moment"):
            if group not in file:
                continue
            for name in file[f"{group}/member{k}"]:
                file.move(f"{group}/member{k}/{name}", f"{group}/{name}")
            for other in range(1, MEMBERS + 1):
                del file[f"{group}/member{other}"]
    return path.name


def queries_are_those_of_the_mean_of_the_members(folder):
    """Each member as a model of its own: rho is the mean of theirs, u the mean weighted by them."""
    prepared(folder)
    random = np.random.default_rng(4)
    with h5py.File(folder / "points.h5", "w") as file:
        file["t"], file["x"] = random.uniform(0, 1, 50), random.normal(size=(50, 2))
    found = {}
    for name in ["run/best.h5"] + [files_with_one_member(folder, k + 1) for k in range(MEMBERS)]:
        succeed("query", name, "--points=points.h5", "--noise=0.3", "--output=values.h5", "--force", folder=folder)
        found[name] = datasets(folder / "values.h5")
    whole, *members = found.values()
    rho = np.array([np.exp(member["log_density"]) for member in members])
    check(np.allclose(np.exp(whole["log_density"]), rho.mean(0), rtol=1e-10, atol=0), "density")
    fluxes = np.array([member["flux"] for member in members])
    check(np.allclose(whole["flux"], fluxes.mean(0), rtol=1e-9, atol=1e-9 * np.abs(fluxes).max()), "flux")
    for name in ("velocity", "score"):
        mean = (rho[:, :, None] * np.array([member[name] for member in members])).sum(0) / rho.sum(0)[:, None]
        check(np.allclose(whole[name], mean, rtol=1e-9, atol=1e-9 * np.abs(mean).max()), name)
    for name in ("velocity", "log_density"):
        spread = np.std([member[name] for member in members], axis=0, ddof=1)
        check(np.allclose(whole[f"{name}_spread"], spread, rtol=1e-9, atol=1e-12), f"spread of {name}")
        check(f"{name}_spread" not in members[0], "a spread of one member")
    check(np.abs(members[0]["log_density"] - members[1]["log_density"]).max() > 0.01, "members that do not differ")


def members_are_trained_as_alone(folder):
    """The first member starts as a model without ensemble and gets its gradients, each shortened for itself: the same bits."""
    free = ["--flux.divergence_free=none", "--training.clip=0.5", "--training.reproducible=true", "--training.weight_decay=0.01"]
    prepared(folder, *free, steps=10)
    succeed("train", "deck.cfg", *SMALL, "--model.ensemble=1", "--training.steps=10", "--training.validate_every=5", "--output.log_every=10",
            "--checkpoint.directory=alone", *free, folder=folder)
    whole, alone = datasets(folder / "run/checkpoint_000000010.h5"), datasets(folder / "alone/checkpoint_000000010.h5")
    names = [name for name in alone if name.startswith("parameters/")]
    check(names, "no parameters")
    for name in names:
        member = whole[name.replace("parameters/", "parameters/member1/")]
        check(np.array_equal(member, alone[name]), f"{name}: {np.abs(member - alone[name]).max()}")


def what_cannot_be_is_refused(folder):
    prepared(folder)
    refused(folder, "train", "deck.cfg", *SMALL, "--model.ensemble=0", "--checkpoint.directory=other", parts=["model.ensemble = 0", "1 to 256"])
    refused(folder, "train", "deck.cfg", *SMALL, "--model.ensemble=2", "--restart=auto", "--training.steps=70", "--checkpoint.directory=run",
            parts=["model.ensemble = 2", "the checkpoint has 3"])
    check(np.isfinite(history(folder / "run/history.csv")["validation_nll"]).any(), "no validation")


main(the_equation_holds_and_is_told, queries_are_those_of_the_mean_of_the_members, members_are_trained_as_alone, what_cannot_be_is_refused)
