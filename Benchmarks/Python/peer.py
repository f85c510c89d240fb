"""PyTorch's side of the benchmark: one measurement of eager PyTorch in a process of its own.

    peer.py --case lenet-5 --what train|evaluate|fomaml|maml --variant default|fused|masked|channels-last|channels-last-fused --threads 1 --seconds 5

prints one line of JSON, as espalier-bench does for Espalier. Batches, optimizers and the sizes of the synthetic data are those of
cases.json. A step is what a training loop does: gather a random batch from the resident data, forward, loss, backward, optimizer step,
and read the loss. An evaluation computes the loss and the accuracy of a resident set.
"""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune

from peers import CASES, EVALUATION_BATCH, parse_arguments, rate, report, widths

VARIANTS = ["default", "fused", "masked", "channels-last", "channels-last-fused"]


def linear(*sizes):
    layers = [nn.Flatten()]
    for size, following in zip(sizes, sizes[1:]):
        layers += [nn.Linear(size, following), nn.ReLU()]
    return layers[:-1]


def lenet_5():
    """Caffe's: no activation after a convolution."""
    return [nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), *linear(800, 500, 10)]


def unpadded(filters, hidden):
    """Three unpadded convolutions, each with ReLU and a 2x2 maximum, then linear layers (Mean Replacement Pruning, 6.3)."""
    layers, channels = [], 3
    for count, kernel in zip(filters, [5, 3, 3]):
        layers += [nn.Conv2d(channels, count, kernel), nn.ReLU(), nn.MaxPool2d(2)]
        channels = count
    return layers + linear(4 * channels, *hidden, 10)


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
    return layers + linear(512, 512, 10)


# The layers and the shape of an example of each convolutional network.
CONVOLUTIONAL = {
    "lenet-5": (lenet_5, (1, 28, 28)),
    "small-conv": (lambda: unpadded([32, 64, 128], [512, 128]), (3, 32, 32)),
    "medium-conv": (lambda: unpadded([64, 128, 256], [1024, 256]), (3, 32, 32)),
    "vgg16-cifar": (lambda: vgg16_cifar(False), (3, 32, 32)),
    "vgg16-bn-cifar": (lambda: vgg16_cifar(True), (3, 32, 32)),
}


def network(case, count):
    """A case's network, and `count` random images and labels for it."""
    sizes = widths(case)
    if sizes:
        layers, shape, classes = linear(*sizes), (sizes[0],), sizes[-1]
    else:
        make, shape = CONVOLUTIONAL[CASES[case]["network"]]
        layers, classes = make(), 10
    return nn.Sequential(*layers), torch.rand((count, *shape)), torch.randint(classes, (count,))


def mask_nine_tenths(model):
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            prune.random_unstructured(module, "weight", amount=0.9)


def training(options, model, images, labels):
    """A step of training, as a function that returns 1."""
    case, count, batch = CASES[options.case], len(images), CASES[options.case]["batch"]
    if options.variant == "masked":
        mask_nine_tenths(model)
    model.train()
    kind = {"fused": True} if options.variant.endswith("fused") else {}
    if case["optimizer"] == "adam":
        stepper = torch.optim.Adam(model.parameters(), lr=case["learning_rate"], **kind)
    else:
        stepper = torch.optim.SGD(model.parameters(), lr=case["learning_rate"], momentum=case["momentum"], **kind)
    criterion = nn.CrossEntropyLoss()
    channels_last = options.variant.startswith("channels-last")

    def batches():
        while True:
            order = torch.randperm(count)
            for start in range(0, count - batch + 1, batch):
                yield order[start : start + batch]

    order = batches()

    def step():
        chosen = next(order)
        inputs = images[chosen]
        if channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        stepper.zero_grad()
        loss = criterion(model(inputs), labels[chosen])
        loss.backward()
        stepper.step()
        loss.item()
        return 1

    return step, batch


def evaluation(model, images, labels):
    """An evaluation of all images, as a function that returns their number."""
    model.eval()
    batch = min(EVALUATION_BATCH, len(images))

    @torch.inference_mode()
    def evaluate():
        loss, correct = 0.0, 0
        for start in range(0, len(images), batch):
            chosen = labels[start : start + batch]
            logits = model(images[start : start + batch])
            loss += functional.cross_entropy(logits, chosen, reduction="sum").item()
            correct += (logits.argmax(1) == chosen).sum().item()
        return len(images)

    return evaluate, batch


# An outer step of meta-learning, as in MetaTime.swift.
TASKS, WAYS, SHOTS, QUERIES, INNER_STEPS, INNER_RATE, OUTER_RATE = 4, 5, 5, 15, 5, 0.001, 1e-3


def meta_learning(second_order, model, images):
    """An outer step of MAML through torch.func, as a function that returns 1."""
    model.train()
    weights = {name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()}
    stepper = torch.optim.Adam(weights.values(), lr=OUTER_RATE)
    labels = {count: torch.arange(count) % WAYS for count in (WAYS * SHOTS, WAYS * QUERIES)}

    def loss(weights, inputs):
        return functional.cross_entropy(torch.func.functional_call(model, weights, (inputs,)), labels[len(inputs)])

    slope, slope_and_loss = torch.func.grad(loss), torch.func.grad_and_value(loss)

    def adapted(weights, support):
        for _ in range(INNER_STEPS):
            found = slope(weights, support)
            weights = {name: value - INNER_RATE * found[name] for name, value in weights.items()}
        return weights

    through_steps = torch.func.grad_and_value(lambda weights, support, query: loss(adapted(weights, support), query))

    def step():
        total, sums = 0.0, None
        start = {name: value.detach() for name, value in weights.items()}
        for _ in range(TASKS):
            chosen = torch.randint(len(images), (WAYS * (SHOTS + QUERIES),))
            support, query = images[chosen[: WAYS * SHOTS]], images[chosen[WAYS * SHOTS :]]
            if second_order:
                found, value = through_steps(start, support, query)
            else:
                found, value = slope_and_loss(adapted(start, support), query)
            total += value.item()
            sums = found if sums is None else {name: sums[name] + found[name] for name in sums}
        for name, value in weights.items():
            value.grad = sums[name] / TASKS
        stepper.step()
        return 1

    return step, TASKS * WAYS * (SHOTS + QUERIES)


def main():
    options = parse_arguments("One measurement of eager PyTorch, as one line of JSON.", list(CASES), VARIANTS, ["train", "evaluate", "fomaml", "maml"])
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model, images, labels = network(options.case, CASES[options.case]["evaluated" if options.what == "evaluate" else "examples"])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if options.variant.startswith("channels-last") and images.dim() == 4:
        model, images = model.to(memory_format=torch.channels_last), images.contiguous(memory_format=torch.channels_last)
    if options.what == "train":
        work, batch = training(options, model, images, labels)
    elif options.what in ("fomaml", "maml"):
        work, batch = meta_learning(options.what == "maml", model, images)
    else:
        work, batch = evaluation(model, images, labels)
    report(options, rate(work, options.seconds), parameters, batch, torch.__version__)


if __name__ == "__main__":
    main()
