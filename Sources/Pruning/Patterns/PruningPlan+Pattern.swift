internal import Foundation
public import Networks
internal import Results
internal import Training

extension PruningPlan {
  /// Returns the weights that the plan prunes: those of layers that are neither ignored nor left alone by the pattern.
  ///
  /// - Throws: ``PruningError/unknownLayer(option:given:possible:)``; `PlanError` if all layers are ignored.
  public func weights(of network: Network) throws -> [ParameterName] {
    let names = try network.weights(ignoring: ignored)
    guard let pattern else { return names }
    let grids = network.weightGrids
    return names.filter { name in grids[name.module].map { pattern.excuse(for: $0) == nil } ?? false }
  }

  /// Returns the layers that the pattern leaves alone, with the reasons; those that are ignored are missing.
  public func leftAlone(in network: Network) throws -> [(layer: String, reason: String)] {
    guard let pattern else { return [] }
    let grids = network.weightGrids
    return try network.weights(ignoring: ignored).compactMap { name in
      grids[name.module].flatMap { pattern.excuse(for: $0) }.map { (name.module, $0) }
    }
  }

  /// Whether dead units are cut out at the end: if ``compact`` says so, and that moves no pattern's borders.
  public var cutsDeadUnits: Bool { compact && !(pattern?.isAligned ?? false) }

  /// Checks that the pattern finds something to remove in a network.
  ///
  /// - Throws: ``PruningError/nothingToPrune(network:granularity:refused:instead:)``.
  func checkPattern(on network: Network) throws {
    guard let pattern, try weights(of: network).isEmpty else { return }
    let things = if case .nm(_, let size) = pattern { "groups of \(size) inputs" } else { pattern.plural }
    throw PruningError.nothingToPrune(
      network: network.name, granularity: things, refused: try leftAlone(in: network).map { "\($0.layer): \($0.reason)" },
      instead: [Granularity.weight.rawValue])
  }

  /// Checks that the pattern goes with the rest of the plan.
  ///
  /// - Throws: `PlanError` if it does not.
  func validatePattern() throws {
    guard let pattern else { return }
    let name = "--granularity \(pattern)"
    guard pattern.isPossible, granularity == .weight else {
      throw PlanError("\(pattern) is no pattern in which \(granularity.plural) can be removed")
    }
    if let regrowth, !(regrowth.method is NoRegrowth || regrowth.method is StaticMask) {
      throw PlanError("--method \(method ?? regrowth.name) lets single weights come back: it does not go with \(name)")
    }
    if timing == .everyStep || gates != nil {
      throw PlanError(
        "--method \(method ?? (gates == nil ? "edge-popup" : "l0")) chooses among single weights: \(name) does not go with it")
    }
    if reduction == .first { throw PlanError("--reduction first goes with units and filters of several layers, not \(name)") }
    guard case .nm(let kept, let size) = pattern, let sparsity = pattern.sparsity else { return }
    guard case .total(let fraction) = amount, abs(fraction - sparsity) < 1e-9 else {
      throw PlanError(
        "\(name) keeps \(kept) of each \(size) inputs, a sparsity of \(String(format: "%.4g", sparsity)): give that or no amount at all")
    }
    let idle = [
      ("--scope \(allocation)", allocation != .layer), ("--rounding \(rounding.rawValue)", rounding != .round),
      ("--minimum-layer-density", minimumLayerDensity > 0), ("--normalization", normalization != nil),
    ]
    if let option = idle.first(where: { $0.1 })?.0 {
      throw PlanError("\(option) does not go with \(name): each group of \(size) inputs counts for itself")
    }
  }
}
