internal import Crypto
internal import Foundation

/// What decides the result of a run, found by the command that will carry it out.
public struct ResolvedRun: Hashable, Sendable {
  /// All settings, defaults included, as canonical JSON; without paths that do not affect the result.
  public var settings: String
  /// Fingerprint of the data; nil if there are none.
  public var data: String?
  /// Name of what the run writes in its folder, e.g. `model.safetensors`.
  public var artefact: String
  /// Name of its data set, on which runs that start from its model go on unless they name another.
  public var dataset: String?

  /// Creates a resolved run; every parameter sets the property of the same name.
  public init(settings: String, data: String?, artefact: String, dataset: String? = nil) {
    self.settings = settings
    self.data = data
    self.artefact = artefact
    self.dataset = dataset
  }
}

/// A run of a study with its key.
public struct PlannedRun: Codable, Hashable, Sendable {
  /// SHA-256 of ``identity``, the first 32 of its hexadecimal digits. Runs of the same key are the same run, in whatever study.
  public var key: String
  /// Everything that decides the result.
  public var identity: Identity
  /// The run's places in the grid: several, if the options that tell them apart do not matter to it.
  public var places: [[String: String]]
  /// The words of the command line after the program's name, without where it writes.
  public var arguments: [String]
  /// Key of the run whose model it starts from.
  public var from: String?
  /// Name of what it writes in its folder.
  public var artefact: String

  /// Everything that decides the result of a run.
  public struct Identity: Codable, Hashable, Sendable {
    /// The program's version and that of libtorch.
    public var tool: String
    /// All settings.
    public var settings: String
    /// Fingerprint of the data.
    public var data: String?
    /// Key of the run that it starts from.
    public var from: String?

    /// The key.
    var key: String {
      let parts = [tool, settings, data ?? "", from ?? ""]
      // Lengths keep two parts from being taken for other two.
      let text = parts.map { "\($0.utf8.count):\($0)" }.joined()
      return SHA256.hash(data: Data(text.utf8)).prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
  }
}

/// A study that is ready to run: the runs of its grid, resolved and keyed, each once, in an order in which they can be carried out.
public struct StudyPlan: Codable, Hashable, Sendable {
  /// Name of the study, with its scale: `lottery-tickets-smoke`.
  public var name: String
  /// The runs.
  public var runs: [PlannedRun]

  /// Resolves the runs of a recipe.
  ///
  /// - Parameters:
  ///   - store: where runs are kept; models of others are given by their paths in it.
  ///   - tool: the program's version and that of libtorch.
  ///   - resolve: returns what decides the result of a command line; its errors get the place of the option that they name.
  /// - Throws: ``RecipeError``; and what `resolve` throws if it is about no option.
  public init(_ recipe: Recipe, in store: RunStore, tool: String, resolve: (_ arguments: [String]) throws -> ResolvedRun) throws {
    name = recipe.folderName
    runs = []
    var indices: [String: Int] = [:]
    var byPlace: [[String: String]: (run: PlannedRun, dataset: String?)] = [:]
    for run in try recipe.grid() {
      let (start, dataset) = run.from.flatMap { byPlace[$0] }.map { ($0.run, $0.dataset) } ?? (nil, nil)
      let arguments = run.arguments(model: start.map { store.path($0.artefact, of: $0.key) }, dataset: dataset)
      let resolved: ResolvedRun
      do { resolved = try resolve(arguments) } catch { throw recipe.error(error, of: run) }
      let identity = PlannedRun.Identity(tool: tool, settings: resolved.settings, data: resolved.data, from: start?.key)
      let key = identity.key
      if let index = indices[key] {
        runs[index].places.append(run.place)
      } else {
        indices[key] = runs.count
        runs.append(
          PlannedRun(
            key: key, identity: identity, places: [run.place], arguments: arguments, from: start?.key, artefact: resolved.artefact))
      }
      byPlace[run.place] = indices[key].map { (runs[$0], resolved.dataset) }
    }
  }
}

extension Recipe {
  /// Name of the study's folder: its name and its scale.
  public var folderName: String { scale.map { "\(name)-\($0)" } ?? name }

  /// Tells an error of a run's command line at the option that it names, or whose value it quotes.
  func error(_ error: any Error, of run: GridRun) -> any Error {
    let words = "\(error)"
    func isNamed(_ setting: Setting) -> Bool {
      if case .text(let value) = setting.value, words.contains(value.debugDescription) { return true }
      return words.contains("--\(setting.option)")
    }
    let named = run.settings.filter(isNamed).max { $0.option.count < $1.option.count }
    let place = run.place.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    return RecipeError(file: file, place: named?.place ?? run.origin, problem: "\(words) (\(place))")
  }
}
