"""Points and particles far from the data: what is finite, what is beyond the range of numbers and said so, and that one
particle that cannot be followed does not take the others with it."""

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import check, datasets, differences, figures, h5py, main, np, run, succeed, write_population  # noqa: E402

DECK = """[data]
file = data.h5
[model]
components = 8
mixture = 3
hidden = 48,48
time_features = 8
time_frequency_max = 4
[objective]
nll = 1
[training]
steps = {steps}
batch = 256
learning_rate = 3e-3
[checkpoint]
directory = run
"""
MODEL = "run/best.h5"
REPORT = re.compile(r"warning: /(\w+): (\d+) of (\d+) rows are beyond the range of numbers \(inf or NaN\); the first is row (\d+) of")


def train(folder, *options, steps=400):
    """1200 points of a Gaussian that moves by one along x1 between the times 0, 1 and 2."""
    random = np.random.default_rng(11)
    t = np.repeat([0.0, 1.0, 2.0], 400)
    write_population(folder / "data.h5", t, random.normal(size=(1200, 2)) + np.c_[t, 0 * t])
    (folder / "deck.cfg").write_text(DECK.format(steps=steps))
    succeed("train", "deck.cfg", *options, folder=folder)


def query(folder, x, t=0.0, options=()):
    """Queries points; gives the arrays and {array: (count, first row)} of the warnings, which must agree."""
    x = np.asarray(x, dtype=float)
    write_population(folder / "points.h5", np.broadcast_to(t, len(x)), x)
    result = run("query", MODEL, "--points", "points.h5", *options, "--output", "found.h5", "--force", folder=folder)
    check(result.returncode == 0, result.stderr)
    found = datasets(folder / "found.h5")
    said = {name: (int(count), int(first)) for name, count, total, first in REPORT.findall(result.stderr)}
    for name in ("log_density", "velocity", "flux", "score", "dlogdensity_dt"):
        bad = np.flatnonzero(~np.isfinite(found[name].reshape(len(x), -1)).all(axis=1))
        check(said.get(name) == ((len(bad), bad[0]) if len(bad) else None), f"{name}: {said} does not tell of rows {bad}")
    return found, said


def check_derivatives(folder, x, t=0.5, options=()):
    """Score and rate are the slopes of the log density, by differences."""
    x = np.asarray(x, dtype=float)
    found, said = query(folder, x, t, options)
    for name in ("log_density", "score", "dlogdensity_dt"):
        check(name not in said, f"{name} is not finite at some of {x.tolist()}")
    widths = 1e-5 * np.maximum(np.abs(np.c_[np.ones(len(x)), x]), 1)  # of t, x1, x2
    shifts = [sign * widths * (np.arange(3) == i) for i in range(3) for sign in (1, -1)]
    shifted = np.concatenate([np.c_[np.full(len(x), t), x] + shift for shift in shifts])
    logs = query(folder, shifted[:, 1:], shifted[:, 0])[0]["log_density"].reshape(3, 2, len(x))
    derivatives = np.c_[found["dlogdensity_dt"], found["score"]].T
    for name, width, (ahead, behind), derivative in zip(("t", "x1", "x2"), widths.T, logs, derivatives):
        slope, rounding = (ahead - behind) / (2 * width), 1e-14 * np.abs(found["log_density"]) / width
        check(np.all(np.abs(slope - derivative) < 1e-4 * np.abs(derivative) + rounding), f"by {name}: {derivative}, slopes {slope}")
    return found, said


def test_far_points(folder):
    train(folder)
    x = [[1e3, 0], [3e3, 0], [1e4, 0]]
    found, said = check_derivatives(folder, x, 0.0 + 1e-4)
    check(np.all(np.isfinite(found["velocity"][:, 0])), f"velocity along x1: {found['velocity']}")
    check(np.ptp(found["score"][:, 0]) < 1e-3, f"the slope of a tail is the same all along: {found['score']}")
    check(np.all(found["score"][:, 0] < -1), "the tail on the right falls")
    check_derivatives(folder, [[-4e3, 2], [-3e4, -2], [1e5, 1e5]])
    check_derivatives(folder, [[0.5, -1e4], [-0.3, 3e5], [1, 1e7]], options=("--noise", 0.5))
    # So far that the conditional of x2 is wider or narrower than numbers go.
    found, said = query(folder, np.c_[np.linspace(-3e5, 3e5, 41), np.full(41, 0.7)])
    check("score" not in said and "log_density" not in said, f"{said}")


def test_other_models(folder):
    x = [[2e3, 0], [-1e4, 3], [0.2, 5e3], [-3e3, -7e3]]
    for k, options in enumerate((["--model.family=factorised"], ["--flux.kind=sigmoid"],
                                 ["--flux.divergence_free=density_weighted"],
                                 ["--flux.divergence_free=antisymmetric", "--objective.kinetic=0.01"],
                                 ["--model.weights=time_constant", "--model.coordinate_features=4"])):
        part = folder / str(k)
        part.mkdir()
        train(part, *options, steps=60)
        if "coordinate_features" in options[-1]:  # waves: no slopes by such differences
            found, said = query(part, x)
            check("score" not in said and "dlogdensity_dt" not in said, f"{options}: {said}")
        else:
            check_derivatives(part, x, options=("--noise", 0.5) if k % 2 else ())


def test_fields_say_what_is_beyond_numbers(folder):
    train(folder)
    lines = []
    for ranks in (1, 2):
        result = run("field", MODEL, "--times", "0,1", "--grid", "5,3", "--bounds", "-2e5:2e5,-3:3", "--output", f"{ranks}.h5",
                     ranks=ranks, folder=folder)
        check(result.returncode == 0, result.stderr)
        velocity = datasets(folder / f"{ranks}.h5")["velocity"]
        bad = ~np.isfinite(velocity).all(axis=-1)
        check(bad.any(), "nothing is tested")
        lines.append([line for line in result.stderr.splitlines() if "rhoflux: warning: /velocity" in line])
        check(len(lines[-1]) == 1 and f" {bad.sum()} of 30 rows" in lines[-1][0], f"{result.stderr}\n{bad.sum()}")
        time, first, second = np.argwhere(bad)[0]
        place = f"t = {time}, x = ({[-200000, -100000, 0, 100000, 200000][first]:g}, {[-3, 0, 3][second]})"
        check(place in lines[-1][0], f"{lines[-1]} does not say {place}")
    check(lines[0] == lines[1], "the warning depends on the ranks")


def transport(folder, name, *options, ranks=0, code=3):
    result = run("transport", MODEL, "--particles", "particles.h5", "--split", "train", *options, "--report", f"{name}.json",
                 "--output", f"{name}.h5", "--force", ranks=ranks, folder=folder)
    check(result.returncode == code, f"exit code {result.returncode}: {result.stdout}{result.stderr}")
    return result, datasets(folder / f"{name}.h5")["x"], figures(folder / f"{name}.json")


def particles(folder, n, far, t=0.0):
    x = np.random.default_rng(3).normal(size=(n, 2)) + [t, 0]
    for row, place in far.items():
        x[row] = place
    write_population(folder / "particles.h5", np.full(n, t), x)


def check_failures(folder, rows, n, options, ranks=(0, 2, 3), start=0.0):
    """NaN from the frame after the end of the path, all others as if these particles were like them; the same on any ranks."""
    particles(folder, n, {}, start)
    _, whole, report = transport(folder, "whole", *options, code=0)
    check(report["failed"] == 0 and report["count"] == n, f"{report}")
    particles(folder, n, rows, start)
    for r in ranks:
        result, x, report = transport(folder, f"far{r}", *options, ranks=r)
        others = np.setdiff1d(np.arange(n), list(rows))
        check(np.array_equal(x[:, others], whole[:, others]), "the other paths are touched")
        for row, place in rows.items():
            check(np.array_equal(x[0, row], place) and np.isnan(x[1:, row]).all(), f"particle {row}: {x[:, row]}")
        check(report["count"] == n - len(rows) and report["failed"] == len(rows), f"{report}")
        check(np.isfinite(report["mean_squared_displacement"]) and np.isfinite(report["ks"]), f"{report}")
        check(f"left out: {len(rows)} of {n} particles" in result.stdout, result.stdout)
        check(f"error: {len(rows)} of {n} particles cannot be followed" in result.stderr, result.stderr)
        row, place = min(rows.items())
        named = f"particle {row} (row {row} of the split 'train' of particles.h5) at t = {start:g}, x = ({place[0]:g}, {place[1]:g})"
        check(named in result.stderr, f"{result.stderr}\ndoes not say: {named}")
        with h5py.File(folder / f"far{r}.h5", "r") as file:
            check(file.attrs["failed"] == len(rows), "the attribute failed")
    for r in ranks[1:]:
        check(not differences(folder / f"far{ranks[0]}.h5", folder / f"far{r}.h5", ("deck", "provenance/earlier_runs")),
              f"the paths depend on the ranks: {r}")


def test_one_far_particle(folder):
    train(folder)
    check_failures(folder, {5: [-9999, -9999]}, 39, ("--from", 0, "--to", 2))
    check_failures(folder, {5: [-9999, -9999]}, 39, ("--from", 0, "--to", 2, "--noise", 0.3, "--steps", 40), (0, 2))
    many = {row: [-2e4, 1e4] for row in range(40, 340, 30)}
    check_failures(folder, many, 350, ("--from", 2, "--to", 0.5, "--frames", 3), (0, 2), start=2.0)
    result, _, _ = transport(folder, "more", "--from", 2, "--to", 1)
    check("and 5 more" in result.stderr, result.stderr)
    # None that arrives: no figures.
    particles(folder, 3, dict.fromkeys(range(3), [-1e5, 1e5]))
    result, x, report = transport(folder, "none", "--from", 0, "--to", 1)
    check(np.isnan(x[1:]).all() and report["count"] == 0 and report["failed"] == 3 and report["ks"] is None, f"{report}")
    check("Kolmogorov" not in result.stdout, result.stdout)


def test_pictures_leave_failed_particles_out(folder):
    sys.path.insert(0, str(Path(os.environ["RHOFLUX_SOURCE_DIR"]) / "tools"))
    from rhoflux import FileError, read_paths

    train(folder)
    particles(folder, 39, {5: [-9999, -9999]})
    transport(folder, "far", "--from", 0, "--to", 2)
    paths = read_paths(folder / "far.h5", 100)
    check(paths.x.shape[1] == 38 and np.isfinite(paths.x).all() and paths.left_out == 1, f"{paths.x.shape}, {paths.left_out}")
    particles(folder, 2, dict.fromkeys(range(2), [-9999, -9999]))
    transport(folder, "none", "--from", 0, "--to", 2)
    try:
        read_paths(folder / "none.h5", 100)
        check(False, "a file without a path is drawn")
    except FileError as error:
        check("could be followed" in str(error), str(error))


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")])
