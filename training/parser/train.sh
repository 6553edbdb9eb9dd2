#!/bin/sh
# sh training/parser/train.sh <folder of all-MiniLM-L6-v2> [cpu|cuda]: treebank → public/parser/english-ewt.bin
set -eu
minilm=$(cd "$1" && pwd)
cd "$(dirname "$0")"
mkdir -p ../../checkpoints/parser
out=$(cd ../../checkpoints/parser && pwd)/student.pt
OMP_NUM_THREADS=1 python3 -u train_student.py --minilm "$minilm" --out "$out" --epochs 56 --anneal 25 --device "${2:-cpu}"
python3 export_student.py --minilm "$minilm" --model "$out" --piece-levels 20 --out ../../public/parser/english-ewt.bin \
  --goldens ../../src/prompt/parser/fixtures/goldens.json
