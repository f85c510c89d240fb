"""Makes statistics_bootstrap.json: BCa intervals with the bootstrap distributions that they are made of.

  python3 statistics_bootstrap.py        needs scipy 1.17.1

The distributions are SciPy's own; the bias is worked out from its definition, the acceleration is what SciPy's BCa computes.
`large` are intervals of 100,000 resamples, `drawn` means of samples chosen by SplitMix64 as the library does.
"""
import json
import pathlib

import numpy as np
from scipy import stats
from scipy.stats._resampling import _bca_interval

draw = np.random.default_rng(5)
samples = [
    [0.91, 0.95], [0.91, 0.95, 0.94], [97.8, 98.1, 97.9, 98.6], [0.012, 0.007, 0.009, 0.031, 0.004], [1.0, 1.0, 1.0, 1.0, 5.0],
    draw.exponential(size=12).round(3).tolist(), draw.normal(size=20).round(3).tolist(),
]
statistics = {"mean": np.mean, "median": np.median, "deviation": lambda x, axis: np.std(x, axis=axis, ddof=1)}
cases = []
for sample in samples:
    for name, statistic in statistics.items():
        if name != "mean" and len(sample) < 12:
            continue
        for level in (0.95, 0.8):
            found = stats.bootstrap((sample,), statistic, n_resamples=150, confidence_level=level, method="BCa", rng=np.random.default_rng(3))
            distribution, estimate = found.bootstrap_distribution, float(statistic(np.array(sample), axis=0))
            if level == 0.8:
                found = stats.bootstrap((sample,), statistic, n_resamples=0, confidence_level=level, method="BCa", bootstrap_result=found)
            share = ((distribution < estimate).mean() + (distribution <= estimate).mean()) / 2
            acceleration = _bca_interval((np.array(sample),), statistic, -1, 0.025, distribution, None, np)[2]
            cases.append({
                "sample": sample, "statistic": name, "level": level, "distribution": distribution.tolist(), "estimate": estimate,
                "bias": float(stats.norm.ppf(share)), "acceleration": float(np.ravel(acceleration)[0]),
                "interval": [float(v) for v in found.confidence_interval]})

large = []
for sample in samples[5:]:
    for name, statistic in statistics.items():
        found = stats.bootstrap((sample,), statistic, n_resamples=100_000, method="BCa", rng=np.random.default_rng(1), batch=10_000)
        large.append({"sample": sample, "statistic": name, "interval": [float(v) for v in found.confidence_interval],
                      "error": float(found.standard_error)})


def drawn(sample, count, seed):
    mask, means = (1 << 64) - 1, []
    for _ in range(count):
        chosen = []
        for _ in sample:
            seed = (seed + 0x9E3779B97F4A7C15) & mask
            bits = seed
            bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & mask
            bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & mask
            bits ^= bits >> 31
            chosen.append(sample[(bits * len(sample)) >> 64])
        means.append(float(np.mean(chosen)))
    return {"sample": sample, "seed": initial, "means": means}


draws = []
for initial in (0, 1234567, (1 << 63) + 5):
    draws.append(drawn(samples[3], 12, initial))

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"cases": cases, "large": large, "drawn": draws}).replace('}, {', '},\n{') + "\n")
