public import Networks
public import SparseRuntime

/// Compiles a network for the sparse runtime.
///
/// Batch norms and learned scales are multiplied into the layers before them (in evaluation they are fixed numbers), dropout is left out,
/// ReLU and ReLU6 and the sum of a residual branch become part of the step before, and flattening is a way to read. A strided convolution
/// reads the phases of its input as channels and then has stride 1. Weights that are exactly 0 are left out wherever a sparse kernel is
/// chosen.
public struct PlanCompiler {
  private let network: Network
  private let drafting: Drafting
  private let geometry: Geometry
  /// The layers whose kernel can be chosen, in order.
  public let layers: [LayerSummary]

  /// Drafts a network.
  ///
  /// - Parameters:
  ///   - network: the network.
  ///   - isLone: whether values are laid out so that a lone example is as fast as can be, rather than 16 side by side as well; by default if a
  ///     value of 16 examples has more than 8 MB.
  ///   - parameters: returns the numbers of a parameter in row-major order, or nil where there is none.
  /// - Throws: ``CompilationError``; `NetworkError` for a network whose shapes do not fit; what `parameters` throws.
  public init(_ network: Network, isLone: Bool? = nil, parameters: @escaping (ParameterName) throws -> [Float]?) throws {
    self.network = network
    drafting = try Drafting(network, parameters: parameters)
    let geometry = Geometry(values: drafting.values, steps: drafting.steps, isLone: isLone)
    self.geometry = geometry
    layers = drafting.steps.enumerated().compactMap { i, step in
      guard case .layer(let layer) = step else { return nil }
      let shapes = layer.shapes(geometry.maps)
      return LayerSummary(
        name: layer.name, step: i, weights: layer.weights.count, kept: layer.kept, usual: layer.usualKernel(geometry.maps, shapes: shapes),
        canBeDense: layer.canBeDense(geometry.maps), shapes: shapes)
    }
  }

  /// What a layer's kernel is chosen by.
  public struct LayerSummary: Hashable, Sendable {
    /// Name of the node.
    public let name: String
    /// Index of the plan's step.
    public let step: Int
    /// All weights, and those that are not 0.
    public let weights: Int, kept: Int
    /// The kernel where nothing was measured.
    public let usual: LayerKernel
    /// Whether the layer can have a dense kernel.
    public let canBeDense: Bool
    /// The shapes in whose blocks the weights are left.
    public let shapes: [BlockShape]

    /// Returns whether a kernel suits the layer: all weights where all can be read, blocks where weights are left in blocks.
    public func suits(_ kernel: LayerKernel) -> Bool {
      switch kernel {
      case .dense: canBeDense
      case .sparse: true
      case .blocks(let shape, _): shapes.contains(shape)
      }
    }
  }

  /// Returns the bytes of the plan.
  ///
  /// - Parameters:
  ///   - kernels: the kernel of each layer, by its node's name; others have their usual one.
  ///   - groups: groups of 16 examples that go through the network side by side: 1, 2 or 4.
  ///   - loneExamples: fewer examples than this go one after another; by default ``usualLoneExamples``.
  ///   - preparation: how images become the network's input.
  ///   - classes: names of the classes.
  public func plan(
    kernels: [String: LayerKernel] = [:], groups: Int? = nil, loneExamples: Int? = nil, preparation: PlanPreparation = PlanPreparation(),
    classes: [String] = []
  ) -> [UInt8] {
    var writer = PlanWriter()
    let maps = geometry.maps
    let usual = Dictionary(layers.map { ($0.step, $0.usual) }, uniquingKeysWith: { first, _ in first })
    let steps = drafting.steps.enumerated().map { i, step -> PlanStep in
      switch step {
      case .layer(let layer): return layer.step(kernels[layer.name] ?? usual[i] ?? .sparse(channels: nil), maps, &writer)
      case .pool(let pool): return .pool(pool)
      case .function(let function):
        return .function(
          PlanFunction(
            name: function.name, x: function.x, y: function.y, kind: function.kind, alpha: function.alpha,
            scale: function.scale.map { writer.add($0) }, shift: function.shift.map { writer.add($0) },
            slope: function.slope.map { writer.add($0) }, low: function.low, high: function.high))
      case .pair(let pair): return .pair(pair)
      case .norm(var norm, let scale, let shift):
        (norm.scale, norm.shift) = (scale.map { writer.add($0) }, shift.map { writer.add($0) })
        return .norm(norm)
      case .resample(let resample):
        return .resample(
          PlanResample(
            name: resample.name, x: resample.x, y: resample.y, taps: resample.taps, places: writer.add(resample.places),
            shares: resample.shares.map { writer.add($0) }, token: resample.token.map { writer.add($0) }))
      case .offset(let name, let x, let y, let numbers):
        return .offset(PlanOffset(name: name, x: x, y: y, numbers: writer.add(numbers)))
      case .copy(let copy): return .copy(copy)
      case .interleave(let interleave): return .interleave(interleave)
      case .attention(let attention): return attention.step(&writer)
      }
    }
    return writer.file(
      name: network.name, maps: maps, steps: steps, outputs: drafting.outputs, groups: groups ?? usualGroups,
      loneExamples: loneExamples ?? usualLoneExamples,
      preparation: preparation, classes: classes)
  }

  /// Returns a plan whose weights lie in its file in a form of their own.
  ///
  /// - Parameters:
  ///   - weights: the form; with ``WeightForm/float32`` the bytes are those of `plan` without it.
  ///   - kernels: the kernel of each layer, by its node's name; others have their usual one.
  ///   - groups: groups of 16 examples that go through the network side by side: 1, 2 or 4.
  ///   - loneExamples: fewer examples than this go one after another; by default ``usualLoneExamples``.
  ///   - preparation: how images become the network's input.
  ///   - classes: names of the classes.
  /// - Throws: `UnpackableWeight` for a weight that the form cannot hold; `SparseRuntimeError` if there is no memory.
  public func plan(
    weights: WeightForm, kernels: [String: LayerKernel] = [:], groups: Int? = nil, loneExamples: Int? = nil,
    preparation: PlanPreparation = PlanPreparation(), classes: [String] = []
  ) throws -> PackedPlan {
    try PlanPacker.packed(
      plan(kernels: kernels, groups: groups, loneExamples: loneExamples, preparation: preparation, classes: classes), as: weights)
  }

  /// The groups of examples side by side where nothing was measured: small values of many examples fit into the caches at once, which is
  /// what sparse fully connected layers need most.
  public var usualGroups: Int { geometry.maps.allSatisfy { $0.positions <= 1 << 14 } ? 4 : 1 }

  /// From how many examples on they go side by side where nothing was measured: never if their values would not stay in the caches.
  public var usualLoneExamples: Int { isLarge ? 1 << 20 : 8 }
  /// Channels, height and width of an example, 1×1 of a vector.
  public var inputShape: [Int] { geometry.maps.first.map { [$0.channels, $0.height, $0.width] } ?? [] }
  /// Whether examples go through the network one after another, however many there are, as their values are too large.
  var isLarge: Bool { geometry.isLarge }
}
