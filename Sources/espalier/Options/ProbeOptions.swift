internal import ArgumentParser
internal import Pruning
internal import Results
internal import Training

/// Options that describe a probe.
struct ProbeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Fractions of each layer's units; 0.1,0.2,0.5 unless fractions or counts are given.", valueName: "fractions"))
  var fractions: String?

  @Option(help: ArgumentHelp("Numbers of units of each layer, e.g. 1.", valueName: "counts"))
  var counts: String?

  @Option(
    help: ArgumentHelp("Layers pruned together: all, firstConv, midConv, lastConv, firstDense, or names with * and ?.", valueName: "sets"))
  var layers = "all"

  @Option(help: ArgumentHelp("Who chooses the units.", valueName: "names"))
  var scorers = PenaltyProbe.standardScorers.joined(separator: ",")

  @Option(
    help: ArgumentHelp(
      "Where units and means are looked at: consumer (what the next layer sees), output (before pooling), or both: consumer,output.",
      valueName: "places"))
  var meanAt = "consumer"

  @Option(help: "How means become biases: exact (with the layer's padding) or paper.")
  var meanForm: MeanReplacement.Form = .exact

  @Option(help: ArgumentHelp("Training images that scores, means and penalties are computed on.", valueName: "images"))
  var examples = 1000

  @Flag(help: "Measure penalties on other training images than those of the scores.")
  var separate = false

  @Flag(help: "Measure on as many test images, too.")
  var testLoss = false

  @Option(help: ArgumentHelp("Measure again after so many steps of training, e.g. 10,100,500.", valueName: "steps"))
  var retrain: String?

  @Option(help: ArgumentHelp("Retrain at these steps only, e.g. 5000it,25000it.", valueName: "steps"))
  var retrainAt: String?

  @Option(help: ArgumentHelp("Retrain what these scorers chose only.", valueName: "names"))
  var retrainScorers: String?

  @Option(help: ArgumentHelp("Retrain at these fractions only.", valueName: "fractions"))
  var retrainFractions: String?

  @Option(help: ArgumentHelp("Count chosen units a second time from this step on.", valueName: "step"))
  var lateStart = 10_000

  /// Returns one probe for each place of means.
  ///
  /// - Throws: `PlanError` and `PruningError` that name the option.
  func probes(seed: UInt64) throws -> [PenaltyProbe] {
    var amounts = try (counts.map { try Self.numbers($0, option: "--counts") } ?? []).map { PenaltyAmount.count($0) }
    amounts += try Self.fractions(fractions ?? (counts == nil ? "0.1,0.2,0.5" : ""), option: "--fractions")
    let places = try Self.words(meanAt).map { word in
      guard let place = MeanPlace(rawValue: word) else {
        throw PlanError("--mean-at \(word.debugDescription) is none: choose consumer, output, or consumer,output")
      }
      return place
    }
    guard !places.isEmpty, Set(places).count == places.count else {
      throw PlanError("--mean-at \(meanAt.debugDescription) is none: choose consumer, output, or consumer,output")
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
        throw PlanError("\(option) \(word.debugDescription) is no number: give whole numbers from 1, e.g. \(option) 10,100")
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

  @Option(help: ArgumentHelp("Trainings, with seeds from --seed on.", valueName: "count"))
  var seeds = 1

  @Option(help: "Examples per step.")
  var batchSize = 64

  @Option(help: "Learning rate of sgd.")
  var learningRate = 0.01

  @Option(help: "Momentum of sgd.")
  var momentum = 0.9

  @Option(help: ArgumentHelp("Where the learning rate falls to a tenth.", valueName: "steps"))
  var milestones = "58650it"

  @Option(name: .shortAndLong, help: ArgumentHelp("The folder that rows go to.", valueName: "folder"), completion: .directory)
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
