/// An error of loading, splitting or fetching a data set; the description is one line for the user.
public enum DatasetError: Error, Equatable, CustomStringConvertible {
  /// There is no data set with this name; `suggestion` is the nearest known one.
  case unknownName(String, suggestion: String?, known: [String])
  /// Files of a data set are missing; `isIncomplete` says that some of its files were found.
  case missingFiles(dataset: String, directory: String, files: [String], isIncomplete: Bool)
  /// A file exists but is damaged or not what it should be.
  case badFile(path: String, problem: String)
  /// An impossible request, e.g. a subset larger than the set.
  case badRequest(String)
  /// A file could not be fetched.
  case download(url: String, problem: String)

  /// The message in one line: what was given, what is possible, where.
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
