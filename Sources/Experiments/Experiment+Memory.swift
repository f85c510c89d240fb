internal import Datasets
internal import Networks
internal import Pruning
internal import Training

extension Experiment {
  /// The kinds of work that a run does with its network, for the estimate of memory.
  ///
  /// - Parameters:
  ///   - images: number of training images; nil without data.
  ///   - evaluated: number of images in the largest part that is evaluated.
  /// - Throws: what `Network.cost()` throws.
  func work(images: Int?, evaluated: Int, of network: Network) throws -> [NetworkWork] {
    var work: [NetworkWork] = []
    if let images {
      work.append(.evaluation(batch: min(try network.evaluationBatchSize(), evaluated)))
      // Gated weights have products with their gradients beside them; gates of single weights are as many numbers more, of several kinds.
      let gates = pruning?.gates == nil ? 0 : pruning?.granularity == .weight ? 6 : 2
      for plan in trainings.map(\.plan) {
        // The network's own dense weights beside it; another teacher is looked at when it is read.
        let teacher = plan.distillation == nil ? 0 : 1
        let (batch, moments) = (min(plan.batchSize, images), plan.optimizer.momentCount + gates + teacher)
        // The tasks of a meta-pruning are its batches.
        let isOfTasks = stages.contains { $0 is MetaPrune }
        work.append(isOfTasks ? .examination(batch: batch, moments: moments) : .training(batch: batch, moments: moments))
      }
      if let pruning, pruning.criterion.needsExamples || !pruning.repairs.isEmpty {
        work.append(.examination(of: min(try pruning.exampleCount(classes: network.classes), images)))
      } else if pruning?.needsExamples ?? false {
        // Sums over steps are taken in forward passes.
        work.append(.evaluation(batch: min(TrainingData.exampleBatchSize, images)))
      }
      if let flatness { work.append(flatness.work(of: images)) }
    }
    if pruning != nil { work.append(.pruning(batch: Equivalence.examples(for: network))) }
    return work
  }
}

extension TrainingPlan {
  /// Checks, before a file is written, that trainings of a network of the catalogue and the prunings between them stay within a memory
  /// limit. Of data of one's own, the files are read to know their numbers.
  ///
  /// - Parameter examples: number of examples that criteria or probes examine besides.
  /// - Throws: `NetworkError` if they do not.
  func check(_ network: String, for plan: DataPlan, examples: Int = 0, within limit: MemoryLimit) throws {
    let (input, classes, training, evaluated) = try plan.sizes(for: network)
    let network = try Architecture.parse(network, input: input, classes: classes, dataset: plan.dataset)
    let work: [NetworkWork] = [
      .training(batch: min(batchSize, training), moments: optimizer.momentCount),
      .evaluation(batch: min(try network.evaluationBatchSize(), evaluated)),
      .examination(of: min(examples, training)), .pruning(batch: Equivalence.examples(for: network)),
    ]
    try NetworkError.naming { try network.check(work, within: limit) }
  }
}

extension DataPlan {
  /// Returns the shape and the classes of the examples, and how many are there to train on and to evaluate at most.
  ///
  /// - Throws: `DatasetError` for an unknown name; errors of reading data of one's own.
  fileprivate func sizes(for network: String) throws -> (input: FeatureShape, classes: Int, training: Int, evaluated: Int) {
    guard try OwnData.named(dataset, in: directory) == nil else {
      let data = try load(for: .network(network, weights: nil))
      return (data.training.featureShape, data.training.classes, data.training.count, data.evaluatedCount)
    }
    let data = try Dataset.named(dataset, among: Dataset.possibleNames)
    return (data.featureShape, data.classes, data.trainingCount, data.testCount)
  }
}

extension NetworkWork {
  /// The forward and backward passes of a criterion or probe over examples.
  static func examination(of images: Int) -> NetworkWork { .examination(batch: min(TrainingData.exampleBatchSize, images), moments: 0) }
}

extension TrainingData {
  /// Number of images in the largest part that is evaluated.
  var evaluatedCount: Int { max(validation?.count ?? 0, test?.count ?? 0) }
}
