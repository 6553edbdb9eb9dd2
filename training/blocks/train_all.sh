#!/bin/sh
# Renders and trains everything, in order: sh training/blocks/train_all.sh CACHE [DEVICE] [WORKERS]. Killed, it goes on where it was when it
# is started again. Logs: CACHE/logs; trained models: CACHE/models.
set -eu
cache=$1
device=${2:-cpu}
workers=${3:-2}
cd "$(dirname "$0")"
mkdir -p "$cache/logs" "$cache/checkpoints"
# Threads that wait asleep: spinning, they would take the time of whatever else runs here.
export OMP_WAIT_POLICY=passive KMP_BLOCKTIME=0 PYTHONUNBUFFERED=1 TRANSFORMERS_VERBOSITY=error
python3 dataset.py --cache "$cache" --split validation --workers 1 >>"$cache/logs/dataset.log" 2>&1
python3 dataset.py --cache "$cache" --workers "$workers" >>"$cache/logs/dataset.log" 2>&1 &
rendering=$!
trap 'kill $rendering 2>/dev/null || true' EXIT
# Training starts with the first shard; later ones are taken in as they are finished.
while [ ! -e "$cache/data/train-0000.json" ]; do sleep 5; kill -0 $rendering; done
for model in autoencoder clip unet pasd; do
  if [ -e "$cache/models/$model.done" ]; then continue; fi
  python3 "train_$model.py" --cache "$cache" --device "$device" >>"$cache/logs/$model.log" 2>&1
  mkdir -p "$cache/models" && touch "$cache/models/$model.done"
done
wait $rendering
