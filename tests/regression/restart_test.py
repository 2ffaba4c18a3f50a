"""Runs on any number of ranks and threads, stopped and continued, give the same result; damaged checkpoints are passed over."""

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import SMALL, check, check_same_run, datasets, differences, h5py, listing, main, np, run, succeed  # noqa: E402

STEPS = 40


def prepare(folder):
    succeed("generate", "branching", "--count", 2000, "--seed", 3, "--output", "data.h5", folder=folder)
    (folder / "deck.cfg").write_text("[data]\nfile = data.h5\n")


def arguments(directory, *more, steps=STEPS, every=15):
    given = {str(argument).split("=")[0] for argument in more}
    small = [argument for argument in SMALL if argument.split("=")[0] not in given]
    return ["train", "deck.cfg", *small, f"--training.steps={steps}", f"--checkpoint.directory={directory}",
            f"--checkpoint.every={every}", "--training.validate_every=10", "--output.log_every=4", *more]


def last(folder, directory, steps=STEPS):
    return folder / directory / f"checkpoint_{steps:09d}.h5"


def reproducible(folder, family, precision, *terms):
    prepare(folder)
    more = ["--training.reproducible=true", f"--model.family={family}", f"--training.precision={precision}",
            "--training.average=0.9", *terms]
    for ranks in (1, 2, 4):
        succeed(*arguments(f"straight_{ranks}", *more), ranks=ranks, folder=folder)
    check_same_run(folder / "straight_1", folder / "straight_2", STEPS)
    check_same_run(folder / "straight_1", folder / "straight_4", STEPS)
    for ranks, threads in ((1, 3), (2, 2)):
        said = succeed(*arguments(f"threads_{ranks}", *more), ranks=ranks, threads=threads, folder=folder)
        check(f"{ranks} {'rank' if ranks == 1 else 'ranks'} of {threads} threads" in said, "the threads are not told:\n" + said)
        check_same_run(folder / "straight_1", folder / f"threads_{ranks}", STEPS)
    # Stopped between two checkpoints, lines of the log and validations alike.
    said = succeed(*arguments("parts", *more, "--stop-after", 13), ranks=4, folder=folder, code=75)
    check("step 13" in said and "--restart auto" in said, "the stop is not explained:\n" + said)
    succeed(*arguments("parts", *more, "--restart", "auto", "--stop-after", 14), ranks=1, folder=folder, code=75)
    said = succeed(*arguments("parts", *more, "--restart", "auto"), ranks=2, folder=folder)
    check("continuing after step 27" in said, "the continuation is not announced:\n" + said)
    check_same_run(folder / "straight_1", folder / "parts", STEPS)


def test_reproducible_autoregressive_single(folder):
    reproducible(folder, "autoregressive", "single")


def test_reproducible_autoregressive_double(folder):
    reproducible(folder, "autoregressive", "double")


def test_reproducible_ensemble(folder):
    reproducible(folder, "autoregressive", "single", "--model.ensemble=3", "--objective.kinetic=0.01", "--flux.divergence_free=density_weighted")


def test_reproducible_factorised_single(folder):
    reproducible(folder, "factorised", "single")


def test_reproducible_factorised_double(folder):
    reproducible(folder, "factorised", "double")


def test_reproducible_with_expectations(folder):
    """Draws from the model, staging and term by term figures too."""
    reproducible(folder, "autoregressive", "single", "--objective.kinetic=0.01", "--objective.kinetic_start=5",
                 "--objective.kinetic_ramp=20", "--objective.control=0.02", "--objective.control_sigma=0.5",
                 "--objective.entropy=0.001", "--flux.noise=0.2", "--flux.divergence_free=density_weighted",
                 "--flux.hidden=8")


EVERY_TERM = ["--objective.initial=1", "--objective.initial_law=gaussian 0,0 : 0.1; 1,1 : 0.2,0.3", "--objective.terminal=0.1",
              "--objective.initial_reverse=0.2",
              "--objective.terminal_potential=double_well 0,0 : 1,1 : 1,1", "--objective.kinetic=0.01",
              "--objective.kinetic_clip=2", "--objective.control=0.02", "--objective.control_base=linear -1 : 0,0",
              "--objective.entropy=0.001", "--objective.congestion=0.1", "--objective.congestion_kernel=gaussian 1",
              "--objective.congestion_group=8", "--objective.state_cost=0.1",
              "--objective.state_cost_potential=circles 0,0 : 1", "--objective.jacobian_symmetry=1e-4"]


def test_reproducible_with_every_term(folder):
    reproducible(folder, "autoregressive", "double", *EVERY_TERM, "--flux.kind=sigmoid")


def test_reproducible_with_every_term_factorised(folder):
    reproducible(folder, "factorised", "single", *EVERY_TERM, "--objective.estimator=score_function",
                 "--training.batch=256")


def test_plain_sums_differ_by_rounding(folder):
    """The NLL is a mean over 64 samples, summed in another order. In double the two sums of the first steps agree to
    about 64 units of rounding; training carries a perturbation along, by less than a factor of 2 a step while the
    learning rate is this small, so that 10 steps keep it below 64 * 2^-53 * 2^10 < 1e-11."""
    prepare(folder)
    steps = 10
    splits = ((1, 1), (2, 1), (4, 1), (1, 3), (2, 2))
    for ranks, threads in splits:
        succeed(*arguments(f"run_{ranks}_{threads}", "--training.precision=double", steps=steps), ranks=ranks, threads=threads,
                folder=folder)
    straight = datasets(last(folder, "run_1_1", steps))
    for ranks, threads in splits[1:]:
        found = datasets(last(folder, f"run_{ranks}_{threads}", steps))
        gap = np.nanmax(np.abs(straight["history"] - found["history"]))
        check(gap < 1e-11, f"the history on {ranks} ranks of {threads} threads is {gap:.1e} from that on 1")


def test_average_is_between(folder):
    prepare(folder)
    succeed(*arguments("run", "--training.average=0.9"), folder=folder)
    found = datasets(last(folder, "run"))
    names = [name for name in found if name.startswith("parameters/")]
    check(names and all(name.replace("parameters", "averaged_parameters", 1) in found for name in names),
          "a parameter has no average")
    check(any(np.any(found[name] != found["averaged_" + name]) for name in names), "the average is the last value")


def test_checksums_on_every_dataset(folder):
    prepare(folder)
    succeed(*arguments("run"), folder=folder)
    with h5py.File(last(folder, "run"), "r") as file:
        def visit(name, item):
            if isinstance(item, h5py.Dataset):
                check(item.fletcher32, f"/{name} has no checksum")
        file.visititems(visit)
        for name in ("program", "git", "command_line", "ranks", "backend", "kokkos", "mpi", "hdf5", "slurm_job_id"):
            check(name in file["provenance"].attrs, f"/provenance has no attribute {name}")


def test_finished_run_changes_nothing(folder):
    prepare(folder)
    succeed(*arguments("run"), folder=folder)
    before = listing(folder)
    for ranks in (0, 2):
        succeed(*arguments("run", "--restart", "auto"), ranks=ranks, folder=folder)
        check(listing(folder) == before, "a finished run that is started again changes files")


def test_auto_without_checkpoints_starts(folder):
    prepare(folder)
    succeed(*arguments("run", "--restart", "auto"), folder=folder)
    check(last(folder, "run").is_file(), "there is no checkpoint at the end")


def test_named_checkpoint(folder):
    """Continued from an earlier checkpoint by name, in another directory."""
    prepare(folder)
    more = ["--training.reproducible=true"]
    succeed(*arguments("run", *more), folder=folder)
    succeed(*arguments("other", *more, "--restart", "run/checkpoint_000000015.h5"), folder=folder)
    check(not differences(last(folder, "run"), last(folder, "other")), "the continued run differs")


def test_only_the_newest_are_kept(folder):
    prepare(folder)
    succeed(*arguments("run", "--checkpoint.keep=2", every=5), folder=folder)
    kept = sorted(path.name for path in (folder / "run").iterdir())
    check(kept == ["best.h5", "checkpoint_000000035.h5", "checkpoint_000000040.h5", "history.csv"], f"kept: {kept}")


def truncate(path):
    data = path.read_bytes()
    path.write_bytes(data[:len(data) // 2])


def flip_bit(path):
    """One bit in the stored chunk of a parameter, which only the checksum can notice."""
    with h5py.File(path, "r") as file:
        names = []
        file["parameters"].visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        offset = file["parameters/" + names[0]].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[offset + 1] ^= 4
    path.write_bytes(bytes(data))


def empty(path):
    path.write_bytes(b"")


def test_damaged_checkpoints_are_passed_over(folder):
    prepare(folder)
    more = ["--training.reproducible=true"]
    succeed(*arguments("straight", *more), folder=folder)
    for ranks, damage in ((0, truncate), (2, flip_bit), (0, empty)):
        name = f"run_{damage.__name__}"
        succeed(*arguments(name, *more, "--stop-after", 32), folder=folder, code=75)
        newest = folder / name / "checkpoint_000000032.h5"
        damage(newest)
        said = succeed(*arguments(name, *more, "--restart", "auto"), ranks=ranks, folder=folder)
        check(said.count("damaged checkpoint") == 1 and newest.name in said,
              f"{damage.__name__}: the damaged checkpoint is not named once:\n" + said)
        check("continuing after step 30" in said, f"{damage.__name__}: not continued from the one before:\n" + said)
        check_same_run(folder / "straight", folder / name, STEPS)


def make_older(path, version):
    """What a checkpoint lacked in older formats: /flux before 2, further columns of the history before 3, names of
    terms before 4, when the sum of the NLL stood beside the best validation."""
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = np.int32(version)
        best = file["state/figures"][0]
        del file["state/figures"], file["state/term_sums"]
        file["state/figures"] = np.array([best, 0.0])
        if version < 3:
            del file["history"].attrs["columns"]
        if version < 2:
            del file["flux"]


def test_older_formats_are_continued(folder):
    """From a step after which nothing has been gathered for the next line, so that the run is the straight one."""
    prepare(folder)
    more = ["--training.reproducible=true", "--training.average=0.9"]
    succeed(*arguments("straight", *more), folder=folder)
    for version in (1, 2, 3):
        name = f"run_{version}"
        succeed(*arguments(name, *more, "--stop-after", 20), folder=folder, code=75)
        newest = folder / name / "checkpoint_000000020.h5"
        make_older(newest, version)
        succeed("evaluate", newest, "--data", "data.h5", "--output", f"old_{version}.json", folder=folder)
        said = succeed(*arguments(name, *more, "--restart", "auto"), folder=folder)
        check("continuing after step 20" in said, f"version {version}: not continued:\n{said}")
        check_same_run(folder / "straight", folder / name, STEPS)


def test_texts_that_are_no_choice_are_refused(folder):
    prepare(folder)
    succeed(*arguments("run"), folder=folder)
    for place, name, allowed in (("model", "family", "autoregressive | factorised"),
                                 ("model", "weights", "time_dependent | time_constant"),
                                 ("flux", "kind", "triangular | sigmoid"),
                                 ("flux", "divergence_free", "none | density_weighted | antisymmetric"),
                                 ("state", "precision", "single | double")):
        shutil.copy(last(folder, "run"), folder / "spoilt.h5")
        with h5py.File(folder / "spoilt.h5", "r+") as file:
            file[place].attrs[name] = np.bytes_("nonsense")
        result = run("info", "spoilt.h5", folder=folder)
        check(result.returncode == 2, f"{place}/{name}: exit code {result.returncode}")
        for part in ("spoilt.h5", f"'{place}'", f"'{name}'", "'nonsense'", allowed):
            check(part in result.stderr, f"{place}/{name}: the message lacks {part}: {result.stderr}")


def test_all_damaged_is_an_error(folder):
    prepare(folder)
    succeed(*arguments("run", "--stop-after", 16), folder=folder, code=75)
    for path in (folder / "run").glob("checkpoint_*.h5"):
        truncate(path)
    before = listing(folder)
    succeed(*arguments("run", "--restart", "auto"), folder=folder, code=2)
    check(listing(folder) == before, "files have changed")


def test_changed_keys_are_said(folder):
    prepare(folder)
    succeed(*arguments("run", steps=10), folder=folder)
    said = succeed(*arguments("run", "--restart", "auto", "--training.learning_rate=1e-4", "--training.batch=32", "--objective.kinetic=0.1",
                              "--data.standardise=false", steps=20), folder=folder)
    lines = [line for line in said.splitlines() if line.startswith("restart: ")]
    keys = {line.split()[1]: line for line in lines}
    check(sorted(keys) == ["data.standardise", "objective.kinetic", "training.batch", "training.learning_rate", "training.steps"], said)
    check("was 10, is 20: in force" in keys["training.steps"] and "without effect" in keys["data.standardise"], said)
    said = succeed(*arguments("run", "--restart", "auto", "--training.learning_rate=1e-4", "--training.batch=32", "--objective.kinetic=0.1",
                              "--data.standardise=false", steps=20), folder=folder)
    check("restart: " not in said and "nothing to do: step 20 of 20 done" in said, said)
    said = succeed(*arguments("run", "--restart", "auto", steps=5), folder=folder)
    check("nothing to do: step 20 of 5 done" in said, said)


def test_start_from(folder):
    """Parameters for other data: two files of another number of rows, one of them with another time range."""
    prepare(folder)
    succeed(*arguments("run"), folder=folder)
    succeed("generate", "branching", "--count", 500, "--seed", 8, "--output", "fewer.h5", folder=folder)
    succeed("generate", "ou", "--count", 700, "--seed", 8, "--output", "ou.h5", folder=folder)
    refused = run(*arguments("run", "--restart", "auto", "--data.file=fewer.h5"), folder=folder)
    check(refused.returncode == 2 and "--start-from FILE" in refused.stderr, refused.stderr)
    first = datasets(last(folder, "run"))
    for name in ("fewer", "ou"):
        more = [f"--data.file={name}.h5", "--start-from", last(folder, "run")]
        if name == "ou":
            with h5py.File(folder / "ou.h5", "r") as file:
                if file["x"].shape[1] != 2:
                    continue
        said = succeed(*arguments(name, *more, "--restart", "auto", "--training.learning_rate=1e-12", "--stop-after", 2), folder=folder, code=75)
        check("parameters after step 40" in said, said)
        found = datasets(last(folder, name, 2))
        names = [key for key in found if key.startswith("parameters/")]
        check(names and all(np.allclose(found[key], first[key], rtol=1e-6, atol=1e-9) for key in names), "the parameters are others")
        check(all(np.array_equal(found[key], first[key]) for key in ("model/mean", "model/scale")), "another standardisation")
        with h5py.File(last(folder, name, 2), "r") as file:
            check("checkpoint_000000040.h5" in str(file["provenance"].attrs["started_from"]), "the provenance does not say so")
        said = succeed(*arguments(name, *more, "--restart", "auto"), ranks=2, folder=folder)
        check("continuing after step 2" in said, said)
    before = listing(folder)
    for more, words in ((["--model.hidden=8,8"], ["model.hidden = 8,8", "16,16"]), (["--restart", last(folder, "run")], ["give one of them"])):
        result = run(*arguments("third", "--start-from", last(folder, "run"), *more), folder=folder)
        check(result.returncode == 2 and all(word in result.stderr for word in words), result.stderr)
    result = run(*arguments("run", "--start-from", "fewer/best.h5", "--restart", "auto"), folder=folder)
    check(result.returncode == 2 and "did not begin with it" in result.stderr, result.stderr)
    check(listing(folder) == before, "files have changed")


def test_memory_that_does_not_suffice(folder):
    """Found before anything is written, with the sizes: 100 million parameters in a process of 700 MB, on one and two ranks."""
    import resource
    prepare(folder)
    before = listing(folder)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (700_000_000, hard))
    try:
        results = [run(*arguments("run", "--model.hidden=4096,4096,4096"), *more, folder=folder) for more in ([], ["--check"])]
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    for result in results:
        check(result.returncode == 6, f"exit code {result.returncode}: {result.stdout}{result.stderr}")
        check(all(word in result.stderr for word in ("parameters", "optimiser", "workspaces", "rows", "available", "ulimit -v")), result.stderr)
    check(listing(folder) == before, "files have changed")
    said = succeed(*arguments("run", "--check"), folder=folder)
    check("memory: a rank needs at least" in said, said)


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")], at_once=2)
