"""Trains the parser that ships. `python train_student.py --help`"""
import argparse
import os
import random
import time
import torch
from safetensors.torch import load_file
from torch.nn import functional as F
from batches import PieceCache, length_batches, to_device
from conllu import read_conllu
from features import WordFeatures, student_batch
from fragments import like_a_prompt
from scoring import accuracy, gold_loss
from student import Student
from wordpiece import load_vocabulary

p = argparse.ArgumentParser(description=__doc__)
p.add_argument("--treebank", default="../../../shared/data/ud_english_ewt")
p.add_argument("--minilm", required=True)
p.add_argument("--out", required=True)
p.add_argument("--epochs", type=int, default=60)
p.add_argument("--anneal", type=int, default=20, help="over this many last epochs the learning rate falls to zero")
p.add_argument("--anneal-file", help="a file that, once it holds a number, starts the annealing over so many epochs; then "
               "--epochs and --anneal are what the log says at the end")
p.add_argument("--words", type=int, default=1200, help="padded words per batch")
p.add_argument("--rate", type=float, default=3e-3)
p.add_argument("--hidden", type=int, default=160)
p.add_argument("--word", type=int, default=128, help="width of a piece's vector")
p.add_argument("--longest", type=int, default=60)
p.add_argument("--device", default="cpu")
p.add_argument("--seed", type=int, default=1)
a = p.parse_args()

torch.manual_seed(a.seed)
rng = random.Random(a.seed)
features = WordFeatures(PieceCache(load_vocabulary(f"{a.minilm}/vocab.txt")))
frozen = load_file(f"{a.minilm}/model.safetensors")["embeddings.word_embeddings.weight"].float()
train = [s for s in read_conllu(f"{a.treebank}/train.conllu.gz") if len(s.words) <= a.longest]
dev = read_conllu(f"{a.treebank}/dev.conllu.gz")
model = Student(frozen, hidden=a.hidden, word=a.word).to(a.device)
dense = torch.optim.Adam(model.dense_parameters(), lr=a.rate, betas=(0.9, 0.95))
sparse = torch.optim.SparseAdam(model.sparse_parameters(), lr=a.rate, betas=(0.9, 0.95))
sample = [to_device(student_batch([dev[i] for i in b], features), a.device) for b in length_batches(dev, 3000, 0)]
print(sum(q.numel() for q in model.dense_parameters()), "dense parameters", flush=True)
start, running, step, epoch = time.time(), 0.0, 0, 0
epochs, anneal = (10 ** 9, 1) if a.anneal_file else (a.epochs, a.anneal)

while epoch < epochs:
    if a.anneal_file and epochs == 10 ** 9 and os.path.exists(a.anneal_file):
        anneal = int(open(a.anneal_file).read())
        epochs = epoch + anneal
        print("annealing: --epochs", epochs, "--anneal", anneal, flush=True)
    plan = length_batches(train, a.words, a.seed * 100 + epoch)
    for i, chosen in enumerate(plan):
        at = epoch + i / len(plan)
        # Slowly falling, so that annealing may begin at any time; then straight to zero.
        scale = min(1.0, (step + 1) / 100) / (1 + at / 12) ** 0.5 * min(1.0, (epochs - at) / anneal)
        for group in dense.param_groups + sparse.param_groups:
            group["lr"] = a.rate * scale
        model.train()
        batch = to_device(student_batch([like_a_prompt(train[j], rng) for j in chosen], features), a.device)
        loss = gold_loss(model, batch, model(batch))
        (loss + 0.5 * F.cross_entropy(model.fine.flatten(0, 1), batch["xpos"].flatten())).backward()
        torch.nn.utils.clip_grad_norm_(model.dense_parameters(), 5.0)
        dense.step()
        sparse.step()
        dense.zero_grad(set_to_none=True)
        sparse.zero_grad(set_to_none=True)
        running += loss.item()
        step += 1
    epoch += 1
    print(f"epoch {epoch} loss {running / len(plan):.3f} dev UPOS UAS LAS", accuracy(model, sample),
          f"{time.time() - start:.0f} s", flush=True)
    running = 0.0
    torch.save(model.state_dict(), a.out + ".last")
torch.save(model.state_dict(), a.out)
