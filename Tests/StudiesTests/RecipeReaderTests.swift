import Results
import Testing

@testable import Studies

@Suite struct RecipeReaderTests {
  private let vocabulary: Recipe.Vocabulary = [
    "prune": .init(
      ["network", "dataset", "epochs", "sparsity", "criterion", "rounds", "seed", "slimming", "datasets", "ignore"].map {
        .init($0, isFlag: $0 == "slimming", isRepeating: $0 == "ignore")
      }), "train": .init(names: ["network", "dataset", "epochs", "seed"]),
  ]

  private func recipe(_ text: String, scale: String? = nil) throws -> Recipe {
    try Recipe(yaml: text, file: "r.yaml", scale: scale, vocabulary: vocabulary)
  }

  private func refusal(_ text: String, scale: String? = nil) -> String {
    do {
      _ = try recipe(text, scale: scale)
      return "accepted"
    } catch { return "\(error)" }
  }

  @Test func everythingIsRead() throws {
    let recipe = try recipe(
      """
      study: which-criterion
      about: Which one?
      options: {network: lenet-5, epochs: 10, slimming: true, datasets: [a, b], ignore: [c, d]}
      scales:
        smoke:
          options: {epochs: 1}
          grid: {seed: [7], method: [snip]}
        small:
      grid:
        method:
          dense: {command: train, sparsity: null}
          snip: {criterion: snip, from: {method: dense}}
        sparsity: [0.80, 9e-1]
        seed: [0, 1]
      claims:
        - {id: A-1, statement: better, source: X 2020, measure: test-accuracy, of: {method: snip}, minus: {method: dense}, at-least: -0.5,
           setting: smaller}
        - {id: A-2, statement: faster, measure: steps, over: {method: [dense]}}
        - {id: A-3, statement: s, measure: steps, correlates-with: instability, within: [method, sparsity], below: 0}
        - {id: A-4, statement: s, measure: macs, minus-measure: effective-macs, exactly: 3, scales: small}
        - {id: A-5, statement: s, source: X, tickets: C4, of: {method: snip}, scales: [smoke, small], setting: other}
      """)
    #expect(recipe.name == "which-criterion" && recipe.about == "Which one?" && recipe.scale == "smoke")
    #expect(recipe.folderName == "which-criterion-smoke")
    #expect(recipe.shared.command == "prune")
    #expect(recipe.shared.settings.map(\.option) == ["network", "epochs", "slimming", "datasets", "ignore", "epochs"])
    #expect(recipe.shared.settings.map(\.value) == [.text("lenet-5"), .text("10"), .flag, .text("a,b"), .texts(["c", "d"]), .text("1")])
    #expect(recipe.shared.settings[1].place == RecipeError.Place(line: 3, column: 29))
    #expect(recipe.axes.map(\.name) == ["method", "sparsity", "seed"] && recipe.axes.map(\.isNamed) == [true, false, false])
    #expect(recipe.axes.map { $0.places.map(\.name) } == [["snip"], ["0.80", "9e-1"], ["7"]])
    #expect(recipe.axes[0].places[0].entry.from == ["method": "dense"])
    #expect(recipe.claims.map(\.id) == ["A-1", "A-2", "A-3", "A-4", "A-5"])
    let (fourth, fifth) = (recipe.claims[3], recipe.claims[4])
    #expect(try fourth.comparison == .minusMeasure(#require(RowQuantity.named("effective-macs"))) && fourth.scales == ["small"])
    #expect(fourth.threshold?.side == .exactly && fourth.threshold?.value == 3)
    #expect(fifth.measure == .tickets("C4") && fifth.of == ["method": ["snip"]] && fifth.scales == ["smoke", "small"])
    #expect(fifth.source == "X" && fifth.setting == "other" && recipe.claims[0].scales.isEmpty)
    #expect(
      try recipe.claims[2].comparison == .correlation(with: #require(RowQuantity.named("instability")), within: ["method", "sparsity"]))
    let claim = recipe.claims[0]
    #expect(claim.of == ["method": ["snip"]] && claim.comparison == .minus(["method": ["dense"]]) && claim.setting == "smaller")
    #expect(claim.threshold?.side == .atLeast && claim.threshold?.value == -0.5 && claim.source == "X 2020")
    #expect(recipe.claims[1].comparison == .over(["method": ["dense"]]) && recipe.claims[1].threshold == nil)
    let small = try self.recipe(recipe.text, scale: "small")
    #expect(small.scale == "small" && small.axes[0].places.map(\.name) == ["dense", "snip"] && small.axes[2].places.count == 2)
    #expect(small.shared.settings.map(\.option) == ["network", "epochs", "slimming", "datasets", "ignore"])
  }

  @Test(arguments: [
    ("", "r.yaml: the recipe is empty"),
    ("- a", "r.yaml:1:1: a recipe has fields, such as study, options and grid"),
    ("a: [", "r.yaml:2:1: this is not YAML: did not find expected node content"),
    ("study: a\ngird: {seed: [0]}", "r.yaml:2:1: unknown key \"gird\"; did you mean grid?"),
    ("study: a\nzzz: {seed: [0]}", "r.yaml:2:1: unknown key \"zzz\"; possible: study, about, command, options, scales, grid, claims"),
    ("grid: {seed: [0]}", "r.yaml: the recipe has no name: begin with study: NAME"),
    ("study: A b\ngrid: {seed: [0]}", "r.yaml:1:8: study: \"A b\" is not a name: use at most 64 small letters, digits and hyphens"),
    ("study: ../x\ngrid: {seed: [0]}", "r.yaml:1:8: study: \"../x\" is not a name: use at most 64 small letters, digits and hyphens"),
    ("study: a", "r.yaml: the recipe has no grid: say which runs it has, e.g. grid: {seed: [0, 1, 2]}"),
    ("study: a\ngrid: {}", "r.yaml:2:7: the grid is empty: say which runs there are, e.g. grid: {seed: [0, 1, 2]}"),
    ("study: a\ngrid: {seed: []}", "r.yaml:2:14: values of seed: the list is empty"),
    ("study: a\ngrid: {seed: [0, 1, 0]}", "r.yaml:2:21: seed has \"0\" twice"),
    ("study: a\noptions: {epocs: 1}\ngrid: {seed: [0]}", "r.yaml:2:11: prune has no option --epocs; did you mean epochs?"),
    (
      "study: a\noptions: {blahblah: 1}\ngrid: {seed: [0]}",
      "r.yaml:2:11: prune has no option --blahblah; \"espalier prune --help\" lists all"
    ),
    (
      "study: a\ngrid:\n  m:\n    dense: {command: train, sparsity: 0.5}",
      "r.yaml:4:29: train has no option --sparsity; \"espalier train --help\" lists all"
    ),
    ("study: a\ngrid: {m: {x: {command: prone}}}", "r.yaml:2:25: unknown command \"prone\"; did you mean prune?"),
    ("study: a\noptions: {epochs: {a: 1}}\ngrid: {seed: [0]}", "r.yaml:2:19: epochs is one value"),
    ("study: a\nstudy: b\ngrid: {seed: [0]}", "r.yaml:1:1: this is not YAML: study is said twice"),
    ("study: a\ngrid: {m: {x: {from: {n: y}}}}", "r.yaml:2:12: from: there is no axis \"n\": there are m"),
    ("study: a\ngrid: {m: {x: {from: {m: y}}}}", "r.yaml:2:12: from: there is no \"y\" on m: there are x"),
    ("study: a\ngrid: {m: {x: {from: {m: x}}}}", "r.yaml:2:12: from: x cannot start from itself"),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, measure: test-acuracy}]",
      "r.yaml:3:41: unknown measure \"test-acuracy\"; did you mean test-accuracy?"
    ),
    ("study: a\ngrid: {seed: [0]}\nclaims: [{id: A}]", "r.yaml:3:10: a claim has at least id, statement and measure"),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, measure: steps, above: x}]",
      "r.yaml:3:55: above: \"x\" is not a number"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, measure: steps, above: 1, below: 2}]",
      "r.yaml:3:10: claim A has above and below: one is enough"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, measure: steps, of: {seeed: 0}}]",
      "r.yaml:3:53: unknown axis \"seeed\"; did you mean seed?"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, measure: steps, of: {seed: 0}, minus: {seed: 0}}]",
      "r.yaml:3:10: claim A compares runs with themselves"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, measure: steps, minus-measure: steps}]",
      "r.yaml:3:10: claim A compares steps with itself"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, measure: steps, minus-measure: macs, over: {seed: 0}}]",
      "r.yaml:3:10: claim A has minus-measure and over: one is enough"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, tickets: C9}]",
      "r.yaml:3:41: unknown claim on tickets \"C9\"; did you mean C1?"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, tickets: C1, above: 0}]",
      "r.yaml:3:10: claim A has tickets and above: C1 says all of it"
    ),
    (
      "study: a\nscales: {small: }\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, measure: steps, scales: papr}]",
      "r.yaml:4:56: unknown scale \"papr\"; possible: small"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, measure: steps, within: seed}]",
      "r.yaml:3:48: within goes with correlates-with"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, measure: steps, correlates-with: step}]",
      "r.yaml:3:65: unknown measure \"step\"; did you mean steps?"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nclaims: [{id: A, statement: s, measure: steps, correlates-with: steps, within: sed}]",
      "r.yaml:3:80: unknown axis \"sed\"; did you mean seed?"
    ),
    (
      "study: a\nscales: {a/../../b: }\ngrid: {seed: [0]}",
      "r.yaml:2:10: scales: \"a/../../b\" is not a name: use at most 64 small letters, digits and hyphens"
    ),
    ("study: places\ngrid: {seed: [0]}", "r.yaml:1:8: study: places is a table of the index of all studies: give another name"),
    ("study: a\ngrid: {\"\": {x: }}", "r.yaml:2:8: \"\" is no name of an axis: give one line of text"),
    ("study: a\ngrid: {m: {\"a\\nb\": }}", "r.yaml:2:12: \"a\\nb\" is no name of a place on m: give one line of text"),
    (
      "study: a\noptions: {slimming: 3}\ngrid: {seed: [0]}",
      "r.yaml:2:11: slimming is a flag: true, false or null, not \"3\""
    ),
    (
      "study: a\ngrid: {slimming: [true, maybe]}",
      "r.yaml:2:25: slimming is a flag: true, false or null, not \"maybe\""
    ),
    (
      "study: a\ngrid: {m: {snip: , mm: }}\nclaims: [{id: A, statement: s, measure: steps, of: {m: snipp}}]",
      "r.yaml:3:56: unknown place \"snipp\"; did you mean snip?"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nscales: {smoke: {option: {}}}",
      "r.yaml:3:18: unknown key \"option\"; did you mean options?"
    ),
    (
      "study: a\ngrid: {seed: [0]}\nscales: {smoke: {grid: {sed: [1]}}}",
      "r.yaml:3:25: scale smoke has the axis \"sed\", and the grid has only seed"
    ),
  ])
  func whatIsNotARecipeIsToldAtItsPlace(_ text: String, _ words: String) { #expect(refusal(text) == words) }

  /// An axis of a flag has it or not.
  @Test func flagsCanBeAnAxis() throws {
    let runs = try recipe("study: a\noptions: {network: n}\ngrid: {slimming: [true, false]}").grid()
    #expect(runs.map(\.place) == [["slimming": "true"], ["slimming": "false"]])
    #expect(runs.map { $0.arguments(model: nil) } == [["prune", "--network", "n", "--slimming"], ["prune", "--network", "n"]])
  }

  /// A claim may name places that the scale leaves out.
  @Test func claimsAreWrittenForTheWholeGrid() throws {
    let recipe = try recipe(
      """
      study: a
      scales: {smoke: {grid: {m: [x]}}}
      grid: {m: {x: , y: }}
      claims: [{id: A, statement: s, measure: steps, of: {m: y}}]
      """)
    #expect(recipe.axes[0].places.map(\.name) == ["x"] && recipe.claims[0].of == ["m": ["y"]])
  }

  @Test func scalesThatAreNotThere() {
    #expect(refusal("study: a\ngrid: {seed: [0]}", scale: "big") == "r.yaml: there is no scale \"big\": the recipe has no scales")
    #expect(
      refusal("study: a\ngrid: {seed: [0]}\nscales: {smoke: {}, small: {}}", scale: "big")
        == "r.yaml:3:9: there is no scale \"big\": the recipe has smoke, small")
  }
}
