public import ArgumentParser
internal import Experiments
internal import Pruning
public import Training

/// Options for the training of a model; shared by the commands that train.
struct TrainingOptions: ParsableArguments {
  @Option(help: "Length of training: epochs (20 or 20ep) or steps (50000it).")
  var epochs = "20ep"

  @Option(help: "Examples per step.")
  var batchSize = 64

  @Option(help: "sgd, adam or adamw; adam unless given, sgd for --method edge-popup.")
  var optimizer: OptimizerName?

  @Option(help: "Learning rate; 0.001 for adam and adamw, 0.01 for sgd, what the paper says for --method edge-popup unless given.")
  var learningRate: Double?

  @Option(help: "Momentum of sgd; 0.9 unless given.")
  var momentum: Double?

  @Flag(help: "Nesterov's form of sgd's momentum.")
  var nesterov = false

  @Option(help: "Weight decay; 0 unless given (0.01 for adamw).")
  var weightDecay: Double?

  @Option(
    help: "The learning rate's fall: constant, cosine, multi-step (at --milestones) or exponential (each epoch); constant unless given.")
  var decay: DecayName?

  @Option(help: ArgumentHelp("Where multi-step decay happens, e.g. 30ep,40ep.", valueName: "steps"))
  var milestones: String?

  @Option(help: "Factor of multi-step (0.1) and exponential (0.95) decay.")
  var decayFactor: Double?

  @Option(help: "Length of the learning rate's linear climb, e.g. 5ep or 500it.")
  var warmUp = "0it"

  @Option(help: "How often the validation set is evaluated.")
  var evaluateEvery = "1ep"

  @Option(help: "Share of the target spread over all classes.")
  var labelSmoothing = 0.0

  @Option(
    help: ArgumentHelp("Network slimming: adds this times the sum of batch norms' |scale| to the loss, e.g. 1e-4.", valueName: "strength"))
  var slimming: Double?

  @Option(help: ArgumentHelp("L1 regularisation: adds this times the sum of all |weights| to the loss, e.g. 1e-5.", valueName: "strength"))
  var l1: Double?

  @Flag(inversion: .prefixedNo, help: "Crop and mirror training images where the data set's entry says so.")
  var augment = true

  @Option(
    help: ArgumentHelp(
      "Initial weights: \(Initialization.allCases.map(\.rawValue).joined(separator: ", ")); kaiming-uniform unless given.",
      valueName: "name"))
  var initialization: Initialization?

  @Option(
    help:
      "Train fully connected networks with the kept weights only, where that is faster (automatic), wherever it can be (always), or never.")
  var sparseKernels: SparseTraining.Choice = .automatic

  enum OptimizerName: String, ExpressibleByArgument, CaseIterable { case sgd, adam, adamw }
  enum DecayName: String, ExpressibleByArgument, CaseIterable {
    case constant, cosine
    case multiStep = "multi-step"
    case exponential
  }

  /// Returns the length of training.
  ///
  /// - Throws: `PlanError` if --epochs is not a length.
  func length() throws -> Step { try Step(epochs, option: "--epochs") }

  /// Returns the training plan that the options describe.
  ///
  /// - Parameter defaults: settings of a method's paper, for options that were not given.
  /// - Throws: `PlanError` for impossible values.
  func plan(length: Step? = nil, defaults: PruningMethod.Training? = nil, seed: UInt64) throws -> TrainingPlan {
    let optimizerName = self.optimizer ?? (defaults == nil ? .adam : .sgd)
    let milestones = try self.milestones.map { try Step.list($0, option: "--milestones") }
    let optimizer: OptimizerPlan =
      switch optimizerName {
      case .sgd: .sgd(momentum: momentum ?? 0.9, weightDecay: weightDecay ?? defaults?.weightDecay ?? 0, nesterov: nesterov)
      case .adam: .adam(weightDecay: weightDecay ?? 0)
      case .adamw: .adamW(weightDecay: weightDecay ?? 0.01)
      }
    let decay: LearningRateSchedule.Decay =
      switch self.decay {
      case nil: defaults?.decay ?? .constant
      case .constant: .constant
      case .cosine: .cosine
      case .multiStep: .multiStep(milestones: milestones ?? [], factor: decayFactor ?? 0.1)
      case .exponential: .exponential(factor: decayFactor ?? 0.95)
      }
    try refuseIdleOptions(optimizerName)
    if self.decay == .multiStep, milestones == nil { throw PlanError("--decay multi-step needs --milestones, e.g. --milestones 30ep,40ep") }
    let plan = TrainingPlan(
      length: try length ?? self.length(), batchSize: batchSize, optimizer: optimizer,
      learningRate: LearningRateSchedule(
        base: learningRate ?? defaults?.learningRate ?? (optimizerName == .sgd ? 0.01 : 0.001), decay: decay,
        warmUp: try Step(warmUp, option: "--warm-up")),
      evaluateEvery: try Step(evaluateEvery, option: "--evaluate-every"), labelSmoothing: labelSmoothing, augment: augment, seed: seed)
    try plan.validate()
    return plan
  }

  /// Returns the first given option that has no effect without training; nil if there is none.
  ///
  /// - Parameter typed: the command line, for options that have a default value.
  func firstGivenOfTraining(_ typed: GivenOptions) -> String? {
    let given =
      [
        ("--optimizer", optimizer != nil), ("--learning-rate", learningRate != nil), ("--momentum", momentum != nil),
        ("--nesterov", nesterov),
        ("--weight-decay", weightDecay != nil), ("--decay", decay != nil), ("--milestones", milestones != nil),
        ("--decay-factor", decayFactor != nil), ("--slimming", slimming != nil), ("--l1", l1 != nil),
      ] + ["--batch-size", "--warm-up", "--evaluate-every", "--label-smoothing"].map { ($0, typed.has($0)) }
    return given.first { $0.1 }?.0
  }

  /// Refuses options that have no effect in this training.
  ///
  /// - Throws: `PlanError` for the first one.
  private func refuseIdleOptions(_ optimizer: OptimizerName) throws {
    for (option, isGiven) in [("--momentum", momentum != nil), ("--nesterov", nesterov)] where isGiven && optimizer != .sgd {
      throw PlanError("\(option) goes with --optimizer sgd, not \(optimizer.rawValue)")
    }
    if milestones != nil, decay != .multiStep { throw PlanError("--milestones goes with --decay multi-step") }
    if decayFactor != nil, decay != .multiStep, decay != .exponential {
      throw PlanError("--decay-factor goes with --decay multi-step or exponential")
    }
  }
}

extension Initialization: ExpressibleByArgument {}
extension SparseTraining.Choice: ExpressibleByArgument {}
