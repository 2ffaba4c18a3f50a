#!/usr/bin/env bash
# Fuzzes the deck parser, the importers (tables of text, gzip, NumPy, AnnData, dates) and the HDF5 readers with libFuzzer and the
# address and undefined-behaviour sanitizers.
#   tests/fuzz/run.sh            a minute each
#   tests/fuzz/run.sh 600        ten minutes each
# Needs Clang with its runtime (Debian: clang libclang-rt-14-dev). What is found is left in build/fuzz/findings; add it to
# tests/fuzz/corpus once it is fixed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. jobs/environment.sh
seconds="${1:-60}"

CXX=clang++ CC=clang cmake --preset fuzz > /dev/null
cmake --build build/fuzz --parallel "$(rhoflux_build_jobs)" --target fuzz_deck fuzz_csv fuzz_gz fuzz_npz fuzz_h5ad fuzz_dates fuzz_hdf5_content fuzz_hdf5 rhoflux

cd build/fuzz
mkdir -p findings work/{deck,csv,gz,npz,dates,h5ad,hdf5_content,hdf5} seeds
# HDF5: a small population and checkpoints of both families.
program=$PWD/src/apps/rhoflux
export ASAN_OPTIONS=detect_leaks=0
(
  cd seeds
  "$program" generate branching --count 20 --output data.h5 --force > /dev/null
  printf '[data]\nfile = data.h5\n[training]\nsteps = 2\n[model]\nhidden = 4\ncomponents = 2\ntime_features = 2\nmixture = 2\n' > deck.cfg
  for family in autoregressive factorised; do
    "$program" train deck.cfg --force "--model.family=$family" "--checkpoint.directory=$family" > /dev/null
    cp "$family/best.h5" "../work/hdf5/$family.h5"
  done
  cp data.h5 ../work/hdf5/data.h5
)

corpus=../../tests/fuzz/corpus
common=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix=findings/)
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
tests/fuzz/fuzz_deck "${common[@]}" -max_len=4096 work/deck "$corpus/deck" ../../inputs
tests/fuzz/fuzz_dates "${common[@]}" -max_len=1024 work/dates "$corpus/dates"
# Small files must not need much memory.
for reader in csv gz npz; do
  "tests/fuzz/fuzz_$reader" "${common[@]}" -malloc_limit_mb=200 -max_len=2048 "work/$reader" "$corpus/$reader"
done
# Leaks of HDF5 after its own errors are not ours.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
tests/fuzz/fuzz_h5ad "${common[@]}" -detect_leaks=0 -malloc_limit_mb=200 -len_control=0 -max_len=1024 work/h5ad "$corpus/h5ad"
tests/fuzz/fuzz_hdf5_content "${common[@]}" -detect_leaks=0 -max_len=1024 work/hdf5_content "$corpus/hdf5_content"
tests/fuzz/fuzz_hdf5 "${common[@]}" -detect_leaks=0 -max_len=131072 work/hdf5
