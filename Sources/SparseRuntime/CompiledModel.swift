internal import CSparse

/// A compiled network that runs on this machine's CPU, without libtorch.
///
/// ```swift
/// let model = try CompiledModel(contentsOf: "resnet20.plan")
/// let logits = try model.run(pixels)  // [examples · classes] of [examples · channels · height · width]
/// ```
/// Any number of examples may be given. Many go through the network 16 to a vector, few one after another. Callers on several threads do not
/// wait for each other: each has room of its own, which is kept for the next call, so that nothing is allocated once as many calls have
/// run at the same time as ever will.
public final class CompiledModel: Sendable {
  /// The steps that are run.
  public let plan: Plan
  /// The form of the kernels.
  public let form: InferenceForm
  /// The threads of a call, while no other call has them.
  public let threads: Int

  nonisolated(unsafe) private let kernels: UnsafePointer<cs_inference>
  let team: Locked<Team?>
  /// Room that no call is using, by groups of examples; 0 is that of a lone example.
  private let idle = Locked<[Int: [Workspace]]>([:])

  /// Multiplications of an example.
  private let work: Double
  /// Multiplications of a call from which on threads share it.
  static let leastSharedWork = 1e6
  private let known = Locked<[Int: TurnTable]?>(nil)

  struct Team: @unchecked Sendable { let pointer: OpaquePointer }

  /// Reads a plan that `espalier compile` has made.
  ///
  /// - Parameters:
  ///   - path: the plan's file, which must not change while the model is in use: its weights are read where they lie.
  ///   - threads: how many threads compute a call together.
  ///   - pinned: whether each of these threads stays on a processor of its own; the caller's thread is left where it is.
  ///   - form: the form of the kernels; the fastest that the machine has unless given.
  /// - Throws: ``SparseRuntimeError``.
  public convenience init(
    contentsOf path: String, threads: Int = 1, pinned: Bool = false, form: InferenceForm? = nil
  ) throws(SparseRuntimeError) {
    let storage = try PlanStorage(contentsOf: path)
    do {
      try self.init(PlanReader.plan(of: storage), threads: threads, pinned: pinned, form: form)
    } catch .malformed(let what) {
      throw .unusable(path: path, reason: "not a usable plan: \(what)")
    }
  }

  /// Takes the bytes of a plan's file.
  ///
  /// - Throws: ``SparseRuntimeError``.
  public convenience init(
    bytes: [UInt8], threads: Int = 1, pinned: Bool = false, form: InferenceForm? = nil
  ) throws(SparseRuntimeError) {
    try self.init(PlanReader.plan(of: PlanStorage(bytes)), threads: threads, pinned: pinned, form: form)
  }

  private init(_ plan: Plan, threads: Int, pinned: Bool, form: InferenceForm?) throws(SparseRuntimeError) {
    let form = form ?? .fastest
    guard let kernels = form.kernels else {
      throw .resources(
        "this machine has no \(form.rawValue) kernels; it has \(InferenceForm.available.map(\.rawValue).joined(separator: ", "))")
    }
    guard (1...1024).contains(threads) else { throw .resources("\(threads) threads; possible are 1 to 1024") }
    var team: Team?
    if threads > 1 {
      guard let pointer = cs_team_new(UInt32(threads)) else { throw .resources("the system does not provide \(threads) threads") }
      team = Team(pointer: pointer)
      guard !pinned || cs_team_pin(pointer) != 0 else {
        cs_team_free(pointer)
        throw .resources("\(threads) threads cannot be pinned: the process may not use as many processors, or the system pins none")
      }
    }
    (self.plan, self.form, self.threads, self.kernels, self.team) = (plan, form, threads, kernels, Locked(team))
    work = plan.steps.reduce(0.0) { $0 + plan.multiplications(of: $1) }
  }

  deinit { team.with { if let team = $0 { cs_team_free(team.pointer) } } }

  /// Returns the first output of each example, one example after another.
  ///
  /// - Parameter input: the examples' values, [examples][channels][height][width].
  /// - Throws: ``SparseRuntimeError/input(_:)`` for another number of values than that of some whole examples.
  public func run(_ input: [Float]) throws(SparseRuntimeError) -> [Float] {
    let size = plan.inputCount
    guard !input.isEmpty, input.count.isMultiple(of: size) else {
      let shape = plan.inputShape.map(String.init).joined(separator: "×")
      throw .input("\(input.count) values are not a number of examples of \(shape) = \(size) values")
    }
    let count = input.count / size
    var failure: SparseRuntimeError?
    let output = [Float](unsafeUninitializedCapacity: count * plan.outputCount) { output, written in
      guard let target = output.baseAddress else { return }
      input.withUnsafeBufferPointer { input in
        guard let source = input.baseAddress else { return }
        do throws(SparseRuntimeError) { try run(source, count: count, into: target) } catch { failure = error }
      }
      written = failure == nil ? count * plan.outputCount : 0
    }
    if let failure { throw failure }
    return output
  }

  /// Groups of 16 examples that go through the network side by side where a number of examples is left; 0 where they go one after another.
  public func groups(for examples: Int) -> Int {
    examples < plan.loneExamples ? 0 : [1, 2, 4].first { $0 == plan.groups || $0 * 16 >= examples } ?? 1
  }

  /// Writes the first output of each of `count` examples to `output`.
  ///
  /// - Parameters:
  ///   - input: [count][channels][height][width].
  ///   - output: [count][values of an output].
  /// - Throws: ``SparseRuntimeError/resources(_:)`` where there is no memory for the values in between.
  public func run(_ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>) throws(SparseRuntimeError) {
    let (inputSize, outputSize) = (plan.inputCount, plan.outputCount)
    let arena = Arena()
    var spare: [UnsafeMutablePointer<Float>] = []
    // The other outputs of a network that has several are computed and dropped.
    for index in plan.outputs.dropFirst() {
      let map = plan.maps[index]
      spare.append(try arena.zeros(count: map.channels * map.height * map.width * 16 * plan.groups))
    }
    var done = 0
    while done < count {
      let left = count - done
      let groups = groups(for: left)
      let workspace = try idle(groups)
      let here = min(left, workspace.capacity)
      // Work of a fraction of a millisecond is done before a second thread would have helped, and on a busy machine that may not come at all.
      let taken = work * Double(here) >= Self.leastSharedWork ? team.tryLock() : nil
      workspace.run(input + done * inputSize, count: here, into: [output + done * outputSize] + spare, team: (taken ?? nil)?.pointer)
      if taken != nil { team.unlock() }
      put(back: workspace, groups)
      done += here
    }
  }

  func idle(_ groups: Int) throws(SparseRuntimeError) -> Workspace {
    if let workspace = idle.with({ $0[groups]?.popLast() }) { return workspace }
    let tables = groups == 0 ? try tables() : [:]
    return try Workspace(plan, groups: groups, members: threads, kernels: kernels.pointee, tables: tables)
  }

  /// Returns the tables of all layers that compute a lone example's vector, made once.
  private func tables() throws(SparseRuntimeError) -> [Int: TurnTable] {
    guard kernels.pointee.turns != nil else { return [:] }
    if let known = known.with({ $0 }) { return known }
    var tables: [Int: TurnTable] = [:]
    for (i, step) in plan.steps.enumerated() {
      if case .layer(let layer) = step, case .sparse(let filters) = layer.weights, plan.maps[layer.y].flat == 1 {
        tables[i] = try TurnTable(filters, outputs: plan.maps[layer.y].channels, storage: plan.storage)
      }
    }
    known.with { $0 = tables }
    return tables
  }

  func put(back workspace: Workspace, _ groups: Int) { idle.with { $0[groups, default: []].append(workspace) } }

  /// Returns the network's input of an image's bytes, [channels][height][width] each 0 to 255, as the network was trained on.
  ///
  /// - Throws: ``SparseRuntimeError/input(_:)`` for another number of bytes than the input has values.
  public func input(of bytes: [UInt8]) throws(SparseRuntimeError) -> [Float] {
    guard bytes.count == plan.inputCount else { throw .input("\(bytes.count) bytes are not an image of \(plan.inputCount) values") }
    let (mean, deviation) = (plan.preparation.mean, plan.preparation.deviation)
    let pixels = plan.inputCount / max(mean.count, 1)
    return bytes.enumerated().map { i, byte in
      let value = Float(byte) / 255
      return mean.isEmpty ? value : (value - mean[i / pixels]) / deviation[i / pixels]
    }
  }
}
