internal import Networks
internal import Results
internal import Torch
internal import Training

/// Adds up the work of a training's steps while masks and network change.
struct WorkMeter {
  /// Examples of the steps that are counted.
  private var examples: Int
  /// Changes of masks and network that ``macs`` takes into account.
  private var changes: Int
  /// Multiply–accumulates of a forward pass for one example at present.
  private var macs: Int
  /// Those of the teacher, whose forward pass is a third of a training step's work; 0 without one.
  private let taught: Int

  /// Begins with the next step of a trainer.
  init(_ trainer: Trainer) throws {
    (examples, changes, macs) = (trainer.examples, trainer.changes, try trainer.model.keptMACs())
    taught = try trainer.teacher?.keptMACs() ?? 0
  }

  /// Returns the work of a run after the steps of a trainer, given what it was at the last call.
  mutating func work(of trainer: Trainer, after work: TrainingWork?) throws -> TrainingWork {
    var work = work ?? TrainingWork(examples: 0, trainingMACs: 0)
    // What changed at the end of a step changed after its work was done.
    let done = trainer.examples - examples
    work.examples += done
    work.trainingMACs += Double(done) * (Double(macs) + Double(taught) / 3)
    examples = trainer.examples
    if trainer.changes != changes { (changes, macs) = (trainer.changes, try trainer.model.keptMACs()) }
    return work
  }
}

extension Model {
  /// Multiply–accumulates for one example by the weights that masks keep, whatever their values.
  func keptMACs() throws -> Int {
    try zip(network.nodes, network.cost().layers).reduce(0) { sum, pair in
      let (node, layer) = pair
      guard node.operation.units != nil else { return sum }
      let name = ParameterName(node.module, .weight)
      let count = try tensor(name).count
      guard let mask = masks[name], count > 0 else { return sum + layer.macs }
      // Every weight of a layer is used equally often.
      return sum + layer.macs / count * (try mask.nonZeroCount())
    }
  }
}
