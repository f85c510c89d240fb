import Testing
import Torch

@testable import Datasets

@Suite struct AdaptedSetTests {
  /// Two grey images of 2×2: 1 2 / 3 4 and 5 6 / 7 8.
  private func grey() throws -> ExampleSet {
    try ExampleSet(bytes: Array(1...8), labels: [0, 1], channels: 1, height: 2, width: 2, classNames: ["a", "b"], name: "grey")
  }

  private func bytes(_ set: ExampleSet, _ example: Int) throws -> [UInt8] { try set.image(at: example) }

  @Test func aBorderAndRepeatedChannels() throws {
    let set = try grey().adapted(to: [3, 4, 4])
    let plane: [UInt8] = [0, 0, 0, 0, 0, 5, 6, 0, 0, 7, 8, 0, 0, 0, 0, 0]
    #expect(try set.shape == [3, 4, 4] && set.count == 2 && bytes(set, 1) == plane + plane + plane)
    #expect(set.adaptation == "grey repeated to 3 channels, black border, from 2×2 to 4×4" && !set.isResident)
    // Also of a part of it, and with odd differences, of which the smaller half comes first.
    let part = try set.selecting([1])
    #expect(try part.adaptation == set.adaptation && bytes(part, 0) == plane + plane + plane)
    #expect(try bytes(grey().adapted(to: [1, 3, 2]), 0) == [1, 2, 3, 4, 0, 0])
    #expect(try grey().adapted(to: [1, 2, 2]).adaptation == nil && grey().adapted(to: [1, 2, 2]).isResident)
  }

  @Test func theMiddleOfWhatIsLarger() throws {
    let large = try ExampleSet(bytes: Array(1...16), labels: [0], channels: 1, height: 4, width: 4, classNames: ["a"])
    let set = try large.adapted(to: [1, 2, 2])
    #expect(try bytes(set, 0) == [6, 7, 10, 11] && set.adaptation == "cut to the middle, from 4×4 to 2×2")
    #expect(try bytes(large.adapted(to: [1, 2, 6]), 0) == [0, 5, 6, 7, 8, 0, 0, 9, 10, 11, 12, 0])
    #expect(try large.adapted(to: [1, 2, 6]).adaptation == "black border, cut to the middle, from 4×4 to 2×6")
  }

  /// Outside the image lies black, normalised as every byte is, in either memory order.
  @Test(arguments: [false, true]) func normalised(channelsLast: Bool) throws {
    let set = try grey().adapted(to: [2, 2, 4])
    let normalization = Normalization(mean: [0.5], deviation: [0.25]).repeated(2)
    #expect(normalization == Normalization(mean: [0.5, 0.5], deviation: [0.25, 0.25]) && normalization.repeated(3) == normalization)
    let batch = try set.batch(of: [0], normalization: normalization, channelsLast: channelsLast)
    func value(_ byte: Float) -> Float { (byte / 255 - 0.5) / 0.25 }
    let row = [value(0), value(1), value(2), value(0), value(0), value(3), value(4), value(0)]
    #expect(try batch.inputs.contiguous().array(Float.self) == row + row)
  }

  @Test func momentsAreThoseOfTheStoredImages() throws {
    let (own, adapted) = (try grey().meanAndDeviation(), try grey().adapted(to: [3, 4, 4]).meanAndDeviation())
    #expect(adapted == own.repeated(3) && own.mean.count == 1)
  }

  /// A crop moves about the middle; a mirrored image alone stays there.
  @Test func augmentedAboutTheMiddle() throws {
    let set = try grey().adapted(to: [1, 2, 6])
    for seed in 0..<20 as Range<UInt64> {
      let mirrored = Augmentation(padding: 0, mirrors: true).placement(seed: seed, epoch: 0, position: 0, room: (0, -4))
      #expect(mirrored.dy == 0 && mirrored.dx == -2)
      let cropped = Augmentation(padding: 1).placement(seed: seed, epoch: 0, position: 0, room: (0, -4))
      #expect((-1...1).contains(cropped.dy) && (-3 ... -1).contains(cropped.dx))
    }
    let loader = try BatchLoader(
      set, batchSize: 2, seed: 1, normalization: .none(channels: 1), augmentation: Augmentation(padding: 0, mirrors: true), shuffle: false)
    let first = try loader.batch(epoch: 0, index: 0).inputs.array(Float.self).prefix(6).map { ($0 * 255).rounded() }
    #expect(first == [0, 0, 1, 2, 0, 0] || first == [0, 0, 2, 1, 0, 0])
  }

  @Test func whatCannotBe() throws {
    func problem(_ set: ExampleSet, _ shape: [Int]) -> String {
      do { return try "\(set.adapted(to: shape).shape)" } catch { return "\(error)" }
    }
    let color = try ExampleSet(bytes: Array(1...12), labels: [0], channels: 3, height: 2, width: 2, classNames: ["a"], name: "color")
    #expect(problem(color, [1, 2, 2]) == "color has images of 3 channels, which cannot become 1")
    #expect(try problem(grey(), [4]) == "grey has examples of 1×2×2, which cannot become 4")
    let vectors = try ExampleSet(values: [1, 2, 3], labels: [0], shape: [3], classNames: ["a"], name: "v")
    #expect(problem(vectors, [4]) == "v has examples of 3, which cannot become 4")
    #expect(problem(vectors, [3]) == "[3]")
  }

  @Test func drawnWithReplacement() throws {
    let set = try randomSet(count: 40)
    let (first, again, second) = try (
      set.resampled(40, seed: 5, draw: 0), set.resampled(40, seed: 5, draw: 0), set.resampled(40, seed: 5, draw: 1)
    )
    #expect(first.positions == again.positions && first.positions != second.positions && first.count == 40)
    #expect(try set.resampled(40, seed: 6, draw: 0).positions != first.positions)
    // Forty draws of forty leave some out and repeat others.
    #expect(Set(first.positions).count < 40 && Set(first.positions).isSubset(of: Set(set.positions)))
    #expect(first.labels == first.positions.map { set.labels[Int($0)] })
    #expect(try set.resampled(100, seed: 5, draw: 0).count == 100)
    #expect {
      _ = try set.resampled(0, seed: 1, draw: 0)
    } throws: {
      "\($0)" == "a draw of 0 examples of 40 of \(set.name): both must be at least 1"
    }
  }
}
