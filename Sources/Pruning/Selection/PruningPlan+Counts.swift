internal import Foundation
public import Networks
internal import Training

extension PruningPlan {
  /// Whether layers can bear all removals, and anything leaves in them: what counts alone decide is told before any training.
  ///
  /// What a threshold or a cost asks for depends on scores, and so does what a layer loses where widths are rounded: there only the
  /// first removal is known.
  /// - Throws: ``PruningError/emptied(layer:asked:present:)`` and ``PruningError/floors(asked:present:layers:)`` as the selection would,
  ///   the latter also where each layer counts for itself and its density and the fraction gone are more than all; `PlanError` for an
  ///   amount that comes to nothing.
  func checkCounts(of network: Network, removals: Int) throws {
    guard amount.fraction != nil else { return }
    let layers = try countedLayers(of: network)
    let sets: [[CountedLayer]]
    switch allocation {
    case .layer: sets = layers.map { [$0] }
    case .scoped(let patterns): sets = try Allocation.sets(patterns, among: layers.map(\.members)).map { set in set.map { layers[$0] } }
    case .global, .uniform, .erk, .lamp: sets = [layers]
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

  /// Removals that are gone through one by one, at most: nobody waits for more.
  private static let counted = 100_000

  /// A layer or group, what may leave of it, and how much of that stays in any case.
  struct CountedLayer {
    let name: String
    let members: [String]
    let count: Int
    let floor: Int
  }

  /// The things of each layer or group that may leave.
  func countedLayers(of network: Network) throws -> [CountedLayer] {
    func layer(_ name: String, _ members: [String], _ count: Int) -> CountedLayer {
      CountedLayer(name: name, members: members, count: count, floor: min(rule.floor(original: count), count))
    }
    if granularity.isStructured {
      return try network.channelGroups(granularity, ignoring: ignored).map { layer($0.name, $0.memberNames, $0.width) }
    }
    let shapes = Dictionary(try network.parameterShapes().map { ($0.name, $0.dimensions) }, uniquingKeysWith: { first, _ in first })
    return try network.weights(ignoring: ignored).map { layer($0.module, [$0.module], (shapes[$0] ?? []).reduce(1, *)) }
  }

  private var rule: SelectionRule {
    SelectionRule(
      granularity: granularity, allocation: allocation, rounding: rounding, minimumLayerDensity: minimumLayerDensity,
      widthMultiple: widthMultiple)
  }

  /// What removal k of n asks of so many things, where nothing had left before the first.
  private func wanted(_ k: Int, of n: Int, present: Int, original: Int) -> WantedCount {
    var rule = rule
    rule.event = k
    let amount: RemovalAmount =
      switch amount {
      case .total(let fraction): schedule.amount(forEvent: k, of: n, fraction: fraction)
      case .perEvent(let fraction): .ofKept(fraction)
      case .cost, .threshold, .deviations: .count(0)
      }
    return rule.wanted(amount, present: present, original: original, start: original)
  }

  /// A layer alone stops at its floor, and only a whole layer in one go is a mistake.
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

  /// - Throws: ``PruningError/floors(asked:present:layers:)`` for more than the asked densities leave to go, which no rounding explains.
  private func checkDensity(of layers: [CountedLayer], removals: Int) throws {
    guard let gone = goneInAll(after: removals), gone + minimumLayerDensity > 1 + 1e-9 else { return }
    let asked = layers.map { count(of: $0.count, after: removals) }
    guard zip(layers, asked).contains(where: { $1 > $0.count - $0.floor && $0.floor > rule.minimumCount }) else { return }
    throw floors(layers, asked: asked.reduce(0, +))
  }

  /// Layers that count together lose what is asked, or it is refused.
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

  /// An amount that is rounded away in all sets and at all removals is a mistake; one of 0 is what it says.
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

  /// About the smallest fraction that takes one of n things in the end, and not less.
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

  /// The fraction of all that the removals mean to be gone; nil where scores or costs decide.
  private func goneInAll(after removals: Int) -> Double? {
    switch amount {
    case .total(let fraction): fraction
    case .perEvent(let fraction): 1 - pow(1 - fraction, Double(removals))
    case .cost, .threshold, .deviations: nil
    }
  }

  /// The number of so many things that removals mean to be gone, as their arithmetic counts it.
  func count(of things: Int, after removals: Int) -> Int {
    switch amount {
    case .total(let fraction): rounding.count(fraction, of: things)
    case .perEvent(let fraction): rounding.gone(fraction, of: things, after: removals)
    case .cost, .threshold, .deviations: 0
    }
  }
}

extension PruningPlan {
  /// Layers of which so much stays in any case that they lost less than was asked of each, where each counts for itself, and what stays.
  ///
  /// - Parameters:
  ///   - network: before the first removal of the run.
  ///   - starts: weights of each layer that were there then, by module; all unless given.
  ///   - removals: how many there were.
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
  /// The fraction of things that it names; nil where scores or costs decide.
  var fraction: Double? {
    switch self {
    case .total(let fraction), .perEvent(let fraction): fraction
    case .cost, .threshold, .deviations: nil
    }
  }
}
