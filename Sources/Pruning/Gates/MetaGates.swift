internal import Datasets
internal import Foundation
public import Networks
public import Torch
public import Training

/// Masks of linear layers that meta-learning learns: hard-concrete gates on single weights, whose ln α tasks start from as they start from
/// the weights.
///
/// Each pass of a task has gates of its own, z drawn by a pure function of seed, step and number of the pass (``HardConcrete``); its loss is
/// that of w ⊙ z plus λ/N·Σ P(z > 0). A gradient with respect to ln α is multiplied by 100 and divided by the mean square of its layer's
/// weights: the chain rule has w once in the slope and once in what a step then does to products w·z, so that layers of small weights would
/// hardly learn; and ln α has units to go where a weight has a part of its size.
///
/// While fewer gates are expected to be closed than should be, along a line that reaches the asked amount after half of the steps, λ is in
/// each step what by itself would close those that are missing; otherwise 0. So λ says only how layers compare.
public final class MetaGates: TaskGates {
  /// ln α of all gates, layer by layer.
  public let logits: Tensor
  /// The gated weights, layer by layer.
  public let gated: [ParameterName]
  /// By gate, 100 over the mean square of the layer's weights.
  public private(set) var scale: Tensor
  /// The factor of λ in the step in progress.
  private(set) var strength = 0.0

  private let layout: GateLayout
  private let shapes: [[Int]]
  private let fraction: Double
  /// λ/N of each gate.
  private let prices: Tensor
  private let steps: Int
  private let seed: UInt64
  private var step = 0
  private var draws = 0

  /// ln α of gates whose weights have left: far below all others, and closed whatever is drawn.
  private static let closed = -40.0

  /// Places gates on the weights of a model's linear layers, each with ln α as the plan's drop rate says.
  ///
  /// - Parameters:
  ///   - pruning: a plan with gates; of its amount, what is asked for is what should be closed after its last removal.
  ///   - examples: number N of training examples.
  ///   - steps: number of outer steps in which gates are learned.
  /// - Throws: `PlanError` for a plan without gates, ``PruningError`` for patterns that match nothing.
  public init(_ pruning: PruningPlan, model: Model, examples: Int, steps: Int) throws {
    guard let plan = pruning.gates else { throw PlanError("this plan trains no gates") }
    try plan.validate()
    let layout = try GateLayout(model.network, .weight, ignoring: pruning.ignored)
    self.layout = layout
    gated = layout.layers.map { ParameterName($0.name, .weight) }
    shapes = try gated.map { try model.tensor($0).shape }
    let type = try gated.first.flatMap { try model.tensor($0).elementType } ?? .float32
    logits = try layout.start(plan, seed: pruning.seed, type: type)
    prices = try Tensor(layout.lambdas(plan)).cast(to: type) / Double(max(examples, 1))
    scale = try logits.zerosLike()
    let removals = if case .rounds(let count, _) = pruning.timing { count } else { 1 }
    fraction = pruning.goneInAll(after: removals) ?? 0
    self.steps = steps
    seed = SeedPurpose.gates.seed(from: pruning.seed)
    try logits.requireGradient()
  }

  /// Names of the prunable weights of a network that no gate stands on, those of convolutions and of ignored layers.
  public static func ungated(in network: Network, ignoring ignored: [String]) throws -> [String] {
    let gated = Set(try GateLayout(network, .weight, ignoring: ignored).layers.map(\.name))
    return network.prunableWeights.map(\.module).filter { !gated.contains($0) }
  }

  // MARK: - A step

  /// Begins an outer step of a model: how gradients are scaled, and how strong the penalty is.
  ///
  /// - Parameters:
  ///   - step: number of the step, from 0.
  ///   - gain: how far the step moves ln α for a scaled gradient of 1.
  public func begin(_ step: Int, of model: Model, gain: Double) throws {
    (self.step, draws) = (step, 0)
    try withoutGradients {
      scale = try Tensor.concatenated(
        zip(layout.layers, gated).map { layer, name in
          let weight = try model.tensor(name).detached()
          let kept = try model.masks[name]?.nonZeroCount() ?? weight.count
          let square = try weight.squared().sum().item() / Double(max(kept, 1))
          return try Tensor.full([layer.range.count], Self.pace / max(square, Self.leastSquare), type: weight.elementType ?? .float32)
        })
      let open = try openness(logits.detached()).cast(to: .float64)
      let goal = fraction * min(1, Double(step + 1) / (Self.arrival * Double(max(steps, 1))))
      let missing = try open.sum().item() - (1 - goal) * Double(layout.count)
      // With a factor of 1 the penalty moves ln α by −gain·scale·price·p(1 − p), and p by p(1 − p) times that.
      let slope = try open * (open * -1 + 1)
      let moves = try slope * scale.cast(to: .float64) * prices.cast(to: .float64) * gain
      let (closing, most) = (try (slope * moves).sum().item(), try moves.max().item())
      strength = missing > 0 && closing > 0 ? min(missing / closing, Self.stride / most) : 0
    }
  }

  /// Part of the steps after which the asked amount should be closed.
  private static let arrival = 0.5
  /// The farthest that the penalty may move an ln α in a step.
  private static let stride = 1.0

  /// How much faster ln α moves than weights do.
  private static let pace = 100.0
  // Of layers whose weights are all 0 no product changes, however large the steps.
  private static let leastSquare = 1e-8

  private func openness(_ logits: Tensor) throws -> Tensor { try (logits - HardConcrete.beta * HardConcrete.closedBelow).sigmoid() }

  /// Draws all gates once, and returns them in the shapes of the gated weights.
  public func factors(_ logits: Tensor) throws -> [Tensor] {
    let noise = try withoutGradients {
      var generator = SeededGenerator(seed: seed, .general, UInt64(step), UInt64(draws))
      let u = try Tensor.uniform(
        [layout.count], low: HardConcrete.margin, high: 1 - HardConcrete.margin, type: logits.elementType ?? .float32,
        generator: Generator(seed: generator.next()))
      return try u.logarithm() - (u * -1 + 1).logarithm()
    }
    draws += 1
    let stretched =
      try ((logits + noise) / HardConcrete.beta).sigmoid() * (HardConcrete.zeta - HardConcrete.gamma) + HardConcrete.gamma
    let gates = try stretched.clamped(0, 1)
    return try zip(layout.layers, shapes).map { layer, shape in
      try gates.narrowed(0, from: layer.range.lowerBound, length: layer.range.count).reshaped(shape)
    }
  }

  /// Returns λ/N·Σ P(z > 0), λ as strong as the step needs; nil while enough is closed.
  public func penalty(_ logits: Tensor) throws -> Tensor? { strength == 0 ? nil : try (openness(logits) * prices).sum() * strength }

  // MARK: - Between steps

  private var logAlphas: [Float] { get throws { try logits.detached().cast(to: .float32).array(Float.self) } }

  /// Returns ln α as scores of what leaves first, layer by layer.
  public func scores(_ model: Model) throws -> [ScoredLayer] { try layout.scored(logAlphas, model) }

  /// Returns a model of the same shape with the gates' final values ẑ in its weights; a gate whose weight stays although it is closed
  /// has its mean, one whose weight a mask has removed is 0.
  public func folded(_ model: Model) throws -> Model {
    let logAlphas = try logAlphas
    return try withoutGradients {
      var result = model
      for (layer, name) in zip(layout.layers, gated) {
        let own = try model.tensor(name).detached()
        let kept = try model.masks[name]?.contiguous().array(Bool.self)
        let values = layer.range.enumerated().map { place, gate in
          let value = HardConcrete.value(logAlphas[gate])
          guard let kept else { return value }
          return kept[place] ? (value == 0 ? HardConcrete.mean(logAlphas[gate]) : value) : 0
        }
        result.tensors[name] = try own * Tensor(values, shape: own.shape).cast(to: own.elementType ?? .float32)
      }
      return result
    }
  }

  /// Number of gates that are closed, of weights that are there.
  public func closedCount(_ model: Model) throws -> Int {
    let logAlphas = try logAlphas
    return try zip(layout.layers, gated).reduce(0) { sum, layer in
      let kept = try model.masks[layer.1]?.contiguous().array(Bool.self)
      return sum + layer.0.range.enumerated().count { (kept?[$0] ?? true) && HardConcrete.value(logAlphas[$1]) == 0 }
    }
  }

  /// Closes the gates of weights that masks have removed, for good.
  public func closeRemoved(_ model: Model) throws {
    try withoutGradients {
      for (layer, name) in zip(layout.layers, gated) {
        guard let mask = model.masks[name] else { continue }
        let own = try logits.detached().narrowed(0, from: layer.range.lowerBound, length: layer.range.count)
        try own.copy(from: mask.flattened().select(own, else: own.fullLike(Self.closed)))
      }
    }
  }

  /// Returns ln α.
  public func state() throws -> [String: Tensor] { ["log-alpha": try logits.detached().copied()] }

  /// Continues from a state returned by ``state()``.
  ///
  /// - Throws: `RecordError` for anything that it cannot have returned; the gates are then not changed.
  public func restore(_ state: [String: Tensor]) throws {
    guard state.count == 1, let stored = state["log-alpha"], stored.shape == logits.shape, stored.elementType == logits.elementType,
      try !stored.hasNaN()
    else { throw RecordError("its log-alpha of the gates is not \(layout.count) numbers") }
    try withoutGradients { try logits.detached().copy(from: stored) }
  }
}
