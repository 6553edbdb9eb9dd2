"""The tag sets, fixed: their order is the order of the exported network's outputs."""
UPOS = ["ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM",
        "VERB", "X"]
DEPRELS = ["acl", "acl:relcl", "advcl", "advcl:relcl", "advmod", "amod", "appos", "aux", "aux:pass", "case", "cc",
           "cc:preconj", "ccomp", "compound", "compound:prt", "conj", "cop", "csubj", "csubj:outer", "csubj:pass", "dep",
           "det", "det:predet", "discourse", "dislocated", "expl", "fixed", "flat", "goeswith", "iobj", "list", "mark",
           "nmod", "nmod:desc", "nmod:poss", "nmod:unmarked", "nsubj", "nsubj:outer", "nsubj:pass", "nummod", "obj", "obl",
           "obl:agent", "obl:unmarked", "orphan", "parataxis", "punct", "reparandum", "root", "vocative", "xcomp"]
XPOS = ["NN", "IN", "DT", "NNP", "PRP", "JJ", "RB", ".", "VB", "NNS", ",", "CC", "VBD", "VBP", "VBZ", "CD", "VBN", "VBG", "MD",
        "TO", "PRP$", "-RRB-", "-LRB-", "WDT", ":", "WRB", "``", "''", "WP", "RP", "UH", "POS", "HYPH", "NNPS", "JJR", "JJS", "EX",
        "NFP", "RBR", "ADD", "GW", "$", "SYM", "PDT", "LS", "FW", "RBS", "AFX", "WP$"]
SHAPES = ["lower", "First", "UPPER", "miXed", "digits", "digit+", "other"]


def shape_of(word):
    """A word's letter case, which the uncased vocabulary throws away: an index into SHAPES."""
    if any("0" <= c <= "9" for c in word):
        return 4 if all(not c.isalpha() for c in word) else 5
    if not any(c.isalpha() for c in word):
        return 6
    if word == word.lower():
        return 0
    if len(word) > 1 and word == word.upper():
        return 2
    if word[0] != word[0].lower() and word[1:] == word[1:].lower():
        return 1
    return 3
