"""Makes torchvision-*.json: names and shapes of torchvision's tensors, its counts, and its outputs for weights of a formula.

  python3 torchvision_models.py [NAME …]   needs torch 2.11, torchvision 0.26, numpy

The k-th tensor in the order of the names' UTF-8 (from 0) has the elements u(k·2^32 + i mod 4093), i counting row-major from 0, where
u(n) is the top 24 bits of SplitMix64's n-th number (seed 0, from n = 0) divided by 2^24; they are mapped to
  weights of linear layers and convolutions   (2u − 1)·sqrt(6/fan-in)
  weights and running variances of norms, and scales of layers   u + 1/2
  everything else                             u − 1/2
and the images, as tensor number 2^20, to 2u − 1. Outputs are those in evaluation mode, in float64.
"""
import json
import pathlib
import sys

import numpy
import torch
from torchvision import models

SHAPE, CLASSES = (2, 3, 97, 80), 10
NETWORKS = {
    "mobilenet-v2": models.mobilenet_v2,
    "densenet-121": models.densenet121,
    "googlenet": lambda **options: models.googlenet(aux_logits=False, init_weights=False, **options),
    "squeezenet-1.1": models.squeezenet1_1,
    "mobilenet-v3-small": models.mobilenet_v3_small,
    "mobilenet-v3-large": models.mobilenet_v3_large,
    "efficientnet-b0": models.efficientnet_b0,
    "shufflenet-v2": models.shufflenet_v2_x1_0,
    "mnasnet": models.mnasnet1_0,
    "regnet-y-400mf": models.regnet_y_400mf,
    "convnext-tiny": models.convnext_tiny,
    "resnext-50": models.resnext50_32x4d,
    "inception-v3": lambda **options: without_auxiliary(models.inception_v3(init_weights=False, **options)),
}


def without_auxiliary(model):
    model.aux_logits, model.AuxLogits = False, None
    return model


def drawn(k, shape):
    # Drawing every element would take a test most of its time.
    size = int(numpy.prod(shape))
    count = min(size, 4093)
    with numpy.errstate(over="ignore"):
        z = (numpy.arange(1, count + 1, dtype=numpy.uint64) + (numpy.uint64(k) << numpy.uint64(32))) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z ^= z >> numpy.uint64(31)
    return torch.from_numpy(numpy.resize((z >> numpy.uint64(40)).astype(numpy.float64) / 2**24, size).reshape(shape))


def macs(model):
    """Multiplies of convolutions and linear layers for one image of 3×224×224, or 3×299×299 for Inception v3."""
    count = 0
    size = 299 if isinstance(model, models.Inception3) else 224

    def add(module, _, output):
        nonlocal count
        count += output[0].numel() * module.weight[0].numel()

    hooks = [m.register_forward_hook(add) for m in model.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    return count


for name in sys.argv[1:] or NETWORKS:
    build = NETWORKS[name]
    native = build()
    shapes = {k: list(v.shape) for k, v in native.state_dict().items() if not k.endswith("num_batches_tracked")}
    golden = {"parameters": sum(p.numel() for p in native.parameters()), "macs": macs(native), "tensors": shapes}

    model = build(num_classes=CLASSES).double().eval()
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    for k, key in enumerate(sorted(state)):
        tensor, u = state[key], drawn(k, tuple(state[key].shape))
        if key.endswith("layer_scale"):
            u = u + 0.5
        elif tensor.dim() > 1:
            u = (2 * u - 1) * (6 / tensor[0].numel()) ** 0.5
        elif key.endswith("running_var") or (key.endswith("weight")):
            u = u + 0.5
        else:
            u = u - 0.5
        tensor.copy_(u)
    with torch.no_grad():
        output = model(2 * drawn(2**20, SHAPE) - 1)
    golden |= {"classes": CLASSES, "input": list(SHAPE), "output": [float(f"{v:.14g}") for v in output.flatten().tolist()]}
    path = pathlib.Path(__file__).with_name(f"torchvision-{name}.json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(name, golden["parameters"], golden["macs"], path.stat().st_size, "bytes", golden["output"][:10])
