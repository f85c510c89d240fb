/// How a layer's weights are stored, and so which kernel multiplies them.
public enum LayerKernel: Hashable, Sendable, CustomStringConvertible {
  /// All of them.
  case dense
  /// Those that are not 0; so many input channels at a time, nil for all, and so many vectors of 16 values.
  case sparse(channels: Int?, vectors: Int = 8)
  /// Blocks of a shape in which a weight is not 0; so many input channels at a time, nil for all.
  case blocks(BlockShape, channels: Int? = nil)

  /// As a profile and a table write it: `dense`, `sparse:all×8`, or `sparse:16×8` for 16 channels and tiles of 8 vectors at a time;
  /// `block:4×4` and `kernel` for all channels at a time, `block:4×4:24` and `kernel:24` for 24.
  public var description: String {
    switch self {
    case .dense: "dense"
    case .sparse(let channels, let vectors): "sparse:\(channels.map(String.init) ?? "all")×\(vectors)"
    case .blocks(let shape, let channels): shape.description + (channels.map { ":\($0)" } ?? "")
    }
  }

  /// The kernel as a layer with so many input channels has it: a number of them at a time that it does not have is all of them.
  public func limited(to channels: Int) -> LayerKernel {
    switch self {
    case .sparse(let given?, let vectors) where given >= channels: .sparse(channels: nil, vectors: vectors)
    case .blocks(let shape, let given?) where given >= channels: .blocks(shape)
    default: self
    }
  }

  /// Reads what ``description`` writes; nil for anything else.
  public init?(_ text: String) {
    if text == "dense" {
      self = .dense
      return
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    func channels(_ text: String) -> Int? { Int(text).flatMap { (1...1 << 20).contains($0) ? $0 : nil } }
    for count in 1...2 where parts.count >= count && parts.count <= count + 1 {
      guard let shape = BlockShape(parts.prefix(count).joined(separator: ":")) else { continue }
      if parts.count == count {
        self = .blocks(shape)
        return
      }
      guard let channels = channels(parts[count]) else { return nil }
      self = .blocks(shape, channels: channels)
      return
    }
    guard parts.count == 2, parts[0] == "sparse" else { return nil }
    let sizes = parts[1].split(omittingEmptySubsequences: false) { $0 == "×" || $0 == "x" }.map(String.init)
    guard sizes.count == 2, let vectors = Int(sizes[1]), (1...28).contains(vectors) else { return nil }
    if sizes[0] == "all" {
      self = .sparse(channels: nil, vectors: vectors)
      return
    }
    guard let channels = channels(sizes[0]) else { return nil }
    self = .sparse(channels: channels, vectors: vectors)
  }
}
