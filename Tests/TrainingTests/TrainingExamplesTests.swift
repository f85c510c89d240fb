import Datasets
import Networks
import Testing
import Torch
import Training

/// The examples that criteria, repairs and probes look at.
@Suite struct TrainingExamplesTests {
  private func images(_ count: Int, seed: UInt64) throws -> [UInt8] {
    try learnableData(side: 4, classes: 4).examples(count, seed: seed, channelsLast: false).batch(0).inputs.bytes()
  }

  @Test func eachSeedLooksAtExamplesOfItsOwn() throws {
    try withThreads {
      let drawn = try (0..<4).map { try images(20, seed: $0) }
      #expect(Set(drawn).count == 4)
      #expect(try images(20, seed: 2) == drawn[2])
    }
  }

  @Test func aSmallerSetIsTakenWhole() throws {
    let data = try learnableData(side: 4, classes: 4)
    #expect(try data.examples(60, seed: 1, channelsLast: false).count == 1)
    #expect(try data.examples(60, seed: 1, channelsLast: false).set.count == 50)
    #expect(try data.examples(60, of: data.test, seed: 1, channelsLast: false).set.count == 24)
  }

  /// Two values of half a million numbers each are alive at the ReLU: 4 MB an example, of which 128 fit into 512 MB.
  @Test(arguments: [("mlp:64-1000-10", 500), ("mlp:64-500000-10", 128), ("mlp:64-1000000-10", 100)])
  func wideNetworksAreEvaluatedInSmallerBatches(name: String, examples: Int) throws {
    let network = try Architecture.parse(name, input: .image(channels: 1, height: 8, width: 8), classes: 10)
    #expect(try network.evaluationBatchSize() == examples)
    let data = try learnableData(side: 8, classes: 4)
    let set = try #require(data.validation)
    let batches = try data.evaluationBatches(set, for: network)
    #expect(try batches.batch(0).inputs.shape == [min(examples, set.count), 1, 8, 8])
  }
}
