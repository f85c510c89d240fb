public import Networks
public import Training

/// A network as a Python program that defines it as an `nn.Module` with today's widths.
///
/// The program needs PyTorch and safetensors alone. Its layers have the names of the network's modules, so that the parameters of a model file
/// load by name. Nothing is pickled: the file beside it holds tensors only.
public struct PyTorchModule {
  /// The program.
  public let source: String

  /// What a program says of the model besides its layers.
  public struct Facts {
    /// Who wrote it, e.g. `Espalier 0.1.0`.
    public var writer: String
    /// Name of the program's file without its ending, by which Python imports it.
    public var program: String
    /// Name of the file of weights beside the program.
    public var weights: String
    /// Mean and deviation that were subtracted from inputs and divided them by; nil if unknown.
    public var normalization: (mean: [Double], deviation: [Double])?
    /// Order of an image's channels, e.g. `bgr`; nil for the usual one, red, green, blue.
    public var channelOrder: String?
    /// The ONNX file that the model came from, whose axes inputs and outputs have; nil for any other.
    public var origin: ONNXOrigin?
    /// Names of the outputs, in order; empty if unknown.
    public var classes: [String]
    /// Names of parameters of which some elements are pruned, and stay zero.
    public var masked: [String]

    /// Creates facts; every parameter sets the property of the same name.
    public init(
      writer: String, program: String, weights: String, normalization: (mean: [Double], deviation: [Double])? = nil,
      channelOrder: String? = nil, origin: ONNXOrigin? = nil, classes: [String] = [], masked: [String] = []
    ) {
      self.writer = writer
      self.program = program
      self.weights = weights
      self.normalization = normalization
      self.channelOrder = channelOrder
      self.origin = origin
      self.classes = classes
      self.masked = masked
    }
  }

  /// Writes the program.
  ///
  /// - Throws: what `Network.shapes()` throws, and ``PyTorchError`` for names that PyTorch does not allow.
  public init(_ network: Network, _ facts: Facts) throws {
    let shapes = try network.shapes()
    var (names, tree, modules, classes) = (PythonNames(), LayerTree(), Set<String>(), Set<Helper>())
    var variables: [String: String] = [:]
    var (inputs, taken, lines): ([String], [[Int]], [String]) = ([], [], [])
    let layers = network.nodes.map { node in
      node.operation.layer(rank: node.inputs.first.flatMap { shapes[$0]?.dimensions.count } ?? 1)
    }
    // All layers first: how one is reached depends on those beside it.
    for (node, layer) in zip(network.nodes, layers) {
      guard let layer else { continue }
      if modules.insert(node.module).inserted { try tree.add(layer.expression, at: node.module) }
      if let helper = layer.helper { classes.insert(helper) }
    }
    for (node, layer) in zip(network.nodes, layers) {
      let operands = node.inputs.compactMap { variables[$0] }
      let name = names.take(node.name)
      variables[node.name] = name
      if case .input(let shape) = node.operation {
        let layout = Layout(input: inputs.count, of: facts.origin, shape)
        inputs.append(name)
        taken.append(layout?.sizes ?? shape.dimensions)
        if let layout { lines.append("\(name) = \(layout.entering(name))") }
        continue
      }
      if case .attention(let layer) = node.operation, layer.isPlain { classes.insert(.attend) }
      if layer != nil {
        lines.append("\(name) = \(tree.reach(node.module))(\(operands.joined(separator: ", ")))")
      } else {
        let ranks = node.inputs.map { shapes[$0]?.dimensions.count ?? 1 }
        lines.append("\(name) = \(node.operation.expression(operands, ranks: ranks))")
      }
    }
    var (outputs, returned): ([String], [[Int]]) = ([], [])
    for (index, output) in network.outputs.enumerated() {
      guard let name = variables[output], let shape = shapes[output] else { continue }
      let layout = Layout(output: index, of: facts.origin, shape)
      outputs.append(layout?.leaving(name) ?? name)
      returned.append(layout?.sizes ?? shape.dimensions)
    }
    func words(_ sizes: [[Int]]) -> String {
      sizes.map { "[batch, \($0.map(String.init).joined(separator: ", "))]" }.joined(separator: " and ")
    }
    let kept =
      facts.masked.isEmpty
      ? ""
      : """

      # Parameters of which a part was pruned: those elements are zero, and stay so only if training is told.
      MASKED = [\(facts.masked.map { "\n    \($0.pythonLiteral)," }.joined())
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
      """
    source = """
      \"\"\"\(network.name.docstring): a PyTorch module, written by \(facts.writer.docstring).

      Takes \(words(taken)) and returns \(outputs.count == 1 ? words(returned) : "\(outputs.count) values").
          from \(facts.program.docstring) import load
          model = load()
      \"\"\"

      import pathlib

      import torch
      from safetensors.torch import load_file
      from torch import nn
      from torch.nn import functional as F

      WEIGHTS = pathlib.Path(__file__).with_name(\(facts.weights.pythonLiteral))
      \(facts.normalization.map { "# What was subtracted from inputs, by channel, and what they were divided by.\nMEAN = \($0.mean)\nDEVIATION = \($0.deviation)\n" } ?? "")\
      \(facts.channelOrder.map { "# The order of an image's channels, which MEAN and DEVIATION have, too.\nCHANNELS = \($0.pythonLiteral)\n" } ?? "")\
      \(facts.classes.isEmpty ? "" : "CLASSES = [\(facts.classes.map(\.pythonLiteral).joined(separator: ", "))]\n")\
      \(kept)\
      \(classes.sorted { $0.rawValue < $1.rawValue }.map { "\n\n" + $0.source }.joined())


      class Network(nn.Module):
          def __init__(self):
              super().__init__()
      \(tree.statements.isEmpty ? "" : tree.statements.map { "        \($0)\n" }.joined())
          def forward(self, \(inputs.joined(separator: ", "))):
      \(lines.map { "        \($0)\n" }.joined())        return \(outputs.joined(separator: ", "))


      def load(path=WEIGHTS):
          \"\"\"Returns the network with its weights, ready for evaluation.\"\"\"
          model = Network()
          model.load_state_dict(load_file(path))
          return model.eval()

      """
  }
}

extension Layout {
  /// The expression of the network's value of an input as the file has it.
  fileprivate func entering(_ x: String) -> String {
    (isTurned ? "\(x).permute\(toNetwork.tuple)" : x) + dropped.map { ".unsqueeze(\($0))" }.joined()
  }

  /// The expression of an output as the file has it.
  fileprivate func leaving(_ x: String) -> String {
    (isMerged ? "\(x).reshape\(([-1] + whole).tuple)" : x + dropped.reversed().map { ".squeeze(\($0))" }.joined())
      + (isTurned ? ".permute\(toFile.tuple)" : "")
  }
}

extension [Int] {
  fileprivate var tuple: String { "(\(map(String.init).joined(separator: ", ")))" }
}

extension String {
  /// The text inside of a documentation string.
  fileprivate var docstring: String { String(pythonLiteral.dropFirst().dropLast()) }
}

/// Layers that PyTorch does not have.
private enum Helper: String, CaseIterable {
  case channelAffine, channelNorm, prunedGroupNorm, classToken, positionEmbedding, attend, windowAttention, transposedConv

  var source: String {
    switch self {
    case .channelAffine:
      """
      class ChannelAffine(nn.Module):
          \"\"\"A learned scale, and perhaps shift, of each channel.\"\"\"

          def __init__(self, channels, bias=True):
              super().__init__()
              self.weight = nn.Parameter(torch.ones(channels))
              self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

          def forward(self, x):
              shape = [1, -1] + [1] * (x.dim() - 2)
              y = x * self.weight.reshape(shape)
              return y if self.bias is None else y + self.bias.reshape(shape)
      """
    case .channelNorm:
      """
      class ChannelNorm(nn.Module):
          \"\"\"A norm over all channels at each position; `absent` removed channels still count as zeros in mean and variance.\"\"\"

          def __init__(self, channels, absent=0, eps=1e-5, affine=True):
              super().__init__()
              self.absent, self.eps, self.affine = absent, eps, affine
              if affine:
                  self.weight = nn.Parameter(torch.ones(channels))
                  self.bias = nn.Parameter(torch.zeros(channels))

          def forward(self, x):
              count = x.shape[1] + self.absent
              mean = x.sum(1, keepdim=True) / count
              variance = (((x - mean) ** 2).sum(1, keepdim=True) + self.absent * mean**2) / count
              normal = (x - mean) / (variance + self.eps).sqrt()
              if not self.affine:
                  return normal
              shape = [1, -1] + [1] * (x.dim() - 2)
              return normal * self.weight.reshape(shape) + self.bias.reshape(shape)
      """
    case .classToken:
      """
      class ClassToken(nn.Module):
          \"\"\"A learned token before the positions of a sequence, [batch, channels, 1, positions].\"\"\"

          def __init__(self, channels):
              super().__init__()
              self.weight = nn.Parameter(torch.zeros(channels))

          def forward(self, x):
              return torch.cat([self.weight.reshape(1, -1, 1, 1).expand(len(x), -1, 1, 1), x], 3)
      """
    case .positionEmbedding:
      """
      class PositionEmbedding(nn.Module):
          \"\"\"A learned number for each channel at each position, added.\"\"\"

          def __init__(self, channels, height, width):
              super().__init__()
              self.weight = nn.Parameter(torch.zeros(channels, height, width))

          def forward(self, x):
              return x + self.weight
      """
    case .transposedConv:
      """
      class TransposedConv2d(nn.ConvTranspose2d):
          \"\"\"A transposed convolution whose weight is [outputs, inputs/groups, height, width], as that of other convolutions.\"\"\"

          def __init__(self, inputs, outputs, kernel, **options):
              super().__init__(inputs, outputs, kernel, **options)
              self.weight = nn.Parameter(self.turned(self.weight.detach(), inputs, outputs))

          def turned(self, weight, first, second):
              parts = weight.unflatten(0, (self.groups, -1)).transpose(1, 2)
              return parts.flatten(0, 1).contiguous()

          def forward(self, x):
              weight = self.turned(self.weight, self.out_channels, self.in_channels)
              return F.conv_transpose2d(x, weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation)
      """
    case .attend:
      """
      def attend(queries, keys, values, heads, scale):
          \"\"\"softmax(scale·q·kᵀ)·v in each head; the channels of a head lie side by side, positions behind the channels.\"\"\"
          q, k, v = (x.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3) for x in (queries, keys, values))
          result = F.scaled_dot_product_attention(q, k, v, scale=scale)
          return result.transpose(2, 3).reshape(len(queries), -1, *queries.shape[2:])
      """
    case .windowAttention:
      """
      class WindowAttention(nn.Module):
          \"\"\"softmax(scale·q·kᵀ + bias)·v in each head, and in each window of pixels side by side or, in a grid, at equal distances.

          Of an image that was rolled by `shift`, pixels of a window that were apart before stay apart.
          \"\"\"

          def __init__(self, heads, scale, window=None, grid=False, shift=(0, 0), bias=None, cosine=False):
              super().__init__()
              self.heads, self.scale, self.window, self.grid, self.shift = heads, scale, window, grid, shift
              self.weight = nn.Parameter(torch.ones(heads)) if cosine else None
              self.bias = nn.Parameter(torch.zeros(heads, *bias)) if bias else None

          def split(self, x, heads):
              \"\"\"[batch, windows, heads, positions, width]\"\"\"
              height, width = self.window or x.shape[2:]
              rows, columns = ((height, -1), (width, -1)) if self.grid else ((-1, height), (-1, width))
              x = x.unflatten(3, columns).unflatten(2, rows).unflatten(1, (heads, -1))
              x = x.permute((0, 4, 6, 1, 3, 5, 2) if self.grid else (0, 3, 5, 1, 4, 6, 2))
              return x.flatten(4, 5).flatten(1, 2)

          def forward(self, queries, keys, values):
              q, k, v = (self.split(x, self.heads) for x in (queries, keys, values))
              if self.weight is not None:
                  q, k = F.normalize(q, dim=-1) * self.weight[:, None, None], F.normalize(k, dim=-1)
              scores = self.scale * q @ k.transpose(-2, -1)
              if self.bias is not None:
                  scores = scores + self.bias
              rows, columns = queries.shape[2:]
              if self.shift != (0, 0):
                  sides = (torch.arange(size, device=q.device) >= size - shift for size, shift in zip((rows, columns), self.shift))
                  down, right = (side.to(q.dtype) for side in sides)
                  part = self.split((2 * down[:, None] + right)[None, None], 1)[0]
                  scores = scores - 100 * (part != part.transpose(-2, -1)).to(q.dtype)
              result = scores.softmax(-1) @ v
              height, width = self.window or (rows, columns)
              result = result.unflatten(3, (height, width)).unflatten(1, (rows // height, columns // width))
              result = result.permute((0, 3, 6, 4, 1, 5, 2) if self.grid else (0, 3, 6, 1, 4, 2, 5))
              return result.reshape(len(queries), -1, rows, columns)
      """
    case .prunedGroupNorm:
      """
      class PrunedGroupNorm(nn.GroupNorm):
          \"\"\"A group norm, `absent` removed channels of each group of which still count as zeros in mean and variance.\"\"\"

          def __init__(self, groups, channels, absent, **options):
              super().__init__(groups, channels, **options)
              self.absent = absent

          def forward(self, x):
              rows = x.reshape(x.shape[0], self.num_groups, -1)
              zeros = rows.shape[2] // (self.num_channels // self.num_groups) * self.absent
              count = rows.shape[2] + zeros
              mean = rows.sum(2, keepdim=True) / count
              variance = (((rows - mean) ** 2).sum(2, keepdim=True) + zeros * mean**2) / count
              normal = ((rows - mean) / (variance + self.eps).sqrt()).reshape(x.shape)
              if not self.affine:
                  return normal
              shape = [1, -1] + [1] * (x.dim() - 2)
              return normal * self.weight.reshape(shape) + self.bias.reshape(shape)
      """
    }
  }
}

extension Operation {
  /// The expression that makes the layer of an operation with tensors; nil if it has none.
  ///
  /// - Parameter rank: dimensions of an example.
  fileprivate func layer(rank: Int) -> (expression: String, helper: Helper?)? {
    switch self {
    case .linear(let layer): ("nn.Linear(\(layer.inputs), \(layer.outputs)\(layer.bias ? "" : ", bias=False"))", nil)
    case .convolution(let layer):
      (
        (layer.isTransposed ? "TransposedConv2d" : "nn.Conv2d") + "(\(layer.inputs), \(layer.outputs), \(layer.kernel.python)"
          + layer.stride.option("stride", unless: 1)
          + layer.padding.option("padding", unless: 0) + layer.dilation.option("dilation", unless: 1)
          + (layer.groups == 1 ? "" : ", groups=\(layer.groups)") + (layer.bias ? "" : ", bias=False")
          + (layer.outputPadding?.option("output_padding", unless: 0) ?? "") + ")", layer.isTransposed ? .transposedConv : nil
      )
    case .batchNorm(let norm):
      (
        "nn.BatchNorm\(rank == 1 ? 1 : 2)d(\(norm.features)" + (norm.epsilon == 1e-5 ? "" : ", eps=\(norm.epsilon)")
          + (norm.momentum == 0.1 ? "" : ", momentum=\(norm.momentum)") + (norm.affine ? "" : ", affine=False") + ")", nil
      )
    case .groupNorm(let norm):
      (
        (norm.absent == 0
          ? "nn.GroupNorm(\(norm.groups), \(norm.features)" : "PrunedGroupNorm(\(norm.groups), \(norm.features), \(norm.absent)")
          + (norm.epsilon == 1e-5 ? "" : ", eps=\(norm.epsilon)") + (norm.affine ? "" : ", affine=False") + ")",
        norm.absent == 0 ? nil : .prunedGroupNorm
      )
    case .channelNorm(let norm):
      (
        "ChannelNorm(\(norm.features)" + (norm.absent == 0 ? "" : ", absent=\(norm.absent)")
          + (norm.epsilon == 1e-5 ? "" : ", eps=\(norm.epsilon)") + (norm.affine ? "" : ", affine=False") + ")", .channelNorm
      )
    case .channelAffine(let layer): ("ChannelAffine(\(layer.features)\(layer.bias ? "" : ", bias=False"))", .channelAffine)
    case .classToken(let features): ("ClassToken(\(features))", .classToken)
    case .positionEmbedding(let layer):
      ("PositionEmbedding(\(layer.features), \(layer.height), \(layer.width))", .positionEmbedding)
    case .prelu(let layer): ("nn.PReLU(\(layer.features))", nil)
    case .attention(let layer):
      layer.isPlain
        ? nil
        : (
          "WindowAttention(heads=\(layer.heads), scale=\(layer.scale)" + (layer.window.map { ", window=\($0.size.pythonPair)" } ?? "")
            + (layer.window?.isGrid == true ? ", grid=True" : "")
            + (layer.window.map { $0.shift == Extent(0) ? "" : ", shift=\($0.shift.pythonPair)" } ?? "")
            + (layer.bias.map { ", bias=\($0.pythonPair)" } ?? "") + (layer.isCosine ? ", cosine=True" : "") + ")", .windowAttention
        )
    case .arrange, .roll, .input, .localResponseNorm, .activation, .softmax, .maxPool, .averagePool, .adaptiveAveragePool,
      .adaptiveMaxPool, .pad, .resize,
      .dropout, .flatten, .add, .subtract, .multiply, .concat, .narrow, .indexSelect, .subsamplePad, .opaque:
      nil
    }
  }

  /// The expression of an operation without tensors.
  ///
  /// - Parameter ranks: dimensions of an example of each operand.
  fileprivate func expression(_ operands: [String], ranks: [Int]) -> String {
    let x = operands.first ?? ""
    return switch self {
    case .input, .linear, .convolution, .batchNorm, .groupNorm, .channelNorm, .channelAffine, .prelu, .classToken, .positionEmbedding: x
    case .attention(let layer): "attend(\(operands.joined(separator: ", ")), heads=\(layer.heads), scale=\(layer.scale))"
    case .roll(let down, let right): "\(x).roll((\(down), \(right)), (2, 3))"
    case .arrange(let height, let width): "\(x).flatten(2).unflatten(2, (\(height), \(width)))"
    case .localResponseNorm(let norm): "F.local_response_norm(\(x), \(norm.size), alpha=\(norm.alpha), beta=\(norm.beta), k=\(norm.k))"
    case .activation(let function): function.expression(of: x)
    case .softmax: "torch.softmax(\(x), 1)"
    case .maxPool(let pool): "F.max_pool2d(\(x), \(pool.python))"
    case .averagePool(let pool): "F.avg_pool2d(\(x), \(pool.python)\(pool.countsPadding ? "" : ", count_include_pad=False"))"
    case .adaptiveAveragePool(let height, let width): "F.adaptive_avg_pool2d(\(x), \(Extent(height, width).python))"
    case .adaptiveMaxPool(let height, let width): "F.adaptive_max_pool2d(\(x), \(Extent(height, width).python))"
    case .pad(let top, let bottom, let left, let right): "F.pad(\(x), (\(left), \(right), \(top), \(bottom)))"
    case .resize(let height, let width, .nearest): "F.interpolate(\(x), (\(height), \(width)))"
    case .resize(let height, let width, let interpolation):
      "F.interpolate(\(x), (\(height), \(width)), mode=\"bilinear\", align_corners=\(interpolation == .bilinearAligned ? "True" : "False"))"
    case .subtract: operands.joined(separator: " - ")
    case .multiply: operands.joined(separator: " * ") + (ranks == [3, 1] ? "[:, :, None, None]" : "")
    case .dropout(let probability): "F.dropout(\(x), \(probability), self.training)"
    case .flatten: "torch.flatten(\(x), 1)"
    case .add: operands.joined(separator: " + ")
    case .concat: "torch.cat([\(operands.joined(separator: ", "))], 1)"
    case .narrow(let start, let count): "\(x)[:, \(start):\(start + count)]"
    case .indexSelect(let indices): "\(x)[:, \(indices)]"
    case .subsamplePad(_, let before, let after) where ranks == [1]: "F.pad(\(x), (\(before), \(after)))"
    case .subsamplePad(let stride, let before, let after):
      "F.pad(\(x)[:, :, ::\(stride), ::\(stride)], (0, 0, 0, 0, \(before), \(after)))"
    case .opaque(let function): function.expression(operands)
    }
  }
}

extension Attention {
  /// Whether it has no parameters, and all positions attend to all.
  fileprivate var isPlain: Bool { window == nil && bias == nil && !isCosine }
}

extension Extent {
  /// A number if both are the same, or a pair.
  fileprivate var python: String { height == width ? "\(height)" : pythonPair }

  fileprivate var pythonPair: String { "(\(height), \(width))" }

  fileprivate func option(_ name: String, unless usual: Int) -> String { self == Extent(usual) ? "" : ", \(name)=\(python)" }
}

extension Pooling {
  fileprivate var python: String {
    kernel.python + (stride == kernel ? "" : ", stride=\(stride.python)") + padding.option("padding", unless: 0)
      + (ceilMode ? ", ceil_mode=True" : "")
  }
}
