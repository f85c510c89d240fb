internal import Datasets
internal import Interchange
internal import Networks
internal import Pruning
internal import Results
internal import Torch
public import Training

// The teacher of distillations. It lies beside the model, so that checkpoints hold it: a run that goes on learns from the same numbers,
// whatever has become of the file that they were read from.

extension Experiment {
  /// The distillation of the trainings; nil if they learn from labels alone.
  public var distillation: Distillation? { trainings.lazy.compactMap(\.plan.distillation).first }

  /// - Throws: `PlanError` for trainings that would have no teacher, or several.
  func checkTeacher() throws {
    guard let distillation else { return }
    if meta != nil || sequence != nil {
      throw PlanError("--distill goes with one network on one data set: tasks and sequences of data sets have no one teacher")
    }
    if trainings.contains(where: { $0.plan.distillation.map { $0 != distillation } ?? false }) {
      throw PlanError("the trainings of a run have one teacher and one temperature and weight")
    }
    guard distillation.teacher == nil, start.isFresh else { return }
    let taught = stages.firstIndex { $0.trains?.plan.distillation != nil } ?? 0
    // Weights that were never trained teach nothing.
    guard let first = stages.firstIndex(where: { $0.prunes != nil }), first < taught, stages[..<first].contains(where: { $0.trains != nil })
    else {
      throw PlanError(
        "--distill has no teacher, as no network is trained before the first removal: give --teacher MODEL, or a trained model to prune")
    }
  }

  /// Reads the teacher's file; nil if the network is its own teacher.
  ///
  /// - Throws: `PlanError` for one that takes other inputs or knows other classes, and errors of reading it.
  func givenTeacher(
    for data: TrainingData?, reader: WeightsReader, memory: MemoryLimit, note: (String) -> Void
  ) throws -> Model? {
    guard let distillation, let path = distillation.teacher, let data else { return nil }
    let batch = trainings.map(\.plan.batchSize).max() ?? 1
    let start: Start = ImportedNetwork.isOne(path) ? .imported(path) : .file(path)
    let file = try Experiment(start: start, data: self.data, training: nil)
      .startingFile(for: data.training, reader: reader, note: note) { network, size in
        try network.check([.evaluation(batch: min(batch, data.training.count))], within: memory, elementSize: size)
      }
    if let own = file.preprocessing, own.mean != data.normalization.mean || own.deviation != data.normalization.deviation {
      note("\(path): the teacher was trained on inputs that were normalised otherwise; --mean and --deviation give others")
    }
    return file.model
  }
}

extension Runner {
  private static let prefix = "teacher."

  /// Keeps a copy of a model, from which later trainings learn.
  func keepTeacher(_ teacher: Model) throws {
    state.teacher = teacher.network
    for (name, tensor) in teacher.tensors { aside[Self.prefix + "\(name)"] = try tensor.detached().copied() }
  }

  /// Keeps the model as it is as the teacher, if trainings are to learn from it and a stage is about to remove something first.
  func keepTeacher(before stage: any Stage) throws {
    guard let distillation = experiment.distillation, distillation.teacher == nil, state.teacher == nil else { return }
    if !experiment.start.isFresh || stage.prunes != nil { try keepTeacher(model) }
  }

  /// Returns the teacher of a training; nil if it learns from labels alone.
  ///
  /// - Throws: `RecordError` if a checkpoint kept something else.
  func teacher(of plan: TrainingPlan) throws -> Model? {
    guard plan.distillation != nil else { return nil }
    guard let network = state.teacher else { throw RecordError("it lacks the teacher") }
    var tensors: [ParameterName: Tensor] = [:]
    for (name, shape) in try network.parameterShapes() {
      guard let tensor = aside[Self.prefix + "\(name)"], tensor.shape == shape else {
        throw RecordError("what is kept of the teacher's \(name) does not fit this run")
      }
      tensors[name] = tensor
    }
    return try Model(network: network, tensors: tensors)
  }

  /// The teacher and its part in the loss, for the row.
  var distillationSummary: DistillationSummary? {
    experiment.distillation.map {
      .init(
        temperature: $0.temperature, weight: $0.share(hasLabels: data?.training.isLabelled ?? true), features: $0.features,
        teacher: $0.teacher)
    }
  }
}
