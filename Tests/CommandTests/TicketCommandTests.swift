import Foundation
import TestSupport
import Testing

@Suite struct TicketCommandTests {
  private let study = [
    "prune", "--method", "lottery-ticket", "--network", "mlp:64-12-10", "--dataset", "digits", "--subset", "200", "--rounds", "2",
    "--epochs",
    "4it", "--evaluate-every", "2it", "--branches", "reinit,random-mask", "--branch-rounds", "2", "--quiet",
  ]

  @Test func aStudyOfTwoSeedsAtOnceIsTheSameAsOneAfterTheOther() throws {
    try withTemporaryDirectory { folder in
      let parallel = try espalier(study + ["--seeds", "2", "--parallel", "2", "-o", folder + "/a"])
      #expect(parallel.status == 0 && parallel.errors == "", "\(parallel.errors)")
      #expect(parallel.output.hasPrefix("2 seeds, "), "\(parallel.output)")
      let single = try espalier(study + ["--seeds=2", "--parallel=1", "--threads", "1", "-o", folder + "/b"])
      #expect(single.status == 0 && single.errors == "", "\(single.errors)")
      for file in ["seed-0/trunk/round-02", "seed-1/trunk/round-02", "seed-1/reinit-3/round-02", "seed-0/random-mask/round-02"] {
        let (a, b) = ("\(folder)/a/\(file).safetensors", "\(folder)/b/\(file).safetensors")
        #expect(FileManager.default.contentsEqual(atPath: a, andPath: b), "\(file)")
      }
      let again = try espalier("tickets", folder + "/a")
      #expect(again.output == parallel.output)
      struct Analysis: Decodable {
        struct Claim: Decodable {
          var name: String
          var verdict: String
        }
        var claims: [Claim]
        var seeds: [Int]
      }
      let json = try JSONDecoder().decode(Analysis.self, from: Data(try espalier("tickets", folder + "/a", "--json").output.utf8))
      #expect(json.seeds == [0, 1] && json.claims.map(\.name) == ["I1", "I2"])
      let evaluated = try espalier("evaluate", folder + "/a/seed-0/trunk/round-02.safetensors")
      #expect(evaluated.status == 0 && evaluated.output.contains("on digits: accuracy"), "\(evaluated.errors)")
      let inspected = try espalier("inspect", folder + "/a/seed-0/trunk/round-02.safetensors")
      #expect(inspected.output.contains("lottery-ticket: weights by magnitude"), "\(inspected.output)")
    }
  }

  @Test func theRowOfOneSeed() throws {
    try withTemporaryDirectory { folder in
      let row = folder + "/row.json"
      let outcome = try espalier(study + ["--report", row, "-o", folder + "/a", "--sparsity", "0.9"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      struct Row: Decodable {
        struct Weights: Decodable {
          var removed: Int
          var asked: Double
        }
        var method: String
        var weights: Weights
        var steps: Int
      }
      let found = try JSONDecoder().decode(Row.self, from: Data(contentsOf: URL(fileURLWithPath: row)))
      #expect(found.weights.removed == 799 && found.weights.asked == 0.9 && found.steps == 12)
      #expect(found.method == "lottery-ticket: weights by magnitude, 90 % of each layer in 2 rounds, rewound to the initial weights")
    }
  }

  @Test(arguments: [
    (["--every", "2ep"], "--every does not go with --method lottery-ticket; \"espalier help prune lottery-ticket\" shows what does"),
    (
      ["--granularity=unit"],
      "--granularity does not go with --method lottery-ticket; \"espalier help prune lottery-ticket\" shows what does"
    ),
    (["--sparsity", "0.5", "--fraction", "0.2"], "one amount is enough: give --sparsity (in total) or --fraction (each round), not both"),
    (
      ["--branches", "reinit,finetnue"],
      "unknown branch \"finetnue\" in --branches: choose from reinit, random-mask, random-mask-erk, finetune, one-shot"
    ),
    (["--branch-rounds", "3"], "--branch-rounds needs --branches, e.g. --branches reinit"),
    (["--branches", "reinit", "--branch-rounds", "0"], "--branch-rounds \"0\" is not a round: give whole numbers from 1, e.g. 3,7,15"),
    (
      ["--rewind", "back"],
      "--rewind \"back\" is not a point to rewind to: choose init, a step of the dense training such as 500it, learning-rate or none"
    ),
    (["--scope", "erk"], "--scope \"erk\" does not go with --method lottery-ticket: choose layer or global"),
    (
      ["--scope", "global", "--output-fraction", "0.1"],
      "--output-fraction does not go with --scope global, which ranks all layers together"
    ),
    (["--criterion", "obd"], "criterion obd looks at examples: tickets are found by scores of weights alone"),
    (["--seeds", "0"], "--seeds 0 is impossible: give 1 to 100000"),
    (["--parallel", "0"], "--parallel 0 is impossible: give at least 1"),
    (
      ["--threads", "2", "--parallel=2", "--seeds", "3"],
      "--threads 2 does not go with --parallel 2: seeds that run at once have one thread each"
    ),
    (
      ["--rounds", "0", "--branches", "reinit"],
      "--rounds 0 trains the dense network alone: --branches needs at least 1"
    ),
    (["--rounds", "0", "--sparsity", "0.5"], "--rounds 0 trains the dense network alone: --sparsity needs at least 1"),
    (["--report", "row.json", "--seeds", "2"], "--report is for a single run: it does not go with --seeds 2"),
  ])
  func wordsForWrongUse(arguments: [String], words: String) throws {
    let outcome = try espalier(
      ["prune", "--method", "lottery-ticket", "--network", "mlp:64-12-10", "--dataset", "digits", "--output", "/dev/null/tickets"]
        + arguments)
    #expect(outcome.status == 64 && outcome.errors == "espalier: \(words)\n", "\(outcome.errors)")
  }

  @Test func moreThanAnyoneCanWaitFor() throws {
    try withTemporaryDirectory { folder in
      let common = [
        "prune", "--method", "lottery-ticket", "--network", "mlp:64-12-10", "--dataset", "digits", "-o", folder + "/a", "--quiet",
      ]
      let many = try espalier(common + ["--rounds", "1000", "--seeds", "1000"])
      #expect(many.status == 64)
      #expect(many.errors == "espalier: 1001000 trainings are too many: give fewer --rounds, --branches or --seeds\n", "\(many.errors)")
      let long = try espalier(common + ["--epochs", "9000000000000000000ep"])
      #expect(long.status == 64)
      #expect(
        long.errors == "espalier: a training of 9000000000000000000ep is too long: 1000000000 steps are possible\n", "\(long.errors)")
    }
  }

  /// One seed's file is damaged: the other is finished, and the words and the status are those of the failure.
  @Test func aFailingSeedDoesNotStopTheOthers() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/a/seed-1/initial.safetensors"
      try FileManager.default.createDirectory(atPath: folder + "/a/seed-1", withIntermediateDirectories: true)
      try "nonsense".write(toFile: path, atomically: true, encoding: .utf8)
      let outcome = try espalier(study + ["--seeds", "2", "--parallel", "2", "-o", folder + "/a"])
      #expect(outcome.status == 65 && outcome.errors.hasPrefix("espalier: seed 1: cannot read \(path): "), "\(outcome.errors)")
      #expect(FileManager.default.fileExists(atPath: folder + "/a/seed-0/random-mask/round-02.json"))
    }
  }

  /// A process that has been started, and what it complains of.
  private func start(_ arguments: [String]) throws -> (process: Process, errors: Pipe) {
    let (process, errors) = (Process(), Pipe())
    process.executableURL = try program
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
    return (process, errors)
  }

  private func wait(_ condition: () -> Bool) {
    for _ in 0..<6000 where !condition() { usleep(10_000) }
  }

  private func long(_ folder: String, _ options: [String]) -> [String] {
    [
      "prune", "--method", "lottery-ticket", "--network", "mlp:64-12-10", "--dataset", "digits", "--subset", "200", "--rounds", "1",
      "--epochs", "100000000it", "--evaluate-every", "1000000it", "-o", folder, "--quiet",
    ] + options
  }

  /// Both at once: exactly one has the folder, and of the other nothing is there.
  @Test func oneOfTwoStudiesGetsAFolder() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/tickets"
      let studies = try ["0.1", "0.2"].map { try start(long(path, ["--learning-rate", $0])) }
      wait { studies.contains { !$0.process.isRunning } }
      let (lost, won) = studies[0].process.isRunning ? (studies[1], studies[0]) : (studies[0], studies[1])
      #expect(lost.process.terminationStatus == 75 && won.process.isRunning)
      let words = String(decoding: try lost.errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      #expect(
        words
          == "espalier: \(path) is in use by process \(won.process.processIdentifier): wait until that has ended, or give another folder\n"
          || words == "espalier: \(path) is in use by another process: wait until that has ended, or give another folder\n")
      wait { FileManager.default.fileExists(atPath: path + "/seed-0/trunk") }
      let plan = try String(contentsOfFile: path + "/plan.json", encoding: .utf8)
      #expect(plan.contains("\"base\" : \(won.process === studies[0].process ? "0.1" : "0.2")"))
      // Whoever only looks is not kept out.
      #expect(try espalier("tickets", path).errors.contains("holds no finished round"))
      won.process.interrupt()
      won.process.waitUntilExit()
      #expect(won.process.terminationStatus == 130)
      #expect(!FileManager.default.fileExists(atPath: path + "/.espalier-lock"))
    }
  }

  /// Its workers end by themselves a moment later; until then nobody else is let in, and the next study waits for that moment.
  @Test func whatAKilledStudyStartedIsWaitedFor() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/tickets"
      let study = try start(long(path, ["--seeds", "2", "--parallel", "2"]))
      wait { (0...1).allSatisfy { FileManager.default.fileExists(atPath: "\(path)/seed-\($0)/trunk") } }
      kill(study.process.processIdentifier, SIGKILL)
      study.process.waitUntilExit()
      let other = try espalier(long(path, ["--learning-rate", "0.2"]))
      // The workers have left checkpoints, so that the folder is the first study's.
      #expect(other.status == 64 && other.errors.contains("holds a study with"), "\(other.errors)")
      #expect(FileManager.default.fileExists(atPath: path + "/seed-1/trunk/round-00.checkpoint"))
    }
  }

  @Test func wordsOutsideOfIt() throws {
    let other = try espalier("prune", "--network", "lenet-300-100", "--dataset", "digits", "--sparsity", "0.5", "--rewind", "init")
    #expect(
      other.status == 64
        && other.errors == "espalier: --rewind goes with --method lottery-ticket, gradual, double-pruning or scored-pruning\n")
    let file = try espalier("prune", "dense.safetensors", "--method", "lottery-ticket")
    #expect(file.errors == "espalier: tickets are found from initial weights: give --network instead of a model file\n")
    let nowhere = try espalier("tickets", "/nowhere")
    #expect(nowhere.status == 66 && nowhere.errors == "espalier: there is no folder /nowhere\n")
  }
}
