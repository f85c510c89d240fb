internal import Networks
internal import Torch
internal import Training

extension RegrowthMemory {
  /// The form of a valid memory for a model's layers, against which possibly forged checkpoints are checked.
  struct Form {
    private let tensors: [String: (shape: [Int], type: ElementType?)]

    init(_ model: Model) {
      tensors = Dictionary(uniqueKeysWithValues: model.tensors.map { ($0.key.description, ($0.value.shape, $0.value.elementType)) })
    }

    /// Checks a state.
    ///
    /// - Throws: `RecordError` for tensors with unknown keys, of other shapes or types, with NaN, or without those that belong to them.
    func check(_ state: [String: Tensor]) throws {
      var counts: [Substring: Int] = [:]
      for (key, tensor) in state.sorted(by: { $0.key < $1.key }) {
        guard let dot = key.firstIndex(of: ".") else {
          guard key == "counts" else { throw Self.damaged(key) }
          // Numbers of exchanges and of exchanged weights, and the step after which the density was final, below 0 for none.
          try Self.check(tensor, key, from: [0, 0, -1])
          continue
        }
        let (kind, rest) = (key[..<dot], String(key[key.index(after: dot)...]))
        counts[kind, default: 0] += 1
        switch kind {
        case "stored", "score", "initial", "origin", "kept": try check(tensor, rest, key)
        case "explored", "mask", "moving": try check(tensor, rest, key, type: .bool)
        case "moments", "own":
          guard rest != "steps" else {
            try Self.check(tensor, key, from: [0])
            continue
          }
          guard rest.hasPrefix("0.") || rest.hasPrefix("1.") else { throw Self.damaged(key) }
          try check(tensor, String(rest.dropFirst(2)), key)
        case "rewind" where rest == "due": try Self.check(tensor, key, from: [0])
        default: throw Self.damaged(key)
        }
      }
      // While the pruned weights train, the whole kept network is stored, otherwise none of it.
      let waits = state["moments.steps"] != nil
      for (kind, count) in [("origin", counts["origin"]), ("kept", waits ? counts["kept"] ?? 0 : nil)]
      where count ?? tensors.count != tensors.count {
        throw RecordError("its regrowth lacks tensors of \(kind)")
      }
      if !waits, let kind = ["kept", "mask", "moving", "moments"].first(where: { counts[$0[...]] != nil }) {
        throw RecordError("its regrowth has tensors of \(kind), though no network is stored")
      }
    }

    private func check(_ tensor: Tensor, _ name: String, _ key: String, type: ElementType? = nil) throws {
      guard let expected = tensors[name], tensor.shape == expected.shape, tensor.elementType == type ?? expected.type, try !tensor.hasNaN()
      else {
        throw Self.damaged(key)
      }
    }

    private static func check(_ tensor: Tensor, _ key: String, from least: [Int64]) throws {
      guard tensor.elementType == .int64, tensor.shape == [least.count],
        try zip(tensor.array(Int64.self), least).allSatisfy({ ($1..<1 << 49).contains($0) })
      else { throw damaged(key) }
    }

    private static func damaged(_ key: String) -> RecordError { RecordError("its regrowth is damaged: \(key)") }
  }
}
