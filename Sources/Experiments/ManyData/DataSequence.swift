internal import Datasets
internal import Networks
internal import Pruning
internal import Torch
public import Training

/// Data sets that one backbone is trained on in turn, each with a last layer of its own.
public struct DataSequence: Codable, Hashable, Sendable {
  /// What becomes of a data set's last layer while others are trained on.
  public enum Heads: String, Codable, Hashable, Sendable, CaseIterable {
    /// It is kept, loses the inputs that removals take, and goes on when its data set comes again.
    case remembered
    /// It is drawn afresh each time.
    case fresh
  }

  /// The data sets of a pass, in order.
  public var datasets: [DataPlan]
  /// Number of times that each is trained on.
  public var passes: Int
  /// What becomes of last layers.
  public var heads: Heads
  /// What decides which things leave.
  public var keepIf: KeepRule
  /// Number of training examples drawn anew with replacement for each training; nil for all of them.
  public var resample: Int?
  /// The fit of last layers alone at the end.
  public var headFit: HeadFit

  /// Creates a sequence; every parameter sets the property of the same name.
  public init(
    datasets: [DataPlan], passes: Int = 2, heads: Heads = .remembered, keepIf: KeepRule = .all, resample: Int? = nil,
    headFit: HeadFit = HeadFit()
  ) {
    self.datasets = datasets
    self.passes = passes
    self.heads = heads
    self.keepIf = keepIf
    self.resample = resample
    self.headFit = headFit
  }

  /// Number of trainings, one after the other.
  public var segments: Int {
    let (product, overflow) = datasets.count.multipliedReportingOverflow(by: passes)
    return overflow ? .max : product
  }

  /// Number of removals: between trainings, or one before each pass if data sets vote.
  public var removals: Int { keepIf == .all ? segments - 1 : passes }

  /// Number of data sets that must keep a thing; nil if they do not vote.
  var quorum: Int? {
    keepIf == .all ? nil : keepIf.quorum(of: datasets.count)
  }

  /// Checks the sequence by itself.
  ///
  /// - Throws: `PlanError` for impossible numbers.
  public func validate() throws {
    guard (1...100).contains(datasets.count) else {
      throw PlanError("a sequence of \(datasets.count) data sets is impossible: give 1 to 100")
    }
    guard (1...10_000).contains(passes) else { throw PlanError("--passes \(passes) is impossible: give 1 to 10000") }
    guard keepIf != .all || segments > 1 else {
      throw PlanError("one data set in one pass leaves no removal between trainings: give --passes 2 or more")
    }
    if let twice = datasets.indices.first(where: { place in datasets[..<place].contains { $0.dataset == datasets[place].dataset } }) {
      throw PlanError("--datasets names \(datasets[twice].dataset) twice: --passes repeats the whole sequence")
    }
    if let quorum {
      guard datasets.count > 1 else { throw PlanError("--keep-if \(keepIf) needs several data sets to vote: give --datasets") }
      guard (1...datasets.count).contains(quorum) else {
        throw PlanError("--keep-if \(keepIf) is impossible: of \(datasets.count) data sets, give 1 to \(datasets.count)")
      }
    }
    if let resample, !(1...10_000_000).contains(resample) {
      throw PlanError("--resample \(resample) is impossible: give 1 to 10000000 examples")
    }
    try headFit.validate()
  }

  /// Loads all data sets and brings their images to one shape.
  ///
  /// - Throws: `DatasetError` for missing files, and for examples that cannot have one shape.
  func load(for start: Experiment.Start, note: (String) -> Void) throws -> [TrainingData] {
    let loaded = try datasets.map { try $0.load(for: start, isShared: true, note: note) }
    let shape = try sharedShape(of: loaded, start)
    return try loaded.map { try $0.adapted(to: shape) }
  }

  /// The shape that all data sets get: the one that a model file takes, or the largest number of channels, height and width among them.
  private func sharedShape(of data: [TrainingData], _ start: Experiment.Start) throws -> [Int] {
    if case .file = start, let shape = try start.inputs().preprocessing?.inputShape { return shape }
    guard let first = data.first?.training.shape, first.count == 3 else { return data.first?.training.shape ?? [] }
    return data.reduce(first) { shape, data in
      data.training.shape.count == 3 ? zip(shape, data.training.shape).map { max($0, $1) } : shape
    }
  }

  /// Returns what error messages about shapes call the last data set: by which others it got its shape.
  static func shapedName(of data: [TrainingData]) -> String? {
    guard let last = data.last?.training, last.adaptation != nil else { return nil }
    let models = data.map(\.training).filter { $0.adaptation == nil }.map(\.name)
    let shape = models.isEmpty ? "the largest shape" : "the shape of \(models.joined(separator: " and "))"
    return "\(last.name), brought to \(shape),"
  }

  /// Checks, before the first step, that a model can be trained on all data sets.
  func check(on model: Model, _ data: [TrainingData], training: TrainingPlan?, pruning: PruningPlan? = nil) throws {
    guard let head = model.network.head?.module else {
      throw PlanError("a data set of a sequence has a last layer of its own: \(model.network.name) does not end in a linear layer")
    }
    if let pruning, pruning.granularity == .weight,
      try model.network.weights(ignoring: pruning.ignored).contains(where: { $0.module == head })
    {
      throw PlanError("weights of the last layer belong to one data set: add \(head) to the layers that are left alone")
    }
    for (plan, data) in zip(datasets, data) {
      guard data.validation != nil || data.test != nil else {
        throw PlanError("\(plan.dataset) has neither validation nor test images, by which a sequence is judged: give --validation")
      }
      try training?.checkBatches(for: model.network, of: min(resample ?? data.training.count, data.training.count))
    }
  }

  /// Returns a model file with the last layer of the data set at the end, drawn afresh, and, to be kept aside, its own one as that of the
  /// data set with the same classes, if there is one and nothing of it is masked.
  func exchangingHead(
    of file: ModelFile, for data: [TrainingData], _ experiment: Experiment
  ) throws -> (file: ModelFile, aside: [String: Tensor]) {
    guard let classes = data.last?.training.classes, let head = file.model.network.head, let own = file.model.head else {
      return (file, [:])
    }
    var (result, aside) = (file, [String: Tensor]())
    let isWhole = file.model.masks.keys.allSatisfy { $0.module != head.module }
    if isWhole, let index = data.firstIndex(where: { $0.training.classNames == file.classes }) {
      aside.setHead(own, of: index)
    }
    let seed = SeedPurpose.initialization.seed(from: experiment.training?.plan.seed ?? 0)
    result.model = try file.model.withHead(experiment.initialization.head(of: file.model.network, outputs: classes, seed: seed))
    return (result, aside)
  }

  /// Description, e.g. `2 passes over 3 data sets, last layers remembered`.
  var words: String {
    let over = "\(passes) pass\(passes == 1 ? "" : "es") over \(datasets.count) data set\(datasets.count == 1 ? "" : "s")"
    let rule = quorum.map { ", kept if \($0) of \(datasets.count) keep it" } ?? ""
    let drawn = resample.map { ", \($0) examples drawn with replacement for each training" } ?? ""
    return over + rule + drawn + ", last layers \(heads == .remembered ? "remembered" : "drawn afresh")"
  }
}
