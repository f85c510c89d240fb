internal import Foundation
internal import Yams

extension Recipe {
  /// Writes a recipe from a command line, with comments that say how to go on: its options become those of all runs, its seed the first of
  /// three.
  ///
  /// - Parameters:
  ///   - name: name of the study.
  ///   - command: the command.
  ///   - settings: its options.
  public static func draft(named name: String, command: String, settings: [Setting]) throws -> String {
    var (options, first) = ("", UInt64(0))
    for setting in settings where setting.value != .none {
      if setting.option == "seed", case .text(let text) = setting.value {
        first = UInt64(text) ?? 0
      } else {
        options += "  \(setting.option): \(try setting.yaml)\n"
      }
    }
    let seeds = [first, first &+ 1, first &+ 2].map(String.init).joined(separator: ", ")
    return """
      # A study: every command line that the grid below makes of these options.
      # espalier study run \(name).yaml --jobs 2
      study: \(name)
      # The question, in a sentence.
      about: ""
      command: \(command)
      # What all runs have.
      options:
      \(options.isEmpty ? "  {}" : String(options.dropLast()))
      # Smaller and larger forms of the study, chosen by --scale; the first is usual.
      # scales:
      #   smoke: {options: {epochs: 1}, grid: {seed: [\(first)]}}
      #   small:
      grid:
        # Axes: a list of values of an option …
        # sparsity: [0.5, 0.9]
        # … or places with names and options of their own; null leaves an option out.
        # method:
        #   dense: {command: train, sparsity: null}
        #   magnitude: {criterion: magnitude}
        #   random: {criterion: random}
        seed: [\(seeds)]
      # What the rows are to decide, paired by seed.
      # claims:
      #   - id: A-1
      #     statement: magnitude beats chance
      #     measure: test-accuracy
      #     of: {method: magnitude}
      #     minus: {method: random}
      #     above: 0

      """
  }
}

extension Recipe.Setting {
  /// The value as YAML.
  fileprivate var yaml: String {
    get throws {
      switch value {
      case .text(let text): try Self.scalar(text)
      case .texts(let texts): "[\(try texts.map(Self.scalar).joined(separator: ", "))]"
      case .flag: "true"
      case .none: "null"
      }
    }
  }

  /// A text as YAML, quoted if it would be taken for something else.
  private static func scalar(_ text: String) throws -> String {
    let isPlain = !text.hasPrefix("-") && !text.isEmpty && text.allSatisfy(isPlain)
    let node = try isPlain ? Yams.compose(yaml: text) : nil
    if let node, node.bool == nil, node.null == nil { return text }
    return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  private static func isPlain(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || "-_./+%".contains(character))
  }
}
