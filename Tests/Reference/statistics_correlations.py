"""Makes statistics_correlations.json: Pearson, Kendall and partial correlations with p values and intervals.

  python3 statistics_correlations.py        needs scipy 1.17.1 and statsmodels 0.15.0

A partial correlation is that of the residuals of two regressions on dummies and covariates; its p value is that of the
coefficient of x in a third, of y on x beside them.
"""
import json
import pathlib
import warnings

import numpy as np
import statsmodels.api as sm
from scipy import stats

warnings.simplefilter("ignore")
draw = np.random.default_rng(11)


def interval(r, error, level):
    z = stats.norm.ppf(0.5 + level / 2)
    return [float(np.tanh(np.arctanh(r) - z * error)), float(np.tanh(np.arctanh(r) + z * error))]


def related(n, slope, step):
    x = draw.normal(size=n)
    y = slope * x + draw.normal(size=n)
    return [(np.round(v / step) * step).round(6).tolist() for v in (x, y)]


pairs = [
    ([1, 2], [3, 5]), ([1, 2, 3], [1, 3, 2]), ([1, 2, 3], [2, 4, 6.5]), ([1, 2, 3], [1, 1, 2]), ([1, 2, 3, 4], [4, 3, 1, 2]),
    ([1, 2, 3, 4], [1, 2, 3, 9]), ([1, 1, 2, 2], [1, 2, 2, 1]), ([1, 2, 3, 4, 5], [5, 4, 3, 2, 0]), ([1, 2, 3, 4, 5], [1, 3, 2, 5, 4]),
    ([1, 2, 2, 3, 3], [1, 1, 2, 2, 2]), ([1, 1, 1, 1, 2], [1, 1, 1, 1, 2]), ([1, 1, 2], [1, 2, 2]),
]
pairs += [related(n, slope, step) for n in (5, 6, 9, 20, 33, 34, 60) for slope, step in ((0.8, 1e-4), (-0.4, 0.5))]
# More than 33 pairs, of which none or one is out of order; and half of them.
ascending = [float(v) for v in range(40)]
pairs += [(ascending, ascending[::-1]), (ascending, [1.0, 0.0] + ascending[2:]), (ascending, [2.0, 1.0, 0.0] + ascending[3:])]
pairs += [([1, 2, 3, 4], [2, 4, 1, 3])]

pearson, kendall = [], []
for x, y in pairs:
    for level in (0.95, 0.8):
        row = {"x": x, "y": y, "level": level}
        found = stats.pearsonr(x, y)
        bounds = found.confidence_interval(level)
        pearson.append(row | {"coefficient": float(found.statistic), "p": float(found.pvalue),
                              "interval": [float(bounds.low), float(bounds.high)] if len(x) > 3 else None})
        found = stats.kendalltau(x, y)
        # SciPy's rounding errors keep some from 1.
        tau = float(np.round(found.statistic, 14))
        kendall.append(row | {"coefficient": tau, "p": float(found.pvalue),
                              "interval": interval(tau, (0.437 / (len(x) - 4)) ** 0.5, level) if len(x) > 4 and abs(tau) < 1 else None})

partial = []


def add(x, y, settings, covariates):
    names = sorted(set(settings))
    dummies = np.array([[float(s == name) for name in names] for s in settings])
    design = np.column_stack([dummies] + [np.asarray(c)[:, None] for c in covariates])
    rank = np.linalg.matrix_rank(design)
    left, right = (sm.OLS(np.asarray(v, float), design).fit().resid for v in (x, y))
    r = float((left @ right) / np.sqrt((left @ left) * (right @ right)))
    freedom = len(x) - int(rank) - 1
    slope = sm.OLS(np.asarray(y, float), np.column_stack([design, x])).fit()
    assert slope.df_resid == freedom
    partial.append({"x": x, "y": y, "settings": settings, "covariates": covariates, "coefficient": r, "p": float(slope.pvalues[-1]),
                    "interval": interval(r, 1 / (freedom - 1) ** 0.5, 0.95) if freedom > 1 else None})


for settings in (["a"] * 6, ["a", "a", "b", "b", "b"], ["a", "b"] * 2 + ["c"], list("aabbccdd") + ["e"], list("abc") * 5, ["a"] * 9 + ["b"] * 3):
    for count in (0, 1, 2):
        n = len(settings)
        shift = np.array([3.0 * ord(s) for s in settings])
        covariates = [draw.normal(size=n).round(4).tolist() for _ in range(count)]
        x = (draw.normal(size=n) + shift + sum((np.array(c) for c in covariates), np.zeros(n))).round(4)
        y = (0.7 * x - 2 * shift + draw.normal(size=n)).round(4)
        if n - len(set(settings)) - count - 1 >= 1:
            add(x.tolist(), y.tolist(), settings, covariates)
# A covariate twice, and one that the settings determine, cost no degree of freedom.
x, y, c = related(8, 0.5, 1e-4) + [draw.normal(size=8).round(4).tolist()]
add(x, y, list("aaaabbbb"), [c, c])
add(x, y, list("aaaabbbb"), [[1.1] * 4 + [2.3] * 4, c])

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"pearson": pearson, "kendall": kendall, "partial": partial}).replace('}, {', '},\n{') + "\n")
