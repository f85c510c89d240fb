internal import Results

/// Small words of sentences.
enum English {
  /// Returns a number with its noun, e.g. `1 run` or `36 runs`.
  static func count(_ number: Int, _ noun: String) -> String {
    // The axis is named for what it varies.
    let noun = noun == "data" ? "data set" : noun
    return Format.count(number) + " " + (number == 1 ? noun : plural(noun))
  }

  private static func plural(_ noun: String) -> String {
    if noun.hasSuffix("y"), !noun.hasSuffix("ay"), !noun.hasSuffix("ey") { return noun.dropLast() + "ies" }
    return noun.hasSuffix("ion") && noun.hasPrefix("crit") ? "criteria" : noun.hasSuffix("s") ? noun : noun + "s"
  }

  /// Returns `a, b and c`.
  static func list(_ parts: [String]) -> String {
    guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
    return parts.dropLast().joined(separator: ", ") + " and " + last
  }
}

/// How many runs are in each state.
struct RunStates {
  private let counts: [StudyRunResult.State: Int]

  init(_ runs: [StudyRunResult]) { counts = Dictionary(grouping: runs, by: \.state).mapValues(\.count) }

  /// `33 finished, 2 failed and 1 waiting`.
  var words: String { said(of: [.finished, .failed, .begun, .waiting]) }
  /// The same without those that have finished.
  var unfinishedWords: String { said(of: [.failed, .begun, .waiting]) }

  private func said(of states: [StudyRunResult.State]) -> String {
    English.list(states.compactMap { state in counts[state].map { "\(Format.count($0)) \(state.rawValue)" } })
  }
}
