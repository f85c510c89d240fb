internal import ArgumentParser

/// Options for what the row of a run measures; shared by `train` and `prune`.
struct RowOptions: ParsableArguments {
  @Flag(help: "Do not measure latency for the row, which takes seconds with large networks.")
  var noLatency = false

  /// Batch sizes to time; empty for none, nil for the usual ones.
  var latencyBatches: [Int]? { noLatency ? [] : nil }
}
