internal import Datasets
internal import Networks
internal import Pruning
internal import Results
internal import Torch
internal import Training

// What stages of a sequence of data sets use: the data in use, last layers, accuracies on all data sets.

extension Runner {
  private func plan() throws -> DataSequence {
    guard let sequence = experiment.sequence, !self.sequence.isEmpty else { throw PlanError("there is no sequence of data sets") }
    return sequence
  }

  /// Puts a data set of the sequence in use, for trainings, criteria and evaluations.
  ///
  /// - Parameter segment: number of the training, from 0, for which examples are drawn anew if the plan asks for that, and which does not
  ///   look at test images; nil for the whole data set.
  func use(dataset index: Int, segment: Int? = nil) throws {
    var data = sequence[index]
    if let segment {
      data.test = nil
      if let count = try plan().resample {
        let seed = SeedPurpose.subset.seed(from: try plan().datasets[index].seed)
        data.training = try data.training.resampled(count, seed: seed, draw: segment)
      }
    }
    self.data = data
  }

  /// Returns the model with the last layer of a data set: the one kept of it, or one drawn afresh.
  ///
  /// - Parameter number: number of the training, which distinguishes draws.
  /// - Throws: `RecordError` if a checkpoint kept another layer than this model can have.
  func withHead(of index: Int, number: Int, _ model: Model) throws -> Model {
    let sequence = try plan()
    let classes = self.sequence[index].training.classes
    if let kept = keptHead(of: index) {
      guard let head = model.network.head, case .linear(let layer) = head.operation, kept.weight.shape == [classes, layer.inputs],
        kept.bias.map({ $0.shape == [classes] }) ?? !layer.bias,
        kept.weight.elementType == model.tensors[ParameterName(head.module, .weight)]?.elementType
      else { throw RecordError("what is kept as the last layer for \(sequence.datasets[index].dataset) does not fit this run") }
      return try model.withHead(ModelHead(weight: kept.weight.copied(), bias: kept.bias?.copied()))
    }
    let seed = SeedPurpose.initialization.seed(from: experiment.training?.plan.seed ?? 0) &+ UInt64(index + 1)
    let draw = sequence.heads == .fresh ? UInt64(number) &* 1009 : 0
    return try model.withHead(experiment.initialization.head(of: model.network, outputs: classes, seed: seed &+ draw))
  }

  /// Keeps the model's last layer as that of a data set, to judge by and, if the plan remembers them, to go on with.
  func keepHead(of index: Int) throws {
    guard let head = model.head else { return }
    try aside.setHead(ModelHead(weight: head.weight.detached().copied(), bias: head.bias?.detached().copied()), of: index)
  }

  /// Forgets the last layer of a data set.
  func dropHead(of index: Int) { aside.setHead(nil, of: index) }

  /// The last layer kept of a data set; nil if it has none.
  func keptHead(of index: Int) -> ModelHead? {
    aside["head.\(index).weight"].map { ModelHead(weight: $0, bias: aside["head.\(index).bias"]) }
  }

  /// Cuts the kept last layers as a removal has cut the one in use.
  func cutHeads(by slices: [TensorSlice]) throws {
    guard let module = model.network.head?.module else { return }
    for slice in slices where slice.parameter == ParameterName(module, .weight) && slice.dimension == 1 {
      for (key, tensor) in aside where key.hasPrefix("head.") && key.hasSuffix(".weight") {
        aside[key] = try tensor.indexed(1, slice.keep)
      }
    }
  }

  /// Returns the accuracy of a model on the validation images of each data set that has a last layer, or on test images where there are
  /// none; nil for the others.
  func accuracies(of model: Model) throws -> [Accuracy?] {
    try sequence.indices.map { index in
      guard keptHead(of: index) != nil, let set = sequence[index].validation ?? sequence[index].test else { return nil }
      let whole = try withHead(of: index, number: 0, model)
      return Accuracy(try whole.moved(to: options.device).evaluate(set, sequence[index]), iteration: iterations)
    }
  }
}

extension [String: Tensor] {
  /// Keeps a last layer as that of a data set of the sequence, or forgets it.
  mutating func setHead(_ head: ModelHead?, of index: Int) {
    self["head.\(index).weight"] = head?.weight
    self["head.\(index).bias"] = head?.bias
  }
}

extension Runner {
  /// Returns the accuracy on the training examples in use, or on ``FitHeads/most`` of them, balanced over the classes.
  func trainingAccuracy() throws -> Accuracy? {
    guard let data else { return nil }
    let count = min(data.training.count, FitHeads.most)
    let set = try count < data.training.count ? data.training.subset(count, seed: 0) : data.training
    return Accuracy(try model.moved(to: options.device).evaluate(set, data), iteration: iterations)
  }
}

// MARK: - Votes

extension Runner {
  /// The votes that were cast since the last removal; nil if there are none.
  var ballot: Ballot? {
    get {
      let (votes, scores) = (aside(under: "votes."), aside(under: "scores."))
      return votes.isEmpty ? nil : Ballot(votes: votes, scores: scores)
    }
    set {
      for key in aside.keys where key.hasPrefix("votes.") || key.hasPrefix("scores.") { aside[key] = nil }
      for (name, tensor) in newValue?.votes ?? [:] { aside["votes.\(name)"] = tensor }
      for (name, tensor) in newValue?.scores ?? [:] { aside["scores.\(name)"] = tensor }
    }
  }

  private func aside(under prefix: String) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: aside.filter { $0.key.hasPrefix(prefix) }.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
  }

  /// Keeps the model's weights, from which all branches of a pass begin.
  func keepStart() throws {
    for (name, tensor) in model.tensors { aside["start.\(name)"] = try tensor.detached().copied() }
  }

  /// Returns the model from which the branch began, and no longer keeps it.
  ///
  /// - Throws: `RecordError` if a checkpoint kept other weights than the model can have had.
  func backAtStart() throws -> Model {
    let kept = aside(under: "start.")
    guard let module = model.network.head?.module, let weight = kept["\(ParameterName(module, .weight))"] else {
      throw RecordError("it lacks the weights from which a branch began")
    }
    var back = try model.withHead(ModelHead(weight: weight, bias: kept["\(ParameterName(module, .bias))"]))
    for (name, tensor) in back.tensors {
      guard let first = kept["\(name)"], first.shape == tensor.shape, first.elementType == tensor.elementType else {
        throw RecordError("what is kept of \(name) from the start of a branch does not fit this run")
      }
      back.tensors[name] = first
    }
    for key in aside.keys where key.hasPrefix("start.") { aside[key] = nil }
    return back
  }

  /// Number of units or weights that the plan's removals have left.
  func left() throws -> Int {
    guard let plan = experiment.pruning else { return 0 }
    if plan.granularity.isStructured {
      return try model.network.channelGroups(plan.granularity, ignoring: plan.ignored).reduce(0) { $0 + $1.width }
    }
    return try model.network.weights(ignoring: plan.ignored).reduce(0) { sum, name in
      try sum + (model.masks[name].map { Int(try $0.sum().item()) } ?? model.tensor(name).count)
    }
  }
}
