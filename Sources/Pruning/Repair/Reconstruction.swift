public import Datasets
internal import Interruptions
public import Networks
internal import Torch
public import Training

/// Least-squares reconstruction: adjusts the weights of each layer that lost inputs so that it reproduces its previous outputs.
///
/// ΔW = argmin Σ‖y − (W + ΔW)·x − b‖² + λ‖ΔW‖² over examples and positions, with y the layer's output in the original and x its present
/// input; the bias, if there is one, is adjusted as well. ThiNet (Luo et al. 2017) fits the convolution after a pruned one in this way;
/// ours fits every layer that consumed removed units, in the order of the nodes, each on the output of the fitted ones before it. Pruned
/// weights stay 0, and the kept weights of each unit are the optimum under that constraint: units that keep the same inputs share their
/// equations, any other unit has its own. Grouped convolutions, weights that several nodes share, and layers with more than ``inputLimit``
/// inputs are not changed. Cost: one forward pass of both networks and, for each layer, the equations. Passes wait at each fitted layer with
/// their values in memory, up to as many bytes as a backward pass over one batch would hold; those of further batches begin anew for each
/// layer.
public struct Reconstruction: Codable, Hashable, Sendable {
  /// Number of positions that each image contributes to a convolution's equations; all if there are fewer.
  public var positions: Int
  /// Ridge λ as a fraction of the mean square of the inputs.
  public var ridge: Double

  /// Number of inputs (for a convolution times taps) above which a layer's equations would not fit into memory.
  public static let inputLimit = 5000

  /// Creates a reconstruction, by default with ten positions, as in ThiNet, and a ridge of 1e-4.
  public init(positions: Int = 10, ridge: Double = 1e-4) {
    self.positions = positions
    self.ridge = ridge
  }

  /// Returns the compacted model with the weights of consumers of removed units fitted to their outputs in the original.
  ///
  /// - Parameters:
  ///   - compacted: the model after the surgery.
  ///   - plan: the units that the surgery removed.
  ///   - original: the model before the surgery.
  ///   - groups: the channel groups of the original's network.
  ///   - batches: the examples to fit on.
  ///   - seed: seed of the choice of positions.
  ///   - note: called with a message for each layer that is skipped because it has more than ``inputLimit`` inputs, and with one for those
  ///     that have fewer than two equations for each input.
  /// - Throws: `TorchError` if the equations have no solution.
  public func applied(
    to compacted: Model, removing plan: SurgeryPlan, of original: Model, groups: [ChannelGroup], batches: EvaluationBatches, seed: UInt64,
    note: (String) -> Void = { _ in }
  ) throws -> Model {
    try withoutGradients {
      var result = compacted
      for (name, tensor) in compacted.tensors { result.tensors[name] = try tensor.detached().copied() }
      // What a network costs is counted for four bytes a number.
      let size = Double(original.tensors.values.first?.elementType?.size ?? 4) / 4
      let room = Room(bytes: size * Double(try original.network.cost().totalActivationBytes) * Double(batches.batchSize))
      let (before, after) = (try Walk(original, batches, in: room), try Walk(result, batches, in: room))
      let listeners = listeners(plan, groups, result.network, note)
      var scarce: [String] = []
      for listener in listeners {
        let (equations, inputs) = try fit(listener, result, before, after, Generator(seed: seed))
        if equations < 2 * inputs { scarce.append("\(listener.node.name): \(equations) for \(inputs) inputs") }
      }
      if let first = scarce.first {
        note(
          "\(scarce.count) of \(listeners.count) reconstructed layers have fewer than two equations for each input (\(first)), "
            + "and learn these examples by heart: give more --examples")
      }
      return result
    }
  }

  private struct Listener {
    let node: Network.Node
    let input: String
    /// Indices of the original's outputs that are still present.
    let outputs: [Int]
  }

  private func listeners(_ plan: SurgeryPlan, _ groups: [ChannelGroup], _ network: Network, _ note: (String) -> Void) -> [Listener] {
    var deaf: Set<String> = []
    var gone: [String: Set<Int>] = [:]
    for group in groups {
      guard let channels = plan.removals[group.name] else { continue }
      deaf.formUnion(group.consumers.map(\.node))
      for member in group.producers {
        for channel in channels { gone[member.node, default: []].formUnion(member.features(ofChannel: channel)) }
      }
    }
    let index = NetworkIndex(network)
    return network.nodes.compactMap { node in
      guard deaf.contains(node.name), let input = node.inputs.first, !index.isShared(node.module) else { return nil }
      let (left, inputs): (Int, Int)
      switch node.operation {
      case .linear(let layer): (left, inputs) = (layer.outputs, layer.inputs)
      case .convolution(let layer) where layer.groups == 1 && !layer.isTransposed:
        (left, inputs) = (layer.outputs, layer.inputs * layer.kernel.height * layer.kernel.width)
      default: return nil
      }
      guard inputs <= Self.inputLimit else {
        note("\(node.name) is not reconstructed: it has \(inputs) inputs, and equations for more than \(Self.inputLimit) are too many")
        return nil
      }
      let lost = gone[node.name] ?? []
      return Listener(node: node, input: input, outputs: (0..<left + lost.count).filter { !lost.contains($0) })
    }
  }

  /// Fits a layer; returns how many equations and how many inputs it had.
  private func fit(
    _ listener: Listener, _ model: Model, _ before: Walk, _ after: Walk, _ generator: Generator
  ) throws -> (equations: Int, inputs: Int) {
    let weight = try model.tensor(ParameterName(listener.node.module, .weight))
    let bias = model.tensors[ParameterName(listener.node.module, .bias)]
    let matrix = try weight.cast(to: .float64).contiguous().flattened(from: 1).transposed()
    var (squares, products, equations): (Tensor?, Tensor?, Int) = (nil, nil, 0)
    for batch in 0..<before.batches.count {
      let said = try before.value(of: listener.node.name, batch).indexed(1, listener.outputs)
      let heard = try after.value(of: listener.input, batch)
      let (x, y) = try rows(listener.node.operation, heard, said, generator)
      equations += x.shape[0]
      var residual = try y - x.matmul(matrix)
      var inputs = x
      if let bias {
        residual = try residual - bias.cast(to: .float64)
        inputs = try Tensor.concatenated([x, Tensor.ones([x.shape[0], 1], type: .float64)], 1)
      }
      let (square, product) = (try inputs.transposed().matmul(inputs), try inputs.transposed().matmul(residual))
      squares = try squares.map { try $0 + square } ?? square
      products = try products.map { try $0 + product } ?? product
    }
    let inputs = matrix.shape[0]
    guard let squares, let products else { return (equations, inputs) }
    let count = squares.shape[0]
    let index = try Tensor((0..<count).map(Int64.init))
    let unit = try index.reshaped([count, 1]).equal(index.reshaped([1, count])).cast(to: .float64)
    let size: Double = try (squares * unit).sum().item() / Double(count)
    // Inputs that are always 0 would make the equations singular.
    let change = try solved(
      squares + unit * max(size * ridge, .leastNormalMagnitude), products, free: free(listener.node.module, model, weight, bias))
    let type = weight.elementType ?? .float32
    try weight.copy(from: (matrix + change.narrowed(0, from: 0, length: inputs)).transposed().reshaped(weight.shape).cast(to: type))
    if let bias {
      try bias.copy(from: (bias.cast(to: .float64) + change.narrowed(0, from: inputs, length: 1).flattened()).cast(to: type))
    }
    return (equations, inputs)
  }

  /// How many more bytes paused passes may hold.
  private final class Room {
    var bytes: Double
    init(bytes: Double) { self.bytes = bytes }
  }

  /// Passes of a network over all batches, which stop at one node after the other.
  private final class Walk {
    let batches: EvaluationBatches
    private let executor: Executor
    private let room: Room
    private var passes: [PausedPass]

    init(_ model: Model, _ batches: EvaluationBatches, in room: Room) throws {
      (executor, self.batches, self.room) = (try Executor(model), batches, room)
      passes = Array(repeating: PausedPass(), count: batches.count)
    }

    /// Returns the value of a node for a batch; nodes are asked for in their order.
    func value(of node: String, _ index: Int) throws -> Tensor {
      try Interruption.check()
      var pass = PausedPass()
      swap(&pass, &passes[index])
      room.bytes += Double(pass.byteCount)
      let value = try executor.value(of: node, in: &pass, over: batches.batch(index).inputs)
      if Double(pass.byteCount) <= room.bytes {
        room.bytes -= Double(pass.byteCount)
        passes[index] = pass
      }
      return value
    }
  }

  /// Returns, for each output, which of its weights may change, the bias last; nil if nothing is pruned.
  private func free(_ module: String, _ model: Model, _ weight: Tensor, _ bias: Tensor?) throws -> [[Bool]]? {
    let (weights, biases) = (model.masks[ParameterName(module, .weight)], model.masks[ParameterName(module, .bias)])
    guard weights != nil || biases != nil else { return nil }
    var mask = try (weights ?? weight.onesLike(type: .bool)).contiguous().flattened(from: 1)
    if let bias { mask = try Tensor.concatenated([mask, (biases ?? bias.onesLike(type: .bool)).reshaped([-1, 1])], 1) }
    let (flags, width) = (try mask.array(Bool.self), mask.shape[1])
    return (0..<mask.shape[0]).map { Array(flags[$0 * width..<($0 + 1) * width]) }
  }

  /// Returns the least-squares solutions, one column per output, 0 where an element may not change.
  private func solved(_ squares: Tensor, _ products: Tensor, free: [[Bool]]?) throws -> Tensor {
    guard let free else { return try squares.solving(products) }
    var columns = try (0..<products.shape[1]).map { try products.narrowed(1, from: $0, length: 1).zerosLike() }
    for (kept, outputs) in Dictionary(grouping: free.indices, by: { free[$0] }) {
      let places = kept.indices.filter { kept[$0] }
      guard !places.isEmpty else { continue }
      let own = try squares.indexed(0, places).indexed(1, places).solving(products.indexed(0, places).indexed(1, outputs))
      // The row of the solution for each place; places that may not change take any row, and become 0 afterwards.
      var rows = [Int](repeating: 0, count: kept.count)
      for (row, place) in places.enumerated() { rows[place] = row }
      let whole = try Tensor(kept, shape: [kept.count, 1]).select(own.indexed(0, rows), else: own.indexed(0, rows).zerosLike())
      for (column, output) in outputs.enumerated() { columns[output] = try whole.narrowed(1, from: column, length: 1) }
    }
    return try Tensor.concatenated(columns, 1)
  }

  /// Returns the layer's inputs and desired outputs in float64, one row per example and chosen position.
  private func rows(_ operation: Operation, _ heard: Tensor, _ said: Tensor, _ generator: Generator) throws -> (Tensor, Tensor) {
    guard case .convolution(let layer) = operation else { return (try heard.cast(to: .float64), try said.cast(to: .float64)) }
    let count = said.shape.dropFirst(2).reduce(1, *)
    let chosen = try Tensor.permutation(count, generator: generator).narrowed(0, from: 0, length: min(count, positions))
    func picked(_ value: Tensor) throws -> Tensor {
      let part = try value.indexed(2, chosen).cast(to: .float64)
      return try part.permuted([0, 2, 1]).contiguous().reshaped([-1, part.shape[1]])
    }
    // Windows overlap, so those of all examples at once could take many times the memory of the images.
    let windows = try (0..<heard.shape[0]).map { example in
      try picked(
        heard.narrowed(0, from: example, length: 1).contiguous().unfolded(
          kernel: (layer.kernel.height, layer.kernel.width), stride: (layer.stride.height, layer.stride.width),
          padding: (layer.padding.height, layer.padding.width), dilation: (layer.dilation.height, layer.dilation.width)))
    }
    return (try Tensor.concatenated(windows), try picked(said.contiguous().flattened(from: 2)))
  }
}
