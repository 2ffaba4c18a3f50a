"""The commands of README.md and docs/: each block that is marked as one to run is run, in a copy of the source, with small counts."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from documentation import LANGUAGES_TO_MARK, ROOT, SHELLS, blocks, indented_blocks, pages  # noqa: E402
from regression import MPIEXEC, PROGRAM, check, main, succeed  # noqa: E402

# What users have beside the program: copied, so that no test writes to the source.
FOLDERS = ("inputs", "jobs", "tools")


def write_script(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def prepare(folder):
    """The source root as the commands see it, and programs named as the commands name them; gives the environment."""
    source, names = folder / "rhoflux", folder / "bin"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    built = source / "build/release/src/apps"
    built.mkdir(parents=True)
    names.mkdir()
    for path in (built / "rhoflux", names / "rhoflux"):
        path.symlink_to(Path(PROGRAM).resolve())
    write_script(names / "python3", f'exec {shlex.quote(sys.executable)} "$@"\n')
    # mpirun -n N PROGRAM by the launcher that the tests use.
    write_script(names / "mpirun", f'[ "$1" = -n ] || exit 2\nshift\nexec {shlex.join(MPIEXEC)} "$@"\n')
    return source, {**os.environ, "PATH": f"{names}{os.pathsep}{os.environ['PATH']}", "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"}


def has_modules(block):
    return all(subprocess.run([sys.executable, "-c", f"import {name}"], stderr=subprocess.DEVNULL).returncode == 0 for name in block.modules)


def run_block(block, source, environment, state):
    """Runs a block; variables that it exports, and PATH, are there in the next one, as in the shell of a user."""
    variables = {name: str(ROOT / value) if (ROOT / value).exists() else value for name, value in block.variables}
    if block.language in SHELLS:
        text = f"if [ -f {state} ]; then . {state}; fi\nset -euo pipefail\ntrap 'export -p > {state}' EXIT\n{block.runnable()}"
        command = ["bash", "-c", text]
    else:
        command = [sys.executable, "-c", block.runnable()]
    result = subprocess.run(command, cwd=source, env={**environment, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=300)
    check(result.returncode == block.code,
          f"{block.place}: exit code {result.returncode}, expected {block.code}\n{block.runnable()}\n{result.stdout}")


def run_page(folder, page):
    source, environment = prepare(folder)
    for block in blocks(page):
        if block.kind == "file":
            (source / block.argument).write_text(block.text)
        elif block.kind == "run" and has_modules(block):
            run_block(block, source, environment, folder / "exported.sh")


def test_every_block_has_a_mark(folder):
    for page in pages():
        check(not indented_blocks(page), f"blocks without a fence: {indented_blocks(page)}")
        for block in blocks(page):
            if block.language in LANGUAGES_TO_MARK:
                check(block.kind, f"{block.place}: the block has no mark (CONTRIBUTING.md)")
            if block.kind == "not run":
                check(block.argument, f"{block.place}: not run, and no reason")
            block.runnable()
    check(any(block.kind == "run" for block in blocks(ROOT / "README.md")), "no block of README.md is run")


def test_key_tables(folder):
    """Every key that the tables of deck.md name is one, and every term of the objective is explained there."""
    keys, section = {}, ""
    for line in succeed("train", "--help-deck").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line and not line.startswith("#"):
            keys.setdefault(section, []).append(line.split("=")[0].strip())
    rows = [line for line in (ROOT / "docs/deck.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    named = {}
    for row in rows:
        first, _, rest = row.strip("| ").partition(" | ")
        named.setdefault(first, rest)
    for section, known in keys.items():
        check(f"`[{section}]`" in named, f"deck.md has no row for [{section}]")
        if section != "objective":
            for key in named[f"`[{section}]`"].split("`")[1::2]:
                check(key in known, f"deck.md names {section}.{key}, which is no key")
    explained = ",".join(first for first in named)
    for key in keys["objective"]:
        if f"{key}_start" in keys["objective"]:
            check(f"`{key}`" in explained, f"deck.md does not explain the term {key}")


def page_tests():
    for page in pages():
        if any(block.kind == "run" for block in blocks(page)):
            def test(folder, page=page):
                run_page(folder, page)
            test.__name__ = f"test_{page.stem.lower()}"
            yield test


if __name__ == "__main__":
    main(test_every_block_has_a_mark, test_key_tables, *page_tests())
