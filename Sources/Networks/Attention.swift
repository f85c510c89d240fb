/// Multi-head scaled dot-product attention (Vaswani et al. 2017): softmax(s·q·kᵀ)·v in each head, where positions of an image or of a
/// sequence (an image of height 1) attend to each other.
///
/// Reads queries, keys and values, the outputs of layers that its node does not contain: `heads`·`keyWidth` channels of the first two and
/// `heads`·`valueWidth` of the third, a head's side by side. Keys and values have the same positions, and the result has the queries'.
///
/// Within windows (Liu et al. 2021, Tu et al. 2022) positions attend to those of their window alone. Each head may add a learned number to the
/// score of each pair of positions (relative position bias, as a table of all pairs), and compare by cosines times a learned number of its
/// own (Liu et al. 2022): its node's `bias`, [heads, queries, keys], and `weight`, [heads].
public struct Attention: Hashable, Sendable {
  /// What can be removed from attention as one.
  public enum Unit: String, Codable, Hashable, Sendable, CaseIterable {
    /// A whole head with all its queries, keys and values (Michel et al. 2019).
    case head
    /// A channel of all heads, which stay equally wide: of queries and keys together, or of values.
    case width
  }

  /// Windows of equal size that an image is divided into.
  public struct Window: Hashable, Sendable {
    /// Rows and columns of pixels in a window, which divide those of the image.
    public var size: Extent
    /// Whether a window's pixels lie at equal distances over the whole image (MaxViT's grid) rather than side by side.
    public var isGrid: Bool
    /// Rows and columns by which the image was rolled before (Swin's shifted windows): the last so many of the windows at the bottom and at the
    /// right came from the other side, and pairs of which one did get −100 added to their score.
    public var shift: Extent

    /// Creates windows, by default of pixels side by side in an image that was not rolled.
    public init(_ size: Extent, isGrid: Bool = false, shift: Extent = Extent(0)) {
      self.size = size
      self.isGrid = isGrid
      self.shift = shift
    }
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
  /// What positions attend to; nil for all of them.
  public var window: Window?
  /// How many queries and keys, in one window, each head has a learned number for each pair of; nil without such numbers.
  public var bias: Extent?
  /// Whether queries and keys are divided by their length in each head, and each head multiplies their products by a learned number.
  public var isCosine: Bool

  /// Creates an attention whose heads are equally wide in queries, keys and values, by default with the scale 1/√width, or 1 for cosines, over
  /// all positions and without a learned bias.
  public init(
    heads: Int, width: Int, valueWidth: Int? = nil, scale: Double? = nil, unit: Unit = .head, window: Window? = nil, bias: Extent? = nil,
    isCosine: Bool = false
  ) {
    self.heads = heads
    keyWidth = width
    self.valueWidth = valueWidth ?? width
    self.scale = scale ?? (isCosine ? 1 : 1 / Double(max(width, 1)).squareRoot())
    self.unit = unit
    self.window = window
    self.bias = bias
    self.isCosine = isCosine
  }

  /// Channels of queries, and of keys, over all heads.
  var keys: Int { heads * keyWidth }
  /// Channels of values over all heads.
  var values: Int { heads * valueWidth }

  /// Returns the heads that leave with some of the channels, counted through queries, keys and values.
  func heads(losing lost: Set<Int>) -> Set<Int> {
    guard unit == .head else { return [] }
    return Set(lost.lazy.filter { $0 < keys }.map { $0 / max(keyWidth, 1) })
  }

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
