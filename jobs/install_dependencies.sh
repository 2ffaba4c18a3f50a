#!/usr/bin/env bash
# Installs what building, running and testing rhoflux needs on Debian 12 or Ubuntu. Does nothing, and needs no
# network, where all of it is there. On a cluster use its modules instead (docs/building.md).
#   jobs/install_dependencies.sh                   building, running, testing
#   jobs/install_dependencies.sh --documentation   and what the site of the documentation needs, if it can be had
#   jobs/install_dependencies.sh --style           and what checks the layout and the names of the sources, if it can be had
set -euo pipefail

packages=(
  g++ make cmake git ca-certificates           # building
  libopenmpi-dev openmpi-bin                   # MPI
  libhdf5-openmpi-dev                          # parallel HDF5
  libtrilinos-kokkos-dev                       # Kokkos
  libtrilinos-kokkos-kernels-dev               # KokkosKernels
  libopenblas-dev                              # matrix products
  libboost-program-options-dev                 # command line and decks
  librandom123-dev                             # counter-based random numbers
  liblemon-dev                                 # optimal transport
  libssl-dev                                   # SHA-256 of input files
  libnanoflann-dev                             # nearest rows in fate
  zlib1g-dev libzip-dev                        # compressed tables and NumPy files in import
  nlohmann-json3-dev                           # figures as JSON
  libgtest-dev                                 # unit tests
  python3 python3-numpy python3-h5py           # tools/, and regression tests that read the files
  python3-matplotlib python3-pil               # pictures of tools/
)
# The target docs and the test docs_site, which is skipped where one of these is missing.
documentation=(python3-sphinx python3-myst-parser python3-breathe doxygen)
# The tests clang_format and clang_tidy, which are skipped without.
style=(clang-format-14 clang-tidy)

if ! command -v dpkg-query > /dev/null; then
  echo "install_dependencies: not Debian or Ubuntu, nothing is installed; CMake will name what it misses" >&2
  exit 0
fi

missing=()
find_missing() {
  local package status
  missing=()
  for package in "$@"; do
    status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2> /dev/null || true)
    if ! grep -qx installed <<< "$status"; then missing+=("$package"); fi
  done
}

install_missing() {
  local as_root
  if [ "$(id -u)" -eq 0 ]; then
    as_root=(env)
  elif command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
    as_root=(sudo env)
  else
    echo "install_dependencies: packages are missing, and installing them needs root. Ask for:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "Installing: ${missing[*]}"
  "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get update -q &&
    "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

find_missing "${packages[@]}"
if [ ${#missing[@]} -gt 0 ]; then install_missing; fi

# A group that the tests can do without.
install_optional() {
  local purpose=$1
  shift
  find_missing "$@"
  if [ ${#missing[@]} -gt 0 ] && ! install_missing; then
    echo "install_dependencies: $purpose is left out" >&2
  fi
}

for option in "$@"; do
  case "$option" in
    --documentation) install_optional "the site of the documentation" "${documentation[@]}" ;;
    --style) install_optional "the check of layout and names" "${style[@]}" ;;
    *) echo "install_dependencies: unknown option $option" >&2; exit 2 ;;
  esac
done
