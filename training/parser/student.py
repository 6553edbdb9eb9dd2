"""The parser that ships: word features → two BiLSTM layers → tags, biaffine arcs, low-rank labels.

A word is the mean of its pieces' vectors. A piece's vector is MiniLM's frozen input embedding through one learned
projection, so that words the treebank never shows still land in the right place, plus a learned correction."""
import torch
from torch import nn
from torch.nn import functional as F
from features import AFFIX_ROWS
from labels import DEPRELS, SHAPES, UPOS, XPOS

REACH = 12  # distances beyond this share a bias


class DirectedLSTM(nn.Module):
    """One bidirectional layer; the backward half reads each sentence reversed, so padding never reaches a word."""

    def __init__(self, inputs, hidden):
        super().__init__()
        self.forwards = nn.LSTM(inputs, hidden, batch_first=True)
        self.backwards = nn.LSTM(inputs, hidden, batch_first=True)

    def forward(self, x, reverse):
        turn = lambda t: torch.gather(t, 1, reverse[..., None].expand(-1, -1, t.shape[-1]))
        return torch.cat([self.forwards(x)[0], turn(self.backwards(turn(x))[0])], -1)


class LowRankLabels(nn.Module):
    """score = W [d⊙h, d, h] + b, d and h already projected and rectified: [t, rank] each → [t, labels]."""

    def __init__(self, rank, outputs):
        super().__init__()
        self.out = nn.Linear(3 * rank, outputs)

    def chosen(self, dep, head):
        return self.out(torch.cat([dep * head, dep, head], -1))


def locked_dropout(x, p, training):
    """The same dimensions dropped at every word of a sentence (Gal & Ghahramani 2016): kinder to a recurrent network."""
    if not training:
        return x
    return x * torch.empty(x.shape[0], 1, x.shape[2], device=x.device).bernoulli_(1 - p) / (1 - p)


class Student(nn.Module):
    def __init__(self, piece_vectors, word=96, affix=32, shape=8, hidden=96, arc=80, label=64, drop=0.33):
        super().__init__()
        self.register_buffer("frozen", piece_vectors, persistent=False)
        self.project = nn.Linear(piece_vectors.shape[1], word, bias=False)
        self.correction = nn.EmbeddingBag(len(piece_vectors), word, mode="mean", sparse=True)
        nn.init.zeros_(self.correction.weight)
        centred = piece_vectors - piece_vectors.mean(0)
        with torch.no_grad():  # start from the principal components, at unit scale
            _, s, v = torch.pca_lowrank(centred[:20000], word, niter=3)
            self.project.weight.copy_((v / s[0] * 20000 ** 0.5 * 0.5).T)
        self.affix = nn.EmbeddingBag(AFFIX_ROWS, affix, mode="mean", sparse=True)
        nn.init.normal_(self.affix.weight, std=0.3)
        self.shape = nn.Embedding(len(SHAPES) + 1, shape)
        self.lstm1 = DirectedLSTM(word + affix + shape, hidden)
        self.lstm2 = DirectedLSTM(2 * hidden, hidden)
        self.upos = nn.Linear(2 * hidden, len(UPOS))
        self.xpos = nn.Linear(2 * hidden, len(XPOS))  # read in training only: a finer task that teaches the same layers
        self.mlp = nn.Linear(2 * hidden, 2 * arc + 2 * label)
        self.sizes = [arc, arc, label, label]
        self.arc = nn.Parameter(torch.zeros(arc + 1, arc))  # the row for 1 scores heads as such
        self.distance = nn.Parameter(torch.zeros(2 * REACH + 2))  # last entry: the root
        self.labels = LowRankLabels(label, len(DEPRELS))
        self.drop = drop

    def dense_parameters(self):
        return [p for n, p in self.named_parameters() if n not in ("correction.weight", "affix.weight")]

    def sparse_parameters(self):
        return [self.correction.weight, self.affix.weight]

    def words(self, batch):
        b, n = batch["shapes"].shape
        base = F.embedding_bag(batch["pieces"], self.frozen, batch["offsets"], mode="mean") @ self.project.weight.T
        own = self.correction(batch["pieces"], batch["offsets"])
        if self.training:  # the correction is sometimes missing, as it is for words the treebank never shows
            own = own * (torch.rand(b * n, 1, device=own.device) < 0.75)
        affix = self.affix(batch["affixes"].view(b * n, -1))
        return (base + own).view(b, n, -1), affix.view(b, n, -1), self.shape(batch["shapes"])

    def forward(self, batch):
        """Same contract as Teacher.forward."""
        word, affix, shape = self.words(batch)
        if self.training:  # whole groups of features dropped per word, then single dimensions
            keep = (torch.rand(word.shape[:2] + (2,), device=word.device) > 0.1).float() / 0.9
            word, affix = word * keep[..., :1], affix * keep[..., 1:]
        x = locked_dropout(torch.cat([word, affix, shape], -1), self.drop * 0.6, self.training)
        x = locked_dropout(self.lstm1(x, batch["reverse"]), self.drop, self.training)
        x = locked_dropout(self.lstm2(x, batch["reverse"]), self.drop, self.training)
        if self.training:
            self.fine = self.xpos(x[:, 1:])
        m = locked_dropout(F.leaky_relu(self.mlp(x), 0.1), self.drop * 0.8, self.training)
        ad, ah, ld, lh = m.split(self.sizes, -1)
        arcs = (ad @ self.arc[:-1] + self.arc[-1]) @ ah.transpose(1, 2)
        n = x.shape[1]
        at = torch.arange(n, device=x.device)
        index = (at[None, :] - at[:, None]).clamp(-REACH, REACH) + REACH
        index[:, 0] = 2 * REACH + 1
        arcs = arcs + self.distance[index]
        return self.upos(x[:, 1:]), arcs.masked_fill(~batch["words"][:, None, :], -1e4), ld, lh
