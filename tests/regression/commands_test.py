"""What each command writes: names, shapes, figures that agree with each other, the same for 1 and 2 ranks."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import PROGRAM, SMALL, check, datasets, differences, figures, h5py, history, main, np, run, succeed, write_population  # noqa: E402

COMMANDS = ("train", "evaluate", "sample", "query", "transport", "field", "verify", "import", "generate", "info")


def prepare(folder, family="autoregressive"):
    succeed("generate", "branching", "--count", 1000, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    succeed("train", "deck.cfg", *SMALL, "--training.steps=40", f"--model.family={family}",
            "--checkpoint.directory=run", folder=folder)
    return "run/checkpoint_000000040.h5"


def test_help_and_version(folder):
    check("COMMAND" in succeed("--help"), "no usage")
    for command in COMMANDS:
        check(succeed(command, "--help").startswith(f"Usage: rhoflux {command}"), f"{command} --help: no usage")
    said = succeed("--version", ranks=2)
    for word in ("rhoflux", "git", "Kokkos", "MPI", "HDF5", "backend"):
        check(word in said, f"--version does not tell {word}: {said}")
    check(said.count("rhoflux") == 1, "--version is printed by every rank")
    (folder / "all.cfg").write_text(succeed("train", "--help-deck"))


def test_runs_without_mpirun_share_no_folder(folder):
    """Open MPI's session directory below TMPDIR is the same for all of them: they would make and remove it at once."""
    (folder / "no_folder").write_text("")
    environment = dict(os.environ, TMPDIR=str(folder / "no_folder"))
    command = [PROGRAM, "generate", "ou", "--count", "10", "--output", "a.h5"]
    result = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            timeout=60, check=False)
    check(result.returncode == 0, result.stdout)


def test_generate(folder):
    for name, dims in (("pinwheel", 2), ("branching", 2), ("gaussian_translation", 2), ("gaussian_rotation", 2), ("ou", 1)):
        for ranks in (1, 2):
            succeed("generate", name, "--count", 200, "--seed", 5, "--output", f"{name}_{ranks}.h5", ranks=ranks, folder=folder)
        check(not differences(folder / f"{name}_1.h5", folder / f"{name}_2.h5"), f"{name} depends on the ranks")
        found = datasets(folder / f"{name}_1.h5")
        check(found["t"].shape == (200,) and found["x"].shape == (200, dims) and found["x"].dtype == np.float64, name)
        check(np.all(np.diff(found["t"]) >= 0), name + " is not sorted by time")
        check(found["split"].dtype == np.int8 and set(found["split"]) == {0, 1, 2}, name + ": split")
        with h5py.File(folder / f"{name}_1.h5", "r") as file:
            for attribute in ("dim_names", "time_unit", "source"):
                check(attribute in file.attrs, f"{name} has no attribute {attribute}")
    succeed("generate", "ou", "--count", 200, "--seed", 6, "--output", "other.h5", folder=folder)
    check(differences(folder / "ou_1.h5", folder / "other.h5"), "the seed changes nothing")


def test_import(folder):
    (folder / "in.csv").write_text("t,x1,x2,split,weight,note\n1,3,4.5,val,2,b\n0,1,-2e-3,train,1,a\n2,5,6,test,0.5,c\n")
    said = succeed("import", "in.csv", "--output", "out.h5", "--time-unit", "day", ranks=2, folder=folder)
    check("note" in said, "a column that is left out is not named")
    found = datasets(folder / "out.h5")
    check(np.array_equal(found["t"], [0, 1, 2]), "t")
    check(np.array_equal(found["x"], [[1, -2e-3], [3, 4.5], [5, 6]]), "x")
    check(np.array_equal(found["split"], [0, 1, 2]) and np.array_equal(found["weight"], [1, 2, 0.5]), "split, weight")
    said = succeed("info", "out.h5", folder=folder)
    check("3 (1 train, 1 val, 1 test)" in said and "day" in said, "info: " + said)


def test_info(folder):
    model = prepare(folder)
    for name, words in ((model, ["checkpoint", "step 40", "hidden = 16,16", "command_line"]), ("data.h5", ["1000"])):
        alone, shared = succeed("info", name, folder=folder), succeed("info", name, ranks=2, folder=folder)
        check(alone == shared, "info depends on the ranks")
        for word in words:
            check(word in alone, f"info {name} does not tell '{word}': {alone}")


def test_info_says_why_a_model_was_kept(folder):
    """The smallest NLL of the validation rows decides where it is the whole objective, else the newest model is kept."""
    prepare(folder)
    for more, at_least_one_is_smaller in ((["--training.learning_rate=0.02"], False), (["--objective.kinetic=1"], True)):
        succeed("train", "deck.cfg", *SMALL, "--training.steps=120", "--training.validate_every=5", "--checkpoint.directory=kept", "--force",
                *more, folder=folder)
        nll = history(folder / "kept/history.csv")
        rows = np.flatnonzero(np.isfinite(nll["validation_nll"]))
        least = rows[np.argmin(nll["validation_nll"][rows])]
        said = succeed("info", "kept/best.h5", folder=folder)
        with h5py.File(folder / "kept/best.h5") as file:
            step = int(file["state"].attrs["best_step"])
        check(f"best.h5    of step {step}, validation nll" in said, said)
        if not at_least_one_is_smaller:
            check(step == nll["step"][least] and ", the smallest so far" in said, f"step {nll['step'][least]}: {said}")
        elif least != rows[-1]:
            check(step == nll["step"][rows[-1]] and f"at step {int(nll['step'][least])}" in said and ", the newest" in said, said)
        else:
            check(", the smallest so far" in said, said)


def test_provenance(folder):
    """Every file says what it was made from; the hashes are those of sha256sum."""
    model = prepare(folder)
    def line(name):
        return hashlib.sha256((folder / name).read_bytes()).hexdigest() + "  " + name
    with h5py.File(folder / "data.h5", "r") as file:
        check("generate" in file["provenance"].attrs["command_line"].decode(), "data.h5 does not say how it was made")
    with h5py.File(folder / model, "r") as file:
        found = {name: value.decode() for name, value in file["provenance"].attrs.items() if hasattr(value, "decode")}
    check(found["inputs"] == line("data.h5"), f"{model} does not have the hash of its data: {found['inputs']}")
    for name in ("git", "compiler", "folder", "processor", "host", "started"):
        check(found.get(name), f"{model} has no {name}")
    succeed("sample", model, "--times", "0", "--count", 7, "--output", "s.h5", folder=folder)
    said = succeed("info", "s.h5", folder=folder)
    check(f"inputs: {line(model)}" in said and f"model_inputs: {line('data.h5')}" in said, said)
    succeed("evaluate", model, "--data", "data.h5", "--output", "e.json", folder=folder)
    inputs = json.loads((folder / "e.json").read_text())["provenance"]["inputs"]
    check(inputs.splitlines() == [line(model), line("data.h5")], inputs)
    (folder / "rows.csv").write_text("t,x1\n0,1\n1,2\n")
    succeed("import", "rows.csv", "--output", "rows.h5", folder=folder)
    check(f"inputs: {line('rows.csv')}" in succeed("info", "rows.h5", folder=folder), "import does not keep the hash")
    succeed("train", "deck.cfg", *SMALL, "--training.steps=2", "--data.hash=false", "--checkpoint.directory=unhashed", folder=folder)
    said = succeed("info", "unhashed/best.h5", folder=folder)
    check("inputs: (not hashed)  data.h5" in said, said)


def test_evaluate(folder):
    model = prepare(folder)
    found_on = []
    for ranks in (1, 2):
        succeed("evaluate", model, "--data", "data.h5", "--output", f"{ranks}.json", ranks=ranks, folder=folder)
        found_on.append(figures(folder / f"{ranks}.json"))
    check(found_on[0] == found_on[1], "evaluate depends on the ranks")
    found = found_on[0]
    nll = found["nll"]
    with h5py.File(folder / model, "r") as file:
        log_scale = float(np.sum(np.log(file["model/scale"][()])))
    check(abs(nll["original"] - nll["standardised"] - log_scale) < 1e-10, "the log-determinant is not the sum of log scale")
    data = datasets(folder / "data.h5")
    test = data["split"] == 2
    times, counts = np.unique(data["t"][test], return_counts=True)
    for part in (nll["per_time"], found["w1"], found["w2"]):
        check([entry["t"] for entry in part] == list(times), "times")
        check([entry["count"] for entry in part] == list(counts), "counts")
    mean = sum(entry["standardised"] * entry["count"] for entry in nll["per_time"]) / counts.sum()
    check(abs(mean - nll["standardised"]) < 1e-10, "the NLL of the times does not average to that of all")
    for first, second in zip(found["w1"], found["w2"]):
        check(0 < first["value"] <= second["value"], "W1 > W2")
    # The same figure through query.
    write_population(folder / "points.h5", data["t"][test], data["x"][test])
    succeed("query", model, "--points", "points.h5", "--output", "query.h5", folder=folder)
    check(abs(-np.mean(datasets(folder / "query.h5")["log_density"]) - nll["original"]) < 1e-10, "query and evaluate differ")


def test_sample(folder):
    model = prepare(folder)
    for ranks in (1, 2):
        succeed("sample", model, "--times", "0:4:5", "--count", 333, "--output", f"{ranks}.h5", ranks=ranks, folder=folder)
    check(not differences(folder / "1.h5", folder / "2.h5"), "samples depend on the ranks")
    found = datasets(folder / "1.h5")
    check(np.array_equal(found["t"], [0, 1, 2, 3, 4]) and found["x"].shape == (5, 333, 2), "shapes")
    check(np.all(np.isfinite(found["x"])) and len(np.unique(found["x"][..., 0])) == 5 * 333, "repeated samples")
    check(b"hidden = 16,16" in found["deck"] or "hidden = 16,16" in str(found["deck"]), "the deck is missing")
    with h5py.File(folder / "1.h5", "r") as file:
        check("command_line" in file["provenance"].attrs, "the provenance is missing")
    succeed("sample", model, "--times", "0", "--count", 7, "--seed", 2, "--output", "1.h5", "--force", folder=folder)
    check(datasets(folder / "1.h5")["x"].shape == (1, 7, 2), "--force")


def query(folder, family):
    """Central differences with step h have an error of h^2 f'''/6 + eps |f| / h; with h = 1e-4 in units in which f
    varies by 1, at worst some 1e-6 where components are narrow."""
    model = prepare(folder, family)
    random = np.random.default_rng(2)
    count, step = 150, 1e-4
    t, x = np.sort(random.uniform(0.1, 3.9, count)), random.normal(size=(count, 2))
    shifts = [(0, 0, 0)] + [tuple(sign * (k == axis) for axis in range(3)) for k in range(3) for sign in (1, -1)]
    times = np.concatenate([t + step * shift[0] for shift in shifts])
    points = np.concatenate([x + step * np.array(shift[1:]) for shift in shifts])
    write_population(folder / "points.h5", times, points)
    for ranks in (1, 2):
        succeed("query", model, "--points", "points.h5", "--output", f"{ranks}.h5", ranks=ranks, folder=folder)
    check(not differences(folder / "1.h5", folder / "2.h5"), "query depends on the ranks")
    found = datasets(folder / "1.h5")
    check(np.array_equal(found["t"], times) and np.array_equal(found["x"], points), "the points are not handed through")
    check(found["score"].shape == points.shape and found["dlogdensity_dt"].shape == times.shape, "shapes")
    values = found["log_density"].reshape(len(shifts), count)
    for k, derivative in enumerate((found["dlogdensity_dt"][:count], found["score"][:count, 0], found["score"][:count, 1])):
        difference = (values[1 + 2 * k] - values[2 + 2 * k]) / (2 * step)
        gap = np.max(np.abs(difference - derivative) / (1 + np.abs(derivative)))
        check(gap < 1e-5, f"{family}: derivative {k} is off by {gap:.1e}")


def test_query_autoregressive(folder):
    query(folder, "autoregressive")


def test_query_factorised(folder):
    query(folder, "factorised")


def test_check_writes_nothing(folder):
    succeed("generate", "ou", "--count", 300, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    succeed("train", "deck.cfg", "--check", folder=folder)
    check(sorted(path.name for path in folder.iterdir()) == ["data.h5", "deck.cfg"], "--check has written something")
    check(run("train", "deck.cfg", "--check", ranks=2, folder=folder).returncode == 0, "--check under 2 ranks")


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")], at_once=2)
