internal import Datasets
public import Networks
public import Pruning
internal import Training

extension Experiment {
  /// Probes a given model once.
<<<<<<< HEAD
  public static func probe(
    _ start: Start, on plan: DataPlan, probes: [PenaltyProbe], note: (String) -> Void = { _ in }
  ) throws -> PenaltyProbeResult {
    let data = try plan.load(note: note)
    let model = try Experiment(start: start, data: plan, training: nil).startingFile(for: data.training, note: note).model
    for probe in probes { try probe.check(on: model.network) }
=======
  public static func probe(_ start: Start, on plan: DataPlan, probes: [PenaltyProbe], memory: MemoryLimit = .standard) throws
    -> PenaltyProbeResult
  {
    let data = try plan.load()
    let model = try Experiment(start: start, data: plan, training: nil).startingFile(for: data.training) { network, size in
      let examples = min(probes.map(\.examples).max() ?? 0, data.training.count)
      try network.check(
        [.examination(of: examples), .pruning(batch: Equivalence.examples(for: network))], within: memory, elementSize: size)
    }.model
>>>>>>> scale/main
    var result = PenaltyProbeResult()
    for probe in probes {
      let found = try probe.probe(model, on: PenaltyProbeData(probe, from: data, channelsLast: model.network.hasConvolutions))
      result.rows += found.rows
      result.choices += found.choices
    }
    return result
  }
}
