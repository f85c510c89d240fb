"""Makes flatness.json: derivatives of the mean loss of two small networks, in float64.

  python3 flatness.py        needs torch

A perceptron with tanh, and a convolution with a batch norm in evaluation mode; each dense, and with masks on its weights. From the whole
Hessian by torch.autograd.functional.hessian: its trace, its largest eigenvalues by torch.linalg.eigvalsh, products with given vectors. The
examples' gradients one by one give their covariance.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

here = pathlib.Path(__file__).parent
torch.manual_seed(5)
torch.set_default_dtype(torch.float64)


def stored(x):
    return {"shape": list(x.shape), "values": x.detach().double().flatten().tolist()}


def perceptron(p, x):
    x = torch.tanh(F.linear(x, p["fc1.weight"], p["fc1.bias"]))
    return F.linear(torch.tanh(F.linear(x, p["fc2.weight"], p["fc2.bias"])), p["fc3.weight"], p["fc3.bias"])


def convolution(p, x):
    x = F.conv2d(x, p["conv.weight"], p["conv.bias"], padding=1)
    x = F.batch_norm(x, p["bn.running_mean"], p["bn.running_var"], p["bn.weight"], p["bn.bias"], False)
    return F.linear(F.max_pool2d(F.gelu(x), 2).flatten(1), p["fc.weight"], p["fc.bias"])


def study(network, tensors, images, labels, masks):
    names = [n for n in tensors if "running" not in n]
    fixed = {n: tensors[n] for n in tensors if n not in names}
    kept = torch.cat([masks.get(n, torch.ones_like(tensors[n])).flatten() for n in names]) > 0
    start = torch.cat([(tensors[n] * masks.get(n, 1)).flatten() for n in names])

    def split(w):
        parts = torch.split(w, [tensors[n].numel() for n in names])
        return {**fixed, **{n: part.reshape(tensors[n].shape) for n, part in zip(names, parts)}}

    def loss(w, chosen=slice(None)):
        return F.cross_entropy(network(split(w), images[chosen]), labels[chosen])

    hessian = torch.autograd.functional.hessian(loss, start)[kept][:, kept]
    each = torch.stack([torch.autograd.functional.jacobian(lambda w: loss(w, slice(i, i + 1)), start)[kept] for i in range(len(labels))])
    probes = torch.where(torch.rand(3, len(start)) < 0.5, -1.0, 1.0) * kept
    noise = torch.randn(2, len(start)) * kept
    # The noise of each tensor in proportion to the root mean square of what is kept of it.
    sizes = [tensors[n].numel() for n in names]
    rms = torch.cat([
        torch.full((n,), (w[k].square().mean().sqrt() if k.any() else torch.tensor(0.0)).item())
        for n, w, k in zip(sizes, torch.split(start, sizes), torch.split(kept, sizes))])
    whole = lambda v: torch.zeros(len(start)).masked_scatter(kept, v)
    return {
        "names": names,
        "masks": {n: stored(m) for n, m in masks.items()},
        "parameters": int(kept.sum()),
        "loss": loss(start).item(),
        "gradient": stored(whole(each.mean(0))),
        "trace": hessian.trace().item(),
        "eigenvalues": torch.linalg.eigvalsh(hessian).flip(0).tolist(),
        "probes": stored(probes),
        "products": stored(torch.stack([whole(hessian @ v[kept]) for v in probes])),
        "covariance": (each - each.mean(0)).square().sum().item() / (len(labels) - 1),
        "noise": stored(noise),
        "noisy": [loss(start + 0.1 * rms * e).item() for e in noise],
    }


def case(network, tensors, images, classes):
    labels = torch.randint(0, classes, (len(images),))
    pruned = {n: (torch.rand_like(t) > 0.4).double() for n, t in tensors.items() if n.endswith("weight") and t.dim() > 1}
    return {
        "tensors": {n: stored(t) for n, t in tensors.items()},
        "images": stored(images),
        "labels": stored(labels),
        "dense": study(network, tensors, images, labels, {}),
        "masked": study(network, tensors, images, labels, pruned),
    }


def layer(name, *shape):
    fan = torch.tensor(shape[1:]).prod().sqrt()
    return {f"{name}.weight": torch.randn(*shape) / fan, f"{name}.bias": torch.randn(shape[0]) * 0.3}


norm = {
    "bn.weight": torch.rand(3) + 0.5, "bn.bias": torch.randn(3) * 0.3,
    "bn.running_mean": torch.randn(3) * 0.2, "bn.running_var": torch.rand(3) + 0.5,
}
document = {
    "perceptron": case(perceptron, {**layer("fc1", 5, 6), **layer("fc2", 4, 5), **layer("fc3", 3, 4)}, torch.randn(11, 6), 3),
    "convolution": case(
        convolution, {**layer("conv", 3, 2, 3, 3), **norm, **layer("fc", 4, 12)}, torch.randn(9, 2, 4, 4), 4),
}
(here / "flatness.json").write_text(json.dumps(document) + "\n")
