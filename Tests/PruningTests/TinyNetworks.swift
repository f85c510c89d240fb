import Networks
import Torch
import Training

enum TinyNetworks {
  /// fc1, relu, fc2, … without activation at the end.
  static func mlp(_ widths: [Int], bias: Bool = true) throws -> Network {
    var builder = NetworkBuilder("mlp", input: .vector(widths[0]))
    for i in 1..<widths.count {
      builder.linear("fc\(i)", widths[i], bias: bias)
      if i < widths.count - 1 { builder.relu() }
    }
    return try builder.network()
  }

  /// A random sequential network: convolutions with and without padding, norm, bias; pooling; flattening; linear layers.
  static func sequential(_ random: inout Seeded) throws -> Network {
    var builder = NetworkBuilder("random", input: .image(channels: 1 + random.below(3), height: 13, width: 12))
    let activations = Activation.allCases
    for i in 1...(1 + random.below(3)) {
      builder.convolution("conv\(i)", 2 + random.below(5), kernel: 1 + random.below(3), padding: random.below(2), bias: random.chance(0.7))
      if random.chance(0.4) { builder.batchNorm("bn\(i)") }
      if random.chance(0.8) { builder.activation(activations[random.below(activations.count)]) }
      if i == 1, random.chance(0.6) {
        if random.chance(0.5) {
          builder.maxPool(2, padding: random.below(2))
        } else {
          builder.averagePool(2, padding: random.below(2))
        }
      }
    }
    if random.chance(0.3) { builder.adaptiveAveragePool(1 + random.below(2)) }
    builder.flatten()
    for i in 1...(1 + random.below(2)) {
      builder.linear("fc\(i)", 2 + random.below(5), bias: random.chance(0.8))
      if random.chance(0.3) { builder.batchNorm("bnfc\(i)") }
      builder.activation(activations[random.below(activations.count)])
      if random.chance(0.3) { builder.dropout(0.5) }
    }
    builder.linear("out", 3)
    return try builder.network()
  }
}

extension Network {
  /// A model with random tensors, also running statistics.
  func randomModel(seed: UInt64, type: ElementType = .float64) throws -> Model {
    let generator = try Generator(seed: seed)
    var tensors: [ParameterName: Tensor] = [:]
    for (name, dimensions) in try parameterShapes() {
      tensors[name] =
        name.role == .runningVariance
        ? try Tensor.uniform(dimensions, low: 0.5, high: 2, type: type, generator: generator)
        : try Tensor.normal(dimensions, deviation: 0.5, type: type, generator: generator)
    }
    return try Model(network: self, tensors: tensors)
  }
}
