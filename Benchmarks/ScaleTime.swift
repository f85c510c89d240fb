internal import Foundation
internal import Networks
internal import Pruning
internal import Results
internal import Torch
internal import Training

/// The growth of the time of each pass over a network with the network's length.
enum ScaleTime {
  /// A kind of network that can have any length.
  enum Form: String, CaseIterable {
    /// A chain of linear layers.
    case linear
    /// Residual blocks of convolution, batch norm and ReLU.
    case residual
  }

  /// Returns one line of JSON: seconds of each pass over a network of about `nodes` nodes with random weights, each measured once.
  ///
  /// - Parameter path: where to keep the pruned model's file, for the commands that read one; nil for a temporary file.
  static func measure(_ form: Form, nodes: Int, threads: Int, path: String?) throws -> String {
    try TorchRuntime.configure(threads: threads)
    var seconds: [String: Double] = [:]
    func timed<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
      let start = Date()
      defer { seconds[name] = -start.timeIntervalSinceNow }
      return try body()
    }
    let network = try timed("build") { try form.network(nodes: nodes) }
    try timed("validation") { try network.validate() }
    _ = try timed("shapes") { try network.shapes() }
    _ = try timed("cost") { try network.cost() }
    let groups = try timed("coupling") { try network.channelGroups().groups }
    let json = try timed("encoding") { try JSONEncoder().encode(network) }
    _ = try timed("decoding") { try JSONDecoder().decode(Network.self, from: json) }
    let model = try timed("initialisation") { try Model(network, seed: 1) }
    let executor = try timed("executor") { try Executor(model) }
    let input = try Tensor.normal([1] + network.inputShape.dimensions, generator: Generator(seed: 1))
    _ = try timed("forward pass") { try withoutGradients { try executor.forward(input) } }

    let learning = try model.copied()
    for (name, tensor) in learning.tensors where name.role.isTrained { try tensor.requireGradient() }
    let learner = try Executor(learning)
    try timed("training step") { try learner.forward(input, mode: .training(Generator(seed: 2))).sum().backward() }

    let layers = try timed("scores of units") { try model.unitScores(.l2, granularity: .unit) }
    let selection = try timed("selection") {
      try Selection(.ofKept(0.5), of: layers, rule: SelectionRule(granularity: .unit, scope: .layer))
    }
    let plan = SurgeryPlan(removals: try selection.removedIndices(from: layers))
    _ = try timed("surgery") { try Surgeon.operate(plan, on: model, groups: groups, seed: 1, proves: false) }
    // The values of very long chains of random layers overflow, and prove nothing; only the time matters.
    _ = timed("proof") { try? Surgeon.operate(plan, on: model, groups: groups, seed: 1) }

    // Of one layer: a scan takes this time once for every layer and fraction.
    let scan = SensitivityScan(.l2, granularity: .unit, fractions: [0.5])
    _ = timed("sensitivity of a layer") {
      try? scan.run(model, layers: Array(layers.prefix(1))) { pruned in
        _ = try withoutGradients { try Executor(pruned.laidOutForInference()).forward(input) }
        return Evaluation(loss: 0, correct: 0, count: 1)
      }
    }

    var pruned = try model.copied()
    try timed("masks") {
      let weights = try model.weightScores(.magnitude)
      try pruned.prune(Selection(.ofKept(0.9), of: weights, rule: SelectionRule(granularity: .weight, scope: .global)))
    }
    _ = try timed("collapse") { try pruned.collapsedLayers() }
    let compaction = try timed("dead units") { try pruned.compacted(proves: false) }
    let file = path ?? FileManager.default.temporaryDirectory.appendingPathComponent("espalier-scale-\(UUID().uuidString)").path
    defer { if path == nil { try? FileManager.default.removeItem(atPath: file) } }
    try timed("writing") { try ModelFile(model: pruned).write(to: file) }
    _ = try timed("reading") { try ModelFile(contentsOf: file) }
    let record: [String: Any] = [
      "form": form.rawValue, "nodes": network.nodes.count, "threads": threads, "seconds": seconds,
      "dead_units": compaction.removed.count, "peak_rss_bytes": Machine.peakMemory, "version": TorchRuntime.version,
    ]
    return String(decoding: try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys]), as: UTF8.self)
  }
}

extension ScaleTime.Form {
  /// Returns a network of this form with about `nodes` nodes, all of them narrow.
  fileprivate func network(nodes: Int) throws -> Network {
    switch self {
    case .linear:
      var builder = NetworkBuilder("linear-\(nodes)", input: .vector(8))
      for index in 1..<max(nodes, 2) { builder.linear("fc\(index)", 8) }
      return try builder.network()
    case .residual:
      var builder = NetworkBuilder("residual-\(nodes)", input: .image(channels: 3, height: 4, width: 4))
      builder.convolution("stem", 4, kernel: 3, padding: 1)
      for index in 1...max(nodes / 7, 1) {
        let start = builder.last
        for half in ["a", "b"] {
          builder.convolution("conv\(index)\(half)", 4, kernel: 3, padding: 1, bias: false)
          builder.batchNorm("bn\(index)\(half)")
          if half == "a" { builder.relu() }
        }
        builder.add([start, builder.last])
        builder.relu()
      }
      builder.adaptiveAveragePool(1)
      builder.flatten()
      builder.linear("head", 10)
      return try builder.network()
    }
  }
}
