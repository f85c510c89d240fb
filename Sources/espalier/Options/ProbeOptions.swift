internal import ArgumentParser
internal import Pruning
internal import Results
internal import Training

/// Options that describe a probe.
struct ProbeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Fractions of each layer's units to remove; 0.1,0.2,0.5 by default, unless --counts is given.", valueName: "fractions"))
  var fractions: String?

  @Option(help: ArgumentHelp("Numbers of units of each layer to remove, e.g. 1.", valueName: "counts"))
  var counts: String?

  @Option(
    help: ArgumentHelp("Layers pruned together: all, firstConv, midConv, lastConv, firstDense, or names with * and ?.", valueName: "sets"))
  var layers = "all"

  @Option(help: ArgumentHelp("Criteria that choose the units.", valueName: "names"))
  var scorers = PenaltyProbe.standardScorers.joined(separator: ",")

  @Option(
    help: ArgumentHelp(
      "Where units and means are read: consumer (what the next layer sees), output (before pooling), or both: consumer,output.",
      valueName: "places"))
  var meanAt = "consumer"

  @Option(help: ArgumentHelp("How means are moved into biases: exact (allowing for padding) or paper.", valueName: "form"))
  var meanForm: MeanReplacement.Form = .exact

  @Option(help: ArgumentHelp("Training images that scores, means and penalties are computed on.", valueName: "images"))
  var examples = 1000

  @Flag(help: "Measure penalties on training images other than those for scores.")
  var separate = false

  @Flag(help: "Measure penalties on as many test images, too.")
  var testLoss = false

  @Option(help: ArgumentHelp("Measure again after these numbers of training steps, e.g. 10,100,500.", valueName: "steps"))
  var retrain: String?

  @Option(help: ArgumentHelp("Retrain at these steps only, e.g. 5000it,25000it.", valueName: "steps"))
  var retrainAt: String?

  @Option(help: ArgumentHelp("Retrain only copies whose units these scorers chose.", valueName: "names"))
  var retrainScorers: String?

  @Option(help: ArgumentHelp("Retrain only copies with these fractions removed.", valueName: "fractions"))
  var retrainFractions: String?

  @Option(help: ArgumentHelp("Also count chosen units separately from this step on.", valueName: "step"))
  var lateStart = 10_000

  /// Returns one probe for each place of means.
  ///
  /// - Throws: `PlanError` and `PruningError` that name the option.
  func probes(seed: UInt64) throws -> [PenaltyProbe] {
    var amounts = try (counts.map { try Self.numbers($0, option: "--counts") } ?? []).map { PenaltyAmount.count($0) }
    amounts += try Self.fractions(fractions ?? (counts == nil ? "0.1,0.2,0.5" : ""), option: "--fractions")
    let places = try Self.words(meanAt).map { word in
      guard let place = MeanPlace(rawValue: word) else {
        throw PlanError("unknown --mean-at \(word.debugDescription): choose consumer, output, or consumer,output")
      }
      return place
    }
    guard !places.isEmpty, Set(places).count == places.count else {
      throw PlanError("--mean-at \(meanAt.debugDescription) is impossible: choose consumer, output, or consumer,output")
    }
    let retraining = try retrain.map { text in
      PenaltyProbe.Retraining(
        steps: try Self.numbers(text, option: "--retrain"),
        at: try (retrainAt.map { try Step.list($0, option: "--retrain-at") } ?? []).map { step in
          guard case .iterations(let count) = step else { throw PlanError("--retrain-at \(step): give steps, e.g. 5000it") }
          return count
        },
        scorers: try Self.criteria(retrainScorers ?? ""), amounts: try Self.fractions(retrainFractions ?? "", option: "--retrain-fractions")
      )
    }
    if retraining == nil, retrainAt != nil || retrainScorers != nil || retrainFractions != nil {
      throw PlanError(
        "--retrain-at, --retrain-scorers and --retrain-fractions need --retrain with a number of steps, e.g. --retrain 10,100")
    }
    return try places.map { place in
      try PenaltyProbe(
        scorers: Self.criteria(scorers), amounts: amounts, layers: Self.words(layers).map { LayerSet($0) },
        replacement: MeanReplacement(form: meanForm, place: place), examples: examples, separate: separate, looksAtTest: testLoss,
        retraining: retraining, seed: seed)
    }
  }

  private static func words(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }

  private static func criteria(_ text: String) throws -> [Criterion] { try words(text).map { try Criterion(named: $0) } }

  private static func fractions(_ text: String, option: String) throws -> [PenaltyAmount] {
    try words(text).map { .fraction(try Fraction.parse($0, option: option)) }
  }

  private static func numbers(_ text: String, option: String) throws -> [Int] {
    try words(text).map { word in
      guard let number = Int(word), number >= 1 else {
        throw PlanError("\(option) \(word.debugDescription) is not a number: give whole numbers from 1, e.g. \(option) 10,100")
      }
      return number
    }
  }
}

/// Options for a training with probes; the defaults are the paper's protocol.
struct ProbedTrainingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Length of training: steps (25000it) or epochs (60ep).", valueName: "length"))
  var steps = "60ep"

  @Option(help: ArgumentHelp("How often the training is probed.", valueName: "steps"))
  var every = "250it"

  @Flag(help: "Probe before the first step, too.")
  var atStart = false

  @Option(help: ArgumentHelp("Number of trainings, with seeds from --seed on.", valueName: "count"))
  var seeds = 1

  @Option(help: ArgumentHelp("Examples per step.", valueName: "examples"))
  var batchSize = 64

  @Option(help: ArgumentHelp("Learning rate of sgd.", valueName: "rate"))
  var learningRate = 0.01

  @Option(help: ArgumentHelp("Momentum of sgd.", valueName: "factor"))
  var momentum = 0.9

  @Option(help: ArgumentHelp("Steps at which the learning rate is divided by 10.", valueName: "steps"))
  var milestones = "58650it"

  @Option(name: .shortAndLong, help: ArgumentHelp("Folder to write the rows to.", valueName: "folder"), completion: .directory)
  var output: String?

  /// Returns the interval between probes.
  ///
  /// - Throws: `PlanError` for an impossible interval.
  func interval() throws -> Step {
    let interval = try Step(every, option: "--every")
    guard interval.iterations(perEpoch: 1) >= 1 else { throw PlanError("--every \(interval) is impossible: give at least 1ep or 1it") }
    return interval
  }

  /// Returns the training plan that the options describe.
  ///
  /// - Throws: `PlanError` for impossible values.
  func plan() throws -> TrainingPlan {
    let plan = TrainingPlan(
      length: try Step(steps, option: "--steps"), batchSize: batchSize, optimizer: .sgd(momentum: momentum),
      learningRate: LearningRateSchedule(
        base: learningRate, decay: .multiStep(milestones: try Step.list(milestones, option: "--milestones"), factor: 0.1)),
      evaluateEvery: .epochs(1), augment: false)
    try plan.validate()
    return plan
  }
}
