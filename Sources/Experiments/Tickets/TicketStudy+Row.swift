internal import Datasets
internal import Foundation
internal import Networks
public import Results
public import Torch
internal import Training

extension TicketStudy {
  /// Returns the row of a seed's last round: the ticket against the dense network of round 0.
  ///
  /// Times both models alternately; accuracies, steps and times are those of the records.
  /// - Parameters:
  ///   - command: the command line, program name first.
  ///   - version: version of Espalier.
  ///   - latencyBatches: batch sizes to time; empty for none, nil for those of ``Latency/batches(for:within:device:)``.
  ///   - device: the device of the trainings, on which the models are timed.
  /// - Throws: `PlanError` if the seed is not finished, and errors of reading its files.
  public func row(
    seed: UInt64, command: [String], version: String, latencyBatches: [Int]? = nil, device: Device = .cpu
  ) throws -> RunRecord {
    let folder = TicketFolder(path)
    func round(_ number: Int) throws -> (model: Model, record: TicketRound, bytes: Int?) {
      let job = TicketJob(branch: nil, round: number)
      guard folder.isFinished(job, seed) else { throw PlanError("seed \(seed) of \(path) has no finished round \(number)") }
      let file = folder.model(job, seed)
      return (
        try ModelFile(contentsOf: file).model, try folder.read(folder.record(job, seed)),
        try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int
      )
    }
    let (dense, ticket) = (try round(0), try round(plan.rounds))
    let batches = try latencyBatches ?? Latency.batches(for: dense.model, device: device)
    let samples = try batches.map { try Latency.interleaved([dense.model, ticket.model], batch: $0, device: device) }
    func artefact(_ which: Int, _ part: (model: Model, record: TicketRound, bytes: Int?)) throws -> Artefact {
      let latency = zip(batches, samples).compactMap { batch, samples in
        Results.Measurement(samples[which], unit: .seconds).map { BatchLatency(batch: batch, time: $0) }
      }
      var artefact = try part.model.facts().artefact(latency: latency)
      artefact.fileBytes = part.bytes
      artefact.accuracyAtEnd = part.record.evaluations.last?.test
      artefact.accuracyChosen = part.record.earlyStop?.test
      return artefact
    }
    let records = try TicketFolder(path).records().filter { $0.seed == seed }
    let trunk = records.filter { $0.branch == "trunk" && $0.round <= plan.rounds }
    let data = try plan.seeded(seed).data.load(for: .network(plan.network, weights: plan.weights))
    var row = RunRecord(
      tool: Tool(version: version, libtorch: TorchRuntime.version), machine: .current(threads: TorchRuntime.threads, computingOn: device),
      command: command, network: ticket.model.network.name,
      data: DataSummary(
        name: plan.data.dataset, training: data.training.count, subsetOf: plan.data.subset == nil ? nil : data.training.fileCount,
        validation: data.validation?.count ?? 0, test: data.test?.count ?? 0),
      seed: seed, method: plan.words, dense: try artefact(0, dense), pruned: plan.rounds == 0 ? nil : try artefact(1, ticket),
      weights: Removal(asked: plan.sparsity, removed: ticket.record.prunable - ticket.record.kept, of: ticket.record.prunable),
      trainingSeconds: trunk.reduce(0) { $0 + $1.seconds },
      steps: trunk.reduce(0) { $0 + $1.iterations - $1.firstIteration }, peakMemory: Machine.peakMemory)
    row.tickets = TicketRecords(records, departure: try plan.departure)
    if plan.rounds > 0 { row.inputs = try ticket.model.inputReads(of: data.training.shape) }
    return row
  }
}
