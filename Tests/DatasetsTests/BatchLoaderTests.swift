import Testing
import Torch

@testable import Datasets

@Suite struct BatchLoaderTests {
  private func loader(
    _ set: ExampleSet, batchSize: Int = 8, seed: UInt64 = 3, augmentation: Augmentation = .none, channelsLast: Bool = false,
    shuffle: Bool = true, dropLast: Bool = false, prefetch: BatchLoader.Prefetch = .never
  ) throws -> BatchLoader {
    try BatchLoader(
      set, batchSize: batchSize, seed: seed, normalization: .none(channels: set.channels), augmentation: augmentation,
      channelsLast: channelsLast, shuffle: shuffle, dropLast: dropLast, prefetch: prefetch)
  }

  @Test func everyEpochIsAnotherOrderOfAllExamples() throws {
    let set = try randomSet(count: 50)
    let loader = try loader(set)
    #expect(loader.batchesPerEpoch == 7)
    var orders: [[Int]] = []
    for epoch in 0..<5 {
      let order = loader.order(epoch: epoch)
      #expect(order.sorted() == Array(0..<50))
      #expect(!orders.contains(order))
      orders.append(order)
      var labels: [Int64] = []
      for index in 0..<loader.batchesPerEpoch { labels += try loader.batch(epoch: epoch, index: index).labels.array() }
      #expect(labels == order.map { set.labels[$0] })
    }
    #expect(try self.loader(set).order(epoch: 4) == orders[4])
    #expect(try self.loader(set, seed: 4).order(epoch: 4) != orders[4])
    #expect(try self.loader(set, shuffle: false).order(epoch: 4) == Array(0..<50))
  }

  @Test func lastBatchIsKeptOrDropped() throws {
    let set = try randomSet(count: 20)
    let kept = try loader(set, batchSize: 8)
    #expect(kept.batchesPerEpoch == 3)
    #expect(try kept.batch(epoch: 0, index: 2).inputs.shape == [4, 1, 4, 4])
    #expect(try loader(set, batchSize: 8, dropLast: true).batchesPerEpoch == 2)
    #expect(try loader(set, batchSize: 10, dropLast: true).batchesPerEpoch == 2)
    #expect(try loader(set, batchSize: 100).batch(epoch: 0, index: 0).count == 20)
  }

  /// No machine has room for such a stack, so there is no thread.
  @Test func withoutAThreadTheCallerAssembles() throws {
    let set = try randomSet(count: 50)
    let (alone, assisted) = (try loader(set), try loader(set, prefetch: .ahead(3)))
    let refused = try BatchPrefetcher.$stackSize.withValue(1 << 56) { try loader(set, prefetch: .ahead(3)) }
    #expect(assisted.isPrefetching && !refused.isPrefetching)
    for index in 0..<7 {
      #expect(try content(refused, 1, index) == content(alone, 1, index))
      #expect(try content(assisted, 1, index) == content(alone, 1, index))
    }
  }

  @Test func batchesAreNormalised() throws {
    let set = try ExampleSet(
      bytes: [0, 255, 51, 102], labels: [1], channels: 2, height: 1, width: 2, classNames: ["a", "b"])
    let loader = try BatchLoader(
      set, batchSize: 1, seed: 0, normalization: Normalization(mean: [0.5, 0.2], deviation: [0.5, 0.1]))
    let batch = try loader.batch(epoch: 0, index: 0)
    let values = try batch.inputs.array(Float.self)
    for (value, expected) in zip(values, [-1, 1, 0, 2] as [Float]) { #expect(abs(value - expected) < 1e-6) }
    #expect(batch.inputs.shape == [1, 2, 1, 2] && batch.inputs.elementType == .float32)
    #expect(try batch.labels.array(Int64.self) == [1])
  }

  /// What `loader` gives at a place, as arrays.
  private func content(_ loader: BatchLoader, _ epoch: Int, _ index: Int) throws -> ([Float], [Int64]) {
    let batch = try loader.batch(epoch: epoch, index: index)
    return (try batch.inputs.array(), try batch.labels.array())
  }

  @Test(arguments: [Augmentation.none, .cropAndFlip, Augmentation(padding: 1), Augmentation(mirrors: true)], [false, true])
  func prefetchedEqualsDirect(augmentation: Augmentation, channelsLast: Bool) throws {
    let set = try randomSet(count: 43, channels: 3, side: 6)
    let direct = try loader(set, augmentation: augmentation, channelsLast: channelsLast)
    for depth in [1, 2, 5] {
      let ahead = try loader(set, augmentation: augmentation, channelsLast: channelsLast, prefetch: .ahead(depth))
      #expect(ahead.isPrefetching && !direct.isPrefetching)
      for epoch in 0..<3 {
        for index in 0..<direct.batchesPerEpoch {
          #expect(try content(direct, epoch, index) == content(ahead, epoch, index), "epoch \(epoch), batch \(index), depth \(depth)")
        }
      }
    }
  }

  @Test func channelsLastHoldsTheSameValues() throws {
    let set = try randomSet(count: 12, channels: 3, side: 5)
    let plain = try loader(set, augmentation: .cropAndFlip).batch(epoch: 1, index: 0).inputs
    let turned = try loader(set, augmentation: .cropAndFlip, channelsLast: true).batch(epoch: 1, index: 0).inputs
    #expect(turned.isChannelsLast && !turned.isContiguous && plain.isContiguous && turned.shape == [8, 3, 5, 5])
    #expect(try plain.array(Float.self) == turned.array(Float.self))
  }

  @Test func anyPlaceMayBeTakenInAnyOrder() throws {
    let set = try randomSet(count: 30, side: 3)
    let reference = try loader(set, batchSize: 7, augmentation: .cropAndFlip)
    let ahead = try loader(set, batchSize: 7, augmentation: .cropAndFlip, prefetch: .ahead(3))
    for seed in 0..<10 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      for _ in 0..<20 {
        let (epoch, index) = (Int(generator.next(below: 4)), Int(generator.next(below: 5)))
        #expect(try content(reference, epoch, index) == content(ahead, epoch, index), "seed \(seed)")
      }
    }
    // A resumed run starts in the middle.
    let resumed = try loader(set, batchSize: 7, augmentation: .cropAndFlip, prefetch: .ahead(3))
    for index in 3..<5 { #expect(try content(resumed, 2, index) == content(reference, 2, index)) }
    #expect(try content(resumed, 3, 0) == content(reference, 3, 0))
  }

  @Test func batchesStayValidAfterTheLoaderIsGone() throws {
    let set = try randomSet(count: 64, channels: 3, side: 16)
    for round in 0..<50 {
      var loader: BatchLoader? = try self.loader(set, augmentation: .cropAndFlip, prefetch: .ahead(4))
      let batch = try loader?.batch(epoch: round, index: 0)
      // Stops with batches still being written.
      loader = nil
      #expect(try batch?.inputs.array(Float.self).allSatisfy { $0.isFinite } == true)
    }
  }

  @Test func cropsAndMirrorsByHand() throws {
    // One 3×3 image, 1…9.
    let set = try ExampleSet(bytes: Array(1...9), labels: [0], channels: 1, height: 3, width: 3, classNames: ["a"])
    let augmentation = Augmentation(padding: 1, mirrors: true)
    let loader = try loader(set, batchSize: 1, augmentation: augmentation)
    var seen: Set<[Int]> = []
    for epoch in 0..<400 {
      let (dy, dx, mirrored) = augmentation.placement(seed: 3, epoch: epoch, position: 0)
      let values = try loader.batch(epoch: epoch, index: 0).inputs.array(Float.self).map { Int(($0 * 255).rounded()) }
      var expected: [Int] = []
      for y in 0..<3 {
        for x in 0..<3 {
          let fromY = y + Int(dy)
          let fromX = (mirrored == 1 ? 2 - x : x) + Int(dx)
          expected.append((0..<3).contains(fromY) && (0..<3).contains(fromX) ? fromY * 3 + fromX + 1 : 0)
        }
      }
      #expect(values == expected, "epoch \(epoch)")
      seen.insert(values)
    }
    // 3 × 3 places, mirrored or not; all are different for this image.
    #expect(seen.count == 18)
    #expect(seen.contains([3, 2, 1, 6, 5, 4, 9, 8, 7]) && seen.contains([0, 0, 0, 0, 1, 2, 0, 4, 5]))
  }

  @Test func augmentationSpellings() throws {
    for spelling in ["none", "crop:4", "flip", "crop:4+flip"] { #expect(try Augmentation(spelling).description == spelling) }
    #expect(try Augmentation("crop:4+flip") == .cropAndFlip)
    for wrong in ["", "crop", "crop:0", "crop:99999999999999999999", "flip+flip", "crop:4+", "mixup"] {
      #expect(
        message { _ = try Augmentation(wrong) }
          == "unknown augmentation \"\(wrong)\". Possible: none, crop:N (N pixels, 1…64), flip, crop:N+flip")
    }
  }

  /// 21 images ten at a time leave one alone; evenly they are three times seven, in the same order.
  @Test(arguments: [(21, [7, 7, 7]), (22, [7, 7, 8]), (20, [10, 10]), (3, [3])]) func evenBatches(_ count: Int, _ sizes: [Int]) throws {
    let set = try randomSet(count: count)
    var (found, labels): ([Int], [Int64]) = ([], [])
    try set.batches(of: 10, normalization: .none(channels: 1)).forEachEvenly {
      found.append($0.inputs.shape[0])
      labels += try $0.labels.array()
    }
    #expect(found == sizes && labels == set.labels)
  }

  @Test func evaluationBatchesComeInOrder() throws {
    let set = try randomSet(count: 23)
    for limit in [0, 1 << 20] {
      let batches = try EvaluationBatches(set, batchSize: 10, normalization: .none(channels: 1), memoryLimit: limit)
      #expect(batches.count == 3)
      for _ in 0..<2 {
        var labels: [Int64] = []
        var pixels: [Float] = []
        try batches.forEach {
          labels += try $0.labels.array()
          pixels += try $0.inputs.array()
        }
        #expect(labels == set.labels)
        #expect(pixels == (try (0..<23).flatMap { try set.image(at: $0) }.map { Float($0) / 255 }))
      }
      #expect((try batches.batch(0).inputs === batches.batch(0).inputs) == (limit > 0))
    }
    #expect(message { _ = try set.batches(of: 10, normalization: .none(channels: 1)).batch(3) } == "batch 3: there are 3, from 0")
  }

  @Test func impossibleLoaders() throws {
    let set = try randomSet(count: 20)
    #expect(message { _ = try loader(set, batchSize: 0) } == "a batch size of 0: it must be at least 1")
    #expect(
      message { _ = try loader(set, batchSize: 21, dropLast: true) }
        == "a batch size of 21 with the last partial batch dropped: images has 20 examples")
    #expect(message { _ = try loader(set).batch(epoch: 1, index: 3) } == "batch 3 of epoch 1: an epoch has 3, from 0")
    #expect(
      message { _ = try BatchLoader(set, batchSize: 4, seed: 1, normalization: .none(channels: 3)) }
        == "the normalisation has 3 means and 3 deviations, the images have 1 channels")
    #expect(
      message { _ = try BatchLoader(set, batchSize: 4, seed: 1, normalization: Normalization(mean: [0], deviation: [0])) }
        == "the normalisation's means must be finite and its deviations positive")
  }
}
