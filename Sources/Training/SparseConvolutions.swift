internal import Networks
internal import SparseRuntime
internal import Torch

/// The convolutions of a model that compute with their kept weights alone, chosen by its masks and never by a clock.
struct SparseConvolutions {
  /// The filters of each node that computes so.
  let filters: [String: SparseFilters]

  /// Chooses among a model's convolutions of one group, of float32 on the CPU, that have a mask.
  init(_ model: Model, _ policy: TrainingKernels) throws {
    guard policy.choice == .automatic || policy.choice == .sparse, let form = policy.form ?? KernelForm.available.last else {
      filters = [:]
      return
    }
    var (filters, known): ([String: SparseFilters], [Known: SparseFilters]) = ([:], [:])
    for (node, layer, name) in Self.candidates(in: model) {
      guard let mask = model.masks[name],
        try policy.choice == .sparse || form.isFaster(keeping: mask.nonZeroCount(), of: layer)
      else { continue }
      // Several nodes may share a module's weights.
      let key = Known(name: name, layer: layer)
      let own =
        try known[key]
        ?? SparseFilters(
          mask: mask, stride: layer.stride.pair, padding: layer.padding.pair, dilation: layer.dilation.pair, form: form.code)
      (known[key], filters[node.name]) = (own, own)
    }
    self.filters = filters
  }

  /// Whether there are kernels for a convolution.
  static func canCompute(_ layer: Convolution) -> Bool { layer.groups == 1 && !layer.isTransposed }

  /// The convolutions that can compute so once they have a mask.
  private static func candidates(in model: Model) -> [(node: Network.Node, layer: Convolution, weight: ParameterName)] {
    model.network.nodes.compactMap { node in
      guard case .convolution(let layer) = node.operation, canCompute(layer) else { return nil }
      let name = ParameterName(node.module, .weight)
      guard let weight = model.tensors[name], weight.device == .cpu, weight.elementType == .float32 else { return nil }
      return (node, layer, name)
    }
  }

  /// Returns what becomes of a model's convolutions by a policy of `sparse`.
  static func use(in model: Model, _ policy: TrainingKernels) -> KeptWeightsUse {
    let candidates = candidates(in: model)
    guard policy.choice == .sparse, policy.form ?? KernelForm.available.last != nil, !candidates.isEmpty else { return .never }
    return candidates.contains { model.masks[$0.weight] != nil } ? .now : .onceMasked
  }

  private struct Known: Hashable {
    let name: ParameterName
    let layer: Convolution
  }
}

/// Whether the convolutions of a training with `--kernels sparse` compute with their kept weights alone.
public enum KeptWeightsUse: Hashable, Sendable {
  /// No convolution can.
  case never
  /// They will as soon as they have a mask; none has.
  case onceMasked
  /// Those that have a mask do, in steps that do not want the gradients of all weights.
  case now
}

extension KernelForm {
  /// What a convolution's passes with kept weights alone cost, in weights of libtorch's dense passes on machines that have no better form:
  /// each kept weight, and turning a channel into a map and back.
  ///
  /// Measured on one thread of a Zen 4, in 16 convolutions from 3 to 512 channels at densities from 0.05 to 0.5, which evaluations and
  /// steps agree on: 3×3 ones of at least 16 channels take equally long at densities of 0.55 to 0.6, and 1×1 ones of 64 channels always longer. The constants
  /// have a margin of a tenth. NEON was not measured; it has AVX2's.
  private var costs: (weight: Double, channel: Double) {
    switch self {
    case .avx512, .avx2, .neon: (1.6, 50)
    case .portable: (1.8, 25)
    }
  }

  /// Whether a convolution of which `kept` weights are left is faster with those alone.
  func isFaster(keeping kept: Int, of layer: Convolution) -> Bool {
    let weights = Double(layer.inputs) * Double(layer.outputs) * Double(layer.kernel.height) * Double(layer.kernel.width)
    // With a stride, an output pixel comes with several pixels of the input.
    let channels = Double(layer.inputs) * Double(layer.stride.height) * Double(layer.stride.width) + Double(layer.outputs)
    return costs.weight * Double(kept) + costs.channel * channels <= weights
  }
}
