import Files
import Foundation
import TestSupport
import Testing

/// `--metrics`, killed and gone on with.
@Suite(.serialized) struct MetricsCommandTests {
  private static let pruning = [
    "prune", "--network", "mlp:64-32-10", "--dataset", "digits", "--epochs", "400it", "--rounds", "2", "--recovery", "300it",
    "--evaluate-every", "20it", "--checkpoint-every", "7it", "--sparsity", "0.8", "--threads", "1", "--no-latency", "--quiet",
  ]

  private func lines(_ path: String) -> [Substring] {
    ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
  }

  /// Kills the command once its metrics have that number of lines; it may have ended before.
  private func kill(_ arguments: [String], metrics: String, at count: Int) throws {
    let process = Process()
    process.executableURL = try program
    process.arguments = arguments
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try process.run()
    while process.isRunning, lines(metrics).count < count { usleep(2000) }
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  private func options(_ folder: String, _ name: String) -> [String] {
    ["-o", "\(folder)/\(name).safetensors", "--metrics", "\(folder)/\(name).jsonl"]
  }

  @Test func killedAndGoneOnWithMetricsAreTheSame() throws {
    try withTemporaryDirectory { folder in
      #expect(try espalier(Self.pruning + options(folder, "whole")).status == 0)
      let whole = try Data(contentsOf: URL(fileURLWithPath: folder + "/whole.jsonl"))
      // 20, 15 and 15 evaluations, two removals, and three trainings with both ends.
      #expect(lines(folder + "/whole.jsonl").count == 58)
      let resumed = Self.pruning + options(folder, "killed") + ["--resume"]
      for count in [9, 35] { try kill(resumed, metrics: folder + "/killed.jsonl", at: count) }
      let outcome = try espalier(resumed)
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/killed.jsonl")) == whole)
      // New without --resume.
      #expect(try espalier(Self.pruning + options(folder, "killed")).status == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/killed.jsonl")) == whole)
    }
  }

  @Test func placesThatCannotBeWrittenToAreToldBeforeAnyWork() throws {
    try withTemporaryDirectory { folder in
      let file = folder + "/file"
      try Data("x".utf8).write(to: URL(fileURLWithPath: file))
      func refused(_ options: [String], _ words: String, _ status: Int32 = 73) throws {
        let outcome = try espalier(Self.pruning + ["-o", folder + "/o"] + options)
        #expect(outcome.status == status && outcome.errors == "espalier: \(words)\n", "\(outcome.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file"])
      }
      try refused(["--metrics", folder + "/none/m"], "cannot write \(folder)/none/m: there is no folder \(folder)/none")
      try refused(["--metrics", folder], "cannot write \(folder): it is a folder")
      try refused(["--metrics", folder + "/o"], "cannot write \(folder)/o: --metrics and --output are the same file")
      let tickets = ["prune", "--network", "mlp:64-10", "--dataset", "digits", "--method", "lottery-ticket", "--metrics", file]
      let outcome = try espalier(tickets)
      #expect(outcome.status == 64 && outcome.errors.contains("--metrics does not go with --method lottery-ticket"), "\(outcome.errors)")
      #expect(try String(contentsOfFile: file, encoding: .utf8) == "x")
    }
  }
}
