internal import Foundation
internal import Results
public import Torch
public import Training

/// Probes a training at regular intervals without affecting it: training with probes ends with the same bits as without.
///
/// All results so far are part of the hook's ``state()`` and so of checkpoints: a training that is killed and resumed continues with
/// exactly the rows up to the step at which it resumes, so that no row is lost or duplicated. For a probe before the first step call
/// ``probeStart(_:)`` before running the trainer.
public final class PenaltyProbeHook: TrainingHook {
  /// Name of the hook in checkpoints: `probe-consumer` or `probe-output`, so that a training can have one of each.
  public var name: String { "probe-\(probe.replacement.place.rawValue)" }
  /// False, since copies are probed.
  public var needsGradients: Bool { false }
  /// The probe.
  public let probe: PenaltyProbe
  /// Interval between probes.
  public let every: Step
  /// Results of all probes so far, in the order of time.
  public private(set) var result = PenaltyProbeResult()
  /// Duration in seconds of each probe in this process, except those that retrained copies.
  public private(set) var seconds: [Double] = []
  /// Called after each probe with the step and the probe's result.
  public var didProbe: (Int, PenaltyProbeResult) throws -> Void = { _, _ in }

  private let training: TrainingData
  private let data: PenaltyProbeData
  // The state's bytes, one line of JSON per probe: encoding all of it for every checkpoint would take longer and longer.
  private var lines: [UInt8] = []

  /// Creates a hook and draws the probe's examples.
  ///
  /// - Parameters:
  ///   - data: the data of the training.
  ///   - channelsLast: whether the network has convolutions.
  /// - Throws: ``PruningError`` and `PlanError` for an impossible probe or an interval of less than one step.
  public init(_ probe: PenaltyProbe, every: Step, data: TrainingData, channelsLast: Bool) throws {
    try probe.validate()
    guard every.iterations(perEpoch: 1) >= 1 else { throw PlanError("a probe every \(every) is impossible: give at least 1it") }
    self.probe = probe
    self.every = every
    training = data
    self.data = try PenaltyProbeData(probe, from: data, channelsLast: channelsLast)
  }

  /// Returns the duration in seconds of one evaluation of a model on D_v, the minimum of three, as a unit for the cost of probes.
  public func evaluationSeconds(of model: Model) throws -> Double {
    let executor = try Executor(model.laidOutForInference())
    let clock = ContinuousClock()
    var least = Double.infinity
    for _ in 0..<3 {
      let started = clock.now
      _ = try executor.evaluate(data.measuring)
      least = min(least, (clock.now - started) / .seconds(1))
    }
    return least
  }

  /// Probes the model before its first step; does nothing later, such as after a resume.
  public func probeStart(_ trainer: Trainer) throws {
    if trainer.iteration == 0, result.rows.isEmpty { try look(trainer) }
  }

  /// Probes after every ``every`` steps.
  public func didFinishStep(_ trainer: Trainer) throws {
    guard trainer.iteration % max(every.iterations(perEpoch: trainer.iterationsPerEpoch), 1) == 0 else { return }
    try look(trainer)
  }

  private func look(_ trainer: Trainer) throws {
    let clock = ContinuousClock()
    let started = clock.now
    let found = try probe.probe(
      trainer.model, on: data, step: trainer.iteration,
      continuation: probe.retraining == nil ? nil : TrainingContinuation(of: trainer, data: training))
    if found.rows.allSatisfy({ $0.retrainSteps == 0 }) { seconds.append((clock.now - started) / .seconds(1)) }
    lines += Array(try JSONEncoder.records.encode(found)) + [UInt8(ascii: "\n")]
    result.rows += found.rows
    result.choices += found.choices
    try didProbe(trainer.iteration, found)
  }

  /// Returns the results so far, one line of JSON per probe as bytes.
  public func state() throws -> [String: Tensor] { lines.isEmpty ? [:] : ["results": try Tensor(lines, shape: [lines.count])] }

  /// Continues from a state returned by ``state()``.
  ///
  /// - Throws: `RecordError` for a damaged state.
  public func restore(_ state: [String: Tensor]) throws {
    var found = PenaltyProbeResult()
    let read: [UInt8]
    do {
      read = try state["results"]?.array(UInt8.self) ?? []
      guard state.keys.allSatisfy({ $0 == "results" }) else { throw RecordError("another key") }
      for line in read.split(separator: UInt8(ascii: "\n")) {
        try RecordedCounts.check(Data(line), except: ["seed"])
        let result = try JSONDecoder.records.decode(PenaltyProbeResult.self, from: Data(line))
        found.rows += result.rows
        found.choices += result.choices
      }
    } catch { throw RecordError("its probes are damaged") }
    (result, lines) = (found, read)
  }
}
