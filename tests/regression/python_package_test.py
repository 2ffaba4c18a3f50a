"""The Python package of tools/: its readers give what is in the files, it installs, and its version is the project's."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, h5py, main, np, succeed, write_population  # noqa: E402

SOURCE = Path(os.environ.get("RHOFLUX_SOURCE_DIR", Path(__file__).resolve().parents[2]))
TOOLS = SOURCE / "tools"
sys.path.insert(0, str(TOOLS))

import rhoflux  # noqa: E402
from rhoflux.fields import trapezoid_weights  # noqa: E402
from rhoflux.times import distinct_texts, named_time  # noqa: E402


def refused(words, function, *arguments, **keywords):
    """A FileError of one line that holds these words."""
    try:
        function(*arguments, **keywords)
    except rhoflux.FileError as error:
        check("\n" not in str(error) and all(word in str(error) for word in words), f"expected {words} in: {error}")
        return
    raise AssertionError(f"{function.__name__}{arguments} is not refused")


def write_field(path, time=(0.0, 1.0, 3.0), n=(5, 7), velocity=True, **attributes):
    """A field of random numbers over a grid, as `rhoflux field` writes it."""
    random = np.random.default_rng(3)
    with h5py.File(path, "w") as file:
        file.attrs["kind"] = "rhoflux field"
        for name, value in attributes.items():
            file.attrs[name] = value
        file["time"] = np.array(time)
        for k, count in enumerate(n):
            file[f"axis_{k + 1}"] = np.linspace(-1, 1 + k, count)
        file["density"] = random.uniform(size=(len(time), *n))
        if velocity:
            file["velocity"] = random.normal(size=(len(time), *n, len(n)))


def write_frames(path, t, x, kind="rhoflux transport", **attributes):
    with h5py.File(path, "w") as file:
        file.attrs["kind"] = kind
        for name, value in attributes.items():
            file.attrs[name] = value
        file["t"], file["x"] = t, x


def test_read(folder):
    """`read` gives every dataset of every kind of file that the program writes."""
    succeed("generate", "branching", "--count", 600, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    succeed("train", "deck.cfg", *SMALL, "--training.steps=5", "--checkpoint.directory=run", folder=folder)
    model = "run/best.h5"
    succeed("sample", model, "--times", "0,2,4", "--count", 50, "--output", "samples.h5", folder=folder)
    succeed("query", model, "--points", "data.h5", "--output", "query.h5", folder=folder)
    succeed("field", model, "--times", "0:4:5", "--grid", "30,40", "--output", "field.h5", folder=folder)
    succeed("transport", model, "--from", 0, "--to", 4, "--count", 40, "--output", "paths.h5", folder=folder)
    for name in ("data.h5", "samples.h5", "query.h5", "field.h5", "paths.h5", model):
        data = rhoflux.read(folder / name)
        for path, values in datasets(folder / name).items():
            if path == "deck" or path.startswith("view"):
                continue
            found = data
            for part in path.split("/"):
                found = getattr(found, part)
            if values.dtype.kind in "SO":
                texts = [text.decode() if isinstance(text, bytes) else text for text in np.atleast_1d(values).tolist()]
                check(np.atleast_1d(found).tolist() == texts, f"{name}: {path} is read differently")
                continue
            check(np.asarray(found).tobytes() == np.asarray(values).tobytes(), f"{name}: {path} is read differently")
        check(str(data).count("\n") >= 2, f"print of {name}: {data}")
    check(rhoflux.read(folder / "samples.h5").t.shape == (3,), "samples")
    check("[data]" in rhoflux.read(folder / model).deck, "the deck is text")


def test_read_names_what_is_missing(folder):
    write_frames(folder / "a.h5", [0.0], np.zeros((1, 2, 3)), dim_names=np.array([b"a", b"b", b"c"]))
    data = rhoflux.read(folder / "a.h5", kind="rhoflux transport")
    check(data.attributes["dim_names"] == ["a", "b", "c"] and data.names() == ["t", "x"], str(data))
    try:
        data.y
        raise AssertionError("data.y is found")
    except AttributeError as error:
        check("a.h5 has no 'y'; it has t, x" in str(error), str(error))
    refused(["a.h5", "'rhoflux transport'", "'rhoflux field'"], rhoflux.read, folder / "a.h5", kind="rhoflux field")
    refused(["no such file"], rhoflux.read, folder / "none.h5")
    refused(["not an HDF5 file"], rhoflux.read, folder)


def test_damaged_file(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("t", data=np.arange(1000.0), chunks=(1000,), fletcher32=True)
    content = bytearray((folder / "a.h5").read_bytes())
    place = content.index(np.float64(500).tobytes())
    content[place] ^= 1
    (folder / "a.h5").write_bytes(content)
    refused(["a.h5", "t cannot be read", "damaged"], rhoflux.read, folder / "a.h5")


def test_population(folder):
    t, x = np.array([0.0, 0, 1, 1]), np.arange(8.0).reshape(4, 2)
    write_population(folder / "a.h5", t, x, split=np.array([0, 1, 2, 0], np.int8))
    check(np.array_equal(rhoflux.read_population(folder / "a.h5").x, x), "all rows")
    train = rhoflux.read_population(folder / "a.h5", "train")
    check(np.array_equal(train.x, x[[0, 3]]) and np.array_equal(train.t, t[[0, 3]]), "rows of a split")
    check(train.names == ["x1", "x2"] and train.unit == "", "names and unit of a file without them")
    write_population(folder / "b.h5", t, x)
    refused(["b.h5", "/split"], rhoflux.read_population, folder / "b.h5", "val")
    write_population(folder / "c.h5", t[:3], x)
    refused(["3 rows", "4"], rhoflux.read_population, folder / "c.h5")
    write_population(folder / "d.h5", t, x, split=np.zeros(4, np.int8))
    refused(["no rows of the split test"], rhoflux.read_population, folder / "d.h5", "test")


def test_paths(folder):
    """Frames in the order of time, particles thinned, straight lines between frames."""
    x = np.random.default_rng(1).normal(size=(3, 20, 2))
    write_frames(folder / "a.h5", [4.0, 0.0, 2.0], x, time_unit="d")
    paths = rhoflux.read_paths(folder / "a.h5", 100)
    check(np.array_equal(paths.t, [0, 2, 4]) and np.array_equal(paths.x, x[[1, 2, 0]]) and paths.unit == "d", "order")
    check(np.allclose(paths.at(3.5), 0.25 * x[2] + 0.75 * x[0]), "between frames")
    check(np.array_equal(paths.at(-1), x[1]) and np.array_equal(paths.at(9), x[0]), "outside: the nearest frame")
    few = rhoflux.read_paths(folder / "a.h5", 5)
    check(few.x.shape == (3, 5, 2) and all(row in x[1] for row in few.x[0]), "some of the particles")
    write_frames(folder / "b.h5", [0.0], x)
    refused(["1 times", "(3, 20, 2)"], rhoflux.read_frames, folder / "b.h5")
    write_frames(folder / "c.h5", [0.0], x[:1], kind="rhoflux samples")
    check(rhoflux.read_frames(folder / "c.h5").x.shape == (1, 20, 2), "samples")
    refused(["rhoflux samples"], rhoflux.read_paths, folder / "c.h5", 5)


def test_marginals_of_a_field(folder):
    """The trapezoid rule over the axis left out: density integrated, drift averaged with the density."""
    write_field(folder / "a.h5")
    values = datasets(folder / "a.h5")
    density, velocity = values["density"], values["velocity"]
    weights = trapezoid_weights(values["axis_2"])
    field = rhoflux.Field(folder / "a.h5", [1])
    check(field.note == "integrated over x2" and field.names == ["x1"], field.note)
    marginal, drift = field.density_and_drift(2)
    check(np.allclose(marginal, density[2] @ weights, rtol=1e-13), "marginal density")
    check(np.allclose(field.density(2), marginal, rtol=1e-13), "density alone")
    flux = (density[2] * velocity[2, ..., 0]) @ weights
    check(np.allclose(drift[..., 0], flux / marginal, rtol=1e-12), "marginal drift")
    at = rhoflux.Field(folder / "a.h5", [2], at=values["axis_1"][3] + 0.01)
    check(np.array_equal(at.density(1), density[1, 3]) and "x1 = 0.5" in at.note, f"slice {at.note}")
    turned = rhoflux.Field(folder / "a.h5", [2, 1])
    check(np.array_equal(turned.density(0), density[0].T), "order of the coordinates")
    check(np.array_equal(turned.density_and_drift(0)[1], velocity[0].transpose(1, 0, 2)[..., ::-1]), "and of the drift")


def test_mean_of_a_field(folder):
    write_field(folder / "a.h5", time=(0.0, 1.0, 3.0))
    values = datasets(folder / "a.h5")
    weights = np.array([0.5, 1.5, 1.0]) / 3
    mean = np.tensordot(weights, values["density"], 1)
    flux = np.tensordot(weights, values["density"][..., None] * values["velocity"], 1)
    field = rhoflux.Field(folder / "a.h5")
    density, drift = field.mean_density_and_drift()
    check(np.allclose(density, mean) and np.allclose(field.mean_density(), mean), "mean density")
    check(np.allclose(drift, flux / mean[..., None]), "mean drift")


def test_field_of_chosen_coordinates(folder):
    """A grid over the coordinates 3 and 1 of a model in three dimensions."""
    write_field(folder / "a.h5", dims=np.array([3, 1]), dim_names=np.array([b"a", b"b", b"c"]))
    field = rhoflux.Field(folder / "a.h5")
    check(field.coordinates == [3, 1] and field.names == ["c", "a"], f"{field.coordinates} {field.names}")
    refused(["3, 1 only"], rhoflux.Field, folder / "a.h5", [2])
    write_field(folder / "b.h5", velocity=False)
    field = rhoflux.Field(folder / "b.h5")
    check(not field.has_drift, "a field without /velocity")
    refused(["/velocity"], field.density_and_drift, 0)
    write_field(folder / "c.h5", n=(5, 1))
    refused(["two grid points"], rhoflux.Field, folder / "c.h5")
    refused(["one coordinate that is left out"], rhoflux.Field, folder / "a.h5", [3, 1], at=0.0)


def test_obstacles(folder):
    def with_deck(potential):
        with h5py.File(folder / "a.h5", "w") as file:
            file["deck"] = [f"[objective]\nstate_cost_potential = {potential}\n".encode()]
        return rhoflux.read_obstacles(folder / "a.h5")

    circles = with_deck("circles 0,0:1; 3,0:0.5")
    depth = circles.depth(np.array([[0.0, 0.0], [3.0, 0.25], [1.5, 0.0]]))
    check(np.allclose(depth, [1, 0.25, -0.5]), f"depth in circles {depth}")
    check(circles.shown_whole((0, 1), (0, 1)) == ((-1.15, 3 + 0.575), (-1.15, 1.15)), "circles whole")
    quadrics = with_deck("quadrics 1,0:1,4:2")
    check(np.allclose(quadrics.depth(np.array([[1.0, 0.5], [3.0, 0.0]])), [1, -2]), "depth in a quadric")
    check(with_deck("quadratic") is None, "another potential has no obstacles")
    write_population(folder / "b.h5", [0.0], [[0.0]])
    check(rhoflux.read_obstacles(folder / "b.h5") is None, "a file without a deck")


def test_history(folder):
    (folder / "history.csv").write_text("step,nll,validation_nll\n1,2.5,\n2,nan,1.5\n")
    history = rhoflux.read_history(folder)
    check(list(history) == ["step", "nll", "validation_nll"], str(history))
    check(np.array_equal(history["step"], [1, 2]) and history["validation_nll"][1] == 1.5, str(history))
    check(np.isnan(history["nll"][1]) and np.isnan(history["validation_nll"][0]), "what was not measured")
    for text, words in (("step,nll\n1\n", ["row 1", "1 fields"]), ("step,nll\n1,x\n", ["column nll", "'x'"]),
                        ("step\n", ["no rows"]), ("t\n1\n", ["'step'"]), ("", ["'step'"])):
        (folder / "bad.csv").write_text(text)
        refused(words, rhoflux.read_history, folder / "bad.csv")


def test_former_name(folder):
    """`from rhoflux_files import read` gives the same reader, without a warning."""
    program = "import rhoflux_files as old, rhoflux; assert old.read is rhoflux.read and old.Field is rhoflux.Field"
    result = subprocess.run([sys.executable, "-W", "error", "-c", "from rhoflux_files import read\n" + program], cwd=folder,
                            env={**os.environ, "PYTHONPATH": str(TOOLS)}, stderr=subprocess.PIPE, text=True)
    check(result.returncode == 0 and not result.stderr, result.stderr)


def test_reader_needs_no_matplotlib(folder):
    """Nor do the options of rhoflux-plot; drawing says what it needs."""
    (folder / "matplotlib.py").write_text("raise ModuleNotFoundError(\"No module named 'matplotlib'\", name='matplotlib')\n")
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{TOOLS}"}

    def plot(*arguments):
        return subprocess.run([sys.executable, "-m", "rhoflux.plot", *arguments], cwd=folder, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    for arguments in (["--help"], ["paths", "--help"], ["--version"]):
        check(plot(*arguments).returncode == 0, f"{arguments}: {plot(*arguments).stderr}")
    result = plot("history", "history.csv")
    check(result.returncode == 2 and "rhoflux-plot history: error: needs matplotlib" in result.stderr, result.stderr)
    check(result.stderr.count("\n") == 1, result.stderr)


def test_version(folder):
    project = re.search(r"project\(rhoflux VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text()).group(1)
    check(rhoflux.__version__ == project, f"tools/ has version {rhoflux.__version__}, CMakeLists.txt {project}")


def test_python_3_9(folder):
    """The sources are in the grammar of the oldest Python that pyproject.toml promises."""
    check('requires-python = ">=3.9"' in (TOOLS / "pyproject.toml").read_text(), "pyproject.toml promises another")
    for path in TOOLS.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 9))


def make_environment(folder):
    """A virtual environment that sees the packages of the system: its python, or why there is none."""
    made = subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", folder / "venv"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode != 0:
        return None, "python3-venv is not installed"
    python = folder / "venv/bin/python"
    needed = "import numpy, h5py, setuptools, wheel; assert int(setuptools.__version__.split('.')[0]) >= 61"
    if subprocess.run([python, "-c", needed], stderr=subprocess.DEVNULL).returncode != 0:
        return None, "a virtual environment of this Python does not see numpy, h5py, wheel and setuptools 61"
    return python, ""


def test_installation(folder):
    """pip install, without network, gives `import rhoflux` and the command, away from the sources."""
    python, reason = make_environment(folder)
    if python is None:
        print(f"not tested: pip install ./tools; {reason}")
        return
    shutil.copytree(TOOLS, folder / "tools", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*command):
        result = subprocess.run(list(map(str, command)), cwd=folder, env=environment, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=300)
        check(result.returncode == 0, f"{command}: {result.stdout}")
        return result.stdout.strip()

    # Without --no-deps, pip would look for h5py, which it does not recognise in the package of Debian.
    run(python, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps", "./tools")
    shutil.rmtree(folder / "tools")
    place, version = run(python, "-c", "import rhoflux; print(rhoflux.__file__, rhoflux.__version__)").split()
    check(place.startswith(str(folder / "venv")) and version == rhoflux.__version__, f"{place} {version}")
    check((Path(place).parent / "py.typed").is_file(), "py.typed is not installed")
    command = folder / "venv/bin/rhoflux-plot"
    check(run(command, "--version") == f"rhoflux-plot {rhoflux.__version__}", "the version of the command")
    report = folder / "venv/bin/rhoflux-report"
    check(run(report, "--version") == f"rhoflux-report {rhoflux.__version__}", "the version of rhoflux-report")
    write_population(folder / "data.h5", np.repeat([0.0, 1.0], 50), np.random.default_rng(1).normal(size=(100, 2)))
    write_field(folder / "field.h5", n=(20, 20))
    if subprocess.run([python, "-c", "import matplotlib"], stderr=subprocess.DEVNULL).returncode == 0:
        run(command, "density", "field.h5", "--data", "data.h5", "--output", "density.png")
        check((folder / "density.png").stat().st_size > 5000, "density.png")


def test_times(folder):
    """Texts tell times apart and name them; a time that has gone through float32 is found."""
    check(distinct_texts([0, 1, 2.5], digits=3) == ["0", "1", "2.5"], "short times")
    check(distinct_texts(2016 + np.arange(3) / 365.25, digits=3) == ["2016", "2016.00274", "2016.00548"], "days in years")
    for times in ([0.1, 0.2, 0.3], [1460000000.0, 1460000001.0], [-1e-3, 0, 1e-9], [7.0]):
        stored = np.array(times)
        check([named_time(stored, float(text)) for text in distinct_texts(times)] == list(range(len(times))), f"{times}")
    stored = np.array([0.1, 0.2, 0.3], "f4").astype(float)
    check([named_time(stored, t) for t in (0.1, 0.2, 0.3, 0.25)] == [0, 1, 2, None], "float32")


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")])
