"""The growth rate and the mass of a small model that grows, in all that reads a model: query, sample, field, evaluate, verify, info, annotate,
and the pictures and the report."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from regression import SMALL, check, datasets, figures, h5py, main, np, succeed, write_population  # noqa: E402

DECK = """
[data]
file = growth.h5
mass = counts
[model]
components = 8
hidden = 48,48
time_features = 4
time_frequency_max = 2
growth = weights
growth_share = learned
[objective]
kinetic = 0.02
kinetic_start = 100
growth = 0.02
growth_start = 100
[training]
steps = 300
batch = 256
learning_rate = 3e-3
[checkpoint]
directory = run
"""
BOUNDS = "-8:8,-4:4"  # the clouds are at -3 and 3, 0
work = Path(tempfile.mkdtemp(prefix="rhoflux_growth_apps_"))
MODEL = work / "run/best.h5"


def prepare():
    succeed("generate", "growth", "--count", 1500, "--output", "growth.h5", folder=work)
    with h5py.File(work / "growth.h5", "r+") as file:
        file.attrs["time_unit"] = "d"
        file.attrs["time_origin"] = "2024-03-01"
    (work / "growth.cfg").write_text(DECK)
    succeed("train", "growth.cfg", folder=work)


def field(folder, name, *arguments):
    """Datasets of a field, and the cell of its grid."""
    succeed("field", MODEL, *arguments, "--output", f"{name}.h5", "--force", folder=folder)
    found = datasets(folder / f"{name}.h5")
    cell = np.prod([found[axis][1] - found[axis][0] for axis in found if axis.startswith("axis_")])
    return found, cell


def mass_at(folder, times):
    texts = ",".join(repr(float(t)) for t in times)
    succeed("sample", MODEL, "--times", texts, "--count", 1, "--output", "mass.h5", "--force", folder=folder)
    return datasets(folder / "mass.h5")["mass"]


def the_mean_rate_on_a_grid_is_that_of_the_mass(folder):
    """sum of density * growth * cell = M' / M."""
    times = [0.3, 0.8, 1.4, 1.9]  # between the times of known mass
    found, cell = field(folder, "field", "--times", ",".join(map(str, times)), "--grid", "401,241", "--bounds", BOUNDS)
    check(np.array_equal(found["mass"], mass_at(folder, times)), "/mass of field is not that of sample")

    def mean(step):
        part = found["density"][:, ::step, ::step], found["growth"][:, ::step, ::step]
        return cell * step**2 * np.sum(part[0] * part[1], axis=(1, 2))

    def slope(step):
        after, before = (np.log(mass_at(folder, np.array(times) + sign * step)) for sign in (1, -1))
        return (after - before) / (2 * step)

    total = cell * np.sum(found["density"], axis=(1, 2))
    # What the grid and the difference are off, and what lies outside the bounds.
    allowed = np.abs(mean(1) - mean(2)) + np.abs(slope(1e-3) - slope(2e-3)) + np.abs(1 - total) * np.abs(found["growth"]).max() + 1e-9
    check(allowed.max() < 1e-3, f"the grid is too coarse to show anything: {allowed}")
    check(np.all(np.abs(mean(1) - slope(1e-3)) <= allowed), f"mean rates {mean(1)}, M' / M {slope(1e-3)}, allowed {allowed}")
    check(np.ptp(found["growth"][0][found["density"][0] > 0.1 * found["density"][0].max()]) > 0.1, "the rate is the same everywhere")


def query_and_field_agree(folder):
    found, _ = field(folder, "field", "--times", "0,0.7,2", "--grid", "9,7", "--bounds", BOUNDS)
    t, x, y = np.meshgrid(found["time"], found["axis_1"], found["axis_2"], indexing="ij")
    write_population(folder / "points.h5", t.ravel(), np.stack([x.ravel(), y.ravel()], axis=1))
    succeed("query", MODEL, "--points", "points.h5", "--output", "query.h5", folder=folder)
    asked = datasets(folder / "query.h5")
    check(asked["growth"].shape == (t.size,), f"/growth has the shape {asked['growth'].shape}")
    difference = np.abs(asked["growth"] - found["growth"].ravel()) / (1 + np.abs(asked["growth"]))
    check(difference.max() < 1e-12, f"query and field differ by {difference.max()}")
    # The rate does not depend on the noise.
    succeed("query", MODEL, "--points", "points.h5", "--noise", 0.7, "--output", "noisy.h5", folder=folder)
    check(np.array_equal(datasets(folder / "noisy.h5")["growth"], asked["growth"]), "the growth rate changes with the noise")
    description = (folder / "field.h5.xdmf").read_text()
    check(all(f'Name="{name}"' in description for name in ("density", "velocity", "growth", "mass")), description)
    with h5py.File(folder / "field.h5", "r") as file:
        check(file["mass"].dims[0].keys() == ["time"] and file["growth"].dims[1].keys() == ["axis_1"], "scales of /mass and /growth")


def marginals_are_means_given_the_coordinates_kept(folder):
    times = ["--times", "0.4,1.6"]
    whole, _ = field(folder, "whole", *times, "--grid", "41,801", "--bounds", BOUNDS)
    exact, _ = field(folder, "exact", *times, "--grid", "41", "--bounds", BOUNDS.split(",")[0])
    width = whole["axis_2"][1] - whole["axis_2"][0]

    def mean(step):
        density, growth = whole["density"][..., ::step], whole["growth"][..., ::step]
        return np.sum(density * growth, axis=-1) / np.sum(density, axis=-1), step * width * np.sum(density, axis=-1)

    outside = np.abs(1 - mean(1)[1] / exact["density"]) * np.abs(whole["growth"]).max()
    allowed = np.abs(mean(1)[0] - mean(2)[0]) + outside + 1e-9
    shown = exact["density"] > 1e-3 * exact["density"].max()
    check(allowed[shown].max() < 1e-2, f"the grid is too coarse to show anything: {allowed[shown].max()}")
    off = np.abs(exact["growth"] - mean(1)[0])
    check(np.all(off[shown] <= allowed[shown]), f"marginal rates are off by {np.max((off / allowed)[shown])} of what is allowed")
    # The other coordinate is no leading one: by Monte Carlo, against the mean over seeds and its standard error.
    other, _ = field(folder, "other", *times, "--grid", "1601,9", "--bounds", "-8:8,-0.8:0.8")
    density = np.sum(other["density"], axis=1)
    truth = np.sum(other["density"] * other["growth"], axis=1) / density
    seeds = [field(folder, "sampled", *times, "--grid", 9, "--bounds", "-0.8:0.8", "--dims", 2, "--marginal-samples", 512, "--seed", seed)[0]
             for seed in range(16)]
    check("density_error" in seeds[0], "the marginal of the second coordinate is said to be exact")
    # Sums of weight times rate and of weights are free of bias; their ratio is not.
    sums = [np.array([part["density"] * part["growth"] - part["density"] * truth for part in seeds])]
    z = np.mean(sums[0], axis=0) / (np.std(sums[0], axis=0, ddof=1) / 4)
    check(np.abs(z).max() < 6, f"standard errors: {z}")
    check(np.std([part["growth"] for part in seeds], axis=0).max() > 0, "the seed changes nothing")


def evaluate_compares_masses_and_weighs_costs(folder):
    said = succeed("evaluate", MODEL, "--data", work / "growth.h5", "--split", "all", "--objective", "--output", "all.json", folder=folder)
    found = figures(folder / "all.json")
    data = datasets(work / "growth.h5")
    counts = np.array([np.sum(data["t"] == t) for t in (0, 1, 2)])
    for row, count, mass in zip(found["mass"], counts, mass_at(folder, [0, 1, 2])):
        expected = {"model": mass, "data": count / counts[0], "relative_error": mass / (count / counts[0]) - 1}
        for name, value in expected.items():
            check(abs(row[name] - value) < 1e-12, f"{name} at t = {row['t']}: {row[name]}, expected {value}")
    check([row["t"] for row in found["mass"]] == [0, 1, 2] and "relative error" in said, said)
    check(abs(found["mass"][1]["sampling_error"] - np.sqrt(1 / counts[0] + 1 / counts[1])) < 1e-12, "sampling error")
    check("simulated paths carry weights" in said, said)
    terms = {term["name"]: term for term in found["objective"]["terms"]}
    # int M E r^2 dt by the midpoint rule, which meets no time of known mass.
    grid, cell = field(folder, "field", "--times", "0.05:1.95:20", "--grid", "201,201", "--bounds", BOUNDS)
    square = cell * np.sum(grid["density"] * grid["growth"] ** 2, axis=(1, 2))
    weighted, plain = (0.1 * np.sum(part) for part in (grid["mass"] * square, square))
    half, _ = field(folder, "half", "--times", "0.1:1.9:10", "--grid", "201,201", "--bounds", BOUNDS)
    coarse = 0.2 * np.sum(half["mass"] * cell * np.sum(half["density"] * half["growth"] ** 2, axis=(1, 2)))
    cost, allowed = terms["growth"]["model"], 5 * terms["growth"]["model_error"] + abs(weighted - coarse)
    check(abs(cost - weighted) <= allowed, f"growth {cost}, by quadrature {weighted}, allowed {allowed}")
    check(abs(plain - weighted) > 2 * allowed, "the mass changes too little to show anything")


def masses_that_cannot_be_compared_are_said_to_be(folder):
    for name, options, words in (("none", ["--data.mass=none"], "nothing to compare"),
                                 ("given", ["--data.mass=0:1,2:9"], "was given (data.mass = 0:1,2:9)")):
        succeed("train", "growth.cfg", *SMALL, "--training.steps=10", *options, f"--checkpoint.directory={folder / name}", folder=work)
        said = succeed("evaluate", folder / name / "best.h5", "--data", work / "growth.h5", "--output", f"{name}.json", folder=folder)
        check(words in said, said)
        found = figures(folder / f"{name}.json")
        check(("mass" in found) == (name == "given"), f"{list(found)}")
    # A split that takes other shares at other times tells no masses.
    data = datasets(work / "growth.h5")
    split = np.where((data["t"] == 2) & (np.arange(len(data["t"])) % 2 == 0), 2, 0).astype("int8")
    split[np.flatnonzero(data["t"] < 2)[::10]] = 2
    write_population(folder / "uneven.h5", data["t"], data["x"], split=split)
    check("another share of the rows" in succeed("evaluate", MODEL, "--data", "uneven.h5", folder=folder), "uneven shares")
    check("another share" not in succeed("evaluate", MODEL, "--data", work / "growth.h5", folder=folder), "even shares")


def without_data_the_model_alone_has_costs(folder):
    (folder / "ends.cfg").write_text("""
[data]
time_range = 0:1
mass = 0:1,1:2
[model]
growth = weights
growth_share = 0.5
[objective]
initial = 1
initial_law = gaussian -1,0 : 0.5,0,0,0.3
terminal = 1
terminal_law = gaussian 2,1 : 0.3,0,0,0.8
kinetic = 0.1
growth = 0.1
[checkpoint]
directory = ends
""")
    succeed("train", "ends.cfg", *SMALL, "--training.steps=30", folder=folder)
    said = succeed("evaluate", "ends/best.h5", "--start", "model", "--trajectories", 512, "--model-samples", 1024, "--output", "ends.json", folder=folder)
    found = figures(folder / "ends.json")["objective"]
    check(all(end["w2_model"] > 0 and end["w2_simulated"] > 0 for end in found["laws"]) and len(found["laws"]) == 2, f"{found}")
    check(found["total"]["model"] > 0 and found["total"]["simulated"] > 0, f"{found}")
    check(abs(found["total"]["difference"] - found["total"]["simulated"] + found["total"]["model"]) < 1e-12, f"{found}")
    check("simulated paths carry weights" in said and "nan" not in said.lower(), said)
    # A population that is born where no path starts: what the paths give is not compared.
    succeed("train", "ends.cfg", *SMALL, "--training.steps=300", "--model.growth_share=1", "--objective.terminal_law=gaussian 20,1 : 0.3,0,0,0.8",
            "--training.learning_rate=1e-2", "--checkpoint.directory=born", folder=folder)
    said = succeed("evaluate", "born/best.h5", "--trajectories", 256, "--model-samples", 1024, "--output", "born.json", folder=folder)
    found = figures(folder / "born.json")["objective"]
    check(found["weighted_paths"]["mass_relative_to_model"] < 0.9, f"{found}")
    check(found["total"]["difference"] is None and "not decided" in said and "do not stand for all" in said, said)
    # Points that stand for weighted paths are no independent pairs.
    succeed("train", "ends.cfg", *SMALL, "--training.steps=5", "--objective.congestion=0.1", "--objective.congestion_kernel=gaussian 0.5",
            "--checkpoint.directory=pairs", folder=folder)
    said = succeed("evaluate", "pairs/best.h5", "--trajectories", 256, "--model-samples", 1024, "--output", "pairs.json", folder=folder)
    found = figures(folder / "pairs.json")["objective"]
    check("nothing is simulated" in said and "nan" not in said.lower(), said)
    check(found["total"]["model"] > 0 and found["total"]["simulated"] is None, f"{found}")


def verify_and_info_speak_of_growth(folder):
    said = succeed("verify", MODEL, "--model-samples", 2000, "--residual-points", 50, folder=folder)
    check("with growth" in said and "E[r] = M' / M" in said and "FAIL" not in said, said)
    said = succeed("info", MODEL, folder=folder)
    check("growth_share learned" in said and "1 at t = 0 (2024-03-01" in said and "at t = 2 (2024-03-03" in said, said)


def cells_get_their_rates(folder):
    succeed("generate", "cells", "--count", 600, "--output", "cells.h5ad", folder=folder)
    succeed("import", "cells.h5ad", "--time-key", "day", "--output", "cells.h5", folder=folder)
    (folder / "cells.cfg").write_text("[data]\nfile = cells.h5\nmass = counts\n[model]\ngrowth = weights\n[checkpoint]\ndirectory = run\n")
    succeed("train", "cells.cfg", *SMALL, "--training.steps=30", folder=folder)
    said = succeed("annotate", "run/best.h5", "cells.h5ad", "--output", "out.h5ad", folder=folder)
    check("obs/rhoflux_growth" in said, said)
    succeed("query", "run/best.h5", "--points", "cells.h5", "--output", "query.h5", folder=folder)
    asked = datasets(folder / "query.h5")
    with h5py.File(folder / "out.h5ad", "r") as file:
        rates = file["obs/rhoflux_growth"][()]
        check("rhoflux_growth" in list(file["obs"].attrs["column-order"]), "the column is not named")
    expected = np.empty(len(rates))
    expected[asked["source_row"]] = asked["growth"]
    check(np.allclose(rates, expected, rtol=1e-12, atol=0) and np.ptp(rates) > 0, "rates of cells are not those of query")
    # Annotated once more by a model that does not grow, the column goes.
    succeed("train", "cells.cfg", *SMALL, "--training.steps=5", "--model.growth=none", "--data.mass=none", "--checkpoint.directory=still", folder=folder)
    succeed("annotate", "still/best.h5", "out.h5ad", "--output", "again.h5ad", folder=folder)
    with h5py.File(folder / "again.h5ad", "r") as file:
        check("rhoflux_growth" not in file["obs"], "the rate of another model stays")


def without_growth_there_is_none(folder):
    succeed("train", "growth.cfg", *SMALL, "--training.steps=10", "--model.growth=none", "--model.growth_share=1", "--data.mass=none", "--objective.growth=0",
            f"--checkpoint.directory={folder / 'still'}", folder=work)
    model = folder / "still/best.h5"
    succeed("query", model, "--points", work / "growth.h5", "--output", "query.h5", folder=folder)
    succeed("field", model, "--times", "0,1", "--grid", "5,5", "--output", "field.h5", folder=folder)
    succeed("sample", model, "--times", "0,1", "--count", 5, "--output", "sample.h5", folder=folder)
    for name in ("query", "field", "sample"):
        check(not {"growth", "mass"} & set(datasets(folder / f"{name}.h5")), f"{name} has growth or mass")
    check("growth     weights" not in succeed("info", model, folder=folder), "info")
    check("mass" not in succeed("evaluate", model, "--data", work / "growth.h5", folder=folder), "evaluate")


def pictures_and_the_report_show_growth(folder):
    try:
        import matplotlib.image
    except ImportError:
        print("  without pictures: this Python has no matplotlib")
        return
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "tools"))

    def tool(*arguments, code=0):
        result = subprocess.run([sys.executable, "-m", *map(str, arguments)], cwd=folder, env=environment, capture_output=True, text=True)
        check(result.returncode == code, f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout + result.stderr

    succeed("field", MODEL, "--times", "0:2:9", "--grid", "60,60", "--output", "field.h5", folder=folder)
    succeed("transport", MODEL, "--from", 0, "--to", 2, "--count", 30, "--frames", 21, "--output", "paths.h5", folder=folder)
    for name, arguments in (("density", ["density", "field.h5"]), ("one", ["density", "field.h5", "--dims", "1"]),
                            ("paths", ["paths", "paths.h5", "--field", "field.h5"])):
        tool("rhoflux.plot", *arguments, "--output", f"{name}.png")
        tool("rhoflux.plot", *arguments, "--colour", "growth", "--output", f"{name}_growth.png")
        plain, coloured = (matplotlib.image.imread(str(folder / f"{name}{end}.png"))[..., :3] for end in ("", "_growth"))
        # Both types grow or stay: there is red, which the blues of a density do not have.
        red = [np.sum(picture[..., 0] > picture[..., 2] + 0.2) for picture in (plain, coloured)]
        check(red[1] > 50 and (name == "paths" or red[0] == 0), f"{name}: red pixels {red}")
    tool("rhoflux.plot", "mass", "field.h5", "--data", work / "growth.h5", "--output", "mass.png")
    check("needs --field" in tool("rhoflux.plot", "paths", "paths.h5", "--colour", "growth", code=2), "no field")
    page = folder / "page.html"
    said = tool("rhoflux.report", work / "run", "--without", "fates,checks,history", "--particles", 20, "--samples", 50, "--output", page)
    text = page.read_text()
    check('id="growth"' in text and "growth rate by time" in text and "mass of the population by time" in text, said)
    check("relative error" in text and "growth" not in said, said)
    check("effective number of particles" in text and "mass relative to the start" in text, "weights of the paths")
    # The numbers of rows change, which only a model that does not grow has to be warned of.
    warning = "number of rows changes"
    check(warning in succeed("info", work / "growth.h5", folder=folder) and warning not in text and warning not in said, said)
    succeed("train", "growth.cfg", *SMALL, "--training.steps=5", "--model.growth=none", "--model.growth_share=1", "--data.mass=none", "--objective.growth=0",
            f"--checkpoint.directory={folder / 'still'}", folder=work)
    tool("rhoflux.report", folder / "still", "--without", "fates,checks,history,distances,samples,density,paths", "--output", page)
    check(page.read_text().count(warning) >= 2, "a model that does not grow is not warned of changing numbers")


if __name__ == "__main__":
    prepare()
    main(the_mean_rate_on_a_grid_is_that_of_the_mass, query_and_field_agree, marginals_are_means_given_the_coordinates_kept,
         evaluate_compares_masses_and_weighs_costs, masses_that_cannot_be_compared_are_said_to_be,
         without_data_the_model_alone_has_costs, verify_and_info_speak_of_growth,
         cells_get_their_rates, without_growth_there_is_none, pictures_and_the_report_show_growth)
