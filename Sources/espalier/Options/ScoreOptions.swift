public import ArgumentParser
public import Pruning
internal import Training
internal import Words

/// Options of `prune` for the criterion, its computation, and the scope in which scores are ranked.
struct ScoreOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The score; by default that of --method, or magnitude for weights and l2 for units and filters (threshold with --deviations).",
      valueName: "name"), completion: .list(PruningCriterion.all.map(\.name)))
  var criterion: String?

  @Option(help: ArgumentHelp("Which scores leave first: lowest, or highest (a control); lowest by default.", valueName: "end"))
  var order: RemovalOrder?

  @Option(
    help: ArgumentHelp(
      """
      How the removal is distributed over layers: layer (a fraction of each), global (the lowest scores of all), uniform, erk or lamp \
      (counts per layer that add up); or sets of layers ranked together, such as "conv1,conv2;fc*". By default that of --method, or \
      global for weights and layer for units and filters.
      """, valueName: "scope"))
  var scope: String?

  @Option(
    help: ArgumentHelp(
      "What a layer's scores are divided by if layers are ranked together: none, mean or l2; by default what suits the criterion.",
      valueName: "norm"))
  var normalization: LayerNormalization?

  @Option(
    help: ArgumentHelp(
      """
      How scores are combined if channels of several layers are removed together: mean, sum, max or first (the first layer's, or the \
      mean over its features if a grouped convolution ties several together); mean by default.
      """, valueName: "operation"))
  var reduction: GroupReduction?

  @Flag(help: "Give each training step the same weight in activation and weight-norm sums.")
  var normalize = false

  @Flag(help: "Sum activations before the activation function.")
  var preActivation = false

  @Flag(help: "Keep the sign of taylor's products.")
  var signed = false

  @Option(
    help: ArgumentHelp(
      "Training images for criteria and repairs; by default 1000, for snip and grasp 10 of each class.", valueName: "images"))
  var examples: Int?

  @Option(
    help: ArgumentHelp(
      "How snip and grasp run batch norms: training or evaluation; by default as in their public code (grasp: training).", valueName: "mode"
    ))
  var batchNormMode: BatchNormMode?

  @Option(
    help: ArgumentHelp(
      "Curvature used by obd: gauss-newton (never negative) or hutchinson (an estimate of the Hessian's diagonal).", valueName: "estimator")
  )
  var curvature: HessianProbes.Estimator?

  @Option(
    help: ArgumentHelp(
      "Random vectors for obd's curvature; by default 4 for each 50 images, with hutchinson 16 for each 250.", valueName: "count"))
  var probes: Int?

  @Option(
    help: ArgumentHelp(
      """
      Where criteria and mean replacement read units: consumer (what the next layer sees) or output (before pooling); consumer by \
      default.
      """, valueName: "place"))
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
        "unknown --scope \(scope.debugDescription): choose \(Allocation.names.joined(separator: ", ")), or sets of layers such as "
          + "\"conv1,conv2;fc*\"")
    }
    let sets = scope.split(separator: ";", omittingEmptySubsequences: false).map { set in
      set.split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmed }
    }
    guard !sets.joined().contains("") else {
      throw PlanError("--scope \(scope.quoted) has an empty layer name: write sets of layers such as \"conv1,conv2;fc*\"")
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
extension RemovalOrder: ExpressibleByArgument {}
