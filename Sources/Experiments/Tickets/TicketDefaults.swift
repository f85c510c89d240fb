public import Pruning
public import Training

/// How Frankle & Carbin 2019 found tickets in a network: what holds where nobody says otherwise.
public struct TicketDefaults: Sendable {
  /// A name of the architectures' catalogue.
  public let network: String
  /// Steps of each training.
  public let iterations: Int
  /// Adam's.
  public let learningRate: Double
  /// Examples per step.
  public let batchSize: Int
  /// What a round takes of each layer.
  public let rates: LayerRates
  /// Rounds of removal.
  public let rounds: Int
  /// Training images held out, of data sets of 50,000 and more.
  public let validation: Int
  /// How often the validation set is evaluated.
  public let evaluateEvery: Step
  /// How weights are drawn.
  public let initialization: Initialization

  /// The paper's networks, one line each.
  public static let all: [TicketDefaults] = [
    .init("lenet-300-100", iterations: 50_000, learningRate: 1.2e-3, LayerRates(fraction: 0.2, output: 0.1)),
    .init("conv-2", iterations: 20_000, learningRate: 2e-4, LayerRates(fraction: 0.2, convolutions: 0.1, output: 0.1)),
    .init("conv-4", iterations: 25_000, learningRate: 3e-4, LayerRates(fraction: 0.2, convolutions: 0.1, output: 0.1)),
    .init("conv-6", iterations: 30_000, learningRate: 3e-4, LayerRates(fraction: 0.2, convolutions: 0.15, output: 0.1)),
  ]

  /// What other networks' rounds take.
  public static let otherRates = LayerRates(fraction: 0.2, output: 0.1)

  /// The paper's setting for a network; nil for networks that are not in it.
  public static func of(_ network: String) -> TicketDefaults? { all.first { $0.network == network } }

  /// The study that the paper's claims are about: LeNet-300-100 on MNIST.
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
