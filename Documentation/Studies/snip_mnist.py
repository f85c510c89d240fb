"""SNIP on LeNet-300-100 at 95 %, on its own in PyTorch: a second opinion on what Espalier measures.

  python3 snip_mnist.py DIR/mnist published 1        needs torch and numpy

`espalier` is the setting of AtInitialization.md: Glorot-normal weights, biases that start at 0 and stay. `published` is the one of the
paper's public code as far as its options go: truncated normals of variance 1/fan-in, biases ranked and removed like weights, the mask
taken from one draw of the weights and another one trained, 6,000 images held out. Both train for 250 epochs with SGD 0.1, a tenth of it
after each 25,000 steps, momentum 0.9, weight decay 5e-4. After every 50 epochs: the error now, and the lowest after any epoch so far,
both on the test images.
"""
import gzip
import math
import pathlib
import sys

import numpy
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
SIZES = [(784, 300), (300, 100), (100, 10)]
# A normal cut at two deviations has this deviation.
TRUNCATED = 0.87962566


def read(folder, name):
    data = gzip.decompress(next(folder.glob(f"{name}*")).read_bytes())
    shape = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])]
    return torch.tensor(numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * len(shape)).reshape(shape).copy())


def normal(shape, deviation, generator):
    wide = deviation / TRUNCATED
    return torch.nn.init.trunc_normal_(torch.empty(shape), 0, wide, -2 * wide, 2 * wide, generator=generator)


def draw(published, random_biases, generator):
    parameters = []
    for inputs, outputs in SIZES:
        if published:
            parameters.append(normal((inputs, outputs), math.sqrt(1 / inputs), generator))
        else:
            parameters.append(torch.randn((inputs, outputs), generator=generator) * math.sqrt(2 / (inputs + outputs)))
        parameters.append(normal((outputs,), math.sqrt(1 / outputs), generator) if random_biases else torch.zeros(outputs))
    return parameters


def logits(parameters, images):
    w1, b1, w2, b2, w3, b3 = parameters
    return torch.addmm(b3, torch.relu(torch.addmm(b2, torch.relu(torch.addmm(b1, images, w1)), w2)), w3)


def masks(parameters, ranked, images, labels):
    parameters = [p.clone().requires_grad_() for p in parameters]
    gradients = torch.autograd.grad(F.cross_entropy(logits(parameters, images), labels), parameters)
    scores = [(p * g).abs().detach() for p, g in zip(parameters, gradients)]
    pool = torch.cat([scores[i].flatten() for i in ranked])
    threshold = pool.topk(round(0.05 * len(pool))).values[-1]
    return [(s >= threshold).float() if i in ranked else torch.ones_like(s) for i, s in enumerate(scores)]


def main():
    folder, setting, seed = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    published = {"published": True, "espalier": False}[setting]
    images, labels = read(folder, "train-images").float().div(255).reshape(-1, 784), read(folder, "train-labels").long()
    unseen, truth = read(folder, "t10k-images").float().div(255).reshape(-1, 784), read(folder, "t10k-labels").long()
    mean, deviation = images.mean(), images.std()
    images, unseen = (images - mean) / deviation, (unseen - mean) / deviation
    generator = torch.Generator().manual_seed(seed)
    learned = torch.randperm(60_000, generator=generator)[6_000 if published else 5_000:]
    images, labels = images[learned], labels[learned]

    start = draw(published, published, generator)
    batch = torch.randperm(len(images), generator=generator)[:100]
    kept = masks(start, range(6) if published else [0, 2, 4], images[batch], labels[batch])
    print(setting, "seed", seed, "kept of each weight and bias:", [int(mask.sum()) for mask in kept], flush=True)
    if published:
        start = draw(True, False, generator)
    parameters = [(p * mask).requires_grad_() for p, mask in zip(start, kept)]
    optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=5e-4, foreach=True)
    step, errors = 0, []
    for epoch in range(1, 251):
        for chosen in torch.randperm(len(images), generator=generator).split(100):
            optimizer.param_groups[0]["lr"] = 0.1 * 0.1 ** min(5, step // 25_000)
            loss = F.cross_entropy(logits(parameters, images[chosen]), labels[chosen])
            for p, gradient, mask in zip(parameters, torch.autograd.grad(loss, parameters), kept):
                p.grad = gradient * mask
            optimizer.step()
            step += 1
        with torch.no_grad():
            errors.append(100 * (logits(parameters, unseen).argmax(1) != truth).double().mean().item())
        if epoch % 50 == 0:
            print(f"{setting} seed {seed} epoch {epoch}: error {errors[-1]:.2f} %, lowest {min(errors):.2f} %", flush=True)


main()
