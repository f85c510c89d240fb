internal import Foundation
internal import Networks
internal import Pruning
public import Results
internal import SparseCompiler
internal import SparseRuntime
internal import Torch
public import Training

/// What the sparse runtime would take for a network if its weights were left in blocks, kernels or N:M groups.
///
/// Each layer gets a random mask of the pattern with as many weights as it has left, and its own values; layers that a pattern leaves alone stay
/// as they are. Networks are compiled with kernels by rule and timed in turn.
public enum PatternComparison {
  /// The patterns that are compared.
  static let patterns: [WeightPattern] = [
    .block(rows: 1, columns: 4), .block(rows: 4, columns: 1), .block(rows: 4, columns: 4), .kernel, .nm(kept: 2, of: 4),
  ]
  /// The most weights of a network that is compared: compiling it several times takes as many seconds as it has millions.
  public static let mostWeights = 4_000_000
  /// The most seconds of a pass.
  static let longestPass = 0.1
  /// Seconds of a sample, and how many there are.
  private static let (sample, samples) = (0.002, 5)

  /// Returns each pattern's times for batches; nil for a network that is too large, that the sparse runtime cannot compute, or that has no
  /// zeros.
  ///
  /// - Throws: errors of reading the model.
  public static func times(of model: Model, batches: [Int], threads: Int) throws -> [PatternLatency]? {
    guard try model.facts().prunableWeights <= mostWeights, let own = try CompiledModel.leavingZerosOut(model, threads: threads) else {
      return nil
    }
    let variants = try patterns.compactMap { pattern in
      try weights(of: model, in: pattern).flatMap { weights in
        try plan(model, weights, threads: threads).map { (pattern: pattern, plan: $0) }
      }
    }
    var results = variants.map { PatternLatency(pattern: $0.pattern.description, times: []) }
    for batch in batches {
      let input = (0..<batch * own.plan.inputCount).map { Float(($0 &* 7919) % 255) / 127 - 1 }
      let first = try seconds { _ = try own.run(input) }
      guard first < longestPass else { continue }
      let plans = [own] + variants.map(\.plan)
      for plan in plans { _ = try plan.run(input) }
      let passes = max(Int(sample / max(try seconds { _ = try own.run(input) }, 1e-7)), 1)
      var least = Array(repeating: Double.infinity, count: plans.count)
      for _ in 0..<samples {
        for (i, plan) in plans.enumerated() {
          least[i] = min(least[i], try seconds { for _ in 0..<passes { _ = try plan.run(input) } } / Double(passes))
        }
      }
      for i in results.indices {
        results[i].times.append(.init(batch: batch, seconds: least[i + 1], ratio: least[i + 1] / max(least[0], 1e-12)))
      }
    }
    results.removeAll { $0.times.isEmpty }
    return results.isEmpty ? nil : results
  }

  /// Returns the weights of all layers that have lost some, with those left in a pattern; nil if it leaves all layers alone.
  static func weights(of model: Model, in pattern: WeightPattern) throws -> [ParameterName: [Float]]? {
    var result: [ParameterName: [Float]] = [:]
    var seed: UInt64 = 0
    for node in model.network.nodes {
      let name = ParameterName(node.module, .weight)
      guard result[name] == nil, let tensor = model.tensors[name], tensor.rank > 1 else { continue }
      let values = try tensor.detached().cast(to: .float32).array(Float.self)
      let kept = values.filter { $0 != 0 }
      seed += 1
      guard !kept.isEmpty, kept.count < values.count, let mask = pattern.sample(keeping: kept.count, of: node.operation, seed: seed) else {
        continue
      }
      var next = 0
      result[name] = mask.map { isKept in
        guard isKept else { return 0 }
        next += 1
        return kept[(next - 1) % kept.count]
      }
    }
    return result.isEmpty ? nil : result
  }

  /// Nil for what cannot be compiled: a comparison is no reason to lose a row.
  private static func plan(_ model: Model, _ weights: [ParameterName: [Float]], threads: Int) throws -> CompiledModel? {
    do {
      let compiler = try PlanCompiler(model.network) { name in
        try weights[name] ?? model.tensors[name]?.detached().cast(to: .float32).array(Float.self)
      }
      return try CompiledModel(bytes: compiler.plan(), threads: threads)
    } catch is CompilationError { return nil } catch is SparseRuntimeError { return nil }
  }

  private static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    try body()
    return Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
  }
}
