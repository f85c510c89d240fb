import Datasets
import Experiments
import Testing
import Training

@Suite struct DataPlanTests {
  private func bytes(_ set: ExampleSet?) throws -> [[UInt8]] {
    guard let set else { return [] }
    return try (0..<set.count).map { try set.image(at: $0) }
  }

  private func sorted(_ images: [[UInt8]]) -> [[UInt8]] { images.sorted { $0.lexicographicallyPrecedes($1) } }

  /// A subset is drawn from what validation leaves: one as large as that is all of it.
  @Test(arguments: [UInt64(0), 3]) func subsetsLeaveValidationImagesAlone(seed: UInt64) throws {
    let all = try Dataset.load(name: "digits").train
    let data = try DataPlan(dataset: "digits", subset: all.count - 300, validation: 300, seed: seed).load()
    let (training, validation) = (try bytes(data.training), try bytes(data.validation))
    #expect(training.count == all.count - 300 && validation.count == 300 && data.test?.count == 360)
    #expect(try sorted(training + validation) == sorted(bytes(all)))
  }

  /// A quarter of a subset is held out beside it, a tenth of the whole within it, and runs with different subsets choose by one part.
  @Test func partsByDefault() throws {
    func counts(_ plan: DataPlan) throws -> [Int] {
      let data = try plan.load()
      return [data.training.count, data.validation?.count ?? 0]
    }
    #expect(try counts(DataPlan(dataset: "digits")) == [1294, 143])
    #expect(try counts(DataPlan(dataset: "digits", subset: 200)) == [200, 50])
    #expect(try counts(DataPlan(dataset: "digits", subset: 3)) == [3, 1])
    #expect(try counts(DataPlan(dataset: "digits", validation: 0)) == [1437, 0])
    let parts = try [100, 300].map { try DataPlan(dataset: "digits", subset: $0, validation: 90, seed: 2).load().validation }
    #expect(try bytes(parts[0]) == bytes(parts[1]))
    let other = try DataPlan(dataset: "digits", subset: 100, validation: 90, seed: 3).load().validation
    #expect(try bytes(other) != bytes(parts[0]))
  }

  /// Digits have 1,437 training images; the largest subset leaves room for the quarter beside it.
  @Test(
    arguments: [
      (1151, nil, "and a quarter of the subset's size is held out beside it for validation: give 1 to 1150, or set --validation"),
      (1437, nil, "and a quarter of the subset's size is held out beside it for validation: give 1 to 1150, or set --validation"),
      (.max, nil, "and a quarter of the subset's size is held out beside it for validation: give 1 to 1150, or set --validation"),
      (1400, 100, "of which 100 are held out for validation: give 1 to 1337"),
    ] as [(Int, Int?, String)])
  func howLargeASubsetCanBe(subset: Int, validation: Int?, words: String) throws {
    let error = #expect(throws: DatasetError.self) {
      try DataPlan(dataset: "digits", subset: subset, validation: validation).load()
    }
    #expect(error?.description == "--subset \(subset) is impossible: digits has 1437 training images, \(words)")
    for (subset, validation) in [(1150, nil), (1337, 100)] as [(Int, Int?)] {
      #expect(try DataPlan(dataset: "digits", subset: subset, validation: validation).load().training.count == subset)
    }
  }
}
