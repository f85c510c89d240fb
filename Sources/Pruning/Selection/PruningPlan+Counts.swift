internal import Foundation
public import Networks
internal import Training

extension PruningPlan {
  /// Checks, before any training, that the layers have enough to remove and that anything is removed at all, as far as that depends on
  /// counts alone.
  ///
  /// What a threshold or a cost removes depends on scores, as does what a layer loses if widths are rounded, of which only the first
  /// removal is checked.
  /// - Throws: ``PruningError/emptied(layer:asked:present:)`` and ``PruningError/floors(asked:present:layers:)`` as the selection would,
  ///   the latter also if each layer counts for itself and its minimum density and the removed fraction add up to more than 1; `PlanError`
  ///   for an amount that rounds to nothing.
  func checkCounts(of network: Network, removals: Int) throws {
    guard amount.fraction != nil else { return }
    let layers = try countedLayers(of: network)
    let sets: [[CountedLayer]]
    switch allocation {
    case .layer: sets = layers.map { [$0] }
    case .scoped(let patterns): sets = try Allocation.sets(patterns, among: layers.map(\.members)).map { set in set.map { layers[$0] } }
    case .global, .uniform, .erk, .lamp, .shares: sets = [layers]
    }
    let known = widthMultiple > 1 ? 1 : removals
    if allocation == .layer {
      for layer in layers { try checkAlone(layer, removals: known, of: removals) }
      try checkDensity(of: layers, removals: removals)
    } else {
      for set in sets { try checkTogether(set, removals: known, of: removals) }
    }
    try checkThatAnythingLeaves(sets, removals: removals)
  }

  /// Maximum number of removals that are checked one by one, to bound the time.
  private static let counted = 100_000

  /// A layer or group with the number of things that can be removed from it, and how many of them must stay.
  struct CountedLayer {
    let name: String
    let members: [String]
    let count: Int
    let floor: Int
  }

  /// Returns the names of the layers or groups that this plan prunes and counts: of a plan with gates, those that have them.
  public func countedNames(in network: Network) throws -> [String] { try countedLayers(of: network).map(\.name) }

  /// Returns the layers or groups that can be pruned, with their counts.
  func countedLayers(of network: Network) throws -> [CountedLayer] {
    func layer(_ name: String, _ members: [String], _ count: Int) -> CountedLayer {
      CountedLayer(name: name, members: members, count: count, floor: min(rule.floor(original: count), count))
    }
    if gates != nil {
      return try GateLayout(network, granularity, ignoring: ignored).layers.map { layer($0.name, $0.members, $0.range.count) }
    }
    if granularity.isStructured {
      return try network.channelGroups(granularity, ignoring: ignored).map { layer($0.name, $0.memberNames, $0.width) }
    }
    let shapes = Dictionary(try network.parameterShapes().map { ($0.name, $0.dimensions) }, uniquingKeysWith: { first, _ in first })
    return try weights(of: network).map { layer($0.module, [$0.module], (shapes[$0] ?? []).reduce(1, *)) }
  }

  private var rule: SelectionRule {
    SelectionRule(
      granularity: granularity, allocation: allocation, rounding: rounding, minimumLayerDensity: minimumLayerDensity,
      widthMultiple: widthMultiple)
  }

  /// Returns the counts of removal k of n for a number of things, none of which was removed before the first.
  private func wanted(_ k: Int, of n: Int, present: Int, original: Int) -> WantedCount {
    var rule = rule
    rule.event = k
    let amount: RemovalAmount =
      switch amount {
      case .total(let fraction): schedule.amount(forEvent: k, of: n, fraction: fraction)
      case .perEvent(let fraction): .ofKept(fraction)
      case .cost, .threshold, .deviations, .learned: .count(0)
      }
    return rule.wanted(amount, present: present, original: original, start: original)
  }

  /// A layer that counts for itself stops at its floor; only removing the whole layer at once is an error.
  private func checkAlone(_ layer: CountedLayer, removals: Int, of n: Int) throws {
    guard granularity.isStructured, count(of: layer.count, after: n) == layer.count else { return }
    var present = layer.count
    for k in 0..<min(removals, Self.counted) where present > layer.floor {
      let wanted = wanted(k + 1, of: n, present: present, original: layer.count)
      if min(wanted.now, wanted.byItself) == present {
        throw PruningError.emptied(layer: layer.name, asked: wanted.now, present: present)
      }
      present -= min(wanted.now, present - layer.floor)
    }
  }

  /// Checks that the removed fraction and the minimum density add up to at most 1, where layers count for themselves.
  ///
  /// - Throws: ``PruningError/floors(asked:present:layers:)`` if they add up to more, beyond what rounding explains.
  private func checkDensity(of layers: [CountedLayer], removals: Int) throws {
    guard let gone = goneInAll(after: removals), gone + minimumLayerDensity > 1 + 1e-9 else { return }
    let asked = layers.map { count(of: $0.count, after: removals) }
    guard zip(layers, asked).contains(where: { $1 > $0.count - $0.floor && $0.floor > rule.minimumCount }) else { return }
    throw floors(layers, asked: asked.reduce(0, +))
  }

  /// Checks that layers that count together can lose exactly what is asked.
  private func checkTogether(_ set: [CountedLayer], removals: Int, of n: Int) throws {
    let (original, least) = (set.reduce(0) { $0 + $1.count }, set.reduce(0) { $0 + $1.floor })
    let asked = count(of: original, after: n)
    guard asked > original - least else { return }
    var present = original
    for k in 0..<min(removals, Self.counted) {
      let wanted = wanted(k + 1, of: n, present: present, original: original)
      let possible = present - least
      guard min(wanted.now, wanted.byItself) <= possible else { throw floors(set, asked: asked) }
      present -= min(wanted.now, possible)
    }
  }

  private func floors(_ layers: [CountedLayer], asked: Int) -> PruningError {
    .floors(
      asked: asked, present: layers.reduce(0) { $0 + $1.count },
      layers: layers.filter { $0.floor > 0 }.map { .init(layer: $0.name, minimum: $0.floor) })
  }

  /// Checks that an amount above 0 does not round to nothing in all sets and at all removals.
  private func checkThatAnythingLeaves(_ sets: [[CountedLayer]], removals: Int) throws {
    guard let fraction = amount.fraction, fraction > 0 else { return }
    let counts = sets.map { $0.reduce(0) { $0 + $1.count } }
    guard let most = counts.max(), most > 0, counts.allSatisfy({ count(of: $0, after: removals) == 0 }) else { return }
    let option = amount.isFinal ? "--sparsity" : "--fraction"
    let whole = sets.count == 1 ? "" : ", the most that count together"
    throw PlanError(
      "\(option) \(fraction) comes to none of \(most) \(granularity.plural)\(whole): give at least "
        + "\(Self.short(least(of: most, removals: removals))), which takes one")
  }

  /// Returns roughly the smallest fraction that removes one of n things in the end, rounded up to two digits.
  private func least(of n: Int, removals: Int) -> Double {
    let part =
      switch rounding {
      case .round: 0.5
      case .floor: 1.0
      case .ceil: 1e-9
      }
    let gone = part / Double(n)
    func takes(_ fraction: Double) -> Bool {
      var plan = self
      plan.amount = amount.isFinal ? .total(fraction) : .perEvent(fraction)
      return plan.count(of: n, after: removals) > 0
    }
    let each = amount.isFinal || rounding != .round ? gone : 1 - pow(1 - gone, 1 / Double(max(removals, 1)))
    // Two digits, rounded up.
    let unit = pow(10, log10(each).rounded(.down) - 1)
    let digits = (each / unit - 1e-9).rounded(.up)
    return [digits, digits + 1].map { $0 * unit }.first(where: takes) ?? each
  }

  private static func short(_ value: Double) -> String { String(format: "%.2g", value) }

  /// Returns the fraction that should be gone after a number of removals; nil if scores or costs decide.
  func goneInAll(after removals: Int) -> Double? {
    switch amount {
    case .total(let fraction): fraction
    case .perEvent(let fraction): 1 - pow(1 - fraction, Double(removals))
    case .cost, .threshold, .deviations, .learned: nil
    }
  }

  /// Returns how many of a number of things should be gone after a number of removals.
  func count(of things: Int, after removals: Int) -> Int {
    switch amount {
    case .total(let fraction): rounding.count(fraction, of: things)
    case .perEvent(let fraction): rounding.gone(fraction, of: things, after: removals)
    case .cost, .threshold, .deviations, .learned: 0
    }
  }
}

extension PruningPlan {
  /// Returns the layers that, counting for themselves, stopped at their floor before they lost what was asked, with their kept and original
  /// counts.
  ///
  /// - Parameters:
  ///   - network: the network before the first removal of the run.
  ///   - starts: number of weights of each layer at that time, by module; all weights unless given.
  ///   - removals: number of removals.
  public func layersAtTheirLeast(
    in network: Network, starts: [String: Int], removals: Int
  ) throws -> [(layer: String, kept: Int, of: Int)] {
    guard allocation == .layer, amount.fraction != nil, removals > 0 else { return [] }
    let present =
      granularity.isStructured
      ? Dictionary(try countedLayers(of: network).map { ($0.name, $0.count) }, uniquingKeysWith: { first, _ in first }) : starts
    return try countedLayers(of: network.original).compactMap { layer in
      let start = present[layer.name] ?? layer.count
      let asked = amount.isFinal ? count(of: layer.count, after: removals) : layer.count - start + count(of: start, after: removals)
      return asked > layer.count - layer.floor ? (layer.name, layer.floor, layer.count) : nil
    }
  }
}

extension PruningPlan.Amount {
  /// The fraction of things in the amount; nil if scores or costs decide.
  var fraction: Double? {
    switch self {
    case .total(let fraction), .perEvent(let fraction): fraction
    case .cost, .threshold, .deviations, .learned: nil
    }
  }
}
