"""The Python tools: every picture is made and not blank, figures agree with the files, bad input ends in one line."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, main, np, skip, succeed  # noqa: E402

TOOLS = Path(os.environ.get("RHOFLUX_SOURCE_DIR", Path(__file__).resolve().parents[2])) / "tools"
sys.path.insert(0, str(TOOLS))

try:
    import matplotlib.image
except ImportError:
    skip("this Python has no matplotlib")

import rhoflux_files  # noqa: E402


def tool(folder, name, *arguments, code=0):
    command = [sys.executable, TOOLS / name, *map(str, arguments)]
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    check(result.returncode == code, f"{name} {arguments}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stderr if code else result.stdout


def refused(folder, words, name, *arguments):
    said = tool(folder, name, *arguments, code=2)
    # argparse prints its usage above the message.
    last = said.strip().splitlines()[-1]
    check("error:" in last and "Traceback" not in said, said)
    for word in words:
        check(word in last, f"expected '{word}' in: {last}")


def prepare(folder):
    """Data, a small model, and all that is made of it; three coordinates in a second field."""
    succeed("generate", "branching", "--count", 600, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    succeed("train", "deck.cfg", *SMALL, "--training.steps=40", "--training.validate_every=10", "--output.log_every=5",
            "--checkpoint.directory=run", folder=folder)
    model = "run/best.h5"
    succeed("sample", model, "--times", "0,2,4", "--count", 50, "--output", "samples.h5", folder=folder)
    succeed("query", model, "--points", "data.h5", "--output", "query.h5", folder=folder)
    succeed("field", model, "--times", "0:4:5", "--grid", "30,40", "--output", "field.h5", folder=folder)
    succeed("field", model, "--times", "0:4:5", "--grid", "60", "--output", "line.h5", folder=folder)
    succeed("transport", model, "--from", 0, "--to", 4, "--count", 40, "--output", "paths.h5", folder=folder)
    return model


def check_picture(folder, name):
    image = matplotlib.image.imread(str(folder / name))
    check(min(image.shape[:2]) > 200 and np.ptp(image[..., :3]) > 0.5, f"{name}: {image.shape}, blank")
    (folder / name).unlink()


def test_pictures(folder):
    prepare(folder)
    for command in (["plot_density.py", "field.h5"], ["plot_density.py", "field.h5", "--arrows", "--scale", "log"],
                    ["plot_density.py", "field.h5", "--times", "0,4", "--data", "data.h5", "--window", 0.5],
                    ["plot_density.py", "field.h5", "--dims", 2], ["plot_density.py", "line.h5", "--data", "data.h5"],
                    ["plot_density.py", "field.h5", "--dims", 1, "--slice", 0],
                    ["plot_paths.py", "paths.h5"], ["plot_paths.py", "paths.h5", "--field", "field.h5"],
                    ["plot_paths.py", "paths.h5", "--field", "field.h5", "--dims", 2, "--count", 5],
                    ["plot_paths.py", "paths.h5", "--dims", 1], ["plot_history.py", "run"],
                    ["plot_history.py", "run/history.csv", "run"], ["plot_samples.py", "samples.h5", "--data", "data.h5"],
                    ["plot_samples.py", "samples.h5", "--layout", "panels"], ["plot_samples.py", "paths.h5"]):
        said = tool(folder, *command, "--output", "picture.png")
        check("wrote picture.png" in said, said)
        check_picture(folder, "picture.png")


def test_animation(folder):
    prepare(folder)
    try:
        from PIL import Image
    except ImportError:
        refused(folder, ["pillow"], "animate.py", "field.h5", "--output", "movie.gif")
        return
    tool(folder, "animate.py", "field.h5", "--particles", "paths.h5", "--output", "movie.gif")
    with Image.open(folder / "movie.gif") as movie:
        check(movie.n_frames == 5, f"{movie.n_frames} frames of 5 times")
        frames = []
        for k in (0, 4):
            movie.seek(k)
            frames.append(np.asarray(movie.convert("RGB"), float))
    check(np.mean(np.abs(frames[0] - frames[1])) > 1, "the density does not move")


def test_read(folder):
    model = prepare(folder)
    for name in ("data.h5", "samples.h5", "query.h5", "field.h5", "paths.h5", model):
        data = rhoflux_files.read(folder / name)
        for path, values in datasets(folder / name).items():
            if path == "deck" or path.startswith("view"):
                continue
            found = data
            for part in path.split("/"):
                found = getattr(found, part)
            check(np.asarray(found).tobytes() == np.asarray(values).tobytes(), f"{name}: {path} is read differently")
        check(str(data).count("\n") >= 2, f"print of {name}: {data}")
    check(rhoflux_files.read(folder / "samples.h5").t.shape == (3,), "samples")


def test_marginals_of_a_field(folder):
    """The trapezoid rule over the axis left out."""
    prepare(folder)
    values = datasets(folder / "field.h5")
    field = rhoflux_files.Field(folder / "field.h5", [1])
    expected = np.trapz(values["density"][2], values["axis_2"], axis=1)
    density, drift = field.density_and_drift(2)
    check(np.allclose(density, expected, rtol=1e-12), "marginal density")
    flux = np.trapz(values["density"][2] * values["velocity"][2, ..., 0], values["axis_2"], axis=1)
    check(np.allclose(drift[..., 0] * density, flux, rtol=1e-9, atol=1e-14), "marginal drift")
    at = rhoflux_files.Field(folder / "field.h5", [2], at=values["axis_1"][7])
    check(np.array_equal(at.density(1), values["density"][1, 7]), "slice")


def test_bad_input(folder):
    prepare(folder)
    (folder / "noise.h5").write_bytes(bytes(range(256)) * 8)
    for name in ("plot_density.py", "plot_paths.py", "animate.py", "plot_samples.py"):
        refused(folder, ["missing.h5", "no such file"], name, "missing.h5")
        refused(folder, ["noise.h5", "not an HDF5 file"], name, "noise.h5")
        refused(folder, ["query.h5", "kind"], name, "query.h5")
    refused(folder, ["nowhere", "cannot be read"], "plot_history.py", "nowhere")
    refused(folder, ["step"], "plot_history.py", "deck.cfg")
    refused(folder, ["--dims"], "plot_density.py", "field.h5", "--dims", 3)
    refused(folder, ["no time 9"], "plot_density.py", "field.h5", "--times", 9)
    refused(folder, ["cannot be written"], "plot_density.py", "field.h5", "--output", "nowhere/a.png")
    refused(folder, ["two coordinates"], "animate.py", "line.h5")
    refused(folder, [".gif", ".mp4"], "animate.py", "field.h5", "--output", "movie.txt")
    check(not list(folder.glob("*.png")), "a picture in spite of bad input")


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")])
