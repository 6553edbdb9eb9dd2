"""What the student reads of a word: WordPiece ids, hashed prefixes and suffixes, letter case. src/prompt/parser does the same."""
import torch
from batches import gold_tensors
from labels import shape_of
from wordpiece import normalise

AFFIX_ROWS = 6000
AFFIXES = [("<", 1), ("<", 2), ("<", 3), (">", 1), (">", 2), (">", 3), (">", 4)]
MAX_PIECES = 8
ROOT_SHAPE = 7


def fnv1a(units):
    """FNV-1a over UTF-16 code units."""
    h = 2166136261
    for u in units:
        h = ((h ^ u) * 16777619) & 0xFFFFFFFF
    return h


def utf16(text):
    b = text.encode("utf-16-le", "surrogatepass")
    return [b[i] | b[i + 1] << 8 for i in range(0, len(b), 2)]


def affixes_of(word):
    """Rows of the affix table, one per entry of AFFIXES: `<` prefix or `>` suffix of so many UTF-16 units."""
    units = utf16(normalise(word))
    rows = []
    for i, (side, n) in enumerate(AFFIXES):
        part = units[:n] if side == "<" else units[-n:]
        rows.append(fnv1a([i, len(units) if len(units) < n else n] + part) % AFFIX_ROWS)
    return rows


class WordFeatures:
    """(pieces, affix rows, shape) of a word, remembered."""

    def __init__(self, piece_cache):
        self.pieces, self.seen = piece_cache, {}

    def __call__(self, word):
        if word not in self.seen:
            self.seen[word] = (self.pieces(word)[:MAX_PIECES], affixes_of(word), shape_of(word))
        return self.seen[word]


def student_batch(sentences, features):
    """Tensors of a batch; position 0 of every sentence is the root."""
    cls = features.pieces.vocabulary["[CLS]"]
    b, n = len(sentences), 1 + max(len(s.words) for s in sentences)
    pieces, offsets, affix, shapes = [], [], [], []
    for s in sentences:
        for i in range(n):
            offsets.append(len(pieces))
            if i == 0 or i > len(s.words):
                pieces.append(cls)
                affix.append([0] * len(AFFIXES))
                shapes.append(ROOT_SHAPE)
            else:
                p, a, sh = features(s.words[i - 1])
                pieces += p
                affix.append(a)
                shapes.append(sh)
    lengths = torch.tensor([len(s.words) + 1 for s in sentences])
    at = torch.arange(n)
    words = at[None, :] < lengths[:, None]
    # Where each sentence is read backwards: its own words reversed, the padding left at the end.
    reverse = torch.where(words, lengths[:, None] - 1 - at[None, :], at[None, :])
    gold = gold_tensors(sentences, n - 1)
    return {"pieces": torch.tensor(pieces), "offsets": torch.tensor(offsets), "affixes": torch.tensor(affix).view(b, n, -1),
            "shapes": torch.tensor(shapes).view(b, n), "words": words, "reverse": reverse,
            "upos": gold[0], "heads": gold[1], "deprels": gold[2], "xpos": gold[3]}
