"""Writes the golden checkpoints that the tests of Interchange read, and the numbers that they must be read as.

Usage: python3 Tests/Reference/checkpoints.py   (PyTorch 2.11.0, safetensors)

All files hold small networks whose numbers are simple; Tests/InterchangeTests/Checkpoints/Golden takes them.
"""
import argparse
import json
import pathlib
import zipfile

import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

folder = pathlib.Path(__file__).resolve().parent.parent / "InterchangeTests" / "Checkpoints" / "Golden"
folder.mkdir(exist_ok=True)
expected = {}


def numbers(shape, start=0.0, dtype=torch.float32):
    count = torch.Size(shape).numel()
    return (torch.arange(count, dtype=torch.float64) / 8 + start).reshape(shape).to(dtype)


def mlp():
    """6 → 4 → 3, as the architecture mlp:6-4-3 has it."""
    model = nn.Sequential()
    model.fc1 = nn.Linear(6, 4)
    model.fc2 = nn.Linear(4, 3)
    with torch.no_grad():
        for index, parameter in enumerate(model.parameters()):
            parameter.copy_(numbers(parameter.shape, index - 1.5))
    return model


def write(name, value, tensors, **options):
    torch.save(value, folder / name, **options)
    expected[name] = {k: {"shape": list(v.shape), "values": v.double().flatten().tolist()} for k, v in tensors.items()}


model = mlp()
state = model.state_dict()
write("zip.pth", state, state)
for protocol in (3, 4, 5):
    write(f"zip-{protocol}.pth", state, state, pickle_protocol=protocol)
for protocol in (2, 4):
    write(f"legacy-{protocol}.pth", state, state, pickle_protocol=protocol, _use_new_zipfile_serialization=False)

# What training programs keep beside the weights.
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(1, 6)).sum().backward()
optimizer.step()
with torch.no_grad():
    for index, parameter in enumerate(model.parameters()):
        parameter.copy_(numbers(parameter.shape, index - 1.5))
write(
    "training.ckpt",
    {"epoch": 7, "best": torch.tensor(0.5), "args": argparse.Namespace(lr=0.1), "optimizer": optimizer.state_dict(),
     "state_dict": {"module." + k: v for k, v in state.items()}, "state_dict_ema": state, "names": {"a", "b"}, "none": None,
     "shape": torch.Size([2]), "device": torch.device("cpu"), "big": 1 << 70, "bytes": b"\0\1", "float": 2.5},
    {"module." + k: v for k, v in state.items()})

# A pickled module: its class is not needed to find its parameters.
write("module.pt", model, state)

# Views: a part of a larger storage, a transposed one, every second column, one storage for two names, memory in channels-last.
large = numbers([20, 4])
whole = numbers([4, 6])
views = {
    "row": large[3], "part": large[2:5], "transposed": whole.t(), "columns": whole[:, ::2], "tied": whole, "again": whole,
    "channels_last": numbers([2, 3, 2, 2]).contiguous(memory_format=torch.channels_last), "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 3), "expanded": torch.ones(1).expand(1),
}
write("views.pt", views, views)
write("views-legacy.pt", views, views, _use_new_zipfile_serialization=False)

# Types: what is no number of ours is listed.
types = {
    "half": numbers([5], dtype=torch.float16), "bfloat16": numbers([5], dtype=torch.bfloat16), "double": numbers([5], dtype=torch.float64),
    "uint8": torch.tensor([0, 255], dtype=torch.uint8), "int32": torch.tensor([-1, 2], dtype=torch.int32),
    "int64": torch.tensor([-1, 1 << 40]), "bool": torch.tensor([True, False]),
}
foreign = {
    "int8": torch.tensor([-1], dtype=torch.int8), "int16": torch.tensor([-1], dtype=torch.int16),
    "uint32": torch.tensor([1], dtype=torch.uint32), "float8": torch.ones(2).to(torch.float8_e4m3fn),
    "complex64": torch.tensor([1j], dtype=torch.complex64),
}
write("types.pt", types | foreign, types)

# Masks of torch.nn.utils.prune, and weight norm in both spellings.
pruned = mlp()
prune.l1_unstructured(pruned.fc1, "weight", 0.5)
write("pruned.pth", pruned.state_dict(), {"fc1.weight": pruned.fc1.weight.detach(), "fc1.weight_mask": pruned.fc1.weight_mask})

normed = mlp()
torch.nn.utils.weight_norm(normed.fc1)
parametrizations.weight_norm(normed.fc2)
with torch.no_grad():
    normed.fc1.weight_g.mul_(2)
    normed.fc2.parametrizations.weight.original0.mul_(3)
normed(torch.ones(1, 6))
write("normed.pth", normed.state_dict(), {"fc1.weight": normed.fc1.weight.detach(), "fc2.weight": normed.fc2.weight.detach()})

# By order: the same layers by other names, with batch norms between them.
ordered = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
ordered.load_state_dict(dict(zip(ordered.state_dict(), state.values())))
write("ordered.pth", ordered.state_dict(), state)

# Members compressed by somebody else.
with zipfile.ZipFile(folder / "zip.pth") as source, zipfile.ZipFile(folder / "deflated.pth", "w", zipfile.ZIP_DEFLATED) as target:
    for member in source.namelist():
        target.writestr(member, source.read(member))

(folder / "expected.json").write_text(json.dumps(expected, indent=None, separators=(",", ":")) + "\n")
