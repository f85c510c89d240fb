import Files
import Foundation
import TestSupport
import Testing

/// `--metrics` and `--tensorboard`, killed and gone on with.
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
    ["-o", "\(folder)/\(name).safetensors", "--metrics", "\(folder)/\(name).jsonl", "--tensorboard", "\(folder)/\(name)-board"]
  }

  private static let reader = """
    import json, logging, sys
    logging.disable(logging.WARNING)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    def seen(folder):
        events = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})
        events.Reload()
        scalars = {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
        texts = {tag: [e.tensor_proto.string_val[0].decode() for e in events.Tensors(tag)] for tag in events.Tags()["tensors"]}
        return {"scalars": scalars, "texts": texts}
    json.dump(list(map(seen, sys.argv[1:])), sys.stdout)
    """

  private struct Seen: Decodable {
    var scalars: [String: [[Double]]]
    var texts: [String: [String]]
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

  /// The reader of TensorBoard itself.
  @Test(.enabled(if: Python.with("tensorboard") != nil, "ESPALIER_PYTHON names no Python with tensorboard"))
  func tensorBoardSeesEachStepOnceAndInOrder() throws {
    let python = try #require(Python.with("tensorboard"))
    try withTemporaryDirectory { folder in
      #expect(try espalier(Self.pruning + options(folder, "whole")).status == 0)
      let resumed = Self.pruning + options(folder, "killed") + ["--resume"]
      for count in [9, 35] { try kill(resumed, metrics: folder + "/killed.jsonl", at: count) }
      #expect(try espalier(resumed).status == 0)
      // Another run in the same folder takes the first one's place.
      for _ in 0..<2 { #expect(try espalier(Self.pruning + options(folder, "again")).status == 0) }
      let names = ["whole", "killed", "again"]
      let all = try JSONDecoder().decode([Seen].self, from: python.run(Self.reader, names.map { "\(folder)/\($0)-board" }))
      let whole = try #require(all.first)
      for (name, seen) in zip(names, all) {
        #expect(seen.scalars == whole.scalars, "\(name)")
        #expect(Set(seen.texts["command"] ?? []).count == 1, "\(name)")
      }
      let evaluated = (1...50).map { Double($0 * 20) }
      for tag in ["loss/training", "loss/validation", "accuracy/validation", "learning-rate"] {
        #expect(whole.scalars[tag]?.map(\.first) == evaluated, "\(tag)")
      }
      // 64·32 + 32·10 = 2,368 weights, of which 0.2 stay in the end, by steps of √0.2.
      #expect(whole.scalars["density"] == [[400, Double(Float(1059.0 / 2368))], [700, Double(Float(474.0 / 2368))]])
      #expect(Set(whole.scalars.keys).isSuperset(of: ["density/fc1", "density/fc2", "accuracy/before-removal", "accuracy/after-removal"]))
      #expect(whole.texts["command"]?.first?.contains("--sparsity 0.8") ?? false)
      #expect(whole.scalars["training"] == [[0, 1], [400, 1], [400, 2], [700, 2], [700, 3], [1000, 3]])
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
      try refused(["--tensorboard", file], "cannot write to \(file): \(file) is not a folder")
      try refused(["--tensorboard", file + "/board"], "cannot write to \(file)/board: \(file) is not a folder")
      try refused(["--tensorboard", ""], "cannot write to a folder without a name")
      try refused(["--tensorboard", "/proc/board"], "cannot write to /proc/board: No such file or directory")
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
