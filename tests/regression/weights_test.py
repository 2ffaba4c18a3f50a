"""Weights of rows count in validation, in which checkpoint is the best one, in evaluate and in transport's comparison."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, figures, h5py, main, np, succeed, write_population  # noqa: E402

MASK_DECK = ["--model.hidden=48,48", "--model.components=8", "--model.time_features=8", "--model.time_frequency_max=4",
             "--training.batch=256", "--training.learning_rate=3e-3", "--training.validate_every=100"]


def train(folder, population, *more, name="run"):
    (folder / f"{name}.cfg").write_text(f"[data]\nfile = {population}\n")
    return succeed("train", f"{name}.cfg", f"--checkpoint.directory={name}", *more, folder=folder)


def evaluate(folder, model, population, *more, ranks=0):
    said = succeed("evaluate", model, "--data", population, "--output", "figures.json", "--force", *more, ranks=ranks, folder=folder)
    return said, figures(folder / "figures.json")


def test_masked_rows(folder):
    """Half the rows have weight 0 and are far from the others."""
    random = np.random.default_rng(11)
    n = 3000
    t = random.integers(0, 3, n).astype(float)
    keep = random.random(n) < 0.5
    x = np.where(keep[:, None], random.normal(size=(n, 2)) * 0.2 + np.stack([t, -t], axis=1), random.normal(size=(n, 2)) * 3)
    lines = [f"{a},{b[0]:.17g},{b[1]:.17g},{int(k)}" for a, b, k in zip(t, x, keep)]
    (folder / "masked.csv").write_text("t,x1,x2,weight\n" + "\n".join(lines) + "\n")
    succeed("import", "masked.csv", "--val", ".1", "--test", ".1", "--output", "masked.h5", folder=folder)
    said = train(folder, "masked.h5", *MASK_DECK, "--training.steps=1500")
    data = datasets(folder / "masked.h5")
    counts = [int(np.sum(data["weight"][data["split"] == split])) for split in (0, 1, 2)]
    check(f"{counts[0]} training and {counts[1]} validation rows" in said, said)
    with h5py.File(folder / "run/best.h5", "r") as file:
        best = file["state"].attrs["step"] if "step" in file["state"].attrs else file["state/step"][()]
    check(best > 100, f"best.h5 is step {best}")
    said, found = evaluate(folder, "run/checkpoint_000001500.h5", "masked.h5")
    check(found["nll"]["count"] == counts[2] and found["nll"]["effective_count"] == counts[2], said)
    # Under the density that the rows come from. Counting the others, the figure is 5.3, of which the bound is far.
    rows = (data["split"] == 2) & (data["weight"] > 0)
    steps = (data["x"][rows] - np.stack([data["t"][rows], -data["t"][rows]], axis=1)) / 0.2
    truth = np.mean(np.sum(0.5 * steps**2 + np.log(0.2) + 0.5 * np.log(2 * np.pi), axis=1))
    check(abs(found["nll"]["original"] - truth) < 0.2, f"NLL {found['nll']['original']:.3f}, that of the truth is {truth:.3f}")
    check(all(entry["value"] < 0.5 for entry in found["w2"]), f"W2 counts rows of weight 0: {found['w2']}")
    # The data at the end of transport are the rows that count.
    succeed("transport", "run/best.h5", "--from", 0, "--to", 2, "--particles", "masked.h5", "--output", "paths.h5", "--report", "report.json",
            folder=folder)
    check(figures(folder / "report.json")["w2_of_samples"] < 0.5, "transport compares with rows of weight 0")


def weighted_mean(folder, model, population):
    """NLL of a file by query and its weights."""
    data = datasets(folder / population)
    counts = data["weight"] > 0
    write_population(folder / "points.h5", data["t"][counts], data["x"][counts])
    succeed("query", model, "--points", "points.h5", "--output", "query.h5", "--force", folder=folder)
    return -np.average(datasets(folder / "query.h5")["log_density"], weights=data["weight"][counts])


def test_importance_weights(folder):
    """Rows of a wide distribution with the weights of a narrow one; weights that are tiny, and huge."""
    random = np.random.default_rng(5)
    t = np.repeat([0.0, 1.0, 2.0], 300)
    x = 2 * random.normal(size=(900, 1)) + 0.5
    log_weight = 0.5 * ((x[:, 0] - 0.5) / 2) ** 2 - 0.5 * ((x[:, 0] - 1) / 0.5) ** 2
    split = np.tile([0, 0, 1], 300).astype("i1")
    t[0] = -9999.0  # of a row that does not count
    x[0] = 1e30
    log_weight[0] = -np.inf
    results = []
    for scale in (1, 1e-250, 1e250):
        write_population(folder / "data.h5", t, x, split=split, weight=scale * np.exp(log_weight))
        said = train(folder, "data.h5", *SMALL, "--training.steps=30", "--training.precision=double", "--force")
        effective = [np.sum(np.exp(log_weight[split == s])) ** 2 / np.sum(np.exp(2 * log_weight[split == s])) for s in (0, 1)]
        check(f"{effective[0]:.1f} training and {effective[1]:.1f} validation rows" in said, said)
        found = {ranks: evaluate(folder, "run/best.h5", "data.h5", "--split", "all", ranks=ranks)[1] for ranks in (1, 2, 4)}
        check(found[1] == found[2] == found[4], "evaluate depends on the ranks")
        check(found[1]["nll"]["times_without_rows"] == [] and [entry["t"] for entry in found[1]["w1"]] == [0, 1, 2], f"{found[1]}")
        expected = weighted_mean(folder, "run/best.h5", "data.h5")
        check(abs(found[1]["nll"]["original"] - expected) < 1e-9, f"{found[1]['nll']['original']}, expected {expected}")
        results.append(found[1]["nll"]["original"])
    check(np.ptp(results) < 1e-9, f"the scale of the weights counts: {results}")


def test_weights_are_copies(folder):
    """Counts of repeated rows: the figures of the file with every row written as often as its count."""
    random = np.random.default_rng(8)
    t = np.repeat([1.0, 2.0], 150)
    x = random.normal(size=(300, 2)) + t[:, None]
    count = random.poisson(1.0, 300)
    write_population(folder / "counts.h5", t, x, weight=count.astype(float))
    write_population(folder / "copies.h5", np.repeat(t, count), np.repeat(x, count, axis=0))
    train(folder, "copies.h5", *SMALL, "--training.steps=20")
    _, weighted = evaluate(folder, "run/best.h5", "counts.h5", "--split", "train")
    _, copied = evaluate(folder, "run/best.h5", "copies.h5", "--split", "train")
    check(abs(weighted["nll"]["original"] - copied["nll"]["original"]) < 1e-12, "NLL")
    for one, other in zip(weighted["nll"]["per_time"], copied["nll"]["per_time"]):
        check(abs(one["standardised"] - other["standardised"]) < 1e-12 and one["count"] < other["count"], f"{one}, {other}")
        check(abs(one["effective_count"] - np.sum(count[t == one["t"]]) ** 2 / np.sum(count[t == one["t"]] ** 2.0)) < 1e-9, f"{one}")


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")], at_once=2)
