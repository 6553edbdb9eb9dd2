"""CLIP's byte-pair encoding pruned to the world's words: `python tokenizer.py FOLDER_WITH_CLIPS_VOCABULARY`.

Kept are the 512 byte symbols and the merges that the words of `captions.all_words` use, in CLIP's order, so those words become
the same pieces as in CLIP; every other word still becomes pieces, smaller ones. The result is committed in `tokenizer/`:
training needs nothing else.
"""

import json
import sys
from pathlib import Path

from transformers import CLIPTokenizer

from captions import all_words

FOLDER = Path(__file__).parent / "tokenizer"
START, END = "<|startoftext|>", "<|endoftext|>"
CONTEXT_LENGTH = 77


def merges_of(word: str, ranks: dict[tuple[str, str], int]) -> list[tuple[str, str]]:
    """The merges that byte-pair encoding applies to a word, in the order it does."""
    pieces = [*word[:-1], word[-1] + "</w>"]
    used = []
    while True:
        pairs = [pair for pair in zip(pieces, pieces[1:]) if pair in ranks]
        if not pairs:
            return used
        best = min(pairs, key=ranks.__getitem__)
        used.append(best)
        merged, i = [], 0
        while i < len(pieces):
            if tuple(pieces[i : i + 2]) == best:
                merged.append(pieces[i] + pieces[i + 1])
                i += 2
            else:
                merged.append(pieces[i])
                i += 1
        pieces = merged


def prune(source: Path) -> None:
    vocabulary = json.loads((source / "vocab.json").read_text("utf-8"))
    lines = (source / "merges.txt").read_text("utf-8").splitlines()
    merges = [tuple(line.split()) for line in lines if line and not line.startswith("#version")]
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    kept = {pair for word in all_words() for pair in merges_of(word, ranks)}
    symbols = [token for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])][:512]
    pruned = [pair for pair in merges if pair in kept]
    tokens = dict.fromkeys([*symbols, *("".join(pair) for pair in pruned), START, END])
    FOLDER.mkdir(exist_ok=True)
    ids = {token: i for i, token in enumerate(tokens)}
    write(FOLDER / "vocab.json", json.dumps(ids, ensure_ascii=False, indent=2) + "\n")
    write(FOLDER / "merges.txt", "\n".join(["#version: 0.2", *(" ".join(pair) for pair in pruned)]) + "\n")
    special = {"bos_token": START, "eos_token": END, "pad_token": END, "unk_token": END}
    write(FOLDER / "special_tokens_map.json", json.dumps(special, indent=2) + "\n")
    config = {
        **special,
        "add_prefix_space": False,
        "do_lower_case": True,
        "model_max_length": CONTEXT_LENGTH,
        "tokenizer_class": "CLIPTokenizer",
    }
    write(FOLDER / "tokenizer_config.json", json.dumps(config, indent=2) + "\n")


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def load() -> CLIPTokenizer:
    """The pruned tokenizer, by transformers' own class."""
    return CLIPTokenizer.from_pretrained(FOLDER)


if __name__ == "__main__":
    prune(Path(sys.argv[1]))
