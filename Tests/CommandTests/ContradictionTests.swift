import Foundation
import TestSupport
import Testing

/// Options that leave nothing to do, or contradict each other: one line and 64, and nothing is written.
@Suite struct ContradictionTests {
  @Test func ticketsAreNoONNXModel() throws {
    try withTemporaryDirectory { folder in
      let outcome = try espalier(
        "prune", "--method", "lottery-ticket", "--network", "lenet-300-100", "--dataset", "digits", "--output", folder + "/t.onnx")
      #expect(outcome.status == 64)
      #expect(outcome.errors == "espalier: --method lottery-ticket writes a folder of models: --output must not end in .onnx\n")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test(arguments: [
    ("evaluate MODEL --match order", "--match order needs --weights: there is nothing to match; see \"espalier evaluate --help\""),
    (
      "train --network lenet-5 --dataset digits --match names",
      "--match names needs --weights: there is nothing to match; see \"espalier train --help\""
    ),
    ("evaluate MODEL --weights x", "--weights goes with --network: a model file has its own weights; see \"espalier evaluate --help\""),
    (
      "sensitivity MODEL --weights x",
      "--weights goes with --network: a model file has its own weights; see \"espalier sensitivity --help\""
    ),
    (
      "prune MODEL --fraction 0.5 --kernels dense --device cuda",
      "--kernels dense does not go with --device cuda: our own kernels run on the CPU; see \"espalier prune --help\""
    ),
    (
      "train --network lenet-300-100 --dataset digits --kernels sparse --device cuda",
      "--kernels sparse does not go with --device cuda: our own kernels run on the CPU; see \"espalier train --help\""
    ),
    ("prune MODEL --fraction 0.5 --ignore * --epochs 0", "--ignore leaves nothing to prune of \"mlp:64-12-10\": all 2 layers match"),
    (
      "prune MODEL --fraction 0.5 --granularity unit --ignore fc? --epochs 0",
      "--ignore leaves nothing to prune of \"mlp:64-12-10\": all 1 layers match"
    ),
    ("prune MODEL --fraction 0.5 --flatness-examples 50", "--flatness-examples goes with --flatness"),
    (
      "prune --network mlp:64-12-10 --fraction 0.5 --epochs 0 --flatness",
      "--flatness needs training images: give --dataset"
    ),
    (
      "prune --network mlp:64-12-10 --dataset digits --fraction 0.5 --method meta-pruning --flatness",
      "--flatness does not go with --method meta-pruning; \"espalier help prune meta-pruning\" shows what does"
    ),
    ("prune MODEL --fraction 0.5 --every 1ep --hold 5it", "--hold says how long --temporary lasts: give that as well"),
    (
      "prune MODEL --fraction 0.5 --temporary zero",
      "--temporary zero disturbs weights in a training: give --every, from one time to the next"
    ),
    (
      "prune MODEL --fraction 0.5 --every 1ep --temporary zero --no-compact",
      "--compact and --no-compact do not go with --temporary: nothing is removed"
    ),
    (
      "prune MODEL --fraction 0.5 --every 2ep --temporary noise --hold 2ep",
      "--hold 2ep lasts until the next removal, 40 steps later: give at most --hold 39it"
    ),
    ("sensitivity MODEL --ignore *", "--ignore leaves nothing to prune of \"mlp:64-12-10\": all 1 layers match"),
    (
      "prune MODEL --fraction 0.5 --scope ;;, --epochs 0",
      "--scope \";;,\" has an empty layer name: write sets of layers such as \"conv1,conv2;fc*\""
    ),
    (
      "prune MODEL --fraction 0.5 --scope fc1;;fc2 --epochs 0",
      "--scope \"fc1;;fc2\" has an empty layer name: write sets of layers such as \"conv1,conv2;fc*\""
    ),
    ("prune MODEL --granularity unit --of latency --limit=-1 --epochs 0", "--limit -1.0 is impossible: give a number above 0"),
    (
      "probe MODEL --counts 99999",
      "the fraction would empty fc1: it asks for 12 of its 12 units, and a layer keeps at least one: ask for less, or name others "
        + "with --layers"
    ),
    (
      "prune MODEL --granularity unit --criterion bn-scale --fraction 0.5 --epochs 0",
      "criterion bn-scale reads the batch norm after a layer, and there is none after fc1: "
        + "leave such layers alone with --ignore, or choose another criterion"
    ),
    (
      "probe MODEL --scorers bn-scale",
      "criterion bn-scale reads the batch norm after a layer, and there is none after fc1: "
        + "name others with --layers, or choose another criterion"
    ),
  ])
  func refused(line: String, words: String) throws {
    try withTemporaryDirectory { folder in
      let model = folder + "/m"
      #expect(
        try espalier(
          "train", "--network", "mlp:64-12-10", "--dataset", "digits", "--epochs", "1it", "--threads", "1", "--quiet", "-o", model
        )
        .status == 0)
      var arguments = line.replacing("MODEL", with: model).split(separator: " ").map(String.init) + ["--threads", "1"]
      if arguments[0] == "prune" { arguments += ["-o", folder + "/o"] }
      let outcome = try espalier(arguments)
      #expect(outcome.status == 64 && outcome.errors == "espalier: \(words)\n", "\(outcome.status) \(outcome.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["m"])
    }
  }

  /// What somebody typed is too large: no file is at fault.
  @Test(arguments: [
    ("inspect vgg16-x64 --groups", "classifier.0: weight [262144, 1605632] is larger than any machine can hold"),
    ("train --network mlp:64-100000-100000-10 --dataset digits", "GB of memory"),
    ("prune --network mlp:64-100000-100000-10 --sparsity 0.5 --epochs 0", "GB of memory"),
    ("prune --network mlp:64-100000-100000-10 --dataset digits --method lottery-ticket", "GB of memory"),
    ("probe --network mlp:64-100000-100000-10 --dataset digits --output study", "GB of memory"),
  ])
  func tooLargeNetworks(line: String, words: String) throws {
    let outcome = try espalier(line.split(separator: " ").map(String.init))
    #expect(outcome.status == 64 && outcome.errors.hasPrefix("espalier: "), "\(outcome.status) \(outcome.errors)")
    #expect(outcome.errors.contains(words) && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }
}
