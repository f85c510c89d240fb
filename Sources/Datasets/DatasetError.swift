/// What a data set could not be loaded, divided or fetched for; the description is one line for the user.
public enum DatasetError: Error, Equatable, CustomStringConvertible {
  /// No data set of this name, and the nearest known one.
  case unknownName(String, suggestion: String?, known: [String])
  /// Files of a data set are not where they were looked for.
  case missingFiles(dataset: String, directory: String, files: [String], isIncomplete: Bool)
  /// A file is there but is not what it should be.
  case badFile(path: String, problem: String)
  /// Something impossible was asked of a data set, e.g. a subset larger than itself.
  case badRequest(String)
  /// A file could not be fetched.
  case download(url: String, problem: String)

  /// One line: what was given, what is possible, where.
  public var description: String {
    switch self {
    case .unknownName(let name, let suggestion, let known):
      let hint = suggestion.map { "; did you mean \($0)?" } ?? "."
      return "unknown data set \"\(name)\"\(hint) Known: \(known.joined(separator: ", "))"
    case .missingFiles(let dataset, let directory, let files, let isIncomplete):
      let state = isIncomplete ? "is incomplete in \(directory): missing" : "is not in \(directory): looked for"
      return "\(dataset) \(state) \(files.joined(separator: ", ")); "
        + "run \"espalier data fetch \(dataset) --data-dir \(directory)\""
    case .badFile(let path, let problem): return "\(path): \(problem)"
    case .badRequest(let problem): return problem
    case .download(let url, let problem): return "\(url): \(problem)"
    }
  }
}
