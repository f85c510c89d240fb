"""PyTorch's side of the benchmark: one measurement of eager PyTorch in a process of its own.

    peer.py --case lenet-300-100 --variant default|fused|masked --threads 1 --seconds 5

prints one line of JSON, as espalier-bench does for Espalier. Networks, batches, optimizers and synthetic data are those of
Benchmarks/README.md. A step is what a training loop does: gather a random batch from the resident data, forward, loss,
backward, optimizer step, and read the loss.
"""

import argparse
import json
import platform
import resource
import time

import torch
from torch import nn
from torch.nn.utils import prune


def lenet_300_100():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)
    )


def medium_conv():
    """Three unpadded convolutions, each with ReLU and a 2x2 maximum, then 1024-256-10 (Mean Replacement Pruning, 6.3)."""
    layers = []
    for channels, filters, kernel in [(3, 64, 5), (64, 128, 3), (128, 256, 3)]:
        layers += [nn.Conv2d(channels, filters, kernel), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 10)]
    return nn.Sequential(*layers)


def vgg16_cifar(batch_norm):
    """VGG16's thirteen convolutions on 32x32 images, then 512-512-10 (Li et al. 2017)."""
    layers, channels = [], 3
    for stage in [(64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)]:
        for filters in stage:
            layers.append(nn.Conv2d(channels, filters, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(filters))
            layers.append(nn.ReLU())
            channels = filters
        layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    return nn.Sequential(*layers)


def adam(parameters, **options):
    return torch.optim.Adam(parameters, lr=1.2e-3, **options)


def sgd(parameters, **options):
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9, **options)


# name: (network, shape of an example, examples, batch, optimizer, the case's full name)
CASES = {
    "lenet-300-100": (lenet_300_100, (784,), 60_000, 60, adam, "lenet-300-100/adam/b60"),
    "medium-conv": (medium_conv, (3, 32, 32), 2_000, 64, sgd, "medium-conv/sgd/b64"),
    "vgg16-cifar": (lambda: vgg16_cifar(False), (3, 32, 32), 2_000, 64, sgd, "vgg16-cifar/sgd/b64"),
    "vgg16-bn-cifar": (lambda: vgg16_cifar(True), (3, 32, 32), 2_000, 64, sgd, "vgg16-bn-cifar/sgd/b64"),
}


def peak_resident_bytes():
    try:
        # getrusage also counts what the parent held before exec; the kernel's high-water mark is this process's own.
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if platform.system() == "Darwin" else peak * 1024


def mask_nine_tenths(model):
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            prune.random_unstructured(module, "weight", amount=0.9)


def measure(case, variant, threads, seconds):
    network, shape, count, batch, optimizer, full_name = CASES[case]
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = network()
    if variant == "masked":
        mask_nine_tenths(model)
    model.train()
    stepper = optimizer(model.parameters(), **({"fused": True} if variant == "fused" else {}))
    images = torch.rand((count, *shape))
    labels = torch.randint(10, (count,))
    criterion = nn.CrossEntropyLoss()

    def batches():
        while True:
            order = torch.randperm(count)
            for start in range(0, count - batch + 1, batch):
                yield order[start : start + batch]

    order = batches()

    def step():
        chosen = next(order)
        stepper.zero_grad()
        loss = criterion(model(images[chosen]), labels[chosen])
        loss.backward()
        stepper.step()
        return loss.item()

    def run(limit, least):
        steps, start = 0, time.perf_counter()
        while steps < least or time.perf_counter() - start < limit:
            step()
            steps += 1
        return steps / (time.perf_counter() - start)

    run(seconds / 5, least=3)
    rate = run(seconds, least=1)
    return {
        "case": f"{full_name}/t{threads}",
        "variant": f"pytorch-{variant}",
        "threads": threads,
        "steps_per_second": rate,
        "peak_rss_bytes": peak_resident_bytes(),
        "version": torch.__version__,
    }


def main():
    parser = argparse.ArgumentParser(description="One measurement of eager PyTorch, as one line of JSON.")
    parser.add_argument("--case", required=True, choices=list(CASES))
    parser.add_argument("--variant", default="default", choices=["default", "fused", "masked"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    if options.threads < 1 or options.seconds <= 0:
        parser.error("--threads must be at least 1 and --seconds more than 0")
    print(json.dumps(measure(options.case, options.variant, options.threads, options.seconds)))


if __name__ == "__main__":
    main()
