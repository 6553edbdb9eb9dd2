"""WordPiece as BERT does it (Wu et al. 2016, greedy longest match), for one syntactic word at a time."""
import unicodedata


def load_vocabulary(path):
    with open(path, encoding="utf-8") as f:
        return {line.rstrip("\n"): i for i, line in enumerate(f)}


def normalise(word):
    """Lower case without accents, as the uncased vocabulary expects."""
    decomposed = unicodedata.normalize("NFD", word.lower())
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn")


def _is_punctuation(c):
    return not c.isalnum()


def pieces_of(word, vocabulary, limit=8):
    """Piece ids of a word: split around punctuation, then greedy longest match; [UNK] for a part that has none."""
    unknown = vocabulary["[UNK]"]
    parts, current = [], ""
    for c in normalise(word):
        if c.isspace():
            continue
        if _is_punctuation(c):
            if current:
                parts.append(current)
            parts.append(c)
            current = ""
        else:
            current += c
    if current:
        parts.append(current)
    ids = []
    for part in parts:
        start, found = 0, []
        while start < len(part):
            end = len(part)
            while end > start:
                piece = part[start:end] if start == 0 else "##" + part[start:end]
                if piece in vocabulary:
                    break
                end -= 1
            if end == start:
                found = [unknown]
                break
            found.append(vocabulary[piece])
            start = end
        ids.extend(found)
        if len(ids) >= limit:
            break
    return ids[:limit] or [unknown]
