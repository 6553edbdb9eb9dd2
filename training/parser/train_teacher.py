"""Fine-tunes the teacher on UD English EWT. `python train_teacher.py --help`"""
import argparse
import time
import torch
from batches import PieceCache, length_batches, teacher_batch, to_device
from conllu import read_conllu
from scoring import accuracy, gold_loss
from teacher import Teacher
from wordpiece import load_vocabulary

p = argparse.ArgumentParser(description=__doc__)
p.add_argument("--treebank", default="../../../shared/data/ud_english_ewt")
p.add_argument("--minilm", required=True, help="folder with config.json, vocab.txt, model.safetensors of all-MiniLM-L6-v2")
p.add_argument("--out", required=True)
p.add_argument("--epochs", type=int, default=4)
p.add_argument("--words", type=int, default=1400, help="padded words per batch")
p.add_argument("--rate", type=float, default=2e-4)
p.add_argument("--head-rate", type=float, default=1.5e-3)
p.add_argument("--longest", type=int, default=60, help="longer sentences are left out of training")
p.add_argument("--device", default="cpu")
p.add_argument("--seed", type=int, default=1)
a = p.parse_args()

torch.manual_seed(a.seed)
cache = PieceCache(load_vocabulary(f"{a.minilm}/vocab.txt"))
train = [s for s in read_conllu(f"{a.treebank}/train.conllu.gz") if len(s.words) <= a.longest]
dev = read_conllu(f"{a.treebank}/dev.conllu.gz")
model = Teacher(a.minilm).to(a.device)
body = [q for q in model.encoder.parameters() if q.requires_grad]
heads = [q for n, q in model.named_parameters() if not n.startswith("encoder.")]
optimiser = torch.optim.AdamW([{"params": body, "lr": a.rate}, {"params": heads, "lr": a.head_rate}], weight_decay=0.01,
                              betas=(0.9, 0.98))
plan = [b for e in range(a.epochs) for b in length_batches(train, a.words, a.seed * 100 + e)]
warm = len(plan) // 10
schedule = torch.optim.lr_scheduler.LambdaLR(
    optimiser, lambda i: min((i + 1) / warm, max(0.01, (len(plan) - i) / (len(plan) - warm))))
start, running = time.time(), 0.0
print(len(plan), "steps", flush=True)


def check(step):
    sample = [to_device(teacher_batch([dev[i] for i in b], cache), a.device) for b in length_batches(dev, 3000, 0)]
    print("dev UPOS UAS LAS", accuracy(model, sample), f"{time.time() - start:.0f} s", flush=True)
    torch.save({"step": step, "model": {k: v.half() for k, v in model.state_dict().items() if k != "encoder.words"}}, a.out)


per_epoch = len(plan) // a.epochs
for step, indices in enumerate(plan):
    model.train()
    batch = to_device(teacher_batch([train[i] for i in indices], cache), a.device)
    loss = gold_loss(model, batch, model(batch))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    schedule.step()
    running += loss.item()
    if step % 20 == 19:
        print(f"step {step + 1} loss {running / 20:.3f} {time.time() - start:.0f} s", flush=True)
        running = 0.0
    if (step + 1) % per_epoch == 0:
        check(step)
check(len(plan))
