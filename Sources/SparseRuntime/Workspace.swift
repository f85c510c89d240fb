internal import CSparse

/// Room for the values of some examples, and the steps that compute them there: what one caller needs to run a plan.
///
/// Nothing is allocated once it exists. Maps of one geometry whose values are not needed at the same time share memory; the zeros between
/// their pixels then serve all of them.
final class Workspace {
  /// Examples of a pass: 16 to a group, or a lone one.
  let capacity: Int
  private let plan: Plan
  private let arena: Arena
  private let stages: UnsafeMutablePointer<cs_stage>
  private let stageCount: Int
  /// [steps]: the stage that carries a step out; nil for one that is part of the step before.
  private let stageOfStep: [Int?]
  private let members: Int
  private let count: UnsafeMutablePointer<UInt32>
  private let source: UnsafeMutablePointer<UnsafePointer<Float>>
  private let targets: [UnsafeMutablePointer<UnsafeMutablePointer<Float>>]

  /// Lays out memory and steps for `groups` groups of 16 examples, or for a lone example if there are none.
  init(_ plan: Plan, groups: Int, members: Int, kernels: cs_inference, tables: [Int: TurnTable]) throws(SparseRuntimeError) {
    let arena = Arena()
    let pooled = plan.pooledMaps(groups: groups, vectors: Int(kernels.sparse_vectors))
    let layout = try WorkspaceLayout(plan, groups: groups, pooled: pooled, arena: arena)
    (self.plan, self.arena, self.members) = (plan, arena, members)
    capacity = max(groups * 16, 1)
    // Before the first pass these point at something that is there, if of no use.
    let empty = try arena.zeros(count: 16)
    count = try arena.keep(UInt32(0))
    source = try arena.keep(UnsafePointer(empty))
    var targets: [UnsafeMutablePointer<UnsafeMutablePointer<Float>>] = []
    var stages: [cs_stage] = []
    let pack = cs_pack_step(source: UnsafePointer(source), y: layout.maps[0], count: count)
    stages.append(cs_stage(run: kernels.pack, step: try arena.keep(pack)))
    let steps = try StepBuilder(plan: plan, layout: layout, members: members, kernels: kernels, arena: arena, tables: tables)
    var stageOfStep: [Int?] = []
    for (index, step) in plan.steps.enumerated() {
      let isFused = step.inputs.contains { pooled[$0] == step.output }
      stageOfStep.append(isFused ? nil : stages.count)
      if !isFused { stages.append(try steps.stage(of: index)) }
    }
    self.stageOfStep = stageOfStep
    for output in plan.outputs {
      let target = try arena.keep(empty)
      targets.append(target)
      let unpack = cs_unpack_step(x: layout.maps[output], target: UnsafePointer(target), count: count)
      stages.append(cs_stage(run: kernels.unpack, step: try arena.keep(unpack)))
    }
    self.targets = targets
    stageCount = stages.count
    self.stages = try arena.keep(stages)
  }

  /// Computes the outputs of at most `capacity` examples.
  func run(_ input: UnsafePointer<Float>, count: Int, into outputs: [UnsafeMutablePointer<Float>], team: OpaquePointer?) {
    self.count.pointee = UInt32(count)
    source.pointee = input
    for (target, output) in zip(targets, outputs) { target.pointee = output }
    cs_stages_run(team, stages, UInt32(stageCount), UInt32(members))
  }

  /// Computes one of the plan's steps again from what the maps hold, for measurements; does nothing for one that is part of the step before.
  func rerun(_ step: Int, team: OpaquePointer?) {
    if let stage = stageOfStep[step] { cs_stages_run(team, stages + stage, 1, UInt32(members)) }
  }
  /// Whether a step is computed by the one before.
  func isFused(_ step: Int) -> Bool { stageOfStep[step] == nil }
}

/// Where the values of each map lie.
struct WorkspaceLayout {
  /// 16 or 1.
  let lanes: Int
  /// Groups of lanes, at least 1.
  let groups: Int
  let maps: [cs_map]
  /// [maps]: the first position, padding included, of the first group.
  let starts: [UnsafeMutablePointer<Float>]
  /// Maps that do not exist, and those that lie in their places (``Plan/pooledMaps(groups:vectors:)``).
  let pooled: [Int: Int]

  init(_ plan: Plan, groups wanted: Int, pooled: [Int: Int], arena: Arena) throws(SparseRuntimeError) {
    let (lanes, groups) = (wanted > 0 ? 16 : 1, max(wanted, 1))
    // A lone example's last vector may be read beyond its map.
    let slack = 64
    var lastUse = Array(repeating: -1, count: plan.maps.count)
    for (i, step) in plan.steps.enumerated() { for input in step.inputs { lastUse[input] = i } }
    for output in plan.outputs { lastUse[output] = plan.steps.count }
    // The positions of the largest map of a slot: all have their groups equally far apart, so that zeros stay between their pixels.
    var slots: [(positions: Int, origin: Int)] = []
    var free: [PlanMap: [Int]] = [:]
    var slot = Array(repeating: -1, count: plan.maps.count)
    func place(_ index: Int) {
      let map = plan.maps[index]
      if let used = free[map.geometry]?.popLast() {
        slot[index] = used
        slots[used].positions = max(slots[used].positions, map.positions)
      } else {
        slot[index] = slots.count
        slots.append((map.positions, map.origin))
      }
    }
    place(0)
    for (i, step) in plan.steps.enumerated() {
      let output = pooled[step.output] ?? step.output
      if slot[output] == -1 { place(output) }
      for input in Set(step.inputs).union([step.output]) where lastUse[input] <= i && pooled[input] == nil {
        free[plan.maps[input].geometry, default: []].append(slot[input])
      }
    }
    for index in plan.maps.indices where slot[index] == -1 && pooled[index] == nil { place(index) }
    for (missing, other) in pooled { slot[missing] = slot[other] }
    // A channel's first pixel begins a line of the cache, also behind a lone example's padding; maps that share a slot have the same.
    let shifts = slots.map { lanes == 1 ? (16 - $0.origin % 16) % 16 : 0 }
    // Maps of sizes that are powers of 2 would lie at the same places of a cache.
    let sizes = slots.enumerated().map { i, slot in ((slot.positions * lanes + slack) * groups + 31) / 16 * 16 + i % 8 * 16 }
    let memory = try arena.zeros(count: sizes.reduce(0, +) + slack)
    var places: [UnsafeMutablePointer<Float>] = []
    var next = memory
    for (size, shift) in zip(sizes, shifts) {
      places.append(next + shift)
      next += size
    }
    (self.lanes, self.groups, self.pooled) = (lanes, groups, pooled)
    starts = slot.map { places[$0] }
    maps = plan.maps.indices.map { index in
      let map = plan.maps[pooled[index] ?? index]
      let unit = map.isVector ? lanes * groups : lanes
      return cs_map(
        values: places[slot[index]] + map.origin * unit, group: map.isVector ? lanes : slots[slot[index]].positions * lanes + slack,
        channel: map.plane * unit, row: map.row * unit, groups: UInt32(groups), channels: UInt32(map.channels),
        height: UInt32(map.height), width: UInt32(map.width), lanes: UInt32(lanes))
    }
  }
}

extension PlanMap {
  /// What maps that share memory have in common: where their pixels and the zeros between them lie.
  fileprivate var geometry: PlanMap {
    var geometry = self
    geometry.channels = 1
    return geometry
  }
}
