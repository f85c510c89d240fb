/// How a layer's weights are stored, and so which kernel multiplies them.
public enum LayerKernel: Hashable, Sendable, CustomStringConvertible {
  /// All of them.
  case dense
  /// Those that are not 0; so many input channels at a time, nil for all.
  case sparse(channels: Int?)

  /// As a profile and a table write it: `dense`, `sparse`, or `sparse:16` for 16 channels at a time.
  public var description: String {
    switch self {
    case .dense: "dense"
    case .sparse(nil): "sparse"
    case .sparse(let channels?): "sparse:\(channels)"
    }
  }

  /// Reads what ``description`` writes; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    switch (parts.first, parts.count) {
    case ("dense", 1): self = .dense
    case ("sparse", 1): self = .sparse(channels: nil)
    case ("sparse", 2):
      guard let channels = Int(parts[1]), (1...1 << 20).contains(channels) else { return nil }
      self = .sparse(channels: channels)
    default: return nil
    }
  }
}
