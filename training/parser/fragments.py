"""Training sentences turned into what prompts look like: noun phrases on their own, no final stop, lower case."""
import dataclasses

LEADING = {"case", "mark", "cc", "punct"}


def part(s, first, last, root):
    """Words `first`..`last` (0-based, inclusive) as a sentence; `root` becomes its root. The rest must not be needed."""
    heads = [0 if i == root else h - first for i, h in zip(range(first, last + 1), s.heads[first:last + 1])]
    rels = ["root" if i == root else r for i, r in zip(range(first, last + 1), s.deprels[first:last + 1])]
    cut = slice(first, last + 1)
    return dataclasses.replace(s, words=s.words[cut], upos=s.upos[cut], xpos=s.xpos[cut], heads=heads, deprels=rels)


def noun_phrase(s, rng):
    """The whole phrase under one of the sentence's nouns, without what links it to the rest; None where there is none."""
    n = len(s.words)
    first, last, count = list(range(n)), list(range(n)), [1] * n
    # Spans grow from the leaves up: as many rounds as the tree is deep.
    order, children = [i for i in range(n) if s.heads[i] == 0], [[] for _ in range(n)]
    for i, h in enumerate(s.heads):
        if h:
            children[h - 1].append(i)
    for v in order:
        order.extend(children[v])
    for v in reversed(order):
        for c in children[v]:
            first[v], last[v], count[v] = min(first[v], first[c]), max(last[v], last[c]), count[v] + count[c]
    choices = []
    for v in range(n):
        if s.upos[v] not in ("NOUN", "PROPN") or s.heads[v] == 0 or last[v] - first[v] + 1 != count[v]:
            continue
        a = first[v]
        while a < v and s.heads[a] == v + 1 and s.deprels[a] in LEADING and not children[a]:
            a += 1
        if last[v] - a >= 2:
            choices.append((a, last[v], v))
    return part(s, *rng.choice(choices)) if choices else None


def like_a_prompt(s, rng):
    """Now and then a noun phrase alone, a sentence without its final stop, or one in lower case."""
    dice = rng.random()
    if dice < 0.08:
        return noun_phrase(s, rng) or s
    if dice < 0.15 and len(s.words) > 2 and s.upos[-1] == "PUNCT" and len(s.words) not in s.heads:
        return dataclasses.replace(s, words=s.words[:-1], upos=s.upos[:-1], xpos=s.xpos[:-1], heads=s.heads[:-1],
                                   deprels=s.deprels[:-1])
    if dice < 0.21:
        return dataclasses.replace(s, words=[w.lower() for w in s.words])
    return s
