"""What is measured of each case, and the bars that the results are held to."""

import dataclasses


@dataclasses.dataclass
class Subject:
    """What is timed of a case: Espalier's variants, and the peers' with the least ratio that Espalier is held to (None: no bar)."""

    seconds: float
    ours: list
    peers: dict


def fully_connected(bar):
    return Subject(3, ["dense"], {"pytorch-default": None, "pytorch-fused": None, "jax-step": None, "jax-scan": bar})


def small_convolutional(*more):
    peers = {"pytorch-default": None, "pytorch-channels-last": 1.15, "pytorch-channels-last-fused": 1.15}
    return Subject(3, ["dense", "masked", *more], peers)


def large_convolutional():
    return Subject(4, ["dense", "masked"], {"pytorch-default": 0.97, "pytorch-channels-last": None})


def evaluated(seconds):
    return Subject(seconds, ["dense"], {"pytorch-channels-last": 1.15})


def meta(bar):
    return Subject(4, ["dense"], {"pytorch-default": bar})


PLAN = {
    ("train", "lenet-300-100"): Subject(
        3,
        ["dense", "masked", "l0"],
        {
            "pytorch-default": 3.5, "pytorch-fused": 1.9, "pytorch-masked": None,
            "jax-step": None, "jax-scan": 1.25, "jax-masked-step": None, "jax-masked-scan": None,
        },
    ),
    ("train", "wide-mlp"): fully_connected(1.0),
    ("train", "speech-mlp"): fully_connected(1.0),
    ("train", "lenet-5"): small_convolutional("l0"),
    ("train", "small-conv"): small_convolutional(),
    ("train", "medium-conv"): large_convolutional(),
    ("train", "vgg16-cifar"): large_convolutional(),
    ("train", "vgg16-bn-cifar"): large_convolutional(),
    # A step of first order takes at most 0.9 times of torch.func's, one of second order at most 1.1 times.
    ("fomaml", "lenet-300-100"): meta(1 / 0.9),
    ("fomaml", "lenet-5"): meta(1 / 0.9),
    ("maml", "lenet-300-100"): meta(1 / 1.1),
    ("maml", "lenet-5"): meta(1 / 1.1),
    ("evaluate", "lenet-5"): evaluated(3),
    ("evaluate", "small-conv"): evaluated(3),
    ("evaluate", "medium-conv"): evaluated(3),
    ("evaluate", "vgg16-cifar"): evaluated(4),
    ("evaluate", "vgg16-bn-cifar"): evaluated(4),
}
CASES = list(dict.fromkeys(case for _, case in PLAN))

NAMES = {
    "espalier-dense": "Espalier", "espalier-masked": "Espalier, masked", "espalier-l0": "Espalier, l0",
    "pytorch-default": "PyTorch", "pytorch-fused": "PyTorch, fused", "pytorch-masked": "PyTorch, masked",
    "pytorch-channels-last": "PyTorch, channels-last", "pytorch-channels-last-fused": "PyTorch, channels-last, fused",
    "jax-step": "JAX, step", "jax-scan": "JAX, scan", "jax-masked-step": "JAX, masked step", "jax-masked-scan": "JAX, masked scan",
}
# A variant with masks or gates, and the one without that its time is set against.
MASKED = {
    "espalier-masked": "espalier-dense", "espalier-l0": "espalier-dense", "pytorch-masked": "pytorch-default", "jax-masked-step": "jax-step", "jax-masked-scan": "jax-scan",
}
# The most times that a masked step, and one with gates, may take of a dense one.
MASKED_BARS = {"espalier-masked": 1.05, "espalier-l0": 1.3}
# The most seconds that planning and cutting half of all units may take, on one thread.
SURGERIES = {"vgg16": 1.0, "resnet-50": 0.3, "densenet-121": 1.0}
# The least ratio of a training step with sparse kernels to a dense one, on one thread, by sparsity; and of two threads to one.
SPARSE = {0.8: 2.0, 0.9: 3.5, 0.95: 6.0}
SPARSE_THREADS = 1.6
# The case whose whole runs must be alike, and how far a run may lie from their median.
STEADY, STEADY_SPREAD = "lenet-300-100", 0.15
