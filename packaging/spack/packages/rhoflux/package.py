from pathlib import Path

from spack.package import *


class Rhoflux(CMakePackage):
    """Learns how populations move: a density and the drift of a diffusion that generates it, as one model in which the
    Fokker-Planck equation, positivity and unit mass hold exactly."""

    # The clone of rhoflux that this recipe is part of.
    git = Path(__file__).resolve().parents[4].as_uri()

    version("main", branch="main")

    variant("tools", default=True, description="The Python packages that the tools draw and convert with")

    depends_on("c", type="build")  # CMake finds HDF5 with it
    depends_on("cxx", type="build")
    depends_on("cmake@3.22:", type="build")
    depends_on("git", type="build")

    depends_on("mpi")
    depends_on("hdf5@1.10: +mpi+hl")
    depends_on("kokkos@3.4: +serial")
    depends_on("kokkos-kernels +serial+blas")
    depends_on("boost@1.71: +program_options")
    depends_on("random123")
    depends_on("lemon")
    depends_on("nanoflann")
    depends_on("openssl")
    depends_on("zlib-api")
    depends_on("libzip")
    depends_on("nlohmann-json")
    depends_on("googletest", type="test")

    with when("+tools"):
        depends_on("python@3.9:", type=("run", "test"))
        depends_on("py-numpy", type=("run", "test"))
        depends_on("py-h5py", type=("run", "test"))
        depends_on("py-matplotlib", type=("run", "test"))

    conflicts("kokkos +cuda", msg="build it by hand for a GPU (docs/building.md)")

    def cmake_args(self):
        return [
            self.define("RHOFLUX_NATIVE", False),  # Spack's compiler wrapper says for which processor
            self.define("RHOFLUX_TESTS", self.run_tests),
            self.define("RHOFLUX_BENCHMARKS", False),
        ]

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        Executable(self.prefix.bin.rhoflux)("--version")
