"""Times that name snapshots: found within float32 rounding, and printed so that they are accepted back."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, datasets, differences, figures, h5py, main, np, run, succeed, write_population  # noqa: E402

DAY = 86400.0
# Times as they stand in the file.
SNAPSHOTS = {"float32_times": np.array([0.1, 0.2, 0.3], "f4"),
             "float32_thirds": np.array([1 / 3, 2 / 3, 4 / 3], "f4"),
             "years": 2016 + np.arange(3) / 365.25,
             "hours_in_years": 2016 + np.arange(4) / 8766,
             "seconds_since_1970": 1460000000.0 + DAY * np.arange(3),
             "float32_seconds": (1460000000.0 + DAY * np.arange(3)).astype("f4"),
             "around_zero": np.array([-0.1, 0.0, 1e-5], "f4")}
TYPED = {"float32_times": [0.1, 0.2, 0.3], "float32_thirds": [0.33333333, 0.66666667, 1.3333333],
         "years": [2016, "2016.0027378508", "2016.0054757016"], "float32_seconds": list(1460000000.0 + DAY * np.arange(3))}


def make(folder, times, n=40, **others):
    random = np.random.default_rng(1)
    t = np.repeat(times, n)
    write_population(folder / "data.h5", t, random.normal(size=(len(t), 2)), **others)


def train(folder, *more, name="run"):
    (folder / "run.cfg").write_text("[data]\nfile = data.h5\n")
    return succeed("train", "run.cfg", *SMALL, "--training.steps=5", f"--checkpoint.directory={name}", "--force", *more, folder=folder)


def evaluate(folder, *more):
    """What is printed, the texts of the times in the table, and the figures."""
    said = succeed("evaluate", "run/best.h5", "--data", "data.h5", "--transport-points", 10, "--output", "figures.json", "--force", *more, folder=folder)
    table = said[said.index("points\n"):].splitlines()[1:] if "points\n" in said else []
    texts = [line.split()[0] for line in table if len(line.split()) == 6]
    return said, texts, figures(folder / "figures.json")


def check_names(folder, texts, times):
    """Each text names its snapshot wherever a time does."""
    check(len(set(texts)) == len(times), f"{texts} does not tell {times} apart")
    for k, text in enumerate(texts):
        held_out = train(folder, f"--data.hold_out_times={text}", name="other")
        check(f"data: {40 * (len(times) - 1)} training" in held_out, f"hold_out_times = {text}: {held_out}")
        other = texts[k - 1]
        succeed("transport", "run/best.h5", f"--from={text}", f"--to={other}", "--particles", "data.h5", "--split", "train",
                "--output", "paths.h5", "--report", "report.json", "--force", folder=folder)
        frames, report = datasets(folder / "paths.h5"), figures(folder / "report.json")
        check(frames["t"][0] == times[k] and frames["t"][-1] == times[k - 1], f"--from {text} --to {other} starts and ends at {frames['t'][[0, -1]]}")
        check(np.array_equal(frames["x"][0], datasets(folder / "data.h5")["x"][40 * k:40 * (k + 1)]), f"--from {text} takes other rows")
        check(report["points"] == 40, f"--to {other}: {report}")


def test_printed_times_are_accepted(folder):
    for name, times in SNAPSHOTS.items():
        place = folder / name
        place.mkdir()
        make(place, times)
        train(place)
        _, texts, found = evaluate(place, "--split", "train")
        check([entry["t"] for entry in found["w2"]] == [float(t) for t in times], f"{name}: JSON has other times than the file")
        check_names(place, texts, times.astype(float))
        between = 0.5 * float(times[0]) + 0.5 * float(times[1])
        if abs(between - times[0]) <= 2**-22 * abs(between):
            continue  # float32 does not tell these times apart: the nearer one is meant
        refused = run("transport", "run/best.h5", f"--from={between!r}", f"--to={times[0]}", "--particles", "data.h5",
                      "--split", "train", "--output", "none.h5", folder=place)
        check(refused.returncode == 2 and "its times are " + ", ".join(texts) + " (" in refused.stderr, f"{name}: {refused.stderr}")


def test_typed_times_are_found(folder):
    for name, texts in TYPED.items():
        place = folder / name
        place.mkdir()
        make(place, SNAPSHOTS[name])
        train(place, f"--data.time_range={texts[0]}:{texts[-1]}")
        check_names(place, [str(text) for text in texts], SNAPSHOTS[name].astype(float))
        refused = run("train", "run.cfg", "--data.hold_out_times=0.25", folder=place)
        check(refused.returncode == 2 and "no rows at t = 0.25" in refused.stderr, refused.stderr)


def test_times_of_a_split_without_rows(folder):
    """That a snapshot has no test row is said; in the figures too."""
    for counts, rows in (((2000, 50, 5), (199, 8, 0)), ((60, 60, 60), (0, 10, 0)), ((9, 500), (0, 50))):
        t = np.repeat(np.arange(len(counts), dtype=float), counts)
        split = np.concatenate([np.arange(n) < of for n, of in zip(counts, rows)]).astype("i1") * 2
        write_population(folder / "data.h5", t, np.random.default_rng(2).normal(size=(len(t), 2)), split=split)
        train(folder)
        said, texts, found = evaluate(folder)
        missing = [k for k, of in enumerate(rows) if of == 0]
        check(f"note: split test has no rows at t = {', '.join(map(str, missing))}, where the file has some" in said, said)
        check(found["nll"]["times_without_rows"] == missing and len(texts) == len(counts) - len(missing), said)
        check("times" not in [name for name in found] and "no rows at" not in evaluate(folder, "--split", "all")[0], "said of the whole file")


def test_events_are_no_snapshots(folder):
    """Few events in continuous time, of which some may fall together; and snapshots that have one test row each."""
    random = np.random.default_rng(3)
    events = {"31 events": np.sort(random.uniform(0, 1, 31)), "float32 events": np.sort(random.uniform(0, 1, 40)).astype("f4"),
              "events by the day": np.sort(random.integers(0, 90, 60)).astype(float), "180 events, few of the split": np.arange(180.0)}
    for name, t in events.items():
        split = np.arange(len(t)) % 6 == 0
        write_population(folder / "data.h5", t, random.normal(size=(len(t), 2)), split=2 * split.astype("i1"))
        train(folder)
        said, texts, found = evaluate(folder)
        check("events in continuous time: no figures by snapshot" in said and not texts, f"{name}: {said}")
        check(found["w2"] == [] and found["nll"]["per_time"] == [] and found["nll"]["count"] == np.sum(split), f"{name}: {found}")
    make(folder, np.arange(4.0), split=np.tile(np.arange(40) == 7, 4).astype("i1") * 2)
    train(folder)
    said, texts, _ = evaluate(folder)
    check(texts == ["0", "1", "2", "3"], said)


def populated(folder, column, *options):
    """A model of 40 rows at each of three times in the words of `column`, from a table that is imported."""
    x = np.random.default_rng(4).normal(size=(len(column), 2))
    rows = [f"{time},{a:.6f},{b:.6f},{'odd' if k % 2 else 'even'}\n" for k, (time, (a, b)) in enumerate(zip(column, x))]
    (folder / "data.csv").write_text("when,x1,x2,kind\n" + "".join(rows))
    said = succeed("import", "data.csv", "--time-column", "when", "--label-columns", "kind", "--output", "data.h5", *options, folder=folder)
    return said + train(folder)


def same_for_a_name(folder, name, t, other, t_other):
    """A name of a time is taken as its number is, by every command that takes times."""
    for command, written in ((["transport", "run/best.h5", "--particles", "data.h5", "--split", "train"], "from"),
                             (["fate", "run/best.h5", "--particles", "data.h5", "--label", "kind"], "from"),
                             (["sample", "run/best.h5", "--count", 7], "times"),
                             (["field", "run/best.h5", "--grid", "4,3", "--bounds", "-1:1,-1:1"], "times")):
        for path, a, b in (("named.h5", name, other), ("number.h5", t, t_other)):
            times = [f"--from={a}", f"--to={b}"] if written == "from" else [f"--times={a},{b}"]
            said = succeed(*command, *times, "--output", path, "--force", folder=folder)
            check(written == "times" or f"({name})" in said and f"({other})" in said, f"{command[0]}: {said}")
        different = differences(folder / "named.h5", folder / "number.h5", leave_out=("deck", "provenance/earlier_runs", "view"))
        check(not different, f"{command[0]} of {name} and of {t} differ in {different}")


def test_dates(folder):
    """Calendar times have their dates wherever they are printed, and dates are taken for times."""
    dates = ["2020-02-28", "2020-03-01T12:00:00Z", "2020-03-03"]
    (folder / "d").mkdir()
    said = populated(folder / "d", np.repeat(dates, 40))
    check("t from 0 (2020-02-28) to 4 (2020-03-03), in d" in said and "no validation and no test rows" in said, said)
    folder = folder / "d"
    for path in ("data.h5", "run/best.h5"):
        said = succeed("info", path, folder=folder)
        check("0 (2020-02-28) to 4 (2020-03-03), in d" in said, said)
    check("best.h5    of step 5, the newest: there are no validation rows" in said, said)
    said, _, _ = evaluate(folder, "--split", "train")
    table = [line.split()[:2] for line in said.splitlines() if len(line.split()) == 7]
    check(table[-3:] == [["0", f"({dates[0]})"], ["2.5", f"({dates[1]})"], ["4", f"({dates[2]})"]], said)
    same_for_a_name(folder, dates[0], 0, dates[1], 2.5)
    with h5py.File(folder / "named.h5") as file:
        check(file.attrs["time_origin"] == b"2020-02-28T00:00:00Z", f"{dict(file.attrs)}")
    succeed("sample", "run/best.h5", "--times", "2020-02-28:2020-03-03:3", "--count", 2, "--output", "range.h5", folder=folder)
    check(list(datasets(folder / "range.h5")["t"]) == [0, 2, 4], "a range between dates")
    deck_takes_names(folder, dates, [0, 2.5, 4])
    move = ["transport", "run/best.h5", "--count", 4, "--output", "none.h5"]
    for times, parts in ((["--from=soon", "--to=4"], ["--from soon", "a date such as 2020-02-28"]),
                         (["--from=2020-02-30", "--to=4"], ["--from 2020-02-30"]),
                         (["--from=2020-03-09", "--to=4"], ["--from", "10 (2020-03-09)", "4 (2020-03-03)"]),
                         (["--from=0", "--to=2020-02-28"], ["the same time"])):
        refused = run(*move, *times, folder=folder)
        check(refused.returncode == 2 and all(part in refused.stderr for part in parts), f"{times}: {refused}")
    refused = run("transport", "run/best.h5", "--particles", "data.h5", "--from=1", "--to=4", "--split", "train", "--output", "none.h5",
                  folder=folder)
    check("its times are 0 (2020-02-28), 2.5 (2020-03-01T12:00:00Z), 4 (2020-03-03)" in refused.stderr, refused.stderr)


def deck_takes_names(folder, names, times):
    """Names of times in the deck, which keeps them as they are written, and which mean their numbers."""
    for name, texts in (("named", names), ("number", [f"{t:g}" for t in times])):
        first, middle, last = texts
        said = train(folder, f"--data.hold_out_times={middle}", f"--data.time_range={first}:{last}", "--model.growth=weights",
                     f"--data.mass={first}:1,{last}:3", name=name)
        check("data: 80 training" in said and f"(data.mass = {first}:1,{last}:3)" in said, said)
        with h5py.File(folder / name / "best.h5") as file:
            deck = file["deck"].asstr()[()]
            deck = deck if isinstance(deck, str) else "\n".join(deck)
        for key, value in (("hold_out_times", middle), ("time_range", f"{first}:{last}"), ("mass", f"{first}:1,{last}:3")):
            check(f"{key} = {value}\n" in deck, deck)
    different = differences(folder / "named/best.h5", folder / "number/best.h5")
    check(not different, f"{different}")
    # The deck of a checkpoint is read again, with its names.
    succeed("train", "run.cfg", *SMALL, "--training.steps=7", "--checkpoint.directory=named", "--restart", "auto", f"--data.hold_out_times={names[1]}",
            "--model.growth=weights", f"--data.time_range={names[0]}:{names[2]}", f"--data.mass={names[0]}:1,{names[2]}:3", folder=folder)
    check("(data.mass" in succeed("evaluate", "named/best.h5", "--data", "data.h5", "--split", "all", "--transport-points", 10, folder=folder), "evaluate")
    refused = run("train", "run.cfg", *SMALL, "--data.hold_out_times=noon", "--checkpoint.directory=none", folder=folder)
    check(refused.returncode == 2 and "data.hold_out_times" in refused.stderr and "'noon' is not" in refused.stderr, refused.stderr)
    check(not (folder / "none").exists(), "a refused run leaves a folder")


def test_labels_of_times(folder):
    populated(folder, np.repeat(["early", "mid", "late"], 40), "--time-values", "early=0,mid=0.1,late=3")
    same_for_a_name(folder, "early", 0, "mid", 0.1)
    said, _, _ = evaluate(folder, "--split", "train")
    check("0 (early)" in said and "0.1 (mid)" in said and "3 (late)" in said, said)
    deck_takes_names(folder, ["early", "mid", "late"], [0, 0.1, 3])
    refused = run("sample", "run/best.h5", "--times", "early,noon", "--count", 2, "--output", "none.h5", folder=folder)
    check(refused.returncode == 2 and "early = 0, late = 3, mid = 0.1" in refused.stderr, refused.stderr)


def test_a_time_without_names_is_a_number(folder):
    make(folder, np.arange(3.0))
    said = train(folder)
    check("1 rank" in said and "1 ranks" not in said, said)
    refused = run("sample", "run/best.h5", "--times", "2020-02-28", "--count", 2, "--output", "none.h5", folder=folder)
    check(refused.returncode == 2 and "a time is given as a number" in refused.stderr, refused.stderr)


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")], at_once=2)
