internal import CTorch

// Copying elements in and out of tensors, and changing tensors in place.
extension Tensor {
  /// Returns a copy of the elements in row-major order.
  ///
  /// - Throws: ``TorchError`` if the tensor's element type is another one.
  public func array<Element: TensorElement>(_ type: Element.Type = Element.self) throws -> [Element] {
    guard elementType == Element.elementType else {
      throw TorchError("array: the tensor holds \(elementType.map(\.rawValue) ?? "another type"), not \(Element.elementType)")
    }
    let count = count
    return try [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      try checked(ct_tensor_copy_out(handle, buffer.baseAddress, buffer.count * MemoryLayout<Element>.stride))
      initialized = count
    }
  }

  /// Returns a copy of the elements' bytes in row-major order.
  public func bytes() throws -> [UInt8] {
    let size = byteCount
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      try checked(ct_tensor_copy_out(handle, buffer.baseAddress, size))
      initialized = size
    }
  }

  /// Calls `body` with the elements' bytes in row-major order, without a copy if the tensor is contiguous and on the CPU.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    guard device == .cpu, isContiguous, let data = ct_tensor_data(handle) else { return try bytes().withUnsafeBytes(body) }
    return try body(UnsafeRawBufferPointer(start: data, count: byteCount))
  }

  /// Returns the element of a tensor that has only one.
  public func item() throws -> Double {
    var value = 0.0
    try checked(ct_tensor_item(handle, &value))
    return value
  }

  /// Calls `body` with the elements in place, in storage order.
  ///
  /// - Throws: ``TorchError`` if the tensor's element type is another one, it has gaps, or it is not on the CPU.
  public func withElements<Element: TensorElement, Result>(
    _ type: Element.Type = Element.self, _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
  ) throws -> Result {
    guard elementType == Element.elementType, isContiguous || isChannelsLast, device == .cpu else {
      throw TorchError("withElements: needs dense \(Element.elementType) elements on the CPU")
    }
    // An empty tensor may have no storage.
    guard let data = ct_tensor_data(handle) else { return try body(UnsafeMutableBufferPointer(start: nil, count: 0)) }
    return try body(UnsafeMutableBufferPointer(start: data.assumingMemoryBound(to: Element.self), count: count))
  }

  /// Returns a copy with storage of its own, in the same memory layout.
  public func copied() throws -> Tensor { try checked(ct_tensor_clone(handle)) }

  /// Returns a tensor that shares this storage but is outside the gradient graph.
  public func detached() throws -> Tensor { try checked(ct_tensor_detach(handle)) }

  /// Returns this tensor if its elements are in row-major order already, or else a copy that is.
  public func contiguous() throws -> Tensor { try checked(ct_tensor_contiguous(handle)) }

  /// Returns this tensor if its memory order is batch, height, width, channels already, or else a copy that is. Rank 4 only.
  public func channelsLast() throws -> Tensor { try checked(ct_tensor_channels_last(handle)) }

  /// Returns the elements converted to another type.
  public func cast(to type: ElementType) throws -> Tensor { try checked(ct_tensor_to_type(handle, type.code)) }

  /// Returns the tensor on another device, this one if it is there already.
  public func moved(to device: Device) throws -> Tensor {
    device == self.device ? self : try checked(ct_tensor_to_device(handle, device.code))
  }

  /// Overwrites this tensor's elements with those of a tensor of the same shape; no gradient is recorded.
  public func copy(from source: Tensor) throws { try checked(ct_tensor_copy(handle, source.handle)) }

  /// Overwrites every element with one value.
  public func fill(_ value: Double) throws { try checked(ct_tensor_fill(handle, value)) }

  /// Overwrites the elements with draws from N(mean, deviation²).
  public func fillNormal(mean: Double = 0, deviation: Double = 1, generator: Generator) throws {
    try checked(ct_tensor_fill_normal(handle, mean, deviation, generator.handle))
  }

  /// Overwrites the elements with draws from U[low, high).
  public func fillUniform(low: Double = 0, high: Double = 1, generator: Generator) throws {
    try checked(ct_tensor_fill_uniform(handle, low, high, generator.handle))
  }

  /// Overwrites the elements with 1 at the given probability and 0 otherwise.
  public func fillBernoulli(_ probability: Double, generator: Generator) throws {
    try checked(ct_tensor_fill_bernoulli(handle, probability, generator.handle))
  }

  /// Adds scale·source in place; no gradient is recorded.
  public func accumulate(_ source: Tensor, scale: Double = 1) throws { try checked(ct_tensor_accumulate(handle, source.handle, scale)) }

  /// Multiplies by a factor in place, broadcasting; no gradient is recorded.
  public func scale(by factor: Tensor) throws { try checked(ct_tensor_scale(handle, factor.handle)) }

  /// Writes one value at flat row-major positions (`indices`, int64) of a contiguous tensor.
  public func fill(_ value: Double, at indices: Tensor) throws { try checked(ct_shape_fill_at(handle, indices.handle, value)) }
}
