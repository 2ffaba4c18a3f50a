"""data.coordinates: a model of some coordinates of a file, in another order; files are read by the names of its coordinates. And how far two
models differ (compare)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, differences, figures, h5py, main, np, refused, succeed, write_population  # noqa: E402

DECK = "[data]\nfile = three.h5\nmass = counts\n[model]\ngrowth = weights\n[training]\nsteps = 60\nbatch = 128\n[checkpoint]\ndirectory = run\n"


def population(folder, name, columns, names):
    """Two types of which one grows, in three coordinates of different scale, some of which are written under these names."""
    random = np.random.default_rng(5)
    t = np.repeat([0.0, 1.0, 2.0], [200, 250, 400])
    kind = (np.arange(len(t)) % 100 < np.array([20, 36, 60])[t.astype(int)]).astype("int32")
    x = np.stack([4.0 * kind + random.normal(size=len(t)), 0.1 * random.normal(size=len(t)) + t, 30 * random.normal(size=len(t)) - 7 * kind], axis=1)
    write_population(folder / name, t, x[:, columns], split=(np.arange(len(t)) % 5 == 0).astype("i1") * 2)
    with h5py.File(folder / name, "r+") as file:
        file.attrs["dim_names"] = names
        file["label/type"] = kind
        file["label/type"].attrs["categories"] = ["A", "B"]


def a_choice_of_coordinates_is_that_file(folder):
    """Training on chosen coordinates has the bits of training on a file that has these alone; and so has all that reads files after."""
    population(folder, "three.h5", [0, 1, 2], ["a", "b", "c"])
    population(folder, "two.h5", [2, 0], ["c", "a"])
    (folder / "deck.cfg").write_text(DECK)
    succeed("train", "deck.cfg", *SMALL, "--data.coordinates=c,a", folder=folder)
    succeed("train", "deck.cfg", *SMALL, "--data.file=two.h5", "--checkpoint.directory=other", folder=folder)
    differ = [name for name in differences(folder / "run/best.h5", folder / "other/best.h5") if not name.startswith(("provenance", "data"))]
    check(not differ, f"the models differ in {differ}")
    check("c, a" in succeed("info", "run/best.h5", folder=folder), "names of the coordinates")
    jobs = {
        "evaluate": ["--data"],
        "query": ["--points"],
        "transport": ["--from", 0, "--to", 2, "--split", "all", "--particles"],
        "fate": ["--from", 0, "--to", 2, "--label", "type", "--particles"],
    }
    for command, options in jobs.items():
        found = []
        for file in ("three.h5", "two.h5"):
            output = f"{command}_{file}" if command != "evaluate" else f"{command}_{file}.json"
            succeed(command, "run/best.h5", *options, file, "--output", output, folder=folder)
            found.append(folder / output)
        if command == "evaluate":
            first, second = (figures(path) for path in found)
            check(first["nll"] == second["nll"] and first["w2"] == second["w2"], "evaluate reads by name")
            continue
        first, second = (datasets(path) for path in found)
        for name in ("x", "velocity", "probability", "log_weight", "growth"):
            check((name in first) == (name in second), f"{command}: {name}")
            if name in first:
                check(np.array_equal(first[name], second[name]), f"{command} reads by name: {name}")
        if command == "query":
            check(np.array_equal(first["x"], datasets(folder / "two.h5")["x"]), "the points stand in the order of the model")
    # Names that are not those of the model: by position, with a warning.
    population(folder, "renamed.h5", [2, 0], ["pc1", "pc2"])
    said = succeed("evaluate", "run/best.h5", "--data", "renamed.h5", "--output", "renamed.json", folder=folder)
    check("are called pc1, pc2" in said and "in the order of the file" in said, said)
    check(figures(folder / "renamed.json")["nll"] == figures(folder / "evaluate_two.h5.json")["nll"], "by position")


def a_restart_keeps_the_order(folder):
    population(folder, "three.h5", [0, 1, 2], ["a", "b", "c"])
    (folder / "deck.cfg").write_text(DECK)
    succeed("train", "deck.cfg", *SMALL, "--data.coordinates=c,a", "--training.steps=10", folder=folder)
    refused(folder, "train", "deck.cfg", *SMALL, "--data.coordinates=a,c", "--training.steps=20", "--restart", "auto", parts=["data.coordinates", "c, a"])
    succeed("train", "deck.cfg", *SMALL, "--data.coordinates=c,a", "--training.steps=20", "--restart", "auto", folder=folder)
    # Nor may it change with the file.
    population(folder, "all.h5", [0, 1, 2], ["a", "b", "c"])
    succeed("train", "deck.cfg", *SMALL, "--data.file=all.h5", "--training.steps=10", "--checkpoint.directory=all", folder=folder)
    population(folder, "all.h5", [1, 0, 2], ["b", "a", "c"])
    for start in (["--restart", "auto", "--checkpoint.directory=all"], ["--start-from", "all/best.h5", "--checkpoint.directory=new"]):
        refused(folder, "train", "deck.cfg", *SMALL, "--data.file=all.h5", "--training.steps=20", *start,
                parts=["data.coordinates", "b, a, c"])


def names_that_are_not_there_are_refused(folder):
    population(folder, "three.h5", [0, 1, 2], ["a", "b", "c"])
    (folder / "deck.cfg").write_text(DECK)
    refused(folder, "train", "deck.cfg", "--data.coordinates=c,d", parts=["three.h5", "'d'", "a, b, c"])
    refused(folder, "train", "deck.cfg", "--data.coordinates=c,c", parts=["data.coordinates", "twice"])
    check(not (folder / "run").exists(), "nothing is written")
    succeed("train", "deck.cfg", *SMALL, "--data.coordinates=c,a", "--training.steps=5", folder=folder)
    population(folder, "part.h5", [0, 1], ["a", "b"])
    for arguments in (["evaluate", "run/best.h5", "--data"], ["query", "run/best.h5", "--output", "none.h5", "--points"]):
        refused(folder, *arguments, "part.h5", parts=["part.h5", "'c'", "a, b"])


def numbers_are_names_where_they_were_chosen(folder):
    """A file of x1, x2, x3 is another one than a model of x1, x2 was trained on, unless these were chosen from such a file."""
    population(folder, "three.h5", [0, 1, 2], ["x1", "x2", "x3"])
    population(folder, "two.h5", [0, 1], ["x1", "x2"])
    (folder / "deck.cfg").write_text(DECK)
    succeed("train", "deck.cfg", *SMALL, "--data.coordinates=x1,x2", "--training.steps=10", folder=folder)
    succeed("train", "deck.cfg", *SMALL, "--data.file=two.h5", "--training.steps=10", "--checkpoint.directory=all", folder=folder)
    for file in ("two", "three"):
        succeed("evaluate", "run/best.h5", "--data", f"{file}.h5", "--output", f"{file}.json", folder=folder)
        succeed("query", "run/best.h5", "--points", f"{file}.h5", "--output", f"q_{file}.h5", folder=folder)
    check(figures(folder / "two.json")["nll"] == figures(folder / "three.json")["nll"], "the chosen coordinates of the wider file")
    check(np.array_equal(datasets(folder / "q_two.h5")["velocity"], datasets(folder / "q_three.h5")["velocity"]), "points of the wider file")
    refused(folder, "evaluate", "all/best.h5", "--data", "three.h5", parts=["three.h5", "3 coordinates, the model has 2"])
    refused(folder, "query", "all/best.h5", "--points", "three.h5", "--output", "none.h5", parts=["three.h5", "/x has shape"])


def files_without_names_are_read_alike(folder):
    """A file without names has x1, x2, .. for every command; two coordinates of one name are no answer to which is meant."""
    population(folder, "two.h5", [0, 1], ["x1", "x2"])
    (folder / "deck.cfg").write_text(DECK)
    said = succeed("train", "deck.cfg", *SMALL, "--data.file=two.h5", "--data.coordinates=x2,x1", "--training.steps=10", folder=folder)
    check("coordinates x2, x1 of x1, x2" in said, said)
    for file in ("two", "nameless", "other"):
        if file != "two":
            population(folder, f"{file}.h5", [0, 1], ["p", "q"])
        if file == "nameless":
            with h5py.File(folder / "nameless.h5", "r+") as changed:
                del changed.attrs["dim_names"]
        said = succeed("query", "run/best.h5", "--points", f"{file}.h5", "--output", f"q_{file}.h5", folder=folder)
        succeed("evaluate", "run/best.h5", "--data", f"{file}.h5", "--split", "all", "--output", f"{file}.json", folder=folder)
        mean = -datasets(folder / f"q_{file}.h5")["log_density"].mean()
        check(abs(figures(folder / f"{file}.json")["nll"]["original"] - mean) < 1e-9 * abs(mean), f"{file}: query and evaluate read other coordinates")
    check(figures(folder / "two.json")["nll"] == figures(folder / "nameless.json")["nll"], "x1, x2 without names")
    check("are called p, q" in said and "in the order of the file" in said, said)
    population(folder, "twice.h5", [0, 1, 0], ["a", "b", "a"])
    refused(folder, "train", "deck.cfg", "--data.file=twice.h5", "--data.coordinates=b,a", "--checkpoint.directory=no", parts=["twice.h5", "'a' is there twice"])


def rows_of_one_condition_are_read_by_name(folder):
    """transport --condition compares with the rows of this condition, and with their coordinates in the order of the model."""
    for name, columns, names in (("three.h5", [0, 1, 2], ["a", "b", "c"]), ("two.h5", [2, 0], ["c", "a"])):
        population(folder, name, columns, names)
        with h5py.File(folder / name, "r+") as file:
            file["condition/dose"] = (np.arange(len(file["t"])) % 3 == 0).astype(float)
    (folder / "deck.cfg").write_text("[data]\nfile = three.h5\ncoordinates = c,a\nconditions = dose\n[training]\nsteps = 10\n[checkpoint]\ndirectory = run\n")
    succeed("train", "deck.cfg", *SMALL, "--training.steps=10", folder=folder)
    found = []
    for name in ("three.h5", "two.h5"):
        said = succeed("transport", "run/best.h5", "--from", 0, "--to", 2, "--count", 100, "--condition", "dose=1", "--data", name, "--split", "all",
                       "--report", f"{name}.json", "--output", f"paths_{name}", folder=folder)
        check("against the data of the condition dose=1" in said, said)
        found.append({key: figures(folder / f"{name}.json")[key] for key in ("w1", "w2", "points")})
    check(found[0] == found[1], f"{found}")


def models_are_compared(folder):
    """The differences that compare prints are those of query, transport and fate; a model does not differ from itself."""
    population(folder, "three.h5", [0, 1, 2], ["a", "b", "c"])
    (folder / "deck.cfg").write_text(DECK)
    for name, more in (("run", []), ("turned", ["--data.coordinates=c,a,b"]), ("still", ["--model.growth=none", "--data.mass=none"])):
        succeed("train", "deck.cfg", *SMALL, *more, f"--checkpoint.directory={name}", folder=folder)
    arguments = ["--data", "three.h5", "--split", "all", "--from", 0, "--to", 2, "--label", "type", "--noise", 0.3]
    said = succeed("compare", "run/best.h5", "run/best.h5", *arguments, "--output", "same.json", folder=folder)
    same = figures(folder / "same.json")
    check(all(one["difference"] == 0 for one in same["quantities"]) and same["ends"]["distance"] == 0, said)
    said = succeed("compare", "run/best.h5", "turned/best.h5", *arguments, "--output", "turned.json", folder=folder)
    found = figures(folder / "turned.json")
    check("coordinates a, b, c, and c, a, b" in said, said)
    queried, ends = [], []
    for name in ("run", "turned"):
        succeed("query", f"{name}/best.h5", "--points", "three.h5", "--noise", 0.3, "--output", f"{name}_q.h5", folder=folder)
        succeed("transport", f"{name}/best.h5", "--particles", "three.h5", "--split", "all", "--from", 0, "--to", 2, "--noise", 0, "--output", f"{name}_t.h5",
                folder=folder)
        queried.append(datasets(folder / f"{name}_q.h5"))
        ends.append(datasets(folder / f"{name}_t.h5"))
    back = [1, 2, 0]  # columns a, b, c of the turned model
    with h5py.File(folder / "run/best.h5", "r") as file:
        scale = file["model/scale"][()]
    known = {
        "log density": queried[0]["log_density"] - queried[1]["log_density"],
        "score": (queried[0]["score"] - queried[1]["score"][:, back]) * scale,
        "velocity": (queried[0]["velocity"] - queried[1]["velocity"][:, back]) / scale,
        "growth rate": queried[0]["growth"] - queried[1]["growth"],
    }
    check([one["name"] for one in found["quantities"]] == list(known), f"{found}")
    for one in found["quantities"]:
        of = known[one["name"]]
        value = np.sqrt(np.mean(of**2) if of.ndim == 1 else np.mean(np.sum(of**2, axis=1)))
        check(abs(one["difference"] - value) < 1e-9 * value and value > 0, f"{one}, by query {value}")
    # The tolerance of the ODE is 1e-6.
    distance = (ends[0]["x"][-1] - ends[1]["x"][-1][:, back]) / scale
    value = np.sqrt(np.mean(np.sum(distance**2, axis=1)))
    check(abs(found["ends"]["distance"] - value) < 1e-5 * value, f"{found['ends']}, by transport {value}")
    value = np.sqrt(np.mean((ends[0]["log_weight"][-1] - ends[1]["log_weight"][-1]) ** 2))
    check(abs(found["ends"]["log_weight_difference"] - value) < 1e-5 * value, f"{found['ends']}, by transport {value}")
    fates = []
    for name in ("run", "turned"):
        succeed("fate", f"{name}/best.h5", "--particles", "three.h5", "--from", 0, "--to", 2, "--label", "type", "--noise", 0, "--output", f"{name}_f.h5", folder=folder)
        fates.append(datasets(folder / f"{name}_f.h5")["probability"][:, 0])
    # fate votes in the standardised units of each model, which are the same here.
    check(found["ends"]["other_labels"] == np.sum(fates[0] != fates[1]), f"{found['ends']}")
    succeed("compare", "run/best.h5", "turned/best.h5", *arguments, "--output", "ranks.json", ranks=2, folder=folder)
    ranks = figures(folder / "ranks.json")
    check(all(ranks[name] == found[name] for name in ("quantities", "ends", "rows")), "two ranks")
    # Rows of weight 0 do not count.
    with h5py.File(folder / "three.h5", "r+") as file:
        file["weight"] = (file["label/type"][()] == 0).astype(float)
        first = int(np.sum(file["weight"][()][file["t"][()] == 0]))
    succeed("compare", "run/best.h5", "turned/best.h5", *arguments, "--output", "weighted.json", folder=folder)
    ends = figures(folder / "weighted.json")["ends"]
    check(ends["particles"] == first and ends["distance"] != found["ends"]["distance"], f"{ends}")
    # A model without growth has the rate 0.
    succeed("compare", "run/best.h5", "still/best.h5", "--data", "three.h5", "--output", "still.json", folder=folder)
    growth = figures(folder / "still.json")["quantities"][-1]
    check(growth["name"] == "growth rate" and growth["second_mean"] == 0 and growth["second_size"] == 0, f"{growth}")
    population(folder, "two.h5", [2, 0], ["c", "a"])
    succeed("train", "deck.cfg", *SMALL, "--training.steps=5", "--data.file=two.h5", "--checkpoint.directory=two", folder=folder)
    refused(folder, "compare", "run/best.h5", "two/best.h5", "--data", "three.h5", parts=["different coordinates", "a, b, c", "c, a"])
    refused(folder, "compare", "run/best.h5", "run/best.h5", "--data", "three.h5", "--from", 0, parts=["--to"])


def pictures_and_the_report_find_the_coordinates(folder):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
    try:
        from rhoflux.points import read_population
        from rhoflux.report.data import read_data, read_rows, thin
    except ImportError as missing:
        print(f"not tried: no module {missing.name}")
        return
    population(folder, "three.h5", [0, 1, 2], ["a", "b", "c"])
    x = datasets(folder / "three.h5")["x"]
    rows = read_population(folder / "three.h5", names=["c", "a"])
    check(np.array_equal(rows.x, x[:, [2, 0]]) and rows.names == ["c", "a"], "read_population by name")
    check(np.array_equal(read_population(folder / "three.h5", names=["p", "q", "r"]).x, x), "read_population by position")
    data = read_data(folder / "three.h5", ["c", "a"])
    thin(data, 10**6, folder)
    check(np.array_equal(read_rows(data.working, "all")[0], x[:, [2, 0]]) and data.names == ["c", "a"], "rows of a report")
    check("dimensions 2 (c, a)" in succeed("info", data.working, folder=folder), "the copy has the names")


def cells_get_velocities_along_their_own_columns(folder):
    """annotate knows which columns of the basis the coordinates of a model are."""
    succeed("generate", "cells", "--count", 300, "--output", "cells.h5ad", folder=folder)
    succeed("import", "cells.h5ad", "--time-key", "day", "--output", "cells.h5", folder=folder)
    with h5py.File(folder / "cells.h5", "r") as file:
        names = [name.decode() if isinstance(name, bytes) else str(name) for name in file.attrs["dim_names"]]
        basis = file["import"].attrs["basis"]
    chosen = [2, 0]  # of the columns of the basis
    (folder / "cells.cfg").write_text(f"[data]\nfile = cells.h5\ncoordinates = {names[2]},{names[0]}\n[checkpoint]\ndirectory = cells\n")
    succeed("train", "cells.cfg", *SMALL, "--training.steps=20", folder=folder)
    succeed("annotate", "cells/best.h5", "cells.h5ad", "--output", "annotated.h5ad", folder=folder)
    succeed("query", "cells/best.h5", "--points", "cells.h5", "--output", "query.h5", folder=folder)
    asked, rows = datasets(folder / "query.h5"), datasets(folder / "cells.h5")["source_row"]
    with h5py.File(folder / "annotated.h5ad", "r") as file:
        basis = basis.decode() if isinstance(basis, bytes) else str(basis)
        velocity = file["obsm/velocity_" + basis.replace("obsm/", "").removeprefix("X_")][()][rows]
    check(np.allclose(velocity[:, chosen], asked["velocity"], rtol=1e-6, atol=1e-9), "velocities along the columns that the model has")
    check(np.all(np.isnan(np.delete(velocity, chosen, axis=1))), "the model does not know the other columns")


main(
    cells_get_velocities_along_their_own_columns,
    a_choice_of_coordinates_is_that_file,
    a_restart_keeps_the_order,
    names_that_are_not_there_are_refused,
    numbers_are_names_where_they_were_chosen,
    files_without_names_are_read_alike,
    rows_of_one_condition_are_read_by_name,
    models_are_compared,
    pictures_and_the_report_find_the_coordinates,
)
