"""Writes the trained parser as one file of int8 rows for src/prompt/parser/parserWeights.ts, and golden cases for its tests.

Layout: "GRPARSER", uint32 length of a JSON header, the header, padding to 4 bytes, then per tensor float32 scales [rows] and
int8 values [rows, columns], each tensor starting at a multiple of 4. value = int8 · scale of its row.
The header holds the vocabulary (pieces joined by spaces, in row order), labels and sizes."""
import argparse
import json
import struct
import torch
from safetensors.torch import load_file
from batches import PieceCache, length_batches
from conllu import read_conllu
from features import AFFIX_ROWS, AFFIXES, WordFeatures, student_batch
from labels import DEPRELS, SHAPES, UPOS
from scoring import accuracy
from student import REACH, Student
from wordpiece import load_vocabulary

p = argparse.ArgumentParser(description=__doc__)
p.add_argument("--minilm", required=True)
p.add_argument("--model", required=True)
p.add_argument("--hidden", type=int, default=160)
p.add_argument("--word", type=int, default=128)
p.add_argument("--piece-levels", type=int, default=31, help="piece vectors are whole numbers up to this: fewer compress better")
p.add_argument("--out", required=True)
p.add_argument("--goldens")
p.add_argument("--treebank", default="../../../shared/data/ud_english_ewt")
a = p.parse_args()

vocabulary = load_vocabulary(f"{a.minilm}/vocab.txt")
frozen = load_file(f"{a.minilm}/model.safetensors")["embeddings.word_embeddings.weight"].float()
model = Student(frozen, hidden=a.hidden, word=a.word)
model.load_state_dict(torch.load(a.model))
model.eval()


def kept(piece):
    """Pieces an English text can use; everything else is read as [UNK]."""
    if piece in ("[UNK]", "[CLS]"):
        return True
    body = piece.removeprefix("##")
    return not piece.startswith("[") and bool(body) and all(c < "\u0250" or "\u2010" <= c <= "\u20bf" for c in body)


names = sorted(vocabulary, key=vocabulary.get)
names = [n for n in names if kept(n) or n == "["]
rows = torch.tensor([vocabulary[n] for n in names])
small = {n: i for i, n in enumerate(names)}
with torch.no_grad():
    table = (frozen @ model.project.weight.T + model.correction.weight)[rows]


def quantise(t, levels=127):
    """Whole numbers -levels..levels, a scale per row; the clipping point that loses least is searched for."""
    t = t.reshape(len(t), -1)
    top = t.abs().amax(1, keepdim=True).clamp(min=1e-8)
    best, scale = torch.full_like(top, 1e30), top / levels
    for f in (1.0, 0.95, 0.9, 0.85, 0.8, 0.7):
        s = top * f / levels
        e = ((t / s).round().clamp(-levels, levels) * s - t).pow(2).sum(1, keepdim=True)
        scale, best = torch.where(e < best, s, scale), torch.minimum(e, best)
    return (t / scale).round().clamp(-levels, levels).to(torch.int8), scale[:, 0].float()


tensors = {"pieces": table, "affixes": model.affix.weight, "shapes": model.shape.weight}
for layer in ("lstm1", "lstm2"):
    for way in ("forwards", "backwards"):
        m = getattr(getattr(model, layer), way)
        tensors[f"{layer}.{way}.input"] = m.weight_ih_l0
        tensors[f"{layer}.{way}.recurrent"] = m.weight_hh_l0
        tensors[f"{layer}.{way}.bias"] = (m.bias_ih_l0 + m.bias_hh_l0)[:, None]
tensors |= {"upos.weight": model.upos.weight, "upos.bias": model.upos.bias[:, None], "mlp.weight": model.mlp.weight,
            "mlp.bias": model.mlp.bias[:, None], "arc.weight": model.arc[:-1].T, "arc.bias": model.arc[-1][:, None],
            "distance": model.distance[:, None], "labels.weight": model.labels.out.weight, "labels.bias": model.labels.out.bias[:, None]}
header = {"format": 1, "pieces": " ".join(names), "upos": UPOS, "deprels": DEPRELS, "hidden": a.hidden, "arc": model.sizes[0],
          "label": model.sizes[2], "reach": REACH, "affixRows": AFFIX_ROWS, "affixes": AFFIXES, "shapes": len(SHAPES) + 1, "tensors": []}
body, quantised = bytearray(), {}
for name, t in tensors.items():
    q, s = quantise(t.detach(), a.piece_levels if name == "pieces" else 127)
    quantised[name] = (q.float() * s[:, None])
    header["tensors"].append({"name": name, "rows": q.shape[0], "columns": q.shape[1], "offset": len(body)})
    body += s.numpy().tobytes() + q.numpy().tobytes()
    body += b"\0" * (-len(body) % 4)
text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
text += b" " * (-(len(text) + 12) % 4)
with open(a.out, "wb") as f:
    f.write(b"GRPARSER" + struct.pack("<I", len(text)) + text + body)
print(len(names), "pieces,", sum(t.numel() for n, t in tensors.items() if n not in ("pieces", "affixes")), "dense,", 12 + len(text) + len(body), "bytes")


class Quantised(Student):
    """The model the file describes."""

    def words(self, batch):
        b, n = batch["shapes"].shape
        base = torch.nn.functional.embedding_bag(batch["pieces"], self.table, batch["offsets"], mode="mean")
        return base.view(b, n, -1), self.affix(batch["affixes"].view(b * n, -1)).view(b, n, -1), self.shape(batch["shapes"])


with torch.no_grad():
    full = model
    exact = Quantised(frozen, hidden=a.hidden, word=a.word)
    exact.load_state_dict(model.state_dict())
    exact.table = quantised["pieces"]
    exact.affix.weight.copy_(quantised["affixes"])
    exact.shape.weight.copy_(quantised["shapes"])
    for layer in ("lstm1", "lstm2"):
        for way in ("forwards", "backwards"):
            m = getattr(getattr(exact, layer), way)
            m.weight_ih_l0.copy_(quantised[f"{layer}.{way}.input"])
            m.weight_hh_l0.copy_(quantised[f"{layer}.{way}.recurrent"])
            m.bias_ih_l0.copy_(quantised[f"{layer}.{way}.bias"][:, 0])
            m.bias_hh_l0.zero_()
    exact.upos.weight.copy_(quantised["upos.weight"])
    exact.upos.bias.copy_(quantised["upos.bias"][:, 0])
    exact.mlp.weight.copy_(quantised["mlp.weight"])
    exact.mlp.bias.copy_(quantised["mlp.bias"][:, 0])
    exact.arc[:-1] = quantised["arc.weight"].T
    exact.arc[-1] = quantised["arc.bias"][:, 0]
    exact.distance.copy_(quantised["distance"][:, 0])
    exact.labels.out.weight.copy_(quantised["labels.weight"])
    exact.labels.out.bias.copy_(quantised["labels.bias"][:, 0])
exact.eval()

dev = read_conllu(f"{a.treebank}/dev.conllu.gz")
wide, narrow = WordFeatures(PieceCache(vocabulary)), WordFeatures(PieceCache(small))
groups = length_batches(dev, 3000, 0)
print("dev float32", accuracy(full, [student_batch([dev[i] for i in g], wide) for g in groups]))
print("dev int8   ", accuracy(exact, [student_batch([dev[i] for i in g], narrow) for g in groups]))

if a.goldens:
    class Case:
        def __init__(self, words):
            self.words, self.heads = words, []

    cases = [["A", "red", "apple", "on", "a", "marble-topped", "table"],
             ["Twenty", "naïve", "owls", "did", "n't", "see", "3", "UFOs", "at", "5", "pm", "😀", "."],
             ["portrait", "of", "an", "Iguazu", "fisherman", "Ѭ", ",", "8k"], ["!"]]
    out = []
    with torch.no_grad():
        for words in cases:
            upos, arcs, ld, lh = exact(student_batch([Case(words)], narrow))
            head = arcs[0, 1:].argmax(-1)
            labels = exact.labels.chosen(ld[0, 1:], lh[0, head])
            r = lambda t: [round(x, 5) for x in t.flatten().tolist()]
            out.append({"words": words, "features": [{"pieces": narrow(w)[0], "affixes": narrow(w)[1], "shape": narrow(w)[2]} for w in words],
                        "upos": r(upos[0]), "arcs": r(arcs[0, 1:]), "heads": head.tolist(), "labels": r(labels)})
    json.dump(out, open(a.goldens, "w"), ensure_ascii=False, separators=(",", ":"))
