/// Multi-head scaled dot-product attention (Vaswani et al. 2017): softmax(s·q·kᵀ)·v in each head, where positions of an image or of a
/// sequence (an image of height 1) attend to each other.
///
/// Reads queries, keys and values, the outputs of layers that its node does not contain: `heads`·`keyWidth` channels of the first two and
/// `heads`·`valueWidth` of the third, a head's side by side. Keys and values have the same positions, and the result has the queries'.
public struct Attention: Hashable, Sendable {
  /// What can be removed from attention as one.
  public enum Unit: String, Codable, Hashable, Sendable, CaseIterable {
    /// A whole head with all its queries, keys and values (Michel et al. 2019).
    case head
    /// A channel of all heads, which stay equally wide: of queries and keys together, or of values.
    case width
  }

  /// Heads, which attend independently of each other.
  public var heads: Int
  /// Channels of a query, and of a key, in each head.
  public var keyWidth: Int
  /// Channels of a value in each head.
  public var valueWidth: Int
  /// The factor s of the scores. It stays what it was when channels of queries and keys leave.
  public var scale: Double
  /// What leaves as one unit.
  public var unit: Unit

  /// Creates an attention whose heads are equally wide in queries, keys and values, by default with the scale 1/√width.
  public init(heads: Int, width: Int, valueWidth: Int? = nil, scale: Double? = nil, unit: Unit = .head) {
    self.heads = heads
    keyWidth = width
    self.valueWidth = valueWidth ?? width
    self.scale = scale ?? 1 / Double(max(width, 1)).squareRoot()
    self.unit = unit
  }

  /// Channels of queries, and of keys, over all heads.
  var keys: Int { heads * keyWidth }
  /// Channels of values over all heads.
  var values: Int { heads * valueWidth }

  /// Returns the attention without some of its channels, counted through queries, keys and values.
  func narrowed(losing lost: Set<Int>) -> Attention {
    var result = self
    switch unit {
    case .head: result.heads -= lost.count / max(2 * keyWidth + valueWidth, 1)
    case .width:
      let inScores = lost.count { $0 < 2 * keys }
      result.keyWidth -= inScores / max(2 * heads, 1)
      result.valueWidth -= (lost.count - inScores) / max(heads, 1)
    }
    return result
  }
}

extension Network {
  /// Returns the network with another unit of all its attention.
  ///
  /// - Throws: ``NetworkError/removal(layer:problem:)`` if there is no attention, or channels have left by units of the other kind: the denominators of
  ///   counts would change.
  public func withAttentionUnit(_ unit: Attention.Unit) throws -> Network {
    var (network, present) = (self, Set<Attention.Unit>())
    for (index, node) in nodes.enumerated() {
      guard case .attention(var layer) = node.operation else { continue }
      present.insert(layer.unit)
      layer.unit = unit
      network.nodes[index].operation = .attention(layer)
    }
    guard !present.isEmpty else {
      throw NetworkError.removal(layer: name, problem: "there is no attention whose unit could be the \(unit.rawValue)")
    }
    guard lineage == nil || present == [unit] else {
      throw NetworkError.removal(layer: name, problem: "units have left already, so that of its attention stays what it was")
    }
    return network
  }
}

/// A learned number for each channel at each position, which is added (Dosovitskiy et al. 2021).
public struct PositionEmbedding: Hashable, Sendable {
  /// Channels of the image or sequence.
  public var features: Int
  /// Rows of positions; 1 for a sequence.
  public var height: Int
  /// Columns of positions, the length of a sequence.
  public var width: Int

  /// Creates an embedding of the positions of an image.
  public init(_ features: Int, height: Int, width: Int) {
    self.features = features
    self.height = height
    self.width = width
  }
}
