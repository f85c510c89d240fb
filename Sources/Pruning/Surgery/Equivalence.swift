public import Networks
public import Torch
public import Training

/// The measured agreement of a smaller network with the one it came from.
public struct EquivalenceProof: Hashable, Sendable {
  /// max |masked − compacted| over a random batch's outputs.
  public var largestDifference: Double
  /// max |masked|.
  public var largestOutput: Double
  /// The largest difference allowed, as a fraction of the largest output: 1e-9 in float64, 1e-4 in float32.
  public var tolerance: Double
  /// The type it was computed in.
  public var elementType: ElementType

  /// Largest difference over largest output; 0 where both are 0.
  public var relativeDifference: Double { largestDifference == 0 ? 0 : largestDifference / largestOutput }
  /// Whether the difference is allowed; not where an output is infinite or not a number.
  public var holds: Bool { largestOutput.isFinite && largestDifference <= tolerance * largestOutput }
}

/// Proves that two models compute the same.
public enum Equivalence {
  /// Examples that are run through both models: 4, 1 of large images.
  public static func examples(for network: Network) -> Int { network.inputShapes.contains { $0.elements > 50_000 } ? 1 : 4 }

  /// Runs one random batch through both models, in evaluation mode and in their own element type.
  ///
  /// Inputs are N(0, 1), ``examples(for:)`` of them; all outputs are compared. Costs two forward passes.
  /// - Throws: ``PruningError/notEquivalent(network:largestDifference:largestOutput:tolerance:)``; ``NetworkError`` if the smaller
  ///   network's shapes do not hold; ``PruningError/mismatch(_:)`` if they end in another shape.
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
    let type: ElementType = masked.tensors.values.first?.elementType == .float64 ? .float64 : .float32
    let inputs = masked.network.inputShapes
    let examples = examples(for: masked.network)
    return try withoutGradients {
      let generator = try Generator(seed: seed)
      let batches = try inputs.map { try Tensor.normal([examples] + $0.dimensions, type: type, generator: generator) }
      let expected = try Executor(masked).outputs(of: batches)
      let found = try Executor(compacted).outputs(of: batches)
      // NaN must not lose a comparison: `max` of Swift would drop it.
      let differences: [Double] = try zip(expected, found).map { try ($0 - $1).absolute().max().item() }
      let sizes: [Double] = try expected.map { try $0.absolute().max().item() }
      let proof = EquivalenceProof(
        largestDifference: differences.contains(where: \.isNaN) ? .nan : differences.max() ?? 0,
        largestOutput: sizes.contains(where: \.isNaN) ? .nan : sizes.max() ?? 0, tolerance: type == .float64 ? 1e-9 : 1e-4,
        elementType: type)
      guard proof.holds else {
        throw PruningError.notEquivalent(
          network: masked.network.name, largestDifference: proof.largestDifference, largestOutput: proof.largestOutput,
          tolerance: proof.tolerance)
      }
      return proof
    }
  }
}
