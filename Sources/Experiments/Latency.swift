internal import Foundation
public import Networks
internal import Torch
public import Training

/// How long one forward pass takes here.
public enum Latency {
  /// Seconds per pass of several models, one sample per repetition each, after a warm-up.
  ///
  /// Evaluation mode, no gradients, random input, the layout that inference uses (channels-last where there are convolutions).
  /// Each sample averages as many passes as fill about 2 ms, so that the clock's own cost does not count; the models take turns, so that a
  /// neighbour on the machine disturbs all alike. Passes of more than half a second are repeated fewer times, five at least, so that
  /// a large network does not take minutes.
  public static func interleaved(_ models: [Model], batch: Int, repetitions: Int = 15) throws -> [[Double]] {
    try withoutGradients {
      let generator = try Generator(seed: 0)
      let subjects = try models.map { model -> (executor: Executor, input: Tensor) in
        var input = try Tensor.normal([batch] + model.network.inputShape.dimensions, generator: generator)
        if input.rank == 4 { input = try input.channelsLast() }
        return (try Executor(model.laidOutForInference()), input)
      }
      var passes: [Int] = []
      var longest = 0.0
      for (executor, input) in subjects {
        var once = try seconds { _ = try executor.forward(input) }
        if once < longPass {
          _ = try executor.forward(input)
          once = try seconds { _ = try executor.forward(input) }
        }
        longest = max(longest, once)
        passes.append(min(max(Int(0.002 / max(once, 1e-6)), 1), 1000))
      }
      let repetitions = longest < longPass ? repetitions : min(repetitions, 5)
      var samples = Array(repeating: [Double](), count: models.count)
      for _ in 0..<repetitions {
        for (i, (executor, input)) in subjects.enumerated() {
          let elapsed = try seconds { for _ in 0..<passes[i] { _ = try executor.forward(input) } }
          samples[i].append(elapsed / Double(passes[i]))
        }
      }
      return samples
    }
  }

  /// Seconds of a pass that is not repeated more often than needed.
  private static let longPass = 0.5

  /// The batch sizes to time: one example, and the largest of 64, 32, … that passes in about two seconds, judged by one pass of one
  /// example, and within the limit of memory.
  public static func batches(for model: Model, within limit: MemoryLimit = .standard) throws -> [Int] {
    let one = try interleaved([model], batch: 1, repetitions: 1)[0][0]
    let large = try [64, 32, 16, 8, 4, 2].first {
      try one * Double($0) <= 2 && model.network.memory(for: .evaluation(batch: $0)).bytes <= Double(limit.bytes)
    }
    return [1] + (large.map { [$0] } ?? [])
  }

  /// A measure of a network's forward pass in seconds: its time as a share of the dense network's at the same moment, times what that
  /// one took at first. What disturbs the machine disturbs both.
  ///
  /// - Parameter measure: seconds of several passes of each model, a list for each.
  static func share(
    of original: Network, measure: @escaping ([Model]) throws -> [[Double]] = { try interleaved($0, batch: 1, repetitions: 11) }
  ) -> (Network) throws -> Double {
    var dense: Model?
    var reference: Double?
    return { network in
      let other = try dense ?? Model(original, seed: 0)
      dense = other
      // The least of several: a neighbour only ever adds, and a search that compares medians of bad moments goes astray.
      let least = try measure([other, Model(network, seed: 0)]).map { $0.min() ?? 0 }
      let base = reference ?? least[0]
      reference = base
      return least[0] > 0 ? base * least[1] / least[0] : base
    }
  }

  private static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    try body()
    return Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
  }
}
