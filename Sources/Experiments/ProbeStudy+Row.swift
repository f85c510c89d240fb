internal import Foundation
internal import Networks
internal import Pruning
public import Results
internal import Torch
internal import Training

extension ProbeStudy {
  /// The row of a seed's training: the trained network, which nothing was removed from, and what the probes say.
  public struct RowRequest {
    /// The command line, program name first.
    public var command: [String]
    /// Version of Espalier.
    public var version: String
    /// Called with the row before the seed counts as finished.
    public var write: (RunRecord) throws -> Void

    /// Creates a request; every parameter sets the property of the same name.
    public init(command: [String], version: String, write: @escaping (RunRecord) throws -> Void) {
      self.command = command
      self.version = version
      self.write = write
    }
  }

  func row(
    of trainer: Trainer, on data: TrainingData, seed: UInt64, result: PenaltyProbeResult, command: [String], version: String
  ) throws -> RunRecord {
    var dense = try trainer.model.facts().artefact(latency: [])
    dense.accuracyAtEnd = trainer.log.evaluations.last.flatMap(Accuracy.init)
    dense.accuracyChosen = trainer.log.best.flatMap(Accuracy.init)
    dense.epoch = Results.Measurement(trainer.epochSeconds.map(\.seconds), unit: .seconds)
    var row = RunRecord(
      tool: Tool(version: version, libtorch: TorchRuntime.version),
      machine: .current(threads: TorchRuntime.threads, computingOn: .cpu), command: command, network: trainer.model.network.name,
      data: DataSummary(self.data, data), seed: seed, dense: dense,
      evaluations: trainer.log.evaluations.compactMap { record in
        record.validation.map { EvaluationPoint(training: 0, step: record.iteration, accuracy: $0.accuracy, loss: $0.loss) }
      }, trainingSeconds: trainer.seconds, steps: trainer.iteration, peakMemory: Machine.peakMemory)
    if row.evaluations?.isEmpty ?? false { row.evaluations = nil }
    row.penalties = PenaltySummary(rows: result.rows, choices: result.choices, totalSteps: trainer.totalIterations)
    return row
  }
}
