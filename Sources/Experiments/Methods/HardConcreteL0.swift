internal import Pruning

extension PruningMethod {
  /// Trains weights together with hard-concrete gates under a penalty on open gates, and cuts out what has closed (``HardConcreteGates``).
  public static let l0: PruningMethod = {
    var method = PruningMethod(
      name: "l0", summary: "gates on units, filters, inputs or weights learn to close in training; what is closed at its end is cut out",
      paper: "Louizos et al. 2018", allocation: .global, schedule: .oneShot, timing: .everyStep)
    method.granularity = .unit
    method.gates = GatePlan()
    method.example = "--lambda 0.1 --epochs 50"
    return method
  }()
}
