internal import Networks
public import Torch
public import Training

/// The training hook that applies a ``TemporaryRemoval``; the ``Pruner`` beside it chooses, and removes nothing.
public final class TemporaryRemovalHook: TrainingHook {
  /// Name of the hook in checkpoints, `temporary`.
  public let name = "temporary"
  /// False: it moves weights after the step.
  public var needsGradients: Bool { false }

  /// The elements of a tensor that a disturbance touches, and what it makes of them.
  private struct Place {
    var name: ParameterName
    /// True where it touches an element, broadcast to the tensor's shape.
    var touched: Tensor
    /// 1 where no removal has chosen an element and no mask prunes it, in the tensor's type and shape; only for noise.
    var free: Tensor?
    /// The value of silence: 0, of a running variance 1.
    var silence = 0.0
  }

  private let temporary: TemporaryRemoval
  private let pruner: Pruner
  private let shapes: [ParameterName: (shape: [Int], type: ElementType?)]
  /// Number of the removal that chose each thing, 0 for none (int32): by the group's name, [width], or the weight's, in its shape.
  private var chosen: [String: Tensor]
  /// Number of steps after which the disturbance is still to be repeated.
  private var left = 0
  /// Tensors before the disturbance, to restore.
  private var before: [ParameterName: Tensor] = [:]
  /// Those of the present disturbance; nil until they are needed.
  private var places: [Place]?

  /// Creates a hook for a model in training.
  ///
  /// - Throws: `NetworkError` from the network's shapes.
  public init(_ temporary: TemporaryRemoval, pruner: Pruner, model: Model) throws {
    self.temporary = temporary
    self.pruner = pruner
    shapes = model.tensors.mapValues { ($0.shape, $0.elementType) }
    chosen =
      if pruner.plan.granularity.isStructured {
        Dictionary(
          uniqueKeysWithValues: try model.network.channelGroups().groups.map { ($0.name, try Tensor.zeros([$0.width], type: .int32)) })
      } else {
        Dictionary(
          uniqueKeysWithValues: try model.network.weights(ignoring: pruner.plan.ignored).map {
            ($0.description, try Tensor.zeros(try model.tensor($0).shape, type: .int32))
          })
      }
  }

  /// Repeats the disturbance while it lasts; what is to be restored is, when it ends.
  public func didStep(_ trainer: Trainer) throws {
    guard left > 0 else { return }
    left -= 1
    try withoutGradients {
      guard left == 0, temporary.kind == .restore else { return try disturb(trainer) }
      for (name, tensor) in before { try trainer.model.tensor(name).detached().copy(from: tensor) }
      before = [:]
    }
  }

  /// Chooses and disturbs after the steps at which the plan removes; the record has the accuracy before and after it.
  ///
  /// - Throws: ``PruningError``; `TrainingError.nonFiniteLoss` if the validation loss is not finite before or after.
  public func didFinishStep(_ trainer: Trainer) throws {
    guard let removals = pruner.plan.removals(in: trainer.span), removals.contains(trainer.iteration) else { return }
    try pruner.willPrune(trainer)
    let accuracy = try trainer.validationBeforeRemoval()
    var pruned = try choose(trainer, of: removals.count)
    places = nil
    try withoutGradients {
      if temporary.kind == .restore {
        before = Dictionary(
          try present(trainer).map { ($0.name, try trainer.model.tensor($0.name).detached().copied()) },
          uniquingKeysWith: { first, _ in first })
      }
      try disturb(trainer)
    }
    left = temporary.hold.iterations(perEpoch: trainer.iterationsPerEpoch)
    pruned.event.before = accuracy
    pruned.event.after = try trainer.evaluateValidation()
    try pruner.didPrune(pruned.event, pruned.removal)
  }

  // MARK: - The choice

  /// Chooses, on a copy from which all that was chosen before has left.
  private func choose(_ trainer: Trainer, of count: Int) throws -> Pruner.Pruned {
    let proves = pruner.proves
    pruner.proves = false
    defer { pruner.proves = proves }
    let (number, model) = (pruner.eventNumber + 1, try trainer.model.moved(to: .cpu))
    var pruned: Pruner.Pruned
    if pruner.plan.granularity.isStructured {
      let numbers = try chosen.mapValues { try $0.array(Int32.self) }
      let gone = SurgeryPlan(removals: numbers.mapValues { list in list.indices.filter { list[$0] > 0 } })
      let rest = try Surgeon.operate(gone, on: model, seed: 0, proves: false).model
      pruned = try pruner.prune(rest, event: number, of: count, iteration: trainer.iteration)
      for (group, places) in pruned.removal.removed {
        guard var list = numbers[group] else { continue }
        let remaining = list.indices.filter { list[$0] == 0 }
        for place in places where place < remaining.count { list[remaining[place]] = Int32(clamping: number) }
        chosen[group] = try Tensor(list, shape: [list.count])
      }
    } else {
      var rest = try model.copied()
      let names = chosen.keys.compactMap(ParameterName.init)
      for name in names { rest.masks[name] = try kept(name, of: model) }
      try rest.applyMasks()
      pruned = try pruner.prune(rest, event: number, of: count, iteration: trainer.iteration)
      for name in names {
        guard let before = rest.masks[name], let after = pruned.model.masks[name], let numbers = chosen[name.description] else { continue }
        let newest = try before.subtracting(after)
        chosen[name.description] = try newest.select(numbers.fullLike(Double(number)), else: numbers)
      }
    }
    pruned.event.isTemporary = true
    // Nothing has left, so that nothing is proved, cut or collapsed.
    (pruned.event.proof, pruned.event.hasConstantOutput, pruned.event.surgerySeconds) = (nil, nil, nil)
    (pruned.event.collapsed, pruned.event.collapse, pruned.event.widths, pruned.event.target) = ([], nil, [:], nil)
    return pruned
  }

  /// Returns a mask of the elements that are there and were never chosen.
  private func kept(_ name: ParameterName, of model: Model) throws -> Tensor {
    let mask = try model.masks[name]?.moved(to: .cpu) ?? model.tensor(name).moved(to: .cpu).detached().onesLike(type: .bool)
    return try chosen[name.description].map { try mask.intersection($0.equal(0)) } ?? mask
  }

  // MARK: - The disturbance

  private func present(_ trainer: Trainer) throws -> [Place] {
    if let places { return places }
    let (model, newest) = (trainer.model, Double(pruner.eventNumber))
    func touched(_ numbers: Tensor) throws -> Tensor {
      try temporary.kind == .restore ? numbers.greater(0) : numbers.equal(newest)
    }
    func place(_ name: ParameterName, _ mask: Tensor, free: Tensor?) throws -> Place {
      let tensor = try model.tensor(name)
      return Place(
        name: name, touched: try mask.moved(to: tensor.device),
        free: temporary.kind == .noise ? try free?.cast(to: tensor.elementType ?? .float32).moved(to: tensor.device) : nil,
        silence: name.role == .runningVariance ? 1 : 0)
    }
    let found: [Place]
    if pruner.plan.granularity.isStructured {
      let index = NetworkIndex(model.network)
      found = try model.network.channelGroups().groups.flatMap { group -> [Place] in
        guard let numbers = chosen[group.name] else { return [] }
        let (now, ever) = (try touched(numbers).array(Bool.self), try numbers.greater(0).array(Bool.self))
        let silences = temporary.kind == .restore
        return try (silences ? group.producers + group.dependents : group.producers).flatMap { member in
          try (silences ? ParameterName.Role.allCases : [.weight]).compactMap { role -> Place? in
            let name = ParameterName(member.module, role)
            guard let tensor = model.tensors[name], let rows = tensor.shape.first else { return nil }
            func column(_ channels: [Bool]) throws -> Tensor {
              var rows = Array(repeating: false, count: rows)
              let features = Set(channels.indices.lazy.filter { channels[$0] }.flatMap { member.features(ofChannel: $0) })
              for row in index.node(named: member.node)?.operation.rows(losing: features) ?? features { rows[row] = true }
              return try Tensor(rows, shape: [rows.count] + Array(repeating: 1, count: tensor.rank - 1))
            }
            let free = try tensor.detached().moved(to: .cpu).onesLike(type: .bool).subtracting(column(ever))
            return try place(name, column(now), free: free)
          }
        }
      }
    } else {
      found = try chosen.sorted { $0.key < $1.key }.compactMap { key, numbers in
        guard let name = ParameterName(key) else { return nil }
        return try place(name, touched(numbers), free: kept(name, of: model))
      }
    }
    places = found
    return found
  }

  private func disturb(_ trainer: Trainer) throws {
    // Drawn from seed and step alone, so that no generator has to be stored.
    let stream = try Generator(seed: SeedPurpose.noise.seed(from: pruner.plan.seed) &+ UInt64(trainer.iteration))
    let model = trainer.model
    for place in try present(trainer) {
      let tensor = try model.tensor(place.name).detached()
      let value: Tensor
      if let free = place.free {
        let noise = try Tensor.empty(tensor.shape, type: tensor.elementType ?? .float32)
        try noise.fillNormal(deviation: deviation(of: tensor, where: free), generator: stream)
        value = try tensor + noise.moved(to: tensor.device)
      } else {
        value = try tensor.fullLike(place.silence)
      }
      try tensor.copy(from: place.touched.select(value, else: tensor))
    }
  }

  /// Returns the sample standard deviation of the elements that are free; 0 for fewer than two.
  private func deviation(of tensor: Tensor, where free: Tensor) throws -> Double {
    let count = try free.sum().item()
    guard count > 1 else { return 0 }
    let mean = try (tensor * free).sum().item() / count
    return try (((tensor - mean) * free).squared().sum().item() / (count - 1)).squareRoot()
  }

  // MARK: - The state

  /// Returns what was chosen, how long the disturbance lasts, and what is to be restored.
  public func state() throws -> [String: Tensor] {
    var state = ["left": try Tensor([Int64(left)], shape: [1])]
    for (key, numbers) in chosen { state["chosen.\(key)"] = numbers }
    for (name, tensor) in before { state["before.\(name)"] = tensor }
    return state
  }

  /// Continues from a state returned by ``state()``.
  ///
  /// - Throws: `RecordError` for a state that cannot belong to the model.
  public func restore(_ state: [String: Tensor]) throws {
    func damaged(_ key: String) -> RecordError { RecordError("its temporary removal is damaged: \(key)") }
    guard !state.isEmpty else { return }
    guard Set(state.keys.filter { !$0.hasPrefix("before.") }) == Set(chosen.keys.map { "chosen.\($0)" } + ["left"]) else {
      throw damaged("its parts")
    }
    guard let steps = state["left"], steps.elementType == .int64, steps.shape == [1],
      let count = try steps.array(Int64.self).first, (0..<1 << 49).contains(count)
    else { throw damaged("left") }
    for (key, fresh) in chosen {
      guard let numbers = try state["chosen.\(key)"]?.moved(to: .cpu), numbers.elementType == .int32, numbers.shape == fresh.shape,
        try numbers.array(Int32.self).allSatisfy({ $0 >= 0 })
      else { throw damaged("chosen.\(key)") }
      chosen[key] = numbers
    }
    before = [:]
    for (key, tensor) in state where key.hasPrefix("before.") {
      guard temporary.kind == .restore, count > 0, let name = ParameterName(String(key.dropFirst("before.".count))),
        let form = shapes[name], tensor.shape == form.shape, tensor.elementType == form.type,
        try tensor.isFinite().logicalNot().sum().item() == 0
      else { throw damaged(key) }
      before[name] = tensor
    }
    left = Int(count)
    places = nil
  }
}

extension Trainer {
  /// Returns the evaluation on the validation set before a removal: that of this step if there was one.
  func validationBeforeRemoval() throws -> Evaluation? {
    let evaluated = log.evaluations.last
    return evaluated?.iteration == iteration ? evaluated?.validation : try evaluateValidation()
  }
}
