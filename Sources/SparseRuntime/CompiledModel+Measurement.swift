internal import CSparse

extension CompiledModel {
  /// Seconds of a step from which on it is measured as seldom as possible.
  private static let longStep = 0.02

  /// Seconds of each of the plan's steps, for as many examples as fit one pass: the smallest of several measurements; 0 for a step that the one
  /// before computes.
  ///
  /// - Parameters:
  ///   - groups: groups of 16 examples side by side; 0 for a lone example.
  ///   - only: the steps that are measured, all unless given; the others have infinity.
  ///   - repetitions: how often each step is measured, twice at most if that takes long.
  ///   - minimum: seconds that a measurement takes at least, by computing the step as often as that takes.
  /// - Throws: ``SparseRuntimeError/resources(_:)``.
  public func stepSeconds(
    groups: Int, only: Set<Int>? = nil, repetitions: Int = 5, minimum: Double = 2e-4
  ) throws(SparseRuntimeError) -> [Double] {
    let workspace = try idle(groups)
    let examples = workspace.capacity
    // Values as a network has them: neither all 0, which would hide a cost of real ones, nor so small that they are denormal.
    let input = (0..<examples * plan.inputCount).map { Float(($0 &* 7919) % 255) / 255 - 0.5 }
    let taken = team.tryLock()
    defer { if taken != nil { team.unlock() } }
    let team = (taken ?? nil)?.pointer
    let arena = Arena()
    var outputs: [UnsafeMutablePointer<Float>] = []
    for index in plan.outputs {
      let map = plan.maps[index]
      outputs.append(try arena.zeros(count: map.channels * map.height * map.width * examples))
    }
    input.withUnsafeBufferPointer { if let base = $0.baseAddress { workspace.run(base, count: examples, into: outputs, team: team) } }
    // Swift's clocks would bring its runtime for concurrency into programs that embed this module.
    func seconds(_ step: Int, _ times: Int) -> Double {
      let start = cs_seconds()
      for _ in 0..<times { workspace.rerun(step, team: team) }
      return cs_seconds() - start
    }
    let steps = plan.steps.indices.filter { (only?.contains($0) ?? true) && !workspace.isFused($0) }
    let first = steps.map { seconds($0, 1) }
    var best = plan.steps.indices.map { workspace.isFused($0) ? 0 : Double.infinity }
    for repetition in 0..<repetitions {
      for (step, first) in zip(steps, first) where repetition < 2 || first < Self.longStep {
        let times = max(1, min(1000, Int(minimum / max(first, 1e-9))))
        best[step] = min(best[step], seconds(step, times) / Double(times))
      }
    }
    put(back: workspace, groups)
    return best
  }
}
