public import Torch

/// What one of several models would remove, and by which scores.
public struct Vote {
  /// The layers that were scored.
  public var layers: [ScoredLayer]
  /// The choice among them.
  public var selection: Selection
}

/// The votes of several models on the same things: each keeps some of them. Those with the fewest votes leave first, and among equals the
/// one of lowest mean score, where each model's scores are divided by their mean magnitude in the layer.
public struct Ballot {
  /// Number of models that keep a thing, by layer (float64, in the scores' shape).
  public private(set) var votes: [String: Tensor]
  /// Sum of the models' normalised scores, by layer (float64, in the scores' shape).
  public private(set) var scores: [String: Tensor]

  /// Creates a ballot without votes, or goes on with those that were cast; every parameter sets the property of the same name.
  public init(votes: [String: Tensor] = [:], scores: [String: Tensor] = [:]) {
    self.votes = votes
    self.scores = scores
  }

  /// Adds the vote of a model.
  public mutating func add(_ vote: Vote) throws {
    for (layer, choice) in zip(vote.layers, vote.selection.layers) {
      let score = try LayerNormalization.mean.applied(to: layer).scores.detached().cast(to: .float64)
      let kept = try choice.kept.cast(to: .float64)
      votes[layer.name] = try votes[layer.name].map { try $0 + kept } ?? kept
      scores[layer.name] = try scores[layer.name].map { try $0 + score } ?? score
    }
  }

  /// Returns the layers with scores by which fewer votes always come before more, and among equal votes a lower sum of scores first.
  ///
  /// - Throws: ``PruningError/mismatch(_:)`` for a layer without votes, or of another shape.
  func rescored(_ layers: [ScoredLayer]) throws -> [ScoredLayer] {
    try layers.map { layer in
      guard let votes = votes[layer.name], let scores = scores[layer.name], votes.shape == layer.scores.shape,
        scores.shape == layer.scores.shape
      else { throw PruningError.mismatch("no votes were cast for layer \(layer.name)") }
      var layer = layer
      // s/(1 + |s|) lies between −1 and 1 and keeps the order.
      layer.scores = try votes * 3 + scores / (scores.absolute() + 1)
      return layer
    }
  }

  /// Returns the votes as scores for a ``Pruner``, which its records name like the criterion by which the models voted.
  public func scores(name: String) -> GivenScores { GivenScores(name: name) { try rescored($1()) } }

  /// Counts what leaves in a choice by these votes although at least `least` models keep it, and what stays although fewer do.
  public func exceptions(to least: Int, in choice: Vote) throws -> (overruled: Int, spared: Int) {
    var (overruled, spared) = (0, 0)
    for (layer, selected) in zip(choice.layers, choice.selection.layers) {
      guard let votes = votes[layer.name] else { continue }
      let (counts, stays) = (try votes.flattened().array(Double.self), try selected.kept.flattened().array(Bool.self))
      let there = try layer.kept?.flattened().array(Bool.self)
      for index in counts.indices where there?[index] ?? true {
        if !stays[index], counts[index] >= Double(least) { overruled += 1 }
        if stays[index], counts[index] < Double(least) { spared += 1 }
      }
    }
    return (overruled, spared)
  }
}
