import Foundation
import TestSupport
import Testing
import Torch

/// Files and names of others at the command line.
@Suite struct ForeignFileCommandTests {
  /// 64 → 6 → 10 as a bare file, changed.
  private func weights(_ path: String, classes: Int = 10, _ change: (inout [String: Tensor]) throws -> Void = { _ in }) throws {
    let generator = try Generator(seed: 1)
    func normal(_ shape: [Int]) throws -> Tensor { try .normal(shape, generator: generator) }
    var tensors = [
      "fc1.weight": try normal([300, 64]), "fc1.bias": try normal([300]), "fc2.weight": try normal([100, 300]),
      "fc2.bias": try normal([100]),
      "fc3.weight": try normal([classes, 100]), "fc3.bias": try normal([classes]),
    ]
    try change(&tensors)
    try TensorArchive(tensors: tensors).write(to: path)
  }

  private func espalier(_ arguments: String...) throws -> Outcome {
    try CommandTests.espalier(arguments + (["inspect", "compare", "data"].contains(arguments[0]) ? [] : ["--threads", "1"]))
  }

  @Test func aTensorWithoutNumbersIsNamedByEveryCommand() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/w.st"
      // The last bias: no criterion looks at it.
      try weights(path) { $0["fc3.bias"] = try Tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, .nan] as [Float]) }
      let given = ["--network", "lenet-300-100", "--weights", path, "--dataset", "digits"]
      let line = "espalier: cannot read \(path): 1 of the 10 elements of fc3.bias is NaN or infinite\n"
      for command in [
        ["evaluate"], ["sensitivity"], ["probe"], ["train", "--epochs", "1it", "-o", folder + "/o.st"],
        ["prune", "--granularity", "unit", "--fraction", "0.1", "--epochs", "0", "-o", folder + "/o.st"],
        ["prune", "--sparsity", "0.5", "--epochs", "0", "--ignore", "fc3", "-o", folder + "/o.st"],
        ["prune", "--method", "lottery-ticket", "--rounds", "1", "--epochs", "1it", "-o", folder + "/o"],
      ] {
        let outcome = try CommandTests.espalier(command + given + ["--threads", "1"])
        #expect(outcome.status == 65 && outcome.errors == line, "\(command): \(outcome.status) \(outcome.errors)")
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/o.st"))
      let listed = try espalier("inspect", path)
      #expect(
        listed.status == 0 && listed.output.contains("\nfc3.bias    10       float32        10  1 NaN or infinite\n"), "\(listed.output)")
    }
  }

  @Test func aLastLayerOfOtherClassesNeedsTheOption() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/w.st"
      try weights(path, classes: 1000) { $0["aux1.fc.weight"] = try .zeros([3]) }
      let given = ["train", "--network", "lenet-300-100", "--weights", path, "--dataset", "digits", "--epochs", "1it", "--threads", "1"]
      let refused = try CommandTests.espalier(given + ["-o", folder + "/o.st"])
      #expect(refused.status == 65)
      #expect(
        refused.errors == "espalier: the weights of \(path) fit network lenet-300-100 but for its last layer: "
          + "fc3.weight [1000, 100] instead of [10, 100], fc3.bias [1000] instead of [10]; train and prune make a fresh one with --classes 10\n"
      )
      let trained = try CommandTests.espalier(given + ["--classes", "10", "-o", folder + "/o.st"])
      #expect(trained.status == 0)
      #expect(trained.errors.hasPrefix("\(path): left out what serves training only: aux1.fc.weight\n"))
      #expect(trained.errors.contains("\(path): the last layer is fresh, in place of fc3.weight [1000, 100], fc3.bias [1000]\n"))
      let other = try CommandTests.espalier(given + ["--classes", "7", "-o", folder + "/p.st"])
      #expect(other.status == 64 && other.errors == "espalier: --classes 7 contradicts digits, which has 10 classes\n")
      #expect(!FileManager.default.fileExists(atPath: folder + "/p.st"))
    }
  }

  @Test func classesShapeANetworkWithoutData() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/o.st"
      let outcome = try espalier(
        "prune", "--network", "lenet-5", "--classes", "7", "--granularity", "unit", "--fraction", "0.5", "--epochs", "0", "--rounds", "1",
        "--quiet", "-o", path)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try espalier("inspect", path).output.contains(" 7×250 "))
      for (arguments, line) in [
        (["prune", "--network", "lenet-5", "--classes", "0", "--fraction", "0.5"], "--classes 0 is impossible: give at least 1"),
        (["prune", path, "--classes", "10", "--fraction", "0.5"], "--classes goes with --network: a model file has its own classes"),
        (["train", "--network", "lenet-5", "--dataset", "mnist", "--classes=-1"], "--classes -1 is impossible: give at least 1"),
        (
          ["prune", "--network", "mlp:64-31-10", "--classes", "7", "--fraction", "0.5", "--epochs", "0"],
          "network mlp:64-31-10 has 10 outputs, --classes 7 has 7 classes"
        ),
        (
          ["prune", "--network", "lenet-5", "--classes", "10", "--method", "lottery-ticket", "--dataset", "mnist"],
          "--classes does not go with --method lottery-ticket; \"espalier help prune lottery-ticket\" shows what does"
        ),
      ] {
        let refused = try CommandTests.espalier(arguments)
        #expect(refused.status == 64 && refused.errors.hasPrefix("espalier: " + line), "\(refused.errors)")
      }
    }
  }

  @Test func aPrivateFileStaysPrivate() throws {
    try withTemporaryDirectory { folder in
      let (path, report) = (folder + "/m.st", folder + "/row.json")
      for file in [path, report] {
        try Data().write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
      }
      let trained = try espalier(
        "train", "--network", "mlp:64-16-10", "--dataset", "digits", "--epochs", "2it", "--quiet", "-o", path, "--report", report)
      #expect(trained.status == 0, "\(trained.errors)")
      for file in [path, report] {
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600, "\(file)")
      }
    }
  }

  @Test func namesOfOthersDoNotSteerTheTerminal() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/escape.st"
      let name = "\u{1B}]0;PWNED\u{7}\u{202E}red\nline"
      let shown = #"\u001b]0;PWNED\u0007\u202ered\nline"#
      let network: [String: Any] = [
        "name": name, "outputs": ["fc"],
        "nodes": [
          ["name": "in", "operation": ["type": "input", "shape": [64]], "inputs": []],
          ["name": "fc", "operation": ["type": "linear", "inputs": 64, "outputs": 10, "bias": false], "inputs": ["in"]],
        ],
      ]
      let json = String(decoding: try JSONSerialization.data(withJSONObject: network), as: UTF8.self)
      try TensorArchive(
        tensors: ["fc.weight": try .ones([10, 64])],
        metadata: ["format": "espalier", "version": "1", "network": json, "history": "[]", "classes": "[]"]
      ).write(to: path)
      for command in [
        ["inspect", path], ["inspect", path, "--json"], ["inspect", path, "--groups"], ["compare", path, path],
        ["compare", path, path, "--json"], ["evaluate", path, "--dataset", "digits"], ["evaluate", path, "--dataset", "digits", "--json"],
        ["sensitivity", path, "--dataset", "digits", "--granularity", "weight", "--fractions", "0.5"],
        ["probe", path, "--dataset", "digits"],
        ["prune", path, "--fraction", "0.5", "--epochs", "0", "--rounds", "1", "-o", folder + "/o.st"],
        ["evaluate", path, "--dataset", "mnist", "--data-dir", "/\u{202E}"], ["inspect", folder + "/" + name], ["inspect", name],
        ["train", "--network", name, "--dataset", "digits"], ["train", "--network", "lenet-5", "--dataset", name],
        ["evaluate", path, "--dataset", "digits", "--" + name],
      ] {
        let outcome = try CommandTests.espalier(command)
        for text in [outcome.output, outcome.errors] {
          #expect(
            !text.unicodeScalars.contains { ($0.value < 32 && $0 != "\n") || $0 == "\u{202E}" }, "\(command): \(text.debugDescription)")
        }
        #expect(outcome.errors.filter(\.isNewline).count <= 1 || outcome.status == 0, "\(outcome.errors)")
      }
      #expect(try espalier("inspect", path).output.hasPrefix(shown + "\n\n"))
      let evaluated = try espalier("evaluate", path, "--dataset", "digits", "--json")
      let object = try #require(try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
      #expect(object["network"] as? String == name, "JSON says the same as ever")
    }
  }

  @Test func whatIsLongIsCut() throws {
    let long = String(repeating: "x", count: 5000)
    let blanks = String(repeating: "a b ", count: 2000)
    for (arguments, line) in [
      (["inspect", "/no/" + long + "/m.st"], "espalier: there is no file ..." + String(repeating: "x", count: 72) + "/m.st\n"),
      (["train", "--network", "lenet-5", "--dataset", "mnist", "--epochs", long], nil),
      (["evaluate", long + ".st", "--dataset", "digits"], nil),
      (["train", "--network", "lenet-5", "--dataset", long], nil), (["train", "--network", "lenet-5", "--dataset=" + blanks], nil),
      (["inspect", blanks], nil), (["prun" + long], nil), (["inspect", "vgg16", "--" + long], nil),
      (["train", "--network", "lenet-5", "--dataset", "digits", "-o", "/" + long + "/x"], nil),
      (["train", "--network", "lenet-5", "--dataset", "digits", "--batch-size", blanks], nil),
    ] as [([String], String?)] {
      let outcome = try CommandTests.espalier(arguments)
      #expect(outcome.status != 0 && outcome.errors.utf8.count < 1000, "\(arguments[0]): \(outcome.errors.prefix(2000))")
      if let line { #expect(outcome.errors == line) }
    }
  }
}
