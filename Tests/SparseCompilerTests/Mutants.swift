import Testing

@testable import SparseRuntime

extension [UInt8] {
  /// The bytes of a plan with a checksum that is right.
  var sealed: [UInt8] {
    var bytes = self
    let sum = PlanWriter.checksum(of: bytes)
    Swift.withUnsafeBytes(of: sum.littleEndian) { bytes.replaceSubrange(PlanWriter.checksum, with: $0) }
    return bytes
  }

  /// The 64-bit number at a place.
  func number(at place: Int) -> Int { withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: place, as: Int64.self)) } }
}

/// Changes one to three bytes of a plan, `count` times, and expects that each such plan is refused in a line, or runs within its bounds.
///
/// Whoever forges a plan also forges its checksum.
/// - Parameters:
///   - place: draws which byte is changed.
///   - look: looks at a mutant before it is read; what it throws is a refusal, too.
/// - Returns: how many were refused.
func refusedMutants(
  _ count: Int, of plan: [UInt8], seed: Int, look: ([UInt8]) throws -> Void = { _ in }, place: (inout SeededDraws) -> Int
) throws -> Int {
  let inputs = try CompiledModel(bytes: plan).plan.inputCount
  var draws = SeededDraws(seed: UInt64(seed))
  var refused = 0
  for _ in 0..<count {
    var mutant = plan
    for _ in 0...draws.next(3) {
      let place = place(&draws)
      mutant[place] = [0, 1, 0x7f, 0x80, 0xff, mutant[place] &+ 1, mutant[place] &- 1, mutant[place] ^ 0x10][draws.next(8)]
    }
    do {
      try look(mutant)
      let model = try CompiledModel(bytes: mutant.sealed)
      // A forged plan may ask for much memory; that it may have it is not what is tried here.
      let positions = model.plan.maps.reduce(0) { $0 + $1.positions }
      guard positions < 1 << 20, model.plan.inputCount == inputs else { continue }
      _ = try model.run(Array(repeating: 0.5, count: inputs * 9))
    } catch {
      refused += 1
      #expect(!"\(error)".contains("\n"))
    }
  }
  return refused
}

/// Mutants of a packed plan, none of which may take more than eight times the memory of its bytes.
func refusedPackedMutants(_ count: Int, of plan: [UInt8], as form: WeightForm, seed: Int) throws -> Int {
  let (table, description) = (plan.number(at: PlanWriter.table), plan.number(at: 24))
  return try refusedMutants(count, of: plan, seed: seed) { mutant in
    let start = mutant.number(at: PlanWriter.table)
    guard (64...description).contains(start) else { return }
    let size = try mutant.withUnsafeBytes { try PackedNumbers($0, form: form, table: start..<description).size }
    #expect(size <= 8 * mutant.count)
  } place: { draws in
    let range = [64..<table, table..<description, table..<description, description..<plan.count, 40..<48][draws.next(5)]
    return range.lowerBound + draws.next(range.count)
  }
}
