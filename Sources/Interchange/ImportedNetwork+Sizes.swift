extension ImportedNetwork {
  /// Whether a model leaves sizes of its first input open, so that it has no shape of its own.
  ///
  /// - Throws: ``InterchangeError`` for a file that is damaged; `FileError` if it cannot be opened.
  public static func hasOpenSizes(_ path: String) throws -> Bool {
    try ONNXGraph(contentsOf: path).inputs.first?.dimensions?.dropFirst().contains(nil) ?? false
  }
}
