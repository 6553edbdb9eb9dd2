"""A tiny CLIP tokenizer: same file formats and rules as CLIP's (byte-level BPE, `</w>` ends a word), own merges.

The merges are learned here, from the word list below, by plain byte-pair encoding (Sennrich et al. 2016), so nothing of
OpenAI's vocabulary is copied. Order of the vocabulary as in CLIP: 256 byte symbols, the same 256 with `</w>`, one entry
per merge, `<|startoftext|>`, `<|endoftext|>`. The end token has therefore the highest id, which CLIP's argmax pooling needs.
"""

import json
from collections import Counter
from pathlib import Path

from transformers import CLIPTokenizerFast

START, END = "<|startoftext|>", "<|endoftext|>"
CONTEXT_LENGTH = 77
MERGE_COUNT = 480

# Most frequent first: earlier lines weigh more, so their words become one token before the budget of merges is used up.
WORDS = [
    "a the of and in on with at by to is an",
    "good bad photo picture image painting drawing",
    "red green blue yellow black white brown orange purple pink gray dark light bright",
    "cat dog horse bird car tree house man woman boy girl sky sea river mountain flower ball hat",
    "sharp blurry clean noisy real fake natural artificial beautiful ugly clear unclear high low quality",
    "correct wrong complete broken perfect distorted detailed simple style art portrait landscape",
    "old young small big large tall little two three one wooden golden glass",
    "sitting standing running flying holding wearing riding looking",
    "oil watercolor digital cinematic photorealistic render sketch cartoon anime",
    "table chair window door street city beach forest garden snow fire water cloud sun moon star night day",
    "hand face eye hair dress shirt umbrella bicycle train plane boat guitar book cup apple banana",
    "photograph camera lens exposure focus color texture shadow reflection composition",
]


def byte_symbols() -> list[str]:
    """The 256 printable stand-ins for bytes, in CLIP's vocabulary order: printable Latin-1 first, then U+0100 onwards."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


def learn_merges() -> list[tuple[str, str]]:
    """Byte-pair encoding over WORDS; ties go to the pair that sorts first, so the result is the same everywhere."""
    counts = Counter()
    for line, words in enumerate(WORDS):
        for word in words.split():
            counts[word] += 4 * (len(WORDS) - line)
    pieces = {word: [*word[:-1], word[-1] + "</w>"] for word in counts}
    merges = []
    while len(merges) < MERGE_COUNT:
        pairs = Counter()
        for word, count in counts.items():
            for pair in zip(pieces[word], pieces[word][1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word, symbols in pieces.items():
            merged, i = [], 0
            while i < len(symbols):
                if tuple(symbols[i : i + 2]) == best:
                    merged.append(symbols[i] + symbols[i + 1])
                    i += 2
                else:
                    merged.append(symbols[i])
                    i += 1
            pieces[word] = merged
    return merges


def build_tokenizer() -> CLIPTokenizerFast:
    merges = learn_merges()
    base = byte_symbols()
    symbols = [*base, *(symbol + "</w>" for symbol in base), *("".join(pair) for pair in merges), START, END]
    # Two merges can spell the same symbol; the vocabulary lists it once.
    vocab = {symbol: i for i, symbol in enumerate(dict.fromkeys(symbols))}
    return CLIPTokenizerFast(vocab=vocab, merges=merges, model_max_length=CONTEXT_LENGTH)


def save_tokenizer(tokenizer: CLIPTokenizerFast, folder: Path) -> None:
    """Writes the five tokenizer files of the hub layout, as openai/clip-vit-base-patch16 has them."""
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    merges = content["model"]["merges"]
    # The published files write a merge as "a b"; every version of tokenizers and transformers.js reads that.
    content["model"]["merges"] = [pair if isinstance(pair, str) else " ".join(pair) for pair in merges]
    content["truncation"] = content["padding"] = None
    write_json(path, content, indent=None)
    write_json(folder / "vocab.json", content["model"]["vocab"], indent=None)
    lines = ["#version: 0.2", *content["model"]["merges"]]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    special = {"bos_token": START, "eos_token": END, "pad_token": END, "unk_token": END}
    write_json(folder / "special_tokens_map.json", special)
    config = {
        **special,
        "add_prefix_space": False,
        "do_lower_case": True,
        "model_max_length": CONTEXT_LENGTH,
        "tokenizer_class": "CLIPTokenizer",
    }
    write_json(folder / "tokenizer_config.json", config)


def write_json(path: Path, content: object, indent: int | None = 2) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")
