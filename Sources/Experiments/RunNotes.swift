internal import Foundation
internal import Networks
internal import Pruning
internal import Results
internal import Training

extension Runner {
  /// What a method's row says beside the numbers; nil where there is nothing to say.
  var notes: [RunNote]? {
    var notes: [RunNote] = []
    if let count = state.randomWeights {
      notes.append(
        RunNote(
          subject: "weights",
          words: "random: the \(Format.count(count)) that are used equal their initial values bit for bit, biases are 0, norms the identity"
        ))
    }
    if experiment.pruning?.rescalesDropout == true, let dense = state.denseNetwork {
      let changes = DropoutNote.changes(from: dense, to: model.network)
      if !changes.isEmpty { notes.append(RunNote(subject: "dropout", words: changes.joined(separator: ", "))) }
    }
    if let first = experiment.training?.learningRate.base, let then = experiment.recovery?.learningRate.base, first != then {
      notes.append(
        RunNote(
          subject: "recovery", words: "at a learning rate of \(String(format: "%.6g", then)), \(Format.ratio(then / first)) that before"))
    }
    return notes.isEmpty ? nil : notes
  }
}

/// Dropouts' probabilities in words.
enum DropoutNote {
  /// E.g. `dropout1 0.5 → 0.25`, of dropouts whose probability differs.
  static func changes(from before: Network, to after: Network) -> [String] {
    let after = NetworkIndex(after)
    return before.nodes.compactMap { node in
      guard case .dropout(let old) = node.operation, case .dropout(let new)? = after.node(named: node.name)?.operation, new != old else {
        return nil
      }
      return "\(node.name) \(short(old)) → \(short(new))"
    }
  }

  static func short(_ probability: Double) -> String { "\((probability * 1e4).rounded() / 1e4)" }
}
