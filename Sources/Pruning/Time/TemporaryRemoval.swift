public import Training

/// What becomes of what a removal in training chooses, if it is only disturbed and not removed: the controls of Bartoldson et al. 2020, by
/// which the noise of pruning can be told from the smaller network.
///
/// Removals choose as ever, among what none of them has chosen before; where they choose units, the tensors keep their shapes. The
/// disturbance is applied at once and again after each of the next `hold` steps, so that what those steps learn there is undone; then the
/// weights train on. The optimizer's moments stay as they are.
public struct TemporaryRemoval: Codable, Hashable, Sendable {
  /// The disturbance.
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    /// The chosen weights, or all weights of the chosen units, are set to 0 and train on from there. Biases and norms stay, without which a
    /// unit could not learn again.
    case zero
    /// Gaussian noise is added to them, with the standard deviation of the layer's weights that no removal has chosen.
    case noise
    /// All that was chosen so far is silenced, units with their biases and norms, and afterwards is again what it was. Behind an activation
    /// that does not map 0 to 0 (`Activation.valueAtZero`) a silenced unit says f(0).
    case restore
  }

  /// The disturbance.
  public var kind: Kind
  /// Length of training in which it is repeated after each step; with ``Kind/restore`` at least a step.
  public var hold: Step

  /// Creates a disturbance, by default without repetition.
  public init(_ kind: Kind, hold: Step = .iterations(0)) {
    self.kind = kind
    self.hold = hold
  }

  /// Description for the plan's words, e.g. `zeroed for 129it instead of removed`.
  var words: String {
    let verb =
      switch kind {
      case .zero: "zeroed"
      case .noise: "made noisy"
      case .restore: "silenced and restored"
      }
    let isOnce = hold.iterations(perEpoch: 1) == 0
    return "\(verb) \(isOnce ? "once" : (kind == .restore ? "after " : "for ") + hold.description) instead of removed"
  }
}

extension PruningPlan {
  /// Checks that a temporary removal goes with the rest of the plan.
  ///
  /// - Throws: `PlanError` for what it contradicts.
  func validateTemporary() throws {
    guard let temporary else { return }
    guard case .during = timing else {
      throw PlanError("--temporary \(temporary.kind.rawValue) disturbs weights in a training: give --every, from one time to the next")
    }
    guard regrowth == nil, gates == nil else {
      throw PlanError("--temporary does not go with --method \(method ?? ""), which decides by itself what comes back")
    }
    guard repairs.isEmpty else {
      throw PlanError("--temporary does not go with --repair: nothing is removed that leaves something to mend")
    }
    guard !criterion.sumsOverSteps else {
      throw PlanError("--temporary does not go with --criterion \(criterion.name), which sums over the steps between removals")
    }
    guard temporary.kind != .restore || temporary.hold.iterations(perEpoch: 1) > 0 else {
      throw PlanError("--temporary restore has no effect without --hold: give the steps after which weights come back, e.g. --hold 100it")
    }
  }

  /// Checks that what is disturbed comes back before the next removal and before the end.
  ///
  /// - Throws: `PlanError` with what would be possible.
  func checkTemporary(in span: TrainingSpan) throws {
    guard let temporary, let removals = removals(in: span) else { return }
    let hold = temporary.hold.iterations(perEpoch: span.perEpoch)
    guard hold < removals.every else {
      throw PlanError(
        "--hold \(temporary.hold) lasts until the next removal, \(removals.every) steps later: give at most --hold \(removals.every - 1)it")
    }
    let rest = span.total - removals.count * removals.every
    guard hold <= rest else {
      throw PlanError(
        "--hold \(temporary.hold) lasts beyond the end, \(rest) steps after the last removal: give at most --hold \(rest)it, "
          + "or an earlier --until")
    }
  }
}
