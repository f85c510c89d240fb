public import Networks

/// The place where a unit's value a, its gradient and its mean are taken (Mean Replacement Pruning, anonymous, 2019).
///
/// The two differ after pooling: a maximum passes on one of several positions, and the mean of maxima is not the maximum of means.
public enum MeanPlace: String, Codable, Hashable, Sendable, CaseIterable {
  /// The layer's output after its norm and activation, before pooling, as in the paper.
  case output
  /// The value that the consumers see, also after pooling, dropout and flattening.
  case consumer
}

extension Network {
  /// Returns the node whose value is taken as the value of a layer's units.
  ///
  /// `.output` follows the layer's only reader through norms up to and including the first activation; `.consumer` goes on through norms,
  /// activations, pooling, dropout and flattening, up to the value that a layer, a sum, a concatenation or several nodes read, or that is
  /// an output.
  public func scoredNode(of layer: String, place: MeanPlace) -> String { NetworkIndex(self).scoredNode(of: layer, place: place) }
}

extension NetworkIndex {
  /// Returns the node whose value is taken as the value of a layer's units; see `Network.scoredNode`.
  func scoredNode(of layer: String, place: MeanPlace) -> String {
    guard place == .consumer else { return observedNode(of: layer, preActivation: false) }
    var current = layer
    while !isOutput(current) {
      let readers = consumers(of: current)
      guard readers.count == 1, let reader = readers.first else { return current }
      switch reader.operation {
      case .batchNorm, .groupNorm, .channelNorm, .channelAffine, .localResponseNorm, .activation, .prelu, .softmax, .maxPool, .averagePool,
        .adaptiveAveragePool, .adaptiveMaxPool, .pad, .resize, .arrange, .roll, .dropout, .flatten:
        current = reader.name
      case .input, .linear, .convolution, .add, .subtract, .multiply, .concat, .narrow, .indexSelect, .subsamplePad, .attention,
        .classToken,
        .positionEmbedding, .opaque:
        return current
      }
    }
    return current
  }
}
