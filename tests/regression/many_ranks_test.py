"""32 and 64 ranks on whatever processors there are: the bits of one rank; fewer rows, fewer samples and fewer lanes than ranks."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, check_same_run, differences, history, is_open_mpi, main, np, run, skip, succeed  # noqa: E402

STEPS = 20


def settings(directory, *more, batch=256):
    others = [word for word in SMALL if "batch" not in word]
    return ["train", "deck.cfg", *others, f"--training.batch={batch}", f"--training.steps={STEPS}", "--training.validate_every=10",
            "--output.log_every=5", f"--checkpoint.directory={directory}", *more]


def prepare(folder, count=2000):
    succeed("generate", "branching", "--count", count, "--seed", 3, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")


def test_64_lanes_on_any_number_of_ranks(folder):
    prepare(folder)
    lanes = ["--training.reproducible=true", "--training.reproducible_lanes=64"]
    for ranks in (1, 3, 32, 64):
        said = succeed(*settings(f"of_{ranks}", *lanes), ranks=ranks, folder=folder)
        check(f"{ranks} rank" in said, said)
        if ranks > 1:
            check_same_run(folder / "of_1", folder / f"of_{ranks}", STEPS)
    # Stopped on 64 ranks and continued on 5.
    succeed(*settings("both", *lanes, "--stop-after", 7), ranks=64, folder=folder, code=75)
    succeed(*settings("both", *lanes, "--restart", "auto"), ranks=5, folder=folder)
    check_same_run(folder / "of_1", folder / "both", STEPS)


def test_fewer_lanes_than_ranks_are_refused(folder):
    prepare(folder)
    result = run(*settings("out", "--training.reproducible=true", "--training.reproducible_lanes=8"), ranks=32, folder=folder)
    check(result.returncode == 2 and result.stderr.count("rhoflux: error") == 1, f"exit code {result.returncode}: {result.stderr}")
    check("training.reproducible_lanes = 8" in result.stderr and "32" in result.stderr, result.stderr)
    check(not (folder / "out").exists(), "something was written")


def test_fewer_samples_than_lanes_or_ranks_are_refused(folder):
    prepare(folder)
    for more, named in ((["--training.reproducible=true", "--training.reproducible_lanes=64"], "64 lanes"), ([], "32 ranks")):
        result = run(*settings("out", *more, batch=24), ranks=32, folder=folder)
        check(result.returncode == 2 and result.stderr.count("rhoflux: error") == 1, f"exit code {result.returncode}: {result.stderr}")
        check("training.batch = 24" in result.stderr and named in result.stderr, result.stderr)
        check(not (folder / "out").exists(), "something was written")


def test_fewer_rows_than_ranks(folder):
    """Ranks without a row, or without one for validation, take part in all that is collective."""
    prepare(folder, count=40)
    lanes = ["--training.reproducible=true", "--training.reproducible_lanes=64"]
    for ranks in (1, 64):
        succeed(*settings(f"few_{ranks}", *lanes, batch=64), ranks=ranks, folder=folder)
    check_same_run(folder / "few_1", folder / "few_64", STEPS)
    # Summed by MPI in whatever order: single precision, some steps of training.
    for ranks in (1, 64):
        said = succeed(*settings(f"free_{ranks}", batch=64), ranks=ranks, folder=folder)
    check("warning: 64 ranks share the 64 rows of each step" in said, said)
    one, many = history(folder / "free_1/history.csv"), history(folder / "free_64/history.csv")
    check(np.allclose(one["nll"], many["nll"], rtol=1e-3, atol=1e-3, equal_nan=True), f"{one['nll']} and {many['nll']}")


def test_answers_of_32_ranks(folder):
    prepare(folder)
    succeed(*settings("run"), folder=folder)
    best = "run/best.h5"
    asked = {"evaluate": ["--data", "data.h5"], "query": ["--points", "data.h5", "--output"], "sample": ["--count", 500, "--times", "0,0.5,1", "--output"],
             "transport": ["--from", 0, "--to", 1, "--count", 100, "--frames", 3, "--output"], "field": ["--times", "0,0.5", "--grid", "9,7", "--output"]}
    for command, words in asked.items():
        said = []
        for ranks in (1, 32):
            output = [f"{command}_{ranks}.h5"] if words[-1] == "--output" else []
            said.append(succeed(command, best, *words, *output, ranks=ranks, folder=folder))
        if words[-1] == "--output":
            different = differences(folder / f"{command}_1.h5", folder / f"{command}_32.h5", leave_out=("deck",))
            check(not different, f"{command}: {different}")
        else:
            check(said[0] == said[1], f"{command}:\n{said[0]}\n{said[1]}")


if __name__ == "__main__":
    if not is_open_mpi():
        skip("ranks of MPICH wait busily: 64 of them on a few cores would take hours")
    main(test_64_lanes_on_any_number_of_ranks, test_fewer_lanes_than_ranks_are_refused, test_fewer_samples_than_lanes_or_ranks_are_refused,
         test_fewer_rows_than_ranks, test_answers_of_32_ranks)
