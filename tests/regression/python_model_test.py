"""rhoflux.load in Python gives the numbers of `rhoflux query` and `rhoflux sample`, and says what is wrong with its input."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
sys.path.insert(0, str(ROOT / "tools"))

from regression import SMALL, check, datasets, h5py, main, np, succeed, write_population  # noqa: E402

import rhoflux  # noqa: E402

TOLERANCE = 1e-12  # relative; the matrix products of a process that started without MPI may use other kernels


def prepare(folder, *options):
    succeed("generate", "branching", "--count", 1000, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    succeed("train", "deck.cfg", *SMALL, "--training.steps=40", "--flux.noise=0.3", "--checkpoint.directory=run", *options, folder=folder)
    return "run/checkpoint_000000040.h5"


def check_close(found, expected, what):
    check(found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}")
    error = np.max(np.abs(found - expected) / (1 + np.abs(expected)))
    check(error < TOLERANCE, f"{what}: differs by {error:.2g}")


def random_points(model, count):
    random = np.random.default_rng(3)
    return random.uniform(*model.time_range, count), random.normal(size=(count, model.n_dims))


def check_against_query(folder, checkpoint):
    with rhoflux.load(folder / checkpoint) as model:
        t, x = random_points(model, 300)
        write_population(folder / "points.h5", t, x)
        for k, (option, volatility) in enumerate((([], None), (["--noise", "0.7"], 0.7), (["--noise", "0:0.1,1:0.5"], "0:0.1,1:0.5"))):
            succeed("query", checkpoint, "--points", "points.h5", "--output", f"query{k}.h5", *option, folder=folder)
            expected = datasets(folder / f"query{k}.h5")
            check_close(model.log_density(t, x), expected["log_density"], "log density")
            check_close(model.score(t, x), expected["score"], "score")
            check_close(model.drift(t, x, volatility), expected["velocity"], f"drift with volatility {volatility}")
        velocities = [datasets(folder / f"query{k}.h5")["velocity"] for k in range(3)]
        check(not np.allclose(velocities[0], velocities[1]), "the volatility changes nothing, so that the test shows nothing")


def test_numbers_of_query(folder):
    check_against_query(folder, prepare(folder))


def test_numbers_of_query_of_products(folder):
    check_against_query(folder, prepare(folder, "--model.family=factorised", "--flux.divergence_free=density_weighted"))


def test_numbers_at_a_condition(folder):
    """set_condition gives what --condition gives; a model with conditions needs one, another takes none."""
    succeed("generate", "conditions_drug", "--count", 1000, "--output", "dosed.h5", folder=folder)
    (folder / "dosed.cfg").write_text("[data]\nfile = dosed.h5\nconditions = dose, drug\n")
    succeed("train", "dosed.cfg", *SMALL, "--training.steps=40", "--checkpoint.directory=dosed", folder=folder)
    checkpoint = "dosed/checkpoint_000000040.h5"
    with rhoflux.load(folder / checkpoint) as model:
        t, x = random_points(model, 50)
        write_population(folder / "points.h5", t, x)
        for refused, words in ((lambda: model.drift(t, x), "none is given"), (lambda: model.set_condition(dose=1), "'drug' is missing"),
                               (lambda: model.set_condition(dose=1, drug="Z"), "A | B")):
            try:
                refused()
            except rhoflux.ModelError as error:
                check(words in str(error), f"the message does not say '{words}': {error}")
            else:
                raise AssertionError(f"no error that says {words}")
        for dose, drug in ((2, "B"), (0.5, "A")):
            model.set_condition(dose=dose, drug=drug)
            succeed("query", checkpoint, "--points", "points.h5", "--condition", f"dose={dose},drug={drug}", "--output", "q.h5", "--force",
                    folder=folder)
            expected = datasets(folder / "q.h5")
            check_close(model.log_density(t, x), expected["log_density"], "log density")
            check_close(model.drift(t, x), expected["velocity"], "drift")
    try:
        rhoflux.load(folder / prepare(folder)).set_condition(dose=1)
    except rhoflux.ModelError as error:
        check("without conditions" in str(error), str(error))
    else:
        raise AssertionError("a model without conditions took one")


def test_growth(folder):
    checkpoint = prepare(folder, "--model.growth=weights", "--data.mass=0:1,4:3")
    with rhoflux.load(folder / checkpoint) as model:
        t, x = random_points(model, 300)
        write_population(folder / "points.h5", t, x)
        succeed("query", checkpoint, "--points", "points.h5", "--output", "query.h5", folder=folder)
        expected = datasets(folder / "query.h5")["growth"]
        check(model.grows and np.ptp(expected) > 0, "the model does not grow")
        check_close(model.growth(t, x), expected, "growth rate")
        first, last = model.time_range
        check_close(model.mass([first, last]), np.array([1.0, 3.0]), "mass")
        check(abs(model.mass(last) - 3) < 1e-12 and np.shape(model.mass(last)) == (), "the mass at one time")
        check(model.mass(np.full((2, 3), first)).shape == (2, 3), "shape of masses")
    (folder / "still").mkdir()
    plain = rhoflux.load(folder / "still" / prepare(folder / "still"))
    check(not plain.grows and np.all(plain.growth(t, x) == 0) and plain.mass(last) == 1, "growth of a model that does not grow")


def test_numbers_of_sample(folder):
    checkpoint = prepare(folder)
    succeed("sample", checkpoint, "--times", "0,0.5,1", "--count", 300, "--seed", 7, "--output", "sample.h5", folder=folder)
    expected = datasets(folder / "sample.h5")["x"]
    model = rhoflux.load(folder / checkpoint)
    check_close(model.sample([0, 0.5, 1], 300, seed=7), expected, "samples")
    check_close(model.sample(0, 300, seed=7), expected[0], "samples at one time")
    check(not np.array_equal(model.sample(0, 300, seed=8), expected[0]), "the seed changes nothing")
    check(model.sample([], 5).shape == (0, 5, 2) and model.sample(0.5, 0).shape == (0, 2), "empty samples")


def test_shapes_and_description(folder):
    model = rhoflux.load(str(folder / prepare(folder)))
    with h5py.File(folder / "data.h5", "r") as file:
        names = [name.decode() if hasattr(name, "decode") else name for name in file.attrs["dim_names"]]
    check(model.n_dims == 2 and model.dim_names == names, f"names {model.dim_names}, in the data {names}")
    check(model.time_range[0] < model.time_range[1], f"time range {model.time_range}")
    t, x = random_points(model, 4)
    check_close(model.drift(0.5, x), model.drift(np.full(4, 0.5), x), "one time for all states")
    check_close(model.score(t[2], x[2]), model.score(t, x)[2], "one state")
    check(np.shape(model.log_density(t[2], list(x[2]))) == (), "the log density of one state is not a number")
    check_close(model.score(t, np.asfortranarray(x)), model.score(t, x), "order of memory")
    check(model.log_density([], np.empty((0, 2))).shape == (0,), "no points")


def test_errors(folder):
    checkpoint = folder / prepare(folder)
    model, closed = rhoflux.load(checkpoint), rhoflux.load(checkpoint)
    closed.close()
    (folder / "text.h5").write_text("nothing")
    x = np.zeros((3, 2))
    for call, words in (
            (lambda: rhoflux.load(folder / "data.h5"), ["data.h5", "is not a checkpoint"]),
            (lambda: rhoflux.load(folder / "text.h5"), ["text.h5"]),
            (lambda: rhoflux.load(folder / "absent.h5"), ["absent.h5"]),
            (lambda: model.log_density(99.0, x), ["time 99", "outside the model's range"]),
            (lambda: model.log_density(float("nan"), x), ["outside the model's range"]),
            (lambda: model.score(0.5, [[0.0, 0.0], [0.0, np.inf]]), ["row 1 of x is not finite"]),
            (lambda: model.drift(0.5, x, "fast"), ["'fast'"]),
            (lambda: model.drift(0.5, x, -1.0), ["-1.0", "negative"]),
            (lambda: model.drift(0.5, np.zeros((3, 3))), ["(3, 3)", "(n, 2)"]),
            (lambda: model.drift([0.1, 0.2], x), ["(2,)", "(3,)"]),
            (lambda: model.sample(0.5, -1), ["count"]),
            (lambda: model.sample(0.5, 2, seed=0.5), ["seed"]),
            (lambda: model.sample([[0.5]], 2), ["(1, 1)"]),
            (lambda: closed.score(0.5, x), ["closed"])):
        try:
            call()
        except rhoflux.ModelError as error:
            for word in words:
                check(word in str(error), f"the message does not say '{word}': {error}")
        else:
            raise AssertionError(f"no error that says {words}")


def python(code, folder, **environment):
    return subprocess.run([sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT / "tools"), **environment}, timeout=120)


def test_end_of_process(folder):
    """A model that is alive when Python ends, and one that is not, end in silence."""
    checkpoint = prepare(folder)
    for ending in ("", "; model.close()"):
        result = python(f"import rhoflux; model = rhoflux.load({checkpoint!r}); model.sample(0.5, 3){ending}", folder)
        check(result.returncode == 0 and result.stderr == "", f"exit code {result.returncode}: {result.stderr}")


def test_missing_library(folder):
    result = python("import rhoflux; rhoflux.load('x.h5')", folder, RHOFLUX_LIBRARY=str(folder / "librhoflux.so"))
    check(result.returncode == 1 and "ImportError: librhoflux.so was not found" in result.stderr and "RHOFLUX_LIBRARY" in result.stderr,
          f"a library that is not there: {result.stderr}")
    check("Error" not in python("import rhoflux", folder, RHOFLUX_LIBRARY=str(folder / "librhoflux.so")).stderr,
          "the package cannot be imported without the library")


main(test_numbers_of_query, test_numbers_of_query_of_products, test_numbers_at_a_condition, test_growth, test_numbers_of_sample, test_shapes_and_description, test_errors,
     test_end_of_process, test_missing_library)
