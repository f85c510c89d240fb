"""Makes start_criteria.json: SNIP, GraSP and SynFlow scores of the network of criteria.json, in float64.

  python3 start_criteria.py        needs torch 2.11; reads criteria.json beside it

SNIP and GraSP are there with batch norm in evaluation and in training mode (all twelve examples as one batch).
Each as its authors define it, not as Espalier computes it: GraSP from the whole Hessian, column by column, and from double backward;
SynFlow by writing the network of absolute weights down, and for a residual network by summing over its paths.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

here = pathlib.Path(__file__).parent
document = json.loads((here / "criteria.json").read_text())


def load(stored):
    return torch.tensor(stored["values"], dtype=torch.float64).reshape(stored["shape"])


def stored(x):
    return {"shape": list(x.shape), "values": x.detach().double().flatten().tolist()}


tensors = {name: load(value) for name, value in document["tensors"].items()}
images, labels = load(document["images"]), load(document["labels"]).long()
layers = ["conv1", "depthwise", "conv2", "fc1", "fc2"]
torch.manual_seed(7)
masks = {name: torch.rand_like(tensors[f"{name}.weight"]) > 0.3 for name in layers}


def logits(weights, x, tensors=tensors, act=F.relu, training=False):
    bias = lambda name: tensors.get(f"{name}.bias")
    x = F.conv2d(x, weights["conv1"], bias("conv1"), padding=1)
    running = (None, None) if training else (tensors["bn1.running_mean"], tensors["bn1.running_var"])
    x = F.batch_norm(x, *running, tensors["bn1.weight"], tensors["bn1.bias"], training)
    x = F.max_pool2d(act(x), 2)
    x = act(F.conv2d(x, weights["depthwise"], bias("depthwise"), padding=1, groups=4))
    x = F.max_pool2d(act(F.conv2d(x, weights["conv2"], bias("conv2"))), 2, 1)
    x = act(F.linear(x.flatten(1), weights["fc1"], bias("fc1")))
    return F.linear(x, weights["fc2"], bias("fc2"))


def leaves(masked):
    return {n: (tensors[f"{n}.weight"] * (masks[n] if masked else 1)).clone().requires_grad_() for n in layers}


def snip(masked, training=False):
    w = leaves(masked)
    found = torch.autograd.grad(F.cross_entropy(logits(w, images, training=training), labels), list(w.values()))
    return {n: stored((w[n] * g).abs()) for n, g in zip(layers, found)}


def grasp(masked, training=False):
    w = leaves(masked)
    flat = list(w.values())
    loss = lambda: F.cross_entropy(logits(w, images, training=training) / 200, labels)
    g = [x.detach() * (masks[n] if masked else 1) for n, x in zip(layers, torch.autograd.grad(loss(), flat))]
    found = torch.autograd.grad(loss(), flat, create_graph=True)
    products = torch.autograd.grad(sum((a * b).sum() for a, b in zip(found, g)), flat)
    if not masked and not training:
        # The whole Hessian of the two linear layers' weights by torch.func, with the others' g at 0, agrees.
        def of(fc1, fc2):
            return F.cross_entropy(logits({**w, "fc1": fc1, "fc2": fc2}, images) / 200, labels)
        hessian = torch.autograd.functional.hessian(of, (w["fc1"], w["fc2"]))
        seeds = [torch.zeros_like(x) if n not in ("fc1", "fc2") else x for n, x in zip(layers, g)]
        part = torch.autograd.grad(
            sum((a * b).sum() for a, b in zip(torch.autograd.grad(loss(), flat, create_graph=True), seeds)), flat)
        for i, n in enumerate(("fc1", "fc2")):
            whole = sum(torch.tensordot(hessian[i][j], g[layers.index(m)], 2) for j, m in enumerate(("fc1", "fc2")))
            assert torch.allclose(whole, part[layers.index(n)], rtol=1e-9, atol=1e-18), n
    return {n: stored(w[n] * p) for n, p in zip(layers, products)}


def synflow(masked):
    w = {n: x.detach().abs().requires_grad_() for n, x in leaves(masked).items()}
    scale = tensors["bn1.weight"].abs() / (tensors["bn1.running_var"] + 1e-5).sqrt()
    x = F.conv2d(torch.ones(1, *images.shape[1:], dtype=torch.float64), w["conv1"], padding=1) * scale[None, :, None, None]
    x = F.conv2d(F.max_pool2d(x, 2), w["depthwise"], padding=1, groups=4)
    x = F.max_pool2d(F.conv2d(x, w["conv2"]), 2, 1).flatten(1)
    r = (x @ w["fc1"].T @ w["fc2"].T).sum()
    r.backward()
    return {"flow": r.item(), "scores": {n: stored(w[n] * w[n].grad) for n in layers}}


def residual():
    """out·(A + B·C)·stem on vectors, without activations: by sums over the paths."""
    s, b, c, o = (torch.randn(*shape, dtype=torch.float64) for shape in [(4, 3), (5, 4), (4, 5), (2, 4)])
    a = [x.abs() for x in (s, b, c, o)]
    one = lambda n: torch.ones(n, dtype=torch.float64)
    into, back = a[0] @ one(3), one(2) @ a[3]
    whole = torch.eye(4, dtype=torch.float64) + a[2] @ a[1]
    return {
        "weights": {n: stored(x) for n, x in zip(("stem", "up", "down", "out"), (s, b, c, o))},
        "flow": (back @ whole @ into).item(),
        "scores": {
            "stem": stored(a[0] * (back @ whole)[:, None]),
            "up": stored(a[1] * torch.outer(back @ a[2], into)),
            "down": stored(a[2] * torch.outer(back, a[1] @ into)),
            "out": stored(a[3] * (whole @ into)[None, :]),
        },
    }


result = {
    "masks": {n: stored(m) for n, m in masks.items()},
    "dense": {"snip": snip(False), "grasp": grasp(False), "synflow": synflow(False)},
    "masked": {"snip": snip(True), "grasp": grasp(True), "synflow": synflow(True)},
    "residual": residual(),
    "training": {"snip": snip(False, True), "grasp": grasp(False, True)},
}
(here / "start_criteria.json").write_text(json.dumps(result) + "\n")
