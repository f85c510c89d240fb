internal import Datasets
internal import Foundation
internal import Networks
internal import Torch
internal import Training

/// How many images of a folder are delivered in the time in which a step of training consumes one.
enum LoaderTime {
  private static let (name, batch, rounds) = ("resnet-20", 64, 5)

  /// Returns one line of JSON: images per second that ResNet-20's training consumes, that come out of files, and that come out of memory;
  /// measured by turns, medians, and the ratios' median, least and most.
  ///
  /// Files are decoded by all cores, as they are beside a training whose images do not fit into memory; each image is decoded anew.
  static func measure(_ folder: String, threads: Int, seconds: Double) throws -> String {
    try TorchRuntime.configure(threads: threads)
    guard let own = try OwnData.named("folder:\(folder)") else { throw UsageError("--loader \(folder): this is no folder") }
    var request = OwnData.Request()
    request.shape = try Architecture.parse(name).inputShape.dimensions
    let resident = try own.load(request)
    request.memoryLimit = 0
    guard let images = resident.training, let files = try own.load(request).training else { throw UsageError("there is no training part") }
    let normalization = try images.meanAndDeviation()
    let network = try Architecture.parse(name, classes: images.classes)
    let augmentation = resident.augmentation ?? .none
    func loader(_ set: ExampleSet) throws -> BatchLoader {
      try BatchLoader(
        set, batchSize: batch, seed: 1, normalization: normalization, augmentation: augmentation, channelsLast: true, prefetch: .ahead(3))
    }
    let training = try TrainingTime(
      network, .dense, sparsity: 0, hasGates: false, batch: batch, optimizer: .sgd(momentum: 0.9), learningRate: 0.01,
      on: TrainingData(training: images, validation: nil, test: nil, normalization: normalization, augmentation: augmentation))
    let sources = try [("files", loader(files)), ("memory", loader(images))]
    var places = [0, 0]
    func delivered(_ source: Int) throws -> Double {
      let loader = sources[source].1
      let start = Date()
      var count = 0
      repeat {
        let (epoch, index) = places[source].quotientAndRemainder(dividingBy: loader.batchesPerEpoch)
        count += try loader.batch(epoch: epoch, index: index).count
        places[source] += 1
      } while -start.timeIntervalSinceNow < seconds
      return Double(count) / -start.timeIntervalSinceNow
    }
    // The first turn pays for memory.
    _ = try (training.rate(seconds: seconds / 5), delivered(0), delivered(1))
    var consumed: [Double] = []
    var rates: [[Double]] = [[], []]
    for _ in 0..<rounds {
      consumed.append(try training.rate(seconds: seconds) * Double(batch))
      for source in sources.indices { rates[source].append(try delivered(source)) }
    }
    var record: [String: Any] = [
      "case": name, "threads": threads, "batch": batch, "images": images.count, "consumed_per_second": consumed.sorted()[rounds / 2],
      "version": TorchRuntime.version,
    ]
    for (source, (kind, _)) in sources.enumerated() {
      let ratios = zip(rates[source], consumed).map { $0 / $1 }.sorted()
      record["\(kind)_per_second"] = rates[source].sorted()[rounds / 2]
      record["\(kind)_ratio"] = ["median": ratios[rounds / 2], "least": ratios[0], "most": ratios[rounds - 1]]
    }
    return String(decoding: try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys]), as: UTF8.self)
  }
}
