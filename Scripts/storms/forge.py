"""Extreme files that a few lines can describe, for the cases of `lines`: `forge KIND NUMBER FILE`."""

import json
import struct
import sys

from storms import mutations
from storms.graphs import node


def model(nodes, output, tensors, **metadata):
    """A model file of this network; tensors are given by their shapes, and all 0.01."""
    network = json.dumps({"name": "n", "nodes": nodes, "outputs": [output]})
    filled = {name: ("F32", shape, struct.pack("<f", 0.01) * mutations.math.prod(shape)) for name, shape in tensors.items()}
    texts = {"format": "espalier", "version": "1", "network": network, "history": "[]", "classes": "[]", **metadata}
    return mutations.assemble(texts, filled)


def layers(count):
    """So many linear layers, one behind the other."""
    nodes, tensors = [node("in", "input", [], shape=[64])], {}
    for n in range(count):
        width = 64 if n == 0 else 4
        outputs = 10 if n == count - 1 else 4
        nodes.append(node(f"fc{n}", "linear", [nodes[-1]["name"]], inputs=width, outputs=outputs, bias=True))
        tensors |= {f"fc{n}.weight": [outputs, width], f"fc{n}.bias": [outputs]}
    return model(nodes, nodes[-1]["name"], tensors)


def activations(count):
    """A linear layer behind so many activations."""
    nodes = [node("in", "input", [], shape=[64])]
    for n in range(count):
        nodes.append(node(f"a{n}", "activation", [nodes[-1]["name"]], function="relu"))
    nodes.append(node("fc", "linear", [nodes[-1]["name"]], inputs=64, outputs=10, bias=False))
    return model(nodes, "fc", {"fc.weight": [10, 64]})


def doublings(count):
    """So many concatenations of a layer with itself, then ten of its channels."""
    nodes = [node("in", "input", [], shape=[64])]
    for n in range(count):
        nodes.append(node(f"c{n}", "concat", [nodes[-1]["name"]] * 2))
    nodes.append(node("nar", "narrow", [nodes[-1]["name"]], start=0, count=10))
    nodes.append(node("fc", "linear", ["nar"], inputs=10, outputs=10, bias=False))
    return model(nodes, "fc", {"fc.weight": [10, 10]})


def padded(count):
    """A convolution whose padding makes an image of so many pixels a side."""
    nodes = [
        node("in", "input", [], shape=[1, 8, 8]),
        node("c", "convolution", ["in"], inputs=1, outputs=1, kernel=[1, 1], padding=[count, count], bias=False),
        node("p", "adaptiveAveragePool", ["c"], size=[1, 1]), node("f", "flatten", ["p"]),
        node("fc", "linear", ["f"], inputs=1, outputs=10, bias=False),
    ]
    return model(nodes, "fc", {"c.weight": [1, 1, 1, 1], "fc.weight": [10, 1]})


def wide(count):
    """A shortcut that pads so many channels, of which ten are used."""
    nodes = [
        node("in", "input", [], shape=[1, 8, 8]), node("s", "subsamplePad", ["in"], stride=1, before=count, after=0),
        node("nar", "narrow", ["s"], start=0, count=10), node("f", "flatten", ["nar"]),
        node("fc", "linear", ["f"], inputs=640, outputs=10, bias=False),
    ]
    return model(nodes, "fc", {"fc.weight": [10, 640]})


def keys(count):
    """A header with so many metadata keys."""
    metadata = ",".join(f'"k{n}":""' for n in range(count))
    text = ('{"__metadata__":{' + metadata + "}}").encode()
    return struct.pack("<Q", len(text)) + text


def record(count):
    """A record of a round with so many evaluations."""
    point = {"iteration": 20, "test": {"correct": 1, "count": 360, "fraction": 0.002, "iteration": 20, "loss": 2.3, "standardError": 0.01},
             "trainingLoss": 2.3, "validationAccuracy": 0.1, "validationLoss": 2.2}
    layer = {"kept": 640, "name": "fc1", "prunable": 640}
    round_ = {"accuracyAtEarlyStop": 0.1, "accuracyAtEnd": 0.1, "branch": "trunk", "density": 1, "earlyStopIteration": 20,
              "firstIteration": 0, "iterations": 20, "iterationsPerSecond": 1000, "layers": [layer], "round": 0, "seconds": 0.1,
              "seed": 0, "validationLoss": 2.2}
    head, tail = json.dumps(round_)[:-1] + ', "evaluations": [', "]}"
    return (head + ", ".join([json.dumps(point)] * count) + tail).encode()


def tensor(length):
    """A sound model with a tensor too many, whose name controls a terminal and has so many letters."""
    nodes = [node("in", "input", [], shape=[1, 8, 8]), node("f", "flatten", ["in"])]
    nodes.append(node("fc", "linear", ["f"], inputs=64, outputs=10, bias=False))
    return model(nodes, "fc", {"fc.weight": [10, 64], "\x1b[31m\u202e" + "n" * length: [1]})


def flip(byte, content):
    """The file with one bit flipped, so many bytes before its end."""
    data = bytearray(content)
    data[-byte] ^= 0x10
    return bytes(data)


def unmask(_, content):
    """A checkpoint without its masks."""
    header, data = mutations.split(content)
    tensors = mutations.tensors_of(header, data)
    return mutations.assemble(header["__metadata__"], {name: value for name, value in tensors.items() if not name.startswith("mask.")})


def advance(iteration, content):
    """A checkpoint of another step."""
    header, data = mutations.split(content)
    opened = mutations.unfold(header)
    training = opened["__metadata__"]["checkpoint"][0]["training"]
    training["iteration"] = training["stepCount"] = iteration
    return mutations.join(mutations.fold(opened), data)


def rename(_, content):
    """A ticket record whose branch controls a terminal."""
    return json.dumps({**json.loads(content), "branch": "\x1b[31mtrunk\u202e"}).encode()


MADE = {made.__name__: made for made in (layers, activations, doublings, padded, wide, keys, record, tensor)}
CHANGED = {changed.__name__: changed for changed in (flip, unmask, advance, rename)}


def main():
    kind, number, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if kind in CHANGED:
        with open(path, "rb") as file:
            content = file.read()
        content = CHANGED[kind](number, content)
    else:
        content = MADE[kind](number)
    with open(path, "wb") as file:
        file.write(content)


if __name__ == "__main__":
    main()
