internal import Words

/// Writes a network down layer by layer: each node reads the one before it, input sizes are found by shape inference.
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
/// Every method returns its node's name, for branches: `builder.add([main, shortcut])`. Nodes without parameters may be
/// left unnamed (`relu1`, `pool2`). The first mistake is kept and thrown by ``network(outputs:)``.
public struct NetworkBuilder {
  private let name: String
  private var nodes: [Network.Node] = []
  private var shapes: [String: FeatureShape] = [:]
  private var counts: [String: Int] = [:]
  private var failure: (any Error)?

  /// The newest node's name: what the next one reads.
  public private(set) var last: String
  /// The shape of the newest node's value.
  public var shape: FeatureShape { shapes[last] ?? .vector(1) }

  /// A network of that name with one node, `input`.
  public init(_ name: String, input: FeatureShape) {
    self.name = name
    self.last = "input"
    append("input", .input(input), from: [])
  }

  /// The network; its outputs are the newest node unless named.
  /// - Throws: the first mistake in building it, ``NetworkError`` from ``Network/shapes()``.
  public func network(outputs: [String]? = nil) throws -> Network {
    if let failure { throw failure }
    let network = Network(name: name, nodes: nodes, outputs: outputs ?? [last])
    _ = try network.shapes()
    return network
  }

  /// A fully connected layer of `outputs` units.
  @discardableResult
  public mutating func linear(_ name: String, _ outputs: Int, bias: Bool = true, from input: String? = nil) -> String {
    append(name, .linear(Linear(channels(of: input), outputs, bias: bias)), from: [input ?? last])
  }

  /// A convolution of `outputs` square filters.
  @discardableResult
  public mutating func convolution(
    _ name: String, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1, bias: Bool = true,
    from input: String? = nil
  ) -> String {
    let layer = Convolution(
      channels(of: input), outputs, kernel: Extent(kernel), stride: Extent(stride), padding: Extent(padding), groups: groups, bias: bias)
    return append(name, .convolution(layer), from: [input ?? last])
  }

  /// A batch norm over all channels.
  @discardableResult
  public mutating func batchNorm(_ name: String, epsilon: Double = 1e-5, from input: String? = nil) -> String {
    append(name, .batchNorm(BatchNorm(channels(of: input), epsilon: epsilon)), from: [input ?? last])
  }

  /// A norm over groups of channels; one group is layer norm.
  @discardableResult
  public mutating func groupNorm(_ name: String, groups: Int = 1, from input: String? = nil) -> String {
    append(name, .groupNorm(GroupNorm(groups: groups, channels(of: input))), from: [input ?? last])
  }

  /// A further input.
  @discardableResult
  public mutating func input(_ name: String, _ shape: FeatureShape) -> String { append(name, .input(shape), from: []) }

  /// max(x, 0).
  @discardableResult
  public mutating func relu(_ name: String? = nil, from input: String? = nil) -> String {
    append(name ?? unused("relu"), .activation(.relu), from: [input ?? last])
  }

  /// An activation.
  @discardableResult
  public mutating func activation(_ function: Activation, _ name: String? = nil, from input: String? = nil) -> String {
    append(name ?? unused(function.rawValue), .activation(function), from: [input ?? last])
  }

  /// Maxima over square windows, side by side unless a stride is given; with `ceilMode` a last, partly covered one counts.
  @discardableResult
  public mutating func maxPool(
    _ kernel: Int, stride: Int? = nil, padding: Int = 0, ceilMode: Bool = false, _ name: String? = nil, from input: String? = nil
  ) -> String {
    append(name ?? unused("pool"), .maxPool(window(kernel, stride, padding, ceilMode)), from: [input ?? last])
  }

  /// Means over square windows, side by side unless a stride is given.
  @discardableResult
  public mutating func averagePool(
    _ kernel: Int, stride: Int? = nil, padding: Int = 0, _ name: String? = nil, from input: String? = nil
  ) -> String {
    append(name ?? unused("pool"), .averagePool(window(kernel, stride, padding)), from: [input ?? last])
  }

  /// Means over a grid of `size`×`size` windows whatever the image's size.
  @discardableResult
  public mutating func adaptiveAveragePool(_ size: Int, _ name: String? = nil, from input: String? = nil) -> String {
    append(name ?? unused("pool"), .adaptiveAveragePool(height: size, width: size), from: [input ?? last])
  }

  /// Dropout of elements with this probability.
  @discardableResult
  public mutating func dropout(_ probability: Double, _ name: String? = nil, from input: String? = nil) -> String {
    append(name ?? unused("dropout"), .dropout(probability), from: [input ?? last])
  }

  /// Image to vector.
  @discardableResult
  public mutating func flatten(_ name: String? = nil, from input: String? = nil) -> String {
    append(name ?? unused("flatten"), .flatten, from: [input ?? last])
  }

  /// The sum of these nodes' values.
  @discardableResult
  public mutating func add(_ inputs: [String], _ name: String? = nil) -> String { append(name ?? unused("add"), .add, from: inputs) }

  /// These nodes' channels one after another.
  @discardableResult
  public mutating func concat(_ inputs: [String], _ name: String? = nil) -> String {
    append(name ?? unused("concat"), .concat, from: inputs)
  }

  /// Parts of so many channels each, one after another.
  public mutating func split(_ counts: [Int], from input: String? = nil) -> [String] {
    let source = input ?? last
    var start = 0
    return counts.map { count in
      defer { start += count }
      return append(unused("split"), .narrow(start: start, count: count), from: [source])
    }
  }

  /// The parameter-free shortcut: every `stride`-th pixel, zero channels before and after.
  @discardableResult
  public mutating func subsamplePad(
    stride: Int, before: Int, after: Int, _ name: String? = nil, from input: String? = nil
  ) -> String {
    append(name ?? unused("shortcut"), .subsamplePad(stride: stride, before: before, after: after), from: [input ?? last])
  }

  /// Any node; with `module`, one that shares another's weights.
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
      // What follows from the first mistake would only bury it.
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
