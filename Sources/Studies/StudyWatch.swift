internal import Crypto
internal import Foundation
internal import Results

/// Sees how far a study has come, as often as one likes: by which files are there, of which it reads `study.json`, and that only anew when it
/// was replaced.
public struct StudyWatch: Sendable {
  /// The study that is watched.
  public let folder: StudyFolder
  private var content: (stamp: [String], value: StudyFolder.Content)?

  /// Watches a study; nothing is looked at yet.
  public init(_ folder: StudyFolder) { self.folder = folder }

  /// Looks at the study.
  ///
  /// - Throws: ``StoreError`` if `study.json` is missing or not one of ours.
  public mutating func look() throws -> StudyPulse {
    let stamp = Self.stamp(folder.path + "/study.json")
    if content?.stamp != stamp { content = (stamp, try folder.content()) }
    guard let plan = content?.value.plan else { return StudyPulse(version: "") }
    var (counts, seen) = ([StudyRunResult.State: Int](), SHA256())
    seen.update(data: Data(stamp.joined(separator: " ").utf8))
    for (run, (state, failure)) in zip(plan.runs, folder.states(of: plan)) {
      counts[state, default: 0] += run.places.count
      seen.update(data: Data("\n\(state.rawValue) \(failure ?? "")".utf8))
    }
    return StudyPulse(
      version: String(seen.finalize().hexadecimal.prefix(16)), finished: counts[.finished] ?? 0, begun: counts[.begun] ?? 0,
      failed: counts[.failed] ?? 0, waiting: counts[.waiting] ?? 0)
  }

  /// What changes when a file is replaced: its number, size and time.
  private static func stamp(_ path: String) -> [String] {
    guard let facts = try? FileManager.default.attributesOfItem(atPath: path) else { return [] }
    let time = (facts[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
    return ["\(facts[.systemFileNumber] ?? 0)", "\(facts[.size] ?? 0)", "\(time)"]
  }
}

/// How far a study has come at a moment.
public struct StudyPulse: Codable, Hashable, Sendable {
  /// Sixteen hexadecimal digits that are others when the study's recipe, or the state of one of its runs, is another.
  public var version: String
  /// Runs that have a row. As everywhere, a run that several places of the grid share counts for each.
  public var finished = 0
  /// Runs that a process works on, or that have a checkpoint to go on from.
  public var begun = 0
  /// Runs that ended with an error, or start from one that did.
  public var failed = 0
  /// Runs of which nothing was done yet.
  public var waiting = 0
  /// Why the study cannot be read, in one line; nil if it can.
  public var problem: String?

  /// Creates a pulse; every parameter sets the property of the same name.
  public init(version: String, finished: Int = 0, begun: Int = 0, failed: Int = 0, waiting: Int = 0, problem: String? = nil) {
    (self.version, self.finished, self.begun, self.failed, self.waiting) = (version, finished, begun, failed, waiting)
    self.problem = problem
  }

  /// The pulse of a study that cannot be read, with the reason.
  public init(problem: String) {
    self.init(version: String(SHA256.hash(data: Data(problem.utf8)).hexadecimal.prefix(16)), problem: problem)
  }
}
