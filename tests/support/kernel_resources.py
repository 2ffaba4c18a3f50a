#!/usr/bin/env python3
"""Registers, spills and stack frame of each kernel that ptxas has reported (-Xptxas -v), most spills first, then a line that
sums them up.

usage: kernel_resources.py BUILD_LOG
"""

import re
import subprocess
import sys
from pathlib import Path


def kernels(text):
    """(spilled bytes, stack frame in bytes, registers, mangled name) of each kernel, once."""
    found = {}
    name, stack, spills = None, 0, 0
    for line in text.splitlines():
        if match := re.search(r"Compiling entry function '(\S+)'", line):
            name, stack, spills = match.group(1), 0, 0
        elif match := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            stack, spills = int(match.group(1)), int(match.group(2)) + int(match.group(3))
        elif name and (match := re.search(r"Used (\d+) registers", line)):
            found[name] = (spills, stack, int(match.group(1)), name)
            name = None
    return sorted(found.values(), reverse=True)


def readable(names):
    """The function of rhoflux that launches each kernel, where the name tells it."""
    plain = subprocess.run(["c++filt"], input="\n".join(names), stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    short = []
    for name in plain:
        functions = re.findall(r"rhoflux::(?:\w+::)*(?:\(anonymous namespace\)::)?(\w+)<?", name)
        functions = [word for word in functions if word not in ("detail", "ColumnLoop", "RowBlockLoop")]
        scalar = "float" if re.search(r"\bfloat\b", name) else "double" if re.search(r"\bdouble\b", name) else ""
        short.append(f"{functions[0] if functions else name[:100]} {scalar}".strip())
    return short


def main():
    found = kernels(Path(sys.argv[1]).read_text(errors="replace"))
    if not found:
        sys.exit(f"kernel_resources.py: {sys.argv[1]} has no report of ptxas")
    print("  spills (bytes)  stack frame (bytes)  registers  launched by")
    for (spills, stack, registers, _), name in zip(found, readable([entry[3] for entry in found])):
        print(f"{spills:16d} {stack:20d} {registers:10d}  {name}")
    print(f"{len(found)} kernels; {sum(entry[0] > 0 for entry in found)} spill, {sum(entry[1] > 0 for entry in found)} have a stack frame; "
          f"at most {max(entry[2] for entry in found)} registers")


main()
