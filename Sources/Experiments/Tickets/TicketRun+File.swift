internal import Datasets
internal import Foundation
internal import Pruning
internal import Results
internal import Training

/// The recipe in a ticket's model file: an experiment, as in any model file, and beside it the study with the ticket's branch and round.
struct TicketRecipe: Encodable {
  var experiment: Experiment
  var plan: TicketPlan
  var branch: String
  var round: Int

  private enum CodingKeys: String, CodingKey { case tickets, branch, round }

  func encode(to encoder: any Encoder) throws {
    try experiment.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(plan, forKey: .tickets)
    try container.encode(branch, forKey: .branch)
    try container.encode(round, forKey: .round)
  }

  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}

extension TicketRun {
  /// Returns the model file of a finished training.
  func file(_ model: Model, _ job: TicketJob, _ layers: [TicketRound.Layer], iterations: Int) throws -> ModelFile {
    let recipe = TicketRecipe(
      experiment: plan.experiment(rounds: job.round), plan: plan.core.seeded(seed), branch: job.folder, round: job.round)
    return ModelFile(
      model: model, history: try history(job, layers, iterations), preprocessing: data.preprocessing, classes: data.training.classNames,
      recipe: try recipe.json)
  }

  /// Returns the removals that led to a training: those of the trunk, round by round, or the single one of a branch with its own mask.
  private func history(_ job: TicketJob, _ layers: [TicketRound.Layer], _ iterations: Int) throws -> [RemovalEvent] {
    guard job.round > 0 else { return [] }
    func event(_ step: Int, _ criterion: String, _ masked: [(String, Int)]) -> RemovalEvent {
      RemovalEvent(
        step: step, method: plan.words, criterion: criterion,
        masked: Dictionary(uniqueKeysWithValues: masked.filter { $0.1 > 0 }.map { ("\($0.0).weight", $0.1) }))
    }
    let whole = layers.map { ($0.name, $0.prunable - $0.kept) }
    switch job.branch {
    case .randomMask, .randomMaskERK: return [event(0, Criterion.random.name, whole)]
    case .oneShot: return [event(iterations, plan.criterion.name, whole)]
    case nil, .reinit, .finetune:
      var before = layers.map(\.prunable)
      return try (1...job.round).map { round in
        // Kept counts of earlier rounds are in their records.
        let after = try round == job.round ? layers.map(\.kept) : record(TicketJob(branch: nil, round: round)).layers.map(\.kept)
        defer { before = after }
        return event(round * iterations, plan.criterion.name, zip(layers, zip(before, after)).map { ($0.name, $1.0 - $1.1) })
      }
    }
  }

  /// Reads the record of a finished training.
  func record(_ job: TicketJob) throws -> TicketRound {
    try folder.read(folder.record(job, seed))
  }
}

extension TicketPlan {
  /// The trunk up to a round as an experiment, so that readers of recipes also understand a ticket's model file.
  func experiment(rounds: Int) -> Experiment {
    Experiment(
      start: .network(network, weights: weights), data: data, initialization: initialization, training: training,
      pruning: rounds == 0
        ? nil
        : PruningPlan(
          method: PruningMethod.lotteryTicket.name, criterion: criterion, granularity: .weight, allocation: Allocation(scope),
          amount: sparsity.map { .total($0) } ?? .perEvent(rates.fraction), timing: .rounds(rounds, recovery: training.length),
          ignored: rates.ignored, compact: false, seed: training.seed),
      recovery: rounds == 0 ? nil : training)
  }
}

extension TicketRound.Evaluation {
  init(_ record: EvaluationRecord) {
    self.init(
      iteration: record.iteration, trainingLoss: record.trainingLoss, validationLoss: record.validation?.loss,
      validationAccuracy: record.validation?.accuracy,
      test: record.test.map { Accuracy($0, iteration: record.iteration) })
  }
}
