"""Makes onnx_models.json: small ONNX models and what ONNX Runtime computes with them.

  python3 onnx_models.py        needs onnx 1.23, onnxruntime 1.32, torch 2.11, torchvision 0.26

Each case: a name, the file in base64, the batch (shape and values), the output's values, and for models that are refused the reason.
"""
import base64
import functools
import io
import json
import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings("ignore")
rng = np.random.default_rng(5)
torch.manual_seed(5)
cases = []


def drawn(*shape):
    # Multiples of 1/16: short in JSON, exact in every type.
    return (rng.integers(-24, 25, shape) / 16).astype(np.float32)


def add(name, data, x):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {session.get_inputs()[0].name: x})
    cases.append({
        "name": name, "file": base64.b64encode(data).decode(), "shape": list(x.shape), "input": x.flatten().tolist(),
        "outputShape": list(y.shape), "output": [float(f"{v:.7g}") for v in y.flatten().tolist()],
    })


def graph(name, nodes, constants, shape, opset=17, batch="N", like=None):
    """A case of given nodes from x to y; the softmax is left off on our side, so `like` names the value that is compared."""
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])]
    tensors = [v if isinstance(v, TensorProto) else numpy_helper.from_array(v, k) for k, v in constants.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, tensors), opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    x = drawn(1 if batch == 1 else 2, *shape)
    if like is None:
        return add(name, model.SerializeToString(), x)
    other = onnx.ModelProto()
    other.CopyFrom(model)
    other.graph.output[0].name = like
    add(name, other.SerializeToString(), x)
    cases[-1]["file"] = base64.b64encode(model.SerializeToString()).decode()


def node(operation, inputs, outputs, name="", **attributes):
    return helper.make_node(operation, inputs.split(), outputs.split(), name=name, **attributes)


def ints(*values):
    return np.array(values, dtype=np.int64)


image = (4, 6, 6)
kernels = drawn(6, 4, 3, 3)
graph("conv", [node("Conv", "x c.weight c.bias", "y", pads=[1, 1, 1, 1], strides=[2, 2])], {"c.weight": kernels, "c.bias": drawn(6)}, image)
graph("conv-groups", [node("Conv", "x w", "y", group=2, dilations=[2, 1], pads=[2, 1, 2, 1])], {"w": drawn(6, 2, 3, 3)}, image)
graph("conv-same", [node("Conv", "x w", "y", auto_pad="SAME_UPPER")], {"w": kernels}, image)
graph("conv-valid", [node("Conv", "x w", "y", auto_pad="VALID", strides=[2, 1])], {"w": kernels}, image)
graph("conv-padded", [node("Pad", "x p", "z"), node("Conv", "z w", "y", pads=[1, 0, 1, 0])],
      {"p": ints(0, 0, 0, 1, 0, 0, 0, 1), "w": kernels}, image)
graph("conv-then-bias", [node("Conv", "x w", "z"), node("Reshape", "b s", "b4"), node("Add", "z b4", "y")],
      {"w": kernels, "b": drawn(6), "s": ints(1, 6, 1, 1)}, image)
for kind in [np.float16, np.float64]:
    graph(f"conv-{kind.__name__}", [node("Cast", "w", "v", to=1), node("Conv", "x v", "y")],
          {"w": drawn(2, 4, 1, 1).astype(kind)}, image)
bf = helper.make_tensor("w", TensorProto.BFLOAT16, [2, 4, 1, 1], [float(v) for v in drawn(8)])
graph("conv-bfloat16", [node("Cast", "w", "v", to=1), node("Conv", "x v", "y")], {"w": bf}, image)
typed = helper.make_tensor("w", TensorProto.FLOAT, [2, 4, 1, 1], [float(v) for v in drawn(8)])
graph("conv-typed-floats", [node("Conv", "x w", "y")], {"w": typed}, image)
graph("conv-constant-node", [helper.make_node("Constant", [], ["w"], value=typed), node("Conv", "x w", "y")], {}, image)
graph("batch-norm", [node("BatchNormalization", "x n.weight n.bias n.mean n.var", "y", epsilon=1e-3)],
      {"n.weight": drawn(4), "n.bias": drawn(4), "n.mean": drawn(4), "n.var": np.abs(drawn(4)) + 0.5}, image)
graph("relu-tanh", [node("Relu", "x", "a"), node("Tanh", "a", "y")], {}, image)
graph("clip-6", [node("Clip", "x lo hi", "y")], {"lo": np.float32(0), "hi": np.float32(6)}, image)
graph("clip-attributes", [node("Clip", "x", "y", min=0.0, max=6.0)], {}, image, opset=6)
graph("silu", [node("Sigmoid", "x", "s"), node("Mul", "s x", "y")], {}, image)
half, one, root = np.float32(0.5), np.float32(1), np.float32(2 ** 0.5)
graph("gelu-torch", [node("Div", "x r", "a"), node("Erf", "a", "b"), node("Add", "b o", "c"), node("Mul", "x c", "d"), node("Mul", "d h", "y")],
      {"r": root, "o": one, "h": half}, image)
graph("gelu-half-first", [node("Mul", "x h", "p"), node("Div", "x r", "a"), node("Erf", "a", "b"), node("Add", "o b", "c"), node("Mul", "p c", "y")],
      {"r": root, "o": one, "h": half}, image)
graph("gelu-half-within", [node("Div", "x r", "a"), node("Erf", "a", "b"), node("Add", "b o", "c"), node("Mul", "c h", "d"), node("Mul", "x d", "y")],
      {"r": root, "o": one, "h": half}, image)
graph("gelu", [node("Gelu", "x", "y")], {}, image, opset=20)
graph("max-pool", [node("MaxPool", "x", "y", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0])], {}, image)
graph("max-pool-ceil", [node("MaxPool", "x", "y", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)], {}, image)
graph("average-pool", [node("AveragePool", "x", "y", kernel_shape=[2, 2], strides=[2, 2])], {}, image)
graph("average-pool-padded", [node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)], {}, image)
graph("global-average-flatten", [node("GlobalAveragePool", "x", "a"), node("Flatten", "a", "y")], {}, image)
graph("reduce-mean", [node("ReduceMean", "x", "y", axes=[2, 3], keepdims=0)], {}, image)
graph("reduce-mean-18", [node("ReduceMean", "x a", "y")], {"a": ints(-1, -2)}, image, opset=18)
graph("squeeze", [node("GlobalAveragePool", "x", "a"), node("Squeeze", "a s", "y")], {"s": ints(2, 3)}, image)
graph("reshape-open", [node("Reshape", "x s", "y")], {"s": ints(0, -1)}, image)
graph("reshape-fixed", [node("Reshape", "x s", "y")], {"s": ints(1, 144)}, image, batch=1)
graph("reshape-computed",
      [node("Shape", "x", "s"), node("Gather", "s i", "n"), node("Unsqueeze", "n a", "m"), node("Concat", "m r", "t", axis=0),
       node("Reshape", "x t", "y")], {"i": np.array(0, dtype=np.int64), "a": ints(0), "r": ints(-1)}, image)
graph("reshape-all-computed",
      [node("Shape", "x", "s"), node("Slice", "s b e", "n"), node("Slice", "s e z", "f"), node("Gather", "f o", "k"),
       node("Gather", "f l", "h"), node("Mul", "k h", "kh"), node("Gather", "f q", "w"), node("Mul", "kh w", "khw"),
       node("Concat", "n khw", "t", axis=0), node("Cast", "t", "u", to=6), node("Cast", "u", "v", to=7), node("Reshape", "x v", "y")],
      {"b": ints(0), "e": ints(1), "z": ints(9223372036854775807), "o": ints(0), "l": ints(1), "q": ints(-1)}, image)
matrix = drawn(5, 3)
graph("gemm", [node("Gemm", "x fc.weight fc.bias", "y", transB=1)], {"fc.weight": drawn(3, 5), "fc.bias": drawn(3)}, (5,))
graph("gemm-scaled", [node("Gemm", "x w b", "y", alpha=0.5, beta=2.0)], {"w": matrix, "b": drawn(1, 3)}, (5,))
graph("matmul-add", [node("MatMul", "x w", "a"), node("Add", "b a", "y")], {"w": matrix, "b": drawn(3)}, (5,))
graph("matmul", [node("MatMul", "x w", "y")], {"w": matrix}, (5,))
graph("add", [node("Relu", "x", "a"), node("Add", "a x", "y")], {}, image)
graph("concat", [node("Relu", "x", "a"), node("Concat", "x a", "y", axis=-3)], {}, image)
graph("split", [node("Split", "x", "a b", axis=1), node("Relu", "a", "c"), node("Concat", "b c", "y", axis=1)], {}, image)
graph("split-uneven", [node("Split", "x s", "a b", axis=1), node("Concat", "b a", "y", axis=1)], {"s": ints(1, 3)}, image)
graph("slice", [node("Slice", "x b e a", "y")], {"b": ints(1), "e": ints(-1), "a": ints(1)}, image)
graph("subsample-pad", [node("Slice", "x b e a t", "s"), node("Pad", "s p", "y")],
      {"b": ints(0, 0), "e": ints(2 ** 31 - 1, 2 ** 31 - 1), "a": ints(2, 3), "t": ints(2, 2), "p": ints(0, 2, 0, 0, 0, 2, 0, 0)}, image)
graph("dropout-identity", [node("Dropout", "x", "a"), node("Identity", "a", "y")], {}, image)
graph("shared-by-identity",
      [node("Identity", "a.weight", "b.weight"), node("Conv", "x a.weight", "z"), node("Relu", "z", "v"), node("Conv", "v b.weight", "y")],
      {"a.weight": drawn(4, 4, 1, 1)}, image)
graph("last-softmax", [node("Gemm", "x w", "z", transB=1), node("Softmax", "z", "p"), node("Identity", "p", "y")], {"w": drawn(3, 5)}, (5,),
      like="z")


def exported(name, module, shape, opset=17):
    data = io.BytesIO()
    x = torch.from_numpy(drawn(2, *shape))
    torch.onnx.export(module.eval(), (x,), data, opset_version=opset, input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {0: "N"}, "y": {0: "N"}}, dynamo=False)
    add("torch-" + name, data.getvalue(), x.numpy())


class Residual(torch.nn.Module):
    def __init__(self, act):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(4)
        self.act = act
        self.body = torch.nn.Sequential(torch.nn.Conv2d(4, 4, 3, padding=1), self.act)
        self.fc = torch.nn.Linear(4, 3)

    def forward(self, x):
        x = self.act(self.bn1(self.conv1(x)))
        x = x + self.body(x)
        x = torch.nn.functional.adaptive_avg_pool2d(x, 1)
        return self.fc(x.view(x.size(0), -1))


exported("silu", Residual(torch.nn.SiLU()), (3, 6, 6))
exported("gelu", Residual(torch.nn.GELU()), (3, 6, 6))
exported("relu6", Residual(torch.nn.ReLU6()), (3, 6, 6))

pathlib.Path(__file__).with_name("onnx_models.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")

# Operations of newer networks, in a file of their own.
cases = []
small = (4, 4, 4)
for kind, options in [("HardSwish", {}), ("Softplus", {}), ("LeakyRelu", {"alpha": 0.25}), ("Elu", {"alpha": 0.5}), ("Sigmoid", {}),
                      ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5})]:
    graph("function-" + kind.lower(), [node(kind, "x", "a", **options), node("Relu", "a", "y")], {}, small)
graph("function-mish", [node("Mish", "x", "y")], {}, small, opset=18)
three, six = np.float32(3), np.float32(6)
graph("hard-swish-four", [node("Add", "x t", "a"), node("Clip", "a lo hi", "b"), node("Mul", "x b", "c"), node("Div", "c s", "y")],
      {"t": three, "lo": np.float32(0), "hi": six, "s": six}, small)
graph("hard-swish-gate", [node("Add", "x t", "a"), node("Clip", "a lo hi", "b"), node("Div", "b s", "c"), node("Mul", "c x", "y")],
      {"t": three, "lo": np.float32(0), "hi": six, "s": six}, small)
graph("hard-sigmoid-three", [node("Add", "x t", "a"), node("Clip", "a lo hi", "b"), node("Div", "b s", "c"), node("Relu", "c", "y")],
      {"t": three, "lo": np.float32(0), "hi": six, "s": six}, small)
graph("hard-swish-sigmoid", [node("HardSigmoid", "x", "a", alpha=1 / 6), node("Mul", "a x", "y")], {}, small)
graph("prelu", [node("PRelu", "x p.weight", "y")], {"p.weight": drawn(4, 1, 1)}, small)
graph("gate", [node("GlobalAveragePool", "x", "a"), node("Sigmoid", "a", "g"), node("Mul", "g x", "y")], {}, small)
graph("product", [node("Relu", "x", "a"), node("Mul", "x a", "y")], {}, small)
graph("difference", [node("Relu", "x", "a"), node("Sub", "a x", "y")], {}, small)
graph("scale", [node("Mul", "s x", "a"), node("Add", "a b", "y")], {"s": drawn(4, 1, 1), "b": drawn(1, 4, 1, 1)}, small)
graph("shift", [node("Add", "b x", "y")], {"b": drawn(4, 1, 1)}, small)
graph("bias-apart", [node("MatMul", "x w", "a"), node("Add", "a b", "c"), node("Add", "a c", "y")], {"w": drawn(5, 3), "b": drawn(3)}, (5,))
graph("conv-uneven", [node("Conv", "x w", "y", pads=[0, 1, 2, 3])], {"w": drawn(2, 4, 2, 2)}, small)
graph("pad-alone", [node("Pad", "x p", "a"), node("Relu", "a", "y")], {"p": ints(0, 0, 1, 0, 0, 0, 2, 3)}, small)
graph("lrn", [node("LRN", "x", "y", size=3, alpha=0.5, beta=0.75, bias=2.0)], {}, small)
graph("instance-norm", [node("InstanceNormalization", "x n.weight n.bias", "y", epsilon=1e-3)], {"n.weight": drawn(4), "n.bias": drawn(4)}, small)
graph("average-pool-own", [node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])], {}, small)
graph("global-max", [node("GlobalMaxPool", "x", "a"), node("Flatten", "a", "y")], {}, small)
graph("shuffle", [node("Reshape", "x s", "a"), node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]), node("Reshape", "b t", "y")],
      {"s": ints(0, 2, 2, 4, 4), "t": ints(0, -1, 4, 4)}, small)
graph("gather", [node("Gather", "x i", "y", axis=1)], {"i": ints(3, 0, -2)}, small)
graph("softmax-within", [node("Softmax", "x", "a", axis=1), node("Relu", "a", "y")], {}, small)
exported("hardswish", Residual(torch.nn.Hardswish()), (3, 4, 4))


class Shuffle(torch.nn.Module):
    def forward(self, x):
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


exported("shuffle", torch.nn.Sequential(Shuffle(), torch.nn.Conv2d(4, 2, 1)), (4, 4, 4))

pathlib.Path(__file__).with_name("onnx_operations.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")

# Sequences, attention, and channels behind the positions, in a file of their own.
cases = []
nn = torch.nn
row = (4, 6)
graph("sequence-conv", [node("Conv", "x w b", "y", pads=[2, 1], strides=[2], dilations=[2])], {"w": drawn(3, 4, 2), "b": drawn(3)}, row)
graph("sequence-pools", [node("MaxPool", "x", "a", kernel_shape=[3], strides=[2], pads=[1, 1]), node("AveragePool", "a", "b", kernel_shape=[2]),
                         node("Conv", "b w", "c"), node("GlobalAveragePool", "c", "d"), node("Flatten", "d", "y")], {"w": drawn(3, 4, 1)}, row)
graph("tokens", [node("MatMul", "x w", "a"), node("Add", "a b", "c"), node("LayerNormalization", "c s t", "d", axis=-1), node("Add", "d p", "e"),
                 node("ReduceMean", "e", "f", axes=[1], keepdims=0), node("Gemm", "f v", "y")],
      {"w": drawn(4, 5), "b": drawn(5), "s": drawn(5), "t": drawn(5), "p": drawn(1, 6, 5), "v": drawn(5, 3)}, (6, 4))
graph("layer-norm-vector", [node("LayerNormalization", "x s", "y", axis=1, epsilon=0.01)], {"s": drawn(5)}, (5,))
graph("positions-cut", [node("Slice", "x b e a", "c"), node("Relu", "c", "y")], {"b": ints(1, 0), "e": ints(3, -1), "a": ints(2, 3)}, (2, 4, 5))
graph("resize-nearest", [node("Resize", "x n s", "y", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")],
      {"n": np.zeros(0, np.float32), "s": np.array([1, 1, 2, 1.5], np.float32)}, (2, 4, 4))
graph("resize-half-pixel", [node("Resize", "x n s", "y", mode="nearest")], {"n": np.zeros(0, np.float32), "s": np.array([1, 1, 2, 3], np.float32)},
      (2, 3, 4))
graph("resize-aligned", [node("Resize", "x n n z", "y", mode="linear", coordinate_transformation_mode="align_corners")],
      {"n": np.zeros(0, np.float32), "z": ints(2, 2, 7, 5)}, (2, 3, 4))
graph("transposed", [node("ConvTranspose", "x w b", "y", strides=[2, 1], pads=[1, 0, 1, 0], output_padding=[1, 0], dilations=[1, 2])],
      {"w": drawn(2, 3, 3, 2), "b": drawn(3)}, (2, 3, 4))
graph("transposed-groups", [node("ConvTranspose", "x w", "y", strides=[2, 2], group=2)], {"w": drawn(4, 3, 2, 2)}, (4, 3, 3))
graph("transposed-sequence", [node("ConvTranspose", "x w", "y", strides=[2])], {"w": drawn(4, 3, 2)}, row)
graph("hard-sigmoid-keras", [node("HardSigmoid", "x", "a", alpha=0.2, beta=0.5), node("Mul", "x a", "y")], {}, (2, 4, 4))
graph("prepared", [node("Sub", "x m", "a"), node("Div", "a s", "b"), node("Conv", "b w", "y")],
      {"m": drawn(3, 1, 1), "s": np.array([0.5, 0.25, 2], np.float32).reshape(1, 3, 1, 1), "w": drawn(2, 3, 1, 1)}, (3, 4, 4))
graph("scaled-image", [node("Mul", "x s", "a"), node("Sub", "a o", "b"), node("Conv", "b w", "y")],
      {"s": np.float32(0.25), "o": np.float32(1), "w": drawn(2, 3, 1, 1)}, (3, 4, 4))
# As Keras has it: channels last from the input on, also when they are flattened.
graph("channels-last", [node("Transpose", "x", "a", perm=[0, 3, 1, 2]), node("Conv", "a w b", "c"), node("Relu", "c", "d"),
                        node("Transpose", "d", "e", perm=[0, 2, 3, 1]), node("Reshape", "e s", "f"), node("MatMul", "f v", "g"),
                        node("Add", "g u", "y")],
      {"w": drawn(4, 3, 2, 2), "b": drawn(4), "s": ints(-1, 36), "v": drawn(36, 2), "u": drawn(2)}, (4, 4, 3))
graph("channels-last-gate", [node("Transpose", "x", "a", perm=[0, 2, 3, 1]), node("ReduceMean", "a", "m", axes=[1, 2]), node("MatMul", "m w", "g"),
                             node("Sigmoid", "g", "s"), node("Mul", "a s", "h"), node("Transpose", "h", "y", perm=[0, 3, 1, 2])],
      {"w": drawn(4, 4)}, (4, 3, 3))


def bare(data):
    """A model without what the exporter says of its sources."""
    model = onnx.load_from_string(data)
    del model.graph.value_info[:], model.graph.metadata_props[:]
    for part in [model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        part.doc_string = ""
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
    return model.SerializeToString()


def exported_twice(name, module, shape):
    """By both of PyTorch's exporters, for any batch."""
    exported(name, module, shape)
    exported_dynamo(name, module, shape)


def exported_dynamo(name, module, shape, varies=True):
    """By the newer of them, for any batch or that of two examples."""
    x = torch.from_numpy(drawn(2, *shape))
    file = io.BytesIO()
    torch.onnx.export(module.eval(), (x,), file, input_names=["x"], output_names=["y"], dynamo=True, verbose=False,
                      dynamic_shapes=({0: torch.export.Dim("n")},) if varies else None)
    add("dynamo-" + name, bare(file.getvalue()), x.numpy())


class Packed(nn.Module):
    """Attention as timm writes it."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        a = (q * (c // self.heads) ** -0.5 @ k.transpose(-2, -1)).softmax(-1)
        return self.proj((a @ v).transpose(1, 2).reshape(b, t, c))


class Separate(nn.Module):
    """Attention as Hugging Face's encoders write it, with values of another width."""

    def __init__(self, width, heads, values):
        super().__init__()
        self.heads, self.q, self.k, self.v = heads, nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, values)
        self.out = nn.Linear(values, width)

    def forward(self, x):
        def split(y):
            return y.view(y.size(0), y.size(1), self.heads, -1).permute(0, 2, 1, 3)

        q, k, v = split(self.q(x)), split(self.k(x)), split(self.v(x))
        a = torch.softmax(torch.matmul(q, k.transpose(-1, -2)) / 1.5, dim=-1)
        y = torch.matmul(a, v).permute(0, 2, 1, 3).contiguous()
        return self.out(y.view(y.size(0), y.size(1), -1))


class Block(nn.Module):
    def __init__(self, attention, width):
        super().__init__()
        self.norm1, self.attention, self.norm2 = nn.LayerNorm(width), attention, nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 6), nn.GELU(), nn.Linear(6, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Patches(nn.Module):
    """Two tokens before the patches of an image, learned positions, blocks, and the first token's classes."""

    def __init__(self, blocks, width, tokens):
        super().__init__()
        self.patches, self.blocks = nn.Conv2d(2, width, 2, stride=2), nn.Sequential(*blocks)
        self.tokens = nn.ParameterList([nn.Parameter(torch.from_numpy(drawn(1, 1, width))) for _ in range(tokens)])
        self.positions = nn.Parameter(torch.from_numpy(drawn(1, 4 + tokens, width)))
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([token.expand(x.size(0), -1, -1) for token in self.tokens] + [x], 1) + self.positions
        x = self.blocks(x)
        return self.head(x[:, 0] if self.tokens else x.mean(1))


class Torch(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.inner = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x):
        return self.inner(x, x, x, need_weights=False)[0]


exported_twice("attention-packed", Patches([Block(Packed(4, 2), 4)], 4, 1), (2, 4, 4))
exported_twice("attention-separate", Patches([Block(Separate(6, 3, 3), 6), Block(Separate(6, 2, 8), 6)], 6, 2), (2, 4, 4))
exported_twice("attention-torch", Patches([Block(Torch(4, 2), 4)], 4, 1), (2, 4, 4))
exported_twice("attention-mean", Patches([Block(Packed(4, 1), 4)], 4, 0), (2, 4, 4))
x = torch.from_numpy(drawn(1, 2, 4, 4))
file = io.BytesIO()
torch.onnx.export(Patches([Block(Torch(4, 2), 4)], 4, 1).eval(), (x,), file, opset_version=17, input_names=["x"], output_names=["y"], dynamo=False)
add("torch-attention-one-example", file.getvalue(), x.numpy())


class Next(nn.Module):
    """A block of ConvNeXt."""

    def __init__(self):
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.LayerNorm(4)
        self.mlp, self.scale = nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 4)), nn.Parameter(torch.from_numpy(drawn(4, 1, 1)))

    def forward(self, x):
        return x + self.scale * self.mlp(self.norm(self.depthwise(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)


exported_twice("convnext", nn.Sequential(Next(), nn.Flatten(), nn.Linear(36, 2)), (4, 3, 3))
class Norm(nn.Module):
    """A layer norm as it was exported before opset 17."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(4)

    def forward(self, x):
        return self.norm(x.flatten(2).transpose(1, 2)).mean(1)


exported("layer-norm-in-steps", Norm(), (4, 2, 3), opset=13)
exported("group-norm", nn.Sequential(nn.Conv2d(2, 4, 1), nn.GroupNorm(2, 4), nn.ReLU()), (2, 3, 3))
exported_twice("upsample", nn.Sequential(nn.Upsample(scale_factor=2), nn.Upsample(size=(5, 7), mode="bilinear")), (2, 3, 3))
exported_twice("sequence", nn.Sequential(nn.Conv1d(2, 4, 3, padding=1), nn.BatchNorm1d(4), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(4, 4, 1, groups=2),
                                         nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 3)), (2, 8))


class Last(nn.Module):
    """A mean of positions, as ConvNeXt ends: of channels that lie last, which the newer exporter writes as places in one row of all numbers."""

    def __init__(self):
        super().__init__()
        self.channels, self.mean, self.head = nn.Linear(4, 3), nn.AdaptiveAvgPool2d(1), nn.Linear(3, 2)

    def forward(self, x):
        x = self.mean(self.channels(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return self.head(nn.functional.layer_norm(x.permute(0, 2, 3, 1), (3,)).permute(0, 3, 1, 2).flatten(1))


exported_dynamo("mean-in-places", Last(), (4, 3, 3))
exported_dynamo("mean-in-places-of-two", Last(), (4, 3, 3), varies=False)

pathlib.Path(__file__).with_name("onnx_sequences.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")

# Functions without a rule for pruning, in a file of their own.
cases = []
maps = (4, 3, 3)
for kind in ["Abs", "Exp", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh", "Sign", "Floor", "Ceil", "Round", "Softsign", "Erf", "Selu", "Neg"]:
    graph("opaque-" + kind.lower(), [node(kind, "x", "y")], {}, maps)
for kind, before in [("Asin", "Softsign"), ("Acos", "Softsign"), ("Atanh", "Softsign"), ("Log", "Softplus"), ("Sqrt", "Softplus"), ("Reciprocal", "Softplus")]:
    graph("opaque-" + kind.lower(), [node(before, "x", "a"), node(kind, "a", "y")], {}, maps)
graph("opaque-acosh", [node("Softplus", "x", "a"), node("Add", "a t", "b"), node("Acosh", "b", "y")], {"t": np.float32(2)}, maps)
graph("opaque-selu-numbers", [node("Selu", "x", "y", alpha=2.0, gamma=0.5)], {}, maps)
graph("opaque-celu", [node("Celu", "x", "y", alpha=0.5)], {}, maps)
graph("opaque-thresholded", [node("ThresholdedRelu", "x", "y", alpha=0.25)], {}, maps)
graph("opaque-shrink", [node("Shrink", "x", "y", lambd=0.5, bias=0.25)], {}, maps)
graph("opaque-hard-sigmoid", [node("HardSigmoid", "x", "y", alpha=0.3, beta=0.25)], {}, maps)
graph("opaque-clip", [node("Clip", "x lo hi", "y")], {"lo": np.float32(-0.5), "hi": np.float32(0.75)}, maps)
graph("opaque-clip-below", [helper.make_node("Clip", ["x", "", "hi"], ["y"])], {"hi": np.float32(0.75)}, maps)
graph("opaque-clip-attributes", [node("Clip", "x", "y", min=-1.0, max=0.5)], {}, maps, opset=6)
graph("opaque-power", [node("Softplus", "x", "a"), node("Pow", "a e", "y")], {"e": np.float32(1.5)}, maps)
graph("opaque-square", [node("Pow", "x e", "y")], {"e": np.float32(2)}, maps)
graph("opaque-cube", [node("Pow", "x e", "y")], {"e": np.array(3, np.int64)}, maps)
graph("opaque-power-of", [node("Softplus", "x", "a"), node("Pow", "a x", "y")], {}, maps)
graph("opaque-log-softmax", [node("LogSoftmax", "x", "y", axis=1)], {}, maps)
graph("opaque-log-softmax-early", [node("LogSoftmax", "x", "y")], {}, (5,), opset=11)
graph("opaque-log-softmax-last", [node("Transpose", "x", "a", perm=[0, 2, 3, 1]), node("LogSoftmax", "a", "b"), node("Transpose", "b", "y", perm=[0, 3, 1, 2])],
      {}, maps)
graph("opaque-l1-norm", [node("LpNormalization", "x", "y", axis=1, p=1)], {}, maps)
graph("opaque-l2-norm", [node("LpNormalization", "x", "y", axis=1)], {}, maps)
graph("opaque-cumsum", [node("CumSum", "x a", "y")], {"a": np.array(1, np.int64)}, maps)
graph("opaque-cumsum-reverse", [node("CumSum", "x a", "y", exclusive=1, reverse=1)], {"a": ints(-3)}, maps)
for kind in ["ReduceMin", "ReduceMax", "ReduceMean", "ReduceL1", "ReduceL2", "ReduceProd", "ReduceLogSumExp", "ReduceSumSquare"]:
    graph("opaque-" + kind.lower(), [node(kind, "x", "y", axes=[1])], {}, maps)
    graph("opaque-" + kind.lower() + "-18", [node(kind, "x a", "y", keepdims=0)], {"a": ints(1)}, maps, opset=18)
graph("opaque-reducesum", [node("ReduceSum", "x a", "y")], {"a": ints(-3)}, maps)
graph("opaque-reducesum-attribute", [node("ReduceSum", "x", "y", axes=[1], keepdims=0)], {}, (4, 5), opset=11)
graph("opaque-reducelogsum", [node("Softplus", "x", "a"), node("ReduceLogSum", "a", "y", axes=[1])], {}, maps)
graph("opaque-reducemax-positions", [node("ReduceMax", "x", "y", axes=[2, 3], keepdims=0)], {}, maps)
graph("opaque-max", [node("Relu", "x", "a"), node("Sin", "x", "b"), node("Max", "a b x", "y")], {}, maps)
graph("opaque-max-number", [node("Max", "x c", "y")], {"c": np.float32(-0.5)}, maps)
graph("opaque-min", [node("Relu", "x", "a"), node("Min", "a c x", "y")], {"c": np.array([0.5], np.float32)}, maps)
graph("opaque-divide", [node("Softplus", "x", "a"), node("Div", "x a", "y")], {}, maps)
graph("opaque-number-divided", [node("Softplus", "x", "a"), node("Div", "c a", "y")], {"c": np.float32(3)}, maps)
graph("number-minus", [node("Sub", "c x", "y")], {"c": np.float32(1)}, maps)
graph("channels-minus", [node("Sub", "c x", "y")], {"c": drawn(4, 1, 1)}, maps)
graph("opaque-erf-scaled", [node("Mul", "x r", "a"), node("Erf", "a", "b"), node("Relu", "b", "y")], {"r": np.float32(2 ** -0.5)}, maps)
graph("three-more", [node("Add", "x t", "a"), node("Relu", "a", "y")], {"t": np.float32(3)}, maps)
# A gate of one number for each position, of the mean and the maximum of all channels (CBAM).
graph("opaque-spatial-gate", [node("ReduceMean", "x", "m", axes=[1]), node("ReduceMax", "x", "n", axes=[1]), node("Concat", "m n", "c", axis=1),
                              node("Conv", "c w", "d", pads=[1, 1, 1, 1]), node("Sigmoid", "d", "g"), node("Mul", "x g", "y")],
      {"w": drawn(1, 2, 3, 3)}, maps)
graph("opaque-unit-length", [node("ReduceL2", "x", "n", axes=[1]), node("Clip", "n lo", "m"), node("Div", "x m", "y")], {"lo": np.float32(1e-3)}, maps)
graph("opaque-minus-mean", [node("MatMul", "x w", "a"), node("ReduceMean", "a", "m", axes=[-1]), node("Sub", "a m", "b"), node("Exp", "b", "y")],
      {"w": drawn(4, 5)}, (6, 4))
graph("opaque-variance", [node("MatMul", "x w", "a"), node("ReduceMean", "a", "m", axes=[-1]), node("Sub", "a m", "b"), node("Pow", "b e", "c"),
                          node("ReduceMean", "c", "d", axes=[-1]), node("Add", "d t", "f"), node("Sqrt", "f", "g"), node("Add", "g g", "y")],
      {"w": drawn(4, 5), "e": np.float32(2), "t": np.float32(0.25)}, (6, 4))


class RMSNorm(nn.Module):
    """A norm in steps, as language models write it."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.from_numpy(drawn(4)))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 0.01))


class Gated(nn.Module):
    """A norm in steps before a hidden layer that can be pruned."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.up, self.down = nn.Linear(3, 4), RMSNorm(), nn.Linear(4, 6), nn.Linear(6, 4)

    def forward(self, x):
        x = self.first(x.flatten(2).transpose(1, 2))
        return (x + self.down(torch.nn.functional.silu(self.up(self.norm(x))))).mean(1)


exported_twice("rms-norm", Gated(), (3, 2, 2))


def attention(name, split, **attributes):
    """Attention as an operation of its own, of two heads, with values of another width."""
    heads = [node("MatMul", f"x {n}w", n) for n in "qkv"]
    if split:
        heads += [part for n in "qkv" for part in (node("Reshape", f"{n} s", n + "r"), node("Transpose", n + "r", n + "h", perm=[0, 2, 1, 3]))]
        heads += [node("Attention", "qh kh vh", "a", **attributes), node("Transpose", "a", "b", perm=[0, 2, 1, 3]), node("Reshape", "b j", "c")]
    else:
        heads += [node("Attention", "q k v", "c", q_num_heads=2, kv_num_heads=2, **attributes)]
    graph(name, heads + [node("MatMul", "c o", "y")],
          {"qw": drawn(4, 6), "kw": drawn(4, 6), "vw": drawn(4, 4), "o": drawn(4, 3), "s": ints(0, 0, 2, -1), "j": ints(0, 0, -1)}, (5, 4), opset=23)


attention("attention-3d", False)
attention("attention-3d-scaled", False, scale=0.25)
attention("attention-4d", True)
pathlib.Path(__file__).with_name("onnx_opaque.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")

# GELU by its approximation, gates that are none, and borders whose sizes are turned around, in a file of their own.
cases = []
image = (4, 2, 2)
graph("gelu-tanh", [node("Gelu", "x", "y", approximate="tanh")], {}, image, opset=20)
cubic = [node("Mul", "k q", "s"), node("Add", "x s", "t"), node("Mul", "b t", "u"), node("Tanh", "u", "v"), node("Add", "v o", "w")]
rest = {"k": np.float32(0.044715), "b": np.float32((2 / np.pi) ** 0.5), "o": one, "h": half}
graph("gelu-tanh-torch", [node("Mul", "x x", "p"), node("Mul", "x p", "q"), *cubic, node("Mul", "x w", "z"), node("Mul", "h z", "y")], rest, image)
graph("gelu-tanh-power", [node("Pow", "x e", "q"), *cubic, node("Mul", "x h", "z"), node("Mul", "z w", "y")], rest | {"e": np.float32(3)}, image)
graph("gelu-tanh-other", [node("Pow", "x e", "q"), *cubic, node("Mul", "x h", "z"), node("Mul", "z w", "y")],
      rest | {"e": np.float32(3), "k": np.float32(0.05)}, image)
graph("gelu-gate-alone", [node("Pow", "x e", "q"), *cubic, node("Mul", "w h", "y")], rest | {"e": np.float32(3)}, image)
graph("gelu-exact-gate-alone", [node("Div", "x r", "a"), node("Erf", "a", "b"), node("Add", "b o", "c"), node("Mul", "c h", "y")],
      {"r": root, "o": one, "h": half}, image)
exported_twice("gelu-tanh", nn.GELU("tanh"), image)


class Padded(nn.Module):
    def forward(self, x):
        return torch.nn.functional.pad(torch.nn.functional.pad(x, (1, 0, 2, 1))[:, :, ::2, ::2], (0, 0, 0, 0, 1, 2)).relu()


exported_twice("borders", Padded(), image)
pathlib.Path(__file__).with_name("onnx_gelu.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")

# Numbers of the graph, in a file of their own: they are multiplied by and added, and no layer learns them.
cases = []


def number(value, name):
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.float32(value)))


graph("numbers", [number(0.5, "h"), node("Mul", "x h", "a"), number(1, "o"), node("Add", "a o", "y")], {}, (2, 2, 2))
graph("numbers-first", [node("Mul", "h x", "a"), node("Add", "o a", "b"), node("Relu", "b", "y")],
      {"h": np.array([-0.75], np.float32), "o": np.float32(0.25)}, (2, 2, 2))
graph("numbers-minus", [node("Sub", "o x", "a"), node("Sub", "a h", "y")], {"o": np.float32(2), "h": np.float32(0.5)}, (3,))
graph("numbers-divided", [node("Div", "x d", "a"), node("Sub", "a o", "y")], {"d": np.float32(4), "o": np.float32(0.125)}, (3,))
graph("numbers-nothing", [node("Add", "x z", "a"), node("Mul", "a o", "b"), node("Relu", "b", "y")], {"z": np.float32(0), "o": one}, (3,))
graph("numbers-last", [node("Neg", "x", "a"), node("Transpose", "a", "b", perm=[0, 2, 1]), node("Mul", "b h", "c"), node("Add", "c o", "y")],
      {"h": np.float32(0.25), "o": np.float32(-1)}, (2, 3))
# A scalar is no bias of one output, and one number in an axis is.
graph("numbers-one-output", [node("MatMul", "x w", "a"), node("Add", "a o", "y")], {"w": drawn(3, 1), "o": np.float32(0.5)}, (3,))
graph("bias-of-one-output", [node("MatMul", "x w", "a"), node("Add", "a b", "y")], {"w": drawn(3, 1), "b": drawn(1)}, (3,))


class Numbers(nn.Module):
    """Inputs that the network prepares itself, a residual branch of a fixed share, and a temperature."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(2, 3, 1), nn.Linear(3, 2)

    def forward(self, x):
        x = self.conv((x - 0.5) / 0.25)
        return self.fc((x + 0.3 * x.relu() + 0.125).mean((2, 3))) / 1.5


exported_twice("numbers", Numbers(), (2, 2, 2))
pathlib.Path(__file__).with_name("onnx_numbers.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")

# Attention within windows: shifted ones over an image that needs a border, cosines, and the pixels of a grid.
cases = []


def brief(data):
    """A model whose nodes have no names, and whose values have short ones: most of what TorchScript's exporter writes is names."""
    model = onnx.load_from_string(data)
    kept = {value.name for part in (model.graph.input, model.graph.output, model.graph.initializer) for value in part}
    names = {}
    for part in model.graph.node:
        part.name = ""
        for values in (part.input, part.output):
            for index, value in enumerate(values):
                if value and value not in kept:
                    values[index] = names.setdefault(value, f"{len(names):x}")
    return model.SerializeToString()


class Windows(nn.Module):
    """Blocks of torchvision over the patches of an image, and the mean of its pixels."""

    def __init__(self, width, blocks, channels_last=True):
        super().__init__()
        self.patches, self.blocks, self.channels_last = nn.Conv2d(2, width, 2, 2), blocks, channels_last

    def forward(self, x):
        x = self.patches(x)
        x = self.blocks(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) if self.channels_last else self.blocks(x)
        return x.mean((2, 3))


def shaken(module):
    """With numbers that tell layers apart where torchvision begins with equal ones."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


def exported_briefly(name, module, shape):
    exported_dynamo(name, module, shape)
    exported(name, module, shape)
    cases[-1]["file"] = base64.b64encode(brief(base64.b64decode(cases[-1]["file"]))).decode()


swin, maxvit = torchvision.models.swin_transformer, torchvision.models.maxvit
norm = functools.partial(nn.LayerNorm, eps=1e-5)
exported_briefly("swin", shaken(Windows(4, nn.Sequential(
    swin.SwinTransformerBlock(4, 2, [2, 3], [0, 0], norm_layer=norm, mlp_ratio=1), swin.SwinTransformerBlock(4, 2, [2, 3], [1, 1], norm_layer=norm, mlp_ratio=1),
    swin.PatchMerging(4, norm)))), (2, 8, 10))
exported_dynamo("swin-rows", shaken(Windows(4, swin.SwinTransformerBlock(4, 2, [2, 2], [1, 1], norm_layer=norm, mlp_ratio=1))), (2, 8, 4))
cosine = functools.partial(swin.SwinTransformerBlockV2, norm_layer=norm, mlp_ratio=1)
exported_briefly("swin-v2", shaken(Windows(4, nn.Sequential(cosine(4, 2, [2, 2], [1, 1]), swin.PatchMergingV2(4, norm)))), (2, 8, 8))
layer = functools.partial(maxvit.PartitionAttentionLayer, 6, 3, 2, mlp_ratio=1, activation_layer=nn.GELU, norm_layer=nn.LayerNorm,
                          attention_dropout=0, mlp_dropout=0, p_stochastic_dropout=0)
exported_briefly("maxvit", shaken(Windows(6, nn.Sequential(layer("window", (6, 6)), layer("grid", (6, 6))), False)), (2, 12, 12))
class Turned(nn.Module):
    def __init__(self, *order):
        super().__init__()
        self.order = order

    def forward(self, x):
        return x.permute(self.order)


class Merging(nn.Module):
    """Squares of pixels as channels, as timm writes it, and as PixelUnshuffle is written."""

    def forward(self, x):
        n, h, w, c = x.shape
        y = x.reshape(n, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 4, 2, 5).flatten(3)
        return torch.cat([y.permute(0, 3, 1, 2), torch.nn.functional.pixel_unshuffle(x.permute(0, 3, 1, 2), 2)], 1)


class Normalized(nn.Module):
    """Vectors of length 1, and types between."""

    def forward(self, x):
        return torch.nn.functional.normalize(x.double().float().permute(0, 2, 3, 1), dim=-1).permute(0, 3, 1, 2)


class Causal(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 3)

    def forward(self, x):
        return torch.nn.functional.pad(self.conv(torch.nn.functional.pad(x, (2, 0))).relu(), (1, 0))


exported_twice("merging", nn.Sequential(nn.Conv2d(2, 3, 1), Turned(0, 2, 3, 1), Merging()), (2, 4, 6))
exported_twice("normalized", Normalized(), (3, 2, 2))
exported_twice("causal", Causal(), (2, 5))
exported_briefly("swin-columns", shaken(Windows(4, swin.SwinTransformerBlock(4, 2, [2, 2], [1, 1], norm_layer=norm, mlp_ratio=1))), (2, 4, 8))
# Every second pixel of channels-last images, and then zeros: channels, or a row and a column.
pixels = {"s": ints(0, 1), "e": ints(9, 9), "d": ints(1, 2), "t": ints(2, 2)}
for name, pads in (("channels", (0, 0, 0, 1, 0, 0, 0, 2)), ("border", (0, 1, 0, 0, 0, 0, 2, 0))):
    graph(f"channels-last-{name}", [node("Transpose", "x", "a", perm=[0, 2, 3, 1]), node("Slice", "a s e d t", "b"), node("Pad", "b p", "c"),
                                    node("Transpose", "c", "y", perm=[0, 3, 1, 2])], pixels | {"p": ints(*pads)}, (2, 4, 5))
pathlib.Path(__file__).with_name("onnx_windows.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
