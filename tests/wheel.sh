#!/usr/bin/env bash
# README's first command, in a new environment: from a source distribution of this tree pip builds
# and installs the wheel. What was installed then runs elsewhere: doctor, three chapters, and the
# browser tests of a learner's first steps. Needs README's test environment, in .venv or as $1.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
tested=$(realpath "${1:-.venv}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export OMP_NUM_THREADS=1

"$tested/bin/python" -m hatchling build -t sdist -d "$folder"
tar xf "$folder"/lrcourse-*.tar.gz -C "$folder" && cd "$folder"/lrcourse-*/
install=$(sed -n '/^```bash$/{n;s/ && [^&]*lrcourse lab$//p;q}' README.md)
echo "$install" && bash -c "$install" >"$folder/pip.log" || { cat "$folder/pip.log"; exit 1; }
rm -rf chapters solutions lrcourse  # what follows must come from the wheel
bin=$PWD/.venv/bin
cd "$folder"

"$bin/lrcourse" doctor
"$bin/python" -c '
from pathlib import Path
from lrcourse.course.workspace import course_folder, deliver
print(*deliver(Path("work"), course_folder(), "0"), sep="\n")'
"$bin/jupyter" execute --timeout=900 work/chapters/{00,04,14}_*.ipynb
cd "$here"
LRCOURSE_COMMAND=$bin/lrcourse "$tested/bin/pytest" tests/browser/test_end_to_end.py
