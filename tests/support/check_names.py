"""Runs clang-tidy (.clang-tidy: names, and a few cheap checks) over the headers and the sources of the libraries and the program.

Most of the time of clang-tidy goes into the headers of Kokkos, so sources are read many at a time, as one file that
includes them. Sources that define a name that one before them has too go into another such file.

usage: check_names.py SOURCE_DIRECTORY compile_commands.json SCRATCH_DIRECTORY
Exit code 77 (skipped) where clang-tidy 14 or later is missing.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

SKIPPED = 77


def find_clang_tidy():
    for name in ["clang-tidy"] + [f"clang-tidy-{version}" for version in range(22, 13, -1)]:
        if shutil.which(name):
            return name
    print("skipped: clang-tidy is not installed (Debian: apt-get install clang-tidy)")
    sys.exit(SKIPPED)


def search_paths(database):
    """Include paths and definitions of all compile commands, in order."""
    flags = []
    for entry in json.loads(Path(database).read_text()):
        words = shlex.split(entry["command"])
        for k, word in enumerate(words):
            flag = [word] if re.match(r"-[ID].", word) else ["-isystem", words[k + 1]] if word == "-isystem" else None
            if flag and flag not in flags:
                flags.append(flag)
    return [word for flag in flags for word in flag]


class Checker:
    def __init__(self, root, database, scratch):
        self.root, self.scratch, self.tidy = root, scratch, find_clang_tidy()
        self.flags = ["-std=c++17", "-fopenmp-simd", "-ferror-limit=0", f"-I{root}/include", f"-I{root}/src"] + search_paths(database)
        self.findings, self.n_units = [], 0
        scratch.mkdir(parents=True, exist_ok=True)

    def check(self, files):
        """Checks files (paths) as one, and in a second unit those that cannot be compiled together with the ones before them:
        what is found in the others does not depend on these."""
        self.n_units += 1
        unit = self.scratch / f"unit_{self.n_units}.cpp"
        unit.write_text("".join(f'#include "{file}"\n' for file in files))
        command = [self.tidy, f"--config-file={self.root}/.clang-tidy", "--quiet", str(unit), "--"] + self.flags
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        found = re.findall(r"^((\S+?):\d+:\d+: (?:error|warning): .*)$", result.stdout, re.MULTILINE)
        wrong = {file for line, file in found if "[clang-diagnostic-error" in line}
        apart = [file for file in files[1:] if str(file) in wrong]
        if wrong and not apart:
            apart = files[1:]
        kept = [line for line, file in found if file not in map(str, apart)]
        if result.returncode != 0 and not found:
            kept = [result.stdout]
        self.findings += kept
        if apart:
            self.check(apart)


def main():
    root, database, scratch = (Path(argument).resolve() for argument in sys.argv[1:4])
    checker = Checker(root, database, scratch)
    headers = sorted((root / "include").rglob("*.hpp")) + sorted((root / "src").rglob("*.hpp"))
    sources = sorted((root / "src").rglob("*.cpp"))
    checker.check(headers + sources)
    print("\n".join(sorted(set(checker.findings))) or
          f"{len(headers)} headers and {len(sources)} sources in {checker.n_units} units of {checker.tidy}: nothing found")
    sys.exit(1 if checker.findings or not headers or not sources else 0)


main()
