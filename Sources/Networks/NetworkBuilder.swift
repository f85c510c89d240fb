internal import Words

/// Builds a network layer by layer: each node reads the one before it, and shape inference finds the input sizes.
///
/// ```swift
/// var builder = NetworkBuilder("tiny", input: .image(channels: 1, height: 8, width: 8))
/// builder.convolution("conv1", 16, kernel: 3, padding: 1)
/// builder.batchNorm("bn1")
/// builder.relu()
/// builder.flatten()
/// builder.linear("fc1", 10)
/// let network = try builder.network()
/// ```
/// Every method returns its node's name, for branches: `builder.add([main, shortcut])`. Nodes without parameters may be left unnamed
/// (`relu1`, `pool2`). The first mistake is kept and thrown by ``network(outputs:)``.
public struct NetworkBuilder {
  private let name: String
  private var nodes: [Network.Node] = []
  private var shapes: [String: FeatureShape] = [:]
  private var counts: [String: Int] = [:]
  private var failure: (any Error)?

  /// Name of the newest node, which the next one reads by default.
  public private(set) var last: String
  /// Shape of the newest node's value.
  public var shape: FeatureShape { shapes[last] ?? .vector(1) }

  /// Creates a network with the given name and a single node, `input`.
  public init(_ name: String, input: FeatureShape) {
    self.name = name
    self.last = "input"
    append("input", .input(input), from: [])
  }

  /// Returns the finished network; its only output is the newest node unless `outputs` names others.
  /// - Throws: ``NetworkError`` for the first mistake made while building it; what ``Network/shapes()`` throws.
  public func network(outputs: [String]? = nil) throws -> Network {
    if let failure { throw failure }
    let network = Network(name: name, nodes: nodes, outputs: outputs ?? [last])
    _ = try network.shapes()
    return network
  }

  /// Appends a fully connected layer of `outputs` units.
  @discardableResult
  public mutating func linear(_ name: String, _ outputs: Int, bias: Bool = true, from input: String? = nil) -> String {
    append(name, .linear(Linear(channels(of: input), outputs, bias: bias)), from: [input ?? last])
  }

  /// Appends a convolution of `outputs` square filters.
  @discardableResult
  public mutating func convolution(
    _ name: String, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1, bias: Bool = true,
    from input: String? = nil
  ) -> String {
    convolution(
      name, outputs, kernel: Extent(kernel), stride: Extent(stride), padding: Extent(padding), groups: groups, bias: bias, from: input)
  }

  /// Appends a convolution of `outputs` filters that need not be square.
  @discardableResult
  public mutating func convolution(
    _ name: String, _ outputs: Int, kernel: Extent, stride: Extent = Extent(1), padding: Extent = Extent(0), groups: Int = 1,
    bias: Bool = true, from input: String? = nil
  ) -> String {
    let layer = Convolution(
      channels(of: input), outputs, kernel: kernel, stride: stride, padding: padding, groups: groups, bias: bias)
    return append(name, .convolution(layer), from: [input ?? last])
  }

  /// Appends a batch norm over all channels; `momentum` is the newest batch's weight in the running statistics.
  @discardableResult
  public mutating func batchNorm(
    _ name: String, epsilon: Double = 1e-5, momentum: Double = 0.1, from input: String? = nil
  ) -> String {
    append(name, .batchNorm(BatchNorm(channels(of: input), epsilon: epsilon, momentum: momentum)), from: [input ?? last])
  }

  /// Appends a norm over groups of channels; a single group makes it a layer norm.
  @discardableResult
  public mutating func groupNorm(_ name: String, groups: Int = 1, from input: String? = nil) -> String {
    append(name, .groupNorm(GroupNorm(groups: groups, channels(of: input))), from: [input ?? last])
  }

  /// Appends a norm over all channels at each position.
  @discardableResult
  public mutating func channelNorm(_ name: String, epsilon: Double = 1e-5, from input: String? = nil) -> String {
    append(name, .channelNorm(ChannelNorm(channels(of: input), epsilon: epsilon)), from: [input ?? last])
  }

  /// Appends a learned scale of each channel, with a shift if it has a bias.
  @discardableResult
  public mutating func channelAffine(_ name: String, bias: Bool = true, from input: String? = nil) -> String {
    append(name, .channelAffine(ChannelAffine(channels(of: input), bias: bias)), from: [input ?? last])
  }

  /// Appends a further input of the network.
  @discardableResult
  public mutating func input(_ name: String, _ shape: FeatureShape) -> String { append(name, .input(shape), from: []) }

  /// Appends max(x, 0).
  @discardableResult
  public mutating func relu(_ name: String? = nil, from input: String? = nil) -> String {
    append(name ?? unused("relu"), .activation(.relu), from: [input ?? last])
  }

  /// Appends an element-wise activation, named after its function unless given a name.
  @discardableResult
  public mutating func activation(_ function: Activation, _ name: String? = nil, from input: String? = nil) -> String {
    append(name ?? unused(function.name), .activation(function), from: [input ?? last])
  }

  /// Appends max pooling over square windows, which do not overlap unless a stride is given; with `ceilMode` a partly covered last window
  /// counts.
  @discardableResult
  public mutating func maxPool(
    _ kernel: Int, stride: Int? = nil, padding: Int = 0, ceilMode: Bool = false, _ name: String? = nil, from input: String? = nil
  ) -> String {
    append(name ?? unused("pool"), .maxPool(window(kernel, stride, padding, ceilMode)), from: [input ?? last])
  }

  /// Appends average pooling over square windows, which do not overlap unless a stride is given.
  @discardableResult
  public mutating func averagePool(
    _ kernel: Int, stride: Int? = nil, padding: Int = 0, _ name: String? = nil, from input: String? = nil
  ) -> String {
    append(name ?? unused("pool"), .averagePool(window(kernel, stride, padding)), from: [input ?? last])
  }

  /// Appends average pooling to `size`×`size` positions whatever the image's size.
  @discardableResult
  public mutating func adaptiveAveragePool(_ size: Int, _ name: String? = nil, from input: String? = nil) -> String {
    append(name ?? unused("pool"), .adaptiveAveragePool(height: size, width: size), from: [input ?? last])
  }

  /// Appends dropout, which zeroes each element with the given probability in training.
  @discardableResult
  public mutating func dropout(_ probability: Double, _ name: String? = nil, from input: String? = nil) -> String {
    append(name ?? unused("dropout"), .dropout(probability), from: [input ?? last])
  }

  /// Appends [channels, height, width] → [channels·height·width].
  @discardableResult
  public mutating func flatten(_ name: String? = nil, from input: String? = nil) -> String {
    append(name ?? unused("flatten"), .flatten, from: [input ?? last])
  }

  /// Appends the element-wise sum of the given nodes' values.
  @discardableResult
  public mutating func add(_ inputs: [String], _ name: String? = nil) -> String { append(name ?? unused("add"), .add, from: inputs) }

  /// Appends the concatenation of the given nodes' channels.
  @discardableResult
  public mutating func concat(_ inputs: [String], _ name: String? = nil) -> String {
    append(name ?? unused("concat"), .concat, from: inputs)
  }

  /// Appends nodes that split the channels into consecutive parts of the given sizes; returns their names.
  public mutating func split(_ counts: [Int], from input: String? = nil) -> [String] {
    let source = input ?? last
    var start = 0
    return counts.map { count in
      defer { start += count }
      return append(unused("split"), .narrow(start: start, count: count), from: [source])
    }
  }

  /// Appends the element-wise product of two nodes' values; the second may have one number for each channel of the first.
  @discardableResult
  public mutating func multiply(_ input: String, by factor: String, _ name: String? = nil) -> String {
    append(name ?? unused("multiply"), .multiply, from: [input, factor])
  }

  /// Appends the shuffle between grouped convolutions: the first channels of all groups, then their second ones, and so on (Zhang et al.
  /// 2018).
  @discardableResult
  public mutating func channelShuffle(groups: Int, _ name: String? = nil, from input: String? = nil) -> String {
    let size = channels(of: input) / max(groups, 1)
    return indexSelect((0..<size).flatMap { place in (0..<max(groups, 1)).map { $0 * size + place } }, name, from: input)
  }

  /// Appends the selection of the channels (or features) at the given indices, in this order and each once at most.
  @discardableResult
  public mutating func indexSelect(_ indices: [Int], _ name: String? = nil, from input: String? = nil) -> String {
    append(name ?? unused("select"), .indexSelect(indices), from: [input ?? last])
  }

  /// Appends ResNet's parameter-free shortcut: every `stride`-th pixel, with zero channels before and after.
  @discardableResult
  public mutating func subsamplePad(
    stride: Int, before: Int, after: Int, _ name: String? = nil, from input: String? = nil
  ) -> String {
    append(name ?? unused("shortcut"), .subsamplePad(stride: stride, before: before, after: after), from: [input ?? last])
  }

  /// Appends a node with any operation; `module` names the module whose weights it shares.
  @discardableResult
  public mutating func append(_ name: String, _ operation: Operation, from inputs: [String], module: String? = nil) -> String {
    let node = Network.Node(name: name, operation: operation, inputs: inputs, module: module)
    do {
      if shapes[name] != nil { throw NetworkError.invalid("two nodes are named \(name)") }
      if let problem = operation.problem { throw NetworkError.invalid("\(name): \(problem)") }
      let operands = try inputs.map { input in
        guard let shape = shapes[input] else { throw NetworkError.invalid("\(name): there is no node \(input.quoted) to read") }
        return (name: input, shape: shape)
      }
      shapes[name] = try node.outputShape(of: operands)
    } catch {
      // Errors that follow from the first mistake would only bury it.
      failure = failure ?? error
    }
    nodes.append(node)
    last = name
    return name
  }

  private func channels(of input: String?) -> Int { shapes[input ?? last]?.channels ?? 1 }

  private func window(_ kernel: Int, _ stride: Int?, _ padding: Int, _ ceilMode: Bool = false) -> Pooling {
    Pooling(kernel: Extent(kernel), stride: Extent(stride ?? kernel), padding: Extent(padding), ceilMode: ceilMode)
  }

  private mutating func unused(_ stem: String) -> String {
    repeat { counts[stem, default: 0] += 1 } while shapes["\(stem)\(counts[stem, default: 0])"] != nil
    return "\(stem)\(counts[stem, default: 0])"
  }
}
