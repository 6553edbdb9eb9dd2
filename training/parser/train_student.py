"""Trains the parser that ships. `python train_student.py --help`"""
import argparse
import dataclasses
import random
import time
import torch
from safetensors.torch import load_file
from batches import PieceCache, length_batches, to_device
from conllu import read_conllu
from features import WordFeatures, student_batch
from scoring import accuracy, gold_loss
from student import Student
from wordpiece import load_vocabulary

p = argparse.ArgumentParser(description=__doc__)
p.add_argument("--treebank", default="../../../shared/data/ud_english_ewt")
p.add_argument("--minilm", required=True)
p.add_argument("--out", required=True)
p.add_argument("--epochs", type=int, default=14)
p.add_argument("--words", type=int, default=1200)
p.add_argument("--rate", type=float, default=3e-3)
p.add_argument("--hidden", type=int, default=96)
p.add_argument("--longest", type=int, default=60)
p.add_argument("--minutes", type=float, default=1e9, help="the learning rate reaches zero by then at the latest")
p.add_argument("--device", default="cpu")
p.add_argument("--seed", type=int, default=1)
a = p.parse_args()

torch.manual_seed(a.seed)
rng = random.Random(a.seed)
features = WordFeatures(PieceCache(load_vocabulary(f"{a.minilm}/vocab.txt")))
frozen = load_file(f"{a.minilm}/model.safetensors")["embeddings.word_embeddings.weight"].float()
train = [s for s in read_conllu(f"{a.treebank}/train.conllu.gz") if len(s.words) <= a.longest]
dev = read_conllu(f"{a.treebank}/dev.conllu.gz")
model = Student(frozen, hidden=a.hidden).to(a.device)
dense = torch.optim.Adam(model.dense_parameters(), lr=a.rate, betas=(0.9, 0.95))
sparse = torch.optim.SparseAdam(model.sparse_parameters(), lr=a.rate, betas=(0.9, 0.95))


def like_a_prompt(s):
    """Now and then without its final stop, or in lower case: prompts are written so."""
    dice = rng.random()
    words = s.words
    if dice < 0.08 and len(words) > 2 and s.upos[-1] == "PUNCT" and len(words) not in s.heads:
        return dataclasses.replace(s, words=words[:-1], upos=s.upos[:-1], heads=s.heads[:-1], deprels=s.deprels[:-1])
    if dice < 0.14:
        return dataclasses.replace(s, words=[w.lower() for w in words])
    return s


plan = [b for e in range(a.epochs) for b in length_batches(train, a.words, a.seed * 100 + e)]
per_epoch, start, running, best = len(plan) // a.epochs, time.time(), 0.0, 0.0
print(len(plan), "steps;", sum(q.numel() for q in model.dense_parameters()), "dense parameters", flush=True)
sample = [to_device(student_batch([dev[i] for i in b], features), a.device) for b in length_batches(dev, 3000, 0)]
step = 0
while True:
    done = max(step / len(plan), (time.time() - start) / 60 / a.minutes)
    if done >= 1 or step == len(plan):
        break
    scale = min(1.0, (step + 1) / 100) * (1 - done) ** 0.9
    for group in dense.param_groups + sparse.param_groups:
        group["lr"] = a.rate * scale
    model.train()
    batch = to_device(student_batch([like_a_prompt(train[i]) for i in plan[step]], features), a.device)
    loss = gold_loss(model, batch, model(batch))
    dense.zero_grad(set_to_none=True)
    sparse.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.dense_parameters(), 5.0)
    dense.step()
    sparse.step()
    running += loss.item()
    step += 1
    if step % 50 == 0:
        print(f"step {step} loss {running / 50:.3f} {time.time() - start:.0f} s", flush=True)
        running = 0.0
    if step % per_epoch == 0:
        scores = accuracy(model, sample)
        print("epoch", step // per_epoch, "dev UPOS UAS LAS", scores, f"{time.time() - start:.0f} s", flush=True)
        torch.save(model.state_dict(), a.out + ".last")
scores = accuracy(model, sample)
print("final dev UPOS UAS LAS", scores, f"{time.time() - start:.0f} s", flush=True)
torch.save(model.state_dict(), a.out)
