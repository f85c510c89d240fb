internal import Datasets
internal import Foundation
internal import Interruptions
internal import Networks
internal import Pruning
internal import Torch
internal import Training

extension MetaCourse {
  /// Learns how the next removal of an arm is spread over the layers, by the loss that other tasks then come to after their inner steps;
  /// nil if the plan says how.
  ///
  /// Begins with the densities that the arm's last removal learned, before the first with those that the plan's scope would leave.
  func learnedShares(of candidate: Model, _ arm: Arm, removal: Int) throws -> [MetaOutcome.Share]? {
    guard let steps = stage.meta.fractionSteps else { return nil }
    let isOne = arm == .control(.oneDataset)
    func pruned(_ shares: [MetaOutcome.Share]?) throws -> (model: Model, densities: [(name: String, density: Double)]) {
      try Interruption.check()
      let pruner = try makePruner(for: arm, shares)
      (pruner.proves, pruner.note, pruner.evaluate) = (false, { _ in }, { _, _ in nil })
      let pruned = try prune(candidate, pruner, arm, removal: removal, 0)
      return (pruned.model, pruned.densities)
    }
    let start = try outcome.shares ?? pruned(nil).densities.map { .init(layer: $0.name, share: max($0.density, Self.leastDensity)) }
    func shares(_ z: [Double]) -> [MetaOutcome.Share] { zip(start, z).map { .init(layer: $0.layer, share: exp($1)) } }
    var learning = stage.meta.learning
    (learning.update, learning.pruneGradient) = (.fomaml, .recomputed)
    let seed = SeedPurpose.tasks.seed(from: stage.training.plan.seed) &+ UInt64(removal)
    let found = try FractionSearch(steps: steps, seed: seed).learned(from: start.map { log($0.share) }) { z, step in
      let learner = try MetaLearner(
        learning, optimizer: .sgd(momentum: 0), model: pruned(shares(z)).model, dropout: Generator(seed: UInt64(step)))
      return try learner.accumulateGradients(of: tasks.trial((removal - 1) * steps + step, ofOneDataset: isOne))
    }
    return shares(found)
  }

  private static let leastDensity = 1e-3
}
