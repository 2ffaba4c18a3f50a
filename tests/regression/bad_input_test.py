"""Bad input: exit code 2, one message that says what and where, and not one file written or changed."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, h5py, listing, main, np, run, succeed, write_population  # noqa: E402


def refused(folder, words, *arguments, ranks=0, threads=1):
    """Requires exit code 2, an error message with these words, given once, and an unchanged folder."""
    before = listing(folder)
    result = run(*arguments, folder=folder, ranks=ranks, threads=threads)
    said = f"{' '.join(map(str, arguments))} ({ranks} ranks), exit code {result.returncode}:\n{result.stdout}{result.stderr}"
    check(result.returncode == 2, "expected exit code 2 from " + said)
    check(result.stderr.count("rhoflux: error:") == 1, "expected one message from " + said)
    for word in words:
        check(word in result.stderr, f"expected '{word}' in what was said by {said}")
    after = listing(folder)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    check(not changed, f"{changed} changed by {said}")


def prepare(folder):
    """A population, a deck, and a small trained model."""
    succeed("generate", "branching", "--count", 500, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    succeed("train", "deck.cfg", *SMALL, "--training.steps=2", "--checkpoint.directory=run", folder=folder)
    return "run/checkpoint_000000002.h5"


def test_deck(folder):
    succeed("generate", "branching", "--count", 500, "--output", "data.h5", folder=folder)
    for text, words in (("[data]\nfile = data.h5\n[training]\nstepz = 5\n", ["bad.cfg:4", "stepz", "training.steps"]),
                        ("[data]\nfile = data.h5\n[trainin]\nsteps = 5\n", ["bad.cfg:3", "trainin"]),
                        ("[data]\nfile = data.h5\n[training]\nsteps = many\n", ["bad.cfg:4", "training.steps", "many", "whole number"]),
                        ("[data]\nfile = data.h5\n[training]\nsteps = 5\nsteps = 6\n", ["bad.cfg:5", "training.steps", "duplicate"]),
                        ("[data]\nfile = data.h5\n[training]\nbatch = -4\n", ["bad.cfg:4", "training.batch", "-4"]),
                        ("[data]\nfile = data.h5\n[model]\nfamily = flow\n", ["bad.cfg:4", "flow", "factorised"]),
                        ("[data]\nfile = data.h5\nsteps 5\n", ["bad.cfg:3"]),
                        ("[data]\nfile = \n", ["bad.cfg:2", "data.file"]),
                        ("[training]\nsteps = 5\n", ["data.file"]),
                        ("[data]\nfile = missing.h5\n", ["missing.h5", "no such file"]),
                        ("\x01\x02\x00", ["bad.cfg:1", "binary"]),
                        ("", ["data.file"])):
        (folder / "bad.cfg").write_text(text)
        refused(folder, words, "train", "bad.cfg")
    refused(folder, ["bad.cfg", "data.file"], "train", "bad.cfg", ranks=2)
    refused(folder, ["missing.cfg"], "train", "missing.cfg")
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    refused(folder, ["training.stepz"], "train", "deck.cfg", "--training.stepz=5")
    refused(folder, ["--bogus"], "train", "deck.cfg", "--bogus")
    refused(folder, ["nothing.h5"], "train", "deck.cfg", "--restart", "nothing.h5")
    refused(folder, ["OMP_NUM_THREADS = many", "1 to 1024"], "train", "deck.cfg", threads="many")
    refused(folder, ["training.batch = 4", "8 threads"], "train", "deck.cfg", "--training.batch=4", threads=8)
    tf32 = "--training.matrix_precision=tf32"
    refused(folder, ["training.matrix_precision", "double"], "train", "deck.cfg", tf32, "--training.precision=double")
    if "Serial" in succeed("--version"):
        refused(folder, ["training.matrix_precision", "Serial", "full"], "train", "deck.cfg", tf32)
    lanes = ["--training.reproducible=true", "--training.reproducible_lanes=1"]
    refused(folder, ["training.reproducible_lanes", "2"], "train", "deck.cfg", *lanes, ranks=2)


def test_laws_potentials_and_times(folder):
    prepare(folder)  # branching: two coordinates, t from 0 to 4
    succeed("generate", "ou", "--count", 100, "--output", "line.h5", folder=folder)
    with h5py.File(folder / "table.h5", "w") as file:
        file["axis_1"], file["axis_2"], file["value"] = [0.0, 1.0], [0.0, 0.0, 1.0], np.zeros((2, 3))
    with h5py.File(folder / "flat.h5", "w") as file:
        file["axis_1"], file["value"] = [0.0, 1.0], [0.0, np.nan]
    write_population(folder / "train_only.h5", np.linspace(0, 1, 50), np.linspace(0, 1, 100).reshape(50, 2))
    plane = ["--objective.initial=1", "--objective.initial_law=gaussian 0,0 : 1"]

    def deck(words, *more):
        for ranks in (0, 2):
            refused(folder, words, "train", "deck.cfg", "--checkpoint.directory=new", *more, ranks=ranks)

    deck(["objective.initial_law", "3 coordinates", "2"], "--objective.initial=1", "--objective.initial_law=gaussian 0,0,0 : 1")
    deck(["objective.terminal_law", "1 coordinate"], "--objective.terminal=1", "--objective.terminal_law=file line.h5")
    deck(["gone.h5", "no such file"], "--objective.terminal=1", "--objective.terminal_law=file gone.h5")
    deck(["objective.state_cost_potential", "1 coordinates"], "--objective.state_cost=1", "--objective.state_cost_potential=quadratic 0 : 1")
    deck(["gone.h5"], "--objective.state_cost=1", "--objective.state_cost_potential=table gone.h5")
    deck(["data.h5", "'value'"], "--objective.state_cost=1", "--objective.state_cost_potential=table data.h5")
    deck(["table.h5", "axis_2", "entry 1"], "--objective.state_cost=1", "--objective.state_cost_potential=table table.h5")
    deck(["flat.h5", "value", "entry 1"], "--objective.state_cost=1", "--objective.state_cost_potential=table flat.h5")
    deck(["objective.jacobian_symmetry", "one dimension"], "--data.file=line.h5", "--objective.jacobian_symmetry=1")
    deck(["data.hold_out_times", "2.5"], "--data.hold_out_times=2.5")
    deck(["data.time_range = 1:9", "from 0 to 4"], "--data.time_range=1:9")
    deck(["training.batch = 1000", "multiple of 32"], "--training.batch=1000", "--objective.kinetic=1", "--objective.estimator=score_function")
    deck(["training.batch", "less than"], "--training.batch=32", "--objective.kinetic=1", "--objective.estimator=score_function",
         "--training.reproducible=true", "--training.reproducible_lanes=4")
    deck(["training.patience", "whole objective"], *plane, "--objective.kinetic=1", "--training.patience=3")
    deck(["training.patience", "no validation rows"], "--data.file=train_only.h5", "--training.patience=3")
    (folder / "laws.cfg").write_text("[objective]\ninitial = 1\ninitial_law = gaussian 0,0 : 1\n")
    refused(folder, ["data.hold_out_times", "no data.file"], "train", "laws.cfg", "--data.hold_out_times=1")
    refused(folder, ["likelihoods alone", "--data"], "evaluate", "run/checkpoint_000000002.h5")
    refused(folder, ["--trajectories 100", "multiple of 128"], "evaluate", "run/checkpoint_000000002.h5", "--trajectories", 100)


def test_population(folder):
    rows = 60
    random = np.random.default_rng(1)
    t, x = np.sort(random.random(rows)), random.normal(size=(rows, 2))
    with_nan = x.copy()
    with_nan[41, 1] = np.nan
    weight = np.ones(rows)
    weight[7] = np.nan
    cases = {"nan.h5": (t, with_nan, {}, ["'x'", "row 41"]),
             "weight.h5": (t, x, {"weight": weight}, ["'weight'", "row 7"]),
             "length.h5": (t[:50], x, {}, ["'x'", "(50, D)", "(60, 2)"]),
             "flat.h5": (t, x[:, 0], {}, ["'x'", "(60)"]),
             "unsorted.h5": (t[::-1], x, {}, ["'t'", "sorted"]),
             "text.h5": (np.array([b"a"] * rows), x, {}, ["'t'", "numbers"]),
             "split.h5": (t, x, {"split": np.full(rows, 7, "i1")}, ["'split'", "row 0"]),
             "empty.h5": (t[:0], x[:0], {}, ["no rows"]),
             "no_train.h5": (t, x, {"split": np.ones(rows, "i1")}, ["training split", "0 rows"]),
             "one_row.h5": (t[:1], x[:1], {}, ["training split", "1 row;"]),
             "constant.h5": (t, np.ones((rows, 2)), {}, ["x1", "same value"])}
    (folder / "deck.cfg").write_text("[model]\n")
    for name, (times, points, others, words) in cases.items():
        write_population(folder / name, times, points, **others)
        more = ["train", "deck.cfg", *SMALL, f"--data.file={name}"]
        refused(folder, [name, *words], *more)
        refused(folder, [name, *words], *more, "--check")
    for name in ("nan.h5", "no_train.h5"):
        refused(folder, [name], "train", "deck.cfg", *SMALL, f"--data.file={name}", ranks=2)
    (folder / "noise.h5").write_bytes(bytes(range(256)) * 8)
    refused(folder, ["noise.h5"], "train", "deck.cfg", "--data.file=noise.h5")
    refused(folder, ["noise.h5"], "info", "noise.h5")


def test_csv(folder):
    good = "t,x1,x2\n0,1,2\n1,2,3\n"
    for text, words in ((good + "2,abc,3\n", ["line 4", "abc", "x1"]), (good + "2,3\n", ["line 4", "3 fields"]),
                        (good + "2,nan,3\n", ["line 4", "finite"]), (good + "\n2,3,4\n", ["line 4", "blank"]),
                        ("time,x1\n0,1\n", ["line 1", "'t'"]), ("t,x1,x1\n0,1,1\n", ["line 1", "x1"]),
                        ("t,x1\n", ["no rows"]), ("", ["empty"])):
        (folder / "bad.csv").write_text(text)
        refused(folder, ["bad.csv", *words], "import", "bad.csv", "--output", "out.h5")
    refused(folder, ["bad.csv"], "import", "bad.csv", "--output", "out.h5", ranks=2)
    refused(folder, ["missing.csv"], "import", "missing.csv", "--output", "out.h5")
    (folder / "good.csv").write_text(good)
    refused(folder, ["--val"], "import", "good.csv", "--output", "out.h5", "--val", "much")
    (folder / "there.h5").write_text("kept")
    refused(folder, ["there.h5", "--force"], "import", "good.csv", "--output", "there.h5")


def test_checkpoint(folder):
    model = prepare(folder)
    data = (folder / model).read_bytes()
    (folder / "short.h5").write_bytes(data[:len(data) // 2])
    (folder / "text.h5").write_text("not HDF5\n")

    def copy_of_model(name):
        (folder / name).write_bytes(data)
        return h5py.File(folder / name, "r+")

    with copy_of_model("newer.h5") as file:
        file.attrs["format_version"] = 99
    with copy_of_model("step.h5") as file:
        file["history"][0, 0] = 1e200
    with copy_of_model("scale.h5") as file:
        file["model/scale"][0] = 0
    with copy_of_model("columns.h5") as file:
        rows, names = file["history"][:, :3], file["history"].attrs["columns"][:3]
        del file["history"]
        file["history"] = rows
        file["history"].attrs["columns"] = names
    with copy_of_model("extent.h5") as file:
        columns = file["history"].attrs["columns"]
        del file["history"]
        file.create_dataset("history", shape=(2**40, len(columns)), dtype="f8")
        file["history"].attrs["columns"] = columns
    for name, group, attribute, value in (("width.h5", "model", "hidden", [64.0, 6e231]), ("flux.h5", "flux", "hidden", [0.5]),
                                          ("mixture.h5", "model", "mixture", 2**40), ("negative.h5", "state", "step", -1),
                                          ("times.h5", "model", "time_range", [1.0, float("nan")]),
                                          ("noise.h5", "flux", "noise", "-1"), ("large.h5", "model", "hidden", [16384.0] * 16)):
        with copy_of_model(name) as file:
            file[group].attrs[attribute] = value
    for name, words in (("short.h5", []), ("text.h5", []), ("newer.h5", ["99"]), ("step.h5", ["history", "not a step"]),
                        ("columns.h5", ["history", "columns"]),
                        ("width.h5", ["model", "hidden", "6e+231"]), ("flux.h5", ["flux", "hidden", "0.5"]),
                        ("mixture.h5", ["mixture", "1099511627776"]), ("negative.h5", ["step", "-1"]),
                        ("times.h5", ["time_range", "nan"]), ("large.h5", ["too large"]),
                        ("extent.h5", ["history", "1099511627776", "0 bytes"]),
                        ("noise.h5", ["'flux'", "'noise'", "negative"]),
                        ("scale.h5", ["model/scale", "above 0"]), ("data.h5", ["checkpoint"]),
                        ("missing.h5", ["no such file"])):
        refused(folder, [name, *words], "evaluate", name, "--data", "data.h5")
        refused(folder, [name, *words], "sample", name, "--times", "0", "--output", "out.h5")
        refused(folder, [name, *words], "train", "deck.cfg", *SMALL, "--restart", name, "--checkpoint.directory=other")
    refused(folder, ["newer.h5", "99"], "sample", "newer.h5", "--times", "0", "--output", "out.h5", ranks=2)
    refused(folder, ["run", "--restart auto"], "train", "deck.cfg", *SMALL, "--checkpoint.directory=run")
    refused(folder, ["model"], "train", "deck.cfg", "--restart", "auto", "--checkpoint.directory=run", "--model.hidden=9")
    refused(folder, ["training.seed"], "train", "deck.cfg", *SMALL, "--restart", "auto", "--checkpoint.directory=run",
            "--training.seed=9")


def test_output_and_points(folder):
    model = prepare(folder)
    (folder / "there").write_text("kept")
    os.mkfifo(folder / "pipe")
    write_population(folder / "points.h5", np.zeros(3), np.zeros((3, 2)))
    write_population(folder / "wide.h5", np.zeros(3), np.arange(9.0).reshape(3, 3))
    write_population(folder / "late.h5", np.full(3, 9.0), np.zeros((3, 2)))
    write_population(folder / "nan.h5", np.zeros(3), np.full((3, 2), np.nan))
    sample = ["sample", model, "--output", "out.h5", "--times"]
    for ranks in (0, 2):
        refused(folder, ["there", "--force"], "sample", model, "--times", "0", "--output", "there", ranks=ranks)
    refused(folder, ["there", "--force"], "evaluate", model, "--data", "data.h5", "--output", "there")
    refused(folder, ["there", "--force"], "query", model, "--points", "points.h5", "--output", "there")
    refused(folder, ["there", "--force"], "generate", "ou", "--count", 5, "--output", "there")
    refused(folder, ["is a folder"], "generate", "ou", "--count", 5, "--output", "run", "--force")
    refused(folder, ["pipe"], "generate", "ou", "--count", 5, "--output", "pipe", "--force")
    refused(folder, ["nowhere"], "generate", "ou", "--count", 5, "--output", "nowhere/a.h5")
    refused(folder, ["wide.h5", "(3, 3)", "(3, 2)"], "query", model, "--points", "wide.h5", "--output", "out.h5")
    refused(folder, ["wide.h5", "3 coordinates"], "evaluate", model, "--data", "wide.h5", "--split", "all", ranks=2)
    refused(folder, ["late.h5", "row 0", "time 9"], "query", model, "--points", "late.h5", "--output", "out.h5")
    refused(folder, ["nan.h5", "row 0"], "query", model, "--points", "nan.h5", "--output", "out.h5")
    refused(folder, ["points.h5", "'test'"], "evaluate", model, "--data", "points.h5", "--output", "out.json")
    refused(folder, ["time 7", "0 to 4"], *sample, "7")
    for times in ("", "a", "1,,2", "0:1", "0:1:0", "0:1:1.5", "nan"):
        refused(folder, ["--times"], *sample, times)
    refused(folder, ["--count"], *sample, "0", "--count", "0")
    refused(folder, ["--count"], *sample, "0", "--count", "-5")
    refused(folder, ["exam"], "evaluate", model, "--data", "data.h5", "--split", "exam")


def test_dynamics(folder):
    model = prepare(folder)
    (folder / "there").write_text("kept")
    (folder / "there.h5.xdmf").write_text("kept")
    random = np.random.default_rng(4)
    write_population(folder / "wide.h5", np.zeros(9), random.normal(size=(9, 3)))
    write_population(folder / "empty.h5", np.zeros(0), np.zeros((0, 2)))
    write_population(folder / "elsewhen.h5", np.full(9, 3.5), random.normal(size=(9, 2)))
    move = ["transport", model, "--output", "out.h5", "--from", 0, "--to", 2]
    ten = ["--count", 10]
    for ranks in (0, 2):
        refused(folder, ["--to", "time 9", "0 to 4"], *move[:-1], 9, *ten, ranks=ranks)
        refused(folder, ["wide.h5", "3 coordinates", "2"], *move, "--particles", "wide.h5", "--split", "all", ranks=ranks)
        refused(folder, ["empty.h5", "no rows"], *move, "--particles", "empty.h5", "--split", "all", ranks=ranks)
        refused(folder, ["elsewhen.h5", "no particles", "--from"], *move, "--particles", "elsewhen.h5", "--split", "all", ranks=ranks)
    refused(folder, ["--from", "time -3"], "transport", model, "--output", "out.h5", "--from", "-3", "--to", 2, *ten)
    refused(folder, ["same time"], "transport", model, "--output", "out.h5", "--from", 1, "--to", 1, *ten)
    refused(folder, ["--particles", "--count"], *move)
    refused(folder, ["--particles", "--count"], *move, *ten, "--particles", "data.h5")
    refused(folder, ["--count"], *move, "--count", "-1")
    refused(folder, ["--noise"], *move, *ten, "--noise", "-1")
    refused(folder, ["--noise"], *move, *ten, "--noise", "0:1,0:2")
    refused(folder, ["--steps"], *move, *ten, "--steps", 0)
    refused(folder, ["--frames"], *move, *ten, "--frames", 1)
    refused(folder, ["--scheme", "euler"], *move, *ten, "--scheme", "milstein")
    refused(folder, ["--tolerance"], *move, *ten, "--tolerance", 0)
    refused(folder, ["missing.h5"], *move, "--particles", "missing.h5")
    refused(folder, ["there", "--force"], "transport", model, "--from", 0, "--to", 2, *ten, "--output", "there")
    refused(folder, ["there", "--force"], *move, *ten, "--report", "there")
    field = ["field", model, "--output", "out.h5", "--times", 1, "--grid"]
    refused(folder, ["there", "--force"], "field", model, "--times", 1, "--grid", "8,8", "--output", "there")
    refused(folder, ["there.h5.xdmf", "--force"], "field", model, "--times", 1, "--grid", "8,8", "--output", "there.h5")
    for ranks in (0, 2):
        refused(folder, ["--times", "time 9"], "field", model, "--output", "out.h5", "--times", 9, "--grid", "8,8", ranks=ranks)
        refused(folder, ["--grid", "GiB"], *field, "900000,900000", ranks=ranks)
    refused(folder, ["--grid"], *field, "8,0")
    refused(folder, ["--grid"], *field, "8,8,8")
    refused(folder, ["--dims"], *field, "8", "--dims", 3)
    refused(folder, ["--dims", "twice"], *field, "8,8", "--dims", "1,1")
    refused(folder, ["--bounds"], *field, "8,8", "--bounds", "0:1")
    refused(folder, ["--bounds", "lo:hi"], *field, "8,8", "--bounds", "0:1,1:0")
    refused(folder, ["--residual-points"], "verify", model, "--residual-points", -1)
    refused(folder, ["there", "--force"], "verify", model, "--output", "there")
    for more, words in ((["--flux.kind=straight"], ["flux.kind", "sigmoid"]), (["--flux.noise=-1"], ["flux.noise"]),
                        (["--flux.kind=sigmoid", "--model.family=factorised"], ["sigmoid", "autoregressive"]),
                        (["--flux.hidden=0"], ["flux.hidden"])):
        refused(folder, words, "train", "deck.cfg", *SMALL, *more, "--checkpoint.directory=new")
    succeed("generate", "ou", "--count", 300, "--output", "line.h5", folder=folder)
    refused(folder, ["flux.divergence_free", "one dimension"], "train", "deck.cfg", *SMALL, "--data.file=line.h5",
            "--flux.divergence_free=density_weighted", "--checkpoint.directory=new")


def test_command_line(folder):
    refused(folder, ["no command"])
    refused(folder, ["frobnicate", "train"], "frobnicate")
    refused(folder, ["frobnicate"], "frobnicate", ranks=2)
    refused(folder, ["DECK"], "train")
    refused(folder, ["CHECKPOINT"], "sample")
    refused(folder, ["--output"], "generate", "branching")
    refused(folder, ["swirl", "pinwheel"], "generate", "swirl", "--output", "a.h5")
    for count in ("0", "-5", "1e3", "99999999999999999999"):
        refused(folder, ["count"], "generate", "branching", "--count", count, "--output", "a.h5")
    refused(folder, ["--colour"], "info", "a.h5", "--colour")
    refused(folder, ["ou", "not 2"], "generate", "ou", "--dims", "2", "--output", "a.h5")


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")], at_once=4)
