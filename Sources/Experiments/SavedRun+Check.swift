internal import Datasets
internal import Foundation
internal import Networks
internal import Pruning
internal import Torch
internal import Training

extension SavedRun {
  /// Checks whether a run of this experiment can have written the checkpoint; a forged one can contain anything.
  ///
  /// - Parameters:
  ///   - start: the run's initial model; if the run replaced its own input file, what that file holds now.
  ///   - data: the data set, or those of a sequence.
  /// - Throws: `RecordError` that names the impossible part.
  func check(against experiment: Experiment, starting start: Model, on data: [TrainingData], within memory: MemoryLimit) throws {
    func damaged(_ words: String) -> RecordError { RecordError("its record is impossible: \(words)") }
    let (stage, end) = (state.stage, experiment.end)
    guard (0..<end).contains(stage) || isFinished else { throw damaged("phase \(stage) of \(end)") }
    guard checkpoint.training == nil || !isFinished && experiment.stages[stage].trains != nil else {
      throw damaged("phase \(stage) is not a training")
    }
    guard state.trainings.count <= stage else { throw damaged("\(state.trainings.count) trainings before phase \(stage)") }
    let dense = state.denseNetwork ?? start.network
    for network in [dense, checkpoint.model.network] {
      try network.check(
        try experiment.work(
          images: data.map(\.training.count).max(), evaluated: data.map(\.evaluatedCount).max() ?? 0, of: network), within: memory,
        elementSize: checkpoint.model.tensors.values.first?.elementType == .float64 ? 8 : 4)
      let classes = experiment.sequence == nil ? [try start.network.classes] : data.map(\.training.classes)
      guard try network.inputShape == start.network.inputShape, try classes.contains(network.classes) else {
        throw damaged("its network has another input shape or other classes")
      }
    }
    if let teacher = state.teacher {
      guard experiment.distillation != nil, try teacher.inputShape.elements == start.network.inputShape.elements,
        try teacher.classes == start.network.classes
      else { throw damaged("its teacher has another input shape or other classes") }
      try teacher.check([.evaluation(batch: experiment.trainings.map(\.plan.batchSize).max() ?? 1)], within: memory)
    }
    if let facts = state.dense, let words = try facts.problem(for: dense) { throw damaged("dense.\(words)") }
    // Surgery removes units and may add biases that stand in for them, and nothing else.
    let shapes = Dictionary(try dense.parameterShapes().map { ($0.name, $0.dimensions) }, uniquingKeysWith: { first, _ in first })
    let head = experiment.sequence == nil ? nil : dense.head?.module
    for (name, dimensions) in try checkpoint.model.network.parameterShapes() where name.module != head {
      guard let before = shapes[name] else {
        guard name.role == .bias else { throw damaged("\(name) was not there before") }
        continue
      }
      guard before.count == dimensions.count, zip(dimensions, before).allSatisfy({ $0 <= $1 }) else {
        throw damaged("\(name) was smaller before")
      }
    }
  }
}

extension ModelFacts {
  /// Describes the first count that does not fit the network; nil if all can be right.
  fileprivate func problem(for network: Network) throws -> String? {
    let cost = try network.cost()
    let sizes = Dictionary(
      try network.parameterShapes().map { ($0.name, $0.dimensions.reduce(1, *)) }, uniquingKeysWith: { first, _ in first })
    let weights = network.nodes.filter { $0.operation.units != nil }.reduce(0) { $0 + (sizes[ParameterName($1.module, .weight)] ?? 0) }
    for (name, given, right) in [
      ("parameters", parameters, cost.parameters), ("macs", macs, cost.macs), ("bytes", bytes, cost.bytes),
      ("prunableWeights", prunableWeights, weights), ("nonZeroWeights", max(nonZeroWeights, weights), weights),
      ("effectiveMACs", max(effectiveMACs, macs), macs),
    ] where given != right { return "\(name) cannot be \(given)" }
    return widths == network.widths ? nil : "widths are not the network's"
  }
}
