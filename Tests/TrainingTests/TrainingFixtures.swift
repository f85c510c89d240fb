import Datasets
import Networks
import Torch
import Training

/// Noise, and a brighter pixel that tells the class: something that small networks learn in a few steps.
func learnableImages(_ count: Int, channels: Int = 1, side: Int, classes: Int, seed: UInt64) throws -> ExampleSet {
  var random = SeededGenerator(seed: seed)
  let area = side * side
  var bytes = (0..<(count * channels * area)).map { _ in UInt8(random.next() % 128) }
  let labels = (0..<count).map { _ in Int64(random.next() % UInt64(classes)) }
  for (example, label) in labels.enumerated() {
    for channel in 0..<channels { bytes[(example * channels + channel) * area + Int(label) * (area / classes)] = 255 }
  }
  return try ExampleSet(
    bytes: bytes, labels: labels, channels: channels, height: side, width: side, classNames: (0..<classes).map { "class \($0)" })
}

/// 50 training, 24 validation and 24 test images: with batches of 8, an epoch of 6 steps.
func learnableData(channels: Int = 1, side: Int, classes: Int) throws -> TrainingData {
  func images(_ count: Int, _ seed: UInt64) throws -> ExampleSet {
    try learnableImages(count, channels: channels, side: side, classes: classes, seed: seed)
  }
  return TrainingData(
    training: try images(50, 1), validation: try images(24, 2), test: try images(24, 3),
    normalization: Normalization(mean: Array(repeating: 0.3, count: channels), deviation: Array(repeating: 0.25, count: channels)),
    augmentation: Augmentation(padding: 1, mirrors: true))
}

/// 16 → 12 → 4 with dropout.
func perceptron(dropout: Double = 0.5) throws -> Network {
  var builder = NetworkBuilder("perceptron", input: .image(channels: 1, height: 4, width: 4))
  builder.flatten()
  builder.linear("fc1", 12)
  builder.relu()
  if dropout > 0 { builder.dropout(dropout) }
  builder.linear("fc2", 4)
  return try builder.network()
}

/// Two convolutions with batch norm, then a linear layer, on 3×8×8 images.
func convolutional() throws -> Network {
  var builder = NetworkBuilder("convolutional", input: .image(channels: 3, height: 8, width: 8))
  builder.convolution("conv1", 6, kernel: 3, padding: 1, bias: false)
  builder.batchNorm("bn1")
  builder.relu("relu1")
  builder.maxPool(2)
  builder.convolution("conv2", 5, kernel: 3, padding: 1)
  builder.batchNorm("bn2")
  builder.relu("relu2")
  builder.maxPool(2)
  builder.flatten()
  builder.linear("fc", 4)
  return try builder.network()
}

/// Everything that training leaves, bit by bit.
struct Bits: Equatable {
  var tensors: [String: [UInt8]] = [:]
  var moments: [String: [UInt8]] = [:]
  var masks: [String: [UInt8]] = [:]
  var hooks: [String: [UInt8]] = [:]
  var dropout: [UInt8]
  var steps: [Int]
  var log: TrainingLog
  var network: Network

  init(_ trainer: Trainer) throws {
    let state = try trainer.state()
    for (name, tensor) in trainer.model.tensors { tensors[name.description] = try tensor.detached().bytes() }
    for (name, mask) in trainer.model.masks { masks[name.description] = try mask.bytes() }
    for (name, list) in state.optimizer.moments {
      for (k, moment) in list.enumerated() { moments["\(k).\(name)"] = try moment.bytes() }
    }
    for (hook, values) in state.hooks { for (key, value) in values { hooks["\(hook).\(key)"] = try value.bytes() } }
    dropout = try state.dropout.bytes()
    steps = [state.iteration, state.optimizer.stepCount]
    log = state.log
    network = trainer.model.network
  }

  /// The parts that differ, for messages: the bytes themselves say nothing.
  func differences(from other: Bits) -> [String] {
    var found: [String] = []
    for (part, a, b) in [
      ("tensor", tensors, other.tensors), ("moment", moments, other.moments), ("mask", masks, other.masks), ("hook", hooks, other.hooks),
    ] {
      for key in Set(a.keys).union(b.keys).sorted() where a[key] != b[key] { found.append("\(part) \(key)") }
    }
    if dropout != other.dropout { found.append("dropout stream") }
    if steps != other.steps { found.append("steps \(steps) and \(other.steps)") }
    if log != other.log { found.append("log") }
    if network != other.network { found.append("network") }
    return found
  }
}

/// A hook made of closures.
final class Watcher: TrainingHook {
  let name: String
  var observedNodes: Set<String> = []
  var onObserve: (Tensor, String) throws -> Void = { _, _ in }
  var onGradients: (Trainer) throws -> Void = { _ in }
  var onStep: (Trainer) throws -> Void = { _ in }
  var onFinish: (Trainer) throws -> Void = { _ in }
  var isAside: (Trainer) -> Bool = { _ in false }
  var onRestore: ([String: Tensor]) throws -> Void = { _ in }
  var kept: [String: Tensor] = [:]

  init(_ name: String = "watcher") { self.name = name }

  func observe(_ value: Tensor, of node: String) throws { try onObserve(value, node) }
  func didComputeGradients(_ trainer: Trainer) throws { try onGradients(trainer) }
  func didStep(_ trainer: Trainer) throws { try onStep(trainer) }
  func didFinishStep(_ trainer: Trainer) throws { try onFinish(trainer) }
  func trainsAside(_ trainer: Trainer) -> Bool { isAside(trainer) }
  func state() throws -> [String: Tensor] { kept }
  func restore(_ state: [String: Tensor]) throws {
    try onRestore(state)
    kept = state
  }
}

/// Runs `body` with this many threads of libtorch's; the number belongs to the calling thread.
func withThreads<Result>(_ threads: Int = 1, _ body: () throws -> Result) throws -> Result {
  // libtorch gives a thread that asks for the first time the number that any thread set last: ask before setting it.
  _ = TorchRuntime.threads
  try TorchRuntime.configure(threads: threads)
  return try body()
}
