internal import Datasets
internal import Networks
internal import Pruning
internal import Training

extension Experiment {
  /// What a run does with its network, as far as memory is concerned.
  ///
  /// - Parameters:
  ///   - images: of training; nil where there are no data.
  ///   - evaluated: images of the largest part that is evaluated.
  /// - Throws: what `Network.cost()` throws.
  func work(images: Int?, evaluated: Int, of network: Network) throws -> [NetworkWork] {
    var work: [NetworkWork] = []
    if let images {
      work.append(.evaluation(batch: min(try network.evaluationBatchSize(), evaluated)))
      for plan in trainings.map(\.plan) {
        work.append(.training(batch: min(plan.batchSize, images), moments: plan.optimizer.momentCount))
      }
      if pruning?.needsExamples ?? false { work.append(.examination(of: images)) }
    }
    if pruning != nil { work.append(.pruning(batch: Equivalence.examples(for: network))) }
    return work
  }
}

extension TrainingPlan {
  /// Throws unless trainings of a network of the catalogue and prunings between them stay within a limit, before a file is read or
  /// written.
  ///
  /// - Parameter examples: that are looked at besides.
  func check(_ network: String, for dataset: String, examples: Int = 0, within limit: MemoryLimit) throws {
    let data = try Dataset.named(dataset)
    let network = try Architecture.parse(
      network, input: .image(channels: data.channels, height: data.height, width: data.width), classes: data.classes, dataset: data.name)
    let work: [NetworkWork] = [
      .training(batch: min(batchSize, data.trainingCount), moments: optimizer.momentCount),
      .evaluation(batch: min(try network.evaluationBatchSize(), data.testCount)),
      .examination(of: min(examples, data.trainingCount)), .pruning(batch: Equivalence.examples(for: network)),
    ]
    try NetworkError.naming { try network.check(work, within: limit) }
  }
}

extension NetworkWork {
  /// Passes of examples that criteria and probes look at, with gradients.
  static func examination(of images: Int) -> NetworkWork { .training(batch: min(TrainingData.exampleBatchSize, images), moments: 0) }
}

extension TrainingData {
  /// Images of the largest part that is evaluated.
  var evaluatedCount: Int { max(validation?.count ?? 0, test?.count ?? 0) }
}
