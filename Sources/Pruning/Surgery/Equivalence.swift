public import Networks
public import Torch
public import Training

/// The measured agreement of a compacted network with the masked one that it came from.
public struct EquivalenceProof: Hashable, Sendable {
  /// Largest difference, max |masked − compacted| over the outputs of a random batch.
  public var largestDifference: Double
  /// Largest output, max |masked|.
  public var largestOutput: Double
  /// Largest allowed difference as a fraction of the largest output: 1e-9 in float64, 1e-4 in float32.
  public var tolerance: Double
  /// Element type of the computation.
  public var elementType: ElementType
  /// Whether all inputs give the same outputs, up to rounding; agreement of outputs that do not depend on the input says little.
  public var isConstant = false

  /// Largest difference divided by the largest output; 0 if both are 0.
  public var relativeDifference: Double { largestDifference == 0 ? 0 : largestDifference / largestOutput }
  /// Whether the difference is within the tolerance; false if an output is infinite or NaN.
  public var holds: Bool { largestOutput.isFinite && largestDifference <= tolerance * largestOutput }
}

/// The proof that a compacted model computes the same as the masked one.
public enum Equivalence {
  /// Returns the maximum number of examples in a proof: 32, or 16 of large images.
  public static func examples(for network: Network) -> Int { loudness * few(for: network) }

  fileprivate static func few(for network: Network) -> Int { network.inputShapes.contains { $0.elements > 50_000 } ? 2 : 4 }
  /// Factor by which the number of examples grows if a few give constant outputs.
  fileprivate static let loudness = 8

  /// Compares the outputs of both models for one random batch, in evaluation mode and in their own element type.
  ///
  /// Inputs are N(0, 1), 4 examples or 2 of large images; all outputs are compared. Cost: two forward passes. If all examples give the same
  /// outputs, eight times as many examples of N(0, 100) are compared instead: units that even inputs of that size do not activate are dead.
  /// A comparison that fails in float32 is repeated in float64, with the same tolerance relative to the same outputs; and a difference in
  /// the last bits of the largest intermediate value does not count.
  /// - Throws: ``PruningError/notEquivalent(network:largestDifference:largestOutput:tolerance:)``; `NetworkError` if the shapes of the
  ///   smaller network are inconsistent; ``PruningError/mismatch(_:)`` if its outputs have another shape.
  public static func prove(masked: Model, compacted: Model, seed: UInt64) throws -> EquivalenceProof {
    let (shapesBefore, shapesAfter) = (try masked.network.shapes(), try compacted.network.shapes())
    for output in masked.network.outputs {
      guard let before = shapesBefore[output], let after = shapesAfter[output], before == after else {
        let found = shapesAfter[output].map { "\($0)" } ?? "nothing"
        throw PruningError.mismatch(
          "the surgery on \(masked.network.name) changed its output \(output) from \(shapesBefore[output].map { "\($0)" } ?? "nothing") to \(found)"
        )
      }
    }
    let proof = try exactly(compared(masked, compacted, seed), masked, compacted, seed)
    guard proof.holds else {
      throw PruningError.notEquivalent(
        network: masked.network.name, largestDifference: proof.largestDifference, largestOutput: proof.largestOutput,
        tolerance: proof.tolerance)
    }
    return proof
  }

  /// Returns the same proof, or, if it fails, one with the difference as computed in float64, beyond the rounding of the largest
  /// intermediate value.
  ///
  /// An output that cancels out (the mean of normalised values) consists of rounding errors alone, of a different sum after the surgery.
  private static func exactly(
    _ proof: EquivalenceProof, _ masked: Model, _ compacted: Model, _ seed: UInt64
  ) throws -> EquivalenceProof {
    guard !proof.holds, proof.largestOutput.isFinite else { return proof }
    let masked = try masked.cast(to: .float64)
    let exact = try proof.elementType == .float64 ? proof : compared(masked, compacted.cast(to: .float64), seed)
    var result = proof
    let rounding = try 16 * Double.ulpOfOne * masked.largestValue(seed: seed)
    result.largestDifference = exact.largestDifference <= rounding ? 0 : exact.largestDifference
    return result.holds && exact.largestOutput.isFinite ? result : proof
  }

  private static func compared(_ masked: Model, _ compacted: Model, _ seed: UInt64) throws -> EquivalenceProof {
    let proof = try compared(masked, compacted, masked.randomInputs(seed: seed))
    guard proof.isConstant else { return proof }
    let louder = try compared(masked, compacted, masked.randomInputs(seed: seed, isLoud: true))
    return louder.largestOutput.isFinite ? louder : proof
  }

  private static func compared(_ masked: Model, _ compacted: Model, _ inputs: [Tensor]) throws -> EquivalenceProof {
    try withoutGradients {
      let expected = try Executor(masked).outputs(of: inputs)
      let found = try Executor(compacted).outputs(of: inputs)
      // NaN must not be dropped, as `max` of Swift would do.
      let differences: [Double] = try zip(expected, found).map { try ($0 - $1).absolute().max().item() }
      let sizes: [Double] = try expected.map { try $0.absolute().max().item() }
      let type = masked.proofType
      return EquivalenceProof(
        largestDifference: differences.contains(where: \.isNaN) ? .nan : differences.max() ?? 0,
        largestOutput: sizes.contains(where: \.isNaN) ? .nan : sizes.max() ?? 0, tolerance: type == .float64 ? 1e-9 : 1e-4,
        elementType: type, isConstant: try !(expected + found).contains { try $0.dependsOnExample() })
    }
  }
}

extension Model {
  /// Element type in which a proof computes.
  fileprivate var proofType: ElementType { tensors.values.first?.elementType == .float64 ? .float64 : .float32 }

  /// Returns a few random examples, or more and larger ones.
  fileprivate func randomInputs(seed: UInt64, isLoud: Bool = false) throws -> [Tensor] {
    let examples = isLoud ? Equivalence.examples(for: network) : Equivalence.few(for: network)
    let generator = try Generator(seed: seed)
    return try network.inputShapes.map {
      try Tensor.normal([examples] + $0.dimensions, deviation: isLoud ? 10 : 1, type: proofType, generator: generator)
    }
  }

  /// Returns the largest |value| of all nodes for a proof's random inputs.
  fileprivate func largestValue(seed: UInt64) throws -> Double {
    try withoutGradients {
      var largest = 0.0
      _ = try Executor(self).outputs(of: randomInputs(seed: seed), observing: Set(network.nodes.map(\.name))) {
        largest = max(largest, try $1.absolute().max().item())
      }
      return largest
    }
  }

  /// Returns the layers at which the input's influence ends, by module name in the order of the layers: their inputs depend on the
  /// network's input, their outputs, after norm and activation, do not.
  ///
  /// Judged by one forward pass of the large random examples of a proof with this seed. It also finds units with nonzero weights whose
  /// activation is never on, which ``collapsedLayers()`` cannot see.
  func silentLayers(seed: UInt64) throws -> [String] {
    try withoutGradients {
      var varies: [String: Bool] = [:]
      _ = try Executor(self).outputs(of: randomInputs(seed: seed, isLoud: true), observing: Set(network.nodes.map(\.name))) {
        varies[$0] = try $1.dependsOnExample()
      }
      let index = NetworkIndex(network)
      var silent: [String] = []
      for node in network.nodes where node.operation.isScored && node.inputs.contains(where: { varies[$0] ?? false }) {
        let observed = index.scoredNode(of: node.name, place: .output)
        if varies[observed] == false, !silent.contains(node.module) { silent.append(node.module) }
      }
      return silent
    }
  }
}

extension Tensor {
  /// Returns whether the examples of a batch differ by more than the last bits, in which equal rows may differ as well.
  fileprivate func dependsOnExample() throws -> Bool {
    guard shape[0] > 1 else { return true }
    let spread = try (self - narrowed(0, from: 0, length: 1)).absolute().max(0)
    let excess: Double = try (spread - absolute().max(0) * (elementType == .float64 ? 1e-14 : 1e-6)).max().item()
    return !(excess <= 0)
  }
}
