"""Makes statistics_tests.json: t tests, Wilcoxon signed-rank tests, adjusted p values and normal quantiles.

  python3 statistics_tests.py        needs scipy 1.17.1 and statsmodels 0.15.0
"""
import json
import pathlib
import warnings

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

warnings.simplefilter("ignore")
draw = np.random.default_rng(7)
few = [
    [0.5], [1.0, 2.0], [1.0, -2.0], [0.3, -0.1, 0.2], [0.02, 0.03, 0.01], [-1.5, -2.0, -0.5, -3.0], [0.25, 0.25], [1.0, -1.0, 1.0],
    [0.0, 1.0], [0.0, 0.0, 2.0, 3.0, -1.0], [0.012, 0.007, 0.009, 0.011, 0.004], [0.012, -0.007, 0.009, -0.011, 0.004],
    [2.0, 2.0, -2.0, 4.0, 4.0], [0.0, 1.0, 1.0, -1.0, 3.0, 3.0, 0.0],
]


def sample(n, step):
    """Coarse steps give ties and zeros."""
    return (np.round((draw.normal(size=n) + 0.3) / step) * step).round(6).tolist()


samples = few + [sample(n, step) for n in (5, 8, 13, 14, 25, 50, 51, 80) for step in (1e-4, 0.5)]
# As many ranks beyond the mean as continuity takes back, and less; and a statistic at its very mean.
samples += [[float(v) for v in (1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1)], [float(v) for v in range(1, 9)] * 2 + [-4.0] * 2]
samples += [[1.0, -1.0] * 8]
wilcoxon = []
for values in samples:
    for zeros in ("wilcox", "pratt", "zsplit"):
        if zeros != "wilcox" and 0 not in values:
            continue
        for alternative in ("two-sided", "less", "greater"):
            row = {"values": values, "zeros": zeros, "alternative": alternative}
            for correction in (False, True):
                found = stats.wilcoxon(values, zero_method=zeros, correction=correction, alternative=alternative)
                row |= {"statistic": float(found.statistic), "corrected" if correction else "p": float(found.pvalue)}
            wilcoxon.append(row)

t = []
for values in [v for v in samples if len(set(v)) > 1]:
    for alternative in ("two-sided", "less", "greater"):
        for mean in (0.0, 0.25):
            found = stats.ttest_1samp(values, mean, alternative=alternative)
            t.append({"values": values, "mean": mean, "alternative": alternative, "statistic": float(found.statistic),
                      "p": float(found.pvalue)})

holm = []
for p in [[0.04], [0.01, 0.04], [0.04, 0.01, 0.03], [0.02, 0.02, 0.02], [0.0, 1.0, 0.5], [0.9, 0.8, 0.7, 0.6],
          [0.001, 0.011, 0.02, 0.0125, 0.03, 0.2], draw.uniform(size=12).round(4).tolist(), (draw.uniform(size=9) ** 4).round(3).tolist()]:
    holm.append({"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()})

normal = [{"probability": p, "z": float(stats.norm.ppf(p))}
          for p in (1e-300, 1e-20, 1e-6, 0.005, 0.025, 0.1, 0.3, 0.4999, 0.5, 0.7, 0.95, 0.975, 0.999999)]

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"wilcoxon": wilcoxon, "t": t, "holm": holm, "normal": normal}).replace('}, {', '},\n{') + "\n")
