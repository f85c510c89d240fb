internal import Foundation
internal import Networks
internal import Pruning
internal import Results
internal import Torch
internal import Training

/// The time to plan and cut half of all units of a network with random weights, by `l2` in each layer.
enum SurgeryTime {
  /// Returns one line of JSON: seconds of planning (coupling, scores, selection) and cutting, and separately of the proof; medians of
  /// five.
  static func measure(_ network: String, threads: Int) throws -> String {
    try TorchRuntime.configure(threads: threads)
    let model = try Model(Architecture.parse(network), seed: 1)
    var planned: [Double] = []
    var proved: [Double] = []
    var widths = (before: 0, after: 0)
    for _ in 0..<5 {
      let start = Date()
      let groups = try model.network.channelGroups().groups
      let layers = try model.unitScores(.l2, granularity: .unit)
      let selection = try Selection(.ofKept(0.5), of: layers, rule: SelectionRule(granularity: .unit, scope: .layer))
      let plan = SurgeryPlan(removals: try selection.removedIndices(from: layers))
      let cut = try Surgeon.operate(plan, on: model, groups: groups, seed: 1)
      planned.append(-start.timeIntervalSinceNow - cut.proofSeconds)
      proved.append(cut.proofSeconds)
      widths = (model.network.filters, cut.model.network.filters)
    }
    let record: [String: Any] = [
      "case": network, "threads": threads, "surgery_seconds": planned.sorted()[2], "proof_seconds": proved.sorted()[2],
      "filters_before": widths.before, "filters_after": widths.after, "peak_rss_bytes": Machine.peakMemory, "version": TorchRuntime.version,
    ]
    return String(decoding: try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys]), as: UTF8.self)
  }
}
