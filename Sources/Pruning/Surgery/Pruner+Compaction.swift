public import Training

extension Pruner {
  /// Removes the dead units of a masked model from its tensors, as the last step of pruning weights.
  ///
  /// - Parameter iteration: number of finished training steps, for the record.
  /// - Returns: the model; messages on units that had to stay, by group; the record and the proof, nil if nothing was cut.
  /// - Throws: the errors of `Model.compacted`.
  public func compact(
    _ model: Model, iteration: Int
  ) throws -> (model: Model, notes: [String], removal: RemovalEvent?, proof: EquivalenceProof?) {
    let compaction = try model.compacted(seed: SeedPurpose.proof.seed(from: plan.seed), proves: proves)
    let removal =
      compaction.removed.isEmpty
      ? nil
      : RemovalEvent(step: iteration, method: "dead units removed", criterion: "dead", removed: compaction.removed.removals)
    return (compaction.model, compaction.notes, removal, compaction.proof)
  }
}
