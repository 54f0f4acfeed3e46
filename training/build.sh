#!/usr/bin/env bash
# All of it, from Teachable Machine's weights to those of the package, as training/README.md tells.
# Start it again if it was cut off: what is finished is not done again.
#
#   bash training/build.sh ../shared/faces ../shared/models/teachablemachine-image-model.zip build/expression
set -euo pipefail
faces=$1 start=$2 out=$3
here=$(dirname "$0")
python=${PYTHON:-build/training/bin/python}

train() { "$python" "$here/train.py" --faces "$faces" --start "$start" --out "$out" --only "$@"; }
silence() { "$python" "$here/quiet.py" --faces "$faces" --weights "$out/$1.npz" --out "$out/$2.npz"; }

train first second third
[ -e "$out/quiet.npz" ] || silence third quiet
[ -e "$out/quiet.head.npz" ] || "$python" "$here/top.py" --faces "$faces" --weights "$out/quiet.npz"
train fourth
silence fourth mien_expression
