internal import Foundation
public import Networks
public import Torch
public import Training

/// L0 regularisation by hard-concrete gates (Louizos, Welling & Kingma 2018): weights, units or inputs are multiplied by gates that learn to
/// close.
///
/// The loss of a step is that of w ⊙ z plus λ/N·Σ cost·P(z > 0), with gates z drawn once for the whole batch (``HardConcrete``). ln α is
/// trained by Adam, whatever trains the weights; the random numbers are a function of seed, step and gate. Evaluations during training see
/// ẑ, not samples.
///
/// A gate stands where a channel is *read*: it multiplies the inputs of all layers that read it, which is the same as a gate after norm,
/// activation and pooling, and can be folded into those layers' weights. A linear layer's inputs that no layer makes one by one (pixels,
/// positions of a flattened image) have gates of their own.
///
/// With an amount ``PruningPlan/Amount/total(_:)`` the penalty acts while fewer gates are expected to be closed than should be, along a line
/// that reaches the amount after half of the steps, and λ grows as long as that lasts. (Adam's steps hardly depend on the size of λ: a
/// penalty that only got weaker would close far too many.)
///
/// ```swift
/// let gates = try HardConcreteGates(plan, model: model, examples: data.training.count)
/// let trainer = try Trainer(training, model: model, data: data, hooks: [gates])
/// try trainer.run()
/// let smaller = try gates.removal(from: trainer.model)
/// ```
public final class HardConcreteGates: WeightGates {
  /// What the gates are trained by.
  public let plan: GatePlan
  /// ln α of all gates, layer by layer.
  public var logAlphas: [Float] { Array(numbers.logAlpha) }
  /// Factor by which λ has been multiplied to reach the amount that is asked for; 1 at the start, and where nothing is asked for.
  public private(set) var strength = 1.0

  /// Whether λ is adapted to an amount that is asked for.
  public var follows: Bool { if case .total = pruning.amount { true } else { false } }

  let pruning: PruningPlan
  let layout: GateLayout
  let lambdas: [Float]
  private let costs: GateCosts
  private let examples: Int
  private let seed: UInt64
  private let numbers: GateNumbers

  /// Places gates in a model's network.
  ///
  /// - Parameter examples: number N of training examples.
  /// - Throws: `PlanError` for a plan without gates, or with impossible ones; ``PruningError`` for patterns that match nothing.
  public init(_ pruning: PruningPlan, model: Model, examples: Int) throws {
    guard let plan = pruning.gates else { throw PlanError("this plan trains no gates") }
    try plan.validate()
    self.plan = plan
    self.pruning = pruning
    self.examples = max(examples, 1)
    layout = try GateLayout(model.network, pruning.granularity, ignoring: pruning.ignored)
    lambdas = try layout.lambdas(plan)
    costs =
      switch plan.cost {
      case .weights: GateCosts(weights: layout.layers.flatMap { Array(repeating: $0.cost, count: $0.range.count) })
      case .macs: try GateCosts(macsOf: model.network, layout)
      }
    seed = SeedPurpose.gates.seed(from: pruning.seed)
    numbers = GateNumbers(logAlphas: try layout.start(plan, seed: pruning.seed).array(Float.self))
  }

  /// Name of the hook in checkpoints, `gates`.
  public var name: String { "gates" }

  /// True for gates of single weights; those of inputs need no gradient of each weight.
  public var needsGradients: Bool { layout.gated.contains { $0.sharing == .none } }

  /// The weights that gates multiply.
  public var gated: [ParameterName: FactorSharing] {
    Dictionary(layout.gated.map { ($0.name, $0.sharing) }, uniquingKeysWith: { first, _ in first })
  }

  /// Number of gates.
  public var count: Int { layout.count }

  /// Names of the layers of gates, with the number of gates of each and of those that are closed.
  public var layers: [(name: String, count: Int, closed: Int)] {
    layout.layers.map { layer in
      (layer.name, layer.range.count, layer.range.count { HardConcrete.value(numbers.logAlpha[$0]) == 0 })
    }
  }

  /// The expected cost Σ cost·P(z > 0), in weights or multiplications.
  public var expectedCost: Double {
    numbers.open()
    return costs.expected(UnsafeBufferPointer(numbers.openness), slopes: numbers.price)
  }

  // MARK: - A step

  /// Draws the gates of the next step.
  public func draw(into factors: [ParameterName: Tensor], _ trainer: Trainer) throws {
    numbers.draw(GateNoise(seed: seed, step: trainer.iteration))
    try write(numbers.gate, into: factors)
  }

  /// Writes the factors of each gated weight.
  private func write(_ gates: UnsafeMutableBufferPointer<Float>, into factors: [ParameterName: Tensor]) throws {
    for weight in layout.gated {
      guard let factor = factors[weight.name] else { continue }
      guard factor.elementType == .float32 else {
        try factor.copy(from: Tensor(products(of: weight, Array(gates)), shape: factor.shape))
        continue
      }
      try factor.withElements(Float.self) { elements in
        guard weight.sharing == .inputs else {
          for place in elements.indices { elements[place] = gates[weight.first + place] }
          return
        }
        for place in elements.indices {
          let (channel, position) = (Int(weight.channel[place]), Int(weight.position[place]))
          elements[place] = (channel < 0 ? 1 : gates[channel]) * (position < 0 ? 1 : gates[position])
        }
      }
    }
  }

  private func products(of weight: GateLayout.Gated, _ gates: [Float]) -> [Float] {
    guard weight.sharing == .inputs else { return Array(gates[weight.first..<weight.first + weight.count]) }
    return zip(weight.channel, weight.position).map { channel, position in
      (channel < 0 ? 1 : gates[Int(channel)]) * (position < 0 ? 1 : gates[Int(position)])
    }
  }

  /// Takes a step of ln α by the gradients of the loss and of the penalty.
  public func didComputeGradients(of factors: [ParameterName: Tensor], _ trainer: Trainer) throws {
    try gather(factors)
    let schedule = trainer.plan.learningRate
    let rate = schedule.rate(at: trainer.iteration, of: trainer.totalIterations, perEpoch: trainer.iterationsPerEpoch) / schedule.base
    numbers.open()
    _ = costs.expected(UnsafeBufferPointer(numbers.openness), slopes: numbers.price)
    let step = trainer.iteration + 1
    let size = Float(plan.learningRate * rate / (1 - pow(0.9, Double(step))))
    let root = Float(1 / (1 - pow(0.999, Double(step))).squareRoot())
    let share = share(trainer)
    lambdas.withUnsafeBufferPointer { numbers.step(lambdas: $0, share: share, size: size, root: root) }
  }

  /// Sums the factors' gradients to those of the gates.
  private func gather(_ factors: [ParameterName: Tensor]) throws {
    let (gradient, gates) = (numbers.gradient, numbers.gate)
    gradient.update(repeating: 0)
    for weight in layout.gated {
      guard let tensor = try factors[weight.name]?.cast(to: .float32) else { continue }
      try tensor.withElements(Float.self) { elements in
        guard weight.sharing == .inputs else {
          for place in elements.indices { gradient[weight.first + place] = elements[place] }
          return
        }
        for place in elements.indices {
          let (channel, position) = (Int(weight.channel[place]), Int(weight.position[place]))
          if channel >= 0 { gradient[channel] += elements[place] * (position < 0 ? 1 : gates[position]) }
          if position >= 0 { gradient[position] += elements[place] * (channel < 0 ? 1 : gates[channel]) }
        }
      }
    }
  }

  /// The factor of λ·cost in the loss of this step; lets λ follow the amount that is asked for.
  private func share(_ trainer: Trainer) -> Float {
    if case .total(let fraction) = pruning.amount {
      let closed = 1 - numbers.openness.reduce(0.0) { $0 + Double($1) } / Double(max(count, 1))
      let part = Double(trainer.iteration + 1) / Double(max(trainer.totalIterations, 1))
      let missing = fraction * min(1, part / Self.arrival) - closed
      guard missing > 0 else { return 0 }
      strength = min(strength * exp(Self.haste * missing / Double(max(trainer.totalIterations, 1))), 1e6)
    }
    let warmUp = plan.warmUp.iterations(perEpoch: trainer.iterationsPerEpoch)
    let rise = min(1, Double(trainer.iteration + 1) / Double(max(warmUp, 1)))
    return Float(strength * rise / Double(examples))
  }

  /// Part of the steps after which the asked amount should be closed.
  private static let arrival = 0.5
  /// Growth of ln λ over a whole training in which nothing that should be closed is.
  private static let haste = 100.0

  // MARK: - Between steps

  /// Returns the model with the gates' final values ẑ in its weights.
  public func evaluatedModel(_ trainer: Trainer) throws -> Model? { try folded(trainer.model) }

  /// Returns a model of the same shape with the gates' final values ẑ in its weights: what gates and weights compute in evaluation mode.
  public func folded(_ model: Model) throws -> Model { try folded(model, values: logAlphas.map { HardConcrete.value($0) }) }

  func folded(_ model: Model, values: [Float]) throws -> Model {
    try withoutGradients {
      var result = model
      for weight in layout.gated {
        let own = try model.tensor(weight.name).detached()
        let shape = weight.sharing.shape(for: own.shape)
        let factor = try Tensor(products(of: weight, values), shape: shape)
        result.tensors[weight.name] = try own * factor.cast(to: own.elementType ?? .float32).moved(to: own.device)
      }
      return result
    }
  }

  /// Returns ln α, its moments, and the factor of λ.
  public func state() throws -> [String: Tensor] {
    [
      "log-alpha": try Tensor(logAlphas), "first": try Tensor(Array(numbers.first)), "second": try Tensor(Array(numbers.second)),
      "strength": try .scalar(strength, type: .float64),
    ]
  }

  /// Continues from a state returned by ``state()``.
  ///
  /// - Throws: `RecordError` for anything that it cannot have returned; the gates are then not changed.
  public func restore(_ state: [String: Tensor]) throws {
    func stored(_ key: String) throws -> [Float] {
      guard let tensor = state[key] else { throw RecordError("it lacks the gates' \(key)") }
      guard tensor.shape == [count], tensor.elementType == .float32, try !tensor.hasNaN() else {
        throw RecordError("its \(key) of the gates is not \(count) numbers of float32")
      }
      return try tensor.array(Float.self)
    }
    let read = (try stored("log-alpha"), try stored("first"), try stored("second"))
    guard let tensor = state["strength"], tensor.shape == [], tensor.elementType == .float64, state.count == 4,
      case let value = try tensor.item(), (1...1e6).contains(value)
    else { throw RecordError("it lacks the factor of the gates' λ, or holds more than that") }
    for (place, values) in zip([numbers.logAlpha, numbers.first, numbers.second], [read.0, read.1, read.2]) {
      _ = place.update(from: values)
    }
    strength = value
  }
}
