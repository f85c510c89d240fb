internal import Datasets
internal import Files
internal import Foundation
internal import Interruptions
internal import Networks
public import Pruning
internal import Results
internal import Torch
public import Training

/// Carries out an experiment, stage by stage, with a checkpoint after each and in the middle of trainings.
///
/// Killed at any instant and resumed, it ends with the same bytes as an unbroken run. What stages use of it is in
/// `Runner+Stages.swift`.
public final class Runner {
  /// The run as a value; stages read their setting there.
  public let experiment: Experiment
  /// The record so far: trainings, removals, facts about the dense network, what stages found out.
  public internal(set) var state = RunState()
  /// The model as the last stage left it; the stage under way puts its own here.
  public var model: Model
  /// Names of the classes, by index; empty where neither the data set nor the model file has any.
  public let classes: [String]
  /// Input shape and normalization that the model was trained with; nil where neither data nor the model file say.
  public let preprocessing: Preprocessing?
  /// The training, validation and test images; nil where the experiment has no data.
  public let data: TrainingData?

  let options: Options
  // Kept, as writing down many stages takes longer than a removal.
  private let recipe: String
  /// Removes by the experiment's pruning plan; nil where it has none. The same for all stages, as sums over training steps outlast them.
  public private(set) var pruner: Pruner?
  private(set) var resumed: Checkpoint?
  /// The file of the checkpoint that this run wrote, or goes on from.
  private var ownCheckpoint: FileIdentity?
  // Made when first asked for: short runs keep no checkpoint, and it looks at every image.
  private var surroundings: Surroundings?
  // Of the file that the run begins with, which its model may replace.
  private let startChecksum: String?
  private(set) var lastCheckpoint = Date()
  /// Whether there is a checkpoint of this run: it wrote one, or goes on from one.
  public var hasCheckpoint: Bool { ownCheckpoint != nil }

  /// Loads the data and the model, or the checkpoint, and checks that the run can be carried out to its end.
  ///
  /// - Parameter data: images that no catalogue knows, already divided; the experiment's data plan only names them then. nil for those of
  ///   the plan.
  /// - Throws: `PlanError`, `PruningError`, `DatasetError` and what reading model files and checkpoints throws.
  public init(_ experiment: Experiment, on data: TrainingData? = nil, options: Options = Options()) throws {
    self.experiment = experiment
    self.options = options
    try experiment.validate()
    recipe = try experiment.json
    self.data = try data ?? experiment.data?.load(note: options.note)
    let data = self.data
    // Whoever is done may have put the model in the place of what it was made of, which must not be looked at again.
    let saved = Result { try SavedRun(experiment, options) }
    let finished = (try? saved.get()).flatMap { $0.isFinished ? $0 : nil }
    let start =
      try finished?.start(of: experiment)
      ?? experiment.startingFile(for: data?.training, note: options.note) { network, size in
        let work = try experiment.work(images: data?.training.count, evaluated: data?.evaluatedCount ?? 0, of: network)
        try network.check(work, within: options.memory, elementSize: size)
      }
    startChecksum = try finished?.checkpoint.surroundings?.start ?? experiment.startChecksum(for: options)
    // Before a checkpoint is judged: what is refused must not depend on whether there is one.
    if finished == nil { try experiment.check(on: start.model, data) }
    classes = data?.training.classNames ?? start.classes
    preprocessing =
      data.map { Preprocessing(inputShape: $0.training.imageShape, mean: $0.normalization.mean, deviation: $0.normalization.deviation) }
      ?? start.preprocessing
    if let saved = try saved.get(), let path = options.checkpoint {
      state = saved.state
      try RecordError.naming(path, as: "a damaged checkpoint") { [data] in
        try saved.check(against: experiment, starting: start.model, on: data, within: options.memory)
      }
      let surroundings = Surroundings(device: options.device, sparse: options.sparse, data: data, start: startChecksum)
      if let words = try saved.checkpoint.surroundings?.goOn(in: surroundings, from: path, startedWith: experiment.start.path) {
        options.note("\(path) \(words)")
        state.changes = (state.changes ?? []) + [words]
      }
      self.surroundings = surroundings
      model = saved.checkpoint.model
      resumed = saved.checkpoint
      ownCheckpoint = saved.identity
      options.didCheckpoint()
    } else {
      model = start.model
      state.history = start.history
      state.startingWeights = Dictionary(
        try MaskSet(start.model).layers.map { ($0.name, $0.kept) }, uniquingKeysWith: { first, _ in first })
      state.startedFromHistory = start.history.contains { $0.removed.contains { !$0.value.isEmpty } }
    }
  }

  /// Carries out the stages that are left.
  ///
  /// - Throws: ``TrainingError/interrupted(iteration:)`` after a checkpoint; `Interrupted` where none could be made, so that an earlier one
  ///   holds, if there is one (``hasCheckpoint``); and what stages throw.
  public func run() throws {
    let isFresh = state.stage == 0 && resumed == nil
    if isFresh, case .file(let path) = experiment.start { state.startingBytes = try RegularFile(path).size }
    pruner = try experiment.pruning.map(makePruner)
    if let untracedWords { note(untracedWords) }
    if isFresh, experiment.training == nil { try recordDense() }
    let (stages, end) = (experiment.stages, experiment.end)
    while state.stage < stages.count {
      try Interruption.check()
      let stage = stages[state.stage]
      try stage.carryOut(in: self)
      state.stage += 1
      resumed = nil
      // Also after the last one where the model will replace what it was made of: pruned again, it would be another.
      let isDue = state.stage < end || options.replacesInput(of: experiment)
      if stage.isKept, isDue { try checkpoint(training: nil) }
    }
  }

  func checkpoint(training: Trainer.State?) throws {
    guard let path = options.checkpoint else { return }
    let surroundings = surroundings ?? Surroundings(device: options.device, sparse: options.sparse, data: data, start: startChecksum)
    self.surroundings = surroundings
    let progress = try JSONEncoder.records.text(SavedRun.Progress(recipe: recipe, state: state))
    try Checkpoint(model: model, training: training, progress: progress, surroundings: surroundings)
      .write(to: path, asPrivateAs: options.output)
    ownCheckpoint = FileIdentity(path)
    lastCheckpoint = Date()
    options.didCheckpoint()
  }

  /// Removes the checkpoint that this run wrote or went on from: for when all is written and told.
  public func removeCheckpoint() {
    guard let path = options.checkpoint, let ownCheckpoint else { return }
    Checkpoint.remove(path, identity: ownCheckpoint)
  }

  /// The model file that the run ends with.
  public func file() -> ModelFile {
    ModelFile(model: model, history: state.history, preprocessing: preprocessing, classes: classes, recipe: recipe)
  }
}
