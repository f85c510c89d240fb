import Datasets
import Testing
import Torch

/// Batches that are taken unassembled hold the same examples in the same order as those that are assembled.
@Suite struct StoredExamplesTests {
  private func images(_ count: Int) throws -> ExampleSet {
    try ExampleSet(
      bytes: (0..<count * 8).map { UInt8($0 * 37 % 251) }, labels: (0..<count).map { Int64($0 % 3) }, channels: 2, height: 2, width: 2,
      classNames: ["a", "b", "c"])
  }

  private func assembled(_ examples: StoredExamples, _ scaling: [(scale: Float, offset: Float)]) -> [Float] {
    examples.positions.flatMap { position in
      (0..<8).map {
        let (scale, offset) = scaling[$0 / 4]
        let place = Int(position) * 8 + $0
        switch examples.elements {
        case .bytes(let bytes): return scale * Float(bytes[place]) + offset
        case .floats(let values): return scale * values[place] + offset
        }
      }
    }
  }

  private func expectClose(_ x: [Float], _ y: [Float], _ note: String = "") {
    // Values lie between −4 and 4: a few units in the last place.
    #expect(x.count == y.count && zip(x, y).allSatisfy { abs($0 - $1) < 1e-6 }, "\(note)")
  }

  @Test(arguments: [BatchLoader.Prefetch.never, .ahead(2)]) func batches(_ prefetch: BatchLoader.Prefetch) throws {
    let set = try images(20).selecting((0..<17).reversed())
    let normalization = Normalization(mean: [0.25, 0.5], deviation: [0.5, 0.125])
    let loader = try BatchLoader(set, batchSize: 5, seed: 3, normalization: normalization, prefetch: prefetch)
    let scaling = try set.scaling(normalization)
    // Both ways by turns, and back to an earlier epoch.
    for (epoch, index) in [(0, 0), (0, 1), (0, 3), (2, 2), (0, 2)] {
      let batch = try loader.batch(epoch: epoch, index: index)
      let (pixels, labels) = try loader.withStoredBatch(epoch: epoch, index: index) { examples in
        #expect(examples.count == (index == 3 ? 2 : 5) && examples.following == [12, 7, 2, 0][index])
        return (assembled(examples, scaling), Array(examples.labels))
      }
      expectClose(try batch.inputs.array(Float.self), pixels, "epoch \(epoch), batch \(index)")
      #expect(try batch.labels.array(Int64.self) == labels, "epoch \(epoch), batch \(index)")
    }
  }

  @Test func allExamplesInTheirOrder() throws {
    let set = try images(20).selecting([4, 4, 19])
    let scaling = try set.scaling(.none(channels: 2))
    let (pixels, labels) = try set.withStoredExamples { (assembled($0, scaling), Array($0.labels)) }
    let batch = try set.batch(of: 0..<3, normalization: .none(channels: 2))
    expectClose(try batch.inputs.array(Float.self), pixels)
    #expect(labels == [1, 1, 1])
  }

  @Test func aBatchThatIsNone() throws {
    let loader = try BatchLoader(images(9), batchSize: 5, seed: 3, normalization: .none(channels: 2))
    let error = #expect(throws: DatasetError.self) { try loader.withStoredBatch(epoch: 0, index: 2) { $0.count } }
    #expect(error?.description == "batch 2 of epoch 0: an epoch has 2, from 0")
    #expect(throws: DatasetError.self) { try images(2).scaling(.none(channels: 1)) }
  }
}
