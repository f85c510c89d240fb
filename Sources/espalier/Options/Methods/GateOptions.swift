public import ArgumentParser
internal import Experiments
public import Pruning
internal import Training

/// Options of gates: those of `--method l0`, and of the masks of meta-pruning.
struct GateOptions: MethodOptionGroup {
  @Option(
    help: ArgumentHelp(
      """
      Strength of the penalty on open gates, 0.1 by default; or of single layers, e.g. 0.1,conv1=10,fc1.inputs=0.5. With --sparsity it \
      is only where the search begins.
      """, valueName: "strength"))
  var lambda: String?

  @Option(help: ArgumentHelp("Length of training over which l0's penalty rises from 0, e.g. 5ep; none by default.", valueName: "length"))
  var lambdaWarmUp: String?

  @Option(
    help: ArgumentHelp("Probability of being closed with which gates start, as in dropout; 0.5 by default.", valueName: "probability"))
  var dropRate: Double?

  @Option(
    help: ArgumentHelp("Learning rate of l0's gates, by Adam; 0.001 by default. It decays as that of the weights does.", valueName: "rate"))
  var gateLearningRate: Double?

  @Option(
    help: ArgumentHelp(
      "What an open gate costs in l0's penalty: weights (those behind it) or macs (its part in the expected ones); weights by default.",
      valueName: "cost"))
  var gateCost: GatePlan.Cost?

  static let methods: KeyValuePairs = [
    "--lambda": both, "--lambda-warm-up": ["l0"], "--drop-rate": both, "--gate-learning-rate": ["l0"], "--gate-cost": ["l0"],
  ]

  private static let both = ["l0", "meta-pruning"]

  /// The options that masks of meta-pruning have, too.
  static let ofMasks = methods.filter { $0.value == both }.map(\.key)

  /// Returns the method's training of gates with these options; nil if it has none.
  ///
  /// - Parameter learnsMasks: whether meta-pruning learns masks.
  /// - Throws: `PlanError` for values that are not what they should be.
  func plan(for method: PruningMethod?, learnsMasks: Bool) throws -> GatePlan? {
    guard var plan = method?.gates ?? (learnsMasks ? GatePlan() : nil) else { return nil }
    for part in (lambda ?? "").split(separator: ",", omittingEmptySubsequences: lambda == nil) {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let last = sides.last, let value = Double(last), sides.count == 1 || !sides[0].isEmpty else {
        throw PlanError(
          "--lambda \(String(part.prefix(80)).debugDescription) is not a strength: give a number, or LAYER=NUMBER, e.g. 0.1,conv1=10")
      }
      if sides.count == 1 { plan.lambda = value } else { plan.layerLambdas.append(.init(layer: String(sides[0]), lambda: value)) }
    }
    plan.warmUp = try lambdaWarmUp.map { try Step($0, option: "--lambda-warm-up") } ?? plan.warmUp
    plan.dropRate = dropRate ?? plan.dropRate
    plan.learningRate = gateLearningRate ?? plan.learningRate
    plan.cost = gateCost ?? plan.cost
    return plan
  }
}

extension GatePlan.Cost: ExpressibleByArgument {}

extension PruneCommand {
  /// Returns the training of weights and gates.
  ///
  /// - Throws: `PlanError` for a training without steps.
  func gateTraining(_ plan: PruningPlan) throws -> TrainingPlan {
    let training = try training.plan(seed: running.seed)
    guard training.length.iterations(perEpoch: 1) > 0 else {
      throw PlanError("--method \(plan.method ?? "l0") trains its gates: --epochs 0 leaves it nothing")
    }
    return training
  }
}
