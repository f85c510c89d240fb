public import Networks
internal import Torch
public import Training

/// The result of removing dead units.
public struct Compaction {
  /// The compacted model.
  public var model: Model
  /// Slices by which its tensors were cut, in order.
  public var slices: [TensorSlice]
  /// Removed units: ascending indices into the units of each group before the compaction.
  public var removed: SurgeryPlan
  /// Dead units that had to stay.
  public var stayed: [Stay]
  /// Proof that the outputs are unchanged; nil if nothing was cut, or no proof was asked for.
  public var proof: EquivalenceProof?

  /// The dead units that had to stay, in one line per group and reason: `conv1: 3 units without input stay: conv2 pads its input`.
  public var notes: [String] {
    var counts: [Stay: Int] = [:]
    var keys: [Stay] = []
    for stay in stayed {
      var key = stay
      key.unit = 0
      if counts.updateValue(counts[key, default: 0] + 1, forKey: key) == nil { keys.append(key) }
    }
    return keys.map { key in
      let count = counts[key, default: 0]
      return "\(key.group): \(count) unit\(count == 1 ? "" : "s") without \(key.lacks) stay\(count == 1 ? "s" : ""): \(key.reason)"
    }
  }

  /// A dead unit that had to stay, and why; printed as `conv1 unit 3 has no input but stays: conv2 pads its input`.
  public struct Stay: Hashable, Sendable, CustomStringConvertible {
    /// Name of the channel group.
    public var group: String
    /// Index of the unit before the compaction.
    public var unit: Int
    /// The missing side: `input` or `output`.
    public var lacks: String
    /// Reason why the unit stays.
    public var reason: String
    /// Message in one line.
    public var description: String { "\(group) unit \(unit) has no \(lacks) but stays: \(reason)" }
  }
}

extension Model {
  /// Returns the model without dead units, those whose incoming or outgoing weights are all 0, repeatedly until none is left, with the
  /// proof that the outputs are unchanged.
  ///
  /// An input-less unit still emits act(bias) at every position (after a norm, act of the normalised bias). That constant moves into its
  /// consumers' biases, or into the running means of the norms right after them, which is exact for linear layers and convolutions without
  /// padding, and everywhere if it is 0. Otherwise the unit stays and is reported.
  /// - Parameters:
  ///   - duringTraining: removes only units without output, since an input-less unit's bias still learns, and counts only masked weights as
  ///     removed, since a weight that happens to be 0 still learns.
  ///   - seed: seed of the proof's random batch.
  ///   - proves: whether the proof is made.
  /// - Throws: ``PruningError`` if the proof fails; `NetworkError` from the network's shapes.
  public func compacted(duringTraining: Bool = false, seed: UInt64 = 0, proves: Bool = true) throws -> Compaction {
    try withoutGradients {
      var search = try DeadUnitSearch(self, masked: duringTraining)
      try search.run(alsoWithoutInput: !duringTraining)
      let (compacted, slices) = try search.compacted()
      let proof = slices.isEmpty || !proves ? nil : try Equivalence.prove(masked: self, compacted: compacted, seed: seed)
      return Compaction(
        model: compacted, slices: slices, removed: SurgeryPlan(removals: search.removed), stayed: search.stayed, proof: proof)
    }
  }
}
