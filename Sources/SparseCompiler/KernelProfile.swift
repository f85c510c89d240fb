public import SparseRuntime

/// Which kernel each layer of a network has on a machine, as it was measured, so that compiling again measures nothing and gives the same
/// bytes.
public struct KernelProfile: Codable, Hashable, Sendable {
  /// A layer and its kernel.
  public struct Layer: Codable, Hashable, Sendable {
    /// Name of the network's node.
    public var name: String
    /// All weights, and those that are not 0: with others a measurement does not hold.
    public var weights: Int, kept: Int
    /// The kernel, as ``LayerKernel/description`` writes it.
    public var kernel: String
  }
  /// The form of the kernels that were measured, e.g. `avx512`.
  public var form: String
  /// The sizes of batches that it was measured for, as ``KernelTuner/Batches`` names them.
  public var batches: String
  /// Threads that it was measured with.
  public var threads: Int
  /// Groups of 16 examples that go through the network side by side.
  public var groups: Int
  /// Fewer examples than this go one after another.
  public var loneExamples: Int
  /// Channels, height and width of an example: with other sizes a measurement does not hold. nil in a profile that was written before they were.
  public var input: [Int]?
  /// All layers.
  public var layers: [Layer]

  /// Creates a profile of a compiler's layers.
  public init(
    form: String, batches: KernelTuner.Batches = .all, threads: Int = 1, groups: Int, loneExamples: Int, input: [Int],
    layers: [PlanCompiler.LayerSummary], kernels: [String: LayerKernel]
  ) {
    (self.form, self.batches, self.threads) = (form, batches.rawValue, threads)
    (self.groups, self.loneExamples, self.input) = (groups, loneExamples, input)
    self.layers = layers.map {
      Layer(name: $0.name, weights: $0.weights, kept: $0.kept, kernel: (kernels[$0.name] ?? $0.usual).description)
    }
  }

  /// The profile with kernels as the layers of a plan have them, which is the same plan: of 64 channels, a kernel that takes 256 at a time
  /// takes all.
  ///
  /// - Parameters:
  ///   - plan: a plan that the profile's kernels have made.
  ///   - layers: the compiler's layers.
  public func limited(to plan: Plan, _ layers: [PlanCompiler.LayerSummary]) -> KernelProfile {
    let steps = Dictionary(layers.map { ($0.name, $0.step) }, uniquingKeysWith: { first, _ in first })
    var result = self
    result.layers = self.layers.map { layer in
      guard let step = steps[layer.name], plan.steps.indices.contains(step), case .layer(let planned) = plan.steps[step],
        let kernel = LayerKernel(layer.kernel)
      else { return layer }
      var named = layer
      named.kernel = kernel.limited(to: plan.maps[planned.x].channels).description
      return named
    }
    return result
  }

  /// Returns the kernels of the layers, or nil if the profile is not of these layers.
  public func kernels(for layers: [PlanCompiler.LayerSummary]) -> [String: LayerKernel]? {
    guard layers.count == self.layers.count, [1, 2, 4].contains(groups), loneExamples >= 1 else { return nil }
    var kernels: [String: LayerKernel] = [:]
    for (layer, known) in zip(layers, self.layers) {
      guard layer.name == known.name, layer.weights == known.weights, layer.kept == known.kept, let kernel = LayerKernel(known.kernel)
      else {
        return nil
      }
      kernels[layer.name] = kernel
    }
    return kernels
  }
}
