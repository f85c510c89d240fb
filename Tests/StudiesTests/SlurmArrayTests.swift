import Testing

@testable import Studies

@Suite struct SlurmArrayTests {
  private func run(_ key: String, from: String? = nil, threads: Int? = 1) -> PlannedRun {
    PlannedRun(
      key: key, identity: .init(tool: "t", settings: "s", data: nil, from: from), places: [],
      arguments: ["prune"] + (threads.map { ["--threads", "\($0)"] } ?? []), from: from, artefact: "model.safetensors")
  }

  private func plan(_ runs: [PlannedRun]) throws -> StudyPlan {
    var plan = try StudyPlan(Recipe(name: "s", axes: []), in: RunStore("/r"), tool: "t") { _ in
      ResolvedRun(settings: "", data: nil, artefact: "m")
    }
    plan.runs = runs
    return plan
  }

  /// Children of one run are an array; those whose parent is finished start at once; threads decide the cores.
  @Test func runsThatCanStartTogether() throws {
    let plan = try plan([
      run("a"), run("b"), run("c", threads: 2), run("a1", from: "a"), run("b1", from: "b"), run("a2", from: "a"), run("z1", from: "z"),
      run("d", threads: nil),
    ])
    #expect(
      plan.slurmArrays(of: ["a", "b", "c", "a1", "a2", "b1", "z1", "d"]) == [
        SlurmArray(keys: ["a", "b", "z1", "d"]), SlurmArray(keys: ["c"], cores: 2), SlurmArray(keys: ["a1", "a2"], from: "a"),
        SlurmArray(keys: ["b1"], from: "b"),
      ])
    // In the order of the plan, whatever the order of the keys.
    #expect(plan.slurmArrays(of: ["a2", "b", "a1"]) == [SlurmArray(keys: ["b", "a1", "a2"])])
    #expect(plan.slurmArrays(of: []).isEmpty)
  }

  @Test func anArrayHasAtMostAThousandTasks() throws {
    let plan = try plan((0..<2001).map { run("k\($0)") })
    let arrays = plan.slurmArrays(of: Set(plan.runs.map(\.key)))
    #expect(arrays.map(\.keys.count) == [1000, 1000, 1] && arrays[1].keys.first == "k1000" && arrays[2].keys == ["k2000"])
  }

  @Test func theScriptAndTheOptions() {
    let array = SlurmArray(keys: ["k0", "k1", "k2"], from: "p", cores: 4)
    #expect(
      array.script(program: "/opt/my tools/espalier", study: "studies/s-small") == """
        #!/bin/bash
        keys=(
          k0
          k1
          k2
        )
        exec '/opt/my tools/espalier' study work studies/s-small "${keys[$SLURM_ARRAY_TASK_ID]}"

        """)
    #expect(
      array.options(name: "espalier-s", output: "/a/100%/slurm", atOnce: 2, after: "12_3") == [
        "--parsable", "--job-name=espalier-s", "--array=0-2%2", "--cpus-per-task=4", "--requeue", "--open-mode=append",
        "--output=/a/100%%/slurm/%A_%a.txt", "--dependency=afterok:12_3", "--kill-on-invalid-dep=yes",
      ])
    #expect(!array.options(name: "n", output: "/o").contains { $0.contains("dependency") || $0.contains("=0-2%") })
  }
}
