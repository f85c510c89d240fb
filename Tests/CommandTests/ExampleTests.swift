import Foundation
import TestSupport
import Testing

/// The programs of Examples, run as they stand there.
@Suite struct ExampleTests {
  @Test func aNetworkIsTrainedAndPruned() throws {
    try withTemporaryDirectory { folder in
      let file = folder + "/lenet.safetensors"
      let outcome = try run(builtProgram("TrainAndPrune"), [file])
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      #expect(outcome.output.contains("asked 90.000 %, achieved 90.000 % (45,180 of 50,200 weights, 5,020 left;"), "\(outcome.output)")
      let recipe = try espalier("inspect", file).output
      #expect(recipe.contains("lenet-300-100"), "\(recipe)")
    }
  }

  @Test func aCriterionOfOnesOwnDecidesWhatStays() throws {
    let outcome = try run(builtProgram("OwnCriterion"))
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.count == 2 && lines[0].hasPrefix("relative-magnitude: ") && lines[1].hasPrefix("magnitude: "))
    // "fc1 588/19200" and so on: 5 % of 50,200 either way, of other layers.
    let kept = lines.map { line in
      line.split(separator: " ").filter { $0.contains("/") }.compactMap { Int($0.prefix { $0 != "/" }) }
    }
    #expect(kept.map { $0.reduce(0, +) } == [2510, 2510] && kept[0] != kept[1], "\(kept)")
  }

  @Test func imagesOfOnesOwnAreTrainedOn() throws {
    let outcome = try run(builtProgram("OwnDataset"))
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(outcome.output.contains("mlp:144-40-20-3 on shapes, seed 1: units by l2"), "\(outcome.output)")
    #expect(outcome.output.contains("asked 25.000 %, achieved 25.000 % (15 of 60 units, 45 left)"))
    #expect(outcome.output.contains("900 training, 300 validation, 300 test images"))
  }
}
