public import Results

/// One run of a recipe's grid before it is resolved: a command with its options at a place.
public struct GridRun: Hashable, Sendable {
  /// The run's place on each axis.
  public var place: [String: String]
  /// The command.
  public var command: String
  /// The options, each once, those said last.
  public var settings: [Recipe.Setting]
  /// Place of the run whose model this one starts from; nil if it starts by itself.
  public var from: [String: String]?
  /// Where the recipe names the place that says most of the run, for errors of no single option.
  public var origin: RecipeError.Place?

  /// The words of the command line after the program's name.
  ///
  /// - Parameters:
  ///   - model: path of the model that the run starts from.
  ///   - dataset: the data set of that model, which the run goes on with if it names none.
  public func arguments(model: String?, dataset: String? = nil) -> [String] {
    var settings = settings
    if let dataset, !settings.contains(where: { $0.option == "dataset" }) { settings.append(.init("dataset", .text(dataset))) }
    return [command] + (model.map { [$0] } ?? settings.compactMap(\.model))
      + settings.filter { $0.model == nil }.flatMap { setting -> [String] in
        switch setting.value {
        case .text(let value): Self.words(setting.option, value)
        case .texts(let values): values.flatMap { Self.words(setting.option, $0) }
        case .flag: ["--\(setting.option)"]
        case .none: []
        }
      }
  }

  private static func words(_ option: String, _ value: String) -> [String] {
    value.hasPrefix("-") ? ["--\(option)=\(value)"] : ["--\(option)", value]
  }
}

extension Recipe {
  /// The axes with the names of their places.
  public var studyAxes: [StudyAxis] { axes.map { StudyAxis(name: $0.name, values: $0.places.map(\.name)) } }

  /// The most runs that a grid may have.
  static let mostRuns = 100_000

  /// Returns the runs of the grid, the last axis running fastest, every run after the one that it starts from.
  ///
  /// - Throws: ``RecipeError`` for a grid that is too large, and for runs that start from each other in a circle.
  public func grid() throws(RecipeError) -> [GridRun] {
    let count = axes.reduce(1) { $0.multipliedReportingOverflow(by: $1.places.count).overflow ? .max : $0 * $1.places.count }
    guard count <= Self.mostRuns else {
      throw RecipeError(
        file: file, problem: "the grid has \(count == .max ? "far" : "\(count)") runs: at most \(Self.mostRuns) are possible")
    }
    var places: [[(axis: Axis, name: String, entry: Entry)]] = [[]]
    for axis in axes { places = places.flatMap { place in axis.places.map { place + [(axis, $0.name, $0.entry)] } } }
    return try inOrder(places.map(run))
  }

  private func run(_ place: [(axis: Axis, name: String, entry: Entry)]) -> GridRun {
    let (values, named) = (place.filter { !$0.axis.isNamed }.map(\.entry), place.filter(\.axis.isNamed).map(\.entry))
    var settings: [Setting] = []
    for entry in [shared] + values + named {
      for setting in entry.settings {
        if let index = settings.firstIndex(where: { $0.option == setting.option }) {
          settings[index] = setting
        } else {
          settings.append(setting)
        }
      }
    }
    let own = Dictionary(place.map { ($0.axis.name, $0.name) }, uniquingKeysWith: { $1 })
    let from = named.lazy.compactMap(\.from).last.map { own.merging($0) { $1 } }
    return GridRun(
      place: own, command: named.lazy.compactMap(\.command).last ?? shared.command ?? "prune",
      settings: settings.filter { $0.value != .none }, from: from, origin: named.last?.place ?? values.last?.place)
  }

  private func inOrder(_ runs: [GridRun]) throws(RecipeError) -> [GridRun] {
    var (waiting, done, result) = (runs, Set<[String: String]>(), [GridRun]())
    let known = Set(runs.map(\.place))
    while !waiting.isEmpty {
      let ready = waiting.filter { run in run.from.map { done.contains($0) || !known.contains($0) } ?? true }
      guard !ready.isEmpty else {
        throw RecipeError(file: file, place: waiting[0].origin, problem: "runs start from each other in a circle")
      }
      if let lost = ready.first(where: { run in run.from.map { !known.contains($0) } ?? false }) {
        throw RecipeError(file: file, place: lost.origin, problem: "from: there is no such run at this scale")
      }
      result += ready
      done.formUnion(ready.map(\.place))
      waiting.removeAll { done.contains($0.place) }
    }
    return result
  }
}
