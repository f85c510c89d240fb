/// Knowledge distillation: a network learns from the outputs of a teacher, and from the labels besides (Hinton, Vinyals & Dean,
/// *Distilling the Knowledge in a Neural Network*, 2015).
///
/// Its features can teach besides, by the maps of where they are large (Zagoruyko & Komodakis 2017).
///
/// The loss of a step is (1 − w)·CE(labels) + w·T²·KL(softmax(t/T) ‖ softmax(s/T)), the mean over the batch, with the student's logits s
/// and the teacher's t. The factor T² keeps gradients of the second part as large as those of the first whatever T is. The teacher
/// evaluates each batch as in use: by its running statistics, without dropout, and without gradients.
public struct Distillation: Codable, Hashable, Sendable {
  /// T, by which logits are divided; the higher, the more the order of the wrong classes counts.
  public var temperature: Double
  /// w, the share of the teacher in the loss, in 0 < w ≤ 1; at 1 labels are not looked at. nil for 0.9, and for 1 where there are none.
  public var weight: Double?
  /// β, the weight of attention transfer, which is added to the loss: β·Σ mean((s − t)²) over the maps of attention of the last node of each
  /// size that images have in both networks; nil for none. The paper's is 1,000.
  public var features: Double?
  /// Path of the teacher's model file or ONNX model; nil for the network itself as it is before the first removal.
  public var teacher: String?

  /// Creates a distillation; every parameter sets the property of the same name.
  public init(temperature: Double = 4, weight: Double? = nil, features: Double? = nil, teacher: String? = nil) {
    self.temperature = temperature
    self.weight = weight
    self.features = features
    self.teacher = teacher
  }

  /// Returns w for examples with labels or without.
  public func share(hasLabels: Bool) -> Double { weight ?? (hasLabels ? 0.9 : 1) }

  /// Checks the numbers, which a recipe may have from anyone.
  ///
  /// - Throws: ``PlanError`` that says what is possible.
  func validate() throws {
    // T² and 1/T must be float32 numbers, too.
    guard (1e-3...1e6).contains(temperature) else {
      throw PlanError("a distillation temperature of \(temperature) is impossible: give 0.001 to 1000000, e.g. 4")
    }
    if let weight, !(weight > 0 && weight <= 1 && weight.fitsFloat32) {
      throw PlanError("a distillation weight of \(weight) is impossible: give a number above 0, up to 1")
    }
    if let features, !(features > 0 && features.isFinite && features.fitsFloat32) {
      throw PlanError("a weight of features of \(features) is impossible: give a number above 0, e.g. 1000")
    }
  }
}
