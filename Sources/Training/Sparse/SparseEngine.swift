internal import CSparse
internal import Datasets
internal import Networks
internal import Torch

/// Number of examples in a panel.
let panelSize = CS_PANEL

/// Trains and evaluates a fully connected network with its kept weights only.
///
/// A batch is processed in panels of 64 examples, feature by feature, with all layers in compressed rows, dense ones too: at these sizes
/// that is no slower than libtorch's products. Weights and moments live here; ``lend()`` writes them to the tensors of model and
/// optimizer when other code asks for those and may change them, and the next use reads them again.
///
/// Units that no living unit reads are left out where that is exact, and inputs that no weight reads are never fetched. Everything runs
/// on the calling thread, with denormals flushed to 0.
final class SparseEngine {
  private let kernels: cs_kernels
  private let parameters: SparseParameters
  /// Values of a panel: the inputs, then the outputs of each layer.
  private let activations: [Block<Float>]
  /// Gradients of the loss with respect to the outputs of each layer.
  private let deltas: [Block<Float>]
  private let byteValues: Block<Float>
  private let imageSize: Int
  private let area: Int
  private let classes: UInt32
  private var isLent = false
  private var isAhead = false

  /// Creates an engine for a model; nil if the kernels cannot run it, or if it is too dense for them to pay.
  ///
  /// - Parameters:
  ///   - optimizer: the optimizer whose moments the engine takes over.
  ///   - evaluated: further sets that will be evaluated.
  init?(_ policy: SparseTraining, model: Model, optimizer: Optimizer, data: TrainingData, evaluated: [ImageSet]) throws {
    let images = data.training
    guard policy.choice != .never, let form = policy.form ?? KernelForm.available.last, let kernels = form.kernels,
      let chain = FullyConnectedChain(model.network), let inputs = chain.widths.first, let classes = chain.widths.last,
      images.imageSize == inputs,
      // The value of a byte depends on its channel, so on the height and width of the training images.
      ([images] + evaluated).allSatisfy({ $0.imageShape == images.imageShape && $0.classes <= classes }),
      model.tensors.values.allSatisfy({ $0.device == .cpu && $0.elementType == .float32 })
    else { return nil }
    if policy.choice == .automatic, try chain.density(model.masks) > form.crossover / Double(max(TorchRuntime.threads, 1)) { return nil }
    self.kernels = kernels
    parameters = try SparseParameters(chain, model: model, optimizer: optimizer)
    activations = chain.widths.map { Block(count: $0 * panelSize, repeating: 0) }
    deltas = chain.widths.dropFirst().map { Block(count: $0 * panelSize, repeating: 0) }
    self.classes = UInt32(classes)
    byteValues = Block(try images.byteValues(data.normalization), padding: 0)
    imageSize = images.imageSize
    area = images.height * images.width
  }

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

  private func flushingDenormals<Result>(_ body: () throws -> Result) rethrows -> Result {
    let mode = cs_denormals_flush()
    defer { cs_denormals_restore(mode) }
    return try body()
  }

  /// Computes the gradients of a batch and returns its mean loss.
  func differentiate(_ examples: StoredExamples, labelSmoothing: Double) -> Double {
    takeBack()
    return flushingDenormals {
      var loss = 0.0
      for start in stride(from: 0, to: examples.count, by: panelSize) {
        let count = min(panelSize, examples.count - start)
        gather(examples, from: start, count: count)
        let logits = forward(activations[0].pointer)
        guard let labels = examples.labels.baseAddress, let delta = deltas.last else { continue }
        loss +=
          kernels.cross_entropy(
            logits, classes, labels + start, UInt32(count), labelSmoothing, 1 / Double(examples.count), delta.pointer
          ).loss
        backward(accumulate: start > 0)
      }
      return loss / Double(max(examples.count, 1))
    }
  }

  /// Updates the weights by the gradients that ``differentiate(_:labelSmoothing:)`` left.
  ///
  /// - Parameter step: the number of the step, 1 for the first.
  func update(_ plan: OptimizerPlan, learningRate: Double, step: Int) {
    flushingDenormals {
      let (weights, gradient, moments) = (parameters.weights, parameters.gradient, parameters.moments)
      switch plan {
      case .sgd(let momentum, let weightDecay, let nesterov):
        var options = cs_sgd_options(
          learning_rate: learningRate, momentum: momentum, weight_decay: weightDecay, nesterov: nesterov ? 1 : 0)
        kernels.sgd(weights.pointer, gradient.pointer, moments[0].pointer, weights.count, &options)
      case .adam(let weightDecay), .adamW(let weightDecay):
        var decoupled: Int32 = 0
        if case .adamW = plan { decoupled = 1 }
        var options = cs_adam_options(
          learning_rate: learningRate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: weightDecay, decoupled: decoupled,
          step: Int64(step))
        kernels.adam(weights.pointer, gradient.pointer, moments[0].pointer, moments[1].pointer, weights.count, &options)
      }
    }
    isAhead = true
  }

  /// Returns loss and accuracy over a whole set.
  func evaluate(_ panels: EvaluationPanels) -> Evaluation {
    let wasLent = isLent
    takeBack()
    // Code that was lent the tensors may still change them.
    isLent = wasLent
    return flushingDenormals {
      var (loss, correct) = (0.0, 0)
      panels.set.withStoredExamples { examples in
        for start in stride(from: 0, to: examples.count, by: panelSize) {
          let count = min(panelSize, examples.count - start)
          let inputs: UnsafeMutablePointer<Float>
          if let kept = panels.panel(start / panelSize, assembledBy: kernels, byteValues.pointer) {
            inputs = kept
          } else {
            gather(examples, from: start, count: count)
            inputs = activations[0].pointer
          }
          let logits = forward(inputs)
          guard let labels = examples.labels.baseAddress else { continue }
          let outcome = kernels.cross_entropy(logits, classes, labels + start, UInt32(count), 0, 1, nil)
          loss += outcome.loss
          correct += Int(outcome.correct)
        }
      }
      return Evaluation(loss: loss / Double(max(panels.set.count, 1)), correct: correct, count: panels.set.count)
    }
  }

  private func gather(_ examples: StoredExamples, from start: Int, count: Int) {
    guard let images = examples.images.baseAddress, let positions = examples.positions.baseAddress, let first = parameters.layers.first
    else { return }
    kernels.gather(
      images, imageSize, positions + start, UInt32(count), first.structure.layout.columns, first.structure.layout.column_count, area,
      byteValues.pointer, activations[0].pointer)
  }

  private func forward(_ inputs: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
    var x = inputs
    for (k, layer) in parameters.layers.enumerated() {
      let y = activations[k + 1].pointer
      var layout = layer.structure.layout
      let isHidden = k + 1 < parameters.layers.count
      kernels.forward(
        &layout, parameters.weights.pointer + layer.values, layer.bias.map { UnsafePointer(parameters.weights.pointer + $0) }, x, y,
        isHidden ? 1 : 0)
      x = y
    }
    return x
  }

  private func backward(accumulate: Bool) {
    for (k, layer) in parameters.layers.enumerated().reversed() {
      var layout = layer.structure.layout
      let (x, dy, add): (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, Int32) = (
        activations[k].pointer, deltas[k].pointer, accumulate ? 1 : 0
      )
      kernels.weight_gradient(&layout, dy, x, parameters.gradient.pointer + layer.values, add)
      if let bias = layer.bias {
        kernels.bias_gradient(layer.biasRows.pointer, UInt32(layer.biasRows.count), dy, parameters.gradient.pointer + bias, add)
      }
      if k > 0 { kernels.input_gradient(&layout, parameters.weights.pointer + layer.values, dy, x, deltas[k - 1].pointer) }
    }
  }
}

extension FullyConnectedChain {
  /// Returns the fraction of the chain's weights that the masks keep.
  fileprivate func density(_ masks: [ParameterName: Tensor]) throws -> Double {
    var (kept, all) = (0, 0)
    for layer in layers {
      let count = layer.linear.inputs * layer.linear.outputs
      all += count
      kept += try masks[ParameterName(layer.module, .weight)]?.nonZeroCount() ?? count
    }
    return all == 0 ? 1 : Double(kept) / Double(all)
  }
}
