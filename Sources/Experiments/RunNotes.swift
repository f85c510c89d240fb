internal import Foundation
internal import Networks
internal import Pruning
internal import Results
internal import Training

extension Runner {
  /// The notes in the row beside the numbers; nil if there are none.
  var notes: [RunNote]? {
    var notes = (data?.notes ?? []).map { RunNote(subject: "data", words: $0) } + state.found.flatMap { $0.notes(of: self) }
    if let idleWords { notes.append(RunNote(subject: "removals", words: idleWords)) }
    if let leastWords, let things = experiment.pruning?.granularity.plural { notes.append(RunNote(subject: things, words: leastWords)) }
    if let words = patternWords { notes.append(RunNote(subject: "pattern", words: words)) }
    if let sweptWords { notes.append(RunNote(subject: "scores", words: sweptWords)) }
    if let untracedWords { notes.append(RunNote(subject: "original", words: untracedWords)) }
    if let mode = experiment.pruning?.scoringMode, model.network.hasBatchNorms {
      let whose = mode == .training ? "the statistics of each batch" : "their running statistics"
      notes.append(RunNote(subject: "scores", words: "batch norms in \(mode.rawValue) mode: by \(whose)"))
    }
    if let curvature = experiment.pruning?.usedCurvature { notes.append(RunNote(subject: "curvature", words: curvature.words)) }
    let tied = state.events.compactMap { event in tieWords(of: event).map { (removal: event.number, words: $0) } }
    if let first = tied.first {
      let which = state.events.count > 1 ? "removal \(first.removal): " : ""
      let more = tied.count > 1 ? "; and so on in \(Format.count(tied.count - 1)) more" : ""
      notes.append(RunNote(subject: "ties", words: which + first.words + more))
    }
    if experiment.pruning?.rescalesDropout == true, let dense = state.denseNetwork {
      let changes = DropoutNote.changes(from: dense, to: model.network)
      if !changes.isEmpty { notes.append(RunNote(subject: "dropout", words: changes.joined(separator: ", "))) }
    }
    if let first = experiment.training?.plan.learningRate.base, let then = experiment.recovery?.plan.learningRate.base, first != then {
      notes.append(
        RunNote(
          subject: "recovery", words: "at a learning rate of \(String(format: "%.6g", then)), \(Format.ratio(then / first)) that before"))
    }
    for words in state.changes ?? [] { notes.append(RunNote(subject: "resumed", words: "it \(words)")) }
    return notes.isEmpty ? nil : notes
  }

  /// A note that ties decided much of a removal; nil if they did not.
  func tieWords(of event: PruningEvent) -> String? { event.ties?.words(advice: experiment.pruning?.criterion.definition.whenTied) }

  /// Numbers of the removals that removed nothing; nil if all removed something.
  private var idleWords: String? {
    let idle = state.events.filter { $0.removed == 0 }.map { String($0.number) }
    guard let amount = experiment.pruning?.amount, !idle.isEmpty else { return nil }
    if idle.count == state.events.count, leastWords != nil { return nil }
    guard idle.count == state.events.count else {
      return "number\(idle.count == 1 ? "" : "s") \(idle.joined(separator: ", ")) of \(state.events.count) took nothing"
    }
    return "none took anything" + (earlier == nil || !amount.isFinal ? "" : ": what was asked for had left before this run")
  }

  /// The layers that lost less than was asked because each keeps a minimum; nil if there are none.
  private var leastWords: String? {
    guard let pruning = experiment.pruning, pruning.temporary == nil, let last = state.events.last,
      let layers = try? pruning.layersAtTheirLeast(
        in: state.denseNetwork ?? model.network, starts: state.startingWeights, removals: last.number), !layers.isEmpty
    else { return nil }
    let thing = pruning.granularity.rawValue
    let words = layers.prefix(8).map { layer, kept, original in
      guard kept == 1 else { return "\(layer) keeps \(Format.count(kept)) \(thing)s, its least" }
      return "\(layer) keeps its \(original == 1 ? "only" : "last") \(thing)"
    }
    return words.joined(separator: ", ") + (layers.count > 8 ? ", and \(layers.count - 8) more keep their least" : "")
  }

  private var compactionCut: Bool { state[Compaction.self]?.hasCut ?? false }

  /// What the pattern of the removals has left; nil if there is none.
  private var patternWords: String? {
    guard let pruning = experiment.pruning, pruning.temporary == nil, !state.events.isEmpty else { return nil }
    guard let pattern = pruning.pattern, let counts = try? pruning.patternCounts(of: model), let last = state.events.last else {
      return nil
    }
    let words = counts.words + (compactionCut ? "; counted after dead units were cut out" : "")
    guard pruning.minimumLayerDensity == 0, let asked = last.asked, let prunable = last.prunable, prunable - last.kept != asked else {
      return words
    }
    let (difference, isMore) = (abs(prunable - last.kept - asked), prunable - last.kept > asked)
    let why = pattern.sparsity != nil ? "shorter groups round up" : "\(pattern == .kernel ? "kernels" : "blocks") leave whole"
    let weights = "\(Format.count(difference)) \(difference == 1 ? "weight" : "weights")"
    return words + "; \(weights) \(isMore ? "more" : "fewer") than asked gone, as \(why)"
  }

  /// A note that a pass over the data replaced training steps in a criterion that sums over them; nil if there were steps.
  private var sweptWords: String? {
    guard let pruning = experiment.pruning, pruning.criterion.sumsOverSteps else { return nil }
    if case .atStart = pruning.timing {} else if experiment.training != nil { return nil }
    return "no training step came before the first removal: one pass over the training images stood in for them"
  }

  /// A note that total fractions cannot be counted from the original, because the file does not record it; nil if they can.
  var untracedWords: String? {
    guard let amount = experiment.pruning?.amount, amount.isFinal, state.startedFromHistory,
      (state.denseNetwork ?? model.network).lineage == nil
    else { return nil }
    return "the file does not say from which network its units left: what was asked for counts from what it holds"
  }
}

/// Describes changes of dropout probabilities.
enum DropoutNote {
  /// Lines such as `dropout1 0.5 → 0.25`, one for each dropout whose probability differs.
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
