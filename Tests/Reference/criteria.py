"""Makes criteria.json: scores of units and weights that need examples, computed in float64 from their definitions.

  python3 criteria.py        needs torch 2.11

One example at a time, the mean activation in a pass of its own before the scores, sums over positions written out; nothing
is shared with the way the library does it. All numbers of the network are multiples of powers of two: exact in float32.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)


def stored(x):
    return {"shape": list(x.shape), "values": [float(f"{v:.15g}") if x.is_floating_point() else v for v in x.detach().flatten().tolist()]}


def drawn(*shape, step=64, scale=1.0):
    return (torch.randn(shape) * scale * step).round() / step


tensors = {
    "conv1.weight": drawn(4, 2, 3, 3, scale=0.4), "conv1.bias": drawn(4, scale=0.3),
    "bn1.weight": drawn(4).abs() + 0.25, "bn1.bias": drawn(4, scale=0.5), "bn1.running_mean": drawn(4, scale=0.3),
    "bn1.running_var": drawn(4).abs() + 0.5,
    "depthwise.weight": drawn(4, 1, 3, 3, scale=0.5), "depthwise.bias": drawn(4, scale=0.3),
    "conv2.weight": drawn(5, 4, 3, 3, scale=0.4), "conv2.bias": drawn(5, scale=0.3),
    "fc1.weight": drawn(6, 20, scale=0.4), "fc1.bias": drawn(6, scale=0.3),
    "fc2.weight": drawn(3, 6, scale=0.6), "fc2.bias": drawn(3, scale=0.3),
}
batch_sizes = [5, 3, 4]
images = drawn(sum(batch_sizes), 2, 10, 10, step=16)
labels = torch.tensor([0, 2, 1, 1, 0, 2, 2, 1, 0, 0, 1, 2])
layers = ["conv1", "depthwise", "conv2", "fc1", "fc2"]
# Which value is a layer's a.
places = {
    "output": {"conv1": "relu1", "depthwise": "relu2", "conv2": "relu3", "fc1": "relu4", "fc2": "fc2"},
    "consumer": {"conv1": "pool1", "depthwise": "relu2", "conv2": "flatten1", "fc1": "relu4", "fc2": "fc2"},
}


def forward(x, t):
    v = {}
    v["conv1"] = F.conv2d(x, t["conv1.weight"], t["conv1.bias"], padding=1)
    shape = (1, 4, 1, 1)
    normal = (v["conv1"] - t["bn1.running_mean"].view(shape)) / (t["bn1.running_var"].view(shape) + 1e-5).sqrt()
    v["bn1"] = normal * t["bn1.weight"].view(shape) + t["bn1.bias"].view(shape)
    v["relu1"] = v["bn1"].relu()
    v["pool1"] = F.max_pool2d(v["relu1"], 2)
    v["depthwise"] = F.conv2d(v["pool1"], t["depthwise.weight"], t["depthwise.bias"], padding=1, groups=4)
    v["relu2"] = v["depthwise"].relu()
    v["conv2"] = F.conv2d(v["relu2"], t["conv2.weight"], t["conv2.bias"])
    v["relu3"] = v["conv2"].relu()
    v["pool2"] = F.max_pool2d(v["relu3"], 2, 1)
    v["flatten1"] = v["pool2"].flatten(1)
    v["fc1"] = F.linear(v["flatten1"], t["fc1.weight"], t["fc1.bias"])
    v["relu4"] = v["fc1"].relu()
    v["fc2"] = F.linear(v["relu4"], t["fc2.weight"], t["fc2.bias"])
    return v


def by_unit(value, units):
    """[units, positions] of one example."""
    return value.reshape(units, -1)


def entropy(pooled):
    low, high = min(pooled), max(pooled)
    counts = [0] * 100
    for x in pooled:
        counts[min(99, math.floor((x - low) / (high - low) * 100)) if high > low else 0] += 1
    return -sum(c / len(pooled) * math.log(c / len(pooled)) for c in counts if c)


def activation_scores(node, layer):
    units = tensors[layer + ".weight"].shape[0]
    # First pass: the mean of a over examples and positions.
    values = [by_unit(forward(x[None], tensors)[node][0], units) for x in images]
    mean = torch.stack(values).mean((0, 2))
    scores = {name: torch.zeros(units) for name in ("rs", "mrs", "abs-rs", "abs-mrs")}
    n = len(images)
    for x, label in zip(images, labels):
        t = {k: v.clone().requires_grad_() for k, v in tensors.items()}
        v = forward(x[None], t)
        g = by_unit(torch.autograd.grad(F.cross_entropy(v["fc2"], label[None]), v[node])[0][0], units)
        a = by_unit(v[node].detach()[0], units)
        for u in range(units):
            zero = sum(g[u, p] * (0 - a[u, p]) for p in range(a.shape[1]))
            replaced = sum(g[u, p] * (mean[u] - a[u, p]) for p in range(a.shape[1]))
            scores["rs"][u] += zero / n
            scores["mrs"][u] += replaced / n
            scores["abs-rs"][u] += abs(zero) / n
            scores["abs-mrs"][u] += abs(replaced) / n
    scores["taylor-activation"] = scores["abs-rs"]
    scores["apoz"] = 1 - torch.stack([(v == 0).double().mean(1) for v in values]).mean(0)
    scores["entropy"] = torch.tensor([entropy([float(v[u].mean()) for v in values]) for u in range(units)])
    return {k: stored(v) for k, v in scores.items()}


def loss_gradients(x, y):
    t = {k: v.clone().requires_grad_() for k, v in tensors.items()}
    loss = F.cross_entropy(forward(x, t)["fc2"], y)
    names = [layer + ".weight" for layer in layers]
    return dict(zip(layers, torch.autograd.grad(loss, [t[name] for name in names])))


def weight_scores():
    whole = loss_gradients(images, labels)
    parts = list(zip(batch_sizes, images.split(batch_sizes), labels.split(batch_sizes)))
    batches = [(size, loss_gradients(x, y)) for size, x, y in parts]
    units, weights = {}, {}
    for layer in layers:
        w = tensors[layer + ".weight"]
        rows = lambda x: x.flatten(1).sum(1)
        share = lambda size: size / len(images)
        weights[layer] = {
            "taylor": sum(share(size) * (g[layer] * w) ** 2 for size, g in batches),
            "taylor (signed)": -whole[layer] * w, "gradient-norm": whole[layer].abs(),
        }
        units[layer] = {
            "taylor": sum(share(size) * rows(g[layer] * w) ** 2 for size, g in batches),
            "taylor (signed)": -rows(whole[layer] * w), "gradient-norm": rows(whole[layer] ** 2).sqrt(), "l2": rows(w**2).sqrt(),
        }
    tidy = lambda scores: {layer: {k: stored(v) for k, v in named.items()} for layer, named in scores.items()}
    return tidy(units), tidy(weights)


def hessians():
    """Exact diagonals of a small network without activations, and of one whose Hessian is diagonal."""
    cases = []
    for name, widths, x, y in (
        ("dense", (2, 2, 2), drawn(5, 2), torch.tensor([0, 1, 1, 0, 1])),
        # One unit, and examples with one input each: no two weights of fc1 meet.
        ("diagonal", (3, 1, 2), torch.eye(3)[[0, 1, 2, 0, 1]] * drawn(5, 1), torch.tensor([0, 1, 1, 0, 1])),
    ):
        fc1, fc2 = drawn(widths[1], widths[0]), drawn(widths[2], widths[1])
        start = torch.cat([fc1.flatten(), fc2.flatten()])

        def hessian(x, y):
            """Of the losses' sum, by all weights together."""
            def loss(w):
                first, second = w[: fc1.numel()].reshape(fc1.shape), w[fc1.numel() :].reshape(fc2.shape)
                return F.cross_entropy(x @ first.t() @ second.t(), y, reduction="sum")

            return torch.autograd.functional.hessian(loss, start)

        def apart(v):
            return {"fc1": stored(v[: fc1.numel()].reshape(fc1.shape)), "fc2": stored(v[fc1.numel() :].reshape(fc2.shape))}

        # An estimate by one vector of random signs per batch varies by what lies beside the diagonal.
        batches = [hessian(x[:2], y[:2]), hessian(x[2:], y[2:])]
        variance = sum(((h - h.diagonal().diag()) ** 2).sum(1) for h in batches) / len(x) ** 2
        cases.append({
            "name": name, "images": stored(x), "labels": stored(y), "fc1": stored(fc1), "fc2": stored(fc2),
            "diagonals": apart(hessian(x, y).diagonal() / len(x)), "deviations": apart(variance.sqrt()),
        })
    return cases


values = [forward(x[None], tensors) for x in images]
unit_scores, single_weight_scores = weight_scores()
document = {
    "tensors": {k: stored(v) for k, v in tensors.items()}, "images": stored(images), "labels": stored(labels), "batchSizes": batch_sizes,
    "loss": float(F.cross_entropy(torch.cat([v["fc2"] for v in values]), labels)),
    "correct": int(sum(int(v["fc2"].argmax()) == int(y) for v, y in zip(values, labels))),
    "meanMaps": {node: stored(sum(v[node][0] for v in values) / len(values)) for node in ("pool1", "flatten1", "relu4")},
    "activation": {
        place: {layer: activation_scores(node, layer) for layer, node in nodes.items()} for place, nodes in places.items()
    },
    "units": unit_scores, "weights": single_weight_scores, "hessians": hessians(),
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes")
