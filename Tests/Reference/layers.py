"""Makes layers.json: what PyTorch's layers, losses and their gradients give in float64.

  python3 layers.py        needs torch 2.11

Each case: inputs by name (tensors as shape and values), options, and the outputs by name. Gradients are those of
sum(output ** 3).
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(20)
torch.set_default_dtype(torch.float64)
cases = []


def stored(x):
    return {"shape": list(x.shape), "values": [float(f"{v:.14g}") if x.is_floating_point() else v for v in x.detach().flatten().tolist()]}


def drawn(*shape):
    # Multiples of 1/16: short in JSON, exact in every type.
    return (torch.randn(shape) * 16).round() / 16


def case(name, inputs, compute, differentiate=(), **options):
    inputs = {k: v.clone() for k, v in inputs.items()}
    before = {k: stored(v) for k, v in inputs.items()}
    for k in differentiate:
        inputs[k].requires_grad_()
    output = compute(**inputs)
    outputs = {"output": stored(output)}
    if differentiate:
        (output**3).sum().backward()
        for k in differentiate:
            outputs["gradient of " + k] = stored(inputs[k].grad)
    for k, v in inputs.items():
        if k.startswith("running"):
            outputs[k] = stored(v)
    cases.append({"name": name, "inputs": before, "options": options, "outputs": outputs})


def convolution(name, x, weight, bias=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    inputs = {"x": drawn(*x), "weight": drawn(*weight)} | ({} if bias is None else {"bias": drawn(bias)})
    case(
        name, inputs, lambda x, weight, bias=None: F.conv2d(x, weight, bias, stride, padding, dilation, groups), tuple(inputs),
        kind="convolution", stride=stride, padding=padding, dilation=dilation, groups=groups)


convolution("plain", (2, 2, 4, 5), (3, 2, 3, 3))
convolution("bias, stride 2", (1, 2, 6, 5), (3, 2, 3, 3), 3, stride=(2, 2))
convolution("padding 1", (1, 1, 4, 4), (2, 1, 3, 3), 2, padding=(1, 1))
convolution("dilation 2", (1, 2, 6, 6), (2, 2, 3, 3), 2, dilation=(2, 2))
convolution("groups 2", (1, 4, 3, 3), (6, 2, 2, 2), 6, groups=2)
convolution("depthwise", (1, 3, 4, 4), (3, 1, 3, 3), 3, padding=(1, 1), groups=3)
convolution("all different", (1, 2, 7, 9), (4, 1, 3, 2), 4, stride=(2, 3), padding=(2, 1), dilation=(1, 2), groups=2)


def pool(name, kind, x, **options):
    def compute(x):
        if kind == "adaptiveAveragePool":
            return F.adaptive_avg_pool2d(x, options["size"])
        if kind == "maxPool":
            return F.max_pool2d(x, options["kernel"], options["stride"], options["padding"], ceil_mode=options["ceilMode"])
        return F.avg_pool2d(x, options["kernel"], options["stride"], options["padding"], ceil_mode=options["ceilMode"])

    case(name, {"x": drawn(*x)}, compute, ("x",), kind=kind, **options)


for kind in ("maxPool", "averagePool"):
    pool(kind + " 2", kind, (1, 2, 4, 6), kernel=(2, 2), stride=(2, 2), padding=(0, 0), ceilMode=False)
    pool(kind + " 3 by 2, padding 1", kind, (1, 2, 5, 5), kernel=(3, 3), stride=(2, 2), padding=(1, 1), ceilMode=False)
    pool(kind + " rectangular, ceil", kind, (1, 1, 6, 7), kernel=(3, 2), stride=(2, 3), padding=(0, 1), ceilMode=True)
pool("adaptive 1", "adaptiveAveragePool", (2, 3, 3, 4), size=(1, 1))
pool("adaptive 2x3", "adaptiveAveragePool", (1, 2, 5, 7), size=(2, 3))


def batch_norm(name, x, training, affine=True):
    channels = x[1]
    inputs = {"x": drawn(*x), "runningMean": drawn(channels), "runningVariance": drawn(channels).abs() + 0.5}
    if affine:
        inputs |= {"weight": drawn(channels), "bias": drawn(channels)}
    case(
        name, inputs,
        lambda x, runningMean, runningVariance, weight=None, bias=None: F.batch_norm(
            x, runningMean, runningVariance, weight, bias, training, 0.1, 1e-5),
        ("x", "weight", "bias") if affine else ("x",), kind="batchNorm", training=training, momentum=0.1, epsilon=1e-5)


batch_norm("images, training", (2, 3, 2, 3), True)
batch_norm("images, evaluation", (2, 3, 2, 3), False)
batch_norm("vectors, training", (5, 3), True)
batch_norm("no scale and shift", (4, 2), True, affine=False)

labels = torch.tensor([0, 3, 1])
for reduction, smoothing in (("none", 0.0), ("mean", 0.0), ("sum", 0.0), ("mean", 0.1)):
    case(
        f"cross-entropy {reduction} {smoothing}", {"x": drawn(3, 4) * 3, "labels": labels},
        lambda x, labels: F.cross_entropy(x, labels, reduction=reduction, label_smoothing=smoothing), ("x",),
        kind="crossEntropy", reduction=reduction, smoothing=smoothing)
case("linear", {"x": drawn(3, 4), "weight": drawn(2, 4), "bias": drawn(2)}, F.linear, ("x", "weight", "bias"), kind="linear")
for name, function in {
    "softmax": lambda x: F.softmax(x, -1), "logSoftmax": lambda x: F.log_softmax(x, -1), "gelu": F.gelu, "silu": F.silu,
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": F.relu,
}.items():
    case(name, {"x": drawn(2, 5)}, lambda x, function=function: function(x), ("x",), kind=name)

# Second order: loss of a small network, its gradient, and the Hessian times a direction.
inputs = {
    "x": drawn(2, 1, 4, 4), "kernel": drawn(2, 1, 3, 3), "weight": drawn(3, 8), "labels": torch.tensor([2, 0]),
    "kernelDirection": drawn(2, 1, 3, 3), "weightDirection": drawn(3, 8),
}
kernel, weight = inputs["kernel"].clone().requires_grad_(), inputs["weight"].clone().requires_grad_()
loss = F.cross_entropy(torch.tanh(F.conv2d(inputs["x"], kernel)).flatten(1) @ weight.t(), inputs["labels"])
gradients = torch.autograd.grad(loss, [kernel, weight], create_graph=True)
product = (gradients[0] * inputs["kernelDirection"]).sum() + (gradients[1] * inputs["weightDirection"]).sum()
second = torch.autograd.grad(product, [kernel, weight])
cases.append({
    "name": "Hessian times direction", "inputs": {k: stored(v) for k, v in inputs.items()}, "options": {"kind": "hessian"},
    "outputs": {
        "output": stored(loss), "gradient of kernel": stored(gradients[0]), "gradient of weight": stored(gradients[1]),
        "product of kernel": stored(second[0]), "product of weight": stored(second[1]),
    },
})

# Last, so that the draws before it stay what they were. The values 0 and 6 are the bounds, where the gradient is 0.
x = drawn(2, 6) * 6
x[0, :3] = torch.tensor([0.0, 6.0, 7.5])
case("relu6", {"x": x}, lambda x: F.relu6(x), ("x",), kind="relu6")

for name, function in {"hardSigmoid": F.hardsigmoid, "hardSwish": F.hardswish, "softplus": F.softplus, "mish": F.mish}.items():
    case(name, {"x": drawn(2, 6) * 2}, lambda x, function=function: function(x), ("x",), kind=name)
case("leakyReLU", {"x": drawn(2, 6)}, lambda x: F.leaky_relu(x, 0.25), ("x",), kind="leakyReLU", number=0.25)
case("elu", {"x": drawn(2, 6)}, lambda x: F.elu(x, 1.5), ("x",), kind="elu", number=1.5)
case("prelu by channel", {"x": drawn(2, 3, 2, 2), "weight": drawn(3)}, F.prelu, ("x", "weight"), kind="prelu")
case("prelu by feature", {"x": drawn(3, 4), "weight": drawn(4)}, F.prelu, ("x", "weight"), kind="prelu")
case("prelu for all", {"x": drawn(2, 3, 2, 2), "weight": drawn(1)}, F.prelu, ("x", "weight"), kind="prelu")


def window(name, x, ceil):
    options = {"kernel": (3, 2), "stride": (2, 2), "padding": (1, 1), "ceilMode": ceil, "countsPadding": False}
    case(
        name, {"x": drawn(*x)}, lambda x: F.avg_pool2d(x, (3, 2), (2, 2), (1, 1), ceil, count_include_pad=False), ("x",),
        kind="averagePool", **options)


window("averagePool without padding", (1, 2, 5, 6), False)
window("averagePool without padding, ceil", (2, 1, 6, 5), True)
for size in ((1, 1), (2, 3)):
    case(f"adaptiveMaxPool {size}", {"x": drawn(1, 2, 5, 7)}, lambda x, size=size: F.adaptive_max_pool2d(x, size), ("x",),
         kind="adaptiveMaxPool", size=size)
case("pad", {"x": drawn(1, 2, 2, 3)}, lambda x: F.pad(x, (4, 3, 1, 2)), ("x",), kind="pad", sides=(1, 2, 4, 3))
for mode, options in {
    "nearest": {"mode": "nearest"}, "bilinear": {"mode": "bilinear", "align_corners": False},
    "bilinearAligned": {"mode": "bilinear", "align_corners": True},
}.items():
    for size in ((5, 7), (2, 2)):
        case(f"{mode} {size}", {"x": drawn(1, 2, 3, 4)}, lambda x, size=size, options=options: F.interpolate(x, size, **options), ("x",),
             kind=mode, size=size)


def channel_norm(x, weight=None, bias=None):
    if x.dim() == 2:
        return F.layer_norm(x, x.shape[1:], weight, bias, 1e-5)
    return F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2], weight, bias, 1e-5).permute(0, 3, 1, 2)


case("channelNorm of images", {"x": drawn(2, 4, 2, 3), "weight": drawn(4), "bias": drawn(4)}, channel_norm, ("x", "weight", "bias"),
     kind="channelNorm", epsilon=1e-5)
case("channelNorm of vectors", {"x": drawn(3, 5), "weight": drawn(5), "bias": drawn(5)}, channel_norm, ("x", "weight", "bias"),
     kind="channelNorm", epsilon=1e-5)
case("channelNorm, no scale and shift", {"x": drawn(1, 3, 2, 2)}, channel_norm, ("x",), kind="channelNorm", epsilon=1e-5)
case("attention", {"x": drawn(2, 6, 2, 2), "keys": drawn(2, 6, 1, 5), "values": drawn(2, 4, 1, 5)},
     lambda x, keys, values: F.scaled_dot_product_attention(
         *(t.flatten(2).unflatten(1, (2, -1)).transpose(2, 3) for t in (x, keys, values)), scale=0.75).transpose(2, 3).reshape(2, 4, 2, 2),
     ("x", "keys", "values"), kind="attention", number=0.75)
case("channelAffine", {"x": drawn(2, 3, 2, 2), "weight": drawn(3), "bias": drawn(3)},
     lambda x, weight, bias: x * weight[:, None, None] + bias[:, None, None], ("x", "weight", "bias"), kind="channelAffine")
case("gate of pixels", {"x": drawn(2, 3, 2, 2), "gate": drawn(2, 3, 1, 1)}, lambda x, gate: x * gate, ("x", "gate"), kind="gate")
case("gate of vectors", {"x": drawn(2, 3, 2, 2), "gate": drawn(2, 3)}, lambda x, gate: x * gate[:, :, None, None], ("x", "gate"),
     kind="gate")
for size in (3, 4):
    case(f"localResponseNorm {size}", {"x": drawn(2, 6, 2, 2)}, lambda x, size=size: F.local_response_norm(x, size, 0.5, 0.75, 2.0),
         ("x",), kind="localResponseNorm", lrn=(size, 0.5, 0.75, 2.0))


# Knowledge distillation by its definition, the mean over the batch of (1 - w) CE + w T^2 KL(teacher || student).
def distillation(x, teacher, labels, temperature, weight, smoothing):
    p, q = F.softmax(teacher / temperature, 1), F.softmax(x / temperature, 1)
    kl = (p * (p.log() - q.log())).sum(1).mean()
    return (1 - weight) * F.cross_entropy(x, labels, label_smoothing=smoothing) + weight * temperature**2 * kl


for temperature, weight, smoothing in ((4.0, 0.9, 0.0), (1.0, 0.5, 0.1), (2.5, 1.0, 0.0)):
    case(f"distillation at {temperature}, {weight}, {smoothing}",
         {"x": drawn(3, 4) * 3, "teacher": drawn(3, 4) * 3, "labels": torch.tensor([0, 3, 1])},
         lambda x, teacher, labels: distillation(x, teacher, labels, temperature, weight, smoothing), ("x",),
         kind="distillation", temperature=temperature, weight=weight, smoothing=smoothing)


def windows(x, rows, columns, grid):
    """[images, windows, heads, pixels, width] of two heads."""
    n, c, h, w = x.shape
    if grid:
        return x.reshape(n, 2, c // 2, rows, h // rows, columns, w // columns).permute(0, 4, 6, 1, 3, 5, 2).reshape(n, -1, 2, rows * columns, c // 2)
    return x.reshape(n, 2, c // 2, h // rows, rows, w // columns, columns).permute(0, 3, 5, 1, 4, 6, 2).reshape(n, -1, 2, rows * columns, c // 2)


def windowed(x, keys, values, weight=None, bias=None, scale=1.0, size=(2, 3), grid=False, shift=(0, 0)):
    """By images of places: what pixel each element of the result is."""
    q, k, v = (windows(t, *size, grid) for t in (x, keys, values))
    if weight is not None:
        q, k = F.normalize(q, dim=-1) * weight[:, None, None], F.normalize(k, dim=-1)
    scores = scale * q @ k.transpose(-2, -1)
    if bias is not None:
        scores = scores + bias
    n, c, h, w = values.shape
    side = torch.zeros(1, 1, h, w, dtype=x.dtype)
    for down in (slice(0, h - shift[0]), slice(h - shift[0], h)):
        for right in (slice(0, w - shift[1]), slice(w - shift[1], w)):
            side[..., down, right] = side.max() + 1
    part = windows(side.expand(1, 2, h, w), *size, grid)
    scores = scores + torch.where(part == part.transpose(-2, -1), 0.0, -100.0).to(x.dtype)
    result = scores.softmax(-1) @ v
    places = windows(torch.arange(c * h * w, dtype=torch.float64).reshape(1, c, h, w), *size, grid).flatten().long()
    return torch.zeros(n, c * h * w, dtype=x.dtype).index_copy(1, places, result.reshape(n, -1)).reshape(n, c, h, w)


maps = lambda: {"x": drawn(2, 4, 4, 6), "keys": drawn(2, 4, 4, 6), "values": drawn(2, 6, 4, 6)}
case("attention within windows", maps(), lambda x, keys, values: windowed(x, keys, values, scale=0.75), ("x", "keys", "values"),
     kind="attention", number=0.75, size=(2, 3))
case("attention within a grid, with a bias", {**maps(), "bias": drawn(2, 6, 6)},
     lambda x, keys, values, bias: windowed(x, keys, values, bias=bias, scale=0.75, grid=True), ("x", "keys", "values", "bias"),
     kind="attention", number=0.75, size=(2, 3), grid=True)
case("attention by cosines within shifted windows", {**maps(), "weight": drawn(2), "bias": drawn(2, 6, 6)},
     lambda x, keys, values, weight, bias: windowed(x, keys, values, weight, bias, shift=(1, 2)), ("x", "keys", "values", "weight", "bias"),
     kind="attention", number=1, size=(2, 3), shift=(1, 2))
case("roll", {"x": drawn(1, 2, 3, 4)}, lambda x: x.roll((-1, 3), (2, 3)), ("x",), kind="roll", shift=(-1, 3))

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")
