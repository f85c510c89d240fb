internal import Results

/// An error in a request to prune; the description is a message in one line for the user.
public enum PruningError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A number is not a fraction in [0, 1).
  case fraction(option: String, given: String)
  /// A layer's scores contain NaN, so that nothing can be ranked.
  case notANumber(layer: String, criterion: String?)
  /// The layers' floors leave less to remove than is asked.
  case floors(asked: Int, present: Int, layers: [LayerFloor])
  /// A criterion is not in the catalogue.
  case unknownCriterion(given: String, suggestion: String?)
  /// A criterion cannot score at the granularity.
  case granularity(criterion: String, asked: String, possible: [String])
  /// A criterion does not have the option.
  case option(criterion: String, option: String, possible: [String])
  /// A criterion needs activations or weights of training steps and has not seen any.
  case nothingAccumulated(criterion: String)
  /// A criterion needs examples, and there are none.
  case needsData(criterion: String)
  /// A sweep over examples was not asked for a statistic that the criterion needs.
  case notGathered(layer: String, statistic: String)
  /// A sweep over examples computed a NaN or infinity; the text says where it appears first.
  case notFinite(String)
  /// A layer to be scored does not exist, or has no units.
  case unscoredLayer(given: String, possible: [String])
  /// A name or pattern of layers matches none of those that can be pruned.
  case unknownLayer(option: String, given: String, possible: [String])
  /// A fraction would remove all units of a layer.
  case emptied(layer: String, asked: Int, present: Int)
  /// A criterion scores by batch norms, and layers have none.
  case noNorm(criterion: String, layers: [String])
  /// Even the smallest network exceeds the cost.
  case unreachable(measure: CostTarget.Measure, asked: Double, least: Double)
  /// Nothing in a network can be removed, for the given reasons; at the granularities of the last list there may be something.
  case nothingToPrune(network: String, granularity: String, refused: [String], instead: [String] = [])
  /// Tensors do not fit together.
  case mismatch(String)
  /// The outputs before and after a surgery differ.
  case notEquivalent(network: String, largestDifference: Double, largestOutput: Double, tolerance: Double)

  /// A layer and the number of its things that must stay.
  public struct LayerFloor: Hashable, Sendable {
    /// Name of the layer.
    public var layer: String
    /// Minimum number that stays.
    public var minimum: Int
    /// Creates a floor.
    public init(layer: String, minimum: Int) {
      self.layer = layer
      self.minimum = minimum
    }
  }

  /// Message in one line.
  public var description: String {
    words(leavingOut: { $0.map { "leave it alone with --ignore \($0)" } ?? "leave such layers alone with --ignore" })
  }

  /// Returns the message in one line.
  ///
  /// - Parameter advice: how to leave out the layer of a given name, or layers in general, for commands that do not have --ignore.
  public func words(leavingOut advice: (_ layer: String?) -> String) -> String {
    switch self {
    case .fraction(let option, let given):
      return "\(option) \(given) is not a fraction: give a number from 0 up to, but not including, 1"
    case .notANumber(let layer, let criterion):
      return "\(layer): \(criterion.map { "criterion \($0)" } ?? "the criterion") gives a score that is not a number (NaN)"
    case .floors(let asked, let present, let layers):
      let total = layers.reduce(0) { $0 + $1.minimum }
      let shown = layers.prefix(8).map { "\($0.layer) \($0.minimum)" }.joined(separator: ", ")
      let more = layers.count > 8 ? ", and \(layers.count - 8) more" : ""
      return "cannot remove \(asked) of \(present): at least \(total) must stay (\(shown)\(more))"
    case .unknownCriterion(let given, let suggestion):
      return "unknown criterion \(given.debugDescription)"
        + (suggestion.map { ": did you mean \($0)?" } ?? ": choose one of \(PruningCriterion.all.map(\.name).joined(separator: ", "))")
    case .granularity(let criterion, let asked, let possible):
      return "criterion \(criterion) does not score by \(asked): choose \(possible.joined(separator: " or "))"
    case .option(let criterion, let option, let possible):
      return "criterion \(criterion) has no option \(option): "
        + (possible.isEmpty ? "it has none" : "it has \(possible.joined(separator: ", "))")
    case .nothingAccumulated(let criterion):
      return "criterion \(criterion) sums over training steps and has seen none: prune during training, or choose l1, l2 or random"
    case .needsData(let criterion): return "criterion \(criterion) needs data: give --dataset"
    case .notGathered(let layer, let statistic): return "\(layer): the sweep over the examples has not gathered \(statistic)"
    case .notFinite(let place): return "no unit can be scored: \(place) are not all finite numbers (NaN or infinity)"
    case .unscoredLayer(let given, let possible):
      let shown = possible.prefix(12).joined(separator: ", ") + (possible.count > 12 ? ", …" : "")
      return "there is no layer \(given.debugDescription) to score: choose from \(shown)"
    case .unknownLayer(let option, let given, let possible):
      let shown = possible.prefix(12).joined(separator: ", ") + (possible.count > 12 ? ", …" : "")
      return "\(option) \(given.debugDescription) matches no layer: choose from \(shown)"
    case .emptied(let layer, let asked, let present):
      return "the fraction would empty \(layer): it asks for \(asked) of its \(present) units, and a layer keeps at least one: "
        + "ask for less, or \(advice(layer))"
    case .noNorm(let criterion, let layers):
      let shown = layers.prefix(8).joined(separator: ", ") + (layers.count > 8 ? ", and \(layers.count - 8) more" : "")
      return "criterion \(criterion) reads the batch norm after a layer, and there is none after \(shown): "
        + "\(advice(nil)), or choose another criterion"
    case .unreachable(let measure, let asked, let least):
      func number(_ value: Double) -> String {
        measure == .latency ? "\((value * 1e6).rounded() / 1e3) ms" : "\(Int(saturating: value))"
      }
      return "\(measure.rawValue) of at most \(number(asked)) cannot be reached by this ranking: the least found is \(number(least))"
    case .nothingToPrune(let network, let granularity, let refused, let instead):
      let reasons = refused.prefix(4).joined(separator: "; ") + (refused.count > 4 ? "; and \(refused.count - 4) more" : "")
      return "no \(granularity) of \(network) can be removed" + (reasons.isEmpty ? "" : ": \(reasons)")
        + (instead.isEmpty ? "" : "; give --granularity \(instead.joined(separator: " or "))")
    case .mismatch(let problem): return problem
    case .notEquivalent(let network, let difference, let output, let tolerance):
      return "the surgery on \(network) changed its outputs: the largest difference from the masked network is \(difference), "
        + "the largest output \(output), of which \(tolerance) is allowed"
    }
  }
}
