"""Populations whose size changes, and conditions: what is generated and imported, and what is said of changing numbers."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, h5py, main, np, refused, succeed  # noqa: E402


def generated(folder, name, count, seed=1):
    succeed("generate", name, "--count", count, "--seed", seed, "--output", f"{name}.h5", "--force", folder=folder)
    return datasets(folder / f"{name}.h5")


def names(dataset):
    return [name.decode() if isinstance(name, bytes) else str(name) for name in dataset.attrs["categories"]]


def types_have_their_numbers_and_rates(folder):
    for name, count, rows in (("growth", 3300, [[400, 400, 400], [100, 400, 1600]]),
                              ("growth_three", 6725, [[400] * 4, [200, 400, 800, 1600], [1600, 400, 100, 25]])):
        found = generated(folder, name, count)
        for code, expected in enumerate(rows):
            of_type = found["label/type"] == code
            numbers = [int((of_type & (found["t"] == t)).sum()) for t in range(len(expected))]
            check(numbers == expected, f"{name}, type {code}: {numbers} instead of {expected}")
            rate = np.log(expected[-1] / expected[0]) / (len(expected) - 1)
            check(np.allclose(found["growth"][of_type], rate, rtol=1e-14, atol=1e-14), f"{name}, type {code}: rates")
        for t in np.unique(found["t"]):
            here = found["t"] == t
            train = (here & (found["split"] == 0)).sum()
            # Eight of ten rows of each type, the last ten begun.
            check(abs(train - 0.8 * here.sum()) <= 2 * len(rows), f"{name}, t = {t}: {train} training rows of {here.sum()}")
    with h5py.File(folder / "growth_three.h5", "r") as file:
        check(names(file["label/type"]) == ["A", "B", "C"], "names of the types")


def rates_of_the_killed_process_are_those_of_its_rows(folder):
    found = generated(folder, "growth_ou", 20000)
    check(np.allclose(found["growth"], 1.2 - 0.4 * found["x"][:, 0] ** 2, rtol=1e-13, atol=1e-13), "rates")
    times, numbers = np.unique(found["t"], return_counts=True)
    check(np.array_equal(times, [0, 0.5, 1, 1.5, 2]), f"times {times}")
    # m' = -m - 0.8 v m, v' = -2 v + 0.25 - 0.8 v^2, (log M)' = 1.2 - 0.4 (m^2 + v) by the midpoint rule: to 1e-6 of M.
    def rates(state):
        m, v, _ = state
        return np.array([-m - 0.8 * v * m, -2 * v + 0.25 - 0.8 * v * v, 1.2 - 0.4 * (m * m + v)])

    state, step, masses = np.array([1.5, 0.25, 0]), 1e-3, [1.0]
    for n in range(2000):
        state = state + step * rates(state + step / 2 * rates(state))
        if (n + 1) % 500 == 0:
            masses.append(np.exp(state[2]))
    expected = 20000 * np.array(masses) / sum(masses)
    check(np.all(np.abs(numbers - expected) < 1.1), f"numbers of rows {numbers} instead of {expected}")


def conditions_are_kept_with_their_rows(folder):
    found = generated(folder, "conditions_drug", 20000)
    dose, drug, t = found["condition/dose"], found["condition/drug"], found["t"]
    check(dose.dtype == np.float64 and set(dose) == {0, 0.5, 1, 1.5, 2.5, 3}, f"doses {set(dose)}")
    with h5py.File(folder / "conditions_drug.h5", "r") as file:
        check(names(file["condition/drug"]) == ["A", "B"], "names of the drugs")
    side = np.where(drug == 0, 1, -1)
    for residual, deviation in ((found["x"][:, 0] - dose * t, 1), (found["x"][:, 1] - side * dose * t, 0.5)):
        for d in set(dose):
            here = residual[dose == d]
            check(abs(here.mean()) < 5 * deviation / len(here) ** 0.5, f"dose {d}: mean {here.mean()}")
            check(abs(here.std() - deviation) < 5 * deviation / (2 * len(here)) ** 0.5, f"dose {d}: deviation {here.std()}")
    found = generated(folder, "conditions", 1000)
    check("condition/dose" in found and "condition/drug" not in found and found["x"].shape == (1000, 1), "conditions")


def a_larger_set_contains_the_smaller(folder):
    for name in ("growth", "growth_ou", "conditions"):
        small, large = generated(folder, name, 300), generated(folder, name, 1000)
        rows = {tuple(row) for row in np.c_[large["t"], large["x"]]}
        check(all(tuple(row) in rows for row in np.c_[small["t"], small["x"]]), name)


def growth_factors_become_rates(folder):
    (folder / "factor.csv").write_text("t,x1,grow\n0,0.1,2\n0,0.3,1\n1,0.2,0.5\n1,0.7,4\n")
    arguments = ["import", "factor.csv", "--growth-column", "grow", "--output", "factor.h5", "--force"]
    succeed(*arguments, folder=folder)
    check(np.array_equal(datasets(folder / "factor.h5")["growth"], [2, 1, 0.5, 4]), "rates are kept as they are")
    succeed(*arguments, "--growth-form", "factor", folder=folder)
    check(np.allclose(datasets(folder / "factor.h5")["growth"], np.log([2, 1, 0.5, 4]), rtol=1e-15), "logarithms of factors")
    for bad in ("0", "-2"):
        (folder / "factor.csv").write_text(f"t,x1,grow\n0,0.1,2\n0,0.3,{bad}\n")
        refused(folder, *arguments, "--growth-form", "factor", parts=["factor.csv", "line 3", "growth factor", "must be above 0"])
    refused(folder, *arguments, "--growth-form", "percent", parts=["growth-form", "rate", "factor"])
    for form in ("factor", "rate"):  # of which column?
        refused(folder, "import", "factor.csv", "--growth-form", form, "--output", "none.h5",
                parts=[f"--growth-form {form}", "--growth-column", "not given"])
    check(not (folder / "none.h5").exists(), "a refused import writes a file")


def train_says_at_its_start_what_changing_numbers_do(folder):
    generated(folder, "growth", 3300)
    (folder / "deck.cfg").write_text("[data]\nfile = growth.h5\n[training]\nsteps = 5\n[checkpoint]\ndirectory = run\n")
    for more in (["--check"], ["--force"]):
        printed = succeed("train", "deck.cfg", *SMALL, *more, folder=folder)
        lines = [line for line in printed.splitlines() if line.startswith("warning: the number of rows changes")]
        check(len(lines) == 1, f"{more}: {printed}")
        for part in ("from 500 (t = 0) to 2000 (t = 2)", "individuals that turn into others", "fates and paths are wrong", "growth = weights",
                     "mass = counts", "inputs/growth.cfg"):
            check(part in lines[0], f"'{part}' is not in {lines[0]}")
        if "--force" in more:
            check(printed.index(lines[0]) < printed.index("\nmodel: "), "the warning comes before the training")


def masses_are_read_from_the_deck(folder):
    generated(folder, "growth", 330)
    (folder / "deck.cfg").write_text("[data]\nfile = growth.h5\nmass = 0:1, 1:1.6, 2:4\n[model]\ngrowth = weights\n[training]\nsteps = 5\n")
    succeed("train", "deck.cfg", "--check", folder=folder)
    succeed("train", "deck.cfg", "--check", "--data.mass=counts", folder=folder)
    # Masses beyond the rows are not known.
    for more, words in ((["--data.hold_out_times=2"], "no training rows from t = 1 to 2"), (["--data.time_range=-1:2"], "from t = -1 to 0")):
        for check_alone in (["--check"], [*SMALL, "--force", "--checkpoint.directory=run"]):
            said = succeed("train", "deck.cfg", *check_alone, "--data.mass=counts", *more, folder=folder)
            check(said.count("warning: data.mass = counts: there are no training rows") == 1 and words in said, said)
    check("no training rows" not in succeed("train", "deck.cfg", "--check", "--data.mass=counts", "--data.hold_out_times=1", folder=folder), "between")
    for value, part in (("2:1,1:2", "must ascend"), ("0:1,2:-1", "not above 0"), ("0:1", "at the last time"), ("some", "none, counts or time:mass")):
        refused(folder, "train", "deck.cfg", "--check", f"--data.mass={value}", parts=["data.mass", part])


main(types_have_their_numbers_and_rates, rates_of_the_killed_process_are_those_of_its_rows, conditions_are_kept_with_their_rows,
     a_larger_set_contains_the_smaller, growth_factors_become_rates, train_says_at_its_start_what_changing_numbers_do,
     masses_are_read_from_the_deck)
