"""`rhoflux evaluate --hold-out`: a snapshot that was held out, against the model, optimal transport and the floor."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, figures, h5py, main, np, refused, succeed, write_population  # noqa: E402

TIMES, SHIFT, ROWS = (0.0, 0.5, 2.0), 8.0, 800


def prepared(folder, **more):
    """A Gaussian that moves by SHIFT; t = 0.5, a quarter of the way, is held out."""
    random = np.random.default_rng(2)
    t = np.repeat(TIMES, ROWS)
    x = random.normal(size=(len(t), 2)) + np.outer(t / 2 * SHIFT, [1, 0])
    split = np.tile(np.array([0, 0, 0, 1, 2], dtype=np.int8), len(t) // 5)
    write_population(folder / "moving.h5", t, x, split=split, **more)
    (folder / "deck.cfg").write_text("[data]\nfile = moving.h5\nhold_out_times = 0.5\n[objective]\nkinetic = 0.01\n")
    succeed("train", "deck.cfg", *SMALL, "--training.steps=30", "--training.validate_every=15", "--checkpoint.directory=run", "--force", folder=folder)


def a_moving_gaussian_has_known_distances(folder):
    prepared(folder)
    printed = succeed("evaluate", "run/best.h5", "--data=moving.h5", "--hold-out", "--output=one.json", folder=folder)
    for part in (f"held out t = 0.5: {ROWS} rows in two halves, {ROWS // 2} points on each side", "from t = 0 to 2", "floor", "at its midpoint"):
        check(part in printed, f"'{part}' is not in {printed}")
    succeed("evaluate", "run/best.h5", "--data=moving.h5", "--hold-out", "--output=two.json", ranks=2, folder=folder)
    (of,), (of_two_ranks,) = (figures(folder / name)["held_out"] for name in ("one.json", "two.json"))
    check(of == of_two_ranks, "two ranks")
    transport, floor = of["optimal_transport"], of["floor"]
    check((of["t"], of["rows"], of["count"]) == (0.5, ROWS, ROWS // 2), f"{of}")
    check((transport["before"], transport["after"], transport["fraction"]) == (0, 2, 0.25), f"{transport}")
    with h5py.File(folder / "run/best.h5") as file:
        scale = file["model/scale"][0]
    # At the fraction the points are a sample of the same Gaussian: distances are those between samples, as the floor is.
    check(0.7 < transport["at_fraction"]["w1"] / floor["w1"] < 1.4, f"{transport} {floor}")
    # At the midpoint they are a quarter of the shift away: no less than the difference of the means, whose standard error is
    # (1 / 400 + 1 / 400)^(1/2), and no more than that and the distance of samples.
    away, error = SHIFT / 4 / scale, np.sqrt(4 / ROWS) / scale
    for order in ("w1", "w2"):
        check(away - 5 * error < transport["at_midpoint"][order] < away + 5 * error + 1.4 * floor[order], f"{order} {transport} {away}")
    check(of["model"]["w1"] > 0 and of["model"]["w2"] >= of["model"]["w1"], f"{of}")


def times_that_are_given(folder):
    prepared(folder)
    printed = succeed("evaluate", "run/best.h5", "--data=moving.h5", "--hold-out-times=2", "--transport-points=50", folder=folder)
    check("not among data.hold_out_times" in printed and "not between two times" in printed and "50 points" in printed, printed)
    refused(folder, "evaluate", "run/best.h5", "--data=moving.h5", "--hold-out-times=1.5", parts=["no rows", "1.5", "0, 0.5, 2"])
    refused(folder, "evaluate", "run/best.h5", "--hold-out", parts=["--data"])
    refused(folder, "evaluate", "run/best.h5", "--data=moving.h5", "--hold-out-times=99", parts=["99"])
    succeed("train", "deck.cfg", *SMALL, "--training.steps=10", "--data.hold_out_times=none", "--checkpoint.directory=all", folder=folder)
    refused(folder, "evaluate", "all/best.h5", "--data=moving.h5", "--hold-out", parts=["without data.hold_out_times", "--hold-out-times"])


def rows_with_weights_have_no_floor(folder):
    prepared(folder, weight=np.random.default_rng(3).uniform(0.5, 2, len(TIMES) * ROWS))
    printed = succeed("evaluate", "run/best.h5", "--data=moving.h5", "--hold-out", "--output=weighted.json", folder=folder)
    check("no floor" in printed, printed)
    (of,) = figures(folder / "weighted.json")["held_out"]
    check("floor" not in of and "optimal_transport" in of, f"{of}")


main(a_moving_gaussian_has_known_distances, times_that_are_given, rows_with_weights_have_no_floor)
