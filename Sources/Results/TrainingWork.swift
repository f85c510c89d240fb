/// The work of a run's training steps, by counting; evaluations, scores and repairs are not counted, nor are gradients of pruned weights.
public struct TrainingWork: Codable, Hashable, Sendable {
  /// Number of examples that steps computed with, each as often as it was drawn.
  public var examples: Int
  /// Multiply–accumulates of the forward passes over these examples, by the weights that were there in each step; of a teacher, which has no
  /// backward pass, a third.
  public var trainingMACs: Double

  /// Creates the work of some steps.
  public init(examples: Int, trainingMACs: Double) {
    self.examples = examples
    self.trainingMACs = trainingMACs
  }

  /// Floating-point operations, 2·3·MACs: a backward pass takes two multiplications where the forward pass takes one, and each
  /// multiplication comes with an addition.
  public var flops: Double { 6 * trainingMACs }

  /// The same if the network had been dense in every step, given its multiply–accumulates for one example.
  public func denseFLOPs(macs: Int) -> Double { 6 * Double(examples) * Double(macs) }
}
