internal import Interruptions
public import Networks
public import Torch

/// What batch norms and dropout do in a forward pass.
public enum ExecutionMode {
  /// Batch norms use running statistics; no dropout.
  case evaluation
  /// Batch norms use batch statistics and update the running ones; dropout is drawn from the generator.
  case training(Generator)
  /// Batch norms use batch statistics without updating the running ones; no dropout.
  case batchStatistics
  /// Batch norms use exact batch statistics and add them to the sums, without updating the running ones; no dropout.
  case recalibration(BatchNormSums)
}

/// A forward pass over one batch that has stopped between two nodes, with the values that the nodes to come read
/// (``Executor/value(of:in:over:)``).
public struct PausedPass {
  fileprivate var values: [Tensor?] = []
  fileprivate var next = 0

  /// Creates a pass that has not begun.
  public init() {}

  fileprivate init(values: [Tensor?]) { self.values = values }

  /// Bytes of the values that it holds.
  public var byteCount: Int { values.reduce(0) { $0 + ($1?.byteCount ?? 0) } }
}

/// Runs a model's network on libtorch.
///
/// The graph is compiled once to a list of instructions with their tensors resolved; a pass walks the list and releases each value after
/// its last use. The tensors are the model's own: an optimizer that updates them updates the executor.
public final class Executor {
  private struct Instruction {
    let node: String
    let module: String
    let operation: Operation
    let inputs: [Int]
    /// Index of the batch that an input node takes.
    let entry: Int
    /// Places of the parameters in ``Executor/tensors``; nil for one that the model does not have.
    let parameters: [Int?]
    /// The indices (int64) that an index select takes.
    let indices: Tensor?
    /// Values that are not needed after this instruction.
    let finished: [Int]
  }

  private let instructions: [Instruction]
  private let inputShapes: [[Int]]
  private let name: String
  private let outputs: [Int]
  private var values: [Tensor?]
  // The model's own tensors, and those that passes compute with: the same, unless others are substituted.
  private let own: [Tensor]
  private var tensors: [Tensor]
  // Places of the trained tensors, in the order of Optimizer.names.
  private let trainedPlaces: [Int]
  /// Element type of the model's tensors, to which batches are converted.
  private let type: ElementType?
  /// Device of the model's tensors, to which batches are moved.
  public let device: Device
  /// The filters of the nodes whose convolutions compute with kept weights alone in the passes to come, by their names.
  var keptFilters: [String: SparseFilters] = [:]

  /// Compiles a model's network.
  ///
  /// - Throws: ``ModelError`` if a tensor is missing.
  public init(_ model: Model) throws {
    let network = model.network
    name = network.name
    var index: [String: Int] = [:]
    for (i, node) in network.nodes.enumerated() { index[node.name] = i }
    func slot(_ name: String) throws -> Int {
      guard let i = index[name] else { throw ModelError.parameters(network: network.name, problems: ["no node \(name)"]) }
      return i
    }
    outputs = try network.outputs.map(slot)
    var lastUse: [Int: Int] = [:]
    for (i, node) in network.nodes.enumerated() { for input in node.inputs { lastUse[try slot(input)] = i } }
    for output in outputs { lastUse[output] = nil }
    var finished: [Int: [Int]] = [:]
    for (value, last) in lastUse { finished[last, default: []].append(value) }
    var places: [ParameterName: Int] = [:]
    var (found, trained): ([Tensor], [Int]) = ([], [])
    func place(_ name: ParameterName) -> Int? {
      guard places[name] == nil, let tensor = model.tensors[name] else { return places[name] }
      places[name] = found.count
      found.append(tensor)
      if name.role.isTrained { trained.append(found.count - 1) }
      return places[name]
    }
    var entries = 0
    let device = model.device
    instructions = try network.nodes.enumerated().map { i, node in
      let roles: [ParameterName.Role]
      switch node.operation {
      case .linear, .convolution, .groupNorm, .channelNorm, .channelAffine, .prelu, .attention, .classToken, .positionEmbedding:
        roles = [.weight, .bias]
      case .batchNorm: roles = [.weight, .bias, .runningMean, .runningVariance]
      default: roles = []
      }
      let entry = entries
      if case .input = node.operation { entries += 1 }
      var indices: Tensor?
      if case .indexSelect(let chosen) = node.operation { indices = try Tensor(chosen.map(Int64.init)).moved(to: device) }
      return Instruction(
        node: node.name, module: node.module, operation: node.operation, inputs: try node.inputs.map(slot), entry: entry,
        parameters: roles.map { place(ParameterName(node.module, $0)) }, indices: indices, finished: finished[i] ?? [])
    }
    (own, tensors, trainedPlaces) = (found, found, trained)
    values = Array(repeating: nil, count: instructions.count)
    inputShapes = network.inputShapes.map(\.dimensions)
    self.device = device
    type = model.tensors.values.first?.elementType
  }

  /// Runs `body` with other tensors in place of the trained ones, e.g. those of an inner loop, through which gradients flow to the
  /// tensors that they were computed from.
  ///
  /// - Parameter others: one tensor of the same shape for each trained one, in the order of ``Optimizer/names``.
  /// - Throws: ``PlanError`` for another number of tensors, and what `body` throws.
  public func substituting<Result>(_ others: [Tensor], _ body: () throws -> Result) throws -> Result {
    guard others.count == trainedPlaces.count else {
      throw PlanError("\(others.count) tensors cannot stand in for the \(trainedPlaces.count) trained ones of \(name)")
    }
    for (place, other) in zip(trainedPlaces, others) { tensors[place] = other }
    defer { for place in trainedPlaces { tensors[place] = own[place] } }
    return try body()
  }

  /// Returns the first output for a batch [examples, …]; one forward pass.
  public func forward(_ input: Tensor, mode: ExecutionMode = .evaluation) throws -> Tensor {
    try forward(input, mode: mode, observing: []) { _, _ in }
  }

  /// Returns the first output for a batch, passing the values of the `observed` nodes to `observe` on the way.
  ///
  /// - Throws: ``ModelError`` if the batch does not fit; `TorchError` from the operations, with the node's name; `Interrupted` on
  ///   request, except in training mode.
  public func forward(
    _ input: Tensor, mode: ExecutionMode, observing observed: Set<String>, _ observe: (String, Tensor) throws -> Void
  ) throws -> Tensor {
    defer { for i in values.indices { values[i] = nil } }
    try run([input], mode, observed, observe)
    guard let first = outputs.first, let result = values[first] else { throw TorchError("forward: network \(name) has no output") }
    return result
  }

  /// Returns all outputs for one batch per input, in evaluation mode.
  ///
  /// - Throws: ``ModelError`` if the batches do not fit; `TorchError` from the operations, with the node's name.
  public func outputs(of inputs: [Tensor]) throws -> [Tensor] { try outputs(of: inputs, observing: []) { _, _ in } }

  /// Returns all outputs for one batch per input, passing the values of the `observed` nodes to `observe` on the way.
  public func outputs(
    of inputs: [Tensor], observing observed: Set<String>, _ observe: (String, Tensor) throws -> Void
  ) throws -> [Tensor] {
    defer { for i in values.indices { values[i] = nil } }
    try run(inputs, .evaluation, observed, observe)
    return outputs.compactMap { values[$0] }
  }

  private func run(
    _ inputs: [Tensor], _ mode: ExecutionMode, _ observed: Set<String>, part: Range<Int>? = nil,
    _ observe: (String, Tensor) throws -> Void
  ) throws {
    guard inputs.count == inputShapes.count else {
      throw ModelError.inputs(network: name, expected: inputShapes.count, given: inputs.count)
    }
    let inputs = try inputs.map { input in
      let here = try input.moved(to: device)
      return try type.map { $0 == here.elementType ? here : try here.cast(to: $0) } ?? here
    }
    // A training can be stopped only after a whole step; every other pass may stop at any layer.
    let isStopped: (() -> Bool)? = if case .training = mode { nil } else { Interruption.isRequested }
    // By index: on long networks, copying instructions would take most of the time.
    for i in part ?? instructions.indices {
      if let isStopped, isStopped() { throw Interrupted() }
      let value = try evaluate(instructions[i], inputs, mode)
      values[i] = value
      if !observed.isEmpty, observed.contains(instructions[i].node) { try observe(instructions[i].node, value) }
      for j in instructions[i].finished { values[j] = nil }
    }
  }

  /// Returns the value of a node in evaluation mode, going on with a pass over a batch from where it stands.
  ///
  /// What the pass still holds is not computed again, even if tensors that it was computed with have changed since. For a node whose value
  /// it holds no more, the pass begins anew.
  /// - Parameters:
  ///   - pass: a pass of this executor; it then stands right after the node, or where it stood if that is later.
  ///   - input: the batch, the same for each part of the pass.
  /// - Throws: as ``forward(_:mode:observing:_:)``; the pass then begins anew.
  public func value(of node: String, in pass: inout PausedPass, over input: Tensor) throws -> Tensor {
    guard let place = instructions.firstIndex(where: { $0.node == node }) else {
      throw TorchError("forward: network \(name) has no node \(node)")
    }
    var going = pass
    pass = PausedPass()
    if going.values.isEmpty || going.next > place && going.values[place] == nil {
      going = PausedPass(values: Array(repeating: nil, count: instructions.count))
    }
    if going.next <= place {
      swap(&values, &going.values)
      defer { for i in values.indices { values[i] = nil } }
      try run([input], .evaluation, [], part: going.next..<place + 1) { _, _ in }
      (going.values, going.next) = (values, place + 1)
    }
    guard let value = going.values[place] else { throw TorchError("\(node): its value is missing") }
    pass = going
    return value
  }

  private func evaluate(_ instruction: Instruction, _ inputs: [Tensor], _ mode: ExecutionMode) throws -> Tensor {
    func operand(_ i: Int = 0) throws -> Tensor {
      guard i < instruction.inputs.count, let value = values[instruction.inputs[i]] else {
        throw TorchError("\(instruction.node): an operand is missing")
      }
      return value
    }
    func parameter(_ i: Int) throws -> Tensor {
      guard let tensor = tensor(i, of: instruction) else { throw TorchError("\(instruction.node): a parameter is missing") }
      return tensor
    }
    switch instruction.operation {
    case .input:
      let (input, inputShape) = (inputs[instruction.entry], inputShapes[instruction.entry])
      let given = Array(input.shape.dropFirst())
      if given == inputShape { return input }
      guard given.reduce(1, *) == inputShape.reduce(1, *), inputShape.count == 1 else {
        throw ModelError.input(network: name, expected: inputShape, given: given)
      }
      return try input.flattened(from: 1)
    case .linear: return try operand().linear(parameter(0), tensor(1, of: instruction))
    case .convolution(let layer):
      if let filters = keptFilters[instruction.node] {
        return try operand().convolution(parameter(0), tensor(1, of: instruction), keeping: filters)
      }
      return try operand().convolution(layer, parameter(0), tensor(1, of: instruction))
    case .batchNorm(let layer): return try normalized(operand(), instruction, layer, mode)
    case .groupNorm(let layer):
      return try operand().groupNorm(
        groups: layer.groups, weight: tensor(0, of: instruction), bias: tensor(1, of: instruction), epsilon: layer.epsilon,
        absent: layer.absent)
    case .channelNorm(let layer):
      return try operand().channelNorm(
        weight: tensor(0, of: instruction), bias: tensor(1, of: instruction), epsilon: layer.epsilon, absent: layer.absent)
    case .channelAffine: return try operand().channelAffine(parameter(0), tensor(1, of: instruction))
    case .localResponseNorm(let norm):
      return try operand().localResponseNorm(size: norm.size, alpha: norm.alpha, beta: norm.beta, k: norm.k)
    case .activation(let function): return try operand().activated(by: function)
    case .prelu: return try operand().prelu(parameter(0))
    case .softmax: return try operand().softmax(1)
    case .attention(let layer):
      return try operand().attention(
        keys: operand(1), values: operand(2), heads: layer.heads, scale: layer.scale, weights: tensor(0, of: instruction),
        bias: tensor(1, of: instruction), window: layer.window?.size.pair, isGrid: layer.window?.isGrid ?? false,
        shift: layer.window?.shift.pair ?? (0, 0))
    case .classToken(let features):
      let sequence = try operand()
      let token = try parameter(0).reshaped([1, features, 1, 1]).expanded([sequence.shape[0], features, 1, 1])
      return try Tensor.concatenated([token, sequence], 3)
    case .positionEmbedding: return try operand() + parameter(0)
    case .maxPool(let pool):
      return try operand().maxPool(
        kernel: pool.kernel.pair, stride: pool.stride.pair, padding: pool.padding.pair, ceilMode: pool.ceilMode)
    case .averagePool(let pool):
      return try operand().averagePool(
        kernel: pool.kernel.pair, stride: pool.stride.pair, padding: pool.padding.pair, ceilMode: pool.ceilMode,
        countsPadding: pool.countsPadding)
    case .adaptiveAveragePool(let height, let width): return try operand().adaptiveAveragePool(height: height, width: width)
    case .adaptiveMaxPool(let height, let width): return try operand().adaptiveMaxPool(height: height, width: width)
    case .pad(let top, let bottom, let left, let right): return try operand().padded(top: top, bottom: bottom, left: left, right: right)
    case .resize(let height, let width, .nearest): return try operand().resizedToNearest(height: height, width: width)
    case .resize(let height, let width, let interpolation):
      return try operand().resizedBilinearly(height: height, width: width, aligned: interpolation == .bilinearAligned)
    case .arrange(let height, let width):
      let image = try operand()
      return try image.reshaped(Array(image.shape.prefix(2)) + [height, width])
    case .roll(let down, let right): return try operand().rolled(down: down, right: right)
    case .dropout(let probability):
      if case .training(let generator) = mode, probability > 0 { return try operand().dropout(probability, generator: generator) }
      return try operand()
    case .flatten: return try operand().flattened(from: 1)
    case .add:
      var sum = try operand()
      for i in 1..<max(instruction.inputs.count, 1) { sum = try sum + operand(i) }
      return sum
    case .subtract: return try operand() - operand(1)
    case .multiply: return try operand().gated(by: operand(1))
    case .concat: return try Tensor.concatenated(instruction.inputs.indices.map { try operand($0) }, 1)
    case .narrow(let start, let count): return try operand().narrowed(1, from: start, length: count)
    case .indexSelect:
      guard let indices = instruction.indices else { throw TorchError("\(instruction.node): its indices are missing") }
      return try operand().indexed(1, indices)
    case .subsamplePad(let stride, let before, let after):
      if try operand().rank == 2 { return try operand().padded([before, after]) }
      let sampled = try operand().sliced(2, step: stride).sliced(3, step: stride)
      return try sampled.padded([0, 0, 0, 0, before, after])
    case .opaque(let function): return try operand().applying(function, function.name.form == .pair ? operand(1) : nil)
    }
  }

  private func tensor(_ i: Int, of instruction: Instruction) -> Tensor? { instruction.parameters[i].map { tensors[$0] } }

  private func normalized(_ value: Tensor, _ instruction: Instruction, _ layer: BatchNorm, _ mode: ExecutionMode) throws -> Tensor {
    var (mean, variance, training) = (tensor(2, of: instruction), tensor(3, of: instruction), false)
    switch mode {
    case .evaluation: break
    case .training: training = true
    case .batchStatistics: (mean, variance, training) = (nil, nil, true)
    case .recalibration(let sums):
      let batch = try sums.add(value.detached(), to: instruction.module)
      let type = value.elementType ?? .float32
      (mean, variance) = (try batch.mean.cast(to: type), try batch.variance.cast(to: type))
    }
    return try value.batchNorm(
      weight: tensor(0, of: instruction), bias: tensor(1, of: instruction), runningMean: mean, runningVariance: variance,
      training: training,
      momentum: layer.momentum, epsilon: layer.epsilon)
  }
}

extension Tensor {
  /// Returns a layer's value of [batch, channels, height, width], with its kind of convolution, stride, padding, dilation and groups.
  public func convolution(_ layer: Convolution, _ weight: Tensor, _ bias: Tensor?) throws -> Tensor {
    guard let more = layer.outputPadding else {
      return try convolution(
        weight, bias, stride: layer.stride.pair, padding: layer.padding.pair, dilation: layer.dilation.pair, groups: layer.groups)
    }
    return try transposedConvolution(
      weight, bias, stride: layer.stride.pair, padding: layer.padding.pair, outputPadding: more.pair, dilation: layer.dilation.pair,
      groups: layer.groups)
  }
}

extension Extent {
  var pair: (height: Int, width: Int) { (height, width) }
}
