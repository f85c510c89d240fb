internal import Foundation
internal import Words
internal import Yams

extension Recipe {
  /// The commands that a recipe may use, by name.
  public typealias Vocabulary = [String: CommandOptions]

  /// An option of a command as the command describes it.
  public struct Option: Hashable, Sendable {
    /// Name without dashes.
    public var name: String
    /// Whether it takes no value.
    public var isFlag: Bool
    /// Whether it may be given several times.
    public var isRepeating: Bool
    /// All values that are possible, if they are few; else empty.
    public var values: [String]
    /// What it does, in a sentence.
    public var help: String

    /// Creates an option; every parameter sets the property of the same name.
    public init(_ name: String, isFlag: Bool = false, isRepeating: Bool = false, values: [String] = [], help: String = "") {
      self.name = name
      self.isFlag = isFlag
      self.isRepeating = isRepeating
      self.values = values
      self.help = help
    }
  }

  /// The options of a command that a recipe may set.
  public struct CommandOptions: Hashable, Sendable {
    /// The options, in the order of the command's help.
    public var options: [Option]
    /// Names of the options, without dashes.
    public var names: [String] { options.map(\.name) }
    /// Names of those that may be given several times.
    public var repeating: Set<String> { Set(options.filter(\.isRepeating).map(\.name)) }

    /// Creates a list of options.
    public init(_ options: [Option]) { self.options = options }

    /// Creates a list of options that take a value, of which nothing is known but the names.
    public init(names: [String], repeating: Set<String> = []) {
      self.init(names.map { Option($0, isRepeating: repeating.contains($0)) })
    }
  }

  /// Parses a recipe and chooses a scale.
  ///
  /// - Parameters:
  ///   - text: the recipe in YAML.
  ///   - file: its path, for messages.
  ///   - scale: name of a scale of the recipe; nil for the first, if there is any.
  ///   - vocabulary: the commands and their options.
  /// - Throws: ``RecipeError`` with the place in the file for anything that is not a recipe.
  public init(yaml text: String, file: String, scale: String? = nil, vocabulary: Vocabulary) throws(RecipeError) {
    self = try RecipeReader(file: file, vocabulary: vocabulary).recipe(text, scale: scale)
  }
}

/// Reads recipes, and says where what is wrong with them.
struct RecipeReader {
  let file: String
  let vocabulary: Recipe.Vocabulary

  static let keys = ["study", "about", "command", "options", "scales", "grid", "claims"]
  static let scaleKeys = ["options", "grid"]

  func recipe(_ text: String, scale: String?) throws(RecipeError) -> Recipe {
    let root = try mapping(compose(text), "a recipe", "study, options and grid")
    try check(root, Self.keys, in: "a recipe")
    guard let named = root["study"] else { throw RecipeError(file: file, problem: "the recipe has no name: begin with study: NAME") }
    let name = try string(named.value, "study")
    try checkName(name, named.value, "study")
    guard !StudyIndex.tables.contains(name) else {
      throw error(named.value, "study: \(name) is a table of the index of all studies: give another name")
    }
    var shared = try root["options"].map { (field) throws(RecipeError) in try settings(field.value) } ?? []
    let command = try root["command"].map { (field) throws(RecipeError) in try self.command(field.value) } ?? "prune"
    guard let grid = root["grid"] else {
      throw RecipeError(file: file, problem: "the recipe has no grid: say which runs it has, e.g. grid: {seed: [0, 1, 2]}")
    }
    var axes = try axes(grid.value)
    let whole = axes
    var chosen: String?
    if let scales = root["scales"] {
      (chosen, axes) = try apply(scales.value, scale, to: axes, &shared)
    } else if let scale {
      throw RecipeError(file: file, problem: "there is no scale \(scale.prefix(80).debugDescription): the recipe has no scales")
    }
    let claims =
      try root["claims"].map { (field) throws(RecipeError) in
        try ClaimReader(self, axes: axes, grid: whole, scales: scaleNames(root)).claims(field.value)
      } ?? []
    try checkOptions(Recipe.Entry(command: command, settings: shared), axes)
    return Recipe(
      name: name, about: try root["about"].map { (field) throws(RecipeError) in try string(field.value, "about") } ?? "", scale: chosen,
      shared: Recipe.Entry(command: command, settings: shared), axes: axes, claims: claims, file: file, text: text)
  }

  private func scaleNames(_ root: Fields) throws(RecipeError) -> [String] {
    guard let scales = root["scales"] else { return [] }
    return try mapping(scales.value, "scales", "smoke: {options: {…}}").fields.map(\.name)
  }

  /// Names of studies and scales are those of folders.
  private func checkName(_ name: String, _ node: Node, _ what: String) throws(RecipeError) {
    guard !name.isEmpty, name.utf8.count <= 64, name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 })
    else {
      throw error(
        node, "\(what): \(name.prefix(80).debugDescription) is not a name: use at most 64 small letters, digits and hyphens")
    }
  }

  // MARK: - Parts

  private func apply(
    _ node: Node, _ name: String?, to axes: [Recipe.Axis], _ shared: inout [Recipe.Setting]
  ) throws(RecipeError) -> (String, [Recipe.Axis]) {
    let scales = try mapping(node, "scales", "smoke: {options: {…}}")
    func fields(_ scale: Fields.Field) throws(RecipeError) -> Fields {
      try isNull(scale.value) ? Fields(fields: []) : mapping(scale.value, "scale \(scale.name)", "options and grid")
    }
    for scale in scales.fields {
      try checkName(scale.name, scale.key, "scales")
      try check(fields(scale), Self.scaleKeys, in: "a scale")
    }
    guard let first = scales.fields.first else { throw error(node, "scales is empty: leave it out") }
    guard let chosen = name.map({ scales[$0] }) ?? first, let name = name ?? Optional(first.name) else {
      throw error(
        node,
        "there is no scale \((name ?? "").prefix(80).debugDescription): the recipe has "
          + scales.fields.map(\.name).joined(separator: ", "))
    }
    let fields = try fields(chosen)
    if let options = fields["options"] { shared += try settings(options.value) }
    guard let grid = fields["grid"] else { return (name, axes) }
    var axes = axes
    for field in try mapping(grid.value, "grid", "seed: [0]").fields {
      guard let index = axes.firstIndex(where: { $0.name == field.name }) else {
        throw error(field.key, "scale \(name) has the axis \(field.name.debugDescription), and the grid has only \(list(axes.map(\.name)))")
      }
      guard axes[index].isNamed else {
        axes[index] = try axis(field)
        continue
      }
      let kept = try strings(field.value, "places of \(field.name)")
      for place in kept where !axes[index].places.contains(where: { $0.name == place.text }) {
        throw unknown(place.node, "place", place.text, axes[index].places.map(\.name))
      }
      axes[index].places = axes[index].places.filter { place in kept.contains { $0.text == place.name } }
    }
    return (name, axes)
  }

  private func axes(_ node: Node) throws(RecipeError) -> [Recipe.Axis] {
    var axes: [Recipe.Axis] = []
    for field in try mapping(node, "grid", "seed: [0, 1, 2]").fields { axes.append(try axis(field)) }
    guard !axes.isEmpty else { throw error(node, "the grid is empty: say which runs there are, e.g. grid: {seed: [0, 1, 2]}") }
    for axis in axes {
      for (name, entry) in axis.places {
        for (other, place) in entry.from ?? [:] {
          guard let target = axes.first(where: { $0.name == other }) else {
            throw RecipeError(
              file: file, place: entry.place,
              problem: "from: there is no axis \(other.debugDescription): there are \(list(axes.map(\.name)))")
          }
          guard target.places.contains(where: { $0.name == place }) else {
            throw RecipeError(
              file: file, place: entry.place,
              problem: "from: there is no \(place.debugDescription) on \(other): there are \(list(target.places.map(\.name)))")
          }
          guard other != axis.name || place != name else {
            throw RecipeError(file: file, place: entry.place, problem: "from: \(name) cannot start from itself")
          }
        }
      }
    }
    return axes
  }

  /// Names of axes and places stand in tables.
  private func checkLine(_ name: String, _ node: Node, _ what: String) throws(RecipeError) {
    guard !name.isEmpty, name.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
      throw error(node, "\(name.prefix(80).debugDescription) is no name of \(what): give one line of text")
    }
  }

  private func axis(_ field: Fields.Field) throws(RecipeError) -> Recipe.Axis {
    try checkLine(field.name, field.key, "an axis")
    if field.value.mapping != nil {
      var places: [(name: String, entry: Recipe.Entry)] = []
      for place in try mapping(field.value, field.name, "NAME: {options}").fields {
        try checkLine(place.name, place.key, "a place on \(field.name)")
        places.append((place.name, try entry(place)))
      }
      guard !places.isEmpty else { throw error(field.value, "axis \(field.name) is empty") }
      return Recipe.Axis(field.name, isNamed: true, places)
    }
    let values = try strings(field.value, "values of \(field.name)")
    var known: Set<String> = []
    if let twice = values.first(where: { !known.insert($0.text).inserted }) {
      throw error(twice.node, "\(field.name) has \(twice.text.debugDescription) twice")
    }
    let isFlag = vocabulary.values.contains { $0.options.contains { $0.name == field.name && $0.isFlag } }
    return Recipe.Axis(
      field.name, isNamed: false,
      values.map { value in
        let flag = isFlag ? value.node.bool : nil
        let setting = Recipe.Setting(field.name, flag.map { $0 ? .flag : .none } ?? .text(value.text), at: place(of: value.node))
        return (value.text, Recipe.Entry(settings: [setting], place: place(of: value.node)))
      })
  }

  private func entry(_ field: Fields.Field) throws(RecipeError) -> Recipe.Entry {
    var entry = Recipe.Entry(place: place(of: field.key))
    if isNull(field.value) { return entry }
    for setting in try mapping(field.value, field.name, "options").fields {
      switch setting.name {
      case "command": entry.command = try command(setting.value)
      case "from":
        var from: [String: String] = [:]
        for place in try mapping(setting.value, "from", "method: dense").fields { from[place.name] = try string(place.value, place.name) }
        guard !from.isEmpty else { throw error(setting.value, "from is empty: say where the run lies that this one starts from") }
        entry.from = from
      default: entry.settings.append(try self.setting(setting))
      }
    }
    return entry
  }

  private func settings(_ node: Node) throws(RecipeError) -> [Recipe.Setting] {
    if isNull(node) { return [] }
    var settings: [Recipe.Setting] = []
    for field in try mapping(node, "options", "epochs: 5").fields { settings.append(try setting(field)) }
    return settings
  }

  private func setting(_ field: Fields.Field) throws(RecipeError) -> Recipe.Setting {
    func value() throws(RecipeError) -> Recipe.Setting.Value {
      if isNull(field.value) { return .none }
      if case .scalar(let scalar) = field.value, scalar.style == .plain, let flag = field.value.bool { return flag ? .flag : .none }
      if field.value.sequence != nil {
        let values = try strings(field.value, "values of \(field.name)").map(\.text)
        let repeats = vocabulary.values.contains { $0.repeating.contains(field.name) }
        return repeats ? .texts(values) : .text(values.joined(separator: ","))
      }
      return .text(try string(field.value, field.name))
    }
    return Recipe.Setting(field.name, try value(), at: place(of: field.key))
  }

  private func command(_ node: Node) throws(RecipeError) -> String {
    let name = try string(node, "command")
    guard vocabulary[name] != nil else { throw unknown(node, "command", name, vocabulary.keys.sorted()) }
    return name
  }

  /// Checks that every option is one of the commands that its runs may have.
  private func checkOptions(_ shared: Recipe.Entry, _ axes: [Recipe.Axis]) throws(RecipeError) {
    var commands = Set(axes.flatMap { $0.places.compactMap(\.entry.command) })
    commands.insert(shared.command ?? "prune")
    func check(_ settings: [Recipe.Setting], _ own: Set<String>) throws(RecipeError) {
      for setting in settings {
        // What is left out may be said of runs with another command.
        let commands = setting.value == .none ? commands : own
        let options = commands.flatMap { vocabulary[$0]?.options.filter { $0.name == setting.option } ?? [] }
        guard options.isEmpty else {
          if case .text(let value) = setting.value, options.allSatisfy(\.isFlag) {
            throw RecipeError(
              file: file, place: setting.place,
              problem: "\(setting.option) is a flag: true, false or null, not \(value.prefix(80).debugDescription)")
          }
          continue
        }
        let known = commands.sorted().flatMap { vocabulary[$0]?.names ?? [] }
        let near = nearest(to: setting.option, among: known)
        throw RecipeError(
          file: file, place: setting.place,
          problem: "\(list(commands.sorted())) has no option --\(setting.option.prefix(80))"
            + (near.map { "; did you mean \($0)?" } ?? "; \"espalier \(commands.sorted().first ?? "prune") --help\" lists all"))
      }
    }
    try check(shared.settings, commands)
    for axis in axes {
      for place in axis.places { try check(place.entry.settings, place.entry.command.map { [$0] } ?? commands) }
    }
  }

  // MARK: - Nodes

  /// The fields of a mapping with string keys.
  struct Fields {
    typealias Field = (name: String, key: Node, value: Node)
    var fields: [Field]
    subscript(_ name: String) -> Field? { fields.first { $0.name == name } }
  }

  private func compose(_ text: String) throws(RecipeError) -> Node {
    do {
      guard let node = try Yams.compose(yaml: text) else { throw RecipeError(file: file, problem: "the recipe is empty") }
      return node
    } catch let error as RecipeError { throw error } catch let error as YamlError {
      let (problem, mark): (String, Mark?) =
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
          (problem, mark)
        case .duplicatedKeysInMapping(let names, let context): ("\(list(names)) is said twice", context.mark)
        case .reader(let problem, _, _, _): (problem, nil)
        default: ("\(error)", nil)
        }
      throw RecipeError(
        file: file, place: mark.map { .init(line: $0.line, column: $0.column) },
        problem: "this is not YAML: " + problem.split(whereSeparator: \.isNewline).joined(separator: " "))
    } catch { throw RecipeError(file: file, problem: "this is not YAML: \(error)") }
  }

  func mapping(_ node: Node, _ what: String, _ example: String) throws(RecipeError) -> Fields {
    guard let mapping = node.mapping else { throw error(node, "\(what) has fields, such as \(example)") }
    var fields: [Fields.Field] = []
    for (key, value) in mapping { fields.append((try string(key, "a key of \(what)"), key, value)) }
    return Fields(fields: fields)
  }

  func string(_ node: Node, _ what: String) throws(RecipeError) -> String {
    guard case .scalar(let scalar) = node, !isNull(node) else { throw error(node, "\(what) is one value") }
    return scalar.string
  }

  func strings(_ node: Node, _ what: String) throws(RecipeError) -> [(text: String, node: Node)] {
    guard let sequence = node.sequence else { return [(try string(node, what), node)] }
    var result: [(text: String, node: Node)] = []
    for item in sequence { result.append((try string(item, what), item)) }
    guard !result.isEmpty else { throw error(node, "\(what): the list is empty") }
    return result
  }

  func check(_ fields: Fields, _ known: [String], in what: String) throws(RecipeError) {
    for field in fields.fields where !known.contains(field.name) { throw unknown(field.key, "key", field.name, known) }
  }

  func unknown(_ node: Node, _ kind: String, _ name: String, _ known: [String]) -> RecipeError {
    let suggestion =
      nearest(to: name, among: known).map { "; did you mean \($0)?" }
      ?? (known.isEmpty ? ": there is none" : "; possible: \(known.joined(separator: ", "))")
    return error(node, "unknown \(kind) \(name.prefix(80).debugDescription)" + suggestion)
  }

  func error(_ node: Node, _ problem: String) -> RecipeError { RecipeError(file: file, place: place(of: node), problem: problem) }

  func place(of node: Node) -> RecipeError.Place? { node.mark.map { .init(line: $0.line, column: $0.column) } }

  private func isNull(_ node: Node) -> Bool {
    if case .scalar(let scalar) = node { scalar.style == .plain && node.null != nil } else { false }
  }

  func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
