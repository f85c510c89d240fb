public import Networks
internal import Torch
public import Training

/// What removing dead units leaves.
public struct Compaction {
  /// The smaller model.
  public var model: Model
  /// How its tensors were cut, in order.
  public var slices: [TensorSlice]
  /// Units that left: ascending indices among the units each group had at the beginning.
  public var removed: SurgeryPlan
  /// Dead units that had to stay.
  public var stayed: [Stay]
  /// That the outputs are unchanged; nil where nothing was cut.
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

  /// A dead unit that had to stay, and why; e.g. `conv1 unit 3 has no input but stays: conv2 pads its input`.
  public struct Stay: Hashable, Sendable, CustomStringConvertible {
    /// The channel group.
    public var group: String
    /// Its index at the beginning.
    public var unit: Int
    /// What it lacks: `input` or `output`.
    public var lacks: String
    /// Why it stays.
    public var reason: String
    /// The line to show.
    public var description: String { "\(group) unit \(unit) has no \(lacks) but stays: \(reason)" }
  }
}

extension Model {
  /// The model without dead units: those whose incoming weights are all 0 or whose outgoing ones are, again and again until
  /// none is left, with the proof that the outputs are unchanged.
  ///
  /// An input-less unit still emits act(bias) at every position (behind a norm: of the norm's image of the bias). That
  /// constant moves into its consumers' biases, or the running means of the norms right behind them; exact for linear
  /// layers and convolutions without padding, and anywhere if it is 0. Elsewhere the unit stays and is reported.
  /// - Parameters:
  ///   - duringTraining: removes only units without output, since an input-less unit's bias still learns; and counts only
  ///     masked weights as gone, since a weight that happens to be 0 still learns.
  ///   - seed: for the proof's random batch.
  /// - Throws: ``PruningError`` if the proof fails; ``NetworkError`` from the network's shapes.
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
