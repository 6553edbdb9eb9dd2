"""Sentences → padded tensors of similar length."""
import random
import torch
from labels import DEPRELS, UPOS, XPOS, shape_of
from wordpiece import pieces_of

UPOS_ID = {u: i for i, u in enumerate(UPOS)}
REL_ID = {r: i for i, r in enumerate(DEPRELS)}
XPOS_ID = {x: i for i, x in enumerate(XPOS)}


class PieceCache:
    """Pieces and shapes of words, remembered."""

    def __init__(self, vocabulary):
        self.vocabulary, self.seen = vocabulary, {}

    def __call__(self, word):
        if word not in self.seen:
            self.seen[word] = pieces_of(word, self.vocabulary)
        return self.seen[word]


def length_batches(sentences, words_per_batch, seed):
    """Index lists of similar length (the order of batches shuffled), at most about `words_per_batch` padded words."""
    rng = random.Random(seed)
    order = sorted(range(len(sentences)), key=lambda i: (len(sentences[i].words) + rng.random() * 3, i))
    batches, current, longest = [], [], 0
    for i in order:
        n = len(sentences[i].words) + 1
        if current and max(longest, n) * (len(current) + 1) > words_per_batch:
            batches.append(current)
            current, longest = [], 0
        current.append(i)
        longest = max(longest, n)
    batches.append(current)
    rng.shuffle(batches)
    return batches


def gold_tensors(sentences, n):
    """(upos, heads, deprels, xpos) [b, n], -100 where there is no word or no gold."""
    out = torch.full((4, len(sentences), n), -100)
    for row, s in enumerate(sentences):
        if s.heads:
            k = len(s.words)
            out[0, row, :k] = torch.tensor([UPOS_ID[u] for u in s.upos])
            out[1, row, :k] = torch.tensor(s.heads)
            out[2, row, :k] = torch.tensor([REL_ID[r] for r in s.deprels])
            out[3, row, :k] = torch.tensor([XPOS_ID.get(x, -100) for x in s.xpos])
    return out


def teacher_batch(sentences, cache, max_pieces=400):
    rows, shapes, firsts = [], [], []
    cls, sep = cache.vocabulary["[CLS]"], cache.vocabulary["[SEP]"]
    for s in sentences:
        ids, sh, first = [cls], [7], [0]
        for w in s.words:
            first.append(min(len(ids), max_pieces))
            p = cache(w)
            ids += p
            sh += [shape_of(w)] * len(p)
        rows.append((ids + [sep])[: max_pieces + 1])
        shapes.append((sh + [7])[: max_pieces + 1])
        firsts.append(first)
    b, n, k = len(rows), max(map(len, rows)), max(map(len, firsts))
    ids = torch.zeros(b, n, dtype=torch.long)
    shape = torch.full((b, n), 7)
    valid = torch.zeros(b, n, dtype=torch.bool)
    first = torch.zeros(b, k, dtype=torch.long)
    words = torch.zeros(b, k, dtype=torch.bool)
    for i in range(b):
        ids[i, : len(rows[i])] = torch.tensor(rows[i])
        shape[i, : len(rows[i])] = torch.tensor(shapes[i])
        valid[i, : len(rows[i])] = True
        first[i, : len(firsts[i])] = torch.tensor(firsts[i])
        words[i, : len(firsts[i])] = True
    gold = gold_tensors(sentences, k - 1)
    return {"ids": ids, "shapes": shape, "valid": valid, "first": first, "words": words,
            "upos": gold[0], "heads": gold[1], "deprels": gold[2], "xpos": gold[3]}


def to_device(batch, device):
    return {k: v.to(device) for k, v in batch.items()}
