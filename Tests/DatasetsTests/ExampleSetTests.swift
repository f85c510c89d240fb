import Foundation
import Testing
import Torch

@testable import Datasets

/// Examples that are no bytes of images, or not in memory as they go into a batch.
@Suite struct ExampleSetTests {
  private func vectors() throws -> ExampleSet {
    try ExampleSet(values: [1, 10, 3, 10, 5, 10, 7, 14], labels: [0, 1, 0, 1], shape: [2], classNames: ["a", "b"])
  }

  @Test func vectorsAreNormalisedFeatureByFeature() throws {
    let set = try vectors()
    #expect(set.shape == [2] && set.channels == 2 && set.height == 1 && set.width == 1 && set.exampleSize == 2)
    #expect(set.elementType == .float32 && set.isResident)
    // 1, 3, 5, 7 have mean 4 and variance 5; 10, 10, 10, 14 mean 11 and variance 3.
    let normalization = try set.meanAndDeviation()
    #expect(normalization.mean == [4, 11])
    #expect(zip(normalization.deviation, [5, 3]).allSatisfy { abs($0 - Float($1).squareRoot()) < 1e-6 })
    let batch = try set.batch(of: [3, 0], normalization: Normalization(mean: [4, 10], deviation: [2, 4]), channelsLast: true)
    #expect(batch.inputs.shape == [2, 2] && batch.inputs.isContiguous)
    #expect(try batch.inputs.array(Float.self) == [1.5, 1, -1.5, 0])
    #expect(try set.features(at: 2) == [5, 10])
    #expect(message { _ = try set.image(at: 0) } == "features has float32 elements, not bytes")
  }

  /// A mean far from 0 against which squares would cancel, and a feature without any deviation.
  @Test func momentsOfFloatsDoNotCancel() throws {
    let values: [Float] = (0..<200).flatMap { [1_000_000 + Float($0 % 2), 3] }
    let set = try ExampleSet(values: values, labels: Array(repeating: 0, count: 200), shape: [2], classNames: ["a"])
    #expect(try set.meanAndDeviation() == Normalization(mean: [1_000_000.5, 3], deviation: [0.5, 1]))
  }

  @Test func imagesOfFloats() throws {
    // Two channels of 1 × 2, turned channels-last.
    let set = try ExampleSet(values: [1, 2, 3, 4], labels: [0], shape: [2, 1, 2], classNames: ["a"])
    let plain = Normalization.none(channels: 2)
    #expect(try set.batch(of: [0], normalization: plain).inputs.array(Float.self) == [1, 2, 3, 4])
    let turned = try set.batch(of: [0], normalization: plain, channelsLast: true).inputs
    #expect(turned.isChannelsLast && turned.shape == [1, 2, 1, 2])
    #expect(try turned.array(Float.self) == [1, 2, 3, 4])
    #expect(try set.meanAndDeviation() == Normalization(mean: [1.5, 3.5], deviation: [0.5, 0.5]))
  }

  /// By Python: `hashlib.sha256(struct.pack("<Q", 7) + b"float32" + struct.pack("<3Q", 2, 2, 4) + struct.pack("<8f", 1, 10, 3, 10, 5, 10,
  /// 7, 14) + struct.pack("<4q", 0, 1, 0, 1)).hexdigest()`.
  @Test func fingerprintOfFloats() throws {
    #expect(try vectors().fingerprint == "082b49293244ea582a739b27d63624f59a715d585347f6a4bc9d4e9619197d22")
    let other = try ExampleSet(values: [1, 10, 3, 10, 5, 10, 7, 15], labels: [0, 1, 0, 1], shape: [2], classNames: ["a", "b"])
    #expect(try other.fingerprint != vectors().fingerprint)
  }

  @Test func impossibleFloats() {
    func made(_ values: [Float], _ labels: [Int64], _ shape: [Int]) -> String {
      message { _ = try ExampleSet(values: values, labels: labels, shape: shape, classNames: ["a"]) }
    }
    #expect(made([1, 2, 3], [0], [2]) == "1 examples of 2 need 2 values, not 3")
    #expect(made([1, 2], [0], [1, 2]) == "examples of 2 dimensions: possible are [features] and [channels, height, width]")
    #expect(made([1, .nan, 3, 4], [0, 0], [2]) == "value 1 of example 0 is nan")
    #expect(made([1, 2, .infinity, 4], [0, 0], [2]) == "value 0 of example 1 is inf")
    #expect(made([], [0], [0]) == "examples of 0 are impossible")
    #expect(made([1], [1], [1]) == "label 1 at example 0: features has 1 classes")
  }

  /// 4 × 4 stored, 2 × 2 wanted: the middle, or in training one of nine places, half of them mirrored.
  @Test func cropsOfLargerImages() throws {
    let storage = try ByteStorage(count: 16, path: "") { _ = $0.update(fromContentsOf: 0..<16) }
    let set = ExampleSet(
      storage: .bytes(storage), labels: [0], shape: [1, 2, 2], storedShape: [1, 4, 4], classNames: ["a"], name: "large")
    #expect(!set.isResident)
    #expect(try set.image(at: 0) == [5, 6, 9, 10])
    #expect(message { _ = try set.withStoredExamples { $0.count } } == "the examples of large are not in memory as they go into a batch")
    let loader = try BatchLoader(
      set, batchSize: 1, seed: 1, normalization: .none(channels: 1), augmentation: Augmentation(mirrors: true), prefetch: .never)
    var seen: Set<[Int]> = []
    for epoch in 0..<300 {
      seen.insert(try loader.batch(epoch: epoch, index: 0).inputs.array(Float.self).map { Int(($0 * 255).rounded()) })
    }
    let places = (0..<3).flatMap { y in (0..<3).map { x in [4 * y + x, 4 * y + x + 1, 4 * y + x + 4, 4 * y + x + 5] } }
    #expect(seen == Set(places + places.map { [$0[1], $0[0], $0[3], $0[2]] }))
    // Without augmentation the middle, in training too.
    let plain = try BatchLoader(set, batchSize: 1, seed: 1, normalization: .none(channels: 1), prefetch: .never)
    #expect(try plain.batch(epoch: 0, index: 0).inputs.array(Float.self).map { Int(($0 * 255).rounded()) } == [5, 6, 9, 10])
  }
}

/// Examples that a reader makes as they are asked for.
@Suite struct CachedExamplesTests {
  /// Example i has the elements 7·i, 7·i + 1, …; counts what it is asked for.
  private final class Reader: ExampleReader, @unchecked Sendable {
    let elementType: ElementType
    let shape: [Int]
    let count: Int
    let broken: Set<Int>
    private let lock = NSLock()
    private var asked: [Int] = []

    init(_ count: Int, shape: [Int], type: ElementType = .uint8, broken: Set<Int> = []) {
      (self.count, self.shape, elementType, self.broken) = (count, shape, type, broken)
    }

    var requests: [Int] { lock.withLock { asked } }

    func read(_ index: Int, into elements: UnsafeMutableRawBufferPointer) throws {
      lock.withLock { asked.append(index) }
      if broken.contains(index) { throw DatasetError.badFile(path: "example \(index)", problem: "is broken") }
      for place in 0..<shape.reduce(1, *) {
        switch elementType {
        case .float32: elements.storeBytes(of: Float(7 * index + place), toByteOffset: 4 * place, as: Float.self)
        default: elements[place] = UInt8((7 * index + place) % 256)
        }
      }
    }

    func content(_ index: Int) throws -> [UInt8] { [UInt8(index)] }
  }

  private func set(_ reader: Reader, memoryLimit: Int) -> ExampleSet {
    ExampleSet(
      storage: .read(CachedExamples(reader, memoryLimit: memoryLimit)), labels: (0..<reader.count).map { Int64($0 % 2) },
      shape: reader.shape, classNames: ["a", "b"], name: "read")
  }

  private func resident(_ reader: Reader) throws -> ExampleSet {
    let values = (0..<reader.count).flatMap { index in (0..<reader.shape.reduce(1, *)).map { 7 * index + $0 } }
    let labels = (0..<reader.count).map { Int64($0 % 2) }
    guard reader.elementType == .uint8 else {
      return try ExampleSet(values: values.map(Float.init), labels: labels, shape: reader.shape, classNames: ["a", "b"])
    }
    return try ExampleSet(
      bytes: values.map { UInt8($0 % 256) }, labels: labels, channels: reader.shape[0], height: reader.shape[1], width: reader.shape[2],
      classNames: ["a", "b"])
  }

  /// Same batches, same moments: whether all, some or none of the examples are kept, with threads ahead or without.
  @Test(arguments: [ElementType.uint8, .float32], [0, 5 * 4 * 12, 1 << 20])
  func equalThoseInMemory(type: ElementType, memoryLimit: Int) throws {
    let reader = Reader(11, shape: [3, 2, 2], type: type)
    let (lazy, whole) = (set(reader, memoryLimit: memoryLimit), try resident(reader))
    #expect(!lazy.isResident && lazy.elementType == type)
    let normalization = try lazy.meanAndDeviation()
    #expect(try normalization == whole.meanAndDeviation())
    for prefetch in [BatchLoader.Prefetch.never, .ahead(2), .automatic] {
      let loaders = try [lazy, whole].map {
        try BatchLoader(
          $0, batchSize: 4, seed: 5, normalization: normalization, augmentation: Augmentation(padding: 1, mirrors: true), prefetch: prefetch
        )
      }
      #expect(loaders[0].isPrefetching == (prefetch != .never))
      for epoch in 0..<2 {
        for index in 0..<3 {
          let batches = try loaders.map { try $0.batch(epoch: epoch, index: index).inputs.array(Float.self) }
          #expect(batches[0] == batches[1], "epoch \(epoch), batch \(index)")
        }
      }
    }
  }

  /// The first three of ten are kept, and so read once; the others are read whenever they are asked for.
  @Test func keepsTheFirst() throws {
    let reader = Reader(10, shape: [1, 2, 2])
    let set = set(reader, memoryLimit: 3 * 4)
    for _ in 0..<4 { _ = try set.batch(of: 0..<10, normalization: .none(channels: 1)) }
    let counts = (0..<10).map { index in reader.requests.count { $0 == index } }
    #expect(counts == [1, 1, 1, 4, 4, 4, 4, 4, 4, 4])
  }

  /// The same one whichever thread comes first, and a loader that prefetches reports it too.
  @Test func theFirstBrokenOneIsNamed() throws {
    for _ in 0..<20 {
      let set = set(Reader(40, shape: [1, 1, 1], broken: [7, 8, 30]), memoryLimit: 1 << 10)
      #expect(message { _ = try set.batch(of: 0..<40, normalization: .none(channels: 1)) } == "example 7: is broken")
      #expect(message { _ = try set.meanAndDeviation() } == "example 7: is broken")
      let loader = try BatchLoader(set, batchSize: 10, seed: 1, normalization: .none(channels: 1), shuffle: false)
      #expect(message { _ = try loader.batch(epoch: 0, index: 0) } == "example 7: is broken")
    }
  }

  @Test func fingerprintIsThatOfTheContents() throws {
    let (a, b) = (set(Reader(4, shape: [1, 1, 1]), memoryLimit: 0), set(Reader(4, shape: [1, 1, 1]), memoryLimit: 1 << 20))
    #expect(try a.fingerprint == b.fingerprint)
    #expect(try a.fingerprint != a.selecting([0, 1, 3]).fingerprint)
  }
}
