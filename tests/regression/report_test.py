"""rhoflux-report: one page that needs nothing else, with what the commands say; texts of files cannot become HTML; a section that
fails is said and does not stop the others; the job scripts write it."""

import contextlib
import html.parser
import io
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import PROGRAM, SMALL, check, h5py, main, np, skip, succeed, write_population  # noqa: E402

SOURCE = Path(os.environ.get("RHOFLUX_SOURCE_DIR", Path(__file__).resolve().parents[2]))
TOOLS = SOURCE / "tools"
sys.path.insert(0, str(TOOLS))

try:
    import matplotlib  # noqa: F401
    import scipy  # noqa: F401
except ImportError as missing:
    skip(f"this Python has no {missing.name}")

import rhoflux.report  # noqa: E402
from rhoflux.report import distances  # noqa: E402
from rhoflux.report.html import element, escaped  # noqa: E402
from rhoflux.report.run import Run  # noqa: E402

EMPTY_TAGS = {"meta", "img"}
FAST = ["--samples", 30, "--particles", 20, "--grid", 12, "--copies", 2, "--fate-particles", 8, "--fate-steps", 10,
        "--residual-points", 10, "--check-samples", 100]
ALL = {"data", "history", "distances", "samples", "density", "paths", "fates", "checks", "deck"}

# A program that does as the real one, but for the commands of the environment variable WRONG.
WRAPPER = """#!{python}
import json, os, subprocess, sys
wrong, words = json.loads(os.environ["WRONG"]), sys.argv[1:]
said = wrong.get(words[0], {{}})
if "fail" in said:
    print("rhoflux: error: " + said["fail"], file=sys.stderr)
    sys.exit(3)
code = subprocess.run([{program!r}, *words]).returncode
print(said.get("print", ""))
if "json" in said:
    path = words[words.index(said["option"]) + 1]
    figures = json.load(open(path))
    for where, value in said["json"]:
        target = figures
        for key in where[:-1]:
            target = target[key]
        target[where[-1]] = value
    json.dump(figures, open(path, "w"))
sys.exit(said.get("code", code))
"""


class Page(html.parser.HTMLParser):
    """The page as a browser sees it: balanced, its elements, its text by section."""

    def __init__(self, path):
        super().__init__()
        self.open, self.elements, self.sections, self.text = [], [], {}, ""
        self.section = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        check(not self.open, f"{path}: not closed: {self.open}")
        self.text = squeezed(self.text)
        self.sections = {name: squeezed(text) for name, text in self.sections.items()}

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY_TAGS:
            self.open.append(tag)
        if tag == "section":
            self.section = dict(attrs)["id"]
            self.sections[self.section] = ""

    def handle_endtag(self, tag):
        check(self.open and self.open.pop() == tag, f"</{tag}> closes nothing at {self.getpos()}")
        if tag == "section":
            self.section = ""

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data + " "
            if self.section:
                self.sections[self.section] += data + " "

    def summary(self):
        """The text above the first section."""
        return self.text[: self.text.index("Data Training")] if "Data Training" in self.text else self.text[:3000]


def squeezed(text):
    return " ".join(text.split())


def report(folder, *arguments, code=0, program=PROGRAM, wrong=None):
    """Runs rhoflux-report in this process, for speed; gives what it says on stderr."""
    words = [*map(str, arguments), "--program", str(program)]
    output, errors, found, before = io.StringIO(), io.StringIO(), None, os.getcwd()
    os.chdir(folder)
    os.environ["WRONG"] = json.dumps(wrong or {})
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            rhoflux.report.main(words)
    except SystemExit as end:
        found = end.code
    finally:
        os.chdir(before)
    check(found == code, f"{words}: exit code {found}, expected {code}\n{output.getvalue()}{errors.getvalue()}")
    check("Traceback" not in errors.getvalue(), errors.getvalue())
    return errors.getvalue()


def wrapper(folder):
    path = folder / "wrapper"
    path.write_text(WRAPPER.format(python=sys.executable, program=PROGRAM))
    path.chmod(0o755)
    return path


def train(folder, data, directory="run", steps=40):
    (folder / "deck.cfg").write_text(f"[data]\nfile = {data}\n[flux]\nnoise = 0.3\n[objective]\nkinetic = 0.05\n")
    succeed("train", "deck.cfg", *SMALL, f"--training.steps={steps}", "--training.validate_every=10", "--output.log_every=5",
            f"--checkpoint.directory={directory}", "--training.learning_rate=5e-3", folder=folder)


def snapshots(path, n=90, label=("a", "b"), dims=(b"x1", b"x2"), unit="", label_name="kind", **others):
    """Two clouds that part, seen at three times, with a label and all three splits."""
    random = np.random.default_rng(5)
    t = np.repeat([0.0, 1.0, 2.0], n)
    code = np.arange(3 * n, dtype=np.int32) % 2
    x = random.normal(size=(3 * n, 2)) * 0.3
    x[:, 1] += (2 * code - 1) * t
    split = np.where(np.arange(3 * n) % 10 < 6, 0, np.where(np.arange(3 * n) % 10 < 7, 1, 2)).astype(np.int8)
    write_population(path, t, x, split=split, **others)
    with h5py.File(path, "a") as file:
        file.attrs["dim_names"] = np.array(dims)
        file.attrs["time_unit"] = unit
        file["label/" + label_name] = code
        file["label/" + label_name].attrs["categories"] = np.array([text.encode() for text in label])


def check_harmless(page):
    """Nothing from outside, no script, no handler of events."""
    for tag, attributes in page.elements:
        check(tag not in ("script", "link", "iframe", "object", "b", "svg", "form"), f"<{tag} {attributes}>")
        for name, value in attributes.items():
            check(not name.startswith("on"), f"<{tag} {attributes}>")
            if name == "src":
                check(value.startswith("data:image/png;base64,"), f"<{tag} src={value[:80]}>")
            if name == "href":
                check(value.startswith("#"), f"<{tag} href={value[:80]}>")
    targets = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for _, attributes in page.elements:
        check("href" not in attributes or attributes["href"][1:] in targets, f"a link leads nowhere: {attributes}")


def test_page(folder):
    """All sections, the figures of the commands, and texts of files that try to be HTML or formulas."""
    evil = ['<script>alert("1")</script>', "'><img src=x onerror=alert(2)>&amp;"]
    name = "d<b>&'\".h5"
    snapshots(folder / name, label=evil, dims=[b"</style><b>x", b"$\\frac{$"], unit="<i>d", label_name="<svg onload=alert(3)>")
    train(folder, name, steps=400)
    said = report(folder, "run", *FAST)
    check(not said, said)
    page = Page(folder / "run/report.html")
    check_harmless(page)
    check(set(page.sections) == ALL, f"sections {list(page.sections)}")
    pictures = [attributes for tag, attributes in page.elements if tag == "img"]
    check(len(pictures) == 5 and all(a["alt"] and int(a["width"]) > 300 for a in pictures), f"{len(pictures)} pictures")
    for text in (*evil, "</style><b>x", "$\\frac{$", "<i>d", name):
        check(squeezed(text) in page.text, f"{text} is not shown as it is")
    succeed("evaluate", "run/best.h5", "--data", name, "--output", "evaluation.json", folder=folder)
    figures = json.loads((folder / "evaluation.json").read_text())
    shown = page.sections["distances"]
    for value in (figures["nll"]["original"], figures["nll"]["standardised"],
                  *(row["standardised"] for row in figures["nll"]["per_time"]), *(row["value"] for row in figures["w1"] + figures["w2"])):
        check(f"{value:#.4g}" in shown, f"{value} is not in: {shown}")
    check("test split, 81 rows" in shown and "on each side (13)" in shown, shown)
    check("162 train, 27 val, 81 test" in page.sections["data"],
          page.sections["data"])
    check("trained on 162 rows" in page.text and "for 400 steps" in page.text and "No warnings." in page.text, page.text[:2000])
    check("followed from t = 0 to 2" in page.sections["fates"] and "volatility g = 0.3" in page.sections["fates"], page.sections["fates"])
    check("Fokker-Planck residual, largest passed" in page.sections["checks"], page.sections["checks"])
    check("training.steps 400" in page.sections["deck"] and "command line" in page.sections["deck"], page.sections["deck"])


def test_sizes_and_parts(folder):
    """Sections left out, the number of particles and rows, another place of the page; no split but train; weights of 0."""
    snapshots(folder / "data.h5", n=120, weight=np.where(np.arange(360) < 20, 0.0, 1.0))
    with h5py.File(folder / "data.h5", "a") as file:
        del file["split"]
    train(folder, "data.h5")
    report(folder, "run", *FAST, "--without", "checks,samples,density,fates", "--particles", 33, "--rows", 200, "--output", "a.html")
    check(not (folder / "run/report.html").exists(), "two pages")
    page = Page(folder / "a.html")
    check(set(page.sections) == ALL - {"checks", "samples", "density", "fates"}, f"{list(page.sections)}")
    check("particles 33" in page.sections["paths"], page.sections["paths"])
    with_rows = re.search(r"are of (\d+) rows, drawn at random", page.sections["data"])
    check(with_rows and 100 < int(with_rows.group(1)) <= 200, page.sections["data"])
    check("340 (340 train, 0 val, 0 test)" in page.sections["data"] and "rows of weight 0 20" in page.sections["data"], page.sections["data"])
    check("no test and no validation split" in page.sections["distances"], page.sections["distances"])
    check("rows that the model was trained on" in page.text, page.text[:2000])


def test_events_and_one_dimension(folder):
    succeed("generate", "ou", "--count", 300, "--output", "ou.h5", folder=folder)
    train(folder, "ou.h5", directory="ou")
    said = report(folder, "ou", *FAST, "--without", "checks,history")
    page = Page(folder / "ou/report.html")
    check(not said and set(page.sections) == ALL - {"checks", "history"}, said)
    check("events in continuous time" in page.sections["distances"] and "no figures by time" in page.sections["distances"],
          page.sections["distances"])
    check("no labels" in page.sections["fates"] and "events in continuous time" in page.sections["data"], page.text)


def test_without_data(folder):
    """A run of endpoint distributions alone has its objective instead of data."""
    succeed("train", SOURCE / "inputs/gaussian_ot.cfg", *SMALL, "--training.steps=20", "--checkpoint.directory=run", folder=folder)
    said = report(folder, "run", *FAST, "--without", "checks,density")
    page = Page(folder / "run/report.html")
    check(not said and set(page.sections) == {"history", "objective", "samples", "paths", "deck"}, f"{said} {list(page.sections)}")
    check("kinetic" in page.sections["objective"] and "Endpoint distributions" in page.sections["objective"], page.sections["objective"])


def test_warnings(folder):
    """Each kind is in the summary; the same run without the cause has none of them (test_page)."""
    snapshots(folder / "data.h5")
    train(folder, "data.h5")
    with open(folder / "run/history.csv", "a", encoding="utf-8") as file:
        columns = (folder / "run/history.csv").read_text().splitlines()[0].split(",")
        file.write(",".join({"step": "50", "validation_nll": "9.25"}.get(name, "") for name in columns) + "\n")
    with h5py.File(folder / "data.h5", "a") as file:
        file["x"][0, 0] += 1e-3
    wrong = {
        "info": {"print": "warning: few <b>distinct</b> values"},
        "transport": {"option": "--report", "json": [[["ks"], 9.5], [["failed"], 3]], "code": 3},
        "verify": {"option": "--output", "code": 3, "json": [
            [["checks", 0, "passed"], False], [["checks", 0, "verdict"], "failed"], [["checks", 1, "passed"], False], [["checks", 1, "verdict"], "not decided"],
            [["checks", 1, "note"], "more points would decide"]]},
    }
    said = report(folder, "run", *FAST, "--without", "samples,distances,density,fates,deck", program=wrapper(folder), wrong=wrong)
    check(not said, said)
    page = Page(folder / "run/report.html")
    check_harmless(page)
    top = page.summary()
    for words in ("ended far above its best: 9.2500 at step 50", "few <b>distinct</b> values", "is not the file that the model was",
                  "Kolmogorov-Smirnov 9.50, bound 1.73", "3 particles could not be followed", "check failed: Fokker-Planck residual, largest",
                  "check is not decided", "more points would decide"):
        check(words in top, f"'{words}' is not in: {top}")


def test_what_the_deck_deals_with_is_no_warning(folder):
    """Few distinct values with noise in training, and rows far outside with robust units: train does not warn of them either."""
    snapshots(folder / "odd.h5")
    with h5py.File(folder / "odd.h5", "r+") as file:
        x = np.round(10 * file["x"][()]) / 10
        x[:, 1] = file["x"][:, 1]
        x[0, 1] = 1e4
        file["x"][...] = x
    (folder / "deck.cfg").write_text("[data]\nfile = odd.h5\n")
    for name, more, count in (("plain", [], 1), ("dealt", ["--training.noise=0.1", "--data.standardise=robust"], 0)):
        succeed("train", "deck.cfg", *SMALL, "--training.steps=5", f"--checkpoint.directory={name}", *more, folder=folder)
        report(folder, name, "--without", "history,distances,samples,density,paths,fates,checks")
        text = Page(folder / name / "report.html").text
        for words in ("x1 has", "interquartile ranges from the median"):
            check((words in text) == (count > 0), f"{name}: {words}: {text[:3000]}")


def test_failures(folder):
    """A section that fails says why, in the page and on stderr; what is wrong with the command line is exit code 2."""
    snapshots(folder / "data.h5")
    train(folder, "data.h5")
    few = [*FAST, "--without", "density,paths,fates"]
    said = report(folder, "run", *few, program=wrapper(folder), wrong={"verify": {"fail": "out of <i>luck</i>"}, "sample": {"fail": "no"}})
    check("section checks: rhoflux verify ended with exit code 3" in said and "luck" in said and "section samples" in said, said)
    page = Page(folder / "run/report.html")
    check_harmless(page)
    check("could not be made" in page.sections["checks"] and "out of <i>luck</i>" in page.sections["checks"], page.sections["checks"])
    check("Not made: Samples. Reason: rhoflux sample" in page.summary() and "Not made: Checks. Reason" in page.summary(), page.summary())
    check("no floors" in page.sections["distances"] and "NLL (std.)" in page.sections["distances"], page.sections["distances"])
    check("162 train" in page.sections["data"] and "training.steps 40" in page.sections["deck"], "the other sections")
    said = report(folder, "run", *few, "--time-limit", 1e-3)
    check("section checks: the time of the report is over (--time-limit)" in said, said)
    said = report(folder, "run", *few, "--without", ",".join(ALL - {"checks"}), "--timeout", 1e-3)
    check("section checks: rhoflux verify took longer than 0.001 s (--timeout)" in said, said)
    (folder / "data.h5").rename(folder / "moved.h5")
    report(folder, "run", "--without", "checks,samples,density,paths")
    page = Page(folder / "run/report.html")
    check(set(page.sections) == {"history", "deck"}, f"without data: {list(page.sections)}")
    check("data.h5, the data of the run, was not found" in page.text, page.text[:2000])
    report(folder, "run", "--without", ",".join(ALL - {"data"}), "--data", "moved.h5")
    check("moved.h5" in Page(folder / "run/report.html").sections["data"], "--data")
    for words, arguments in ((["nowhere", "no such folder"], ["nowhere"]), (["checkpoint_*.h5"], ["."]),
                             (["nosection", "fates"], ["run", "--without", "nosection"]), (["gone.h5", "no such file"], ["run", "--data", "gone.h5"]), (["moved.h5", "no checkpoint"], ["moved.h5"]),
                             (["no folder"], ["run", "--output", "no/a.html"])):
        last = report(folder, *arguments, code=2).strip().splitlines()[-1]
        check("error:" in last and all(word in last for word in words), last)
    check("there is no program /no" in report(folder, "run", program="/no", code=2), "a program that is missing")


def test_without_scipy(folder):
    """The table has no floors, and says why; the script of tools/ does as the command."""
    snapshots(folder / "data.h5")
    train(folder, "data.h5")
    (folder / "scipy.py").write_text("raise ModuleNotFoundError(\"No module named 'scipy'\", name='scipy')\n")
    environment = {**os.environ, "PYTHONPATH": str(folder), "RHOFLUX": PROGRAM}
    without = ",".join(ALL - {"distances"})
    command = [sys.executable, str(TOOLS / "report.py"), "run", *map(str, FAST), "--without", without]
    result = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    check(result.returncode == 0 and not result.stderr and "wrote run/report.html" in result.stdout, result.stderr)
    shown = Page(folder / "run/report.html").sections["distances"]
    check("need scipy" in shown and "no floors" in shown and "points a side" not in shown and "NLL (std.)" in shown, shown)


def test_job_scripts(folder):
    """A finished run has its report; one that fails does not matter to the job."""
    snapshots(folder / "data.h5")
    (folder / "deck.cfg").write_text(f"[data]\nfile = {folder}/data.h5\n[checkpoint]\ndirectory = {folder}/run  # where it goes\n")
    quick = folder / "timeout"
    quick.write_text("#!/bin/sh\necho gave $1 seconds; [ \"$BROKEN\" = 1 ] && exit 9; shift; exec \"$@\" --without "
                     "distances,samples,density,paths,fates,checks\n")
    quick.chmod(0o755)

    def job(*settings, steps=10, code=0, **variables):
        environment = {**os.environ, "RHOFLUX": PROGRAM, "LAUNCH": "env", "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", **variables}
        result = subprocess.run([SOURCE / "jobs/workstation.sh", folder / "deck.cfg", *SMALL, f"--training.steps={steps}", *settings],
                                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                timeout=120)
        check(result.returncode == code, f"exit code {result.returncode}\n{result.stdout}")
        return result.stdout

    said = job()
    check("gave 600 seconds" in said and (folder / "run/report.html").is_file(), said)
    Page(folder / "run/report.html")
    said = job(f"--checkpoint.directory={folder}/second", BROKEN="1")
    check("no report (exit code 9)" in said and f"tools/report.py {folder}/second" in said, said)
    said = job("--stop-after", "3", f"--checkpoint.directory={folder}/fifth", steps=10**6, code=75)
    check("gave" not in said, said)

    def end_of_job(*settings, **variables):
        """What a script does once the run has come to its end."""
        text = '. jobs/batch.sh; rhoflux_report "$@"; echo the job goes on'
        environment = {**os.environ, "RHOFLUX": PROGRAM, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "BROKEN": "1", **variables}
        result = subprocess.run(["bash", "-euo", "pipefail", "-c", text, "job", folder / "deck.cfg", *settings], env=environment, cwd=SOURCE,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        check(result.returncode == 0 and "the job goes on" in result.stdout, result.stdout)
        return result.stdout

    check("report" not in end_of_job("--check"), "a report of a check")
    check("report" not in end_of_job(REPORT_SECONDS="0"), "a report that is not wanted")
    check("/c d\n" in end_of_job("--checkpoint.directory=a", f"--checkpoint.directory={folder}/c d"), "the directory of the command line")
    # Under SLURM, only in the time that is left but a minute.
    (folder / "squeue").write_text("#!/bin/sh\necho $LEFT\n")
    (folder / "squeue").chmod(0o755)
    for left, words in (("4:10", "gave 190 seconds"), ("1:00", "nearly over"), ("1-00:00:10", "gave 600 seconds"), ("UNLIMITED", "gave 600 seconds")):
        said = end_of_job(SLURM_JOB_ID="7", LEFT=left)
        check(words in said, f"{left}: {said}")


def test_distances(folder):
    """W1 and W2 against all assignments; points of equal weight; the floor of two halves."""
    random = np.random.default_rng(2)
    for n, dims in ((5, 2), (4, 3), (6, 1)):
        a, b = random.normal(size=(n, dims)), random.normal(size=(n, dims)) + 1
        gaps = np.linalg.norm(a[:, None] - b[None], axis=2)
        for k, power in enumerate((1, 2)):
            best = min(np.mean([gaps[i, j] ** power for i, j in enumerate(order)]) for order in itertools.permutations(range(n)))
            found = distances.wasserstein(a, b)[k]
            check(abs(found - best ** (1 / power)) < 1e-12, f"W{power} {found}, {best ** (1 / power)}")
    check(distances.points_a_side(np.ones(9), 500) == 4 and distances.points_a_side(np.ones(9), 3) == 3, "half of the rows")
    check(distances.points_a_side(np.array([4.0, 4, 1e-9, 1e-9]), 500) == 1, "half of the effective number of rows")
    chosen = distances.of_equal_weight(np.arange(3), np.array([1.0, 2, 5]), 80, random)
    check(all(abs(n - expected) <= 1 for n, expected in zip(np.bincount(chosen), (10, 20, 50))), f"{np.bincount(chosen)}")
    check(len(set(distances.of_equal_weight(np.arange(10), np.ones(10), 10, random))) == 10, "equal weights: rows once each")
    # Rows and samples of one distribution: both distances have one expectation. Of shifted samples: W is the shift, about.
    x = random.normal(size=(400, 2))
    same = distances.compare(x, np.ones(400), random.normal(size=(2000, 2)), 200, 10)
    check(np.all(np.abs(same.model / same.floor - 1) < 0.35) and same.points == 200, f"{same}")
    far = distances.compare(x, np.ones(400), random.normal(size=(2000, 2)) + [5, 0], 200, 10)
    check(np.all(np.abs(far.model - 5) < 0.3) and np.all(far.floor == same.floor), f"{far}")
    # Rows that stand for nothing leave the floor as it is.
    padded = distances.compare(np.concatenate([x, x + 100]), np.repeat([1.0, 1e-12], 400), x, 100, 1)
    check(np.all(padded.floor < 1), f"{padded}")


def test_escaping(folder):
    check(escaped("<a href='\"&") == "&lt;a href=&#x27;&quot;&amp;", escaped("<a href='\"&"))
    check(escaped("a\x00\x1b\ud800b") == "a\ufffd\ufffd\ufffdb", "characters that HTML has not")
    check(element("p", "<", element("i", 1), title='">') == '<p title="&quot;&gt;">&lt;<i>1</i></p>', "children and attributes")


def test_noise_of_a_deck(folder):
    """Several paths from a particle need noise somewhere."""
    def noise(text):
        run = Run.__new__(Run)
        run.keys = {"flux.noise": text}
        return run.has_noise()
    check([noise(text) for text in ("0", "0.7", "0:0,4:0", "0:0.5,4:0", "0:0,4:1e-3")] == [False, True, False, True, True], "volatility")


def test_dates_and_labels_of_times(folder):
    """Times are shown with their dates, with and without the data; pictures too."""
    snapshots(folder / "data.h5", unit="d")
    with h5py.File(folder / "data.h5", "a") as file:
        file.attrs["time_origin"] = "2020-02-28T12:00:00Z"
    train(folder, "data.h5", steps=20)
    check(not report(folder, "run", *FAST), "the report")
    shown = Page(folder / "run/report.html").text
    for text in ("0 (2020-02-28T12:00:00Z)", "2 (2020-03-01T12:00:00Z)", "1 (2020-02-29T12:00:00Z)"):
        check(text in shown, f"'{text}' is not in the page")
    (folder / "data.h5").unlink()
    report(folder, "run", *FAST)
    check("t = 0 (2020-02-28T12:00:00Z) to 2 (2020-03-01T12:00:00Z) d" in Page(folder / "run/report.html").text, "the model knows the dates")
    succeed("sample", "run/best.h5", "--times", "0,2", "--count", 5, "--output", "samples.h5", folder=folder)
    frames = rhoflux.read_frames(folder / "samples.h5")
    check(frames.naming.texts(frames.t) == ["0 (2020-02-28T12:00:00Z)", "2 (2020-03-01T12:00:00Z)"], "names of times of an output")
    check(frames.naming.name(1e9) == "" and rhoflux.times.TimeNames("", "", {0.1: "early"}).name(np.float32(0.1)) == "early", "names")


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")])
