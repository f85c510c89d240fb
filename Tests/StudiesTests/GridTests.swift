import Files
import Foundation
import TestSupport
import Testing

@testable import Studies

@Suite struct GridTests {
  private let recipe = Recipe(
    name: "a",
    shared: .init(command: "prune", settings: [.init("epochs", .text("5")), .init("network", .text("n")), .init("slimming", .flag)]),
    axes: [
      .init(
        "method", isNamed: true,
        [
          ("tuned", .init(settings: [.init("epochs", .none)], from: ["method": "dense"])),
          ("dense", .init(command: "train", settings: [.init("sparsity", .none), .init("slimming", .none)])),
          ("fast", .init(settings: [.init("epochs", .text("1")), .init("sparsity", .text("0.5"))])),
        ]),
      .init("sparsity", values: ["-0.1", "0.9"]), .init("seed", values: ["0", "1"]),
    ], text: "text")

  @Test func namedPlacesWinOverValuesAndThoseOverWhatAllShare() throws {
    let grid = try recipe.grid()
    #expect(grid.count == 12)
    // What others start from comes first.
    #expect(grid.map { $0.place["method"] }.prefix(8) == ["dense", "dense", "dense", "dense", "fast", "fast", "fast", "fast"])
    #expect(grid[1].place == ["method": "dense", "sparsity": "-0.1", "seed": "1"] && grid[1].command == "train")
    #expect(grid[1].arguments(model: nil) == ["train", "--epochs", "5", "--network", "n", "--seed", "1"])
    #expect(
      grid[4].arguments(model: nil) == ["prune", "--epochs", "1", "--network", "n", "--slimming", "--sparsity", "0.5", "--seed", "0"])
    let last = grid[11]
    #expect(last.from == ["method": "dense", "sparsity": "0.9", "seed": "1"])
    #expect(
      last.arguments(model: "m.st") == ["prune", "m.st", "--network", "n", "--slimming", "--sparsity", "0.9", "--seed", "1"])
    let several = GridRun(place: [:], command: "prune", settings: [.init("ignore", .texts(["a", "-b"]))])
    #expect(several.arguments(model: nil) == ["prune", "--ignore", "a", "--ignore=-b"])
    // A value that looks like an option.
    #expect(grid[8].arguments(model: nil).contains("--sparsity=-0.1"))
  }

  @Test func circlesAndLostBeginningsAreTold() {
    let place = RecipeError.Place(line: 4, column: 2)
    func grid(_ places: [(name: String, entry: Recipe.Entry)]) -> String {
      do {
        _ = try Recipe(name: "a", axes: [.init("m", isNamed: true, places)], file: "r.yaml").grid()
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(
      grid([("x", .init(from: ["m": "y"], place: place)), ("y", .init(from: ["m": "x"], place: place))])
        == "r.yaml:4:2: runs start from each other in a circle")
    #expect(grid([("x", .init(from: ["m": "y"], place: place))]) == "r.yaml:4:2: from: there is no such run at this scale")
    let axis = Recipe.Axis("seed", values: (0..<400).map(String.init))
    #expect(throws: RecipeError(file: "recipe", problem: "the grid has 160000 runs: at most 100000 are possible")) {
      try Recipe(name: "a", axes: [axis, .init("epochs", values: axis.places.map(\.name))]).grid()
    }
  }

  /// Runs whose options lead to the same settings are one; keys depend on everything that decides a result, and on the run they start from.
  @Test func equalRunsAreOne() throws {
    let plan = try plan(tool: "t")
    // 2 dense (no sparsity), 2 fast (their own), 4 tuned.
    #expect(plan.runs.count == 8 && Set(plan.runs.map(\.key)).count == 8 && plan.name == "a")
    #expect(
      plan.runs[0].places == [["method": "dense", "sparsity": "-0.1", "seed": "0"], ["method": "dense", "sparsity": "0.9", "seed": "0"]])
    #expect(plan.runs.allSatisfy { $0.key.count == 32 && $0.key.allSatisfy(\.isHexDigit) })
    let tuned = try #require(plan.runs.last)
    #expect(tuned.from == plan.runs[1].key && tuned.arguments[1] == "s/runs/\(plan.runs[1].key)/model")
    let other = try self.plan(tool: "u")
    #expect(Set(other.runs.map(\.key)).isDisjoint(with: plan.runs.map(\.key)))
    // Another training is another beginning.
    let changed = try self.plan(tool: "t") { ($0 + ($0[0] == "train" ? ["more"] : [])).joined(separator: " ") }
    #expect(changed.runs[2].key == plan.runs[2].key && changed.runs[0].key != plan.runs[0].key && changed.runs[7].key != tuned.key)
  }

  private func plan(tool: String, _ settings: @escaping ([String]) -> String = { $0.joined(separator: " ") }) throws -> StudyPlan {
    try StudyPlan(recipe, in: RunStore("s"), tool: tool) { arguments in
      ResolvedRun(settings: settings(arguments.filter { !$0.hasPrefix("s/runs/") }), data: "d", artefact: "model")
    }
  }

  /// A run that starts from another's model goes on with its data set, however far back it was named, unless it names one itself.
  @Test func whatStartsFromAModelGoesOnWithItsData() throws {
    func names(_ axis: (name: String, entry: Recipe.Entry)...) throws -> [[String]] {
      var seen: [[String]] = []
      _ = try StudyPlan(Recipe(name: "a", axes: [.init("m", isNamed: true, axis)]), in: RunStore("s"), tool: "t") { words in
        seen.append(words.filter { !$0.hasPrefix("s/runs/") })
        let named = words.firstIndex(of: "--dataset").map { words[$0 + 1] }
        return ResolvedRun(settings: "\(words)", data: "d", artefact: "model", dataset: named)
      }
      return seen
    }
    let digits = Recipe.Setting("dataset", .text("digits"))
    #expect(
      try names(
        ("x", .init(settings: [digits])), ("y", .init(from: ["m": "x"])),
        ("z", .init(settings: [.init("dataset", .text("mnist"))], from: ["m": "y"])), ("last", .init(from: ["m": "y"])))
        == [
          ["prune", "--dataset", "digits"], ["prune", "--dataset", "digits"], ["prune", "--dataset", "mnist"],
          ["prune", "--dataset", "digits"],
        ])
    #expect(try names(("x", .init()), ("y", .init(from: ["m": "x"]))) == [["prune"], ["prune"]])
  }

  /// SHA-256 of each part with its length before it, as `printf '1:t1:s1:d0:' | sha256sum` gives it.
  @Test func theKeyIsAHash() {
    #expect(PlannedRun.Identity(tool: "t", settings: "s", data: "d", from: nil).key == "5d9842f43c8592cdfb6b6e2e53985233")
    #expect(
      PlannedRun.Identity(tool: "t", settings: "s", data: "d", from: "k").key
        != PlannedRun.Identity(tool: "t", settings: "s", data: "dk", from: nil).key)
  }

  /// An error is told where the recipe names the option that it is about.
  @Test func anErrorIsToldAtItsOption() {
    struct Wrong: Error, CustomStringConvertible { var description: String }
    let run = GridRun(
      place: ["seed": "0", "m": "x"], command: "prune",
      settings: [
        .init("epochs", .text("1"), at: .init(line: 3, column: 5)), .init("epochs-more", .text("1"), at: .init(line: 4, column: 5)),
      ],
      from: nil, origin: .init(line: 9, column: 1))
    let recipe = Recipe(name: "a", axes: [], file: "r.yaml")
    #expect(
      "\(recipe.error(Wrong(description: "--epochs 1 is impossible"), of: run))" == "r.yaml:3:5: --epochs 1 is impossible (m x, seed 0)")
    #expect("\(recipe.error(Wrong(description: "--epochs-more is bad"), of: run))" == "r.yaml:4:5: --epochs-more is bad (m x, seed 0)")
    #expect("\(recipe.error(Wrong(description: "no"), of: run))" == "r.yaml:9:1: no (m x, seed 0)")
  }
}
