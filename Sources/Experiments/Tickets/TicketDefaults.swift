public import Pruning
public import Training

/// The settings of Frankle & Carbin 2019 for a network, which hold unless the user gives others.
public struct TicketDefaults: Sendable {
  /// Name of a network in the catalogue.
  public let network: String
  /// Number of steps of each training.
  public let iterations: Int
  /// Adam's learning rate.
  public let learningRate: Double
  /// Examples per step.
  public let batchSize: Int
  /// Fraction of the remaining weights of each layer that a round removes.
  public let rates: LayerRates
  /// Number of rounds of removal.
  public let rounds: Int
  /// Number of training images held out for validation, in data sets of at least 50,000.
  public let validation: Int
  /// Interval between evaluations on the validation set.
  public let evaluateEvery: Step
  /// Distribution of initial weights.
  public let initialization: Initialization

  /// The paper's networks, one line each.
  public static let all: [TicketDefaults] = [
    .init("lenet-300-100", iterations: 50_000, learningRate: 1.2e-3, LayerRates(fraction: 0.2, output: 0.1)),
    .init("conv-2", iterations: 20_000, learningRate: 2e-4, LayerRates(fraction: 0.2, convolutions: 0.1, output: 0.1)),
    .init("conv-4", iterations: 25_000, learningRate: 3e-4, LayerRates(fraction: 0.2, convolutions: 0.1, output: 0.1)),
    .init("conv-6", iterations: 30_000, learningRate: 3e-4, LayerRates(fraction: 0.2, convolutions: 0.15, output: 0.1)),
  ]

  /// Fractions that a round removes from networks that are not in the paper.
  public static let otherRates = LayerRates(fraction: 0.2, output: 0.1)

  /// Returns the paper's settings for a network; nil if the paper does not have it.
  public static func of(_ network: String) -> TicketDefaults? { all.first { $0.network == network } }

  /// The plan of the study that the paper's claims are about, LeNet-300-100 on MNIST.
  static var study: TicketPlan? {
    of("lenet-300-100").map { paper in
      TicketPlan(
        network: paper.network, data: DataPlan(dataset: "mnist", validation: paper.validation), initialization: paper.initialization,
        training: TrainingPlan(
          length: .iterations(paper.iterations), batchSize: paper.batchSize, learningRate: LearningRateSchedule(base: paper.learningRate),
          evaluateEvery: paper.evaluateEvery), rounds: paper.rounds, rates: paper.rates)
    }
  }

  private init(_ network: String, iterations: Int, learningRate: Double, _ rates: LayerRates) {
    self.network = network
    self.iterations = iterations
    self.learningRate = learningRate
    self.rates = rates
    batchSize = 60
    rounds = 18
    validation = 5000
    evaluateEvery = .iterations(100)
    initialization = .glorotNormal
  }
}
