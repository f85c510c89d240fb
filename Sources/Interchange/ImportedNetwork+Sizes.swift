internal import Networks

extension ImportedNetwork {
  /// Reads the graph of a model for images of a height and width.
  ///
  /// - Parameter channels: channels of the images; nil for those that the file says, or else the first of 3 and 1 that the network takes.
  /// - Throws: ``InterchangeError`` for a file that is damaged, or a network that does not take such images; `FileError` if it cannot be
  ///   opened.
  public init(contentsOf path: String, height: Int, width: Int, channels: Int?) throws {
    func read(_ channels: Int) throws -> ImportedNetwork {
      try ImportedNetwork(contentsOf: path, input: .image(channels: channels, height: height, width: width))
    }
    // Channels stand behind the batch, or last; only the operations that read them tell which.
    let sizes = try ONNXGraph(contentsOf: path).inputs.first?.dimensions ?? []
    let said = sizes.count > 2 ? [sizes[1], sizes[sizes.count - 1]].compactMap(\.self) : []
    let candidates = channels.map { [$0] } ?? (said.contains(3) ? [3] : said.contains(1) ? [1] : []) + said + [3, 1]
    let first = Result { try read(candidates[0]) }
    if let found = try? first.get() {
      self = found
    } else {
      self = try candidates.dropFirst().lazy.compactMap { try? read($0) }.first ?? first.get()
    }
  }

  /// Whether a model leaves sizes of its first input open, so that it has no shape of its own.
  ///
  /// - Throws: ``InterchangeError`` for a file that is damaged; `FileError` if it cannot be opened.
  public static func hasOpenSizes(_ path: String) throws -> Bool {
    try ONNXGraph(contentsOf: path).inputs.first?.dimensions?.dropFirst().contains(nil) ?? false
  }
}
