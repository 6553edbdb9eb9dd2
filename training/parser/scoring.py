"""Losses and scores shared by teacher and student."""
import torch
from torch.nn import functional as F


def gold_loss(model, batch, output):
    """Cross entropy of tags, heads, and labels on gold arcs, averaged over words."""
    upos, arcs, ld, lh = output
    keep = batch["heads"] >= 0
    tag = F.cross_entropy(upos[keep], batch["upos"][keep])
    arc = F.cross_entropy(arcs[:, 1:][keep], batch["heads"][keep])
    b, d = keep.nonzero(as_tuple=True)
    label = F.cross_entropy(model.labels.chosen(ld[b, d + 1], lh[b, batch["heads"][keep]]), batch["deprels"][keep])
    return tag + arc + label


@torch.no_grad()
def accuracy(model, batches):
    """(UPOS, UAS, LAS with subtypes), greedy heads, per cent."""
    model.eval()
    total = tags = heads = labels = 0
    for batch in batches:
        upos, arcs, ld, lh = model(batch)
        keep = batch["heads"] >= 0
        b, d = keep.nonzero(as_tuple=True)
        guess = arcs[b, d + 1].argmax(-1)
        rel = model.labels.chosen(ld[b, d + 1], lh[b, guess]).argmax(-1)
        right = guess == batch["heads"][keep]
        total += len(b)
        tags += (upos[keep].argmax(-1) == batch["upos"][keep]).sum().item()
        heads += right.sum().item()
        labels += (right & (rel == batch["deprels"][keep])).sum().item()
    return tuple(round(100 * x / total, 2) for x in (tags, heads, labels))
