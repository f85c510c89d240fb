"""Sound models of networks that nobody would design: random graphs of all operations, for images of the digits."""

import json
import math
import struct

from . import mutations


def node(name, kind, sources, **fields):
    return {"name": name, "operation": {"type": kind, **fields}, "inputs": sources}


class Builder:
    def __init__(self, dice):
        self.dice, self.nodes, self.shapes, self.tensors = dice, [], {}, {}
        self.add("input", [], (1, 8, 8), shape=[1, 8, 8])

    def add(self, kind, sources, result, tensors=(), **fields):
        name = f"{kind[:4]}{len(self.nodes)}"
        self.nodes.append(node(name, kind, sources, **fields))
        self.shapes[name] = result
        self.tensors[name] = {f"{name}.{key}": size for key, size in dict(tensors).items()}
        return name

    def step(self):
        """One operation more, behind what came last or behind anything before."""
        dice = self.dice
        names = [n["name"] for n in self.nodes if len(self.shapes[n["name"]]) == 3]
        source = names[-1] if dice.random() < 0.7 else dice.choice(names)
        channels, height, width = self.shapes[source]
        kind = dice.choice(("convolution", "convolution", "convolution", "batchNorm", "groupNorm", "activation", "activation", "maxPool",
                            "averagePool", "adaptiveAveragePool", "dropout", "add", "concat", "narrow", "subsamplePad"))
        if kind == "convolution":
            groups = dice.choice([g for g in (1, 1, 1, 2, 4, channels) if channels % g == 0])
            outputs, kernel = groups * dice.choice((1, 1, 2, 3, 4)), dice.choice((1, 2, 3))
            padding, stride = dice.choice((0, 1)), dice.choice((1, 1, 2))
            size = [(n + 2 * padding - kernel) // stride + 1 for n in (height, width)]
            if min(size) < 1 or outputs > 64:
                return
            tensors = {"weight": [outputs, channels // groups, kernel, kernel], "bias": [outputs]}
            self.add(kind, [source], (outputs, *size), tensors, inputs=channels, outputs=outputs, kernel=[kernel] * 2,
                     padding=[padding] * 2, stride=[stride] * 2, groups=groups)
        elif kind == "batchNorm":
            tensors = {"weight": [channels], "bias": [channels], "running_mean": [channels], "running_var": [channels]}
            self.add(kind, [source], (channels, height, width), tensors, features=channels)
        elif kind == "groupNorm":
            groups = dice.choice([g for g in (1, 2, 4, channels) if channels % g == 0])
            tensors = {"weight": [channels], "bias": [channels]}
            self.add(kind, [source], (channels, height, width), tensors, groups=groups, features=channels)
        elif kind == "activation":
            self.add(kind, [source], (channels, height, width), function=dice.choice(("relu", "relu", "tanh")))
        elif kind in ("maxPool", "averagePool"):
            kernel, stride = dice.choice((2, 3)), dice.choice((1, 2))
            size = [(n - kernel) // stride + 1 for n in (height, width)]
            if min(size) >= 1:
                self.add(kind, [source], (channels, *size), kernel=[kernel] * 2, stride=[stride] * 2)
        elif kind == "adaptiveAveragePool":
            self.add(kind, [source], (channels, 2, 2), size=[2, 2])
        elif kind == "dropout":
            self.add(kind, [source], (channels, height, width), probability=0.2)
        elif kind in ("add", "concat"):
            alike = [n for n in names if self.shapes[n][1:] == (height, width) and (kind == "concat" or self.shapes[n][0] == channels)]
            sources = [source, dice.choice(alike)]
            total = sum(self.shapes[n][0] for n in sources) if kind == "concat" else channels
            if total <= 64 and (sources[0] != sources[1] or kind == "concat"):
                self.add(kind, sources, (total, height, width))
        elif kind == "narrow" and channels > 1:
            count = dice.randrange(1, channels)
            self.add(kind, [source], (count, height, width), start=dice.randrange(channels - count + 1), count=count)
        elif kind == "subsamplePad":
            stride, before, after = dice.choice((1, 2)), dice.choice((0, 1, 2)), dice.choice((0, 1))
            size = [-(-n // stride) for n in (height, width)]
            self.add(kind, [source], (channels + before + after, *size), stride=stride, before=before, after=after)


def model(dice):
    """The bytes of a model file; its weights are random, and its recipe says that it was trained on the digits."""
    builder = Builder(dice)
    for _ in range(dice.randrange(3, 22)):
        builder.step()
    last = [n["name"] for n in builder.nodes if len(builder.shapes[n["name"]]) == 3][-1]
    features = math.prod(builder.shapes[last])
    flat = builder.add("flatten", [last], (features,))
    if dice.random() < 0.5:
        hidden = dice.choice((4, 7, 16))
        flat = builder.add("linear", [flat], (hidden,), {"weight": [hidden, features], "bias": [hidden]}, inputs=features, outputs=hidden)
        flat, features = builder.add("activation", [flat], (hidden,), function="relu"), hidden
    output = builder.add("linear", [flat], (10,), {"weight": [10, features], "bias": [10]}, inputs=features, outputs=10)
    # What the output does not come from is no part of the network.
    sources = {n["name"]: n["inputs"] for n in builder.nodes}
    used, waiting = set(), [output]
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += sources[name]
    tensors = {}
    for name in used:
        for key, shape in builder.tensors[name].items():
            positive = key.endswith("running_var")
            values = [abs(dice.gauss(0, 0.3)) + 0.1 if positive else dice.gauss(0, 0.3) for _ in range(math.prod(shape))]
            tensors[key] = ("F32", shape, struct.pack(f"<{len(values)}f", *values))
    network = {"name": "graph", "nodes": [n for n in builder.nodes if n["name"] in used], "outputs": [output]}
    recipe = {"data": {"dataset": "digits", "seed": 0}, "initialization": "kaiming-uniform", "start": {"network": {"_0": "graph"}}}
    texts = {"format": "espalier", "version": "1", "history": "[]", "classes": "[]"}
    return mutations.assemble({**texts, "network": json.dumps(network), "recipe": json.dumps(recipe)}, tensors)
