"""Blocks of code in the Markdown of the documentation, and the marks that say what the tests do with them (CONTRIBUTING.md)."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES_TO_MARK = ("sh", "bash", "shell", "console", "python", "")
SHELLS = ("sh", "bash", "shell", "console")
MARK = re.compile(r"<!-- (run|not run|file)(?:: (.*))? -->")


def pages():
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


class Block:
    """A fenced block: language, text, the line of its fence, and its mark."""

    def __init__(self, page, line, language, text, mark):
        self.page, self.line, self.language, self.text = page, line, language, text
        self.place = f"{page.name}:{line}"
        found = MARK.fullmatch(mark)
        self.kind, self.argument = (found.group(1), found.group(2) or "") if found else ("", "")
        self.replacements, self.modules, self.variables, self.code = [], [], [], 0
        if self.kind == "run":
            self.read_clauses()

    def read_clauses(self):
        for clause in filter(None, (part.strip() for part in self.argument.split(";"))):
            if " => " in clause:
                self.replacements.append(tuple(part.strip() for part in clause.split(" => ")))
            elif clause.startswith("needs "):
                self.modules += [name.strip() for name in clause[6:].split(",")]
            elif clause.startswith("with "):
                self.variables.append(clause[5:].split("=", 1))
            elif clause.startswith("exit "):
                self.code = int(clause[5:])
            else:
                raise ValueError(f"{self.place}: the mark says '{clause}', which means nothing")

    def runnable(self):
        """The text with its replacements. One that is nowhere in the text is an error, so that none is left behind."""
        text = self.text
        for old, new in self.replacements:
            if old not in text:
                raise ValueError(f"{self.place}: '{old}' is to be replaced and is not there")
            text = text.replace(old, new)
        return text


def blocks(page):
    """All fenced blocks of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found, start = [], None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start is None:
            start = number
        else:
            before = lines[start - 1] if start > 0 else ""
            found.append(Block(page, start + 1, lines[start][3:].strip(), "\n".join(lines[start + 1:number]) + "\n", before))
            start = None
    if start is not None:
        raise ValueError(f"{page.name}:{start + 1}: this block has no end")
    return found


def indented_blocks(page):
    """Lines of blocks that are indented and not fenced, which no mark can reach."""
    found, in_fence, before = [], False, ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            in_fence = not in_fence
        elif not in_fence and line.startswith("    ") and not before.strip():
            found.append(f"{page.name}:{number}")
        if line.strip() or before.strip():
            before = line
    return found
