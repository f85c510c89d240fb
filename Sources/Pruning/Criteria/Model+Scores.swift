internal import Networks
internal import Torch
public import Training

extension Model {
  /// The scores of all prunable weights, in the order of the layers, with what is still there; layers by module name.
  ///
  /// - Parameters:
  ///   - ignored: layers to leave out.
  ///   - round: number of the removal; random scores differ between rounds.
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``, ``PruningError/unknownLayer(given:possible:)``.
  public func weightScores(_ criterion: Criterion, ignoring ignored: [String] = [], seed: UInt64 = 0, round: Int = 0) throws
    -> [ScoredLayer]
  {
    guard let scoring = criterion.method.implementation as? any WeightScoring else {
      try criterion.check(.weight)
      throw PruningError.granularity(criterion: criterion.name, asked: "weight", possible: [])
    }
    let names = network.prunableWeights
    try checkIgnored(ignored, among: names.map(\.module))
    return try withoutGradients {
      try names.filter { !ignored.contains($0.module) }.map { name in
        let scores = try scoring.weightScores(tensor(name).detached(), ScoringContext(parameter: name, seed: seed, round: round))
        return ScoredLayer(name: name.module, scores: scores, kept: masks[name])
      }
    }
  }

  /// The scores of the units of every channel group, in the order of the layers.
  ///
  /// - Parameters:
  ///   - granularity: `unit` for all groups, `filter` for those of convolutions.
  ///   - accumulated: the sums, for criteria that need training steps.
  ///   - originals: units of each group before the first removal; the present ones unless given.
  ///   - ignored: groups to leave out.
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``, ``PruningError/unknownLayer(given:possible:)``,
  ///   ``PruningError/nothingAccumulated(criterion:)``.
  public func unitScores(
    _ criterion: Criterion, granularity: Granularity, accumulated: ScoreAccumulator? = nil, originals: [String: Int] = [:],
    ignoring ignored: [String] = [], seed: UInt64 = 0, round: Int = 0
  ) throws -> [ScoredLayer] {
    try criterion.check(granularity)
    let groups = try network.channelGroups().groups.filter { granularity.includes($0, of: network) }
    try checkIgnored(ignored, among: groups.map(\.name))
    let sums = criterion.method.implementation is any AccumulatedScoring ? try accumulated?.scores() : nil
    return try withoutGradients {
      try groups.filter { !ignored.contains($0.name) }.compactMap { group in
        guard let producer = group.producers.first else { return nil }
        let name = ParameterName(producer.module, .weight)
        let scores: Tensor
        if let scoring = criterion.method.implementation as? any UnitScoring {
          scores = try scoring.unitScores(tensor(name).detached(), ScoringContext(parameter: name, seed: seed, round: round))
        } else if let sum = sums?[group.name] {
          scores = sum
        } else {
          throw PruningError.nothingAccumulated(criterion: criterion.name)
        }
        guard scores.count == group.width else {
          throw PruningError.mismatch("\(group.name): \(scores.count) scores for \(group.width) units")
        }
        return ScoredLayer(name: group.name, scores: scores, original: originals[group.name])
      }
    }
  }

  private func checkIgnored(_ ignored: [String], among names: [String]) throws {
    for name in ignored where !names.contains(name) { throw PruningError.unknownLayer(given: name, possible: names) }
  }
}
