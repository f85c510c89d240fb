internal import Datasets
internal import Networks
public import Results
internal import Torch
public import Training

/// The end of a run: measures how flat the loss is around the final weights, and how well they do on the training examples (Bartoldson et
/// al. 2020). It changes nothing.
///
/// On a subset of the training examples, balanced over the classes and determined by the seed, in evaluation mode and without augmentation.
/// Directions are drawn on the CPU by a stream of their own: the same seed gives the same bits. Cost on n examples, in passes over them:
/// about 4 for each Lanczos step, 2 for each of Hutchinson's probes, 1 for each draw of noise, and one backward pass for each example.
public struct MeasureFlatness: Stage {
  /// Name of the kind in recipes, `measure-flatness`.
  public static let name = "measure-flatness"
  /// The measurement.
  public static let outcomes: [any StageOutcome.Type] = [MeasuredFlatness.self]
  /// Number of training examples; all if there are fewer.
  public var examples: Int
  /// Number of Hutchinson's vectors of random signs.
  public var probes: Int
  /// Number of the largest eigenvalues.
  public var eigenvalues: Int
  /// Standard deviation of the noise, as a multiple of the root mean square of the tensor that it is added to: noise that, like the loss,
  /// does not depend on how weights before a batch norm are scaled.
  public var noise: Double
  /// Number of draws of noise.
  public var draws: Int
  /// Seed of the subset and of all directions.
  public var seed: UInt64

  /// Largest relative residual at which Lanczos' method stops, of which the error of a value is about the square; and the number of steps
  /// after which it stops in any case.
  static let (tolerance, mostSteps) = (1e-2, 50)
  /// Number of vectors that are multiplied by the Hessian at once.
  private static let atOnce = 10

  /// Creates a measurement; every parameter sets the property of the same name, `examples` to 1000 if it is nil.
  public init(
    examples: Int? = nil, probes: Int = 50, eigenvalues: Int = 5, noise: Double = 0.1, draws: Int = 20, seed: UInt64 = 0
  ) {
    self.examples = examples ?? 1000
    self.probes = probes
    self.eigenvalues = eigenvalues
    self.noise = noise
    self.draws = draws
    self.seed = seed
  }

  /// Checks the numbers, which a recipe may have from anyone.
  ///
  /// - Throws: `PlanError` that says what is possible.
  func validate() throws {
    guard (2...10_000_000).contains(examples) else {
      throw PlanError("--flatness-examples \(examples) is impossible: give 2 to 10000000")
    }
    guard (1...100_000).contains(probes), (0...1000).contains(eigenvalues), (1...100_000).contains(draws), noise > 0, noise.isFinite else {
      throw PlanError(
        "a flatness of \(probes) probes, \(eigenvalues) eigenvalues and \(draws) draws of noise \(noise) is impossible")
    }
  }

  /// The passes over the examples, as a training with as many moments as vectors are kept: those of Lanczos' steps.
  func work(of images: Int) -> NetworkWork {
    // The graph of a gradient holds about as much again as that of the loss, and so does its backward pass.
    .examination(batch: 3 * min(TrainingData.exampleBatchSize, examples, images), moments: Self.mostSteps)
  }

  /// - Throws: `PlanError` without training images.
  public func check(on model: Model, _ data: TrainingData?) throws {
    guard data != nil else { throw PlanError("--flatness needs training images: give --dataset") }
  }

  /// Measures and keeps the result for the row.
  public func carryOut(in run: Runner) throws {
    guard let data = run.data else { return }
    let batches = try data.examples(examples, seed: seed, channelsLast: false)
    run.note("measuring the flatness of the loss on \(Format.count(batches.set.count)) training examples")
    let training = try run.evaluate(run.model, on: data.training, of: data)
    let surface = try LossSurface(run.model.moved(to: run.options.device), on: batches)
    run.state[MeasuredFlatness.self] = MeasuredFlatness(flatness: try measure(surface, training: Accuracy(training, iteration: nil)))
  }

  private func measure(_ surface: LossSurface, training: Accuracy) throws -> Flatness {
    let stream = try Generator(seed: SeedPurpose.flatness.seed(from: seed))
    var traces: [Double] = []
    while traces.count < probes {
      let signs = try (0..<min(Self.atOnce, probes - traces.count)).map { _ in try surface.randomSigns(stream) }
      for (product, sign) in zip(try surface.hessianProducts(signs), signs) { traces.append(try (product * sign).sum().item()) }
    }
    let top = try Lanczos(
      eigenvalues, from: surface.randomNormal(stream), tolerance: Self.tolerance, most: min(Self.mostSteps, surface.parameters),
      product: surface.hessianProduct)
    let loss = try surface.loss()
    let rises = try (0..<draws).map { _ in
      try surface.loss(movedBy: surface.scaledByTensors(surface.randomNormal(stream)) * noise) - loss
    }
    guard let trace = SampledMean(traces), let rise = SampledMean(rises) else { throw PlanError("a flatness needs probes and draws") }
    return Flatness(
      training: training, examples: surface.examples, parameters: surface.parameters, loss: loss, hessianTrace: trace,
      eigenvalues: top.values, eigenvalueResidual: top.residual, gradientCovariance: try surface.gradientCovariance(), lossRise: rise,
      noise: noise)
  }
}

/// The result of ``MeasureFlatness``.
public struct MeasuredFlatness: StageOutcome {
  /// Key of the outcome in checkpoints, `flatness`.
  public static let key = "flatness"
  /// The measurement.
  public var flatness: Flatness

  /// Sets ``Results/RunRecord/flatness``.
  public func fill(_ row: inout RunRecord, of run: Runner) { row.flatness = flatness }
}
