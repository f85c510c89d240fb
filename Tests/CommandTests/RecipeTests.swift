import Files
import Studies
import Foundation
import TestSupport
import Testing

@testable import espalier

/// Every recipe that comes with the program runs from end to end at its smallest scale, and can be read at the others.
@Suite(.serialized) struct RecipeTests {
  private static let folder = packageDirectory.appendingPathComponent("Recipes").path
  private static let recipes = (try? Folder.names(in: folder).filter { $0.hasSuffix(".yaml") }) ?? []

  @Test func thereIsOneForEachStudyOfThePapers() {
    #expect(
      Set(Self.recipes.map { $0.dropLast(5) }).isSuperset(of: [
        "lottery-tickets", "han-pipeline", "li-filters", "filter-pruning", "resampling", "six-data-sets", "classifier-masks", "l0",
        "mean-replacement", "generalization-stability", "regrowth", "strong-tickets", "meta-pruning", "speech", "unified-benchmark",
      ]))
  }

  @Test(arguments: recipes) func itRunsAtSmokeScale(_ name: String) throws {
    let path = Self.folder + "/" + name
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for scale in ["smoke", "small", "paper"] {
      #expect(throws: Never.self, "\(name) \(scale)") { try Recipe.read(path, scale: scale) }
    }
    guard !text.contains("mnist, subset: 300") && !text.contains("datasets: [digits, mnist]") || testDataDirectory != nil else {
      print("\(name) is skipped: there are no data sets here")
      return
    }
    try withTemporaryDirectory { root in
      var arguments = ["study", "run", path, "--into", root, "--jobs", "2", "--quiet"]
      if let data = testDataDirectory { arguments += ["--data-dir", data.path] }
      let outcome = try espalier(arguments)
      #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
      let line = outcome.output.prefix { $0 != "\n" }
      #expect(line.hasPrefix("\(name.dropLast(5))-smoke: ") && line.hasSuffix(" finished"), "\(line)")
    }
  }
}
