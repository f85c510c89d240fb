import Interchange
import Networks
import Testing

@Suite struct PyTorchModuleTests {
  private func facts(_ change: (inout PyTorchModule.Facts) -> Void = { _ in }) -> PyTorchModule.Facts {
    var facts = PyTorchModule.Facts(writer: "Espalier 0.1.0", program: "small", weights: "small.weights.safetensors")
    change(&facts)
    return facts
  }

  /// The part of a program's class between two lines, without them.
  private func part(_ source: String, from first: String, to last: String) -> String {
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false).drop { $0 != "class Network(nn.Module):" }
    guard let start = lines.firstIndex(of: first[...]), let end = lines[start...].firstIndex(of: last[...]) else { return "" }
    return lines[(start + 1)..<end].joined(separator: "\n")
  }

  @Test func aWholeProgram() throws {
    var builder = NetworkBuilder("two-layers", input: .vector(4))
    builder.linear("layers.0", 3)
    builder.relu()
    builder.linear("layers.2", 2, bias: false)
    let module = try PyTorchModule(
      builder.network(),
      facts {
        $0.normalization = ([0.5], [0.25])
        $0.channelOrder = "bgr"
        $0.classes = ["a \"b\"", "c"]
        $0.masked = ["layers.0.weight"]
      })
    #expect(
      module.source == """
        \"\"\"two-layers: a PyTorch module, written by Espalier 0.1.0.

        Takes [batch, 4] and returns [batch, 2].
            from small import load
            model = load()
        \"\"\"

        import pathlib

        import torch
        from safetensors.torch import load_file
        from torch import nn
        from torch.nn import functional as F

        WEIGHTS = pathlib.Path(__file__).with_name("small.weights.safetensors")
        # What was subtracted from inputs, by channel, and what they were divided by.
        MEAN = [0.5]
        DEVIATION = [0.25]
        # The order of an image's channels, which MEAN and DEVIATION have, too.
        CHANNELS = "bgr"
        CLASSES = ["a \\"b\\"", "c"]

        # Parameters of which a part was pruned: those elements are zero, and stay so only if training is told.
        MASKED = [
            "layers.0.weight",
        ]


        def hold_zeros(model):
            \"\"\"Returns a function that sets pruned elements back to zero: call it after each step of the optimizer.\"\"\"
            parameters = dict(model.named_parameters())
            kept = {name: parameters[name] != 0 for name in MASKED}

            @torch.no_grad()
            def hold():
                for name, mask in kept.items():
                    parameters[name].mul_(mask)

            return hold


        class Network(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = nn.ModuleDict({
                    "0": nn.Linear(4, 3),
                    "2": nn.Linear(3, 2, bias=False),
                })

            def forward(self, input):
                layers_0 = self.layers["0"](input)
                relu1 = F.relu(layers_0)
                layers_2 = self.layers["2"](relu1)
                return layers_2


        def load(path=WEIGHTS):
            \"\"\"Returns the network with its weights, ready for evaluation.\"\"\"
            model = Network()
            model.load_state_dict(load_file(path))
            return model.eval()

        """)
  }

  @Test func everyOperation() throws {
    let image = FeatureShape.image(channels: 4, height: 9, width: 9)
    func node(_ name: String, _ operation: Operation, _ inputs: String...) -> Network.Node {
      .init(name: name, operation: operation, inputs: inputs)
    }
    let network = Network(
      name: "all",
      nodes: [
        node("x", .input(image)),
        node(
          "conv", .convolution(Convolution(4, 8, kernel: Extent(3, 5), stride: Extent(2), padding: Extent(1, 2), groups: 2, bias: false)),
          "x"),
        node("dilated", .convolution(Convolution(8, 8, kernel: Extent(2), dilation: Extent(2, 1))), "conv"),
        node("bn", .batchNorm(BatchNorm(8, epsilon: 0.001, momentum: 0.01)), "conv"),
        node("gn", .groupNorm(GroupNorm(groups: 2, 8)), "bn"),
        node("ln", .groupNorm(GroupNorm(groups: 1, 8, affine: false, absent: 3)), "gn"),
        node("a", .activation(.relu6), "ln"), node("b", .activation(.tanh), "a"), node("c", .activation(.gelu), "b"),
        node("d", .activation(.silu), "c"),
        node("max", .maxPool(Pooling(kernel: Extent(3), stride: Extent(2), padding: Extent(1), ceilMode: true)), "d"),
        node("mean", .averagePool(Pooling(kernel: Extent(1))), "max"), node("part", .narrow(start: 2, count: 4), "mean"),
        node("chosen", .indexSelect([0, 3]), "part"), node("padded", .subsamplePad(stride: 2, before: 1, after: 2), "chosen"),
        node("drop", .dropout(0.25), "padded"), node("both", .add, "drop", "padded"), node("all", .concat, "both", "drop", "padded"),
        node("pool", .adaptiveAveragePool(height: 2, width: 1), "all"), node("flat", .flatten, "pool"),
        node("norm", .batchNorm(BatchNorm(30, affine: false)), "flat"), node("lambda", .linear(Linear(30, 2)), "norm"),
      ], outputs: ["lambda", "dilated"])
    let source = try PyTorchModule(network, facts()).source
    #expect(
      part(source, from: "        super().__init__()", to: "") == """
                self.conv = nn.Conv2d(4, 8, (3, 5), stride=2, padding=(1, 2), groups=2, bias=False)
                self.dilated = nn.Conv2d(8, 8, 2, dilation=(2, 1))
                self.bn = nn.BatchNorm2d(8, eps=0.001, momentum=0.01)
                self.gn = nn.GroupNorm(2, 8)
                self.ln = PrunedGroupNorm(1, 8, 3, affine=False)
                self.norm = nn.BatchNorm1d(30, affine=False)
                self.add_module("lambda", nn.Linear(30, 2))
        """)
    #expect(
      part(source, from: "    def forward(self, x):", to: "") == """
                conv = self.conv(x)
                dilated = self.dilated(conv)
                bn = self.bn(conv)
                gn = self.gn(bn)
                ln = self.ln(gn)
                a = F.relu6(ln)
                b = torch.tanh(a)
                c = F.gelu(b)
                d = F.silu(c)
                max = F.max_pool2d(d, 3, stride=2, padding=1, ceil_mode=True)
                mean = F.avg_pool2d(max, 1)
                part = mean[:, 2:6]
                chosen = part[:, [0, 3]]
                padded = F.pad(chosen[:, :, ::2, ::2], (0, 0, 0, 0, 1, 2))
                drop = F.dropout(padded, 0.25, self.training)
                both = drop + padded
                all = torch.cat([both, drop, padded], 1)
                pool = F.adaptive_avg_pool2d(all, (2, 1))
                flat = torch.flatten(pool, 1)
                norm = self.norm(flat)
                lambda_2 = getattr(self, "lambda")(norm)
                return lambda_2, dilated
        """)
    #expect(source.contains("\nclass PrunedGroupNorm(nn.GroupNorm):\n"))
    #expect(source.contains("Takes [batch, 4, 9, 9] and returns 2 values."))
  }

  @Test func operationsOfNewerNetworks() throws {
    func node(_ name: String, _ operation: Operation, _ inputs: String...) -> Network.Node {
      .init(name: name, operation: operation, inputs: inputs)
    }
    let network = Network(
      name: "newer",
      nodes: [
        node("x", .input(.image(channels: 4, height: 6, width: 6))), node("n", .channelNorm(ChannelNorm(4, epsilon: 1e-6, absent: 2)), "x"),
        node("s", .channelAffine(ChannelAffine(4, bias: false)), "n"), node("p", .prelu(PReLU(4)), "s"),
        node("l", .localResponseNorm(LocalResponseNorm(5, alpha: 0.5)), "p"), node("a", .activation(.sigmoid), "l"),
        node("b", .activation(.hardSigmoid()), "a"), node("c", .activation(.hardSwish), "b"),
        node("d", .activation(.leakyReLU(slope: 0.2)), "c"), node("e", .activation(.elu(alpha: 2)), "d"),
        node("f", .activation(.softplus), "e"), node("g", .activation(.mish), "f"), node("w", .activation(.tanhGELU), "g"),
        node("y", .activation(.affine(scale: 0.5, shift: -1)), "w"), node("z", .activation(.affine(scale: 2)), "y"),
        node("h", .softmax, "z"),
        node("i", .averagePool(Pooling(kernel: Extent(3), stride: Extent(1), padding: Extent(1), countsPadding: false)), "h"),
        node("j", .pad(top: 1, bottom: 2, left: 3, right: 4), "i"), node("k", .resize(height: 4, width: 5, .nearest), "j"),
        node("m", .resize(height: 6, width: 6, .bilinear), "k"), node("o", .resize(height: 6, width: 6, .bilinearAligned), "m"),
        node("q", .subtract, "o", "x"), node("r", .adaptiveMaxPool(height: 1, width: 1), "q"), node("t", .multiply, "q", "r"),
        node("u", .flatten, "r"), node("v", .multiply, "t", "u"),
      ], outputs: ["v"])
    let source = try PyTorchModule(network, facts()).source
    #expect(
      part(source, from: "        super().__init__()", to: "") == """
                self.n = ChannelNorm(4, absent=2, eps=1e-06)
                self.s = ChannelAffine(4, bias=False)
                self.p = nn.PReLU(4)
        """)
    #expect(
      part(source, from: "        p = self.p(s)", to: "") == """
                l = F.local_response_norm(p, 5, alpha=0.5, beta=0.75, k=1.0)
                a = torch.sigmoid(l)
                b = F.hardsigmoid(a)
                c = F.hardswish(b)
                d = F.leaky_relu(c, 0.2)
                e = F.elu(d, 2.0)
                f = F.softplus(e)
                g = F.mish(f)
                w = F.gelu(g, approximate="tanh")
                y = w * 0.5 - 1.0
                z = y * 2.0
                h = torch.softmax(z, 1)
                i = F.avg_pool2d(h, 3, stride=1, padding=1, count_include_pad=False)
                j = F.pad(i, (3, 4, 1, 2))
                k = F.interpolate(j, (4, 5))
                m = F.interpolate(k, (6, 6), mode="bilinear", align_corners=False)
                o = F.interpolate(m, (6, 6), mode="bilinear", align_corners=True)
                q = o - x
                r = F.adaptive_max_pool2d(q, 1)
                t = q * r
                u = torch.flatten(r, 1)
                v = t * u[:, :, None, None]
                return v
        """)
    #expect(source.contains("\nclass ChannelAffine(nn.Module):\n") && source.contains("\nclass ChannelNorm(nn.Module):\n"))
  }

  @Test func opaqueFunctions() throws {
    var nodes = [Network.Node(name: "x", operation: .input(.vector(3)), inputs: [])]
    let numbers: [String: Double] = ["low": -1, "high": 2, "order": 2, "exclusive": 0, "reverse": 1]
    for name in OpaqueFunction.Name.allCases {
      let function = OpaqueFunction(name, numbers: name.numberNames.map { numbers[$0] ?? 0.5 })
      let operands = name.form == .pair ? ["x", "abs"] : ["x"]
      nodes.append(.init(name: name.rawValue, operation: .opaque(function), inputs: operands))
    }
    nodes.append(.init(name: "before", operation: .opaque(OpaqueFunction(.cumulativeSum, 1, 0)), inputs: ["x"]))
    let source = try PyTorchModule(Network(name: "n", nodes: nodes, outputs: ["before"]), facts()).source
    let lines = source.split(separator: "\n").filter { $0.hasPrefix("        ") && $0.contains(" = ") }.map {
      String($0.drop { $0 == " " })
    }
    for line in [
      "abs = torch.abs(x)", "round = torch.round(x)", "softsign = F.softsign(x)", "selu = 0.5 * F.elu(x, 0.5)", "celu = F.celu(x, 0.5)",
      "thresholdedReLU = torch.where(x > 0.5, x, torch.zeros_like(x))",
      "shrink = torch.where(x > 0.5, x - 0.5, torch.where(x < -0.5, x + 0.5, torch.zeros_like(x)))",
      "hardSigmoid = (x * 0.5 + 0.5).clamp(0, 1)",
      "clip = x.clamp(-1.0, 2.0)", "constantPower = x ** 0.5", "logSoftmax = torch.log_softmax(x, 1)",
      "lpNormalize = F.normalize(x, p=2.0, dim=1, eps=1e-38)", "cumulativeSum = x.sum(1, keepdim=True) - x.cumsum(1) + x",
      "before = x.cumsum(1) - x", "channelL2 = torch.linalg.vector_norm(x, dim=1, keepdim=True)", "channelMax = x.amax(1, keepdim=True)",
      "divide = x / abs", "power = x ** abs", "maximum = torch.maximum(x, abs)",
    ] { #expect(lines.contains(line), "\(line)") }
    // One line for each.
    #expect(OpaqueFunction.Name.allCases.allSatisfy { name in lines.contains { $0.hasPrefix(name.rawValue + " = ") } })
  }

  /// Layers that share weights are one layer, and names that would be the same variable are two.
  @Test func namesAndSharing() throws {
    let network = Network(
      name: "shared",
      nodes: [
        .init(name: "in-1", operation: .input(.vector(3)), inputs: []), .init(name: "in_1", operation: .input(.vector(3)), inputs: []),
        .init(name: "0", operation: .linear(Linear(3, 3)), inputs: ["in-1"], module: "body.fc"),
        .init(name: "1", operation: .linear(Linear(3, 3)), inputs: ["in_1"], module: "body.fc"),
        .init(name: "sum", operation: .add, inputs: ["0", "1"]),
      ], outputs: ["sum"])
    let source = try PyTorchModule(network, facts()).source
    #expect(
      part(source, from: "    def forward(self, in_1, in_1_2):", to: "") == """
                x0 = self.body["fc"](in_1)
                x1 = self.body["fc"](in_1_2)
                sum = x0 + x1
                return sum
        """)
    #expect(source.contains("        self.body = nn.ModuleDict({\n            \"fc\": nn.Linear(3, 3),\n        })\n"))
  }

  /// As multi-head attention, whose packed projection and that of its outputs are so named; in either order, and below folders.
  @Test func layersThatHoldLayers() throws {
    let names = ["b.at.out_proj", "b.at", "b.at.out_proj.0.last"]
    var nodes = [Network.Node(name: "x", operation: .input(.vector(2)), inputs: [])]
    for (index, name) in names.enumerated() {
      nodes.append(.init(name: "n\(index)", operation: .linear(Linear(2, 2)), inputs: [nodes[index].name], module: name))
    }
    let source = try PyTorchModule(Network(name: "n", nodes: nodes, outputs: ["n2"]), facts()).source
    #expect(
      part(source, from: "        super().__init__()", to: "") == """
                self.b = nn.ModuleDict({
                    "at": nn.Linear(2, 2),
                })
                self.b["at"].add_module("out_proj", nn.Linear(2, 2))
                self.b["at"].out_proj.add_module("0", nn.ModuleDict({
                    "last": nn.Linear(2, 2),
                }))
        """)
    #expect(
      part(source, from: "    def forward(self, x):", to: "") == """
                n0 = self.b["at"].out_proj(x)
                n1 = self.b["at"](n0)
                n2 = self.b["at"].out_proj.get_submodule("0")["last"](n1)
                return n2
        """)
  }

  @Test(arguments: [
    (["fc", "fc.weight"], "no layer can be named fc.weight in PyTorch, where weight means something else"),
    (["fc.bias", "fc"], "no layer can be named fc.bias in PyTorch, where bias means something else"),
    (["fc", "fc.init"], "no layer can be named fc.init in PyTorch, where init means something else"),
    (["fc.turned", "fc"], "no layer can be named fc.turned in PyTorch, where turned means something else"),
    (["train"], "no layer can be named train in PyTorch, where train means something else"),
    (["a..b"], "no layer can be named a..b in PyTorch, where an empty name means something else"),
  ])
  func namesThatPyTorchRefuses(modules: [String], words: String) throws {
    var nodes = [Network.Node(name: "x", operation: .input(.vector(2)), inputs: [])]
    for module in modules {
      nodes.append(.init(name: "n\(nodes.count)", operation: .linear(Linear(2, 2)), inputs: [nodes[nodes.count - 1].name], module: module))
    }
    let network = Network(name: "n", nodes: nodes, outputs: [nodes[nodes.count - 1].name])
    let error = #expect(throws: PyTorchError.self) { try PyTorchModule(network, facts()) }
    #expect(error?.description == words)
  }

  /// A name of a file cannot end the text that it stands in.
  @Test func hostileTexts() throws {
    var builder = NetworkBuilder("a\"\"\"b\\", input: .vector(1))
    builder.linear("fc", 1)
    let source = try PyTorchModule(builder.network(), facts { $0.classes = ["\"]\nimport os", "\u{202E}"] }).source
    #expect(source.hasPrefix("\"\"\"a\\\"\\\"\\\"b\\\\: a PyTorch module"))
    #expect(source.contains("CLASSES = [\"\\\"]\\nimport os\", \"\\u202e\"]\n"))
  }
}
