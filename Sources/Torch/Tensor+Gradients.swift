internal import CTorch

extension Tensor {
  /// Sets whether gradients are accumulated in this tensor, which must be a leaf of the graph.
  public func requireGradient(_ required: Bool = true) throws { try checked(ct_gradient_require(handle, required ? 1 : 0)) }

  /// Whether operations on this tensor are recorded for gradients.
  public var requiresGradient: Bool { ct_gradient_is_required(handle) != 0 }

  /// The gradient accumulated by ``backward(retainGraph:)``; nil if there is none.
  public var gradient: Tensor? { ct_gradient_get(handle).map(Tensor.init(owning:)) }

  /// Discards the accumulated gradient.
  public func clearGradient() throws { try checked(ct_gradient_clear(handle)) }

  /// Makes a tensor, shared and not copied, the accumulated gradient, so that what was computed for one leaf can serve another.
  ///
  /// - Throws: ``TorchError`` if the shapes differ.
  public func adoptGradient(_ gradient: Tensor) throws { try checked(ct_gradient_adopt(handle, gradient.handle)) }

  /// Adds d(this scalar)/d(leaf) to the gradient of every leaf that requires one; one backward pass.
  public func backward(retainGraph: Bool = false) throws { try checked(ct_gradient_backward(handle, retainGraph ? 1 : 0)) }

  /// Returns d(Σ outputs·seeds)/d(inputs) without touching accumulated gradients; one backward pass.
  ///
  /// - Parameters:
  ///   - seeds: one tensor of its shape per output; nil means ones, for scalar outputs.
  ///   - createGraph: whether the gradients can themselves be differentiated (second order); implies `retainGraph`.
  /// - Returns: one gradient per input; nil where the outputs do not depend on it.
  public static func gradients(
    of outputs: [Tensor], seeds: [Tensor]? = nil, by inputs: [Tensor], retainGraph: Bool = false, createGraph: Bool = false
  ) throws -> [Tensor?] {
    var found = [OpaquePointer?](repeating: nil, count: inputs.count)
    let outputHandles = outputs.map { Optional($0.handle) }
    let seedHandles = seeds?.map { Optional($0.handle) }
    let inputHandles = inputs.map { Optional($0.handle) }
    if let seeds, seeds.count != outputs.count {
      throw TorchError("gradient: \(outputs.count) outputs need as many seeds, not \(seeds.count)")
    }
    let status = outputHandles.withUnsafeBufferPointer { outputs in
      inputHandles.withUnsafeBufferPointer { inputs in
        func call(_ seeds: UnsafePointer<OpaquePointer?>?) -> Int32 {
          ct_gradient_of(
            outputs.baseAddress, Int32(outputs.count), seeds, inputs.baseAddress, Int32(inputs.count),
            retainGraph || createGraph ? 1 : 0, createGraph ? 1 : 0, &found)
        }
        guard let seedHandles else { return call(nil) }
        return seedHandles.withUnsafeBufferPointer { call($0.baseAddress) }
      }
    }
    try checked(status)
    return found.map { $0.map(Tensor.init(owning:)) }
  }
}
