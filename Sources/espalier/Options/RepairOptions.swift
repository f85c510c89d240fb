public import ArgumentParser
public import Pruning
internal import Training

/// Options of `prune` for repairs right after units were removed.
struct RepairOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Repairs before any training: mean (mean replacement), reconstruction (least squares in the layers after), batch-norm (new \
      statistics); several are separated by commas and applied in this order, e.g. mean,batch-norm.
      """,
      valueName: "repairs"))
  var repair: String?

  @Option(
    help: ArgumentHelp("How means are moved into biases: exact (allowing for padding) or paper; exact by default.", valueName: "form"))
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
          "unknown --repair \(String(word).debugDescription): choose mean, reconstruction, batch-norm, or several, e.g. mean,batch-norm")
      }
    }
  }
}

extension MeanReplacement.Form: ExpressibleByArgument {}
