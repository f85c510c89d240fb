@testable import espalier
import Foundation
import TestSupport
import Testing
import Torch

@Suite struct IntersectionCommandTests {
  private func refusal(_ options: String) -> String? {
    let line = "prune --network lenet-5 --method intersection \(options)"
    do { _ = try fields(of: line.split(separator: " ").map(String.init)) } catch { return "\(error)" }
    return nil
  }

  private static let foreign = "does not go with --method intersection; \"espalier help prune intersection\" shows what does"

  @Test(arguments: [
    ("--fraction 0.1", "which data sets? give --datasets, e.g. --datasets mnist,kmnist, or one --dataset to --resample"),
    ("--fraction 0.1 --dataset mnist --datasets kmnist", "--datasets and --dataset both name data: give one of them"),
    ("--fraction 0.1 --datasets mnist,", "--datasets mnist, has an empty name: separate names by single commas"),
    ("--fraction 0.1 --datasets mnist,mnist", "--datasets names mnist twice: --passes repeats the whole sequence"),
    ("--fraction 0.1 --dataset mnist --passes 1", "one data set in one pass leaves no removal between trainings: give --passes 2 or more"),
    ("--fraction 0.1 --dataset mnist --keep-if majority", "--keep-if majority needs several data sets to vote: give --datasets"),
    ("--fraction 0.1 --datasets mnist,kmnist --keep-if 3", "--keep-if 3 is impossible: of 2 data sets, give 1 to 2"),
    (
      "--threshold 0.1 --datasets mnist,kmnist --keep-if 1",
      "--keep-if 1 removes what has the fewest votes: give --sparsity or --fraction, not a threshold"
    ),
    ("--fraction 0.1 --datasets mnist,kmnist --epochs 0", "--method intersection trains on each data set: --epochs 0 leaves it nothing"),
    ("--fraction 0.1 --datasets mnist,kmnist --rounds 2", "--rounds " + foreign),
    ("--fraction 0.1 --datasets mnist,kmnist --recovery 2ep", "--recovery " + foreign),
    ("--fraction 0.1 --datasets mnist,kmnist --every 2ep", "--every " + foreign),
    (
      "--fraction 0.1 --dataset mnist --resample 9223372036854775807",
      "--resample 9223372036854775807 is impossible: give 1 to 10000000 examples"
    ),
    (
      "--fraction 0.1 --datasets mnist,kmnist --keep-if majority --criterion random",
      "--keep-if majority does not go with --criterion random, by which all vote for the same: what is kept would be chance"
    ),
    ("--fraction 0.1 --datasets mnist,kmnist --head-steps 0", "--head-steps 0 is impossible: give 1 to 100000"),
    ("--fraction 0.1 --datasets mnist,kmnist --tasks 2", "--tasks goes with --method meta-pruning, not intersection"),
  ])
  func impossibleOptionsAreOneLine(options: String, words: String) { #expect(refusal(options) == words) }

  @Test func elsewhereItsOptionsAreRefused() {
    for option in ["--datasets a,b", "--passes 2", "--heads fresh", "--resample 5"] {
      let line = "prune --network lenet-5 --dataset mnist --sparsity 0.9 --method rigl " + option
      #expect {
        _ = try fields(of: line.split(separator: " ").map(String.init))
      } throws: {
        "\($0)" == "\(option.prefix { $0 != " " }) goes with --method intersection, not rigl"
      }
    }
    #expect {
      _ = try fields(of: "prune --network lenet-5 --dataset mnist --method rigl --keep-if all".split(separator: " ").map(String.init))
    } throws: {
      "\($0)" == "--keep-if goes with --method intersection or meta-pruning, not rigl"
    }
  }

  /// From the command line to the row, and from the file to its accuracy, with nothing but the file.
  @Test func aWholeRun() throws {
    let folder = try TemporaryDirectory()
    let (data, path) = (folder.file("colors.safetensors"), folder.file("all.safetensors"))
    var archive = TensorArchive()
    let labels = (0..<80).map { Int64($0 % 2) }
    archive.tensors["x"] = try Tensor(labels.flatMap { label in (0..<64).map { Float(Int(label) * 2 + $0 % 3) } }, shape: [80, 1, 8, 8])
    archive.tensors["y"] = try Tensor(labels)
    try archive.write(to: data)
    let outcome = try espalier(
      "prune", "--network", "mlp:64-20-2", "--datasets", "digits,tensors:\(data)", "--subset", "40", "--method", "intersection",
      "--granularity", "unit", "--fraction", "0.2", "--epochs", "1", "--batch-size", "10", "--threads", "1", "--no-latency", "-o", path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let rows = outcome.output.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true).map(String.init) }
    // 20 units, of which 16, 13 and 10 stay.
    #expect(rows.filter { $0.first == "removal" }.map { $0.dropFirst().first } == ["16", "13", "10"])
    #expect(rows.filter { $0.count > 3 && $0[0] == "digits," && $0[1] == "pass" }.map { $0[2] } == ["1", "2"])
    #expect(outcome.output.contains("2 passes over 2 data sets, last layers remembered"))
    #expect(outcome.output.contains("asked 48.800 % (10), achieved 50.000 % (10 of 20 units, 10 left)"), "\(outcome.output)")
    let evaluated = try espalier("evaluate", path, "--threads", "1")
    #expect(evaluated.status == 0 && evaluated.output.contains("(80 of 80 test images)"), "\(evaluated.output)\(evaluated.errors)")
    let json = try espalier(
      "prune", "--network", "mlp:64-20-2", "--datasets", "digits,tensors:\(data)", "--subset", "40", "--method", "intersection",
      "--granularity", "unit", "--fraction", "0.2", "--epochs", "1", "--batch-size", "10", "--threads", "1", "--no-latency", "--json",
      "--keep-if", "majority", "--passes", "1", "-o", path)
    #expect(json.status == 0 && json.output.contains("\"overruled\"") && json.output.contains("\"votes\""))
  }

  @Test func aNetworkWithoutFiltersSaysWhatItHas() throws {
    let outcome = try espalier(
      "prune", "--network", "lenet-300-100", "--dataset", "digits", "--method", "intersection", "--fraction", "0.1", "--resample", "50")
    #expect(
      outcome.errors
        == "espalier: no filters of lenet-300-100 can be removed: it has no convolutions; give --granularity unit or weight\n")
    #expect(outcome.status == 64)
  }

  /// Before any work: no file is written.
  @Test func impossibleDataAreRefused() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("a.safetensors")
    let outcome = try espalier(
      "prune", "--network", "mlp:64-20-10", "--datasets", "digits,mnist", "--data-dir", folder.file("none"), "--method", "intersection",
      "--fraction", "0.2", "-o", path)
    #expect(outcome.status == 66 && outcome.errors.hasPrefix("espalier: mnist is not in "), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
