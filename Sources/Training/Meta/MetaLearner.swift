public import Datasets
public import Networks
public import Torch

/// A task as tensors.
public struct MetaTask {
  /// Batches of the inner steps, used in turn.
  public var support: [Batch]
  /// The batch whose loss the outer update looks at; Reptile does not.
  public var query: Batch

  /// Creates a task; every parameter sets the property of the same name.
  public init(support: [Batch], query: Batch) {
    self.support = support
    self.query = query
  }
}

/// Learns weights from which few steps lead to the solution of any task, by Reptile, MAML of first or second order, or MLDG.
///
/// All tasks share one executor and one set of inner weights. Inner steps are plain SGD; pruned elements stay exactly 0 in them, so that
/// gradients are those of the pruned network. Batch norms use batch statistics and update the running ones. Cost of an outer step, in
/// forward and backward passes: T·k for Reptile (T tasks of k inner steps), T·(k + 1) for first-order MAML; second order adds about one
/// more backward and forward pass for each inner step.
///
/// With ``TaskGates`` weights are multiplied by gates drawn anew for each pass, and ln α is learned as weights are: inner steps move it by
/// its scaled gradient, the outer update moves its start, Reptile's to the mean of the tasks', that of the others by a step like an inner
/// one, whatever optimizer moves the weights.
public final class MetaLearner {
  /// The plan that it follows.
  public let plan: MetaPlan
  /// The model in training: θ, from which every task starts.
  public let model: Model
  /// The outer optimizer, which holds pruned elements at exactly 0.
  public let optimizer: Optimizer
  private let dropout: Generator
  private let executor: Executor
  private let gates: (any TaskGates)?
  /// Places of the gated weights among the trained tensors.
  private let gatedPlaces: [Int]
  /// What tasks start from: the model's trained tensors, and ln α last if there are gates.
  private let start: [Tensor]
  /// Of pruned tensors, the mask in the tensor's own type.
  private let kept: [Tensor?]
  /// What the outer optimizer moves in place of the model's own tensors: the same, with values where those are pruned; nil unless prune
  /// steps are passed straight through.
  private let hidden: [Tensor]?
  /// Inner weights with their optimizer, and ln α last, for updates of first order; nil for those of second order, whose inner weights belong to the graph.
  private let inner: (weights: [Tensor], optimizer: Optimizer)?
  /// Sums of outer gradients, for updates of first order.
  private let sums: [Tensor]

  /// Prepares the learning of a copy of a model.
  ///
  /// - Parameters:
  ///   - optimizer: the outer optimizer; Reptile's rule is SGD without momentum, its learning rate ε.
  ///   - state: the optimizer's state to go on from; none to begin.
  ///   - hidden: values of tensors where they are pruned, for ``PruneGradient/straightThrough``; 0 where none are given.
  ///   - gates: gates on some of the weights; nil for none.
  ///   - dropout: the stream of dropout.
  /// - Throws: ``PlanError`` for an impossible plan or state.
  public init(
    _ plan: MetaPlan, optimizer: OptimizerPlan, model: Model, state: Optimizer.State? = nil,
    hidden: [ParameterName: Tensor] = [:], gates: (any TaskGates)? = nil, dropout: Generator
  ) throws {
    try plan.validate()
    self.plan = plan
    self.dropout = dropout
    let model = try model.laidOutForTraining(on: .cpu)
    self.model = model
    let passesThrough = plan.pruneGradient == .straightThrough && !model.masks.isEmpty
    let moved = passesThrough ? try model.uncovered(by: hidden) : model
    self.optimizer = try Optimizer(optimizer, model: moved, state: state ?? .init(stepCount: 0, moments: [:]))
    let names = self.optimizer.names
    self.gates = gates
    gatedPlaces = gates?.gated.compactMap(names.firstIndex) ?? []
    let weights = try names.map(model.tensor)
    start = weights + (gates.map { [$0.logits] } ?? [])
    self.hidden = passesThrough ? try names.map(moved.tensor) : nil
    kept = try names.map { name in try model.masks[name].map { try $0.cast(to: model.tensor(name).elementType ?? .float32) } }
    if plan.update.isSecondOrder {
      executor = try Executor(model)
      inner = nil
      sums = []
    } else {
      // Running statistics are not copied: those of all tasks flow into the model's own.
      var copy = model
      func leaf(_ tensor: Tensor) throws -> Tensor {
        let own = try tensor.detached().copied()
        try own.requireGradient()
        return own
      }
      for (name, tensor) in zip(names, weights) { copy.tensors[name] = try leaf(tensor) }
      executor = try Executor(copy)
      inner = (
        try names.map(copy.tensor) + (gates.map { [try leaf($0.logits)] } ?? []), try Optimizer(.sgd(momentum: 0), model: copy)
      )
      sums = try start.map { try $0.detached().zerosLike() }
    }
  }

  /// Takes an outer step over some tasks.
  ///
  /// - Returns: the tasks' mean loss: that of the query after the inner steps, for Reptile that of the last inner step before it.
  /// - Throws: ``TrainingError/nonFiniteTaskLoss(iteration:innerRate:learningRate:)``.
  public func step(on tasks: [MetaTask], learningRate: Double) throws -> Double {
    let loss = try accumulateGradients(of: tasks)
    guard loss.isFinite else {
      throw TrainingError.nonFiniteTaskLoss(
        iteration: optimizer.stepCount + 1, innerRate: plan.innerRate, learningRate: learningRate)
    }
    if let logits = gates?.logits {
      // The outer gradient of Reptile is a distance already.
      let isDistance = plan.update == .reptile
      try moveLogits(logits, learningRate: isDistance ? learningRate : plan.innerRate, scaled: !isDistance)
    }
    guard let hidden else {
      try optimizer.step(learningRate: learningRate)
      return loss
    }
    // Tensors that are not pruned are the model's own.
    let pruned = zip(optimizer.names, zip(start, hidden)).compactMap { name, pair in
      model.masks[name].map { (mask: $0, shown: pair.0, hidden: pair.1) }
    }
    for part in pruned {
      guard let gradient = part.shown.gradient else { continue }
      try part.hidden.adoptGradient(gradient)
      try part.shown.clearGradient()
    }
    try optimizer.step(learningRate: learningRate)
    try withoutGradients {
      for part in pruned { try part.shown.copy(from: part.mask.select(part.hidden, else: part.hidden.zerosLike())) }
    }
    return loss
  }

  /// How far an outer step moves ln α of gates for a scaled gradient of 1 in all passes.
  public func gain(learningRate: Double) -> Double {
    plan.update == .reptile ? learningRate * plan.innerRate * Double(plan.innerSteps) : plan.innerRate
  }

  /// The pruned tensors with what the outer updates have made of their pruned elements; empty unless prune steps are passed straight through.
  public var hiddenTensors: [ParameterName: Tensor] {
    guard let hidden else { return [:] }
    return Dictionary(uniqueKeysWithValues: zip(optimizer.names, hidden).filter { model.masks[$0.0] != nil })
  }

  /// Computes the outer gradient, the mean over the tasks, as the gradient of the model's tensors; Reptile's is θ − mean θ_i.
  ///
  /// - Returns: the loss that ``step(on:learningRate:)`` returns.
  public func accumulateGradients(of tasks: [MetaTask]) throws -> Double {
    let share = 1 / Double(max(tasks.count, 1))
    if let inner {
      for sum in sums { try sum.fill(0) }
      let loss = try tasks.reduce(0.0) { try $0 + share * firstOrder($1, inner.weights, inner.optimizer, share: share) }
      for (index, sum) in sums.enumerated() {
        if plan.update == .reptile { try sum.accumulate(start[index].detached()) }
        try start[index].adoptGradient(sum)
      }
      return loss
    }
    return try tasks.reduce(0.0) { try $0 + share * (plan.update == .mldg ? pseudoTested($1, share: share) : adapted($1, share: share)) }
  }

  /// Makes a forward pass with given weights, and ln α last if there are gates, and returns the loss to descend: that of the data, and the
  /// penalty on open gates.
  private func loss(on batch: Batch, _ parameters: [Tensor]) throws -> (whole: Tensor, data: Tensor) {
    guard let gates, let logits = parameters.last else {
      let loss = try executor.substituting(parameters) { try dataLoss(batch) }
      return (loss, loss)
    }
    var products = Array(parameters.dropLast())
    for (place, factor) in zip(gatedPlaces, try gates.factors(logits)) { products[place] = try products[place] * factor }
    let loss = try executor.substituting(products) { try dataLoss(batch) }
    return (try gates.penalty(logits).map { try loss + $0 } ?? loss, loss)
  }

  private func dataLoss(_ batch: Batch) throws -> Tensor {
    try executor.forward(batch.inputs, mode: .training(dropout)).crossEntropy(batch.labels)
  }

  /// Takes a step of ln α along its accumulated gradient, and clears that.
  private func moveLogits(_ logits: Tensor, learningRate: Double, scaled: Bool = true) throws {
    guard let gates, let gradient = logits.gradient else { return }
    try withoutGradients { try logits.detached().accumulate(scaled ? gradient * gates.scale : gradient, scale: -learningRate) }
    try logits.clearGradient()
  }

  /// Returns a copy of what the inner steps on a task lead to, without running statistics of its own: those flow into ``model``.
  ///
  /// - Throws: ``PlanError`` for updates of second order, whose steps belong to a graph.
  public func solve(_ task: MetaTask) throws -> Model {
    guard let inner else { throw PlanError("the steps of \(plan.update.rawValue) belong to a graph") }
    _ = try descend(task, inner.weights, inner.optimizer)
    var solved = model
    for (name, weight) in zip(optimizer.names, inner.weights) { solved.tensors[name] = try weight.detached() }
    return try solved.copied()
  }

  /// Takes the inner steps of a task from θ; returns the last one's loss for Reptile.
  private func descend(_ task: MetaTask, _ parameters: [Tensor], _ optimizer: Optimizer) throws -> Double {
    for (parameter, start) in zip(parameters, start) { try parameter.copy(from: start) }
    var last = 0.0
    for step in 0..<plan.innerSteps {
      let loss = try loss(on: task.support[step % task.support.count], parameters)
      if plan.update == .reptile, step == plan.innerSteps - 1 { last = try loss.data.item() }
      try loss.whole.backward()
      try optimizer.step(learningRate: plan.innerRate)
      if gates != nil, let logits = parameters.last { try moveLogits(logits, learningRate: plan.innerRate) }
    }
    return last
  }

  /// Adds a task's share to the sums: −θ_i, or the query's gradient at θ_i.
  private func firstOrder(_ task: MetaTask, _ parameters: [Tensor], _ optimizer: Optimizer, share: Double) throws -> Double {
    let last = try descend(task, parameters, optimizer)
    if plan.update == .reptile {
      for (sum, parameter) in zip(sums, parameters) { try sum.accumulate(parameter.detached(), scale: -share) }
      return last
    }
    let loss = try loss(on: task.query, parameters)
    try loss.whole.backward()
    for (sum, parameter) in zip(sums, parameters) {
      guard let gradient = parameter.gradient else { continue }
      try sum.accumulate(gradient, scale: share)
      try parameter.clearGradient()
    }
    return try loss.data.item()
  }

  /// Adds a task's share of the gradient through its inner steps.
  private func adapted(_ task: MetaTask, share: Double) throws -> Double {
    var parameters = start
    for step in 0..<plan.innerSteps { try descend(&parameters, loss(on: task.support[step % task.support.count], parameters).whole) }
    let loss = try loss(on: task.query, parameters)
    try (loss.whole * share).backward()
    return try loss.data.item()
  }

  /// Adds a task's share of the gradient of L_train(θ) + β·L_test(θ − α∇L_train(θ)).
  private func pseudoTested(_ task: MetaTask, share: Double) throws -> Double {
    var parameters = start
    let training = try loss(on: task.support[0], parameters).whole
    try descend(&parameters, training)
    let test = try loss(on: task.query, parameters)
    try ((training + test.whole * plan.pseudoTest) * share).backward()
    return try test.data.item()
  }

  /// Takes an SGD step that can itself be differentiated.
  private func descend(_ parameters: inout [Tensor], _ loss: Tensor) throws {
    let gradients = try Tensor.gradients(of: [loss], by: parameters, createGraph: true)
    for (index, gradient) in gradients.enumerated() {
      guard let gradient else { continue }
      let factor = index < kept.count ? kept[index] : gates?.scale
      let step = try factor.map { try gradient * $0 } ?? gradient
      parameters[index] = try parameters[index].adding(step, scale: -plan.innerRate)
    }
  }
}

extension Model {
  /// Returns the model without masks, its pruned elements with the values that other tensors have there.
  public func uncovered(by others: [ParameterName: Tensor]) throws -> Model {
    var result = self
    result.masks = [:]
    for (name, mask) in masks {
      // In this tensor's own layout.
      let own = try tensor(name).detached().copied()
      if let other = try others[name]?.detached() { try own.copy(from: mask.select(own, else: other)) }
      try own.requireGradient()
      result.tensors[name] = own
    }
    return result
  }
}
