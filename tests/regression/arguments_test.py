"""The command line: help of every command, earlier names of options, counts and lists, answers without MPI."""

import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import PROGRAM, SMALL, check, datasets, differences, figures, main, np, run, succeed  # noqa: E402


def prepare(folder):
    succeed("generate", "branching", "--count", 500, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")
    succeed("train", "deck.cfg", *SMALL, "--training.steps=2", "--objective.kinetic=0.1", "--objective.initial=1",
            "--objective.initial_law=gaussian 0,0 : 1", "--checkpoint.directory=run", folder=folder)
    return "run/checkpoint_000000002.h5"


def commands():
    found = re.findall(r"^  ([a-z]+)  +\S", succeed("--help").split("Options")[0], re.MULTILINE)
    check(len(found) >= 10 and "train" in found, f"commands: {found}")
    return found


def test_help(folder):
    for command in commands():
        text = succeed(command, "--help")
        check(text == succeed(command, "-h") == succeed("help", command), f"{command}: three helps")
        # The usage line names the required options, and none that there is not.
        usage, _, rest = text.partition("\n\n")
        options = re.findall(r"^  (?:-h, )?--([a-z-]+)", rest, re.MULTILINE)
        check("help" in options and len(options) == len(set(options)), f"{command}: options {options}")
        for name in re.findall(r"--([a-z-]+)(?![a-z.-])", usage):
            check(name in options, f"{command}: the usage line has --{name}: {usage}")
        check(max(map(len, text.splitlines())) <= 80, f"{command}: a line of more than 80 characters\n{text}")
        required = re.findall(r"--([a-z-]+) [^-]*\(required", rest)
        check("output" in required or command in ("train", "evaluate", "compare", "verify", "info"), f"{command}: required are {required}")
        for name in required:
            check(f"--{name} " in usage, f"{command}: --{name} is not in the usage line")


def test_answers_need_no_mpi(folder):
    """As root without the permission of Open MPI, and with an MPI that cannot start."""
    environment = {"PATH": os.environ["PATH"], "OMPI_MCA_pmix": "none", "OMPI_MCA_btl": "none"}
    def ask(*arguments, **more):
        return subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**environment, **more}, timeout=60)
    for arguments in (["--help"], ["--version"], ["--man"], ["--bash-completion"], ["field", "--help"], ["train", "--help-deck"]):
        alone = ask(*arguments)
        check(alone.returncode == 0 and alone.stdout and not alone.stderr, f"{arguments}: {alone}")
        check(ask(*arguments, OMPI_COMM_WORLD_RANK="0").stdout == alone.stdout, f"{arguments}: nothing from rank 0")
        check(ask(*arguments, OMPI_COMM_WORLD_RANK="1").stdout == "", f"{arguments}: rank 1 answers too")
        check(ask(*arguments, OMPI_COMM_WORLD_RANK="0", SLURM_PROCID="1").stdout == alone.stdout, f"{arguments}: mpirun in SLURM")
    for arguments in (["--help"], ["info", "--help"]):
        check(succeed(*arguments, ranks=2) == succeed(*arguments), f"{arguments} on two ranks")


def test_earlier_names(folder):
    model = prepare(folder)
    few = ["--steps", 10, "--frames", 3]
    old = ["--paths", 256, "--draws=1024", "--start", "law"]
    new = ["--trajectories", 256, "--model-samples=1024", "--start", "distribution"]
    results = []
    for ranks, names, output in ((0, new, "new.json"), (0, old, "old.json"), (2, old, "shared.json")):
        result = run("evaluate", model, *few, *names, "--output", output, ranks=ranks, folder=folder)
        check(result.returncode == 0, result.stderr)
        results.append(result)
        check(figures(folder / output) == figures(folder / "new.json"), f"{names}: other figures on {ranks} ranks")
    check(results[0].stderr == "", f"a warning without reason: {results[0].stderr}")
    for result in results[1:]:
        check(result.stdout.replace("old.json", "").replace("shared.json", "") == results[0].stdout.replace("new.json", ""), "other lines")
        for word in ("--paths is now --trajectories", "--draws is now --model-samples", "--start law is now --start distribution"):
            check(result.stderr.count(word) == 1, f"expected '{word}' once in {result.stderr}")
    result = run("evaluate", model, *few, "--draws", 1024, "--model-samples", 1024, folder=folder)
    check(result.returncode == 2 and "--model-samples" in result.stderr, f"both names of an option: {result}")
    verify = ["verify", model, "--samples", 1000, "--points", 5]
    said = run(*verify, folder=folder)
    check("--samples is now --model-samples" in said.stderr and "--points is now --residual-points" in said.stderr, said.stderr)
    # The file of query keeps its name; a value that looks like an old name is a value.
    succeed("query", model, "--points", "data.h5", "--output", "query.h5", folder=folder)
    check("is now" not in run("query", model, "--points", "data.h5", "--output", "q.h5", folder=folder).stderr, "a warning of query")
    result = run("evaluate", model, "--start", "laws", folder=folder)
    check(result.returncode == 2 and "distribution, model" in result.stderr, f"--start laws: {result}")


def test_numbers_and_lists(folder):
    model = prepare(folder)
    for index, times in enumerate(("0,2,4", "0:4:3", " 0, 2 ,4", "0.0,2e0,+4")):
        succeed("sample", model, "--times", times, "--count", 5, "--output", f"{index}.h5", folder=folder)
        check(not differences(folder / "0.h5", folder / f"{index}.h5"), f"--times '{times}'")
    check(np.array_equal(datasets(folder / "0.h5")["t"], [0, 2, 4]), "times")
    succeed("sample", model, "--times", "3:1:1", "--count", 5, "--output", "one.h5", folder=folder)
    check(np.array_equal(datasets(folder / "one.h5")["t"], [3]), "a range of one time is its beginning")
    succeed("field", model, "--times", "1", "--grid", "3,2", "--bounds", "-1:1,-2e0:2", "--output", "f.h5", folder=folder)
    found = datasets(folder / "f.h5")
    check(np.array_equal(found["axis_1"], [-1, 0, 1]) and np.array_equal(found["axis_2"], [-2, 2]), "--grid and --bounds")
    before = sorted(folder.iterdir())
    move = ["transport", model, "--from", 0, "--to", 1, "--count", 4, "--output", "bad.h5"]
    for arguments, words in ((["sample", model, "--times", "0", "--count", "5.0", "--output", "bad.h5"], ["--count 5.0", "whole number, 1 or more"]),
                             (["sample", model, "--times", "0", "--count", "0x5", "--output", "bad.h5"], ["--count 0x5"]),
                             (["sample", model, "--times", "0", "--seed", "-1", "--output", "bad.h5"], ["--seed -1", "0 or more"]),
                             (["sample", model, "--times", "0,1e999", "--output", "bad.h5"], ["--times 0,1e999", "too large"]),
                             (["sample", model, "--times", "0:1:1e2", "--output", "bad.h5"], ["--times", "'1e2'"]),
                             ([*move, "--tolerance", "nan"], ["--tolerance nan", "finite"]),
                             ([*move, "--tolerance", "0.2"], ["--tolerance 0.2", "1e-13 to 0.1"]),
                             ([*move, "--window", "-1"], ["--window -1", "0 or more"]),
                             ([*move, "--steps", "10", "--steps", "20"], ["--steps", "once"]),
                             ([*move, "--stepz", "10"], ["--stepz"]),
                             ([*move, "--step", "10"], ["--step"]),
                             ([*move, "--force=1"], ["--force"]),
                             (["field", model, "--times", "1", "--grid", "8,,8", "--output", "bad.h5"], ["--grid 8,,8"]),
                             (["field", model, "--times", "1", "--grid", "8,8", "--bounds", "0:1:2,0:1", "--output", "bad.h5"], ["--bounds", "'0:1:2'"]),
                             (["evaluate", model, "--transport-points", "1"], ["--transport-points 1", "2 to 30000"]),
                             (["train", "deck.cfg", "--max-hours", "inf"], ["--max-hours inf"]),
                             (["train", "deck.cfg", "--stop-after", "-1"], ["--stop-after -1"]),
                             (["sample", model, "extra", "--times", "0", "--output", "bad.h5"], ["positional"])):
        result = run(*arguments, folder=folder)
        check(result.returncode == 2, f"{arguments}: exit code {result.returncode}")
        for word in words:
            check(word in result.stderr, f"expected '{word}' in {result.stderr}")
    check(sorted(folder.iterdir()) == before, "a refused command wrote a file")


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")], at_once=2)
