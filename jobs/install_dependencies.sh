#!/usr/bin/env bash
# Installs what building, running and testing rhoflux needs on Debian 12 or Ubuntu. Does nothing, and needs no
# network, where all of it is there. On a cluster use its modules instead (README.md).
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
  nlohmann-json3-dev                           # figures as JSON
  libgtest-dev                                 # unit tests
  python3 python3-numpy python3-h5py           # tools/, and regression tests that read the files
  python3-matplotlib python3-pil               # pictures of tools/
)

if ! command -v dpkg-query > /dev/null; then
  echo "install_dependencies: not Debian or Ubuntu, nothing is installed; CMake will name what it misses" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2> /dev/null || true)
  if ! grep -qx installed <<< "$status"; then missing+=("$package"); fi
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

if [ "$(id -u)" -eq 0 ]; then
  as_root=(env)
elif command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
  as_root=(sudo env)
else
  echo "install_dependencies: packages are missing, and installing them needs root. Ask for:" >&2
  echo "  apt-get install ${missing[*]}" >&2
  exit 1
fi

echo "Installing: ${missing[*]}"
"${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get update -q
"${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
