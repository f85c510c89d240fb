import Datasets
import Experiments
import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// Runs on data of one's own.
@Suite(.serialized) struct OwnDataTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  /// Three classes in six features of very different sizes; every fourth example is for testing.
  private func writeTensors(_ path: String, test: Bool = true) throws {
    var generator = SeededGenerator(seed: 5)
    func part(_ count: Int) throws -> (Tensor, Tensor) {
      let labels = (0..<count).map { Int64($0 % 3) }
      let values = labels.flatMap { label in
        (0..<6).map { Float(50 * $0) + Float($0 + 1) * (Float(label) + Float(generator.nextUnit())) }
      }
      return (try Tensor(values, shape: [count, 6]), try Tensor(labels))
    }
    var archive = TensorArchive()
    (archive.tensors["x"], archive.tensors["y"]) = try part(240)
    if test { (archive.tensors["x_test"], archive.tensors["y_test"]) = try part(90) }
    try archive.write(to: path)
  }

  private func plan(_ length: Step) -> TrainingPlan {
    TrainingPlan(length: length, batchSize: 20, learningRate: LearningRateSchedule(base: 5e-3), seed: 3)
  }

  private func experiment(_ data: String, network: String = "mlp:6-16-12-3") -> Experiment {
    Experiment(
      start: .network(network, weights: nil), data: DataPlan(dataset: data, seed: 3), training: plan(.epochs(6)),
      pruning: PruningPlan(
        criterion: .magnitude, granularity: .weight, scope: .global, amount: .total(0.5), timing: .rounds(2, recovery: .epochs(2)), seed: 3),
      recovery: plan(.epochs(2)))
  }

  @Test func tensorsFromFileToRow() throws {
    try withTemporaryDirectory { folder in
      let (data, path) = ("tensors:\(folder)/t.safetensors", folder + "/small.safetensors")
      try writeTensors(folder + "/t.safetensors")
      let runner = try Runner(experiment(data))
      try runner.run()
      try runner.file().write(to: path)
      let row = try runner.row(command: ["espalier"], version: "test", file: path, latencyBatches: [])
      #expect(row.data?.name == data && row.data?.training == 216 && row.data?.validation == 24 && row.data?.test == 90)
      #expect(row.pruned?.accuracyAtEnd?.fraction ?? 0 > 0.9)
      // The file knows how features are normalised: of the training part alone, feature by feature.
      let file = try ModelFile(contentsOf: path)
      let preprocessing = try #require(file.preprocessing)
      #expect(preprocessing.inputShape == [6] && preprocessing.elementType == .float32 && preprocessing.mean.count == 6)
      #expect(file.classes == ["0", "1", "2"])
      let measured = try DataPlan(dataset: data, seed: 3).load().training.meanAndDeviation()
      #expect(measured == Normalization(mean: preprocessing.mean, deviation: preprocessing.deviation))
      // So evaluation and pruning later need nothing but the data set, which may hold other examples.
      let found = try Experiment.evaluate(.file(path), on: DataPlan(dataset: data)).evaluation
      #expect(found.count == 90 && found.correct == row.pruned?.accuracyAtEnd?.correct)
      try writeTensors(folder + "/other.safetensors", test: false)
      var notes: [String] = []
      let all = try Experiment.evaluate(
        .file(path), on: DataPlan(dataset: "tensors:\(folder)/other.safetensors"), note: { notes.append($0) })
      #expect(all.evaluation.count == 240 && all.evaluation.accuracy > 0.9)
      #expect(notes == ["\(folder)/other.safetensors has no x_test: all of x is evaluated"])
    }
  }

  /// Subsets, however small, do not move the normalisation.
  @Test func normalisationIsThatOfTheTrainingPart() throws {
    try withTemporaryDirectory { folder in
      let data = "tensors:\(folder)/t.safetensors"
      try writeTensors(folder + "/t.safetensors")
      let whole = try DataPlan(dataset: data, validation: 40, seed: 3).load()
      #expect(try whole.normalization == whole.training.meanAndDeviation())
      let part = try DataPlan(dataset: data, subset: 30, validation: 40, seed: 3).load()
      #expect(part.training.count == 30 && part.normalization == whole.normalization)
      #expect(try part.validation?.fingerprint == whole.validation?.fingerprint)
      let given = Preparation(mean: [0.5], deviation: [2])
      let chosen = try DataPlan(dataset: data, seed: 3, preparation: given).load().normalization
      #expect(chosen == Normalization(mean: Array(repeating: 0.5, count: 6), deviation: Array(repeating: 2, count: 6)))
    }
  }

  /// A model keeps the normalisation that it was trained with, also for data sets of the catalogue, and for their classes alone.
  @Test func normalisationIsTheModels() throws {
    try withTemporaryDirectory { folder in
      let (path, own) = (folder + "/m.safetensors", Normalization(mean: [0.3053], deviation: [0.3759]))
      func normalization(_ preparation: Preparation? = nil, _ start: Experiment.Start? = nil, isShared: Bool = false) throws
        -> Normalization
      {
        try DataPlan(dataset: "digits", seed: 3, preparation: preparation).load(for: start, isShared: isShared).normalization
      }
      let (given, chosen) = (Preparation(mean: [0.5], deviation: [2]), Normalization(mean: [0.5], deviation: [2]))
      #expect(try normalization() == own && normalization(given) == chosen)
      let classes = try DataPlan(dataset: "digits").load().training.classNames
      for (shape, names, expected) in [([1, 8, 8], classes, chosen), ([3, 8, 8], classes, chosen), ([1, 8, 8], ["a", "b"], own)] {
        let network = try Architecture.parse("lenet-300-100", input: .image(channels: shape[0], height: 8, width: 8), classes: names.count)
        let numbers = { (value: Float) in Array(repeating: value, count: shape[0]) }
        try ModelFile(
          model: Model(network, seed: 1),
          preprocessing: Preprocessing(inputShape: shape, mean: numbers(0.5), deviation: numbers(2)), classes: names
        ).write(to: path)
        #expect(try normalization(nil, .file(path)) == expected)
        #expect(try normalization(Preparation(mean: [0], deviation: [1]), .file(path)) == Normalization(mean: [0], deviation: [1]))
        #expect(try normalization(nil, .file(path), isShared: true) == own)
      }
      let wrong = #expect(throws: DatasetError.self) { try normalization(Preparation(mean: [1, 2], deviation: [1, 2])) }
      #expect(wrong?.description == "--mean has 2 numbers: digits has one channel, so give one")
    }
  }

  @Test func killedAndResumed() throws {
    try withTemporaryDirectory { folder in
      try writeTensors(folder + "/t.safetensors")
      let plan = experiment("tensors:\(folder)/t.safetensors")
      let whole = try BrokenOffRun(plan)
      #expect(try BrokenOffRun(plan, breakingAfter: [7, 40, 20]).file == whole.file)
    }
  }

  @Test func whatIsRefused() throws {
    try withTemporaryDirectory { folder in
      let data = "tensors:\(folder)/t.safetensors"
      try writeTensors(folder + "/t.safetensors", test: false)
      func problem(_ plan: DataPlan, _ start: Experiment.Start? = nil, onlyTest: Bool = false) -> String {
        do {
          _ = try plan.load(for: start, onlyTest: onlyTest)
          return "no error"
        } catch { return "\(error)" }
      }
      #expect(
        problem(DataPlan(dataset: "digits", preparation: Preparation(resize: 8)))
          == "--image-size, --resize, --channel-order and --skip-broken go with data of your own, folder:DIR, "
          + "tensors:FILE.safetensors, log-mel:DIR, mfcc:DIR: digits has its own")
      #expect(
        problem(DataPlan(dataset: data, preparation: Preparation(imageSize: [8, 8])))
          == "--image-size, --resize and --channel-order go with image files, folder:DIR: \(data) holds none")
      #expect(
        problem(DataPlan(dataset: data, preparation: Preparation(skipsBroken: true)))
          == "--skip-broken goes with files of images or clips, folder:DIR, log-mel:DIR, mfcc:DIR: \(data) is one file")
      #expect(
        problem(DataPlan(dataset: data, preparation: Preparation(mean: [1, 2], deviation: [1, 2])))
          == "--mean has 2 numbers: \(data) has 6 channels, so give 1 or that many")
      #expect(
        problem(DataPlan(dataset: data), .network("mlp:6-4-3", weights: GivenWeights("w")), onlyTest: true)
          == "nothing says how \(data) is normalised for these weights: give --mean and --deviation, or a model file")
      let other = #expect(throws: NetworkError.self) { try Runner(experiment(data, network: "resnet-20")) }
      #expect(other?.description.hasPrefix("network resnet-20 takes 3×32×32 images (or other sizes from 8×8 on), \(data) has 6") ?? false)
      // A model of other data.
      let model = try Model(Architecture.parse("mlp:4-3", input: .vector(4), classes: 3), seed: 1)
      try ModelFile(model: model).write(to: folder + "/m.safetensors")
      let words = #expect(throws: PlanError.self) {
        try Runner(Experiment(start: .file(folder + "/m.safetensors"), data: DataPlan(dataset: data), training: nil))
      }
      #expect(
        words?.description
          == "\(folder)/m.safetensors holds a network for 4 inputs and 3 classes; \(data) has 6 vectors and 3 classes")
    }
  }

  /// Recipes of catalogue data are what they were, and those of one's own come back.
  @Test func plansAreCoded() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let plain = DataPlan(dataset: "digits", seed: 3)
    #expect(String(decoding: try encoder.encode(plain), as: UTF8.self) == #"{"dataset":"digits","seed":3}"#)
    let own = DataPlan(
      dataset: "folder:x", preparation: Preparation(imageSize: [64, 48], resize: 70, mean: [0.5], deviation: [0.25], skipsBroken: true))
    #expect(try JSONDecoder().decode(DataPlan.self, from: encoder.encode(own)) == own)
    for (count, text) in [(ClassCount.automatic, "\"auto\""), (7, "7")] as [(ClassCount, String)] {
      #expect(String(decoding: try encoder.encode(count), as: UTF8.self) == text)
      #expect(try JSONDecoder().decode(ClassCount.self, from: Data(text.utf8)) == count)
    }
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(ClassCount.self, from: Data("\"seven\"".utf8)) }
  }

  /// The files of Tests/Reference/images.json: JPEGs of one smooth picture, and PNGs of noise.
  private func writeImages(_ folder: String) throws {
    struct Image: Decodable {
      var name: String
      var file: Data
    }
    let images = try JSONDecoder().decode([Image].self, from: Data(contentsOf: reference("images.json")))
    for part in ["train", "test"] {
      for (index, image) in images.enumerated() where part == "train" || index % 2 == 0 {
        let path = "\(folder)/\(part)/\(image.name.hasPrefix("png") ? "rough" : "soft")"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try image.file.write(to: URL(fileURLWithPath: "\(path)/\(index + 10).\(image.name.hasPrefix("png") ? "png" : "jpg")"))
      }
    }
  }

  @Test func imagesFromFolderToRow() throws {
    try withTemporaryDirectory { folder in
      let data = folder + "/images"
      try writeImages(data)
      let plan = Experiment(
        start: .network("resnet-20", weights: nil),
        data: DataPlan(dataset: "folder:\(data)", validation: 6, seed: 3, preparation: Preparation(imageSize: [12, 10], resize: 12)),
        classes: .automatic, training: TrainingPlan(length: .iterations(8), batchSize: 8, learningRate: .init(base: 1e-3), seed: 3))
      let whole = try BrokenOffRun(plan)
      // Crops and flips are drawn anew after a resume, as they would have been.
      #expect(try BrokenOffRun(plan, breakingAfter: [2, 3]).file == whole.file)
      let path = folder + "/m.safetensors"
      try whole.model.write(to: URL(fileURLWithPath: path))
      let row = try whole.runner.row(command: ["espalier"], version: "test", file: path, latencyBatches: [])
      #expect(row.data?.training == 33 && row.data?.validation == 6 && row.data?.test == 20 && row.notes == nil)
      let file = try ModelFile(contentsOf: path)
      let preprocessing = try #require(file.preprocessing)
      #expect(preprocessing.inputShape == [3, 12, 10] && preprocessing.resize == 12 && preprocessing.elementType == nil)
      #expect(file.classes == ["rough", "soft"])
      let found = try Experiment.evaluate(.file(path), on: DataPlan(dataset: "folder:\(data)")).evaluation
      #expect(found.count == 20 && found.correct == row.dense.accuracyAtEnd?.correct)

      // A class that is alone in a folder keeps its label; a broken image is named, or left out and told.
      let some = folder + "/some"
      try FileManager.default.createDirectory(atPath: some, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: data + "/test/soft", toPath: some + "/soft")
      func evaluated(_ preparation: Preparation? = nil) throws -> Int {
        try Experiment.evaluate(.file(path), on: DataPlan(dataset: "folder:\(some)", preparation: preparation)).evaluation.count
      }
      let soft = try evaluated()
      #expect(soft > 0 && soft < 20)
      try Data().write(to: URL(fileURLWithPath: some + "/soft/99.jpg"))
      let error = #expect(throws: DatasetError.self) { try evaluated() }
      #expect(error?.description == "\(some)/soft/99.jpg: it is empty; --skip-broken leaves broken images out")
      #expect(try evaluated(Preparation(skipsBroken: true)) == soft)
    }
  }

  @Test func brokenImagesStandInTheRow() throws {
    try withTemporaryDirectory { folder in
      let data = folder + "/images"
      try writeImages(data)
      try Data("text".utf8).write(to: URL(fileURLWithPath: data + "/train/soft/99.jpg"))
      let plan = Experiment(
        start: .network("lenet-300-100", weights: nil),
        data: DataPlan(dataset: "folder:\(data)", preparation: Preparation(skipsBroken: true)),
        training: plan(.iterations(1)))
      let runner = try Runner(plan)
      try runner.run()
      let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
      #expect(
        row.notes?.map { "\($0.subject): \($0.words)" } == [
          "data: 1 broken image of 40 left out: \(data)/train/soft/99.jpg: it is neither a JPEG nor a PNG image"
        ])
      // What the network takes: grey, 28 × 28.
      #expect(runner.preprocessing?.inputShape == [1, 28, 28])
    }
  }

  @Test func aValidationFolderIsTheValidationPart() throws {
    try withTemporaryDirectory { folder in
      let data = folder + "/images"
      try writeImages(data)
      try FileManager.default.copyItem(atPath: data + "/test", toPath: data + "/val")
      let start = Experiment.Start.network("resnet-20", weights: nil)
      let loaded = try DataPlan(dataset: "folder:\(data)", subset: 10).load(for: start)
      #expect(loaded.training.count == 10 && loaded.validation?.count == 20 && loaded.test?.count == 20)
      #expect(loaded.training.shape == [3, 32, 32] && loaded.augmentation == .cropAndFlip && loaded.resize == nil)
      let error = #expect(throws: DatasetError.self) {
        try DataPlan(dataset: "folder:\(data)", validation: 5).load(for: start)
      }
      #expect(
        error?.description == "--validation does not go with folder:\(data), whose folder val is its validation part")
    }
  }
}
