import Files
import Foundation
import Results
import TestSupport
import Testing

@testable import Studies

@Suite struct RunStoreTests {
  private func run(_ number: Int, from: String? = nil) -> PlannedRun {
    let identity = PlannedRun.Identity(tool: "t", settings: "\(number)", data: nil, from: from)
    return PlannedRun(
      key: identity.key, identity: identity, places: [["seed": "\(number)"]], arguments: ["prune", "--seed", "\(number)"], from: from,
      artefact: "model")
  }

  private func finish(_ run: PlannedRun, in store: RunStore, correct: Int = 80) throws {
    let claim = try store.begin(run)
    defer { withExtendedLifetime(claim) {} }
    try Data("model".utf8).write(to: URL(fileURLWithPath: store.path("model", of: run.key)))
    try Data(row(correct: correct).json().utf8).write(to: URL(fileURLWithPath: store.path("row.json", of: run.key)))
    try store.finish(run)
  }

  @Test func aRunIsBegunFinishedOrFailed() throws {
    try withTemporaryDirectory { root in
      let (store, one) = (RunStore(root), run(1))
      #expect(store.state(one.key) == .waiting)
      let claim = try store.begin(one)
      #expect(store.state(one.key) == .begun)
      #expect(throws: FolderInUse(folder: store.folder(one.key), process: getpid())) { try store.begin(one, patience: 0) }
      try store.fail(one.key, "no\nluck")
      #expect(store.state(one.key) == .failed && store.failure(one.key) == "no luck")
      withExtendedLifetime(claim) {}
    }
    try withTemporaryDirectory { root in
      let (store, one) = (RunStore(root), run(1))
      // Without its files nothing is finished.
      let claim = try store.begin(one)
      #expect(throws: FileError.self) { try store.finish(one) }
      #expect(store.state(one.key) == .begun)
      withExtendedLifetime(claim) {}
    }
    try withTemporaryDirectory { root in
      let (store, one) = (RunStore(root), run(1))
      try finish(one, in: store)
      #expect(store.state(one.key) == .finished)
      #expect(try store.row(one.key).final.accuracyAtEnd?.correct == 80)
      try store.check(one)
      let sums = try String(contentsOfFile: store.path("SHA256SUMS", of: one.key), encoding: .utf8).split(separator: "\n")
      #expect(sums.map { $0.split(separator: " ").last } == ["model", "row.json", "run.json"])
      // Metrics are kept with the run where there are any.
      let two = run(2)
      _ = try store.begin(two)
      try Data("{}\n".utf8).write(to: URL(fileURLWithPath: store.path(RunStore.metrics, of: two.key)))
      try finish(two, in: store)
      try store.check(two)
      try Data("{}".utf8).write(to: URL(fileURLWithPath: store.path(RunStore.metrics, of: two.key)))
      #expect { try store.check(two) } throws: { "\($0)".contains("metrics.jsonl has changed since the run finished") }
    }
  }

  @Test func whatHasChangedIsTold() throws {
    try withTemporaryDirectory { root in
      let (store, one) = (RunStore(root), run(1))
      try finish(one, in: store)
      func words(of name: String) -> StoreError {
        StoreError(
          "\(store.path(name, of: one.key)) has changed since the run finished: its checksum does not match; remove \(store.folder(one.key)) to compute it again"
        )
      }
      try Data("other".utf8).write(to: URL(fileURLWithPath: store.path("model", of: one.key)))
      #expect(throws: words(of: "model")) { try store.check(one) }
      #expect(throws: Never.self) { try store.row(one.key) }
      try Data(row(correct: 99).json().utf8).write(to: URL(fileURLWithPath: store.path("row.json", of: one.key)))
      #expect(throws: words(of: "row.json")) { try store.row(one.key) }
      let sum = String(repeating: "0", count: 64)
      try Data("\(sum)  ../x\n".utf8).write(to: URL(fileURLWithPath: store.path("SHA256SUMS", of: one.key)))
      #expect(throws: StoreError("\(store.path("SHA256SUMS", of: one.key)) names a file elsewhere")) { try store.check(one) }
      let damaged = StoreError(
        "\(store.path("SHA256SUMS", of: one.key)) is damaged; remove \(store.folder(one.key)) to compute it again")
      for sums in ["x\n", "", "\(sum)  model\n"] {
        try Data(sums.utf8).write(to: URL(fileURLWithPath: store.path("SHA256SUMS", of: one.key)))
        #expect(throws: damaged) { try store.row(one.key) }
        #expect(throws: damaged) { try store.check(one) }
      }
      try Data("\(sum)  row.json\n".utf8).write(to: URL(fileURLWithPath: store.path("SHA256SUMS", of: one.key)))
      #expect(throws: damaged) { try store.check(one) }
      try FileManager.default.removeItem(atPath: store.path("row.json", of: one.key))
      #expect(
        throws: StoreError(
          "cannot read \(store.path("row.json", of: one.key)): No such file or directory; remove \(store.folder(one.key)) to compute it again"
        )
      ) { try store.row(one.key) }
      // As told.
      try FileManager.default.removeItem(atPath: store.folder(one.key))
      #expect(store.state(one.key) == .waiting)
    }
  }

  @Test func pathsOfRunsAreKnown() {
    let key = run(1).key
    #expect(RunStore.isOne("a/runs/\(key)/model") && RunStore.isOne("/runs/\(key)/model"))
    #expect(!RunStore.isOne("runs/\(key)") && !RunStore.isOne("a/runs/short/model") && !RunStore.isOne("a/run/\(key)/model"))
  }

  // MARK: - Studies and their index

  private func begin(_ root: String, text: String = "study: s", _ runs: [PlannedRun]) throws -> StudyFolder {
    let recipe = Recipe(name: "s", about: "Why?", axes: [.init("seed", values: ["1", "2", "3"])], file: "r.yaml", text: text)
    let folder = StudyFolder(recipe, in: root)
    var plan = try StudyPlan(Recipe(name: "s", axes: []), in: folder.store, tool: "t") { _ in
      ResolvedRun(settings: "", data: nil, artefact: "")
    }
    plan.runs = runs
    try folder.begin(recipe, plan, replaces: false)
    return folder
  }

  @Test func aStudyKnowsItsRuns() throws {
    try withTemporaryDirectory { root in
      let (one, two) = (run(1), run(2))
      let three = run(3, from: two.key)
      let folder = try begin(root, [three, one, two])
      try finish(one, in: folder.store)
      let claim = try folder.store.begin(two)
      try folder.store.fail(two.key, "no luck")
      withExtendedLifetime(claim) {}
      let result = try StudyFolder(root + "/s/").result()
      #expect(result.name == "s" && result.about == "Why?" && result.recipe == "study: s")
      // In the order of the grid, whatever that of the plan.
      #expect(result.runs.map(\.place) == [["seed": "1"], ["seed": "2"], ["seed": "3"]])
      #expect(result.runs.map(\.state) == [.finished, .failed, .waiting])
      #expect(result.runs[1].failure == "no luck" && result.runs[0].command == ["espalier", "prune", "--seed", "1"])
      #expect(result.runs[0].row?.final.accuracyAtEnd?.correct == 80)
    }
  }

  /// In the order of a plan, whose beginnings come first.
  @Test func whatStartsFromAFailureHasFailed() throws {
    try withTemporaryDirectory { root in
      let two = run(2)
      let folder = try begin(root, [run(1), two, run(3, from: two.key)])
      let claim = try folder.store.begin(two)
      try folder.store.fail(two.key, "no luck")
      withExtendedLifetime(claim) {}
      let result = try folder.result()
      #expect(result.runs.map(\.state) == [.waiting, .failed, .failed])
      #expect(result.runs[2].failure == "the run that it starts from failed: no luck")
      #expect(
        result.text
          == "s: 3 runs: 2 failed, 1 waiting\nfailed: seed 2: no luck\nfailed: seed 3: the run that it starts from failed: no luck\n")
    }
  }

  @Test func anotherStudyIsNotMixedIn() throws {
    try withTemporaryDirectory { root in
      _ = try begin(root, text: "study: s\na\nb", [run(1)])
      #expect(
        throws: StoreError(
          "\(root)/s holds another study: its recipe differs from r.yaml at line 3; give --extend to go on with the new one, or another --into"
        )
      ) { try begin(root, text: "study: s\na\nc", [run(1)]) }
      #expect(throws: StoreError("\(root) is not a study: it has no study.json; \"espalier study run RECIPE\" makes one", isMissing: true))
      {
        try StudyFolder(root)
      }
      try Data("{".utf8).write(to: URL(fileURLWithPath: root + "/s/study.json"))
      #expect { try StudyFolder(root + "/s").content() } throws: {
        "\($0)" == "\(root)/s/study.json is damaged; \"espalier study run RECIPE\" writes it anew"
      }
    }
  }

  @Test func questionsAreAnswered() throws {
    try withTemporaryDirectory { root in
      #expect(throws: StoreError("\(root) holds no studies; \"espalier study run RECIPE --into \(root)\" makes one", isMissing: true)) {
        try StudyIndex(root)
      }
      var shared = run(1)
      shared.places = [["seed": "1"], ["seed": "3"]]
      let folder = try begin(root, [shared, run(2)])
      try finish(shared, in: folder.store)
      // Made anew, nothing is left of the first, nor of what is no index.
      _ = try StudyIndex(root)
      let first = try StudyIndex(root)
      #expect(try first.answer("SELECT count(*) FROM places").rows == [["3"]])
      try Data(repeating: 7, count: 5000).write(to: URL(fileURLWithPath: root + "/index.sqlite"))
      let index = try StudyIndex(root)
      let answer = try index.answer("SELECT seed, state, test_accuracy, steps, nonzero_weights, sparsity FROM s")
      #expect(answer.columns == ["seed", "state", "test_accuracy", "steps", "nonzero_weights", "sparsity"])
      #expect(
        answer.rows == [
          ["1", "finished", "0.8", "10.0", "50.0", "0.5"], ["2", "waiting", nil, nil, nil, nil],
          ["3", "finished", "0.8", "10.0", "50.0", "0.5"],
        ])
      #expect(
        answer.csv.hasPrefix("seed,state,test_accuracy,steps,nonzero_weights,sparsity\n1,finished,0.8,10.0,50.0,0.5\n2,waiting,,,,\n")
      )
      #expect(try index.answer("SELECT count(*) FROM runs").rows == [["2"]])
      // Once, though the run lies at two places.
      #expect(
        try index.answer("SELECT training, step, epoch, accuracy, loss FROM evaluations").rows == [
          ["0", "5", "0.5", "0.7", "0.9"], ["0", "10", nil, "0.8", "0.6"],
        ])
      #expect(try index.answer("SELECT 'a,b' AS p, 'c\"d' AS q, 5 AS r").csv == "p,q,r\n\"a,b\",\"c\"\"d\",5\n")
      for change in ["DELETE FROM runs", "PRAGMA query_only = 0"] {
        #expect(throws: QueryError(description: "the query asks for nothing: begin with SELECT")) { try index.answer(change) }
      }
      #expect(throws: QueryError(description: "the query is not possible: attempt to write a readonly database")) {
        try index.answer("DELETE FROM runs RETURNING key")
      }
      let elsewhere = root + "/evil.db"
      #expect(throws: QueryError(description: "the query asks for nothing: begin with SELECT")) {
        try index.answer("ATTACH '\(elsewhere)' AS e")
      }
      #expect(!FileManager.default.fileExists(atPath: elsewhere))
      for query in ["SELECT 1; SELECT 2", "SELECT ?"] {
        #expect(throws: QueryError(description: "a query is one statement without parameters")) { try index.answer(query) }
      }
      #expect(throws: QueryError(description: "the query is not possible: no such column: x")) { try index.answer("SELECT x FROM s") }
    }
  }
}
