internal import Networks
internal import Torch
internal import Training

/// A criterion's scores of each layer by itself: one vector [outputs] per layer, computed when a group first asks for it and kept, because
/// a layer may belong to several groups.
struct LayerVectors {
  private let model: Model
  private let index: NetworkIndex
  private let criterion: Criterion
  private let sums: [String: Tensor]?
  private let swept: [String: Tensor]?
  private let seed: UInt64
  private let round: Int
  private var vectors: [String: Tensor] = [:]

  init(
    _ model: Model, _ index: NetworkIndex, _ criterion: Criterion, accumulated: ScoreAccumulator?, swept: [String: Tensor]?,
    seed: UInt64, round: Int
  ) throws {
    self.model = model
    self.index = index
    self.criterion = criterion
    sums = criterion.definition.implementation is any AccumulatedScoring ? try accumulated?.scores() : nil
    self.swept = swept
    self.seed = seed
    self.round = round
  }

  /// Returns a group's scores; for criteria that choose layer by layer, weights that read the `removed` inputs of each node are left out.
  mutating func layer(
    of group: ChannelGroup, _ reduction: GroupReduction, original: Int?, removed: [String: Set<Int>] = [:]
  ) throws -> ScoredLayer {
    let members = criterion.definition.implementation is any NormScoring ? index.scaledNorms(of: group) : group.producers
    var scored: [(member: ChannelGroup.Member, scores: Tensor)] = []
    for member in members {
      let scores = try vectors[member.node] ?? vector(of: member, removed: removed[member.node] ?? [])
      vectors[member.node] = scores
      scored.append((member, scores))
    }
    let scores = try reduction.scores(width: group.width, of: scored)
    guard scores.count == group.width else {
      throw PruningError.mismatch("\(group.name): \(scores.count) scores for \(group.width) units")
    }
    let first = try group.producers.first.map { try weight(of: $0) }
    return ScoredLayer(
      name: group.name, scores: scores, original: original, members: group.memberNames, dimensions: first?.shape,
      deviation: criterion.definition.implementation.needsDeviation ? try first?.deviation(where: nil) : nil)
  }

  private func weight(of member: ChannelGroup.Member) throws -> Tensor {
    try model.tensor(ParameterName(member.module, .weight)).detached()
  }

  private func vector(of member: ChannelGroup.Member, removed: Set<Int>) throws -> Tensor {
    let name = ParameterName(member.module, .weight)
    let weight = try weight(of: member)
    let context = ScoringContext(parameter: name, seed: seed, round: round)
    let scores: Tensor
    if let scoring = criterion.definition.implementation as? any UnitScoring {
      scores = try scoring.unitScores(weight, context)
    } else if let scoring = criterion.definition.implementation as? any GreedyScoring {
      scores = try scoring.unitScores(index.silenced(weight, of: member.node, removed: removed), context)
    } else if let scoring = criterion.definition.implementation as? any NormScoring {
      scores = try scoring.unitScores(scale: weight, shift: model.tensor(ParameterName(member.module, .bias)).detached())
    } else if let found = (sums ?? swept)?[member.node] {
      scores = found
    } else if swept != nil {
      throw PruningError.mismatch("criterion \(criterion.name) gave no scores for layer \(member.node)")
    } else {
      throw PruningError.nothingAccumulated(criterion: criterion.name)
    }
    guard scores.count == weight.shape.first else {
      throw PruningError.mismatch("\(member.node): \(scores.count) scores for \(weight.shape.first ?? 0) units")
    }
    return scores
  }
}

extension NetworkIndex {
  /// Returns a layer's weight, set to 0 where it reads one of the given input features; a grouped convolution reads them in their group
  /// only.
  fileprivate func silenced(_ weight: Tensor, of node: String, removed: Set<Int>) throws -> Tensor {
    guard !removed.isEmpty else { return weight }
    var groups = 1
    if case .convolution(let layer) = self.node(named: node)?.operation { groups = layer.groups }
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let live = (0..<groups * inputs).map { removed.contains($0) ? 0 : 1 as Float }
    let mask = try Tensor(live, shape: [groups, 1, inputs, 1]).cast(to: weight.elementType ?? .float32)
    return try (weight.contiguous().reshaped([groups, outputs / groups, inputs, -1]) * mask).reshaped(weight.shape)
  }
}
