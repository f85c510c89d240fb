public import Datasets
internal import Interruptions
public import Networks
public import Torch

/// The mean loss of a model over some examples as a function of its weights, with its derivatives.
///
/// The variables are the trained tensors (weights, biases, scales and shifts of norms) without their pruned elements, which stay 0: one
/// vector, in the order of ``names``, in which what belongs to a pruned element is 0. Batch norms use their running statistics and dropout
/// is off, so that the loss is a sum over examples and does not depend on how they are batched, but for rounding. Of activations and
/// pooling with kinks it is the derivatives where they exist. The model's own tensors stay as they are.
public final class LossSurface {
  /// Names of the trained tensors, in the network's order.
  public let names: [ParameterName]
  /// Number of variables: trained numbers that are not pruned.
  public let parameters: Int
  /// Number of examples.
  public let examples: Int
  private let leaves: [Tensor]
  /// Of pruned tensors, the mask in the tensor's own type.
  private let kept: [Tensor?]
  private let executor: Executor
  private let forEachBatch: ((Batch) throws -> Void) throws -> Void

  /// Prepares the surface of a model over batches of examples.
  ///
  /// - Throws: ``ModelError`` if a tensor is missing.
  public convenience init(_ model: Model, on batches: EvaluationBatches) throws {
    try self.init(model, examples: batches.set.count) { try batches.forEach($0) }
  }

  /// Prepares the surface of a model over `examples` examples, which `forEachBatch` passes to its argument in batches, each time the same.
  public init(_ model: Model, examples: Int, forEachBatch: @escaping ((Batch) throws -> Void) throws -> Void) throws {
    // Row-major: sums over another layout are rounded worse.
    let own = try Model(network: model.network, tensors: model.tensors.mapValues { try $0.detached().contiguous() })
    names = try own.network.parameterShapes().map(\.name).filter(\.role.isTrained)
    leaves = try names.map(own.tensor)
    for leaf in leaves { try leaf.requireGradient() }
    let (device, type) = (own.device, leaves.first?.elementType ?? .float32)
    kept = try names.map { try model.masks[$0]?.moved(to: device).cast(to: type) }
    parameters = try zip(leaves, kept).reduce(0) { try $0 + ($1.1?.detached().nonZeroCount() ?? $1.0.count) }
    executor = try Executor(own)
    self.examples = examples
    self.forEachBatch = forEachBatch
  }

  // MARK: - Values

  /// Returns the mean loss in nats; one forward pass.
  public func loss() throws -> Double {
    try withoutGradients {
      var sum = 0.0
      try forEachBatch { sum += try loss(of: $0).item() }
      return sum / Double(max(examples, 1))
    }
  }

  /// Returns the mean loss at w + v; one forward pass.
  public func loss(movedBy vector: Tensor) throws -> Double {
    try withoutGradients {
      let moved = try zip(leaves, parts(of: vector)).map { try $0.detached() + $1 }
      return try executor.substituting(moved) { try loss() }
    }
  }

  /// Returns the gradient of the mean loss; one forward and one backward pass.
  public func gradient() throws -> Tensor {
    let sum = try zero()
    try forEachBatch { batch in try sum.accumulate(gradient(of: batch)) }
    return try sum / Double(max(examples, 1))
  }

  /// Returns H·v for each of some vectors, H the Hessian of the mean loss; for each batch a forward pass, a backward pass that records its
  /// graph, and for each vector a backward pass through both.
  public func hessianProducts(_ vectors: [Tensor]) throws -> [Tensor] {
    let sums = try vectors.map { _ in try zero() }
    let seeds = try vectors.map(parts)
    try forEachBatch { batch in
      try withGradients {
        let loss = try loss(of: batch)
        guard loss.requiresGradient else { return }
        let gradients = try Tensor.gradients(of: [loss], by: leaves, createGraph: true)
        for (sum, seeds) in zip(sums, seeds) {
          try Interruption.check()
          // A gradient that does not depend on the weights has no second derivative.
          let bent = zip(gradients, seeds).compactMap { gradient, seed in gradient.flatMap { $0.requiresGradient ? ($0, seed) : nil } }
          guard !bent.isEmpty else { continue }
          let products = try Tensor.gradients(of: bent.map(\.0), seeds: bent.map(\.1), by: leaves, retainGraph: true)
          try withoutGradients { try sum.accumulate(vector(of: products)) }
        }
      }
    }
    return try sums.map { try $0 / Double(max(examples, 1)) }
  }

  /// Returns H·v; see ``hessianProducts(_:)``.
  public func hessianProduct(_ vector: Tensor) throws -> Tensor { try hessianProducts([vector]).first ?? zero() }

  private func loss(of batch: Batch) throws -> Tensor {
    try executor.forward(batch.inputs.contiguous()).crossEntropy(executor.labels(of: batch), reduction: .sum)
  }

  private func gradient(of batch: Batch) throws -> Tensor {
    try withGradients {
      let loss = try loss(of: batch)
      guard loss.requiresGradient else { return try zero() }
      let found = try Tensor.gradients(of: [loss], by: leaves)
      return try withoutGradients { try vector(of: found) }
    }
  }

  // MARK: - Vectors

  /// Returns the vector of one tensor for each of ``names``, without what belongs to pruned elements; nil is 0.
  public func vector(of tensors: [Tensor?]) throws -> Tensor {
    try Tensor.concatenated(
      zip(leaves, zip(tensors, kept)).map { leaf, pair in
        guard let tensor = try pair.0?.detached() else { return try leaf.detached().zerosLike().flattened() }
        return try (pair.1.map { try tensor * $0 } ?? tensor).contiguous().flattened()
      })
  }

  /// Returns a vector of random signs, −1 or 1; the same state of the generator gives the same vector, on any device.
  public func randomSigns(_ generator: Generator) throws -> Tensor {
    try drawn { drawn in
      try drawn.fillBernoulli(0.5, generator: generator)
      return try drawn * 2 - 1
    }
  }

  /// Returns a vector of standard normal numbers; the same state of the generator gives the same vector, on any device.
  public func randomNormal(_ generator: Generator) throws -> Tensor {
    try drawn { drawn in
      try drawn.fillNormal(generator: generator)
      return drawn
    }
  }

  private func drawn(_ draw: (Tensor) throws -> Tensor) throws -> Tensor {
    try vector(
      of: leaves.map { leaf in
        try draw(.empty(leaf.shape, type: leaf.elementType ?? .float32)).moved(to: executor.device)
      })
  }

  /// Returns a vector times the root mean square of each tensor's variables: noise in proportion to what it is added to.
  public func scaledByTensors(_ vector: Tensor) throws -> Tensor {
    try self.vector(
      of: zip(parts(of: vector), zip(leaves, kept)).map { part, pair in
        let count = try pair.1?.nonZeroCount() ?? pair.0.count
        return try part * (pair.0.detached().squared().sum().item() / Double(max(count, 1))).squareRoot()
      })
  }

  private func zero() throws -> Tensor { try vector(of: leaves.map { _ in nil }) }

  /// Returns a vector as one tensor for each of ``names``.
  func parts(of vector: Tensor) throws -> [Tensor] {
    var start = 0
    return try leaves.map { leaf in
      defer { start += leaf.count }
      return try vector.narrowed(0, from: start, length: leaf.count).reshaped(leaf.shape)
    }
  }

  // MARK: - Sums over examples

  /// Returns the trace of the covariance of the examples' gradients, Σ‖g_i − ḡ‖²/(n − 1), the unbiased form; 0 for a single example. A
  /// forward and a backward pass for each example.
  public func gradientCovariance() throws -> Double {
    let sum = try zero()
    var squares = 0.0
    try forEachBatch { batch in
      for index in 0..<batch.count {
        try Interruption.check()
        let one = Batch(
          inputs: try batch.inputs.narrowed(0, from: index, length: 1), labels: try batch.labels.narrowed(0, from: index, length: 1))
        let gradient = try gradient(of: one)
        try sum.accumulate(gradient)
        squares += try gradient.squared().sum().item()
      }
    }
    guard examples > 1 else { return 0 }
    // Σ‖g_i − ḡ‖² = Σ‖g_i‖² − ‖Σg_i‖²/n.
    let spread = squares - (try sum.squared().sum().item()) / Double(examples)
    return max(spread, 0) / Double(examples - 1)
  }
}
