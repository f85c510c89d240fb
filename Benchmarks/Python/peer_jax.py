"""JAX's side of the benchmark: one measurement of compiled training steps of a fully connected network in a process of its own.

    peer_jax.py --case lenet-300-100 --variant step|scan|masked-step|masked-scan --threads 1 --seconds 5

prints one line of JSON, as espalier-bench does for Espalier. `step` is one jitted step with donated buffers, whose loss is read; `scan`
is `lax.scan` over a hundred steps in one program, whose losses are read together. Each step gathers its batch from the resident data. The
masked variants mask as JaxPruner does: the weights are multiplied by masks of 0 and 1, as uint8, after each update.
"""

import os
import sys

from peers import CASES, parse_arguments, rate, report, widths

VARIANTS = ["step", "scan", "masked-step", "masked-scan"]
SCANNED = 100


def use_cores(count):
    """Restricts the process to as many cores, whose number JAX takes for that of its threads: nothing else sets it."""
    if not hasattr(os, "sched_setaffinity"):
        sys.exit("the number of JAX's threads cannot be set on this system")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < count:
        sys.exit(f"{count} threads need as many cores: there are {len(cores)}")
    os.sched_setaffinity(0, cores[-count:])


def main():
    cases = [case for case in CASES if widths(case)]
    options = parse_arguments("One measurement of JAX with optax, as one line of JSON.", cases, VARIANTS, ["train"])
    # Before JAX is imported, which starts its threads.
    use_cores(options.threads)
    os.environ["JAX_PLATFORMS"] = "cpu"
    measure(options)


def measure(options):
    import jax
    import jax.numpy as jnp
    import numpy
    import optax

    case, sizes = CASES[options.case], widths(options.case)
    count, batch = case["examples"], case["batch"]
    random = numpy.random.default_rng(1)
    images = jnp.asarray(random.random((count, sizes[0]), dtype=numpy.float32))
    labels = jnp.asarray(random.integers(sizes[-1], size=count, dtype=numpy.int32))
    weights, masks = [], []
    for inputs, outputs in zip(sizes, sizes[1:]):
        start = random.standard_normal((inputs, outputs), dtype=numpy.float32) * numpy.float32((2 / inputs) ** 0.5)
        weights.append((jnp.asarray(start), jnp.zeros(outputs)))
        masks.append(jnp.asarray(random.random((inputs, outputs)) < 0.1, dtype=jnp.uint8))
    is_masked = options.variant.startswith("masked")
    if case["optimizer"] == "adam":
        optimizer = optax.adam(case["learning_rate"])
    else:
        optimizer = optax.sgd(case["learning_rate"], case["momentum"])

    def loss(weights, inputs, targets):
        for weight, bias in weights[:-1]:
            inputs = jax.nn.relu(inputs @ weight + bias)
        weight, bias = weights[-1]
        return optax.softmax_cross_entropy_with_integer_labels(inputs @ weight + bias, targets).mean()

    def step(state, chosen, masks, images, labels):
        weights, moments = state
        value, gradients = jax.value_and_grad(loss)(weights, images[chosen], labels[chosen])
        updates, moments = optimizer.update(gradients, moments, weights)
        weights = optax.apply_updates(weights, updates)
        if is_masked:
            weights = [(weight * mask, bias) for (weight, bias), mask in zip(weights, masks)]
        return (weights, moments), value

    def scan(state, chosen, masks, images, labels):
        return jax.lax.scan(lambda state, chosen: step(state, chosen, masks, images, labels), state, chosen)

    def batches():
        while True:
            order = random.permutation(count).astype(numpy.int32)
            for start in range(0, count - batch + 1, batch):
                yield order[start : start + batch]

    scans = options.variant.endswith("scan")
    program = jax.jit(scan if scans else step, donate_argnums=(0,))
    state, order = (weights, optimizer.init(weights)), batches()

    def work():
        nonlocal state
        chosen = numpy.stack([next(order) for _ in range(SCANNED)]) if scans else next(order)
        state, losses = program(state, chosen, masks, images, labels)
        numpy.asarray(losses)
        return SCANNED if scans else 1

    parameters = sum(weight.size + bias.size for weight, bias in weights)
    report(options, rate(work, options.seconds), parameters, batch, jax.__version__)


if __name__ == "__main__":
    main()
