public import ArgumentParser
internal import Experiments
internal import Pruning
public import Training

/// Options for the training of a model; shared by the commands that train.
struct TrainingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Length of training: epochs (20 or 20ep) or steps (50000it).", valueName: "length"))
  var epochs = "20ep"

  @Option(help: ArgumentHelp("Examples per step.", valueName: "examples"))
  var batchSize = 64

  @Option(help: ArgumentHelp("sgd, adam or adamw; adam by default, sgd for --method edge-popup.", valueName: "name"))
  var optimizer: OptimizerName?

  @Option(
    help: ArgumentHelp(
      "Learning rate; by default 0.001 for adam and adamw, 0.01 for sgd, the paper's for --method edge-popup.", valueName: "rate"))
  var learningRate: Double?

  @Option(help: ArgumentHelp("Momentum of sgd; 0.9 by default.", valueName: "factor"))
  var momentum: Double?

  @Flag(help: "Use Nesterov momentum with sgd.")
  var nesterov = false

  @Option(help: ArgumentHelp("Weight decay; by default 0, for adamw 0.01, the paper's for --method edge-popup.", valueName: "strength"))
  var weightDecay: Double?

  @Option(
    help: ArgumentHelp(
      "Learning-rate decay: constant, cosine, multi-step (at --milestones) or exponential (each epoch); constant by default.",
      valueName: "name"))
  var decay: DecayName?

  @Option(help: ArgumentHelp("Steps of multi-step decay, e.g. 30ep,40ep.", valueName: "steps"))
  var milestones: String?

  @Option(help: ArgumentHelp("Factor of the decay; by default 0.1 for multi-step, 0.95 for exponential.", valueName: "factor"))
  var decayFactor: Double?

  @Option(help: ArgumentHelp("Length of the learning rate's linear warm-up, e.g. 5ep or 500it.", valueName: "length"))
  var warmUp = "0it"

  @Option(help: ArgumentHelp("How often the validation set is evaluated.", valueName: "interval"))
  var evaluateEvery = "1ep"

  @Option(help: ArgumentHelp("Fraction of the target probability spread evenly over all classes.", valueName: "fraction"))
  var labelSmoothing = 0.0

  @Option(
    help: ArgumentHelp("Network slimming: adds this times the sum of batch norms' |scale| to the loss, e.g. 1e-4.", valueName: "strength"))
  var slimming: Double?

  @Option(help: ArgumentHelp("L1 regularisation: adds this times the sum of all |weights| to the loss, e.g. 1e-5.", valueName: "strength"))
  var l1: Double?

  @Flag(inversion: .prefixedNo, help: "Crop and mirror training images if that is usual for the data set.")
  var augment = true

  @Option(
    help: ArgumentHelp(
      "Initial weights: \(Initialization.allCases.map(\.rawValue).joined(separator: ", ")); kaiming-uniform by default.",
      valueName: "name"))
  var initialization: Initialization?

  @Option(
    help: ArgumentHelp(
      """
      What trains fully connected networks: our own kernels, each layer with all its weights or with the kept ones only, whichever is \
      faster (automatic), always with the kept ones (sparse) or always with all (dense); or libtorch, which also trains everything else, \
      with penalties and augmentation, and takes the steps whose gradients a method wants. Convolutions that have lost weights compute \
      with the kept ones where that is faster (automatic) or always (sparse).
      """,
      valueName: "name"))
  var kernels: TrainingKernels.Choice = .automatic

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
extension TrainingKernels.Choice: ExpressibleByArgument {}
