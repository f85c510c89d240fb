internal import Networks
public import Pruning
public import Training

/// A search for lottery tickets (Frankle & Carbin 2019) as a value: rounds of training, pruning and rewinding, with control branches.
///
/// It has no seed of its own: a study runs it with each of several seeds.
public struct TicketPlan: Codable, Hashable, Sendable {
  /// Name of a network in the catalogue.
  public var network: String
  /// The file whose weights replace freshly initialised ones; nil for none.
  public var weights: GivenWeights?
  /// The data; the plan's seed is replaced by that of each run.
  public var data: DataPlan
  /// Distribution of freshly initialised weights.
  public var initialization: Initialization
  /// The training of each round; the plan's seed is replaced by that of each run.
  public var training: TrainingPlan
  /// Number of rounds of removal after the dense training, which is round 0.
  public var rounds: Int
  /// The score by which weights are ranked; the lowest are removed first.
  public var criterion: Criterion
  /// Fraction of the remaining weights of each layer that a round removes; with ``sparsity`` only the proportions matter.
  public var rates: LayerRates
  /// Fraction removed after the last round, exactly; nil if ``rates`` determine it.
  public var sparsity: Double?
  /// Whether each layer loses a fraction of its own, or all layers are ranked together.
  public var scope: Scope
  /// What happens to the remaining weights after a removal.
  public var rewinding: Rewinding
  /// Control branches beside the trunk.
  public var branches: [TicketBranch]
  /// Rounds at which branches are trained; empty for all from 1.
  public var branchRounds: [Int]
  /// Number of draws of fresh weights in ``TicketBranch/reinit``.
  public var reinitializations: Int

  /// Creates a plan; every parameter sets the property of the same name.
  public init(
    network: String, weights: GivenWeights? = nil, data: DataPlan, initialization: Initialization = .kaimingUniform, training: TrainingPlan,
    rounds: Int, criterion: Criterion = .magnitude, rates: LayerRates, sparsity: Double? = nil, scope: Scope = .layer,
    rewinding: Rewinding = .initial, branches: [TicketBranch] = [], branchRounds: [Int] = [], reinitializations: Int = 3
  ) {
    self.network = network
    self.weights = weights
    self.data = data
    self.initialization = initialization
    self.training = training
    self.rounds = rounds
    self.criterion = criterion
    self.rates = rates
    self.sparsity = sparsity
    self.scope = scope
    self.rewinding = rewinding
    self.branches = branches
    self.branchRounds = branchRounds
    self.reinitializations = reinitializations
  }

  /// Returns the number of kept weights [round][layer]; with a global scope all layers count as one.
  ///
  /// - Parameter network: the trunk's network.
  func counts(for network: Network) throws -> [[Int]] {
    let shapes = Dictionary(try network.parameterShapes().map { ($0.name, $0.dimensions) }, uniquingKeysWith: { first, _ in first })
    let sizes = network.prunableWeights.map { (shapes[$0] ?? []).reduce(1, *) }
    let rates = try rates.rates(for: network)
    guard scope == .global else { return counts(sizes, rates) }
    let competing = zip(sizes, rates).reduce(0) { $0 + ($1.1 > 0 ? $1.0 : 0) }
    return counts([competing], [self.rates.fraction])
  }

  private func counts(_ sizes: [Int], _ rates: [Double]) -> [[Int]] {
    sparsity.map { RoundCounts.kept(of: sizes, rates: rates, rounds: rounds, sparsity: $0) }
      ?? RoundCounts.kept(of: sizes, rates: rates, rounds: rounds)
  }

  /// Checks what can be checked without data and network.
  ///
  /// - Throws: `PlanError` or `PruningError` for a plan that contradicts itself.
  public func validate() throws {
    try training.validate()
    try rates.validate()
    guard (0...10_000).contains(rounds) else { throw PlanError("--rounds \(rounds) is impossible: give 0 to 10000") }
    guard (1...1000).contains(reinitializations) else {
      throw PlanError("\(reinitializations) draws of fresh weights are impossible: give 1 to 1000")
    }
    if let sparsity { _ = try Fraction.checked(sparsity, option: "--sparsity") }
    if rounds == 0, sparsity != nil || !branches.isEmpty {
      throw PlanError("--rounds 0 trains the dense network alone: --\(sparsity == nil ? "branches" : "sparsity") needs at least 1")
    }
    if let round = branchRounds.first(where: { !(1...max(rounds, 1)).contains($0) }) {
      throw PlanError("--branch-rounds \(round) is impossible: branches are at rounds 1 to \(rounds)")
    }
    try criterion.check(.weight)
    if criterion.needsExamples { throw PlanError("criterion \(criterion) looks at examples: tickets are found by scores of weights alone") }
    if scope == .global, rates.convolutions != nil || rates.output != nil {
      throw PlanError("--scope global ranks all layers together: they cannot lose fractions of their own")
    }
  }

  /// Number of trainings per seed.
  public var trainings: Int { jobs.count }

  /// All trainings in order of execution: first the trunk, then one branch after another.
  var jobs: [TicketJob] {
    let rounds = branchRounds.isEmpty ? Array(1...max(self.rounds, 1)) : Array(Set(branchRounds)).sorted()
    var jobs = (0...max(self.rounds, 0)).map { TicketJob(branch: nil, round: $0) }
    guard self.rounds > 0 else { return jobs }
    for branch in TicketBranch.allCases where branches.contains(branch) {
      for draw in branch == .reinit ? Array(1...max(reinitializations, 1)) : [0] {
        jobs += rounds.map { TicketJob(branch: branch, draw: draw, round: $0) }
      }
    }
    return jobs
  }

  /// Returns the plan with a run's seed in place of all its seeds.
  func seeded(_ seed: UInt64) -> TicketPlan {
    var plan = self
    plan.data.seed = seed
    plan.training.seed = seed
    return plan
  }

  /// The plan in words, e.g. `lottery-ticket: weights by magnitude, 20 % of each layer a round (output layer 10 %), rewound to the initial
  /// weights`.
  public var words: String {
    func percent(_ fraction: Double) -> String {
      let text = "\((fraction * 1e6).rounded() / 1e4)"
      return (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + " %"
    }
    let reach = scope == .layer ? "of each layer" : "over all layers"
    let others = [rates.convolutions.map { "convolutions \(percent($0))" }, rates.output.map { "output layer \(percent($0))" }]
      .compactMap(\.self).joined(separator: ", ")
    let much =
      sparsity.map { "\(percent($0)) \(reach) in \(rounds) round\(rounds == 1 ? "" : "s")" }
      ?? "\(percent(rates.fraction)) \(reach) a round\(others.isEmpty ? "" : " (\(others))")"
    let back =
      switch rewinding {
      case .initial: "rewound to the initial weights"
      case .step(let step): "rewound to step \(step)"
      case .learningRate: "learning rate rewound"
      case .none: "fine-tuned"
      }
    return "lottery-ticket: weights by \(criterion), \(much), \(back)"
  }
}
