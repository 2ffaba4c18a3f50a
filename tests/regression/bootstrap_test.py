"""Standard errors by ensembles whose members learn from bootstrap replicates (`data.bootstrap`, `train --replicates`), and
ensembles that are joined from runs of their own (`combine`)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, differences, figures, h5py, main, np, refused, succeed  # noqa: E402

# A logistic whose location moves: its likelihood has one maximum, which every member reaches.
ONE_LOGISTIC = ["--model.family=factorised", "--model.mixture=1", "--model.components=1", "--model.hidden=8", "--model.time_features=2",
                "--model.time_frequency_max=0.5", "--objective.kinetic=0.01", "--training.batch=256", "--training.steps=600",
                "--training.learning_rate=1e-2", "--training.schedule=cosine", "--training.precision=double", "--training.validate_every=0",
                "--output.log_every=200", "--checkpoint.every=600"]


def write_rows(path, t, x, labels=None):
    """A population of one coordinate; labels: names and codes."""
    order = np.argsort(t, kind="stable")
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["format_version"] = "population", 1
        file["t"], file["x"] = t[order], x[order].reshape(-1, 1)
        for name, codes in (labels or {}).items():
            file[f"label/{name}"] = codes[order].astype(np.int32)
            file[f"label/{name}"].attrs["categories"] = [f"{name}{k}" for k in range(codes.max() + 1)]


def two_snapshots(path, n, seed, n_donors=0, donor_deviation=0.0):
    """N(0, 1) at t = 0 and N(2, 1) at t = 1, the rows of a donor moved by a number of its own at each time."""
    random = np.random.default_rng(seed)
    t = np.repeat([0.0, 1.0], n)
    donor = np.tile(np.arange(n) % max(1, n_donors), 2)
    moved = donor_deviation * random.normal(size=(2, max(1, n_donors)))
    x = random.normal(size=2 * n) + 2 * t + moved[t.astype(int), donor]
    write_rows(path, t, x, {"donor": donor} if n_donors else None)


def spread_of_drift(folder, checkpoint):
    """The spread of the drift in the middle, that of the distance between the two means."""
    with h5py.File(folder / "middle.h5", "w") as file:
        file["t"], file["x"] = np.array([0.5]), np.array([[1.0]])
    succeed("query", checkpoint, "--points=middle.h5", "--output=middle_values.h5", "--force", folder=folder)
    values = datasets(folder / "middle_values.h5")
    check(abs(values["velocity"][0, 0] - 2) < 0.6, f"drift {values['velocity']}")
    return values["velocity_spread"][0, 0]


def meaning(path, name):
    with h5py.File(path, "r") as file:
        text = file[name].attrs["meaning"]
    return text.decode() if isinstance(text, bytes) else text


def spread_is_the_standard_error_of_the_distance(folder):
    """The distance of two means of n rows has the standard error sqrt(2 / n) = 0.1. The location of a logistic scatters at
    most by 1.05 times that of a mean of Gaussian rows, and a standard deviation over 40 members by 1 / sqrt(78) of itself."""
    two_snapshots(folder / "data.h5", 200, 1)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    printed = succeed("train", "deck.cfg", *ONE_LOGISTIC, "--replicates=40", "--checkpoint.directory=run", folder=folder)
    check("the spread over the members is the standard error" in printed, printed)
    found = spread_of_drift(folder, "run/checkpoint_000000600.h5")
    scatter = 4 / np.sqrt(78)
    check(0.1 * (1 - scatter) < found < 0.105 * (1 + scatter), f"standard error {found}, expected 0.1")
    check(meaning(folder / "middle_values.h5", "velocity_spread").startswith("standard error by the bootstrap over rows"), "meaning")
    deck = datasets(folder / "run/checkpoint_000000600.h5")["deck"]
    deck = deck.decode() if isinstance(deck, bytes) else str(deck)
    check("bootstrap = rows" in deck and "ensemble = 40" in deck, deck)
    # Members that see the same rows come to the same maximum.
    printed = succeed("train", "deck.cfg", *ONE_LOGISTIC, "--model.ensemble=8", "--checkpoint.directory=starts", folder=folder)
    check("bootstrap" not in printed, printed)
    starts = spread_of_drift(folder, "starts/checkpoint_000000600.h5")
    check(starts < 0.3 * found, f"spread over starts {starts}, over replicates {found}")
    check("no standard error" in meaning(folder / "middle_values.h5", "velocity_spread"), "meaning of starts")


def donors_are_weighed_as_a_whole(folder):
    """12 donors whose means scatter by 0.5: the distance of two means scatters by sqrt(2 (1 / n + 0.25 / 12)) = 0.22, of which
    a bootstrap of G donors sees sqrt((G - 1) / (G + 1)) = 0.92, and one of rows sqrt(2 * 1.25 / n) = 0.08."""
    two_snapshots(folder / "data.h5", 360, 2, n_donors=12, donor_deviation=0.5)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    found = {}
    for kind in ("rows", "label:donor"):
        printed = succeed("train", "deck.cfg", *ONE_LOGISTIC, "--replicates=24", f"--data.bootstrap={kind}", "--checkpoint.directory=run", "--force",
                          folder=folder)
        check("warning: data.bootstrap" not in printed, printed)
        found[kind] = spread_of_drift(folder, "run/checkpoint_000000600.h5")
    # The means of these donors, as they were drawn.
    values = datasets(folder / "data.h5")
    means = np.array([[values["x"][(values["t"] == t) & (values["label/donor"] == k)].mean() for k in range(12)] for t in (0, 1)])
    expected = np.sqrt(((means[1] - means[0]).var() / 13))
    scatter = 4 / np.sqrt(2 * 23)
    check(expected * (1 - scatter) < found["label:donor"] < 1.1 * expected * (1 + scatter), f"{found}, expected {expected}")
    check(found["label:donor"] > 1.5 * found["rows"], f"{found}")


def ranks_and_restarts_change_nothing(folder):
    two_snapshots(folder / "data.h5", 100, 3, n_donors=4)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\nbootstrap = label:donor\n[model]\nensemble = 3\n[training]\nreproducible = true\n")
    steps = ["--checkpoint.every=20", "--output.log_every=20"]
    printed = succeed("train", "deck.cfg", *SMALL, *steps, "--training.steps=40", "--checkpoint.directory=one", folder=folder)
    check("have 4 different donors" in printed and "0.77 times" in printed, printed)
    succeed("train", "deck.cfg", *SMALL, *steps, "--training.steps=40", "--checkpoint.directory=two", ranks=2, folder=folder)
    succeed("train", "deck.cfg", *SMALL, *steps, "--training.steps=40", "--stop-after=20", "--checkpoint.directory=parts", code=75, folder=folder)
    succeed("train", "deck.cfg", *SMALL, *steps, "--training.steps=40", "--restart=auto", "--checkpoint.directory=parts", ranks=2, folder=folder)
    whole = datasets(folder / "one/checkpoint_000000040.h5")
    names = [name for name in whole if name.startswith("parameters/")]
    check(len(names) > 6, f"{names}")
    for other in ("two", "parts"):
        found = datasets(folder / other / "checkpoint_000000040.h5")
        for name in names:
            check(np.array_equal(found[name], whole[name]), f"{other}: {name}")


def joined_models_are_their_ensemble(folder):
    """Runs of other seeds on replicates of their own: density and flux are the means, spreads those over the runs."""
    two_snapshots(folder / "data.h5", 100, 4)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\nbootstrap = rows\n")
    short = ["--training.steps=40", "--training.validate_every=0", "--checkpoint.every=40", "--training.average=0.9"]
    runs = []
    for seed in (1, 2, 3):
        printed = succeed("train", "deck.cfg", *SMALL, *short, f"--training.seed={seed}", f"--checkpoint.directory=run{seed}", folder=folder)
        check("this is one replicate" in printed, printed)
        runs.append(f"run{seed}/checkpoint_000000040.h5")
    printed = succeed("combine", *runs, "--output=all.h5", folder=folder, ranks=2)
    check("an ensemble of 3 members" in printed and "standard error by the bootstrap over rows" in printed, printed)
    check("the mean of 3 densities" in succeed("info", "all.h5", folder=folder), "info")
    succeed("verify", "all.h5", folder=folder)
    with h5py.File(folder / "points.h5", "w") as file:
        random = np.random.default_rng(5)
        file["t"], file["x"] = random.uniform(0, 1, 30), random.normal(size=(30, 1))
    values = []
    for name in ["all.h5"] + runs:
        succeed("query", name, "--points=points.h5", "--output=values.h5", "--force", folder=folder)
        values.append(datasets(folder / "values.h5"))
    whole, members = values[0], values[1:]
    rho = np.array([np.exp(member["log_density"]) for member in members])
    flux = np.array([member["flux"] for member in members])
    check(np.allclose(np.exp(whole["log_density"]), rho.mean(0), rtol=1e-12), "density")
    check(np.allclose(whole["flux"], flux.mean(0), rtol=1e-10, atol=1e-12), "flux")
    check(np.allclose(whole["velocity_spread"], np.std([member["velocity"] for member in members], axis=0, ddof=1), rtol=1e-9, atol=1e-12), "spread")
    # Ensembles join, too, and training can start from the whole.
    succeed("train", "deck.cfg", *SMALL, *short, "--training.seed=4", "--checkpoint.directory=run4", folder=folder)
    check("4 members" in succeed("combine", "all.h5", "run4/checkpoint_000000040.h5", "--output=more.h5", folder=folder), "an ensemble and a model")
    printed = succeed("train", "deck.cfg", *SMALL, *short, "--model.ensemble=3", "--start-from=all.h5", "--checkpoint.directory=further", folder=folder)
    check("this is one replicate" not in printed, printed)

    refused(folder, "combine", runs[0], "--output=x.h5", parts=["needs two checkpoints"])
    refused(folder, "combine", runs[0], runs[0], "--output=x.h5", parts=["same training.seed = 1"])
    refused(folder, "combine", *runs, "--output=all.h5", parts=["all.h5", "exists"])
    refused(folder, "combine", *runs, "--output", runs[0], "--force", parts=["is the input and the output"])
    refused(folder, "combine", runs[0], "data.h5", "--output=x.h5", parts=["data.h5"])
    succeed("train", "deck.cfg", *SMALL, *short, "--training.seed=9", "--data.bootstrap=none", "--checkpoint.directory=other", folder=folder)
    refused(folder, "combine", runs[0], "other/checkpoint_000000040.h5", "--output=x.h5", parts=["data.bootstrap = none", "must agree"])
    check(not (folder / "x.h5").exists(), "a refused combine wrote a file")


def annotation_and_fates_have_spreads(folder):
    succeed("generate", "cells", "--count", 600, "--output", "cells.h5ad", folder=folder)
    succeed("import", "cells.h5ad", "--time-key=day", "--label-columns=cell_type,donor", "--output=cells.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = cells.h5\n[flux]\nnoise = 0.7\n")
    succeed("train", "deck.cfg", *SMALL, "--replicates=3", "--training.steps=60", "--training.validate_every=0", "--checkpoint.every=60",
            "--checkpoint.directory=run", folder=folder)
    model = "run/checkpoint_000000060.h5"
    printed = succeed("annotate", model, "cells.h5ad", "--output=told.h5ad", folder=folder, ranks=2)
    check("standard error by the bootstrap over rows" in printed, printed)
    cells = datasets(folder / "told.h5ad")
    population = datasets(folder / "cells.h5")
    rows = population["source_row"]
    with h5py.File(folder / "points.h5", "w") as file:
        file["t"], file["x"] = population["t"], population["x"]
    succeed("query", model, "--points=points.h5", "--output=values.h5", folder=folder)
    values = datasets(folder / "values.h5")
    for told, asked in (("obsm/velocity_pca_spread", "velocity_spread"), ("obs/rhoflux_log_density_spread", "log_density_spread"),
                        ("obsm/velocity_pca", "velocity"), ("obs/rhoflux_log_density", "log_density")):
        check(np.allclose(cells[told][rows], values[asked], rtol=1e-9, atol=1e-12), told)
    check((values["velocity_spread"] > 0).all(), "no spread")
    # Annotated again, by one member alone: nothing of the earlier annotation stays.
    succeed("train", "deck.cfg", *SMALL, "--training.steps=20", "--training.validate_every=0", "--checkpoint.every=20", "--checkpoint.directory=alone",
            folder=folder)
    succeed("annotate", "alone/checkpoint_000000020.h5", "told.h5ad", "--output=again.h5ad", folder=folder)
    left = [name for name in datasets(folder / "again.h5ad") if "spread" in name]
    check(not left, f"{left}")

    ask = ["fate", model, "--from=0", "--to=4", "--particles=cells.h5", "--label=cell_type", "--copies=8", "--steps=10"]
    printed = succeed(*ask, "--output=fate.h5", "--report=fate.json", folder=folder)
    check("in brackets the spread over the members" in printed and "standard error by the bootstrap" in printed, printed)
    succeed(*ask, "--output=fate2.h5", folder=folder, ranks=2)
    check(differences(folder / "fate.h5", folder / "fate2.h5") == [], f"{differences(folder / 'fate.h5', folder / 'fate2.h5')}")
    fate = datasets(folder / "fate.h5")
    check(fate["probability_spread"].shape == fate["probability"].shape, "shape")
    check("standard error" in meaning(folder / "fate.h5", "transition_spread"), "meaning")
    # The whole and the members, each followed as a model of its own: those of files with one member.
    json = figures(folder / "fate.json")["transition"]
    names = [name.decode() if isinstance(name, bytes) else name for name in fate["category"]]
    origins = [name.decode() if isinstance(name, bytes) else name for name in fate["category_from"]]
    for row in json:
        for k, name in enumerate(names):
            check(row["to"][name]["spread"] == fate["transition_spread"][origins.index(row["from"]), k], "JSON")
    check((fate["transition_spread"][fate["transition_count"] > 0] <= 1).all() and np.nanmax(fate["transition_spread"]) > 0, "spreads")


def what_cannot_be_is_refused(folder):
    two_snapshots(folder / "data.h5", 50, 6)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    refused(folder, "train", "deck.cfg", "--data.bootstrap=donor", parts=["data.bootstrap = donor", "none, rows or label:NAME"])
    refused(folder, "train", "deck.cfg", "--data.bootstrap=label:donor", parts=["no label 'donor'"])
    refused(folder, "train", "deck.cfg", "--check", "--data.bootstrap=label:donor", parts=["no label 'donor'"])
    refused(folder, "train", "deck.cfg", "--replicates=1", parts=["--replicates 1", "2"])
    refused(folder, "train", "deck.cfg", "--replicates=4", "--model.ensemble=3", parts=["model.ensemble", "keep one"])
    (folder / "laws.cfg").write_text("[objective]\ninitial_law = gaussian 0 : 1\ninitial = 1\nterminal_law = gaussian 1 : 1\nterminal = 1\n")
    refused(folder, "train", "laws.cfg", "--replicates=4", parts=["data.bootstrap = rows", "no data.file"])
    check(not (folder / "output").exists(), "a refused run left a folder")


main(spread_is_the_standard_error_of_the_distance, donors_are_weighed_as_a_whole, ranks_and_restarts_change_nothing,
     joined_models_are_their_ensemble, annotation_and_fates_have_spreads, what_cannot_be_is_refused)
