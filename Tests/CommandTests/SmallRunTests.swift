import Foundation
import TestSupport
import Testing

/// Runs that train for a moment on the built-in digits.
@Suite struct SmallRunTests {
  @Test func aModelFileIsInspectedComparedAndListed() throws {
    try withTemporaryDirectory { folder in
      let (dense, small) = (folder + "/dense.safetensors", folder + "/small.safetensors")
      let trained = try espalier(
        "train", "--network", "mlp:64-16-10", "--dataset", "digits", "--epochs", "1", "--threads", "1", "--quiet", "-o", dense)
      #expect(trained.status == 0 && trained.errors.isEmpty)
      #expect(trained.output.hasPrefix("mlp:64-16-10 on digits, seed 0\n"))
      let pruned = try espalier(
        "prune", dense, "--granularity", "unit", "--fraction", "0.25", "--threads", "1", "--quiet", "--json", "-o", small)
      #expect(pruned.status == 0 && pruned.errors.isEmpty)
      let row = try #require(try JSONSerialization.jsonObject(with: Data(pruned.output.utf8)) as? [String: Any])
      #expect((row["units"] as? [String: Any])?["removed"] as? Int == 4)

      let compared = try espalier("compare", dense, small)
      #expect(compared.status == 0)
      #expect(
        compared.output.hasPrefix(
          """
          \(dense) → \(small)

          layer  outputs  weights         parameters     non-zero         MACs
          fc1    16 → 12  16×64 → 12×64  1,040 → 780  1,024 → 768  1,024 → 768
          fc2    10       10×16 → 10×12    170 → 130    160 → 120    160 → 120

          outputs                   26 → 22  (0.85×)

          """))

      let inspected = try espalier("inspect", small)
      #expect(inspected.status == 0)
      #expect(inspected.output.contains("\ninput    1×8×8, (value/255 − mean)/deviation, mean 0.3053, deviation 0.3759\n"))
      #expect(inspected.output.contains("\nclasses  10: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n"))
      #expect(inspected.output.contains("units fc1 −4\n"))
      let json = try espalier("inspect", small, "--json")
      let object = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
      #expect((object["recipe"] as? [String: Any])?["pruning"] != nil, "the recipe is JSON within JSON, not text")

      #expect(inspected.output.contains("\nkept     12 of 16 units; --json lists which features of each layer\n"))
      let removed = try #require(((object["history"] as? [[String: Any]])?.last?["removed"] as? [String: [Int]])?["fc1"])
      let left = (0..<16).filter { !removed.contains($0) }
      let kept = try #require(object["kept"] as? [String: [String: [Int]]])
      #expect(kept == ["fc1": ["outputs": left, "inputs": Array(0..<64)], "fc2": ["outputs": Array(0..<10), "inputs": left]])
      #expect(object["units"] as? [String: Int] == ["left": 12, "original": 16])
      let groups = try #require(
        try JSONSerialization.jsonObject(with: Data(espalier("inspect", small, "--groups", "--json").output.utf8)) as? [String: Any])
      #expect(groups["kept"] as? [String: [String: [Int]]] == kept)
      let group = try #require((groups["groups"] as? [[String: Any]])?.first)
      #expect(group["kept"] as? [Int] == left && group["width"] as? Int == 12 && group["originalWidth"] as? Int == 16)
      #expect(try espalier("inspect", small, "--groups").output.contains("fc1    12 of 16  fc1[out] → fc2[in]\n"))
    }
  }

  /// Denormal weights are weights: a tenth of them leaves, and compaction takes no unit for dead.
  @Test func denormalWeightsAreCountedAndKept() throws {
    try withTemporaryDirectory { folder in
      let (weights, file) = (folder + "/denormal.safetensors", folder + "/small.safetensors")
      var (header, data, offset) = ("{", Data(), 0)
      for (name, shape) in [("fc1.weight", [31, 64]), ("fc1.bias", [31]), ("fc2.weight", [10, 31]), ("fc2.bias", [10])] {
        let count = shape.reduce(1, *)
        header +=
          (offset == 0 ? "" : ",") + "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(offset),\(offset + 4 * count)]}"
        for bits in 0..<UInt32(count) { withUnsafeBytes(of: (bits * 7919 % 1009 + 1).littleEndian) { data.append(contentsOf: $0) } }
        offset += 4 * count
      }
      header += "}"
      try (withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) } + Data(header.utf8) + data)
        .write(to: URL(fileURLWithPath: weights))
      let pruned = try espalier(
        "prune", "--network", "mlp:64-31-10", "--weights", weights, "--sparsity", "0.1", "--epochs", "0", "--threads", "1", "--json",
        "--quiet", "-o", file)
      let row = try #require(try JSONSerialization.jsonObject(with: Data(pruned.output.utf8)) as? [String: Any])
      #expect((row["dense"] as? [String: Any])?["nonZeroWeights"] as? Int == 2294)
      #expect((row["pruned"] as? [String: Any])?["nonZeroWeights"] as? Int == 2294 - 229)
      #expect((row["pruned"] as? [String: Any])?["prunableWeights"] as? Int == 2294)
      #expect(row["collapse"] == nil && pruned.errors.isEmpty)
      let inspected = try espalier("inspect", file, "--json")
      let object = try #require(try JSONSerialization.jsonObject(with: Data(inspected.output.utf8)) as? [String: Any])
      let layers = (object["summary"] as? [String: Any])?["layers"] as? [[String: Any]]
      #expect(layers?.compactMap { $0["nonZeroWeights"] as? Int }.reduce(0, +) == 2294 - 229)
    }
  }

  @Test func anInterruptedRunSaysHowToGoOn() throws {
    try withTemporaryDirectory { folder in
      let output = folder + "/endless.safetensors"
      let process = Process()
      let errors = Pipe()
      process.executableURL = try program
      process.arguments = [
        "train", "--network", "mlp:64-16-10", "--dataset", "digits", "--epochs", "1000000", "--threads", "1", "--checkpoint-every", "1it",
        "-o",
        output,
      ]
      process.standardOutput = FileHandle.nullDevice
      process.standardError = errors
      try process.run()
      let checkpoint = output + ".checkpoint"
      // Its first checkpoint shows that it trains.
      var patience = 6000
      while patience > 0, process.isRunning, !FileManager.default.fileExists(atPath: checkpoint) {
        usleep(10_000)
        patience -= 1
      }
      process.interrupt()
      let words = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 130)
      #expect(words.contains("the checkpoint is \(checkpoint); repeat the command with --resume to continue from it\n"))
      let last = words.split(separator: "\n").last ?? ""
      #expect(last.wholeMatch(of: /espalier: interrupted after step \d+/) != nil, "\(words)")
      #expect(FileManager.default.fileExists(atPath: checkpoint))
      #expect(!FileManager.default.fileExists(atPath: output))
    }
  }
}
