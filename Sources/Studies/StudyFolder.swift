internal import Files
internal import Foundation
public import Results

/// The folder of a study below a store's root: `recipe.yaml`, as it was run, and `study.json`, its runs with their keys.
public struct StudyFolder: Hashable, Sendable {
  /// Path of the folder.
  public let path: String
  /// The store with its runs.
  public let store: RunStore

  /// Names the folder of a recipe's study below a root; nothing is created.
  public init(_ recipe: Recipe, in root: String) {
    store = RunStore(root)
    path = "\(root)/\(recipe.folderName)"
  }

  /// Finds a study's folder by its path.
  ///
  /// - Throws: ``StoreError`` if there is no study.
  public init(_ path: String) throws {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    // What lies above such a folder is not in its path.
    if [".", ".."].contains(path.split(separator: "/").last) { path = URL(fileURLWithPath: path).standardizedFileURL.path }
    guard FileManager.default.fileExists(atPath: path + "/study.json") else {
      throw StoreError("\(path) is not a study: it has no study.json; \"espalier study run RECIPE\" makes one", isMissing: true)
    }
    let root = URL(fileURLWithPath: path).deletingLastPathComponent()
    self.path = path
    store = RunStore(path.contains("/") ? root.relativePath : ".")
  }

  private static let mostBytes = 64_000_000

  /// What a study's folder holds.
  public struct Content: Codable, Hashable, Sendable {
    /// Version of the layout.
    public var format = 1
    /// The question, in a sentence or two.
    public var about: String
    /// The scale that it runs at; nil if the recipe has none.
    public var scale: String?
    /// The axes of its grid.
    public var axes: [StudyAxis]
    /// The runs with their keys.
    public var plan: StudyPlan

    /// Creates the content of a recipe's study.
    public init(_ recipe: Recipe, _ plan: StudyPlan) {
      about = recipe.about
      scale = recipe.scale
      axes = recipe.studyAxes
      self.plan = plan
    }
  }

  /// Writes a study down, or finds that it is already there.
  ///
  /// - Parameter replaces: whether another recipe takes the place of the one that is there; runs that both have stay.
  /// - Throws: ``StoreError`` if the folder holds another study.
  public func begin(_ recipe: Recipe, _ plan: StudyPlan, replaces: Bool) throws {
    try Folder.make(path)
    let file = path + "/recipe.yaml"
    if !replaces, FileManager.default.fileExists(atPath: file) {
      let known = String(decoding: try RegularFile.read(file, limit: Self.mostBytes), as: UTF8.self)
      if known != recipe.text {
        let (old, new) = (
          known.split(separator: "\n", omittingEmptySubsequences: false),
          recipe.text.split(separator: "\n", omittingEmptySubsequences: false)
        )
        let line = zip(old, new).enumerated().first { $1.0 != $1.1 }.map { $0.offset } ?? min(old.count, new.count)
        throw StoreError(
          "\(path) holds another study: its recipe differs from \(recipe.file) at line \(line + 1); give --extend to go on with the new one, "
            + "or another --into")
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(Data(recipe.text.utf8), to: file)
    try AtomicFile.write(try encoder.encode(Content(recipe, plan)) + Data("\n".utf8), to: path + "/study.json")
  }

  /// Reads the study's runs.
  ///
  /// - Throws: ``StoreError`` if the file is not one of ours.
  public func content() throws -> Content {
    let file = path + "/study.json"
    do {
      return try JSONDecoder().decode(Content.self, from: try RegularFile.read(file, limit: Self.mostBytes))
    } catch let error as FileError { throw StoreError("\(error)") } catch {
      throw StoreError("\(file) is damaged; \"espalier study run RECIPE\" writes it anew")
    }
  }

  /// The text of the recipe, as it was run.
  public func recipe() throws -> String {
    do { return String(decoding: try RegularFile.read(path + "/recipe.yaml", limit: Self.mostBytes), as: UTF8.self) } catch {
      throw StoreError("\(error)")
    }
  }

  /// Returns what the study knows now.
  ///
  /// - Parameters:
  ///   - claims: its claims.
  ///   - program: the program's name, for command lines that repeat a run.
  /// - Throws: ``StoreError`` if a row has changed since its run finished.
  public func result(claims: [Claim] = [], program: String = "espalier") throws -> StudyResult {
    let content = try content()
    var rows: [String: RunRecord] = [:]
    let states = states(of: content.plan)
    for (run, (state, _)) in zip(content.plan.runs, states) where state == .finished { rows[run.key] = try store.row(run.key) }
    var runs: [StudyRunResult] = []
    for (run, (state, failure)) in zip(content.plan.runs, states) {
      for place in run.places {
        runs.append(
          StudyRunResult(
            key: run.key, place: place, state: state, failure: failure, command: [program] + run.arguments, row: rows[run.key]))
      }
    }
    runs.sort { a, b in order(a.place, content.axes).lexicographicallyPrecedes(order(b.place, content.axes)) }
    let name = URL(fileURLWithPath: path).lastPathComponent
    var result = StudyResult(
      name: name, about: content.about, scale: content.scale, axes: content.axes, runs: runs, recipe: try recipe())
    result.claims = claims.map { $0.result(result, evidence: path) }
    return result
  }

  /// How far each run of a plan has come, in the plan's order, with the reason of those that failed; what starts from a run that failed has
  /// failed with it.
  func states(of plan: StudyPlan) -> [(state: StudyRunResult.State, failure: String?)] {
    var failed: [String: String] = [:]
    return plan.runs.map { run in
      var state = store.state(run.key)
      var failure = state == .failed ? store.failure(run.key) : nil
      if state != .finished, let from = run.from, let reason = failed[from] {
        (state, failure) = (.failed, "the run that it starts from failed: \(reason)")
      }
      if state == .failed { failed[run.key] = failure ?? "" }
      return (state, failure)
    }
  }

  private func order(_ place: [String: String], _ axes: [StudyAxis]) -> [Int] {
    axes.map { axis in place[axis.name].flatMap(axis.values.firstIndex) ?? axis.values.count }
  }
}
