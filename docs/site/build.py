#!/usr/bin/env python3
"""Builds the site: the pages of docs/, every command's help, every key of the deck, and the C++ API.

    docs/site/build.py OUTPUT [--program RHOFLUX] [--version V] [--draft]

OUTPUT is a folder of the build tree; the pages are in OUTPUT/html. A warning of Doxygen or Sphinx, or a link that leads nowhere, is an
error. Exit code 77: a package is missing, which one is said. --draft builds without the C++ API."""

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import textwrap
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

SITE = Path(__file__).resolve().parent
ROOT = SITE.parents[1]
MISSING = 77
MODULES = {"sphinx": "python3-sphinx", "myst_parser": "python3-myst-parser", "breathe": "python3-breathe"}
PAGES_AT_THE_TOP = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
TOUR = ("## Start\n", "## Commands\n")  # the part of README.md that the site shows too, and what follows it
COMMANDS = "<!-- site: the help of every command -->"
KEYS = "<!-- site: every key of the deck -->"
FOLDERS_IN_ORDER = ("core", "device", "network", "density", "flux", "objectives", "transport", "optim", "metrics", "mpi", "parallel", "io", "importers",
                    "training", "inference", "cli", "apps")


def fail(*lines):
    print("\n".join(map(str, lines)), file=sys.stderr)
    sys.exit(1)


def missing_packages():
    missing = [package for module, package in MODULES.items() if importlib.util.find_spec(module) is None]
    return missing + ([] if shutil.which("doxygen") else ["doxygen"])


def use_an_interpreter_with_the_modules():
    """The Python of the system has what Debian's packages bring; another one may be first in PATH."""
    system = "/usr/bin/python3"
    if missing_packages() and os.path.exists(system) and os.environ.get("RHOFLUX_DOCS_PYTHON") != system:
        os.environ["RHOFLUX_DOCS_PYTHON"] = system
        os.execv(system, [system, *sys.argv])
    missing = missing_packages()
    if missing:
        print(f"The site is not built. Missing Debian packages: {' '.join(missing)} (apt-get install {' '.join(missing)})")
        sys.exit(MISSING)


# ---------------------------------------------------------------- pages


def run_program(program, *arguments):
    result = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    if result.returncode != 0:
        fail(f"{program} {' '.join(arguments)}: exit code {result.returncode}", result.stderr)
    return result.stdout


def help_of_commands(program):
    general = run_program(program, "--help")
    listed = general.split("Commands\n", 1)[1]
    names = re.findall(r"^  ([a-z]+)  ", listed, flags=re.MULTILINE)
    parts = ["## rhoflux\n", f"```text\n{general.strip()}\n```\n"]
    for name in names:
        parts += [f"## {name}\n", f"```text\n{run_program(program, name, '--help').strip()}\n```\n"]
    return "\n".join(parts)


def deck_keys(help_text):
    """(section, key, default, type, unit, meaning) of every key in the text of `rhoflux train --help-deck`."""
    section, comments, found = "", [], []
    for line in help_text.splitlines():
        if line.startswith("["):
            section, comments = line.strip("[] "), []
        elif line.startswith("#"):
            comments.append(line[1:])
        elif "=" in line:
            key, default = (part.strip() for part in line.split("=", 1))
            meaning = " ".join(text.strip() for text in comments if not text.startswith("   "))
            kind, _, unit = " ".join(text.strip() for text in comments if text.startswith("   ")).partition("; unit: ")
            found.append((section, key, default, kind, unit, meaning))
            comments = []
    return found


def table_of_keys(program):
    parts, current = [], None
    for section, key, default, kind, unit, meaning in deck_keys(run_program(program, "train", "--help-deck")):
        if section != current:
            parts += [f"\n## [{section}]\n", "| key | default | meaning | values |", "|---|---|---|---|"]
            current = section
        cells = [f"`{key}`", f"`{default}`" if default else "", meaning, kind + (f"; unit: {unit}" if unit else "")]
        parts.append("| " + " | ".join(re.sub(r"([|*_<\[$])", r"\\\1", cell) if not cell.startswith("`") else cell for cell in cells) + " |")
    return "\n".join(parts) + "\n"


def stage(source, program):
    """Copies the pages to the build tree, and completes those whose content the program knows."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for page in sorted(SITE.parent.glob("*.md")):
        shutil.copy(page, source)
    for name in PAGES_AT_THE_TOP:
        text = (ROOT / name).read_text(encoding="utf-8")
        (source / name.lower()).write_text(text.replace("](docs/", "]("), encoding="utf-8")
    tour = (ROOT / "README.md").read_text(encoding="utf-8").split(TOUR[0], 1)[-1].split(TOUR[1], 1)[0]
    (source / "tour.md").write_text("# A tour of five minutes\n\n" + TOUR[0] + tour.replace("](docs/", "]("), encoding="utf-8")
    if (SITE.parent / "pictures").is_dir():
        shutil.copytree(SITE.parent / "pictures", source / "pictures")
    shutil.copytree(SITE / "style", source / "style")
    for name in ("conf.py", "mathml.py"):
        shutil.copy(SITE / name, source)
    if program:
        for name, marker, content in (("commands.md", COMMANDS, help_of_commands), ("deck_keys.md", KEYS, table_of_keys)):
            text = (source / name).read_text(encoding="utf-8")
            if marker not in text:
                fail(f"docs/{name} has no line {marker}")
            (source / name).write_text(text.split(marker)[0] + content(program), encoding="utf-8")
    index = source / "index.md"
    text = index.read_text(encoding="utf-8")
    for name in PAGES_AT_THE_TOP:
        text = text.replace(f"](../{name})", f"]({name.lower()})")
    text = text.replace("](../README.md#start)", "](tour.md)")
    chapters = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        pages = re.findall(r"\]\(([a-z_]+)\.md\)", part)
        if pages:
            chapters.append("```{toctree}\n:hidden:\n:maxdepth: 1\n:caption: " + part.splitlines()[0] + "\n\n" + "\n".join(pages) + "\n```\n")
    index.write_text(text + "\n" + "\n".join(chapters), encoding="utf-8")


# ---------------------------------------------------------------- C++ API


def with_equations(header):
    """The text of a header in which indented lines of a doc comment, which are equations, stay lines of their own."""
    lines, is_open, is_item = [], False, False
    for line in header.splitlines():
        comment = re.match(r"( *)///( *)(.*)", line)
        is_indented = comment is not None and len(comment.group(2)) > 2 and comment.group(3) != ""
        if comment and not is_indented and comment.group(3):
            is_item = comment.group(3).startswith(("- ", "@param", "@return", "|", "<"))
        elif not comment:
            is_item = False
        is_equation = is_indented and not is_item
        if is_equation != is_open:
            mark = "@endverbatim" if is_open else "@verbatim"
            lines.append(f"{comment.group(1) if comment else indent}/// {mark}")
        if comment:
            indent = comment.group(1)
        is_open = is_equation
        lines.append(line)
    return "\n".join(lines) + "\n"


def write_plain(tree, path):
    """Writes Doxygen's XML; what it took as it stands, the equations, has lost the signs of a comment."""
    for equations in tree.iter("verbatim"):
        text = re.sub(r"^ *///", "", equations.text or "", flags=re.MULTILINE)
        equations.text = textwrap.dedent(text).strip("\n ")
    tree.write(path, encoding="UTF-8", xml_declaration=True)


def arrange_by_header(xml):
    """Leaves out what is private. Doxygen lists functions under their namespace; the page of a header would then declare the
    namespace, once for each header, so they are moved to the header."""
    members = {}
    for path in xml.glob("namespace*.xml"):
        for section in ElementTree.parse(path).iter("sectiondef"):
            for member in section.findall("memberdef"):
                members.setdefault(member.find("location").get("file"), []).append((section.get("kind"), member))
    for path in xml.glob("*_8hpp.xml"):
        tree = ElementTree.parse(path)
        definition = tree.getroot().find("compounddef")
        for namespace in definition.findall("innernamespace"):
            definition.remove(namespace)
        for section in definition.findall("sectiondef"):
            definition.remove(section)
        sections = {}
        for kind, member in members.get(definition.find("location").get("file"), []):
            if kind not in sections:
                sections[kind] = ElementTree.SubElement(definition, "sectiondef", kind=kind)
            sections[kind].append(member)
        write_plain(tree, path)
    for path in [*xml.glob("class*.xml"), *xml.glob("struct*.xml")]:
        tree = ElementTree.parse(path)
        definition = tree.getroot().find("compounddef")
        for section in definition.findall("sectiondef"):
            if section.get("kind").startswith("private") or section.get("kind") == "friend":
                definition.remove(section)
        write_plain(tree, path)


def write_api(source, output):
    """Doxygen's XML of include/rhoflux, and a page for each folder: its README, then its headers."""
    xml = output / "doxygen"
    shutil.rmtree(xml, ignore_errors=True)
    xml.mkdir(parents=True)
    configuration = (SITE / "Doxyfile").read_text(encoding="utf-8")
    headers = output / "include"
    shutil.rmtree(headers, ignore_errors=True)
    for path in sorted((ROOT / "include").rglob("*.hpp")):
        copy = headers / path.relative_to(ROOT / "include")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(with_equations(path.read_text(encoding="utf-8")), encoding="utf-8")
    configuration += f'\nINPUT = "{headers}"\nSTRIP_FROM_PATH = "{headers}"\nOUTPUT_DIRECTORY = "{xml}"\n'
    result = subprocess.run(["doxygen", "-"], input=configuration, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    warnings = [line for line in result.stderr.splitlines() if line.strip()]
    if result.returncode != 0 or warnings:
        fail("Doxygen warns:", *warnings)
    arrange_by_header(xml / "xml")
    api = source / "api"
    api.mkdir()
    folders = sorted((path for path in (ROOT / "include/rhoflux").iterdir() if path.is_dir() and any(path.glob("*.hpp"))),
                     key=lambda path: (FOLDERS_IN_ORDER.index(path.name) if path.name in FOLDERS_IN_ORDER else 99, path.name))
    for folder in folders:
        readme = ROOT / "src" / folder.name / "README.md"
        lines = readme.read_text(encoding="utf-8").splitlines() if readme.exists() else [f"# {folder.name}"]
        lines += ["", "## Headers", ""]
        for header in sorted(folder.glob("*.hpp")):
            lines += [f"### {header.name}", "", f"    #include \"rhoflux/{folder.name}/{header.name}\"", "", "```{eval-rst}",
                      f".. doxygenfile:: rhoflux/{folder.name}/{header.name}", "```", ""]
        (api / f"{folder.name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = "\n".join(folder.name for folder in folders)
    (api / "index.md").write_text(
        "# C++ API\n\nThe headers of `include/rhoflux`, by folder, in the order in which they depend on each other. A page begins with the "
        "README of the folder.\n\n```{toctree}\n:maxdepth: 1\n\n" + names + "\n```\n", encoding="utf-8")


# ---------------------------------------------------------------- links


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.anchors, self.targets = set(), []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.targets.append(value)


def is_elsewhere(target):
    return re.match(r"[a-z][a-z0-9+.-]*:|//", target) is not None


def dead_links_of_site(folder):
    pages = {}
    for path in sorted(folder.rglob("*.html")):
        pages[path] = Links()
        pages[path].feed(path.read_text(encoding="utf-8"))
    dead = []
    for path, links in pages.items():
        for target in links.targets:
            if is_elsewhere(target):
                continue
            place, _, anchor = target.partition("#")
            file = (path.parent / unquote(place.partition("?")[0])).resolve() if place else path
            if not file.exists():
                dead.append(f"{path.relative_to(folder)}: {target}")
            elif anchor and file in pages and unquote(anchor) not in pages[file].anchors and anchor != "":
                dead.append(f"{path.relative_to(folder)}: {target}: no such anchor")
    return dead, len(pages)


def slug(heading):
    """The anchor that GitHub gives a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def dead_links_of_markdown():
    """Links between the Markdown files of the source, as a reader of the repository follows them."""
    dead = []
    anchors = {}
    paths = [*sorted(ROOT.glob("*.md")), *sorted(SITE.parent.glob("*.md")), *sorted((ROOT / "src").glob("*/README.md"))]
    for path in paths:
        text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        anchors[path] = {slug(heading) for heading in re.findall(r"^#+ +(.*)$", text, flags=re.MULTILINE)}
    for path in paths:
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if is_elsewhere(target):
                continue
            place, _, anchor = target.partition("#")
            file = (path.parent / place).resolve() if place else path
            if not file.exists():
                dead.append(f"{path.relative_to(ROOT)}: {target}")
            elif anchor and anchor not in anchors.get(file, {anchor}):
                dead.append(f"{path.relative_to(ROOT)}: {target}: no such heading")
    return dead


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--program", help="the built rhoflux, for the pages of commands and deck keys")
    parser.add_argument("--version", default="")
    parser.add_argument("--draft", action="store_true", help="without the C++ API")
    arguments = parser.parse_args()
    dead = dead_links_of_markdown()
    if dead:
        fail("Links in Markdown files that lead nowhere:", *dead)
    use_an_interpreter_with_the_modules()

    output = arguments.output.resolve()
    source, html = output / "source", output / "html"
    stage(source, arguments.program)
    if arguments.draft:
        (source / "api").mkdir()
        (source / "api/index.md").write_text("# C++ API\n\nLeft out of this draft.\n", encoding="utf-8")
    else:
        write_api(source, output)
    index = source / "index.md"
    index.write_text(index.read_text(encoding="utf-8") + "\n```{toctree}\n:hidden:\n:caption: Reference\n\napi/index\n```\n", encoding="utf-8")
    # From the beginning: Sphinx takes very long to forget the C++ declarations of an earlier run.
    for folder in (html, output / "doctrees"):
        shutil.rmtree(folder, ignore_errors=True)
    environment = {**os.environ, "RHOFLUX_DOCS_XML": str(output / "doxygen/xml"), "RHOFLUX_DOCS_VERSION": arguments.version}
    result = subprocess.run([sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-j", "auto",
                             "-d", str(output / "doctrees"), str(source), str(html)], env=environment)
    if result.returncode != 0:
        fail("Sphinx warns; see above")
    dead, n_pages = dead_links_of_site(html)
    if dead:
        fail("Links of the site that lead nowhere:", *dead)
    print(f"{html / 'index.html'}: {n_pages} pages, every link between them leads somewhere")


if __name__ == "__main__":
    main()
