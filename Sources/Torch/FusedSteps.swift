internal import CTorch

/// The parameters, moments and masks of one optimizer, with their handles laid out for C in advance, so that a step allocates nothing.
///
/// A step reads each parameter's accumulated gradient, updates parameter and moments in a single pass, holds masked elements and their
/// moments at exactly 0, and clears the gradient. Supports float32 and float64 on the CPU.
public final class FusedParameters {
  /// The parameters that a step updates; `moments` and `masks` are in the same order.
  public let parameters: [Tensor]
  /// One list of tensors per moment (SGD: velocity; Adam: first and second), initially zero, each in its parameter's memory layout.
  public let moments: [[Tensor]]
  /// Masks (`bool`, in their parameter's memory layout), false where an element is held at 0; nil where nothing is masked.
  public private(set) var masks: [Tensor?]

  private let parameterHandles: [OpaquePointer?]
  private let momentHandles: [[OpaquePointer?]]
  private var maskHandles: [OpaquePointer?]

  /// Creates zero moments for the given parameters.
  ///
  /// - Parameter moments: the number of moments per parameter: 1 for SGD, 2 for Adam.
  public init(_ parameters: [Tensor], moments count: Int) throws {
    self.parameters = parameters
    moments = try (0..<count).map { _ in try parameters.map { try $0.detached().zerosLike() } }
    masks = Array(repeating: nil, count: parameters.count)
    parameterHandles = parameters.map { $0.handle }
    momentHandles = moments.map { $0.map { $0.handle } }
    maskHandles = Array(repeating: nil, count: parameters.count)
  }

  /// Sets the mask of parameter `index`: from now on its elements where the mask is false, and their moments, are exactly 0; nil removes
  /// the mask.
  ///
  /// - Throws: ``TorchError`` unless the mask is `bool` and of the parameter's shape.
  public func setMask(_ mask: Tensor?, at index: Int) throws {
    let parameter = parameters[index]
    if let mask {
      guard mask.elementType == .bool, mask.shape == parameter.shape else {
        throw TorchError("set_mask: a mask is of bool and of its parameter's shape \(parameter.shape), not \(mask.shape)")
      }
      // The kernel walks storage, so the mask must be stored in the parameter's order.
      let laidOut = try parameter.detached().fullLike(0, type: .bool)
      try laidOut.copy(from: mask)
      masks[index] = laidOut
      maskHandles[index] = laidOut.handle
      var tensors: [OpaquePointer?] = [parameter.handle] + moments.map { $0[index].handle }
      var repeated = [OpaquePointer?](repeating: laidOut.handle, count: tensors.count)
      try checked(ct_optimizer_apply_masks(&tensors, &repeated, Int32(tensors.count)))
    } else {
      masks[index] = nil
      maskHandles[index] = nil
    }
  }

  /// Takes a step of SGD in PyTorch's form: v ← μv + g + λw; w ← w − η·v, or with Nesterov momentum w ← w − η·(g + λw + μv).
  public func stepSGD(learningRate: Double, momentum: Double = 0, weightDecay: Double = 0, nesterov: Bool = false) throws {
    var options = ct_sgd_options(
      learning_rate: learningRate, momentum: momentum, weight_decay: weightDecay, nesterov: nesterov ? 1 : 0)
    guard let velocities = momentHandles.first else { throw TorchError("sgd_step: needs one moment per parameter, has none") }
    try checked(
      ct_optimizer_sgd_step(parameterHandles, velocities, maskHandles, Int32(parameterHandles.count), &options))
  }

  /// Takes a step of Adam (Kingma & Ba 2015) with bias correction; `decoupled` selects AdamW's weight decay (Loshchilov & Hutter 2019).
  ///
  /// - Parameter step: the number of this step, 1 for the first.
  public func stepAdam(
    learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0,
    decoupled: Bool = false, step: Int
  ) throws {
    guard momentHandles.count > 1 else {
      throw TorchError("adam_step: needs two moments per parameter, has \(momentHandles.count)")
    }
    var options = ct_adam_options(
      learning_rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weight_decay: weightDecay,
      decoupled: decoupled ? 1 : 0, step: Int64(step))
    try checked(
      ct_optimizer_adam_step(
        parameterHandles, momentHandles[0], momentHandles[1], maskHandles, Int32(parameterHandles.count), &options))
  }
}
