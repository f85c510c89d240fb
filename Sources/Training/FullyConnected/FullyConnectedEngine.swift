internal import CSparse
internal import Datasets
internal import Networks
internal import SparseRuntime
internal import Torch

/// Number of examples in a panel.
let panelSize = CS_PANEL

/// Trains and evaluates a fully connected network without libtorch: each layer with all its weights, or with the kept ones only.
///
/// A batch is processed in panels of 64 examples, feature by feature. Weights and moments live here; ``lend()`` writes them to the
/// tensors of model and optimizer when other code asks for those and may change them, and the next use reads them again. Nothing is
/// allocated in a step, no gradient of a dense layer's weights ever reaches memory, and that of the network's input is not computed.
///
/// Units that no living unit reads are left out where that is exact, and inputs that no weight reads are never fetched. Denormals are
/// flushed to 0. The bits do not depend on the number of threads.
final class FullyConnectedEngine {
  private let kernels: UnsafePointer<cs_kernels>
  private let parameters: PackedParameters
  private let team: WorkerTeam
  private var chain: cs_chain
  private var isLent = false
  private var isAhead = false
  private let clock = ContinuousClock()
  private var timeOfLoss = Duration.zero

  private let values: ElementValues
  // What `chain` points to.
  private let layers: Block<cs_chain_layer>
  private let groups: Block<UInt16>
  private let shares: [Block<cs_share>]
  private let memory: [Block<Float>]
  private let addresses: [Block<UnsafeMutablePointer<Float>>]
  private let outcomes: Block<cs_outcome>
  /// The factors of the next step, [1, inputs], by the weight that they multiply; a gated training writes them.
  let factors: [ParameterName: Tensor]
  private let factorGradients: [ParameterName: (layer: UInt32, tensor: Tensor, elements: UnsafeMutablePointer<Float>)]
  private let reaches: [Block<Float>]

  private var evaluationOutcomes = Block<cs_outcome>(count: 0, repeating: cs_outcome())

  /// Creates an engine for a model; nil if the kernels cannot run it, or if libtorch is to run everything.
  ///
  /// - Parameters:
  ///   - optimizer: the optimizer whose moments the engine takes over.
  ///   - evaluated: further sets that will be evaluated.
  ///   - gates: the hook that multiplies weights by factors; only factors of inputs are possible here, and layers are then dense.
  ///   - team: the threads that compute.
  init?(
    _ policy: TrainingKernels, model: Model, optimizer: Optimizer, data: TrainingData, batchSize: Int, evaluated: [ExampleSet],
    gates: (any WeightGates)? = nil, team makeTeam: () -> WorkerTeam?
  ) throws {
    let images = data.training
    guard policy.choice != .libtorch, let form = policy.form ?? KernelForm.available.last, let kernels = form.trainingKernels,
      let chain = FullyConnectedChain(model.network), let inputs = chain.widths.first, let classes = chain.widths.last,
      images.exampleSize == inputs,
      // The value of an element depends on its channel, so on the height and width of the training images.
      ([images] + evaluated).allSatisfy({
        $0.isResident && $0.shape == images.shape && $0.elementType == images.elementType && $0.classes <= classes
      }),
      model.tensors.values.allSatisfy({ $0.device == .cpu && $0.elementType == .float32 }),
      gates?.gated.values.allSatisfy({ $0 == .inputs }) ?? true, let team = makeTeam()
    else { return nil }
    self.kernels = kernels
    self.team = team
    parameters = try PackedParameters(chain, model: model, optimizer: optimizer) { density in
      switch policy.choice {
      case _ where gates != nil: false
      case .sparse: true
      case .dense, .libtorch: false
      case .automatic: density <= form.crossover
      }
    }
    values = try ElementValues(images, data.normalization)

    let panels = (min(batchSize, images.count) + panelSize - 1) / panelSize
    func blocks(_ features: [Int]) -> [Block<Float>] { features.map { Block(count: $0 * panelSize * panels, repeating: 0) } }
    let widest = chain.widths.dropFirst().max() ?? 0
    let memory = [
      blocks(Array(repeating: inputs, count: team.threads)), blocks(Array(chain.widths.dropFirst())),
      blocks(Array(chain.widths.dropFirst())),
      blocks(Array(repeating: max(panelSize, 2 * widest), count: team.threads)),
    ]
    addresses = memory.map { Block($0.map(\.pointer)) }
    self.memory = memory.flatMap(\.self)
    var shares: [Block<cs_share>] = []
    var factors: [ParameterName: Tensor] = [:]
    var factorGradients: [ParameterName: (layer: UInt32, tensor: Tensor, elements: UnsafeMutablePointer<Float>)] = [:]
    var reaches: [Block<Float>] = []
    let gated = gates?.gated ?? [:]
    layers = Block(
      try zip(parameters.layers, chain.layers).enumerated().map { number, both in
        let (layer, chained) = both
        let (rows, columns) = (layer.weights.rowShares(team), layer.weights.columnShares(team))
        shares += [rows, columns]
        var structure: UnsafePointer<cs_structure>?
        var matrix = cs_matrix()
        switch layer.weights {
        case .sparse(let stored): structure = UnsafePointer(stored.layout.pointer)
        case .dense(let stored): matrix = stored.layout
        }
        let name = ParameterName(chained.module, .weight)
        var (factor, reach): (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?) = (nil, nil)
        if gated[name] != nil, case .dense(let stored) = layer.weights {
          let (own, gradient) = (try Tensor.ones([1, stored.width]), try Tensor.zeros([1, stored.width]))
          let sums = Block<Float>(count: (stored.height + Int(CS_REACH) - 1) / Int(CS_REACH) * stored.stride, repeating: 0)
          guard let elements = try gradient.withElements(Float.self, { $0.baseAddress }) else {
            throw TorchError("gates: a layer has no input")
          }
          factor = try own.withElements(Float.self) { UnsafePointer($0.baseAddress) }
          reach = sums.pointer
          factors[name] = own
          factorGradients[name] = (UInt32(number), gradient, elements)
          reaches.append(sums)
        }
        return cs_chain_layer(
          structure: structure, matrix: matrix, input_count: UInt32(chained.linear.inputs), output_count: UInt32(chained.linear.outputs),
          values: layer.values, bias: layer.bias ?? 0, has_bias: layer.bias == nil ? 0 : 1, bias_rows: layer.biasRows.pointer,
          bias_count: UInt32(layer.biasRows.count), rows: rows.pointer, columns: columns.pointer, factors: factor, reach: reach)
      })
    self.shares = shares
    (self.factors, self.factorGradients, self.reaches) = (factors, factorGradients, reaches)
    outcomes = Block(count: panels, repeating: cs_outcome())
    // Inputs are fetched 16 at a time; groups of which no weight reads any are left out.
    let read: [Int] =
      switch parameters.layers.first?.weights {
      case .sparse(let structure): structure.columns
      default: Array(0..<inputs)
      }
    groups = Block(Set(read.map { UInt16($0 / 16) }).sorted())
    self.chain = cs_chain(
      kernels: kernels, team: team.pointer, layer_count: UInt32(layers.count), share_count: UInt32(team.threads), layers: layers.pointer,
      groups: groups.pointer, group_count: UInt32(groups.count), parameters: parameters.pointers, inputs: addresses[0].pointer,
      outputs: addresses[1].pointer, deltas: addresses[2].pointer, scratch: addresses[3].pointer, outcomes: outcomes.pointer)
  }

  /// Whether a layer is stored without its pruned weights.
  var isSparse: Bool { parameters.layers.contains { if case .sparse = $0.weights { true } else { false } } }

  /// Brings the tensors of model and optimizer up to date, for other code to read or change.
  func lend() {
    if isAhead { parameters.distribute() }
    isAhead = false
    isLent = true
  }

  private func takeBack() {
    if isLent { parameters.collect() }
    isLent = false
  }

  private func withExamples<Result>(_ examples: StoredExamples, _ body: (UnsafePointer<cs_examples>) -> Result) -> Result? {
    guard let positions = examples.positions.baseAddress, let labels = examples.labels.baseAddress else { return nil }
    var passed = cs_examples(
      images: values.images(examples.elements), positions: positions, labels: labels, count: UInt32(examples.count),
      following: UInt32(examples.following))
    return body(&passed)
  }

  /// Computes the mean loss of a batch and, for ``update(_:learningRate:step:count:)``, its gradients with respect to the logits.
  func loss(of examples: StoredExamples, labelSmoothing: Double) -> Double {
    takeBack()
    team.useFastest()
    let started = clock.now
    let outcome = withExamples(examples) { cs_chain_loss(&chain, $0, labelSmoothing) }
    timeOfLoss = clock.now - started
    return (outcome?.loss ?? 0) / Double(max(examples.count, 1))
  }

  /// Updates the weights for the batch of `count` examples whose loss was computed last.
  ///
  /// - Parameter step: the number of the step, 1 for the first.
  func update(_ plan: OptimizerPlan, learningRate: Double, step: Int, count: Int) {
    var step =
      switch plan {
      case .sgd(let momentum, let weightDecay, let nesterov): cs_step_sgd(learningRate, momentum, weightDecay, nesterov ? 1 : 0)
      case .adam(let weightDecay): cs_step_adam(learningRate, 0.9, 0.999, 1e-8, weightDecay, 0, Int64(step))
      case .adamW(let weightDecay): cs_step_adam(learningRate, 0.9, 0.999, 1e-8, weightDecay, 1, Int64(step))
      }
    let started = clock.now
    cs_chain_step(&chain, UInt32(count), &step)
    team.record(timeOfLoss + (clock.now - started))
    isAhead = true
  }

  /// Returns the gradients of the loss with respect to the factors of the step that was taken last; the next ones replace them.
  func gradientsOfFactors() -> [ParameterName: Tensor] {
    factorGradients.mapValues { layer, tensor, elements in
      cs_chain_factor_gradient(&chain, layer, elements)
      return tensor
    }
  }

  /// Returns loss and accuracy over a whole set.
  ///
  /// - Throws: `DatasetError` if the set is none of those that the engine was made for.
  func evaluate(_ panels: EvaluationPanels) throws -> Evaluation {
    let wasLent = isLent
    takeBack()
    // Code that was lent the tensors may still change them.
    isLent = wasLent
    if evaluationOutcomes.count < panels.count { evaluationOutcomes = Block(count: panels.count, repeating: cs_outcome()) }
    team.useAll()
    let outcome = try panels.set.withStoredExamples { examples in
      withExamples(examples) {
        cs_chain_evaluate(&chain, $0, panels.assembled(from: examples, by: kernels.pointee, values), evaluationOutcomes.pointer)
      }
    }
    return Evaluation(
      loss: (outcome?.loss ?? 0) / Double(max(panels.set.count, 1)), correct: Int(outcome?.correct ?? 0), count: panels.set.count)
  }
}
