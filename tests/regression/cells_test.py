"""From a study of cells in AnnData to fates and back: generate cells, import, train, fate, annotate; and what the outputs
of commands look like to xarray."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import check, datasets, differences, figures, h5py, main, np, run, succeed  # noqa: E402

DECK = """
[data]
file = cells.h5
[model]
components = 8
hidden = 48,48
time_features = 8
time_frequency_max = 2
[flux]
kind = triangular
noise = 0.7
[objective]
kinetic = 0.02
[training]
steps = 1500
batch = 512
learning_rate = 3e-3
[checkpoint]
directory = run
"""
N_CELLS = 4000
study = Path(tempfile.mkdtemp(prefix="rhoflux_cells_"))


def texts(values):
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def prepare():
    succeed("generate", "cells", "--count", N_CELLS, "--output", "cells.h5ad", folder=study)
    printed = succeed("import", "cells.h5ad", "--time-key", "day", "--time-unit", "d", "--val", "0.1", "--test", "0.1",
                      "--output", "cells.h5", folder=study)
    check("day3 = 3" in printed and "warning" not in printed, printed)
    (study / "cells.cfg").write_text(DECK)
    printed = succeed("train", "cells.cfg", folder=study, timeout=600)
    check("warning" not in printed, f"a warning where nothing is odd:\n{printed}")


def fates_agree_with_the_law_of_the_paths(folder):
    with h5py.File(study / "cells.h5ad", "r") as file:
        truth, names = file["obs/probability_A"][()], texts(file["obs/_index"][()])
    errors, uncertain = [], []
    for start in (0, 1, 2):
        output = folder / f"fate{start}.h5"
        arguments = ["fate", study / "run/best.h5", "--from", start, "--to", 4, "--particles", study / "cells.h5", "--label",
                     "cell_type", "--copies", 150, "--steps", 30, "--split", "test", "--output", output]
        printed = succeed(*arguments, "--report", folder / f"fate{start}.json")
        found = datasets(output)
        category = texts(found["category"])
        p, error, rows = found["probability"], found["probability_error"], found["source_row"]
        check(np.allclose(p.sum(axis=1), 1, atol=1e-12), "probabilities do not sum to 1")
        check(np.allclose(found["transition"][found["transition_count"] > 0].sum(axis=1), 1, atol=1e-12), "rows do not sum to 1")
        check(texts(found["id"]) == [names[row] for row in rows], "names of the cells")
        a = category.index("A")
        errors.extend(np.abs(p[:, a] - truth[rows]))
        uncertain.extend(((p[:, a] - truth[rows]) / np.hypot(error[:, a], 0.04))[(truth[rows] > 0.1) & (truth[rows] < 0.9)])
        # The transition is the mean over the cells of a label.
        label = found["label_from"]
        for row in range(len(category)):
            if (label == row).sum() > 0:
                check(np.allclose(found["transition"][row], p[label == row].mean(axis=0)), "transition")
        json = figures(folder / f"fate{start}.json")
        check(json["copies"] == 150 and json["transition"][-1]["from"] == texts(found["category_from"])[-1], f"{json}")
        check("+-" in printed and "Monte Carlo error" in printed, printed)
    check(np.mean(errors) < 0.03, f"probabilities of branches are off by {np.mean(errors):.3f} on average")
    # Errors cover the truth: with 0.04 for what the model itself is off, nine in ten within two of them.
    check(np.mean(np.abs(uncertain) < 2) > 0.9, f"errors: {np.sort(np.abs(uncertain))}")


def fates_do_not_depend_on_the_ranks(folder):
    common = ["fate", study / "run/best.h5", "--from", 1, "--to", 4, "--particles", study / "cells.h5", "--label", "cell_type",
              "--copies", 7, "--steps", 10, "--split", "test"]
    succeed(*common, "--output", folder / "one.h5")
    for ranks in (2, 3):
        succeed(*common, "--output", folder / f"{ranks}.h5", ranks=ranks)
        check(not differences(folder / "one.h5", folder / f"{ranks}.h5"), f"{ranks} ranks: other bits")
    succeed("fate", study / "run/best.h5", "--from", 4, "--to", 0, "--particles", study / "cells.h5", "--label", "donor",
            "--noise", 0, "--split", "test", "--output", folder / "back.h5")
    back = datasets(folder / "back.h5")
    check(set(np.unique(back["probability"])) <= {0.0, 1.0}, "a single path ends at one label")
    for arguments, parts in ((["--label", "donors"], ["'donors'", "cell_type, donor, fate"]),
                             (["--label", "donor", "--noise", 0, "--copies", 5], ["--copies 5", "noise"]),
                             (["--label", "donor", "--from", 1.5], ["no particles", "0 (day0), 1 (day1), 2 (day2)"])):
        given = ["--from", 1] if "--from" not in arguments else []
        result = run("fate", study / "run/best.h5", *given, "--to", 4, "--particles", study / "cells.h5", *arguments, "--output",
                     folder / "refused.h5")
        check(result.returncode == 2 and all(part in result.stderr for part in parts), result.stderr)
    check(not (folder / "refused.h5").exists(), "an output of a refused command")


def raw_bytes(path, leave_out):
    """Every dataset and attribute of a file, but for those added."""
    found = {}

    def note(name, item):
        if any(name == key or name.startswith(key + "/") for key in leave_out):
            return
        attributes = {key: repr(value) for key, value in item.attrs.items() if (name, key) != ("obs", "column-order")}
        found[name] = (attributes, item[()].tobytes() if isinstance(item, h5py.Dataset) and item.dtype.kind != "O"
                       else repr(item[()]) if isinstance(item, h5py.Dataset) else "")
    with h5py.File(path, "r") as file:
        file.visititems(note)
    return found


def annotated_cells_keep_all_they_had(folder):
    for ranks in (0, 2):
        succeed("annotate", study / "run/best.h5", study / "cells.h5ad", "--genes", "PCs", "--output", folder / "out.h5ad", "--force",
                ranks=ranks)
        added = ["obsm/velocity_pca", "layers/velocity", "obs/rhoflux_log_density", "uns/rhoflux"]
        check(raw_bytes(study / "cells.h5ad", []) == raw_bytes(folder / "out.h5ad", added), "the input's own content changed")
    with h5py.File(folder / "out.h5ad", "r") as file:
        velocity, density = file["obsm/velocity_pca"][()], file["obs/rhoflux_log_density"][()]
        genes, loadings = file["layers/velocity"][()], file["varm/PCs"][()]
        check(np.allclose(genes, velocity @ loadings.T, atol=1e-12), "velocities of genes")
        check(texts(file["obs"].attrs["column-order"])[-1] == "rhoflux_log_density", "the order of columns")
    # The same as query, cell by cell.
    succeed("query", study / "run/best.h5", "--points", study / "cells.h5", "--output", folder / "q.h5")
    query = datasets(folder / "q.h5")
    check(np.array_equal(velocity[query["source_row"]], query["velocity"]), "velocities differ from those of query")
    check(np.array_equal(density[query["source_row"]], query["log_density"]), "densities differ from those of query")
    # Again, on top of itself; and into a file of others.
    succeed("annotate", study / "run/best.h5", folder / "out.h5ad", "--output", folder / "again.h5ad")
    with h5py.File(folder / "again.h5ad", "r") as file:
        check(np.array_equal(file["obsm/velocity_pca"][()], velocity), "annotated twice")
    shutil.copy(study / "cells.h5ad", folder / "other.h5ad")
    with h5py.File(folder / "other.h5ad", "a") as file:
        file["obsm/velocity_pca"] = np.zeros((N_CELLS, 3))
    result = run("annotate", study / "run/best.h5", folder / "other.h5ad", "--output", folder / "no.h5ad")
    check(result.returncode == 2 and "obsm/velocity_pca" in result.stderr and not (folder / "no.h5ad").exists(), result.stderr)
    result = run("annotate", study / "run/best.h5", study / "cells.h5ad", "--genes", "loadings", "--output", folder / "no.h5ad")
    check(result.returncode == 2 and "its keys are PCs" in result.stderr, result.stderr)


def some_dimensions_and_labels_of_time(folder):
    """A model of two of the three columns; cells of a day it does not know."""
    succeed("import", study / "cells.h5ad", "--time-key", "day", "--dims", "2,3", "--output", "some.h5", folder=folder)
    (folder / "some.cfg").write_text(DECK.replace("cells.h5", "some.h5").replace("1500", "20"))
    succeed("train", "some.cfg", folder=folder)
    succeed("annotate", "run/best.h5", study / "cells.h5ad", "--output", "out.h5ad", folder=folder)
    with h5py.File(folder / "out.h5ad", "r") as file:
        velocity = file["obsm/velocity_pca"][()]
    check(velocity.shape == (N_CELLS, 3) and np.isnan(velocity[:, 0]).all() and np.isfinite(velocity[:, 1:]).all(), "columns")
    shutil.copy(study / "cells.h5ad", folder / "later.h5ad")
    with h5py.File(folder / "later.h5ad", "a") as file:
        file["obs/day/categories"][4] = "day9"
    result = run("annotate", "run/best.h5", "later.h5ad", "--output", "no.h5ad", folder=folder)
    check(result.returncode == 2 and "'day9'" in result.stderr, result.stderr)


def anndata_reads_it(folder):
    try:
        import anndata
    except ImportError as missing:
        print(f"left out: this Python has no module {missing.name}")
        return
    succeed("annotate", study / "run/best.h5", study / "cells.h5ad", "--genes", "PCs", "--output", folder / "out.h5ad")
    before, after = anndata.read_h5ad(study / "cells.h5ad"), anndata.read_h5ad(folder / "out.h5ad")
    check(list(before.obs_names) == list(after.obs_names) and np.array_equal(before.X, after.X), "cells and X")
    check(after.obs[before.obs.columns].equals(before.obs), "obs")
    check(after.obsm["velocity_pca"].shape == (N_CELLS, 3) and after.layers["velocity"].shape == after.X.shape, "shapes")
    check("[data]" in str(after.uns["rhoflux"]["deck"]), "the deck")


def xarray_shows_names_and_coordinates(folder):
    """In a process of its own: netCDF-4 and h5py may bring different HDF5 libraries."""
    best = study / "run/best.h5"
    succeed("sample", best, "--times", "0,1.5", "--count", 20, "--output", folder / "sample.h5")
    succeed("transport", best, "--from", 0, "--to", 4, "--particles", study / "cells.h5", "--output", folder / "transport.h5")
    succeed("query", best, "--points", study / "cells.h5", "--output", folder / "query.h5")
    succeed("field", best, "--times", "0:4:3", "--grid", "6,5", "--output", folder / "field.h5")
    succeed("fate", best, "--from", 3, "--to", 4, "--particles", study / "cells.h5", "--label", "cell_type", "--copies", 2, "--steps", 4,
            "--split", "test", "--output", folder / "fate.h5")
    script = """
import sys
try:
    import netCDF4, xarray
except ImportError as missing:
    print(f"left out: this Python has no module {missing.name}"); sys.exit(0)
for name in ("sample", "transport", "query", "field", "fate"):
    data = xarray.open_dataset(name + ".h5").load()
    assert not any(str(d).startswith("phony") for d in data.dims), (name, data.dims)
    if "coordinate" in data.dims: assert list(data.coordinate.values) == ["pca1", "pca2", "pca3"], data
    if name == "sample": assert data.x.sel(t=1.5, coordinate="pca2").shape == (20,)
    if name == "field": assert data.velocity.dims == ("time", "axis_1", "axis_2", "component") and data.component.values[0] == "pca1"
    if name == "fate": assert list(data.category.values) == ["A", "B", "progenitor"] and abs(float(data.probability.sum("category").mean()) - 1) < 1e-12
    if name in ("transport", "query", "fate"): assert str(data.id.values[0]).startswith("CELL"), data.id
    assert "[model]" in str(data.deck.values[0])
print("read")
"""
    result = subprocess.run([sys.executable, "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check(result.returncode == 0, result.stdout + result.stderr)
    print(result.stdout.strip())


def generated_cells_are_those_of_the_law(folder):
    """Shares of types at each day, against the law of the paths."""
    with h5py.File(study / "cells.h5ad", "r") as file:
        day, kind, fate = (file[f"obs/{name}/codes"][()] for name in ("day", "cell_type", "fate"))
        p = file["obs/probability_A"][()]
        x, expression, loadings = file["obsm/X_pca"][()], file["X"][()], file["varm/PCs"][()]
    for t in range(5):
        now = day == t
        n = now.sum()
        # By their fates, and by what the probabilities say of them: five standard errors of the difference.
        check(abs((fate[now] == 0).mean() - p[now].mean()) < 5 * np.sqrt((p[now] * (1 - p[now])).mean() / n + 1e-12),
              f"fates of day {t}")
        check(abs(x[now, 0].mean() - 1.5 * t) < 5 * np.sqrt(0.245 / n), "the first coordinate")
    check(np.array_equal(fate[day == 4], kind[day == 4]), "the last day is the fate")
    check(np.allclose(loadings.T @ loadings, np.eye(3), atol=1e-12), "loadings")
    noise = expression - 2 - x @ loadings.T
    check(abs(noise.std() - 0.1) < 0.002, "noise of the expression")


try:
    prepare()
except AssertionError:
    shutil.rmtree(study, ignore_errors=True)
    raise
try:
    main(generated_cells_are_those_of_the_law, fates_agree_with_the_law_of_the_paths, fates_do_not_depend_on_the_ranks,
         annotated_cells_keep_all_they_had, some_dimensions_and_labels_of_time, anndata_reads_it, xarray_shows_names_and_coordinates)
finally:
    shutil.rmtree(study, ignore_errors=True)
