"""benchmarks/objective_step and benchmarks/gpu.sh run and print what they say; nothing is asked of the speed."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import check, main, skip  # noqa: E402

BUILD = Path(os.environ.get("RHOFLUX_BUILD_DIR", ""))
STEP = BUILD / "benchmarks" / "objective_step"
GPU = Path(os.environ.get("RHOFLUX_SOURCE_DIR", "")) / "benchmarks" / "gpu.sh"
TINY = ["--dims", "2", "--batch", "64,96", "--rounds", "1", "--seconds", "0.001", "--copy", "1"]
TERMS = ("nll", "kinetic_triangular", "kinetic_sigmoid")

# Another framework that is measured at one batch in each precision and fails at one term.
PEERS = """import sys
if sys.argv[1] == "torch":
    print("torch 2.0 a device")
    print("torch_eager nll 2 64 2.000 32000")
    print("torch_compile nll 2 64 1.000 64000")
    print("torch_eager_tf32 nll 2 64 0.001 64000000")
    print("torch compile kinetic_triangular 64 failed out of memory")
else:
    sys.exit("no jax")
"""


def run(*command, code=0, **environment):
    """Runs a command, requires an exit code and gives what it printed."""
    result = subprocess.run([str(word) for word in command], env=dict(os.environ, **environment), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
    check(result.returncode == code, f"{command}: exit code {result.returncode}, expected {code}\n{result.stdout}{result.stderr}")
    return result.stdout if code == 0 else result.stderr


def lines_of(output, first):
    return [line.split() for line in output.splitlines() if line.split()[:1] == [first]]


def test_a_step_of_each_objective(_):
    output = run(STEP, *TINY, "--launches")
    steps = lines_of(output, "rhoflux")
    check([line[1:4] for line in steps] == [[term, "2", batch] for term in TERMS for batch in ("64", "96")],
          f"not each objective at each batch: {steps}")
    for line in steps + lines_of(output, "dense_products"):
        milliseconds, rate = float(line[4]), float(line[5])
        check(milliseconds > 0 and abs(rate * milliseconds / 1000 / int(line[3]) - 1) < 0.1, f"time and speed differ: {line}")
    check(len(lines_of(output, "dense_products")) == 2, "the products are not measured at each batch")
    check(float(lines_of(output, "copy")[0][3]) > 0, "the copy has no speed")
    launches = {(line[1], line[2]): [int(word) for word in line[3:]] for line in lines_of(output, "launches")}
    check(len(launches) == 6, f"launches of {sorted(launches)}")
    check(all(counts[0] > 10 and counts[4] >= 0 for counts in launches.values()), f"few launches: {launches}")
    check(launches["kinetic_triangular", "64"][0] > launches["nll", "64"][0], f"the kinetic energy launches nothing: {launches}")


def test_chunks(_):
    whole, halves = (lines_of(run(STEP, *TINY, "--terms", "nll", "--batch", "64", "--chunk", chunk, "--launches"), "launches")[0]
                     for chunk in (64, 32))
    check(int(halves[3]) > 1.5 * int(whole[3]), f"two chunks launch {halves}, one {whole}")


def test_bad_options(_):
    for options in (["--terms", "kinetic"], ["--batch", "0"], ["--batch", "64,"], ["--rounds", "0"], ["--copy", "0"]):
        message = run(STEP, *options, code=2)
        check(options[0] in message, f"{options}: {message}")


def test_table_beside_other_frameworks(folder):
    (folder / "peers.py").write_text(PEERS)
    output = run("bash", GPU, BUILD, folder / "peers.py", RHOFLUX_STEP_OPTIONS=" ".join(TINY), RHOFLUX_PYTHON=sys.executable)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in output.splitlines() if line.startswith("| full")]
    check([row[1:4] for row in rows] == [[term, "2", batch] for term in TERMS for batch in ("64", "96")], f"rows: {rows}")
    first = rows[0]
    check(first[8:10] == ["torch_compile", "64000"], f"the fastest at full precision is torch_compile: {first}")
    check(abs(float(first[10]) - float(first[5]) / 64000) < 0.006, f"ratio: {first}")
    check(abs(float(first[7]) - float(first[5]) / float(first[6])) < 0.006, f"ratio to the products: {first}")
    check(all(row[8:] == ["", "", ""] for row in rows[1:]), f"a ratio to nothing: {rows}")


def test_what_is_missing_is_named(folder):
    check("not built" in run("bash", GPU, folder, code=2), "no message")
    check("nothing.py" in run("bash", GPU, BUILD, folder / "nothing.py", code=2), "no message")


if not STEP.is_file():
    skip("objective_step is not built (RHOFLUX_BENCHMARKS)")
main(test_a_step_of_each_objective, test_chunks, test_bad_options, test_table_beside_other_frameworks, test_what_is_missing_is_named)
