internal import ArgumentParser
internal import Files
internal import Foundation
internal import Results
internal import Studies

/// `espalier study new`: a recipe from a command line.
struct StudyNewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Write a recipe from a command line of prune or train, with comments that say how to go on.",
    discussion: """
      From the row of a finished run (--report), or from the command itself:
        espalier prune --network lenet-300-100 --dataset digits --sparsity 0.9 \\
          --report row.json
        espalier study new row.json -o sparsity.yaml
        espalier study new -o sparsity.yaml -- prune --network lenet-300-100 \\
          --dataset digits --sparsity 0.9
      """)

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Path of the recipe; by default standard output.", valueName: "file"), completion: .file())
  var output: String?

  @Argument(help: ArgumentHelp("A row as JSON, or -- and a command.", valueName: "row"))
  var words: [String]

  func run() throws {
    let line = try words.count == 1 ? Self.command(ofRow: words[0]) : words
    let name = try output.map(Self.name) ?? "new-study"
    let text = try Recipe.draft(named: name, command: line.first ?? "", settings: RunResolver.settings(of: line))
    // What is written can be run.
    _ = try Recipe(yaml: text, file: output ?? "the recipe", vocabulary: RunResolver.vocabulary())
    guard let output else { return try Console.print(text) }
    guard !FileManager.default.fileExists(atPath: output) else {
      throw UnwritableOutput("\(output) is already there: give another --output, or remove it")
    }
    try Console.write(text, to: output)
    Console.note("wrote \(output); \"espalier study run \([output].shellWords) --dry-run\" lists its runs")
  }

  private static func command(ofRow path: String) throws -> [String] {
    let row: RunRecord
    let data = try RegularFile.read(path, limit: 64_000_000)
    do { row = try RunRecord(json: data) } catch {
      throw RecipeError(file: path, problem: "this is not the row of a run: give a file written by --report, or -- and a command")
    }
    return Array(row.command.dropFirst())
  }

  /// The name of a study from that of its file.
  private static func name(_ path: String) throws -> String {
    let stem = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent.lowercased()
    let name = String(stem.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }.prefix(64))
    return name.isEmpty ? "new-study" : name
  }
}

extension RunResolver {
  /// Returns the options of a command line, without those of where and how it writes.
  ///
  /// - Throws: `ValidationError` for a line that the command would not take.
  static func settings(of line: [String]) throws -> [Recipe.Setting] {
    let commands: [String: any ParsableCommand.Type] = ["prune": PruneCommand.self, "train": TrainCommand.self]
    guard let name = line.first, let command = commands[name], let vocabulary = try vocabulary()[name] else {
      throw ValidationError(
        "a study is made of \(commands.keys.sorted().joined(separator: " and ")): the command line begins with \((line.first ?? "").debugDescription)"
      )
    }
    do { _ = try command.parse(Array(line.dropFirst())) } catch { throw ValidationError(command.message(for: error)) }
    let valued = try DescribedOptions(of: command).valued
    var settings: [Recipe.Setting] = []
    func add(_ option: String, _ value: Recipe.Setting.Value) {
      guard vocabulary.names.contains(option) else { return }
      if let index = settings.firstIndex(where: { $0.option == option }), vocabulary.repeating.contains(option),
        case .text(let text) = value
      {
        if case .text(let first) = settings[index].value {
          settings[index].value = .texts([first, text])
        } else if case .texts(let all) = settings[index].value {
          settings[index].value = .texts(all + [text])
        }
      } else {
        settings.append(Recipe.Setting(option, value))
      }
    }
    var rest = line.dropFirst()
    while let word = rest.popFirst() {
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      if word.hasPrefix("--"), parts.count == 2 {
        add(String(parts[0].dropFirst(2)), .text(parts[1]))
      } else if word.hasPrefix("-") {
        let option = String(word.drop { $0 == "-" })
        if valued.contains(option) { add(option, .text(rest.popFirst() ?? "")) } else { add(option, .flag) }
      } else {
        add(Recipe.Setting.modelOption, .text(word))
      }
    }
    return settings
  }
}
