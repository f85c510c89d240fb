internal import Torch

// Masks are `bool` tensors; true stands for "is in the set".
extension Tensor {
  /// Returns the elements in both sets.
  func intersection(_ other: Tensor) throws -> Tensor { try select(other, else: self) }
  /// Returns the elements in either set.
  func union(_ other: Tensor) throws -> Tensor { try select(self, else: other) }
  /// Returns the elements in this set only.
  func subtracting(_ other: Tensor) throws -> Tensor { try intersection(other.logicalNot()) }
  /// Returns the number of elements in the set.
  func memberCount() throws -> Int { Int(try sum().item()) }

  /// Returns the `count` elements of a set with the lowest scores, of equal ones those with the lower row-major index; on the
  /// set's device.
  ///
  /// - Throws: ``PruningError/notANumber(layer:criterion:)``.
  func lowest(_ count: Int, in set: Tensor, layer: String) throws -> Tensor {
    let scored = try ScoredLayer(name: layer, scores: moved(to: .cpu), kept: set.moved(to: .cpu))
    let rest = try Selection(.count(count), of: [scored], rule: SelectionRule(.layer)).layers.first?.kept
    guard let rest else { throw PruningError.mismatch("\(layer): nothing could be chosen") }
    return try set.subtracting(rest.moved(to: set.device))
  }

  /// Returns the `count` elements of a set with the highest scores, of equal ones those with the lower row-major index.
  ///
  /// - Throws: ``PruningError/notANumber(layer:criterion:)``.
  func highest(_ count: Int, in set: Tensor, layer: String) throws -> Tensor { try (-self).lowest(count, in: set, layer: layer) }
}
