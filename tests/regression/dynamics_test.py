"""The motion of a model seen through query, transport, field and verify: figures that agree with each other, the same
for 1, 2 and 4 ranks."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, differences, figures, h5py, main, np, run, succeed, write_population  # noqa: E402

FLUXES = {"triangular": [], "sigmoid": ["--flux.kind=sigmoid"],
          "density_weighted": ["--flux.divergence_free=density_weighted", "--flux.hidden=8"],
          "antisymmetric": ["--flux.divergence_free=antisymmetric", "--flux.hidden=8"],
          "factorised": ["--model.family=factorised"]}


def prepare(folder, *more, name="run", population="branching"):
    if not (folder / f"{population}.h5").exists():
        succeed("generate", population, "--count", 1000, "--output", f"{population}.h5", folder=folder)
        (folder / f"{population}.cfg").write_text(f"[data]\nfile = {population}.h5\n")
    succeed("train", f"{population}.cfg", *SMALL, "--training.steps=60", f"--checkpoint.directory={name}", *more, folder=folder)
    return f"{name}/checkpoint_000000060.h5"


def test_query_of_every_flux(folder):
    """flux = rho velocity at g = 0; with g the drift has g^2/2 score on top, exactly."""
    random = np.random.default_rng(3)
    write_population(folder / "points.h5", np.sort(random.uniform(0, 4, 40)), random.normal(size=(40, 2)))
    for name, more in FLUXES.items():
        model = prepare(folder, *more, name=name)
        found = {}
        for g in ("0", "0.5", "0:0.5,4:0.5"):
            succeed("query", model, "--points", "points.h5", "--noise", g, "--output", "out.h5", "--force", folder=folder)
            found[g] = datasets(folder / "out.h5")
        at_rest, moved = found["0"], found["0.5"]
        check(at_rest["velocity"].shape == (40, 2) and np.all(np.isfinite(at_rest["velocity"])), name)
        for one in (at_rest, moved):
            j = np.exp(one["log_density"])[:, None] * at_rest["velocity"]
            check(np.allclose(one["flux"], j, rtol=1e-12, atol=0), name + ": flux is not rho velocity")
        check(np.allclose(moved["velocity"], at_rest["velocity"] + 0.125 * moved["score"], rtol=1e-12, atol=1e-12),
              name + ": the drift of g = 0.5")
        check(np.array_equal(found["0:0.5,4:0.5"]["velocity"], moved["velocity"]), name + ": a table of equal values is not the constant")


def test_verify_every_flux(folder):
    """Trained weights; those of a divergence-free part, which likelihood leaves at zero, are made random."""
    random = np.random.default_rng(5)
    for name, more in FLUXES.items():
        model = prepare(folder, *more, name=name)
        with h5py.File(folder / model, "r+") as file:
            if "divergence_free" in file["parameters"]:
                def shake(_, item):
                    if isinstance(item, h5py.Dataset):
                        item[...] = random.normal(size=item.shape, scale=0.3)
                file["parameters/divergence_free"].visititems(shake)
        for g in (0, 0.5):
            # div B is not weighted by the density: it flows at infinity too, which verify must find.
            flows_far = name == "antisymmetric"
            said = succeed("verify", model, "--noise", g, "--model-samples", 1000, ranks=2, folder=folder, code=3 if flows_far else 0)
            failed = [line for line in said.splitlines() if line.startswith("FAIL")]
            check(len(failed) == flows_far and all("far boundary" in line for line in failed), f"{name}, g = {g}: {said}")
            check(f"g = {g:g}" in said, said)


def test_flux_survives_restart(folder):
    """A checkpoint keeps [flux]; --restart continues with it and refuses another one."""
    more = FLUXES["density_weighted"]
    prepare(folder, *more, name="run")
    deck = ["train", "branching.cfg", *SMALL, "--checkpoint.directory=run", "--restart", "auto"]
    succeed(*deck, *more, "--training.steps=80", folder=folder)
    check((folder / "run/checkpoint_000000080.h5").exists(), "not continued")
    refused = run(*deck, "--training.steps=90", folder=folder)
    check(refused.returncode == 2 and "flux" in refused.stderr, "another flux: " + refused.stderr)


def transport(folder, model, output, *more, ranks=0):
    succeed("transport", model, "--output", output, "--report", output + ".json", "--force", *more, ranks=ranks, folder=folder)
    return datasets(folder / output), figures(folder / (output + ".json"))


def test_transport(folder):
    model = prepare(folder)
    for g in ("0", "0.5"):
        for source in (["--count", 300], ["--particles", "branching.h5", "--split", "train"]):
            options = ["--from", 0, "--to", 2, "--noise", g, "--steps", 40, "--frames", 5, *source]
            found = {ranks: transport(folder, model, f"{ranks}.h5", *options, ranks=ranks) for ranks in (1, 2, 4)}
            for ranks in (2, 4):
                check(not differences(folder / "1.h5", folder / f"{ranks}.h5"), f"{options}: {ranks} ranks move particles differently")
                check(found[1][1] == found[ranks][1], f"{options}: the report depends on the ranks")
            paths = found[1][0]
            check(np.array_equal(paths["t"], [0, 0.5, 1, 1.5, 2]) and paths["x"].shape[0::2] == (5, 2), "shapes")
            if "--particles" in source:
                data = datasets(folder / "branching.h5")
                start = data["x"][(data["t"] == 0) & (data["split"] == 0)]
                check(np.array_equal(paths["x"][0], start), "the particles do not start where they are")


def test_transport_there_and_back(folder):
    """The ODE is reversible up to its tolerance, which bounds the error of each step."""
    model = prepare(folder)
    there, _ = transport(folder, model, "there.h5", "--from", 0, "--to", 3, "--count", 100, "--tolerance", "1e-9")
    write_population(folder / "end.h5", np.full(100, 3.0), there["x"][-1])
    back, _ = transport(folder, model, "back.h5", "--from", 3, "--to", 0, "--particles", "end.h5", "--split", "all", "--tolerance", "1e-9")
    gap = np.abs(back["x"][-1] - there["x"][0])
    # Errors on the way are stretched by at most the largest ratio of distances between the two ends.
    stretch = np.max(np.std(there["x"][0], axis=0)) / np.min(np.std(there["x"][-1], axis=0))
    check(np.median(gap) < 1e-5 * max(1, stretch), f"the ODE does not come back: median {np.median(gap):.1e}")


def test_field(folder):
    model = prepare(folder)
    command = ["field", model, "--times", "0:4:3", "--force"]
    for ranks in (1, 2, 4):
        succeed(*command, "--grid", "40,50", "--output", f"{ranks}.h5", ranks=ranks, folder=folder)
    for ranks in (2, 4):
        check(not differences(folder / "1.h5", folder / f"{ranks}.h5"), f"a field depends on the ranks: {ranks}")
    found = datasets(folder / "1.h5")
    check(found["density"].shape == (3, 40, 50) and found["velocity"].shape == (3, 40, 50, 2), "shapes")
    # At grid points it is what query says.
    t, x, y = np.meshgrid(found["time"], found["axis_1"], found["axis_2"], indexing="ij")
    write_population(folder / "points.h5", t.ravel(), np.stack([x.ravel(), y.ravel()], axis=1))
    succeed("query", model, "--points", "points.h5", "--output", "query.h5", folder=folder)
    query = datasets(folder / "query.h5")
    check(np.allclose(found["density"].ravel(), np.exp(query["log_density"]), rtol=1e-12, atol=0), "density is not that of query")
    check(np.allclose(found["velocity"].reshape(-1, 2), query["velocity"], rtol=1e-9, atol=1e-12), "velocity is not that of query")


def test_marginal_field(folder):
    """The exact marginal of x1, and the Monte Carlo marginal of x2 within five of the standard errors it states,
    against the trapezoid rule on the field of both."""
    model = prepare(folder)
    bounds = "-12:12"
    succeed("field", model, "--times", "1", "--grid", "401,401", "--bounds", f"{bounds},{bounds}", "--output", "both.h5", folder=folder)
    succeed("field", model, "--times", "1", "--grid", "401", "--bounds", bounds, "--output", "x1.h5", folder=folder)
    succeed("field", model, "--times", "1", "--grid", "401", "--dims", "2", "--bounds", bounds, "--marginal-samples", 1000,
            "--output", "x2.h5", folder=folder)
    both, x1, x2 = (datasets(folder / f"{name}.h5") for name in ("both", "x1", "x2"))
    step = both["axis_1"][1] - both["axis_1"][0]
    check(np.max(np.abs(both["density"][0].sum(axis=1) * step - x1["density"][0])) < 1e-3 * np.max(x1["density"]), "marginal of x1")
    check("density_error" not in x1, "an exact marginal states an error")
    gap = np.abs(both["density"][0].sum(axis=0) * step - x2["density"][0])
    allowed = 5 * x2["density_error"][0] + 1e-3 * np.max(x2["density"])
    check(np.all(gap <= allowed), f"marginal of x2 is off by {np.max(gap / allowed):.1f} of what is allowed")


def test_verify(folder):
    for population in ("ou", "branching"):
        model = prepare(folder, name=population, population=population)
        texts = []
        for ranks in (1, 2):
            said = succeed("verify", model, "--residual-points", 60, "--model-samples", 2000, "--output", f"{ranks}.json", "--force", ranks=ranks, folder=folder)
            check("FAIL" not in said and said.count("ok  ") == 6, said)
            texts.append(figures(folder / f"{ranks}.json"))
        check(texts[0] == texts[1], "verify depends on the ranks")
    succeed("generate", "gaussian_mixture", "--dims", 4, "--count", 1000, "--output", "four.h5", folder=folder)
    (folder / "four.cfg").write_text("[data]\nfile = four.h5\n")
    for family in ("autoregressive", "factorised"):
        model = prepare(folder, f"--model.family={family}", name=family, population="four")
        said = succeed("verify", model, "--residual-points", 60, "--model-samples", 2000, folder=folder)
        check("mass of conditionals" in said and "FAIL" not in said, said)


def test_verify_sees_needles_and_wide_tails(folder):
    """Components of a ten thousandth of a standard deviation, and of twenty, leave the mass at one."""
    model = prepare(folder)
    with h5py.File(folder / model, "r+") as file:
        layers = file["parameters/mixtures"]
        last = layers[sorted(layers)[-1]]
        for degree in ("degree0", "degree1"):
            # Rows: logits, locations, log inverse scales, the components of each together.
            bias, weight = last[degree]["bias"][()], last[degree]["weight"][()]
            size = bias.shape[0] // 3
            for component, log_inverse_scale in ((0, 9.2), (1, -3.0)):
                bias[2 * size + component] = log_inverse_scale
                weight[2 * size + component] = 0
            last[degree]["bias"][...] = bias
            last[degree]["weight"][...] = weight
    result = run("verify", model, "--residual-points", 1, "--model-samples", 1000, "--output", "found.json", folder=folder)
    mass = [item for item in json.loads((folder / "found.json").read_text())["checks"] if item["name"].startswith("mass")]
    check(len(mass) == 1 and mass[0]["value"] < 1e-8, f"{result.stdout}{result.stderr}")


def test_verify_with_outliers(folder):
    """Rows at 30, 12 and 100 standard deviations make tails so wide that planes at 50 are not beyond them, and structure that a
    quadrature does not resolve: that is no fault of the model."""
    random = np.random.default_rng(11)
    t = np.repeat([0.0, 1.0, 2.0], 400)
    for k, place in enumerate(([30, -30], [12, 1], [100, 100])):
        x = random.normal(size=(1200, 2)) + np.c_[t, 0 * t]
        x[7] = place
        with h5py.File(folder / f"outlier{k}.h5", "w") as file:
            file["t"], file["x"] = t, x
        (folder / f"outlier{k}.cfg").write_text(f"[data]\nfile = outlier{k}.h5\n")
        succeed("train", f"outlier{k}.cfg", "--model.components=8", "--model.hidden=48,48", "--model.time_features=8", "--model.time_frequency_max=4",
                "--training.steps=400", "--training.batch=256", "--training.learning_rate=3e-3", f"--checkpoint.directory=o{k}", folder=folder)
        said = succeed("verify", f"o{k}/best.h5", "--residual-points", 60, "--model-samples", 1000, "--output", f"o{k}.json", folder=folder)
        for item in figures(folder / f"o{k}.json")["checks"]:
            is_open = item["verdict"] == "not decided"
            check(item["verdict"] in ("passed", "not decided") and item["passed"] == (not is_open), said)
            check(not is_open or ("would decide" in item["note"] and item["name"].startswith("mass")), said)


def test_verify_refuses_a_weight_that_is_not_a_number(folder):
    """The reader does. What each check finds is tested in tests/unit/inference/verification_test.cpp: no file holds a model
    that is wrong in one way only."""
    model = prepare(folder)
    with h5py.File(folder / model, "r+") as file:
        names = []
        file["parameters"].visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        values = file["parameters"][names[-1]][()]
        values.ravel()[0] = np.nan
        file["parameters"][names[-1]][...] = values
    result = run("verify", model, folder=folder)
    check(result.returncode == 2 and "not a finite number" in result.stderr, f"exit code {result.returncode}: {result.stdout}{result.stderr}")


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")], at_once=2)
