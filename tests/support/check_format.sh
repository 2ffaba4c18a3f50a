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

# Many files a process, for starting it takes longer than reading a file. A file may be in git's index and already removed
# from the folder.
found=0
said=$(list_sources | while IFS= read -r -d '' file; do if [ -f "$file" ]; then printf '%s\0' "$file"; fi; done |
  xargs -0 -n 40 -P "$(nproc)" "$formatter" --dry-run -Werror 2>&1) || found=1
if [ "$found" -ne 0 ]; then
  mapfile -t wrong < <(sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: error: .*/\1/p' <<< "$said" | sort -u)
  if [ ${#wrong[@]} -eq 0 ]; then printf '%s\n' "$said"; fi
  echo "clang-format would change ${#wrong[@]} files. To let it: $formatter -i ${wrong[*]}"
  exit 1
fi
