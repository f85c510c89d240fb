import Foundation
import TestSupport
import Testing

/// Schedules that would end well with nothing pruned, and trainings that would train nothing.
@Suite struct RemovalStepsCommandTests {
  @Test(arguments: [
    (
      ["--sparsity", "0.9", "--every", "100it", "--epochs", "1"],
      "--every 100it removes nothing before the end of a training of 1ep: the longest that works is --every 19it"
    ),
    (
      ["--granularity", "unit", "--criterion", "l2", "--fraction", "0.25", "--every", "2ep", "--epochs", "2"],
      "--every 2ep removes nothing before the end of a training of 2ep: the longest that works is --every 1ep"
    ),
    (
      ["--sparsity", "0.9", "--every", "7ep", "--epochs", "7"],
      "--every 7ep removes nothing before the end of a training of 7ep: the longest that works is --every 6ep"
    ),
    (
      ["--sparsity", "0.9", "--every", "3ep", "--until", "45it", "--epochs", "9"],
      "--every 3ep removes nothing until 45it: the longest that works is --every 2ep"
    ),
    (
      ["--method", "gradual", "--sparsity", "0.9", "--epochs", "4", "--every", "5ep"],
      "--every 5ep removes nothing until 3ep: the longest that works is --every 3ep"
    ),
    // Nobody gave an interval.
    (
      ["--method", "gradual", "--sparsity", "0.9", "--epochs", "1"],
      "--method gradual removes nothing in a training of 1ep: give --epochs 2 or more, or --every 19it or less"
    ),
    (
      ["--method", "dsd", "--sparsity", "0.5", "--epochs", "1"],
      "--method dsd removes nothing in a training of 1ep: give --epochs 2 or more, or --every 19it or less"
    ),
    (
      ["--method", "gradual", "--sparsity", "0.9", "--epochs", "1it"],
      "--method gradual removes nothing in a training of 1it: give --epochs 2it or more"
    ),
    (
      ["--method", "gradual", "--sparsity", "0.9", "--epochs", "3", "--until", "0ep"],
      "--method gradual removes nothing until 0ep: give a later --until"
    ),
    (
      ["--method", "gradual", "--sparsity", "0.9", "--epochs", "20it", "--until", "1ep"],
      "--method gradual, every 1ep until 1ep, removes nothing in a training of 20it: the longest that works is --every 19it"
    ),
    (
      ["--sparsity", "0.9", "--every", "1ep", "--epochs", "0"],
      "--every 1ep removes nothing before the end of a training of 0ep: train longer"
    ),
  ])
  func aScheduleLongerThanTheTraining(arguments: [String], words: String) throws {
    try withTemporaryDirectory { folder in
      let outcome = try espalier(
        ["prune", "--network", "mlp:64-16-10", "--dataset", "digits", "--threads", "1", "-o", folder + "/m.safetensors"] + arguments)
      #expect(outcome.errors == "espalier: \(words)\n")
      #expect(outcome.status == 64 && outcome.output.isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test func aLengthOfTrainingThatNothingTrains() throws {
    try withTemporaryDirectory { folder in
      let dense = folder + "/dense.safetensors"
      let trained = try espalier(
        "train", "--network", "mlp:64-16-10", "--dataset", "digits", "--epochs", "1it", "--threads", "1", "--quiet", "-o", dense)
      #expect(trained.status == 0)
      let file = ["prune", dense, "--sparsity", "0.5", "--recovery", "0it", "--threads", "1", "--quiet", "-o", folder + "/m.safetensors"]
      let outcome = try espalier(file + ["--epochs", "3it"])
      #expect(
        outcome.errors
          == "espalier: --epochs 3it trains nothing: \(dense) is trained already, and --recovery 0it leaves no training after a removal; "
          + "give --recovery 3it, or --epochs 0\n")
      #expect(outcome.status == 64)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["dense.safetensors"])
      // By default there is a length, too, but nobody gave it.
      #expect(try espalier(file).status == 0)
      let weights = try espalier(
        "prune", "--network", "mlp:64-16-10", "--weights", dense, "--dataset", "digits", "--sparsity", "0.5", "--recovery", "0it",
        "--epochs",
        "3it")
      #expect(weights.errors.hasPrefix("espalier: --epochs 3it trains nothing: \(dense) is trained already, "))
    }
  }

  @Test(arguments: [
    (["--steps", "100it", "--every", "101it"], "in a training of 100it: the longest that works is --every 100it"),
    (["--steps", "2ep", "--every", "45it"], "in a training of 2ep: the longest that works is --every 44it"),
    (["--steps", "2it", "--every", "1ep"], "in a training of 2it: the longest that works is --every 2it"),
  ])
  func probesFurtherApartThanTheTrainingIsLong(arguments: [String], words: String) throws {
    try withTemporaryDirectory { folder in
      let outcome = try espalier(
        ["probe", "--network", "mlp:64-12-10", "--dataset", "digits", "--threads", "1", "--output", folder + "/study"] + arguments)
      #expect(outcome.errors == "espalier: \(arguments[2]) \(arguments[3]) probes nothing \(words)\n")
      #expect(outcome.status == 64)
      #expect(!FileManager.default.fileExists(atPath: folder + "/study"))
    }
  }
}
