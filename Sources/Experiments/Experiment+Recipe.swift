internal import Pruning
internal import Training

/// JSON has two forms: a run that a method makes of plans is stored as these plans (`training`, `slimming`, `l1`, `pruning`,
/// `recovery`, `meta`, `sequence` and `flatness`), any other run as a list of `stages`, each with the name of its kind under `stage`.
extension Experiment: Codable {
  private enum Key: String, CodingKey {
    case start, data, classes, initialization, training, slimming, l1, pruning, recovery, meta, sequence, flatness, stages
  }

  /// Decodes either form.
  ///
  /// - Throws: `DecodingError` for invalid recipes, including stages that are not in the catalogue.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    start = try container.decode(Start.self, forKey: .start)
    data = try container.decodeIfPresent(DataPlan.self, forKey: .data)
    classes = try container.decodeIfPresent(ClassCount.self, forKey: .classes)
    initialization = try container.decode(Initialization.self, forKey: .initialization)
    if let coded = try container.decodeIfPresent([CodedStage].self, forKey: .stages) {
      stages = coded.map(\.stage)
      return
    }
    let slimming = try container.decodeIfPresent(Double.self, forKey: .slimming)
    let l1 = try container.decodeIfPresent(Double.self, forKey: .l1)
    func training(_ key: Key) throws -> RegularizedTraining? {
      try container.decodeIfPresent(TrainingPlan.self, forKey: key).map { RegularizedTraining($0, slimming: slimming, l1: l1) }
    }
    stages = try MethodOptions(
      training: training(.training), recovery: training(.recovery), pruning: container.decodeIfPresent(PruningPlan.self, forKey: .pruning),
      meta: container.decodeIfPresent(MetaPruningPlan.self, forKey: .meta),
      sequence: container.decodeIfPresent(DataSequence.self, forKey: .sequence),
      flatness: container.decodeIfPresent(MeasureFlatness.self, forKey: .flatness)
    ).stages
  }

  /// Encodes the plans if the method makes exactly these stages of them, and the list of stages otherwise.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(start, forKey: .start)
    try container.encodeIfPresent(data, forKey: .data)
    try container.encodeIfPresent(classes, forKey: .classes)
    try container.encode(initialization, forKey: .initialization)
    let options = MethodOptions(
      training: training, recovery: recovery, pruning: pruning, meta: meta, sequence: sequence, flatness: flatness)
    guard options.haveOnePenalty, options.stages.areEqual(to: stages) else {
      return try container.encode(stages.map(CodedStage.init), forKey: .stages)
    }
    try container.encodeIfPresent(training?.plan, forKey: .training)
    try container.encodeIfPresent((training ?? recovery)?.slimming, forKey: .slimming)
    try container.encodeIfPresent((training ?? recovery)?.l1, forKey: .l1)
    try container.encodeIfPresent(pruning, forKey: .pruning)
    try container.encodeIfPresent(recovery?.plan, forKey: .recovery)
    try container.encodeIfPresent(meta, forKey: .meta)
    try container.encodeIfPresent(sequence, forKey: .sequence)
    try container.encodeIfPresent(flatness, forKey: .flatness)
  }
}

extension Experiment: Hashable {
  /// Equal if all settings and all stages are equal.
  public static func == (lhs: Self, rhs: Self) -> Bool {
    lhs.start == rhs.start && lhs.data == rhs.data && lhs.classes == rhs.classes && lhs.initialization == rhs.initialization
      && lhs.stages.areEqual(to: rhs.stages)
  }

  /// Hashes all settings and all stages.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(start)
    hasher.combine(data)
    hasher.combine(classes)
    hasher.combine(initialization)
    for stage in stages { hasher.combine(stage.erased) }
  }
}

extension Stage {
  fileprivate var erased: AnyHashable { AnyHashable(self) }
}

extension [any Stage] {
  fileprivate func areEqual(to others: Self) -> Bool { count == others.count && zip(self, others).allSatisfy { $0.erased == $1.erased } }
}

extension MethodOptions {
  /// Whether both trainings have the same penalties, so that a single field in JSON can hold them.
  fileprivate var haveOnePenalty: Bool {
    guard let training, let recovery else { return true }
    return training.slimming == recovery.slimming && training.l1 == recovery.l1
  }
}

/// A stage encoded together with the name of its kind.
private struct CodedStage: Codable {
  let stage: any Stage
  init(_ stage: any Stage) { self.stage = stage }

  private enum Key: String, CodingKey { case stage }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let name = try container.decode(String.self, forKey: .stage)
    guard let kind = StageCatalogue.all.first(where: { $0.name == name }) else {
      let possible = StageCatalogue.all.map { $0.name }.joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        forKey: .stage, in: container,
        debugDescription: "unknown stage \(String(name.prefix(80)).debugDescription): choose one of \(possible)")
    }
    stage = try kind.init(from: decoder)
  }

  func encode(to encoder: any Encoder) throws {
    try stage.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(type(of: stage).name, forKey: .stage)
  }
}
