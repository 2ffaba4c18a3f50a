"""Holds the #include lines of each folder to the dependencies that its CMakeLists.txt names.

A folder has one or more targets, rhoflux_add_folder(name SOURCES .. LINK ..). A file may include what its target links,
directly or through others, and no more: headers of other folders, and those of the packages below. Also checked: targets do
not depend on each other in a circle; the numerical core needs Kokkos, KokkosKernels and Random123 alone; core, mpi and io
do without Kokkos; a source includes the header of its name first.

usage: check_includes.py SOURCE_DIRECTORY
"""

import re
import sys
from pathlib import Path

# Headers of packages, and the target that brings each.
PACKAGES = (
    (r"Kokkos_.*|KokkosBlas.*|cublas_v2\.h", "rhoflux_kokkos"),
    (r"Random123/.*", "rhoflux_random123"),
    (r"mpi\.h", "MPI::MPI_CXX"),
    (r"hdf5.*\.h", "rhoflux_hdf5"),
    (r"lemon/.*", "rhoflux_lemon"),
    (r"nanoflann\.hpp", "rhoflux_nanoflann"),
    (r"zlib\.h", "rhoflux_zlib"),
    (r"zip\.h", "rhoflux_libzip"),
    (r"openssl/.*", "rhoflux_openssl"),
    (r"boost/.*", "Boost::program_options"),
    (r"nlohmann/.*", "rhoflux_json"),
)
CORE = ("core", "device", "network", "density", "flux", "objectives", "transport", "optim", "metrics")
CORE_PACKAGES = {"rhoflux_kokkos", "rhoflux_random123"}
WITHOUT_KOKKOS = ("core", "mpi", "io")
OPTIONAL = {"rhoflux_lemon"}  # of metrics, where it was found
# The command line: target_link_libraries instead of rhoflux_add_folder.
OTHER_TARGETS = {"apps": "rhoflux", "library": "rhoflux_library"}


class Target:
    def __init__(self, folder, name, sources, links):
        self.folder, self.name, self.sources, self.links = folder, name, sources, links


def words(text):
    return re.sub(r"#.*", "", text).split()


def read_targets(root):
    """Targets by name, without the prefix rhoflux::."""
    targets = {}
    for path in sorted((root / "src").glob("*/CMakeLists.txt")):
        folder, text = path.parent.name, re.sub(r"#.*", "", path.read_text())
        for body in re.findall(r"rhoflux_add_folder\(([^)]*)\)", text):
            name, *rest = words(body)
            link = rest.index("LINK") if "LINK" in rest else len(rest)
            sources = [word for word in rest[:link] if word != "SOURCES"]
            targets[name] = Target(folder, name, sources, rest[link + 1:])
        if folder in OTHER_TARGETS:
            targets[folder] = Target(folder, folder, [], [])
        for name, body in re.findall(r"target_link_libraries\((\w+)([^)]*)\)", text):
            name = folder if name == OTHER_TARGETS.get(folder) else name.replace("rhoflux_", "", 1)
            targets[name].links += [word for word in words(body) if word not in ("PRIVATE", "PUBLIC", "INTERFACE")]
        for name, body in re.findall(r"target_sources\((\w+)([^)]*)\)", text):
            targets[name.replace("rhoflux_", "", 1)].sources += words(body)
    return targets


def closure(targets, name, path=()):
    """What a target links, through others too: names of targets and packages. Fails on a circle."""
    if name in path:
        raise SystemExit("targets depend on each other in a circle: " + " -> ".join(path + (name,)))
    found = set()
    for link in targets[name].links:
        link = link.replace("rhoflux::", "")
        found.add(link)
        if link in targets:
            found |= closure(targets, link, path + (name,))
    return found


def includes_of(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(), re.MULTILINE)


class Checker:
    def __init__(self, root):
        self.root, self.targets, self.errors = root, read_targets(root), []
        self.closures = {name: closure(self.targets, name) for name in self.targets}

    def owner(self, path):
        """The target of a file: the one that compiles the source of the same name, or else the folder's first of its name."""
        folder = path.parent.name
        for target in self.targets.values():
            if target.folder == folder and path.stem + ".cpp" in target.sources:
                return target
        return self.targets[folder]

    def allowed(self, target, header, seen=()):
        """Whether a file of a target may include a header of this project."""
        path = self.root / "include" / header
        if not path.exists():
            return header == "rhoflux/version.hpp"
        owner = self.owner(path)
        if owner is target or owner.name in self.closures[target.name]:
            return True
        # A header without a source, beside the configurations: if another target of its folder is linked, and what it includes may be.
        has_source = (self.root / "src" / owner.folder / (path.stem + ".cpp")).exists()
        linked = [t for t in self.targets.values() if t.folder == owner.folder and (t is target or t.name in self.closures[target.name])]
        return (not has_source and bool(linked) and header not in seen
                and all(self.allowed_include(target, include, seen + (header,)) for include in includes_of(path)))

    def allowed_include(self, target, include, seen=()):
        if include.startswith("rhoflux/"):
            return self.allowed(target, include, seen)
        return all(package in self.closures[target.name] for pattern, package in PACKAGES if re.fullmatch(pattern, include))

    def check_files(self):
        folders = {target.folder for target in self.targets.values()}
        files = [path for kind in ("src", "include/rhoflux") for folder in folders
                 for path in sorted((self.root / kind / folder).glob("*.[ch]*"))]
        for path in files:
            target = self.owner(path)
            for include in includes_of(path):
                if not self.allowed_include(target, include):
                    self.errors.append(f"{path.relative_to(self.root)} includes {include}, but the target {target.name} does not "
                                       f"link what brings it (src/{target.folder}/CMakeLists.txt)")
            self.check_first(path)
        return len(files)

    def check_first(self, source):
        """A source includes the header of its name first, so that it cannot be compiled unless the header stands alone."""
        header = f"rhoflux/{source.parent.name}/{source.stem}.hpp"
        if source.suffix == ".cpp" and (self.root / "include" / header).exists() and includes_of(source)[:1] != [header]:
            self.errors.append(f"{source.relative_to(self.root)} does not include {header} first")

    def check_folders(self):
        for folder in CORE + ("mpi", "io"):
            for target in self.targets.values():
                if target.folder != folder:
                    continue
                found = {link for link in self.closures[target.name] if link not in self.targets}
                if folder in CORE and found - CORE_PACKAGES - OPTIONAL:
                    self.errors.append(f"{target.name}, of the numerical core, links {', '.join(sorted(found - CORE_PACKAGES))}")
                if folder in WITHOUT_KOKKOS and "rhoflux_kokkos" in found:
                    self.errors.append(f"{target.name} links Kokkos, which core, mpi and io do without")
        known = {package for _, package in PACKAGES}
        for target in self.targets.values():
            unknown = [link for link in target.links if not link.startswith(("rhoflux::", "rhoflux_flags")) and link not in known]
            if unknown:
                self.errors.append(f"{target.name} links {', '.join(unknown)}: add its headers to tests/support/check_includes.py")


def main():
    checker = Checker(Path(sys.argv[1]))
    n_files = checker.check_files()
    checker.check_folders()
    print("\n".join(checker.errors) or f"{n_files} files of {len(checker.targets)} targets include what their targets link")
    sys.exit(1 if checker.errors or n_files < 50 else 0)


main()
