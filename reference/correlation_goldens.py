"""Correlations as scipy computes them, ties among them: for src/math/correlation.test.ts.

    python reference/correlation_goldens.py
"""

import json
from pathlib import Path

import numpy as np
from scipy import stats

rng = np.random.default_rng(7)


def case(name, a, b):
    a, b = [float(v) for v in a], [float(v) for v in b]
    return {
        "name": name,
        "a": a,
        "b": b,
        "pearson": float(stats.pearsonr(a, b).statistic),
        "spearman": float(stats.spearmanr(a, b).statistic),
        "kendall": float(stats.kendalltau(a, b).statistic),
    }


noise = rng.normal(size=40).round(4)
cases = [
    case("without ties", noise, (noise + rng.normal(size=40)).round(4)),
    case("ratings against scores", rng.integers(1, 6, size=60), rng.random(60).round(4)),
    case("ties in both", rng.integers(0, 4, size=50), rng.integers(0, 3, size=50)),
    case("opposite", range(12), [-(v**3) for v in range(12)]),
    case("two numbers", [1, 2], [5, 3]),
]
target = Path(__file__).parent / "fixtures" / "golden" / "correlations.json"
target.write_text(json.dumps(cases) + "\n")
