public import ArgumentParser
public import Pruning
internal import Training

/// Options of `prune` for repairs right after units were removed.
struct RepairOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      What mends the loss before any training: mean (mean replacement), reconstruction (least squares in the layers behind), batch-norm \
      (new statistics); several with commas, done in the order they are written in, e.g. mean,batch-norm.
      """,
      valueName: "repairs"))
  var repair: String?

  @Option(help: "How means become biases: exact (with the layer's padding) or paper; exact unless given.")
  var meanForm: MeanReplacement.Form?

  /// Returns the repairs, in the order in which they were typed.
  ///
  /// - Parameter place: where means are taken.
  /// - Throws: `PlanError` for an unknown repair.
  func repairs(at place: MeanPlace) throws -> [PruningPlan.Repair] {
    try (repair ?? "").split(separator: ",").map { word in
      switch word.trimmingPrefix(" ") {
      case "mean": .meanReplacement(MeanReplacement(form: meanForm ?? .exact, place: place))
      case "reconstruction": .reconstruction(Reconstruction())
      case "batch-norm": .batchNorms
      default:
        throw PlanError(
          "--repair \(String(word).debugDescription) is none: choose mean, reconstruction, batch-norm, or several, e.g. mean,batch-norm")
      }
    }
  }
}

extension MeanReplacement.Form: ExpressibleByArgument {}
