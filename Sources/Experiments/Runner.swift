internal import Datasets
internal import Files
internal import Foundation
internal import Interruptions
internal import Networks
public import Pruning
internal import Results
public import Torch
public import Training

/// Executes an experiment, stage by stage, with checkpoints between stages and in mid-training.
///
/// Killed at any moment and resumed, a run ends with the same bytes as an uninterrupted one. `Runner+Stages.swift` holds what stages use.
public final class Runner {
  /// The run as a value; stages read its settings.
  public let experiment: Experiment
  /// The record so far: trainings, removals, facts about the dense network, outcomes of stages.
  public internal(set) var state = RunState()
  /// The model as the last stage left it; the current stage replaces it.
  public var model: Model
  /// Names of the classes, by index; empty if neither the data set nor the model file has any.
  public let classes: [String]
  /// Input shape and normalization of the training examples; nil if neither data nor model file give them.
  public let preprocessing: Preprocessing?
  /// The ONNX file that the model came from, in this run or an earlier one; nil for any other.
  public let origin: ONNXOrigin?
  /// The training, validation and test images in use; nil where the experiment has no data.
  public internal(set) var data: TrainingData?
  /// The data sets of a sequence, in its order and in one shape; empty for a run on one data set. The last is in use at the end.
  public let sequence: [TrainingData]
  /// Tensors kept beside the model, which checkpoints hold, e.g. last layers of other data sets.
  public internal(set) var aside: [String: Tensor] = [:]

  private(set) var options: Options
  // Whether our own kernels took steps in this process; nil before the first training.
  var usesOwnKernels: Bool?
  /// The most threads that this process computed with.
  var threads: Int { max(usesOwnKernels == true ? options.kernels.threads ?? 1 : 1, TorchRuntime.threads) }
  // Kept because encoding many stages takes longer than a removal.
  private let recipe: String
  /// The pruner of the experiment's plan; nil without one. All stages share it, because sums over the training steps of one stage are the
  /// scores of the next.
  public private(set) var pruner: Pruner?
  private(set) var resumed: Checkpoint?
  /// Identity of the checkpoint file that this run wrote or resumed from.
  private var ownCheckpoint: FileIdentity?
  // Made on first use: short runs write no checkpoint, and it reads every image.
  private var surroundings: Surroundings?
  // SHA-256 of the file that the run begins with, which its model may replace; nil until a checkpoint needs it, where nothing is trained.
  private let startChecksum: String?
  private(set) var lastCheckpoint = Date()
  /// Whether more work would be lost without a checkpoint than one is willing to repeat, if no interval was given.
  var isCheckpointOverdue: Bool { -lastCheckpoint.timeIntervalSinceNow > 5 }
  /// Whether this run has written a checkpoint or resumed from one.
  public var hasCheckpoint: Bool { ownCheckpoint != nil }

  /// Loads data and model, or the checkpoint, and checks that the run is possible to its end.
  ///
  /// - Parameter data: images of a data set outside the catalogue, already divided, which the experiment's data plan then only names; nil
  ///   to load those of the plan.
  /// - Throws: `PlanError`, `PruningError`, `DatasetError`, and errors of reading model files and checkpoints.
  public init(_ experiment: Experiment, on data: TrainingData? = nil, options: Options = Options()) throws {
    self.experiment = experiment
    self.options = options
    try experiment.validate()
    recipe = try experiment.json
    sequence = try experiment.sequence?.load(for: experiment.start, note: options.note) ?? []
    self.data = try data ?? sequence.last ?? experiment.data?.load(for: experiment.start, takesUnlabelled: true, note: options.note)
    let data = self.data
    let all = Self.all(data, sequence)
    // The model of a finished run may have replaced its own input file, which must not be checked again.
    let saved = Result { try SavedRun(experiment, options) }
    let finished = (try? saved.get()).flatMap { $0.isFinished ? $0 : nil }
    var start =
      try finished?.start(of: experiment)
      ?? experiment.startingFile(
        for: data?.training, reader: options.reader, shaped: DataSequence.shapedName(of: sequence), note: options.note
      ) { network, size in
        let work = try experiment.work(
          images: all.map(\.training.count).max(), evaluated: all.map(\.evaluatedCount).max() ?? 0, of: network)
        try network.check(work, within: options.memory, elementSize: size)
      }
    if finished == nil, let unit = experiment.pruning?.attentionUnit {
      let network = try start.model.network.withAttentionUnit(unit)
      start.model = try Model(network: network, tensors: start.model.tensors, masks: start.model.masks)
    }
    if finished == nil, let plan = experiment.sequence, !experiment.start.isNamed {
      (start, aside) = try plan.exchangingHead(of: start, for: sequence, experiment)
    }
    // Before anything is computed, or compared with what a checkpoint was computed with.
    if let most = options.mostThreads, let batch = experiment.trainings.map(\.plan.batchSize).max() {
      let batch = min(batch, data?.training.count ?? batch)
      // Not one number for both: where a hook needs gradients, libtorch takes steps of a network that is small for it.
      try TorchRuntime.configure(threads: TrainingKernels.libtorch.threads(for: start.model.network, batch: batch, most: most))
      self.options.kernels.threads = try options.kernels.threads(for: start.model.network, batch: batch, most: most)
    }
    let (isNew, trains) = ((try? saved.get()) == nil, experiment.stages.contains { $0.trains != nil })
    startChecksum =
      isNew && !trains ? nil : try finished?.checkpoint.surroundings?.start ?? experiment.startChecksum(for: options)
    // Before the checkpoint is checked: what is refused must not depend on whether there is one.
    if finished == nil {
      try experiment.check(on: start.model, data)
      try experiment.sequence?.check(on: start.model, sequence, training: experiment.training?.plan, pruning: experiment.pruning)
    }
    // What a task's outputs stand for changes from task to task.
    classes = experiment.outputs == nil ? data?.training.classNames ?? start.classes : []
    preprocessing = data?.preprocessing ?? start.preprocessing
    origin = start.origin
    if let saved = try saved.get(), let path = options.checkpoint {
      state = saved.state
      try RecordError.naming(path, as: "a damaged checkpoint") {
        try saved.check(against: experiment, starting: start.model, on: all, within: options.memory)
      }
      let surroundings = try Surroundings(device: options.device, kernels: options.kernels, data: all, start: startChecksum)
      let (reached, isPruned) = (saved.checkpoint.model, !saved.checkpoint.model.masks.isEmpty || !state.events.isEmpty)
      let usesOwnKernels =
        experiment.meta == nil
        && experiment.trainings.contains {
          options.kernels.mayTrain(reached.network, by: $0.plan, on: data, isPruned: isPruned)
        }
      if let words = try saved.checkpoint.surroundings?.goOn(
        in: surroundings, from: path, startedWith: experiment.start.path, usesOwnKernels: usesOwnKernels)
      {
        options.note("\(path) \(words)")
        state.changes = (state.changes ?? []) + [words]
      }
      self.surroundings = surroundings
      model = saved.checkpoint.model
      resumed = saved.checkpoint
      aside = saved.checkpoint.aside
      ownCheckpoint = saved.identity
      options.didCheckpoint()
    } else {
      model = start.model
      state.history = start.history
      state.startingWeights = Dictionary(
        try MaskSet(start.model).layers.map { ($0.name, $0.kept) }, uniquingKeysWith: { first, _ in first })
      state.startedFromHistory = start.history.contains { $0.removed.contains { !$0.value.isEmpty } }
      if let teacher = try experiment.givenTeacher(for: data, reader: options.reader, memory: options.memory, note: options.note) {
        try experiment.distillation?.checkFeatures(of: teacher.network, for: model.network)
        try keepTeacher(teacher)
      } else {
        try experiment.distillation?.checkFeatures(of: model.network, for: model.network)
      }
    }
  }

  /// Executes the remaining stages.
  ///
  /// - Throws: ``TrainingError/interrupted(iteration:)`` after a checkpoint; `Interrupted` if none could be written, so that an earlier
  ///   one, if any, still holds (``hasCheckpoint``); and errors of stages.
  public func run() throws {
    let isFresh = state.stage == 0 && resumed == nil
    for observer in options.observers { try observer.begin(after: state.moments) }
    if isFresh, !experiment.start.isNamed, let path = experiment.start.path { state.startingBytes = try RegularFile(path).size }
    try preparePruner()
    if let untracedWords { note(untracedWords) }
    if isFresh, experiment.training == nil { try recordDense() }
    let (stages, end) = (experiment.stages, experiment.end)
    let trains = stages.contains { $0.trains != nil }
    var isUnkept = false
    while state.stage < stages.count {
      do { try Interruption.check() } catch {
        if isUnkept { try checkpoint(training: nil) }
        throw error
      }
      let stage = stages[state.stage]
      try keepTeacher(before: stage)
      try stage.carryOut(in: self)
      state.stage += 1
      resumed = nil
      // Also after the last stage if the model will replace its input file: pruned again, it would be another model. Without training,
      // stages take less time than to store what they did, so that this waits until it has become long, or until the run is stopped.
      let isLong = trains || options.checkpointEvery != nil || isCheckpointOverdue
      let isDue = state.stage < end ? isLong : options.replacesInput(of: experiment)
      if stage.isKept, isDue { try checkpoint(training: nil) }
      if stage.isKept { isUnkept = !isDue && state.stage < end }
    }
  }

  /// The data sets of the sequence, or the only one.
  private static func all(_ data: TrainingData?, _ sequence: [TrainingData]) -> [TrainingData] {
    sequence.isEmpty ? data.map { [$0] } ?? [] : sequence
  }

  func preparePruner() throws { pruner = try experiment.pruning.map(makePruner) }

  func checkpoint(training: Trainer.State?) throws {
    guard let path = options.checkpoint else { return }
    let surroundings =
      try surroundings
      ?? Surroundings(
        device: options.device, kernels: options.kernels, data: Self.all(data, sequence),
        start: startChecksum ?? experiment.startChecksum(for: options))
    self.surroundings = surroundings
    for observer in options.observers { try observer.synchronize() }
    let progress = try JSONEncoder.records.text(SavedRun.Progress(recipe: recipe, state: state))
    try Checkpoint(model: model, training: training, progress: progress, surroundings: surroundings, aside: aside)
      .write(to: path, asPrivateAs: options.output)
    ownCheckpoint = FileIdentity(path)
    lastCheckpoint = Date()
    options.didCheckpoint()
  }

  /// Removes the checkpoint that this run wrote or resumed from; to be called once the results are written and shown.
  public func removeCheckpoint() {
    guard let path = options.checkpoint, let ownCheckpoint else { return }
    Checkpoint.remove(path, identity: ownCheckpoint)
  }

  /// Returns the final model with history, preprocessing, class names, recipe and origin.
  public func file() -> ModelFile {
    ModelFile(
      model: model, history: state.history, preprocessing: preprocessing, classes: classes, recipe: recipe, origin: origin)
  }
}
