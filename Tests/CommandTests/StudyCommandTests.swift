import Files
import Foundation
import TestSupport
import Testing

@testable import espalier

@Suite(.serialized) struct StudyCommandTests {
  private static let recipe = """
    study: which
    about: Does magnitude say more than chance?
    options: {network: "mlp:64-16-10", dataset: digits, epochs: 40it, no-latency: true}
    scales:
      smoke: {grid: {seed: [0]}}
      small:
    grid:
      method:
        dense: {command: train, sparsity: null}
        tuned: {from: {method: dense}, network: null, epochs: null, rounds: 1, recovery: 20it}
        random: {criterion: random, rounds: 1, recovery: 20it}
      sparsity: [0.5, 0.8]
      seed: [0, 1]
    claims:
      - {id: A-1, statement: magnitude beats chance, measure: test-accuracy, of: {method: tuned, sparsity: 0.8},
         minus: {method: random, sparsity: 0.8}, above: 0}
    """

  private func write(_ text: String = recipe, in folder: String, name: String = "r.yaml") throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
    return folder + "/" + name
  }

  /// Models and metrics, by the runs' keys.
  private func models(_ root: String) throws -> [String: Data] {
    var models: [String: Data] = [:]
    for key in try Folder.names(in: root + "/runs") {
      models[key] = try Data(contentsOf: URL(fileURLWithPath: "\(root)/runs/\(key)/model.safetensors"))
      models[key + " metrics"] = try Data(contentsOf: URL(fileURLWithPath: "\(root)/runs/\(key)/metrics.jsonl"))
    }
    return models
  }

  /// From the recipe to the verdict; runs are shared between studies, and models are those that the commands make by themselves.
  @Test func aWholeStudy() throws {
    try withTemporaryDirectory { folder in
      let (recipe, root) = (try write(in: folder), folder + "/all")
      let listed = try espalier("study", "run", recipe, "--into", root, "--dry-run", "--quiet")
      // One dense and two of each other kind.
      let lines = listed.output.split(separator: "\n")
      #expect(listed.status == 0 && lines.count == 5, "\(listed.output)\(listed.errors)")
      let first = try #require(lines.first)
      #expect(
        first.hasSuffix(
          "  espalier train --threads 1 --network mlp:64-16-10 --dataset digits --epochs 40it --no-latency --seed 0"))
      #expect(!FileManager.default.fileExists(atPath: root))
      let smoke = try espalier("study", "run", recipe, "--into", root, "--jobs", "2")
      #expect(smoke.status == 0 && smoke.output.hasPrefix("which-smoke: 5 runs: 5 finished\n\nmethod  sparsity  n "), "\(smoke.output)")
      #expect(smoke.output.contains("\nA-1 ") && smoke.output.contains(" undecided  magnitude beats chance\n"))
      #expect(smoke.errors.contains("finished method dense, sparsity 0.5, seed 0, test accuracy "))
      let small = try espalier("study", "run", recipe, "--into", root, "--scale", "small", "--quiet")
      #expect(small.status == 0 && small.output.hasPrefix("which-small: 10 runs: 10 finished\n"), "\(small.errors)")
      let models = try models(root)
      #expect(models.count == 20 && models.values.allSatisfy { !$0.isEmpty })
      // The dense run by itself.
      let key = String(first.prefix(32))
      let alone = folder + "/alone.safetensors"
      #expect(
        try espalier(
          "train", "--threads", "1", "--network", "mlp:64-16-10", "--dataset", "digits", "--epochs", "40it", "--no-latency", "--quiet",
          "-o",
          alone
        ).status == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: alone)) == models[key])
      // Again: nothing is left to do, and nothing changes.
      let again = try espalier("study", "run", recipe, "--into", root, "--scale", "small")
      #expect(again.output == small.output && again.errors.contains("10 of 10 runs are already there"))
      #expect(try self.models(root) == models)
      #expect(try espalier("study", "status", root + "/which-small").output == small.output)
      let shown = try espalier("study", "status", root + "/which-small", "--show", "steps-to@0.1", "--show", "training-flops")
      #expect(shown.status == 0 && shown.output.contains("steps to@0.1") && shown.output.contains("training flops"), "\(shown.output)")
      let unknown = try espalier("study", "status", root + "/which-small", "--show", "step-to@0.1")
      #expect(
        unknown.status == 64
          && unknown.errors.contains("--show: unknown measure \"step-to@0.1\"; did you mean steps-to@0.95?"), "\(unknown.errors)")
      let claims = try espalier("study", "claims", root + "/which-small", root + "/which-smoke", root + "/runs")
      #expect(claims.output.split(separator: "\n").count == 3)
      let answer = try espalier(
        "study", "query", "SELECT method, sparsity, count(*) AS runs, count(test_accuracy) AS rows FROM \"which-small\" GROUP BY 1, 2",
        "--csv",
        "--into", root)
      #expect(
        answer.output
          == "method,sparsity,runs,rows\ndense,0.5,2,2\ndense,0.8,2,2\nrandom,0.5,2,2\nrandom,0.8,2,2\ntuned,0.5,2,2\ntuned,0.8,2,2\n",
        "\(answer.errors)")
      let curves = try espalier(
        "study", "query", "SELECT count(*) = count(accuracy) AND count(*) >= 10 AS known FROM evaluations", "--csv", "--into", root)
      #expect(curves.output == "known\n1\n", "\(curves.output)\(curves.errors)")
      #expect(try espalier("study", "export", root + "/which-smoke").output.split(separator: "\n").count == 7)
    }
  }

  /// Killed in mid-run and gone on with, the same models come out; runs that were finished are not computed again.
  @Test func killedItGoesOn() throws {
    try withTemporaryDirectory { folder in
      let text = Self.recipe.replacing("epochs: 40it", with: "epochs: 600it")
      let recipe = try write(text, in: folder)
      // In the same folder: a model's recipe names the model that it started from.
      let arguments = ["study", "run", recipe, "--into", folder + "/all", "--jobs", "2"]
      #expect(try espalier(arguments).status == 0)
      try FileManager.default.moveItem(atPath: folder + "/all", toPath: folder + "/whole")
      for pause in [0.7, 1.1] {
        let process = Process()
        process.executableURL = try program
        process.arguments = arguments
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        Thread.sleep(forTimeInterval: pause)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
      }
      let outcome = try espalier(arguments)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let (whole, killed) = (try models(folder + "/whole"), try models(folder + "/all"))
      #expect(Set(whole.keys) == Set(killed.keys))
      for (key, model) in whole { #expect(killed[key] == model, "\(key)") }
    }
  }

  /// The others go on; the failure is told, kept, and only repeated on request.
  @Test func aFailedRunIsTold() throws {
    try withTemporaryDirectory { folder in
      let text = """
        study: bad
        options: {network: "mlp:64-16-10", dataset: digits, no-latency: true, epochs: 20it, seed: 0}
        grid:
          method:
            wild: {command: train, optimizer: sgd, learning-rate: 1e30}
            after: {from: {method: wild}, network: null, epochs: null, sparsity: 0.5, rounds: 1, recovery: 5it}
            tame: {command: train}
        """
      let (recipe, root) = (try write(text, in: folder), folder + "/all")
      let outcome = try espalier("study", "run", recipe, "--into", root)
      #expect(
        outcome.status == 70 && outcome.output.hasPrefix("bad: 3 runs: 2 failed, 1 finished\nfailed: method wild: "), "\(outcome.output)")
      #expect(outcome.output.contains("\nfailed: method after: the run that it starts from failed: the loss is no longer finite"))
      #expect(
        outcome.errors.contains("\nespalier: 1 of 3 runs failed; the first: method wild: the loss is no longer finite"), "\(outcome.errors)"
      )
      let again = try espalier("study", "run", recipe, "--into", root)
      #expect(
        again.status == 70 && again.output.hasPrefix("bad: 3 runs: 2 failed, 1 finished\n")
          && again.errors.contains("1 failed before and is left out\n")
          && again.errors.hasSuffix("\nespalier: 1 of 3 runs failed before; --retry-failed tries it again\n"), "\(again.errors)")
      #expect(try espalier("study", "run", recipe, "--into", root, "--retry-failed").status == 70)
    }
  }

  @Test func whatIsImpossibleIsToldBeforeAnythingIsWritten() throws {
    try withTemporaryDirectory { folder in
      let root = folder + "/all"
      func refusal(_ text: String, _ more: String...) throws -> Outcome {
        let path = try write(text, in: folder)
        return try espalier(["study", "run", path, "--into", root, "--quiet"] + more)
      }
      let path = folder + "/r.yaml"
      let cases = [
        (
          Self.recipe.replacing("sparsity: [0.5, 0.8]", with: "sparsity: [0.5, 1.8]"),
          "\(path):12:19: --sparsity 1.8 is not a fraction: give a number from 0 up to, but not including, 1 (method random, seed 0, sparsity 1.8)"
        ),
        (
          Self.recipe.replacing("criterion: random", with: "criterion: randon"),
          "\(path):11:14: unknown criterion \"randon\": did you mean random? (method random, seed 0, sparsity 0.5)"
        ),
        (
          Self.recipe.replacing("dataset: digits", with: "dataset: digit"),
          "\(path):3:36: unknown data set \"digit\"; did you mean digits? "
        ),
      ]
      let networks = [
        (
          "mlp:64-16-1O",
          "network \"mlp:64-16-1O\": widths must be 2 to 100 whole numbers from 1 to 1000000 joined by \"-\", e.g. mlp:784-300-100-10"
        ), ("lenet-300-10", "unknown network \"lenet-300-10\"; did you mean lenet-300-100?"),
        ("lenet-5", "network lenet-5 takes 1×28×28 images, digits has 1×8×8; networks for 1×8×8: lenet-300-100, mlp:WIDTHS"),
      ].map { (Self.recipe.replacing("mlp:64-16-10", with: $0), "\(path):3:11: --network: \($1) (method ") }
      for (text, words) in cases + networks {
        let outcome = try refusal(text)
        #expect(outcome.status == 78 && outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
      }
      #expect(!FileManager.default.fileExists(atPath: root))
      let missing = try espalier("study", "run", folder + "/none.yaml")
      #expect(missing.status == 66 && missing.errors == "espalier: cannot read \(folder)/none.yaml: No such file or directory\n")
      #expect(try refusal(Self.recipe, "--jobs", "0").status == 64)
      #expect(try espalier("study", "status", folder).status == 66)
      try (Data("study: a\nabout: caf".utf8) + Data([0xE9]) + Data("\n".utf8)).write(to: URL(fileURLWithPath: folder + "/latin.yaml"))
      let latin = try espalier("study", "run", folder + "/latin.yaml")
      #expect(latin.status == 78 && latin.errors == "espalier: \(folder)/latin.yaml:2:1: this is not UTF-8: save the recipe as UTF-8\n")
      // Some editors mark UTF-8 in front.
      try (Data([0xEF, 0xBB, 0xBF]) + Data(Self.recipe.utf8)).write(to: URL(fileURLWithPath: folder + "/marked.yaml"))
      #expect(try espalier("study", "run", folder + "/marked.yaml", "--into", root, "--dry-run", "--quiet").status == 0)
      #expect(
        try refusal(Self.recipe, "--scale", "big").errors
          == "espalier: \(path):5:3: there is no scale \"big\": the recipe has smoke, small\n")
    }
  }

  /// A process that is killed has not failed: the same command goes on from its checkpoint, while the others went on.
  @Test func aKilledRunGoesOn() throws {
    try withTemporaryDirectory { folder in
      let text = """
        study: killed
        command: train
        options: {network: "mlp:64-20-10", dataset: digits, evaluate-every: 100it, no-latency: true}
        grid: {epochs: [9000000it, 20it], seed: [0]}
        """
      let (recipe, root) = (try write(text, in: folder), folder + "/all")
      let keys = try espalier("study", "run", recipe, "--into", root, "--dry-run", "--quiet").output.split(separator: "\n")
        .map { String($0.prefix(32)) }
      let killer =
        "(while [ ! -s \(root)/runs/\(keys[0])/metrics.jsonl ]; do sleep 0.05; done; pkill -9 -f '[-]-output \(root)/runs/\(keys[0])') & exec"
      let outcome = try run(program, ["study", "run", recipe, "--into", root, "--quiet"], after: killer)
      #expect(
        outcome.status == 70
          && outcome.errors
            == "espalier: 1 of 2 runs failed; the first: epochs 9000000it, seed 0: the process was ended by signal 9; the others went on, and the same command goes on from the checkpoints\n",
        "\(outcome)")
      #expect(try espalier("study", "status", root + "/killed").output.hasPrefix("killed: 2 runs: 1 finished, 1 "))
      #expect(!FileManager.default.fileExists(atPath: "\(root)/runs/\(keys[0])/failed.txt"))
    }
  }

  /// Runs in a chain that need no data name none, though each reads the model of the one before it, which is yet to come.
  @Test func aChainNeedsNoData() throws {
    try withTemporaryDirectory { folder in
      let recipe = try write(
        """
        study: chain
        options: {granularity: unit, rounds: 1, epochs: 0, recovery: 0ep, no-latency: true}
        grid:
          count:
            last: {from: {count: middle}, fraction: 0.5}
            middle: {from: {count: first}, fraction: 0.5}
            first: {network: "mlp:64-32-16-10", fraction: 0.5}
          seed: [0]
        """, in: folder)
      let root = folder + "/all"
      let outcome = try espalier("study", "run", recipe, "--into", root, "--quiet")
      #expect(outcome.status == 0 && outcome.output.hasPrefix("chain: 3 runs: 3 finished\n"), "\(outcome.output)\(outcome.errors)")
      let units = try espalier("study", "query", "SELECT count, CAST(units AS INTEGER) FROM chain ORDER BY 2", "--csv", "--into", root)
      #expect(units.output.split(separator: "\n").dropFirst() == ["last,6", "middle,12", "first,24"], "\(units.errors)\(units.output)")
      // Finished, the models can be read, and lead to the same runs.
      let again = try espalier("study", "run", recipe, "--into", root)
      #expect(again.status == 0 && !again.errors.contains("finished count"), "\(again.errors)")
    }
  }

  @Test func tamperedRunsAndOtherStudiesAreTold() throws {
    try withTemporaryDirectory { folder in
      let (recipe, root) = (try write(in: folder), folder + "/all")
      #expect(try espalier("study", "run", recipe, "--into", root, "--quiet").status == 0)
      let other = try write(Self.recipe.replacing("chance?", with: "luck?"), in: folder, name: "other.yaml")
      let refused = try espalier("study", "run", other, "--into", root)
      #expect(
        refused.status == 65
          && refused.errors.hasSuffix(
            "espalier: \(root)/which-smoke holds another study: its recipe differs from \(other) at line 2; give --extend to go on with the new one, or another --into\n"
          ), "\(refused.errors)")
      #expect(try espalier("study", "run", other, "--into", root, "--extend", "--quiet").status == 0)
      let key = try #require(try Folder.names(in: root + "/runs").first)
      let file = "\(root)/runs/\(key)/model.safetensors"
      try (Data(contentsOf: URL(fileURLWithPath: file)) + Data([0])).write(to: URL(fileURLWithPath: file))
      let tampered = try espalier("study", "run", other, "--into", root, "--quiet")
      #expect(
        tampered.status == 65
          && tampered.errors
            == "espalier: \(file) has changed since the run finished: its checksum does not match; remove \(root)/runs/\(key) to compute it again\n",
        "\(tampered.errors)")
      #expect(try espalier("study", "query", "SELECT x", "--into", root).status == 64)
      // From inside, where the path does not say what lies above.
      let inside = try run(program, ["study", "status", "."], after: "cd \(root)/which-smoke; exec")
      #expect(inside.output.hasPrefix("which-smoke: 5 runs: 5 finished\n"), "\(inside)")
      for target in ["\(root)/which-smoke/study.json", "\(root)/which-smoke/recipe.yaml"] {
        let over = try espalier("report", root + "/which-smoke", "-o", target, "--format", "markdown")
        #expect(
          over.status == 73
            && over.errors == "espalier: cannot write \(target): --output and the study are the same file\n", "\(over)")
      }
      let within = "\(root)/runs/\(key)/report.md"
      #expect(
        try espalier("report", root + "/which-smoke", "-o", within).errors
          == "espalier: cannot write \(within): it would be a file of a run\n")
    }
  }
}
