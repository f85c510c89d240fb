"""Makes statistics_curves.json: areas under curves, Dolan and Moré's performance profiles, and Pareto fronts.

  python3 statistics_curves.py        needs numpy 2.4

Areas of profiles are sums over the pieces on which the number of solved problems, counted anew in each, is constant.
"""
import json
import pathlib

import numpy as np

draw = np.random.default_rng(2)
areas = []
for x in ([1.0, 0.5], [1.0, 0.5, 0.2, 0.1, 0.05], draw.uniform(0.01, 1, size=9).round(4).tolist()):
    y = draw.uniform(0.1, 0.99, size=len(x)).round(4).tolist()
    order = np.argsort(x)
    a, b = np.array(x)[order], np.array(y)[order]
    areas.append({"x": x, "y": y, "linear": float(np.trapezoid(b, a) / (a[-1] - a[0])),
                  "logarithmic": float(np.trapezoid(b, np.log10(a)) / np.log10(a[-1] / a[0]))})

profiles = []
for problems, solvers in ((1, 2), (5, 3), (20, 4)):
    costs = draw.lognormal(1, 1, size=(problems, solvers)).round(2)
    costs[draw.uniform(size=costs.shape) < 0.15] = np.inf
    # Equal ones are all the best.
    costs[0, 1] = costs[0, 0]
    least = costs.min(axis=1, keepdims=True)

    def share(ratio):
        return ((costs <= ratio * least) & np.isfinite(costs)).mean(axis=0)

    def area(limit, place):
        """The profile is constant between the ratios at which a problem joins."""
        with np.errstate(invalid="ignore"):
            steps = [r for r in (costs / least).flatten().tolist() if 1 <= r < limit]
        ends = sorted({1.0, limit, *steps})
        pieces = [(place(b) - place(a)) * share((a + b) / 2) for a, b in zip(ends, ends[1:])]
        return (sum(pieces) / (place(limit) - place(1.0))).tolist()

    profiles.append({
        "costs": [["inf" if np.isinf(v) else v for v in row] for row in costs.tolist()], "ratios": [1, 1.5, 2, 4, 10, 1000],
        "shares": [share(ratio * (1 + 1e-12)).tolist() for ratio in (1, 1.5, 2, 4, 10, 1000)],
        "linear": area(8.0, lambda ratio: ratio), "logarithmic": area(8.0, np.log2)})

fronts = []
for count, goals in ((1, "-"), (8, "-"), (12, "-+"), (40, "-+"), (40, "--+")):
    points = draw.integers(0, 12, size=(count, len(goals))).astype(float)
    signs = np.array([1 if goal == "-" else -1 for goal in goals])
    costs = points * signs
    front = [i for i in range(count) if not any((costs[j] <= costs[i]).all() and (costs[j] < costs[i]).any() for j in range(count))]
    fronts.append({"points": points.tolist(), "goals": ["minimise" if goal == "-" else "maximise" for goal in goals], "front": front})

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"areas": areas, "profiles": profiles, "fronts": fronts}).replace('}, {', '},\n{') + "\n")
