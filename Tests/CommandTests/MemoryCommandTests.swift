import Foundation
import TestSupport
import Testing

/// Networks that would need more memory than is allowed, through the program.
@Suite struct MemoryCommandTests {
  private static let wide = ["--network", "mlp:64-20000-20000-10", "--dataset", "digits", "--threads", "1", "--quiet"]

  @Test(arguments: [
    ["train"], ["prune", "--sparsity", "0.5"], ["prune", "--method", "lottery-ticket", "--rounds", "1"],
    ["probe", "--steps", "10it", "--every", "5it", "--fractions", "0.5"],
  ])
  func aNetworkTooWideIsRefusedBeforeAnythingIsWritten(command: [String]) throws {
    try withTemporaryDirectory { folder in
      let result = try espalier(command + Self.wide + ["--output", folder + "/out"])
      #expect(result.status == 64 && result.output.isEmpty)
      #expect(result.errors.hasPrefix("espalier: fc2: with its 400020000 parameters the network needs about "), "\(result.errors)")
      #expect(result.errors.contains(" GB of memory, and 4 GB are allowed: give --memory "))
      #expect(result.errors.split(separator: "\n").count == 1)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  /// What is advised beside more memory is possible: a smaller batch where something trains, fewer examples where a criterion looks at some.
  @Test func theAdviceIsPossible() throws {
    try withTemporaryDirectory { folder in
      let given = ["--network", "mlp:64-400-400-10", "--dataset", "digits", "--threads", "1", "--quiet", "-o", folder + "/m.st"]
      let prune = ["prune", "--granularity", "unit", "--fraction", "0.5"]
      for (command, memory, words) in [
        (["train", "--batch-size", "500"], "8MB", "8 MB are allowed: give --memory 11MB, or a smaller batch\n"),
        (["train", "--batch-size", "500"], "5MB", "5 MB are allowed: give --memory 11MB\n"),
        (prune + ["--epochs", "0", "--criterion", "taylor"], "4MB", "4 MB are allowed: give --memory 4.8MB, or fewer examples\n"),
        (prune + ["--epochs", "0", "--repair", "reconstruction"], "4MB", "4 MB are allowed: give --memory 4.8MB, or fewer examples\n"),
      ] {
        let refused = try espalier(command + given + ["--memory", memory])
        #expect(refused.status == 64 && refused.errors.hasSuffix(words), "\(command) within \(memory): \(refused.errors)")
      }
      let fewer = try espalier(prune + ["--epochs", "0", "--repair", "mean", "--examples", "20"] + given + ["--memory", "4MB"])
      #expect(fewer.status == 0, "\(fewer.errors)")
    }
  }

  @Test func theLimitIsWhatIsGiven() throws {
    try withTemporaryDirectory { folder in
      let model = folder + "/model.safetensors"
      let small = [
        "train", "--network", "mlp:64-16-10", "--dataset", "digits", "--epochs", "1it", "--threads", "1", "--quiet", "-o", model,
      ]
      let refused = try espalier(small + ["--memory", "100kB"])
      #expect(refused.status == 64 && !FileManager.default.fileExists(atPath: model))
      #expect(try espalier(small + ["--memory", "1MB"]).status == 0)
      for command in [["evaluate"], ["sensitivity", "--fractions", "0.5"], ["probe"], ["prune", "--sparsity", "0.5", "--epochs", "0"]] {
        let result = try espalier(
          [command[0], model] + command.dropFirst() + ["--threads", "1", "--memory", "1kB"]
            + (command[0] == "prune" ? ["-o", folder + "/x"] : []))
        #expect(result.status == 65 && result.errors.contains("and 1 kB are allowed: give --memory "), "\(command): \(result.errors)")
      }
      let groups = try espalier("inspect", model, "--groups", "--memory", "1kB")
      #expect(groups.status == 65)
      #expect(
        groups.errors == "espalier: flatten: with its value 64, followed channel by channel, the network needs about 7.04 kB of memory, "
          + "and a quarter of 1 kB is allowed: give --memory 29kB\n")
      #expect(try espalier("inspect", model, "--groups").status == 0)
      let wrong = try espalier("evaluate", model, "--memory", "much")
      #expect(wrong.status == 64)
    }
  }
}
