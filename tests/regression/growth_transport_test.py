"""Particles with weights: transport and fates of a model with growth."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, differences, figures, h5py, main, np, run, succeed, write_population  # noqa: E402

SOURCE = Path(__file__).resolve().parents[2]


def trained(folder):
    """inputs/growth.cfg with fewer steps, by the likelihood alone: all that the weights of the logistics do is growth."""
    succeed("generate", "growth", "--count", 3300, "--output", "growth.h5", folder=folder)
    deck = (SOURCE / "inputs/growth.cfg").read_text(encoding="utf-8")
    (folder / "deck.cfg").write_text("\n".join(line for line in deck.splitlines() if not line.startswith("growth_rates")) + "\n")
    succeed("train", "deck.cfg", "--training.steps=600", "--training.batch=256", "--model.hidden=32,32", "--model.growth_share=1",
            "--objective.growth=0", "--objective.kinetic=0", "--training.validate_every=300", "--checkpoint.directory=run", folder=folder)
    return "run/best.h5"


def no_cell_changes_its_type(folder):
    model = trained(folder)
    arguments = ["fate", model, "--from", 0, "--to", 2, "--particles", "growth.h5", "--label", "type", "--report", "fates.json", "--force"]
    printed = succeed(*arguments, "--output", "fates.h5", folder=folder)
    check("each path counted by its weight" in printed, printed)
    found, rows = datasets(folder / "fates.h5"), {row["from"]: row for row in figures(folder / "fates.json")["transition"]}
    of_type = [found["label_from"] == code for code in (0, 1)]
    check([int(rows_of.sum()) for rows_of in of_type] == [400, 100], "numbers of cells")
    for code, name in enumerate("AB"):
        check(np.all(found["probability"][of_type[code], code] == 1), f"cells of {name} that end elsewhere: "
              f"{(found['probability'][of_type[code], code] < 1).sum()}")
        check(found["transition"][code, code] == 1, f"transition of {name}: {found['transition']}")
        weight = found["growth_factor"][of_type[code]]
        check(np.all(np.isfinite(weight)) and np.all(weight > 0), f"growth factors of {name}")
        check(abs(rows[name]["growth_factor"] - weight.mean()) < 1e-12 * weight.mean(), f"growth factor of {name} in the report")
    # B grows 16-fold and A keeps its number; a short run of a small network learns that to a factor of two.
    ratio = found["growth_factor"][of_type[1]].mean() / found["growth_factor"][of_type[0]].mean()
    check(8 < ratio < 32, f"B grows {ratio} times as much as A")
    with h5py.File(folder / "fates.h5", "r") as file:
        check("descendants" in str(file.attrs["weighting"]), "attribute weighting")
    backwards = ["fate", model, "--from", 2, "--to", 0, "--particles", "growth.h5", "--label", "type", "--output", "back.h5"]
    succeed(*backwards, folder=folder)
    back = datasets(folder / "back.h5")
    shrink = [back["growth_factor"][back["label_from"] == code].mean() for code in (0, 1)]
    check(8 < shrink[0] / shrink[1] < 32, f"backwards B shrinks: {shrink}")
    weights_and_births_agree_on_any_number_of_ranks(folder, model)
    rows_go_along_with_the_particles(folder, model)
    few_that_carry_the_weight_are_said(folder, model)
    a_single_draw_has_no_error(folder, model)
    pictures_follow_the_ancestors(folder)
    what_cannot_be_done_is_refused(folder)


def weights_and_births_agree_on_any_number_of_ranks(folder, model):
    arguments = ["transport", model, "--from", 0, "--to", 2, "--count", 5000, "--frames", 4, "--report", "report.json", "--force"]
    for more, steps in (([], []), (["--noise", 0.3], ["--steps", 60])):
        printed = succeed(*arguments, *more, *steps, "--output", "weights.h5", folder=folder)
        check("relative mass: E[w]" in printed and "effective number" in printed, printed)
        weighted, said = datasets(folder / "weights.h5"), figures(folder / "report.json")
        weight = np.exp(weighted["log_weight"])
        check(weighted["log_weight"].shape == (4, 5000) and np.all(weighted["log_weight"][0] == 0), "log weights of the first frame")
        check(abs(said["relative_mass"] - weight[-1].mean()) < 1e-10 * weight[-1].mean(), f"relative mass {said}")
        check(abs(said["relative_mass"] - said["relative_mass_of_model"]) < 5 * said["relative_mass_error"], f"relative mass {said}")
        # Chance exceeds twice the bound of 1 % once in 10^9 cases.
        check(said["ks"] < 2 * said["ks_bound"], f"weighted particles do not follow the model: {said}")
        check(said["effective_count"] < 4900, f"the weights differ: {said}")
        for ranks in (1, 2, 3):
            succeed(*arguments, *more, *steps, "--resample", "--output", f"born{ranks}.h5", ranks=ranks, folder=folder)
        for ranks in (2, 3):
            differ = differences(folder / "born1.h5", folder / f"born{ranks}.h5")
            differ = [name for name in differ if not name.startswith("provenance")]
            check(not differ, f"{ranks} ranks, {more}: {differ}")
        born, said = datasets(folder / "born1.h5"), figures(folder / "report.json")
        ancestor, log_weight = born["ancestor"], born["log_weight"]
        check(np.array_equal(ancestor[0], np.arange(5000)), "ancestors of the first frame")
        check(np.all(np.diff(ancestor, axis=1) >= 0) and np.all(ancestor >= 0) and np.all(ancestor < 5000), "ancestors")
        check(np.all(log_weight == log_weight[:, :1]) and np.all(log_weight[0] == 0), "log weights of a frame are one number")
        check(np.array_equal(born["x"][0], weighted["x"][0]), "both start from the same particles")
        check(abs(said["relative_mass"] - np.exp(log_weight[-1, 0])) < 1e-10 * said["relative_mass"], f"relative mass {said}")
        check(abs(said["relative_mass"] - said["relative_mass_of_model"]) < 5 * said["relative_mass_error"], f"relative mass {said}")
        check(said["ks"] < 2 * said["ks_bound"], f"particles that are born do not follow the model: {said}")
        # At the first resampling each particle comes as often as its weight says, to less than one.
        share = 5000 * weight[1] / weight[1].sum()
        check(np.all(np.abs(np.bincount(ancestor[1], minlength=5000) - share) < 1 + 1e-6), "numbers of copies")
        # Paths in frames that are copied begin where their ancestor was.
        if not more:
            check(np.allclose(born["x"][1], weighted["x"][1][ancestor[1]], atol=1e-4), "children are where their ancestors came")


def rows_go_along_with_the_particles(folder, model):
    """Cells do not change their type, so that the row that a particle comes from tells its type at every frame."""
    succeed("transport", model, "--from", 0, "--to", 2, "--particles", "growth.h5", "--split", "all", "--resample", "--frames", 4,
            "--output", "cells.h5", folder=folder)
    found, data = datasets(folder / "cells.h5"), datasets(folder / "growth.h5")
    kind = data["label/type"][found["source_row"]][found["origin"]]
    check(np.array_equal(found["origin"][0], np.arange(500)) and 0 < (kind[-1] == 1).mean() - (kind[0] == 1).mean(), "B does not grow")
    check(((found["x"][..., 0] > 0) == (kind == 1)).mean() > 0.99, "particles with rows of the other type")


def few_that_carry_the_weight_are_said(folder, model):
    """One of B among 60 of A has 16 descendants, A one each: not the paths are inaccurate, the weights are unequal."""
    with h5py.File(folder / "growth.h5", "r") as data:
        t, x, kind = data["t"][()], data["x"][()], data["label/type"][()]
        late = np.flatnonzero(t == 2)
        rows = np.r_[np.flatnonzero((t == 0) & (kind == 0))[:60], np.flatnonzero((t == 0) & (kind == 1))[:1], late]
        with h5py.File(folder / "few.h5", "w") as file:
            file["t"], file["x"] = t[rows], x[rows]
            # One label at the start, so that its particles are of both types.
            file["label/type"] = np.where(t[rows] == 0, 0, kind[rows]).astype("i4")
            file["label/type"].attrs["categories"] = np.array(["A", "B"], dtype=h5py.string_dtype())
    arguments = ["--from", 0, "--to", 2, "--particles", "few.h5", "--split", "all", "--force"]
    printed = succeed("transport", model, *arguments, "--report", "few.json", "--output", "few_paths.h5", folder=folder)
    effective = figures(folder / "few.json")["effective_count"]
    check(effective < 30 and f"few particles carry the weight (effective number {effective:.3g} of 61 particles)" in printed, printed)
    check("--resample" in printed and "not accurate" not in printed, printed)
    printed = succeed("fate", model, *[argument for argument in arguments if argument != "--split" and argument != "all"], "--label", "type",
                      "--report", "few.json", "--output", "few_fates.h5", folder=folder)
    row = figures(folder / "few.json")["transition"][0]
    check(row["effective_count"] < 30 and "warning: of label A few particles carry the weight" in printed, f"{row} {printed}")


def a_single_draw_has_no_error(folder, model):
    arguments = ["transport", model, "--from", 0, "--to", 2, "--frames", 3, "--output", "one.h5", "--report", "one.json", "--force"]
    for more in ([], ["--resample"]):
        printed = succeed(*arguments, "--count", 1, *more, folder=folder)
        said = figures(folder / "one.json")
        check(said["relative_mass"] > 0 and said["relative_mass_error"] is None, f"{said}")
        check("of one particle, so that its error is not known" in printed and "nan" not in printed, printed)


def pictures_follow_the_ancestors(folder):
    """The path of a particle with births and deaths is that of its ancestors."""
    sys.path.insert(0, str(SOURCE / "tools"))
    try:
        from rhoflux import read_origins, read_paths
    except ImportError as missing:
        print(f"not compared with the tools: no module {missing.name}")
        return
    born = datasets(folder / "born1.h5")
    paths = read_paths(folder / "born1.h5", 5000)
    place = np.arange(5000)
    for k in (3, 2, 1, 0):
        check(np.array_equal(paths.x[k], born["x"][k][place]), f"frame {k}")
        place = born["ancestor"][k][place]
    check(np.array_equal(paths.origin, place), "the particles that paths begin at")
    origins = read_origins(folder / "born1.h5")
    check(np.array_equal(origins, born["origin"]) and np.array_equal(origins[3], place), "origins")
    with h5py.File(folder / "born1.h5", "r+") as file:  # as files were without /origin
        del file["origin"]
    check(np.array_equal(read_origins(folder / "born1.h5"), origins), "origins by the ancestors")
    check(np.array_equal(read_origins(folder / "weights.h5"), np.tile(np.arange(5000), (4, 1))), "without births a particle is its own")
    jump = np.abs(np.diff(paths.x[:, :, 0], axis=0)).max()
    check(jump < 3, f"a path jumps by {jump}")


def what_cannot_be_done_is_refused(folder):
    (folder / "still.cfg").write_text("[data]\nfile = growth.h5\n[training]\nsteps = 5\n[checkpoint]\ndirectory = still\n")
    succeed("train", "still.cfg", *SMALL, folder=folder)
    result = run("transport", "still/best.h5", "--from", 0, "--to", 2, "--count", 10, "--resample", "--output", "none.h5", folder=folder)
    check(result.returncode == 2 and "--resample" in result.stderr and "growth = weights" in result.stderr, result.stderr)
    check(not (folder / "none.h5").exists(), "nothing is written")
    succeed("transport", "still/best.h5", "--from", 0, "--to", 2, "--count", 10, "--output", "plain.h5", folder=folder)
    check("log_weight" not in datasets(folder / "plain.h5"), "no weights without growth")


def a_rare_type_can_be_an_end(folder):
    """Three rows of type B at the end among many of A: cells that stay with them are B; and a type without rows there is said to be none."""
    random = np.random.default_rng(2)
    t = np.repeat([0.0, 1.0], [300, 300])
    kind = np.concatenate([np.arange(300) % 3 == 0, np.arange(300) < 3]).astype("int32")
    x = 8.0 * kind[:, None] + random.normal(size=(600, 1))
    write_population(folder / "rare.h5", t, x)
    with h5py.File(folder / "rare.h5", "r+") as file:
        file["label/type"] = kind
        file["label/type"].attrs["categories"] = ["A", "B", "C"]
    (folder / "rare.cfg").write_text("[data]\nfile = rare.h5\nmass = counts\n[model]\ngrowth = weights\n[training]\nsteps = 600\nbatch = 128\nlearning_rate = 5e-3\n"
                                     "[checkpoint]\ndirectory = rare\n")
    succeed("train", "rare.cfg", *[option for option in SMALL if "batch" not in option], folder=folder)
    arguments = ["fate", "rare/best.h5", "--from", 0, "--to", 1, "--particles", "rare.h5", "--label", "type"]
    said = succeed(*arguments, "--output", "rare_fates.h5", folder=folder)
    check("few rows" in said and "B (3)" in said and "labels by the 5 nearest" in said, said)
    check("no row" in said and "has the type C" in said, said)
    found = datasets(folder / "rare_fates.h5")
    # By 15 voters of whom 3 are B no path could end at B.
    check(found["transition"][1, 1] > 0.2, f"descendants of B: {found['transition']}")


OU = """
[data]
file = ou.h5
mass = counts
[model]
components = 6
hidden = 32,32
time_features = 4
time_frequency_max = 2
growth = weights
growth_share = 0.7
[objective]
growth_rates = 1
kinetic = 0.01
growth = 0.01
state_cost = 0.1
state_cost_potential = circles 0 : 0.5
[training]
steps = 400
batch = 256
learning_rate = 5e-3
[checkpoint]
directory = ou
"""


def costs_along_weighted_paths_are_those_of_the_model(folder):
    """evaluate: model samples and weighted paths of one model give the same costs, with and without noise, and the same share inside
    an obstacle. Without weights the paths would be elsewhere: rates differ by more than one over the cloud."""
    succeed("generate", "growth_ou", "--count", 8000, "--output", "ou.h5", folder=folder)
    (folder / "ou.cfg").write_text(OU)
    for family in ("autoregressive", "factorised"):
        succeed("train", "ou.cfg", f"--model.family={family}", "--model.mixture=2", "--force", folder=folder)
        for noise in (0, 0.5):
            arguments = ["evaluate", "ou/best.h5", "--trajectories", 1024, "--steps", 200, "--frames", 51, "--noise", noise, "--force"]
            said = succeed(*arguments, "--output", "one.json", folder=folder)
            found = figures(folder / "one.json")["objective"]
            terms = {term["name"]: term for term in found["terms"]}
            check(set(terms) == {"kinetic", "growth", "state_cost"}, f"{list(terms)}")
            for name, term in terms.items():
                # By the normal law 5 standard errors are exceeded once in 10^6 cases; the trapezoidal rule and the steps add less than 1 %.
                allowed = 5 * np.hypot(term["model_error"], term["simulated_error"]) + 0.01 * term["model"]
                check(abs(term["difference"]) < allowed, f"{family}, noise {noise}, {name}: {term}, allowed {allowed}")
                check(term["simulated_error"] < 0.05 * term["model"], f"{name} is too uncertain to show anything: {term}")
            inside = found["inside_obstacles"]
            check(abs(inside["simulated_mean"] - inside["model_mean"]) < 0.04, f"{family}, noise {noise}: {inside}")
            check("of 1024 count (effective number)" in said and " 1024 of 1024 " not in said, said)
        succeed(*arguments, "--output", "two.json", ranks=2, folder=folder)
        check(figures(folder / "two.json")["objective"] == found, f"{family}: two ranks give other figures")
    # The growth rate jumps by 5.2 at a time of known mass, where an equal grid of 51 times has one: a rule across it is off by 8 standard errors.
    succeed("train", "ou.cfg", "--data.mass=0:1,0.32:4,2:1", "--training.steps=200", "--force", folder=folder)
    succeed("evaluate", "ou/best.h5", "--trajectories", 2048, "--steps", 400, "--frames", 51, "--output", "jump.json", folder=folder)
    growth = next(term for term in figures(folder / "jump.json")["objective"]["terms"] if term["name"] == "growth")
    check(abs(growth["difference"]) < 5 * np.hypot(growth["model_error"], growth["simulated_error"]), f"{growth}")


main(no_cell_changes_its_type, a_rare_type_can_be_an_end, costs_along_weighted_paths_are_those_of_the_model)
