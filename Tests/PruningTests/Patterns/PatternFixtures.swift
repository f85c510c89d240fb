import Networks
import Pruning
import Testing
import Torch

/// A linear layer or a convolution alone, as `layer`.
enum PatternFixtures {
  static func linear(_ inputs: Int, _ outputs: Int) throws -> Network {
    var builder = NetworkBuilder("linear", input: .vector(inputs))
    builder.linear("layer", outputs)
    return try builder.network()
  }

  static func convolution(_ inputs: Int, _ outputs: Int, taps: Int, groups: Int = 1) throws -> Network {
    var builder = NetworkBuilder("convolution", input: .image(channels: inputs, height: 4, width: 8))
    builder.convolution("layer", outputs, kernel: Extent(1, taps), groups: groups)
    return try builder.network()
  }

  /// Scores of the layer in the shape of its weight.
  static func scored(_ network: Network, _ scores: [Float], kept: [Bool]? = nil) throws -> [ScoredLayer] {
    let shape = try #require(try network.parameterShapes().first).dimensions
    return [
      ScoredLayer(name: "layer", scores: try Tensor(scores, shape: shape), kept: try kept.map { try Tensor($0, shape: shape) })
    ]
  }
}
