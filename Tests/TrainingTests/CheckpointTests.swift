import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

/// A masked course's state after nine steps, with a hook's tensors of every kind.
private func checkpoint() throws -> Checkpoint {
  let hook = Watcher()
  hook.kept = [
    "sum.of all": try Tensor([1, -0.0, .infinity] as [Float]), "double": try Tensor([0.1, .nan] as [Double]),
    "count": try Tensor([.max, .min] as [Int64]), "chosen": try Tensor([true, false, true], shape: [3, 1]),
    "bytes": try Tensor([0, 255] as [UInt8]), "scalar": try .scalar(3), "empty": try .zeros([0, 2]),
  ]
  let trainer = try Course.masked.trainer(hooks: [hook])
  #expect(throws: TrainingError.self) {
    try trainer.run(afterStep: { if $0.iteration == 9 { throw TrainingError.interrupted(iteration: 9) } })
  }
  return Checkpoint(model: trainer.model, training: try trainer.state(), progress: "{\"phase\":\"größer\\n\"}")
}

@Suite struct CheckpointTests {
  @Test func everythingComesBack() throws {
    try withThreads {
      try withTemporaryDirectory { folder in
        let written = try checkpoint()
        try written.write(to: folder + "/a")
        let read = try Checkpoint(contentsOf: folder + "/a")
        #expect(read.progress == written.progress)
        #expect(read.model.network == written.model.network)
        let (before, after) = (try #require(written.training), try #require(read.training))
        #expect(after.iteration == 9)
        #expect(after.optimizer.stepCount == 9)
        #expect(after.log == before.log)
        #expect(after.log.lossCount == 3)
        #expect(try after.dropout.bytes() == before.dropout.bytes())
        #expect(try read.model.tensors.mapValues { try $0.bytes() } == written.model.tensors.mapValues { try $0.detached().bytes() })
        #expect(try read.model.masks.mapValues { try $0.bytes() } == written.model.masks.mapValues { try $0.bytes() })
        let (now, then) = (try #require(after.hooks["watcher"]), try #require(before.hooks["watcher"]))
        #expect(now.keys.sorted() == then.keys.sorted())
        for (key, tensor) in then {
          #expect(try now[key]?.bytes() == tensor.bytes(), "\(key)")
          #expect(now[key]?.shape == tensor.shape, "\(key)")
          #expect(now[key]?.elementType == tensor.elementType, "\(key)")
        }
        // The same state gives the same file, also when it has been read.
        try read.write(to: folder + "/b")
        #expect(FileManager.default.contents(atPath: folder + "/a") == FileManager.default.contents(atPath: folder + "/b"))
      }
    }
  }

  @Test func betweenTwoTrainingsThereIsNoState() throws {
    try withTemporaryDirectory { folder in
      let model = try Course.masked.model()
      try model.applyMasks()
      try Checkpoint(model: model, training: nil, progress: "x").write(to: folder + "/a")
      let read = try Checkpoint(contentsOf: folder + "/a")
      #expect(read.training == nil)
      #expect(read.progress == "x")
      #expect(read.model.masks.count == 3)
    }
  }

  /// Layers whose names look like the prefixes of the file's other entries.
  @Test func layersMayHaveAnyName() throws {
    try withThreads {
      try withTemporaryDirectory { folder in
        var builder = NetworkBuilder("odd", input: .image(channels: 1, height: 4, width: 4))
        builder.flatten()
        builder.linear("optimizer.0.fc", 3)
        builder.linear("hook.watcher", 3)
        builder.linear("mask.fc", 3)
        builder.linear("fc", 4)
        var model = try Model(builder.network(), seed: 1)
        model.masks[ParameterName("fc", .weight)] = try .ones([4, 3], type: .bool)
        let hook = Watcher()
        hook.kept = ["weight": try .ones([2])]
        let trainer = try Trainer(
          TrainingPlan(length: .iterations(2), batchSize: 8, learningRate: .init(base: 0.1)), model: model,
          data: learnableData(side: 4, classes: 4), hooks: [hook])
        try trainer.run()
        try Checkpoint(model: trainer.model, training: trainer.state(), progress: "").write(to: folder + "/a")
        let read = try Checkpoint(contentsOf: folder + "/a")
        let resumed = try Trainer(
          trainer.plan, model: read.model, data: learnableData(side: 4, classes: 4), hooks: [Watcher()], state: read.training)
        #expect(try Bits(resumed).differences(from: Bits(trainer)) == [])
      }
    }
  }
}

@Suite struct DamagedCheckpointTests {
  private static let known = [
    ("model.bn1.weight", "the weights do not fit network convolutional: missing bn1.weight [6]"),
    ("random.dropout", "it lacks random.dropout"),
    ("optimizer.0.fc.weight", "some parameters lack the moments that others have"),
  ]

  /// Writes a good checkpoint with some changes, and expects these words after the path.
  private func expect(_ words: String, _ change: (inout TensorArchive) throws -> Void) throws {
    try withThreads {
      try withTemporaryDirectory { folder in
        let path = folder + "/run.checkpoint"
        try checkpoint().write(to: path)
        var archive = try TensorArchive(contentsOf: path)
        try change(&archive)
        // Whoever forges a checkpoint can make its checksum, too.
        try archive.seal()
        try archive.write(to: path)
        #expect(throws: RecordError("\(path)\(words)")) { try Checkpoint(contentsOf: path) }
      }
    }
  }

  @Test func foreignFilesAreRefused() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/run.checkpoint"
      try TensorArchive(tensors: ["fc.weight": .ones([2])], metadata: ["format": "pt"]).write(to: path)
      #expect(throws: RecordError("\(path) is not a checkpoint")) { try Checkpoint(contentsOf: path) }
      try ModelFile(model: Course.perceptron.model()).write(to: path)
      #expect(throws: RecordError("\(path) is not a checkpoint")) { try Checkpoint(contentsOf: path) }
      try Data("this is text, and long enough to be more than a header's length".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: TensorArchiveError.self) { try Checkpoint(contentsOf: path) }
      #expect(throws: TensorArchiveError.self) { try Checkpoint(contentsOf: folder + "/none") }
    }
    try expect(
      " is a checkpoint of version \"1\", and only version 2 is known: finish the run with the espalier that began it, or remove the file "
        + "to start anew"
    ) { $0.metadata["version"] = "1" }
  }

  @Test(arguments: known) func missingTensorsAreNamed(_ name: String, _ words: String) throws {
    try expect(" is a damaged checkpoint: \(words)") { $0.tensors[name] = nil }
  }

  @Test func wrongTensorsAreNamed() throws {
    try expect(" is a damaged checkpoint: a moment of fc.weight has shape [4], not [4, 20]") {
      $0.tensors["optimizer.0.fc.weight"] = try .zeros([4])
    }
    try expect(" is a damaged checkpoint: the weights do not fit network convolutional: the mask of fc.weight does not fit") {
      $0.tensors["mask.fc.weight"] = try .zeros([4, 20])
    }
    try expect(" is a damaged checkpoint: the weights do not fit network convolutional: fc.bias has shape [5], not [4]") {
      $0.tensors["model.fc.bias"] = try .zeros([5])
    }
    try expect(" is a damaged checkpoint: fc.bias has elements of int64, not float32 or float64") {
      $0.tensors["model.fc.bias"] = try .zeros([4], type: .int64)
    }
    try expect(" is a damaged checkpoint: a moment of fc.bias has elements of another type") {
      $0.tensors["optimizer.0.fc.bias"] = try .zeros([4], type: .float64)
    }
    try expect(" is a damaged checkpoint: its weights are of several types") {
      for name in ["model.fc.bias", "optimizer.0.fc.bias", "optimizer.1.fc.bias"] {
        $0.tensors[name] = try $0.tensors[name]?.cast(to: .float64)
      }
    }
    try expect(" is a damaged checkpoint: 8 pruned elements of fc.weight are not 0") {
      let mask = try #require($0.tensors["mask.fc.weight"])
      let pruned = try mask.logicalNot().array(Bool.self)
      var left = 8
      let values = pruned.map { isPruned -> Float in
        guard isPruned, left > 0 else { return 0 }
        left -= 1
        return 1
      }
      $0.tensors["model.fc.weight"] = try Tensor(values, shape: [4, 20])
    }
    for name in ["surplus", "model.fc9.weight", "optimizer.2.fc.weight", "mask.fc9.weight", "hook.x"] {
      try expect(" is a damaged checkpoint: it holds unexpected tensors") { $0.tensors[name] = try .zeros([2]) }
    }
  }

  @Test func headersThatDoNotSayWhatTheyShouldAreRefused() throws {
    let damaged = " is a damaged checkpoint: its header does not say what it should"
    try expect(damaged + " (it is not JSON)") { $0.metadata["checkpoint"] = nil }
    try expect(damaged + " (it is not JSON)") { $0.metadata["checkpoint"] = "{\"network\":" }
    func replacing(_ old: String, _ new: String) -> (inout TensorArchive) throws -> Void {
      return { archive in
        let text = try #require(archive.metadata["checkpoint"])
        #expect(text.contains(old))
        archive.metadata["checkpoint"] = text.replacingOccurrences(of: old, with: new)
      }
    }
    try expect(damaged + " (training.iteration)", replacing("\"iteration\":9", "\"iteration\":\"9\""))
    try expect(damaged + " (training.stepCount)", replacing("\"stepCount\":9", "\"steps\":9"))
    try expect(damaged + " (training.log.lossCount)", replacing("\"lossCount\":3", "\"lossCount\":[3]"))
    let impossible = " is a damaged checkpoint: its numbers of steps are impossible"
    try expect(" is a damaged checkpoint: training.iteration cannot be -9", replacing("\"iteration\":9", "\"iteration\":-9"))
    try expect(impossible, replacing("\"stepCount\":9", "\"stepCount\":10"))
    try expect(impossible, replacing("\"lossCount\":3", "\"lossCount\":10"))
    for (name, value) in [("iteration", 9), ("stepCount", 9), ("lossCount", 3)] {
      let place = name == "lossCount" ? "training.log.lossCount" : "training.\(name)"
      try expect(
        " is a damaged checkpoint: \(place) cannot be \(Int.max)", replacing("\"\(name)\":\(value)", "\"\(name)\":\(Int.max)"))
    }
    try expect(
      " is a damaged checkpoint: output \"fd\" is not a node", replacing("\"outputs\":[\"fc\"]", "\"outputs\":[\"fd\"]"))
  }

  @Test func aDamagedDropoutStreamIsRefusedWhenTrainingGoesOn() throws {
    try withThreads {
      var state = try #require(checkpoint().training)
      for dropout in [try Tensor([1, 2, 3] as [UInt8]), try .zeros(state.dropout.shape, type: .uint8), try .zeros(state.dropout.shape)] {
        state.dropout = dropout
        #expect(throws: RecordError("random.dropout is not the state of a random stream")) {
          try Trainer(Course.masked.plan(), model: Course.masked.model(), data: Course.masked.data(), hooks: [Watcher()], state: state)
        }
      }
    }
  }

  /// One bit, one tensor more or less, one of another type, a shorter file.
  @Test func whatIsNotWhatWasWrittenIsRefused() throws {
    try withThreads {
      try withTemporaryDirectory { folder in
        let path = folder + "/run.checkpoint"
        try checkpoint().write(to: path)
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        var random = RandomStream(seed: 1)
        // Every byte of the end, which no header speaks of, and some of the rest.
        for place in Array(good.count - 300..<good.count) + (0..<300).map({ _ in Int.random(in: 0..<good.count, using: &random) }) {
          var bytes = good
          bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
          try Data(bytes).write(to: URL(fileURLWithPath: path))
          #expect(throws: (any Error).self, "byte \(place)") { try Checkpoint(contentsOf: path) }
        }
        let archive = try {
          try Data(good).write(to: URL(fileURLWithPath: path)); return try TensorArchive(contentsOf: path)
        }()
        let words = RecordError("\(path) is a damaged checkpoint: it is not what was written: its checksum is another one")
        var changes: [(inout TensorArchive) throws -> Void] = [
          { $0.tensors["hook.watcher.new"] = try .zeros([1]) }, { $0.tensors["mask.conv2.weight"] = nil },
          { $0.tensors["hook.watcher.count"] = try $0.tensors["hook.watcher.count"]?.cast(to: .float64) },
          { $0.tensors["hook.watcher.empty"] = try .zeros([2, 0]) }, { $0.metadata["note"] = "" }, { $0.metadata["checksum"] = nil },
          { $0.metadata["checksum"]?.removeLast() },
        ]
        changes += archive.tensors.keys.map { name in { $0.tensors[name] = nil } }
        for (number, change) in changes.enumerated() {
          var changed = archive
          try change(&changed)
          try changed.write(to: path)
          #expect(throws: words, "change \(number)") { try Checkpoint(contentsOf: path) }
        }
      }
    }
  }

  /// With a checksum of their own: what is left to check is checked.
  @Test func forgedFilesNeverTrap() throws {
    try withThreads {
      try withTemporaryDirectory { folder in
        let path = folder + "/run.checkpoint"
        try checkpoint().write(to: path)
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let header = 8 + good[..<8].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
        let data = try Course.masked.data()
        var (refused, resumed) = (0, 0)
        for seed in 0..<150 as Range<UInt64> {
          var random = RandomStream(seed: seed)
          var bytes = good
          if seed % 10 == 0 { bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random)) }
          for _ in 0..<Int.random(in: 1...3, using: &random) {
            let limit = seed % 3 == 0 ? bytes.count : min(header, bytes.count)
            bytes[Int.random(in: 0..<limit, using: &random)] = seed % 2 == 0 ? UInt8(48 + random.next() % 10) : UInt8(random.next() & 255)
          }
          try Data(bytes).write(to: URL(fileURLWithPath: path))
          do {
            var archive = try TensorArchive(contentsOf: path)
            try archive.seal()
            try archive.write(to: path)
            let read = try Checkpoint(contentsOf: path)
            let trainer = try Trainer(
              Course.masked.plan(), model: read.model, data: data, hooks: [Watcher()], state: read.training)
            try trainer.run()
            resumed += 1
          } catch {
            #expect(!"\(error)".contains("\n"), "seed \(seed): \(error)")
            #expect(!"\(error)".isEmpty, "seed \(seed)")
            refused += 1
          }
        }
        #expect(refused > 50)
        #expect(resumed > 5)
      }
    }
  }

  /// A loss that overflowed is no reason to lose a run.
  @Test func lossesWithoutANumberAreKept() throws {
    try withThreads {
      try withTemporaryDirectory { folder in
        var written = try checkpoint()
        written.training?.log.lossSum = .nan
        written.training?.log.evaluations[0].trainingLoss = .infinity
        // A whole number, and beyond any count.
        written.training?.log.evaluations[0].validation?.loss = 0x1p60
        try written.write(to: folder + "/a")
        let log = try #require(Checkpoint(contentsOf: folder + "/a").training).log
        #expect(log.lossSum.isNaN && log.evaluations[0].trainingLoss == .infinity && log.evaluations[0].validation?.loss == 0x1p60)
      }
    }
  }
}
