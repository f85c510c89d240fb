public import ArgumentParser
public import Pruning
internal import Training
internal import Words

/// Options of `prune` for the criterion, its computation, and the scope in which scores are ranked.
struct ScoreOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The score; --method's, or magnitude for weights and l2 for units and filters (threshold with --deviations) unless given.",
      valueName: "name"), completion: .list(PruningCriterion.all.map(\.name)))
  var criterion: String?

  @Option(
    help: ArgumentHelp(
      """
      How layers share the removal: layer (a fraction of each), global (the lowest anywhere), uniform, erk or lamp (counts that add up); \
      or sets of layers ranked together, as "conv1,conv2;fc*". --method's, or global for weights, layer else.
      """, valueName: "scope"))
  var scope: String?

  @Option(
    help: "What a layer's scores are divided by where layers are ranked together: none, mean or l2; what suits the criterion unless given.")
  var normalization: LayerNormalization?

  @Option(
    help: """
      How the scores of layers whose channels leave together become one: mean, sum, max or first (the first layer's; the mean over \
      features of it that a grouped convolution ties together); mean unless given.
      """)
  var reduction: GroupReduction?

  @Flag(help: "Let each training step count the same in activation and weight-norm sums.")
  var normalize = false

  @Flag(help: "Sum activations before the activation function.")
  var preActivation = false

  @Flag(help: "Keep the sign of taylor's products.")
  var signed = false

  @Option(
    help: ArgumentHelp(
      "Training images that criteria and repairs look at; 1000, for snip and grasp 10 of each class, unless given.", valueName: "images"))
  var examples: Int?

  @Option(help: "How snip and grasp run batch norms: training or evaluation; as their public code (grasp training) unless given.")
  var batchNormMode: BatchNormMode?

  @Option(help: "What obd takes for curvature: gauss-newton (never negative), or the Hessian's own diagonal by hutchinson.")
  var curvature: HessianProbes.Estimator?

  @Option(
    help: ArgumentHelp(
      "Random vectors for obd's curvature: 4 for each 50 images, or hutchinson's 16 for each 250, unless given.", valueName: "count"))
  var probes: Int?

  @Option(
    help: """
      Where criteria and mean replacement look at units: consumer (what the next layer sees) or output (before pooling); consumer \
      unless given.
      """)
  var meanAt: MeanPlace?

  /// The estimator of the curvature; nil if no option was given.
  var hessianProbes: HessianProbes? {
    guard curvature != nil || probes != nil else { return nil }
    return HessianProbes(curvature ?? .gaussNewton, count: probes)
  }

  /// The variations of the criterion that were given.
  var criterionOptions: Set<Criterion.Option> {
    Set((normalize ? [.normalize] : []) + (preActivation ? [.preActivation] : []) + (signed ? [.signed] : []))
  }

  /// Returns the allocation of the removal to layers, as given by --scope or else the usual one.
  ///
  /// - Parameter usual: the method's allocation, or that of the granularity.
  /// - Throws: `PlanError` for an unknown scope.
  func allocation(usual: Allocation) throws -> Allocation {
    guard let scope else { return usual }
    if let allocation = Allocation(name: scope) { return allocation }
    guard scope.contains(where: { "*?;,.".contains($0) }) else {
      throw PlanError(
        "--scope \(scope.debugDescription) is none: choose \(Allocation.names.joined(separator: ", ")), or sets of layers such as "
          + "\"conv1,conv2;fc*\"")
    }
    let sets = scope.split(separator: ";", omittingEmptySubsequences: false).map { set in
      set.split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmed }
    }
    guard !sets.joined().contains("") else {
      throw PlanError("--scope \(scope.quoted) names a layer without a name: write sets of layers such as \"conv1,conv2;fc*\"")
    }
    return .scoped(sets.map { $0.map { LayerPattern($0) } })
  }
}

extension String {
  fileprivate var trimmed: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}

extension GroupReduction: ExpressibleByArgument {}
extension LayerNormalization: ExpressibleByArgument {}
extension BatchNormMode: ExpressibleByArgument {}
extension HessianProbes.Estimator: ExpressibleByArgument {}
extension MeanPlace: ExpressibleByArgument {}
