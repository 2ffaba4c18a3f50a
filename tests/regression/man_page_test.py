"""The man page and the completion for bash, which are made from the tables of options: nothing that --help names is missing."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import check, main, succeed  # noqa: E402


def commands():
    found = re.findall(r"^  ([a-z]+)  +\S", succeed("--help").split("Options")[0], re.MULTILINE)
    check(len(found) >= 10 and "train" in found, f"commands: {found}")
    return found


def options(command):
    found = re.findall(r"^  (?:-h, )?(--[a-z-]+)(?: (\S+))?", succeed(command, "--help"), re.MULTILINE)
    return [(name, value) for name, value in found if name != "--section"]


def deck_keys():
    section, found = "", []
    for line in succeed("train", "--help-deck").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            found.append(f"{section}.{line.split(' =')[0]}")
    check(len(found) > 50 and "training.steps" in found, f"{len(found)} keys of the deck")
    return found


def test_man_page_is_complete(folder):
    page = succeed("--man")
    check(page == succeed("--man"), "the page is not the same twice")
    check(re.match(r'\.TH RHOFLUX 1 "" "rhoflux [0-9.]+"', page), f"a date in {page.splitlines()[0]}")
    text = re.sub(r"\\f[BIR]", "", page).replace("\\-", "-")
    for command in commands():
        part = text.split(f'.SS "rhoflux {command}"\n')
        check(len(part) == 2, f"{command} has no part of its own in the man page")
        part = part[1].split("\n.SS ")[0].split("\n.SH ")[0]
        for name, value in options(command):
            line = f"{name} {value}".rstrip()
            check(re.search(rf"^(-h, )?{re.escape(line)}$", part, re.MULTILINE), f"{command}: {line} is not in the man page")
        check(f"rhoflux {command} " in part, f"{command}: no usage line")
    for key in deck_keys():
        section, _, name = key.partition(".")
        part = text.split(f'.SS "[{section}]"\n')[1].split("\n.SS ")[0]
        check(f"\n.TP\n{name}\n" in "\n" + part, f"{key} is not in the man page")
    for title in ("EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"):
        check(f"\n.SH {title}\n" in text, f"no section {title}")
    for code in (0, 2, 3, 4, 75):
        check(re.search(rf"^{code}$", text.split(".SH EXIT STATUS")[1].split(".SH ")[0], re.MULTILINE), f"no exit code {code}")


def test_man_page_is_good_roff(folder):
    (folder / "rhoflux.1").write_text(succeed("--man"))
    if not shutil.which("groff"):
        print("left out: there is no groff, which would check the man page")
        return
    result = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", "rhoflux.1"], cwd=folder, stderr=subprocess.PIPE, text=True)
    check(result.returncode == 0 and not result.stderr, f"groff: {result.stderr}")
    shown = subprocess.run(["groff", "-man", "-Tascii", "-P-c", "rhoflux.1"], cwd=folder, stdout=subprocess.PIPE, text=True).stdout
    shown = re.sub(r".\x08", "", shown)
    for word in ("RHOFLUX(1)", "--model-samples", "--section.key=value", "'key = value'", "dX = u dt + g dW"):
        check(word in shown, f"'{word}' is not in the page that groff shows")


class Completion:
    def __init__(self, folder):
        self.folder = folder
        (folder / "rhoflux").write_text(succeed("--bash-completion"))

    def __call__(self, *words, program="rhoflux"):
        """What bash offers for the last of the words, which stand as it splits them."""
        script = ('source ./rhoflux; complete -p rhoflux > /dev/null || exit 9; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
                  '_rhoflux || exit 8; printf "%s\\n" "${COMPREPLY[@]}"')
        result = subprocess.run(["bash", "--norc", "-u", "-c", script, "bash", program, *words], cwd=self.folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        check(result.returncode == 0 and not result.stderr, f"completion of {words}: {result}")
        return sorted(result.stdout.split("\n")[:-1]) if result.stdout != "\n" else []


def test_completion(folder):
    if not shutil.which("bash"):
        print("left out: there is no bash")
        return
    offered = Completion(folder)
    for name in ("deck.cfg", "data.h5", "with blank.h5"):
        (folder / name).touch()
    files = sorted(path.name for path in folder.iterdir())
    check(offered("") == sorted([*commands(), "--help", "--version"]), f"commands: {offered('')}")
    check(offered("tr") == ["train", "transport"], "tr")
    for command in commands():
        expected = sorted(name for name, _ in options(command))
        found = offered(command, "--")
        check([name for name in found if not name.endswith(".")] == expected, f"{command}: {found}, expected {expected}")
        # Choices stand in the help as a|b|c, files as FILE, a number as N; a flag has no value.
        for name, value in options(command):
            if not value:
                continue
            words = [word for word in value.split("|") if word.islower() and "|" in value]
            expected = sorted([*words, *(files if "FILE" in value else [])])
            check(offered(command, name, "") == expected, f"{command} {name} {value}: {offered(command, name, '')}")
    check(offered("evaluate", "m.h5", "--split", "t") == ["test", "train"], "--split t")
    check(offered("evaluate", "m.h5", "--split", "=", "v") == ["val"], "--split=v")
    check(offered("evaluate", "m.h5", "--split", "=") == ["all", "test", "train", "val"], "--split=")
    check(offered("sample", "--count", "3", "") == files and offered("sample", "--force", "da") == ["data.h5"], "files")
    check(offered("sample", "with") == ["with blank.h5"], "a name with a blank")
    check("pinwheel" in offered("generate", "") and offered("generate", "o") == ["ou"], "names of populations")


def test_completion_of_the_deck(folder):
    if not shutil.which("bash"):
        print("left out: there is no bash")
        return
    offered = Completion(folder)
    (folder / "data.h5").touch()
    keys = deck_keys()
    sections = sorted({f"--{key.split('.')[0]}." for key in keys})
    check([name for name in offered("train", "--") if name.endswith(".")] == sections, "sections of the deck")
    check("--help-deck" in offered("train", "--help"), "--help-deck")
    for section in sections:
        expected = sorted(f"--{key}=" for key in keys if f"--{key}".startswith(section))
        check(offered("train", "deck.cfg", section) == expected, f"keys of {section}")
    check(offered("evaluate", "--training.") == [], "keys of the deck for a command that has no deck")
    check(offered("train", "--training.precision", "=", "") == ["double", "single"], "words of a key")
    check(offered("train", "--training.precision", "=", "s") == ["single"], "a word of a key")
    check(offered("train", "--training.precision=s") == ["--training.precision=single"], "where = is no word of its own")
    check(offered("train", "--model.family", "=") == ["autoregressive", "factorised"], "words after =")
    check(offered("train", "--data.file", "=", "da") == ["data.h5"], "the file of a key")
    check(offered("train", "--training.steps", "=", "") == [], "a number")


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")])
