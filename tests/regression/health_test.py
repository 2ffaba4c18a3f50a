"""Data that are odd: what import, info and train say of them, in the same words, and what helps."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, h5py, main, np, run, succeed, write_population  # noqa: E402

random = np.random.default_rng(17)
T = np.repeat([0.0, 1.0, 2.0], 300)
X = random.normal(size=(900, 2)) + np.c_[T, 0 * T]


def table(path, t, x, **more):
    columns = {"t": t, **{f"x{k + 1}": x[:, k] for k in range(x.shape[1])}, **more}
    rows = zip(*columns.values())
    Path(path).write_text(",".join(columns) + "\n" + "".join(",".join(f"{v:.12g}" if isinstance(v, float) else str(v) for v in row) + "\n"
                                                                for row in rows))


def warnings(text):
    return sorted(line for line in text.splitlines() if line.startswith("warning: "))


def deck(folder, *more):
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n[training]\nsteps = 20\n[checkpoint]\ndirectory = run\n")
    return ["train", "deck.cfg", "--force", *SMALL, *more]


def said_alike(folder, t, x, *parts):
    """The warnings of import, which have these parts; info, train --check and train say the same."""
    table(folder / "data.csv", t, x)
    first = warnings(succeed("import", "data.csv", "--output", "data.h5", "--force", folder=folder))
    check(len(first) == len(parts), f"{first}")
    for part in parts:
        check(any(part in line for line in first), f"'{part}' is not in {first}")
    for arguments in (["info", "data.h5"], deck(folder, "--check"), deck(folder)):
        again = warnings(succeed(*arguments, folder=folder).split("\nmodel: ")[0])  # what train says of its model is another matter
        check(first == again, f"{arguments}: {again} instead of {first}")
    check(first == warnings(succeed("info", "data.h5", folder=folder, ranks=2)), "on two ranks")
    return first


def sound_data_have_no_warnings(folder):
    said_alike(folder, T, X)


def few_distinct_values(folder):
    counts = X.copy()
    counts[:, 0] = np.round(counts[:, 0] * 2)
    said_alike(folder, T, counts, "x1 has ")
    check(not warnings(succeed(*deck(folder, "--training.noise=0.1"), folder=folder)), "noise deals with it")
    printed = succeed("import", "data.csv", "--output", "data.h5", "--force", "--dequantise", "x1", folder=folder)
    check(not warnings(printed) and "x1 = 1" in printed, printed)
    found = datasets(folder / "data.h5")["x"]
    check(np.array_equal(np.round(found[:, 0]), counts[:, 0]) and np.array_equal(found[:, 1], [float(f"{v:.12g}") for v in X[:, 1]]),
          "dequantised coordinates")
    rounded = np.round(X, 1)  # to a decimal place
    said_alike(folder, T, rounded, "x1 has ", "x2 has ")


def bad_rows_and_robust_scales(folder):
    bad = X.copy()
    bad[7] = [1e6, 0]
    first = said_alike(folder, T, bad, "row 7 (from 0) of the imported file, with x1 = 1e+06")
    check("standardise = robust" in first[0], f"{first}")
    printed = succeed(*deck(folder, "--data.standardise=robust"), folder=folder)
    check(not warnings(printed.split("\nmodel: ")[0]), printed)
    with h5py.File(folder / "run/best.h5", "r") as file:
        scale, mean = file["model/scale"][()], file["model/mean"][()]
    for k in range(2):
        low, middle, high = np.quantile(X[:, k], [0.25, 0.5, 0.75])
        # Quantiles of 900 rows, of which one is another: within a few hundredths.
        check(abs(scale[k] - (high - low) / 1.349) < 0.02 and abs(mean[k] - middle) < 0.02, f"{scale} {mean}")
    missing = X.copy()
    missing[::10, 1] = -9999  # a code for missing values
    said_alike(folder, T, missing, "90 rows lie more than 15", "x2 has the value -9999 in 10 % of the rows")


def a_single_snapshot_is_a_density(folder):
    said_alike(folder, np.full(400, 3.0), X[:400], "all rows have the time 3")
    for term in ("kinetic", "entropy"):
        result = run(*deck(folder, f"--objective.{term}=0.1"), folder=folder)
        check(result.returncode == 2 and f"objective.{term}" in result.stderr and "time 3" in result.stderr, result.stderr)
    succeed(*deck(folder), folder=folder)
    succeed("query", "run/best.h5", "--points", "data.h5", "--output", "query.h5", folder=folder)
    found = datasets(folder / "query.h5")
    check({"log_density", "score"} <= set(found) and not {"velocity", "flux", "dlogdensity_dt"} & set(found), f"{sorted(found)}")
    succeed("field", "run/best.h5", "--times", 3, "--grid", "5,4", "--output", "field.h5", folder=folder)
    check("velocity" not in datasets(folder / "field.h5"), "a field of one time has a velocity")
    for arguments in (["transport", "run/best.h5", "--from", 3, "--to", 3.001, "--count", 5],
                      ["fate", "run/best.h5", "--from", 3, "--to", 3.001, "--particles", "data.h5", "--label", "a"]):
        result = run(*arguments, "--output", "none.h5", folder=folder)
        check(result.returncode == 2 and "no motion" in result.stderr, result.stderr)
    succeed("evaluate", "run/best.h5", "--data", "data.h5", "--split", "train", folder=folder)
    # Two times, of which all rows of one have no weight.
    table(folder / "data.csv", T, X, weight=[float(t == 1) for t in T])
    succeed("import", "data.csv", "--output", "data.h5", "--force", folder=folder)
    result = run(*deck(folder, "--objective.kinetic=0.1"), folder=folder)
    check(result.returncode == 2 and "time 1" in result.stderr, result.stderr)


def snapshots_that_are_small_or_not_in_a_split(folder):
    t = np.concatenate([np.zeros(2000), np.ones(50), np.full(5, 2.0)])
    x = random.normal(size=(len(t), 2)) + np.c_[t, 0 * t]
    table(folder / "data.csv", t, x)
    printed = succeed("import", "data.csv", "--output", "data.h5", "--test", 0.1, folder=folder)
    found = datasets(folder / "data.h5")
    check([int(((found["t"] == k) & (found["split"] == 2)).sum()) for k in range(3)] == [200, 5, 1], "test rows of each time")
    check("t = 2 has 5 rows only" in printed and "the number of rows changes from 5 (t = 2) to 2000 (t = 0)" in printed, printed)
    table(folder / "data.csv", t, x, split=[2 if k % 10 == 0 and u < 2 else 0 for k, u in enumerate(t)])
    printed = succeed("import", "data.csv", "--output", "data.h5", "--force", folder=folder)
    check("t = 2 has no rows in the split test" in printed, printed)


def an_overtrained_run_says_so(folder):
    """Ten rows in two dimensions and a large network: the validation rises without end, and the last lines say so; a short run does not."""
    random = np.random.default_rng(1)
    write_population(folder / "few.h5", np.repeat([0.0, 1.0], 55), random.normal(size=(110, 2)), split=(np.arange(110) % 11 > 0).astype("i1"))
    (folder / "few.cfg").write_text("[data]\nfile = few.h5\n[model]\nhidden = 64,64\n[training]\nbatch = 64\nlearning_rate = 1e-2\nvalidate_every = 20\n"
                                    "[checkpoint]\ndirectory = few\n")
    said = succeed("train", "few.cfg", "--training.steps=600", "--force", folder=folder).splitlines()
    check(any(line.startswith("warning: the model of the last step is overtrained") and "which best.h5 is of" in line for line in said), "\n".join(said[-20:]))
    said = succeed("train", "few.cfg", "--training.steps=600", "--objective.kinetic=1e-6", "--force", folder=folder)
    check("warning: the validation nll of the last step, which best.h5 is of" in said, said[-2000:])
    said = succeed("train", "few.cfg", "--training.steps=20", "--force", folder=folder)
    check("overtrained" not in said, said[-2000:])


main(an_overtrained_run_says_so, sound_data_have_no_warnings, few_distinct_values, bad_rows_and_robust_scales, a_single_snapshot_is_a_density,
     snapshots_that_are_small_or_not_in_a_split)
