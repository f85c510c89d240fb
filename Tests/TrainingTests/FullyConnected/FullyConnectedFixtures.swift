import Datasets
import Networks
import Torch
import Training

/// 36 → 20 → 12 → 4, fully connected, with random masks of this density on every weight.
func sparsePerceptron(density: Double, seed: UInt64, bias: Bool = true) throws -> Model {
  var builder = NetworkBuilder("perceptron", input: .image(channels: 1, height: 6, width: 6))
  builder.flatten()
  builder.linear("fc1", 20, bias: bias)
  builder.relu()
  builder.linear("fc2", 12, bias: bias)
  builder.relu()
  builder.linear("fc3", 4, bias: bias)
  var model = try Model(builder.network(), seed: seed)
  // Draws of another seed than the weights': the same ones would keep each layer's most negative weights, and nothing would train.
  model.masks = try randomMasks(model, density: density, seed: seed &+ 1000)
  return model
}

func randomMasks(_ model: Model, density: Double, seed: UInt64) throws -> [ParameterName: Tensor] {
  let generator = try Generator(seed: seed)
  var masks: [ParameterName: Tensor] = [:]
  for name in model.network.prunableWeights {
    let draw = try Tensor.uniform(model.tensor(name).shape, generator: generator)
    masks[name] = try Tensor(draw.array(Float.self).map { Double($0) < density }, shape: draw.shape)
  }
  return masks
}

/// 150 training, 70 validation and 24 test images.
func sparseData() throws -> TrainingData {
  func images(_ count: Int, _ seed: UInt64) throws -> ExampleSet { try learnableImages(count, side: 6, classes: 4, seed: seed) }
  return TrainingData(
    training: try images(150, 1), validation: try images(70, 2), test: try images(24, 3),
    normalization: Normalization(mean: [0.3], deviation: [0.25]))
}

func sparsePlan(
  _ optimizer: OptimizerPlan = .adam(), batchSize: Int = 24, steps: Int = 14, labelSmoothing: Double = 0
) -> TrainingPlan {
  TrainingPlan(
    length: .iterations(steps), batchSize: batchSize, optimizer: optimizer, learningRate: LearningRateSchedule(base: 0.01),
    evaluateEvery: .iterations(4), labelSmoothing: labelSmoothing, seed: 5)
}

/// A hook that needs no gradients.
final class Bystander: TrainingHook {
  let name = "bystander"
  let needsGradients = false
  var observedNodes: Set<String> = []
  var onStep: (Trainer) throws -> Void = { _ in }
  var onFinish: (Trainer) throws -> Void = { _ in }
  func didStep(_ trainer: Trainer) throws { try onStep(trainer) }
  func didFinishStep(_ trainer: Trainer) throws { try onFinish(trainer) }
}
