"""Reads Universal Dependencies treebanks (CoNLL-U, plain or gzipped): syntactic words only, with their surface tokens."""
import gzip
from dataclasses import dataclass, field


@dataclass
class Sentence:
    """One sentence. `heads` are 1-based, 0 is the root; `text` is the sentence as written."""
    words: list
    upos: list
    heads: list
    deprels: list
    text: str = ""
    xpos: list = field(default_factory=list)


def read_conllu(path):
    """All sentences of a CoNLL-U file; multiword-token lines and empty nodes are skipped."""
    opener = gzip.open if str(path).endswith(".gz") else open
    sentences, words, upos, heads, rels, text, xpos = [], [], [], [], [], "", []
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if not line:
                if words:
                    sentences.append(Sentence(words, upos, heads, rels, text, xpos))
                words, upos, heads, rels, text, xpos = [], [], [], [], "", []
            elif line.startswith("# text = "):
                text = line[9:]
            elif line[0] != "#":
                c = line.split("\t")
                if c[0].isdigit():
                    words.append(c[1])
                    upos.append(c[3])
                    heads.append(int(c[6]))
                    rels.append(c[7])
                    xpos.append(c[4])
    if words:
        sentences.append(Sentence(words, upos, heads, rels, text, xpos))
    return sentences
