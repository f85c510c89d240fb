public import SparseRuntime

/// Chooses each layer's kernel by what is fastest on this machine.
///
/// Every candidate is compiled for all layers at once, and each step is timed in each of these plans in turn, so that what else the machine
/// does slows all candidates alike. The smallest of several times counts. A layer's kernel serves lone examples and groups of 16: it is the
/// one with the least product of both times, each relative to the best, or of the times of the one that is asked for.
public struct KernelTuner {
  /// The sizes of batches that matter.
  public enum Batches: String, Sendable {
    /// Single examples.
    case lone
    /// Many examples at once.
    case many
    /// Single examples and many at once, alike.
    case all
  }
  /// The sizes of batches that matter.
  public var batches: Batches
  /// The form of the kernels.
  public var form: InferenceForm
  /// Threads that compute together.
  public var threads: Int
  /// How often each step is timed.
  public var repetitions: Int

  /// Creates a tuner, for all sizes of batches and the fastest kernels of this machine unless others are given.
  public init(batches: Batches = .all, form: InferenceForm = .fastest, threads: Int = 1, repetitions: Int = 5) {
    (self.batches, self.form, self.threads, self.repetitions) = (batches, form, threads, repetitions)
  }

  /// Candidates: channels at a time that fit the first-level cache with small images and with large ones, and all at once; tiles that read
  /// little of a channel, and such that use a weight often; blocks.
  static let candidates: [LayerKernel] =
    [.dense] + [nil, 8, 16, 24, 32, 48, 64, 128, 256].map { .sparse(channels: $0) }
    + [nil, 16, 24, 48].map { .sparse(channels: $0, vectors: 16) }
    + BlockShape.allCases.flatMap { shape in [nil, 16, 32, 64, 128].map { .blocks(shape, channels: $0) } }

  /// Measures, and returns what was chosen.
  ///
  /// - Parameter progress: told what share of the work is done.
  /// - Throws: ``SparseRuntimeError/resources(_:)``; what `progress` throws, which ends the work.
  public func profile(of compiler: PlanCompiler, progress: (Double) throws -> Void = { _ in }) throws -> KernelProfile {
    let all = compiler.layers
    // Where most weights are there, leaving the others out cannot pay; such layers are not measured.
    let layers = all.filter { !($0.canBeDense && $0.usual == .dense && Double($0.kept) > 0.8 * Double($0.weights)) }
    // What suits no layer is not tried.
    let candidates = Self.candidates.filter { candidate in layers.contains { $0.suits(candidate) } }
    let modes = batches == .lone || compiler.isLarge ? [0] : batches == .many ? [1] : [0, 1]
    // [candidate][mode][step]
    var times: [[[Double]]] = []
    for (i, candidate) in candidates.enumerated() {
      try progress(Double(i) / Double(candidates.count + 1))
      let suited = layers.filter { $0.suits(candidate) }
      let kernels = Dictionary(suited.map { ($0.name, candidate) }, uniquingKeysWith: { first, _ in first })
      let model = try CompiledModel(bytes: compiler.plan(kernels: kernels, groups: 1), threads: threads, form: form)
      // A kernel that takes the maximum of 2 × 2 pixels itself spares the step that does so after another one.
      let pools = suited.map(\.step).filter { model.plan.isPooled($0) }
      let measured = Set(suited.map(\.step) + pools.map { $0 + 1 })
      // Vectors go through side by side in as many groups as there are, and what is read at a time is then that much larger.
      let many = model.plan.maps.allSatisfy(\.isVector) ? 4 : 1
      times.append(
        try modes.map { mode in
          var seconds = try model.stepSeconds(groups: mode == 0 ? 0 : many, only: measured, repetitions: repetitions)
          for step in pools { seconds[step] += seconds[step + 1] }
          return seconds
        })
    }
    var kernels: [String: LayerKernel] = [:]
    for layer in layers {
      let possible = candidates.indices.filter { layer.suits(candidates[$0]) }
      func cost(_ candidate: Int) -> Double { modes.indices.reduce(1) { $0 * times[candidate][$1][layer.step] } }
      kernels[layer.name] = possible.min { cost($0) < cost($1) }.map { candidates[$0] }
    }
    try progress(Double(candidates.count) / Double(candidates.count + 1))
    let (groups, loneExamples) =
      compiler.isLarge ? (compiler.usualGroups, compiler.usualLoneExamples) : try layout(compiler, kernels)
    return KernelProfile(
      form: form.rawValue, batches: batches, threads: threads, groups: groups, loneExamples: loneExamples,
      input: compiler.inputShape, layers: all, kernels: kernels)
  }

  /// Returns how many groups side by side are fastest for an example, and from how many examples on a group is faster than lone ones.
  private func layout(_ compiler: PlanCompiler, _ kernels: [String: LayerKernel]) throws -> (groups: Int, loneExamples: Int) {
    let model = try CompiledModel(bytes: compiler.plan(kernels: kernels, groups: 4), threads: threads, form: form)
    func seconds(_ groups: Int) throws -> Double { try model.stepSeconds(groups: groups, repetitions: repetitions).reduce(0, +) }
    return Self.layout(batches, lone: try seconds(0), groups: try [1, 2, 4].map { (groups: $0, seconds: try seconds($0)) })
  }

  /// The choice by the seconds of a lone example and of 1, 2 and 4 groups. Where many examples are asked for, lone ones must be a tenth faster.
  static func layout(_ batches: Batches, lone: Double, groups times: [(groups: Int, seconds: Double)]) -> (groups: Int, loneExamples: Int) {
    guard let best = times.min(by: { $0.seconds / Double($0.groups) < $1.seconds / Double($1.groups) }), let first = times.first, lone > 0
    else { return (1, 1) }
    // Large images go by one after another however many there are: 16 side by side do not fit into the caches.
    if best.seconds / Double(16 * best.groups) >= (batches == .many ? 1.1 * lone : lone) { return (best.groups, 1 << 20) }
    return (best.groups, min(max(Int((first.seconds / lone).rounded(.up)), 1), 16))
  }
}
