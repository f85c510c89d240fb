internal import Datasets
public import Networks
public import Pruning
public import Training

extension Experiment {
  /// Evaluates each probe once on a given model.
  ///
  /// - Parameter reader: what reads a file of weights.
  /// - Throws: `PlanError` and `PruningError` for probes that do not fit the network, and errors of reading the data and the model.
  public static func probe(
    _ start: Start, on plan: DataPlan, probes: [PenaltyProbe], memory: MemoryLimit = .standard,
    reader: WeightsReader = .safetensors, note: (String) -> Void = { _ in }
  ) throws -> PenaltyProbeResult {
    let data = try plan.load(for: start, note: note)
    let model = try Experiment(start: start, data: plan, training: nil).startingFile(for: data.training, reader: reader, note: note) {
      network, size in
      let examples = min(probes.map(\.examples).max() ?? 0, data.training.count)
      try network.check(
        [.examination(of: examples), .pruning(batch: Equivalence.examples(for: network))], within: memory, elementSize: size)
    }.model
    for probe in probes { try probe.check(on: model.network) }
    var result = PenaltyProbeResult()
    for probe in probes {
      let found = try probe.probe(model, on: PenaltyProbeData(probe, from: data, channelsLast: model.network.hasConvolutions))
      result.rows += found.rows
      result.choices += found.choices
    }
    return result
  }
}
