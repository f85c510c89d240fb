internal import CTorch

/// The places of a convolution's kept weights, for kernels that pruned weights cost nothing, forwards and backwards.
public final class SparseFilters {
  let handle: OpaquePointer

  /// Takes note of the kept weights of a mask, `bool` and [outputs, inputs, kernel height, kernel width].
  ///
  /// - Parameter form: the code of a form of the kernels (`CSparse`).
  /// - Throws: ``TorchError`` if mask, numbers or form are impossible.
  public init(
    mask: Tensor, stride: (height: Int, width: Int) = (1, 1), padding: (height: Int, width: Int) = (0, 0),
    dilation: (height: Int, width: Int) = (1, 1), form: Int32
  ) throws {
    var (stride, padding, dilation) = (Pair(stride), Pair(padding), Pair(dilation))
    let handle = stride.withPointer { stride in
      padding.withPointer { padding in dilation.withPointer { ct_sparse_filters_new(mask.handle, stride, padding, $0, form) } }
    }
    guard let handle else { throw TorchError.last }
    self.handle = handle
  }

  deinit { ct_sparse_filters_free(handle) }
}

extension Tensor {
  /// Returns the convolution of [batch, inputs, height, width] with the kept weights of W alone; gradients of the others are exactly 0. The
  /// bits do not depend on the number of threads, but for the bias's gradient, which is libtorch's sum.
  ///
  /// - Throws: ``TorchError`` for values that are not float32 on the CPU, and for shapes that do not fit.
  public func convolution(_ weight: Tensor, _ bias: Tensor?, keeping filters: SparseFilters) throws -> Tensor {
    try checked(ct_layer_sparse_convolution(handle, weight.handle, bias?.handle, filters.handle))
  }
}
