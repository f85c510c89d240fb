import Foundation
import Results
import TestSupport
import Testing

/// Signals to the whole program, and what it says of them.
@Suite struct InterruptCommandTests {
  /// A running program and its errors so far.
  private final class Running {
    let process = Process()
    private let errors = Pipe()
    private(set) var words = ""

    init(_ arguments: [String], output: Any = FileHandle.nullDevice) throws {
      process.executableURL = try program
      process.arguments = arguments
      process.standardOutput = output
      process.standardError = errors
      process.standardInput = FileHandle.nullDevice
      try process.run()
    }

    /// Reads its errors until they hold this.
    func wait(for text: String) {
      while !words.contains(text), case let data = errors.fileHandleForReading.availableData, !data.isEmpty {
        words += String(decoding: data, as: UTF8.self)
      }
    }

    /// Sends a signal to it alone and waits for its end.
    func end(by signal: Int32) throws -> Int32 {
      kill(process.processIdentifier, signal)
      words += String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      process.waitUntilExit()
      return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }
  }

  /// Ten thousand removals without training: the last one is kept.
  @Test func removalsBetweenWhichNothingTrains() throws {
    try withTemporaryDirectory { folder in
      let output = folder + "/o"
      let running = try Running([
        "prune", "--network", "mlp:64-20-10", "--sparsity", "0.9", "--epochs", "0", "--rounds", "10000", "--threads", "1", "-o", output,
      ])
      running.wait(for: "prune 3 ")
      #expect(try running.end(by: SIGTERM) == 143)
      let words = "the checkpoint is \(output).checkpoint; repeat the command with --resume to continue from it\nespalier: interrupted\n"
      #expect(running.words.hasSuffix(words), "\(running.words)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["o.checkpoint"])
    }
  }

  /// Before the first training there is no checkpoint, whatever was said of one.
  @Test func removalsBeforeAnyTraining() throws {
    try withTemporaryDirectory { folder in
      let running = try Running([
        "prune", "--network", "mlp:64-300-300-10", "--method", "synflow", "--compression", "100", "--rounds", "10000", "--epochs", "0",
        "--threads", "1", "-o", folder + "/o",
      ])
      usleep(1_500_000)
      #expect(try running.end(by: SIGINT) == 130)
      #expect(
        running.words == "nothing was written\nespalier: interrupted\n" || running.words == "espalier: interrupted\n", "\(running.words)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  /// The program that started the others hears it alone, and passes it on.
  @Test(.enabled(if: Machine.physicalCores > 1)) func seedsThatRunAtOnce() throws {
    try withTemporaryDirectory { folder in
      let running = try Running([
        "prune", "--network", "mlp:64-20-10", "--dataset", "digits", "--method", "lottery-ticket", "--rounds", "1", "--epochs", "9000000it",
        "--evaluate-every", "9000000it", "--seeds", "2", "--parallel", "2", "--quiet", "-o", folder + "/tk",
      ])
      let begun = (0...1).map { folder + "/tk/seed-\($0)/trunk" }
      while !begun.allSatisfy({ FileManager.default.fileExists(atPath: $0) }), running.process.isRunning { usleep(10_000) }
      #expect(try running.end(by: SIGINT) == 130)
      let words = "repeat the command to continue from what is in \(folder)/tk\nespalier: interrupted\n"
      #expect(running.words == words, "\(running.words)")
    }
  }

  /// A cluster signals every process of a task, and the first one passes its own on: that is one request, not a second one, which would
  /// end the run without a checkpoint.
  @Test func aTreeThatIsStoppedAsAWhole() throws {
    try withTemporaryDirectory { folder in
      let recipe = """
        study: tree
        command: train
        options: {network: "mlp:64-20-10", dataset: digits, epochs: 9000000it, evaluate-every: 100it, no-latency: true}
        grid: {seed: [0]}
        """
      try Data(recipe.utf8).write(to: URL(fileURLWithPath: folder + "/r.yaml"))
      let running = try Running(["study", "run", folder + "/r.yaml", "--into", folder + "/all", "--quiet"])
      var key: String? { (try? FileManager.default.contentsOfDirectory(atPath: folder + "/all/runs"))?.first }
      func size(_ name: String) -> Int {
        (try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/all/runs/\(key ?? "")/\(name)")).count) ?? 0
      }
      while size("metrics.jsonl") == 0, running.process.isRunning { usleep(10_000) }
      let children = try run(URL(fileURLWithPath: "/usr/bin/pgrep"), ["-P", "\(running.process.processIdentifier)"], after: "exec").output
      let child = try #require(pid_t(children.trimmingCharacters(in: .whitespacesAndNewlines)), "\(children)")
      // Held until both signals have arrived.
      kill(child, SIGSTOP)
      kill(child, SIGINT)
      kill(running.process.processIdentifier, SIGTERM)
      usleep(1_000_000)
      kill(child, SIGCONT)
      #expect(try running.end(by: 0) == 143)
      let log = try String(contentsOfFile: "\(folder)/all/runs/\(try #require(key))/log.txt", encoding: .utf8)
      #expect(log.contains("interrupted after step ") && size("model.safetensors.checkpoint") > 0, "\(log)")
    }
  }

  #if os(Linux)
    /// A program that waits for a reader of its output asks nobody; it ends all the same.
    @Test(arguments: [SIGINT, SIGTERM]) func whereNobodyAsks(signal: Int32) throws {
      let output = Pipe()
      // F_SETPIPE_SZ, which Glibc hides behind a macro: the output is far longer.
      _ = fcntl(output.fileHandleForWriting.fileDescriptor, 1031, 4096)
      let running = try Running(["inspect", "densenet-121", "--json"], output: output)
      var held: Int32 = 0
      while held == 0, running.process.isRunning {
        usleep(10_000)
        _ = ioctl(output.fileHandleForReading.fileDescriptor, UInt(FIONREAD), &held)
      }
      #expect(try running.end(by: signal) == 128 + signal)
      #expect(running.words == "espalier: interrupted\n")
    }

    /// With so few descriptors it runs as many seeds at once as it can, or says in a line why it runs none.
    @Test(.enabled(if: Machine.physicalCores > 1)) func fewDescriptors() throws {
      var lines: Set<String> = []
      try withTemporaryDirectory { folder in
        for count in 4...8 {
          let outcome = try limited(
            "-n \(count)", "prune", "--network", "mlp:64-10", "--dataset", "digits", "--method", "lottery-ticket", "--rounds", "0",
            "--epochs", "1it", "--seeds", "2", "--parallel", "2", "--quiet", "-o", "\(folder)/\(count)")
          #expect(outcome.status == 71 || (outcome.status == 0 && outcome.errors.isEmpty), "\(count): \(outcome.status) \(outcome.errors)")
          if outcome.status != 0 { lines.insert(outcome.errors.replacingOccurrences(of: folder, with: "FOLDER")) }
        }
      }
      let words = ["cannot read FOLDER/4: Too many open files", "cannot start a process: Too many open files"]
      #expect(lines.isSubset(of: words.map { "espalier: \($0)\n" }) && lines.contains("espalier: \(words[1])\n"), "\(lines)")
    }

    /// Just enough memory for the libraries to be loaded, and none for what they ask for then.
    @Test func littleMemory() throws {
      func run(_ megabytes: Int) throws -> Outcome { try limited("-v \(megabytes << 10)", "--version") }
      // The system's own loader ends with 127.
      var (least, most) = (64, 4096)
      while most - least > 2 {
        let middle = (least + most) / 2
        if try run(middle).status == 127 { least = middle } else { most = middle }
      }
      let outcome = try run(most)
      #expect(outcome.status == 71 && outcome.errors == "espalier: out of memory\n", "\(most) MB: \(outcome)")
    }

    /// Under a limit of the shell's.
    private func limited(_ limit: String, _ arguments: String...) throws -> Outcome {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", "ulimit \(limit); exec \"$0\" \"$@\"", try program.path] + arguments
      let (output, errors) = (Pipe(), Pipe())
      process.standardOutput = output
      process.standardError = errors
      process.standardInput = FileHandle.nullDevice
      try process.run()
      let text = try output.fileHandleForReading.readToEnd() ?? Data()
      let complaint = try errors.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
      return Outcome(status: status, output: String(decoding: text, as: UTF8.self), errors: String(decoding: complaint, as: UTF8.self))
    }
  #endif
}
