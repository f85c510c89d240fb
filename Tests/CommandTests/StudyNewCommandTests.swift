import Foundation
import Studies
import TestSupport
import Testing

@testable import espalier

@Suite struct StudyNewCommandTests {
  private func settings(_ line: String) throws -> [Recipe.Setting] {
    try RunResolver.settings(of: line.split(separator: " ").map(String.init))
  }

  @Test func optionsBecomeSettings() throws {
    let line =
      "prune a.st --sparsity=0.9 --ignore a --ignore b --ignore c --no-latency --seed 5 -o x.st --report r.json --resume --batch-size 7 --lambda=-1"
    #expect(
      try settings(line) == [
        .init("model", .text("a.st")), .init("sparsity", .text("0.9")), .init("ignore", .texts(["a", "b", "c"])),
        .init("no-latency", .flag), .init("seed", .text("5")), .init("batch-size", .text("7")), .init("lambda", .text("-1")),
      ])
  }

  /// The draft is a recipe whose runs are the command line with three seeds.
  @Test func theDraftIsARecipe() throws {
    let line = "prune --network mlp:64-9-10 --dataset digits --ignore a --ignore b --sparsity 0.9 --no-latency --seed 18446744073709551615"
    let draft = try Recipe.draft(named: "new", command: "prune", settings: settings(line))
    #expect(draft.contains("\n  network: \"mlp:64-9-10\"\n  dataset: digits\n  ignore: [a, b]\n  sparsity: 0.9\n  no-latency: true\n"))
    let recipe = try Recipe(yaml: draft, file: "new.yaml", vocabulary: RunResolver.vocabulary())
    let runs = try recipe.grid().map { $0.arguments(model: nil) }
    #expect(runs.count == 3)
    #expect(runs[0].joined(separator: " ") == line)
    #expect(runs[2].last == "1")
    for odd in ["true", "null", "a: b", "- x", "\"", "\\", "", "#", "[a]", "~"] {
      let text = try Recipe.draft(named: "a", command: "prune", settings: [.init("dataset", .text(odd)), .init("slimming", .flag)])
      let settings = try Recipe(yaml: text, file: "", vocabulary: RunResolver.vocabulary()).shared.settings
      #expect(settings.map(\.value) == [.text(odd), .flag], "\(odd)")
    }
  }

  @Test func fromARowOrALine() throws {
    try withTemporaryDirectory { folder in
      let (row, recipe) = (folder + "/row.json", folder + "/My study.yaml")
      let run = try espalier(
        "train", "--network", "mlp:64-9-10", "--dataset", "digits", "--epochs", "2it", "--threads", "1", "--no-latency", "--quiet", "-o",
        folder + "/m.st", "--report", row)
      #expect(run.status == 0)
      #expect(try espalier("study", "new", row, "-o", recipe).status == 0)
      let text = try String(contentsOfFile: recipe, encoding: .utf8)
      #expect(text.contains("\nstudy: my-study\n") && text.contains("\ncommand: train\n") && !text.contains("m.st"))
      let again = try espalier("study", "new", row, "-o", recipe)
      #expect(again.status == 73 && again.errors == "espalier: \(recipe) is already there: give another --output, or remove it\n")
      try Data("{}".utf8).write(to: URL(fileURLWithPath: row))
      let wrong = try espalier("study", "new", row)
      #expect(
        wrong.status == 78
          && wrong.errors == "espalier: \(row): this is not the row of a run: give a file written by --report, or -- and a command\n")
      let other = try espalier("study", "new", "--", "inspect", "lenet-5")
      #expect(other.status == 64 && other.errors.contains("a study is made of prune and train: the command line begins with \"inspect\""))
      #expect(try espalier("study", "new", "--", "prune", "--sparsty", "0.5").status == 64)
    }
  }
}
