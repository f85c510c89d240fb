import Foundation
import TestSupport
import Testing

/// Data sets that a network does not take, and names of none.
@Suite struct UnfitDataCommandTests {
  @Test func anExportedNetworkSaysWhatItTakes() throws {
    try withTemporaryDirectory { folder in
      let (model, onnx) = (folder + "/m.st", folder + "/m.onnx")
      #expect(
        try espalier(
          "prune", "--network", "lenet-5", "--granularity", "unit", "--fraction", "0.1", "--epochs", "0", "--threads", "1", "-o", model
        ).status == 0)
      #expect(try espalier("export", model, "-o", onnx).status == 0)
      let refused = try espalier("inspect", onnx, "--dataset", "digits")
      #expect(refused.status == 64 && refused.output.isEmpty)
      #expect(
        refused.errors == "espalier: \(onnx) holds a network for 1×28×28 inputs; digits has 1×8×8 images: leave --dataset out, or give "
          + "one of mnist, fashion-mnist, kmnist, emnist-balanced, emnist-byclass, emnist-bymerge, emnist-digits, emnist-letters, "
          + "emnist-mnist\n")
      let taken = try espalier("inspect", onnx, "--dataset", "fashion-mnist")
      #expect(taken.status == 0 && taken.errors.isEmpty && taken.output.contains("1×28×28"))
      let other = try espalier("inspect", onnx, "--dataset", "emnist-letters")
      #expect(other.status == 0)
      #expect(
        other.errors == "\(onnx) holds a network for 10 classes, emnist-letters has 26; "
          + "train and prune make a fresh last layer with --classes 26\n")
    }
  }

  /// A model with open height and width: x [N, 3, H, W] → 1×1 convolution to two channels → `middle` → global mean → y [N, 2].
  private func openModel(_ middle: String = "Relu") -> Data {
    func text(_ number: UInt8, _ text: String) -> Data { protobufField(number, Data(text.utf8)) }
    func whole(_ number: UInt8, _ value: UInt8) -> Data { Data([number << 3, value]) }
    func value(_ name: String, _ sizes: [String]) -> Data {
      let shape = sizes.map { size in protobufField(1, UInt8(size).map { whole(1, $0) } ?? text(2, size)) }.reduce(Data(), +)
      return text(1, name) + protobufField(2, protobufField(1, whole(1, 1) + protobufField(2, shape)))
    }
    func node(_ operation: String, _ inputs: [String], _ output: String) -> Data {
      protobufField(1, inputs.map { text(1, $0) }.reduce(Data(), +) + text(2, output) + text(4, operation))
    }
    let numbers = ([1, 2, 3, 4, 5, 6] as [Float]).withUnsafeBytes { Data($0) }
    let weight = [2, 3, 1, 1].map { whole(1, $0) }.reduce(Data(), +) + whole(2, 1) + text(8, "w") + protobufField(9, numbers)
    let graph =
      node("Conv", ["x", "w"], "c") + node(middle, ["c"], "r") + node("GlobalAveragePool", ["r"], "p") + node("Flatten", ["p"], "y")
      + text(2, "open") + protobufField(5, weight) + protobufField(11, value("x", ["N", "3", "H", "W"]))
      + protobufField(12, value("y", ["N", "2"]))
    return whole(1, 8) + text(2, "test") + protobufField(7, graph) + protobufField(8, whole(2, 17))
  }

  @Test func aNetworkOfOpenSizesSaysWhatItTakes() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/open.onnx"
      try openModel().write(to: URL(fileURLWithPath: path))
      let refused = try espalier("inspect", path, "--dataset", "mnist")
      #expect(refused.status == 64 && refused.output.isEmpty)
      #expect(
        refused.errors == "espalier: \(path) holds a network for images of other sizes, e.g. 3×224×224; mnist has 1×28×28 images: "
          + "leave --dataset out\n")
      let evaluated = try espalier("evaluate", path, "--dataset", "digits", "--threads", "1")
      #expect(evaluated.status == 64)
      #expect(
        evaluated.errors
          == "espalier: \(path) holds a network for images of other sizes, e.g. 3×224×224; digits has 1×8×8 images\n")
      let taken = try espalier("inspect", path, "--dataset", "cifar-10")
      #expect(taken.status == 0 && taken.output.contains("3×32×32"))
      // What is wrong with the file itself is not hidden behind the question of its sizes.
      try openModel("Unheard").write(to: URL(fileURLWithPath: path))
      let broken = try espalier("inspect", path, "--dataset", "cifar-10")
      #expect(broken.status == 65)
      #expect(
        broken.errors.hasPrefix("espalier: cannot read \(path): 1 operation is not understood (opset 17): Unheard at \"r\""),
        "\(broken.errors)")
    }
  }

  private static let published =
    "digits, mnist, fashion-mnist, kmnist, emnist-balanced, emnist-byclass, emnist-bymerge, emnist-digits, emnist-letters, emnist-mnist, "
    + "cifar-10, cifar-100"
  private static let folders =
    "tiny-imagenet, speech-commands, speech-commands-12, speech-commands-12-mfcc, speech-commands-35, speech-commands-35-mfcc"
  private static let own = "folder:DIR, tensors:FILE.safetensors, log-mel:DIR, mfcc:DIR"

  @Test(arguments: [
    (["train", "--network", "mlp:64-10", "--epochs", "1it", "-o", "x.st", "--dataset"], [published, folders, own]),
    (["prune", "--network", "mlp:64-10", "--sparsity", "0.5", "-o", "x.st", "--dataset"], [published, folders, own]),
    (["evaluate", "--network", "mlp:64-10", "--weights", "w.pth", "--dataset"], [published, folders, own]),
    (["data", "fetch"], [published, folders]), (["data", "verify"], [published]), (["inspect", "lenet-5", "--dataset"], [published]),
  ])
  func anUnknownNameIsAnsweredByAllThatArePossible(command: [String], known: [String]) throws {
    let outcome = try espalier(command + ["vioces"])
    #expect(outcome.status == 64)
    #expect(outcome.errors == "espalier: unknown data set \"vioces\". Known: \(known.joined(separator: ", "))\n")
  }
}
