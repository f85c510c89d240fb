/// How a layer's weights are stored, and so which kernel multiplies them.
public enum LayerKernel: Hashable, Sendable, CustomStringConvertible {
  /// All of them.
  case dense
  /// Those that are not 0; so many input channels at a time, nil for all, and so many vectors of 16 values.
  case sparse(channels: Int?, vectors: Int = 8)

  /// As a profile and a table write it: `dense`, `sparse:all×8`, or `sparse:16×8` for 16 channels and tiles of 8 vectors at a time.
  public var description: String {
    switch self {
    case .dense: "dense"
    case .sparse(let channels, let vectors): "sparse:\(channels.map(String.init) ?? "all")×\(vectors)"
    }
  }

  /// Reads what ``description`` writes; nil for anything else.
  public init?(_ text: String) {
    if text == "dense" {
      self = .dense
      return
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "sparse" else { return nil }
    let sizes = parts[1].split(separator: "×", omittingEmptySubsequences: false)
    guard sizes.count == 2, let vectors = Int(sizes[1]), (1...28).contains(vectors) else { return nil }
    if sizes[0] == "all" {
      self = .sparse(channels: nil, vectors: vectors)
      return
    }
    guard let channels = Int(sizes[0]), (1...1 << 20).contains(channels) else { return nil }
    self = .sparse(channels: channels, vectors: vectors)
  }
}
