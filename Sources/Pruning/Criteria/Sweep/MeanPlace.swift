public import Networks

/// Where a unit's value a, its gradient and its mean are taken (Mean Replacement Pruning, anonymous, 2019).
///
/// The two differ behind pooling: a maximum passes on one position of several, and the mean of maxima is not the maximum of means.
public enum MeanPlace: String, Codable, Hashable, Sendable, CaseIterable {
  /// The layer's output after its norm and activation, before pooling: the paper's.
  case output
  /// The value that the consumers see: also after pooling, dropout and flattening.
  case consumer
}

extension Network {
  /// The node at which a layer's units are looked at.
  ///
  /// `.output` follows the layer's only reader through norms and activations up to the first activation; `.consumer` through
  /// norms, activations, pooling, dropout and flattening, up to the value that a layer, a sum, a concatenation or several
  /// nodes read, or that is an output.
  public func scoredNode(of layer: String, place: MeanPlace) -> String { NetworkIndex(self).scoredNode(of: layer, place: place) }
}

extension NetworkIndex {
  /// The node at which a layer's units are looked at; see ``Networks/Network/scoredNode(of:place:)``.
  func scoredNode(of layer: String, place: MeanPlace) -> String {
    guard place == .consumer else { return observedNode(of: layer, preActivation: false) }
    var current = layer
    while !isOutput(current) {
      let readers = consumers(of: current)
      guard readers.count == 1, let reader = readers.first else { return current }
      switch reader.operation {
      case .batchNorm, .groupNorm, .activation, .maxPool, .averagePool, .adaptiveAveragePool, .dropout, .flatten: current = reader.name
      case .input, .linear, .convolution, .add, .concat, .narrow, .subsamplePad: return current
      }
    }
    return current
  }
}
