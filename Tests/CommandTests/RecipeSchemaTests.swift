import Files
import Foundation
import Results
import TestSupport
import Testing

@testable import Studies
@testable import espalier

@Suite struct RecipeSchemaTests {
  private static let isThere = Python.with("jsonschema", "yaml") != nil
  private static let missing: Comment = "ESPALIER_PYTHON names no Python with jsonschema and PyYAML"
  private static let recipes = packageDirectory.appendingPathComponent("Recipes").path

  /// Prints what is wrong with each recipe, as a list of lists.
  private static let validator = """
    import json, jsonschema, sys, yaml
    schema = json.load(open(sys.argv[1]))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    # As in JSON, all keys are texts.
    plain = lambda x: {str(k): plain(v) for k, v in x.items()} if isinstance(x, dict) else list(map(plain, x)) if isinstance(x, list) else x
    json.dump([[e.message[:200] for e in validator.iter_errors(plain(yaml.safe_load(open(f))))] for f in sys.argv[2:]], sys.stdout)
    """

  private func problems(_ recipes: [String]) throws -> [[String]] {
    let python = try #require(Python.with("jsonschema", "yaml"))
    return try withTemporaryDirectory { folder in
      let schema = folder + "/schema.json"
      try Data(espalier("study", "schema").output.utf8).write(to: URL(fileURLWithPath: schema))
      return try JSONDecoder().decode([[String]].self, from: python.run(Self.validator, [schema] + recipes))
    }
  }

  private func problems(ofTexts texts: [String]) throws -> [[String]] {
    try withTemporaryDirectory { folder in
      try problems(
        texts.enumerated().map { number, text in
          let path = "\(folder)/\(number).yaml"
          try Data(text.utf8).write(to: URL(fileURLWithPath: path))
          return path
        })
    }
  }

  @Test(.enabled(if: isThere, missing)) func allRecipesAreValid() throws {
    let paths = try Folder.names(in: Self.recipes).filter { $0.hasSuffix(".yaml") }.map { Self.recipes + "/" + $0 }
    #expect(paths.count >= 12)
    for (path, problems) in zip(paths, try problems(paths)) { #expect(problems.isEmpty, "\(path)") }
  }

  /// The page's example, and what else readers take.
  @Test(.enabled(if: isThere, missing)) func whatReadersTakeIsValid() throws {
    let page = try String(contentsOf: packageDirectory.appendingPathComponent("Documentation/Recipes.md"), encoding: .utf8)
    let example = try #require(page.components(separatedBy: "```yaml\n").dropFirst().first?.components(separatedBy: "```").first)
    let texts = [
      example,
      "study: a\ngrid: {seed: [0]}",
      "study: a\noptions:\nscales: {smoke: }\ngrid: {method: {dense: , other: {from: {method: dense}, ignore: [a, b], classes: null}}}",
      "study: a\ncommand: train\noptions: {augment: false, learning-rate: 1e-3, milestones: [1ep, 2ep]}\ngrid: {seed: 0}",
      "study: a\nscales: {s: {grid: {method: [a], seed: 0}}}\ngrid: {method: {a: {sparsity: 0.5}, b: }, seed: [0, 1]}\n"
        + "claims: [{id: A, statement: s, measure: steps-to@0.95, of: {method: a}, over: {method: [b]}, at-most: 1e-3}]",
    ]
    for (text, problems) in zip(texts, try problems(ofTexts: texts)) {
      #expect(problems.isEmpty, "\(text)")
      #expect(throws: Never.self) { try Recipe(yaml: text, file: "r", vocabulary: RunResolver.vocabulary()) }
    }
  }

  @Test(.enabled(if: isThere, missing)) func mistakesAreFound() throws {
    let good = "study: a\ngrid: {seed: [0]}\n"
    let claim = good + "claims: [{id: A, statement: s, measure: steps"
    let texts = [
      "grid: {seed: [0]}", "study: a", "study: A b\ngrid: {seed: [0]}", "study: a\ngrid: {}", good + "opions: {epochs: 5}",
      good + "options: {epoch: 5}", good + "options: {epochs: true}", good + "options: {epochs: {a: 1}}", good + "options: {augment: 5}",
      good + "options: {device: gpu}", good + "options: {output: x}", good + "options: {ignore: []}", good + "command: evaluate",
      good + "command: {a: b}", "study: a\ngrid: {sed: [0]}", "study: a\ngrid: {nesterov: [0]}", "study: a\ngrid: {method: {a: 5}}",
      "study: a\ngrid: {method: {a: {from: {}}}}", "study: a\ngrid: {method: {a: {command: prun}}}", good + "scales: {}",
      good + "scales: {s: {claims: []}}", good + "claims: {id: A}", good + "claims: [{id: A, statement: s}]", claim + "x}]",
      claim + "-to@2}]", claim + ", above: x}]", claim + ", above: 1, below: 2}]", claim + ", minus: {seed: 0}, over: {seed: 0}}]",
      claim + ", within: [seed]}]", claim + ", off: {seed: 0}}]", "- study", "5",
    ]
    for (text, problems) in zip(texts, try problems(ofTexts: texts)) {
      #expect(!problems.isEmpty, "\(text)")
    }
  }

  private struct Schema: Decodable {
    struct Part: Decodable {
      var properties: [String: Anything]?
      var anyOf: [Part]?
      var names: Set<String> { Set((properties ?? [:]).keys).union((anyOf ?? []).flatMap(\.names)) }
    }
    struct Anything: Decodable { init(from decoder: any Decoder) {} }
    var properties: [String: Anything]
    var defs: [String: Part]
    enum CodingKeys: String, CodingKey {
      case properties
      case defs = "$defs"
    }
  }

  /// Neither the grammar nor the page goes stale.
  @Test func theSchemaHasWhatReadersAndCommandsKnow() throws {
    let schema = try JSONDecoder().decode(Schema.self, from: Data(espalier("study", "schema").output.utf8))
    let vocabulary = try RunResolver.vocabulary()
    let options = Set(vocabulary.values.flatMap(\.names))
    #expect(Set(schema.properties.keys) == Set(RecipeReader.keys))
    #expect(schema.defs["scale"]?.names == Set(RecipeReader.scaleKeys))
    #expect(schema.defs["claim"]?.names == Set(ClaimReader.keys))
    #expect(schema.defs["options"]?.names == options && schema.defs["grid"]?.names == options)
    #expect(schema.defs["place"]?.names == options.union(["command", "from"]))
    let page = try String(contentsOf: packageDirectory.appendingPathComponent("Documentation/Recipes.md"), encoding: .utf8)
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.compactMap { $0.split(separator: "`").dropFirst().first }
    #expect(Set(rows.map(String.init)) == Set(RecipeReader.keys).union(["from"]))
    for key in ClaimReader.keys { #expect(page.contains("`\(key)"), "\(key)") }
  }

  /// Flags, what may be said several times, and values that are few, as the commands say themselves.
  @Test func optionsAreDescribedAsTheCommandsDescribeThem() throws {
    let options = try #require(try RunResolver.vocabulary()["prune"]?.options)
    func option(_ name: String) throws -> Recipe.Option { try #require(options.first { $0.name == name }) }
    #expect(try option("nesterov").isFlag && !option("epochs").isFlag)
    #expect(try option("augment").isFlag && option("no-augment").isFlag)
    #expect(try option("ignore").isRepeating && !option("epochs").isRepeating)
    #expect(try option("device").values == ["cpu", "cuda"] && option("epochs").values.isEmpty)
    #expect(try option("batch-size").help == "Examples per step.")
    #expect(!options.contains { ["output", "metrics", "tensorboard", "json", "help"].contains($0.name) })
  }
}
