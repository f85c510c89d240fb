internal import Networks
internal import Torch
public import Training

extension Model {
  /// Returns the collapsed layers (layer collapse, Tanaka et al. 2020), by module name in the order of the layers: those without any weight
  /// left, and those at which the last path from the network's input ends.
  ///
  /// Follows which channels the input reaches through nonzero weights; biases do not carry anything of the input. Cost: one pass over the
  /// weights.
  /// - Throws: `NetworkError` from the network's shapes.
  public func collapsedLayers() throws -> [String] {
    let shapes = try network.shapes()
    // Per node, whether each channel (or feature) depends on the input.
    var reached: [String: [Bool]] = [:]
    var (collapsed, seen): ([String], Set<String>) = ([], [])
    for node in network.nodes {
      let operands = node.inputs.map { reached[$0] ?? [] }
      let first = operands.first ?? []
      switch node.operation {
      case .input(let shape): reached[node.name] = Array(repeating: true, count: shape.channels)
      case .linear, .convolution:
        let weight = try tensor(ParameterName(node.module, .weight)).detached()
        var groups = 1
        if case .convolution(let layer) = node.operation { groups = layer.groups }
        let (outputs, any) = try reach(weight, from: first, groups: groups)
        if !any || (first.contains(true) && !outputs.contains(true)), seen.insert(node.module).inserted { collapsed.append(node.module) }
        reached[node.name] = outputs
      case .batchNorm, .groupNorm, .channelNorm, .channelAffine, .localResponseNorm, .activation, .prelu, .softmax, .maxPool, .averagePool,
        .adaptiveAveragePool, .adaptiveMaxPool, .pad, .resize, .arrange, .roll, .classToken, .positionEmbedding, .dropout:
        reached[node.name] = first
      case .attention: reached[node.name] = operands.last ?? []
      case .flatten:
        let positions = node.inputs.first.flatMap { shapes[$0]?.positions } ?? 1
        reached[node.name] = first.flatMap { Array(repeating: $0, count: positions) }
      case .add, .subtract, .multiply: reached[node.name] = first.indices.map { i in operands.contains { $0[i] } }
      case .concat: reached[node.name] = operands.flatMap { $0 }
      case .narrow(let start, let count): reached[node.name] = Array(first[start..<start + count])
      case .indexSelect(let indices): reached[node.name] = indices.map { first[$0] }
      case .subsamplePad(_, let before, let after):
        reached[node.name] = Array(repeating: false, count: before) + first + Array(repeating: false, count: after)
      case .opaque(let function):
        let count = shapes[node.name]?.channels ?? 0
        switch function.name.form {
        case .elements: reached[node.name] = first
        case .channels, .reduction: reached[node.name] = Array(repeating: first.contains(true), count: count)
        // One channel meets all of the other's.
        case .pair: reached[node.name] = (0..<count).map { i in operands.contains { $0.count == 1 ? $0[0] : $0[i] } }
        }
      }
    }
    return collapsed
  }

  /// Returns which outputs a nonzero weight connects to a reached input, and whether there is any nonzero weight.
  private func reach(_ weight: Tensor, from inputs: [Bool], groups: Int) throws -> (outputs: [Bool], any: Bool) {
    let nonZero = try weight.notEqual(0)
    let taps = try (weight.rank == 4 ? nonZero.sum(2, 3) : nonZero).cast(to: .float32)
    let perGroup = taps.shape[1]
    let source = try Tensor(inputs.map { $0 ? 1 : 0 as Float }, shape: [groups, perGroup, 1])
    let sums = try taps.reshaped([groups, -1, perGroup]).matmul(source).flattened()
    return (try sums.array(Float.self).map { $0 > 0 }, try taps.max().item() > 0)
  }
}
