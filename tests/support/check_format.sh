#!/usr/bin/env bash
# Fails if clang-format would change a source file; exits 77 (skipped) where clang-format 14 is not installed,
# since other versions lay out some constructs differently.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

formatter=""
for candidate in clang-format-14 clang-format; do
  if command -v "$candidate" > /dev/null && "$candidate" --version | grep -q 'version 14\.'; then
    formatter="$candidate"
    break
  fi
done
if [ -z "$formatter" ]; then
  echo "skipped: clang-format 14 is not installed (Debian: apt-get install clang-format-14)"
  exit 77
fi

list_sources() {
  if git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard -- '*.hpp' '*.cpp'
  else
    find include src tests benchmarks \( -name '*.hpp' -o -name '*.cpp' \) -print0
  fi
}

wrong=()
while IFS= read -r -d '' file; do
  # A file may be in git's index and already removed from the folder.
  if [ -f "$file" ] && ! "$formatter" --dry-run -Werror "$file" 2> /dev/null; then wrong+=("$file"); fi
done < <(list_sources)
if [ ${#wrong[@]} -gt 0 ]; then
  echo "clang-format would change ${#wrong[@]} files. To let it: $formatter -i ${wrong[*]}"
  exit 1
fi
