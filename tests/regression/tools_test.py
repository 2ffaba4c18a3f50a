"""Pictures: every one is made and not blank, scripts and rhoflux-plot agree, bad input ends in one line."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, h5py, main, np, skip, succeed  # noqa: E402

TOOLS = Path(os.environ.get("RHOFLUX_SOURCE_DIR", Path(__file__).resolve().parents[2])) / "tools"
sys.path.insert(0, str(TOOLS))

try:
    import matplotlib.image
except ImportError:
    skip("this Python has no matplotlib")

import rhoflux.plot  # noqa: E402

SCRIPTS = {"history": "plot_history.py", "samples": "plot_samples.py", "density": "plot_density.py",
           "paths": "plot_paths.py", "mass": "plot_mass.py", "animate": "animate.py"}


def plot(folder, subcommand, *arguments, code=0):
    """Runs a subcommand of rhoflux-plot in this process, for speed; gives what it says."""
    arguments = [subcommand, *map(str, arguments)]
    output, errors, found, before = io.StringIO(), io.StringIO(), None, os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            rhoflux.plot.main(arguments)
    except SystemExit as end:
        found = end.code
    finally:
        os.chdir(before)
    return said(arguments, code, found, output.getvalue(), errors.getvalue())


def script(folder, subcommand, *arguments, code=0):
    """Runs the script of a subcommand, which finds the package beside it; gives what it says."""
    command = [sys.executable, str(TOOLS / SCRIPTS[subcommand]), *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120,
                            env=environment)
    return said(command, code, result.returncode, result.stdout, result.stderr)


def said(command, code, found, output, errors):
    check(found == code, f"{command}: exit code {found}\n{output}{errors}")
    check(code != 0 or not errors, f"{command}: {errors}")
    return errors if code else output


def refused(folder, words, name, *arguments, how=plot):
    lines = how(folder, name, *arguments, code=2)
    # argparse prints its usage above the message.
    last = lines.strip().splitlines()[-1]
    check("error:" in last and "Traceback" not in lines, lines)
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
    shutil.copy(folder / "samples.h5", folder / "mass.h5")
    with h5py.File(folder / "mass.h5", "r+") as file:  # as of a model with growth
        file["mass"] = [1.0, 1.5, 4.0]
    return model


def check_picture(folder, name):
    image = matplotlib.image.imread(str(folder / name))
    check(min(image.shape[:2]) > 200 and np.ptp(image[..., :3]) > 0.5, f"{name}: {image.shape}, blank")
    (folder / name).unlink()


def test_pictures(folder):
    prepare(folder)
    for command in (["density", "field.h5"], ["density", "field.h5", "--arrows", "--scale", "log"],
                    ["density", "field.h5", "--times", "0,4", "--data", "data.h5", "--window", 0.5],
                    ["density", "field.h5", "--dims", 2], ["density", "line.h5", "--data", "data.h5"],
                    ["density", "field.h5", "--dims", 1, "--slice", 0],
                    ["paths", "paths.h5"], ["paths", "paths.h5", "--field", "field.h5"],
                    ["paths", "paths.h5", "--field", "field.h5", "--dims", 2, "--count", 5],
                    ["paths", "paths.h5", "--dims", 1], ["history", "run"],
                    ["history", "run/history.csv", "run"], ["samples", "samples.h5", "--data", "data.h5"],
                    ["samples", "samples.h5", "--layout", "panels"], ["samples", "paths.h5"],
                    ["samples", "samples.h5", "--dims", 2],
                    ["mass", "mass.h5"], ["mass", "mass.h5", "--data", "data.h5", "--split", "all"]):
        message = plot(folder, *command, "--output", "picture.png")
        check("wrote picture.png" in message, message)
        check_picture(folder, "picture.png")


def test_times_may_be_dates_and_labels(folder):
    """--times takes what the data call their times, and draws what it draws for the numbers."""
    prepare(folder)
    dates = ({"time_unit": "d", "time_origin": "2020-02-27T00:00:00Z"}, ["2020-02-28,2020/03/01 00:00", "2020-02-28T02:00+02:00,3", "2020-02-28:2020-03-01:2"])
    labels = ({"time_labels": np.array(["early", "late"], "S"), "time_label_values": [1.0, 3.0]}, ["early,late", "early:late:2", "1, late"])
    for attributes, texts in (dates, labels):
        shutil.copy(folder / "field.h5", folder / "named.h5")
        with h5py.File(folder / "named.h5", "r+") as file:
            file.attrs.update(attributes)
        plot(folder, "density", "named.h5", "--times", "1,3", "--output", "number.png")
        for text in texts:
            plot(folder, "density", "named.h5", "--times", text, "--output", "named.png")
            check((folder / "number.png").read_bytes() == (folder / "named.png").read_bytes(), f"--times {text}")
    refused(folder, ["--times noon", "labels of early = 1, late = 3"], "density", "named.h5", "--times", "noon")
    refused(folder, ["--times 2020-02-28", "times are numbers"], "density", "field.h5", "--times", "2020-02-28")


def test_scripts(folder):
    """The scripts draw what the subcommands draw, to the byte, from any folder and without installation."""
    prepare(folder)
    check(set(SCRIPTS) == set(rhoflux.plot.COMMANDS), "a subcommand has no script")
    for subcommand, arguments in (("history", ["run"]), ("samples", ["samples.h5"]), ("density", ["field.h5"]),
                                  ("paths", ["paths.h5"]), ("mass", ["mass.h5", "--data", "data.h5"]), ("animate", ["field.h5"])):
        output = "a.gif" if subcommand == "animate" else "a.png"
        plot(folder, subcommand, *arguments, "--output", output)
        script(folder, subcommand, *arguments, "--output", "b" + output[1:])
        check((folder / output).read_bytes() == (folder / ("b" + output[1:])).read_bytes(), f"{subcommand} differs")
        refused(folder, [f"{SCRIPTS[subcommand]}: error:", "cannot be read" if subcommand == "history" else "no such file"],
                subcommand, "missing", how=script)
        check("--output" in plot(folder, subcommand, "--help"), f"help of {subcommand}")
    check("--arrows" in script(folder, "density", "--help"), "help of a script")


def test_animation(folder):
    prepare(folder)
    try:
        from PIL import Image
    except ImportError:
        refused(folder, ["pillow"], "animate", "field.h5", "--output", "movie.gif")
        return
    plot(folder, "animate", "field.h5", "--particles", "paths.h5", "--output", "movie.gif")
    with Image.open(folder / "movie.gif") as movie:
        check(movie.n_frames == 5, f"{movie.n_frames} frames of 5 times")
        frames = []
        for k in (0, 4):
            movie.seek(k)
            frames.append(np.asarray(movie.convert("RGB"), float))
    check(np.mean(np.abs(frames[0] - frames[1])) > 1, "the density does not move")


def test_bad_input(folder):
    prepare(folder)
    (folder / "noise.h5").write_bytes(bytes(range(256)) * 8)
    refused(folder, ["samples.h5", "no /mass", "does not grow"], "mass", "samples.h5")
    for name in ("density", "paths", "animate", "samples", "mass"):
        refused(folder, ["missing.h5", "no such file"], name, "missing.h5")
        refused(folder, ["noise.h5", "not an HDF5 file"], name, "noise.h5")
        refused(folder, ["query.h5", "kind"], name, "query.h5")
    refused(folder, ["rhoflux-plot history: error", "nowhere", "cannot be read"], "history", "nowhere")
    refused(folder, ["step"], "history", "deck.cfg")
    refused(folder, ["--dims"], "density", "field.h5", "--dims", 3)
    refused(folder, ["no time 9"], "density", "field.h5", "--times", 9)
    refused(folder, ["--cmap", "Purpel"], "density", "field.h5", "--cmap", "Purpel")
    refused(folder, ["--points", "not more than 0"], "density", "field.h5", "--points", 0)
    refused(folder, ["cannot be written"], "density", "field.h5", "--output", "nowhere/a.png")
    refused(folder, ["cannot be written"], "animate", "field.h5", "--output", "nowhere/a.gif")
    refused(folder, ["two coordinates"], "animate", "line.h5")
    refused(folder, [".gif", ".mp4"], "animate", "field.h5", "--output", "movie.txt")
    check(not list(folder.glob("*.png")), "a picture in spite of bad input")


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")])
