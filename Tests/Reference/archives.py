"""Makes archive.golden, a safetensors file as Python writes it, or checks a file that Espalier wrote.

  python3 archives.py make             writes archive.golden (needs torch, for bfloat16)
  python3 archives.py check FILE       needs numpy and safetensors; prints "ok"
"""
import pathlib
import sys


def make():
    import torch
    from safetensors.torch import save_file

    tensors = {
        "float32": torch.tensor([[1.5, -2.25, 0.0], [3e38, 1e-45, -0.0]]),
        "float64": torch.tensor([1 / 3, -1e300], dtype=torch.float64),
        "int64": torch.tensor([[-(2**63), 2**63 - 1]], dtype=torch.int64),
        "int32": torch.tensor([-(2**31), 7], dtype=torch.int32),
        "uint8": torch.tensor([0, 127, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "half": torch.tensor([1.0, -65504.0, 6e-8, 0.333251953125, float("inf"), 6.103515625e-05], dtype=torch.float16),
        "bfloat16": torch.tensor([1.0, -3.140625, 1e38], dtype=torch.bfloat16),
        "scalar": torch.tensor(42.0),
        "empty": torch.zeros(0, 3),
        "naïve \"name\" ✂": torch.tensor([8.0]),
    }
    save_file(tensors, pathlib.Path(__file__).with_name("archive.golden"), {"format": "pt", "note": "line 1\nline 2 \u001f é 🌳"})


def check(path):
    import numpy
    from safetensors import safe_open

    with safe_open(path, "numpy") as archive:
        assert archive.metadata() == {"key": "value \"quoted\" \\ \n\t\u0001 é 🌳", "empty": ""}, archive.metadata()
        assert sorted(archive.keys()) == ["bool", "empty", "float32", "float64", "int32", "int64", "scalar", "uint8", "é 🌳"]
        expected = {
            "bool": numpy.array([True, False, True]),
            "empty": numpy.zeros((0, 2), numpy.float32),
            "float32": numpy.array([[1.5, -2], [3, 4]], numpy.float32),
            "float64": numpy.array([1 / 3]),
            "int32": numpy.array([-1, 2], numpy.int32),
            "int64": numpy.array([[-(2**63)], [2**63 - 1]]),
            "scalar": numpy.array(42, numpy.float32),
            "uint8": numpy.array([0, 255], numpy.uint8),
            "é 🌳": numpy.arange(16, dtype=numpy.float32).reshape(1, 2, 2, 4).transpose(0, 3, 1, 2),
        }
        for name, value in expected.items():
            found = archive.get_tensor(name)
            assert found.dtype == value.dtype and found.shape == value.shape and (found == value).all(), name
    print("ok")


if __name__ == "__main__":
    make() if sys.argv[1:2] == ["make"] else check(sys.argv[2])
