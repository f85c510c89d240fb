import Files
import Foundation
import TestSupport
import Testing

@testable import espalier

/// Studies that are handed to Slurm: to commands of its names that only write down what they are asked, and to a real one.
@Suite(.serialized) struct SlurmCommandTests {
  private static let recipe = """
    study: grid
    options: {network: "mlp:64-16-10", dataset: digits, no-latency: true}
    grid:
      method:
        dense: {command: train, epochs: EPOCHS}
        half: {from: {method: dense}, network: null, sparsity: 0.5, rounds: 1, recovery: 20it}
        most: {from: {method: dense}, network: null, sparsity: 0.9, rounds: 1, recovery: 20it}
      seed: [0, 1]
    """

  private func write(epochs: String, in folder: String) throws -> String {
    try Data(Self.recipe.replacing("EPOCHS", with: epochs).utf8).write(to: URL(fileURLWithPath: folder + "/r.yaml"))
    return folder + "/r.yaml"
  }

  private func words(_ path: String) throws -> [String] {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Makes commands of Slurm's names: jobs are 11, 12, …, and the queue holds what queue.txt says.
  private func pretend(in folder: String) throws {
    for (name, text) in [
      ("sbatch", "echo \"$@\" >> \(folder)/asked.txt; n=$(wc -l < \(folder)/asked.txt); echo $((n + 10));"),
      ("squeue", "echo \"$@\" >> \(folder)/looked.txt; cat \(folder)/queue.txt"),
    ] {
      try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(folder)/\(name)")
    }
  }

  @Test func whatIsSubmitted() throws {
    try withTemporaryDirectory { folder in
      let (recipe, root) = (try write(epochs: "20it", in: folder), folder + "/all")
      try pretend(in: folder)
      func submit(_ more: String...) throws -> Outcome {
        try espalier(
          ["study", "run", recipe, "--into", root, "--launcher", "slurm", "--quiet"] + more, after: "PATH=\(folder):$PATH exec")
      }
      let keys = try espalier("study", "run", recipe, "--into", root, "--dry-run", "--quiet").output.split(separator: "\n")
        .map { String($0.prefix(32)) }
      let outcome = try submit("--jobs", "2", "--sbatch", "--partition=long", "--sbatch", "--time=4:00:00")
      #expect(
        outcome.output
          == "grid: submitted 6 runs as jobs 11, 12, 13; \"espalier study status \(root)/grid\" shows how far they are\n",
        "\(outcome.errors)")
      func asked(_ number: Int, _ dependency: String) -> String {
        "--parsable --job-name=espalier-grid --array=0-1%2 --cpus-per-task=1 --requeue --open-mode=append "
          + "--output=\(root)/grid/slurm/%A_%a.txt\(dependency) --partition=long --time=4:00:00 \(root)/grid/slurm/array-\(number).sh"
      }
      #expect(
        try words(folder + "/asked.txt") == [
          asked(1, ""), asked(2, " --dependency=afterok:11_0 --kill-on-invalid-dep=yes"),
          asked(3, " --dependency=afterok:11_1 --kill-on-invalid-dep=yes"),
        ])
      #expect(
        try words(root + "/grid/slurm/array-1.sh") == [
          "#!/bin/bash", "keys=(", "  \(keys[0])", "  \(keys[1])", ")",
          "exec \(try program.path) study work \(root)/grid \"${keys[$SLURM_ARRAY_TASK_ID]}\"",
        ])
      // What is in the queue is not submitted twice; what starts from it waits for it.
      try Data("11_0\n12_1\n99_0\n".utf8).write(to: URL(fileURLWithPath: folder + "/queue.txt"))
      let again = try submit("--json")
      let told = try JSONDecoder().decode(SlurmLauncher.Submission.self, from: Data(again.output.utf8))
      #expect(told.queued == [keys[0], keys[4]], "\(again.output)\(again.errors)")
      #expect(told.submitted.map(\.runs) == [[keys[1]], [keys[2]], [keys[3], keys[5]]], "\(told)")
      #expect(told.submitted.map(\.job) == ["14", "15", "16"])
      let more = try words(folder + "/asked.txt").dropFirst(3)
      #expect(
        more.map { $0.split(separator: " ").first { $0.hasPrefix("--dependency=") } } == [
          nil, "--dependency=afterok:11_0", "--dependency=afterok:14_0",
        ], "\(more)")
      #expect(try words(folder + "/looked.txt") == ["--noheader --array --format=%F_%K"])
      // What Slurm says when it refuses.
      try Data("#!/bin/sh\necho 'sbatch: error: invalid partition specified: long' >&2; exit 1\n".utf8)
        .write(to: URL(fileURLWithPath: folder + "/sbatch"))
      let refused = try submit()
      #expect(
        refused.status == 69 && refused.errors == "espalier: Slurm refused: sbatch: error: invalid partition specified: long\n",
        "\(refused.errors)")
    }
  }

  @Test func whatIsImpossible() throws {
    try withTemporaryDirectory { folder in
      let (recipe, root) = (try write(epochs: "20it", in: folder), folder + "/all")
      let missing = try espalier(
        ["study", "run", recipe, "--into", root, "--launcher", "slurm", "--quiet"], after: "PATH=/nowhere exec")
      #expect(
        missing.status == 69 && missing.errors == "espalier: --launcher slurm needs Slurm's commands: there is no sbatch on PATH\n",
        "\(missing.errors)")
      #expect(!FileManager.default.fileExists(atPath: root))
      let idle = try espalier("study", "run", recipe, "--into", root, "--sbatch", "--time=1")
      #expect(idle.status == 64 && idle.errors.hasPrefix("espalier: --sbatch --time=1 goes with --launcher slurm; see "), "\(idle.errors)")
      let bare = try espalier("study", "run", recipe, "--into", root, "--launcher", "slurm", "--sbatch", "long")
      #expect(
        bare.status == 64
          && bare.errors.hasPrefix(
            "espalier: --sbatch long is not an option: write it with its dashes and value, such as --time=4:00:00; see "),
        "\(bare.errors)")
    }
  }

  /// One run by its key: not before the run that it starts from, and only once.
  @Test func workOnOneRun() throws {
    try withTemporaryDirectory { folder in
      let (recipe, root) = (try write(epochs: "20it", in: folder), folder + "/all")
      let keys = try espalier("study", "run", recipe, "--into", root, "--dry-run", "--quiet").output.split(separator: "\n")
        .map { String($0.prefix(32)) }
      let nothing = try espalier("study", "work", root + "/grid", keys[0])
      #expect(
        nothing.status == 66
          && nothing.errors == "espalier: \(root)/grid is not a study: it has no study.json; \"espalier study run RECIPE\" makes one\n")
      // The study's folder, as a submission leaves it.
      try pretend(in: folder)
      _ = try espalier(["study", "run", recipe, "--into", root, "--launcher", "slurm", "--quiet"], after: "PATH=\(folder):$PATH exec")
      let early = try espalier("study", "work", root + "/grid", keys[2])
      #expect(
        early.status == 75 && early.errors == "espalier: run \(keys[2]) starts from run \(keys[0]), which is not finished\n",
        "\(early.errors)")
      let first = try espalier("study", "work", root + "/grid", keys[0])
      #expect(first.status == 0 && first.errors.contains("finished method dense, seed 0, test accuracy "), "\(first.errors)")
      #expect(try espalier("study", "work", root + "/grid", keys[2]).status == 0)
      #expect(try espalier("study", "work", root + "/grid", keys[2]).errors == "run \(keys[2]) is already there\n")
      let unknown = try espalier("study", "work", root + "/grid", "abc")
      #expect(
        unknown.status == 65
          && unknown.errors == "espalier: \(root)/grid has no run abc: \"espalier study run RECIPE --dry-run\" lists the keys\n")
      #expect(try espalier("study", "status", root + "/grid").output.hasPrefix("grid: 6 runs: 2 finished, 4 waiting\n"))
      let file = URL(fileURLWithPath: root + "/grid/study.json")
      try Data(String(decoding: try Data(contentsOf: file), as: UTF8.self).replacing("espalier ", with: "other ").utf8).write(to: file)
      let other = try espalier("study", "work", root + "/grid", keys[1])
      #expect(other.status == 65 && other.errors.hasPrefix("espalier: run \(keys[1]) belongs to other "), "\(other.errors)")
    }
  }

  /// A controller and a node on this machine, with two processors: a task that is put back into the queue in mid-run ends with the same
  /// bytes as all runs here.
  @Test(.enabled(if: Slurm.isHere, "needs Slurm (apt-get install slurm-wlm)")) func aRealCluster() throws {
    try withTemporaryDirectory { folder in
      // In the same folder: a model's recipe names the model that it started from.
      let (recipe, root) = (try write(epochs: "60000it", in: folder), folder + "/all")
      #expect(try espalier("study", "run", recipe, "--into", root, "--jobs", "2", "--quiet").status == 0)
      func models() throws -> [String: Data] {
        var models: [String: Data] = [:]
        for key in try Folder.names(in: root + "/runs") {
          models[key] = try Data(contentsOf: URL(fileURLWithPath: "\(root)/runs/\(key)/model.safetensors"))
        }
        return models
      }
      let here = try models()
      #expect(here.count == 6)
      try FileManager.default.removeItem(atPath: root)
      let slurm = try Slurm(in: folder)
      defer { slurm.stop() }
      let outcome = try espalier(
        ["study", "run", recipe, "--into", root, "--launcher", "slurm", "--json", "--quiet"], after: slurm.environment + " exec")
      #expect(outcome.status == 0, "\(outcome.errors)")
      let submission = try JSONDecoder().decode(SlurmLauncher.Submission.self, from: Data(outcome.output.utf8))
      let (job, key) = (try #require(submission.submitted.first?.job), try #require(submission.submitted.first?.runs.last))
      // In mid-run: it has evaluated its network, and is not at its end.
      let metrics = URL(fileURLWithPath: "\(root)/runs/\(key)/metrics.jsonl")
      try slurm.wait { (try? Data(contentsOf: metrics).isEmpty) == false }
      #expect(!FileManager.default.fileExists(atPath: "\(root)/runs/\(key)/SHA256SUMS"))
      try slurm.command("scontrol", "requeue", "\(job)_1")
      // Slurm refuses a task that starts in the second in which it was stopped: "Job credential revoked".
      Thread.sleep(forTimeInterval: 3)
      try slurm.wait {
        // Else Slurm would wait two minutes, counted from the task's end.
        _ = try? slurm.command("scontrol", "update", "JobId=\(job)_1", "StartTime=now")
        return try Folder.names(in: root + "/runs").filter { FileManager.default.fileExists(atPath: "\(root)/runs/\($0)/SHA256SUMS") }
          .count == 6
      }
      let printed = try FileManager.default.contentsOfDirectory(atPath: root + "/grid/slurm").filter { $0.hasSuffix(".txt") }.map {
        "\($0): " + String(decoding: try Data(contentsOf: URL(fileURLWithPath: root + "/grid/slurm/" + $0)), as: UTF8.self)
      }
      #expect(try espalier("study", "status", root + "/grid").output.hasPrefix("grid: 6 runs: 6 finished\n"), "\(printed)")
      let there = try models()
      #expect(Set(there.keys) == Set(here.keys))
      for (key, model) in here { #expect(there[key] == model, "\(key)") }
      #expect(printed.contains { $0.hasPrefix("\(job)_1.txt") && $0.contains("interrupted") }, "\(printed)")
      let log = String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(root)/runs/\(key)/log.txt")), as: UTF8.self)
      #expect(log.contains("interrupted after step "), "\(log)")
    }
  }
}

/// A controller and a node of Slurm on loopback, for one test.
final class Slurm {
  static func path(_ name: String) -> String? {
    let folders =
      (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/local/sbin"]
    return folders.map { "\($0)/\(name)" }.first(where: FileManager.default.isExecutableFile)
  }
  static var isHere: Bool { ["slurmctld", "slurmd", "sbatch", "scontrol"].allSatisfy { path($0) != nil } }

  /// What a shell sets before Slurm's commands.
  let environment: String
  private let configuration: String
  private let place: String

  init(in folder: String) throws {
    let user = NSUserName()
    place = folder + "/slurm"
    configuration = place + "/slurm.conf"
    environment = "SLURM_CONF=\(configuration)"
    for name in ["state", "spool"] {
      try FileManager.default.createDirectory(atPath: "\(place)/\(name)", withIntermediateDirectories: true)
    }
    let (controller, node) = (try Self.freePort(), try Self.freePort())
    // No daemon for authentication: everything is on this machine, and reached by loopback only.
    let text = """
      ClusterName=test
      SlurmctldHost=localhost(127.0.0.1)
      SlurmctldPort=\(controller)
      SlurmdPort=\(node)
      SlurmUser=\(user)
      SlurmdUser=\(user)
      AuthType=auth/none
      CredType=cred/none
      ProctrackType=proctrack/linuxproc
      TaskPlugin=task/none
      JobAcctGatherType=jobacct_gather/none
      SelectType=select/cons_res
      SelectTypeParameters=CR_CPU
      SchedulerType=sched/builtin
      SchedulerParameters=sched_interval=1,batch_sched_delay=0
      StateSaveLocation=\(place)/state
      SlurmdSpoolDir=\(place)/spool
      SlurmctldPidFile=\(place)/slurmctld.pid
      SlurmdPidFile=\(place)/slurmd.pid
      SlurmctldLogFile=\(place)/slurmctld.log
      SlurmdLogFile=\(place)/slurmd.log
      MpiDefault=none
      ReturnToService=2
      NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
      PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP

      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
    // They go to the background by themselves.
    try command("slurmctld", "-c")
    try command("slurmd", "-N", "localhost")
    try wait { (try? self.command("sinfo", "--noheader", "--format=%T").hasPrefix("idle")) ?? false }
  }

  /// Ends the daemons and their jobs.
  func stop() {
    _ = try? command("scancel", "--user=\(NSUserName())")
    for name in ["slurmd", "slurmctld"] {
      guard let text = try? String(contentsOfFile: "\(place)/\(name).pid", encoding: .utf8),
        let process = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines))
      else { continue }
      for signal in [SIGTERM, SIGKILL] {
        kill(process, signal)
        let end = Date() + 10
        while kill(process, 0) == 0, Date() < end { Thread.sleep(forTimeInterval: 0.05) }
      }
    }
  }

  /// Runs one of Slurm's commands.
  @discardableResult func command(_ name: String, _ arguments: String...) throws -> String {
    let outcome = try run(URL(fileURLWithPath: Self.path(name) ?? name), arguments, after: environment + " exec")
    guard outcome.status == 0 else { throw Trouble(words: "\(name) \(arguments): \(outcome.errors)") }
    return outcome.output
  }

  /// Waits until something is so.
  func wait(_ condition: () throws -> Bool) throws {
    let end = Date() + 300
    while !(try condition()) {
      guard Date() < end else {
        let log = try? String(contentsOfFile: place + "/slurmctld.log", encoding: .utf8)
        throw Trouble(words: "waited too long; slurmctld says: \(log ?? "nothing")")
      }
      Thread.sleep(forTimeInterval: 0.1)
    }
  }

  struct Trouble: Error { let words: String }

  /// A port of this machine that nothing listens on.
  private static func freePort() throws -> UInt16 {
    let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0 }
    }
    guard isBound else { throw Trouble(words: "no free port") }
    return UInt16(bigEndian: address.sin_port)
  }
}
