"""`rhoflux suggest`, and `rhoflux train` with a population in place of a deck."""

import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import PROGRAM, SMALL, check, h5py, main, np, refused, succeed  # noqa: E402

SHORT = SMALL + ["--training.steps=20", "--training.validate_every=10"]


def generated(folder, name="branching", count=2000):
    succeed("generate", name, "--count", count, "--output", f"{name}.h5", "--force", folder=folder)
    return f"{name}.h5"


def values(path):
    found = {}
    for line in path.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("#")[0].split("=", 1)
            found[key.strip()] = value.strip()
    return found


def decks_are_the_same_on_any_number_of_ranks(folder):
    data = generated(folder)
    printed = succeed("suggest", data, "--output", "one.cfg", folder=folder)
    check("rhoflux train one.cfg" in printed, printed)
    for ranks in (1, 2):
        succeed("suggest", data, "--output", f"of_{ranks}.cfg", ranks=ranks, folder=folder)
        check((folder / "one.cfg").read_bytes() == (folder / f"of_{ranks}.cfg").read_bytes(), f"{ranks} ranks")


def decks_suit_their_data(folder):
    for name, count in (("branching", 2000), ("pinwheel", 6000), ("ou", 3000), ("growth_three", 2690), ("conditions_drug", 2000)):
        data = generated(folder, name, count)
        succeed("suggest", data, "--output", f"{name}.cfg", folder=folder)
        succeed("train", f"{name}.cfg", "--check", folder=folder)
        succeed("train", f"{name}.cfg", *SHORT, folder=folder)
        deck = values(folder / f"{name}.cfg")
        snapshots = name in ("branching", "growth_three")
        check(("kinetic" in deck) == snapshots and ("patience" in deck) != snapshots, f"{name}: {deck}")
        check(deck["directory"] == f"output/{name}", deck["directory"])
    check(values(folder / "pinwheel.cfg")["time_features"] == "16", "arms that light up one after the other need functions of time")
    check(values(folder / "conditions_drug.cfg")["conditions"] == "dose, drug", "conditions")
    succeed("suggest", "growth_three.h5", "--output", "mass.cfg", "--counts-are-mass", folder=folder)
    deck = values(folder / "mass.cfg")
    check(deck["mass"] == "counts" and deck["growth"] != "none", f"{deck}")
    succeed("train", "mass.cfg", *SHORT, "--force", folder=folder)


def a_day_without_training_rows_is_held_out(folder):
    random = np.random.default_rng(1)
    days = np.repeat(["2024-03-01", "2024-03-02T12:00", "2024-03-05"], 60)
    splits = np.where(days == "2024-03-02T12:00", "test", "train")
    rows = [f"{day},{random.normal()},{random.normal()},{split}" for day, split in zip(days, splits)]
    (folder / "days.csv").write_text("day,a,b,split\n" + "\n".join(rows) + "\n")
    succeed("import", "days.csv", "--time-column", "day", "--columns", "a,b", "--output", "days.h5", folder=folder)
    succeed("suggest", "days.h5", "--output", "days.cfg", folder=folder)
    check("hold_out_times" in values(folder / "days.cfg"), (folder / "days.cfg").read_text())
    check("no validation rows" in (folder / "days.cfg").read_text(), (folder / "days.cfg").read_text())
    succeed("train", "days.cfg", *SHORT, folder=folder)


def a_day_to_be_predicted_does_not_count(folder):
    """The time frequencies are slow: half the number of the days that are left, and half a period in the longest gap, at most."""
    data = generated(folder)
    times = np.unique(h5py.File(folder / data)["t"][:])
    succeed("suggest", data, "--output", "all.cfg", folder=folder)
    succeed("suggest", data, "--output", "without.cfg", "--hold-out-times", f"{times[2]:g}", folder=folder)
    kept = np.delete(times, 2)
    gap = np.diff(kept).max() / (kept[-1] - kept[0])
    deck = values(folder / "without.cfg")
    check(deck["hold_out_times"] == f"{times[2]:g}" and "hold_out_times" not in values(folder / "all.cfg"), f"{deck}")
    check(np.isclose(float(deck["time_frequency_max"]), min(0.5 * len(kept), np.pi / gap), rtol=0.05), f"{deck}")
    check(f"{len(kept)} snapshots" in (folder / "without.cfg").read_text(), "the number of snapshots")
    succeed("train", data, *SHORT, f"--data.hold_out_times={times[2]:g}", "--checkpoint.directory=out", folder=folder)
    written = values(folder / "out/suggested.cfg")
    check({**written, "directory": ""} == {**deck, "directory": ""}, f"train: {written}, suggest: {deck}")
    for wrong in ("17", "soon"):
        refused(folder, "suggest", data, "--output", "x.cfg", "--hold-out-times", wrong, parts=[wrong])
        refused(folder, "train", data, f"--data.hold_out_times={wrong}", "--checkpoint.directory=x",
                parts=["data.hold_out_times", wrong])
    check(not (folder / "x.cfg").exists() and not (folder / "x").exists(), "a refused command wrote something")


def a_population_is_trained_by_its_own_deck(folder):
    data = generated(folder)
    printed = succeed("train", data, *SHORT, "--stop-after=10", code=75, folder=folder)
    check("a deck for it will be output/branching/suggested.cfg" in printed, printed)
    written = folder / "output/branching/suggested.cfg"
    succeed("suggest", data, "--output", "same.cfg", folder=folder)
    check(written.read_bytes() == (folder / "same.cfg").read_bytes(), "the deck in the folder of the run")
    # The deck of the run, which may have been changed, goes on.
    written.write_text(written.read_text() + "every = 7\n")
    printed = succeed("train", data, *SHORT, "--restart=auto", folder=folder)
    check("the deck of its run is output/branching/suggested.cfg" in printed, printed)
    check("every = 7" in written.read_text(), "the changed deck was replaced")
    check((folder / "output/branching/checkpoint_000000014.h5").exists(),
          f"{sorted(path.name for path in written.parent.iterdir())}")
    # Another run there is refused, and leaves the deck as it was.
    refused(folder, "train", data, *SHORT, parts=["checkpoint.directory"])
    check("every = 7" in written.read_text(), "a refused run replaced the deck")
    succeed("train", data, *SHORT, "--force", folder=folder)
    check("every = 7" not in written.read_text(), "--force")
    succeed("train", data, *SHORT, "--checkpoint.directory=elsewhere", folder=folder)
    check(values(folder / "elsewhere/suggested.cfg")["directory"] == "elsewhere", "the folder of an override")
    generated(folder, "ou", 500)
    refused(folder, "train", "ou.h5", *SHORT, "--restart=auto", "--checkpoint.directory=elsewhere",
            parts=["is a deck for branching.h5, not for ou.h5"])


def short_runs_choose_the_same_deck_on_any_number_of_ranks(folder):
    data = generated(folder, "pinwheel", 600)
    table = []
    for ranks in (1, 2):
        printed = succeed("suggest", data, "--output", f"tried_{ranks}.cfg", "--try", 5, ranks=ranks, folder=folder, timeout=300)
        table.append([line for line in printed.splitlines() if line.startswith("   ")])
    check(table[0] == table[1] and len(table[0]) == 5, f"{table}")
    check((folder / "tried_1.cfg").read_bytes() == (folder / "tried_2.cfg").read_bytes(), "1 and 2 ranks")
    # The first line has the deck that is written, whose figure after the last round is the smallest.
    words = [line.split("  ")[-1].strip() for line in table[0]]
    figures_of_last_round = [line.split()[2] for line in table[0] if line.split()[2] != "-"]
    check(sorted(figures_of_last_round, key=float) == figures_of_last_round, f"{table[0]}")
    text = (folder / "tried_1.cfg").read_text()
    check("as suggested" in words and (f"best on the validation rows: {words[0]}." in text or "none of the variations was better" in text), text)
    succeed("suggest", data, "--output", "plain.cfg", folder=folder)
    check((values(folder / "plain.cfg") == values(folder / "tried_1.cfg")) == (words[0] == "as suggested"), "keys that were varied")
    check(sorted(path.name for path in folder.iterdir()) == [data, "plain.cfg", "tried_1.cfg", "tried_2.cfg"], "something is left")
    succeed("train", "tried_1.cfg", *SHORT, folder=folder)


def trials_that_are_stopped_leave_nothing(folder):
    data = generated(folder, "pinwheel", 2000)
    for number in (signal.SIGTERM, signal.SIGUSR1):
        process = subprocess.Popen([PROGRAM, "suggest", data, "--output", "x.cfg", "--try", "8"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        end = time.monotonic() + 60
        while not (folder / "x.cfg.trials/0").exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
        check(process.returncode == 75 and "nothing is written" in said, f"{number}: {process.returncode}\n{said}")
        check([path.name for path in folder.iterdir()] == [data], f"{list(folder.iterdir())}")


def trials_that_cannot_be_are_refused(folder):
    data = generated(folder, "ou", 500)
    for count in (1, 65, "some"):
        refused(folder, "suggest", data, "--output", "x.cfg", "--try", count, parts=["--try"])
    (folder / "x.cfg.trials").mkdir()
    refused(folder, "suggest", data, "--output", "x.cfg", "--try", 2, parts=["x.cfg.trials", "remove it"])
    check((folder / "x.cfg.trials").is_dir(), "removed what was not its own")
    with h5py.File(folder / data, "r+") as file:
        file["split"][...] = 0
    refused(folder, "suggest", data, "--output", "y.cfg", "--try", 2, parts=["no validation rows"])
    check(sorted(path.name for path in folder.iterdir()) == [data, "x.cfg.trials"], "something is left")


def what_cannot_be_is_refused(folder):
    data = generated(folder, "ou", 500)
    (folder / "there.cfg").write_text("mine")
    refused(folder, "suggest", data, "--output", "there.cfg", parts=["there.cfg"])
    check((folder / "there.cfg").read_text() == "mine", "overwritten")
    succeed("suggest", data, "--output", "there.cfg", "--force", folder=folder)
    refused(folder, "suggest", "absent.h5", "--output", "x.cfg", parts=["absent.h5"])
    refused(folder, "suggest", "there.cfg", "--output", "x.cfg", parts=["there.cfg"])
    refused(folder, "suggest", data, "--output", "x.cfg", "--counts-are-mass", parts=["--counts-are-mass", "events"])
    (folder / data).rename(folder / "a #1.h5")
    refused(folder, "suggest", "a #1.h5", "--output", "x.cfg", parts=["'#' begins a comment"])
    check(not (folder / "x.cfg").exists(), "a refused deck was written")


main(decks_are_the_same_on_any_number_of_ranks, decks_suit_their_data, a_day_without_training_rows_is_held_out,
     a_day_to_be_predicted_does_not_count, a_population_is_trained_by_its_own_deck, short_runs_choose_the_same_deck_on_any_number_of_ranks,
     trials_that_are_stopped_leave_nothing, trials_that_cannot_be_are_refused, what_cannot_be_is_refused)
