internal import Datasets
internal import Foundation
internal import Networks
internal import Pruning
internal import Results
internal import Torch
internal import Training

/// The cost of a probe of one fraction with all twelve penalties, as a multiple of one evaluation of its 1,000 images.
enum ProbeTime {
  /// Returns one line of JSON: the ratio of the two times, measured alternately five times; median, least and most.
  static func measure(_ name: String, threads: Int) throws -> String {
    try TorchRuntime.configure(threads: threads)
    let network = try Architecture.parse(name)
    let shape = try network.inputShape.dimensions
    guard shape.count == 3 else { throw PlanError("a probe is timed on a network of images, not on \(name)") }
    let (count, classes) = (1000, try network.classes)
    let channelsLast = true
    var random = SystemRandomNumberGenerator()
    let images = try ExampleSet(
      bytes: (0..<count * shape.reduce(1, *)).map { _ in UInt8.random(in: 0...255, using: &random) },
      labels: (0..<count).map { Int64($0 % classes) }, channels: shape[0], height: shape[1], width: shape[2],
      classNames: (0..<classes).map { "\($0)" })
    let normalization = try images.meanAndDeviation()
    let batches = try EvaluationBatches(images, batchSize: 250, normalization: normalization, channelsLast: channelsLast)
    let model = try Model(network, seed: 1)
    let probe = try PenaltyProbe(amounts: [.fraction(0.2)], seed: 1)
    let data = PenaltyProbeData(scoring: batches)
    let executor = try Executor(model)
    func seconds(_ body: () throws -> Void) rethrows -> Double {
      let start = Date()
      try body()
      return -start.timeIntervalSinceNow
    }
    // The first run of each pays for allocating memory and assembling batches.
    _ = try (executor.evaluate(batches), probe.probe(model, on: data))
    var ratios: [Double] = []
    var (evaluations, probes): ([Double], [Double]) = ([], [])
    for _ in 0..<5 {
      evaluations.append(try seconds { _ = try executor.evaluate(batches) })
      probes.append(try seconds { _ = try probe.probe(model, on: data) })
      ratios.append(probes[probes.count - 1] / evaluations[evaluations.count - 1])
    }
    ratios.sort()
    let record: [String: Any] = [
      "case": name, "threads": threads, "evaluations": ratios[2], "least": ratios[0], "most": ratios[4],
      "evaluation_seconds": evaluations.sorted()[2], "probe_seconds": probes.sorted()[2], "version": TorchRuntime.version,
    ]
    return String(decoding: try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys]), as: UTF8.self)
  }
}
