import Experiments
import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training
import Words

/// Names that would steer a terminal, fake lines of a table or fill the screen, wherever they come from.
@Suite struct ForeignTextCommandTests {
  private static let name = "evil\nFAKE: accuracy 100 %\r\u{1B}]0;title\u{7}\u{1B}[31m\u{9B}2J\u{202E}gnp\u{2066}\u{2028}FAKE\u{2029}"

  /// Whether all that was said is lines of ordinary length in which nothing steers a terminal, none of them the name's own.
  private func check(_ outcome: Outcome, _ command: [String], sourceLocation: SourceLocation = #_sourceLocation) {
    for text in [outcome.output, outcome.errors] {
      #expect(
        text.unicodeScalars.allSatisfy { $0.isVisible || $0 == "\n" }, "\(command): \(text.prefix(2000))", sourceLocation: sourceLocation)
      for line in text.split(whereSeparator: \.isNewline) {
        #expect(!line.hasPrefix("FAKE") && line.count < 4000, "\(command): \(line.prefix(200))", sourceLocation: sourceLocation)
      }
    }
  }

  private func model(_ path: String, name: String, node: String) throws {
    var builder = NetworkBuilder(name, input: .image(channels: 1, height: 8, width: 8))
    builder.flatten()
    builder.linear(node, 6)
    builder.relu()
    builder.linear("fc2", 10)
    try ModelFile(
      model: Model(builder.network(), seed: 1), classes: (0..<10).map { "\(name) \($0)" }
    ).write(to: path)
  }

  @Test(arguments: [0, 1 << 20]) func networks(furtherCharacters: Int) throws {
    let name = Self.name + String(repeating: "x", count: furtherCharacters)
    try withTemporaryDirectory { folder in
      let path = folder + "/m.st"
      try model(path, name: name, node: "fc1")
      for command in [
        ["evaluate", path, "--dataset", "digits", "--threads", "1"], ["inspect", path], ["inspect", path, "--groups"],
        ["compare", path, path], ["sensitivity", path, "--dataset", "digits", "--fractions", "0.5", "--threads", "1"],
        ["probe", path, "--dataset", "digits", "--examples", "10", "--fractions", "0.5", "--threads", "1"],
        [
          "prune", path, "--dataset", "digits", "--fraction", "0.5", "--epochs", "0", "--rounds", "1", "--threads", "1", "-o",
          folder + "/o",
        ],
        [
          "prune", path, "--granularity", "unit", "--fraction", "0.5", "--ignore", "*", "--epochs", "0", "--threads", "1", "-o",
          folder + "/o",
        ],
      ] {
        let outcome = try espalier(command)
        #expect(outcome.status == (command.contains("--ignore") ? 64 : 0), "\(command): \(outcome.errors.prefix(300))")
        check(outcome, command)
      }
    }
  }

  @Test func layersAndTensors() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/w.st"
      try TensorArchive(tensors: [Self.name + String(repeating: "x", count: 1 << 20): .zeros([3]), "fc1.weight": .zeros([2])]).write(
        to: path)
      for command in [
        ["inspect", path], ["evaluate", "--network", "mlp:64-10", "--weights", path, "--dataset", "digits", "--threads", "1"],
        [
          "prune", "--network", "mlp:64-10", "--weights", path, "--fraction", "0.5", "--epochs", "0", "--threads", "1", "-o", folder + "/o",
        ],
      ] { check(try espalier(command), command) }
      try? model(folder + "/m.st", name: "m", node: Self.name)
      check(try espalier("inspect", folder + "/m.st"), ["inspect"])
    }
  }

  @Test func recipes() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m.st"
      try model(path, name: "m", node: "fc1")
      var file = try ModelFile(contentsOf: path)
      file.recipe = try Experiment(start: .file("x"), data: DataPlan(dataset: Self.name, seed: 0), training: nil).json
      try file.write(to: path)
      for command in [["evaluate", path], ["inspect", path]] { check(try espalier(command), command) }
    }
  }

  @Test func studies() throws {
    try withTemporaryDirectory { folder in
      let tickets = [
        "prune", "--network", "mlp:64-10", "--dataset", "digits", "--method", "lottery-ticket", "--rounds", "0", "--epochs", "2it",
        "--threads", "1", "--quiet", "-o", folder + "/tk",
      ]
      #expect(try espalier(tickets).status == 0)
      let evil = String(decoding: try JSONEncoder().encode(Self.name + String(repeating: "x", count: 5000)), as: UTF8.self)
      func change(_ path: String, _ field: String) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let changed = text.replacing(try Regex("\"\(field)\" *: *\"[^\"]*\""), with: "\"\(field)\" : \(evil)")
        #expect(changed != text)
        try changed.write(toFile: path, atomically: false, encoding: .utf8)
      }
      try change(folder + "/tk/seed-0/trunk/round-00.json", "branch")
      check(try espalier("tickets", folder + "/tk"), ["tickets"])
      for field in ["dataset", "network", "length"] {
        try change(folder + "/tk/plan.json", field)
        check(try espalier("tickets", folder + "/tk"), ["tickets", field])
        check(try espalier(tickets), tickets)
      }
      let probe = [
        "probe", "--network", "mlp:64-6-10", "--dataset", "digits", "--steps", "2it", "--every", "1it", "--examples", "10", "--fractions",
        "0.5",
        "--scorers", "l2", "--threads", "1", "--quiet", "-o", folder + "/p",
      ]
      #expect(try espalier(probe).status == 0)
      for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/p") where name.hasPrefix("seed-0") {
        let path = folder + "/p/" + name
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for (old, new) in [
          ("consumer", "\u{1B}[31m\u{202E}"), ("l2", "\u{1B}[31m\u{202E}"), ("all", "\u{1B}[31m\u{202E}"), ("fc1", "\u{1B}[31m\u{202E}"),
        ] {
          try text.replacing(old, with: new).write(toFile: path, atomically: false, encoding: .utf8)
          check(try espalier("probe", "--analyse", folder + "/p"), ["analyse", name, old])
        }
        try text.write(toFile: path, atomically: false, encoding: .utf8)
      }
    }
  }

  /// What is written to the terminal past `Console` is written past the one place that makes it harmless.
  @Test func nothingIsWrittenPastTheConsole() throws {
    let sources = packageDirectory.appendingPathComponent("Sources")
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    let past = try Regex(
      #"(^|[^.\w])(print|debugPrint|dump|fputs|puts|NSLog|perror)\(|FileHandle\.standard(Output|Error)|\b(stdout|stderr)\b"#)
    var found: [String] = []
    for case let file as URL in files where file.pathExtension == "swift" && file.lastPathComponent != "Console.swift" {
      for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
        let code = line.split(separator: "//", omittingEmptySubsequences: false).first ?? ""
        if code.firstMatch(of: past) != nil, !code.contains("func print(") { found.append("\(file.lastPathComponent): \(line)") }
      }
    }
    #expect(found == [])
  }
}
