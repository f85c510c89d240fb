/// An error of reading a file of another program; its description is one line.
public enum InterchangeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file is damaged or hostile, or holds something that no network here can be.
  case reading(path: String, problem: String)

  /// The message in one line, with the path.
  public var description: String {
    switch self {
    case .reading(let path, let problem): "cannot read \(path): \(problem)"
    }
  }
}

/// What is wrong with a file, while its path is not known.
struct FileProblem: Error {
  let text: String
  init(_ text: String) { self.text = text }
}
