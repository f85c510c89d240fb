internal import Foundation
public import Networks
internal import Results
public import SparseCompiler
internal import SparseRuntime
public import Torch
public import Training

/// Measures how long a forward pass takes on this machine.
public enum Latency {
  /// Returns seconds per pass of several models [model][repetition], measured after a warm-up.
  ///
  /// Evaluation mode, no gradients, random input, the memory layout of inference (channels-last with convolutions). Each sample is the mean
  /// of as many passes as take about 2 ms, so that the cost of reading the clock does not matter; the models alternate, so that other load
  /// on the machine affects all of them equally. Passes of more than half a second are repeated five times at most, so that a large network
  /// does not take minutes.
  /// - Parameters:
  ///   - repetitions: when there are samples enough; all models have the same number of them.
  ///   - device: the device that computes; a sample ends when it has finished.
  public static func interleaved(
    _ models: [Model], batch: Int, repetitions: Repetitions = .untilCertain, device: Device = .cpu
  ) throws -> [[Double]] {
    try interleaved(models, plan: nil, batch: batch, repetitions: repetitions, device: device)
  }

  /// Returns the seconds of several models, and after them those of a compiled one that takes the same inputs, if there is one.
  static func interleaved(
    _ models: [Model], plan: CompiledModel?, batch: Int, repetitions: Repetitions = .untilCertain, device: Device = .cpu
  ) throws -> [[Double]] {
    try withoutGradients {
      let generator = try Generator(seed: 0)
      var subjects = try models.map { model -> () throws -> Void in
        var input = try Tensor.normal([batch] + model.network.inputShape.dimensions, generator: generator)
        if input.rank == 4 { input = try input.channelsLast() }
        let (executor, there) = (try Executor(model.moved(to: device).laidOutForInference()), try input.moved(to: device))
        return { _ = try executor.forward(there) }
      }
      if let plan {
        let input = try Tensor.normal([batch, plan.plan.inputCount], generator: generator).array(Float.self)
        subjects.append { _ = try plan.run(input) }
      }
      var passes: [Int] = []
      var longest = 0.0
      for pass in subjects {
        var once = try seconds(on: device, pass)
        if once < longPass {
          try pass()
          once = try seconds(on: device, pass)
        }
        longest = max(longest, once)
        passes.append(min(max(Int(0.002 / max(once, 1e-6)), 1), 1000))
      }
      let repetitions = longest < longPass ? repetitions : .exactly(min(repetitions.most, 5))
      var samples = Array(repeating: [Double](), count: subjects.count)
      while !repetitions.suffice(samples) {
        for (i, pass) in subjects.enumerated() {
          let elapsed = try seconds(on: device) { for _ in 0..<passes[i] { try pass() } }
          samples[i].append(elapsed / Double(passes[i]))
        }
      }
      return samples
    }
  }

  /// Duration in seconds above which a pass is repeated as seldom as possible.
  private static let longPass = 0.5

  /// Returns the batch sizes to time: 1, and the largest of 64, 32, … 2 that fits into the memory limit and takes at most about two seconds
  /// per pass, as extrapolated from one example.
  public static func batches(
    for model: Model, within limit: MemoryLimit = .standard, device: Device = .cpu
  ) throws -> [Int] {
    let one = try interleaved([model], batch: 1, repetitions: .exactly(1), device: device)[0][0]
    let large = try [64, 32, 16, 8, 4, 2].first {
      try one * Double($0) <= 2 && model.network.memory(for: .evaluation(batch: $0)).bytes <= Double(limit.bytes)
    }
    return [1] + (large.map { [$0] } ?? [])
  }

  /// Returns a function that estimates the seconds of a network's forward pass: its time relative to the dense network's at the same moment,
  /// multiplied by the dense network's first measurement, so that other load on the machine affects both.
  ///
  /// - Parameter measure: returns seconds of several passes of each model [model][repetition].
  static func share(
    of original: Network, device: Device = .cpu, measure: (([Model]) throws -> [[Double]])? = nil
  ) -> (Network) throws -> Double {
    let measure = measure ?? { try interleaved($0, batch: 1, repetitions: .exactly(11), device: device) }
    var dense: Model?
    var reference: Double?
    return { network in
      let other = try dense ?? Model(original, seed: 0)
      dense = other
      // The minimum of several: other load only ever adds time, and medians taken at bad moments would mislead the search.
      let least = try measure([other, Model(network, seed: 0)]).map { $0.min() ?? 0 }
      let base = reference ?? least[0]
      reference = base
      return least[0] > 0 ? base * least[1] / least[0] : base
    }
  }

  private static func seconds(on device: Device, _ body: () throws -> Void) throws -> Double {
    try TorchRuntime.synchronize(device)
    let start = DispatchTime.now().uptimeNanoseconds
    try body()
    try TorchRuntime.synchronize(device)
    return Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
  }
}

extension PlanCompiler {
  /// Drafts a model, with its tensors as float32 numbers; `isLone` says whether single examples matter most, if that is known.
  ///
  /// - Throws: `CompilationError`.
  public init(_ model: Model, isLone: Bool? = nil) throws {
    try self.init(model.network, isLone: isLone) { try model.tensors[$0]?.detached().cast(to: .float32).array(Float.self) }
  }
}

extension CompiledModel {
  /// Compiles a model whose weights are partly 0, with kernels by rule; nil for a network that the sparse runtime cannot compute, and for one
  /// without zeros.
  static func leavingZerosOut(_ model: Model, threads: Int) throws -> CompiledModel? {
    let facts = try model.facts()
    guard facts.nonZeroWeights < facts.prunableWeights else { return nil }
    do {
      let compiler = try PlanCompiler(model)
      return try CompiledModel(bytes: compiler.plan(), threads: threads)
    } catch is CompilationError {
      return nil
    } catch is SparseRuntimeError {
      return nil
    }
  }
}

extension Machine {
  /// Returns a description of this computer, with the name of a device besides the processor.
  static func current(threads: Int, computingOn device: Device) -> Machine {
    .current(threads: threads, device: device.rawValue, accelerator: device == .cpu ? nil : TorchRuntime.cudaName)
  }
}
